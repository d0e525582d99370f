package loops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// facts fetches what a machine needs to decide.
func (d *Desk) facts(ctx context.Context, needs workflows.Needs, at scene) (workflows.Facts, error) {
	f := workflows.Facts{Policy: at.policy, Shards: d.o.Store.Shards(), Account: at.account,
		People: map[string]workflows.Person{}, Groups: map[string][]string{}, ByEmail: map[string]string{}}
	for _, id := range append(slices.Clone(needs.People), needs.Delegations...) {
		if !workflows.IsGroup(id) || f.Groups[id] != nil {
			continue
		}
		members, err := d.o.Roster.Group(ctx, id)
		if err != nil {
			return f, fmt.Errorf("expand group %s: %w", id, err)
		}
		f.Groups[id] = append([]string{}, members...)
	}
	for _, email := range needs.Emails {
		id, err := d.o.Roster.ByEmail(ctx, email)
		if err != nil {
			return f, fmt.Errorf("look up an address: %w", err)
		}
		if id != "" {
			f.ByEmail[email] = id
			needs.People = append(needs.People, id)
		}
	}
	givers := f.Expand(needs.Delegations)
	delegations, err := d.delegations(ctx, givers, at.people)
	if err != nil {
		return f, err
	}
	f.Delegations = delegations
	people := append(slices.Clone(needs.People), givers...)
	for _, g := range delegations {
		people = append(people, g.To)
	}
	people = f.Expand(people)
	if len(people) == 0 {
		return f, nil
	}
	if f.People, err = d.o.Roster.People(ctx, people); err != nil {
		return f, fmt.Errorf("look people up: %w", err)
	}
	return f, d.fresh(f)
}

// Around answers what is known now of everybody whom an account's policy names, and of others:
// groups expanded, people looked up, their delegations. Errors: of the roster and the store.
func (d *Desk) Around(ctx context.Context, account string, others ...string) (workflows.Facts, error) {
	at := scene{}
	at.policy, _ = d.o.Policies.Policy(account)
	recs, err := d.o.Store.Load(ctx, workflows.Ref{Kind: workflows.KindAccount, ID: account})
	if err != nil {
		return workflows.Facts{}, fmt.Errorf("load account %s: %w", account, err)
	}
	if at.account, err = d.account(ctx, recs[0], at.policy); err != nil {
		return workflows.Facts{}, err
	}
	p := at.policy
	named := workflows.Union(p.HolderIDs(), p.ApproverIDs(), p.Admins, p.Auditors, p.Access.Approvers,
		p.Recovery.Approvers,
		p.Recovery.IT, p.Review.Reviewers)
	for _, a := range p.Aliases {
		named = workflows.Union(named, a.Keepers())
	}
	named = workflows.Union(named, others)
	return d.facts(ctx, workflows.Needs{People: named, Delegations: named,
		Emails: workflows.Union([]string{at.account.Owner})}, at)
}

// fresh refuses facts that are too old to decide anything.
func (d *Desk) fresh(f workflows.Facts) error {
	oldest := d.o.RealNow().Add(-workflows.FactsMaxAge)
	for id, p := range f.People {
		if p.At.Before(oldest) {
			return fmt.Errorf("what Slack says of %s is from %s: %w", id, p.At.Format(time.RFC3339),
				workflows.ErrStaleFacts)
		}
	}
	return nil
}

// delegations reads what these people have delegated; records that were loaded just now need no loading.
func (d *Desk) delegations(ctx context.Context, people []string, loaded map[string]workflows.Record) (
	[]approvals.Delegation, error) {
	var refs []workflows.Ref
	var found []workflows.Record
	for _, p := range people {
		if r, there := loaded[p]; there {
			found = append(found, r)
			continue
		}
		refs = append(refs, workflows.Ref{Kind: workflows.KindPerson, ID: p})
	}
	if len(refs) > 0 {
		more, err := d.o.Store.Load(ctx, refs...)
		if err != nil {
			return nil, fmt.Errorf("load delegations: %w", err)
		}
		found = append(found, more...)
	}
	byGiver := map[string]approvals.Delegation{}
	for _, r := range found {
		p, err := d.personState(ctx, r)
		if errors.Is(err, workflows.ErrDoubted) {
			continue // nobody decides in their place, and nobody else's word has to wait for it
		}
		if err != nil {
			return nil, err
		}
		if p.Delegation != nil {
			byGiver[r.Ref.ID] = *p.Delegation
		}
	}
	var out []approvals.Delegation
	for _, p := range people {
		if g, ok := byGiver[p]; ok {
			out = append(out, g)
		}
	}
	return out, nil
}
