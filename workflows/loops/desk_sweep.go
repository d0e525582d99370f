package loops

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/keyholder/keyholder/workflows"
)

// Sweep looks at every open workflow of the configured accounts, and at the ledger, and sets again
// what its record wants and somebody may have removed: timers, watches, calls that are owed, cards
// that show something else, the list of those who are waited for. It answers how many it looked at.
// One that cannot be read is logged and left.
func (d *Desk) Sweep(ctx context.Context) (int, error) { return d.sweepAll(ctx, false) }

// Redraw is a Sweep that draws every card of what is open again, whatever the record says that it
// shows: after a failover cards may show what the record no longer has.
func (d *Desk) Redraw(ctx context.Context) (int, error) { return d.sweepAll(ctx, true) }

func (d *Desk) sweepAll(ctx context.Context, redraw bool) (int, error) {
	ids := []string{workflows.LedgerID(d.o.Store.Shards())}
	for _, account := range append(slices.Clone(d.o.Policies.Accounts()), workflows.AccountOfPeople) {
		open, err := d.o.Store.Open(ctx, account)
		if err != nil {
			return 0, fmt.Errorf("list open workflows of %s: %w", account, err)
		}
		ids = append(ids, open...)
	}
	n := 0
	for _, id := range ids {
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		switch err := d.sweep(ctx, id, redraw); {
		case errors.Is(err, errUnexplained): // no such workflow (any more)
		case errors.Is(err, workflows.ErrConflict): // it moved on, and set again what it wants
		case passing(err):
			return n, fmt.Errorf("sweep %s: %w", id, err)
		case err != nil:
			d.o.Log.Warn().Err(err).Str(workflows.LogWorkflow, id).Msg("what a workflow wants cannot be looked at")
		}
		n++
	}
	return n, nil
}

// sweep sets again what one workflow wants.
func (d *Desk) sweep(ctx context.Context, id string, redraw bool) error {
	_, r, err := d.record(ctx, id, 0)
	if err != nil {
		return err
	}
	events, err := d.o.Store.Chain(ctx, r)
	if err != nil {
		return fmt.Errorf("read the events of %s: %w", id, err)
	}
	s, err := d.show(ctx, id, r.Version)
	if err != nil || s.version != r.Version {
		return err
	}
	places, err := d.o.Store.Places(ctx, id)
	if err != nil {
		return fmt.Errorf("look up the cards of %s: %w", id, err)
	}
	cmd := workflows.Command{Workflow: id, Account: s.state.Account(), At: d.o.Now()}
	r.Ref = workflows.RecordRef(id)
	c := workflows.Change{Workflow: id, Account: cmd.Account, Records: []workflows.RecordChange{{From: r}},
		WaitingFor: s.view.Waiting}
	for _, t := range s.view.Timers {
		t.Workflow = id
		c.TimersSet = append(c.TimersSet, t)
	}
	for _, e := range workflows.Owed(id, events) {
		if workflows.Ops[e.Call.Op] {
			c.Ensure = append(c.Ensure, e)
		}
	}
	for _, w := range s.view.Watches {
		c.Ensure = append(c.Ensure, watchEffect(workflows.Command{Workflow: id, Account: cmd.Account}, w))
	}
	due := s.stale(places)
	for _, card := range s.view.Cards {
		// what the ledger posted is never drawn again
		if redraw && workflows.RecordRef(id).Kind != workflows.KindLedger {
			c.Stale = append(c.Stale, workflows.PlaceName(card.Name, card.Recipient))
			due[laneOf(card)] = true
		}
	}
	for lane, due := range due {
		if due {
			c.Put = append(c.Put, cardsEffect(cmd, lane, r.Version))
		}
	}
	return d.commit(ctx, c)
}

// stale answers, by lane, whether a card shows something else than the state says, or does not stand anywhere.
func (s shown) stale(places map[string]workflows.Place) (due [2]bool) {
	for _, card := range s.view.Cards {
		at := places[workflows.PlaceName(card.Name, card.Recipient)]
		if at.TS == "" || at.Shown != hashOf(card, blockMachine(s.machine, card)) {
			due[laneOf(card)] = true
		}
	}
	return due
}
