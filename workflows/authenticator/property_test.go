package authenticator

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

// TestNoCodeServesTwiceAndNobodyResetsAlone tells random stories of one app, in which anybody does anything.
func TestNoCodeServesTwiceAndNobodyResetsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		anyone := rapid.SampledFrom([]string{"Ana", "Ben", "Dee", "Dan", "Dot"})
		if rapid.Bool().Draw(t, "dot administers") {
			w.admins = append(w.admins, "UDOT")
		}
		taken, wrong := int64(0), 0
		w.enrol(Enrolment{Step: 10})
		for range rapid.IntRange(1, 30).Draw(t, "length") {
			before := w.state
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0, 1:
				step := rapid.Int64Range(0, 40).Draw(t, "step")
				app := rapid.IntRange(max(1, w.state.N-1), w.state.N).Draw(t, "app")
				d := tell(w, Tried, Try{Step: step, At: w.now, N: app})
				right := len(d.events) == 1 && d.events[0].Type == evUsed.Type
				switch {
				case right && (step <= taken || step <= before.Step || before.Stage != Counting || wrong >= MaxWrong ||
					app != before.N):
					t.Fatalf("step %d was taken, after %d; %s, %d wrong", step, taken, before.Stage, wrong)
				case right:
					taken, wrong = step, 0
				case len(d.events) == 1:
					wrong++
				}
			case 2:
				w.click(anyone.Draw(t, "who"), rapid.SampledFrom([]string{"count", "stop", "keep", "reset"}).Draw(t,
					"click"))
			case 3:
				w.ask(anyone.Draw(t, "who"), "")
			case 4:
				w.wait(time.Duration(rapid.IntRange(0, 30).Draw(t, "hours")) * time.Hour)
			case 5:
				w.enrol(Enrolment{Step: rapid.Int64Range(0, 40).Draw(t, "first")})
			case 6:
				tell(w, Resealed, "AGAIN")
			}
			if w.state.N > before.N {
				if !before.Closed() {
					t.Fatalf("an app that is %s was replaced", before.Stage)
				}
				taken, wrong = w.state.Step, 0
			}
			held(t, before, w.state, w.now)
		}
	})
}

// held is what holds of each step of a story.
func held(t *rapid.T, before, after State, now time.Time) {
	same := func(a, b string) bool { return a == b || a+b == "UDEEUDOT" || a+b == "UDOTUDEE" }
	switch {
	case after.Stage == Reset && before.Stage != Reset:
		first, second := after.Asked.By, after.By
		if same(first, second) || first == "UANA" || second == "UANA" || first == "UBEN" || second == "UBEN" {
			t.Fatalf("reset by %s and %s", first, second)
		}
	case after.Stage == Counting && before.Stage == Waiting:
		if after.Word == "" && now.Before(after.From) || after.Word == "UANA" || after.Word == "UBEN" {
			t.Fatalf("counts at %s (from %s) by %q", now, after.From, after.Word)
		}
	case after.Stage == Stopped && before.Stage != Stopped && (before.Stage != Waiting || after.By == "UBEN"):
		t.Fatalf("stopped by %s when it was %s", after.By, before.Stage)
	}
	if after.Closed() && after.Sealed != "" {
		t.Fatal("the secret of an app that is over is still in the state")
	}
	for _, c := range after.view().Cards {
		if after.Closed() && len(c.Buttons) > 0 {
			t.Fatalf("a card of an app that is over has buttons: %s", workflows.Plain(c.Title, nil))
		}
	}
}
