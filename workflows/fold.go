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
	next, err := Refolded(ctx, st, machines, rec)
	if err != nil {
		return next, err
	}
	events, err := st.Events(ctx, rec.Ref, max(rec.Version, 1)-1)
	if err == nil && len(events) > 0 {
		next.Last = events[0].At
	}
	return next, err
}

// Refolded is Refold but for the last time, which stays as stored.
func Refolded(ctx context.Context, st Records, machines []Machine, rec Record) (Record, error) {
	rec.Doubt = DoubtState
	var state any
	var err error
	switch rec.Ref.Kind {
	case KindAccount:
		rec.Machine, rec.Schema = KindAccount, AccountSchema
		state, err = StateOf(ctx, st, rec, ApplyAccount)
	case KindPerson:
		rec.Machine, rec.Schema = KindPerson, PersonSchema
		state, err = StateOf(ctx, st, rec, ApplyPerson)
	default:
		m := MachineOf(machines, rec.Ref.ID)
		if m == nil {
			return rec, fmt.Errorf("fold %s %.40q: %w", rec.Ref.Kind, rec.Ref.ID, ErrNoWorkflow)
		}
		rec.Machine, rec.Schema = m.Name(), m.Schema()
		var events []Event
		if events, err = ChainOf(ctx, st, rec); err == nil {
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

// MachineOf answers the machine whose letter begins the ID; nil: none.
func MachineOf(machines []Machine, id string) Machine {
	letter, _, ok := ParseID(id)
	for _, m := range machines {
		if ok && m.Letter() == letter {
			return m
		}
	}
	return nil
}

// Schemas of the records that are no workflows.
const (
	AccountSchema = 1
	PersonSchema  = 1
)

// Answered is the type of the event that a call leaves behind when its answer changed nothing: so
// the events alone say which calls are still owed. It belongs to the road and not to a machine; no
// story tells it.
const Answered = "road.answered"

// Fold applies events to the machine's first state.
func Fold(m Machine, events []Event) (State, error) {
	s := m.New()
	var err error
	for _, e := range events {
		if s, err = Apply(m, s, e); err != nil {
			return nil, fmt.Errorf("apply event %d: %w", e.Seq, err)
		}
	}
	return s, nil
}

// Apply folds one event; those of the road say nothing to a machine.
func Apply(m Machine, s State, e Event) (State, error) {
	if e.Type == Answered || e.Type == Erasure {
		return s, nil
	}
	return m.Apply(s, e)
}

// ChainOf answers the events of a record that is to be folded anew. One that nobody vouches for, or
// with an erased event, cannot be.
func ChainOf(ctx context.Context, st Records, r Record) ([]Event, error) {
	if r.Doubt == DoubtChain {
		return nil, fmt.Errorf("load %s %s: %w", r.Ref.Kind, r.Ref.ID, ErrDoubted)
	}
	events, err := st.Chain(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("load events of %s: %w", r.Ref.ID, err)
	}
	for _, e := range events {
		if e.Body == nil {
			return nil, fmt.Errorf("fold %s %s: event %d was erased: %w", r.Ref.Kind, r.Ref.ID, e.Seq, ErrDoubted)
		}
	}
	return events, nil
}

// StateOf reads the state of a record that is no workflow; one that does not exist is empty.
func StateOf[S any](ctx context.Context, st Records, r Record, apply func(S, Event) (S, error)) (S, error) {
	var s S
	switch {
	case r.Version == 0 && r.Doubt == "":
		return s, nil
	case r.Doubt == "":
		if err := json.Unmarshal(r.State, &s); err != nil {
			return s, fmt.Errorf("decode %s %s: %w", r.Ref.Kind, r.Ref.ID, err)
		}
		return s, nil
	}
	events, err := ChainOf(ctx, st, r)
	if err != nil {
		return s, err
	}
	return FoldRecord(r.Ref, events, apply)
}

// Owed lists the calls that a workflow's events decided and that none answers, as effects, oldest
// first. The events are all of them.
func Owed(workflow string, events []Event) []Effect {
	answers := map[string]bool{}
	for _, e := range events {
		answers[e.Command] = true
	}
	var out []Effect
	for _, e := range events {
		for i := range e.Calls {
			own := CallEffect(workflow, e, e.Seq, i)
			if !answers[ReceiptID(own.ID)] {
				own.Call = &e.Calls[i]
				out = append(out, own)
			}
		}
	}
	return out
}

// CallEffect names the call with an index of an event.
func CallEffect(workflow string, e Event, seq uint64, index int) Effect {
	call := e.Calls[index]
	return Effect{Kind: EffectCall, ID: fmt.Sprintf("%s/%d/%d", workflow, seq, index), Workflow: workflow,
		Account: call.Account,
		Key:     callKey(call.Account, call), Made: e.At, Event: seq, Index: index}
}

// callKey orders calls: those to integrator.io by account; what one workflow tells another by the
// one that is told, checkpoints by the ledger, letters and alarms by their road, so that they do not
// wait while integrator.io is away.
func callKey(account string, call Call) string {
	switch {
	case call.Op == OpTell:
		return "tell/" + call.ID
	case call.Op == OpUndelegate:
		return call.Op + "/" + call.ID
	case call.Op == OpCheckpoint:
		return "checkpoint/" + call.ID
	case call.Posted():
		return call.Op + "/" + account
	}
	return "io/" + account
}

// ReceiptID is the ID of the command that answers a call.
func ReceiptID(effect string) string { return "receipt/" + effect }

// FoldRecord folds the events of a record that is no workflow.
func FoldRecord[S any](ref Ref, events []Event, apply func(S, Event) (S, error)) (s S,
	err error) {
	for _, e := range events {
		if s, err = apply(s, e); err != nil {
			return s, fmt.Errorf("fold %s %s: %w", ref.Kind, ref.ID, err)
		}
	}
	return s, nil
}
