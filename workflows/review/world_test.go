package review

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// world is everything around the machines of a review, in memory and without concurrency: what
// desk, clock, courier, Slack, integrator.io and the access workflows do, in the order a test
// wants. Each command is checked against what must hold always (see check).
type world struct {
	t           failer
	now         time.Time
	commands    int
	policy      workflows.Policy
	people      map[string]workflows.Person
	delegations []approvals.Delegation
	account     workflows.AccountState
	runs        map[string]*run
	order       []string
	queue       []workflows.Call // what is on its way to integrator.io or to another workflow
	sent        []workflows.Call // everything that ever went into the queue
	opened      map[string]workflows.Call
	users       map[string][]workflows.User // by environment
	last        workflows.Reply
	first       func(due []workflows.Timer) int // which of the timers that are due together fires first; nil: the first
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

type run struct {
	id      string
	machine workflows.Machine
	state   workflows.State
	events  []workflows.Event
}

const (
	day      = 24 * time.Hour
	mailbox  = "celigo@acme.example"
	campaign = "r%02d-acme-2026q4"
)

// tuesday is when the stories begin: in the fourth quarter, at work.
var tuesday = time.Date(2026, 10, 6, 9, 14, 0, 0, time.UTC)

func newWorld(t failer) *world {
	w := &world{t: t, now: tuesday, people: map[string]workflows.Person{}, runs: map[string]*run{},
		opened: map[string]workflows.Call{}, users: map[string][]workflows.User{}}
	for _, name := range []string{"Ana", "Ben", "Cat", "Dee", "Jane", "Eve", "Aud"} {
		w.meet(name, "")
	}
	w.meet("Gus", workflows.StandingGuest)
	w.policy = workflows.Policy{ID: "acme", Name: "Acme Production", Owner: "jane@acme.example",
		Admins: []string{"UDEE"}, Auditors: []string{"UAUD"}, Channel: "COPS", Token: true,
		Aliases: []workflows.Alias{{Email: mailbox, Holders: []string{"UANA", "UBEN", "UCAT"},
			Custodians: []string{"UANA"}, Vault: "IT vault"}},
		Review: workflows.ReviewPolicy{Every: workflows.EveryQuarter, Starts: workflows.Starts{Nth: 1,
			Weekday: time.Monday}, Zone: "UTC", Window: 14 * day, Grace: 7 * day,
			Reviewers: []string{"UDEE", "UANA"}, RemindEvery: 7 * day, RemindBefore: []time.Duration{3 * day, day, 0},
			OverdueEvery: day, From: 9 * time.Hour, To: 17 * time.Hour,
			Days: [7]bool{false, true, true, true, true, true, false}, Escalate: []time.Duration{7 * day, 10 * day},
			InactiveAfter: 90 * day, InactivePrivilegedAfter: 30 * day,
			ExemptNew: 30 * day, NoAnswer: population.Keep, FixWithin: 5 * day, FixPrivilegedWithin: day},
		Access: workflows.AccessPolicy{Environments: []workflows.Environment{{Name: "Sandbox", Token: true},
			{Name: "Old"}}}}
	w.account = workflows.AccountState{ID: "acme", Owner: "jane@acme.example", By: "configuration"}
	w.users[""] = []workflows.User{
		w.user("ana@acme.example", workflows.RoleAdministrator, 2),
		w.user("dee@acme.example", workflows.RoleAdministrator, 1),
		w.user("eve@acme.example", workflows.RoleManage, 120), w.user("kim@partner.example", workflows.RoleMonitor, 3),
		w.user("lou@acme.example", workflows.RoleMonitor, 3), w.user("max@acme.example", workflows.RoleMonitor, 4),
		w.user("ned@acme.example", workflows.RoleManage, 5)}
	w.users["Sandbox"] = []workflows.User{w.user("eve@acme.example", workflows.RoleMonitor, 6),
		w.user("dee@acme.example", workflows.RoleAdministrator, 6)}
	return w
}

// user is an accepted user of a year, who signed in some days ago.
func (w *world) user(email, role string, signedIn int) workflows.User {
	return workflows.User{ID: "a-" + email, Email: email, Name: strings.ToUpper(email[:1]) + email[1:3], Role: role,
		Status: workflows.UserAccepted, MFA: true,
		LastHere: w.now.Add(-time.Duration(signedIn) * day), LastAny: w.now.Add(-time.Duration(signedIn) * day),
		Since: w.now.Add(-400 * day), Via: "existing_account_invite"}
}

func (w *world) meet(name, standing string) {
	id := "U" + strings.ToUpper(name)
	w.people[id] = workflows.Person{ID: id, Team: "TACME", Name: name, Email: strings.ToLower(name) + "@acme.example",
		EmailConfirmed: true, TimeZone: "UTC", Standing: standing}
}

func (w *world) campaignID() string { return fmt.Sprintf(campaign, workflows.ShardOf("acme", 16)) }

// facts answers what the machine says it needs, and nothing else.
func (w *world) facts(n workflows.Needs) workflows.Facts {
	f := workflows.Facts{Policy: w.policy, Shards: 16, Account: w.account, People: map[string]workflows.Person{},
		Groups: map[string][]string{}, ByEmail: map[string]string{}}
	for _, id := range slices.Concat(n.People, n.Delegations) {
		p, known := w.people[id]
		if !known {
			p = workflows.Person{ID: id, Standing: workflows.StandingUnknown}
		}
		f.People[id] = p
	}
	for _, g := range w.delegations {
		if slices.Contains(n.Delegations, g.From) {
			f.Delegations = append(f.Delegations, g)
			f.People[g.To] = w.people[g.To]
		}
	}
	return f
}

func machineOf(id string) workflows.Machine {
	switch id[0] {
	case 'r':
		return Campaign{}
	case 'p':
		return Packet{}
	case 'k':
		return Calendar{}
	}
	return nil
}

// do gives one command, as the desk would.
func (w *world) do(cmd workflows.Command) error {
	w.t.Helper()
	w.commands++
	if cmd.ID == "" {
		cmd.ID = "c" + strconv.Itoa(w.commands)
	}
	cmd.At, cmd.Account = w.now, "acme"
	m := machineOf(cmd.Workflow)
	if m == nil {
		w.t.Fatalf("no machine for %q", cmd.Workflow)
	}
	r := w.runs[cmd.Workflow]
	opening := cmd.Name == m.Name()+".request"
	if r == nil && !opening || r != nil && opening {
		return workflows.ErrNoWorkflow
	}
	if r == nil {
		r = &run{id: cmd.Workflow, machine: m, state: m.New()}
	}
	if cmd.Timer != nil && !slices.ContainsFunc(m.View(r.state).Timers, func(t workflows.Timer) bool {
		return t.Name == cmd.Timer.Name && t.At.Equal(cmd.Timer.At)
	}) {
		return nil
	}
	look := w.commands%10 == 1 // comparing costs more than deciding
	var before []byte
	if look {
		before = encode(w.t, r.state)
	}
	d, err := m.Decide(r.state, cmd, w.facts(m.Needs(r.state, cmd, w.policy, w.account)))
	if look && !bytes.Equal(before, encode(w.t, r.state)) {
		w.t.Fatalf("%s: deciding changed the state", cmd.Name)
	}
	w.last = d.Reply
	if err != nil {
		var refused *workflows.Refusal
		if !errors.As(err, &refused) || refused.Text == "" {
			w.t.Fatalf("%s: %v", cmd.Name, err)
		}
		w.last = workflows.Reply{Text: refused.Text}
		return err
	}
	was := r.state
	for _, e := range d.Events {
		e.Seq = uint64(len(r.events)) + 1
		if r.state, err = m.Apply(r.state, e); err != nil {
			w.t.Fatalf("apply %s: %v", e.Type, err)
		}
		r.events = append(r.events, e)
		if m.Tell(e) == "" {
			w.t.Fatalf("%s is not told", e.Type)
		}
	}
	if len(r.events) > 0 && w.runs[r.id] == nil {
		w.runs[r.id], w.order = r, append(w.order, r.id)
	}
	for _, e := range d.Account {
		if w.account, err = workflows.ApplyAccount(w.account, e); err != nil {
			w.t.Fatalf("apply %s: %v", e.Type, err)
		}
	}
	w.queue, w.sent = append(w.queue, d.Calls...), append(w.sent, d.Calls...)
	w.check(r, was, cmd)
	return nil
}

func encode(t failer, v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return raw
}

// click is a person's click on a card or inside a form.
func (w *world) click(who, action, id string, in map[string]string, page int) error {
	w.t.Helper()
	cmd := workflows.Command{Workflow: id, Name: action, Actor: workflows.Actor{Kind: workflows.ByPerson,
		ID: "U" + strings.ToUpper(who), Team: "TACME"}, Round: workflows.NoRound, Input: in, Page: page}
	if r := w.runs[id]; r != nil {
		cmd.Round = round(r.state)
		if p, packet := r.state.(PacketState); packet && (in != nil || action == FormPacket) && action != ActReassign {
			cmd.Round = p.Edits // as its form carries
		}
		if c, campaign := r.state.(CampaignState); campaign && in != nil {
			cmd.Round = c.Edits
		}
	}
	if in != nil {
		cmd.View, cmd.Submitted = "V1", action == FormPacket || action == ActReassign || action == ActImport ||
			action == ActDelegates
	}
	return w.do(cmd)
}

func round(s workflows.State) int {
	switch s := s.(type) {
	case CampaignState:
		return s.Round
	case PacketState:
		return s.Round
	}
	return 0
}

func (w *world) start(who string) error {
	w.t.Helper()
	name := StartCampaign
	if r := w.runs[w.campaignID()]; r != nil && r.state.(CampaignState).Phase == CampaignCancelled {
		name = StartAgain
	}
	return w.do(workflows.Command{Workflow: w.campaignID(), Name: name, Submitted: true,
		Input: map[string]string{"period": "2026q4"}, Round: workflows.NoRound,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U" + strings.ToUpper(who), Team: "TACME"}})
}

// deliver carries the n-th call that is on its way; twice says that its answer was lost once.
func (w *world) deliver(n int, twice bool) {
	w.t.Helper()
	call := w.queue[n]
	w.queue = slices.Delete(slices.Clone(w.queue), n, n+1)
	times := 1
	if twice {
		times = 2
	}
	w.commands++
	id := "d" + strconv.Itoa(w.commands)
	for range times {
		switch {
		case call.Op == workflows.OpCensus:
			if r := w.runs[w.campaignID()]; r != nil {
				w.answer(call, id)
			}
		case call.Command == "access.request":
			if was, known := w.opened[call.ID]; known && !reflect.DeepEqual(was, call) {
				w.t.Fatalf("%s was opened for two things", call.ID)
			}
			w.opened[call.ID] = call
		case workflows.HasLetter(call.ID, workflows.LetterFinding), call.Command == workflows.AccessKept.Command:
			// what a finding or a request makes of it is theirs
		default:
			_ = w.do(workflows.Command{ID: id, Workflow: call.ID, Name: call.Command, Input: call.Input,
				Submitted: true, Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound})
		}
	}
}

// answer is integrator.io's list of users.
func (w *world) answer(call workflows.Call, id string) {
	w.t.Helper()
	r := workflows.Receipt{Op: call.Op, Effect: id, Environment: call.Environment, OK: true}
	users, there := w.users[call.Environment]
	if !there {
		r = workflows.Receipt{Op: call.Op, Effect: id, Environment: call.Environment, Refused: true,
			Code: workflows.RefusedForbidden}
	} else {
		body := encode(w.t, users)
		r.Census = &workflows.Census{At: w.now, Users: users,
			Pages: []workflows.RawPage{{Request: "GET /v1/ashares", Status: 200, Count: len(users), SHA256: "00",
				Body: body}}}
	}
	_ = w.do(workflows.Command{ID: id, Workflow: w.campaignID(), Name: workflows.CmdReceipt,
		Actor: workflows.Actor{Kind: workflows.ByIntegrator}, Receipt: &r, Round: workflows.NoRound})
}

// drain delivers everything that is on its way.
func (w *world) drain() {
	w.t.Helper()
	for len(w.queue) > 0 {
		w.deliver(0, false)
	}
}

// wait lets time pass, with everything that becomes due on the way.
func (w *world) wait(d time.Duration) {
	w.t.Helper()
	end := w.now.Add(d)
	for range 1000 {
		next, id, timer := w.nextTimer()
		if timer == nil || next.After(end) {
			break
		}
		if next.After(w.now) {
			w.now = next
		}
		was := len(w.runs[id].events)
		if err := w.do(workflows.Command{Workflow: id, Name: workflows.CmdTimer, Timer: timer,
			Actor: workflows.Actor{Kind: workflows.ByTimer}, Round: workflows.NoRound}); err != nil {
			w.t.Fatalf("timer %s: %v", timer.Name, err)
		}
		if len(w.runs[id].events) == was {
			w.t.Fatalf("timer %s of %s changed nothing: it would stay due for ever", timer.Name, id)
		}
		w.drain()
	}
	w.now = end
}

// nextTimer answers what fires next: of all that is due now, or else at the next moment at which anything is, one.
func (w *world) nextTimer() (at time.Time, id string, timer *workflows.Timer) {
	var all []workflows.Timer
	for _, wf := range w.order {
		r := w.runs[wf]
		for _, t := range r.machine.View(r.state).Timers {
			t.Workflow = wf
			all = append(all, t)
		}
	}
	if len(all) == 0 {
		return time.Time{}, "", nil
	}
	slices.SortStableFunc(all, func(a, b workflows.Timer) int { return a.At.Compare(b.At) })
	until := all[0].At
	if until.Before(w.now) {
		until = w.now
	}
	n := 0
	if w.first != nil {
		if far := slices.IndexFunc(all, func(t workflows.Timer) bool { return t.At.After(until) }); far >= 0 {
			all = all[:far]
		}
		n = w.first(all)
	}
	t := workflows.Timer{Name: all[n].Name, At: all[n].At}
	return t.At, all[n].Workflow, &t
}

// packets are the states of all packets, in the order they were opened.
func (w *world) packets() []PacketState {
	var out []PacketState
	for _, id := range w.order {
		if p, ok := w.runs[id].state.(PacketState); ok {
			out = append(out, p)
		}
	}
	return out
}

func (w *world) state() CampaignState { return w.runs[w.campaignID()].state.(CampaignState) }

// packet is the one that a person reviews now.
func (w *world) packet(who string) PacketState {
	w.t.Helper()
	for _, p := range w.packets() {
		if slices.Contains(p.Reviewers, "U"+strings.ToUpper(who)) {
			return p
		}
	}
	w.t.Fatalf("%s reviews nothing", who)
	return PacketState{}
}

// fix tells a packet what an access workflow would.
func (w *world) fix(accessID, state, how, who string) {
	w.t.Helper()
	call := w.opened[accessID]
	in := map[string]string{"row": call.Input["row"], "access_id": accessID, "state": state, "how": how, "who": who,
		"before": "before", "after": "after", "at": w.now.Format(time.RFC3339)}
	if state == population.FixFailed {
		in["why"] = "it was refused"
	}
	_ = w.do(workflows.Command{Workflow: call.Input["packet"], Name: PacketFixed, Input: in, Submitted: true,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound})
}

// openFixes lists the access workflows of remedies that are not verified, the newest try of each.
func (w *world) openFixes() []string {
	var out []string
	for _, p := range w.packets() {
		for _, f := range p.Fixes {
			if _, known := w.opened[f.Access]; known && f.State != population.FixVerified {
				out = append(out, f.Access)
			}
		}
	}
	return out
}
