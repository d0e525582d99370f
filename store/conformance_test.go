package store_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

func TestConformanceOnMiniredis(t *testing.T) {
	storetest.RunEmbedded(t, func(t *testing.T) storetest.Subject { return storetest.Open(t) })
}

func TestConformanceOnRedis(t *testing.T) {
	server := storetest.Redis(t)
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		empty(t, server.Addr)
		return storetest.OpenAt(t, server.URL)
	})
}

func TestConformanceWithSeals(t *testing.T) {
	storetest.RunEmbedded(t, func(t *testing.T) storetest.Subject {
		s, _ := sealed(t, miniredis.RunT(t), sealKey('a'))
		return s
	})
}

// TestConformanceUnderAnotherPrefixBesideAnotherInstallation runs the suite beside a store whose
// keys, though everything else is the same, are never touched.
func TestConformanceUnderAnotherPrefixBesideAnotherInstallation(t *testing.T) {
	server := storetest.Redis(t)
	empty(t, server.Addr)
	beside := storetest.OpenAt(t, server.URL)
	commit(t, beside, grow(load(t, beside, acme)))
	commit(t, beside, workflows.Change{Workflow: "t00-beside",
		Append: []workflows.Effect{{ID: "beside", Workflow: "t00-beside", Key: "io/acme",
			Kind: workflows.EffectCall}}, TimersSet: []workflows.Timer{{Workflow: "t00-beside", Name: "beside",
			At: time.UnixMilli(1)}}})
	before := everything(t, server.Addr, "kh:*")
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		c := raw(t, server.Addr)
		for key := range everything(t, server.Addr, "tenant-7:kh*") {
			must(t, c.Del(context.Background(), key).Err())
		}
		return storetest.OpenWith(t, store.Options{URL: server.URL, Shards: 4, Prefix: "tenant-7:kh",
			Log: zerolog.Nop()})
	})
	after := everything(t, server.Addr, "kh:*")
	if !maps.Equal(before, after) {
		t.Errorf("the other installation changed:\n%v\n%v", before, after)
	}
	for key := range everything(t, server.Addr, "*") {
		if !strings.HasPrefix(key, "kh:") && !strings.HasPrefix(key, "tenant-7:kh:") {
			t.Errorf("a key without a prefix: %s", key)
		}
	}
}

// everything answers all keys of a pattern with what they hold, as DUMP has it.
func everything(t *testing.T, addr, pattern string) map[string]string {
	t.Helper()
	ctx, c, all := context.Background(), raw(t, addr), map[string]string{}
	keys, err := c.Keys(ctx, pattern).Result()
	must(t, err)
	for _, key := range keys {
		dump, err := c.Dump(ctx, key).Result()
		must(t, err)
		all[key] = dump
	}
	return all
}

// raw is a plain client for looking and tampering behind the store's back.
func raw(t testing.TB, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func empty(t testing.TB, addr string) {
	t.Helper()
	if err := raw(t, addr).FlushAll(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
}
