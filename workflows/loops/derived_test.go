package loops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/reach"
)

// shows is a tally that shows cards to three people and a channel, each with the count.
type shows struct{ tally }

func (c shows) View(st workflows.State) workflows.View {
	v := c.tally.View(st)
	s := st.(tallyState)
	v.Cards = nil
	for _, who := range []string{"U0ANA", "U0BEN", "U0CAT"} {
		v.Cards = append(v.Cards, workflows.Card{Name: "main", Recipient: who, Round: 1, Title: "Count",
			Fallback: "Count", Facts: s.By})
	}
	v.Cards = append(v.Cards, workflows.Card{Name: "note", Recipient: "U0ANA", Under: "main", Title: "Note",
		Fallback: "Note"},
		workflows.Card{Name: "main", Recipient: "C0OPS", Bulk: true, Title: "Count", Fallback: "Count", Facts: s.By})
	return v
}

// loop is a courier of which the test sees what it dropped and set aside.
type loop struct {
	*loops.Courier
	mu    sync.Mutex
	noted map[string]int
}

func (l *loop) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.noted[what]
}

// courier makes a courier of a desk. real is its real clock; nil: the machine's.
func (r *road) courier(d *loops.Desk, cards, calls workflows.Deliverer, real func() time.Time) *loop {
	if real == nil {
		real = time.Now
	}
	l := &loop{noted: map[string]int{}}
	l.Courier = loops.NewCourier(loops.CourierOptions{Store: r.store, Desk: d, Cards: cards, Calls: calls,
		Now: r.clock, RealNow: real, Log: zerolog.Nop(),
		Note: func(what string) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.noted[what]++
		}})
	return l
}

// idle reports whether nothing is queued but watches.
func (r *road) idle() bool {
	for _, k := range r.server.Keys() {
		if strings.Contains(k, ":queue:") && !strings.Contains(k, ":queue:watch/") {
			return false
		}
	}
	return true
}

func TestAnEffectThatNothingInTheRecordExplainsIsDropped(t *testing.T) {
	r := newRoad(t)
	id, other := r.open("a"), r.open("b")
	r.ask(id, workflows.OpInviteUser, nil) // event 2 decides one call
	var invited []string
	calls := onlyCalls(func(_ int, c workflows.Claim, _ workflows.Lease) workflows.Outcome {
		invited = append(invited, c.Effect.ID)
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
	})
	r.deliver(calls, r.idle)
	good := workflows.Effect{Kind: workflows.EffectCall, ID: id + "/2/0", Workflow: id, Account: "acme", Key: "io/acme",
		Made: r.clock(), Event: 2}
	forged := map[string]func(e *workflows.Effect){
		"answered already":        func(*workflows.Effect) {},
		"an event that never was": func(e *workflows.Effect) { e.Event, e.ID = 99, id+"/99/0" },
		"no event":                func(e *workflows.Effect) { e.Event = 0 },
		"an event without calls":  func(e *workflows.Effect) { e.Event, e.ID = 1, id+"/1/0" },
		"a call that it lacks":    func(e *workflows.Effect) { e.Index, e.ID = 1, id+"/2/1" },
		"a call before the first": func(e *workflows.Effect) { e.Index, e.ID = -1, id+"/2/-1" },
		"another ID":              func(e *workflows.Effect) { e.ID = id + "/2/7" },
		"another queue":           func(e *workflows.Effect) { e.Key = "io/other" },
		"a workflow that never was": func(e *workflows.Effect) {
			e.Workflow = strings.Replace(id, "y", "y", 1)[:4] + "ZZZZZZZZ"
		},
		"no workflow's ID": func(e *workflows.Effect) { e.Workflow = "nonsense" },
		"another's event":  func(e *workflows.Effect) { e.Workflow = other },
		"a watch nobody wants": func(e *workflows.Effect) {
			e.Kind, e.Watch, e.Key, e.Every = workflows.EffectWatch, "x", "watch/"+id+"/x", time.Second
		},
		"a watch of another name": func(e *workflows.Effect) {
			e.Kind, e.Watch, e.Key, e.Every = workflows.EffectWatch, "user", "watch/"+id+"/x", time.Second
		},
		"cards in another queue": func(e *workflows.Effect) {
			e.Kind, e.Key = workflows.EffectCards, "cards/"+other+"/0"
		},
	}
	before := len(invited)
	for name, edit := range forged {
		e := good
		edit(&e)
		if err := r.store.Store.Commit(context.Background(),
			workflows.Change{Workflow: id, Append: []workflows.Effect{e}}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		l := r.courier(r.Desk, &script{do: done}, calls, nil)
		r.run(l.Run, func() bool { return l.count(loops.NoteDropped) > 0 && r.idle() })
		if n := l.count(loops.NoteDropped); n != 1 {
			t.Errorf("%s: %d dropped", name, n)
		}
	}
	if len(invited) != before {
		t.Errorf("called %v", invited[before:])
	}
}

func TestACallIsWhatItsEventSaysWhateverStandsInTheQueue(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	r.ask(id, workflows.OpInviteUser, map[string]string{"email": "ana@acme.example"})
	queue := fmt.Sprintf("kh:{%02d}:queue:io/acme", workflows.ShardOf("acme", 4))
	var stored map[string]any
	if err := json.Unmarshal([]byte(r.server.HGet(queue, "e:1")), &stored); err != nil {
		t.Fatal(err)
	}
	if stored["call"] != nil || stored["card"] != nil {
		t.Errorf("the queue holds what is to be done: %v", stored)
	}
	stored["call"] = workflows.Call{Op: workflows.OpGrant, Account: "acme", Email: "eve@acme.example",
		Role: "administrator"}
	stored["account"] = "other"
	raw, err := json.Marshal(stored)
	if err != nil {
		t.Fatal(err)
	}
	r.server.HSet(queue, "e:1", string(raw))
	var made []workflows.Call
	r.deliver(onlyCalls(func(_ int, c workflows.Claim, _ workflows.Lease) workflows.Outcome {
		made = append(made, *c.Effect.Call)
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
	}), r.idle)
	if len(made) != 1 || made[0].Op != workflows.OpInviteUser || made[0].Email != "ana@acme.example" {
		t.Errorf("called %+v", made)
	}
}

func TestAnEventWhoseCallsWereChangedIsNotActedOn(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	r.ask(id, workflows.OpInviteUser, map[string]string{"email": "ana@acme.example"})
	events := fmt.Sprintf("kh:{%02d}:events:workflow/%s", workflows.ShardOf("acme", 4), id)
	list, err := r.server.List(events)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(list[1], "ana@acme.example", "eve@acme.example", 1)
	if edited == list[1] {
		t.Fatal("the calls do not stand in the event")
	}
	r.server.Del(events)
	for i, e := range list {
		if i == 1 {
			e = edited
		}
		if _, err := r.server.RPush(events, e); err != nil {
			t.Fatal(err)
		}
	}
	calls := onlyCalls(func(int, workflows.Claim, workflows.Lease) workflows.Outcome {
		t.Error("it was called")
		return workflows.Outcome{Done: true}
	})
	l := r.courier(r.Desk, &script{do: done}, calls, nil)
	r.run(l.Run, func() bool { return l.count(loops.NoteAside) > 0 })
}

func TestEveryOperationIsKnown(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../effect.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(f, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Op") || len(spec.Values) != 1 {
			return true
		}
		if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
			n++
			if op := strings.Trim(lit.Value, `"`); !workflows.Ops[op] {
				t.Errorf("%s (%s) is missing from Ops: its calls would wait for a newer version for ever",
					spec.Names[0].Name, op)
			}
		}
		return true
	})
	if n != len(workflows.Ops) {
		t.Errorf("%d operations, %d known", n, len(workflows.Ops))
	}
}

func TestWhatIsOwedFollowsFromTheEvents(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	owed := func() (ids []string) {
		events, err := r.store.Events(context.Background(), workflows.RecordRef(id), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range workflows.Owed(id, events) {
			ids = append(ids, e.ID)
		}
		return ids
	}
	r.ask(id, workflows.OpInviteUser, nil)
	r.forward(time.Millisecond)
	r.ask(id, workflows.OpTell, map[string]string{"id": r.open("b"), "command": "tally.told"})
	if got, want := owed(), []string{id + "/2/0", id + "/3/0"}; !slices.Equal(got, want) {
		t.Fatalf("owed %v, want %v", got, want)
	}
	r.deliver(onlyCalls(func(int, workflows.Claim, workflows.Lease) workflows.Outcome {
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
	}), r.idle)
	if got := owed(); len(got) != 0 {
		t.Errorf("owed %v after all were answered", got)
	}
	story, err := r.Story(context.Background(), id)
	if err != nil || len(story) != 4 { // opened, called, called, answered; that the other was told is nobody's story
		t.Errorf("story %+v, %v", story, err)
	}
	recs, err := r.store.Load(context.Background(), workflows.RecordRef(id))
	if err != nil || recs[0].Version != 5 {
		t.Errorf("version %d, %v", recs[0].Version, err)
	}
}

func TestCardsShowTheNewestAndOneDeliveryBringsThemAll(t *testing.T) {
	r := newRoad(t, shows{})
	id := r.open("a")
	for i := range 5 {
		if _, err := r.click(id, "U0BEN", fmt.Sprint("c", i)); err != nil {
			t.Fatal(err)
		}
	}
	cards := &script{do: done}
	r.run(r.courier(r.Desk, cards, onlyCalls(done), nil).Run, r.idle)
	got := map[string]int{}
	for _, c := range cards.calls {
		got[c.Effect.ID]++
		if c.Effect.Card.Name == "main" && len(c.Effect.Card.Facts) != 5 {
			t.Errorf("%s shows %v", c.Effect.ID, c.Effect.Card.Facts)
		}
		if (c.Parent.TS != "") != (c.Effect.Card.Under != "") {
			t.Errorf("%s is delivered under %+v", c.Effect.ID, c.Parent)
		}
	}
	if len(got) != 5 || len(cards.calls) != 5 {
		t.Errorf("delivered %v", got)
	}
	if _, err := r.click(id, "U0BEN", "again"); err != nil {
		t.Fatal(err)
	}
	r.run(r.courier(r.Desk, cards, onlyCalls(done), nil).Run, r.idle)
	if n := cards.count(); n != 9 { // the note says nothing new
		t.Errorf("%d deliveries, want 9", n)
	}
	for _, c := range cards.calls[5:] {
		if c.Place.TS == "" {
			t.Errorf("%s is posted a second time", c.Effect.ID)
		}
	}
}

func TestOneCardThatCannotBeBroughtKeepsNoOtherAndStaysWanted(t *testing.T) {
	r := newRoad(t, shows{})
	id := r.open("a")
	var mu sync.Mutex
	now := time.Now()
	real := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	refuse := true
	tries := map[string]int{}
	cards := &script{do: func(n int, c workflows.Claim, l workflows.Lease) workflows.Outcome {
		mu.Lock()
		defer mu.Unlock()
		tries[c.Effect.Card.Recipient]++
		if c.Effect.Card.Recipient == "U0BEN" && refuse {
			return workflows.Outcome{Refused: true, Receipt: &workflows.Receipt{Refused: true,
				Code: "messages_tab_disabled"}, Err: errors.New("no")}
		}
		return done(n, c, l)
	}}
	run := func(cond func() bool) { r.run(r.courier(r.Desk, cards, onlyCalls(done), real).Run, cond) }
	of := func(who string) int { mu.Lock(); defer mu.Unlock(); return tries[who] }
	settled := func(who string, n int) func() bool {
		looks := 0
		return func() bool { looks++; return of(who) >= n && looks > 30 }
	}
	run(settled("U0BEN", 1))
	if of("U0CAT") != 1 || of("C0OPS") != 1 || of("U0BEN") != 1 {
		t.Fatalf("tries %v", tries)
	}
	place := func() workflows.Place {
		places, err := r.store.Places(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		return places["main/U0BEN"]
	}
	// Minutes, then hours, and never the end.
	var distances []time.Duration
	for i := range 14 {
		f := place().Refused
		if f == nil || f.Tries != i+1 || f.Code != "messages_tab_disabled" {
			t.Fatalf("after %d refusals: %+v", i+1, f)
		}
		d := f.Next.Sub(real())
		distances = append(distances, d)
		pass(d + time.Second)
		run(settled("U0BEN", i+2))
	}
	if distances[0] > 2*time.Minute || distances[13] < time.Hour || distances[13] > 12*time.Hour {
		t.Errorf("tried again after %v", distances)
	}
	if of("U0CAT") != 1 {
		t.Errorf("the others were brought %d times", of("U0CAT"))
	}
	// What has something new to say is tried at once.
	mu.Lock()
	refuse = false
	mu.Unlock()
	if _, err := r.click(id, "U0DEE", "c"); err != nil {
		t.Fatal(err)
	}
	run(r.idle)
	if p := place(); p.TS == "" || p.Refused != nil {
		t.Errorf("place %+v", p)
	}
}

// A card that could not be brought for an hour is told once to those who can mend that, and again when it was brought.
func TestWhoCannotBeReachedForAnHourIsTold(t *testing.T) {
	r := newRoad(t, shows{}, reach.Machine())
	id := r.open("a")
	var mu sync.Mutex
	now, refuse := time.Now(), true
	real := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	told := map[string]int{} // messages about Ben, by title
	cards := &script{do: func(n int, c workflows.Claim, l workflows.Lease) workflows.Outcome {
		mu.Lock()
		defer mu.Unlock()
		if workflows.HasLetter(c.Effect.Workflow, workflows.LetterReach) {
			told[c.Effect.Card.Recipient+" "+c.Effect.Card.Title]++
		}
		if c.Effect.Card.Recipient == "U0BEN" && refuse {
			return workflows.Outcome{Refused: true, Receipt: &workflows.Receipt{Refused: true, Code: "user_disabled"},
				Err: errors.New("no")}
		}
		return done(n, c, l)
	}}
	run := func(cond func() bool) { r.run(r.courier(r.Desk, cards, onlyCalls(done), real).Run, cond) }
	place := func() workflows.Place {
		places, err := r.store.Places(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		return places["main/U0BEN"]
	}
	next := func(tries int) {
		t.Helper()
		run(func() bool { f := place().Refused; return f != nil && f.Tries >= tries })
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(place().Refused.Next.Sub(now) + time.Second)
	}
	for tries := 1; tries < 10; tries++ {
		begun := real()
		next(tries)
		mu.Lock()
		if begun.Sub(place().Refused.Since) < workflows.MissedAfter && len(told) > 0 {
			t.Fatalf("told after %d tries: %v", tries, told)
		}
		mu.Unlock()
	}
	run(func() bool { mu.Lock(); defer mu.Unlock(); return len(told) > 0 })
	const missing = "U0DEE ! Keyholder cannot reach <@U0BEN>"
	if len(told) != 1 || told[missing] != 1 || !place().Refused.Told {
		t.Fatalf("told %v, place %+v", told, place().Refused)
	}
	mu.Lock()
	refuse = false
	mu.Unlock()
	if _, err := r.click(id, "U0DEE", "c"); err != nil {
		t.Fatal(err)
	}
	away := 2 // the store, when that is to be recorded: it is told later
	r.store.fail(func(c workflows.Change) error {
		if workflows.HasLetter(c.Workflow, workflows.LetterReach) && c.Answers == nil && away > 0 {
			away--
			return workflows.ErrAway
		}
		return nil
	})
	run(func() bool { return place().TS != "" })
	if f := place().Refused; f == nil || len(told) != 1 {
		t.Fatalf("the word is lost: %+v, told %v", f, told)
	}
	run(func() bool {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(10 * time.Millisecond)
		return len(told) == 2 && place().Refused == nil
	})
	if told["U0DEE ✓ What Keyholder has to say reaches <@U0BEN> again"] != 1 {
		t.Errorf("told %v", told)
	}
}

// The same for a letter, in the time of commands, in which its deadline counts as well.
func TestALetterThatIsLateForAnHourIsTold(t *testing.T) {
	r := newRoad(t, tally{}, reach.Machine())
	id := r.open("a")
	r.ask(id, workflows.OpLetter, nil)
	var mu sync.Mutex
	tries, refuse, told := 0, true, []string{}
	post := &script{do: func(int, workflows.Claim, workflows.Lease) workflows.Outcome {
		mu.Lock()
		defer mu.Unlock()
		if tries++; refuse {
			return workflows.Outcome{Again: true, Err: errors.New("the server is away")}
		}
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
	}}
	cards := &script{do: func(n int, c workflows.Claim, l workflows.Lease) workflows.Outcome {
		mu.Lock()
		defer mu.Unlock()
		if workflows.HasLetter(c.Effect.Workflow, workflows.LetterReach) {
			told = append(told, c.Effect.Card.Title)
		}
		return done(n, c, l)
	}}
	run := func(cond func() bool) {
		c := loops.NewCourier(loops.CourierOptions{Store: r.store, Desk: r.Desk, Cards: cards,
			Calls: onlyCalls(done), Post: post, Now: r.clock, RealNow: time.Now, Log: zerolog.Nop()})
		r.run(c.Run, func() bool { mu.Lock(); defer mu.Unlock(); return cond() })
	}
	run(func() bool { return tries > 0 })
	if len(told) > 0 {
		t.Fatalf("told at once: %q", told)
	}
	r.forward(61 * time.Minute)
	run(func() bool { return len(told) > 0 })
	mu.Lock()
	refuse = false
	mu.Unlock()
	run(func() bool { return len(told) > 1 })
	if !strings.Contains(told[0], "cannot reach the mailbox") || !strings.Contains(told[1], "reaches the mailbox") ||
		len(told) != 2 {
		t.Errorf("told %q", told)
	}
}

func TestATimerThatSomebodyRemovedIsSetAgain(t *testing.T) {
	timers := fmt.Sprintf("kh:{%02d}:timers", workflows.ShardOf("acme", 4))
	for name, look := range map[string]func(r *road, id string) error{
		"by the next command": func(r *road, id string) error { _, err := r.click(id, "U0ANA", "c"); return err },
		"by a look, once it is overdue": func(r *road, id string) error {
			r.forward(2 * time.Hour)
			_, err := r.Look(context.Background(), id)
			return err
		},
		"by a refused click, once it is overdue": func(r *road, id string) error {
			r.forward(2 * time.Hour)
			_, err := r.Do(context.Background(), workflows.Command{ID: "x", Workflow: id, Name: "tally.count",
				At: r.clock(), Round: 0, Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U0ANA"}})
			if err == nil {
				return errors.New("it was not refused")
			}
			return nil
		},
		"by the sweep": func(r *road, _ string) error { _, err := r.Sweep(context.Background()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoad(t)
			id := r.open("a")
			r.server.Del(timers)
			if err := look(r, id); err != nil {
				t.Fatal(err)
			}
			r.forward(time.Hour)
			r.run(r.timekeeper().Run, func() bool { return r.state(id).Due == 1 })
		})
	}
}

func TestASweepSetsAgainWhatWasRemovedAndNothingElse(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	r.ask(id, workflows.OpInviteUser, nil)
	sweep := func() {
		// the workflow, and the ledger, which there is none of
		if n, err := r.Sweep(context.Background()); err != nil || n != 2 {
			t.Fatalf("%d swept, %v", n, err)
		}
	}
	dump := func() string { return r.server.Dump() }
	before := dump()
	sweep()
	if after := dump(); strings.Count(after, "\n") != strings.Count(before, "\n") {
		t.Errorf("a sweep over what is whole changed it from\n%s\nto\n%s", before, after)
	}
	for _, k := range r.server.Keys() {
		for _, part := range []string{":queue:", ":due:", ":timers", ":waiting:"} {
			if strings.Contains(k, part) {
				r.server.Del(k)
			}
		}
	}
	sweep()
	var watched atomic.Bool
	calls := &script{do: func(_ int, c workflows.Claim, _ workflows.Lease) workflows.Outcome {
		if c.Effect.Every > 0 {
			watched.Store(true)
			return workflows.Outcome{Done: true}
		}
		if !watched.Load() { // its answer would end the watch
			return workflows.Outcome{Again: true, Untried: true}
		}
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
	}}
	cards := &script{do: done}
	r.run(r.courier(r.Desk, cards, calls, nil).Run, func() bool {
		return len(r.state(id).Answers) == 1 && cards.count() == 1 && watched.Load()
	})
	if waiting, err := r.WaitingFor(context.Background(), "U0BEN"); err != nil || len(waiting) != 1 {
		t.Errorf("waiting %v, %v", waiting, err)
	}
}

func TestAListOfWhoIsWaitedForIsOnlyAHint(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	if _, err := r.server.ZAdd(fmt.Sprintf("kh:{%02d}:waiting:U0EVE", workflows.ShardOf("acme", 4)), 1,
		id); err != nil {
		t.Fatal(err)
	}
	if waiting, err := r.WaitingFor(context.Background(), "U0EVE"); err != nil || len(waiting) != 0 {
		t.Errorf("waiting %v, %v", waiting, err)
	}
}

// fleeting is a machine whose cards say something passing until three have counted.
type fleeting struct{ shows }

func (m fleeting) View(st workflows.State) workflows.View {
	v := m.shows.View(st)
	if s := st.(tallyState); len(s.By) > 0 && len(s.By) < 3 {
		for i := range v.Cards {
			v.Cards[i].Passing = time.Minute
		}
	}
	return v
}

// TestWhatPassesIsNotShown: a card goes on showing what it shows while it soon says something else,
// and shows the last at once; what passes and stays is shown when its time is over.
func TestWhatPassesIsNotShown(t *testing.T) {
	r := newRoad(t, fleeting{})
	id := r.open("a")
	cards := &script{do: done}
	run := func() { r.run(r.courier(r.Desk, cards, onlyCalls(done), nil).Run, r.idle) }
	count := func(n int) {
		t.Helper()
		if _, err := r.click(id, "U0BEN", fmt.Sprint("c", n)); err != nil {
			t.Fatal(err)
		}
	}
	run()
	posted := cards.count()
	for n := range 3 {
		count(n)
		if n == 0 { // it is looked at, and left for later
			looks := 0
			r.run(r.courier(r.Desk, cards, onlyCalls(done), nil).Run, func() bool { looks++; return looks > 30 })
			if got := cards.count(); got != posted {
				t.Errorf("%d deliveries while it passed", got-posted)
			}
		}
	}
	run()
	for _, c := range cards.calls[posted:] {
		if c.Effect.Card.Name == "main" && len(c.Effect.Card.Facts) != 3 {
			t.Errorf("%s shows %v", c.Effect.ID, c.Effect.Card.Facts)
		}
	}
	if cards.count() == posted {
		t.Error("the last was not shown")
	}
	other := r.open("b")
	if _, err := r.click(other, "U0BEN", "d"); err != nil {
		t.Fatal(err)
	}
	before := cards.count()
	r.forward(time.Hour)
	run()
	if cards.count() == before {
		t.Error("what passes and stays was never shown")
	}
}
