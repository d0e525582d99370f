package loops

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/keyholder/keyholder/workflows"
)

// Revived is a record made again from its events, for a store that has nothing but them.
type Revived struct {
	// Record has state, schema, machine and last time as its events say.
	Record workflows.Record
	// Change is what the record wants beside it: timers, calls that are owed, watches, cards, who
	// is waited for, whether it is open. It compares the record and writes nothing into it.
	// Workflow is empty where nothing is wanted.
	Change workflows.Change
	// Cards are all that it ever wanted, by [workflows.PlaceName]: a place of any other is none of its.
	Cards map[string]bool
}

// Revive folds a record's events, all of them, up to rec's version; whose links hold is the store's
// to say. cards are the lanes in which cards were still to be brought up to date when the events
// were copied. The cards of what is open are all drawn again: since then they may have come to show
// what the record no longer has. Errors: [workflows.ErrUnknownEvent] and [workflows.ErrNoWorkflow] for what a newer
// Keyholder wrote; [workflows.ErrDoubted] where an event was erased.
func Revive(machines []workflows.Machine, rec workflows.Record, events []workflows.Event, cards [2]bool) (made Revived,
	err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("fold %s %s: the program stumbled: %v", rec.Ref.Kind, rec.Ref.ID, p)
		}
	}()
	made.Record, made.Cards = rec, map[string]bool{}
	for _, e := range events {
		made.Record.Last = e.At
		if e.Body == nil {
			return made, fmt.Errorf("fold %s %s: event %d was erased: %w", rec.Ref.Kind, rec.Ref.ID, e.Seq,
				workflows.ErrDoubted)
		}
	}
	var state any
	switch rec.Ref.Kind {
	case workflows.KindAccount:
		made.Record.Machine, made.Record.Schema = workflows.KindAccount, workflows.AccountSchema
		state, err = workflows.FoldRecord(rec.Ref, events, workflows.ApplyAccount)
	case workflows.KindPerson:
		made.Record.Machine, made.Record.Schema = workflows.KindPerson, workflows.PersonSchema
		state, err = workflows.FoldRecord(rec.Ref, events, workflows.ApplyPerson)
	default:
		m := workflows.MachineOf(machines, rec.Ref.ID)
		if m == nil {
			return made, fmt.Errorf("fold %s %.40q: %w", rec.Ref.Kind, rec.Ref.ID, workflows.ErrNoWorkflow)
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
	made.Change.Records = []workflows.RecordChange{{From: made.Record}}
	return made, nil
}

// workflow folds a workflow, or the ledger, and collects what it wants.
func (r *Revived) workflow(m workflows.Machine, events []workflows.Event, cards [2]bool) (workflows.State, error) {
	id := r.Record.Ref.ID
	s, view := m.New(), workflows.View{}
	for _, e := range events {
		var err error
		if s, err = workflows.Apply(m, s, e); err != nil {
			return nil, fmt.Errorf("apply event %d of %s: %w", e.Seq, id, err)
		}
		if !s.Opened() {
			continue
		}
		view = m.View(s)
		for _, card := range slices.Concat(view.Cards, view.Former) {
			r.Cards[workflows.PlaceName(card.Name, card.Recipient)] = true
		}
	}
	c := workflows.Change{Workflow: id, Account: s.Account(), WaitingFor: view.Waiting, Since: s.Began()}
	for _, t := range view.Timers {
		t.Workflow = id
		c.TimersSet = append(c.TimersSet, t)
	}
	for _, e := range workflows.Owed(id, events) {
		if workflows.Ops[e.Call.Op] {
			c.Ensure = append(c.Ensure, e)
		}
	}
	cmd := workflows.Command{Workflow: id, Account: c.Account, At: r.Record.Last}
	for _, w := range view.Watches {
		c.Ensure = append(c.Ensure, watchEffect(cmd, w))
	}
	open := s.Opened() && !s.Closed()
	if open && c.Account != "" {
		c.Open = 1
	}
	if open && r.Record.Ref.Kind != workflows.KindLedger { // what the ledger posted is never drawn again
		for _, card := range view.Cards {
			c.Stale = append(c.Stale, workflows.PlaceName(card.Name, card.Recipient))
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
