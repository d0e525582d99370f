package transfer

import (
	"encoding/json"
	"fmt"

	"github.com/keyholder/keyholder/workflows"
)

// Machine is the transfer machine; its zero value is ready.
type Machine struct{}

var _ workflows.Machine = Machine{}

// Name implements workflows.Machine.
func (Machine) Name() string { return "transfer" }

// Letter implements workflows.Machine.
func (Machine) Letter() byte { return 't' }

// Schema implements workflows.Machine.
func (Machine) Schema() int { return 1 }

// New implements workflows.Machine.
func (Machine) New() workflows.State { return State{} }

// Decode implements workflows.Machine.
func (Machine) Decode(raw []byte) (workflows.State, error) {
	var s State
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode transfer: %w", err)
	}
	return s, nil
}

// Needs implements workflows.Machine.
func (Machine) Needs(st workflows.State, cmd workflows.Command, p workflows.Policy, a workflows.AccountState) workflows.Needs {
	s := st.(State)
	var n workflows.Needs
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = append(n.People, cmd.Actor.ID)
	}
	if cmd.Name == Request {
		n.People = workflows.Union(n.People, p.HolderIDs(), p.Admins, p.ApproverIDs(), []string{cmd.Input[BlockPerson]})
		n.Delegations = p.ApproverIDs()
		if _, alias := p.Alias(a.Owner); !alias && a.Owner != "" {
			n.Emails = []string{a.Owner}
		}
		return n
	}
	if _, click := clicks[cmd.Name]; click {
		// Who may act is judged by the configuration of now.
		n.People = workflows.Union(n.People, p.HolderIDs(), p.Admins, s.FromPeople, []string{s.Invite.Attested})
	}
	if s.counts(cmd) {
		// Everybody whose vote or seat matters, whom it is about, and who is an approver by the configuration of now.
		n.People = workflows.Union(n.People, s.Ballot.People(), p.ApproverIDs(), []string{s.Requester, s.ToPerson}, s.ToHolders)
		n.Delegations = s.Electorate
	}
	return n
}

// counts reports whether deciding the command counts votes or opens the question.
func (s State) counts(cmd workflows.Command) bool {
	switch cmd.Name {
	case ActConfirm, ActRefuse, ActWaive, workflows.CmdDelegated:
		return true
	case workflows.CmdReceipt:
		return cmd.Receipt != nil && cmd.Receipt.Op == workflows.OpInspect && s.Phase != Settling
	}
	return false
}

// Decide implements workflows.Machine.
func (Machine) Decide(st workflows.State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	d, err := decide(st.(State), cmd, f)
	return workflows.WithOwnHand(d, cmd, f), err
}

// Apply implements workflows.Machine.
func (Machine) Apply(st workflows.State, e workflows.Event) (workflows.State, error) {
	return apply(st.(State), e)
}

// View implements workflows.Machine.
func (Machine) View(st workflows.State) workflows.View { return st.(State).view() }

// Tell implements workflows.Machine.
func (Machine) Tell(e workflows.Event) string { return tell(e) }
