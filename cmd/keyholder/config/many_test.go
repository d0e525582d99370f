package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// workspaceFile is a file without faults for a workspace of its own.
func workspaceFile(more string) string {
	return more + `
accounts:
  - id: acme
    owner: jane@acme.example
    aliases: [{email: celigo@acme.example, holders: [U0ANA, U0BEN]}]
`
}

// folder writes files and answers where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tokensOf is an environment with tokens of the workspaces that are named: A_APP, A_BOT and so on.
func tokensOf(names ...string) func(string) (string, bool) {
	env := map[string]string{}
	for _, n := range names {
		env[n+"_APP"], env[n+"_BOT"] = "xapp-"+n, "xoxb-"+n
	}
	env["A_REDIS"] = "redis://a:secret@LOCALHOST/2"
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

func own(letter, prefix string) string {
	return "slack: {app_token_env: " + letter + "_APP, bot_token_env: " + letter + "_BOT}\nredis: {prefix: " + prefix +
		"}"
}

func faultsByName(files []File) map[string]string {
	out := map[string]string{}
	for _, f := range files {
		out[f.Name] += lines(f.Faults)
	}
	return out
}

func TestAFolderStandsForItsFiles(t *testing.T) {
	dir := folder(t, map[string]string{"b.yaml": workspaceFile(own("B", "kh-b")),
		"a.yml":        workspaceFile(own("A", "kh-a")),
		".hidden.yaml": "", "notes.txt": "", "a.env": ""})
	files, err := LoadAll([]string{dir, filepath.Join(dir, "b.yaml")}, tokensOf("A", "B"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 || files[0].Name != "a" || files[1].Name != "b" {
		t.Fatalf("got %+v", files)
	}
	for _, f := range files {
		if len(f.Faults) > 0 {
			t.Errorf("%s: %s", f.Name, lines(f.Faults))
		}
	}
	if got := files[1].Config.Secrets.SlackBotToken; got != "xoxb-B" {
		t.Errorf("b speaks with the token %q", got)
	}
}

func TestWhatTwoFilesMayNotShareIsAFaultOfBoth(t *testing.T) {
	for name, c := range map[string]struct {
		a, b, want string
	}{
		"prefix": {own("A", "kh"), own("B", "kh"), "redis.prefix: kh is also the prefix of "},
		"prefix, another name of the same server": {
			"slack: {app_token_env: A_APP, bot_token_env: A_BOT}\nredis: {url_env: A_REDIS}",
			"slack: {app_token_env: B_APP, bot_token_env: B_BOT}\nredis: {url: \"redis://127.0.0.1:6379/2\"}",
			"their records would mix. Give each file its own, such as kh-"},
		"bot token": {own("A", "kh-a"), "slack: {app_token_env: B_APP, bot_token_env: A_BOT}\nredis: {prefix: kh-b}",
			"slack.bot_token_env: A_BOT names the same bot token as "},
		"app token": {own("A", "kh-a"), "slack: {app_token_env: A_APP, bot_token_env: B_BOT}\nredis: {prefix: kh-b}",
			"slack.app_token_env: A_APP names the same app token as "},
		"cluster": {"slack: {app_token_env: A_APP, bot_token_env: A_BOT}\nredis: {addrs: [\"one:6379\", \"two:6379\"], cluster: true}",
			"slack: {app_token_env: B_APP, bot_token_env: B_BOT}\nredis: {addrs: [\"TWO:6379\"], cluster: true}",
			"is also the prefix of"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"a.yaml": workspaceFile(c.a), "b.yaml": workspaceFile(c.b),
				"c.yaml": workspaceFile(own("C", "kh-c"))})
			files, err := LoadAll([]string{dir}, tokensOf("A", "B", "C"))
			if err != nil {
				t.Fatal(err)
			}
			got := faultsByName(files)
			if !strings.Contains(got["a"], c.want) || !strings.Contains(got["b"], c.want) || got["c"] != "" {
				t.Errorf("want %q of both and nothing of c:\n%v", c.want, got)
			}
			if strings.Contains(got["a"]+got["b"], "secret") || strings.Contains(got["a"]+got["b"], "xoxb-") {
				t.Errorf("a secret is shown:\n%v", got)
			}
		})
	}
}

func TestTheSamePrefixOnAnotherRedisIsNobodysBusiness(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.yaml": workspaceFile(
			"slack: {app_token_env: A_APP, bot_token_env: A_BOT}\nredis: {url: \"redis://one.example/0\"}"),
		"b.yaml": workspaceFile(
			"slack: {app_token_env: B_APP, bot_token_env: B_BOT}\nredis: {url: \"redis://one.example/1\"}"),
	})
	files, err := LoadAll([]string{dir}, tokensOf("A", "B"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if len(f.Faults) > 0 {
			t.Errorf("%s: %s", f.Name, lines(f.Faults))
		}
	}
}

func TestTwoFilesOfOneNameAndAFileThatIsNotThere(t *testing.T) {
	one, two := folder(t, map[string]string{"a.yaml": workspaceFile(own("A", "kh-a"))}),
		folder(t, map[string]string{"a.yaml": workspaceFile(own("B", "kh-b"))})
	files, err := LoadAll([]string{one, two, filepath.Join(one, "gone.yaml")}, tokensOf("A", "B"))
	if err != nil {
		t.Fatal(err)
	}
	got := faultsByName(files)
	if strings.Count(got["a"], "Two files are called a") != 2 || !strings.Contains(got["gone"], "there is no file") {
		t.Errorf("got %v", got)
	}
}

func TestAVariableOfTheFileThatIsNotSetIsNamed(t *testing.T) {
	text := workspaceFile("slack: {app_token_env: A_APP, bot_token_env: NOBODY_BOT}\nredis: {url_env: NOBODY_REDIS}")
	_, faults := Parse([]byte(text), "a.yaml", tokensOf("A"))
	got := lines(faults)
	for _, want := range []string{"NOBODY_BOT: This environment variable is not set",
		"a.yaml:2: redis.url_env: NOBODY_REDIS names an environment variable that is not set"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	if left := FileFaults(faults); len(left) != 1 {
		t.Errorf("a command on the record would look at another Redis: %s", lines(left))
	}
	_, faults = Parse([]byte(workspaceFile("slack: {bot_token_env: xoxb-the-token-itself}")), "a.yaml", tokensOf("A"))
	if got := lines(faults); !strings.Contains(got,
		"slack.bot_token_env: This is not the name of an environment variable") || strings.Contains(got, "itself") {
		t.Errorf("got %s", got)
	}
}

func TestAFileOfVariables(t *testing.T) {
	dir := folder(t, map[string]string{"good.env": "# tokens\n\nA_APP=xapp-1=2\r\n  B_BOT=xoxb-b \n",
		"bad.env": "A=1\nexport B=hush\n", "twice.env": "A=1\nA=2\n"})
	got, err := EnvFile(filepath.Join(dir, "good.env"))
	if err != nil || len(got) != 2 || got["A_APP"] != "xapp-1=2" || got["B_BOT"] != "xoxb-b" {
		t.Errorf("got %v, %v", got, err)
	}
	for name, want := range map[string]string{"bad.env": "bad.env:2: this line is not NAME=VALUE",
		"twice.env": "twice.env:2: A stands there twice", "gone.env": "there is no file"} {
		if _, err := EnvFile(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
