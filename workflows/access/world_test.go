package access

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/drift"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// world is everything around the machines, kept in memory and without concurrency: what the desk,
// the clock, the courier, Slack and integrator.io do, in the order a test wants. Each command is
// checked against what must hold always (see invariant_test.go).
type world struct {
	machinetest.Town
	commands int
	runs     []*run
	out      *outside
	away     bool
	renamed  bool             // somebody's address in Slack has changed since, of which cards do not hear
	told     []workflows.Call // what packets of reviews were told
	queue    []*workflows.Effect
}

// run is one workflow of any of the machines.
type run struct {
	id      string
	machine workflows.Machine
	state   workflows.State
	events  []workflows.Event
	view    workflows.View
	shown   map[string]bool // cards ever shown, by name and recipient
}

func (r *run) access() State {
	s, _ := r.state.(State)
	return s
}

// step is what one command led to.
type step struct {
	cmd           workflows.Command
	run           *run
	reply         workflows.Reply
	err           error
	events        []workflows.Event
	calls         []workflows.Call
	before, after workflows.State
	view          workflows.View
	cards         []workflows.Card // new ones
}

// code is the refusal's code, "" when there was none.
func (s step) code() string {
	var r *workflows.Refusal
	if errors.As(s.err, &r) {
		return r.Code
	}
	return ""
}

func (s step) refusal() *workflows.Refusal {
	var r *workflows.Refusal
	errors.As(s.err, &r)
	return r
}

const (
	mailbox = "celigo@acme.example"
	channel = "COPS"
	day     = 24 * time.Hour
)

// monday is when the stories begin.
var monday = time.Date(2026, 11, 23, 9, 14, 0, 0, time.UTC)

// newWorld has Ana, Ben and Cat as holders, Dee as administrator, Jane as owner, Eve and Fay as
// full members without a part in the account, Gus as guest. Dee is administrator there, Ben may
// monitor.
func newWorld(t machinetest.Failer) *world {
	w := &world{Town: machinetest.Town{T: t, Now: monday, Groups: map[string][]string{}},
		out: newOutside()}
	for _, name := range []string{"Ana", "Ben", "Cat", "Dee", "Jane", "Eve", "Fay"} {
		w.Meet(name, "")
	}
	w.Meet("Gus", workflows.StandingGuest)
	w.Meet("Hal", workflows.StandingDeactivated)
	w.Meet("Robo", workflows.StandingBot)
	w.Policy = workflows.Policy{ID: "acme", Name: "Acme Production", Owner: "jane@acme.example",
		Admins: []string{"UDEE"}, Channel: channel, Token: true,
		UIHost: "https://integrator.io", Aliases: []workflows.Alias{{Email: mailbox, Holders: []string{"UANA", "UBEN",
			"UCAT"}}},
		Access: workflows.AccessPolicy{Approvers: []string{"UANA", "UBEN", "UCAT", "UDEE"}, Quorum: 1,
			AdministratorQuorum: 2, ConfirmWithin: 3 * day,
			For:        []workflows.TimeBox{{Text: "1d", Length: day}, {Text: "7d", Length: 7 * day}, {Text: "always"}},
			DefaultFor: "7d", Notice: []time.Duration{day, time.Hour},
			UrgentFor: 4 * time.Hour, DriftEvery: 6 * time.Hour, AcceptWithin: 5 * day, WatchEvery: time.Minute,
			Environments: []workflows.Environment{{Name: "Sandbox", Token: true}, {Name: "Old", Token: false}}}}
	w.Account = workflows.AccountState{ID: "acme", Owner: "jane@acme.example", By: "configuration"}
	return w
}

func emailOf(name string) string {
	if strings.Contains(name, "@") {
		return name
	}
	return strings.ToLower(name) + "@acme.example"
}

func (w *world) find(id string) *run {
	for _, r := range w.runs {
		if r.id == id {
			return r
		}
	}
	return nil
}

// newest is the last one opened that people see.
func (w *world) newest() *run {
	for _, r := range slices.Backward(w.runs) {
		if r.machine.Letter() != 'd' {
			return r
		}
	}
	w.T.Fatalf("nothing was asked for yet")
	return nil
}

func machineOf(id string) workflows.Machine {
	return map[byte]workflows.Machine{
		workflows.LetterAccess: Machine(), workflows.LetterDrift: drift.Watcher(),
		workflows.LetterFinding: drift.Finding(drift.Undoing{Needs: UndoNeeds, Would: WouldUndo}),
	}[id[0]]
}

// do takes one command along the road: facts, decision, events, calls, view. Nothing else changes anything.
func (w *world) do(cmd workflows.Command) step {
	w.T.Helper()
	w.commands++
	if cmd.ID == "" {
		cmd.ID = fmt.Sprintf("c%d", w.commands)
	}
	cmd.Account = "acme"
	r := w.find(cmd.Workflow)
	if r == nil {
		m := machineOf(cmd.Workflow)
		r = &run{id: cmd.Workflow, machine: m, state: m.New(), shown: map[string]bool{}}
		if cmd.Name != m.Name()+".request" {
			return step{cmd: cmd, run: r} // no such workflow
		}
	} else if cmd.Name == r.machine.Name()+".request" {
		return step{cmd: cmd, run: r} // the ID is taken
	}
	cmd.At = w.Now.UTC().Truncate(time.Millisecond)
	if n := len(r.events); n > 0 && cmd.At.Before(r.events[n-1].At) {
		cmd.At = r.events[n-1].At
	}
	st := step{cmd: cmd, run: r, before: r.state}
	m := r.machine
	facts := w.Facts(m.Needs(r.state, cmd, w.Policy, w.Account))
	d, err := machinetest.Decide(w.T, m, r.state, cmd, facts)
	st.reply, st.err = d.Reply, err
	if err != nil || len(d.Events) == 0 {
		w.mustHold(st)
		return st
	}
	w.store(r, cmd, d, &st)
	w.mustHold(st)
	return st
}

// store folds a decision's events and derives the rest as the desk does.
func (w *world) store(r *run, cmd workflows.Command, d workflows.Decision, st *step) {
	w.T.Helper()
	if len(r.events) == 0 {
		w.runs = append(w.runs, r)
	}
	for _, e := range d.Events {
		e.Seq = uint64(len(r.events)) + 1
		r.events = append(r.events, e)
		r.state = machinetest.Apply(w.T, r.machine, r.state, e)
		st.events = append(st.events, e)
	}
	for _, e := range d.Account {
		var err error
		if w.Account, err = workflows.ApplyAccount(w.Account, e); err != nil {
			w.T.Fatalf("%s: account: %v", cmd.Name, err)
		}
	}
	for i, c := range d.Calls {
		w.queue = append(w.queue, &workflows.Effect{ID: fmt.Sprintf("%s/%d/%d", r.id, len(r.events), i), Workflow: r.id,
			Account: "acme", Key: "io/acme",
			Made: cmd.At, Call: &c})
	}
	st.calls = d.Calls
	r.view = r.machine.View(r.state)
	st.after, st.view = r.state, r.view
	for _, c := range r.view.Cards {
		if key := c.Name + "/" + c.Recipient; !r.shown[key] {
			st.cards = append(st.cards, c)
		}
	}
}

func person(name string) workflows.Actor {
	return workflows.Actor{Kind: workflows.ByPerson, ID: machinetest.UserID(name), Team: "TACME"}
}

var keyholder = workflows.Actor{Kind: workflows.ByKeyholder}

// request submits the form.
func (w *world) request(by string, input map[string]string) step {
	w.T.Helper()
	return w.do(workflows.Command{Workflow: fmt.Sprintf("a07-%08d", len(w.runs)+1), Name: Request, Actor: person(by),
		Round:     workflows.NoRound,
		Submitted: true, Input: input})
}

// review opens what a review decided. Nothing of it is a person's word.
func (w *world) review(by, email string, in map[string]string) step {
	w.T.Helper()
	input := map[string]string{BlockAccount: "acme", BlockEmail: emailOf(email), BlockReason: "not needed any more",
		inReview: "r07-acme-2026q4", inPacket: "p07-1",
		inRow: fmt.Sprint(len(w.runs) + 1), inReviewer: machinetest.UserID(by),
		inUntil: w.Now.Add(5 * day).Format(time.RFC3339)}
	for k, v := range in {
		input[k] = v
	}
	return w.do(workflows.Command{Workflow: fmt.Sprintf("a07-%08d", len(w.runs)+1), Name: Request, Actor: keyholder,
		Round: workflows.NoRound, Submitted: true, Input: input})
}

// toldOf is what the packet was told of one access.
func (w *world) toldOf(id string) (out []map[string]string) {
	for _, c := range w.told {
		if c.Input["access_id"] == id {
			out = append(out, c.Input)
		}
	}
	return out
}

// click presses a button of the newest workflow as it stands now; with a reason the form that it opens is sent, too.
func (w *world) click(who, action string, reason ...string) step {
	w.T.Helper()
	return w.clickAt(w.newest(), round(w.newest().state), who, action, reason...)
}

func round(s workflows.State) int {
	switch s := s.(type) {
	case State:
		return s.Round
	case drift.FoundState:
		return s.Round
	case drift.WatchState:
		return s.Round
	}
	return 0
}

func (w *world) clickAt(r *run, round int, who, action string, reason ...string) step {
	w.T.Helper()
	st := w.do(workflows.Command{Workflow: r.id, Name: "access." + action, Actor: person(who), Round: round})
	if st.reply.Modal == nil || len(reason) == 0 {
		return st
	}
	return w.do(workflows.Command{Workflow: r.id, Name: st.reply.Modal.Action, Actor: person(who),
		Round: st.reply.Modal.Round, Submitted: true,
		Input: map[string]string{BlockReason: reason[0]}})
}

// Outcomes of a delivery that a test can choose.
const (
	delivered   = ""       // as the outside is
	lost        = "lost"   // done there, but the answer never came: it is delivered again
	failedClean = "failed" // given up, nothing happened there
	failedDirty = "unsure" // given up, yet it happened there
)

// configured reports whether an environment has a token.
func (w *world) configured(env string) bool {
	return env == "" && w.Policy.Token || slices.ContainsFunc(w.Policy.Access.Environments,
		func(e workflows.Environment) bool {
			return e.Name == env && e.Token
		})
}

// deliver brings the first call in the queue to integrator.io and its answer back.
func (w *world) deliver(outcome string) step {
	w.T.Helper()
	if len(w.queue) == 0 {
		w.T.Fatalf("no call is waiting")
	}
	e := w.queue[0]
	c := *e.Call
	var r *workflows.Receipt
	switch {
	case c.Op == workflows.OpTell && c.Command == ReviewFixed:
		w.queue = w.queue[1:]
		w.told = append(w.told, c)
		return step{run: w.find(e.Workflow)}
	case c.Op == workflows.OpTell:
		w.queue = w.queue[1:]
		return w.do(workflows.Command{ID: "tell/" + e.ID, Workflow: c.ID, Name: c.Command, Input: c.Input,
			Submitted: len(c.Input) > 0, Actor: keyholder, Round: workflows.NoRound})
	case outcome == failedClean:
		r = &workflows.Receipt{Failed: true, Code: workflows.FailedDeadline}
	case outcome == failedDirty:
		w.out.perform(c, w.Now, w.configured(c.Environment))
		r = &workflows.Receipt{Failed: true, Code: workflows.FailedDeadline}
	case strings.HasPrefix(outcome, "refused "):
		code, words, _ := strings.Cut(strings.TrimPrefix(outcome, "refused "), " ")
		r = &workflows.Receipt{Refused: true, Code: code, Message: words}
	case w.away:
		return step{run: w.find(e.Workflow)}
	default:
		was := copied(w.out.user(c.Environment, c.Email))
		r = w.out.perform(c, w.Now, w.configured(c.Environment))
		w.mustBeMeant(w.find(e.Workflow), c, was)
		if outcome == lost {
			return step{run: w.find(e.Workflow)}
		}
	}
	w.queue = w.queue[1:]
	if r == nil {
		return step{run: w.find(e.Workflow)}
	}
	return w.receive(e, *r, "receipt/"+e.ID)
}

func (w *world) receive(e *workflows.Effect, r workflows.Receipt, id string) step {
	w.T.Helper()
	r.Effect, r.Op = e.ID, e.Call.Op
	return w.do(workflows.Command{ID: id, Workflow: e.Workflow, Name: workflows.CmdReceipt,
		Actor: workflows.Actor{Kind: workflows.ByIntegrator},
		Round: workflows.NoRound, Receipt: &r})
}

// deliverAll empties the queue, as a courier with nothing in its way would.
func (w *world) deliverAll() []step {
	w.T.Helper()
	var out []step
	for n := 0; len(w.queue) > 0 && !w.away; n++ {
		if n > 300 {
			w.T.Fatalf("calls beget calls without end: %s", machinetest.Encode(w.T, w.queue[0]))
		}
		out = append(out, w.deliver(delivered))
	}
	return out
}

// poll looks once with every watch, and lets every watcher look.
func (w *world) poll() []step {
	w.T.Helper()
	var out []step
	for _, r := range slices.Clone(w.runs) {
		if r.machine.Letter() == 'd' && !r.state.Closed() && !w.away {
			out = append(out, w.census(r)...)
		}
		for _, watch := range r.view.Watches {
			if w.away {
				continue
			}
			receipt := w.out.perform(watch.Call, w.Now, w.configured(watch.Call.Environment))
			if receipt == nil {
				continue
			}
			e := &workflows.Effect{ID: r.id + "/" + watch.Name, Workflow: r.id, Call: &watch.Call}
			out = append(out, w.receive(e, *receipt, fmt.Sprintf("watch/%d", w.commands)))
		}
	}
	return out
}

// census fires a watcher's timer now and answers its call at once, whatever else is queued.
func (w *world) census(r *run) []step {
	w.T.Helper()
	before := len(w.queue)
	st := w.fire(r, workflows.Timer{Name: "look", At: w.Now})
	if len(w.queue) == before {
		return []step{st}
	}
	e := w.queue[before]
	w.queue = slices.Delete(w.queue, before, before+1)
	receipt := w.out.perform(*e.Call, w.Now, w.configured(e.Call.Environment))
	if receipt == nil {
		return nil
	}
	return []step{w.receive(e, *receipt, "receipt/"+e.ID)}
}

// wait lets time pass: timers fire when they are due, and calls that could not be delivered for a day are given up.
func (w *world) wait(d time.Duration) []step {
	w.T.Helper()
	end := w.Now.Add(d)
	var out []step
	for n := 0; ; n++ {
		if n > 500 {
			w.T.Fatalf("time stands still: a timer fires without end")
		}
		r, timer := w.nextTimer()
		var due time.Time
		if timer != nil {
			due = timer.At
		}
		giveUp := timer == nil
		if len(w.queue) > 0 {
			if dl := w.queue[0].Deadline(); timer == nil || dl.Before(due) {
				due, giveUp = dl, true
			}
		}
		if due.IsZero() || due.After(end) {
			w.Now = end
			return out
		}
		if due.After(w.Now) {
			w.Now = due
		}
		if giveUp {
			out = append(out, w.deliver(failedClean))
			continue
		}
		out = append(out, w.fire(r, *timer))
	}
}

// nextTimer is the one that is due first.
func (w *world) nextTimer() (*run, *workflows.Timer) {
	var of *run
	var first *workflows.Timer
	for _, r := range w.runs {
		for _, t := range r.view.Timers {
			if first == nil || t.At.Before(first.At) {
				of, first = r, &t
			}
		}
	}
	return of, first
}

func (w *world) fire(r *run, t workflows.Timer) step {
	w.T.Helper()
	t.Workflow = r.id
	st := w.do(workflows.Command{ID: fmt.Sprintf("timer/%s/%s/%d", r.id, t.Name, t.At.UnixMilli()), Workflow: r.id,
		Name:  workflows.CmdTimer,
		Actor: workflows.Actor{Kind: workflows.ByTimer}, Round: workflows.NoRound, Timer: &t})
	for _, still := range r.view.Timers {
		if still.Name == t.Name && still.At.Equal(t.At) && r.machine.Letter() != 'd' {
			w.T.Fatalf("timer %s fired in stage %s and is wanted again at the same time", t.Name, r.state.StageName())
		}
	}
	return st
}

// delegate records a delegation and tells the workflows that wait for the giver, as the desk does.
func (w *world) delegate(from, to string, span time.Duration) []step {
	w.T.Helper()
	w.Delegations = slices.DeleteFunc(w.Delegations, func(d approvals.Delegation) bool {
		return d.From == machinetest.UserID(from)
	})
	w.Delegations = append(w.Delegations, approvals.Delegation{From: machinetest.UserID(from),
		To: machinetest.UserID(to), Since: w.Now,
		Until: w.Now.Add(span)})
	var out []step
	for _, r := range w.runs {
		if slices.Contains(r.view.Waiting, machinetest.UserID(from)) {
			out = append(out, w.do(workflows.Command{Workflow: r.id, Name: workflows.CmdDelegated, Actor: person(from),
				Round: workflows.NoRound}))
		}
	}
	return out
}

// watch opens the watcher of an environment and reads the baseline.
func (w *world) watch(env string) []step {
	w.T.Helper()
	st := w.do(workflows.Command{Workflow: "d07-0000000" + map[string]string{"": "P", "Sandbox": "S"}[env],
		Name: drift.Begin.Command, Actor: keyholder,
		Round: workflows.NoRound, Submitted: true, Input: drift.Begin.To("acme", "",
			drift.Beginning{Environment: env}).Input})
	return append([]step{st}, w.deliverAll()...)
}

var date = regexp.MustCompile(`<!date\^(\d+)\^([^|>]*)\|[^>]*>`)

// read is how a person reads a text: names for mentions, UTC for dates.
func (w *world) read(text string) string {
	text = strings.ReplaceAll(text, workflows.Slash, "/io")
	text = date.ReplaceAllStringFunc(text, func(m string) string {
		p := date.FindStringSubmatch(m)
		var unix int64
		fmt.Sscan(p[1], &unix)
		return time.Unix(unix, 0).UTC().Format("Mon 2 Jan, 15:04")
	})
	return workflows.Plain(text, func(id string) string { return w.People[id].Name })
}
