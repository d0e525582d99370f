package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
)

// Options of [Write].
type Options struct {
	Version string   // of the program
	Keys    [][]byte // the first seals
	Now     func() time.Time
	// Told is called for each record that does not hold, or cannot be read; nil: nobody is told.
	Told func(workflows.Ref, error)
}

// Write copies the record of an installation, while Keyholder may work on. Errors: [workflows.ErrAway], and those of w.
func Write(ctx context.Context, st *store.Store, w io.Writer, o Options) (Totals, error) {
	out, err := NewWriter(w, o.Keys, Header{Version: o.Version, Made: o.Now().UTC().Truncate(time.Second),
		Prefix: st.Prefix(), Shards: st.Shards()})
	if err != nil {
		return Totals{}, err
	}
	if o.Told == nil {
		o.Told = func(workflows.Ref, error) {}
	}
	stood, err := cuts(ctx, st, o.Told)
	if err != nil {
		return Totals{}, err
	}
	for _, r := range stood {
		if err := one(ctx, st, out, r, o.Told); err != nil {
			return Totals{}, err
		}
	}
	return out.Close()
}

// cuts asks each shard for one moment. The ledger's comes first: what its checkpoints name was there before.
func cuts(ctx context.Context, st *store.Store, told func(workflows.Ref, error)) ([]store.Stood, error) {
	first := st.ShardOf(workflows.RecordRef(workflows.LedgerID(st.Shards())))
	var all []store.Stood
	for i := range st.Shards() {
		stood, left, err := st.Cut(ctx, (first+i)%st.Shards())
		if err != nil {
			return nil, err
		}
		for _, ref := range left {
			told(ref, errors.New(
				"the index lists it, but there is no such record, or none that makes sense: it is not copied"))
		}
		all = append(all, stood...)
	}
	return all, nil
}

// one copies one record as it stood.
func one(ctx context.Context, st *store.Store, out *Writer, r store.Stood, told func(workflows.Ref, error)) error {
	ref := r.Record.Ref
	entries, err := st.Entries(ctx, ref, r.Record.Version)
	if err != nil {
		return err
	}
	rec := Record{Kind: ref.Kind, ID: ref.ID, Version: uint64(len(entries)), Head: r.Record.Head, Entries: entries}
	if err := holds(r.Record, entries); err != nil {
		told(ref, fmt.Errorf("%w; it is copied as it stands", err))
		rec.Doubt = true
	}
	if r.Record.Doubt != "" {
		told(ref, errors.New("no seal vouches for its chain; it is copied as it stands"))
		rec.Doubt = true
	}
	for lane, due := range r.Cards {
		if due {
			rec.Cards = append(rec.Cards, lane)
		}
	}
	if ref.Kind == workflows.KindWorkflow || ref.Kind == workflows.KindLedger {
		if rec.Places, err = st.Places(ctx, ref.ID); err != nil {
			return err
		}
	}
	return out.Write(rec)
}

// holds recomputes a record's chain up to its head.
func holds(rec workflows.Record, entries [][]byte) error {
	links, err := store.ReadLinks(rec.Ref, entries)
	if err != nil {
		return err
	}
	return store.CheckLinks(rec, links)
}
