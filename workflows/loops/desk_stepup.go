package loops

import (
	"fmt"
	"slices"

	"github.com/keyholder/keyholder/workflows"
)

// steppedUp refuses a change that a person has yet to show who they are for. Only what would be recorded
// asks for it: who may not click, and who opens a form, hears that at once.
func (d *Desk) steppedUp(m workflows.Machine, cmd workflows.Command, at scene, c *workflows.Change) error {
	if !at.policy.NamesClick(cmd.Name) || cmd.Told || cmd.Actor.Kind != workflows.ByPerson || cmd.Actor.StepUp != nil ||
		len(c.Records) == 0 {
		return nil
	}
	next, err := m.Decode(c.Records[0].State)
	if err != nil {
		return fmt.Errorf("read what would be recorded: %w", err)
	}
	if !at.policy.StepsUp(cmd.Name, next) {
		return nil
	}
	return &workflows.StepUpWanted{Account: cmd.Account, About: about(m, cmd, at.state, next)}
}

// about names what a command is about to decide: the button as it reads on the card, and the workflow.
func about(m workflows.Machine, cmd workflows.Command, before, next workflows.State) string {
	label := "Send"
	if before.Opened() {
		for _, c := range m.View(before).Cards {
			for _, b := range c.Buttons {
				if b.Action == cmd.Name {
					label = b.Label
				}
			}
		}
	}
	title := next.Title()
	if before.Opened() {
		title = before.Title()
	}
	if title == "" {
		return "*" + workflows.Esc(label) + "* (`" + cmd.Workflow + "`)"
	}
	return "*" + workflows.Esc(label) + "*: " + workflows.Esc(title) + " (`" + cmd.Workflow + "`)"
}

// delegateSteppedUp refuses a delegation that needs a proof: it serves all accounts, so any of them asks.
func (d *Desk) delegateSteppedUp(cmd workflows.Command, to string) error {
	if cmd.Actor.StepUp != nil || to == "" {
		return nil
	}
	for _, id := range d.o.Policies.Accounts() {
		if p, _ := d.o.Policies.Policy(id); slices.Contains(p.StepUp, workflows.StepDelegate) {
			return &workflows.StepUpWanted{About: "*Let " + workflows.Mention(to) +
				" decide in your place*, in every account"}
		}
	}
	return nil
}
