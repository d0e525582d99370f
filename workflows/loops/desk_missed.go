package loops

import (
	"context"
	"errors"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// missed tells that something could not be brought, and answers whether that is recorded. What says
// so itself never brings about another such message but to its own workflow.
func (d *Desk) missed(ctx context.Context, account string, m workflows.Missed, at time.Time) error {
	own := workflows.HasLetter(m.Workflow, workflows.LetterReach)
	if d.names[workflows.MachineReach] == nil || account == "" {
		return nil
	}
	id := m.Workflow
	if !own {
		var err error
		if m.Kind == workflows.MissedCard && m.Code == workflows.CodeNoTab {
			m.To = workflows.Everybody // one message says it, not one for each
		}
		if id, err = d.NewWorkflowID(workflows.MachineReach, account, m.Kind, m.To); err != nil {
			return err
		}
		m.Asked = d.asked(ctx, m.Workflow)
		if s, err := d.State(ctx, m.Workflow); err == nil {
			m.Title = s.Title()
		}
	}
	err := d.tellReach(ctx, workflows.MissedMore, account, id, m, at)
	if errors.Is(err, workflows.ErrNoWorkflow) && !errors.Is(err, workflows.ErrNewer) {
		err = d.tellReach(ctx, workflows.MissedFirst, account, id, m, at)
	}
	return err
}

// reached tells that what was missed is brought by now.
func (d *Desk) reached(ctx context.Context, account string, m workflows.Missed, at time.Time) error {
	if d.names[workflows.MachineReach] == nil || account == "" || workflows.HasLetter(m.Workflow,
		workflows.LetterReach) {
		return nil
	}
	to := []string{m.To}
	if m.Kind == workflows.MissedCard {
		to = append(to, workflows.Everybody)
	}
	for _, m.To = range to {
		id, err := d.NewWorkflowID(workflows.MachineReach, account, m.Kind, m.To)
		if err == nil {
			err = d.tellReach(ctx, workflows.MissedNoted, account, id, m, at)
		}
		if err != nil && !errors.Is(err, workflows.ErrNoWorkflow) { // where there is none nobody was told
			return err
		}
	}
	return nil
}

func (d *Desk) tellReach(ctx context.Context, what workflows.Message[workflows.Missed], account, id string,
	m workflows.Missed, at time.Time) error {
	call := what.To(account, id, m)
	_, err := d.Do(ctx, workflows.Command{ID: what.Command + "/" + m.Workflow + "/" + m.To + "/" +
		m.Since.UTC().Format(time.RFC3339Nano), Workflow: id,
		Account: account, Name: call.Command, Input: call.Input, Actor: workflows.Actor{Kind: workflows.ByKeyholder},
		At:    at,
		Round: workflows.NoRound})
	var refused *workflows.Refusal
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// asked is the person whose command opened a workflow, "" where it was nobody or cannot be read.
func (d *Desk) asked(ctx context.Context, workflow string) string {
	events, err := d.o.Store.Events(ctx, workflows.RecordRef(workflow), 0)
	if err != nil || len(events) == 0 || events[0].By.Kind != workflows.ByPerson {
		return ""
	}
	return events[0].By.ID
}

// late tells of a letter or an alarm that is on its way for so long that others should hear of it,
// and of one that arrived after all.
func (c *Courier) late(ctx context.Context, e workflows.Effect, out workflows.Outcome) {
	if e.Call == nil || !e.Call.Posted() || c.o.Now().Sub(e.Made) < workflows.MissedAfter {
		return
	}
	m := workflows.Missed{Kind: workflows.MissedAlarm, Workflow: e.Workflow, To: e.Call.Op, Since: e.Made}
	if e.Call.Op == workflows.OpLetter {
		m.Kind, m.To = workflows.MissedLetter, e.Call.Email
	}
	bounded, cancel := context.WithTimeout(ctx, 2*storeTimeout)
	defer cancel()
	var err error
	switch {
	case out.Done:
		err = c.o.Desk.reached(bounded, e.Account, m, c.o.Now())
	case !out.Limited && !out.Untried:
		if out.Receipt != nil {
			m.Code = out.Receipt.Code
		}
		err = c.o.Desk.missed(bounded, e.Account, m, c.o.Now())
	}
	if err != nil {
		c.o.Log.Warn().Err(err).Str(workflows.LogEffect, e.ID).Msg("how late it is could not be told yet")
	}
}
