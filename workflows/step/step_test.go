package step

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

// job is a machine around steps, made of the kit.
type job struct {
	workflows.Head
	Steps []Step `json:"steps,omitempty"`
}

func (j job) Title() string { return "Mend the roof" }

func (j *job) step(name string) *Step {
	j.Steps = slices.Clone(j.Steps)
	for i := range j.Steps {
		if j.Steps[i].Name == name {
			return &j.Steps[i]
		}
	}
	return nil
}

func (j job) current() string {
	if len(j.Steps) == 0 {
		return ""
	}
	return j.Steps[len(j.Steps)-1].Name
}

var roof = Of[job]{
	Machine: "job", Form: "job.step", At: func(j *job, name string) *Step { return j.step(name) },
	Begun: func(j *job, _ workflows.Event, st Step) { j.Steps = append(slices.Clip(j.Steps), Step{Name: st.Name}) },
	What:  func(_ job, st Step) string { return "lay the " + st.Name },
	Title: func(job) string { return "Mend the roof" },
	// Work is from nine to ten each day.
	Work: func(_ job, _ string, at time.Time) time.Time {
		nine := time.Date(at.Year(), at.Month(), at.Day(), 9, 0, 0, 0, time.UTC)
		if at.After(nine.Add(time.Hour)) {
			return nine.AddDate(0, 0, 1)
		}
		if at.Before(nine) {
			return nine
		}
		return at
	},
}

var jobKinds = workflows.NewKinds(nil, nil, roof.Kinds()...)

type world struct {
	t      interface{ Fatalf(string, ...any) }
	j      job
	now    time.Time
	people map[string]workflows.Person
	story  []string
	reply  workflows.Reply
	err    error
	last   string // what the machine heard of
}

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func newWorld(t interface{ Fatalf(string, ...any) }) *world {
	w := &world{t: t, now: monday, people: map[string]workflows.Person{}}
	w.j.ID, w.j.AccountID = "x01-00000001", "acme"
	for _, id := range []string{"UANA", "UBEN", "UCAT", "UDEE", "UEVE"} {
		w.people[id] = workflows.Person{ID: id, Email: strings.ToLower(id[1:]) + "@acme.example"}
	}
	w.begin("tiles")
	return w
}

func (w *world) begin(name string) {
	w.apply(roof.Begin(w.cmd("", "UDEE"), Step{
		Name: name, People: []string{"UANA", "UBEN"}, Seers: []string{"UBEN", "UCAT"}, Passers: []string{"UDEE"},
		Hearers: []string{"UEVE"}, Due: w.now.Add(72 * time.Hour), Every: 24 * time.Hour,
	}))
}

func (w *world) cmd(name, who string) workflows.Command {
	return workflows.Command{ID: fmt.Sprint(len(w.story)), Workflow: w.j.ID, Account: "acme", Name: name, At: w.now,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: who}}
}

func (w *world) facts() workflows.Facts { return workflows.Facts{People: w.people} }

func (w *world) apply(events ...workflows.Event) {
	j, err := jobKinds.Apply(w.j, events...)
	if err != nil {
		w.t.Fatalf("apply: %v", err)
	}
	w.j = j
	for _, e := range events {
		w.story = append(w.story, jobKinds.Tell(e))
	}
}

func (w *world) click(who, act string, text ...string) {
	clicks := map[string]workflows.Handler[job]{}
	w.last = ""
	roof.Clicks(clicks, job.current, func(_ job, _ workflows.Command, _ workflows.Facts, what string,
		d workflows.Decision) (workflows.Decision, error) {
		w.last = what
		return d, nil
	})
	cmd := w.cmd("job."+act, who)
	if len(text) > 0 {
		cmd.Submitted, cmd.Input = true, map[string]string{BlockEvidence: text[0], BlockReason: text[0]}
	}
	d, err := clicks[cmd.Name](w.j, cmd, w.facts())
	w.reply, w.err = d.Reply, err
	if err == nil {
		w.apply(d.Events...)
	}
}

// wait lets the timers fire that are due until then.
func (w *world) wait(d time.Duration) {
	for until := w.now.Add(d); ; {
		due := roof.Timers(w.j, w.j.current())
		if len(due) == 0 || due[0].At.After(until) {
			w.now = until
			return
		}
		if due[0].At.After(w.now) {
			w.now = due[0].At
		}
		cmd := w.cmd(workflows.CmdTimer, "")
		cmd.Timer = &due[0]
		d, mine := roof.Fired(w.j, w.j.current(), cmd)
		if !mine || len(d.Events) == 0 {
			w.t.Fatalf("the timer %v changes nothing", due[0])
		}
		w.apply(d.Events...)
	}
}

func (w *world) code() string {
	var r *workflows.Refusal
	if errors.As(w.err, &r) {
		if !strings.Contains(r.Text, "Nothing was recorded") && r.Field == "" {
			w.t.Fatalf("%s does not say what was not recorded: %s", r.Code, r.Text)
		}
		return r.Code
	}
	return ""
}

func (w *world) labels(who string) string {
	var out []string
	for _, b := range roof.Buttons(w.j, w.j.current(), who) {
		out = append(out, b.Label)
	}
	return strings.Join(out, " | ")
}

func (w *world) lines() string {
	return workflows.Plain(strings.Join(roof.Lines(w.j, w.j.current()), "\n"), nil)
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestDoneByOneSeenByAnother(t *testing.T) {
	w := newWorld(t)
	want(t, "Ana", w.labels("UANA"), "I am on it | It is done… | It does not work…")
	want(t, "Dee", w.labels("UDEE"), "Go on without this")
	want(t, "Eve", w.labels("UEVE"), "")
	w.click("UANA", "claim")
	want(t, "heard", w.last, Claimed)
	w.click("UANA", "claim")
	want(t, "twice", w.last+w.code(), "")
	w.click("UBEN", "claim")
	want(t, "somebody else", w.code(), "claimed")
	w.click("UCAT", "seen")
	want(t, "too early", w.code(), "not_now")
	w.click("UANA", "done")
	if w.reply.Modal == nil || w.reply.Modal.Callback != "job.step" || w.reply.Modal.Inputs[0].Optional {
		t.Fatalf("%+v", w.reply.Modal)
	}
	w.click("UANA", "done", "  ")
	want(t, "without evidence", w.code(), "evidence_missing")
	w.click("UANA", "done", "ticket 7")
	w.click("UANA", "seen")
	want(t, "by the doer", w.code(), "own_step")
	want(t, "card", w.lines(),
		"… UANA is on it since 2026-11-23 09:00 UTC.\n✓ UANA says that it is done (2026-11-23 09:00 UTC): “ticket 7”\n"+
			"… Somebody else has to see it: UBEN and UCAT.\nIt is late after 2026-11-26 09:00 UTC.")
	want(t, "waits for", strings.Join(w.j.Steps[0].Waiting(), " "), "UBEN UCAT")
	want(t, "Cat", w.labels("UCAT"), "I have seen it | It does not work…")
	w.click("UEVE", "seen")
	want(t, "by somebody it is not for", w.code(), "not_permitted")
	w.click("UCAT", "seen")
	want(t, "heard", w.last, Seen)
	if st := w.j.Steps[0]; !st.Ok() || st.How() != workflows.Attested || w.labels("UANA") != "" ||
		len(roof.Timers(w.j, "tiles")) != 0 {
		t.Errorf("%+v", st)
	}
}

func TestWhoeverHadAHandInItNeverConfirmsByAnyName(t *testing.T) {
	w := newWorld(t)
	w.click("UBEN", "claim")
	w.click("UANA", "done", "ticket 7") // Ben was on it, Ana says it is done
	w.click("UBEN", "seen")
	want(t, "who was on it", w.code(), "own_step")
	cat := w.people["UCAT"]
	cat.Unconfirmed = "Ana+second@acme.example"
	w.people["UCAT"] = cat
	w.click("UCAT", "seen")
	want(t, "the doer's second account", w.code(), "own_step")
}

func TestReadingSeesItWithoutAnybodysWord(t *testing.T) {
	w := newWorld(t)
	w.apply(roof.Read(w.j, "tiles", w.cmd("receipt", ""), "the roof is closed").Events...)
	want(t, "card", w.lines(), "✓ Seen at integrator.io (2026-11-23 09:00 UTC): the roof is closed.")
	if st := w.j.Steps[0]; st.How() != workflows.Verified ||
		len(roof.Read(w.j, "tiles", w.cmd("receipt", ""), "again").Events) != 0 {
		t.Errorf("%+v", st)
	}
	w.click("UANA", "done", "ticket 7")
	want(t, "after that", w.code(), "not_now")
}

func TestBlockedAndPassedOverAreAPersonsWord(t *testing.T) {
	w := newWorld(t)
	w.click("UEVE", "blocked", "no tiles")
	want(t, "by somebody it is not for", w.code(), "not_permitted")
	w.click("UANA", "blocked")
	if w.reply.Modal == nil || w.reply.Modal.Callback != "job.reason" {
		t.Fatalf("%+v", w.reply.Modal)
	}
	w.click("UANA", "blocked", " ")
	want(t, "without a reason", w.code(), "reason_missing")
	w.click("UANA", "blocked", "no tiles")
	want(t, "card", w.lines(), "✗ UANA says that it does not work (2026-11-23 09:00 UTC): “no tiles”")
	want(t, "heard", w.last, Blocked)
	w.begin("straw")
	w.click("UANA", "next")
	want(t, "by somebody who may not", w.code(), "not_permitted")
	w.click("UDEE", "next")
	want(t, "heard", w.last+": "+w.lines(), "next: ✗ UDEE went on without it (2026-11-23 09:00 UTC).")
	if w.j.Steps[0].Ok() || w.j.Steps[1].Ok() || w.j.Steps[0].How() != "" {
		t.Error("neither was done")
	}
}

func TestAloneNobodyHasToSeeIt(t *testing.T) {
	w := newWorld(t)
	w.apply(roof.Begin(w.cmd("", "UDEE"), Step{Name: "straw", People: []string{"UANA"}, Alone: true}))
	w.click("UANA", "done", "it is dry")
	if st := w.j.Steps[1]; !st.Ok() || st.How() != workflows.Attested {
		t.Errorf("%+v", st)
	}
}

func TestLateIsToldOnceAndWhoeverHasToActIsReminded(t *testing.T) {
	w := newWorld(t)
	w.click("UANA", "claim")
	w.wait(71 * time.Hour)
	want(t, "nobody yet", fmt.Sprint(len(w.story)), "2")
	w.now = w.now.Add(9 * time.Hour) // it is noticed in the evening
	w.wait(0)
	w.click("UBEN", "claim")
	want(t, "it can be taken over", w.last, Claimed)
	w.wait(5 * 24 * time.Hour)
	want(t, "story", workflows.Plain(strings.Join(w.story[2:], " "), nil),
		"It is late; told: UANA and UEVE. UBEN is on it. "+
			"Reminded: UBEN. Reminded: UBEN. Reminded: UBEN. Reminded: UBEN.")
	for _, r := range w.j.Steps[0].Reminders {
		if r.At.Hour() != 9 {
			t.Errorf("reminded at %v", r.At)
		}
	}
	w.click("UBEN", "done", "ticket 7")
	w.wait(24 * time.Hour)
	want(t, "then who has to see it", workflows.Plain(w.story[len(w.story)-1], nil), "Reminded: UCAT.")
	cards := roof.Cards(w.j, "tiles", "main", "x01")
	want(t, "cards", fmt.Sprintf("%d %s", len(cards), cards[0].Fallback),
		"7 ! Late: lay the tiles (Mend the roof). It was to be done by 2026-11-26 09:00 UTC.")
}

func TestAClaimOfSomebodyWhoLeftCanBeTakenOver(t *testing.T) {
	w := newWorld(t)
	w.click("UANA", "claim")
	w.people["UANA"] = workflows.Person{ID: "UANA", Standing: workflows.StandingDeactivated}
	w.click("UBEN", "claim")
	want(t, "heard", w.last, Claimed)
}

func TestAStepThatNobodyElseCouldSeeIsFound(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		name          string
		people, seers []string
		want          bool
	}{
		{"two people", []string{"UANA"}, []string{"UBEN"}, false},
		{"one in both", []string{"UANA"}, []string{"UANA"}, true},
		{"two in both", []string{"UANA", "UBEN"}, []string{"UANA", "UBEN"}, false},
		{"nobody to see it", []string{"UANA"}, nil, true},
		{"one who left", []string{"UANA"}, []string{"UGONE"}, true},
	} {
		w.people["UGONE"] = workflows.Person{ID: "UGONE", Standing: workflows.StandingDeactivated}
		if got := (Step{People: test.people, Seers: test.seers}).Untested(w.facts()); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// TestWhateverPeopleDo: the doer never confirms, nothing is over without a word or a reading, it is
// late once, reminders keep their distance.
func TestWhateverPeopleDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		names := []string{"UANA", "UBEN", "UCAT", "UDEE", "UEVE"}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			who := rapid.SampledFrom(names).Draw(t, "who")
			act := rapid.SampledFrom([]string{"claim", "done", "seen", "blocked", "next", "wait"}).Draw(t, "act")
			before := w.j.Steps[0]
			if act == "wait" {
				w.wait(time.Duration(rapid.IntRange(1, 60).Draw(t, "hours")) * time.Hour)
			} else {
				w.click(who, act, "words")
				w.code()
			}
			st := w.j.Steps[0]
			if before.IsOver() && fmt.Sprint(before) != fmt.Sprint(st) {
				t.Fatalf("changed after it was over: %+v", st)
			}
			if st.Seen != nil && (slices.Contains(st.Hands, st.Seen.By) || st.Done == nil || !slices.Contains(st.Seers,
				st.Seen.By)) {
				t.Fatalf("confirmed by %+v", st)
			}
			if st.IsOver() && st.Seen == nil && (st.Blocked == nil || st.Blocked.By == "" || st.Blocked.Text == "") &&
				(st.Passed == nil || st.Passed.By != "UDEE") {
				t.Fatalf("over without a word: %+v", st)
			}
			last := time.Time{}
			if st.Late != nil {
				last = st.Late.At
			}
			for _, r := range st.Reminders {
				if last.IsZero() || r.At.Sub(last) < 24*time.Hour {
					t.Fatalf("reminded too early: %+v", st)
				}
				last = r.At
			}
		}
	})
}
