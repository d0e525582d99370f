package slacksim_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/npmtest"
	"github.com/keyholder/keyholder/bot/slacksim"
)

// The official SDK for JavaScript runs on the simulator unmodified, where package npmtest can fetch
// it; slack-go covers the same ground.
const slackSDK = "Slack's SDK for JavaScript"

var sdkDir string // removed by TestMain

// sdk installs testdata/bolt in a temporary folder, once, and returns it.
var sdk = sync.OnceValues(func() (dir string, err error) {
	if sdkDir, err = os.MkdirTemp("", "slacksim-sdk-"); err != nil {
		return "", err
	}
	return sdkDir, npmtest.Fetch(filepath.Join("testdata", "bolt"), sdkDir)
})

// echo starts the echo bot and returns when it is connected. Its process ends with the test; a complaint of the SDK on
// standard error fails the test unless it is expected.
func echo(t *testing.T, url string, expected string, args ...string) {
	t.Helper()
	npmtest.LeaveOut(t, slackSDK)
	dir, err := sdk()
	npmtest.Demand(t, slackSDK, err)
	bot := exec.Command("node", append([]string{"echo.mjs"}, args...)...)
	bot.Dir, bot.Env, bot.WaitDelay = dir, append(os.Environ(), "SIM_URL="+url), time.Second
	var complaints bytes.Buffer
	bot.Stderr = &complaints
	stdin, err := bot.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := bot.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := bot.Start(); err != nil {
		t.Fatal(err)
	}
	lines, read := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(read)
		defer close(lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			select {
			case lines <- s.Text():
			default: // a chatty bot; only the first line matters
			}
		}
	}()
	t.Cleanup(func() {
		_ = stdin.Close() // its end is what the bot waits for
		killer := time.AfterFunc(10*time.Second, func() { _ = bot.Process.Kill() })
		defer killer.Stop()
		<-read
		if err := bot.Wait(); err != nil {
			t.Errorf("the bot did not end well: %v", err)
		}
		for line := range strings.Lines(complaints.String()) {
			if expected == "" || !regexp.MustCompile(expected).MatchString(line) {
				t.Errorf("the SDK complains: %s", complaints.String())
				break
			}
		}
	})
	select {
	case line, ok := <-lines:
		if !ok || line != "ready" {
			t.Fatalf("the bot says %q", line)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the bot did not connect within 20 s")
	}
}

// foreignOptions is the workspace of the echo bot.
func foreignOptions() slacksim.Options {
	return slacksim.Options{Commands: []slacksim.SlashCommand{{Command: "/echo"}}, Events: []string{"app_home_opened",
		"app_mention", "message.im"},
		RetryDelays: [3]time.Duration{time.Millisecond, time.Millisecond, time.Millisecond},
		AckTimeout:  5 * time.Second, TriggerLife: 5 * time.Second,
		Linger: 50 * time.Millisecond} // this SDK would wait 5 s for Slack to close TCP
}

// said waits until someone wrote text into channel and returns the message.
func said(t *testing.T, s *slacksim.Server, channel, text string) slacksim.Message {
	t.Helper()
	var found slacksim.Message
	err := s.Wait(ctx(t), func(n *slacksim.Snapshot) bool {
		l := n.Messages(channel)
		i := slices.IndexFunc(l, func(m slacksim.Message) bool { return m.Text == text && !m.Deleted })
		if i >= 0 {
			found = l[i]
		}
		return i >= 0
	})
	if err != nil {
		var texts []string
		for _, m := range s.Messages(channel) {
			texts = append(texts, m.Text)
		}
		t.Fatalf("nobody said %q in %s: %q", text, channel, texts)
	}
	return found
}

func TestBoltEchoBot(t *testing.T) {
	t.Parallel()
	s, url := workspace(t, foreignOptions())
	echo(t, url, "json-pointer:/blocks/0/text|rate limit", "bolt", "2") // facts asks for that refusal
	if n := s.Connections(); n != 2 {
		t.Fatalf("%d connections, want 2", n)
	}
	t.Run("commands", func(t *testing.T) { boltCommands(t, s) })
	t.Run("messages", func(t *testing.T) { boltMessages(t, s) })
	t.Run("modals", func(t *testing.T) { boltModals(t, s) })
	t.Run("home", func(t *testing.T) { boltHome(t, s) })
	t.Run("events", func(t *testing.T) { boltEvents(t, s) })
	t.Run("reads", func(t *testing.T) { boltReads(t, s) })
	t.Run("files", func(t *testing.T) { boltFiles(t, s) })
	over := map[int]bool{}
	for _, a := range s.Acks() {
		over[a.Connection] = true
		if a.Ignored != "" && a.Ignored != "fault" || a.Connection != a.SentOver && a.Ignored == "" {
			t.Errorf("ack %+v", a)
		}
	}
	if len(over) != 2 {
		t.Errorf("of two connections %d got envelopes", len(over))
	}
}

func typed(t *testing.T, s *slacksim.Server, text string) slacksim.CommandResult {
	t.Helper()
	return must[slacksim.CommandResult](t)(s.SlashCommand(ctx(t), "UANA", "C0OPS", "/echo", text))
}

func boltCommands(t *testing.T, s *slacksim.Server) {
	if r := typed(t, s, "say hello"); r.Text != "echo: hello" || r.ResponseType != "ephemeral" {
		t.Errorf("ack with text: %+v", r)
	}
	if r := typed(t, s, "nonsense"); r.Text != "unknown: nonsense" || r.ResponseType != "in_channel" {
		t.Errorf("ack with a response_type: %+v", r)
	}
	if r := typed(t, s, "respond later"); r.Text != "" || r.Ack != nil {
		t.Errorf("ack() of Bolt is payload {}, which is none: %+v", r)
	}
	if m := said(t, s, "C0OPS", "in private: later"); m.EphemeralTo != "UANA" {
		t.Errorf("respond is not private: %+v", m)
	}
	if m := said(t, s, "C0OPS", "to all: later"); m.EphemeralTo != "" {
		t.Errorf("in_channel is private: %+v", m)
	}
}

func boltMessages(t *testing.T, s *slacksim.Server) {
	click := func(m slacksim.Message, block, action string, value ...any) {
		t.Helper()
		must[slacksim.ActionResult](t)(s.Click(ctx(t), "UBEN", m.Channel, m.TS, block, action, value...))
	}
	typed(t, s, "card one")
	m := said(t, s, "C0OPS", "one")
	click(m, "q", "reply")
	if e := said(t, s, "C0OPS", "only you"); e.EphemeralTo != "UBEN" {
		t.Errorf("respond to a click: %+v", e)
	}
	if r := said(t, s, "C0OPS", "all of you"); r.ThreadTS != m.TS {
		t.Errorf("say in a thread: %+v", r)
	}
	click(m, "q", "go")
	if u := said(t, s, "C0OPS", "went 42"); u.TS != m.TS || u.Blocks != nil || !u.Edited {
		t.Errorf("after chat.update: %+v", u)
	}
	typed(t, s, "card two")
	m = said(t, s, "C0OPS", "two")
	click(m, "text", "menu", "one")
	if u := said(t, s, "C0OPS", "chose one"); u.TS != m.TS {
		t.Errorf("replace_original: %+v", u)
	}
	typed(t, s, "card three")
	m = said(t, s, "C0OPS", "three")
	click(m, "q", "remove")
	wait(t, s, func(n *slacksim.Snapshot) bool {
		return slices.ContainsFunc(n.Messages("C0OPS"), func(x slacksim.Message) bool {
			return x.TS == m.TS && x.Deleted
		})
	})
	typed(t, s, "card four")
	m = said(t, s, "C0OPS", "four")
	must[slacksim.ActionResult](t)(s.MessageShortcut(ctx(t), "UANA", "C0OPS", m.TS, "on_message"))
	said(t, s, "C0OPS", "about: four")

	s.InjectFault(slacksim.Rule{Method: "chat.postMessage", Kind: slacksim.FaultRateLimited, RetryAfter: time.Second,
		Times: 1})
	began := time.Now()
	typed(t, s, "card five")
	said(t, s, "C0OPS", "five")
	if waited := time.Since(began); waited < time.Second {
		t.Errorf("the SDK came back %v after a 429, though Retry-After said 1 s", waited)
	}
}

// titled waits until the top modal of Ana has that title and the stack that depth.
func titled(t *testing.T, s *slacksim.Server, title string, depth int) slacksim.View {
	t.Helper()
	var top slacksim.View
	wait(t, s, func(n *slacksim.Snapshot) bool {
		l := n.Views("UANA")
		if len(l) > 0 {
			top = l[len(l)-1]
		}
		return len(l) == depth && (depth == 0 || top.Title == title)
	})
	return top
}

func boltModals(t *testing.T, s *slacksim.Server) {
	send := func(v slacksim.View, reason string) slacksim.SubmitResult {
		t.Helper()
		values := map[string]map[string]any{"reason": {"reason": reason}, "who": {"who": "UBEN"}}
		r := must[slacksim.SubmitResult](t)(s.SubmitView(ctx(t), "UANA", v.ID, values))
		if r.Error != "" {
			t.Fatalf("submitting %s: %s: %s", reason, r.Error, r.Detail)
		}
		return r
	}
	typed(t, s, "form")
	v := titled(t, s, "A form", 1)
	if r := send(v, "no"); r.Errors["reason"] != "say more" {
		t.Errorf("errors: %+v", r)
	}
	send(v, "swap")
	send(titled(t, s, "Swapped", 1), "push")
	must[slacksim.ActionResult](t)(s.ViewAction(ctx(t), "UANA", titled(t, s, "On top", 2).ID, "more", "deeper"))
	v = titled(t, s, "Deeper", 3)
	answer := must[json.RawMessage](t)(s.Suggest(ctx(t), "UANA", v.ID, "ask", "which", "xy"))
	if !strings.Contains(string(answer), `"about xy"`) {
		t.Errorf("suggestions: %s", answer)
	}
	must[slacksim.ActionResult](t)(s.ViewAction(ctx(t), "UANA", v.ID, "ask", "which", "xy"))
	send(titled(t, s, "xy", 3), "fine")
	dm := s.OpenDM("UANA")
	said(t, s, dm, "got fine for UBEN, kept")
	if err := s.CloseView(ctx(t), "UANA", titled(t, s, "On top", 2).ID); err != nil {
		t.Error(err)
	}
	said(t, s, dm, "closed, cleared: false")
	send(titled(t, s, "Swapped", 1), "all")
	titled(t, s, "", 0)
	must[slacksim.ActionResult](t)(s.Shortcut(ctx(t), "UANA", "global"))
	if err := s.ClearViews(ctx(t), "UANA", titled(t, s, "By shortcut", 1).ID); err != nil {
		t.Error(err)
	}
	said(t, s, dm, "closed, cleared: true")
}

func boltHome(t *testing.T, s *slacksim.Server) {
	pressed := func(text string) slacksim.View {
		var v slacksim.View
		wait(t, s, func(n *slacksim.Snapshot) bool {
			v, _ = n.Home("UBEN")
			return strings.Contains(string(v.Blocks), text)
		})
		return v
	}
	if err := s.OpenHome(ctx(t), "UBEN"); err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"Pressed 0 times", "Pressed 1 times", "Pressed 2 times"} {
		v := pressed(text)
		if i < 2 {
			must[slacksim.ActionResult](t)(s.ViewAction(ctx(t), "UBEN", v.ID, "home", "home_go"))
		}
	}
}

func boltEvents(t *testing.T, s *slacksim.Server) {
	ts := must[string](t)(s.Post("UBEN", "C0OPS", "<@U0BOT> hi", ""))
	if m := said(t, s, "C0OPS", "mentioned, attempt 0"); m.ThreadTS != ts {
		t.Errorf("answer to a mention: %+v", m)
	}
	must[string](t)(s.Post("UBEN", s.OpenDM("UBEN"), "psst", ""))
	said(t, s, s.DM("UBEN"), "heard psst")
	s.InjectFault(slacksim.Rule{Method: "events_api", Kind: slacksim.FaultNoConnection, Times: 2})
	must[string](t)(s.Post("UBEN", "C0OPS", "<@U0BOT> again", ""))
	said(t, s, "C0OPS", "mentioned, attempt 2 timeout")
}

func boltReads(t *testing.T, s *slacksim.Server) {
	typed(t, s, "facts")
	var got map[string]any
	wait(t, s, func(n *slacksim.Snapshot) bool {
		l := n.Messages("C0OPS")
		last := l[len(l)-1].Text
		return strings.HasPrefix(last, "{") && json.Unmarshal([]byte(last), &got) == nil
	})
	for k, want := range map[string]string{"me": `"B0BOT"`, "person": `"ana"`, "byEmail": `"UANA"`, "metadata": "1",
		"replies":   `["marked","below"]`,
		"scheduled": "1", "names": "7", "members": "3", "private": "false", "group": `["UANA","UBEN"]`, "groups": "1",
		"team": `"Acme"`,
		"bot":  `"A0BOTAPP"`, "refused": `"channel_not_found"`, "dm": `"` + s.OpenDM("UANA") + `"`,
		"accepted": `["users:read"]`,
		"tooLong":  `["must be less than 3001 characters [json-pointer:/blocks/0/text/text]"]`} {
		raw, err := json.Marshal(got[k])
		if err != nil || !strings.Contains(string(raw), strings.Trim(want, "[]")) {
			t.Errorf("%s = %s, want %s", k, raw, want)
		}
	}
	if link, _ := got["link"].(string); !strings.HasPrefix(link, "https://acme.slack.com/archives/C0OPS/p") {
		t.Errorf("permalink %q", link)
	}
}

func boltFiles(t *testing.T, s *slacksim.Server) {
	typed(t, s, "upload some text é")
	m := said(t, s, "C0OPS", "two files")
	if len(m.Files) != 2 || m.Files[0].Title != "A note" || m.Files[0].Length != len("some text é") ||
		m.Files[1].Length != 4 {
		t.Fatalf("files = %+v", m.Files)
	}
	res := must[*httpResponse](t)(fetch(baseOf(t, s) + "/files/" + m.Files[0].ID))
	if res.body != "some text é" {
		t.Errorf("the file holds %q", res.body)
	}
}

func TestBoltReconnectsWhenSlackRefreshesTheConnection(t *testing.T) {
	t.Parallel()
	s, url := workspace(t, foreignOptions())
	echo(t, url, "", "bolt", "1")
	before := s.Disconnect(slacksim.ReasonWarning) + s.Disconnect(slacksim.ReasonRefreshRequested)
	wait(t, s, func(n *slacksim.Snapshot) bool { return n.Connections() == 0 })
	// This SDK waits 5 s before it connects again.
	limit, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := s.Wait(limit, func(n *slacksim.Snapshot) bool { return n.Connections() == 1 }); err != nil {
		t.Fatalf("no new connection: %v", err)
	}
	if r := typed(t, s, "say back"); r.Text != "echo: back" || before != 2 {
		t.Errorf("after the refresh: %+v, %d frames", r, before)
	}
}

func TestSocketModeAndWebAPIWithoutBolt(t *testing.T) {
	t.Parallel()
	s, url := workspace(t, foreignOptions())
	echo(t, url, "", "bare")
	if r := typed(t, s, "x"); r.Text != "bare: x" {
		t.Errorf("ack: %+v", r)
	}
	m := said(t, s, "C0OPS", "card")
	must[slacksim.ActionResult](t)(s.Click(ctx(t), "UANA", "C0OPS", m.TS, "q", "go"))
	said(t, s, "C0OPS", "bare done")
	if err := s.OpenHome(ctx(t), "UANA"); err != nil {
		t.Fatal(err)
	}
	wait(t, s, func(n *slacksim.Snapshot) bool { _, ok := n.Home("UANA"); return ok })
}

type httpResponse struct{ body string }

func fetch(address string) (*httpResponse, error) {
	res, err := http.Get(address)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return &httpResponse{body: string(raw)}, err
}
