package offboard

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// TestWhateverHappens plays any clicks, days, removals and changes of the world, and checks after
// each what must hold always.
func TestWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		if rapid.Bool().Draw(t, "Cat owns it") {
			w.Account.Owner = "cat@acme.example"
			w.users[""] = nil
		}
		if rapid.Bool().Draw(t, "Sandbox is unread") {
			w.unread["Sandbox"] = workflows.RefusedForbidden
		}
		w.Delegations = append(w.Delegations, approvals.Delegation{From: "UBEN", To: "UCAT", Since: w.Now,
			Until: w.Now.AddDate(0, 2, 0)})
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(Kinds), 1, len(Kinds), rapid.ID).Draw(t, "kinds")
		day := rapid.SampledFrom([]string{"", "2026-11-30", "2026-12-04", "2026-12-06"}).Draw(t, "day")
		if d := w.leaves("Dee", "Cat", day, chosen...); d.Err != nil {
			t.Fatalf("refused: %v", d.Err)
		}
		if rapid.Bool().Draw(t, "answered") {
			w.answers()
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			someThing(t, w)
			holds(t, w)
			if w.State.Closed() {
				break
			}
		}
	})
}

func someThing(t *rapid.T, w *world) {
	who := rapid.SampledFrom(names).Draw(t, "who")
	before := w.State
	var d did
	switch rapid.IntRange(0, 11).Draw(t, "what") {
	case 0:
		w.answers()
	case 1:
		w.wait(time.Duration(rapid.IntRange(1, 60).Draw(t, "hours")) * time.Hour)
	case 2:
		w.removed(rapid.SampledFrom([]string{"", "Sandbox", "Dev"}).Draw(t, "env"), false)
	case 3, 4:
		w.look()
	case 5:
		act := rapid.SampledFrom([]string{ActDone, ActBlocked}).Draw(t, "act")
		name := "none"
		if len(w.State.Steps) > 0 {
			name = rapid.SampledFrom(namesOf(w.State.Steps)).Draw(t, "step")
		}
		d = w.click(who, act, map[string]string{BlockStep: name, BlockNote: "words"})
	case 6:
		d = w.click(who, Move, map[string]string{BlockLastDay: rapid.SampledFrom([]string{"2026-12-01", "2026-12-05",
			"2026-12-24"}).Draw(t, "day")})
	case 7:
		if rapid.IntRange(0, 5).Draw(t, "really") == 0 {
			d = w.click(who, rapid.SampledFrom([]string{ActSettle, ActCancel}).Draw(t, "end"),
				map[string]string{BlockReason: "so"})
		}
	case 8:
		if w.Account.Owner = "celigo@acme.example"; rapid.Bool().Draw(t, "becomes manager") &&
			owns(before.Known, before.Owns) {
			w.users[""] = append(w.users[""], workflows.User{Email: "cat@acme.example", Role: "manage"})
		}
	case 9:
		w.unname("UCAT")
	case 10:
		w.record(workflows.DrillEnded, workflows.Drill{Workflow: "e01-00000001", Ended: w.Now,
			Outcome: rapid.SampledFrom([]string{"passed", "cancelled"}).Draw(t, "outcome")})
	case 11:
		for _, id := range w.Account.Locks { // somebody refuses or cancels a removal
			if workflows.HasLetter(id, workflows.LetterAccess) {
				w.unlock(id)
				break
			}
		}
	}
	if len(d.Events) > 0 && (who == "Cat" || who == "Oli") {
		t.Fatalf("%s decided %s", who, d.Events[0].Type)
	}
	if s := w.State; len(d.Events) > 0 && (s.Stage == Cancelled || before.Day.Date != s.Day.Date &&
		s.Day.At.After(w.Now)) {
		withdrawn(t, w, before)
	}
}

// withdrawn: every request that was not carried out was cancelled.
func withdrawn(t *rapid.T, w *world, before State) {
	for _, e := range before.Envs {
		for _, u := range e.Users {
			if u.Request != "" && u.Gone.IsZero() && !u.Ended && !slices.Contains(w.cancelled, u.Request) {
				t.Fatalf("%s of %s goes on", u.Request, u.Email)
			}
		}
	}
}

// holds checks what must hold always.
func holds(t *rapid.T, w *world) {
	s := w.State
	if s.Closed() == (w.Account.Locks[Lock("UCAT")] == s.ID) {
		t.Fatalf("%s, and the lock is held by %q", s.StageName(), w.Account.Locks[Lock("UCAT")])
	}
	if !s.Closed() && len(w.View.Timers)+len(w.View.Waiting)+len(w.Calls) == 0 {
		t.Fatalf("nothing moves it on: %s, %+v", s.StageName(), s.Steps)
	}
	if s.Closed() && len(w.View.Timers)+len(w.View.Waiting)+len(w.View.Watches) > 0 {
		t.Fatal("it is over and waits")
	}
	for _, c := range w.View.Cards {
		if c.Recipient == "UCAT" || s.Closed() && len(c.Buttons) > 0 {
			t.Fatalf("card %s of %s", c.Name, c.Recipient)
		}
	}
	for _, e := range s.Envs {
		for _, u := range e.Users {
			if u.Request != "" && u.Gone.IsZero() && (s.Came.IsZero() || s.Day.At.After(w.Now)) {
				t.Fatalf("the removal of %s was asked for at %v, before the last day %v", u.Email, u.Asked, s.Day.At)
			}
		}
	}
	if s.Stage == Done && len(s.Steps) > 0 {
		over(t, w)
	}
	again, err := kinds.Apply(State{}, w.Events...)
	if err != nil || string(machinetest.Encode(t, again)) != string(machinetest.Encode(t, s)) {
		t.Fatalf("folded anew it is another one: %v", err)
	}
}

// over: what is said to be done is done.
func over(t *rapid.T, w *world) {
	s := w.State
	if len(s.left()) > 0 || s.Came.IsZero() {
		t.Fatalf("done with %v open", namesOf(s.left()))
	}
	for _, e := range s.Envs {
		if !s.wants(Access) || !e.read() || s.Owns != "" { // who owned it may become a user at any time
			continue
		}
		for _, u := range w.users[e.Name] {
			if s.Known.Same(approvals.Identity{}.With(u.Email)) {
				t.Fatalf("done, and %s has access to %s", u.Email, e.title())
			}
		}
	}
	if s.step(Transfer) != nil && owns(s.Known, w.Account.Owner) {
		t.Fatal("done, and they own the account")
	}
	if s.step(Delegations) != nil && slices.ContainsFunc(w.Delegations, func(d approvals.Delegation) bool {
		return d.From == "UCAT" || d.To == "UCAT"
	}) {
		t.Fatal("done, and a delegation is left")
	}
}
