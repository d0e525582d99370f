package workspaces_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/cmd/keyholder/workspaces"
)

// Three workspaces, of which one's tokens are refused: it is named, and the others work. Then it is
// mended, one is added, one goes, one is changed, and one with faults goes on as it was.
func TestAWorkspaceThatFailsDoesNotTouchTheOthers(t *testing.T) {
	w := newTown(t, nil)
	for _, name := range []string{"acme", "beta", "gamma"} {
		w.found(name, nil)
		w.write(name, "kh-"+name)
	}
	w.refuse("beta", "token_revoked")
	operators, stop := w.run(nil)

	w.answers(operators+"/readyz", 503, "beta: it failed and is tried again within 5s")
	w.answers(operators+"/readyz/acme", 200, "ready")
	w.answers(operators+"/readyz/gamma", 200, "ready")
	w.answers(operators+"/readyz/nobody", 404, "no workspace of this name")
	w.answers(operators+"/readyz", 503, "token_revoked")
	if _, body := get(t, operators+"/readyz"); strings.Contains(body, "acme") || strings.Contains(body, "gamma") {
		t.Errorf("/readyz names one that is ready: %s", body)
	}
	w.answers(operators+"/metrics", 200, `keyholder_ready{workspace="beta"} 0`)
	w.answers(operators+"/metrics", 200, `keyholder_ready{workspace="acme"} 1`)
	w.answers(operators+"/metrics", 200, `keyholder_workspace_starts_total{workspace="gamma"} 1`)
	for _, name := range []string{"acme", "gamma"} {
		if text := w.status(name); !strings.Contains(text, name+" Production") {
			t.Errorf("%s answers %q", name, text)
		}
	}

	// What the others do is no business of acme's: it stays connected through all of it.
	w.refuse("beta", "")
	w.found("delta", nil)
	w.write("delta", "kh-delta")
	w.write("gamma", "kh-gamma", `channel: ""`)
	acme := w.slacks["acme"].Connections()
	w.hup()
	for _, name := range []string{"beta", "gamma", "delta"} {
		w.answers(operators+"/readyz/"+name, 200, "ready")
	}
	w.answers(operators+"/readyz", 200, "ready")
	w.answers(operators+"/metrics", 200, `keyholder_workspace_starts_total{workspace="gamma"} 2`)
	w.answers(operators+"/metrics", 200, `keyholder_workspace_starts_total{workspace="acme"} 1`)
	if got := w.slacks["acme"].Connections(); got != acme {
		t.Errorf("acme had %d connections and has %d", acme, got)
	}

	if err := os.Remove(filepath.Join(w.dir, "beta.yaml")); err != nil {
		t.Fatal(err)
	}
	w.write("delta", "kh-acme") // acme's record
	w.write("gamma", "kh-gamma", "no_such_key: 1")
	w.hup()
	w.until("beta to leave", func() bool { return w.slacks["beta"].Connections() == 0 })
	w.answers(operators+"/readyz/beta", 404, "")
	w.answers(operators+"/readyz", 200, "ready")
	w.until("the log to say what stays as it was", func() bool {
		log := w.log.String()
		return strings.Contains(log, "is also the prefix of") && strings.Contains(log, "no_such_key")
	})
	if text := w.status("delta"); !strings.Contains(text, "delta Production") {
		t.Errorf("delta answers %q", text)
	}

	if err := stop(); err != nil {
		t.Errorf("the end: %v", err)
	}
	for name, s := range w.slacks {
		w.until(name+"'s last connection to end", func() bool { return s.Connections() == 0 })
	}
	for _, line := range strings.Split(strings.TrimSpace(w.log.String()), "\n") {
		if strings.Contains(line, "xoxb-") || strings.Contains(line, "xapp-") || strings.Contains(line,
			w.account.ProductionToken) {
			t.Errorf("the log holds a token: %s", line)
		}
	}
}

func TestWithoutAnyThatCanBeStartedNothingIs(t *testing.T) {
	w := newTown(t, nil)
	w.found("acme", nil)
	w.write("acme", "kh")
	w.found("beta", nil)
	w.write("beta", "kh")
	files, err := w.load()
	if err != nil {
		t.Fatal(err)
	}
	if err := workspaces.Run(t.Context(), files, workspaces.Options{Load: w.load}); !errors.Is(err,
		workspaces.ErrNothing) {
		t.Errorf("got %v", err)
	}
}

// A file that is renamed is the same record under another name: the old one has ended before the new one begins, and no
// click is lost to a second connection.
func TestARenamedFileNeverRunsTwice(t *testing.T) {
	w := newTown(t, nil)
	slack := w.found("acme", nil)
	w.write("acme", "kh-acme")
	operators, _ := w.run(nil)
	w.answers(operators+"/readyz", 200, "ready")
	if err := os.Rename(filepath.Join(w.dir, "acme.yaml"), filepath.Join(w.dir, "north.yaml")); err != nil {
		t.Fatal(err)
	}
	w.hup()
	w.answers(operators+"/readyz/north", 200, "ready")
	if n := slack.Connections(); n != 1 {
		t.Errorf("Slack has %d connections", n)
	}
	log := w.log.String()
	if ends, begins := strings.Index(log, "this workspace ends"),
		strings.LastIndex(log, `"workspace":"north"`); ends < 0 || begins < ends {
		t.Errorf("north began before acme had ended:\n%s", log)
	}
	if text := w.status("acme"); !strings.Contains(text, "acme Production") {
		t.Errorf("got %q", text)
	}
}

// ask asks for a transfer in a workspace, as a person does.
func (w *town) ask(name string) {
	w.t.Helper()
	slack := w.slacks[name]
	if _, err := slack.SlashCommand(w.t.Context(), "U0DEE", "C0OPS", "/io", "transfer acme"); err != nil {
		w.t.Fatal(err)
	}
	w.until("the form", func() bool { return len(slack.Views("U0DEE")) > 0 })
	res, err := slack.SubmitView(w.t.Context(), "U0DEE", slack.Views("U0DEE")[0].ID, map[string]map[string]any{
		"new_owner_alias": {"new_owner_alias": "celigo@acme.example"}, "reason": {"reason": "Jane leaves"}})
	if err != nil || res.Error != "" || len(res.Errors) > 0 {
		w.t.Fatalf("the form was refused: %v %+v", err, res)
	}
}

// cards counts the holders who have their card.
func (w *town) cards(name string) (n int) {
	slack := w.slacks[name]
	for _, id := range []string{"U0ANA", "U0BEN", "U0CAT"} {
		if len(slack.Messages(slack.DM(id))) > 0 {
			n++
		}
	}
	return n
}

// limited reports whether a post of a workspace was answered with 429.
func (w *town) limited(operators, name string) bool {
	_, body := get(w.t, operators+"/metrics")
	series := fmt.Sprintf(`keyholder_slack_limited_total{method="chat.postMessage",workspace=%q} `, name)
	return strings.Contains(body, series) && !strings.Contains(body, series+"0\n")
}

// Slack limits an app in one workspace. Each has its own pauses, so that the others' cards go out meanwhile.
func TestAWorkspaceThatSlackLimitsHoldsNobodyElseUp(t *testing.T) {
	w := newTown(t, nil)
	for _, name := range []string{"acme", "beta"} {
		w.found(name, nil)
		w.write(name, "kh-"+name)
	}
	operators, _ := w.run(nil)
	w.answers(operators+"/readyz", 200, "ready")
	// Longer than anybody here waits: what is held is held until the test has ended.
	w.slacks["beta"].InjectFault(slacksim.Rule{Method: "chat.*", Kind: slacksim.FaultRateLimited,
		RetryAfter: time.Hour})
	w.ask("beta")
	w.until("Slack to limit beta", func() bool { return w.limited(operators, "beta") })
	w.ask("acme")
	w.until("acme's cards", func() bool { return w.cards("acme") == 3 })
	if n := w.cards("beta"); n != 0 {
		t.Errorf("Slack took %d cards of the workspace that it limits", n)
	}
	if w.limited(operators, "acme") {
		t.Error("acme was limited too")
	}
	for _, name := range []string{"acme", "beta"} { // and the commands of the limited one are answered
		w.answers(operators+"/readyz/"+name, 200, "ready")
		if text := w.status(name); !strings.Contains(text, name+" Production") {
			t.Errorf("%s answers %q", name, text)
		}
	}
}
