package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// ticked lists the steps that are done.
func ticked(v tourView) string {
	var out []string
	for _, s := range v.Steps {
		if s.Done {
			out = append(out, s.ID)
		}
	}
	return strings.Join(out, " ")
}

// toured is the tour of a stage as the panel shows it now.
func (s *stage) toured() tourView { return s.panelState().Tour }

func (s *stage) untilTicked(want string) {
	s.t.Helper()
	s.until("the ticks "+want, func() bool { return ticked(s.toured()) == want })
}

func TestTheTourIsTickedByWhatHappensAndByNothingElse(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	if v := s.toured(); ticked(v) != "" || v.Current != 0 || v.Note != "" {
		t.Fatalf("a new tour is %+v", v)
	}
	s.slash(dee, "help")
	s.slash(dee, "status acme")
	if got := ticked(s.toured()); got != "" {
		t.Fatalf("asking for help ticked %s", got)
	}
	s.request(dee, toAlias())
	s.untilTicked("ask")
	if _, err := s.slack.SlashCommand(s.ctx, gus, "C0GENERAL", "/io", "transfer"); err != nil {
		t.Fatal(err)
	}
	s.untilTicked("ask refused")
	s.press(ana, "transfer.claim")
	s.signUp(aliasEmail)
	s.untilTicked("ask refused member")
	s.until("ana's button", func() bool { _, _, ok := s.button(ana, "transfer.confirm"); return ok })
	s.forward(48 * time.Hour)
	s.untilTicked("ask refused member reminded")
	s.press(ana, "transfer.confirm")
	s.press(ben, "transfer.confirm")
	s.until("the confirmations and the invitation", func() bool {
		return strings.HasPrefix(ticked(s.toured()), "ask refused member reminded confirmed")
	})
	s.forward(time.Hour)
	s.untilTicked("ask refused member reminded confirmed invited")
	s.acceptOwnership(aliasEmail)
	s.untilTicked("ask refused member reminded confirmed invited owner")
	s.press(ben, "transfer.settle")
	s.until("the modal", func() bool { return len(s.slack.Views(ben)) > 0 })
	if _, err := s.slack.SubmitView(s.ctx, ben, s.slack.Views(ben)[0].ID, nil); err != nil {
		t.Fatal(err)
	}
	s.untilTicked("ask refused member reminded confirmed invited owner finished")
	last := s.toured().Steps[8].Text
	if !strings.Contains(last, "/io audit t0") {
		t.Errorf("the last step does not name the transfer: %s", last)
	}
	if got := s.slash(dee, "audit "+s.tourID()); !strings.Contains(got, s.tourID()) {
		t.Fatalf("audit says %q", got)
	}
	s.until("the whole tour", func() bool { v := s.toured(); return v.Current == len(v.Steps) })
	s.tour.restart(s.clock.Now())
	if v := s.toured(); ticked(v) != "" || !strings.Contains(v.Note, "owns the account already") {
		t.Errorf("after a restart: %+v", v)
	}
}

func (s *stage) tourID() string { return s.tour.read(s.slack.AllMessages()).id }

func TestATransferThatWasLostIsAskedForAgain(t *testing.T) {
	s := start(t, options{})
	s.request(dee, toAlias())
	s.untilTicked("ask")
	s.tour.restart(s.clock.Now())
	if got := ticked(s.toured()); got != "ask" {
		t.Errorf("a transfer that is still open is the tour's, but ticked is %q", got)
	}
	s.until("the holders' cards", func() bool { return s.card(dee) != "" && s.card(ana) != "" && s.card(ben) != "" })
	s.forward(30 * 24 * time.Hour)
	s.until("the note that it ended", func() bool {
		return strings.Contains(s.toured().Note, "ended, and the owner stayed")
	})
	if v := s.toured(); v.Steps[0].Done || v.Current != 0 {
		t.Errorf("the ask is still ticked: %+v", v)
	}
	s.request(dee, toAlias())
	s.until("the new transfer", func() bool { v := s.toured(); return v.Steps[0].Done && v.Note == "" })
}

// card is a message as Keyholder posts its cards.
func tourCard(at int64, workflow, name, text string) slacksim.Message {
	meta, _ := json.Marshal(map[string]any{"event_type": "keyholder_card",
		"event_payload": map[string]string{"workflow": workflow, "effect": "card/" + workflow + "/" + name + "/U0DEE"}})
	return slacksim.Message{BotID: "B1", Channel: "D1", TS: timestamp(at), Text: text, Metadata: meta}
}

func timestamp(at int64) string { return strconv.FormatInt(at, 10) + ".000000" }

func TestTheTourReadsOnlyWhatTheBotSaidSinceTheRestart(t *testing.T) {
	told := slacksim.Message{BotID: "B1", Channel: "C1", EphemeralTo: gus, TS: timestamp(20),
		Text: "No. Nothing was recorded."}
	for name, c := range map[string]struct {
		since    int64
		messages []slacksim.Message
		want     trace
	}{
		"nothing": {0, nil, trace{}},
		"a person says it": {0, []slacksim.Message{{User: gus, Channel: "D1", TS: timestamp(20), Text: told.Text}},
			trace{}},
		"before the restart": {30, []slacksim.Message{told}, trace{}},
		"a refusal":          {10, []slacksim.Message{told}, trace{refused: true}},
		"public is no answer": {10, []slacksim.Message{{BotID: "B1", Channel: "C1", TS: timestamp(20),
			Text: told.Text}}, trace{}},
		"a broken card": {0, []slacksim.Message{{BotID: "B1", Channel: "D1", TS: "x",
			Metadata: json.RawMessage(`{"event_payload":7}`)}}, trace{}},
		"another machine": {0, []slacksim.Message{tourCard(5, "a01-X", "main", "Confirm: x")}, trace{}},
		"the newer of two": {0, []slacksim.Message{tourCard(5, "t01-X", "outcome", ""),
			tourCard(9, "t02-Y", "main", "Confirm: x")},
			trace{id: "t02-Y", began: 9e6, asking: true}},
		"ended before the restart": {7, []slacksim.Message{tourCard(5, "t01-X", "main", ""),
			tourCard(6, "t01-X", "outcome", "")}, trace{}},
		"ended after the restart": {5, []slacksim.Message{tourCard(4, "t01-X", "main", ""),
			tourCard(6, "t01-X", "outcome", "")}, trace{id: "t01-X", began: 4e6, over: 6e6}},
		"open at the restart": {7, []slacksim.Message{tourCard(5, "t01-X", "main", ""),
			tourCard(8, "t01-X", "reminder-1", "")}, trace{id: "t01-X", began: 5e6, reminded: true}},
	} {
		var tr tour
		tr.restart(time.Unix(c.since, 0))
		if got := tr.read(c.messages); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestTheNextStepIsOneThatCanStillBeDone(t *testing.T) {
	var tr tour
	at := func(cards ...slacksim.Message) tourView {
		return tr.view(scene{messages: cards, world: integratorsim.State{Accounts: make([]integratorsim.Snapshot, 1)}})
	}
	step := func(v tourView, id string) (int, tourStep) {
		i := slices.IndexFunc(v.Steps, func(s tourStep) bool { return s.ID == id })
		return i, v.Steps[i]
	}
	refused := slacksim.Message{BotID: "B1", Channel: "C1", EphemeralTo: gus, TS: timestamp(2),
		Text: "Nothing was recorded."}
	asked := []slacksim.Message{refused, tourCard(5, "t01-X", "main", "Confirm: x")}
	v := at(asked...)
	if i, s := step(v, "reminded"); v.Current != i || s.Missed {
		t.Errorf("while people are asked: current %d, %+v", v.Current, s)
	}
	v = at(append(asked, tourCard(6, "t01-X", "main", "Confirmed: x"))...)
	if i, _ := step(v, "invited"); v.Current != i {
		t.Errorf("confirmed without a reminder: the next is %d, %+v", v.Current, v.Steps[v.Current])
	}
	if _, s := step(v, "reminded"); !s.Missed || s.Done {
		t.Errorf("a reminder can no longer come: %+v", s)
	}
	v = at(append(asked, tourCard(7, "t01-X", "changed", "x"), tourCard(8, "t01-X", "outcome", "x"))...)
	if i, _ := step(v, "audited"); v.Current != i {
		t.Errorf("finished: the next is %d", v.Current)
	}
}

func TestAWithdrawnInvitationIsNoInvitation(t *testing.T) {
	at := time.Unix(100, 0)
	with := func(tr integratorsim.TransferState) integratorsim.Snapshot {
		tr.Account, tr.CreatedAt = true, at
		return integratorsim.Snapshot{Transfers: []integratorsim.TransferState{tr}}
	}
	var got []bool
	for _, s := range []integratorsim.Snapshot{with(integratorsim.TransferState{Status: "unapproved"}),
		with(integratorsim.TransferState{Status: "done"}),
		with(integratorsim.TransferState{Status: "canceled"}),
		with(integratorsim.TransferState{Status: "unapproved", Dismissed: true})} {
		got = append(got, invitedSince(s, at.UnixMicro()))
	}
	if want := []bool{true, true, false, false}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if invitedSince(with(integratorsim.TransferState{Status: "unapproved"}), at.UnixMicro()+1) {
		t.Error("an invitation from before the transfer counts")
	}
}
