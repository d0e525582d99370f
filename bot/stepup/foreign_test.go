package stepup_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/stepup"
)

// A provider that others wrote runs unmodified, where Node and npm are at hand and npm can fetch it. Without
// them this test is skipped, loudly and also under KEYHOLDER_REQUIRE_ALL: a Go program is to be built and
// tried without Node, and the provider of package idpsim covers the same ground.

var unreachable = regexp.MustCompile(
	`ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|E(NET|HOST)UNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED|E50[0-9]`)

// foreignProvider installs and starts it, and answers its issuer.
func foreignProvider(t *testing.T) string {
	t.Helper()
	const untested = "NOT TESTED against a provider that others wrote: "
	if testing.Short() {
		t.Skip(untested + "it is fetched from a registry, which -short leaves out")
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(untested + err.Error())
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "provider.mjs"} {
		data, err := os.ReadFile(filepath.Join("testdata", "provider", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	limit, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	npm := exec.CommandContext(limit, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1",
		"--fetch-timeout=20000")
	npm.Dir, npm.WaitDelay = dir, time.Second
	switch out, err := npm.CombinedOutput(); {
	case err == nil:
	case limit.Err() != nil, unreachable.Match(out):
		t.Skip(untested + "npm could not fetch it in time")
	default:
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return startProvider(t, dir)
}

func startProvider(t *testing.T, dir string) string {
	t.Helper()
	node := exec.Command("node", "provider.mjs")
	node.Dir, node.WaitDelay = dir, time.Second
	stdin, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // its end
		_ = node.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the provider did not start: %v", err)
	}
	return strings.TrimSpace(line)
}

var (
	formTag   = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	hiddenTag = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// browse opens a page and sends its forms, one after the other, until there is none, as somebody who signs
// in under a name does.
func browse(t *testing.T, page, name string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	wire := &http.Transport{}
	defer wire.CloseIdleConnections()
	browser := &http.Client{Jar: jar, Transport: wire, Timeout: 10 * time.Second}
	at, text := read(t, func() (*http.Response, error) { return browser.Get(page) })
	for range 5 {
		form := formTag.FindStringSubmatch(text)
		if form == nil {
			return
		}
		fields := url.Values{"login": {name}, "password": {"any"}}
		for _, hidden := range hiddenTag.FindAllStringSubmatch(form[2], -1) {
			fields.Set(hidden[1], hidden[2])
		}
		target, err := at.Parse(strings.ReplaceAll(form[1], "&amp;", "&"))
		if err != nil {
			t.Fatal(err)
		}
		at, text = read(t, func() (*http.Response, error) { return browser.PostForm(target.String(), fields) })
	}
	t.Fatalf("the sign-in never ended; at %s:\n%s", at, text)
}

func read(t *testing.T, do func() (*http.Response, error)) (*url.URL, string) {
	t.Helper()
	resp, err := do()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s: %s %v\n%s", resp.Request.URL, resp.Status, err, body)
	}
	return resp.Request.URL, string(body)
}

func TestAProviderThatOthersWroteProvesTheSame(t *testing.T) {
	issuer := foreignProvider(t)
	for _, c := range []struct{ client, secret, signsIn, want string }{
		{"public", "", "ana", ""},
		{"header", "s e&c", "ana", ""},
		{"form", "s e&c", "ana", ""},
		{"public", "", "ben", "another"},
	} {
		p := stepup.New(stepup.Options{Issuer: issuer, ClientID: c.client, ClientSecret: c.secret, MaxAge: time.Minute})
		q, err := p.Ask(t.Context())
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		q.Hurry() // it says five seconds
		browse(t, q.Link, c.signsIn)
		got, err := p.Await(t.Context(), q, ana)
		if code(err) != c.want || c.want == "" && (err != nil || got.AuthTime.IsZero() || got.Issuer != issuer) {
			t.Errorf("%+v: %+v, %v", c, got, err)
		}
	}
	p := stepup.New(stepup.Options{Issuer: issuer, ClientID: "public", ClientSecret: "wrong", MaxAge: time.Minute})
	if _, err := p.Ask(t.Context()); code(err) != "provider_refused" {
		t.Errorf("a client that the provider does not know: %v", err)
	}
}
