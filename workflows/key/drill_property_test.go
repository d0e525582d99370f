package key

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// TestWhateverHappensInADrill plays any answers, words, sign-ins, waits and absences, and checks
// after each what must hold always: one turn at a time, a word proves for the one it was sent to,
// and nothing is proven that nobody showed.
func TestWhateverHappensInADrill(t *testing.T) {
	everybody := []string{"Ana", "Ben", "Cat", "Dee", "Kim", "Eve"}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.Policy.Mail = rapid.Bool().Draw(t, "mail")
		if rapid.Bool().Draw(t, "keepers who do not hold") {
			w.Policy.Aliases[0].Custodians = nil
			w.Policy.Aliases[0].Password, w.Policy.Aliases[0].SecondFactor = []string{"UKIM", "UANA"},
				[]string{"UBEN", "UKIM"}
		}
		w.look()
		w.poll()
		if a := w.ask(DrillRequest, workflows.LetterDrill, "Dee", nil); a.err != nil {
			t.Fatalf("refused: %v", a.err)
		}
		r := w.newest("e")
		shown := map[string]bool{} // what somebody did or said, by part and person
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			who := rapid.SampledFrom(everybody).Draw(t, "who")
			before := r.state.(DrillState)
			mailbox, turn := before.owes(machinetest.UserID(who))
			switch rapid.IntRange(0, 7).Draw(t, "what") {
			case 0:
				w.wait(time.Duration(rapid.IntRange(1, 60).Draw(t, "hours")) * time.Hour)
			case 1:
				w.signIn(0)
				w.poll()
				if keeper, _ := before.turn(); keeper != "" {
					shown["keeper"+keeper] = true
					// clocks differ
				} else if n := len(before.Turns); n > 0 && w.Now.Sub(before.Turns[n-1].To) <= tolerance {
					shown["keeper"+before.Turns[n-1].Person] = true
				}
			case 2:
				w.Stand(who, rapid.SampledFrom([]string{"", "", workflows.StandingDeactivated}).Draw(t, "standing"))
			case 3, 4:
				whose := rapid.SampledFrom([]string{"Ana", "Ben", "Cat", "nobody"}).Draw(t, "whose word")
				word := "dadadadada"
				if len(w.letters) > 0 && whose != "nobody" {
					word = w.letters[0][machinetest.UserID(whose)]
				}
				w.click(r, who, ActProve, map[string]string{BlockWord: word})
				if len(w.letters) > 0 && whose == who {
					shown["mailbox"+machinetest.UserID(who)] = true
				}
			case 5:
				w.click(r, who, ActCannot, nil)
			default:
				a := w.click(r, who, ActAttest, nil)
				if a.err == nil && mailbox && !before.Mail {
					shown["mailbox"+machinetest.UserID(who)] = true
				}
				if a.err == nil && turn {
					shown["keeper"+machinetest.UserID(who)] = true
				}
			}
			w.drillHolds(r, shown)
		}
	})
}

func (w *world) drillHolds(r *run, shown map[string]bool) {
	w.T.Helper()
	s := r.state.(DrillState)
	open := 0
	for i, turn := range s.Turns {
		if turn.To.IsZero() {
			open++
		}
		if i > 0 && turn.At.Before(s.Turns[i-1].To) {
			w.T.Fatalf("the turn of %s began within that of %s", turn.Person, s.Turns[i-1].Person)
		}
	}
	if open > 1 || s.Closed() && open > 0 {
		w.T.Fatalf("%d turns at once in %s", open, s.Stage)
	}
	for _, p := range w.Account.Key.Proofs {
		what := "keeper"
		if p.What == workflows.KeyMailbox {
			what = "mailbox"
		}
		if p.By == s.ID && !shown[what+p.Person] {
			w.T.Fatalf("%s counts as proven by %s, who never showed it", p.What, p.Person)
		}
	}
	calling := 0
	for _, c := range r.view.Cards {
		if slices.ContainsFunc(c.Buttons, func(b workflows.Button) bool {
			return b.Label == "I signed in as the owner" || b.Label == "I can do both"
		}) {
			calling++
		}
	}
	if calling > 1 {
		w.T.Fatalf("%d people are called to sign in at once", calling)
	}
	if s.Stage == DrillPassed && (s.proven(workflows.KeyMailbox) < 2 || s.proven(workflows.KeyPassword) < 2 ||
		s.proven(workflows.KeySecondFactor) < 2) {
		w.T.Fatalf("passed with %s", s.outcome())
	}
}
