package workflows

import "context"

// Card answers what a person's own card of a workflow shows now, and the machine that its buttons'
// block names; ok false: they have none. It is asked of the state and not of Slack, so it can be
// shown where the card itself could not be brought. Errors: [ErrNoWorkflow], [ErrAway].
func (d *Desk) Card(ctx context.Context, workflow, person string) (card Card, machine string, ok bool, err error) {
	m, s, _, err := d.load(ctx, workflow)
	if err != nil || !s.Opened() {
		return Card{}, "", false, err
	}
	for _, c := range m.View(s).Cards {
		if c.Recipient == person && c.Name == "main" {
			return c, blockMachine(m, c), true, nil
		}
	}
	return Card{}, "", false, nil
}
