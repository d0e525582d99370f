package review

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// monday is a Monday at nine, the moment at which the calendar opens a review by default: its
// reminder of the seventh day and its first escalation fall together.
var monday = time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)

// openedAt is a world whose review begins at that moment, with the rules as change leaves them.
func openedAt(t failer, at time.Time, change func(*workflows.ReviewPolicy)) *world {
	w := newWorld(t)
	w.now = at
	if change != nil {
		change(&w.policy.Review)
	}
	if err := w.start("Dee"); err != nil {
		t.Fatalf("start: %v", err)
	}
	w.drain()
	return w
}

// remindersOf lists the kinds of all reminders that are planned for a review, for somebody in UTC.
func remindersOf(p workflows.ReviewPolicy, opened time.Time) []string {
	var kinds []string
	r := worktime.RemindersOf(p, opened, opened.Add(p.Window), opened.Add(p.Window+p.Grace))
	for next := r.Next(opened); next != (worktime.Reminder{}); next = r.Next(next.At) {
		kinds = append(kinds, next.Kind)
	}
	return kinds
}

// reminded lists the kinds of a packet's reminders, in order.
func (w *world) reminded(id string) []string {
	var out []string
	for _, e := range w.runs[id].events {
		if e.Type != evNudged {
			continue
		}
		st, err := Packet{}.Apply(PacketState{}, e)
		if err != nil {
			w.t.Fatalf("apply %s: %v", e.Type, err)
		}
		out = append(out, st.(PacketState).Last.Kind)
	}
	return out
}

func TestTheReminderOfTheSeventhDayIsSentBesideTheEscalationOfThatMoment(t *testing.T) {
	for name, order := range map[string]string{"escalation first": "escalation", "reminder first": "reminder",
		"people first": "people"} {
		w := openedAt(t, monday, nil)
		w.first = func(due []workflows.Timer) int {
			return max(0, slices.IndexFunc(due, func(t workflows.Timer) bool { return t.Name == order }))
		}
		w.wait(7 * day)
		for _, p := range w.packets() {
			if got := w.reminded(p.ID); !slices.Equal(got, []string{worktime.Weekly}) || p.Escalated != 1 {
				t.Errorf("%s: reminded %v, escalated %d times", name, got, p.Escalated)
			}
		}
	}
}

// Whatever falls together in whichever order: every reminder that the rules plan is sent, as what
// it is, and every escalation is taken. (That nothing due is forgotten after any command is checked
// in every story, see checkDue.)
func TestWhatFallsTogetherIsAllDone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := monday.Add(time.Duration(rapid.IntRange(0, 14*24).Draw(t, "hours later")) * time.Hour)
		step := rapid.SampledFrom([]time.Duration{time.Hour, 12 * time.Hour, day}).Draw(t, "step")
		drawn := func(name string, most int) time.Duration {
			return time.Duration(rapid.IntRange(1, most).Draw(t, name)) * step
		}
		w := openedAt(t, at, func(p *workflows.ReviewPolicy) {
			p.Window, p.Grace, p.RemindEvery, p.OverdueEvery = drawn("window", 14), drawn("grace", 7),
				drawn("every", 7), drawn("overdue", 3)
			p.RemindBefore = []time.Duration{drawn("before", 4), 0}
			p.Escalate = []time.Duration{drawn("first step", 7)}
			p.Escalate = append(p.Escalate, p.Escalate[0]+drawn("second step", 7))
			if rapid.Bool().Draw(t, "any time") {
				p.From, p.To, p.Days = 0, 0, [7]bool{}
			}
		})
		w.first = func(due []workflows.Timer) int { return rapid.IntRange(0, len(due)-1).Draw(t, "which first") }
		p := w.policy.Review
		w.wait(p.Window + p.Grace + time.Hour)
		want := remindersOf(p, at)
		for _, s := range w.packets() {
			if got := w.reminded(s.ID); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Fatalf("reminded %v, planned %v", got, want)
			}
			steps := 0
			for _, after := range p.Escalate {
				if at.Add(after).Before(s.Closes) {
					steps++
				}
			}
			if s.Escalated != steps {
				t.Fatalf("escalated %d times, not %d", s.Escalated, steps)
			}
		}
	})
}

func TestWhatIsOwedToSomebodyElseWaitsForTheirMorning(t *testing.T) {
	w := openedAt(t, monday, nil)
	tokyo := w.people["UBEN"]
	tokyo.TimeZone = "Asia/Tokyo" // where it is six in the evening when it is nine in UTC
	w.people["UBEN"] = tokyo
	dee := w.packet("Dee")
	gone := w.people["UDEE"]
	gone.Standing = workflows.StandingDeactivated
	w.people["UDEE"] = gone
	w.now = monday.Add(7 * day) // nothing was looked at since
	look := workflows.Command{Workflow: dee.ID, Name: LookPeople, Round: workflows.NoRound,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}}
	if err := w.do(look); err != nil {
		t.Fatal(err)
	}
	s := w.runs[dee.ID].state.(PacketState)
	if want := time.Date(2026, 10, 13, 0, 0, 0, 0, time.UTC); !slices.Equal(s.Reviewers, []string{"UBEN"}) ||
		!s.NextNudge.Equal(want) || s.NextWhy != worktime.Weekly {
		t.Errorf("%v are reminded (%s) at %v", s.Reviewers, s.NextWhy, s.NextNudge)
	}
}

func TestGivingItAwayDoesNotStandForLookingWhetherReviewersAreThere(t *testing.T) {
	w := openedAt(t, monday, nil)
	dee := w.packet("Dee")
	before := w.runs[dee.ID].state.(PacketState).Checked
	w.now = monday.Add(20 * time.Hour)
	in := map[string]string{BlockPerson: "UBEN", BlockNote: "I am away"}
	if err := w.click("Dee", ActReassign, dee.ID, in, 0); err != nil {
		t.Fatal(err)
	}
	if s := w.runs[dee.ID].state.(PacketState); !s.Checked.Equal(before) {
		t.Errorf("nobody was looked up at %v", s.Checked)
	}
}
