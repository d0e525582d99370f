package transfer

import (
	"github.com/keyholder/keyholder/workflows"
)

// Machine is the transfer machine.
func Machine() workflows.Machine {
	return workflows.Rules[State]{
		Name: "transfer", Letter: workflows.LetterTransfer, Schema: 1,
		Kinds: kinds, Needs: needs, View: State.view,
		Decide: func(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
			d, err := decide(s, cmd, f)
			return workflows.WithOwnHand(d, cmd, f), err
		},
	}.Machine()
}

// needs says whom a decision wants to know about.
func needs(s State, cmd workflows.Command, p workflows.Policy, a workflows.AccountState) workflows.Needs {
	var n workflows.Needs
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = append(n.People, cmd.Actor.ID)
	}
	if cmd.Name == Request {
		n.People = workflows.Union(n.People, p.HolderIDs(), p.Admins, p.ApproverIDs(), p.Quiet,
			[]string{cmd.Input[BlockPerson]})
		n.Delegations = p.ApproverIDs()
		if _, alias := p.Alias(a.Owner); !alias && a.Owner != "" {
			n.Emails = []string{a.Owner}
		}
		return n
	}
	if _, click := clicks[cmd.Name]; click {
		// Who may act is judged by the configuration of now.
		n.People = workflows.Union(n.People, p.HolderIDs(), p.Admins, s.FromPeople, []string{s.Invite.Attested})
		if alias, is := p.Alias(s.To); is {
			n.People = workflows.Union(n.People, alias.Keepers())
		}
	}
	if s.counts(cmd) {
		// Everybody whose vote or seat matters, and whom it is about.
		people, delegations := asks.Needs(s, p)
		n.People = workflows.Union(n.People, people, s.Electorate, []string{s.Requester, s.ToPerson}, s.ToHolders)
		n.Delegations = workflows.Union(delegations, s.Electorate)
	}
	return n
}

// counts reports whether deciding the command counts votes or opens the question.
func (s State) counts(cmd workflows.Command) bool {
	switch cmd.Name {
	case ActConfirm, ActRefuse, ActComment, ActLook, ActWaive, workflows.CmdDelegated:
		return true
	case workflows.CmdTimer:
		return cmd.Timer != nil && s.Stage == Confirming && asks.FactsFor(cmd.Timer.Name)
	case workflows.CmdReceipt:
		return cmd.Receipt != nil && cmd.Receipt.Op == workflows.OpInspect && s.Stage != Settling
	}
	return false
}
