package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// sealKey is a key for tests; each letter gives another one.
func sealKey(letter byte) []byte { return bytes.Repeat([]byte{letter}, store.SealKeyBytes) }

// doubts are what a store reported.
type doubts struct {
	mu   sync.Mutex
	list []string
}

func (d *doubts) add(ref workflows.Ref, what workflows.Doubt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, fmt.Sprintf("%s %s", ref.ID, what))
}

// taken answers what was reported since the last time.
func (d *doubts) taken() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.list
	d.list = nil
	return list
}

func sealed(t *testing.T, m *miniredis.Miniredis, keys ...[]byte) (*store.Store, *doubts) {
	t.Helper()
	d := &doubts{}
	return storetest.OpenWith(t, store.Options{URL: "redis://" + m.Addr(), Shards: 4, SealKeys: keys, Doubted: d.add,
		Log: zerolog.Nop()}), d
}

func recordKey(ref workflows.Ref) string {
	return fmt.Sprintf("kh:{%02d}:record:%s/%s", workflows.ShardOf(ref.ID, 4), ref.Kind, ref.ID)
}

// TestWhatASealDoesNotVouchForIsNotHandedOut edits each field of a record by hand.
func TestWhatASealDoesNotVouchForIsNotHandedOut(t *testing.T) {
	for field, want := range map[string]workflows.Doubt{"state": workflows.DoubtState, "machine": workflows.DoubtState,
		"schema": workflows.DoubtState,
		"last":   workflows.DoubtState, "seal": workflows.DoubtState, "version": workflows.DoubtChain,
		"head": workflows.DoubtChain, "vouch": workflows.DoubtChain} {
		for name, value := range map[string]string{"another": "7", "nothing": "", "no number": "x"} {
			t.Run(field+" is "+name, func(t *testing.T) {
				m := miniredis.RunT(t)
				s, d := sealed(t, m, sealKey('a'))
				if s.Standing() != store.Sealed {
					t.Fatalf("a new record is %s", s.Standing())
				}
				commit(t, s, grow(load(t, s, acme)))
				commit(t, s, grow(load(t, s, acme)))
				before := load(t, s, acme)
				if before.Doubt != "" || len(before.State) == 0 || len(d.taken()) > 0 {
					t.Fatalf("untouched: %+v", before)
				}
				m.HSet(recordKey(acme), field, value)
				got := load(t, s, acme)
				if got.Doubt != want || got.State != nil || got.Machine != "" || got.Schema != 0 {
					t.Errorf("handed out: %+v", got)
				}
				if list := d.taken(); !slices.Equal(list, []string{"acme " + string(want)}) {
					t.Errorf("reported: %v", list)
				}
				events, err := s.Chain(context.Background(), got)
				if want == workflows.DoubtState {
					if err != nil || len(events) != 2 || !got.Last.Equal(before.Last) || got.Head != before.Head {
						t.Fatalf("%d events, %v; last %s, want %s", len(events), err, got.Last, before.Last)
					}
					// The next commit makes it whole.
					commit(t, s, grow(got))
					if after := load(t, s, acme); after.Doubt != "" || after.Version != 3 {
						t.Errorf("after a commit: %+v", after)
					}
					must(t, s.Verify(context.Background(), acme))
				}
				// Whoever has no key believes it, as far as it can be read.
				if name == "another" && field == "state" {
					open, _ := sealed(t, m)
					if rec := load(t, open, acme); rec.Doubt != "" || len(rec.State) == 0 {
						t.Errorf("without a key: %+v", rec)
					}
				}
			})
		}
	}
}

func TestEventsOfAnotherHandAreNotFolded(t *testing.T) {
	m := miniredis.RunT(t)
	s, _ := sealed(t, m, sealKey('a'))
	commit(t, s, grow(load(t, s, acme)))
	commit(t, s, grow(load(t, s, acme)))
	key := strings.Replace(recordKey(acme), "record:", "events:", 1)
	rec := load(t, s, acme)
	for name, edit := range map[string]func(list []string) []string{
		"a body": func(l []string) []string {
			return []string{strings.Replace(l[0], "\"command\"", "\"c0mmand\"", 1), l[1]}
		},
		"swapped": func(l []string) []string { return []string{l[1], l[0]} },
		"cut":     func(l []string) []string { return l[:1] },
		"none":    func([]string) []string { return nil },
		"damaged": func(l []string) []string { return []string{"x", l[1]} },
	} {
		list, err := m.List(key)
		must(t, err)
		m.Del(key)
		for _, e := range edit(slices.Clone(list)) {
			_, err := m.RPush(key, e)
			must(t, err)
		}
		if events, err := s.Chain(context.Background(), rec); !errors.Is(err, workflows.ErrDoubted) || events != nil {
			t.Errorf("%s: %d events, %v", name, len(events), err)
		}
		m.Del(key)
		for _, e := range list {
			_, err := m.RPush(key, e)
			must(t, err)
		}
	}
	// Whoever rewrites events and head in agreement lacks the key for the seal.
	other, _ := sealed(t, miniredis.RunT(t))
	commit(t, other, grow(load(t, other, acme)))
	m.HSet(recordKey(acme), "version", "1", "head", load(t, other, acme).Head)
	if got := load(t, s, acme); got.Doubt != workflows.DoubtChain {
		t.Errorf("%+v", got)
	}
}

func TestAPlaceOfAnotherHandCountsAsNone(t *testing.T) {
	m := miniredis.RunT(t)
	s, d := sealed(t, m, sealKey('a'))
	ctx := context.Background()
	id := workflows.NewID('t', "acme", 4, "x")
	card := func(name string) {
		commit(t, s, workflows.Change{Workflow: id, Put: []workflows.Effect{{Kind: workflows.EffectCards, Workflow: id,
			Key: "cards/" + id + "/0"}}})
		claims, err := s.ClaimEffects(ctx, time.Now(), 1)
		must(t, err)
		must(t, s.SavePlace(ctx, claims[0], name, "U1", workflows.Place{Channel: "D1", TS: name}))
		must(t, s.Finish(ctx, claims[0], workflows.Finish{Done: true}))
	}
	card("main")
	card("other")
	places := fmt.Sprintf("kh:{%02d}:places:%s", workflows.ShardOf("acme", 4), id)
	look := func(name string) (string, bool) {
		p, ok, err := s.Place(ctx, id, name, "U1")
		must(t, err)
		return p.TS, ok
	}
	if ts, ok := look("main"); !ok || ts != "main" {
		t.Fatalf("%q, %v", ts, ok)
	}
	theirs := m.HGet(places, "other/U1")
	for name, value := range map[string]string{"by hand": `{"channel":"C0ELSE","ts":"1.1","revision":1}`,
		"of another card": theirs, "damaged": "x", "empty": ""} {
		m.HSet(places, "main/U1", value)
		d.taken()
		if ts, ok := look("main"); ok || ts != "" {
			t.Errorf("%s: %q, %v", name, ts, ok)
		}
		if list := d.taken(); name != "empty" && !slices.Equal(list, []string{id + " place"}) {
			t.Errorf("%s: reported %v", name, list)
		}
	}
}

func TestKeysAreIntroducedRotatedAndLeftByStarting(t *testing.T) {
	m := miniredis.RunT(t)
	ctx := context.Background()
	plain, _ := sealed(t, m)
	for range 3 {
		commit(t, plain, grow(load(t, plain, acme)))
	}
	m.HSet(recordKey(acme), "state", `"forged"`)
	refold := func(_ context.Context, rec workflows.Record) (workflows.Record, error) {
		rec.State = []byte(`"folded"`)
		return rec, nil
	}
	first, d := sealed(t, m, sealKey('a'))
	if first.Standing() != store.SealedOnce {
		t.Fatal(first.Standing())
	}
	done, err := first.SealAll(ctx, refold)
	must(t, err)
	if done.Records != 1 || len(done.Differed) != 1 || len(done.Left) != 0 || first.Standing() != store.Sealed {
		t.Errorf("%+v, %s", done, first.Standing())
	}
	if rec := load(t, first, acme); string(rec.State) != `"folded"` || rec.Doubt != "" {
		t.Errorf("%s %+v", rec.State, rec)
	}

	// Rotation: what an older key vouches for is sealed anew; what none does is not taken in by that.
	person := workflows.Ref{Kind: workflows.KindPerson, ID: "U0ANA"}
	commit(t, first, grow(load(t, first, person)))
	m.HSet(recordKey(person), "state", `"forged"`)
	second, _ := sealed(t, m, sealKey('b'), sealKey('a'))
	if second.Standing() != store.SealedFormerly || load(t, second, acme).Doubt != "" {
		t.Fatal(second.Standing())
	}
	done, err = second.SealAll(ctx, refold)
	must(t, err)
	if done.Records != 1 || !slices.Equal(done.Left, []workflows.Ref{person}) {
		t.Errorf("%+v", done)
	}
	third, _ := sealed(t, m, sealKey('b'))
	if third.Standing() != store.Sealed || load(t, third, acme).Doubt != "" ||
		load(t, third, person).Doubt != workflows.DoubtChain {
		t.Errorf("%s, %+v, %+v", third.Standing(), load(t, third, acme), load(t, third, person))
	}

	// Without the key nothing is stored beside what is sealed, until somebody says so.
	bare, _ := sealed(t, m)
	if err := bare.Commit(ctx, grow(load(t, bare, acme))); bare.Standing() != store.SealedElsewhere ||
		!errors.Is(err, store.ErrSealed) {
		t.Errorf("%s, %v", bare.Standing(), err)
	}
	must(t, bare.Unseal(ctx))
	commit(t, bare, grow(load(t, bare, acme)))
	if again, _ := sealed(t, m, sealKey('b')); again.Standing() != store.SealedOnce {
		t.Error(again.Standing())
	}
	if err := third.Unseal(ctx); !errors.Is(err, store.ErrMisuse) {
		t.Errorf("with a key: %v", err)
	}
	d.taken()
	if _, err := open(t, store.Options{URL: "redis://" + m.Addr(), SealKeys: [][]byte{[]byte("short")}}); !errors.Is(
		err, store.ErrSealKey) {
		t.Error(err)
	}
}

// README, "Taking a record back": without the seal's mark a start seals what stands there, doubted or not.
func TestADoubtedRecordIsTakenBackByTakingTheMarkAway(t *testing.T) {
	m := miniredis.RunT(t)
	ctx := context.Background()
	refold := func(_ context.Context, rec workflows.Record) (workflows.Record, error) { return rec, nil }
	first, _ := sealed(t, m, sealKey('a'))
	_, err := first.SealAll(ctx, refold)
	must(t, err)
	commit(t, first, grow(load(t, first, acme)))
	m.HSet(recordKey(acme), "vouch", "another's")
	if rec := load(t, first, acme); rec.Doubt != workflows.DoubtChain {
		t.Fatalf("%+v", rec)
	}
	m.HDel("kh:meta", "sealed")
	again, _ := sealed(t, m, sealKey('a'))
	done, err := again.SealAll(ctx, refold)
	must(t, err)
	if done.Records != 1 || len(done.Left) != 0 || load(t, again, acme).Doubt != "" {
		t.Errorf("%+v, %+v", done, load(t, again, acme))
	}
	commit(t, again, grow(load(t, again, acme)))
}
