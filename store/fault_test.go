package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

var acme = workflows.Ref{Kind: workflows.KindAccount, ID: "acme"}

// grow is a change that appends one event to a record.
func grow(from workflows.Record) workflows.Change {
	seq := from.Version + 1
	return workflows.Change{Records: []workflows.RecordChange{{From: from, Schema: 1, State: []byte("{}"),
		Events: []workflows.Event{
			{Seq: seq, Type: "grown", At: time.UnixMilli(1_700_000_000_000 + int64(seq)).UTC(),
				Command: fmt.Sprintf("c%d", seq),
				By:      workflows.Actor{Kind: workflows.ByKeyholder}, Body: []byte(`{"a":[]}`)}}}}}
}

func load(t testing.TB, s *store.Store, ref workflows.Ref) workflows.Record {
	t.Helper()
	recs, err := s.Load(context.Background(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return recs[0]
}

func commit(t testing.TB, s *store.Store, c workflows.Change) {
	t.Helper()
	if err := s.Commit(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

func TestACommitWhoseAnswerIsLostIsUnclearAndTheTruthShowsLater(t *testing.T) {
	server := storetest.Redis(t)
	for _, c := range []struct {
		name   string
		mode   int32
		stored bool
	}{
		{"the server hangs before it hears", swallow, false},
		{"the server's answer hangs", mute, true},
		{"the connection breaks before the server hears", cutBefore, false},
		{"the connection breaks instead of the answer", cutAfter, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			empty(t, server.Addr)
			p := newProxy(t, server.Addr)
			s := storetest.OpenAt(t, p.url())
			commit(t, s, grow(load(t, s, acme))) // the script is known from now on
			change := grow(load(t, s, acme))
			p.mode.Store(c.mode)
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			began := time.Now()
			err := s.Commit(ctx, change)
			if !errors.Is(err, workflows.ErrUnclear) {
				t.Fatalf("error %v, want ErrUnclear", err)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
			p.mode.Store(pass)
			p.cut()
			version := load(t, s, acme).Version
			if c.stored != (version == 2) {
				t.Fatalf("version %d, stored should be %v", version, c.stored)
			}
			switch err := s.Commit(context.Background(), change); {
			case c.stored && !errors.Is(err, workflows.ErrConflict):
				t.Errorf("again: %v, want ErrConflict", err)
			case !c.stored && err != nil:
				t.Errorf("again: %v", err)
			}
			events, err := s.Events(context.Background(), acme, 1)
			if err != nil || len(events) != 1 || events[0].Command != "c2" {
				t.Errorf("events %+v, %v", events, err)
			}
			if err := s.Verify(context.Background(), acme); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestALostAnswerToFinishIsUnclearAndTheNextSaysTheLeaseIsLost(t *testing.T) {
	server := storetest.Redis(t)
	p := newProxy(t, server.Addr)
	s := storetest.OpenAt(t, p.url())
	now := time.Now()
	commit(t, s, workflows.Change{Account: "acme", Workflow: "",
		Append: []workflows.Effect{{ID: "1", Account: "acme", Workflow: "acme", Key: "io/acme",
			Made: now, Kind: workflows.EffectCall}}})
	claims, err := s.ClaimEffects(context.Background(), now, 1)
	if err != nil || len(claims) != 1 {
		t.Fatalf("claims %v, %v", claims, err)
	}
	// Known scripts only: the first answer to lose must be the one that counts.
	_ = s.Finish(context.Background(), workflows.Claim{Token: "00-0", Effect: claims[0].Effect}, workflows.Finish{})
	p.mode.Store(cutAfter)
	if err := s.Finish(context.Background(), claims[0], workflows.Finish{Done: true}); !errors.Is(err,
		workflows.ErrUnclear) {
		t.Errorf("error %v, want ErrUnclear", err)
	}
	p.mode.Store(pass)
	if err := s.Finish(context.Background(), claims[0], workflows.Finish{Done: true}); !errors.Is(err,
		workflows.ErrLeaseLost) {
		t.Errorf("error %v, want ErrLeaseLost", err)
	}
}

func TestAServerThatIsGoneIsAwayAndItsDataIsThereAfterTheRestart(t *testing.T) {
	server := storetest.Redis(t)
	s := storetest.OpenAt(t, server.URL)
	ctx := context.Background()
	commit(t, s, grow(load(t, s, acme)))
	from := load(t, s, acme)
	server.Stop()
	// The first use of a pooled connection may find it broken; after that nothing is sent at all.
	err := s.Commit(ctx, grow(from))
	if !errors.Is(err, workflows.ErrUnclear) && !errors.Is(err, workflows.ErrAway) {
		t.Errorf("commit: %v", err)
	}
	for range 64 {
		if err = s.Commit(ctx, grow(from)); errors.Is(err, workflows.ErrAway) {
			break
		}
	}
	if !errors.Is(err, workflows.ErrAway) || errors.Is(err, workflows.ErrUnclear) {
		t.Errorf("commit to a server that is gone: %v, want ErrAway alone", err)
	}
	if _, err := s.Load(ctx, acme); !errors.Is(err, workflows.ErrAway) {
		t.Errorf("load: %v", err)
	}
	if err := s.Ready(ctx, time.Now()); !errors.Is(err, workflows.ErrAway) {
		t.Errorf("ready: %v", err)
	}
	if _, err := s.ClaimEffects(ctx, time.Now(), 1); !errors.Is(err, workflows.ErrAway) {
		t.Errorf("claim: %v", err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if got := load(t, s, acme); got.Version != 1 || got.Head != from.Head {
		t.Errorf("after the restart: %+v", got)
	}
	commit(t, s, grow(from))
	if err := s.Verify(ctx, acme); err != nil {
		t.Error(err)
	}
}

func TestScriptsForgottenByTheServerAreSentAgain(t *testing.T) {
	server := storetest.Redis(t)
	s := storetest.OpenAt(t, server.URL)
	for range 3 {
		if err := raw(t, server.Addr).ScriptFlush(context.Background()).Err(); err != nil {
			t.Fatal(err)
		}
		commit(t, s, grow(load(t, s, acme)))
	}
	if v := load(t, s, acme).Version; v != 3 {
		t.Errorf("version %d", v)
	}
}

func TestWhatTheServerRefusesToRunIsAwayAndNothingIsWritten(t *testing.T) {
	ctx := context.Background()
	server := storetest.Redis(t)
	s := storetest.OpenAt(t, server.URL)
	admin := raw(t, server.Addr)
	for name, broken := range map[string]struct{ on, off func() error }{
		"too few replicas": {
			func() error { return admin.ConfigSet(ctx, "min-replicas-to-write", "1").Err() },
			func() error { return admin.ConfigSet(ctx, "min-replicas-to-write", "0").Err() }},
		"memory full": {
			func() error { return admin.ConfigSet(ctx, "maxmemory", "1mb").Err() },
			func() error { return admin.ConfigSet(ctx, "maxmemory", "0").Err() }},
		"became a replica": {
			func() error { return admin.ReplicaOf(ctx, "127.0.0.1", "1").Err() },
			func() error { return admin.ReplicaOf(ctx, "NO", "ONE").Err() }},
	} {
		from := load(t, s, acme)
		if err := broken.on(); err != nil {
			t.Fatal(err)
		}
		err := s.Commit(ctx, grow(from))
		if err2 := broken.off(); err2 != nil {
			t.Fatal(err2)
		}
		if !errors.Is(err, workflows.ErrAway) {
			t.Errorf("%s: %v, want ErrAway", name, err)
		}
		commit(t, s, grow(from))
		if err := s.Verify(ctx, acme); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAContextThatEndedSendsNothing(t *testing.T) {
	s := storetest.Open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Commit(ctx, grow(workflows.Record{Ref: acme})); !errors.Is(err, workflows.ErrAway) ||
		!errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if v := load(t, s, acme).Version; v != 0 {
		t.Errorf("version %d", v)
	}
}

// counter counts round trips.
type counter struct{ trips int }

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }
func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.trips++; return next(ctx, cmd) }
}
func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { c.trips++; return next(ctx, cmds) }
}

func TestLoadAndCommitTakeTwoRoundTripsAndAnIdlePollOne(t *testing.T) {
	server := storetest.Redis(t)
	var trips counter
	s, err := store.Open(context.Background(), store.Options{URL: server.URL, Shards: 16, Hook: &trips})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	id := workflows.NewID('t', "acme", 16, "x")
	w := workflows.Ref{Kind: workflows.KindWorkflow, ID: id}
	for range 2 {
		trips.trips = 0
		recs, err := s.Load(context.Background(), w, acme)
		if err != nil {
			t.Fatal(err)
		}
		c := grow(recs[0])
		c.Records = append(c.Records, grow(recs[1]).Records...)
		commit(t, s, c)
	}
	if trips.trips != 2 { // the first round taught the server the script
		t.Errorf("load and commit took %d round trips", trips.trips)
	}
	trips.trips = 0
	if _, err := s.ClaimEffects(context.Background(), time.Now(), 8); err != nil {
		t.Fatal(err)
	}
	if trips.trips != 1 {
		t.Errorf("an idle poll for effects took %d round trips", trips.trips)
	}
	trips.trips = 0
	if _, err := s.ClaimTimers(context.Background(), time.Now(), time.Now(), 8, 8); err != nil {
		t.Fatal(err)
	}
	if trips.trips != 1 {
		t.Errorf("an idle poll for timers took %d round trips", trips.trips)
	}
}
