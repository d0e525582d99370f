package main

import "github.com/keyholder/keyholder/bot/slacksim"

// The people of the demo. Jane owns the account and leaves in two weeks; Ana, Ben and Cat hold the
// shared mailbox; Dee administers.
const (
	jane    = "U0JANE"
	ana     = "U0ANA"
	ben     = "U0BEN"
	cat     = "U0CAT"
	dee     = "U0DEE"
	oli     = "U0OLI" // works here, but has nothing to do with the account
	gus     = "U0GUS" // a guest
	foreign = "U0FAY" // of another workspace, by Slack Connect
	opsRoom = "C0OPS"
	teamID  = "T0ACME"

	everyone = "C0GENERAL"

	accountID  = "acme"
	ownerEmail = "jane@acme.example"
	aliasEmail = "celigo@acme.example"
)

// people are the members of the demo's workspace.
func people() []slacksim.User {
	member := func(id, name, real, email, title string) slacksim.User {
		return slacksim.User{ID: id, Name: name, RealName: real, DisplayName: real, Email: email, Title: title,
			TZ: "Europe/London"}
	}
	d := member(dee, "dee", "Dee Okafor", "dee@acme.example", "Integration administrator")
	d.IsAdmin = true
	g := member(gus, "gus", "Gus Lind", "gus@partner.example", "Guest")
	g.IsRestricted = true
	f := member(foreign, "fay", "Fay Duarte", "", "Partner, by Slack Connect")
	f.TeamID = "T0PARTNER"
	return []slacksim.User{
		d,
		member(ana, "ana", "Ana Silva", "ana@acme.example", "Holds celigo@acme.example"),
		member(ben, "ben", "Ben Novak", "ben@acme.example", "Holds celigo@acme.example"),
		member(cat, "cat", "Cat Ito", "cat@acme.example", "Holds celigo@acme.example"),
		member(jane, "jane", "Jane Moreau", ownerEmail, "Owner of the account; leaves in two weeks"),
		member(oli, "oli", "Oli Brandt", "oli@acme.example", "Works here, not on this account"),
		g, f,
	}
}

// file is the configuration of the demo, as an operator would write it.
const file = `# The configuration of the demo.
listen: ""
redis: {shards: 4}
slack: {command: /io, channel: C0OPS}
mail: {url_env: DEMO_MAIL_URL, from: keyholder@acme.example}
alarm: {to: [security@acme.example]}
accounts:
  - id: acme
    name: Acme Production
    region: us
    api_url: INTEGRATOR
    token_env: ACME_IO_TOKEN
    owner: jane@acme.example
    aliases:
      - email: celigo@acme.example
        holders: [U0ANA, U0BEN, U0CAT]
        custodians: [U0ANA, U0BEN]
        vault: "IT vault / Celigo owner"
    admins: [U0DEE]
    environments:
      - {name: Sandbox, token_env: ACME_SANDBOX_TOKEN}
    review: {reviewers: [U0DEE, U0ANA], timezone: Europe/London}
    transfer: {cooldown: 30s, watch_every: 2s, on_errors: warn}
`
