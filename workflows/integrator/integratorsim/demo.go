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

// Demo makes the account "Acme Production": owner jane@acme.example, an administrator, a manager, a monitor, a
// contractor whose invitation is pending, three integrations of which two share a connection, and a sandbox.
// The alias celigo@acme.example is not a user yet.
func Demo(o Options) (*Server, DemoInfo) {
	s := New(o)
	now := s.opts.Now()
	days := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	acct := s.AddAccount(Account{OwnerEmail: "jane@acme.example", OwnerName: "Jane Moreau", Company: "Acme Production", Seats: 20})
	prod := acct.Production()
	d := DemoInfo{Account: acct, AccountID: acct.ID(), OwnerEmail: "jane@acme.example", AliasEmail: "celigo@acme.example", ProductionID: prod.ID(),
		Integrations: map[string]string{}, Flows: map[string]string{}, Connections: map[string]string{}, Stacks: map[string]string{},
		Shares: map[string]string{}, PersonTokens: map[string]string{}}
	d.ProductionToken = prod.AddToken(Token{Name: "Keyholder", Kind: OwnerToken})
	demoResources(prod, &d)
	for _, u := range []User{
		{Email: "dee@acme.example", Name: "Dee Okafor", Role: "administrator", MFARequired: true, LastSignIn: days(1), CreatedAt: days(400)},
		{Email: "ana@acme.example", Name: "Ana Silva", Role: "manage", LastSignIn: days(3), CreatedAt: days(300)},
		{Email: "ben@acme.example", Name: "Ben Novak", Role: "monitor", LastSignIn: days(120), CreatedAt: days(500)},
		{Email: "contractor@partner.example", Role: "custom", Status: "pending", CreatedAt: days(45),
			Integrations: []Grant{{d.Integrations["Shopify returns"], "manage"}}},
	} {
		d.Shares[u.Email] = prod.AddUser(u)
	}
	sandbox := acct.AddEnvironment("Sandbox")
	d.SandboxID = sandbox.ID()
	d.SandboxToken = sandbox.AddToken(Token{Name: "Keyholder sandbox", Kind: OwnerToken})
	sandbox.AddFlow(sandbox.AddIntegration("Orders to NetSuite (test)"), Flow{Name: "Orders, test"})
	sandbox.AddUser(User{Email: "ben@acme.example", Role: "manage", LastSignIn: days(40), CreatedAt: days(90)})
	acct.AddLicense("platform", "professional", now.AddDate(1, 0, 0))
	prod.AddAudit("user", s.AddPerson("dee@acme.example", ""), "create", "jane@acme.example", days(200))
	prod.AddAudit("user", s.AddPerson("ana@acme.example", ""), "signin", "ana@acme.example", days(3))
	acct.with(func(a *account) { a.OwnerLastSignIn, a.Owner.LastSignIn, a.Owner.MFAEnabled = days(2), days(2), true })
	for _, email := range []string{"jane@acme.example", "dee@acme.example", "ana@acme.example", "ben@acme.example"} {
		if t, err := s.PersonToken(email); err == nil {
			d.PersonTokens[email] = t
		}
	}
	return s, d
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
