package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// opened is the script's record, past the program.
func opened(ts *testscript.TestScript) *store.Store {
	st, err := store.Open(context.Background(), store.Options{URL: of(ts).redis.URL, Log: zerolog.Nop()})
	ts.Check(err)
	ts.Defer(func() { _ = st.Close() })
	return st
}

// checkpoint has the next checkpoint made, as if a day had passed, and puts its root into CHECKPOINT1, CHECKPOINT2, …
func checkpoint(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, _ []string) {
		c := storetest.Checkpoint(t, opened(ts), time.Now())
		ts.Setenv(fmt.Sprintf("CHECKPOINT%d", c.Number), c.Root)
	}
}

// rewrite replaces the script's transfer by one whose events say something else, and whose chain is
// right: what somebody does who has Redis and this program's source. REWRITTEN names it.
func rewrite(ts *testscript.TestScript, _ bool, _ []string) {
	ctx, st := context.Background(), opened(ts)
	refs, err := st.Refs(ctx, workflows.KindWorkflow)
	ts.Check(err)
	for _, ref := range refs {
		if letter, _, _ := workflows.ParseID(ref.ID); letter != 't' {
			continue
		}
		events, err := st.Events(ctx, ref, 0)
		ts.Check(err)
		recs, err := st.Load(ctx, ref)
		ts.Check(err)
		c := redis.NewClient(&redis.Options{Addr: of(ts).redis.Addr})
		defer c.Close()
		for _, kind := range []string{"record", "events"} {
			ts.Check(c.Del(ctx, fmt.Sprintf("kh:{%s}:%s:workflow/%s", ref.ID[1:3], kind, ref.ID)).Err())
		}
		events[0].Body = []byte(strings.Replace(string(events[0].Body), "a script", "a scrept", 1))
		state := []byte(strings.Replace(string(recs[0].State), "a script", "a scrept", 1))
		ts.Check(st.Commit(ctx, workflows.Change{Records: []workflows.RecordChange{{From: workflows.Record{Ref: ref},
			State: state, Schema: recs[0].Schema,
			Machine: recs[0].Machine, Events: events}}}))
		_, _, err = st.VerifyAll(ctx, func(ref workflows.Ref, err error) {
			ts.Fatalf("the chain alone shows it: %v: %v", ref, err)
		})
		ts.Check(err)
		ts.Setenv("REWRITTEN", ref.ID)
		return
	}
	ts.Fatalf("there is no transfer among %v", refs)
}
