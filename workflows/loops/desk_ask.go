package loops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// NewWorkflowID derives the ID of a workflow of an account from what asked for it.
func (d *Desk) NewWorkflowID(machine, account string, seeds ...string) (string, error) {
	m := d.names[machine]
	if m == nil {
		return "", fmt.Errorf("make an ID: no machine %q", machine)
	}
	return workflows.NewID(m.Letter(), account, d.o.Store.Shards(), append([]string{account}, seeds...)...), nil
}

// NamedWorkflowID is the ID of a workflow that is named after what it is about, as
// "r07-acme-2026q4": letter, shard, account, name. It fails when the machine is unknown or the ID
// would not be one ([workflows.ParseID]).
func (d *Desk) NamedWorkflowID(machine, account, name string) (string, error) {
	m, ok := d.names[machine]
	if !ok {
		return "", fmt.Errorf("name a workflow of %.40q: %w", machine, workflows.ErrNoWorkflow)
	}
	id := workflows.NamedID(m.Letter(), account, d.o.Store.Shards(), name)
	if _, _, ok := workflows.ParseID(id); !ok {
		return "", fmt.Errorf("name a workflow %.80q: it is no ID", id)
	}
	return id, nil
}

// State answers a workflow's state, of its machine's own type. Errors: [workflows.ErrNoWorkflow], [workflows.ErrAway].
func (d *Desk) State(ctx context.Context, workflow string) (workflows.State, error) {
	_, s, _, err := d.load(ctx, workflow)
	return s, err
}

// Accounts answers every configured account in the file's order.
func (d *Desk) Accounts(ctx context.Context) ([]workflows.AccountInfo, error) {
	var out []workflows.AccountInfo
	for _, id := range d.o.Policies.Accounts() {
		a, err := d.Account(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// Account answers one account. One that is not configured has a policy without a name.
func (d *Desk) Account(ctx context.Context, id string) (workflows.AccountInfo, error) {
	p, _ := d.o.Policies.Policy(id)
	recs, err := d.o.Store.Load(ctx, workflows.Ref{Kind: workflows.KindAccount, ID: id})
	if err != nil {
		return workflows.AccountInfo{}, fmt.Errorf("load account %s: %w", id, err)
	}
	a, err := d.account(ctx, recs[0], p)
	return workflows.AccountInfo{Policy: p, State: a}, err
}

// Owner answers the recorded owner of an account, the configured one before the first record.
func (d *Desk) Owner(ctx context.Context, account string) (string, error) {
	p, _ := d.o.Policies.Policy(account)
	recs, err := d.o.Store.Load(ctx, workflows.Ref{Kind: workflows.KindAccount, ID: account})
	if err != nil {
		return "", fmt.Errorf("load account %s: %w", account, err)
	}
	a, err := d.account(ctx, recs[0], p)
	return a.Owner, err
}

// Look answers one workflow.
func (d *Desk) Look(ctx context.Context, workflow string) (workflows.Overview, error) {
	m, s, _, err := d.load(ctx, workflow)
	if err != nil {
		return workflows.Overview{}, err
	}
	view := m.View(s)
	d.rearm(ctx, scene{state: s, view: view}, workflows.Command{Workflow: workflow, At: d.o.Now()})
	p, _ := d.o.Policies.Policy(s.Account())
	asked := ""
	if r, is := s.(workflows.Requested); is {
		asked = r.AskedBy()
	}
	return workflows.Overview{AskedBy: asked, ID: workflow, Machine: m.Name(), Account: s.Account(),
		AccountName: p.Name, Title: s.Title(), Stage: s.StageName(),
		Closed: s.Closed(), Opened: s.Began(), Waiting: view.Waiting}, nil
}

// load reads one workflow.
func (d *Desk) load(ctx context.Context, workflow string) (workflows.Machine, workflows.State, workflows.Record,
	error) {
	m, err := d.machineOf(workflow)
	if err != nil {
		return nil, nil, workflows.Record{}, err
	}
	recs, err := d.o.Store.Load(ctx, workflows.RecordRef(workflow))
	if err != nil {
		return nil, nil, workflows.Record{}, fmt.Errorf("load %s: %w", workflow, err)
	}
	if recs[0].Version == 0 {
		return nil, nil, workflows.Record{}, fmt.Errorf("find %s: %w", workflow, workflows.ErrNoWorkflow)
	}
	s, err := d.state(ctx, m, recs[0])
	return m, s, recs[0], err
}

// OpenOf lists the open workflows of an account, oldest first, but for Keyholder's own work, which has no title.
func (d *Desk) OpenOf(ctx context.Context, account string) ([]workflows.Overview, error) {
	ids, err := d.o.Store.Open(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("list open workflows of %s: %w", account, err)
	}
	all, err := d.lookAll(ctx, ids)
	return slices.DeleteFunc(all, func(o workflows.Overview) bool { return o.Title == "" }), err
}

// WaitingFor lists the open workflows that wait for a person, oldest first.
func (d *Desk) WaitingFor(ctx context.Context, person string) ([]workflows.Overview, error) {
	ids, err := d.o.Store.Waiting(ctx, person)
	if err != nil {
		return nil, fmt.Errorf("list what waits for %s: %w", person, err)
	}
	all, err := d.lookAll(ctx, ids)
	// The list is a hint; the state says who is waited for.
	return slices.DeleteFunc(all, func(o workflows.Overview) bool { return !slices.Contains(o.Waiting, person) }), err
}

func (d *Desk) lookAll(ctx context.Context, ids []string) ([]workflows.Overview, error) {
	var out []workflows.Overview
	for _, id := range ids {
		o, err := d.Look(ctx, id)
		if errors.Is(err, workflows.ErrNoWorkflow) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Opened.Before(out[j].Opened) })
	return out, nil
}

// Story retells a workflow from its events. An erased event says so.
func (d *Desk) Story(ctx context.Context, workflow string) ([]workflows.StoryLine, error) {
	m, _, rec, err := d.load(ctx, workflow)
	if err != nil {
		return nil, err
	}
	events, err := d.o.Store.Events(ctx, rec.Ref, 0)
	if err != nil {
		return nil, fmt.Errorf("load events of %s: %w", workflow, err)
	}
	out := make([]workflows.StoryLine, 0, len(events))
	for _, e := range events {
		if e.Type == workflows.Answered {
			continue
		}
		line := workflows.StoryLine{At: e.At, By: e.By, Text: "This entry was erased; its digest stays in the chain."}
		switch {
		case e.Type == workflows.Erasure && e.Body != nil:
			line.Text = workflows.TellErased(e)
		case e.Body != nil:
			line.Text = m.Tell(e)
		}
		out = append(out, line)
	}
	return out, nil
}

// MayRead reports whether a person may read an account's record: its holders, approvers, administrators, auditors and
// owner, in good standing.
func (d *Desk) MayRead(ctx context.Context, person workflows.Person, account string) bool {
	p, ok := d.o.Policies.Policy(account)
	if !ok || person.Standing != "" {
		return false
	}
	for _, id := range slices.Concat(p.HolderIDs(), p.ApproverIDs(), p.Admins, p.Auditors) {
		if id == person.ID {
			return true
		}
		if workflows.IsGroup(id) {
			members, err := d.o.Roster.Group(ctx, id)
			if err == nil && slices.Contains(members, person.ID) {
				return true
			}
		}
	}
	if person.Email == "" || !person.EmailConfirmed {
		return false
	}
	// the record's, which a transfer may have changed since the configuration was written
	owner, err := d.Owner(ctx, account)
	return err == nil && workflows.SameEmail(person.Email, owner)
}

// Place answers where a workflow's card stands in Slack.
func (d *Desk) Place(ctx context.Context, workflow, name, recipient string) (workflows.Place, bool, error) {
	return d.o.Store.Place(ctx, workflow, name, recipient)
}

// Delegate records that cmd.Actor lets another person decide in their place until a time, or, with
// an empty to, that this ends. The other must be a full member; until must lie ahead, at most
// [workflows.MaxDelegation].
func (d *Desk) Delegate(ctx context.Context, cmd workflows.Command, to string, until time.Time) (workflows.Reply,
	error) {
	from := cmd.Actor.ID
	for range maxTries {
		recs, err := d.o.Store.Load(ctx, workflows.Ref{Kind: workflows.KindPerson, ID: from})
		if err != nil {
			return workflows.Reply{}, fmt.Errorf("load person: %w", err)
		}
		cmd.At = cmd.At.UTC().Truncate(time.Millisecond)
		if cmd.At.Before(recs[0].Last) {
			cmd.At = recs[0].Last
		}
		event, reply, err := d.delegation(ctx, cmd, recs[0], to, until)
		if err != nil || event == nil {
			return reply, err
		}
		if err := d.delegateSteppedUp(cmd, to); err != nil {
			return workflows.Reply{}, err
		}
		err = d.storePerson(ctx, recs[0], from, *event)
		if errors.Is(err, workflows.ErrConflict) {
			continue
		}
		if err == nil {
			d.tellDelegate(ctx, cmd)
		}
		return reply, err
	}
	return workflows.Reply{}, fmt.Errorf("record the delegation: %w", workflows.ErrConflict)
}

// Delegation answers whom a person lets decide in their place, as recorded; nil: nobody, or no longer.
func (d *Desk) Delegation(ctx context.Context, person string) (*approvals.Delegation, error) {
	recs, err := d.o.Store.Load(ctx, workflows.Ref{Kind: workflows.KindPerson, ID: person})
	if err != nil {
		return nil, fmt.Errorf("load person: %w", err)
	}
	now, err := d.personState(ctx, recs[0])
	if err != nil || now.Delegation == nil || !now.Delegation.Until.IsZero() && !now.Delegation.Until.After(d.o.Now()) {
		return nil, err
	}
	return now.Delegation, nil
}

// EndDelegation ends the delegation that one person gave another, because a workflow decided it;
// where there is none, or one to somebody else, nothing changes. The person's own word is not
// asked.
func (d *Desk) EndDelegation(ctx context.Context, cmd workflows.Command, from, to, workflow string) error {
	for range maxTries {
		recs, err := d.o.Store.Load(ctx, workflows.Ref{Kind: workflows.KindPerson, ID: from})
		if err != nil {
			return fmt.Errorf("load person: %w", err)
		}
		now, err := d.personState(ctx, recs[0])
		if err != nil {
			return err
		}
		if now.Delegation == nil || now.Delegation.To != to {
			return nil
		}
		cmd.At = cmd.At.UTC().Truncate(time.Millisecond)
		if cmd.At.Before(recs[0].Last) {
			cmd.At = recs[0].Last
		}
		err = d.storePerson(ctx, recs[0], from, cmd.Event(workflows.DelegationEnded, struct {
			Workflow string `json:"workflow"`
		}{workflow}))
		if errors.Is(err, workflows.ErrConflict) {
			continue
		}
		if err == nil {
			cmd.Actor.ID = from
			d.tellDelegate(ctx, cmd)
		}
		return err
	}
	return fmt.Errorf("end the delegation: %w", workflows.ErrConflict)
}

// tellDelegate lets the workflows that wait for the person ask the delegate as well. What fails
// here is made up for by the next vote: the delegation itself is stored.
func (d *Desk) tellDelegate(ctx context.Context, cmd workflows.Command) {
	ids, err := d.o.Store.Waiting(ctx, cmd.Actor.ID)
	if err != nil {
		d.o.Log.Warn().Err(err).Msg("list what waits for a delegator")
		return
	}
	for _, id := range ids {
		_, err := d.Do(ctx, workflows.Command{ID: cmd.ID + "/" + id, Workflow: id, Name: workflows.CmdDelegated,
			Actor: cmd.Actor,
			At:    cmd.At, Round: workflows.NoRound})
		if err != nil {
			d.o.Log.Warn().Err(err).Str(workflows.LogWorkflow, id).Msg("ask a delegate")
		}
	}
}

// delegation decides what delegating means for a person's record; a nil event changes nothing.
func (d *Desk) delegation(ctx context.Context, cmd workflows.Command, rec workflows.Record, to string,
	until time.Time) (*workflows.Event, workflows.Reply,
	error) {
	from := cmd.Actor.ID
	now, err := d.personState(ctx, rec)
	if err != nil {
		return nil, workflows.Reply{}, err
	}
	if to == "" {
		if now.Delegation == nil {
			return nil, workflows.Reply{Text: "You have no delegation, so there was nothing to end."}, nil
		}
		e := cmd.Event(workflows.DelegationEnded, struct{}{})
		return &e, workflows.Reply{Text: "Your delegation to " + workflows.Mention(now.Delegation.To) +
			" has ended. You alone decide in your place again."}, nil
	}
	if until.IsZero() {
		until = cmd.At.Add(workflows.MaxDelegation)
	}
	people, err := d.o.Roster.People(ctx, []string{from, to})
	if err != nil {
		return nil, workflows.Reply{}, fmt.Errorf("look people up: %w", err)
	}
	if err := mayDelegate(cmd, people, to, until); err != nil {
		return nil, workflows.Reply{}, err
	}
	e := cmd.Event(workflows.Delegated, approvals.Delegation{From: from, To: to, Since: cmd.At,
		Until: until.UTC().Truncate(time.Millisecond)})
	return &e, workflows.Reply{Text: "Recorded: until " + workflows.When(until) + " " + workflows.Mention(to) +
		" may decide in your place. You can still decide yourself; your own word counts then. " +
		"Where " + workflows.Mention(to) +
		" is the one who asked or would gain, they may not. To end it: `{command} delegate off`."}, nil
}

func mayDelegate(cmd workflows.Command, people map[string]workflows.Person, to string, until time.Time) error {
	from := cmd.Actor.ID
	switch {
	case people[from].Standing != "":
		return workflows.Refuse("not_member", "Only full members of this workspace can delegate. Nothing was recorded.")
	case to == from:
		return workflows.Refuse("self", "You cannot delegate to yourself. Nothing was recorded. Name somebody else.")
	case people[to].Standing != "":
		return workflows.Refuse("delegate_standing", workflows.Mention(to)+
			" is not a full, active member of this workspace, so they cannot decide for you. Nothing was recorded. Name somebody else.")
	case !until.After(cmd.At):
		return workflows.Refuse("past",
			"That end lies in the past. Nothing was recorded. Give a later date, as 2026-12-24, or a length, as 7d.")
	case until.Sub(cmd.At) > workflows.MaxDelegation:
		return workflows.Refuse("too_long", "A delegation lasts at most "+workflows.Span(workflows.MaxDelegation)+
			". Nothing was recorded. Give an earlier end.")
	}
	return nil
}

func (d *Desk) storePerson(ctx context.Context, rec workflows.Record, id string, e workflows.Event) error {
	p, err := d.personState(ctx, rec)
	if err != nil {
		return err
	}
	p.ID = id
	e.Seq = rec.Version + 1
	p, err = workflows.ApplyPerson(p, e)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode person: %w", err)
	}
	rec.Ref = workflows.Ref{Kind: workflows.KindPerson, ID: p.ID}
	return d.commit(ctx, workflows.Change{Records: []workflows.RecordChange{{From: rec, State: raw,
		Schema:  workflows.PersonSchema,
		Machine: workflows.KindPerson, Events: []workflows.Event{e}}}})
}
