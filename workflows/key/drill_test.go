package key

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

func (w *world) drill(t *testing.T, who string) *run {
	t.Helper()
	must(t, w.ask(DrillRequest, workflows.LetterDrill, who, nil))
	return w.newest("e")
}

func TestADrillByLetterIsPassedByWordsAndTurns(t *testing.T) {
	w := newWorld(t)
	w.Policy.Mail = true
	w.look()
	w.poll() // the baseline
	r := w.drill(t, "Dee")
	if len(w.letters) != 1 {
		t.Fatalf("%d letters", len(w.letters))
	}
	if got := w.buttons(r, "Ana"); got != "drill.attest drill.cancel drill.cannot drill.prove" {
		t.Errorf("Ana, whose turn it is, has %q", got)
	}
	if got := w.buttons(r, "Cat"); got != "drill.cancel drill.cannot drill.prove" {
		t.Errorf("Cat has %q", got)
	}
	refusedAs(t, w.click(r, "Dee", ActAttest, nil), "not_permitted")
	for _, who := range []string{"Ana", "Ben", "Cat"} {
		must(t, w.click(r, who, ActProve, map[string]string{BlockWord: " " +
			strings.ToUpper(w.letters[0][machinetest.UserID(who)]) + "."}))
	}
	refusedAs(t, w.click(r, "Ben", ActAttest, nil), "not_your_turn")
	w.Now = w.Now.Add(time.Hour)
	w.signIn(-time.Minute)
	w.poll()
	must(t, w.click(r, "Ben", ActAttest, nil))
	if r.state.StageName() != DrillPassed {
		t.Fatalf("it is %s: %v", r.state.StageName(), r.state.(DrillState).Gaps)
	}
	k := w.Account.Key
	for _, want := range []struct{ what, who, how string }{
		{workflows.KeyMailbox, "UANA", workflows.Verified}, {workflows.KeyMailbox, "UCAT", workflows.Verified},
		{workflows.KeyPassword, "UANA", workflows.Verified}, {workflows.KeySecondFactor, "UBEN", workflows.Attested},
		{workflows.KeyPassword, "UCAT", ""},
	} {
		if got := k.Proof(want.what, mailbox, want.who).How; got != want.how {
			t.Errorf("%s by %s: %q, want %q", want.what, want.who, got, want.how)
		}
	}
	if k.Drill == nil || k.Drill.Outcome != DrillPassed || w.Account.Locks[workflows.LockDrill] != "" {
		t.Errorf("the record has %+v, locks %v", k.Drill, w.Account.Locks)
	}
	if w.newest("s") != nil {
		t.Error("a sign-in in a keeper's turn was asked about")
	}
}

func TestAWordNeverProvesForAnotherPerson(t *testing.T) {
	w := newWorld(t)
	w.Policy.Mail = true
	r := w.drill(t, "Dee")
	word := w.letters[0]["UANA"]
	for i, left := range []string{"2 more times", "1 more time", ""} {
		a := w.click(r, "Ben", ActProve, map[string]string{BlockWord: word})
		if left != "" && !strings.Contains(a.reply.Errors[BlockWord], left) {
			t.Errorf("try %d: %+v", i+1, a.reply)
		}
	}
	s := r.state.(DrillState)
	if s.Mailbox["UBEN"].How != Guessed || w.Account.Key.Proof(workflows.KeyMailbox, mailbox, "UBEN").How != "" {
		t.Errorf("after three wrong words: %+v", s.Mailbox["UBEN"])
	}
	a := w.click(r, "Ben", ActProve, map[string]string{BlockWord: w.letters[0]["UBEN"]})
	if a.code() == "" {
		t.Error("a fourth word was taken")
	}
	if c, _ := w.card(r, "Dee", cardMain); !strings.Contains(strings.Join(c.Facts, "\n"), "three wrong words") {
		t.Errorf("the card does not say so: %v", c.Facts)
	}
}

func TestWithoutMailHoldersAttestAndKeepersTakeTurns(t *testing.T) {
	w := newWorld(t)
	r := w.drill(t, "Ana")
	if len(w.letters) != 0 {
		t.Fatal("a letter was sent without mail settings")
	}
	must(t, w.click(r, "Ben", ActAttest, nil)) // the mailbox; it is not his turn yet
	refusedAs(t, w.click(r, "Ben", ActAttest, nil), "not_your_turn")
	must(t, w.click(r, "Ana", ActAttest, nil)) // both at once
	must(t, w.click(r, "Ben", ActAttest, nil)) // now his turn
	refusedAs(t, w.click(r, "Ben", ActAttest, nil), "answered")
	must(t, w.click(r, "Cat", ActCannot, nil))
	if r.state.StageName() != DrillPassed {
		t.Errorf("it is %s", r.state.StageName())
	}
}

func TestATurnPassesOnWhileOthersWaitAndComesBack(t *testing.T) {
	w := newWorld(t)
	r := w.drill(t, "Dee")
	turn := func() string { who, _ := r.state.(DrillState).turn(); return who }
	if turn() != "UANA" {
		t.Fatalf("first is %s", turn())
	}
	w.wait(day)
	if turn() != "UBEN" {
		t.Fatalf("after a day it is the turn of %s", turn())
	}
	if c, ok := w.card(r, "Ben", "turn-1"); !ok || c.Under != cardMain {
		t.Error("Ben was not called")
	}
	must(t, w.click(r, "Ben", ActAttest, nil))
	if turn() != "UANA" {
		t.Fatalf("then it is the turn of %q", turn())
	}
	w.wait(5 * day) // nobody waits behind her
	if turn() != "UANA" {
		t.Fatalf("without others her turn ended: %q", turn())
	}
	for i, a := range w.Account.Key.Windows {
		for _, b := range w.Account.Key.Windows[i+1:] {
			if a.To.IsZero() || a.To.After(b.From) {
				t.Errorf("two turns at once: %+v %+v", a, b)
			}
		}
	}
}

func TestADrillEndsWithAGapForEachPartThatFewerThanTwoHaveShown(t *testing.T) {
	w := newWorld(t)
	r := w.drill(t, "Dee")
	must(t, w.click(r, "Ana", ActAttest, nil))
	w.wait(14 * day)
	s := r.state.(DrillState)
	if s.Stage != DrillGaps || len(s.Gaps) != 3 {
		t.Fatalf("%s with %q", s.Stage, s.Gaps)
	}
	if c, ok := w.card(r, "Dee", cardOutcome); !ok || len(c.Lines) != 3 {
		t.Error("the administrator is not told of the gaps")
	}
	if c, ok := w.card(r, "Ben", "reminder-0"); !ok || c.Under != cardMain || len(s.Reminders) == 0 {
		t.Error("nobody was reminded")
	}
}

func TestALetterThatCannotBeSentLeavesTheHoldersWord(t *testing.T) {
	w := newWorld(t)
	w.Policy.Mail, w.noMail = true, "mail_refused"
	r := w.drill(t, "Dee")
	c, _ := w.card(r, "Cat", cardMain)
	if got := w.buttons(r, "Cat"); got != "drill.attest drill.cancel drill.cannot" ||
		!strings.Contains(strings.Join(c.Lines, " "), "could not be sent") {
		t.Errorf("Cat has %q: %q", got, c.Lines)
	}
	must(t, w.click(r, "Cat", ActAttest, nil))
}

func TestOneDrillAtATimeAndOnlyForThoseItConcerns(t *testing.T) {
	w := newWorld(t)
	refusedAs(t, w.ask(DrillRequest, workflows.LetterDrill, "Eve", nil), "not_permitted")
	refusedAs(t, w.ask(DrillRequest, workflows.LetterDrill, "Aud", nil), "not_permitted")
	first := w.drill(t, "Cat")
	a := w.ask(DrillRequest, workflows.LetterDrill, "Dee", nil)
	refusedAs(t, a, "drill_open")
	if !strings.Contains(a.err.Error(), first.id) {
		t.Error("the answer does not name the drill that runs")
	}
	refusedAs(t, w.click(first, "Eve", ActStop, nil), "not_permitted")
	must(t, w.click(first, "Cat", ActStop, nil))
	w.drill(t, "Dee")
}

func TestWhoIsNoLongerNamedProvesNothing(t *testing.T) {
	w := newWorld(t)
	r := w.drill(t, "Dee")
	w.Policy.Aliases[0].Holders = []string{"UANA", "UBEN"}
	refusedAs(t, w.click(r, "Cat", ActAttest, nil), "not_named")
	w.Stand("Ben", workflows.StandingDeactivated)
	refusedAs(t, w.click(r, "Ben", ActAttest, nil), "standing_deactivated")
}

func TestADrillOpensByItselfNinetyDaysAfterTheAccountWasFirstSeenAndAfterTheLastOne(t *testing.T) {
	w := newWorld(t)
	w.look()
	w.wait(89 * day)
	if w.newest("e") != nil {
		t.Fatal("a drill opened early")
	}
	w.wait(day)
	r := w.newest("e")
	if r == nil {
		t.Fatal("no drill after 90 days")
	}
	w.wait(14 * day)
	if !r.state.Closed() {
		t.Fatal("it did not end")
	}
	next := w.newest("w").state.(WatchState).NextDrill
	if want := r.state.(DrillState).Over.Add(90 * day); !next.Equal(want) {
		t.Errorf("the next one is planned for %s, want %s", next, want)
	}
	w.Policy.Key.DrillEvery = 0
	w.look()
	w.wait(200 * day)
	if w.newest("e") != r {
		t.Error("a drill opened although the configuration asks for none")
	}
}

func TestWhoIsDeactivatedIsToldOfOnce(t *testing.T) {
	w := newWorld(t)
	w.look()
	w.Stand("Ben", workflows.StandingDeactivated)
	w.wait(day)
	r := w.newest("w")
	c, ok := w.card(r, "Dee", cardMain)
	text := strings.Join(c.Lines, " ")
	for _, want := range []string{"<@UBEN>", "holder of " + mailbox + " (2 others)", "keeper of the password",
		"start a drill"} {
		if !ok || !strings.Contains(text, want) {
			t.Errorf("the administrator reads %q, without %q", text, want)
		}
	}
	round := r.state.(WatchState).Round
	w.wait(3 * day)
	w.look()
	if r.state.(WatchState).Round != round {
		t.Error("it was told again")
	}
	w.Stand("Ben", "")
	w.look()
	if c, _ := w.card(r, "Dee", cardMain); strings.Contains(strings.Join(c.Lines, " "), "UBEN") {
		t.Errorf("he is back and still told of: %v", c.Lines)
	}
}
