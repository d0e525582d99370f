package slackapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestEveryMethodThatIsCalledIsALabelAndNothingElseIs(t *testing.T) {
	for path, want := range map[string]string{"/api/chat.postMessage": "chat.postMessage",
		"/api/users.info": "users.info", "/proxy/slack/api/views.open": "views.open",
		"/actions/T1/123/SECRET": LabelOther, "/chat.postMessage": LabelOther, "/api/": LabelOther,
		"/api/SECRET": LabelOther} {
		req := httptest.NewRequest(http.MethodPost, "http://slack.test"+path, nil)
		if got := label(req.URL); got != want {
			t.Errorf("%s is labelled %s, want %s", path, got, want)
		}
	}
}

func TestTokenGoesToSlackAlone(t *testing.T) {
	const other = "http://127.0.0.1:8888/api/"
	for address, want := range map[string]bool{
		"https://files.slack.com/files-pri/T1-F1/x":     true,
		"https://acme.enterprise.slack.com/files-pri/x": true,
		"https://slack.com/x":                           true,
		"https://files.slack-gov.com/x":                 true,
		"https://hooks.slack.com/actions/T1/1/x":        true,
		"https://files.slack.com:443/x":                 true,
		"https://files.slack.com:8443/x":                false,
		"http://files.slack.com/x":                      false,
		"https://files.slack.com.evil.example/x":        false,
		"https://evilslack.com/x":                       false,
		"https://slack.com@evil.example/x":              false,
		"https://evil.example/files.slack.com":          false,
		"https://user:secret@files.slack.com/x":         false,
		"https://evil.example\\@files.slack.com/x":      false,
		"//files.slack.com/x":                           false,
		"file:///etc/passwd":                            false,
		"http://127.0.0.1:8888/files/x":                 false,
		"":                                              false,
	} {
		if got := follows(address, ""); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	for address, want := range map[string]bool{"http://127.0.0.1:8888/files/x": true,
		"http://127.0.0.1:8889/files/x": false, "https://127.0.0.1:8888/files/x": false,
		"https://files.slack.com/x": true} {
		if got := follows(address, other); got != want {
			t.Errorf("with another Web API, %s: %v", address, got)
		}
	}
}

func TestSecretsAreTakenOutOfErrors(t *testing.T) {
	for _, c := range []struct {
		err    error
		hidden string
	}{
		{errors.New(`Post "x": token=xoxb-12-34-abc refused`), "xoxb-12"},
		{errors.New("dial wss://wss.slack.com/link/?ticket=1234-5678&app_id=1: timeout"), "1234-5678"},
		{errors.New("bad xapp-1-A-2-deadbeef"), "deadbeef"},
	} {
		if text := Clean(c.err); strings.Contains(text, c.hidden) {
			t.Errorf("%q shows %q", text, c.hidden)
		}
	}
	_, err := newHTTPClient().Get("http://127.0.0.1:1/commands/T1/secretpart")
	if err == nil || strings.Contains(Clean(err), "secretpart") {
		t.Errorf("%q", Clean(err))
	}
}

func TestOptionsNameEveryFault(t *testing.T) {
	_, err := New(Options{AppToken: "xoxb-1", BotToken: "xapp-1", URL: "slack"})
	for _, want := range []string{"SLACK_APP_TOKEN", "SLACK_BOT_TOKEN", "SLACK_API_URL"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in %v", want, err)
		}
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	strange := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a stranger was asked for %s", r.URL)
	}))
	t.Cleanup(strange.Close)
	hop := httptest.NewServer(http.RedirectHandler(strange.URL+"/hop", http.StatusTemporaryRedirect))
	t.Cleanup(hop.Close)
	api, err := New(Options{AppToken: "xapp-1", BotToken: "xoxb-1", URL: hop.URL + "/api", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.CloseIdleConnections)
	if _, err := api.Introduce(t.Context()); err == nil {
		t.Error("a redirect is an answer")
	}
	resp, err := api.Download(t.Context(), hop.URL+"/file")
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("%v %v", resp, err)
		return
	}
	_ = resp.Body.Close()
}
