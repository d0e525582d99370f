package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows/chain"
)

func TestLinksHoldAllThatRecomputingNeeds(t *testing.T) {
	s, _, _, _ := chained(t)
	ctx := context.Background()
	rec := load(t, s, acme)
	links, err := s.Links(ctx, acme, 0)
	if err != nil || len(links) != 3 {
		t.Fatalf("%d links, %v", len(links), err)
	}
	if err := store.CheckLinks(rec, links); err != nil {
		t.Error(err)
	}
	events, err := s.Events(ctx, acme, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range links {
		e, err := store.EventOf(l)
		want, got := asJSON(t, events[i]), asJSON(t, e)
		if err != nil || want != got {
			t.Errorf("link %d reads back as %s, want %s (%v)", i+1, got, want, err)
		}
	}
	two, err := s.Links(ctx, acme, 2)
	if err != nil || len(two) != 2 {
		t.Errorf("%d links up to 2, %v", len(two), err)
	}
	if err := s.Erase(ctx, acme, 2); err != nil {
		t.Fatal(err)
	}
	erased, err := s.Links(ctx, acme, 0)
	if err != nil || !erased[1].Erased || erased[1].Body != nil || erased[1].Salt != "" ||
		erased[1].Digest != links[1].Digest {
		t.Errorf("erased: %+v, %v", erased[1], err)
	}
	if err := store.CheckLinks(rec, erased); err != nil {
		t.Errorf("an erased event breaks the chain: %v", err)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestLinksThatWereTouchedDoNotHold(t *testing.T) {
	s, _, _, _ := chained(t)
	rec := load(t, s, acme)
	links, err := s.Links(context.Background(), acme, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		seq   uint64
		touch func([]chain.Link) []chain.Link
	}{
		"a body":     {2, func(l []chain.Link) []chain.Link { l[1].Body = []byte(`{"by":1}`); return l }},
		"a type":     {1, func(l []chain.Link) []chain.Link { l[0].Type = "shrunk"; return l }},
		"a time":     {3, func(l []chain.Link) []chain.Link { l[2].At = l[2].At.Add(1e6); return l }},
		"the order":  {1, func(l []chain.Link) []chain.Link { l[0], l[1] = l[1], l[0]; return l }},
		"the end":    {0, func(l []chain.Link) []chain.Link { return l[:2] }},
		"everything": {0, func(l []chain.Link) []chain.Link { return nil }},
	} {
		err := store.CheckLinks(rec, c.touch(slices.Clone(links)))
		var broken *chain.BrokenError
		if !errors.As(err, &broken) || broken.Seq != c.seq {
			t.Errorf("%s: %v, want a fault at event %d", name, err, c.seq)
		}
	}
	headless := rec
	headless.Head = links[0].Link
	if err := store.CheckLinks(headless, links); !errors.Is(err, chain.ErrBroken) {
		t.Errorf("another head: %v", err)
	}
}

func TestAnEventThatCannotBeReadIsNamed(t *testing.T) {
	s, m, events, _ := chained(t)
	list, err := m.List(events)
	if err != nil {
		t.Fatal(err)
	}
	m.Del(events)
	if _, err := m.Push(events, list[0], "nothing", list[2]); err != nil {
		t.Fatal(err)
	}
	_, err = s.Links(context.Background(), acme, 0)
	var broken *chain.BrokenError
	if !errors.As(err, &broken) || broken.Seq != 2 {
		t.Errorf("%v, want event 2", err)
	}
}
