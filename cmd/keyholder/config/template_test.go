package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"
)

func parsed(t *testing.T, text []byte) *Config {
	t.Helper()
	cfg, faults := Parse(text, "keyholder.yaml", testEnv)
	if len(faults) > 0 {
		t.Fatalf("%s\n%s", lines(faults), text)
	}
	return cfg
}

func TestTemplateOfNoAnswersIsTheDefaults(t *testing.T) {
	cfg := parsed(t, Template(Answers{}))
	a, d := cfg.Accounts[0], DefaultAccount()
	d.Review.Reviewers, d.Recovery.IT = []string{}, []string{}
	d.Review.ReviewersByRole, d.Review.ReviewersByIntegration = map[string][]string{}, map[string][]string{}
	if !reflect.DeepEqual(a.Transfer, d.Transfer) || !reflect.DeepEqual(a.Access, d.Access) ||
		!reflect.DeepEqual(a.Review, d.Review) ||
		!reflect.DeepEqual(a.Recovery, d.Recovery) || !reflect.DeepEqual(a.Key, d.Key) || !reflect.DeepEqual(a.Tokens,
		d.Tokens) {
		t.Errorf("the template's values are not the defaults: %+v", a)
	}
	want := Default().Redis
	want.Addrs = []string{}
	if cfg.Listen != Default().Listen || !reflect.DeepEqual(cfg.Redis, want) || cfg.Slack != Default().Slack {
		t.Errorf("the template's values are not the defaults: %+v", cfg)
	}
}

// Every key of the struct stands in the template, at its place and below a comment, and no other does.
func TestTemplateHasEveryKeyWithAComment(t *testing.T) {
	text := string(Template(Answers{}))
	// The one key whose inside is only shown in a comment.
	text = strings.Replace(text, "    environments: []", "    environments: [{name: Sandbox, token_env: X}]", 1)
	var tree any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	got, want := keysOf(tree, ""), typeKeys(reflect.TypeFor[Config](), "")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("template has %v\nstruct has %v", got, want)
	}
	if !strings.Contains(text, "{name: Sandbox, token_env: ACME_SANDBOX_TOKEN}") {
		t.Error("no example of an environment")
	}
	all := strings.Split(text, "\n")
	key := regexp.MustCompile(`^ *(- )?[a-z_]+:`)
	for i, line := range all {
		if !key.MatchString(line) {
			continue
		}
		above := i - 1
		// a comment may stand over two or three keys that belong together
		for key.MatchString(all[above]) && above > 0 {
			above--
		}
		group := strings.HasSuffix(line, ":") || strings.Contains(line, "- email:")
		if !group && !strings.Contains(all[above], "#") {
			t.Errorf("line %d has no comment above: %s", i+1, line)
		}
	}
}

func keysOf(tree any, path string) []string {
	var out []string
	switch n := tree.(type) {
	case map[string]any:
		for key, value := range n {
			out = append(out, join(path, key))
			out = append(out, keysOf(value, join(path, key))...)
		}
	case []any:
		for _, value := range n {
			out = append(out, keysOf(value, path)...)
		}
	}
	return out
}

func typeKeys(t reflect.Type, path string) []string {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	var out []string
	if t.Kind() != reflect.Struct || t == spanType {
		return nil
	}
	for tag, i := range fieldsOf(t) {
		out = append(out, join(path, tag))
		out = append(out, typeKeys(t.Field(i).Type, join(path, tag))...)
	}
	return out
}

func TestTemplateKeepsTheAnswers(t *testing.T) {
	answers := Answers{
		AccountID: "north", AccountName: `North "Prod": #1 \ {{.}}`, Region: "eu", Owner: "o'neil+x@north.example",
		TokenEnv: "ACME_IO_TOKEN",
		Alias:    "celigo@north.example", Holders: []string{"U0ANA", "S0GROUP"}, Custodians: []string{"U0EVE"},
		Vault:  "IT: 'vault' # 2 <&>",
		Admins: []string{"U0DEE"}, Channel: "C0OPS",
		Issuer: "https://login.north.example", ClientID: `a "client" #`,
	}
	cfg := parsed(t, Template(answers))
	a := cfg.Accounts[0]
	got := Answers{
		AccountID: a.ID, AccountName: a.Name, Region: a.Region, Owner: a.Owner, TokenEnv: a.TokenEnv,
		Alias:   a.Aliases[0].Email,
		Holders: a.Aliases[0].Holders, Custodians: a.Aliases[0].Custodians, Vault: a.Aliases[0].Vault, Admins: a.Admins,
		Channel: cfg.Slack.Channel, Issuer: cfg.StepUp.Issuer, ClientID: cfg.StepUp.ClientID, Codes: cfg.StepUp.TOTP,
	}
	if !slices.Equal(a.StepUp, answers.Proven()) || len(a.StepUp) == 0 {
		t.Errorf("asks for a proof of %v", a.StepUp)
	}
	if !reflect.DeepEqual(got, answers) {
		t.Errorf("got %+v\nwant %+v", got, answers)
	}
}

func TestTemplateIsWithoutFaultWhateverTheAnswers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "acme", "eu", "a@b.example", "U0ANA",
			"C0OPS", "ACME_IO_TOKEN", "\n- x: y", `"`, "{{.}}", "  "}))
		list := rapid.SliceOfN(rapid.OneOf(text, rapid.SampledFrom([]string{"U0ANA", "U0BEN", "S0G"})), 0, 4)
		answers := Answers{
			AccountID: text.Draw(t, "id"), AccountName: text.Draw(t, "name"), Region: text.Draw(t, "region"),
			Owner:    text.Draw(t, "owner"),
			TokenEnv: rapid.SampledFrom([]string{"", "ACME_IO_TOKEN", "not a name"}).Draw(t, "token"),
			Alias:    text.Draw(t, "alias"), Holders: list.Draw(t, "holders"),
			Custodians: list.Draw(t, "custodians"), Vault: text.Draw(t, "vault"), Admins: list.Draw(t, "admins"),
			Channel: text.Draw(t, "channel"), Issuer: text.Draw(t, "issuer"), ClientID: text.Draw(t, "client"),
			Codes: rapid.Bool().Draw(t, "codes"),
		}
		if _, faults := Parse(Template(answers), "keyholder.yaml", withSealKey); len(faults) > 0 {
			t.Fatalf("%+v\n%s", answers, lines(faults))
		}
	})
}

func TestOneHolderLowersTheQuorums(t *testing.T) {
	for _, test := range []struct {
		holders, admins []string
		transfer, admin int
	}{
		{[]string{"U0ANA"}, nil, 1, 1}, {[]string{"U0ANA"}, []string{"U0DEE"}, 1, 2}, {[]string{"S0G"}, nil, 2, 2},
		{[]string{"U0ANA", "U0BEN"}, nil, 2, 2},
	} {
		a := parsed(t, Template(Answers{Holders: test.holders, Admins: test.admins})).Accounts[0]
		if a.Transfer.Quorum != test.transfer || a.Access.AdministratorQuorum != test.admin {
			t.Errorf("%+v: got %d and %d", test, a.Transfer.Quorum, a.Access.AdministratorQuorum)
		}
	}
}

func ExampleTemplate() {
	text := string(Template(Answers{AccountID: "north", Region: "eu"}))
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, " id:") || strings.Contains(line, "region:") {
			fmt.Println(strings.TrimSpace(line))
		}
	}
	// Output:
	// - id: "north"
	// region: "eu"
}
