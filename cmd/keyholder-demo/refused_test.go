package main

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
)

// Strangers of all kinds.
const (
	robot   = "U0ROBOT"
	gone    = "U0GONE"
	invited = "U0NEVER"
	nobody  = "U0NOBODY"
)

// workflowID is the ID of the only transfer, as its buttons carry it.
func (s *stage) workflowID() string {
	s.t.Helper()
	id := ""
	s.until("a button with the transfer's ID", func() bool {
		for _, m := range s.slack.AllMessages() {
			for _, b := range buttons(m) {
				if strings.HasPrefix(b.ActionID, "transfer.") {
					id = b.Value
					return true
				}
			}
		}
		return false
	})
	return id
}

// version counts the events of one workflow, read without asking the bot.
func (s *stage) version(id string) uint64 {
	s.t.Helper()
	if s.reader == nil {
		st, err := store.Open(s.ctx, serve.StoreOptions(s.cfg, zerolog.Nop()))
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = st.Close() })
		s.reader = st
	}
	recs, err := s.reader.Load(s.ctx, workflows.Ref{Kind: workflows.KindWorkflow, ID: id})
	if err != nil {
		s.t.Fatalf("read %s: %v", id, err)
	}
	return recs[0].Version
}

// attempt is one way of pressing what one may not press.
type attempt struct {
	name string
	f    slacksim.Forged
	want string // a part of what the person is told
}

// refused makes each attempt, and fails where the person hears nothing or something is recorded.
func (s *stage) refused(id string, all []attempt) {
	s.t.Helper()
	before := s.version(id)
	for _, a := range all {
		heard := len(s.private(a.f.User))
		res, err := s.slack.ClickForged(s.ctx, a.f)
		if err != nil {
			s.t.Errorf("%s: the click was not acknowledged: %v %s", a.name, err, res.Error)
			continue
		}
		s.until(a.name+" to be told privately", func() bool { return len(s.private(a.f.User)) > heard })
		text := s.private(a.f.User)[heard].Text
		if !strings.Contains(text, a.want) || !strings.Contains(text, "othing was recorded") {
			s.t.Errorf("%s is told %q, want %q and that nothing was recorded", a.name, text, a.want)
		}
		if after := s.version(id); after != before {
			s.t.Errorf("%s: the record grew from %d to %d events", a.name, before, after)
			before = after
		}
	}
	for _, m := range s.slack.AllMessages() {
		if m.EphemeralTo == "" && m.Channel == opsRoom && strings.Contains(m.Text, "othing was recorded") {
			s.t.Errorf("a refusal was told to the whole channel: %q", m.Text)
		}
	}
}

func (s *stage) strangers() {
	s.slack.AddUser(slacksim.User{ID: robot, RealName: "Robot", IsBot: true})
	s.slack.AddUser(slacksim.User{ID: gone, RealName: "Gone", Email: "gone@acme.example", Deleted: true})
	s.slack.AddUser(slacksim.User{ID: invited, RealName: "Never In", Email: "never@acme.example", IsInvited: true})
}

func TestWhoeverMayNotActIsToldPrivately(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{})
	s.accepted()
	s.strangers()
	s.bot(t)
	s.insistRequest(dee, toAlias())
	id := s.workflowID()
	s.until("ana's button", func() bool { _, _, ok := s.button(ana, "transfer.confirm"); return ok })
	card, block, _ := s.button(ana, "transfer.confirm")
	var notice slacksim.Message
	s.until("the notice in the channel", func() bool {
		for _, m := range s.slack.Messages(opsRoom) {
			if len(m.Metadata) > 0 {
				notice = m
				return true
			}
		}
		return false
	})
	press := func(who string) slacksim.Forged {
		return slacksim.Forged{User: who, Channel: opsRoom, MessageTS: notice.TS, BlockID: block,
			ActionID: "transfer.confirm", Value: id}
	}
	with := func(who string, change func(*slacksim.Forged)) slacksim.Forged {
		f := press(who)
		f.Channel, f.MessageTS = card.Channel, card.TS
		change(&f)
		return f
	}
	own := func(f *slacksim.Forged) {}
	s.refused(id, []attempt{
		{"the requester", press(dee), "You asked for this transfer"},
		{"an outsider", press(oli), "not one of those who decide"},
		{"an outsider with a holder's card", with(oli, own), "not one of those who decide"},
		{"a guest", press(gus), "Guests"},
		{"a guest outside the channel", with(gus, own), "Guests"},
		{"somebody of another workspace", press(foreign), "another Slack workspace"},
		{"a bot", press(robot), "Bots and apps"},
		{"somebody deactivated", press(gone), "deactivated"},
		{"somebody who never signed in", press(invited), "not active yet"},
		{"somebody Slack does not know", press(nobody), "does not know you"},
		{"the present owner", press(jane), "not one of those who decide"},

		{"a workflow that is not there", with(ana, func(f *slacksim.Forged) { f.Value = "t00-2222222222222222" }),
			"nothing under that ID"},
		{"another shard", with(ana, func(f *slacksim.Forged) { f.Value = "t99" + id[3:] }), "nothing under that ID"},
		{"a value that is no ID", with(ana, func(f *slacksim.Forged) { f.Value = "'; drop table votes" }), ""},
		{"a key of Redis as value", with(ana, func(f *slacksim.Forged) { f.Value = "kh:{00}:records" }), ""},
		{"no value", with(ana, func(f *slacksim.Forged) { f.Value = "" }), ""},
		{"a huge value", with(ana, func(f *slacksim.Forged) { f.Value = strings.Repeat("t", 100_000) }), ""},
		{"another round", with(ana, func(f *slacksim.Forged) {
			f.BlockID = "transfer:0"
		}), "changed since you opened it"},
		{"a later round", with(ana, func(f *slacksim.Forged) { f.BlockID = "transfer:99999" }),
			"changed since you opened it"},
		{"a round that is no number", with(ana, func(f *slacksim.Forged) { f.BlockID = "transfer:x" }), ""},
		{"a block of nobody", with(ana, func(f *slacksim.Forged) { f.BlockID = "\x00\xff" }), ""},
		{"no block", with(ana, func(f *slacksim.Forged) { f.BlockID = "" }), ""},
		{"another machine's button", with(ana, func(f *slacksim.Forged) {
			f.ActionID, f.BlockID = "review.sign", "review:1"
		}), ""},
		{"another machine's block", with(ana, func(f *slacksim.Forged) { f.BlockID = "access:1" }), ""},
		{"a button that does not exist", with(ana, func(f *slacksim.Forged) { f.ActionID = "transfer.explode" }), ""},
		{"a timer's command", with(ana, func(f *slacksim.Forged) { f.ActionID = "timer" }), ""},
		{"a receipt's command", with(ana, func(f *slacksim.Forged) { f.ActionID = "receipt" }), ""},
		{"a superseding", with(ana, func(f *slacksim.Forged) { f.ActionID = "transfer.superseded" }), ""},
		{"a settling before its time", with(ana, func(f *slacksim.Forged) { f.ActionID = "transfer.settle" }),
			"nothing to finish"},
		{"an acceptance before its time", with(ana, func(f *slacksim.Forged) { f.ActionID = "transfer.accept" }),
			"no invitation to accept"},
		{"a claim that is not asked for", with(ana, func(f *slacksim.Forged) { f.ActionID = "transfer.claim" }), ""},
		{"an attestation of what is read", with(ana, func(f *slacksim.Forged) { f.ActionID = "transfer.attest" }),
			"nothing to attest"},
		{"a waiver of nothing", with(ana, func(f *slacksim.Forged) { f.ActionID = "transfer.waive" }),
			"No check is in the way"},
	})
	if len(s.slack.Views(ana)) > 0 {
		t.Errorf("a refused click opened a form: %+v", s.slack.Views(ana))
	}
	// A person's standing is looked up afresh within a minute.
	s.slack.Deactivate(cat)
	s.forward(61 * time.Second)
	at, block, _ := s.button(cat, "transfer.confirm")
	s.refused(id, []attempt{{"a holder deactivated meanwhile", slacksim.Forged{User: cat, Channel: at.Channel,
		MessageTS: at.TS, BlockID: block, ActionID: "transfer.confirm", Value: id}, "deactivated"}})
	// Whoever may act still can.
	s.insistPress(ana, "transfer.confirm")
	s.insistPress(ben, "transfer.confirm")
	s.until("the invitation", func() bool { return s.pending() == 1 })
}

func TestWhoeverWouldBecomeOwnerDoesNotConfirm(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{edit: func(y string) string {
		return strings.Replace(quick(y), "transfer: {", "transfer: {quorum: 1, ", 1)
	}})
	s.bot(t)
	s.request(dee, map[string]map[string]any{"new_owner_person": {"new_owner_person": ben},
		"reason": {"reason": "Ben takes over"}})
	id := s.workflowID()
	s.until("ana's button", func() bool { _, _, ok := s.button(ana, "transfer.confirm"); return ok })
	card, block, _ := s.button(ana, "transfer.confirm")
	s.refused(id, []attempt{{"the new owner", slacksim.Forged{User: ben, Channel: card.Channel, MessageTS: card.TS,
		BlockID: block, ActionID: "transfer.confirm", Value: id}, "would become the owner"}})
}

// TestAFormFilledByAnotherCountsForNobody sends forms under other names and with other contents
// than those that were shown.
func TestAFormFilledByAnotherCountsForNobody(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{})
	s.accepted()
	s.strangers()
	s.bot(t)
	s.insistRequest(dee, toAlias())
	id := s.workflowID()
	s.press(ana, "transfer.refuse")
	s.until("the form", func() bool { return len(s.slack.Views(ana)) > 0 })
	view := s.slack.Views(ana)[0]
	before := s.version(id)
	for name, fields := range map[string]map[string]any{
		"an outsider":         {"user": map[string]any{"id": oli}},
		"the requester":       {"user": map[string]any{"id": dee}},
		"a guest":             {"user": map[string]any{"id": gus}},
		"a foreigner":         {"user": map[string]any{"id": foreign, "team_id": "T0PARTNER"}},
		"no metadata":         {"view": map[string]any{"private_metadata": ""}},
		"garbage in metadata": {"view": map[string]any{"private_metadata": `{"workflow":7}`}},
		"another action": {"view": map[string]any{"private_metadata": strings.Replace(view.PrivateMetadata,
			"transfer.refuse", "transfer.superseded", 1)}},
		"another round": {"view": map[string]any{"private_metadata": strings.Replace(view.PrivateMetadata,
			`"round":`, `"round":9`, 1)}},
		"another workflow": {"view": map[string]any{"private_metadata": strings.Replace(view.PrivateMetadata, id,
			"t00-2222222222222222", 1)}},
		"an unknown form": {"view": map[string]any{"callback_id": "transfer.unheard"}},
		"no reason":       {"view": map[string]any{"state": map[string]any{"values": nil}}},
	} {
		res, err := s.slack.SubmitForged(s.ctx, ana, view.ID, fields)
		if err != nil {
			t.Errorf("%s: not acknowledged: %v %+v", name, err, res)
		}
		if after := s.version(id); after != before {
			t.Errorf("%s: the record grew from %d to %d events", name, before, after)
			before = after
		}
		if len(s.slack.Views(ana)) == 0 { // the refusal closed it
			s.press(ana, "transfer.refuse")
			s.until("the form", func() bool { return len(s.slack.Views(ana)) > 0 })
		}
		view = s.slack.Views(ana)[0]
	}
}
