package workflows

import (
	"encoding/json"
	"fmt"
)

// Revived is a record made again from its events, for a store that has nothing but them.
type Revived struct {
	// Record has state, schema, machine and last time as its events say.
	Record Record
	// Change is what the record wants beside it: timers, calls that are owed, watches, cards, who
	// is waited for, whether it is open. It compares the record and writes nothing into it.
	// Workflow is empty where nothing is wanted.
	Change Change
	// Cards are all that it ever wanted, by [PlaceName]: a place of any other is none of its.
	Cards map[string]bool
}

// Revive folds a record's events, all of them, up to rec's version; whose links hold is the store's
// to say. cards are the lanes in which cards were still to be brought up to date when the events
// were copied. The cards of what is open are all drawn again: since then they may have come to show
// what the record no longer has. Errors: [ErrUnknownEvent] and [ErrNoWorkflow] for what a newer
// Keyholder wrote; [ErrDoubted] where an event was erased.
func Revive(machines []Machine, rec Record, events []Event, cards [2]bool) (made Revived, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("fold %s %s: the program stumbled: %v", rec.Ref.Kind, rec.Ref.ID, p)
		}
	}()
	made.Record, made.Cards = rec, map[string]bool{}
	for _, e := range events {
		made.Record.Last = e.At
		if e.Body == nil {
			return made, fmt.Errorf("fold %s %s: event %d was erased: %w", rec.Ref.Kind, rec.Ref.ID, e.Seq, ErrDoubted)
		}
	}
	var state any
	switch rec.Ref.Kind {
	case KindAccount:
		made.Record.Machine, made.Record.Schema = KindAccount, accountSchema
		state, err = foldRecord(rec.Ref, events, ApplyAccount)
	case KindPerson:
		made.Record.Machine, made.Record.Schema = KindPerson, personSchema
		state, err = foldRecord(rec.Ref, events, ApplyPerson)
	default:
		m := MachineOf(machines, rec.Ref.ID)
		if m == nil {
			return made, fmt.Errorf("fold %s %.40q: %w", rec.Ref.Kind, rec.Ref.ID, ErrNoWorkflow)
		}
		made.Record.Machine, made.Record.Schema = m.Name(), m.Schema()
		state, err = made.workflow(m, events, cards)
	}
	if err != nil {
		return made, err
	}
	if made.Record.State, err = json.Marshal(state); err != nil {
		return made, fmt.Errorf("encode %s %s: %w", rec.Ref.Kind, rec.Ref.ID, err)
	}
	made.Change.Records = []RecordChange{{From: made.Record}}
	return made, nil
}

// foldRecord folds the events of a record that is no workflow.
func foldRecord[S any](ref Ref, events []Event, apply func(S, Event) (S, error)) (s S, err error) {
	for _, e := range events {
		if s, err = apply(s, e); err != nil {
			return s, fmt.Errorf("fold %s %s: %w", ref.Kind, ref.ID, err)
		}
	}
	return s, nil
}

// workflow folds a workflow, or the ledger, and collects what it wants.
func (r *Revived) workflow(m Machine, events []Event, cards [2]bool) (State, error) {
	id := r.Record.Ref.ID
	s, view := m.New(), View{}
	for _, e := range events {
		var err error
		if s, err = Apply(m, s, e); err != nil {
			return nil, fmt.Errorf("apply event %d of %s: %w", e.Seq, id, err)
		}
		if !s.Opened() {
			continue
		}
		view = m.View(s)
		for _, card := range view.Cards {
			r.Cards[PlaceName(card.Name, card.Recipient)] = true
		}
	}
	c := Change{Workflow: id, Account: s.Account(), WaitingFor: view.Waiting, Since: s.Began()}
	for _, t := range view.Timers {
		t.Workflow = id
		c.TimersSet = append(c.TimersSet, t)
	}
	for _, e := range Owed(id, events) {
		if Ops[e.Call.Op] {
			c.Ensure = append(c.Ensure, e)
		}
	}
	cmd := Command{Workflow: id, Account: c.Account, At: r.Record.Last}
	for _, w := range view.Watches {
		c.Ensure = append(c.Ensure, watchEffect(cmd, w))
	}
	open := s.Opened() && !s.Closed()
	if open && c.Account != "" {
		c.Open = 1
	}
	if open && r.Record.Ref.Kind != KindLedger { // what the ledger posted is never drawn again
		for _, card := range view.Cards {
			c.Stale = append(c.Stale, PlaceName(card.Name, card.Recipient))
			cards[laneOf(card)] = true
		}
	}
	for lane, due := range cards {
		if due {
			c.Put = append(c.Put, cardsEffect(cmd, lane, r.Record.Version))
		}
	}
	r.Change = c
	return s, nil
}
