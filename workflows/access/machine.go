package access

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// Machine is the access machine.
func Machine() workflows.Machine {
	return workflows.Rules[State]{
		Name: "access", Letter: workflows.LetterAccess, Schema: 2,
		Kinds: kinds, Needs: needs, View: State.view,
		Decide: func(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
			d, err := decide(s, asForm(cmd), f)
			if err != nil {
				return d, err
			}
			return tellPacket(s, cmd, d)
		},
	}.Machine()
}

// needs says whom a decision wants to know about.
func needs(s State, cmd workflows.Command, p workflows.Policy, _ workflows.AccountState) workflows.Needs {
	if cmd.Name == Request {
		return requestNeeds(asForm(cmd), p)
	}
	var n workflows.Needs
	if cmd.Actor.Kind == workflows.ByPerson { // whom the configuration still names
		n.People = workflows.Union([]string{cmd.Actor.ID}, p.HolderIDs(), p.Admins)
	}
	if workflows.AccessKept.Given(cmd) {
		if b, err := workflows.AccessKept.Body(cmd); err == nil {
			n.People = []string{b.Reviewer}
		}
	}
	if !s.counts(cmd) {
		return n
	}
	people, delegations := asks.Needs(s, p)
	if s.Box.Asks {
		again, _ := more.Needs(s, p)
		people = workflows.Union(people, again)
	}
	n.People = workflows.Union(n.People, people, s.Electorate, s.own())
	n.Delegations = workflows.Union(delegations, s.Electorate)
	return n
}

func requestNeeds(cmd workflows.Command, p workflows.Policy) workflows.Needs {
	var n workflows.Needs
	if email := strings.ToLower(strings.TrimSpace(cmd.Input[BlockEmail])); email != "" {
		n.Emails = []string{email}
	}
	n.Delegations = p.Access.Approvers
	if byReview(cmd) {
		n.People = workflows.Union(p.HolderIDs(), p.Admins)
		return n
	}
	n.People = workflows.Union(p.Access.Approvers, p.HolderIDs(), p.Admins, p.Quiet,
		[]string{cmd.Input[BlockPerson], requester(cmd)})
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = workflows.Union(n.People, []string{cmd.Actor.ID})
	}
	return n
}

// counts reports whether deciding the command counts votes or opens a question.
func (s State) counts(cmd workflows.Command) bool {
	switch cmd.Name {
	case ActApprove, ActComment, ActRefuse, ActLook, ActExtend, workflows.CmdDelegated:
		return true
	case workflows.CmdReceipt:
		return cmd.Receipt != nil && cmd.Receipt.Op == workflows.OpReadAccess && s.Stage == Reading && s.Review == nil
	case workflows.CmdTimer:
		return cmd.Timer != nil && (asks.FactsFor(cmd.Timer.Name) || more.FactsFor(cmd.Timer.Name))
	}
	return false
}
