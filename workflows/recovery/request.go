package recovery

import (
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// Blocks of the request form, part of the contract.
const (
	BlockAccount   = "account"
	BlockSituation = "situation"
	BlockReason    = "reason"
)

// lookBack is how far the owner's sign-ins are looked for when a loss is reported.
const lookBack = 90 * 24 * time.Hour

// RequestModal is the form of /io recover, with an account pre-selected when one was named. The
// policies must not be empty.
func RequestModal(policies []workflows.Policy, account string) workflows.Modal {
	m := workflows.Modal{
		Callback: Request, Title: "Nobody can sign in", Submit: "Report it", Account: account, Action: Request,
		Round: workflows.NoRound,
		Intro: []string{"Report that nobody can sign in as the owner of an account. Those who decide are asked " +
			"at once, and everybody who " +
			"holds or administers the account hears of it. Whoever can still open the mailbox says so on their card."},
	}
	var accounts, situations []workflows.Option
	initial := ""
	for _, p := range policies {
		accounts = append(accounts, workflows.Option{Value: p.ID, Label: p.Name})
		if p.ID == account || len(policies) == 1 {
			initial = p.ID
		}
	}
	for _, s := range []string{MailboxGone, PersonGone, PasswordOff, FactorOff} {
		word := situationWord(s)
		situations = append(situations, workflows.Option{Value: s, Label: strings.ToUpper(word[:1]) + word[1:]})
	}
	m.Inputs = []workflows.Input{
		{Block: BlockAccount, Kind: workflows.InputSelect, Label: "Account", Options: accounts, Initial: initial},
		{Block: BlockSituation, Kind: workflows.InputSelect, Label: "What happened", Options: situations},
		{Block: BlockReason, Kind: workflows.InputText, Label: "What do you know", Multiline: true, MaxLength: 1000,
			Hint: "Since when, who noticed, what was tried. Those who decide read it; never write a password here."},
	}
	return m
}

// situationWord is a situation in the middle of a sentence.
func situationWord(situation string) string {
	switch situation {
	case MailboxGone:
		return "the mailbox is gone"
	case PersonGone:
		return "the person it belongs to is gone or away"
	case PasswordOff:
		return "the password is lost"
	case FactorOff:
		return "the second factor is lost"
	}
	return workflows.Esc(situation)
}

// open decides a report.
func open(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var none workflows.Decision
	if f.Policy.Name == "" {
		return none, workflows.RefuseField(BlockAccount, "no_account",
			"This account is not configured. Choose another one.")
	}
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return none, r
	}
	if id := f.Account.Locks[workflows.LockRecovery]; id != "" {
		r := workflows.Refuse("recovery_open", workflows.Say(
			"The sign-in of %s is being regained already: %s. Nothing was recorded. Look at that one, and say "+
				"there what you know.", f.Policy.Name, id))
		r.Link = id
		return none, r
	}
	fr, err := freeze(cmd, f)
	if err != nil {
		return none, err
	}
	q := question.Question{
		Ballot: approvals.Ballot{
			Quorum: fr.Policy.Quorum, Electorate: fr.Electorate, Lists: fr.Lists, Opens: cmd.At,
			Closes: cmd.At.Add(fr.Policy.ConfirmWithin),
		},
		Parties: []approvals.Party{fr.Party}, Quiet: fr.Quiet,
	}
	put, err := asks.Ask(cmd, f, q)
	if err != nil {
		return none, err
	}
	d := requested.One(cmd, opening{workflows.Opening{ID: cmd.Workflow, AccountID: f.Policy.ID}, fr})
	d.Events = append(d.Events, put)
	d.Account = []workflows.Event{cmd.Event(workflows.LockTaken, workflows.Lock{Name: workflows.LockRecovery,
		Workflow: cmd.Workflow})}
	if fr.Reads {
		d.Calls = []workflows.Call{{
			Op: workflows.OpSignIns, Account: f.Policy.ID, Owner: fr.Owner, Since: cmd.At.Add(-lookBack), Last: true,
			Deadline: cmd.At.Add(time.Hour),
		}}
	}
	return d, nil
}

// freeze reads the form and fixes what a later change of the configuration must not move.
func freeze(cmd workflows.Command, f workflows.Facts) (Frozen, error) {
	p := f.Policy
	fr := Frozen{
		AccountName: p.Name, Reporter: cmd.Actor.ID,
		Situation: cmd.Input[BlockSituation], Reason: strings.TrimSpace(cmd.Input[BlockReason]), Owner: f.Account.Owner,
		Holders: f.Expand(p.HolderIDs()), Admins: f.Expand(p.Admins), IT: f.Expand(p.Recovery.IT),
		Electorate: f.Expand(p.Recovery.Approvers), Lists: f.ExpandLists(p.Recovery.Lists), Quiet: f.Expand(p.Quiet),
		Channel: p.Channel, UIHost: p.UIHost, Reads: p.Token, Hours: worktime.HoursOf(p.Review), Policy: p.Recovery,
		Party: approvals.Party{Identity: f.Known(cmd.Actor.ID), Why: barReporter},
	}
	if a, alias := p.Alias(fr.Owner); alias {
		fr.IsAlias, fr.Vault = true, a.Vault
	} else if id := f.ByEmail[fr.Owner]; id != "" && f.People[id].Standing == "" {
		fr.OwnerPerson = id
	}
	switch {
	case ladders[fr.Situation] == nil:
		return fr, workflows.RefuseField(BlockSituation, "situation_missing",
			"Choose what happened; the first thing to try follows from it.")
	case fr.Reason == "":
		return fr, workflows.RefuseField(BlockReason, "reason_missing",
			"Please say what you know; those who decide read it.")
	}
	return fr, nil
}
