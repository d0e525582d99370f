package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// Each benchmark of the store stands beside one of bare Redis that moves as many bytes in as many
// round trips, so the difference is what the store costs. Run them together: go test -bench . -run
// '^$' ./store

const benchState = 2 << 10 // bytes

func benchChange(from workflows.Record) workflows.Change {
	c := grow(from)
	c.Records[0].State = []byte(strings.Repeat("s", benchState))
	c.Account = "acme"
	id := workflows.NewID('t', "acme", 4, "bench")
	c.Workflow = id
	for i := range 3 {
		e := workflows.Effect{Kind: workflows.EffectCards, Workflow: id, Account: "acme",
			Key: fmt.Sprintf("cards/%s/%d", id, i), Made: time.Now(), Revision: 1}
		c.Put = append(c.Put, e)
	}
	return c
}

func BenchmarkLoad(b *testing.B) {
	server := storetest.Redis(b)
	s := storetest.OpenAt(b, server.URL)
	if err := s.Commit(context.Background(), benchChange(workflows.Record{Ref: acme})); err != nil {
		b.Fatal(err)
	}
	b.Run("store", func(b *testing.B) {
		for b.Loop() {
			load(b, s, acme)
		}
	})
	b.Run("bare HGETALL", func(b *testing.B) {
		c := raw(b, server.Addr)
		if err := c.HSet(context.Background(), "bare", "a", strings.Repeat("s", benchState), "b", "1", "c",
			"2").Err(); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := c.HGetAll(context.Background(), "bare").Result(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCommit(b *testing.B) {
	server := storetest.Redis(b)
	s := storetest.OpenAt(b, server.URL)
	b.Run("store", func(b *testing.B) {
		from := load(b, s, acme)
		for b.Loop() {
			commit(b, s, benchChange(from))
			from = load(b, s, acme)
		}
	})
	b.Run("bare HGETALL and script", func(b *testing.B) {
		c := raw(b, server.Addr)
		script := redis.NewScript(`redis.call('HSET', KEYS[1], 'a', ARGV[1]) redis.call('RPUSH', KEYS[2], ARGV[2])
			for i = 3, 5 do redis.call('HSET', KEYS[i], 'e', ARGV[i]) end return 1`)
		card, state, event := strings.Repeat("l", 800), strings.Repeat("s", benchState), strings.Repeat("e", 400)
		for b.Loop() {
			if err := c.HGetAll(context.Background(), "bare").Err(); err != nil {
				b.Fatal(err)
			}
			if err := script.Run(context.Background(), c, []string{"bare", "list", "c1", "c2", "c3"}, state, event,
				card, card, card).Err(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkClaimEffects(b *testing.B) {
	server := storetest.Redis(b)
	s, err := store.Open(context.Background(), store.Options{URL: server.URL, Shards: 16})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	claim := func(b *testing.B, at time.Time, max int) []workflows.Claim {
		b.Helper()
		claims, err := s.ClaimEffects(context.Background(), at, max)
		if err != nil {
			b.Fatal(err)
		}
		return claims
	}
	for _, open := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("idle with %d not yet due", open), func(b *testing.B) {
			later := workflows.Change{Account: "acme"}
			id := workflows.NewID('t', "acme", 16, "bench")
			for i := range open {
				later.Append = append(later.Append, workflows.Effect{ID: fmt.Sprint(i), Workflow: id, Account: "acme",
					Key:  fmt.Sprintf("k/%d", i),
					Made: time.Now(), Kind: workflows.EffectCall})
			}
			if open > 0 {
				commit(b, s, later)
				if err := s.HoldBack(context.Background(), "io/acme", time.Now().Add(time.Hour)); err != nil {
					b.Fatal(err)
				}
			}
			claim(b, time.Now(), 8)
			for b.Loop() {
				if got := claim(b, time.Now(), 8); len(got) != 0 {
					b.Fatalf("%d were due", len(got))
				}
			}
		})
	}
	b.Run("busy, 8 claimed and finished", func(b *testing.B) {
		empty(b, server.Addr)
		id := workflows.NewID('t', "acme", 16, "bench")
		c := workflows.Change{Workflow: id}
		for i := range 64 {
			e := workflows.Effect{ID: fmt.Sprint(i), Workflow: id, Account: "acme", Key: fmt.Sprintf("watch/%d", i),
				Every: time.Nanosecond,
				Made:  time.Now(), Kind: workflows.EffectCall}
			c.Put = append(c.Put, e)
		}
		commit(b, s, c)
		for b.Loop() {
			now := time.Now()
			got := claim(b, now, 8)
			if len(got) != 8 {
				b.Fatalf("%d claimed", len(got))
			}
			for _, c := range got {
				if err := s.Finish(context.Background(), c, workflows.Finish{Done: true, NotBefore: now}); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
