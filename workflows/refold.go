package workflows

import (
	"context"
	"encoding/json"
	"fmt"
)

// Refold answers a record of any kind as its events say it is: state, schema and machine, whatever
// is stored of them. Which machine a workflow is of says its ID. The version and head that it was
// loaded with are what its events are compared with. Errors: [ErrDoubted] where they are others or
// one was erased; [ErrUnknownEvent] for one that a newer Keyholder wrote; [ErrNoWorkflow] when no
// machine has the ID's letter.
func Refold(ctx context.Context, st Records, machines []Machine, rec Record) (Record, error) {
	next, err := refolded(ctx, st, machines, rec)
	if err != nil {
		return next, err
	}
	events, err := st.Events(ctx, rec.Ref, max(rec.Version, 1)-1)
	if err == nil && len(events) > 0 {
		next.Last = events[0].At
	}
	return next, err
}

// refolded is Refold but for the last time, which stays as stored.
func refolded(ctx context.Context, st Records, machines []Machine, rec Record) (Record, error) {
	rec.Doubt = DoubtState
	var state any
	var err error
	switch rec.Ref.Kind {
	case KindAccount:
		rec.Machine, rec.Schema = KindAccount, accountSchema
		state, err = recordState(ctx, st, rec, ApplyAccount)
	case KindPerson:
		rec.Machine, rec.Schema = KindPerson, personSchema
		state, err = recordState(ctx, st, rec, ApplyPerson)
	default:
		m := machineOf(machines, rec.Ref.ID)
		if m == nil {
			return rec, fmt.Errorf("fold %s %.40q: %w", rec.Ref.Kind, rec.Ref.ID, ErrNoWorkflow)
		}
		rec.Machine, rec.Schema = m.Name(), m.Schema()
		var events []Event
		if events, err = chainOf(ctx, st, rec); err == nil {
			state, err = Fold(m, events)
		}
	}
	if err != nil {
		return rec, err
	}
	if rec.State, err = json.Marshal(state); err != nil {
		return rec, fmt.Errorf("encode %s %s: %w", rec.Ref.Kind, rec.Ref.ID, err)
	}
	rec.Doubt = ""
	return rec, nil
}

// machineOf answers the machine whose letter begins the ID; nil: none.
func machineOf(machines []Machine, id string) Machine {
	letter, _, ok := ParseID(id)
	for _, m := range machines {
		if ok && m.Letter() == letter {
			return m
		}
	}
	return nil
}
