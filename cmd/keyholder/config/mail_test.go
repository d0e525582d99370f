package config

import (
	"strings"
	"testing"
)

const mailed = `
slack: {channel: C0OPS}
mail: {url_env: POST, from: keyholder@acme.example}
alarm: {to: [it@acme.example], webhook_env: HOOK, webhook_secret_env: SIGN}
accounts:
  - {id: acme, owner: jane@acme.example, aliases: [{email: celigo@acme.example, holders: [U0ANA, U0BEN, U0CAT]}]}
`

func TestMailAndWebhookComeFromTheEnvironment(t *testing.T) {
	for _, test := range []struct {
		name, post, hook, sign string
		fault                  string // a part of the only fault; "" when there is none
	}{
		{"all good", "smtps://k:p%40ss@mail.acme.example:465", "https://alarm.example/hook?key=hush", "hush", ""},
		{"STARTTLS and this machine", "smtp://mail.acme.example:587", "http://127.0.0.1:8080/", "hush", ""},
		{"no mail server", "", "https://alarm.example/", "hush",
			"mail.url_env: POST names an environment variable that is not set"},
		{"a web address", "https://k:hush@mail.acme.example", "https://alarm.example/", "hush",
			"holds no smtp or smtps address"},
		{"no address", "mail.acme.example:465", "https://alarm.example/", "hush", "holds no smtp or smtps address"},
		{"more than an address", "smtps://mail.acme.example/hush?x=1", "https://alarm.example/", "hush",
			"is more than scheme"},
		{"no webhook", "smtp://localhost", "", "hush",
			"alarm.webhook_env: HOOK names an environment variable that is not set"},
		{"plain text over the network", "smtp://localhost", "http://alarm.example/hush", "hush", "in plain text"},
		{"a file", "smtp://localhost", "file:///hush", "hush", "holds no https address"},
		{"no secret", "smtp://localhost", "https://alarm.example/hush", "",
			"alarm.webhook_secret_env: SIGN names an environment variable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg, faults := Parse([]byte(mailed), "k.yaml", env("POST", test.post, "HOOK", test.hook, "SIGN", test.sign))
			if got := lines(faults); test.fault == "" && got != "" || !strings.Contains(got, test.fault) ||
				len(faults) > 1 ||
				strings.Contains(got, "hush") {
				t.Fatalf("got %q, want %q", got, test.fault)
			}
			if test.fault == "" && (cfg.Secrets.MailURL != test.post || cfg.Secrets.AlarmWebhook != test.hook ||
				cfg.Secrets.AlarmSecret != test.sign) {
				t.Error("a secret was not read")
			}
		})
	}
}

func TestASecretWithoutAWebhookSignsNothing(t *testing.T) {
	file := strings.Replace(mailed, "webhook_env: HOOK, ", "", 1)
	_, faults := Parse([]byte(file), "k.yaml", env("POST", "smtp://localhost", "SIGN", "hush"))
	if got := lines(faults); !strings.Contains(got, "There is a secret and no webhook") || len(faults) != 1 {
		t.Error(got)
	}
	file = strings.Replace(mailed, "webhook_secret_env: SIGN", "webhook_secret_env: hush-hush", 1)
	_, faults = Parse([]byte(file), "k.yaml", env("POST", "smtp://localhost", "HOOK", "https://alarm.example/"))
	if got := lines(faults); !strings.Contains(got, "not the name of an environment variable") || strings.Contains(got,
		"hush") {
		t.Error(got)
	}
}

// Approvers written as one list, as a list of one list, and as several are the same people; only several ask for more.
func TestApproversOfOneListAreAListOfOneList(t *testing.T) {
	read := func(approvers string) Account {
		t.Helper()
		file := strings.NewReplacer("id: acme,", "id: acme, approvers: "+approvers+",", "mail: {", "# {", "alarm: {",
			"# {").Replace(mailed)
		return parsed(t, []byte(file)).Accounts[0]
	}
	for _, test := range []struct {
		text  string
		ids   string
		lists int
	}{
		{"[]", "U0ANA U0BEN U0CAT", 0},
		{"[[]]", "", -1},
		{"[U0DEE, U0EVE]", "U0DEE U0EVE", 0},
		{"[[U0DEE, U0EVE]]", "U0DEE U0EVE", 0},
		{"[[U0DEE, U0EVE], [U0FAY, U0DEE]]", "U0DEE U0EVE U0FAY", 2},
		{"[[U0DEE], [S0TEAM]]", "U0DEE S0TEAM", 2},
	} {
		if test.lists < 0 {
			_, faults := Parse([]byte(strings.Replace(mailed, "id: acme,", "id: acme, approvers: "+test.text+",", 1)),
				"k.yaml", testEnv)
			if !strings.Contains(lines(faults), "names nobody") {
				t.Errorf("%s: %s", test.text, lines(faults))
			}
			continue
		}
		a := read(test.text)
		if got := strings.Join(a.ApproverIDs(), " "); got != test.ids || len(a.Approvers.Lists()) != test.lists {
			t.Errorf("%s: %s, %d lists", test.text, got, len(a.Approvers.Lists()))
		}
	}
}
