package authenticator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// failer is a test, or a property's.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world is Ana's app in a workspace that Dee, Dan and Ana administer, in memory and without concurrency.
type world struct {
	t      failer
	now    time.Time
	n      int
	admins []string
	people map[string]workflows.Person
	state  State
	view   workflows.View
	shown  map[string]bool
}

// did is what one command led to.
type did struct {
	reply  workflows.Reply
	err    error
	events []workflows.Event
	fresh  []workflows.Card
	before State
}

var monday = time.Date(2026, 11, 23, 9, 14, 0, 0, time.UTC)

func newWorld(t failer) *world {
	w := &world{t: t, now: monday, admins: []string{"UDEE", "UDAN", "UANA"}, people: map[string]workflows.Person{},
		shown: map[string]bool{}}
	for _, name := range []string{"Ana", "Ben", "Dee", "Dan"} {
		w.people[userID(name)] = workflows.Person{ID: userID(name), Name: name, Email: strings.ToLower(name) +
			"@acme.example", EmailConfirmed: true}
	}
	// Dot is Dee's second account.
	w.people["UDOT"] = workflows.Person{ID: "UDOT", Name: "Dot", Unconfirmed: "dee+dot@acme.example"}
	return w
}

func userID(name string) string { return "U" + strings.ToUpper(name) }

func (w *world) policy() workflows.Policy {
	return workflows.Policy{ID: workflows.AccountOfPeople, Name: "One-time codes", Admins: w.admins, StepUp: Proofs()}
}

// do takes one command along the road.
func (w *world) do(cmd workflows.Command) did {
	w.t.Helper()
	w.n++
	cmd.ID, cmd.Account, cmd.At, cmd.Workflow = fmt.Sprintf("c%d", w.n), workflows.AccountOfPeople, w.now,
		"i07-AAAAAAAA"
	m, before := Machine(), w.state
	f := workflows.Facts{Policy: w.policy(), People: map[string]workflows.Person{}}
	for _, id := range m.Needs(before, cmd, f.Policy, f.Account).People {
		p, known := w.people[id]
		if !known {
			p = workflows.Person{ID: id, Standing: workflows.StandingUnknown}
		}
		f.People[id] = p
	}
	was := encode(w.t, before)
	d, err := m.Decide(before, cmd, f)
	again, _ := m.Decide(before, cmd, f)
	if !bytes.Equal(encode(w.t, d), encode(w.t, again)) || !bytes.Equal(was, encode(w.t, before)) {
		w.t.Fatalf("%s: deciding twice differs, or changed the state", cmd.Name)
	}
	out := did{reply: d.Reply, err: err, events: d.Events, before: before}
	if err != nil {
		return out
	}
	for _, e := range d.Events {
		next, err := m.Apply(w.state, e)
		if err != nil {
			w.t.Fatalf("apply %s: %v", e.Type, err)
		}
		w.state = next.(State)
		if text := m.Tell(e); text == "" || strings.Contains(text, "%!") || strings.HasPrefix(text, "An entry") {
			w.t.Fatalf("%s is told as %q", e.Type, text)
		}
	}
	w.show(&out)
	return out
}

// show compares what people read with what they read before.
func (w *world) show(out *did) {
	w.view = Machine().View(w.state)
	names := map[string]bool{}
	for _, c := range w.view.Cards {
		key := workflows.PlaceName(c.Name, c.Recipient)
		text := c.Title + strings.Join(c.Lines, " ") + c.Fallback + c.Note
		if strings.Contains(text, "%!") || c.Title == "" || c.Fallback == "" || names[key] || w.state.Sealed != "" &&
			strings.Contains(text, w.state.Sealed) {
			w.t.Fatalf("a card of %s: %q", c.Recipient, text)
		}
		names[key] = true
		if !w.shown[key] {
			out.fresh = append(out.fresh, c)
		}
		w.shown[key] = true
	}
}

func encode(t failer, x any) []byte {
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return raw
}

// tell gives what the bot tells.
func tell[B any](w *world, m workflows.Message[B], body B) did {
	call := m.To(workflows.AccountOfPeople, "i07-AAAAAAAA", body)
	return w.do(workflows.Command{Name: call.Command, Input: call.Input,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound})
}

func (w *world) enrol(e Enrolment) did {
	e.Person, e.Name = "UANA", "Ana"
	if e.Sealed == "" {
		e.Sealed = fmt.Sprintf("SEALED-%d", w.n)
	}
	m := Enrol
	if w.state.Opened() {
		m = EnrolAgain
	}
	return tell(w, m, e)
}

func (w *world) click(who, act string) did { return w.clickOf(who, act, w.state.Round) }

func (w *world) clickOf(who, act string, round int) did {
	return w.do(workflows.Command{Name: "authenticator." + act, Round: round,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: userID(who)}})
}

func (w *world) ask(who, reason string) did {
	return w.do(workflows.Command{Name: ActAsk, Round: workflows.NoRound, Input: map[string]string{BlockReason: reason},
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: userID(who)}})
}

// wait lets the timers fire that are due until then.
func (w *world) wait(d time.Duration) (out []did) {
	until := w.now.Add(d)
	for {
		due := slices.DeleteFunc(slices.Clone(w.view.Timers), func(t workflows.Timer) bool { return t.At.After(until) })
		if len(due) == 0 {
			w.now = until
			return out
		}
		slices.SortFunc(due, func(a, b workflows.Timer) int { return a.At.Compare(b.At) })
		w.now = due[0].At
		r := w.do(workflows.Command{Name: workflows.CmdTimer, Actor: workflows.Actor{Kind: workflows.ByTimer},
			Timer: &due[0], Round: workflows.NoRound})
		if len(r.events) == 0 {
			w.t.Fatalf("the timer %v is wanted and changes nothing", due[0])
		}
		out = append(out, r)
	}
}

func (d did) code() string {
	var r *workflows.Refusal
	if errors.As(d.err, &r) {
		return r.Code
	}
	return ""
}

func (w *world) read(text string) string {
	return workflows.Plain(text, func(id string) string { return w.people[id].Name })
}
