package stepup_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/npmtest"
	"github.com/keyholder/keyholder/bot/stepup"
)

// A provider that others wrote runs unmodified, where package npmtest can fetch it; the provider of
// package idpsim covers the same ground.

// foreignProvider installs and starts it, and answers its issuer.
func foreignProvider(t *testing.T) string {
	t.Helper()
	return startProvider(t, npmtest.Install(t, "a provider that others wrote", filepath.Join("testdata", "provider")))
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
