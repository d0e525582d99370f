package machinetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Failer is a test, or a property's.
type Failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// World is one account and one workflow of a machine at a time, in memory and without concurrency:
// what desk and clock do, in the order that a test wants. What must hold of every command, whatever
// the machine, is checked with each.
type World[S workflows.State] struct {
	T           Failer
	Machine     workflows.Machine
	Now         time.Time
	Policy      workflows.Policy
	People      map[string]workflows.Person
	Groups      map[string][]string
	Delegations []approvals.Delegation
	Account     workflows.AccountState
	State       S
	Events      []workflows.Event
	View        workflows.View
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

// UserID is the Slack ID of somebody in a story.
func UserID(name string) string { return "U" + strings.ToUpper(name) }

// Name puts people into the world who are there, with a confirmed address.
func (w *World[S]) Name(names ...string) {
	for _, name := range names {
		id := UserID(name)
		w.People[id] = workflows.Person{ID: id, Name: name, Email: strings.ToLower(name) + "@acme.example",
			EmailConfirmed: true}
	}
}

// Facts answers what the machine says it needs, and nothing else.
func (w *World[S]) Facts(n workflows.Needs) workflows.Facts {
	f := workflows.Facts{Policy: w.Policy, Shards: 16, Account: w.Account, People: map[string]workflows.Person{},
		Groups: map[string][]string{}, ByEmail: map[string]string{}}
	for _, email := range n.Emails {
		for id, p := range w.People {
			if workflows.SameEmail(p.Email, email) {
				f.ByEmail[email] = id
				n.People = append(n.People, id)
			}
		}
	}
	for _, id := range slices.Concat(n.People, n.Delegations) {
		if workflows.IsGroup(id) {
			f.Groups[id] = append([]string{}, w.Groups[id]...)
		}
	}
	for _, d := range w.Delegations {
		if slices.Contains(f.Expand(n.Delegations), d.From) {
			f.Delegations = append(f.Delegations, d)
			n.People = append(n.People, d.From, d.To)
		}
	}
	for _, id := range f.Expand(slices.Concat(n.People, n.Delegations)) {
		p, known := w.People[id]
		if !known {
			p = workflows.Person{ID: id, Standing: workflows.StandingUnknown}
		}
		f.People[id] = p
	}
	return f
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
	was := Encode(w.T, state)
	d, err := m.Decide(state, cmd, facts)
	again, _ := m.Decide(state, cmd, facts)
	if !bytes.Equal(Encode(w.T, d), Encode(w.T, again)) || !bytes.Equal(was, Encode(w.T, state)) {
		w.T.Fatalf("%s: deciding twice differs, or changed the state", cmd.Name)
	}
	out := Did[S]{Reply: d.Reply, Err: err, Before: state, After: state}
	if err != nil || len(d.Events) == 0 {
		if len(d.Calls)+len(d.Account) > 0 {
			w.T.Fatalf("%s: calls or account events without an event", cmd.Name)
		}
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
		next, err := m.Apply(state, e)
		if err != nil {
			w.T.Fatalf("apply %s: %v", e.Type, err)
		}
		state = next
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
	raw := Encode(w.T, state)
	back, err := m.Decode(raw)
	if err != nil || !bytes.Equal(Encode(w.T, back), raw) {
		w.T.Fatalf("the state changes by being stored: %v", err)
	}
	w.State, w.Events, out.Events = back.(S), append(w.Events, d.Events...), d.Events
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

// Encode is a value as JSON, for comparing.
func Encode(t Failer, x any) []byte {
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return raw
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

// Read is a text as its reader sees it: names for mentions, times in UTC.
func (w *World[S]) Read(text string) string {
	return workflows.Plain(text, func(id string) string { return w.People[id].Name })
}
