package key

import (
	"fmt"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// twin gives somebody a second account that another's address, not confirmed, betrays.
func (w *world) twin(of, twin string) {
	p := w.People[machinetest.UserID(twin)]
	p.Email, p.EmailConfirmed, p.Unconfirmed = "", false, w.People[machinetest.UserID(of)].Email
	w.People[p.ID] = p
}

// Who takes the key out neither approves nor explains it, by whatever account.
func TestASecondAccountNeitherApprovesNorExplains(t *testing.T) {
	w := newWorld(t)
	w.twin("Ana", "Cat")
	must(t, w.ask(Request, workflows.LetterUse, "Ana", wants))
	r := w.newest("u")
	refusedAs(t, w.click(r, "Cat", ActApprove, nil), "barred")
	must(t, w.click(r, "Ben", ActApprove, nil))
	must(t, w.click(r, "Ana", ActBack, map[string]string{BlockDone: "nothing much", BlockRotated: "no"}))
	for _, act := range []string{ActPlanned, ActEmergency, ActMisuse} {
		refusedAs(t, w.click(r, "Cat", act, nil), "own_use")
	}
	must(t, w.click(r, "Dee", ActPlanned, nil))
}

// A use in retrospect is explained by nobody's second account either.
func TestASecondAccountDoesNotExplainASignInTakenOnLater(t *testing.T) {
	w := watched(t)
	w.twin("Ana", "Dee")
	w.signIn(0)
	w.poll()
	must(t, w.click(w.newest("s"), "Ana", ActMine, map[string]string{BlockReason: "It was I"}))
	u := w.newest("u")
	refusedAs(t, w.click(u, "Dee", ActPlanned, nil), "own_use")
	must(t, w.click(u, "Ben", ActMisuse, nil))
	if len(w.alarms) != 1 {
		t.Errorf("%d alarms", len(w.alarms))
	}
}

// A sign-in that is hidden from some readings, for less than the overlap, is asked about all the
// same, whenever it shows.
func TestASignInHiddenBetweenTwoReadingsIsFound(t *testing.T) {
	for late := time.Minute; late < overlap; late += 2 * time.Minute {
		w := watched(t)
		e := w.signIn(0)
		w.hidden[e.ID] = true
		for range int(late / time.Minute) {
			w.Now = w.Now.Add(time.Minute)
			w.signIn(0) // every other one shows
			w.poll()
		}
		delete(w.hidden, e.ID)
		w.poll()
		if n := w.askedAbout(e); n != 1 {
			t.Errorf("shown %s late it was asked about %d times", late, n)
		}
	}
}

// While the log is read it grows in front: whatever part a reading shows, each entry is told once.
func TestReadingsThatShiftTellEachSignInOnce(t *testing.T) {
	w := watched(t)
	var all []workflows.SignIn
	for i := range 12 {
		w.Now = w.Now.Add(time.Minute)
		all = append(all, w.signIn(0))
		if i%3 == 1 {
			w.hidden[all[i-1].ID] = true // the page that had it was read before it came
		}
		w.poll()
		clear(w.hidden)
	}
	w.poll()
	for _, e := range all {
		if n := w.askedAbout(e); n != 1 {
			t.Errorf("%s was asked about %d times", e.ID, n)
		}
	}
}

func (w *world) askedAbout(e workflows.SignIn) (n int) {
	for _, r := range w.runs {
		if s, is := r.state.(SignInState); is && s.Entry.ID == e.ID {
			n++
		}
	}
	return n
}

// A letter's word is guessed three times, then it counts as not proven; a word of an earlier drill
// is worth nothing in the next.
func TestAWordIsGuessedInVain(t *testing.T) {
	w := newWorld(t)
	w.Policy.Mail = true
	r := w.drill(t, "Dee")
	old := w.letters[0]["UCAT"]
	must(t, w.click(r, "Dee", ActStop, nil))
	r = w.drill(t, "Dee")
	for i, word := range []string{old, "", "bababababa", fmt.Sprint(w.letters[1]["UBEN"]), "dadadadada"} {
		w.click(r, "Cat", ActProve, map[string]string{BlockWord: word})
		if w.Account.Key.Proof(workflows.KeyMailbox, mailbox, "UCAT").How != "" {
			t.Fatalf("guess %d proves", i)
		}
	}
	if got := r.state.(DrillState).Mailbox["UCAT"].How; got != Guessed {
		t.Errorf("after her guesses: %q", got)
	}
	if a := w.click(r, "Cat", ActProve, map[string]string{BlockWord: w.letters[1]["UCAT"]}); a.code() == "" {
		t.Error("the right word counts after three wrong ones")
	}
}

// Nobody takes a turn for somebody else, before their own or behind it.
func TestATurnIsNobodyElses(t *testing.T) {
	w := newWorld(t)
	r := w.drill(t, "Dee")
	for _, who := range []string{"Ben", "Dee", "Kim", "Eve"} {
		w.click(r, who, ActAttest, nil)
		if s := r.state.(DrillState); len(s.Keeper) != 0 {
			t.Fatalf("%s answered for %v", who, s.Keeper)
		}
	}
}
