package backup

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
)

// Into says how a file is put back.
type Into struct {
	Store    store.Options // Shards: 0, or what must be the file's
	Machines []workflows.Machine
	// Believe takes a sealed file without a key.
	Believe bool
	// Told is called for each record that does not hold.
	Told func(workflows.Ref, error)
}

// ErrShards: the file was made with another number of shards.
var ErrShards = errors.New("the file has another number of shards")

// Restore puts a file back under a prefix where nothing is. The file is read to its end before
// anything is written. Errors: [ErrNoBackup], [ErrDamaged], [ErrSeal], [ErrSealed], [ErrUnsealed],
// [ErrShards], [workflows.ErrUnknownEvent], and those of [store.OpenEmpty].
func Restore(ctx context.Context, file io.ReadSeeker, o Into) (Header, Totals, error) {
	if o.Told == nil {
		o.Told = func(workflows.Ref, error) {}
	}
	seen, err := readAll(file, o, func(revived) error { return ctx.Err() })
	if err != nil {
		return Header{}, Totals{}, err
	}
	h, totals := seen.Header, seen.Totals
	if err := totals.checkSeal(o.Store.SealKeys, o.Believe); err != nil {
		return h, totals, err
	}
	if o.Store.Shards != 0 && o.Store.Shards != h.Shards {
		return h, totals, fmt.Errorf("%w: it has %d, %d are configured: set redis.shards to %d", ErrShards, h.Shards,
			o.Store.Shards, h.Shards)
	}
	o.Store.Shards = h.Shards
	st, err := store.OpenEmpty(ctx, o.Store, totals.SHA256)
	if err != nil {
		return h, totals, err
	}
	defer st.Close()
	o.Told = func(workflows.Ref, error) {} // told already
	again, err := readAll(file, o, func(r revived) error { return plant(ctx, st, r) })
	if err == nil && again.Totals != totals {
		err = damaged("it changed while it was read")
	}
	if err == nil {
		err = st.Planted(ctx)
	}
	return h, totals, err
}

// revived is a record of a file, with what follows from it.
type revived struct {
	loops.Revived
	file Record
}

// readAll reads a file from its beginning and hands out its records.
func readAll(file io.ReadSeeker, o Into, f func(revived) error) (*Reader, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the file from its beginning: %w", err)
	}
	in, err := NewReader(file)
	if err != nil {
		return nil, err
	}
	for {
		rec, err := in.Next()
		if errors.Is(err, io.EOF) {
			return in, nil
		}
		if err != nil {
			return nil, err
		}
		r, err := revive(rec, in.Header, o)
		if err == nil {
			err = f(r)
		}
		if err != nil {
			return nil, err
		}
	}
}

// revive checks a record's chain and folds it. One that does not hold stays as it stood; one that a
// newer version wrote is an error.
func revive(rec Record, h Header, o Into) (revived, error) {
	ref := workflows.Ref{Kind: rec.Kind, ID: rec.ID}
	as := workflows.Record{Ref: ref, Version: rec.Version, Head: rec.Head}
	r := revived{file: rec}
	links, err := store.ReadLinks(ref, rec.Entries)
	if err == nil {
		err = store.CheckLinks(as, links)
	}
	var events []workflows.Event
	if err == nil {
		events, err = store.ReadEvents(ref, rec.Entries)
	}
	if err == nil {
		var cards [2]bool
		for _, lane := range rec.Cards {
			if lane >= 0 && lane < len(cards) {
				cards[lane] = true
			}
		}
		r.Revived, err = loops.Revive(o.Machines, as, events, cards)
	}
	if errors.Is(err, workflows.ErrUnknownEvent) || errors.Is(err, workflows.ErrNoWorkflow) {
		return r, fmt.Errorf("%w: the file was made by version %s: use that one, or a newer one", err, h.Version)
	}
	if err != nil {
		o.Told(ref, err)
		r.Revived = loops.Revived{Record: r.Record, Cards: nil}
		as.Machine, as.Last, as.Doubt = rec.Kind, r.Record.Last, workflows.DoubtChain
		r.Record = as
	}
	if rec.Doubt {
		if err == nil {
			o.Told(ref, errors.New("no seal vouched for its chain when it was copied: nothing is decided on it"))
		}
		r.Record.Doubt = workflows.DoubtChain
	}
	return r, nil
}

// plant stores a record and what follows from it.
func plant(ctx context.Context, st *store.Store, r revived) error {
	places := map[string]workflows.Place{}
	for card, p := range r.file.Places {
		if r.Cards == nil || r.Cards[card] {
			places[card] = p
		}
	}
	if err := st.Plant(ctx, r.Record, r.file.Entries, places); err != nil {
		return err
	}
	if r.Change.Workflow == "" {
		return nil
	}
	if err := st.Commit(ctx, r.Change); err != nil {
		return fmt.Errorf("put back what %s waits for: %w", r.Record.Ref.ID, err)
	}
	return nil
}
