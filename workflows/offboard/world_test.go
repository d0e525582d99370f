package offboard

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

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world is one account, who can do what at integrator.io, and the offboardings, in memory and without concurrency.
type world struct {
	t           failer
	now         time.Time
	n, opened   int
	policy      workflows.Policy
	people      map[string]workflows.Person
	groups      map[string][]string
	delegations []approvals.Delegation
	account     workflows.AccountState
	users       map[string][]workflows.User // by environment
	tokens      map[string][]workflows.Token
	unread      map[string]string // code by environment
	state       State
	events      []workflows.Event
	view        workflows.View
	calls       []workflows.Call // not answered yet
	cancelled   []string         // requests that were to be withdrawn
}

type did struct {
	reply  workflows.Reply
	err    error
	events []workflows.Event
	fresh  []workflows.Card
	before State
	after  State
}

const alias = "celigo@acme.example"

var monday = time.Date(2026, 11, 30, 9, 14, 0, 0, time.UTC)

var names = []string{"Ana", "Ben", "Cat", "Dee", "Oli"}

// newWorld: Ana, Ben and Cat hold the mailbox that owns the account, Cat with her own hands on the
// password; Dee administers; Oli is anybody.
func newWorld(t failer) *world {
	w := &world{t: t, now: monday, people: map[string]workflows.Person{}, groups: map[string][]string{},
		users:  map[string][]workflows.User{},
		tokens: map[string][]workflows.Token{}, unread: map[string]string{}}
	for _, name := range names {
		id := userID(name)
		w.people[id] = workflows.Person{ID: id, Name: name, Email: strings.ToLower(name) + "@acme.example",
			EmailConfirmed: true}
	}
	w.policy = workflows.Policy{
		ID: "acme", Name: "Acme Production", Owner: alias, Admins: []string{"UDEE"}, Channel: "COPS", Token: true,
		Aliases: []workflows.Alias{{Email: alias, Holders: []string{"UANA", "UBEN", "UCAT"},
			Password: []string{"UANA", "UCAT"}, SecondFactor: []string{"UBEN"}}},
		Access: workflows.AccessPolicy{Approvers: []string{"UANA", "UDEE"}, Quorum: 1,
			Environments: []workflows.Environment{{Name: "Sandbox", Token: true}, {Name: "Dev"}}},
		Transfer: workflows.TransferPolicy{Quorum: 2},
		Recovery: workflows.RecoveryPolicy{Approvers: []string{"UANA", "UDEE"}, Quorum: 2},
		Review: workflows.ReviewPolicy{Zone: "UTC", From: 9 * time.Hour, To: 17 * time.Hour,
			Reviewers: []string{"UANA", "UDEE"},
			Days:      [7]bool{false, true, true, true, true, true, false}},
	}
	w.account = workflows.AccountState{ID: "acme", Owner: alias, By: "configuration"}
	w.users[""] = []workflows.User{{Email: "cat@acme.example", Role: "manage"},
		{Email: "dee@acme.example", Role: "administrator"}}
	w.users["Sandbox"] = []workflows.User{{Email: "cat+sandbox@acme.example", Role: "administrator"}}
	w.tokens[""] = []workflows.Token{{ID: "1", Name: "Warehouse", Kind: workflows.TokenOfAccount, Full: true},
		{ID: "2", Name: "Cat's CLI", Kind: workflows.TokenOfPerson}}
	return w
}

func userID(name string) string { return "U" + strings.ToUpper(name) }

func encode(t failer, x any) []byte {
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return raw
}

// facts answers what the machine says it needs, and nothing else.
func (w *world) facts(n workflows.Needs) workflows.Facts {
	f := workflows.Facts{Policy: w.policy, Shards: 16, Account: w.account, People: map[string]workflows.Person{},
		Groups: map[string][]string{}}
	for _, id := range slices.Concat(n.People, n.Delegations) {
		if workflows.IsGroup(id) {
			f.Groups[id] = append([]string{}, w.groups[id]...)
		}
	}
	for _, d := range w.delegations {
		if slices.Contains(f.Expand(n.Delegations), d.From) {
			f.Delegations = append(f.Delegations, d)
			n.People = append(n.People, d.From, d.To)
		}
	}
	for _, id := range f.Expand(slices.Concat(n.People, n.Delegations)) {
		p, known := w.people[id]
		if !known {
			p = workflows.Person{ID: id, Standing: workflows.StandingUnknown}
		}
		f.People[id] = p
	}
	return f
}

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

func (w *world) commit(m workflows.Machine, state workflows.State, d workflows.Decision, out *did) {
	shown := map[string]bool{}
	for _, c := range w.view.Cards {
		shown[c.Name+c.Recipient] = true
	}
	for _, e := range d.Events {
		next, err := m.Apply(state, e)
		if err != nil {
			w.t.Fatalf("apply %s: %v", e.Type, err)
		}
		state = next
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
	w.view, out.after = m.View(w.state), w.state
	for _, c := range w.view.Cards {
		text := c.Title + strings.Join(c.Lines, " ") + strings.Join(c.Facts, " ") + c.Fallback
		if strings.Contains(text, "%!") || c.Title == "" || c.Fallback == "" {
			w.t.Fatalf("a card of %s: %q", c.Recipient, text)
		}
		if !shown[c.Name+c.Recipient] {
			out.fresh = append(out.fresh, c)
		}
	}
	for _, c := range d.Calls {
		w.called(c)
	}
}

// called takes a call: requests for removal hold their lock from then on, withdrawals give it back.
func (w *world) called(c workflows.Call) {
	switch {
	case c.Op == workflows.OpTell && c.Command == "access.cancel":
		w.cancelled = append(w.cancelled, c.ID)
		w.unlock(c.ID)
	case c.Op == workflows.OpTell:
		cmd := workflows.Command{Name: c.Command, Input: c.Input, Actor: workflows.Actor{Kind: workflows.ByKeyholder}}
		u, err := workflows.UndoAccess.Body(cmd)
		if err != nil || u.Change != workflows.ChangeRemove {
			w.t.Fatalf("asked for %+v, %v", u, err)
		}
		w.record(workflows.LockTaken, workflows.Lock{Name: workflows.OpenRemoval + workflows.GivenKey(u.Environment,
			u.Email), Workflow: c.ID})
	default:
		w.calls = append(w.calls, c)
	}
}

func (w *world) record(kind string, body any) {
	a, err := workflows.ApplyAccount(w.account, workflows.Command{At: w.now}.Event(kind, body))
	if err != nil {
		w.t.Fatalf("%s: %v", kind, err)
	}
	w.account = a
}

func (w *world) unlock(id string) (key string) {
	for name, held := range w.account.Locks {
		if held == id {
			w.record(workflows.LockReleased, workflows.Lock{Name: name, Workflow: id})
			return strings.TrimPrefix(name, workflows.OpenRemoval)
		}
	}
	return ""
}

// removed carries out the removals that are asked for, in an environment or all.
func (w *world) removed(env string, all bool) (n int) {
	for name, id := range w.account.Locks {
		key, removal := strings.CutPrefix(name, workflows.OpenRemoval)
		at, email, _ := strings.Cut(key, "/")
		if !removal || !all && at != env {
			continue
		}
		w.unlock(id)
		w.users[at] = slices.DeleteFunc(slices.Clone(w.users[at]), func(u workflows.User) bool {
			return u.Email == email
		})
		w.record(workflows.AccessGiven, workflows.GivenChange{Key: key, Workflow: id,
			Given: workflows.Given{Workflow: id, Since: w.now}})
		n++
	}
	return n
}

// answers answers all calls that wait.
func (w *world) answers() (out []did) {
	for len(w.calls) > 0 {
		c := w.calls[0]
		w.calls = w.calls[1:]
		r := workflows.Receipt{Op: c.Op, Environment: c.Environment, OK: true}
		switch code := w.unread[c.Environment]; {
		case c.Op == workflows.OpUndelegate:
			r.Code = c.ID
			w.delegations = slices.DeleteFunc(w.delegations, func(d approvals.Delegation) bool {
				return d.From == c.ID && d.To == c.Known
			})
		case code != "":
			r.OK, r.Refused, r.Code = false, true, code
		case c.Op == workflows.OpCensus:
			r.Census = &workflows.Census{At: w.now, Users: w.users[c.Environment]}
		default:
			r.Tokens = &workflows.Tokens{At: w.now, Tokens: w.tokens[c.Environment]}
		}
		out = append(out, w.do(workflows.Command{Name: workflows.CmdReceipt,
			Actor: workflows.Actor{Kind: workflows.ByIntegrator}, Receipt: &r, Round: workflows.NoRound}))
	}
	return out
}

func (w *world) look() did {
	call := Look.To("acme", w.state.ID, workflows.None{})
	return w.do(workflows.Command{Name: call.Command, Input: call.Input, Submitted: true,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound})
}

// leaves sends the request form.
func (w *world) leaves(who, person, day string, kinds ...string) did {
	if len(kinds) == 0 {
		kinds = Kinds
	}
	w.opened++
	return w.do(workflows.Command{
		Name: Request, Workflow: fmt.Sprintf("o01-0000000%d", w.opened), Round: workflows.NoRound, Submitted: true,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: userID(who)},
		Input: map[string]string{BlockPerson: userID(person), BlockLastDay: day, BlockSteps: strings.Join(kinds, "\n"),
			BlockReason: "New job"},
	})
}

// click presses a button; with fields it sends the form.
func (w *world) click(who, name string, fields map[string]string) did {
	return w.do(workflows.Command{Name: name, Round: w.state.Round, Submitted: fields != nil, Input: fields,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: userID(who)}})
}

// wait lets the timers fire that are due until then, in their order, and answers what they ask for.
func (w *world) wait(d time.Duration) (out []did) {
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
			w.t.Fatalf("the timer %v is wanted and changes nothing", due[0])
		}
		out = append(append(out, r), w.answers()...)
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

func (w *world) read(text string) string {
	return workflows.Plain(text, func(id string) string { return w.people[id].Name })
}
