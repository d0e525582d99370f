package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testEnv is the environment of a well set up machine.
func testEnv(name string) (string, bool) {
	value, ok := map[string]string{
		"SLACK_APP_TOKEN": "xapp-1-A0-1-abc",
		"SLACK_BOT_TOKEN": "xoxb-1-2-abc",
		"ACME_IO_TOKEN":   "0123456789abcdef0123456789abcdef",
		"EMPTY_TOKEN":     "",
		"MAIL_URL":        "smtps://keyholder:opensesame@mail.acme.example:465",
		"ALARM_URL":       "https://alarms.example/hook?key=opensesame",
	}[name]
	return value, ok
}

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return testEnv(name)
	}
}

func lines(faults []Fault) string {
	var b strings.Builder
	for _, f := range faults {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n--- got\n%s--- want\n%s", path, got, want)
	}
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return names
}

func TestBadFilesGetTheirFaults(t *testing.T) {
	for _, name := range files(t, "testdata/bad/*.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, faults := Parse(data, "keyholder.yaml", testEnv)
			if len(faults) == 0 {
				t.Fatal("no fault")
			}
			wellFormed(t, data, faults)
			golden(t, strings.TrimSuffix(name, ".yaml")+".golden", lines(faults))
		})
	}
}

// wellFormed checks what holds for every fault: a place inside the file, in file order, sentences, one line.
func wellFormed(t *testing.T, data []byte, faults []Fault) {
	t.Helper()
	last := 0
	data = lineFeeds(data)
	for _, f := range faults {
		switch text := f.String(); {
		case strings.ContainsAny(text, "\n\r\x00"):
			t.Errorf("more than one line: %q", text)
		case f.Problem == "" || f.Cure == "" || strings.HasSuffix(f.Problem, ".") || !strings.HasSuffix(f.Cure, "."):
			t.Errorf("no sentence with a cure: %q", text)
		case f.Line > strings.Count(string(data), "\n")+1:
			t.Errorf("line %d is not in the file: %q", f.Line, text)
		case f.Line > 0 && f.Column < 1:
			t.Errorf("no column: %q", text)
		case f.Line == 0 && !f.Environment:
			t.Errorf("no line: %q", text)
		}
		if f.Line > 0 && f.Line < last {
			t.Errorf("out of order: line %d after %d", f.Line, last)
		}
		last = f.Line
	}
}

func TestSecretsInWrongPlacesAreNeverShown(t *testing.T) {
	secrets := []string{"hunter2", "secret", "0123456789abcdef", "abcdef0123456789"}
	for _, name := range files(t, "testdata/bad/*.golden") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			if strings.Contains(strings.ReplaceAll(string(text), "looks like a secret", ""), secret) {
				t.Errorf("%s shows %q", name, secret)
			}
		}
	}
}

func TestGoodFilesHaveNoFault(t *testing.T) {
	for _, name := range files(t, "testdata/good/*.yaml") {
		cfg, faults, err := Load(name, testEnv)
		if err != nil || len(faults) > 0 {
			t.Errorf("%s: %v\n%s", name, err, lines(faults))
		}
		if cfg.File() != name || len(cfg.Hash()) != 64 {
			t.Errorf("file %q, hash %q", cfg.File(), cfg.Hash())
		}
	}
}

func TestTheContractsExampleIsTheDefault(t *testing.T) {
	cfg, faults, err := Load("testdata/good/contract.yaml", testEnv)
	if err != nil || len(faults) > 0 {
		t.Fatal(err, lines(faults))
	}
	want := DefaultAccount()
	want.Review.Reviewers = []string{"U0DEE", "U0ANA"} // an example, not a default
	got := cfg.Accounts[0]
	want.Recovery.IT = []string{}
	for name, pair := range map[string][2]any{
		"listen": {cfg.Listen, Default().Listen}, "slack": {cfg.Slack.Command, "/io"},
		"redis":    {cfg.Redis, Default().Redis},
		"transfer": {got.Transfer, want.Transfer}, "access": {got.Access, want.Access},
		"review":   {got.Review, want.Review},
		"recovery": {got.Recovery, want.Recovery}, "key": {got.Key, want.Key}, "tokens": {got.Tokens, want.Tokens},
		"conventions": {got.Conventions, want.Conventions},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: the contract has %+v, the default is %+v", name, pair[0], pair[1])
		}
	}
	if got := cfg.Secrets.AccountTokens["acme"]; got != "0123456789abcdef0123456789abcdef" ||
		cfg.Token("acme", "") != got {
		t.Error("the account's token was not read")
	}
}

func TestAFileWithoutRulesHasTheDefaults(t *testing.T) {
	cfg, faults, err := Load("testdata/good/minimal.yaml", testEnv)
	if err != nil || len(faults) > 0 {
		t.Fatal(err, lines(faults))
	}
	a, d := cfg.Accounts[0], DefaultAccount()
	if !reflect.DeepEqual(a.Transfer, d.Transfer) || !reflect.DeepEqual(a.Access, d.Access) ||
		!reflect.DeepEqual(a.Review, d.Review) {
		t.Errorf("got %+v", a)
	}
	if a.Name != "acme" || a.APIBase() != "https://api.integrator.io" {
		t.Errorf("name %q, base %q", a.Name, a.APIBase())
	}
}

func TestAnchorsMergesAndEmptyValues(t *testing.T) {
	cfg, faults, err := Load("testdata/good/anchors.yaml", testEnv)
	if err != nil || len(faults) > 0 {
		t.Fatal(err, lines(faults))
	}
	if cfg.Slack.Command != "/io" || cfg.Redis.URL != "" || cfg.RedisURL() != "" {
		t.Errorf("slack %+v, redis %+v", cfg.Slack, cfg.Redis)
	}
	a, b := cfg.Accounts[0], cfg.Accounts[1]
	if a.ID != "2024" || b.ID != "b" || b.Owner != "jane@acme.example" || b.Transfer.Quorum != 3 ||
		b.Transfer.Cooldown != second {
		t.Errorf("a %+v\nb %+v", a, b)
	}
	if b.Transfer.ConfirmWithin != 72*hour || b.Access.DefaultFor.Text != "1s" || len(b.Access.Notice) != 0 {
		t.Errorf("b %+v", b)
	}
	if b.APIBase() != "http://127.0.0.1:8889" || !reflect.DeepEqual(b.ApproverIDs(),
		[]string{"U0ANA", "U0BEN", "S0GROUP"}) {
		t.Errorf("base %q, approvers %v", b.APIBase(), b.ApproverIDs())
	}
}

func TestEnvironment(t *testing.T) {
	minimal, err := os.ReadFile("testdata/good/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		env  func(string) (string, bool)
		file string
		want []string // parts of the faults, in order
	}{
		{"nothing set", func(string) (string, bool) {
			return "", false
		}, "", []string{"SLACK_APP_TOKEN: This environment variable is not set",
			"SLACK_BOT_TOKEN: This environment variable is not set"}},
		{"nil look-up", nil, "", []string{"SLACK_APP_TOKEN", "SLACK_BOT_TOKEN"}},
		{"tokens swapped", env("SLACK_APP_TOKEN", "xoxb-1", "SLACK_BOT_TOKEN", "xapp-1"), "",
			[]string{"does not begin with xapp-", "does not begin with xoxb-"}},
		{"token in quotes", env("SLACK_APP_TOKEN", `xapp-"1"`), "", []string{"spaces or quotes"}},
		{"token all in quotes", env("SLACK_BOT_TOKEN", `"xoxb-1"`, "SLACK_APP_TOKEN", `‘xapp-1’`), "",
			[]string{"SLACK_APP_TOKEN: The token in this environment variable stands in quotes",
				"SLACK_BOT_TOKEN: The token in this environment variable stands in quotes"}},
		{"simulator", env("SLACK_API_URL", "http://127.0.0.1:8888/api"), "", nil},
		{"simulator wrong", env("SLACK_API_URL", "127.0.0.1:8888"), "",
			[]string{"SLACK_API_URL: This environment variable is not an http"}},
		{"redis", env("REDIS_URL", "rediss://:pw@r:6379/1"), "redis: {url: ''}\n", nil},
		{"redis wrong", env("REDIS_URL", "redis://:p w@@"), "",
			[]string{"REDIS_URL: The address in this environment variable is not an address"}},
		{"redis for a cluster", env("REDIS_URL", "redis://:pw@r:6379?addr=s:6379"), "redis: {cluster: true}\n", nil},
		{"redis for sentinel", env("REDIS_URL", "redis://:pw@r:26379/0?master_name=m&addr=s:26379"),
			"redis: {master: m}\n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, faults := Parse([]byte(test.file+string(minimal)), "k.yaml", test.env)
			if len(faults) != len(test.want) {
				t.Fatalf("got %d faults, want %d:\n%s", len(faults), len(test.want), lines(faults))
			}
			for i, want := range test.want {
				if text := faults[i].String(); !strings.Contains(text, want) || !faults[i].Environment {
					t.Errorf("got %s, want %s", text, want)
				}
			}
			if len(FileFaults(faults)) != 0 {
				t.Error("a fault of the environment counts as one of the file")
			}
		})
	}
}

func TestSimulatorAddressEndsWithOneSlash(t *testing.T) {
	for _, address := range []string{"http://127.0.0.1:8888/api", "http://127.0.0.1:8888/api/"} {
		cfg, _ := Parse(Template(Answers{}), "k.yaml", env("SLACK_API_URL", address))
		if cfg.Secrets.SlackAPIURL != "http://127.0.0.1:8888/api/" {
			t.Errorf("%s became %s", address, cfg.Secrets.SlackAPIURL)
		}
	}
}

func TestRedisURLOfTheEnvironmentWins(t *testing.T) {
	cfg, _ := Parse(Template(Answers{}), "k.yaml", env("REDIS_URL", "redis://other:6379/3"))
	if cfg.RedisURL() != "redis://other:6379/3" {
		t.Errorf("got %s", cfg.RedisURL())
	}
}

func TestFilesThatCannotBeReadAreExplained(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Load(filepath.Join(dir, "none.yaml"), testEnv); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), "keyholder init") {
		t.Errorf("missing file: %v", err)
	}
	if _, _, err := Load(dir, testEnv); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("folder: %v", err)
	}
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, []byte(strings.Repeat("# more\n", MaxSize/7+10)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, faults, err := Load(big, testEnv); err != nil || len(faults) != 1 || !strings.Contains(faults[0].String(),
		"KiB") {
		t.Errorf("too big: %v %v", err, faults)
	}
}

// Files that attack the reader: each must be answered soon, with faults and without a crash.
func TestHostileFilesAreAnsweredSoon(t *testing.T) {
	n := 40_000
	tests := map[string]string{
		"brackets":      strings.Repeat("[", n),
		"braces":        strings.Repeat("{a: ", n/4),
		"dashes":        strings.Repeat("- ", n),
		"question":      strings.Repeat("? ", n),
		"tags":          "a: " + strings.Repeat("!!str ", n/6),
		"anchors":       "a: " + strings.Repeat("&a ", n/3),
		"indentation":   indentation(400),
		"long line":     "a: " + strings.Repeat("x", n),
		"long list":     "accounts: [" + strings.Repeat("a,", n) + "a]",
		"alias bomb":    bomb(),
		"many keys":     manyKeys(5_000),
		"carriage":      "accounts:\r\n  - id: acme\r\n    owner: x\r\n",
		"old mac":       "accounts:\r  - id: acme\r",
		"byte order":    "\ufeffaccounts: []\n",
		"colons":        strings.Repeat(":", n),
		"pipes":         strings.Repeat("a: |\n", n/5),
		"quotes":        strings.Repeat(`"`, n),
		"merge to self": "a: &a {<<: *a}\naccounts: *a\n",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			_, faults := Parse([]byte(text), "k.yaml", testEnv)
			if len(faults) == 0 {
				t.Error("no fault")
			}
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("took %v", took)
			} else {
				t.Log(took, len(faults))
			}
		})
	}
}

func TestAByteOrderMarkIsNoPartOfTheFirstKey(t *testing.T) {
	plain := Template(Answers{Admins: []string{"U0DEE"}})
	cfg, faults := Parse(append([]byte("\ufeff"), plain...), "k.yaml", testEnv)
	if len(faults) > 0 {
		t.Fatal(lines(faults))
	}
	if want, _ := Parse(plain, "k.yaml", testEnv); cfg.Listen != want.Listen || len(cfg.Accounts) != 1 ||
		cfg.Accounts[0].Owner != want.Accounts[0].Owner {
		t.Errorf("%+v", cfg)
	}
}

func TestATokenOfAnAccountInQuotesIsAFault(t *testing.T) {
	text := append(Template(Answers{TokenEnv: "ACME_IO_TOKEN"}), '\n')
	for _, token := range []string{`"abc123"`, "'abc123'", "“abc123”", `abc123"`, "abc 123"} {
		_, faults := Parse(text, "k.yaml", func(name string) (string, bool) {
			if name == "ACME_IO_TOKEN" {
				return token, true
			}
			return testEnv(name)
		})
		if len(faults) != 1 || !strings.Contains(lines(faults), "quotes") {
			t.Errorf("%s: %s", token, lines(faults))
		}
	}
}

func indentation(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func bomb() string {
	return "slack: {command: &s x}\naccounts:\n - &a {aliases: [&b {holders: &c [" + strings.Repeat("*s,", 3000) +
		"]}" +
		strings.Repeat(",*b", 1000) + "]}\n" + strings.Repeat(" - *a\n", 1000)
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("key" + itoa(i) + ": 1\n")
	}
	return b.String()
}

func TestLinesAreCountedAsOnEverySystem(t *testing.T) {
	text := "slack: {command: /io}\n# more\n\nlisten: nowhere\n" + "accounts: 7\n"
	want := lines(faultsOf(Parse([]byte(text), "k.yaml", testEnv)))
	for _, end := range []string{"\r\n", "\r"} {
		if got := lines(faultsOf(Parse([]byte(strings.ReplaceAll(text, "\n", end)), "k.yaml", testEnv))); got != want ||
			!strings.HasPrefix(got, "k.yaml:4: listen") {
			t.Errorf("%q: got\n%swant\n%s", end, got, want)
		}
	}
}

func faultsOf(_ *Config, faults []Fault) []Fault { return faults }

func TestHashIsOfTheBytes(t *testing.T) {
	if got := Hash([]byte("abc")); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Error(got)
	}
}

func mustGlob(pattern string) []string {
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		panic("no files " + pattern)
	}
	return names
}
