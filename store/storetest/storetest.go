package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
)

// Open opens a store on a Redis embedded in the test, empty and gone with it.
func Open(t testing.TB) *store.Store {
	t.Helper()
	return OpenAt(t, "redis://"+miniredis.RunT(t).Addr())
}

// OpenAt opens a store with 4 shards on a server and closes it with the test.
func OpenAt(t testing.TB, url string) *store.Store {
	t.Helper()
	return OpenWith(t, store.Options{URL: url, Shards: 4, Log: zerolog.Nop()})
}

// OpenWith opens a store and closes it with the test.
func OpenWith(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := store.Open(ctx, o)
	if err != nil {
		t.Fatalf("open a store: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
