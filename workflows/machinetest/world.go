package machinetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// World is one account and one workflow of a machine at a time, in memory and without concurrency:
// what desk and clock do, in the order that a test wants. What must hold of every command, whatever
// the machine, is checked with each.
type World[S workflows.State] struct {
	Town
	Machine workflows.Machine
	State   S
	Events  []workflows.Event
	View    workflows.View
	// Called takes what the machine calls for; nil: Calls keeps it.
	Called func(workflows.Call)
	Calls  []workflows.Call
	// Together allows that of timers of one moment the first leaves the next nothing to do.
	Together bool

	commands int
	id       string // of the workflow
}

// Did is what one command led to. Fresh are the cards that were not there before it.
type Did[S workflows.State] struct {
	Reply         workflows.Reply
	Err           error
	Events        []workflows.Event
	Fresh         []workflows.Card
	Before, After S
}

// Code is that of the refusal, "" for none.
func (d Did[S]) Code() string {
	var r *workflows.Refusal
	if errors.As(d.Err, &r) {
		return r.Code
	}
	return ""
}

// Do takes one command along the road. The machine's request opens another workflow, in the place of
// the one before.
func (w *World[S]) Do(cmd workflows.Command) Did[S] {
	w.T.Helper()
	w.commands++
	cmd.ID, cmd.Account, cmd.At = fmt.Sprintf("c%d", w.commands), w.Policy.ID, w.Now
	state, m := w.State, w.Machine
	opens := cmd.Name == m.Name()+".request"
	if opens {
		state = m.New().(S)
	} else {
		cmd.Workflow = w.id
	}
	facts := w.Facts(m.Needs(state, cmd, w.Policy, w.Account))
	d, err := Decide(w.T, m, state, cmd, facts)
	out := Did[S]{Reply: d.Reply, Err: err, Before: state, After: state}
	if err != nil || len(d.Events) == 0 {
		return out
	}
	if opens {
		w.Events, w.View, w.id = nil, workflows.View{}, cmd.Workflow
	}
	w.commit(state, d, &out)
	return out
}

func (w *World[S]) commit(state workflows.State, d workflows.Decision, out *Did[S]) {
	m := w.Machine
	shown := map[string]bool{}
	for _, c := range w.View.Cards {
		shown[c.Name+c.Recipient] = true
	}
	for _, e := range d.Events {
		state = Apply(w.T, m, state, e)
		if text := m.Tell(e); text == "" || strings.Contains(text, "%!") {
			w.T.Fatalf("%s is told as %q", e.Type, text)
		}
	}
	for _, e := range d.Account {
		a, err := workflows.ApplyAccount(w.Account, e)
		if err != nil {
			w.T.Fatalf("apply %s: %v", e.Type, err)
		}
		w.Account = a
	}
	w.State, w.Events, out.Events = state.(S), append(w.Events, d.Events...), d.Events
	w.View, out.After = m.View(w.State), w.State
	for _, c := range w.View.Cards {
		w.card(c)
		if !shown[c.Name+c.Recipient] {
			out.Fresh = append(out.Fresh, c)
		}
	}
	for _, c := range d.Calls {
		if w.Called != nil {
			w.Called(c)
			continue
		}
		w.Calls = append(w.Calls, c)
	}
}

// card checks what holds of every card.
func (w *World[S]) card(c workflows.Card) {
	w.T.Helper()
	text := c.Title + strings.Join(slices.Concat(c.Lines, c.Facts, c.Details), " ") + c.Fallback
	if strings.Contains(text, "%!") || c.Title == "" || c.Fallback == "" {
		w.T.Fatalf("a card of %s: %q", c.Recipient, text)
	}
	for _, line := range c.Lines {
		if len(line) > 3000 {
			w.T.Fatalf("a line of %d characters: Slack shows 3000 in one block", len(line))
		}
	}
}

// Wait lets the timers fire that are due until then, in the order of their time. After each, then
// is done, and what it led to is told behind; nil: nothing.
func (w *World[S]) Wait(d time.Duration, then func() []Did[S]) []Did[S] {
	var out []Did[S]
	until := w.Now.Add(d)
	for range 500 {
		due := slices.DeleteFunc(slices.Clone(w.View.Timers), func(t workflows.Timer) bool { return t.At.After(until) })
		if len(due) == 0 {
			w.Now = until
			return out
		}
		slices.SortStableFunc(due, func(a, b workflows.Timer) int { return a.At.Compare(b.At) })
		if due[0].At.After(w.Now) {
			w.Now = due[0].At
		}
		r := w.fire(&due[0])
		if len(r.Events) == 0 {
			if len(due) == 1 || !w.Together {
				w.T.Fatalf("the timer %v is wanted and changes nothing", due[0])
			}
			r = w.fire(&due[1])
		}
		out = append(out, r)
		if then != nil {
			out = append(out, then()...)
		}
	}
	w.T.Fatalf("timers never end: %v", w.View.Timers)
	return nil
}

func (w *World[S]) fire(t *workflows.Timer) Did[S] {
	return w.Do(workflows.Command{Name: workflows.CmdTimer, Actor: workflows.Actor{Kind: workflows.ByTimer}, Timer: t,
		Round: workflows.NoRound})
}
