package slacksim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// unproxied is how the go command says that it did not get through to where modules are.
var unproxied = regexp.MustCompile(
	`dial tcp|no such host|connection refused|i/o timeout|403 Forbidden|404 Not Found|TLS handshake`)

// Alertmanager's own notifier for Slack runs unmodified on the simulator: by a bot token and by an
// incoming webhook, with its default templates, and hears why Slack does not take an alert. It is
// half a thousand packages to fetch and build, so only where KEYHOLDER_ALERTMANAGER is set.
func TestAlertmanagersNotifierPosts(t *testing.T) {
	if os.Getenv("KEYHOLDER_ALERTMANAGER") == "" {
		t.Skip("NOT TESTED with Alertmanager's notifier: set KEYHOLDER_ALERTMANAGER=1 to fetch and build it (a minute)")
	}
	program := filepath.Join(t.TempDir(), "notifier")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir, build.Env = filepath.Join("testdata", "alertmanager"), append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); unproxied.Match(out) {
		t.Skipf("NOT TESTED with Alertmanager's notifier: it cannot be fetched: %s", out)
	} else if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	s, base := workspace(t, slacksim.Options{})
	s.SetPublicURL(base)
	notify := func(address, token, channel, status string) string {
		out, err := exec.CommandContext(t.Context(), program, address, token, channel, status).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	api := base + "/api/chat.postMessage"
	for _, c := range []struct{ name, address, token, channel, status, says, shown string }{
		{"a bot token", api, "xoxb-sim", "C0OPS", "firing", "sent", "[FIRING:1] NotReady"},
		{"a channel by name", api, "xoxb-sim", "#ops", "resolved", "sent", "[RESOLVED] NotReady"},
		{"an incoming webhook", s.WebhookURL("C0OPS"), "", "#another", "firing", "sent", "[FIRING:1] NotReady"},
		{"a wrong token", api, "xoxb-wrong", "C0OPS", "firing", "error response from Slack: invalid_auth", ""},
		{"a channel that is not there", api, "xoxb-sim", "#nowhere", "firing",
			"error response from Slack: channel_not_found", ""},
		{"a webhook of no channel", s.WebhookURL("C0NONE"), "", "", "firing", "unexpected status code 404", ""},
	} {
		before := len(s.Messages("C0OPS"))
		if got := notify(c.address, c.token, c.channel, c.status); !strings.Contains(got, c.says) {
			t.Errorf("%s: %q, want %q", c.name, got, c.says)
		}
		all := s.Messages("C0OPS")
		if c.shown == "" {
			if len(all) != before {
				t.Errorf("%s: it was posted", c.name)
			}
			continue
		}
		if len(all) != before+1 {
			t.Errorf("%s: %d messages more", c.name, len(all)-before)
			continue
		}
		if text := string(all[before].Attachments); !strings.Contains(text, c.shown) ||
			!strings.Contains(text, "alerts.acme.example") {
			t.Errorf("%s: shown is %s", c.name, text)
		}
	}
	s.InjectFault(slacksim.Rule{Method: "chat.postMessage", Kind: slacksim.FaultRateLimited, Times: 1})
	if got := notify(api, "xoxb-sim", "C0OPS", "firing"); !strings.Contains(got, "unexpected status code 429") {
		t.Errorf("limited: %q", got)
	}
}
