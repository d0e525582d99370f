package transfer

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// world is everything around the machine, kept in memory and without concurrency: what the desk,
// the clock, the courier, Slack and integrator.io do, in the order a test wants. Each command is
// checked against what must hold always (see invariant_test.go).
type world struct {
	machinetest.Town
	commands int
	owners   []workflows.OwnerChange
	runs     []*run
	out      *outside
	away     bool
	queue    []*workflows.Effect
}

// run is one transfer.
type run struct {
	id     string
	state  State
	events []workflows.Event
	view   workflows.View
	shown  map[string]bool // cards ever shown, by name and recipient
	sent   bool            // an invitation was asked for at integrator.io
}

// step is what one command led to.
type step struct {
	cmd    workflows.Command
	run    *run
	reply  workflows.Reply
	err    error
	events []workflows.Event
	calls  []workflows.Call
	before State
	after  State
	view   workflows.View
	cards  []workflows.Card // new ones
}

// code is the refusal's code, "" when there was none.
func (s step) code() string {
	var r *workflows.Refusal
	if errors.As(s.err, &r) {
		return r.Code
	}
	return ""
}

const (
	mailbox = "celigo@acme.example"
	channel = "COPS"
)

// monday is when the stories begin.
var monday = time.Date(2026, 11, 23, 9, 14, 0, 0, time.UTC)

// newWorld has Ana, Ben and Cat as holders of the mailbox, Dee as administrator, Jane as owner, and some others.
func newWorld(t machinetest.Failer) *world {
	w := &world{Town: machinetest.Town{T: t, Now: monday, Groups: map[string][]string{}}}
	for _, name := range []string{"Ana", "Ben", "Cat", "Dee", "Jane", "Eve", "Fay"} {
		w.Meet(name, "")
	}
	w.Meet("Gus", workflows.StandingGuest)
	w.Meet("Hal", workflows.StandingDeactivated)
	w.Meet("Robo", workflows.StandingBot)
	w.Meet("Zoe", workflows.StandingForeign)
	w.Policy = workflows.Policy{ID: "acme", Name: "Acme Production", Owner: "jane@acme.example",
		Admins: []string{"UDEE"}, Channel: channel, Token: true,
		UIHost: "integrator.io",
		Aliases: []workflows.Alias{{Email: mailbox, Holders: []string{"UANA", "UBEN", "UCAT"},
			Custodians: []string{"UANA", "UBEN"}, Vault: "IT vault"}},
		Transfer: workflows.TransferPolicy{Quorum: 2, ConfirmWithin: 72 * time.Hour, Cooldown: 24 * time.Hour,
			AcceptWithin: 120 * time.Hour,
			WatchEvery:   time.Minute, OnErrors: workflows.LevelBlock, OnShared: workflows.LevelWarn}}
	w.owner("jane@acme.example")
	return w
}

func (w *world) owner(email string) {
	w.Policy.Owner = email
	w.Account = workflows.AccountState{ID: "acme", Owner: email, By: "configuration"}
	w.out = newOutside(email)
}

func (w *world) find(id string) *run {
	for _, r := range w.runs {
		if r.id == id {
			return r
		}
	}
	return nil
}

func (w *world) newest() *run {
	if len(w.runs) == 0 {
		w.T.Fatalf("no transfer was asked for yet")
	}
	return w.runs[len(w.runs)-1]
}

// do takes one command along the road: facts, decision, events, calls, view. Nothing else changes a transfer.
func (w *world) do(cmd workflows.Command) step {
	w.T.Helper()
	w.commands++
	if cmd.ID == "" {
		cmd.ID = fmt.Sprintf("c%d", w.commands)
	}
	cmd.Account = "acme"
	r := w.find(cmd.Workflow)
	if r == nil {
		r = &run{id: cmd.Workflow, shown: map[string]bool{}}
	}
	cmd.At = w.Now.UTC().Truncate(time.Millisecond)
	if n := len(r.events); n > 0 && cmd.At.Before(r.events[n-1].At) {
		cmd.At = r.events[n-1].At
	}
	st := step{cmd: cmd, run: r, before: r.state}
	m := Machine()
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
		r.state = machinetest.Apply(w.T, Machine(), r.state, e).(State)
		st.events = append(st.events, e)
	}
	for _, e := range d.Account {
		var err error
		if w.Account, err = workflows.ApplyAccount(w.Account, e); err != nil {
			w.T.Fatalf("%s: account: %v", cmd.Name, err)
		}
		if e.Type == workflows.OwnerChanged {
			var c workflows.OwnerChange
			decode(w.T, e.Body, &c)
			w.owners = append(w.owners, c)
		}
	}
	for i, c := range d.Calls {
		w.queue = append(w.queue, &workflows.Effect{ID: fmt.Sprintf("%s/%d/%d", r.id, len(r.events), i), Workflow: r.id,
			Account: "acme", Key: "io/acme",
			Made: cmd.At, Call: &c})
		r.sent = r.sent || c.Op == workflows.OpInviteOwner
	}
	st.calls = d.Calls
	r.view = Machine().View(r.state)
	st.after, st.view = r.state, r.view
	for _, c := range r.view.Cards {
		if key := c.Name + "/" + c.Recipient; !r.shown[key] {
			st.cards = append(st.cards, c)
		}
	}
}

func decode(t machinetest.Failer, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("decode: %v", err)
	}
}

func person(name string) workflows.Actor {
	return workflows.Actor{Kind: workflows.ByPerson, ID: machinetest.UserID(name), Team: "TACME"}
}

// request submits the form.
func (w *world) request(by string, input map[string]string) step {
	w.T.Helper()
	return w.do(workflows.Command{Workflow: fmt.Sprintf("t07-%08d", len(w.runs)+1), Name: Request, Actor: person(by),
		Round:     workflows.NoRound,
		Submitted: true, Input: input})
}

// ask is the usual request: the mailbox shall own the account.
func (w *world) ask(by string) step {
	w.T.Helper()
	return w.request(by, map[string]string{BlockAccount: "acme", BlockAlias: mailbox,
		BlockReason: "Jane leaves on 5 December"})
}

// click presses a button of the newest transfer as it stands now; with a reason the form that it opens is sent, too.
func (w *world) click(who, action string, reason ...string) step {
	w.T.Helper()
	return w.clickAt(w.newest().state.Round, who, action, reason...)
}

func (w *world) clickAt(round int, who, action string, reason ...string) step {
	w.T.Helper()
	cmd := workflows.Command{Workflow: w.newest().id, Name: "transfer." + action, Actor: person(who), Round: round}
	st := w.do(cmd)
	if st.reply.Modal == nil || len(reason) == 0 {
		return st
	}
	return w.submit(who, action, st.reply.Modal.Round, reason[0])
}

// submit sends the form that a click opened.
func (w *world) submit(who, action string, round int, text string) step {
	w.T.Helper()
	field := BlockReason
	if action == "settle" {
		field = BlockChecklist
	}
	return w.do(workflows.Command{Workflow: w.newest().id, Name: "transfer." + action, Actor: person(who), Round: round,
		Submitted: true,
		Input:     map[string]string{field: text}})
}

// Outcomes of a delivery that a test can choose.
const (
	delivered   = ""       // as the outside is
	lost        = "lost"   // done there, but the answer never came: it is delivered again
	failedClean = "failed" // given up, nothing happened there
	failedDirty = "unsure" // given up, yet it happened there
)

// deliver brings the first call in the queue to integrator.io and its answer back.
func (w *world) deliver(outcome string) step {
	w.T.Helper()
	if len(w.queue) == 0 {
		w.T.Fatalf("no call is waiting")
	}
	e := w.queue[0]
	var r *workflows.Receipt
	switch {
	case e.Call.Op == workflows.OpTell:
		w.queue = w.queue[1:]
		return w.do(workflows.Command{ID: "tell/" + e.ID, Workflow: e.Call.ID, Name: e.Call.Command,
			Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound})
	case outcome == failedClean:
		r = &workflows.Receipt{Failed: true, Code: workflows.FailedDeadline}
	case outcome == failedDirty:
		w.out.perform(*e.Call, w.Now, w.Policy.Token)
		r = &workflows.Receipt{Failed: true, Code: workflows.FailedDeadline}
	case strings.HasPrefix(outcome, "refused "):
		code, words, _ := strings.Cut(strings.TrimPrefix(outcome, "refused "), " ")
		r = &workflows.Receipt{Refused: true, Code: code, Message: words}
	case w.away:
		return step{run: w.find(e.Workflow)}
	default:
		r = w.out.perform(*e.Call, w.Now, w.Policy.Token)
		if outcome == lost {
			return step{run: w.find(e.Workflow)}
		}
	}
	w.queue = w.queue[1:]
	st := w.receive(e, *r, "receipt/"+e.ID)
	if end := st.run.state.End; outcome == delivered && e.Call.Op == workflows.OpRemoveAccess && end != nil &&
		end.TookBack != nil {
		if u := w.out.user(e.Call.Email); end.TookBack.OK != (u == nil) {
			w.T.Fatalf("the card says that what was given is taken back: %v; %s is %+v", end.TookBack.OK, e.Call.Email,
				u)
		}
	}
	return st
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
		if n > 100 {
			w.T.Fatalf("calls beget calls without end: %s", machinetest.Encode(w.T, w.queue[0]))
		}
		out = append(out, w.deliver(delivered))
	}
	return out
}

// poll looks once with every watch.
func (w *world) poll() []step {
	w.T.Helper()
	var out []step
	for _, r := range w.runs {
		for _, watch := range r.view.Watches {
			if w.away {
				continue
			}
			receipt := w.out.perform(watch.Call, w.Now, w.Policy.Token)
			if receipt == nil || receipt.Reading != nil && receipt.Reading.Mark() == watch.Call.Known {
				continue
			}
			e := &workflows.Effect{ID: r.id + "/" + watch.Name, Workflow: r.id, Call: &watch.Call}
			out = append(out, w.receive(e, *receipt, fmt.Sprintf("watch/%d", w.commands)))
		}
	}
	return out
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
		if still.Name == t.Name && still.At.Equal(t.At) {
			w.T.Fatalf("timer %s fired in stage %s and is wanted again at the same time", t.Name, r.state.Stage)
		}
	}
	return st
}

// delegate records a delegation and tells the transfers that wait for the giver, as the desk does.
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

// card is a person's main card in the newest transfer.
func (w *world) card(who string) (workflows.Card, bool) {
	for _, c := range w.newest().view.Cards {
		if c.Name == cardMain && c.Recipient == machinetest.UserID(who) {
			return c, true
		}
	}
	return workflows.Card{}, false
}

// actions are the buttons on a person's card, without the machine's name.
func (w *world) actions(who string) []string {
	c, _ := w.card(who)
	var out []string
	for _, b := range c.Buttons {
		out = append(out, strings.TrimPrefix(b.Action, "transfer."))
	}
	return out
}

var date = regexp.MustCompile(`<!date\^(\d+)\^([^|>]*)\|[^>]*>`)

// read is how a person reads a text: names for mentions, UTC for dates.
func (w *world) read(text string) string {
	text = strings.ReplaceAll(text, workflows.Slash, "/io")
	text = date.ReplaceAllStringFunc(text, func(m string) string {
		p := date.FindStringSubmatch(m)
		var unix int64
		fmt.Sscan(p[1], &unix)
		at := time.Unix(unix, 0).UTC()
		if strings.HasPrefix(p[2], "{time}") {
			return at.Format("15:04")
		}
		return at.Format("Mon 2 Jan, 15:04")
	})
	return workflows.Plain(text, func(id string) string { return w.People[id].Name })
}
