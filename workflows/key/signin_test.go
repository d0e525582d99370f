package key

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// watched is a world whose sign-ins are read.
func watched(t machinetest.Failer) *world {
	w := newWorld(t)
	w.Policy.Key.Quorum = 0
	w.look()
	w.signIn(-time.Hour) // known from before
	w.poll()
	w.wait(time.Hour)
	return w
}

func (w *world) use(t *testing.T, who string) *run {
	t.Helper()
	must(t, w.ask(Request, workflows.LetterUse, who, map[string]string{BlockAccount: "acme", BlockFor: "1h",
		BlockReason: "Rotate the SSO certificate"}))
	return w.newest("u")
}

func TestTheFirstReadingIsTheBaselineAndTheNextOneAsks(t *testing.T) {
	w := watched(t)
	if w.newest("s") != nil {
		t.Fatal("the baseline was asked about")
	}
	w.signIn(0)
	w.poll()
	r := w.newest("s")
	if r == nil {
		t.Fatal("a sign-in in the night was not asked about")
	}
	for _, who := range []string{"Ana", "Ben", "Cat"} {
		if got := w.buttons(r, who); got != "key.mine key.unknown" {
			t.Errorf("%s has %q", who, got)
		}
	}
	if _, ok := w.card(r, "Dee", cardMain); ok {
		t.Error("an administrator who can use nothing is asked whether it was them")
	}
	w.poll()
	w.poll()
	if n := len(w.runs); n != 2 {
		t.Errorf("%d workflows: it was counted twice", n)
	}
}

func TestASignInThatComesLateIntoTheLogIsFound(t *testing.T) {
	w := watched(t)
	late := w.signIn(-2 * time.Minute)
	w.hidden[late.ID] = true
	w.Now = w.Now.Add(5 * time.Minute)
	w.signIn(0)
	w.poll() // a reading after it that does not show it yet
	delete(w.hidden, late.ID)
	w.Now = w.Now.Add(5 * time.Minute)
	w.poll()
	found := 0
	for _, r := range w.runs {
		if s, is := r.state.(SignInState); is && s.Entry.ID == late.ID {
			found++
		}
	}
	if found != 1 {
		t.Errorf("it was found %d times", found)
	}
}

func TestItWasMeIsAUseInRetrospectThatSomebodyElseExplains(t *testing.T) {
	w := watched(t)
	e := w.signIn(0)
	w.poll()
	r := w.newest("s")
	refusedAs(t, w.click(r, "Dee", ActMine, map[string]string{BlockReason: "x"}), "not_permitted")
	a := w.click(r, "Ana", ActMine, nil)
	if a.reply.Modal == nil || a.reply.Modal.Callback != Request || a.reply.Modal.Workflow != r.id {
		t.Fatalf("the form is %+v", a.reply.Modal)
	}
	refusedAs(t, w.click(r, "Ana", ActMine, map[string]string{BlockReason: "  "}), "reason_missing")
	must(t, w.click(r, "Ana", ActMine, map[string]string{BlockReason: "The certificate ran out at night"}))
	u := w.newest("u")
	s := u.state.(UseState)
	if s.Stage != UseExplaining || s.Person != "UANA" || len(s.Seen) != 1 || s.Seen[0].ID != e.ID ||
		w.Account.Locks[workflows.LockKey] != "" {
		t.Fatalf("the use is %+v", s)
	}
	refusedAs(t, w.click(u, "Ana", ActPlanned, nil), "own_use")
	must(t, w.click(u, "Ben", ActEmergency, nil))
	if w.Account.Key.Use.Found != UseEmergency || r.state.StageName() != SignInClaimed {
		t.Errorf("the record has %+v, the question %s", w.Account.Key.Use, r.state.StageName())
	}
	if len(w.alarms) != 0 {
		t.Error("an alarm for what was explained")
	}
}

func TestNobodyOfUsIsAnAlarmOnEveryWay(t *testing.T) {
	w := watched(t)
	w.signIn(0)
	w.poll()
	r := w.newest("s")
	must(t, w.click(r, "Cat", ActUnknown, nil))
	if len(w.alarms) != 1 || w.hooks != 1 || w.alarms[0].Kind != AlarmUnknownSignIn || len(w.alarms[0].Steps) < 3 {
		t.Fatalf("alarms %+v, hooks %d", w.alarms, w.hooks)
	}
	for _, who := range []string{"Ana", "Ben", "Cat", "Dee", "#"} {
		c, ok := w.card(r, who, "alarm")
		if !ok || !strings.Contains(c.Lines[0], mailbox) || len(c.Facts) < 3 {
			t.Errorf("%s reads %+v", who, c)
		}
	}
	refusedAs(t, w.click(r, "Ana", ActMine, nil), "closed")
}

func TestSilenceIsAnAlarmAndCanBeEndedLater(t *testing.T) {
	w := watched(t)
	w.signIn(0)
	w.poll()
	r := w.newest("s")
	w.wait(day)
	if len(w.alarms) != 1 || r.state.Closed() {
		t.Fatalf("%d alarms after a day, closed %v", len(w.alarms), r.state.Closed())
	}
	w.wait(10 * day)
	if len(w.alarms) != 1 {
		t.Error("the alarm is raised again")
	}
	must(t, w.click(r, "Ben", ActMine, map[string]string{BlockReason: "I was away and forgot"}))
	if c, _ := w.card(r, "Dee", "alarm"); !strings.HasPrefix(c.Title, "✓") ||
		!strings.Contains(strings.Join(c.Lines, " "), "<@UBEN>") {
		t.Errorf("the alarm reads %+v", c)
	}
}

func TestASignInDuringAUseBelongsToIt(t *testing.T) {
	w := watched(t)
	u := w.use(t, "Ana")
	w.Now = w.Now.Add(10 * time.Minute)
	w.signIn(0)
	w.signIn(-13 * time.Minute) // three minutes before it was taken out: clocks differ
	before := w.signIn(-30 * time.Minute)
	w.poll()
	if s := u.state.(UseState); len(s.Seen) != 2 {
		t.Errorf("seen %v", s.Seen)
	}
	if q := w.newest("s"); q == nil || q.state.(SignInState).Entry.ID != before.ID {
		t.Error("a sign-in twenty minutes before the use was taken for part of it")
	}
}

func TestALostRightIsToldOnceAndTheStatusSaysSinceWhen(t *testing.T) {
	w := watched(t)
	r := w.newest("w")
	w.denied = workflows.RefusedForbidden
	w.poll()
	w.poll()
	s := r.state.(WatchState)
	if n := len(s.Told); n != 1 || s.Told[0] != "UDEE" || s.Unwatched.IsZero() {
		t.Fatalf("told %v, unwatched since %s", s.Told, s.Unwatched)
	}
	if text := strings.Join(Status(w.Policy, w.Account, s), "\n"); !strings.Contains(text, "not watched since") {
		t.Errorf("the status says %s", text)
	}
	hidden := w.signIn(0)
	w.Now = w.Now.Add(time.Hour)
	w.denied = ""
	w.poll()
	q := w.newest("s")
	if q == nil || q.state.(SignInState).Entry.ID != hidden.ID {
		t.Error("what happened while nobody watched is not asked about afterwards")
	}
	if s := r.state.(WatchState); !s.Unwatched.IsZero() {
		t.Error("it still counts as not watched")
	}
}

// TestASignInBelongsToExactlyOne is a property over uses, turns, readings that shift and clocks that
// differ: each entry that comes into the log within the overlap is told to one workflow, once.
func TestASignInBelongsToExactlyOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := watched(t)
		var hidden []workflows.SignIn
		steps := rapid.IntRange(3, 25).Draw(t, "steps")
		for range steps {
			switch rapid.SampledFrom([]string{"use", "back", "drill", "attest", "sign", "late", "poll", "wait"}).Draw(t,
				"step") {
			case "use":
				w.ask(Request, workflows.LetterUse, rapid.SampledFrom([]string{"Ana", "Cat", "Dee"}).Draw(t, "who"),
					map[string]string{BlockFor: "1h", BlockReason: "because"})
			case "back":
				if u := w.newest("u"); u != nil {
					w.click(u, w.People[u.state.(UseState).Person].Name, ActBack, map[string]string{BlockDone: "it",
						BlockRotated: "no"})
				}
			case "drill":
				w.ask(DrillRequest, workflows.LetterDrill, "Ben", nil)
			case "attest":
				if d := w.newest("e"); d != nil {
					w.click(d, rapid.SampledFrom([]string{"Ana", "Ben", "Cat"}).Draw(t, "holder"), ActAttest, nil)
				}
			case "sign":
				w.signIn(-time.Duration(rapid.IntRange(0, 240).Draw(t, "ago")) * time.Second)
			case "late":
				e := w.signIn(0)
				w.hidden[e.ID] = true
				hidden = append(hidden, e)
			case "poll":
				w.poll()
			case "wait":
				w.wait(time.Duration(rapid.IntRange(1, 600).Draw(t, "seconds")) * time.Second)
			}
			// none comes later than the overlap reaches
			for len(hidden) > 0 && w.Now.Sub(hidden[0].At) > 10*time.Minute {
				delete(w.hidden, hidden[0].ID)
				hidden = hidden[1:]
			}
		}
		clear(w.hidden)
		w.poll()
		w.Now = w.Now.Add(time.Minute)
		w.poll()
		told := map[string]int{}
		for _, r := range w.runs {
			switch s := r.state.(type) {
			case UseState:
				for _, e := range s.Seen {
					told[e.ID]++
				}
			case DrillState:
				for _, e := range s.Seen {
					told[e.ID]++
				}
			case SignInState:
				told[s.Entry.ID]++
			}
		}
		for _, e := range w.log[1:] {
			if told[e.ID] != 1 {
				t.Fatalf("%s of %s belongs to %d workflows: %s", e.ID, e.At, told[e.ID], fmt.Sprint(told))
			}
		}
		if told[w.log[0].ID] != 0 {
			t.Fatal("the baseline was told to somebody")
		}
	})
}
