package question

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// TestWhateverPeopleDo plays any clicks, waits, absences and returns, and checks what must hold always.
func TestWhateverPeopleDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		names := []string{"UANA", "UBEN", "UCAT", "UDEE", "UEVE", "UFAY"}
		lists := rapid.SampledFrom([][][]string{nil, nil, {{"UANA", "UBEN"}, {"UCAT"}}, {{"UANA"}, {"UBEN",
			"UCAT"}}}).Draw(t, "lists")
		quiet := rapid.SampledFrom([][]string{nil, {"UCAT"}, {"UANA", "UBEN"}}).Draw(t, "quiet")
		if w.ask(rapid.IntRange(1, 3).Draw(t, "quorum"), lists, quiet...) != nil {
			t.Fatal("refused at once")
		}
		closes := w.s.Question.Ballot.Closes
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			who := rapid.SampledFrom(names).Draw(t, "who")
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1, 2:
				w.click(who, "approve")
			case 3:
				w.click(who, "comment", "words")
			case 4:
				w.click(who, "look")
			case 5:
				if rapid.IntRange(0, 3).Draw(t, "refuse") == 0 {
					w.click(who, "refuse", "no")
				}
			case 6: // gone, or back
				p := w.people[who]
				if p.Standing == "" {
					p.Standing = workflows.StandingDeactivated
				} else {
					p.Standing = ""
				}
				w.people[who] = p
			case 7:
				w.delegations = append(w.delegations, approvals.Delegation{From: who,
					To: rapid.SampledFrom(names).Draw(t, "to"), Since: w.now})
				cmd := w.cmd(workflows.CmdDelegated, "")
				w.apply(decide(cmd, asks.Delegated(w.s, cmd, w.facts())).Events...)
			case 8: // somebody's clock stood still
				w.now = w.now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "hours")) * time.Hour)
			case 9:
				w.wait(time.Duration(rapid.IntRange(0, 900).Draw(t, "minutes")) * time.Minute)
			}
			if w.s.Closed() {
				break
			}
			holds(t, w)
		}
		decidedRight(t, w)
		if !w.s.Closed() && w.now.Before(closes) {
			w.wait(closes.Sub(w.now) - time.Second)
			if !w.s.Closed() && len(asks.Timers(w.s)) > 0 {
				t.Fatalf("something was due and not done: %v", asks.Timers(w.s))
			}
		}
	})
}

// holds checks the state after each step.
func holds(t *rapid.T, w *world) {
	q := w.s.Question
	if len(q.Reminders) > 2 {
		t.Fatalf("reminded %d times", len(q.Reminders))
	}
	for _, r := range q.Reminders {
		if !r.At.Before(q.Ballot.Closes) {
			t.Fatalf("reminded after the end")
		}
	}
	for _, who := range q.Audience() {
		if slices.Contains(q.Quiet, who) && !slices.Contains(q.Called, who) {
			t.Fatalf("%s is quiet and gets a card", who)
		}
	}
	for _, who := range append(q.Audience(), "UDEE") {
		buttons := asks.Buttons(w.s, who)
		if who == "UDEE" && len(buttons) > 0 {
			t.Fatalf("the requester has buttons")
		}
	}
	for _, v := range q.Ballot.Votes {
		if v.By == "UDEE" || v.Seat == "UDEE" {
			t.Fatalf("the requester votes: %+v", v)
		}
	}
	stored, err := json.Marshal(w.s)
	var back poll
	if err != nil || json.Unmarshal(stored, &back) != nil {
		t.Fatalf("the state cannot be stored: %v", err)
	}
	if again, _ := json.Marshal(back); string(again) != string(stored) {
		t.Fatalf("the state changes by being stored:\n%s\n%s", stored, again)
	}
	folded, err := pollKinds.Apply(poll{Head: workflows.Head{Opening: w.s.Opening}}, w.events...)
	if err != nil || !reflect.DeepEqual(folded.Question, q) {
		t.Fatalf("folded anew it is another question: %v", err)
	}
}

// decidedRight: what was decided is what approvals says of the votes, with what was known then.
func decidedRight(t *rapid.T, w *world) {
	if !w.s.Closed() {
		return
	}
	st := asks.standing(w.s.Question, w.facts())
	tally := w.s.Question.Ballot.Judge(st, w.delegations, w.now)
	if string(tally.Outcome) != w.s.StageName() {
		t.Fatalf("ended as %s, and the votes say %s", w.s.StageName(), tally.Outcome)
	}
}
