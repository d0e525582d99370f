package recovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// failer is a test, or a property's.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world is one account and its recoveries, in memory and without concurrency: what desk, clock and
// courier do, in the order that a test wants.
type world struct {
	t           failer
	now         time.Time
	n           int
	policy      workflows.Policy
	people      map[string]workflows.Person
	delegations []approvals.Delegation
	account     workflows.AccountState
	state       State
	events      []workflows.Event
	view        workflows.View
	calls       []workflows.Call
	opened      int
}

// did is what one command led to.
type did struct {
	reply  workflows.Reply
	err    error
	events []workflows.Event
	fresh  []workflows.Card
	before State
}

const alias = "celigo@acme.example"

// monday is when the stories begin.
var monday = time.Date(2026, 11, 23, 9, 14, 0, 0, time.UTC)

var names = []string{"Ana", "Ben", "Cat", "Dee", "Eve", "Fay", "Ira", "Jane"}

// newWorld: Ana, Ben and Cat hold the mailbox, which owns the account; Dee administers; Eve approves
// too; Ira is IT; Jane owned it before; Fay is anybody.
func newWorld(t failer) *world {
	w := &world{t: t, now: monday, people: map[string]workflows.Person{}}
	for _, name := range names {
		id := userID(name)
		w.people[id] = workflows.Person{ID: id, Name: name, Email: strings.ToLower(name) + "@acme.example",
			EmailConfirmed: true}
	}
	w.people["UGUS"] = workflows.Person{ID: "UGUS", Name: "Gus", Standing: workflows.StandingGuest}
	w.policy = workflows.Policy{
		ID: "acme", Name: "Acme Production", Owner: alias, Admins: []string{"UDEE"}, Channel: "COPS",
		UIHost: "https://integrator.io",
		Aliases: []workflows.Alias{{Email: alias, Holders: []string{"UANA", "UBEN", "UCAT"},
			Vault: "IT vault / Celigo owner"}},
		Review: workflows.ReviewPolicy{Zone: "UTC", From: 9 * time.Hour, To: 17 * time.Hour,
			Days: [7]bool{false, true, true, true, true, true, false}},
		Recovery: workflows.RecoveryPolicy{
			Approvers: []string{"UANA", "UBEN", "UDEE", "UEVE"}, Quorum: 2, ConfirmWithin: 24 * time.Hour,
			Cooldown: time.Hour,
			IT:       []string{"UIRA"}, RungWithin: 72 * time.Hour, RemindEvery: 24 * time.Hour,
		},
	}
	w.owner(alias)
	return w
}

func userID(name string) string { return "U" + strings.ToUpper(name) }

func (w *world) owner(email string) {
	w.policy.Owner = email
	w.account = workflows.AccountState{ID: "acme", Owner: email, By: "configuration"}
}

// facts answers what the machine says it needs, and nothing else.
func (w *world) facts(n workflows.Needs) workflows.Facts {
	f := workflows.Facts{Policy: w.policy, Shards: 16, Account: w.account, People: map[string]workflows.Person{},
		ByEmail: map[string]string{}}
	for _, email := range n.Emails {
		for id, p := range w.people {
			if workflows.SameEmail(p.Email, email) {
				f.ByEmail[email] = id
				n.People = append(n.People, id)
			}
		}
	}
	for _, d := range w.delegations {
		if slices.Contains(n.Delegations, d.From) {
			f.Delegations = append(f.Delegations, d)
			n.People = append(n.People, d.To)
		}
	}
	for _, id := range slices.Concat(n.People, n.Delegations) {
		p, known := w.people[id]
		if !known {
			p = workflows.Person{ID: id, Standing: workflows.StandingUnknown}
		}
		f.People[id] = p
	}
	return f
}

// do takes one command along the road.
func (w *world) do(cmd workflows.Command) did {
	w.t.Helper()
	w.n++
	cmd.ID, cmd.Account, cmd.At = fmt.Sprintf("c%d", w.n), "acme", w.now
	state, m := w.state, Machine()
	if cmd.Name == Request {
		state = State{}
	} else {
		cmd.Workflow = w.state.ID
	}
	facts := w.facts(m.Needs(state, cmd, w.policy, w.account))
	was := encode(w.t, state)
	d, err := m.Decide(state, cmd, facts)
	again, _ := m.Decide(state, cmd, facts)
	if !bytes.Equal(encode(w.t, d), encode(w.t, again)) || !bytes.Equal(was, encode(w.t, state)) {
		w.t.Fatalf("%s: deciding twice differs, or changed the state", cmd.Name)
	}
	out := did{reply: d.Reply, err: err, before: state}
	if err != nil || len(d.Events) == 0 {
		if len(d.Calls)+len(d.Account) > 0 {
			w.t.Fatalf("%s: calls or account events without an event", cmd.Name)
		}
		return out
	}
	if cmd.Name == Request {
		w.events, w.view = nil, workflows.View{}
	}
	w.commit(m, state, d, &out)
	return out
}

func (w *world) commit(m workflows.Machine, state State, d workflows.Decision, out *did) {
	shown := map[string]bool{}
	for _, c := range w.view.Cards {
		shown[c.Name+c.Recipient] = true
	}
	for _, e := range d.Events {
		next, err := m.Apply(state, e)
		if err != nil {
			w.t.Fatalf("apply %s: %v", e.Type, err)
		}
		state = next.(State)
		if text := m.Tell(e); text == "" || strings.Contains(text, "%!") {
			w.t.Fatalf("%s is told as %q", e.Type, text)
		}
	}
	for _, e := range d.Account {
		a, err := workflows.ApplyAccount(w.account, e)
		if err != nil {
			w.t.Fatalf("apply %s: %v", e.Type, err)
		}
		w.account = a
	}
	raw := encode(w.t, state)
	back, err := m.Decode(raw)
	if err != nil || !bytes.Equal(encode(w.t, back), raw) {
		w.t.Fatalf("the state changes by being stored: %v", err)
	}
	w.state, w.events, out.events = back.(State), append(w.events, d.Events...), d.Events
	w.calls = append(w.calls, d.Calls...)
	w.view = m.View(w.state)
	for _, c := range w.view.Cards {
		text := c.Title + strings.Join(c.Lines, " ") + strings.Join(c.Facts, " ") + strings.Join(c.Details, " ") + c.Fallback
		if strings.Contains(text, "%!") || c.Title == "" || c.Fallback == "" {
			w.t.Fatalf("a card of %s: %q", c.Recipient, text)
		}
		for _, line := range c.Lines {
			if len(line) > 3000 {
				w.t.Fatalf("a line of %d characters: Slack shows 3000 in one block", len(line))
			}
		}
		if !shown[c.Name+c.Recipient] {
			out.fresh = append(out.fresh, c)
		}
	}
}

func encode(t failer, x any) []byte {
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return raw
}

// report asks for a recovery.
func (w *world) report(who, situation, reason string) did {
	w.opened++
	return w.do(workflows.Command{
		Name: Request, Workflow: fmt.Sprintf("v01-0000000%d", w.opened), Round: workflows.NoRound, Submitted: true,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: userID(who)},
		Input: map[string]string{BlockAccount: "acme", BlockSituation: situation, BlockReason: reason},
	})
}

// click presses a button of now; text is sent with the form that it opens.
func (w *world) click(who, act string, text ...string) did {
	cmd := workflows.Command{Name: "recovery." + act, Round: w.state.Round,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: userID(who)}}
	if len(text) > 0 {
		cmd.Submitted, cmd.Input = true, map[string]string{"reason": text[0], "evidence": text[0],
			BlockDone: strings.Join(text, "\n")}
	}
	return w.do(cmd)
}

// wait lets the timers fire that are due until then, in the order of their time.
func (w *world) wait(d time.Duration) []did {
	var out []did
	until := w.now.Add(d)
	for range 500 {
		due := slices.DeleteFunc(slices.Clone(w.view.Timers), func(t workflows.Timer) bool { return t.At.After(until) })
		if len(due) == 0 {
			w.now = until
			return out
		}
		slices.SortStableFunc(due, func(a, b workflows.Timer) int { return a.At.Compare(b.At) })
		if due[0].At.After(w.now) {
			w.now = due[0].At
		}
		r := w.do(workflows.Command{Name: workflows.CmdTimer, Actor: workflows.Actor{Kind: workflows.ByTimer},
			Timer: &due[0], Round: workflows.NoRound})
		if len(r.events) == 0 {
			if len(due) == 1 {
				w.t.Fatalf("the timer %v is wanted and changes nothing", due[0])
			}
			due = due[1:]
			r = w.do(workflows.Command{Name: workflows.CmdTimer, Actor: workflows.Actor{Kind: workflows.ByTimer},
				Timer: &due[0], Round: workflows.NoRound})
		}
		out = append(out, r)
	}
	w.t.Fatalf("timers never end: %v", w.view.Timers)
	return nil
}

func (d did) code() string {
	var r *workflows.Refusal
	if errors.As(d.err, &r) {
		return r.Code
	}
	return ""
}

var mentionText = regexp.MustCompile(`<@(U[A-Z0-9]+)>`)

// read is a text as its reader sees it: names for mentions, times in UTC.
func (w *world) read(text string) string {
	text = workflows.Plain(text, func(id string) string { return w.people[id].Name })
	return mentionText.ReplaceAllString(text, "$1")
}
