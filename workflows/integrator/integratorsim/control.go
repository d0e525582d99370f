package integratorsim

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// TokenKind says whose rights a token has.
type TokenKind string

// The kinds of token.
const (
	OwnerToken  TokenKind = "owner"  // made by the owner: everything
	AdminToken  TokenKind = "admin"  // made by an administrator: everything but account transfers, unless MayTransfer
	CustomToken TokenKind = "custom" // custom scope: reads, and gets 403 for every write
	// a person signed in: accepts, dismisses, and acts in accounts by integrator-ashareid
	PersonToken TokenKind = "person"
	// PersonalToken is a personal access token: its maker's own rights in the environment, at every
	// moment. It ends when their access does, and 90 days after it was made unless sooner.
	PersonalToken TokenKind = "personal"
)

// Token describes a token of an environment.
type Token struct {
	Name   string
	Kind   TokenKind // default OwnerToken
	Secret string    // default: made up
	// MayTransfer lets an administrator's token start and change account transfers; whether Celigo does is not known.
	MayTransfer bool
	// LostRights: tokenInfo still answers, lists are 204, records 404, writes 403.
	LostRights bool
	// Revoked: 401.
	Revoked bool
	// PurgeAfter is the life of the token from now (Celigo offers 1 h to 30 d; of a personal one at
	// most 90 d); 0 is for ever, and 90 d of a personal one. Past it the token is gone.
	PurgeAfter time.Duration
	// Maker is the e-mail of whose a PersonalToken is: the owner or somebody with access to the environment.
	Maker string
	// Scope is what a CustomToken reaches, by field: _connectionIds, _exportIds, _importIds, _apiIds, _mcpServerIds.
	Scope     map[string][]string
	CreatedAt time.Time // default: now
}

// Account describes an account to add. The owner is made, or must own nothing yet.
type Account struct {
	OwnerEmail, OwnerName string
	Company               string
	Seats                 int // users the licence allows, pending invitations counted, the owner not; 0: no limit
	AuditYears            int // how far back the audit log reads; default 1
	// AdminsOnlyInvite switches off invitations by non-admins, which new accounts of Celigo's have on.
	AdminsOnlyInvite bool
}

// User describes somebody with access to an environment.
type User struct {
	Email, Name  string
	Role         string // administrator, manage, monitor, or custom
	Integrations []Grant
	// Status is accepted (default), pending, dismissed or disabled. A pending user without a name never signed up.
	Status                   string
	LastSignIn               time.Time
	CreatedAt                time.Time // default: now
	SSORequired, MFARequired bool
	// SSOLinked is "", this_account or other_account.
	SSOLinked string
}

// Flow describes a flow; it gets one export and one import, at which its errors stand.
type Flow struct {
	Name     string
	Disabled bool
	Errors   int // open errors
	Jobs     int // running jobs
}

// AccountHandle is one account under control.
type AccountHandle struct {
	s  *Server
	id string
}

// EnvHandle is one environment of an account under control.
type EnvHandle struct {
	s       *Server
	acct    *account
	env     *environment
	account *AccountHandle
}

var errNoSuch = errors.New("no such thing")

// AddAccount adds an account with its production environment, owned by a person who owns nothing yet;
// when the owner owns an account already, it returns that account's handle unchanged.
func (s *Server) AddAccount(a Account) *AccountHandle {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &AccountHandle{s, s.addAccount(a).ID}
}

func (s *Server) addAccount(a Account) *account {
	p := s.somebody(a.OwnerEmail, a.OwnerName)
	if had := s.world.ownedBy(p); had != nil {
		return had
	}
	p.Company = a.Company
	acct := &account{ID: p.ID, Owner: p, OwnerLastSignIn: p.LastSignIn, Seats: a.Seats,
		AuditYears: max(a.AuditYears, 1), AdminsInvite: a.AdminsOnlyInvite,
		MFA: doc{"dontAllowTrustedDevices": false, "trustDeviceForPeriod": 10}, Writes: map[string]*WriteCount{}}
	acct.Envs = []*environment{newEnvironment(s.newID(), "Production", true)}
	s.world.Accounts = append(s.world.Accounts, acct)
	return acct
}

// somebody finds a person or signs one up. The name is kept when it is known already.
func (s *Server) somebody(email, name string) *person {
	p := s.world.personByEmail(email)
	if p == nil {
		return s.addPerson(email, name, true)
	}
	p.SignedUp = true
	if p.Name == "" {
		p.Name = name
	}
	return p
}

// Account finds an account by its ID (tokenInfo's _userId).
func (s *Server) Account(id string) (*AccountHandle, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &AccountHandle{s, id}, s.world.account(id) != nil
}

// AddPerson signs somebody up who belongs to no account yet, and gives the ID of the user document.
func (s *Server) AddPerson(email, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.somebody(email, name).ID
}

// PersonToken makes a bearer token that acts as this person, who must have signed up.
func (s *Server) PersonToken(email string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.world.personByEmail(email)
	if p == nil || !p.SignedUp {
		return "", fmt.Errorf("make a token: %s has not signed up: %w", email, errNoSuch)
	}
	t := &token{ID: s.newID(), Secret: s.newSecret(), Name: p.Email, Kind: PersonToken, Person: p,
		CreatedAt: s.opts.Now(), Modified: s.opts.Now()}
	s.world.Tokens = append(s.world.Tokens, t)
	s.world.BySecret[t.Secret] = t
	return t.Secret, nil
}

// ID is the account's document ID: what tokenInfo calls _userId. A transfer does not change it.
func (h *AccountHandle) ID() string { return h.id }

// with runs something on the account under the lock; an account that was dissolved is left alone.
func (h *AccountHandle) with(do func(*account)) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if a := h.s.world.account(h.id); a != nil {
		do(a)
	}
}

// HandTo makes somebody the owner at once, as a transfer two months ago did: the former owner keeps the manage role.
func (h *AccountHandle) HandTo(email, name string) {
	h.Production().AddUser(User{Email: email, Name: name, Role: "monitor"})
	h.with(func(a *account) {
		h.s.switchOwner(a, &transfer{To: h.s.world.personByEmail(email)}, h.s.opts.Now().AddDate(0, -2, 0))
	})
}

// SetSeats changes the user limit; 0 is none.
func (h *AccountHandle) SetSeats(n int) { h.with(func(a *account) { a.Seats = n }) }

// SetSSO gives the account its one SSO client, or none when the issuer is empty.
func (h *AccountHandle) SetSSO(issuer, orgID string) {
	h.with(func(a *account) {
		a.SSOClients = nil
		if issuer != "" {
			now := clock(h.s.opts.Now())
			a.SSOClients = []doc{{"_id": h.s.newID(), "type": "oidc", "orgId": orgID, "createdAt": now,
				"lastModified": now,
				"oidc":         doc{"issuerURL": issuer, "clientId": orgID + "-integrator", "clientSecret": masked}}}
		}
	})
}

// AddLicense adds a licence that expires then; its type and tier are shown as given.
func (h *AccountHandle) AddLicense(kind, tier string, expires time.Time) {
	h.with(func(a *account) {
		now := clock(h.s.opts.Now())
		a.Licenses = append(a.Licenses, doc{"_id": h.s.newID(), "created": now, "lastModified": now,
			"expires": clock(expires),
			"type":    kind, "tier": tier, "sandbox": len(a.Envs) > 1, "sso": true, "resumable": false})
	})
}

// Production is the production environment.
func (h *AccountHandle) Production() *EnvHandle { return h.environment(0) }

func (h *AccountHandle) environment(i int) *EnvHandle {
	out := &EnvHandle{s: h.s, account: h}
	h.with(func(a *account) { out.acct, out.env = a, a.Envs[i] })
	return out
}

// AddEnvironment adds a non-production environment. Administrators of production come along with their role.
func (h *AccountHandle) AddEnvironment(name string) *EnvHandle {
	out := &EnvHandle{s: h.s, account: h}
	h.with(func(a *account) {
		e := newEnvironment(h.s.newID(), name, false)
		for _, x := range a.production().Shares {
			if x.Accepted && x.AccessLevel == "administrator" {
				copied := *x
				copied.ID, copied.LastSignIn = h.s.newID(), time.Time{}
				e.Shares = append(e.Shares, &copied)
			}
		}
		a.Envs = append(a.Envs, e)
		out.acct, out.env = a, e
	})
	return out
}

func (e *EnvHandle) lock() func() { e.s.mu.Lock(); return e.s.mu.Unlock }

// ID is the environment's ID.
func (e *EnvHandle) ID() string { return e.env.ID }

// Account is the account it belongs to.
func (e *EnvHandle) Account() *AccountHandle { return e.account }

// AddToken makes a token and gives its secret.
func (e *EnvHandle) AddToken(t Token) string {
	defer e.lock()()
	if t.Kind == "" || t.Kind == PersonToken {
		t.Kind = OwnerToken
	}
	return e.s.addToken(e.acct, e.env, t).Secret
}

// AddUser gives somebody access, without a mail and without an audit entry, and returns the ashare's ID. Somebody who
// has access already is changed. The owner is no user and must not be added.
func (e *EnvHandle) AddUser(u User) string {
	defer e.lock()()
	return e.s.addUser(e.acct, e.env, u).ID
}

func (s *Server) addUser(a *account, e *environment, u User) *share {
	p := s.world.personByEmail(u.Email)
	invited := (u.Status == "pending" || u.Status == "dismissed") && u.Name == ""
	switch {
	case p == nil && invited:
		p = s.addPerson(u.Email, "", false)
	case !invited:
		p = s.somebody(u.Email, u.Name)
	}
	h := e.shareOf(p)
	if h == nil {
		h = &share{ID: s.newID(), Person: p, CreatedVia: "existing_account_invite", CreatedAt: s.opts.Now()}
		e.Shares = append(e.Shares, h)
	}
	h.Modified = s.opts.Now()
	if !u.CreatedAt.IsZero() {
		h.CreatedAt = u.CreatedAt
	}
	h.Dismissed, h.Disabled = u.Status == "dismissed", u.Status == "disabled"
	h.Accepted = u.Status == "" || u.Status == "accepted" || u.Status == "disabled"
	h.setRole(u.Role, u.Integrations)
	h.SSORequired, h.MFARequired = u.SSORequired, u.MFARequired
	if !u.LastSignIn.IsZero() {
		h.LastSignIn = u.LastSignIn
		if u.LastSignIn.After(p.LastSignIn) {
			p.LastSignIn = u.LastSignIn
		}
	}
	switch u.SSOLinked {
	case "this_account":
		p.SSOAccount = a.ID
	case "other_account":
		p.SSOAccount = "another"
	}
	return h
}

// setRole takes the everyday word: custom has no level of the whole account.
func (h *share) setRole(role string, grants []Grant) {
	if role == "custom" || role == "tile" {
		role = ""
	}
	h.AccessLevel, h.Grants = role, nil
	if role == "" || role == "monitor" {
		h.Grants = grants
	}
}

// AddConnection adds a connection and returns its ID. Registering it with several integrations makes it shared.
func (e *EnvHandle) AddConnection(name, kind string) string {
	defer e.lock()()
	return text(e.s.newDoc(e.env, "connections", doc{"name": name, "type": kind,
		"http": doc{"baseURI": "https://api.example.com",
			"auth": doc{"type": "token", "token": doc{"token": masked}}}}), "_id")
}

// AddIntegration adds an integration that uses these connections and returns its ID.
func (e *EnvHandle) AddIntegration(name string, connections ...string) string {
	defer e.lock()()
	ids := make([]any, 0, len(connections))
	for _, id := range connections {
		ids = append(ids, id)
	}
	return text(e.s.newDoc(e.env, "integrations", doc{"name": name, "_registeredConnectionIds": ids}), "_id")
}

// AddFlow adds a flow to an integration and returns its ID.
func (e *EnvHandle) AddFlow(integration string, f Flow) string {
	defer e.lock()()
	var connection any
	if ids := e.env.connectionsOf(integration); len(ids) > 0 {
		connection = ids[0]
	}
	ex := e.s.newDoc(e.env, "exports", doc{"name": f.Name + ": read", "_connectionId": connection,
		"adaptorType": "HTTPExport"})
	im := e.s.newDoc(e.env, "imports", doc{"name": f.Name + ": write", "_connectionId": connection,
		"adaptorType": "HTTPImport"})
	fl := e.s.newDoc(e.env, "flows", doc{"name": f.Name, "disabled": f.Disabled, "_integrationId": integration,
		"pageGenerators": []any{doc{"_exportId": ex["_id"]}},
		"pageProcessors": []any{doc{"type": "import", "_importId": im["_id"]}}})
	e.s.setErrors(e.env, fl, f.Errors)
	for range f.Jobs {
		e.s.startJob(e.env, fl)
	}
	return text(fl, "_id")
}

// AddStack adds a server stack, shared with these people (accepted), and returns its ID.
func (e *EnvHandle) AddStack(name string, sharedWith ...string) string {
	defer e.lock()()
	id := text(e.s.newDoc(e.env, "stacks", doc{"name": name, "type": "server", "server": doc{"systemToken": masked,
		"hostURI": "https://stack.example.com", "ipRanges": []any{}}}), "_id")
	for _, email := range sharedWith {
		e.env.StackShares = append(e.env.StackShares, &stackShare{ID: e.s.newID(), StackID: id,
			Person:   e.s.somebody(email, ""),
			Accepted: true, CreatedAt: e.s.opts.Now(), Modified: e.s.opts.Now()})
	}
	return id
}

// AddAudit writes an audit entry of some time ago; the zero By means the owner.
func (e *EnvHandle) AddAudit(resourceType, resourceID, event, byEmail string, at time.Time) {
	defer e.lock()()
	by := e.acct.Owner
	if p := e.s.world.personByEmail(byEmail); p != nil {
		by = p
	}
	entry := auditEntry{ResourceType: resourceType, ResourceID: resourceID, Source: "ui", Event: event,
		ByUser: by.identity(), EnvID: e.env.ID}
	for _, p := range e.s.world.People {
		if resourceType == "user" && p.ID == resourceID {
			entry.Subject = p.Email
		}
	}
	e.acct.audit(e.s, entry, at)
}

// SetErrors makes a flow have n open errors.
func (e *EnvHandle) SetErrors(flow string, n int) error {
	_, err := e.s.Act(Action{Do: "set_errors", Account: e.acct.ID, Environment: e.env.ID, Flow: flow, Count: n})
	return err
}

// domain is what stands after the @.
func domain(email string) string {
	_, d, _ := strings.Cut(email, "@")
	return d
}
