package reach

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

var monday = time.Date(2026, 11, 23, 9, 14, 0, 0, time.UTC)

// rig is the machine for one recipient of an account that Dee and Dan administer.
type rig struct {
	t *testing.T
	s workflows.State
	f workflows.Facts
}

func newRig(t *testing.T) *rig {
	f := workflows.Facts{Policy: workflows.Policy{ID: "acme", Name: "Acme Production", Channel: "COPS",
		Admins: []string{"UDEE", "UDAN"}},
		People: map[string]workflows.Person{}}
	for _, id := range []string{"UDEE", "UDAN", "UOLI"} {
		f.People[id] = workflows.Person{ID: id}
	}
	return &rig{t: t, s: Machine().New(), f: f}
}

func (r *rig) tell(what workflows.Message[workflows.Missed], m workflows.Missed) int {
	r.t.Helper()
	if m.Kind == "" {
		m.Kind = workflows.MissedCard
	}
	m.Since = monday
	call := what.To("acme", "m07-11111111", m)
	d, err := Machine().Decide(r.s, workflows.Command{ID: "c", Workflow: "m07-11111111", Account: "acme",
		Name: call.Command, Input: call.Input,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, At: monday.Add(time.Hour), Round: workflows.NoRound}, r.f)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range d.Events {
		if r.s, err = Machine().Apply(r.s, e); err != nil {
			r.t.Fatal(err)
		}
		if text := Machine().Tell(e); strings.Contains(text, "%!") || strings.Contains(text, "cannot be read") {
			r.t.Errorf("told: %s", text)
		}
	}
	return len(d.Events)
}

// cards are what each recipient reads.
func (r *rig) cards() map[string]string {
	out := map[string]string{}
	for _, c := range Machine().View(r.s).Cards {
		out[c.Recipient] = strings.Join(append(append([]string{c.Title}, c.Lines...), c.Facts...), "\n")
		if strings.Contains(out[c.Recipient], "%!") {
			r.t.Errorf("%s", out[c.Recipient])
		}
	}
	return out
}

// Those who can mend it and whoever asked hear of it, once and in one message, never the one who cannot be reached.
func TestWhoCannotBeReachedIsToldToThoseWhoCanMendIt(t *testing.T) {
	r := newRig(t)
	r.tell(workflows.MissedFirst, workflows.Missed{Workflow: "t07-AAAAAAAA", Title: "Hand Acme to celigo", To: "UBEN",
		Code: "user_disabled", Asked: "UOLI"})
	r.tell(workflows.MissedMore, workflows.Missed{Workflow: "a07-BBBBBBBB", Title: "Grant Eve", To: "UBEN",
		Code: "user_disabled", Asked: "UDEE"})
	if n := r.tell(workflows.MissedMore, workflows.Missed{Workflow: "a07-BBBBBBBB", Title: "Grant Eve", To: "UBEN",
		Code: "user_disabled"}); n != 0 {
		t.Error("the same is told twice")
	}
	cards := r.cards()
	if len(cards) != 3 || cards["UBEN"] != "" || cards["COPS"] != "" {
		t.Fatalf("cards %v", cards)
	}
	for _, word := range []string{"cannot reach <@UBEN>", "Slack account is deactivated", "keyholder.yaml",
		"Hand Acme to celigo", "Grant Eve"} {
		if !strings.Contains(cards["UDAN"], word) {
			t.Errorf("%q is not in %s", word, cards["UDAN"])
		}
	}
	if strings.Contains(cards["UOLI"], "Grant Eve") || !strings.Contains(cards["UOLI"], "Hand Acme") ||
		!strings.Contains(cards["UOLI"], "You are told because you asked") {
		t.Errorf("Oli reads %s", cards["UOLI"])
	}
	r.tell(workflows.MissedNoted, workflows.Missed{Workflow: "t07-AAAAAAAA", To: "UBEN"})
	if r.s.Closed() {
		t.Fatal("over although something is missed")
	}
	r.tell(workflows.MissedNoted, workflows.Missed{Workflow: "a07-BBBBBBBB", To: "UBEN"})
	if !r.s.Closed() || !strings.Contains(r.cards()["UDEE"], "✓ What Keyholder has to say reaches <@UBEN> again") {
		t.Errorf("%s", r.cards()["UDEE"])
	}
	r.tell(workflows.MissedMore, workflows.Missed{Workflow: "a07-CCCCCCCC", Title: "Grant Moe", To: "UBEN",
		Code: "user_disabled"})
	if r.s.Closed() || !strings.Contains(r.cards()["UDEE"], "Grant Moe") || strings.Contains(r.cards()["UDEE"],
		"Grant Eve") {
		t.Errorf("missed again: %s", r.cards()["UDEE"])
	}
}

func TestTheChannelHearsWhereNobodyElseCan(t *testing.T) {
	miss := workflows.Missed{Workflow: "t07-AAAAAAAA", Title: "Hand Acme to celigo", To: "UBEN",
		Code: workflows.CodeNoTab}
	t.Run("no direct message is taken", func(t *testing.T) {
		r := newRig(t)
		miss := miss
		miss.To = workflows.Everybody
		r.tell(workflows.MissedFirst, miss)
		if got := r.cards()["COPS"]; !strings.Contains(got, "cannot reach anybody by direct message") ||
			!strings.Contains(got, "Messages Tab") || strings.Contains(got, "Hand Acme") {
			t.Errorf("%s", got)
		}
		if r.tell(workflows.MissedNoted, miss); !strings.Contains(r.cards()["COPS"], "reaches everybody again") {
			t.Errorf("%s", r.cards()["COPS"])
		}
	})
	t.Run("the only administrator", func(t *testing.T) {
		r := newRig(t)
		r.f.Policy.Admins = []string{"UBEN"}
		miss := miss
		miss.Code = "user_disabled"
		r.tell(workflows.MissedFirst, miss)
		if cards := r.cards(); len(cards) != 1 || cards["COPS"] == "" {
			t.Errorf("%v", cards)
		}
	})
	t.Run("the message about it is refused as well", func(t *testing.T) {
		r := newRig(t)
		miss := miss
		miss.Code = "restricted_action"
		r.tell(workflows.MissedFirst, miss)
		if r.cards()["COPS"] != "" {
			t.Fatal("the channel is told at once")
		}
		own := workflows.Missed{Workflow: "m07-11111111", To: "UDEE", Code: "restricted_action"}
		if r.tell(workflows.MissedMore, own); r.cards()["COPS"] == "" {
			t.Error("the channel is not told")
		}
		if n := r.tell(workflows.MissedMore, own); n != 0 {
			t.Error("told twice")
		}
	})
	t.Run("the channel itself", func(t *testing.T) {
		r := newRig(t)
		r.tell(workflows.MissedFirst, workflows.Missed{Workflow: "t07-AAAAAAAA", Title: "Hand Acme", To: "COPS",
			Code: "is_archived"})
		cards := r.cards()
		if len(cards) != 2 || !strings.Contains(cards["UDEE"], "<#COPS>") || !strings.Contains(cards["UDEE"],
			"archived") {
			t.Errorf("%v", cards)
		}
	})
}

// Whatever the other side answers, there is a reason and a next step.
func TestEveryAnswerHasAReasonAndANextStep(t *testing.T) {
	for _, kind := range []string{workflows.MissedCard, workflows.MissedLetter, workflows.MissedAlarm} {
		for _, to := range []string{"UBEN", "COPS", "celigo@acme.example", workflows.OpAlarmMail,
			workflows.OpAlarmHook} {
			for _, code := range []string{workflows.CodeNoTab, "is_archived", "not_in_channel", "channel_not_found",
				"user_disabled", "user_not_found", "restricted_action_read_only_channel", "cannot_dm_bot",
				"some_new_code", ""} {
				r := newRig(t)
				r.tell(workflows.MissedFirst, workflows.Missed{Kind: kind, Workflow: "e07-AAAAAAAA", To: to,
					Code: code})
				card := r.cards()["UDEE"]
				if lines := strings.Split(card, "\n"); len(lines) < 4 || strings.Contains(card, ": .") ||
					strings.Contains(card, "``") {
					t.Errorf("%s to %s, %q:\n%s", kind, to, code, card)
				}
			}
		}
	}
}
