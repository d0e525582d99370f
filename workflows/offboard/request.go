package offboard

import (
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/keyring"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// Blocks of the request form, part of the contract.
const (
	BlockPerson  = "person"
	BlockLastDay = "last_day"
	BlockSteps   = "steps"
	BlockReason  = "reason"
)

// Lock is the lock of the one offboarding of a person from an account.
func Lock(person string) string { return "offboard/" + person }

// stepLabels name the kinds of steps in the form.
var stepLabels = map[string][2]string{
	Access:      {"Access", "removed in each environment on the last day, each approved as usual"},
	Transfer:    {"The account itself", "where an address of theirs owns it"},
	Key:         {"The key", "password and second factor changed, and a drill"},
	Rules:       {"The configuration", "that it no longer names them"},
	Delegations: {"Delegations", "to and from them, ended on the last day"},
	Tokens:      {"API tokens", "those that outlive them"},
}

// RequestModal is the form of /io offboard.
func RequestModal(person string) workflows.Modal {
	checks := workflows.Input{
		Block: BlockSteps, Kind: workflows.InputChecks, Label: "What is to be done", Initial: strings.Join(Kinds, "\n"),
		Hint: "Only what rests on them becomes a step.",
	}
	for _, k := range Kinds {
		checks.Options = append(checks.Options, workflows.Option{Value: k, Label: stepLabels[k][0],
			Description: stepLabels[k][1]})
	}
	return workflows.Modal{
		Callback: Request, Title: "Somebody leaves", Submit: "Begin", Action: Request, Round: workflows.NoRound,
		Intro: []string{"In every account that you hold or administer, what rests on them becomes steps with a day. Nothing is taken away before that " +
			"day, and whoever approves access approves each removal. Sent again for the same person, it moves the day."},
		Inputs: []workflows.Input{
			{Block: BlockPerson, Kind: workflows.InputUser, Label: "Who leaves", Initial: person},
			{Block: BlockLastDay, Kind: workflows.InputDate, Label: "Last day", Optional: true,
				Hint: "Empty: today. Access ends when work begins on that day."},
			checks,
			{Block: BlockReason, Kind: workflows.InputText, Label: "Why", Multiline: true,
				MaxLength: workflows.MaxTyped,
				Hint:      "It is shown to holders and administrators, and kept."},
		},
	}
}

// policyPeople are all whom a policy names.
func policyPeople(p workflows.Policy) []string {
	named := workflows.Union(p.HolderIDs(), p.ApproverIDs(), p.Admins, p.Auditors, p.Access.Approvers,
		p.Recovery.Approvers, p.Recovery.IT,
		p.Review.Reviewers)
	for _, a := range p.Aliases {
		named = workflows.Union(named, a.Keepers())
	}
	return named
}

// dayOf is the last day that a form names.
func dayOf(cmd workflows.Command, h worktime.Hours) (Day, error) {
	date := strings.TrimSpace(cmd.Input[BlockLastDay])
	if date == "" {
		return Day{Date: cmd.At.UTC().Format(time.DateOnly), At: cmd.At, Due: h.Add(cmd.At, 24*time.Hour)}, nil
	}
	at, ok := h.On(date)
	if !ok {
		return Day{}, workflows.RefuseField(BlockLastDay, "day_bad", "This is not a date. Give it as 2026-12-24.")
	}
	if at.After(cmd.At.AddDate(1, 0, 0)) {
		return Day{}, workflows.RefuseField(BlockLastDay, "day_far",
			"That is more than a year away. Begin when it is nearer; until then `"+
				workflows.Slash+" whatif` tells what rests on them.")
	}
	return Day{Date: date, At: at, Due: h.Add(at, 24*time.Hour)}, nil
}

// open decides a request.
func open(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var none workflows.Decision
	if f.Policy.Name == "" {
		return none, workflows.Refuse("no_account", "This account is not configured. Nothing was recorded.")
	}
	fr, day, err := freeze(cmd, f)
	if err != nil {
		return none, err
	}
	if id := f.Account.Locks[Lock(fr.Person)]; id != "" {
		r := workflows.Refuse("offboard_open",
			workflows.Say("%m leaves %s already: %s. Nothing was recorded. Send the form again to move the day, or look at "+
				"its card.", fr.Person, f.Policy.Name, id))
		r.Link = id
		return none, r
	}
	envs := []Env{{Token: f.Policy.Token}}
	for _, e := range f.Policy.Access.Environments {
		envs = append(envs, Env{Name: e.Name, Token: e.Token})
	}
	var calls []workflows.Call
	for i := range envs {
		if !envs[i].Token {
			continue
		}
		envs[i].Pending = 1
		calls = append(calls, census(f.Policy.ID, envs[i].Name, cmd.At))
		if fr.wants(Tokens) {
			envs[i].Pending++
			calls = append(calls, workflows.Call{Op: workflows.OpTokens, Account: f.Policy.ID,
				Environment: envs[i].Name, Deadline: cmd.At.Add(readWithin)})
		}
	}
	d := evRequested.One(cmd, opening{workflows.Opening{ID: cmd.Workflow, AccountID: f.Policy.ID}, fr, day, envs})
	d.Account = []workflows.Event{cmd.Event(workflows.LockTaken, workflows.Lock{Name: Lock(fr.Person),
		Workflow: cmd.Workflow})}
	d.Calls = calls
	d.Reply = workflows.Reply{Text: workflows.Say("%m leaves %s: %s. You get a card with what rests on them.",
		fr.Person, f.Policy.Name, cmd.Workflow)}
	return planned(State{}, d, cmd)
}

// readWithin is how long integrator.io is asked for lists before it goes on without.
const readWithin = time.Hour

func census(account, env string, at time.Time) workflows.Call {
	return workflows.Call{Op: workflows.OpCensus, Account: account, Environment: env, Deadline: at.Add(readWithin)}
}

// freeze reads the form and what rests on the person.
func freeze(cmd workflows.Command, f workflows.Facts) (Frozen, Day, error) {
	p, person := f.Policy, cmd.Input[BlockPerson]
	if person == "" {
		return Frozen{}, Day{}, workflows.RefuseField(BlockPerson, "nobody", "Choose who leaves.")
	}
	if err := may(cmd, f, person); err != nil {
		return Frozen{}, Day{}, err
	}
	without := func(ids []string) []string {
		return slices.DeleteFunc(f.Expand(ids), func(id string) bool { return id == person })
	}
	who := f.People[person]
	fr := Frozen{
		AccountName: p.Name, Person: person, PersonName: who.Name, Known: f.Known(person), Requester: cmd.Actor.ID,
		Reason: strings.TrimSpace(cmd.Input[BlockReason]), Holders: without(p.HolderIDs()), Admins: without(p.Admins),
		Channel: p.Channel,
		UIHost:  p.UIHost, Hours: worktime.HoursOf(p.Review), Shards: f.Shards,
		Groups: slices.ContainsFunc(policyPeople(p), workflows.IsGroup),
	}
	if who.EmailConfirmed {
		fr.Email = who.Email
	}
	for _, k := range Kinds {
		if slices.Contains(strings.Split(cmd.Input[BlockSteps], "\n"), k) {
			fr.Kinds = append(fr.Kinds, k)
		}
	}
	day, err := dayOf(cmd, fr.Hours)
	switch {
	case who.Standing == workflows.StandingBot || who.Standing == workflows.StandingUnknown:
		return fr, day, workflows.RefuseField(BlockPerson, "person_standing",
			"This is not a person of this workspace. Choose somebody else.")
	case len(fr.Kinds) == 0:
		return fr, day, workflows.RefuseField(BlockSteps, "no_steps", "Tick at least one thing that is to be done.")
	case fr.Reason == "":
		return fr, day, workflows.RefuseField(BlockReason, "reason_missing",
			"Please say why; those who act on it read it.")
	case err != nil:
		return fr, day, err
	}
	if err := workflows.TooLong(BlockReason, fr.Reason); err != nil {
		return fr, day, err
	}
	fr.rests(f)
	return fr, day, nil
}

// rests notes what rests on the person besides access.
func (fr *Frozen) rests(f workflows.Facts) {
	if owns(fr.Known, f.Account.Owner) {
		fr.Owns = f.Account.Owner
	}
	fr.Keeps, fr.Named = named(f, fr.Person)
	loss := keyring.WhatIf(keyring.Known{Policy: f.Policy, Account: f.Account, Facts: f}, fr.Person)
	for _, g := range loss.Gaps {
		fr.Lost = append(fr.Lost, g.Sentence(f.Policy.ID))
	}
}

// named is what the configuration that runs names somebody for: the parts of the key, and all of it.
func named(f workflows.Facts, person string) (keeps, all []string) {
	ring := keyring.Of(keyring.Known{Policy: f.Policy, Account: f.Account, Facts: f})
	for _, h := range ring.By(person) {
		switch h.What {
		case keyring.Owner, keyring.Role:
			continue
		case keyring.Mailbox, keyring.Password, keyring.SecondFactor:
			keeps = append(keeps, h.Sentence())
		}
		all = append(all, h.Sentence())
	}
	return keeps, all
}

// may refuses whoever neither holds nor administers the account, and whoever leaves.
func may(cmd workflows.Command, f workflows.Facts, person string) error {
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return r
	}
	managers := f.Expand(workflows.Union(f.Policy.HolderIDs(), f.Policy.Admins))
	switch {
	case cmd.Actor.ID == person || f.Known(cmd.Actor.ID).Same(f.Known(person)):
		return workflows.RefuseField(BlockPerson, "self",
			"Nobody does this for themselves. Ask another holder or administrator: "+
				workflows.Mentions(slices.DeleteFunc(managers, func(id string) bool { return id == person }))+".")
	case !slices.Contains(managers, cmd.Actor.ID):
		return workflows.Refuse("not_permitted", "Holders and administrators of "+workflows.Esc(f.Policy.Name)+
			" do that: "+workflows.Mentions(managers)+
			". Nothing was recorded.")
	}
	return nil
}
