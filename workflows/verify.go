package workflows

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrStateDiffers: a stored state is not the fold of the stored events.
var ErrStateDiffers = errors.New("the stored state is not what its events say")

// VerifyStates folds workflows anew from their events and compares the result with their stored state. failed is told of each that differs.
// Records with an erased event, or written under another schema, cannot be compared and are passed over.
func VerifyStates(ctx context.Context, st Records, machines []Machine, refs []Ref, failed func(Ref, error)) error {
	byName := map[string]Machine{}
	for _, m := range machines {
		byName[m.Name()] = m
	}
	for _, ref := range refs {
		recs, err := st.Load(ctx, ref)
		if err != nil {
			return fmt.Errorf("load %s: %w", ref.ID, err)
		}
		m := byName[recs[0].Machine]
		if m == nil || recs[0].Schema != m.Schema() {
			continue
		}
		events, err := st.Events(ctx, ref, 0)
		if err != nil {
			return fmt.Errorf("read %s: %w", ref.ID, err)
		}
		if err := sameState(m, recs[0], events); err != nil {
			failed(ref, err)
		}
	}
	return nil
}

func sameState(m Machine, rec Record, events []Event) error {
	if uint64(len(events)) != rec.Version {
		return nil // it moved on between the two reads
	}
	for _, e := range events {
		if e.Body == nil {
			return nil
		}
	}
	s, err := Fold(m, events)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if !bytes.Equal(raw, rec.State) {
		return ErrStateDiffers
	}
	return nil
}
