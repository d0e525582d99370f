package config

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestHelpers(t *testing.T) {
	cfg := parsed(t, []byte(`
accounts:
  - id: acme
    owner: jane@acme.example
    token_env: ACME_IO_TOKEN
    aliases:
      - {email: celigo@acme.example, holders: [U0ANA, U0BEN]}
      - {email: two@acme.example, holders: [U0BEN, U0CAT]}
    admins: [U0DEE, U0ANA]
    region: au
    environments: [{name: Sandbox, token_env: ACME_IO_TOKEN}, {name: Test}]
`))
	a, ok := cfg.Account("ACME")
	if !ok || a != &cfg.Accounts[0] {
		t.Fatal("the account is not found")
	}
	if _, ok := cfg.Account("other"); ok {
		t.Error("an account that is not there is found")
	}
	for name, pair := range map[string][2][]string{
		"holders":          {a.HolderIDs(), {"U0ANA", "U0BEN", "U0CAT"}},
		"approvers":        {a.ApproverIDs(), {"U0ANA", "U0BEN", "U0CAT"}},
		"access approvers": {a.AccessApproverIDs(), {"U0ANA", "U0BEN", "U0CAT", "U0DEE"}},
		"reviewers":        {a.ReviewerIDs(), {"U0DEE", "U0ANA", "U0BEN", "U0CAT"}},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
	if alias, ok := a.Alias(" Two@ACME.example"); !ok || alias.Email != "two@acme.example" {
		t.Errorf("alias %v %v", alias, ok)
	}
	if _, ok := a.Alias("jane@acme.example"); ok {
		t.Error("the owner is taken for an alias")
	}
	if a.ChannelOr("C0OPS") != "C0OPS" || (Account{Channel: "C0OWN"}).ChannelOr("C0OPS") != "C0OWN" {
		t.Error("channel")
	}
	if a.APIBase() != "https://api.au.integrator.io" {
		t.Error(a.APIBase())
	}
	if cfg.Token("acme", "Sandbox") == "" || cfg.Token("acme", Production) == "" || cfg.Token("acme", "Test") != "" ||
		cfg.Token("b", "") != "" {
		t.Error("tokens")
	}
}

const governedFile = `
accounts:
  - id: acme
    owner: jane@acme.example
    aliases: [{email: celigo@acme.example, holders: [U0ANA, U0BEN, U0CAT], custodians: [U0ANA]}]
    admins: [U0DEE, U0EVE]
    transfer: {quorum: 2, cooldown: 24h}
    access: {for: [1d, 7d], default_for: 7d}
    review: {reviewers: [U0DEE, U0ANA], hours: ""}
`

func TestGovernanceChangesExactlyWithSomebodysRights(t *testing.T) {
	base := string(Governance(parsed(t, []byte(governedFile)))["acme"])
	if !json.Valid([]byte(base)) {
		t.Fatal(base)
	}
	same := [][2]string{
		{"[U0ANA, U0BEN, U0CAT]", "[U0CAT, U0ANA, U0BEN]"}, {"[U0DEE, U0EVE]", "[U0EVE, U0DEE]"}, {"24h", "1d"},
		{"[1d, 7d]", "[24h, 7d]"},
		{`hours: ""`, `hours: "08:00-12:00"`}, {"id: acme", "id: acme\n    name: Other\n    channel: C0OPS"},
		{"quorum: 2, ", ""},
		{"    admins", "    approvers: [U0ANA, U0BEN, U0CAT]\n    admins"},
	}
	for _, change := range same {
		if got := changed(t, change); got != base {
			t.Errorf("%q for %q changed\n%s\ninto\n%s", change[1], change[0], base, got)
		}
	}
	different := [][2]string{
		{"quorum: 2", "quorum: 3"}, {"[U0ANA, U0BEN, U0CAT]", "[U0ANA, U0BEN]"},
		{"custodians: [U0ANA]", "custodians: [U0BEN]"}, {"[U0DEE, U0EVE]", "[U0DEE]"},
		{"[U0DEE, U0ANA]", "[U0DEE]"}, {"24h", "1s"}, {"[1d, 7d]", "[1d, 7d, always]"},
		{"id: acme", "id: acme\n    auditors: [U0FAY]"},
		{"    admins", "    approvers: [U0ANA, U0BEN]\n    admins"},
		{"id: acme", "id: acme\n    token_env: ACME_IO_TOKEN"}, {`hours: ""`, "no_answer: remove"},
		{`hours: ""`, "reviewers_by_role: {administrator: [U0FAY]}"},
		{`hours: ""`, "reviewers_by_integration: {Orders: [U0FAY]}"},
	}
	for _, change := range different {
		if got := changed(t, change); got == base {
			t.Errorf("%q for %q changed nothing", change[1], change[0])
		}
	}
}

func changed(t *testing.T, change [2]string) string {
	t.Helper()
	text := strings.Replace(governedFile, change[0], change[1], 1)
	if text == governedFile {
		t.Fatalf("%q is not in the file", change[0])
	}
	return string(Governance(parsed(t, []byte(text)))["acme"])
}

func TestGovernanceHasAFixedForm(t *testing.T) {
	golden(t, "testdata/governance.golden", string(Governance(parsed(t, []byte(governedFile)))["acme"])+"\n")
}

func TestReviewersByRuleAreReadAsWritten(t *testing.T) {
	cfg := parsed(t, []byte(strings.Replace(governedFile, `hours: ""`,
		`reviewers_by_role: {administrator: [U0FAY, S0GROUP]}, reviewers_by_integration: {"Orders: A.B [x]": [U0ANA], 5d3f: [U0BEN]}`, 1)))
	r := cfg.Accounts[0].Review
	want := map[string][]string{"Orders: A.B [x]": {"U0ANA"}, "5d3f": {"U0BEN"}}
	if !reflect.DeepEqual(r.ReviewersByIntegration, want) || !slices.Equal(r.ReviewersByRole["administrator"],
		[]string{"U0FAY", "S0GROUP"}) {
		t.Errorf("%+v", r)
	}
	again := changed(t, [2]string{`hours: ""`,
		`reviewers_by_integration: {5d3f: [U0BEN], "Orders: A.B [x]": [U0ANA]}, reviewers_by_role: {administrator: [S0GROUP, U0FAY]}`})
	if string(Governance(cfg)["acme"]) != again {
		t.Error("the order of rules or people changed somebody's rights")
	}
}

func TestNearestKey(t *testing.T) {
	for _, test := range []struct{ key, want string }{
		{"chanel", "channel"}, {"API_URL", "api_url"}, {"api-url", "api_url"}, {"approver", "approvers"},
		{"token", "token_env"}, {"enviroments", "environments"},
	} {
		_, faults := Parse([]byte(strings.Replace(governedFile, "id: acme", "id: acme\n    "+test.key+": x", 1)),
			"k.yaml", testEnv)
		if len(faults) != 1 || !strings.HasSuffix(faults[0].String(), "The nearest known key is "+test.want+".") {
			t.Errorf("%s: %s", test.key, lines(faults))
		}
	}
}
