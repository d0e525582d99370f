package key

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

func TestMain(m *testing.M) { machinetest.Main(m, 60) }

const (
	mailbox = "celigo@acme.example"
	channel = "COPS"
	day     = 24 * time.Hour
)

// monday is when the stories begin.
var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// world is everything around the machines, without concurrency: desk, clock, courier, audit log and
// mailbox, in the order a test wants. Each command is checked against what must hold always.
type world struct {
	machinetest.Town
	commands int
	runs     []*run
	queue    []workflows.Call // not delivered yet
	from     map[int]string
	log      []workflows.SignIn // integrator.io's audit log of the owner
	hidden   map[string]bool    // entries that are not shown yet
	denied   string             // the code with which the log is refused
	letters  []map[string]string
	noMail   string // the code with which letters are refused
	alarms   []workflows.Alarm
	hooks    int
}

type run struct {
	id      string
	machine workflows.Machine
	state   workflows.State
	events  []workflows.Event
	folded  workflows.State // the fold of the events, which nothing else touched
	view    workflows.View
}

// newWorld has Ana, Ben and Cat as holders, Ana and Ben as custodians, Dee as administrator, Kim as a
// keeper who is no holder, Aud as auditor, Eve without a part.
func newWorld(t machinetest.Failer) *world {
	w := &world{Town: machinetest.Town{T: t, Now: monday}, hidden: map[string]bool{},
		from: map[int]string{}}
	w.Name("Ana", "Ben", "Cat", "Dee", "Kim", "Aud", "Eve")
	w.Policy = workflows.Policy{ID: "acme", Name: "Acme Production", Owner: mailbox, Admins: []string{"UDEE"},
		Auditors: []string{"UAUD"},
		Channel:  channel, Token: true, AlarmMail: true, AlarmHook: true, UIHost: "https://integrator.io",
		Aliases: []workflows.Alias{{Email: mailbox, Holders: []string{"UANA", "UBEN", "UCAT"},
			Custodians: []string{"UANA", "UBEN"}, Vault: "IT vault / Celigo owner"}},
		Key: workflows.KeyPolicy{For: []workflows.TimeBox{{Text: "1h", Length: time.Hour},
			{Text: "4h", Length: 4 * time.Hour}}, Quorum: 1,
			ApproveWithin: 4 * time.Hour, ExplainWithin: 3 * day, AnswerWithin: day, WatchEvery: 10 * time.Minute,
			DrillEvery:  90 * day,
			DrillWithin: 14 * day, Turn: day}}
	w.Account = workflows.AccountState{ID: "acme", Owner: mailbox, By: "configuration"}
	return w
}

func machines() map[byte]workflows.Machine {
	out := map[byte]workflows.Machine{}
	for _, m := range []workflows.Machine{Use(), Drill(), SignIns(), Watch()} {
		out[m.Letter()] = m
	}
	return out
}

func (w *world) find(id string) *run {
	for _, r := range w.runs {
		if r.id == id {
			return r
		}
	}
	return nil
}

// newest is the last workflow with one of the letters.
func (w *world) newest(letters string) *run {
	for _, r := range slices.Backward(w.runs) {
		if strings.ContainsRune(letters, rune(r.id[0])) {
			return r
		}
	}
	return nil
}

type answered struct {
	reply  workflows.Reply
	err    error
	events []workflows.Event
}

func (a answered) code() string {
	var r *workflows.Refusal
	if errors.As(a.err, &r) {
		return r.Code
	}
	return ""
}

// do is the desk.
func (w *world) do(cmd workflows.Command) answered {
	w.T.Helper()
	w.commands++
	if cmd.ID == "" {
		cmd.ID = fmt.Sprintf("c%d", w.commands)
	}
	cmd.At, cmd.Account = w.Now, w.Policy.ID
	m := machines()[cmd.Workflow[0]]
	r := w.find(cmd.Workflow)
	fresh := r == nil
	if fresh {
		if cmd.Name != m.Name()+".request" {
			return answered{err: workflows.ErrNoWorkflow}
		}
		r = &run{id: cmd.Workflow, machine: m, state: m.New(), folded: m.New()}
	} else if cmd.Name == m.Name()+".request" {
		return answered{err: workflows.ErrNoWorkflow}
	}
	d, err := machinetest.Decide(w.T, m, r.state, cmd, w.Facts(m.Needs(r.state, cmd, w.Policy, w.Account)))
	if err != nil {
		var refusal *workflows.Refusal
		if !errors.As(err, &refusal) {
			w.T.Fatalf("%s by %s: %v", cmd.Name, cmd.Actor.ID, err)
		}
		return answered{err: err}
	}
	if len(d.Events) == 0 {
		return answered{reply: d.Reply}
	}
	if fresh {
		w.runs = append(w.runs, r)
	}
	for _, e := range d.Events {
		e.Seq = uint64(len(r.events) + 1)
		r.state = machinetest.Apply(w.T, m, r.state, e)
		if r.folded, err = workflows.Apply(m, r.folded, e); err != nil {
			w.T.Fatalf("fold: %v", err)
		}
		r.events = append(r.events, e)
	}
	for _, e := range d.Account {
		if w.Account, err = workflows.ApplyAccount(w.Account, e); err != nil {
			w.T.Fatalf("apply %s: %v", e.Type, err)
		}
	}
	r.view = m.View(r.state)
	w.queue = append(w.queue, d.Calls...)
	for range d.Calls {
		w.from[len(w.from)] = r.id
	}
	w.check(r, d.Events)
	return answered{d.Reply, nil, d.Events}
}

// check is what holds after every command, which made these events.
func (w *world) check(r *run, made []workflows.Event) {
	w.T.Helper()
	raw, err := json.Marshal(r.state)
	if err != nil {
		w.T.Fatalf("encode: %v", err)
	}
	back, err := r.machine.Decode(raw)
	if err != nil {
		w.T.Fatalf("decode: %v", err)
	}
	for _, s := range []workflows.State{r.folded, back} {
		if again, _ := json.Marshal(s); !bytes.Equal(raw, again) {
			w.T.Fatalf("the state is not the fold of its events:\n%s\n%s", raw, again)
		}
		if !reflect.DeepEqual(encoded(r.machine.View(s)), encoded(r.view)) {
			w.T.Fatalf("the view of a state that was stored is another one")
		}
	}
	v, seen := r.view, map[string]bool{}
	if !r.state.Closed() && len(v.Timers) == 0 && len(v.Waiting) == 0 {
		w.T.Fatalf("%s in %s has neither a timer nor somebody it waits for", r.id, r.state.StageName())
	}
	if r.state.Closed() && len(v.Timers)+len(v.Waiting)+len(v.Watches) > 0 {
		w.T.Fatalf("%s is over and still waits", r.id)
	}
	for _, c := range v.Cards {
		if key := c.Name + "/" + c.Recipient; seen[key] {
			w.T.Fatalf("two cards %s", key)
		} else {
			seen[key] = true
		}
		if r.state.Closed() && len(c.Buttons) > 0 {
			w.T.Fatalf("the card of %s is over and has buttons", r.id)
		}
		if c.Title == "" || c.Fallback == "" || strings.Contains(c.Fallback, "<@") {
			w.T.Fatalf("card %s/%s: title %q, notification %q", c.Name, c.Recipient, c.Title, c.Fallback)
		}
		actions := map[string]bool{}
		for _, b := range c.Buttons {
			if actions[b.Action] {
				w.T.Fatalf("two buttons %s on one card", b.Action)
			}
			actions[b.Action] = true
		}
	}
	for _, e := range made {
		if text := r.machine.Tell(e); text == "" || strings.Contains(text, "cannot be read") || strings.Contains(text,
			"does not know") {
			w.T.Fatalf("%s is told as %q", e.Type, text)
		}
	}
}

func encoded(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}

// deliver carries out what waits, and what follows from it.
func (w *world) deliver() {
	w.T.Helper()
	for n := 0; len(w.queue) > 0; n++ {
		if n > 200 {
			w.T.Fatalf("calls never end")
		}
		call := w.queue[0]
		w.queue = w.queue[1:]
		from := w.from[0]
		for i := range len(w.from) - 1 {
			w.from[i] = w.from[i+1]
		}
		delete(w.from, len(w.from)-1)
		switch call.Op {
		case workflows.OpTell:
			a := w.do(workflows.Command{Workflow: call.ID, Name: call.Command, Input: call.Input, Submitted: true,
				Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound})
			if a.err != nil && a.code() == "" {
				w.T.Fatalf("%s told %s: %v", from, call.ID, a.err)
			}
		case workflows.OpLetter:
			w.receipt(from, w.letter(call))
		case workflows.OpSignIns:
			w.receipt(from, w.signIns(call))
		case workflows.OpAlarmMail:
			w.alarms = append(w.alarms, *call.Alarm)
		case workflows.OpAlarmHook:
			w.hooks++
		default:
			w.T.Fatalf("nobody carries out %s", call.Op)
		}
	}
}

func (w *world) receipt(id string, r workflows.Receipt) {
	w.T.Helper()
	w.do(workflows.Command{Workflow: id, Name: workflows.CmdReceipt,
		Actor: workflows.Actor{Kind: workflows.ByIntegrator}, Round: workflows.NoRound, Receipt: &r})
}

// letter sends the letter of a drill; its words are the holders' names turned round.
func (w *world) letter(call workflows.Call) workflows.Receipt {
	if w.noMail != "" {
		return workflows.Receipt{Op: call.Op, Refused: true, Code: w.noMail}
	}
	sent, hashes := map[string]string{}, map[string]workflows.WordHash{}
	for id, name := range call.Input {
		word := fmt.Sprintf("%s%dvakoli", reversed(strings.ToLower(name)), len(w.letters))
		sent[id] = word
		hashes[id] = workflows.MakeWordHash(id, word, []byte("0123456789abcdef"))
	}
	w.letters = append(w.letters, sent)
	return workflows.Receipt{Op: call.Op, OK: true, Letter: &workflows.Letter{Words: hashes}}
}

func reversed(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

func (w *world) signIns(call workflows.Call) workflows.Receipt {
	if w.denied != "" {
		return workflows.Receipt{Op: call.Op, Refused: true, Code: w.denied}
	}
	in := &workflows.SignIns{Since: call.Since, Until: w.Now}
	for _, e := range w.log {
		if !e.At.Before(call.Since) && !w.hidden[e.ID] {
			in.Entries = append(in.Entries, e)
		}
	}
	return workflows.Receipt{Op: call.Op, OK: true, SignIns: in}
}

// signIn is a sign-in of the owner, at integrator.io, off from now.
func (w *world) signIn(off time.Duration) workflows.SignIn {
	e := workflows.SignIn{ID: fmt.Sprintf("entry%03d", len(w.log)), At: w.Now.Add(off), Source: "ui"}
	w.log = append(w.log, e)
	return e
}

// poll looks once at every watch, as the courier does: only what is new becomes a command.
func (w *world) poll() {
	w.T.Helper()
	for _, r := range slices.Clone(w.runs) {
		for _, watch := range r.view.Watches {
			if got := w.signIns(watch.Call); got.SignIns == nil || got.SignIns.Mark() != watch.Call.Known {
				w.receipt(r.id, got)
			}
		}
	}
	w.deliver()
}

// wait lets time pass, timer by timer.
func (w *world) wait(d time.Duration) {
	w.T.Helper()
	end := w.Now.Add(d)
	idle := map[string]bool{} // timers that changed nothing: another of the same moment has to
	for range 1000 {
		var next workflows.Timer
		var of *run
		for _, r := range w.runs {
			for _, t := range r.view.Timers {
				if !t.At.After(end) && !idle[r.id+t.Name] && (of == nil || t.At.Before(next.At)) {
					next, of = t, r
				}
			}
		}
		if of == nil && len(idle) > 0 {
			w.T.Fatalf("timers were answered and stay: %v", idle)
		}
		if of == nil {
			w.Now = end
			return
		}
		if next.At.After(w.Now) {
			w.Now = next.At
		}
		a := w.do(workflows.Command{Workflow: of.id, Name: workflows.CmdTimer,
			Actor: workflows.Actor{Kind: workflows.ByTimer}, Round: workflows.NoRound, Timer: &next})
		if len(a.events) == 0 {
			idle[of.id+next.Name] = true
			continue
		}
		clear(idle)
		if slices.ContainsFunc(of.view.Timers, func(t workflows.Timer) bool {
			return t.Name == next.Name && t.At.Equal(next.At)
		}) {
			w.T.Fatalf("timer %s of %s was answered and stays", next.Name, of.id)
		}
		w.deliver()
	}
	w.T.Fatalf("timers never end")
}

// look has Keyholder look at policy and people, as at a start.
func (w *world) look() {
	w.T.Helper()
	id := workflows.NewID(workflows.LetterKeyWatch, "acme", 16, "keywatch")
	name := LookAgain
	if w.find(id) == nil {
		name = WatchRequest
	}
	w.do(workflows.Command{Workflow: id, Name: name, Actor: workflows.Actor{Kind: workflows.ByKeyholder},
		Round: workflows.NoRound, Submitted: true})
	w.deliver()
}

// ask gives an opening command by a person.
func (w *world) ask(name string, letter byte, who string, input map[string]string) answered {
	w.T.Helper()
	id := workflows.NewID(letter, "acme", 16, who, fmt.Sprint(w.commands))
	a := w.do(workflows.Command{Workflow: id, Name: name, Input: input, Submitted: true, Round: workflows.NoRound,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: machinetest.UserID(who), Team: "TACME"}})
	w.deliver()
	return a
}

// click presses a button, and sends the form that it opens when there is something to fill in.
func (w *world) click(r *run, who, action string, form map[string]string) answered {
	w.T.Helper()
	cmd := workflows.Command{Workflow: r.id, Name: action, Round: workflows.NoRound,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: machinetest.UserID(who), Team: "TACME"}}
	if asking, is := r.state.(workflows.Asking); is {
		cmd.Round = asking.CurrentRound()
	}
	a := w.do(cmd)
	if a.reply.Modal != nil && form != nil {
		cmd.Input, cmd.Submitted = form, true
		a = w.do(cmd)
	}
	w.deliver()
	return a
}

func (w *world) card(r *run, who, name string) (workflows.Card, bool) {
	to := machinetest.UserID(who)
	if who == "#" {
		to = channel
	}
	for _, c := range r.view.Cards {
		if c.Recipient == to && c.Name == name {
			return c, true
		}
	}
	return workflows.Card{}, false
}

// buttons are the actions of somebody's card, sorted.
func (w *world) buttons(r *run, who string) string {
	c, _ := w.card(r, who, cardMain)
	var out []string
	for _, b := range c.Buttons {
		out = append(out, b.Action)
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

func must(t *testing.T, a answered) answered {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	return a
}

func refusedAs(t *testing.T, a answered, code string) {
	t.Helper()
	if a.code() != code {
		t.Fatalf("answered %v (%q), want the refusal %s", a.err, a.reply.Text, code)
	}
}
