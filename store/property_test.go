package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// twin is what the effects of a store should do, written as simply as possible: maps and slices, no
// sorted sets, no shards.
type twin struct {
	now    time.Time
	queues map[string]*twinQueue
	held   map[string]time.Time
	places map[string]string // card -> TS
	made   int
}

type twinQueue struct {
	effects  []workflows.Effect
	attempts int
	due      time.Time // of the first effect
	// The lease; token "" is none. leased is the ID of the effect that was handed out.
	token, leased string
	until         time.Time
	// unsure: nothing but an ended lease was left, which a poll clears away when it comes across it. Both are right.
	unsure bool
}

func newTwin() *twin {
	return &twin{now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), queues: map[string]*twinQueue{},
		held: map[string]time.Time{}, places: map[string]string{}}
}

func (w *twin) queue(key string) *twinQueue {
	if w.queues[key] == nil {
		w.queues[key] = &twinQueue{}
	}
	return w.queues[key]
}

func (w *twin) append(e workflows.Effect) {
	q := w.queue(e.Key)
	q.effects = append(q.effects, e)
	if len(q.effects) == 1 {
		q.due = w.now
	}
}

func (w *twin) drop(key string) {
	q := w.queue(key)
	q.effects, q.attempts = nil, 0
}

func (w *twin) put(e workflows.Effect) {
	w.queue(e.Key).effects = nil // attempts stay
	w.append(e)
}

// claimable lists the keys that may be claimed, by lane.
func (w *twin) claimable() (people, bulk []string) {
	for key, q := range w.queues {
		if len(q.effects) == 0 || q.due.After(w.now) || q.token != "" && q.until.After(w.now) ||
			w.held[q.effects[0].Destination()].After(w.now) {
			continue
		}
		if q.effects[0].Lane == workflows.LanePeople {
			people = append(people, key)
		} else {
			bulk = append(bulk, key)
		}
	}
	return people, bulk
}

// shells lists the queues that hold nothing but a lease that ended.
func (w *twin) shells() []*twinQueue {
	var list []*twinQueue
	for _, q := range w.queues {
		if len(q.effects) == 0 && q.token != "" && !q.until.After(w.now) {
			list = append(list, q)
		}
	}
	return list
}

func (w *twin) lease(c workflows.Claim) {
	q := w.queue(c.Effect.Key)
	if q.token != "" && !(q.unsure && c.Attempts == q.attempts) {
		q.attempts++
	}
	q.unsure = false
	q.token, q.leased, q.until = c.Token, c.Effect.ID, w.now.Add(workflows.LeaseFor)
}

// ours reports whether the claim still holds; where it is unsure, it takes the store's word.
func (w *twin) ours(c workflows.Claim, store error) bool {
	q := w.queue(c.Effect.Key)
	if q.unsure && q.token == c.Token {
		q.unsure = false
		if store != nil {
			q.token = ""
		}
	}
	return q.token != "" && q.token == c.Token
}

// release ends a lease and answers false when the token is not the lease's.
func (w *twin) release(c workflows.Claim, f workflows.Finish, store error) bool {
	if !w.ours(c, store) {
		return false
	}
	q := w.queue(c.Effect.Key)
	leased, until := q.leased, q.until
	q.token, q.leased, q.unsure = "", "", false
	if len(q.effects) == 0 || q.effects[0].ID != leased {
		q.due = w.now
		switch {
		case f.Done || len(q.effects) == 0:
			q.attempts = 0
		case f.Failed:
			q.attempts++
		}
		return true
	}
	switch first := q.effects[0]; {
	case f.Done && first.Every == 0:
		q.effects, q.attempts, q.due = q.effects[1:], 0, w.now
	case f.Done:
		q.attempts, q.due = 0, f.NotBefore
		if f.NotBefore.IsZero() {
			q.due = until.Add(first.Every - workflows.LeaseFor)
		}
	default:
		if f.Failed {
			q.attempts++
		}
		q.due = f.NotBefore
	}
	return true
}

// effect draws an effect of one of few keys, so that they meet.
func (w *twin) effect(t *rapid.T, id string) workflows.Effect {
	w.made++
	n := rapid.IntRange(0, 3).Draw(t, "key")
	e := workflows.Effect{ID: fmt.Sprint(w.made), Workflow: id, Account: "acme", Made: w.now,
		Lane: rapid.IntRange(0, 1).Draw(t, "lane")}
	switch n {
	case 0, 1:
		e.Kind, e.Key = workflows.EffectCards, fmt.Sprintf("cards/%s/%d", id, n)
	case 2:
		e.Kind, e.Key = workflows.EffectCall, "io/acme"
	default:
		e.Kind, e.Key, e.Every = workflows.EffectWatch, "watch/"+id+"/x",
			time.Duration(rapid.IntRange(1, 20).Draw(t, "every"))*time.Second
	}
	return e
}

func TestEffectsBehaveAsTheirSimpleTwin(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	s := storetest.OpenAt(t, "redis://"+m.Addr())
	rapid.Check(t, func(t *rapid.T) {
		m.FlushAll()
		p := &play{T: t, s: s, twin: newTwin(), id: workflows.NewID('t', "acme", s.Shards(), "x")}
		t.Repeat(map[string]func(*rapid.T){
			"append": p.append, "put": p.put, "drop": p.drop, "claim": p.claim, "finish": p.finish, "extend": p.extend,
			"answer": p.answer, "hold": p.hold, "time": p.time, "place": p.place,
		})
	})
}

// play runs store and twin side by side. claims are all ever made, so that stale ones are tried as well.
type play struct {
	*rapid.T
	s      *store.Store
	twin   *twin
	id     string
	claims []workflows.Claim
}

func (p *play) commit(t *rapid.T, c workflows.Change) {
	c.Workflow = p.id
	if err := p.s.Commit(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

func (p *play) append(t *rapid.T) {
	e := p.twin.effect(t, p.id)
	p.commit(t, workflows.Change{Append: []workflows.Effect{e}})
	p.twin.append(e)
}

func (p *play) put(t *rapid.T) {
	e := p.twin.effect(t, p.id)
	p.commit(t, workflows.Change{Put: []workflows.Effect{e}})
	p.twin.put(e)
}

func (p *play) drop(t *rapid.T) {
	key := p.twin.effect(t, p.id).Key
	p.commit(t, workflows.Change{Drop: []string{key}})
	p.twin.drop(key)
}

func (p *play) time(t *rapid.T) {
	p.twin.now = p.twin.now.Add(time.Duration(rapid.IntRange(1, 12_000).Draw(t, "ms")) * time.Millisecond)
}

func (p *play) hold(t *rapid.T) {
	destination := rapid.SampledFrom([]string{"slack", "io/acme"}).Draw(t, "destination")
	until := p.twin.now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
	if err := p.s.HoldBack(context.Background(), destination, until); err != nil {
		t.Fatal(err)
	}
	if until.After(p.twin.held[destination]) {
		p.twin.held[destination] = until
	}
}

func (p *play) claim(t *rapid.T) {
	most := rapid.IntRange(0, 4).Draw(t, "max")
	shells := p.twin.shells()
	people, bulk := p.twin.claimable()
	claims, err := p.s.ClaimEffects(context.Background(), p.twin.now, most)
	if err != nil {
		t.Fatal(err)
	}
	if want := min(most, len(people)+len(bulk)); len(claims) != want {
		t.Fatalf("%d claimed, want %d of %v and %v", len(claims), want, people, bulk)
	}
	forPeople := 0
	for _, c := range claims {
		q := p.twin.queue(c.Effect.Key)
		if slices.Contains(people, c.Effect.Key) {
			forPeople++
		} else if !slices.Contains(bulk, c.Effect.Key) {
			t.Fatalf("%s may not be claimed", c.Effect.Key)
		}
		p.twin.lease(c)
		if c.Effect.ID != q.effects[0].ID || c.Attempts != q.attempts {
			t.Fatalf("claimed %s with %d attempts, want %s with %d", c.Effect.ID, c.Attempts, q.effects[0].ID,
				q.attempts)
		}
	}
	places, err := p.s.Places(context.Background(), p.id)
	if err != nil || len(places) != len(p.twin.places) {
		t.Fatalf("places %v, want %v; %v", places, p.twin.places, err)
	}
	for name, ts := range p.twin.places {
		if places[name].TS != ts {
			t.Fatalf("%s stands at %q, want %q", name, places[name].TS, ts)
		}
	}
	if forPeople != min(most, len(people)) {
		t.Fatalf("%d for people, %d could be", forPeople, len(people))
	}
	for _, q := range shells {
		q.unsure = true
	}
	p.claims = append(p.claims, claims...)
}

func (p *play) anyClaim(t *rapid.T) workflows.Claim {
	if len(p.claims) == 0 {
		t.Skip("nothing was claimed yet")
	}
	recent := p.claims[max(0, len(p.claims)-6):]
	return rapid.SampledFrom(recent).Draw(t, "claim")
}

func (p *play) finish(t *rapid.T) {
	c := p.anyClaim(t)
	f := workflows.Finish{Done: rapid.Bool().Draw(t, "done"), Failed: rapid.Bool().Draw(t, "failed")}
	if rapid.Bool().Draw(t, "later") {
		f.NotBefore = p.twin.now.Add(time.Duration(rapid.IntRange(0, 15).Draw(t, "seconds")) * time.Second)
	}
	err := p.s.Finish(context.Background(), c, f)
	if ours := p.twin.release(c, f, err); ours && err != nil || !ours && !errors.Is(err, workflows.ErrLeaseLost) {
		t.Fatalf("finish answers %v, the lease is ours: %v", err, ours)
	}
}

// place saves where a card stands; the card is named after the queue.
func (p *play) place(t *rapid.T) {
	c := p.anyClaim(t)
	err := p.s.SavePlace(context.Background(), c, c.Effect.Key, "U1", workflows.Place{Channel: "D", TS: c.Effect.ID})
	ours := p.twin.ours(c, err)
	if ours && err != nil || !ours && !errors.Is(err, workflows.ErrLeaseLost) {
		t.Fatalf("saving a place answers %v, the lease is ours: %v", err, ours)
	}
	if ours {
		p.twin.places[workflows.PlaceName(c.Effect.Key, "U1")] = c.Effect.ID
	}
}

func (p *play) answer(t *rapid.T) {
	c := p.anyClaim(t)
	next := p.twin.effect(t, p.id)
	err := p.s.Commit(context.Background(), workflows.Change{Workflow: p.id, Answers: &c,
		Append: []workflows.Effect{next}})
	ours := p.twin.release(c, workflows.Finish{Done: true}, err)
	if ours && err != nil || !ours && !errors.Is(err, workflows.ErrConflict) {
		t.Fatalf("commit answers %v, the lease is ours: %v", err, ours)
	}
	if ours {
		p.twin.append(next)
	}
}

func (p *play) extend(t *rapid.T) {
	c := p.anyClaim(t)
	until, err := p.s.Extend(context.Background(), c, p.twin.now)
	ours := p.twin.ours(c, err)
	if ours && err != nil || !ours && !errors.Is(err, workflows.ErrLeaseLost) {
		t.Fatalf("extend answers %v, the lease is ours: %v", err, ours)
	}
	if ours {
		p.twin.queue(c.Effect.Key).until = until
	}
}
