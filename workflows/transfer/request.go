package transfer

import (
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Blocks of the request modal, part of the contract.
const (
	BlockAccount = "account"
	BlockAlias   = "new_owner_alias"
	BlockPerson  = "new_owner_person"
	BlockReason  = "reason"
	BlockRole    = "previous_owner_role"
)

// open decides a submitted request.
func open(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if s.Opened() {
		return workflows.Decision{}, refused("open_already",
			"This request was taken already. Nothing was recorded. Look at your card, or ask anew: "+workflows.Slash+
				" transfer.")
	}
	if f.Policy.Name == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockAccount, "no_account",
			"This account is not configured. Choose another one.")
	}
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return workflows.Decision{}, r
	}
	frozen := freeze(cmd, f)
	if !workflows.Among(cmd.Actor.ID, frozen.Holders, frozen.Admins, frozen.FromPeople) {
		return workflows.Decision{}, refused("not_permitted", "Only the holders of "+frozen.AccountName+
			"'s shared mailbox, its administrators and its present owner can ask for a transfer. "+
			"Nothing was recorded. "+askWhom(frozen))
	}
	if id := f.Account.Locks[workflows.LockTransfer]; id != "" {
		r := refused("transfer_open", "Another transfer of "+frozen.AccountName+" is open already: "+id+
			". Nothing was recorded. Finish or cancel that one first.")
		r.Link = id
		return workflows.Decision{}, r
	}
	if err := fill(&frozen, cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	if err := asks.Impossible(f, State{Frozen: frozen}.put(cmd, nil), cmd.At); err != nil {
		return workflows.Decision{}, err
	}
	d := evRequested.One(cmd, requested{workflows.Opening{ID: cmd.Workflow, AccountID: f.Policy.ID}, frozen})
	d.Account = []workflows.Event{cmd.Event(workflows.LockTaken, workflows.Lock{Name: workflows.LockTransfer,
		Workflow: cmd.Workflow})}
	d.Calls = []workflows.Call{inspectCall(f.Policy.ID, frozen, workflows.UserRef{})}
	return d, nil
}

// inspectCall reads the account for the checks.
func inspectCall(account string, fr Frozen, target workflows.UserRef) workflows.Call {
	return workflows.Call{Op: workflows.OpInspect, Account: account, Email: fr.To, Who: target, Owner: fr.From}
}

// freeze fixes everything of the configuration that a later change of it must not move.
func freeze(cmd workflows.Command, f workflows.Facts) Frozen {
	p := f.Policy
	fr := Frozen{AccountName: p.Name, Requester: cmd.Actor.ID, From: f.Account.Owner, Channel: p.Channel,
		Holders: f.Expand(p.HolderIDs()), Admins: f.Expand(p.Admins), Electorate: f.Expand(p.ApproverIDs()),
		Lists: f.ExpandLists(p.Lists), Quiet: f.Expand(p.Quiet),
		Policy: p.Transfer, Token: p.Token, UIHost: p.UIHost}
	if a, ok := p.Alias(fr.From); ok {
		fr.FromPeople = f.Expand(a.Holders)
	} else if id := f.ByEmail[fr.From]; id != "" && f.People[id].Standing == "" {
		fr.FromPeople = []string{id}
	}
	return fr
}

// fill reads the form.
func fill(fr *Frozen, cmd workflows.Command, f workflows.Facts) error {
	if err := target(fr, cmd, f); err != nil {
		return err
	}
	fr.Reason = strings.TrimSpace(cmd.Input[BlockReason])
	if fr.Reason == "" {
		return workflows.RefuseField(BlockReason, "reason_missing",
			"Please say why; the approvers and the auditors read it.")
	}
	if err := workflows.TooLong(BlockReason, fr.Reason); err != nil {
		return err
	}
	fr.PreviousRole = cmd.Input[BlockRole]
	switch fr.PreviousRole {
	case "":
		fr.PreviousRole = RoleManage
	case RoleManage, RoleAdministrator, RoleMonitor, RoleRemove:
	default:
		return workflows.RefuseField(BlockRole, "role_unknown", "Choose manage, administrator, monitor or remove.")
	}
	fr.Parties = parties(*fr, f)
	return nil
}

// target reads who shall become owner.
func target(fr *Frozen, cmd workflows.Command, f workflows.Facts) error {
	alias, person := strings.TrimSpace(cmd.Input[BlockAlias]), cmd.Input[BlockPerson]
	switch {
	case alias == "" && person == "":
		return workflows.RefuseField(BlockAlias, "no_target", "Choose a shared mailbox here or a person below.")
	case alias != "" && person != "":
		return workflows.RefuseField(BlockPerson, "two_targets",
			"Choose either a shared mailbox or a person, not both.")
	case alias != "":
		a, ok := f.Policy.Alias(alias)
		if !ok {
			return workflows.RefuseField(BlockAlias, "alias_unknown",
				"This mailbox is not one of the account's. Choose one from the list.")
		}
		fr.To, fr.ToHolders, fr.Custodians, fr.Vault = a.Email, f.Expand(a.Holders), f.Expand(a.Keepers()), a.Vault
		if workflows.SameEmail(fr.To, fr.From) {
			return workflows.RefuseField(BlockAlias, "same_owner", "This mailbox owns the account already.")
		}
		return nil
	}
	p := f.People[person]
	switch {
	case p.Standing != "":
		return workflows.RefuseField(BlockPerson, "target_standing",
			"This person is not a full, active member of this workspace, so they cannot become owner from here.")
	case p.Email == "" || !p.EmailConfirmed:
		return workflows.RefuseField(BlockPerson, "target_email",
			"Slack does not show a confirmed e-mail address of this person, and the address decides. Choose somebody else, or let them confirm it in Slack.")
	case workflows.SameEmail(p.Email, fr.From):
		return workflows.RefuseField(BlockPerson, "same_owner", "This person owns the account already.")
	}
	fr.To, fr.ToPerson = p.Email, person
	return nil
}

// RequestModal is the form of `/io transfer`, with an account pre-selected when one was named. The
// policies must not be empty.
func RequestModal(policies []workflows.Policy, account string, now time.Time) workflows.Modal {
	m := workflows.Modal{Callback: Request, Title: "Hand over an account", Submit: "Ask for it", Account: account,
		Action: Request, Round: workflows.NoRound}
	chosen := policies[0]
	var accounts, aliases []workflows.Option
	seen := map[string]bool{}
	for _, p := range policies {
		accounts = append(accounts, workflows.Option{Value: p.ID, Label: p.Name})
		if p.ID == account {
			chosen = p
		}
		for _, a := range p.Aliases {
			if (account == "" || p.ID == account) && !seen[a.Email] {
				seen[a.Email] = true
				aliases = append(aliases, workflows.Option{Value: a.Email, Label: a.Email})
			}
		}
	}
	m.Intro = []string{introduction(chosen, now)}
	initial := account
	if initial == "" && len(policies) == 1 {
		initial = policies[0].ID
	}
	m.Inputs = []workflows.Input{
		{Block: BlockAccount, Kind: workflows.InputSelect, Label: "Account", Options: accounts, Initial: initial,
			Follows: len(policies) > 1},
		{Block: BlockAlias, Kind: workflows.InputSelect, Label: "New owner: a shared mailbox", Options: aliases,
			Optional: true,
			Hint:     "Safer: several trusted people can open it, so nobody's leaving locks the account."},
		{Block: BlockPerson, Kind: workflows.InputUser, Label: "Or: a person", Optional: true},
		{Block: BlockReason, Kind: workflows.InputText, Label: "Why", Multiline: true, MaxLength: workflows.MaxTyped,
			Placeholder: "Jane leaves on 5 December"},
		{Block: BlockRole, Kind: workflows.InputSelect, Label: "What the present owner becomes", Initial: RoleManage,
			Options: []workflows.Option{
				{Value: RoleManage, Label: "Manage all integrations", Description: "what integrator.io does by itself"},
				{Value: RoleAdministrator, Label: "Administrator"},
				{Value: RoleMonitor, Label: "Monitor only"},
				{Value: RoleRemove, Label: "Nothing: remove them at the end"},
			}},
	}
	return m
}

// introduction shows who confirms and the earliest and latest finish.
func introduction(p workflows.Policy, now time.Time) string {
	t := p.Transfer
	earliest := now.Add(t.Cooldown)
	// Signing up, confirming, the cool-down and accepting, each to its last minute.
	latest := now.Add(t.AcceptWithin + t.ConfirmWithin + t.Cooldown + t.AcceptWithin)
	needed := " are needed"
	if t.Quorum == 1 {
		needed = " is needed"
	}
	return workflows.Say("%n by the people trusted with %s%s; you cannot give one yourself. Then %l pass in "+
		"which it can be stopped, and integrator.io invites the new owner, who accepts there.\nEarliest finish: "+
		"%t. Latest, when nothing has to be mended first: %t.", t.Quorum, "confirmation", p.Name,
		workflows.Text(needed), t.Cooldown, earliest, latest)
}

var evRequested = workflows.Kind[State, requested]{
	Type: "transfer.requested",
	Fold: func(s *State, e workflows.Event, b requested) {
		s.Frozen = b.Frozen
		s.Open(b.Opening, Checking, e)
		s.Until = e.At.Add(b.Policy.ConfirmWithin)
		s.read(e)
	},
	Tell: func(_ workflows.Event, b requested) string {
		return workflows.Say(
			"%m asked to hand %s from %s to %s: %q. The previous owner is to have %s. %n needed, of %m.", b.Requester,
			b.AccountName, b.From, b.To,
			b.Reason, workflows.Text(roleWord(b.PreviousRole)), b.Policy.Quorum, "confirmation", b.Electorate)
	},
}

func askWhom(fr Frozen) string {
	who := workflows.Union(fr.Holders, fr.Admins, fr.FromPeople)
	if len(who) == 0 {
		return "Ask whoever runs Keyholder to name its holders."
	}
	return workflows.Say("Ask one of %m.", who)
}
