package transfer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// nextStep is what a sentence holds when it says what the person can do instead, or what happens without them.
var nextStep = regexp.MustCompile(
	`(?i)\b(ask|look|press|open|choose|still can|somebody else|switch|delete|invite|remove|replace|mend|can do it|do this step|accept|has to|card|finish|counts once|use|name|send|say why|becomes?|say that|can check|can cancel|can finish|that one|click again|one of|keyholder sees|your card)\b`)

func mustHelp(t *testing.T, what, text string) {
	t.Helper()
	w := newWorld(t)
	w.mustReadWell(what, text)
	if len(text) < 20 {
		t.Errorf("%s has no sentence: %q", what, text)
	}
	if !nextStep.MatchString(text) {
		t.Errorf("%s does not say what to do next: %q", what, text)
	}
}

func confirmingState(t machinetest.Failer) State {
	w := newWorld(t)
	w.out.join(mailbox, RoleMonitor)
	w.ask("Dee")
	w.deliverAll()
	return w.newest().state
}

// The sentences of votes are package question's; who may not vote is this machine's to say.
func TestEveryPartyIsToldWhyTheyDoNotDecide(t *testing.T) {
	w := newWorld(t)
	w.out.join("eve@acme.example", RoleMonitor)
	w.request("Dee", map[string]string{BlockAccount: "acme", BlockPerson: "UEVE", BlockReason: "x"})
	parties := w.newest().state.Parties
	if len(parties) != 2 {
		t.Fatalf("the parties are %+v", parties)
	}
	for _, p := range parties {
		if text := asks.Words.Bars[p.Why]; !strings.HasPrefix(text, "You ") {
			t.Errorf("%s is told %q", p.Why, text)
		}
	}
}

func TestEveryStandingHasASentence(t *testing.T) {
	seen := map[string]string{}
	for _, code := range []string{workflows.StandingGuest, workflows.StandingBot, workflows.StandingDeactivated,
		workflows.StandingForeign, workflows.StandingInvited,
		workflows.StandingUnknown} {
		text := workflows.StandingSentence(code)
		mustHelp(t, code, text)
		if twin := seen[text]; twin != "" {
			t.Errorf("%s and %s read the same", code, twin)
		}
		seen[text] = code
	}
}

func TestEveryCallRefusalHasARemedy(t *testing.T) {
	s := confirmingState(t)
	seen := map[string]string{}
	for _, code := range workflows.CallRefusals {
		text := remedy(s, code, "its own words")
		mustHelp(t, code, text)
		if twin := seen[text]; twin != "" {
			t.Errorf("%s and %s have the same remedy", code, twin)
		}
		seen[text] = code
		// Over for good: there is no card to press on.
		s.End = &Ended{Outcome: Failed, Code: code, At: monday}
		mustHelp(t, "failed with "+code, failure(s))
		if strings.Contains(failure(s), "press Check again") {
			t.Errorf("a transfer that failed with %s asks to press a button that is gone: %s", code, failure(s))
		}
		s.End = nil
	}
}

// Whatever integrator.io answers at whichever call, the cards of the stage say what happened and by
// when something has to be done.
func TestEveryRefusalOfACallIsOnTheCard(t *testing.T) {
	for _, code := range workflows.CallRefusals {
		for _, joined := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/joined=%v", code, joined), func(t *testing.T) {
				w := newWorld(t)
				if joined {
					w.out.join(mailbox, RoleMonitor)
				}
				w.ask("Dee")
				w.deliver(delivered)
				if joined {
					w.click("Ana", "confirm")
					w.click("Ben", "confirm")
					w.wait(24 * time.Hour)
					w.deliver(delivered)
				}
				w.deliver("refused " + code + " its own words")
				r := w.newest()
				if r.state.Closed() {
					return
				}
				c, _ := w.card("Dee")
				text := strings.Join(c.Lines, "\n")
				if !strings.Contains(text, "!") {
					t.Errorf("the card shows no trouble:\n%s", w.read(text))
				}
				mustHelp(t, "the card", text)
				if !strings.Contains(text, ", or this ends") {
					t.Errorf("the card does not say by when:\n%s", w.read(text))
				}
				if len(r.view.Waiting) == 0 {
					t.Error("nobody is waited for")
				}
			})
		}
	}
}

func TestEveryRefusalOfAClickSaysWhatWasRecordedAndWhatToDo(t *testing.T) {
	people := []string{"Ana", "Dee", "Jane", "Eve", "Fay", "Gus", "Hal", "Robo", "Zoe", "Nobody"}
	all := reached(t)
	for name, w := range all {
		for _, who := range people {
			for _, action := range append(slices.Clone(acts), "dance") {
				for _, round := range []int{w.newest().state.Round, 1} {
					cmd := workflows.Command{ID: "x", Workflow: w.newest().id, Account: "acme",
						Name: "transfer." + action, Actor: person(who), Round: round, At: w.Now}
					m := Machine()
					_, err := m.Decide(w.newest().state, cmd, w.Facts(m.Needs(w.newest().state, cmd, w.Policy,
						w.Account)))
					r, refused := err.(*workflows.Refusal)
					if err != nil && !refused {
						t.Errorf("%s: %s by %s: %v", name, action, who, err)
					}
					if !refused {
						continue
					}
					if !strings.Contains(r.Text, "Nothing was recorded") && !strings.Contains(r.Text,
						"Nothing new was recorded") {
						t.Errorf("%s: %s by %s does not say what was recorded: %q", name, action, who, w.read(r.Text))
					}
					w.mustReadWell(name+": "+action, r.Text)
				}
			}
		}
	}
}
