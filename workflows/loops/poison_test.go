package loops_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
)

// odd is a tally that stumbles where a test says so: in every workflow whose ID stands in poison.
type odd struct {
	tally
	letter byte
	poison map[string]bool
	decide func(cmd workflows.Command)          // before deciding
	apply  func(e workflows.Event) error        // before applying
	view   func()                               // before showing
	needs  func(cmd workflows.Command) []string // people to look up
	refuse func(cmd workflows.Command) error    // an answer instead of deciding
}

func (m odd) Letter() byte {
	if m.letter != 0 {
		return m.letter
	}
	return 'y'
}

func (m odd) Name() string {
	if m.letter != 0 {
		return "odd"
	}
	return "tally"
}

func (m odd) Needs(s workflows.State, cmd workflows.Command, p workflows.Policy,
	a workflows.AccountState) workflows.Needs {
	if m.needs != nil && m.poison[cmd.Workflow] {
		return workflows.Needs{People: m.needs(cmd)}
	}
	return m.tally.Needs(s, cmd, p, a)
}

func (m odd) Decide(s workflows.State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if m.poison[cmd.Workflow] && m.decide != nil {
		m.decide(cmd)
	}
	if m.poison[cmd.Workflow] && m.refuse != nil {
		if err := m.refuse(cmd); err != nil {
			return workflows.Decision{}, err
		}
	}
	if cmd.Name == "odd.request" {
		cmd.Name = "tally.request"
	}
	return m.tally.Decide(s, cmd, f)
}

func (m odd) Apply(s workflows.State, e workflows.Event) (workflows.State, error) {
	if id := s.(tallyState).ID; m.poison[id] && m.apply != nil {
		if err := m.apply(e); err != nil {
			return s, err
		}
	}
	return m.tally.Apply(s, e)
}

func (m odd) View(s workflows.State) workflows.View {
	if m.poison[s.(tallyState).ID] && m.view != nil {
		m.view()
	}
	return m.tally.View(s)
}

// strange opens a workflow of a machine that r's own desk does not know, with a call.
func (r *road) strange(d *loops.Desk, op string) string {
	r.t.Helper()
	id, err := d.NewWorkflowID("odd", "acme", "T0", "strange")
	if err != nil {
		r.t.Fatal(err)
	}
	for _, cmd := range []workflows.Command{{Name: "odd.request", Account: "acme"},
		{Name: "tally.call", Input: map[string]string{"op": op}}} {
		cmd.ID, cmd.Workflow, cmd.At, cmd.Round, cmd.Actor = cmd.Name, id, r.clock(), workflows.NoRound,
			workflows.Actor{Kind: workflows.ByKeyholder}
		if _, err := d.Do(context.Background(), cmd); err != nil {
			r.t.Fatal(err)
		}
	}
	return id
}

// TestOnePoisonedItemStarvesNoQueue puts something that cannot be done in front of an account's
// queue and looks whether what stands behind it is done.
func TestOnePoisonedItemStarvesNoQueue(t *testing.T) {
	receipts := func(do func()) func(workflows.Command) {
		return func(cmd workflows.Command) {
			if cmd.Name == workflows.CmdReceipt {
				do()
			}
		}
	}
	stumble := func() { panic("bad luck") }
	for name, c := range map[string]struct {
		machine odd
		op      string
		deliver func() // when the poisoned call is made
		prepare func(r *road, id string)
		settled bool // nothing is left of it
	}{
		"a panic in Decide": {machine: odd{decide: receipts(stumble)}},
		"an event that cannot be folded": {machine: odd{apply: func(e workflows.Event) error {
			if e.Type == "answered" {
				return workflows.ErrUnknownEvent
			}
			return nil
		}}},
		"a panic in View":       {machine: odd{view: stumble}, prepare: func(*road, string) {}},
		"a panic in a delivery": {deliver: stumble},
		"a receipt without taker": {settled: true, machine: odd{refuse: func(cmd workflows.Command) error {
			if cmd.Name == workflows.CmdReceipt {
				return workflows.Refuse("closed", "It is over. Nothing was recorded. Ask anew.")
			}
			return nil
		}}},
		"people who cannot be looked up": {machine: odd{needs: func(cmd workflows.Command) []string {
			if cmd.Name == workflows.CmdReceipt {
				return []string{"U0GONE"}
			}
			return nil
		}}},
		"an operation that nobody knows": {op: "brew_coffee"},
		"an effect that is no JSON":      {prepare: func(r *road, _ string) { r.server.HSet(r.ioQueue(), "e:1", "{") }},
		"an effect of an unknown kind": {prepare: func(r *road, _ string) {
			r.server.HSet(r.ioQueue(), "e:1", strings.Replace(r.server.HGet(r.ioQueue(), "e:1"), `"kind":"call"`,
				`"kind":"song"`, 1))
		}},
		"a state of a newer schema": {prepare: func(r *road, id string) {
			r.server.HSet(fmt.Sprintf("kh:{%02d}:record:workflow/%s", workflows.ShardOf("acme", 4), id), "schema", "9")
		}},
		"a state that is no JSON": {machine: odd{}, prepare: func(r *road, id string) {
			r.server.HSet(fmt.Sprintf("kh:{%02d}:record:workflow/%s", workflows.ShardOf("acme", 4), id), "state", "{")
		}},
		"events that are gone": {prepare: func(r *road, id string) {
			r.server.Del(fmt.Sprintf("kh:{%02d}:events:workflow/%s", workflows.ShardOf("acme", 4), id))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.machine.poison = map[string]bool{}
			r := newRoad(t, c.machine)
			r.look = func(_ context.Context, ids []string) error {
				if ids[0] == "U0GONE" {
					return fmt.Errorf("look up %s: %w", ids[0], workflows.ErrAway)
				}
				return nil
			}
			bad, good := r.open("bad"), r.open("good")
			op := workflows.OpInviteUser
			if c.op != "" {
				op = c.op
			}
			r.ask(bad, op, nil)
			r.forward(time.Millisecond)
			r.ask(good, workflows.OpSetRole, nil)
			if c.prepare != nil {
				c.prepare(r, bad)
			}
			c.machine.poison[bad] = true
			calls := onlyCalls(func(_ int, claim workflows.Claim, _ workflows.Lease) workflows.Outcome {
				if claim.Effect.Workflow == bad && c.deliver != nil {
					c.deliver()
				}
				return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
			})
			l := r.courier(r.Desk, &script{do: done}, calls, r.later())
			r.run(l.Run, func() bool { return len(r.state(good).Answers) == 1 })
			if n := l.count(loops.NoteAside); (n > 0) == c.settled {
				t.Errorf("%d set aside", n)
			}
			if dropped := l.count(loops.NoteDropped); dropped != 0 {
				t.Errorf("%d dropped", dropped)
			}
		})
	}
}

func (r *road) ioQueue() string {
	return fmt.Sprintf("kh:{%02d}:queue:io/acme", workflows.ShardOf("acme", 4))
}

// TestAnOlderVersionLeavesWhatItDoesNotUnderstand runs an older version beside what a newer one stored.
func TestAnOlderVersionLeavesWhatItDoesNotUnderstand(t *testing.T) {
	for name, newer := range map[string]func(r *road) (d *loops.Desk, id string){
		"another machine": func(r *road) (*loops.Desk, string) {
			d := r.desk(tally{}, odd{letter: 'o'})
			return d, r.strange(d, workflows.OpInviteUser)
		},
		"a newer schema": func(r *road) (*loops.Desk, string) {
			id := r.open("bad")
			r.ask(id, workflows.OpInviteUser, nil)
			d := r.desk(tally{schema: 2})
			if _, err := d.Do(context.Background(), workflows.Command{ID: "c", Workflow: id, Name: "tally.count",
				At: r.clock(), Round: 1,
				Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U0ANA"}}); err != nil {
				r.t.Fatal(err)
			}
			return d, id
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoad(t)
			d, id := newer(r)
			r.forward(time.Millisecond)
			good := r.open("good")
			r.ask(good, workflows.OpSetRole, nil)
			calls := onlyCalls(func(_ int, c workflows.Claim, _ workflows.Lease) workflows.Outcome {
				return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
			})
			var mu sync.Mutex
			shown := map[string]int{}
			cards := &script{do: func(n int, c workflows.Claim, l workflows.Lease) workflows.Outcome {
				mu.Lock()
				shown[c.Effect.Workflow]++
				mu.Unlock()
				return done(n, c, l)
			}}
			old := r.courier(r.Desk, cards, calls, nil)
			r.run(old.Run, func() bool {
				return len(r.state(good).Answers) == 1 && old.count(loops.NoteAside) >= 2
			})
			r.forward(time.Hour)
			r.run(r.timekeeper().Run, func() bool { return r.state(good).Due == 1 })
			answers := func() int { s := r.state(id); return len(s.Answers) + s.Due }
			if n := answers(); n != 0 || shown[id] != 0 {
				t.Fatalf("the older version decided %d times, showed %d cards", n, shown[id])
			}
			if n := old.count(loops.NoteDropped); n != 0 {
				t.Errorf("%d dropped", n)
			}
			// A week later somebody starts the newer version.
			week := func() time.Time { return time.Now().Add(7 * 24 * time.Hour) }
			late := r.courier(d, cards, calls, week)
			r.run(late.Run, func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(r.state(id).Answers) == 1 &&
					shown[id] == 1
			})
			clock := r.clockOf(d, week)
			r.run(clock.Run, func() bool { return r.state(id).Due == 1 })
		})
	}
}

func TestATimerThatCannotBeDecidedHoldsUpNoOther(t *testing.T) {
	m := odd{poison: map[string]bool{}, decide: func(workflows.Command) { panic("bad luck") }}
	r := newRoad(t, m)
	var bad []string
	for i := range 100 {
		bad = append(bad, r.open(fmt.Sprint("bad", i)))
	}
	good := r.open("good")
	for _, id := range bad {
		m.poison[id] = true
	}
	r.forward(time.Hour)
	r.run(r.timekeeper().Run, func() bool { return r.state(good).Due == 1 })
	if n := r.fired(bad); n != 0 {
		t.Errorf("%d fired", n)
	}
	for _, id := range bad { // a version that can
		delete(m.poison, id)
	}
	r.run(r.clockOf(r.Desk, func() time.Time { return time.Now().Add(2 * time.Hour) }).Run, func() bool {
		return r.fired(bad) == len(bad)
	})
}

func TestWhatIsSetAsideComesBackInItsTurn(t *testing.T) {
	r := newRoad(t, tally{})
	id := r.open("a")
	r.ask(id, workflows.OpInviteUser, nil)
	e := map[string]any{}
	if err := json.Unmarshal([]byte(r.server.HGet(r.ioQueue(), "e:1")), &e); err != nil {
		t.Fatal(err)
	}
	// An older version set it aside; meanwhile more was decided.
	claims, err := r.store.ClaimEffects(context.Background(), time.Now(), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range claims {
		if c.Effect.Kind == workflows.EffectCall {
			if err := r.store.Finish(context.Background(), c, workflows.Finish{Move: "aside/" + c.Effect.ID,
				Failed: true}); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.forward(time.Millisecond)
	r.ask(id, workflows.OpSetRole, nil)
	var mu sync.Mutex
	flying, most := 0, 0
	calls := onlyCalls(func(int, workflows.Claim, workflows.Lease) workflows.Outcome {
		mu.Lock()
		flying++
		most = max(most, flying)
		mu.Unlock()
		time.Sleep(20 * time.Millisecond) // a call takes its time
		mu.Lock()
		flying--
		mu.Unlock()
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
	})
	r.run(r.courier(r.Desk, &script{do: done}, calls, nil).Run, func() bool { return len(r.state(id).Answers) == 2 })
	if most != 1 {
		t.Errorf("%d calls of one account at once", most)
	}
}
