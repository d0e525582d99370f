package integratorsim

import (
	"net/http"
	"net/mail"
	"slices"
	"strings"
)

func validEmail(address string) bool {
	a, err := mail.ParseAddress(address)
	return err == nil && a.Address == address && len(address) <= 254
}

// invite adds one pending ashare, or says why not.
func (c *call) invite(email string, a access) (*share, *reply) {
	refuse := func(r reply) (*share, *reply) { return nil, &r }
	email = strings.TrimSpace(email)
	if !validEmail(email) {
		return refuse(invalid("email", "Please enter a valid email address"))
	}
	if c.role < administrator && !c.acct.mayInvite(c.share, a.level, a.grants) {
		return refuse(forbidden("You do not have permission to invite users with this access."))
	}
	p := c.w.personByEmail(email)
	if p != nil && (p == c.acct.Owner || c.env.shareOf(p) != nil) {
		return refuse(fail(http.StatusConflict, "duplicate_user", alreadyHasAccess, "email"))
	}
	if c.acct.Seats > 0 && c.acct.seatsTaken() >= c.acct.Seats && !c.acct.seated(p) {
		return refuse(fail(http.StatusUnprocessableEntity, "entitlement_reached",
			"You have reached the maximum number of users for your subscription.", ""))
	}
	if p == nil {
		p = c.s.addPerson(email, "", false)
	}
	h := &share{ID: c.s.newID(), Person: p, CreatedVia: "existing_account_invite", CreatedAt: c.now, Modified: c.now}
	h.set(a)
	c.env.Shares = append(c.env.Shares, h)
	c.auditUser(h, "create", born(h)...)
	c.s.mailInvitation(c.acct, h, c.person)
	return h, nil
}

// mayInvite says whether somebody who is no administrator may give this access: on integrations of
// their own, and no more than they have there.
func (a *account) mayInvite(by *share, level string, grants []Grant) bool {
	if a.AdminsInvite || by == nil || level != "" || len(grants) == 0 {
		return false
	}
	return !slices.ContainsFunc(grants, func(g Grant) bool {
		has := by.levelOn(g.IntegrationID)
		return has == "" || (has == "monitor" && g.AccessLevel != "monitor")
	})
}

func (a *account) seated(p *person) bool {
	return p != nil && slices.ContainsFunc(a.Envs, func(e *environment) bool {
		h := e.shareOf(p)
		return h != nil && !h.Dismissed
	})
}

func inviteOne(c *call) reply {
	d, bad := c.object(false)
	if bad != nil {
		return *bad
	}
	a, bad := c.readAccess(d)
	if bad != nil {
		return *bad
	}
	h, bad := c.invite(text(d, "email"), a)
	if bad != nil {
		return *bad
	}
	return created(c.view(h))
}

func inviteMany(c *call) reply {
	d, bad := c.object(false)
	if bad != nil {
		return *bad
	}
	emails, isList := d["emails"].([]any)
	if !isList || len(emails) == 0 {
		return invalid("emails", "emails must be a list of email addresses.")
	}
	a, bad := c.readAccess(d)
	if bad != nil {
		return *bad
	}
	out := make([]doc, 0, len(emails))
	c.noEffect = true
	for _, e := range emails {
		email, _ := e.(string)
		h, bad := c.invite(email, a)
		if bad != nil {
			entry := doc{"statusCode": bad.status}
			for k, v := range bad.body.(map[string]any) {
				entry[k] = v
			}
			out = append(out, entry)
			continue
		}
		out = append(out, doc{"statusCode": http.StatusCreated, "doc": c.view(h)})
		c.noEffect = false
	}
	return ok(out)
}
