package store_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/backup"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// TestACopyGoesFromOneServerIntoAClusterAndBack puts a copy of a single server into a cluster, and one of that back.
func TestACopyGoesFromOneServerIntoAClusterAndBack(t *testing.T) {
	t.Parallel()
	nodes := cluster(t)
	var addrs []string
	for _, n := range nodes {
		addrs = append(addrs, n.Options().Addr)
	}
	alone := store.Options{URL: storetest.Redis(t).URL, Log: zerolog.Nop()}
	many := store.Options{Addrs: addrs, Cluster: true, Log: zerolog.Nop()}
	first := alone
	first.Shards = 4
	st := storetest.OpenWith(t, first)
	d := storetest.Desk(st)
	for i := range 15 {
		for _, account := range storetest.CountingFor {
			storetest.Count(t, d, account, i)
		}
	}
	records, events := storetest.Holds(t, st)
	alone.Prefix = "back"
	for _, to := range []store.Options{many, alone} {
		var file bytes.Buffer
		_, err := backup.Write(context.Background(), st, &file, backup.Options{Version: "test", Now: time.Now})
		must(t, err)
		_, _, err = backup.Restore(context.Background(), bytes.NewReader(file.Bytes()),
			backup.Into{Store: to, Machines: storetest.Counters()})
		must(t, err)
		if st, err = open(t, to); err != nil {
			t.Fatal(err)
		}
		if r, e := storetest.Holds(t, st); r != records || e != events {
			t.Errorf("%d records with %d events are back, of %d with %d", r, e, records, events)
		}
	}
	storetest.Count(t, storetest.Desk(st), "acme", 15)
	storetest.Holds(t, st)
}

// TestACutIsOneMoment reads a shard in which every change grows two records at once.
func TestACutIsOneMoment(t *testing.T) {
	s := storetest.Open(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ref := workflows.RecordRef(workflows.NewID('t', acme.ID, 4, "x"))
	done := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			recs, err := s.Load(context.Background(), acme, ref)
			if err == nil {
				both := grow(recs[0])
				both.Records = append(both.Records, grow(recs[1]).Records...)
				err = s.Commit(context.Background(), both)
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	var seen uint64
	for range 200 {
		stood, left, err := s.Cut(context.Background(), s.ShardOf(acme))
		must(t, err)
		if len(left) > 0 || len(stood) == 1 || len(stood) == 2 && stood[0].Record.Version != stood[1].Record.Version {
			t.Fatalf("no moment: %+v, %v", stood, left)
		}
		if len(stood) > 0 {
			seen = stood[0].Record.Version
		}
	}
	cancel()
	must(t, <-done)
	if seen < 5 {
		t.Errorf("nothing happened meanwhile: version %d", seen)
	}
}
