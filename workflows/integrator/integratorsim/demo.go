package integratorsim

import "time"

// DemoInfo names what Demo made.
type DemoInfo struct {
	Account                                  *AccountHandle
	AccountID                                string
	OwnerEmail, AliasEmail                   string
	ProductionToken, SandboxToken            string
	ProductionID, SandboxID                  string
	Integrations, Flows, Connections, Stacks map[string]string // name to ID
	Shares                                   map[string]string // e-mail to ashare ID in production
	PersonTokens                             map[string]string // e-mail to a token that acts as the person
	SharedConnection                         string
}

// Demo makes the account "Acme Production", as a review of it would be worth the time: owner
// jane@acme.example and twelve users in production, among them administrators who require nothing
// or were long away, somebody who never came, an invitation that waits, a contractor with too much,
// and somebody switched off; three integrations of which two share a connection; API tokens; an
// audit log; and a sandbox with users of its own. The alias celigo@acme.example is not a user yet.
// All times are relative to the clock.
func Demo(o Options) (*Server, DemoInfo) {
	s := New(o)
	now := s.opts.Now()
	acct := s.AddAccount(Account{OwnerEmail: "jane@acme.example", OwnerName: "Jane Moreau", Company: "Acme Production",
		Seats: 20})
	prod := acct.Production()
	d := DemoInfo{Account: acct, AccountID: acct.ID(), OwnerEmail: "jane@acme.example",
		AliasEmail: "celigo@acme.example", ProductionID: prod.ID(),
		Integrations: map[string]string{}, Flows: map[string]string{}, Connections: map[string]string{},
		Stacks: map[string]string{},
		Shares: map[string]string{}, PersonTokens: map[string]string{}}
	d.ProductionToken = prod.AddToken(Token{Name: "Keyholder", Kind: OwnerToken, CreatedAt: now.AddDate(0, 0, -12)})
	demoResources(prod, &d)
	people := demoUsers(d, now)
	for _, u := range people {
		d.Shares[u.Email] = prod.AddUser(u.User)
	}
	sandbox := acct.AddEnvironment("Sandbox")
	d.SandboxID = sandbox.ID()
	d.SandboxToken = sandbox.AddToken(Token{Name: "Keyholder sandbox", Kind: OwnerToken,
		CreatedAt: now.AddDate(0, 0, -12)})
	sandbox.AddFlow(sandbox.AddIntegration("Orders to NetSuite (test)"), Flow{Name: "Orders, test"})
	acct.AddLicense("platform", "professional", now.AddDate(1, 0, 0))
	acct.with(func(a *account) {
		a.OwnerLastSignIn, a.Owner.LastSignIn, a.Owner.MFAEnabled = now.AddDate(0, 0, -2), now.AddDate(0, 0, -2), true
	})
	demoSandboxUsers(sandbox, now)
	demoTokens(prod, d, now)
	s.demoAudit(prod, people, now)
	for _, email := range []string{"jane@acme.example", "dee@acme.example", "ana@acme.example", "ben@acme.example"} {
		if t, err := s.PersonToken(email); err == nil {
			d.PersonTokens[email] = t
		}
	}
	return s, d
}

// demoUser is a user with who invited them.
type demoUser struct {
	User
	by  string
	was string // the role of the invitation, where it was another one
}

func demoUsers(d DemoInfo, now time.Time) []demoUser {
	days := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	const jane, dee = "jane@acme.example", "dee@acme.example"
	return []demoUser{
		{User{Email: dee, Name: "Dee Okafor", Role: "administrator", MFARequired: true, LastSignIn: days(1),
			CreatedAt: days(400)}, jane, ""},
		{User{Email: "ana@acme.example", Name: "Ana Silva", Role: "manage", LastSignIn: days(3), CreatedAt: days(300)},
			dee, ""},
		{User{Email: "ben@acme.example", Name: "Ben Novak", Role: "monitor", LastSignIn: days(120),
			CreatedAt: days(500)}, jane, ""},
		{User{Email: "contractor@partner.example", Role: "custom", Status: "pending", CreatedAt: days(45),
			Integrations: []Grant{{d.Integrations["Shopify returns"], "manage"}}}, "ana@acme.example", ""},
		// An administrator of whom nothing is required, and one who was away for longer than administrators should be.
		{User{Email: "raj@acme.example", Name: "Raj Patel", Role: "administrator", LastSignIn: days(5),
			CreatedAt: days(250)}, jane, ""},
		{User{Email: "lena@acme.example", Name: "Lena Vogt", Role: "administrator", MFARequired: true,
			LastSignIn: days(40), CreatedAt: days(330)}, jane, ""},
		// never signed in
		{User{Email: "tom@acme.example", Name: "Tom Reyes", Role: "monitor", MFARequired: true, CreatedAt: days(150)},
			dee, ""},
		{User{Email: "sam@acme.example", Name: "Sam Whitby", Role: "manage", Status: "disabled", LastSignIn: days(70),
			CreatedAt: days(600)}, jane, ""},
		{User{Email: "vera@partner.example", Name: "Vera Lind", Role: "manage", LastSignIn: days(9),
			CreatedAt: days(180)}, "lena@acme.example", "monitor"},
		{User{Email: "noor@acme.example", Name: "Noor Haddad", Role: "monitor", MFARequired: true, LastSignIn: days(2),
			CreatedAt: days(10)}, dee, ""},
		{User{Email: "mia@acme.example", Name: "Mia Berg", Role: "manage", MFARequired: true, LastSignIn: days(1),
			CreatedAt: days(220)}, dee, ""},
		{User{Email: "kofi@acme.example", Name: "Kofi Mensah", Role: "custom", MFARequired: true, LastSignIn: days(4),
			CreatedAt: days(95),
			Integrations: []Grant{{d.Integrations["Orders to NetSuite"], "manage"}, {d.Integrations["Payroll export"],
				"monitor"}}}, dee, ""},
	}
}

// demoSandboxUsers are those besides the administrators of production, who come along.
func demoSandboxUsers(sandbox *EnvHandle, now time.Time) {
	days := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	for _, u := range []User{
		{Email: "ben@acme.example", Role: "manage", LastSignIn: days(40), CreatedAt: days(90)},
		{Email: "kofi@acme.example", Role: "manage", LastSignIn: days(6), CreatedAt: days(95)},
		{Email: "old-agency@partner.example", Name: "Agency (shared)", Role: "manage", LastSignIn: days(210),
			CreatedAt: days(380)},
	} {
		sandbox.AddUser(u)
	}
}

func demoTokens(prod *EnvHandle, d DemoInfo, now time.Time) {
	days := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	for _, t := range []Token{
		{Name: "NetSuite bundle", Kind: CustomToken, CreatedAt: days(310),
			Scope: map[string][]string{"_connectionIds": {d.Connections["NetSuite"]}}},
		{Name: "Deploy pipeline", Kind: AdminToken, CreatedAt: days(140)},
		{Name: "Old warehouse export", Kind: OwnerToken, Revoked: true, CreatedAt: days(520)},
		{Name: "Raj, command line", Kind: PersonalToken, Maker: "raj@acme.example", CreatedAt: days(70)},
		{Name: "Migration of November", Kind: CustomToken, PurgeAfter: 12 * 24 * time.Hour, CreatedAt: days(18),
			Scope: map[string][]string{"_connectionIds": {d.Connections["Shopify"], d.Connections["Payroll SFTP"]}}},
	} {
		prod.AddToken(t)
	}
}

// demoAudit is what the pages' log would hold: who invited whom, who accepted, who changed what, and the last sign-ins.
func (s *Server) demoAudit(prod *EnvHandle, people []demoUser, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, e := prod.acct, prod.env
	for _, u := range people {
		h, by := e.shareOf(s.world.personByEmail(u.Email)), s.world.personByEmail(u.by)
		invited := *h
		if u.was != "" {
			invited.AccessLevel = u.was
		}
		s.auditUser(a, e, h, "ui", "create", by, u.CreatedAt, born(&invited)...)
		if h.Accepted {
			s.auditUser(a, e, h, "ui", "update", h.Person, u.CreatedAt.Add(3*time.Hour),
				fieldChange{"accepted", false, true})
		}
		if !u.LastSignIn.IsZero() {
			a.audit(s, auditEntry{ResourceType: "user", ResourceID: h.Person.ID, Source: "ui", Event: "signin",
				ByUser: h.Person.identity(), EnvID: e.ID, Subject: u.Email}, u.LastSignIn)
		}
	}
	by := func(email string) *person { return s.world.personByEmail(email) }
	sam, vera := e.shareOf(by("sam@acme.example")), e.shareOf(by("vera@partner.example"))
	s.auditUser(a, e, sam, "ui", "update", by("dee@acme.example"), now.AddDate(0, 0, -60),
		fieldChange{"disabled", false, true})
	s.auditUser(a, e, vera, "ui", "update", by("raj@acme.example"), now.AddDate(0, 0, -31),
		fieldChange{"accessLevel", "monitor", "manage"})
	a.audit(s, auditEntry{ResourceType: "accesstoken", ResourceID: s.newID(), Source: "ui", Event: "create",
		ByUser: a.Owner.identity(), EnvID: e.ID}, now.AddDate(0, 0, -12))
}

func demoResources(prod *EnvHandle, d *DemoInfo) {
	for _, c := range [][2]string{{"NetSuite", "netsuite"}, {"Shopify", "http"}, {"Payroll SFTP", "ftp"}} {
		d.Connections[c[0]] = prod.AddConnection(c[0], c[1])
	}
	d.SharedConnection = d.Connections["NetSuite"]
	add := func(name string, connections []string, flows ...Flow) {
		var ids []string
		for _, c := range connections {
			ids = append(ids, d.Connections[c])
		}
		id := prod.AddIntegration(name, ids...)
		d.Integrations[name] = id
		for _, f := range flows {
			d.Flows[f.Name] = prod.AddFlow(id, f)
		}
	}
	add("Orders to NetSuite", []string{"NetSuite"}, Flow{Name: "New orders", Errors: 3}, Flow{Name: "Order status"})
	add("Payroll export", []string{"Payroll SFTP"}, Flow{Name: "Monthly payroll"})
	add("Shopify returns", []string{"Shopify", "NetSuite"}, Flow{Name: "Returns", Errors: 1})
	d.Stacks["Acme stack"] = prod.AddStack("Acme stack")
}
