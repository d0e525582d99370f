package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// pointed is a store with a record of three events that two checkpoints name, with growth between and after them.
type pointed struct {
	*store.Store
	m             *miniredis.Miniredis
	first, second chain.Checkpoint
}

var bystander = workflows.Ref{Kind: workflows.KindPerson, ID: "U0ANA"}

func withCheckpoints(t *testing.T) pointed {
	t.Helper()
	m := miniredis.RunT(t)
	p := pointed{Store: storetest.OpenAt(t, "redis://"+m.Addr()), m: m}
	began := time.UnixMilli(1_700_000_000_000)
	commit(t, p.Store, grow(load(t, p.Store, bystander)))
	commit(t, p.Store, grow(load(t, p.Store, acme)))
	commit(t, p.Store, grow(load(t, p.Store, acme)))
	p.first = storetest.Checkpoint(t, p.Store, began)
	commit(t, p.Store, grow(load(t, p.Store, acme)))
	p.second = storetest.Checkpoint(t, p.Store, began)
	commit(t, p.Store, grow(load(t, p.Store, acme)))
	return p
}

// faults verifies everything and answers what does not hold, by record.
func (p pointed) faults(t *testing.T, expected map[uint64]string) (chains, checkpoints map[workflows.Ref]string) {
	t.Helper()
	chains, checkpoints = map[workflows.Ref]string{}, map[workflows.Ref]string{}
	if _, _, err := p.VerifyAll(context.Background(), func(r workflows.Ref, err error) {
		chains[r] += err.Error()
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.VerifyLedger(context.Background(), expected, func(r workflows.Ref, err error) {
		checkpoints[r] += err.Error()
	}); err != nil {
		t.Fatal(err)
	}
	return chains, checkpoints
}

// forget removes a record as somebody does who knows every key.
func (p pointed) forget(ref workflows.Ref) {
	for _, k := range p.m.Keys() {
		switch {
		case strings.HasSuffix(k, ":"+ref.Kind+"/"+ref.ID):
			p.m.Del(k)
		case strings.HasSuffix(k, "}:records"):
			_, _ = p.m.ZRem(k, ref.Kind+"/"+ref.ID)
		}
	}
}

// again writes a record anew, with n events: a chain that is right in itself.
func (p pointed) again(t *testing.T, ref workflows.Ref, n int) {
	t.Helper()
	p.forget(ref)
	for range n {
		commit(t, p.Store, grow(load(t, p.Store, ref)))
	}
}

// The chain alone shows none of these: the operator of Redis recomputed it.
func TestCheckpointsShowWhatAChainCannot(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, p pointed)
		want string
	}{
		{"a record rewritten as a whole", func(t *testing.T, p pointed) {
			p.again(t, acme, 4)
		}, "event 2 is not the one that checkpoint 1 names"},
		{"a record rewritten and longer", func(t *testing.T, p pointed) {
			p.again(t, acme, 9)
		}, "event 2 is not the one that checkpoint 1 names"},
		{"a record that lost all of its end", func(t *testing.T, p pointed) {
			p.again(t, acme, 1)
		}, "checkpoint 1 names it with 2 events, but its end was cut off: version 1"},
		{"a record cut between two checkpoints", func(t *testing.T, p pointed) {
			p.cut(t, 2)
		}, "checkpoint 2 names it with 3 events, but its end was cut off: version 2"},
		{"a record removed", func(_ *testing.T, p pointed) {
			p.forget(acme)
		}, "checkpoint 1 names it with 2 events, but there is no such record"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := withCheckpoints(t)
			if chains, points := p.faults(t, nil); len(chains)+len(points) > 0 {
				t.Fatalf("before: %v, %v", chains, points)
			}
			c.do(t, p)
			chains, points := p.faults(t, nil)
			if len(chains) > 0 {
				t.Errorf("the chain alone shows it: %v", chains)
			}
			if len(points) != 1 || !strings.Contains(points[acme], c.want) {
				t.Errorf("found %v, want %q", points, c.want)
			}
			// The next checkpoint says so in Slack, and vouches for nothing that the ones before did not.
			third := storetest.Checkpoint(t, p.Store, time.Time{})
			if third.Lost != 1 || third.Names[0] != "account acme" || third.Records != p.second.Records {
				t.Errorf("the next checkpoint is %+v", third)
			}
			if _, points := p.faults(t, nil); len(points) != 1 || !strings.Contains(points[acme], c.want) {
				t.Errorf("after the next checkpoint: %v", points)
			}
		})
	}
}

// cut leaves the first n events of the record, with a head that fits them.
func (p pointed) cut(t *testing.T, n int) {
	t.Helper()
	links, err := p.Links(context.Background(), acme, uint64(n))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range p.m.Keys() {
		switch {
		case strings.HasSuffix(k, ":events:account/acme"):
			list, _ := p.m.List(k)
			p.m.Del(k)
			if _, err := p.m.Push(k, list[:n]...); err != nil {
				t.Fatal(err)
			}
		case strings.HasSuffix(k, ":record:account/acme"):
			p.m.HSet(k, "version", "2", "head", links[n-1].Link, "last", "1700000000002")
		}
	}
}

func TestALedgerThatWasRewrittenShowsByWhatStandsInSlackOnly(t *testing.T) {
	ledger := workflows.RecordRef(workflows.LedgerID(4))
	for _, c := range []struct {
		name string
		do   func(t *testing.T, p pointed)
		want string
	}{
		{"removed", func(_ *testing.T, p pointed) { p.forget(ledger) },
			"there is no checkpoint 1 here: the ledger was cut off or removed"},
		{"removed, and begun again over a rewritten record", func(t *testing.T, p pointed) {
			p.forget(ledger)
			p.again(t, acme, 4)
			storetest.Checkpoint(t, p.Store, time.UnixMilli(1_700_000_000_000))
		}, "checkpoint 1 has the root"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := withCheckpoints(t)
			slack := map[uint64]string{1: p.first.Root, 2: p.second.Root}
			if chains, points := p.faults(t, slack); len(chains)+len(points) > 0 {
				t.Fatalf("before: %v, %v", chains, points)
			}
			c.do(t, p)
			if chains, points := p.faults(t, nil); len(chains)+len(points) > 0 {
				t.Errorf("it shows without Slack: %v, %v", chains, points)
			}
			for n, root := range slack {
				_, points := p.faults(t, map[uint64]string{n: root})
				if points[ledger] == "" {
					t.Errorf("checkpoint %d of Slack does not show it", n)
				}
			}
			if _, points := p.faults(t, slack); !strings.Contains(points[ledger], c.want) {
				t.Errorf("found %v, want %q", points, c.want)
			}
		})
	}
}

func TestACheckpointChangedInTheLedgerDoesNotHold(t *testing.T) {
	p := withCheckpoints(t)
	ledger := workflows.RecordRef(workflows.LedgerID(4))
	var key string
	for _, k := range p.m.Keys() {
		if strings.HasSuffix(k, ":events:ledger/"+ledger.ID) {
			key = k
		}
	}
	list, err := p.m.List(key)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for i, entry := range list {
		changed := strings.Replace(entry, p.first.Root, p.second.Root, 1)
		if header, body, _ := strings.Cut(entry, "\n"); strings.Contains(header, chain.CheckpointPart) {
			changed = header + "\n" + strings.Replace(body, "H4sI", "AAAA", 1)
		}
		if changed == entry {
			continue
		}
		tried++
		put := func(s []string) {
			p.m.Del(key)
			if _, err := p.m.Push(key, s...); err != nil {
				t.Fatal(err)
			}
		}
		with := append(append(append([]string(nil), list[:i]...), changed), list[i+1:]...)
		put(with)
		chains, points := p.faults(t, nil)
		if len(chains) != 1 || points[ledger] == "" {
			t.Errorf("event %d changed: %v, %v", i+1, chains, points)
		}
		put(list)
	}
	if tried != 4 { // two parts, the first root, and its mention in the second checkpoint
		t.Errorf("%d events were changed", tried)
	}
}
