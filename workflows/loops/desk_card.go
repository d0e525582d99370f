package loops

import (
	"context"

	"github.com/keyholder/keyholder/workflows"
)

// Card answers what a person's own card of a workflow shows now, and the machine that its buttons'
// block names; ok false: they have none. It is asked of the state and not of Slack, so it can be
// shown where the card itself could not be brought. Errors: [workflows.ErrNoWorkflow], [workflows.ErrAway].
func (d *Desk) Card(ctx context.Context, workflow, person string) (card workflows.Card, machine string, ok bool,
	err error) {
	m, s, _, err := d.load(ctx, workflow)
	if err != nil || !s.Opened() {
		return workflows.Card{}, "", false, err
	}
	for _, c := range m.View(s).Cards {
		if c.Recipient == person && c.Name == "main" {
			return c, blockMachine(m, c), true, nil
		}
	}
	return workflows.Card{}, "", false, nil
}
