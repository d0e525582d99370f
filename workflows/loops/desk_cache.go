package loops

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/keyholder/keyholder/workflows"
)

// Bounds of the cache of records; it is emptied when full, for it costs a round trip only.
const (
	maxKept      = 32 << 20 // bytes of states
	maxKeptState = 1 << 20  // a larger one is not kept
	keptBeside   = 256      // what a record takes beside its state, roughly
)

// kept holds records as this process stored or loaded them last. They are believed only where a
// commit compares their version and head, or where an effect says which version it is about:
// another process may have stored a newer one. What is kept are the bytes, so nobody shares a
// state. That an account has no record yet is kept, too: commits compare it.
type kept struct {
	mu    sync.Mutex
	bytes int
	by    map[workflows.Ref]workflows.Record
}

func (k *kept) get(ref workflows.Ref) (workflows.Record, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.by[ref]
	return r, ok
}

// put keeps a record unless a newer one is kept.
func (k *kept) put(r workflows.Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was, there := k.by[r.Ref]
	if absent(r) || r.Doubt != "" || len(r.State) > maxKeptState || there && was.Version > r.Version {
		return
	}
	if k.by == nil || k.bytes+keptBeside+len(r.State) > maxKept {
		k.by, k.bytes, there = map[workflows.Ref]workflows.Record{}, 0, false
	}
	if there {
		k.bytes -= keptBeside + len(was.State)
	}
	k.bytes += keptBeside + len(r.State)
	k.by[r.Ref] = r
}

// absent reports whether there is no such record, which is nothing to keep; of an account it says that nobody wrote it
// yet, which is.
func absent(r workflows.Record) bool { return r.Version == 0 && r.Ref.Kind != workflows.KindAccount }

func (k *kept) drop(ref workflows.Ref) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if was, there := k.by[ref]; there {
		k.bytes -= keptBeside + len(was.State)
		delete(k.by, ref)
	}
}

// loaded keeps what was loaded, and lets go of what is not to be believed.
func (k *kept) loaded(refs []workflows.Ref, recs []workflows.Record) {
	for i, r := range recs {
		if absent(r) || r.Doubt != "" {
			k.drop(refs[i])
		}
		k.put(r)
	}
}

// learn keeps what a commit stored, or lets go of what it met.
func (k *kept) learn(c workflows.Change, err error) {
	for _, rc := range c.Records {
		switch n := uint64(len(rc.Events)); {
		case err != nil:
			k.drop(rc.From.Ref)
		case n > 0 && rc.Head != "":
			k.put(workflows.Record{Ref: rc.From.Ref, Version: rc.From.Version + n, Machine: rc.Machine,
				Schema: rc.Schema,
				State:  rc.State, Head: rc.Head,
				Last: rc.Events[n-1].At})
		}
	}
}

// loadKept loads records and keeps them.
func (d *Desk) loadKept(ctx context.Context, refs ...workflows.Ref) ([]workflows.Record, error) {
	recs, err := d.o.Store.Load(ctx, refs...)
	d.kept.loaded(refs, recs)
	return recs, err
}

// loadScene loads a workflow, its account where it is known, and, in the same round trip, the people whose delegations
// the last command of this kind asked for: so most decisions need no further one. It answers those people's records by
// their IDs.
func (d *Desk) loadScene(ctx context.Context, cmd workflows.Command, refs ...workflows.Ref) ([]workflows.Record,
	map[string]workflows.Record, error) {
	all := slices.Clone(refs)
	for _, p := range d.givers.of(cmd) {
		all = append(all, workflows.Ref{Kind: workflows.KindPerson, ID: p})
	}
	recs, err := d.o.Store.Load(ctx, all...)
	if err != nil {
		if len(all) == len(refs) || passing(err) {
			return nil, nil, err
		}
		// One of these people's records may be damaged, and the command may not even need it.
		recs, err = d.loadKept(ctx, refs...)
		return recs, nil, err
	}
	people := map[string]workflows.Record{}
	for i, r := range recs[len(refs):] {
		people[all[len(refs)+i].ID] = r
	}
	recs = recs[:len(refs)]
	d.kept.loaded(refs, recs)
	return recs, people, nil
}

// givers remembers whose delegations each kind of command of an account asked for last. It is a guess and costs nothing
// but bytes when it is wrong.
type givers struct {
	mu sync.Mutex
	by map[string][]string
}

// maxGivers bounds whom one command may bring along.
const maxGivers = 64

func (*givers) key(cmd workflows.Command) string { return cmd.Account + "/" + cmd.Name }

func (g *givers) of(cmd workflows.Command) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.by[g.key(cmd)]
}

func (g *givers) note(cmd workflows.Command, people []string) {
	if len(people) > maxGivers {
		people = nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.by == nil || len(g.by) >= maxRemembered {
		g.by = map[string][]string{}
	}
	g.by[g.key(cmd)] = people
}

// both answers a workflow and its account as they are kept; ok false: not both are.
func (d *Desk) both(workflow, account string) (recs []workflows.Record, ok bool) {
	if account == "" {
		return nil, false
	}
	for _, ref := range []workflows.Ref{workflows.RecordRef(workflow), {Kind: workflows.KindAccount, ID: account}} {
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
func compared(c *workflows.Change, account workflows.Record) {
	for _, rc := range c.Records {
		if rc.From.Ref == account.Ref {
			return
		}
	}
	c.Records = append(c.Records, workflows.RecordChange{From: account})
}
