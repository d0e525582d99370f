package recovery

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

var acts = []string{"approve", "approve", "comment", "refuse", "look", "can", "claim", "done", "done", "seen", "seen",
	"blocked", "next", "cancel", "settle", "transfer"}

// TestWhateverPeopleDo plays any clicks, waits and absences, and checks after each what must hold always.
func TestWhateverPeopleDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		if rapid.Bool().Draw(t, "a person owns it") {
			w.owner("jane@acme.example")
		}
		if rapid.IntRange(0, 3).Draw(t, "no IT") == 0 {
			w.Policy.Recovery.IT = nil
		}
		situation := rapid.SampledFrom([]string{MailboxGone, PersonGone, PasswordOff, FactorOff}).Draw(t, "situation")
		reporter := rapid.SampledFrom(names).Draw(t, "reporter")
		if d := w.report(reporter, situation, "gone"); d.Err != nil {
			t.Fatalf("refused: %v", d.Err)
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			who := rapid.SampledFrom(names).Draw(t, "who")
			before := w.State
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				w.wait(time.Duration(rapid.IntRange(1, 100).Draw(t, "hours")) * time.Hour)
			case 1:
				p := w.People[machinetest.UserID(who)]
				p.Standing = rapid.SampledFrom([]string{"", "", workflows.StandingDeactivated}).Draw(t, "standing")
				w.People[p.ID] = p
			default:
				act := rapid.SampledFrom(acts).Draw(t, "act")
				if act == "refuse" && rapid.IntRange(0, 4).Draw(t, "really") > 0 {
					act = "approve"
				}
				d := w.click(who, act, "words")
				notByThoseWhoMayNot(t, w, before, d, machinetest.UserID(who), act)
			}
			holds(t, w, situation)
		}
	})
}

// notByThoseWhoMayNot: what a person's click changed, they may.
func notByThoseWhoMayNot(t *rapid.T, w *world, before State, d did, who, act string) {
	if len(d.Events) == 0 {
		return
	}
	if w.People[who].Standing != "" {
		t.Fatalf("%s is %s, and %s changed something", who, w.People[who].Standing, act)
	}
	may := map[string][]string{
		"cancel": before.stoppers(), "can": before.openers(), "settle": before.managers(), "next": before.managers(),
		"seen":  before.managers(),
		"claim": before.Step.People, "done": before.Step.People,
	}[act]
	if may != nil && !slices.Contains(may, who) {
		t.Fatalf("%s may not %s", who, act)
	}
	if who == before.Reporter && slices.Contains([]string{"approve", "comment", "refuse"}, act) {
		t.Fatal("the reporter decides")
	}
	if act == "seen" && slices.Contains(before.Step.Hands, who) {
		t.Fatal("the doer confirms")
	}
}

// holds checks what must hold always.
func holds(t *rapid.T, w *world, situation string) {
	s := w.State
	if s.Closed() == (w.Account.Locks[workflows.LockRecovery] == s.ID) {
		t.Fatalf("%s, and the lock is held by %q", s.StageName(), w.Account.Locks[workflows.LockRecovery])
	}
	if !s.Closed() && len(w.View.Timers) == 0 && len(w.View.Waiting) == 0 {
		t.Fatalf("nothing moves it on: %s", s.StageName())
	}
	if s.Closed() && len(w.View.Timers)+len(w.View.Waiting) > 0 {
		t.Fatal("it is over and waits")
	}
	for _, c := range w.View.Cards {
		for _, b := range c.Buttons {
			if s.Closed() && b.Action != ActTransfer {
				t.Fatalf("it is over, and %s may press %s", c.Recipient, b.Action)
			}
		}
	}
	words := map[string]bool{} // rungs of which a person said that they do not hold
	for _, st := range s.started() {
		if st.Name != RungReset && (s.Approved.IsZero() || st.Began.Before(s.CoolUntil)) {
			t.Fatalf("%s began at %v, approved %v until %v", st.Name, st.Began, s.Approved, s.CoolUntil)
		}
		if st.Name == RungReset && s.Approved.IsZero() && s.Opens == nil {
			t.Fatal("the reset began without approval and without anybody's word")
		}
		for _, rung := range ladders[situation] {
			if rung == st.Name {
				break
			}
			if st.Name != RungReset && !words[rung] {
				t.Fatalf("%s began, and nobody had said that %s does not hold", st.Name, rung)
			}
		}
		if st.Blocked != nil && st.Blocked.By != "" && st.Blocked.Text != "" || st.Passed != nil && st.Passed.By != "" {
			words[st.Name] = true
		}
	}
	switch s.StageName() {
	case Securing, Regained:
		if n := len(s.started()); n == 0 || !s.started()[n-1].Ok() {
			t.Fatal("regained without anybody having seen it")
		}
	case Failed:
		for _, rung := range ladders[situation] {
			if !words[rung] {
				t.Fatalf("failed, and nobody had said that %s does not hold", rung)
			}
		}
		for _, who := range s.doers(RungSupport) {
			if !hasTicket(w, who) {
				t.Fatalf("failed, and %s has no ticket", who)
			}
		}
	}
	refold(t, w)
}

func hasTicket(w *world, who string) bool {
	return slices.ContainsFunc(w.View.Cards, func(c workflows.Card) bool {
		return c.Recipient == who && c.Name == cardMain && slices.Contains(c.Lines, "```"+w.State.ticket()+"```")
	})
}

// refold: the state is what its events make of nothing.
func refold(t *rapid.T, w *world) {
	again, err := kinds.Apply(State{}, w.Events...)
	if err != nil || string(machinetest.Encode(t, again)) != string(machinetest.Encode(t, w.State)) {
		t.Fatalf("folded anew it is another one: %v", err)
	}
}

// A plain member reports a loss to have IT open the mailbox for him: without two of those who decide, IT hears nothing.
func TestAPlainMemberCannotHaveTheMailboxOpened(t *testing.T) {
	w := newWorld(t)
	w.report("Fay", MailboxGone, "please open it for me")
	twin := w.People["UEVE"] // Fay's second account, if she had one among those who decide
	twin.Unconfirmed = "fay+eve@acme.example"
	w.People["UEVE"] = twin
	for _, act := range []string{"approve", "comment", "can", "claim", "done", "seen", "next", "settle", "look"} {
		if d := w.click("Fay", act, "words"); len(d.Events) > 0 || d.Err == nil {
			t.Errorf("Fay: %s changes something", act)
		}
	}
	if d := w.click("Eve", "approve"); d.Code() != "barred" {
		t.Errorf("Fay's second account hears %v", d.Err)
	}
	w.wait(48 * time.Hour)
	if w.State.StageName() != Expired || slices.ContainsFunc(w.View.Cards, func(c workflows.Card) bool {
		return c.Recipient == "UIRA"
	}) {
		t.Error("IT heard of it")
	}
}

// A holder who does and confirms, alone or with a second account, gets nowhere.
func TestNobodyDoesAndConfirms(t *testing.T) {
	w := newWorld(t)
	w.report("Fay", PasswordOff, "lost")
	cat := w.People["UCAT"]
	cat.Unconfirmed = "ana+2@acme.example"
	w.People["UCAT"] = cat
	w.click("Ana", "can")
	w.click("Ana", "done", "I did it")
	for _, who := range []string{"Ana", "Cat"} {
		if d := w.click(who, "seen"); d.Code() != "own_step" {
			t.Errorf("%s hears %v", who, d.Err)
		}
	}
	if d := w.click("Ben", "seen"); d.Err != nil || w.State.StageName() != Securing {
		t.Errorf("Ben hears %v", d.Err)
	}
}
