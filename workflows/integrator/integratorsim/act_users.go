package integratorsim

import (
	"fmt"
	"slices"
	"strings"
)

// administers says why who acts may not change users: only the owner and administrators may.
func (x *scene) administers() error {
	if h := x.env.shareOf(x.by); x.by != x.acct.Owner && (h == nil || h.AccessLevel != "administrator") {
		return fmt.Errorf("%s is no administrator and may not change users", x.by.Email)
	}
	return nil
}

// administered is the user that an administrator changes.
func (x *scene) administered() (*share, error) {
	h, err := x.user()
	if err == nil {
		err = x.administers()
	}
	return h, err
}

// actAddUser adds somebody behind the bot's back; with status pending the invitation's mail goes out.
func (x *scene) actAddUser() (Result, error) {
	if !validEmail(x.Email) {
		return Result{}, fmt.Errorf("%q is not an e-mail address", x.Email)
	}
	if err := x.checkRole(); err != nil {
		return Result{}, err
	}
	if p := x.s.world.personByEmail(x.Email); p != nil && (p == x.acct.Owner || x.env.shareOf(p) != nil) {
		return Result{}, fmt.Errorf("%s has access already", x.Email)
	}
	if !slices.Contains([]string{"", "accepted", "pending", "dismissed", "disabled"}, x.Status) {
		return Result{}, fmt.Errorf("status %q is not accepted, pending, dismissed or disabled", x.Status)
	}
	if x.administers() != nil {
		if err := x.invitesAnyway(); err != nil {
			return Result{}, err
		}
	}
	h := x.s.addUser(x.acct, x.env, User{Email: x.Email, Name: x.Name, Role: x.Role, Integrations: x.Integrations,
		Status: x.Status})
	if x.Status == "pending" {
		x.s.mailInvitation(x.acct, h, x.by)
	}
	x.userAudit(h, "create", born(h)...)
	return Result{ID: h.ID}, nil
}

// invitesAnyway is for who is no administrator: they may invite to integrations of their own, and
// the invitation has to be accepted.
func (x *scene) invitesAnyway() error {
	level := x.Role
	if level == "custom" {
		level = ""
	}
	if !x.acct.mayInvite(x.env.shareOf(x.by), level, x.Integrations) {
		return fmt.Errorf("%s is no administrator, and may invite only with the role custom and to integrations of their own", x.by.Email)
	}
	if x.Status == "" {
		x.Status = "pending"
	}
	return nil
}

func (x *scene) userAudit(h *share, event string, changes ...fieldChange) {
	x.s.auditUser(x.acct, x.env, h, "ui", event, x.by, x.s.opts.Now(), changes...)
}

func (x *scene) checkRole() error {
	if !slices.Contains([]string{"administrator", "manage", "monitor", "custom"}, x.Role) {
		return fmt.Errorf("role %q is not administrator, manage, monitor or custom", x.Role)
	}
	for _, g := range x.Integrations {
		if x.env.find("integrations", g.IntegrationID) == nil ||
			(g.AccessLevel != "manage" && g.AccessLevel != "monitor") {
			return fmt.Errorf("%+v names no integration with manage or monitor: %w", g, errNoSuch)
		}
	}
	return nil
}

func (x *scene) changeRole() (Result, error) {
	h, err := x.administered()
	if err != nil {
		return Result{}, err
	}
	if err := x.checkRole(); err != nil {
		return Result{}, err
	}
	was := *h
	h.setRole(x.Role, x.Integrations)
	h.Modified = x.s.opts.Now()
	x.userAudit(h, "update", shareChanges(was, *h)...)
	return Result{ID: h.ID}, nil
}

// reinvite sends an invitation again, as the page's button does.
func (x *scene) reinvite() (Result, error) {
	h, err := x.administered()
	if err != nil {
		return Result{}, err
	}
	if h.Accepted {
		return Result{}, fmt.Errorf("%s has already accepted", x.Email)
	}
	x.s.inviteAgain(x.acct, x.env, h, "ui", x.by, x.s.opts.Now())
	return Result{ID: h.ID}, nil
}

func (x *scene) removeUser() (Result, error) {
	h, err := x.administered()
	if err != nil {
		return Result{}, err
	}
	x.env.Shares = slices.DeleteFunc(x.env.Shares, func(y *share) bool { return y == h })
	x.userAudit(h, "delete", gone(h)...)
	return Result{ID: h.ID}, nil
}

func (x *scene) disable(off bool) (Result, error) {
	h, err := x.administered()
	if err != nil {
		return Result{}, err
	}
	was := *h
	h.Disabled, h.Modified = off, x.s.opts.Now()
	x.userAudit(h, "update", shareChanges(was, *h)...)
	return Result{ID: h.ID}, nil
}

// changeAddress gives a person another e-mail, as their own profile page does: the person's
// document and every ashare of theirs keep their _id, and only the address in them is another one.
// Entries that the audit log has keep the old one.
func (x *scene) changeAddress() (Result, error) {
	p, err := x.person()
	if err != nil {
		return Result{}, err
	}
	if !validEmail(x.To) {
		return Result{}, fmt.Errorf("%q is not an e-mail address", x.To)
	}
	if y := x.s.world.personByEmail(x.To); y != nil && y != p {
		return Result{}, fmt.Errorf("%s belongs to somebody else", x.To)
	}
	was := p.Email
	delete(x.s.world.ByEmail, strings.ToLower(was))
	p.Email = strings.TrimSpace(x.To)
	x.s.world.ByEmail[strings.ToLower(p.Email)] = p
	x.acct.audit(x.s, auditEntry{ResourceType: "user", ResourceID: p.ID, Source: "ui", Event: "update",
		ByUser:       p.identity(),
		FieldChanges: []fieldChange{{"email", was, p.Email}}, EnvID: x.env.ID, Subject: p.Email}, x.s.opts.Now())
	return Result{ID: p.ID}, nil
}
