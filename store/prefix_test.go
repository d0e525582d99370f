package store_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
)

func TestPrefixesThatWouldMoveTheHashTagOrMeetPatternsAreRefused(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	for _, prefix := range []string{"{a}", "kh{", "a*", "kh?", "k[h]", "kh:", ":kh", "-kh", "k h", "käh",
		strings.Repeat("k", 41)} {
		if _, err := open(t, store.Options{URL: url, Prefix: prefix}); !errors.Is(err, store.ErrPrefix) {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	for _, prefix := range []string{"k", "KH", "tenant-7:kh", "a.b_c", strings.Repeat("k", 40)} {
		s, err := open(t, store.Options{URL: url, Prefix: prefix})
		if err != nil || s.Prefix() != prefix {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}

func TestAUserOfRedisThatMayTouchItsOwnKeysAloneIsEnough(t *testing.T) {
	server := storetest.Redis(t)
	c, ctx := raw(t, server.Addr), context.Background()
	must(t, c.Do(ctx, "ACL", "SETUSER", "seven", "on", ">secret", "~tenant-7:*", "+@all", "-@admin").Err())
	beside := storetest.OpenAt(t, server.URL)
	commit(t, beside, grow(load(t, beside, acme)))
	s := storetest.OpenWith(t, store.Options{URL: "redis://seven:secret@" + server.Addr + "/0", Shards: 4,
		Prefix: "tenant-7", Log: zerolog.Nop()})
	commit(t, s, grow(load(t, s, acme)))
	if _, err := s.ClaimEffects(ctx, time.Now(), 10); err != nil {
		t.Error(err)
	}
	if _, err := s.ClaimTimers(ctx, time.Now(), time.Now(), 10, 10); err != nil {
		t.Error(err)
	}
	must(t, s.Ready(ctx, time.Now()))
	if _, err := s.Neighbours(ctx); err != nil {
		t.Error(err)
	}
	if _, err := open(t, store.Options{URL: "redis://seven:secret@" + server.Addr + "/0",
		Log: zerolog.Nop()}); err == nil {
		t.Error("the other's record was opened")
	}
}

func TestInstallationsOnOneRedisKeepTheirOwnShardsAndRecords(t *testing.T) {
	m := miniredis.RunT(t)
	o := store.Options{URL: "redis://" + m.Addr(), Shards: 7}
	first, err := open(t, o)
	must(t, err)
	commit(t, first, grow(load(t, first, acme)))
	o.Prefix, o.Shards = "other", 3
	var log bytes.Buffer
	o.Log = zerolog.New(&log)
	second, err := open(t, o)
	must(t, err)
	if second.Shards() != 3 || load(t, second, acme).Version != 0 {
		t.Errorf("the second installation has %d shards and %+v", second.Shards(), load(t, second, acme))
	}
	if !strings.Contains(log.String(), `"others":["kh"]`) || !strings.Contains(log.String(), "redis.prefix") {
		t.Errorf("nothing was said about the record that is left behind: %s", log.String())
	}
	log.Reset()
	if _, err := open(t, o); err != nil || strings.Contains(log.String(), "others") {
		t.Errorf("the second start: %v, %s", err, log.String())
	}
	o.Shards = 7
	if _, err := open(t, o); !errors.Is(err, store.ErrShards) {
		t.Errorf("with the first one's shards: %v", err)
	}
	m.Set("text:meta", "of somebody else")
	m.HSet("hash:meta", "shards", "3")
	if others, err := second.Neighbours(context.Background()); err != nil || !slices.Equal(others, []string{"kh"}) {
		t.Errorf("%v, %v", others, err)
	}
}
