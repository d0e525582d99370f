package loops

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyholder/keyholder/workflows"
)

// Would decides a command that opens a workflow without making anything durable, so that a person
// hears before they fill in its form what it would be refused for whatever they write: a [*Refusal]
// that names no field. nil is no promise, for the form is judged when it comes. All else that keeps
// it from being decided now is nil, too: it is then told by the form's own answer.
func (d *Desk) Would(ctx context.Context, cmd workflows.Command) error {
	letter, _, ok := workflows.ParseID(cmd.Workflow)
	m := d.machines[letter]
	if !ok || m == nil || cmd.Name != m.Name()+".request" {
		return fmt.Errorf("find %.40q: %w", cmd.Workflow, workflows.ErrNoWorkflow)
	}
	at, err := d.open(ctx, m, &cmd, true)
	if err != nil || at.done {
		return nil
	}
	facts, err := d.facts(ctx, m.Needs(at.state, cmd, at.policy, at.account), at)
	if err != nil {
		return nil
	}
	var r *workflows.Refusal
	if _, err := m.Decide(at.state, cmd, facts); errors.As(err, &r) && r.Field == "" {
		return r
	}
	return nil
}
