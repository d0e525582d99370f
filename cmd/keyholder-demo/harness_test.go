package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// stage is a running demo that a test acts on.
type stage struct {
	*demo
	t   testing.TB
	ctx context.Context

	edit   func(string) string
	reader *store.Store  // for looking at the record past the bot
	looker *redis.Client // for looking at what is still to be done
	path   string        // of the configuration as a file, once it was written
	// machine moves the machines' clocks; nil: nobody does.
	machine *machineTime
	more    []string // of the environment of keyholder as a program
	target  string   // the address the account is handed to; "": the mailbox
	last    pressed
}

// pressed is the last press or command, for doing it again when the bot says that it came to nothing.
type pressed struct {
	who   string
	late  int // how often they had been told so before
	again func()
}

// tooLate reports whether the bot says that the record or Slack did not answer in time, as it does
// on a machine that has much else to do. Then people do it again, and doing it twice counts once.
func tooLate(text string) bool {
	return strings.Contains(text, "the record did not answer in time") ||
		strings.Contains(text, "The record cannot be reached just now") ||
		strings.Contains(text, "Slack did not open the form in time")
}

// unanswered reports whether the bot was too late for Slack, which then says so.
func unanswered(err error) bool {
	return err != nil && strings.Contains(err.Error(), "operation_timeout")
}

// lates counts what somebody was told of that.
func (s *stage) lates(who string) (n int) {
	for _, m := range s.private(who) {
		if tooLate(m.Text) {
			n++
		}
	}
	return n
}

// pressAgain presses once more what was pressed last, where that came to nothing.
func (s *stage) pressAgain() {
	if s.last.again == nil {
		return
	}
	if n := s.lates(s.last.who); n > s.last.late {
		s.last.late = n
		s.last.again()
	}
}

// patience bounds every wait of these tests; on a good day they take milliseconds. What is waited
// for in vain costs this once, and a slow machine that is given too little fails for nothing.
const patience = 2 * time.Minute

// quick makes a whole transfer take seconds.
func quick(yaml string) string {
	return strings.Replace(yaml, "cooldown: 30s, watch_every: 2s", "cooldown: 1s, watch_every: 1s", 1)
}

// start runs a demo with one bot and waits until Slack sees it.
func start(t testing.TB, o options) *stage {
	t.Helper()
	s := prepare(t, o)
	s.bot(t)
	return s
}

// prepare runs everything but the bot. Its time begins at an ordinary moment, unless the test chose another.
func prepare(t testing.TB, o options) *stage {
	t.Helper()
	if o.from.IsZero() {
		o.from = beginning(t)
	}
	o.listen, o.integratorListen = "127.0.0.1:0", "127.0.0.1:0"
	if o.edit == nil {
		o.edit = quick
	}
	if os.Getenv("KEYHOLDER_TEST_LOG") != "" {
		o.log = zerolog.New(zerolog.NewTestWriter(t))
	}
	d, err := newDemo(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.serveSimulators(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("simulators: %v", err)
		}
		d.close()
	})
	return &stage{demo: d, t: t, ctx: ctx, edit: o.edit}
}

// bot runs one bot in this process until the test ends or stop is called.
func (s *stage) bot(t testing.TB) (stop func()) {
	t.Helper()
	before := s.slack.Connections()
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan error, 1)
	go func() { done <- s.serveBot(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil && s.ctx.Err() == nil {
			t.Errorf("bot: %v", err)
		}
	}
	t.Cleanup(stop)
	s.until("the bot to connect", func() bool { return s.slack.Connections() > before })
	return stop
}

// until waits for a condition, looking again whenever Slack changes and at short intervals besides,
// for integrator.io tells nobody.
func (s *stage) until(what string, cond func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain for %s\n%s", what, s.everything())
		}
		s.pressAgain()
		ctx, cancel := context.WithTimeout(s.ctx, 20*time.Millisecond)
		_ = s.slack.Wait(ctx, func(*slacksim.Snapshot) bool { return cond() })
		cancel()
	}
}

// everything is what Slack shows, for a failed test.
func (s *stage) everything() string {
	var b strings.Builder
	for _, m := range s.slack.AllMessages() {
		fmt.Fprintf(&b, "[%s to %s] %s\n%s\n", m.Channel, m.EphemeralTo, m.Text, m.Blocks)
	}
	fmt.Fprintf(&b, "%+v\nwhat the bot has to do: %q\n", s.account().Snapshot().Transfers, s.busy())
	return b.String()
}

func (s *stage) account() *integratorsim.AccountHandle { return s.info.Account }

// slash gives a slash command in the operations channel and answers what came back privately.
func (s *stage) slash(who, text string) string {
	s.t.Helper()
	s.last = pressed{who: who, late: s.lates(who), again: func() {
		_, _ = s.slack.SlashCommand(s.ctx, who, opsRoom, "/io", text)
	}}
	for begun := time.Now(); ; {
		s.last.late = s.lates(who) // what came of an earlier one is over
		res, err := s.slack.SlashCommand(s.ctx, who, opsRoom, "/io", text)
		late := tooLate(res.Text) || unanswered(err)
		switch {
		case late && time.Since(begun) < patience:
		case err != nil:
			s.t.Fatalf("%s types /io %s: %v", who, text, err)
		default:
			return res.Text
		}
	}
}

// submit sends a form, again where the record did not answer in time.
func (s *stage) submit(who, view string, fields map[string]map[string]any) (slacksim.SubmitResult, error) {
	for begun := time.Now(); ; {
		res, err := s.slack.SubmitView(s.ctx, who, view, fields)
		late := slices.ContainsFunc(slices.Collect(maps.Values(res.Errors)), tooLate)
		if err != nil || !late || time.Since(begun) > patience {
			return res, err
		}
	}
}

// request fills the form as a person does.
func (s *stage) request(who string, fields map[string]map[string]any) slacksim.SubmitResult {
	s.t.Helper()
	view := s.form(who)
	res, err := s.submit(who, view.ID, fields)
	if err != nil {
		s.t.Fatalf("%s submits the form: %v", who, err)
	}
	return res
}

// form opens the request form.
func (s *stage) form(who string) slacksim.View {
	s.t.Helper()
	s.slash(who, "transfer acme")
	s.until(who+"'s form", func() bool { return len(s.slack.Views(who)) > 0 })
	views := s.slack.Views(who)
	return views[len(views)-1]
}

// toAlias are the fields of the usual request.
func toAlias() map[string]map[string]any {
	return map[string]map[string]any{
		"new_owner_alias": {"new_owner_alias": aliasEmail},
		"reason":          {"reason": "Jane leaves on 5 December"},
	}
}

// button finds the newest button of an action that a person can see in their direct message with the bot.
func (s *stage) button(who, action string) (m slacksim.Message, block string, ok bool) {
	all := s.slack.Messages(s.slack.DM(who))
	for i := len(all) - 1; i >= 0; i-- {
		for _, b := range buttons(all[i]) {
			if b.ActionID == action {
				return all[i], b.BlockID, true
			}
		}
	}
	return slacksim.Message{}, "", false
}

// press waits for a button on a card at rest and presses it.
func (s *stage) press(who, action string) {
	s.t.Helper()
	s.pressWhere(who+"'s button "+action, who, action, func() (slacksim.Message, string, bool) {
		return s.button(who, action)
	})
}

// pressWhere presses the button that find finds once everything is at rest; what names it when there is none.
func (s *stage) pressWhere(what, who, action string, find func() (slacksim.Message, string, bool)) {
	s.t.Helper()
	var m slacksim.Message
	var block string
	s.until(what+", at rest", func() (ok bool) {
		if s.busy() != "" {
			return false
		}
		m, block, ok = find()
		return ok
	})
	s.last = pressed{who: who, late: s.lates(who), again: func() {
		s.atRest()
		if m, block, ok := find(); ok {
			_, _ = s.slack.Click(s.ctx, who, m.Channel, m.TS, block, action)
		}
	}}
	switch _, err := s.slack.Click(s.ctx, who, m.Channel, m.TS, block, action); {
	case unanswered(err):
		s.last.again()
	case err != nil:
		s.t.Fatalf("%s presses %s: %v", who, action, err)
	}
}

// aside are the keys of cards that come of bad weather alone: of the watch over the key, and of who
// could not be reached.
var aside = regexp.MustCompile(`"card/[` + string([]byte{workflows.LetterKeyWatch, workflows.LetterReach}) + `]`)

// card is the person's card as text; cards are told from answers by their metadata.
func (s *stage) card(who string) string {
	all := s.slack.Messages(s.slack.DM(who))
	for _, m := range all {
		if m.EphemeralTo == "" && m.ThreadTS == "" && strings.Contains(string(m.Metadata), "/main/") &&
			!aside.Match(m.Metadata) {
			return m.Text + "\n" + string(m.Blocks)
		}
	}
	return ""
}

// placed is a button and its block.
type placed struct{ BlockID, ActionID, Value string }

// buttons lists the buttons of a message's actions blocks.
func buttons(m slacksim.Message) []placed {
	var blocks []struct {
		BlockID  string `json:"block_id"`
		Type     string `json:"type"`
		Elements []struct {
			ActionID string `json:"action_id"`
			Value    string `json:"value"`
		} `json:"elements"`
	}
	if m.Deleted || json.Unmarshal(m.Blocks, &blocks) != nil {
		return nil
	}
	var out []placed
	for _, b := range blocks {
		if b.Type != "actions" {
			continue
		}
		for _, e := range b.Elements {
			out = append(out, placed{b.BlockID, e.ActionID, e.Value})
		}
	}
	return out
}
