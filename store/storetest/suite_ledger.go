package storetest

import (
	"errors"
	"fmt"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// holds verifies chains and checkpoints.
func (w *world) holds(expected map[uint64]string) chain.Checkpoint {
	w.Helper()
	failed := func(ref workflows.Ref, err error) { w.Errorf("%v: %v", ref, err) }
	_, _, err := w.s.VerifyAll(w.ctx, failed)
	w.must(err)
	last, err := w.s.VerifyLedger(w.ctx, expected, failed)
	w.must(err)
	return last
}

var ledgerTests = []test{
	{"a store without checkpoints verifies", func(w *world) {
		w.commit(workflows.Change{Records: []workflows.RecordChange{w.grow(w.aref, 1)}})
		if last := w.holds(nil); last.Number != 0 {
			w.Errorf("the last checkpoint is %+v", last)
		}
	}},
	{"checkpoints hold while records grow and are erased", func(w *world) {
		people := min(w.largest/2, 2500) // more than one page, and in the largest case more than one part
		for i := range people {
			w.commit(workflows.Change{Records: []workflows.RecordChange{
				w.growFrom(workflows.Record{Ref: workflows.Ref{Kind: workflows.KindPerson,
					ID: fmt.Sprintf("U%05d", i)}}, 1)}})
		}
		first := Checkpoint(w.T, w.s, w.start)
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 2),
			w.grow(w.aref, 3)}})
		second := Checkpoint(w.T, w.s, w.start)
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 1)}})
		w.must(w.s.Erase(w.ctx, w.wref, 1))
		w.must(w.s.Erase(w.ctx, w.aref, 3))
		third := Checkpoint(w.T, w.s, w.start)
		if first.Records != people || first.Changed != people || second.Records != people+2 || second.Changed != 2 ||
			third.Changed != 1 || third.Lost != 0 {
			w.Errorf("made %+v, %+v, %+v", first, second, third)
		}
		if first.Previous != chain.NoRoot || second.Previous != first.Root || third.Previous != second.Root {
			w.Errorf("they do not follow each other: %+v, %+v, %+v", first, second, third)
		}
		if last := w.holds(map[uint64]string{1: first.Root, 2: second.Root, 3: third.Root}); last.Root != third.Root {
			w.Errorf("the last checkpoint is %+v", last)
		}
	}},
	{"reading for a checkpoint ends when its lease does", func(w *world) {
		w.commit(workflows.Change{Records: []workflows.RecordChange{w.grow(w.aref, 1)}})
		_, err := w.s.DrawCheckpoint(w.ctx, w.start, func() error { return workflows.ErrLeaseLost })
		if !errors.Is(err, workflows.ErrLeaseLost) {
			w.Errorf("it ended with %v", err)
		}
	}},
	{"the ledger and what it waits for live on one shard", func(w *world) {
		id := workflows.LedgerID(w.s.Shards())
		w.commit(workflows.Change{Workflow: id, Records: []workflows.RecordChange{w.grow(workflows.RecordRef(id), 1)},
			TimersSet: []workflows.Timer{{Workflow: id, Name: "checkpoint", At: w.at(1)}},
			Put: []workflows.Effect{{Kind: workflows.EffectCards, ID: "c", Workflow: id,
				Key: "cards/" + id + "/1", Revision: 1}}})
		w.claimTimers(w.at(2), w.start, "checkpoint")
		w.one(w.start.AddDate(20, 0, 0), "c")
		err := w.s.Commit(w.ctx, workflows.Change{Workflow: id,
			Put: []workflows.Effect{{Kind: workflows.EffectCards, ID: "old", Workflow: id, Key: "k"}}})
		w.must(err) // without a revision nothing is compared
		w.commit(workflows.Change{Workflow: id, Records: []workflows.RecordChange{w.grow(workflows.RecordRef(id), 1)}})
		err = w.s.Commit(w.ctx, workflows.Change{Workflow: id,
			Put: []workflows.Effect{{Kind: workflows.EffectCards, ID: "old", Workflow: id, Key: "k", Revision: 1}}})
		w.wantErr(err, workflows.ErrConflict)
	}},
}
