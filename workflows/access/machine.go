package access

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// Machine is the access machine; its zero value is ready.
type Machine struct{}

var _ workflows.Machine = Machine{}

// Name implements workflows.Machine.
func (Machine) Name() string { return "access" }

// Letter implements workflows.Machine.
func (Machine) Letter() byte { return 'a' }

// Schema implements workflows.Machine.
func (Machine) Schema() int { return 2 }

// New implements workflows.Machine.
func (Machine) New() workflows.State { return State{} }

// Decode implements workflows.Machine.
func (Machine) Decode(raw []byte) (workflows.State, error) {
	var s State
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode access: %w", err)
	}
	return s, nil
}

// Needs implements workflows.Machine.
func (Machine) Needs(st workflows.State, cmd workflows.Command, p workflows.Policy, _ workflows.AccountState) workflows.Needs {
	s := st.(State)
	var n workflows.Needs
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = append(n.People, cmd.Actor.ID)
	}
	if cmd.Name == Request {
		cmd = asForm(cmd)
		n.People = workflows.Union(n.People, p.Access.Approvers, p.HolderIDs(), p.Admins, []string{cmd.Input[BlockPerson], requester(cmd)})
		if byReview(cmd) {
			n.People, n.Delegations = workflows.Union(p.HolderIDs(), p.Admins), nil
		}
		n.Delegations = p.Access.Approvers
		if email := strings.ToLower(strings.TrimSpace(cmd.Input[BlockEmail])); email != "" {
			n.Emails = []string{email}
		}
		return n
	}
	if cmd.Actor.Kind == workflows.ByPerson { // whom the configuration still names
		n.People = workflows.Union(n.People, p.HolderIDs(), p.Admins)
	}
	if s.counts(cmd) {
		people := s.Ballot.People()
		if s.Extend != nil {
			people = append(people, s.Extend.Ballot.People()...)
		}
		n.People = workflows.Union(n.People, people, p.Access.Approvers, s.own(), s.extender())
		n.Delegations = s.Electorate
		if cmd.Timer != nil {
			n.People = workflows.Union(n.People, s.managers(), []string{s.Requester})
		}
	}
	return n
}

// counts reports whether deciding the command counts votes or opens a question.
func (s State) counts(cmd workflows.Command) bool {
	switch cmd.Name {
	case ActApprove, ActRefuse, ActExtend, workflows.CmdDelegated:
		return true
	case workflows.CmdReceipt:
		return cmd.Receipt.Op == workflows.OpReadAccess && s.Phase == Reading && s.Review == ""
	case workflows.CmdTimer:
		return cmd.Timer.Name == timerEscalate || cmd.Timer.Name == timerStandIns
	}
	return false
}

// Decide implements workflows.Machine.
func (Machine) Decide(st workflows.State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	s := st.(State)
	d, err := decide(s, cmd, f)
	d = workflows.WithOwnHand(d, cmd, f)
	if err != nil || len(d.Events) == 0 || s.Review == "" && !byReview(cmd) {
		return d, err
	}
	next, err := fold(s, d.Events)
	if err != nil {
		return d, err
	}
	if call, ok := next.fixed(cmd, s); ok {
		d.Calls = append(d.Calls, call)
	}
	return d, nil
}

// Apply implements workflows.Machine.
func (Machine) Apply(st workflows.State, e workflows.Event) (workflows.State, error) {
	return apply(st.(State), e)
}

// View implements workflows.Machine.
func (Machine) View(st workflows.State) workflows.View { return st.(State).view() }

// Tell implements workflows.Machine.
func (Machine) Tell(e workflows.Event) string { return tell(e) }
