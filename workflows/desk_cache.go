package workflows

import (
	"context"
	"errors"
	"sync"
)

// Bounds of the cache of records; it is emptied when full, for it costs a round trip only.
const (
	maxKept      = 32 << 20 // bytes of states
	maxKeptState = 1 << 20  // a larger one is not kept
)

// kept holds records as this process stored or loaded them last. They are believed only where a commit compares their version and head, or where
// an effect says which version it is about: another process may have stored a newer one. What is kept are the bytes, so nobody shares a state.
type kept struct {
	mu    sync.Mutex
	bytes int
	by    map[Ref]Record
}

func (k *kept) get(ref Ref) (Record, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.by[ref]
	return r, ok
}

// put keeps a record unless a newer one is kept.
func (k *kept) put(r Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was, there := k.by[r.Ref]
	if r.Version == 0 || r.Doubt != "" || len(r.State) > maxKeptState || there && was.Version > r.Version {
		return
	}
	if k.by == nil || k.bytes+len(r.State) > maxKept {
		k.by, k.bytes = map[Ref]Record{}, 0
		was = Record{}
	}
	k.bytes += len(r.State) - len(was.State)
	k.by[r.Ref] = r
}

func (k *kept) drop(ref Ref) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bytes -= len(k.by[ref].State)
	delete(k.by, ref)
}

// learn keeps what a commit stored, or lets go of what it met.
func (k *kept) learn(c Change, err error) {
	for _, rc := range c.Records {
		switch n := uint64(len(rc.Events)); {
		case err != nil:
			k.drop(rc.From.Ref)
		case n > 0 && rc.Head != "":
			k.put(Record{Ref: rc.From.Ref, Version: rc.From.Version + n, Machine: rc.Machine, Schema: rc.Schema, State: rc.State, Head: rc.Head,
				Last: rc.Events[n-1].At})
		}
	}
}

// load loads records and keeps them.
func (d *Desk) loadKept(ctx context.Context, refs ...Ref) ([]Record, error) {
	recs, err := d.o.Store.Load(ctx, refs...)
	for i, r := range recs {
		if r.Version == 0 || r.Doubt != "" {
			d.kept.drop(refs[i])
		}
		d.kept.put(r)
	}
	return recs, err
}

// both answers a workflow and its account as they are kept; ok false: not both are.
func (d *Desk) both(workflow, account string) (recs []Record, ok bool) {
	if account == "" {
		return nil, false
	}
	for _, ref := range []Ref{RecordRef(workflow), {KindAccount, account}} {
		r, ok := d.kept.get(ref)
		if !ok {
			return nil, false
		}
		recs = append(recs, r)
	}
	return recs, true
}

// errFresh asks for another try on freshly loaded records: what was decided on kept ones is not compared by any commit.
var errFresh = errors.New("decide again on fresh records")

// compared adds the account as it was kept to what the commit compares.
func (c *Change) compared(account Record) {
	for _, rc := range c.Records {
		if rc.From.Ref == account.Ref {
			return
		}
	}
	c.Records = append(c.Records, RecordChange{From: account})
}
