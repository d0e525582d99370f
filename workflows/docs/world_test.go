package docs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/keyring"
)

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world is one account's page, in memory: what desk and courier do, in the order that a test wants.
type world struct {
	t      failer
	now    time.Time
	n      int
	policy workflows.Policy
	people map[string]workflows.Person
	state  State
	events []workflows.Event
	view   workflows.View
}

type did struct {
	reply  string
	err    error
	events []workflows.Event
}

var monday = time.Date(2026, 11, 23, 9, 14, 0, 0, time.UTC)

// newWorld: Dee and Eve administer; Ana holds the mailbox.
func newWorld(t failer) *world {
	w := &world{t: t, now: monday, people: map[string]workflows.Person{}}
	for _, name := range []string{"Ana", "Dee", "Eve"} {
		id := "U" + strings.ToUpper(name)
		w.people[id] = workflows.Person{ID: id, Name: name}
	}
	w.policy = workflows.Policy{ID: "acme", Name: "Acme Production", Customer: "Acme", Channel: "COPS",
		Admins:  []string{"UDEE", "UEVE"},
		Aliases: []workflows.Alias{{Email: "celigo@acme.example", Holders: []string{"UANA"}}}}
	return w
}

func encode(t failer, x any) []byte {
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return raw
}

func (w *world) do(cmd workflows.Command) did {
	w.t.Helper()
	w.n++
	cmd.ID, cmd.Workflow, cmd.Account, cmd.At, cmd.Round = fmt.Sprintf("c%d", w.n), "c01-00000001", "acme", w.now,
		workflows.NoRound
	m := Machine()
	n := m.Needs(w.state, cmd, w.policy, workflows.AccountState{})
	f := workflows.Facts{Policy: w.policy, People: map[string]workflows.Person{}}
	for _, id := range n.People {
		p, known := w.people[id]
		if !known {
			p = workflows.Person{ID: id, Standing: workflows.StandingUnknown}
		}
		f.People[id] = p
	}
	was := encode(w.t, w.state)
	d, err := m.Decide(w.state, cmd, f)
	if !bytes.Equal(was, encode(w.t, w.state)) {
		w.t.Fatalf("%s: deciding changed the state", cmd.Name)
	}
	out := did{reply: d.Reply.Text, err: err, events: d.Events}
	if err != nil {
		return out
	}
	var state workflows.State = w.state
	for _, e := range d.Events {
		if state, err = m.Apply(state, e); err != nil {
			w.t.Fatalf("apply %s: %v", e.Type, err)
		}
		if text := m.Tell(e); text == "" || strings.Contains(text, "%!") {
			w.t.Fatalf("%s is told as %q", e.Type, text)
		}
	}
	back, err := m.Decode(encode(w.t, state))
	if err != nil {
		w.t.Fatalf("the state changes by being stored: %v", err)
	}
	w.state, w.events, w.view = back.(State), append(w.events, d.Events...), m.View(back)
	return out
}

func (w *world) person(who, name string) did {
	if name == Publish && !w.state.Opened() {
		name = Request
	}
	return w.do(workflows.Command{Name: name, Actor: workflows.Actor{Kind: workflows.ByPerson,
		ID: "U" + strings.ToUpper(who)}, Submitted: true})
}

// reads gives what the watch learned: facts as "Label: text", one that begins with ! is restricted.
func (w *world) reads(texts ...string) did {
	var facts []keyring.Fact
	for _, t := range texts {
		label, text, _ := strings.Cut(strings.TrimPrefix(t, "!"), ": ")
		facts = append(facts, keyring.Fact{Key: label, Label: label, Text: text, Restricted: strings.HasPrefix(t, "!")})
	}
	raw := encode(w.t, facts)
	return w.receipt(workflows.Page{Mark: fmt.Sprintf("%x", raw), Body: raw})
}

func (w *world) receipt(p workflows.Page) did {
	return w.do(workflows.Command{Name: workflows.CmdReceipt, Actor: workflows.Actor{Kind: workflows.ByIntegrator},
		Receipt: &workflows.Receipt{Op: workflows.OpPage, OK: true, Page: &p}})
}

func (w *world) found(at workflows.PageStands) did {
	in := map[string]string{BlockCard: at.Card, BlockBy: at.By, BlockEdit: at.Edit}
	if at.Gone {
		in[BlockGone] = "yes"
	}
	return w.do(workflows.Command{Name: Found, Actor: workflows.Actor{Kind: workflows.BySlack}, Input: in})
}

func (w *world) card(name, recipient string) (workflows.Card, bool) {
	i := slices.IndexFunc(w.view.Cards, func(c workflows.Card) bool {
		return c.Name == name && c.Recipient == recipient
	})
	if i < 0 {
		return workflows.Card{}, false
	}
	return w.view.Cards[i], true
}

func (w *world) read(text string) string {
	return workflows.Plain(text, func(id string) string { return w.people[id].Name })
}

func (d did) code() string {
	var r *workflows.Refusal
	if errors.As(d.err, &r) {
		return r.Code
	}
	return ""
}
