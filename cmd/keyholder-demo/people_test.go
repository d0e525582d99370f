package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// What people do in these tests when nothing can be relied on: they look at the card, click, look
// again, and click again.

// lookAgain is how long somebody looks at the card before clicking once more.
const lookAgain = 1200 * time.Millisecond

// insist acts until done, again and again.
func (s *stage) insist(what string, done func() bool, act func()) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			s.t.Fatalf("insisted in vain on %s\n%s", what, s.everything())
		}
		act()
		ctx, cancel := context.WithTimeout(s.ctx, lookAgain)
		_ = s.slack.Wait(ctx, func(*slacksim.Snapshot) bool { return done() })
		cancel()
	}
}

// insistPress waits for a button and presses it until it is gone from the person's card.
func (s *stage) insistPress(who, action string) {
	s.t.Helper()
	s.until(who+"'s button "+action, func() bool { _, _, ok := s.button(who, action); return ok })
	s.insist(who+" pressing "+action, func() bool { _, _, ok := s.button(who, action); return !ok }, func() {
		if m, block, ok := s.button(who, action); ok {
			_, _ = s.slack.Click(s.ctx, who, m.Channel, m.TS, block, action)
		}
	})
}

// insistVote confirms until the person's card shows their name, whoever clicked before.
func (s *stage) insistVote(who string) {
	s.t.Helper()
	s.insist(who+"'s confirmation", func() bool { return s.voted(who) }, func() {
		if m, block, ok := s.button(who, "transfer.confirm"); ok {
			_, _ = s.slack.Click(s.ctx, who, m.Channel, m.TS, block, "transfer.confirm")
		}
	})
}

// voted reports whether the card shows the person's confirmation, or no longer asks for any: the
// names go when the invitation does.
func (s *stage) voted(who string) bool {
	card := s.card(who)
	return strings.Contains(card, "<@"+who+"> confirmed") || card != "" && !s.has(who, "transfer.confirm") &&
		!s.has(who, "transfer.refuse")
}

// insistRequest asks for the transfer until the requester has a card. A form that is still open is
// sent again, as Slack leaves it open when the app did not answer.
func (s *stage) insistRequest(who string, fields map[string]map[string]any) {
	s.t.Helper()
	s.insist(who+"'s request", func() bool { return s.card(who) != "" }, func() { s.ask(who, fields) })
}

// ask sends the form once, the one that is open or a new one, whatever becomes of it.
func (s *stage) ask(who string, fields map[string]map[string]any) {
	s.askBy(who, "transfer acme", fields)
}

// askBy sends once the form that a command opens.
func (s *stage) askBy(who, command string, fields map[string]map[string]any) {
	if len(s.slack.Views(who)) == 0 {
		_, _ = s.slack.SlashCommand(s.ctx, who, opsRoom, "/io", command)
	}
	ctx, cancel := context.WithTimeout(s.ctx, lookAgain)
	defer cancel()
	_ = s.slack.Wait(ctx, func(*slacksim.Snapshot) bool { return len(s.slack.Views(who)) > 0 })
	if v := s.slack.Views(who); len(v) > 0 {
		_, _ = s.slack.SubmitView(s.ctx, who, v[len(v)-1].ID, fields)
	}
}

// optionValue finds the values of the options in a form's blocks.
var optionValue = regexp.MustCompile(`"value":"([a-z_]+)"`)

// allTicked is the checklist of an open form with everything ticked that it offers.
func allTicked(v slacksim.View) map[string]map[string]any {
	var all []string
	for _, m := range optionValue.FindAllStringSubmatch(string(v.Blocks), -1) {
		all = append(all, m[1])
	}
	return map[string]map[string]any{"checklist": {"checklist": all}}
}

// insistSettle finishes the transfer through the checklist, with nothing left open.
func (s *stage) insistSettle(who string) {
	s.t.Helper()
	s.until(who+"'s checklist button", func() bool { _, _, ok := s.button(who, "transfer.settle"); return ok })
	s.insist(who+" finishing", func() bool { return s.ended(who) }, func() {
		if v := s.slack.Views(who); len(v) > 0 {
			_, _ = s.slack.SubmitView(s.ctx, who, v[len(v)-1].ID, allTicked(v[len(v)-1]))
			return
		}
		if m, block, ok := s.button(who, "transfer.settle"); ok {
			_, _ = s.slack.Click(s.ctx, who, m.Channel, m.TS, block, "transfer.settle")
		}
	})
}

// ended reports whether the person's card says that the account was handed over.
func (s *stage) ended(who string) bool {
	return strings.Contains(s.card(who), "✓ Acme Production belongs to "+s.to())
}

// to is the address the account is to be handed to; a test may set another than the mailbox's.
func (s *stage) to() string {
	if s.target != "" {
		return s.target
	}
	return aliasEmail
}

// handOver takes one transfer to the mailbox through all its stages, whatever happens in between.
func (s *stage) handOver() {
	s.t.Helper()
	s.insistRequest(dee, toAlias())
	s.insistPress(ana, "transfer.claim")
	s.signUp(aliasEmail)
	s.insistPress(ana, "transfer.confirm")
	s.insistPress(ben, "transfer.confirm")
	s.insistPress(cat, "transfer.accept")
	s.acceptOwnership(aliasEmail)
	s.insistSettle(ben)
	s.allEnded()
}

// everybody are the people who have a card in the end.
var everybody = []string{dee, ana, ben, cat, jane}

// allEnded waits until everybody's card shows the end and no button.
func (s *stage) allEnded() {
	s.t.Helper()
	s.until("the end on every card", func() bool {
		for _, who := range everybody {
			if !s.ended(who) {
				return false
			}
		}
		for _, m := range s.slack.AllMessages() {
			if m.EphemeralTo == "" && len(buttons(m)) > 0 {
				return false
			}
		}
		return true
	})
}

// onceEach fails for every card that was posted twice: each one carries its key as metadata.
func (s *stage) onceEach() {
	s.t.Helper()
	seen := map[string]string{}
	for _, m := range s.slack.AllMessages() {
		if m.Deleted || m.EphemeralTo != "" || len(m.Metadata) == 0 {
			continue
		}
		var meta struct {
			Type    string            `json:"event_type"`
			Payload map[string]string `json:"event_payload"`
		}
		if err := json.Unmarshal(m.Metadata, &meta); err != nil {
			s.t.Errorf("metadata of a message cannot be read: %v", err)
			continue
		}
		key := m.Channel + " " + meta.Payload["effect"]
		if was, twice := seen[key]; twice {
			s.t.Errorf("the card %s was posted twice: %s and %s", key, was, m.TS)
		}
		seen[key] = m.TS
	}
	if len(seen) == 0 {
		s.t.Error("no message carries a card's key, so nothing was compared")
	}
}

// oneInvitation fails unless exactly one invitation to become owner took effect and the account
// belongs to whom it should.
func (s *stage) oneInvitation() {
	s.t.Helper()
	if got := s.invitations(); got != 1 {
		s.t.Errorf("%d invitations to become owner took effect, want 1", got)
	}
	if got := s.account().Effects("POST /v1/invite"); got > 1 {
		s.t.Errorf("the mailbox was invited as a user %d times, want at most once", got)
	}
	if got := s.account().Snapshot().Owner.Email; got != s.to() {
		s.t.Errorf("the owner is %s, want %s", got, s.to())
	}
	if got := s.pending(); got != 0 {
		s.t.Errorf("%d invitations are left at integrator.io", got)
	}
}

// recorded is one event as the audit export prints it.
type recorded struct {
	Kind  string `json:"kind"`
	ID    string `json:"id"`
	Event struct {
		Type string          `json:"type"`
		Body json.RawMessage `json:"body"`
	} `json:"event"`
}

// export reads the whole record through the operator's command, after verifying it.
func (s *stage) export(config, redisURL string) []recorded {
	s.t.Helper()
	if out, code := s.command(redisURL, "audit", "verify", "--config", config); code != 0 {
		s.t.Errorf("audit verify ended with %d: %s", code, out)
	}
	out, code := s.command(redisURL, "audit", "export", "--config", config)
	if code != 0 {
		s.t.Fatalf("audit export ended with %d: %s", code, out)
	}
	var all []recorded
	dec := json.NewDecoder(strings.NewReader(out))
	for dec.More() {
		var r recorded
		if err := dec.Decode(&r); err != nil {
			s.t.Fatalf("the export cannot be read: %v\n%s", err, out)
		}
		all = append(all, r)
	}
	return all
}

// votes lists who voted in the record, once for each vote counted.
func votes(all []recorded) []string {
	var out []string
	for _, r := range all {
		if r.Event.Type != "transfer.voted" {
			continue
		}
		var body struct {
			Votes []struct {
				By string `json:"by"`
			} `json:"votes"`
		}
		if err := json.Unmarshal(r.Event.Body, &body); err != nil {
			out = append(out, fmt.Sprintf("unreadable: %v", err))
		}
		for _, v := range body.Votes {
			out = append(out, v.By)
		}
	}
	return out
}

// count counts the events of one type.
func count(all []recorded, kind string) int {
	n := 0
	for _, r := range all {
		if r.Event.Type == kind {
			n++
		}
	}
	return n
}

// transfers are the account's transfers as the tests compare them.
func (s *stage) transfers() []integratorsim.TransferState { return s.account().Snapshot().Transfers }

// newest is the person's newest card as text, for the second transfer of a test.
func (s *stage) newest(who string) string {
	text := ""
	for _, m := range s.slack.Messages(s.slack.DM(who)) {
		if m.EphemeralTo == "" && strings.Contains(string(m.Metadata), "/main/") {
			text = m.Text + "\n" + string(m.Blocks)
		}
	}
	return text
}

// forged is a click on a button that the message does not offer.
func forged(who string, m slacksim.Message, block, action, value string) slacksim.Forged {
	return slacksim.Forged{User: who, Channel: m.Channel, MessageTS: m.TS, BlockID: block, ActionID: action,
		Value: value}
}
