package store_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/store/storetest"
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
