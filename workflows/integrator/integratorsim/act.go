package integratorsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Action is something that a person does in Celigo's pages, or that happens to the account, without
// the API. Do names it, the other fields are what it needs; Account may be left out while there is
// only one, Environment means production.
type Action struct {
	Do          string `json:"do"`
	Account     string `json:"account,omitempty"`
	Environment string `json:"environment,omitempty"` // ID or name
	Email       string `json:"email,omitempty"`
	Name        string `json:"name,omitempty"`
	Company     string `json:"company,omitempty"`
	// To is the new address of change_address.
	To string `json:"to,omitempty"`
	// Source is how somebody signs in: ui (the default) or sso.
	Source string `json:"source,omitempty"`
	// By is the e-mail of who does it in the pages; default the owner. The audit log names them.
	By string `json:"by,omitempty"`

	Role         string  `json:"role,omitempty"`
	Integrations []Grant `json:"integrations,omitempty"`
	Status       string  `json:"status,omitempty"`

	Transfer    string `json:"transfer,omitempty"` // default: the newest pending one for the e-mail
	Integration string `json:"integration,omitempty"`
	Flow        string `json:"flow,omitempty"`
	Connection  string `json:"connection,omitempty"`
	Stack       string `json:"stack,omitempty"`
	Token       string `json:"token,omitempty"` // its ID
	Count       int    `json:"count,omitempty"`
}

// Result is what an action made, as far as there is something to name.
type Result struct {
	ID string `json:"id,omitempty"`
}

// scene is an action with what it speaks of.
type scene struct {
	s *Server
	Action
	acct *account
	env  *environment
	by   *person
}

// actions are all that Act can do. An e-mail that nobody has, an ID of nothing and a state that
// does not fit are errors.
var actions = map[string]func(*scene) (Result, error){
	"accept_transfer":    func(x *scene) (Result, error) { return x.answerTransfer(true) },
	"dismiss_transfer":   func(x *scene) (Result, error) { return x.answerTransfer(false) },
	"accept_invitation":  func(x *scene) (Result, error) { return x.answerInvitation(true) },
	"dismiss_invitation": func(x *scene) (Result, error) { return x.answerInvitation(false) },
	"sign_up":            (*scene).signUp,
	"sign_up_trial":      (*scene).signUpTrial,
	"sign_in":            (*scene).signIn,
	"change_address":     (*scene).changeAddress,
	"forgot_password":    (*scene).forgotPassword,
	"reset_password":     (*scene).resetPassword,
	"mailbox_off":        func(x *scene) (Result, error) { return x.mailbox(false) },
	"mailbox_on":         func(x *scene) (Result, error) { return x.mailbox(true) },
	"add_user":           (*scene).actAddUser,
	"change_role":        (*scene).changeRole,
	"remove_user":        (*scene).removeUser,
	"reinvite_user":      (*scene).reinvite,
	"disable_user":       func(x *scene) (Result, error) { return x.disable(true) },
	"enable_user":        func(x *scene) (Result, error) { return x.disable(false) },
	"join_organization":  (*scene).join,
	"leave_organization": (*scene).leave,
	"set_errors":         (*scene).actErrors,
	"start_jobs":         (*scene).startJobs,
	"end_jobs":           (*scene).actEndJobs,
	"share_connection":   func(x *scene) (Result, error) { return x.register(true) },
	"unshare_connection": func(x *scene) (Result, error) { return x.register(false) },
	"share_stack":        func(x *scene) (Result, error) { return x.shareStack(true) },
	"unshare_stack":      func(x *scene) (Result, error) { return x.shareStack(false) },
	"set_seats":          func(x *scene) (Result, error) { x.acct.Seats = x.Count; return Result{}, nil },
	"make_token":         (*scene).makeToken,
	"revoke_token":       func(x *scene) (Result, error) { return x.onToken(func(t *token) { t.Revoked = true }) },
	"lose_rights":        func(x *scene) (Result, error) { return x.onToken(func(t *token) { t.Lost = true }) },
	"restore_rights": func(x *scene) (Result, error) {
		return x.onToken(func(t *token) { t.Lost, t.Revoked = false, false })
	},
}

// Actions are the names that Act knows, sorted.
func Actions() []string { return slices.Sorted(maps.Keys(actions)) }

// Act does what an action says. Its errors say in a sentence what does not fit; nothing has changed then.
func (s *Server) Act(a Action) (Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.opts.Now())
	do := actions[a.Do]
	if do == nil {
		return Result{}, fmt.Errorf("act: %q is not one of %s", a.Do, strings.Join(Actions(), ", "))
	}
	x := &scene{s: s, Action: a}
	if err := x.find(); err != nil {
		return Result{}, fmt.Errorf("act %s: %w", a.Do, err)
	}
	before := s.keep()
	out, err := do(x)
	if err != nil {
		return Result{}, fmt.Errorf("act %s: %w", a.Do, err)
	}
	s.before = before
	return out, nil
}

func (x *scene) find() error {
	accounts := x.s.world.Accounts
	switch {
	case x.Account != "":
		x.acct = x.s.world.account(x.Account)
	case len(accounts) > 0:
		x.acct = accounts[0] // the first one made; other organisations come later
	}
	if x.acct == nil {
		return fmt.Errorf("there is no account %q: %w", x.Account, errNoSuch)
	}
	for _, e := range x.acct.Envs {
		if x.Environment == e.ID || strings.EqualFold(x.Environment, e.Name) || (x.Environment == "" && e.Production) {
			x.env = e
			return x.findActor()
		}
	}
	return fmt.Errorf("the account has no environment %q: %w", x.Environment, errNoSuch)
}

// findActor finds who acts, who must have access to the environment.
func (x *scene) findActor() error {
	x.by = x.acct.Owner
	if x.By == "" {
		return nil
	}
	p := x.s.world.personByEmail(x.By)
	if p == nil {
		return fmt.Errorf("nobody has the e-mail %q: %w", x.By, errNoSuch)
	}
	x.by = p
	if h := x.env.shareOf(p); p != x.acct.Owner && (h == nil || !h.Accepted || h.Disabled) {
		return fmt.Errorf("%s cannot act in %s without access to it: %w", x.By, x.env.Name, errNoSuch)
	}
	return nil
}

func (x *scene) person() (*person, error) {
	p := x.s.world.personByEmail(x.Email)
	if p == nil {
		return nil, fmt.Errorf("nobody has the e-mail %q: %w", x.Email, errNoSuch)
	}
	return p, nil
}

func (x *scene) user() (*share, error) {
	p, err := x.person()
	if err != nil {
		return nil, err
	}
	h := x.env.shareOf(p)
	if h == nil {
		return nil, fmt.Errorf("%s has no access to %s: %w", x.Email, x.env.Name, errNoSuch)
	}
	return h, nil
}

func (x *scene) answerTransfer(accept bool) (Result, error) {
	p, err := x.person()
	if err != nil {
		return Result{}, err
	}
	var t *transfer
	for _, y := range x.acct.Transfers {
		if y.To == p && y.Status == "unapproved" && !y.Dismissed && (x.Transfer == "" || x.Transfer == y.ID) {
			t = y
		}
	}
	if t == nil {
		return Result{}, fmt.Errorf("no transfer waits for %s: %w", x.Email, errNoSuch)
	}
	if !accept {
		x.s.dismissTransfer(x.acct, t, x.s.opts.Now())
		return Result{ID: t.ID}, nil
	}
	if bad := x.s.acceptTransfer(x.acct, t, x.s.opts.Now()); bad != nil {
		return Result{}, fmt.Errorf("integrator.io refuses: %s", render(*bad))
	}
	return Result{ID: t.ID}, nil
}

func (x *scene) answerInvitation(accept bool) (Result, error) {
	h, err := x.user()
	if err != nil {
		return Result{}, err
	}
	switch {
	case h.Accepted:
		return Result{}, fmt.Errorf("%s has already accepted", x.Email)
	case !h.Person.SignedUp && accept:
		return Result{}, fmt.Errorf("%s has no user yet: sign_up comes first", x.Email)
	case accept:
		x.s.accept(x.acct, x.env, h, "ui", x.s.opts.Now())
	default:
		x.s.dismiss(x.acct, x.env, h, "ui", x.s.opts.Now())
	}
	return Result{ID: h.ID}, nil
}

// signUp makes the person by the invitation's link, and accepts in every environment of the account.
func (x *scene) signUp() (Result, error) {
	p, err := x.person()
	if err != nil {
		return Result{}, err
	}
	found := false
	for _, e := range x.acct.Envs {
		h := e.shareOf(p)
		if h == nil || h.Accepted {
			continue
		}
		found = true
		x.s.accept(x.acct, e, h, "ui", x.s.opts.Now())
		h.LastSignIn = x.s.opts.Now()
	}
	if !found {
		return Result{}, fmt.Errorf("no invitation waits for %s: %w", x.Email, errNoSuch)
	}
	x.named(p)
	p.LastSignIn = x.s.opts.Now()
	return Result{ID: p.ID}, nil
}

func (x *scene) named(p *person) {
	p.SignedUp = true
	if x.Name != "" {
		p.Name = x.Name
	}
	if p.Name == "" {
		p.Name, _, _ = strings.Cut(p.Email, "@")
	}
}

// signUpTrial is the mistake: a free trial instead of the invitation's link, which owns an account of its own.
func (x *scene) signUpTrial() (Result, error) {
	if !validEmail(x.Email) {
		return Result{}, fmt.Errorf("%q is not an e-mail address", x.Email)
	}
	p := x.s.somebody(x.Email, x.Name)
	if x.s.world.ownedBy(p) != nil {
		return Result{}, fmt.Errorf("%s owns an account already", x.Email)
	}
	x.named(p)
	return Result{ID: x.s.addAccount(Account{OwnerEmail: x.Email, OwnerName: p.Name, Company: x.Company}).ID}, nil
}

// signIn moves the last sign-in of a person to now, for the account and for the person.
func (x *scene) signIn() (Result, error) {
	p, err := x.person()
	if err != nil {
		return Result{}, err
	}
	source := x.Source
	if source == "" {
		source = "ui"
	}
	if source != "ui" && source != "sso" {
		return Result{}, fmt.Errorf("source %q is not ui or sso", x.Source)
	}
	now := x.s.opts.Now()
	if x.acct.Owner == p {
		x.acct.OwnerLastSignIn = now
	} else {
		h, err := x.user()
		if err != nil {
			return Result{}, err
		}
		if !h.Accepted || h.Disabled {
			return Result{}, fmt.Errorf("%s cannot sign in to this account: %s", x.Email, h.status())
		}
		h.LastSignIn = now
	}
	p.LastSignIn = now
	x.acct.audit(x.s, auditEntry{ResourceType: "user", ResourceID: p.ID, Source: source, Event: "signin",
		ByUser: p.identity(), EnvID: x.env.ID, Subject: p.Email}, now)
	return Result{ID: p.ID}, nil
}

// join makes the person a user of another organisation as well, which bars them from becoming an owner here.
func (x *scene) join() (Result, error) {
	if !validEmail(x.Email) {
		return Result{}, fmt.Errorf("%q is not an e-mail address", x.Email)
	}
	name := x.Company
	if name == "" {
		name = "Another Company"
	}
	other := x.s.addAccount(Account{OwnerEmail: "owner@" + strings.ToLower(strings.ReplaceAll(name, " ", "-")) +
		".example", OwnerName: "Another Owner", Company: name})
	if other == x.acct {
		return Result{}, fmt.Errorf("%s is this organisation", name)
	}
	x.s.addUser(other, other.production(), User{Email: x.Email, Name: x.Name, Role: "monitor"})
	return Result{ID: other.ID}, nil
}

// leave takes the person out of every other account, and dissolves one of their own.
func (x *scene) leave() (Result, error) {
	p, err := x.person()
	if err != nil {
		return Result{}, err
	}
	for _, a := range x.s.world.otherOrganizations(p, x.acct) {
		for _, e := range a.Envs {
			e.Shares = slices.DeleteFunc(e.Shares, func(h *share) bool { return h.Person == p })
		}
		if a.Owner == p {
			x.s.world.Accounts = slices.DeleteFunc(x.s.world.Accounts, func(y *account) bool { return y == a })
		}
	}
	return Result{ID: p.ID}, nil
}
