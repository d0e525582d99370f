package bot

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// nextReview says when the next review opens and what it would ask of whom as things stand now.
func (v *visit) nextReview(ctx context.Context, a workflows.AccountInfo) []string {
	lines := []string{v.opensLine(a)}
	if now, err := worktime.CalendarOf(a.Policy.Review).At(v.b.at()); err == nil && !held(a.State.Reviews, now.ID) {
		lines = append(lines, v.b.fill("That of "+now.ID+
			" was not held; an administrator can open it now with `{command} review "+a.Policy.ID+" start`."))
	}
	if v.b.o.Census == nil || !readable(a.Policy) {
		return append(lines,
			"Keyholder has no API token for this account: an administrator gives the list of users as a file when the review begins.")
	}
	ctx, cancel := context.WithTimeout(ctx, previewPatience)
	defer cancel()
	var facts workflows.Facts
	var err error
	var both sync.WaitGroup
	both.Go(func() { facts, err = v.b.reviewFacts(ctx, a.Policy) })
	found, unread := v.population(ctx, a)
	both.Wait()
	if len(found) > 0 {
		if err != nil {
			v.b.log.Info().Str(fieldCause, slackapi.Clean(err)).Msg("a review was not previewed")
			return append(append(lines, "Slack did not say in time who could review it. Try again in a minute."),
				unread...)
		}
		var parts []string
		for _, e := range found {
			parts = append(parts, workflows.Plural(len(e.census.Users), "user")+" of "+workflows.Esc(e.title))
		}
		lines = append(lines, "As things stand ("+workflows.List(parts, "and")+
			", the owner and the shared mailboxes) it would ask:")
		lines = append(lines, population.Preview(planOf(a, facts, found, v.b.at()))...)
		lines = append(lines, population.NotPartOfIt)
	}
	return append(lines, unread...)
}

// planOf shares out what was read as the campaign would. Delegations are left out: they are looked at when it begins.
func planOf(a workflows.AccountInfo, f workflows.Facts, found []reading, at time.Time) population.Planned {
	p := a.Policy
	st := population.Started{AccountID: p.ID, AccountName: p.Name, Owner: owner(a), OwnerSince: a.State.Since,
		OwnerBy: a.State.By, Proofs: a.State.Key.Proofs, Reviewers: f.Expand(p.Review.Reviewers),
		Admins: f.Expand(p.Admins), Holders: f.Expand(p.HolderIDs()), UIHost: p.UIHost, Policy: p.Review}
	for _, al := range p.Aliases {
		al.Holders, al.Custodians = f.Expand(al.Holders), f.Expand(al.Keepers())
		st.Aliases = append(st.Aliases, al)
	}
	emails := map[string]string{}
	for id, who := range f.People {
		if who.Email != "" {
			emails[id] = who.Email
		}
	}
	var production, others []population.Row
	for _, e := range found {
		rows := population.UserRows(e.value, e.census, st, a.State, at)
		if e.value == "" {
			production = rows
			continue
		}
		others = append(others, rows...)
	}
	masters, rest := population.MasterRows(st, production, nil, nil, emails)
	rows := slices.Concat(masters, rest, others)
	population.SortByRisk(rows)
	return population.Plan(rows, st, f, at)
}

// reviewFacts are the people whom a review could ask, groups expanded.
func (b *Bot) reviewFacts(ctx context.Context, p workflows.Policy) (workflows.Facts, error) {
	ids := workflows.Union(reviewersOf(p.Review), p.HolderIDs(), p.Admins)
	for _, al := range p.Aliases {
		ids = workflows.Union(ids, al.Keepers())
	}
	f := workflows.Facts{Policy: p, Groups: map[string][]string{}}
	var people []string
	for _, id := range ids {
		if !workflows.IsGroup(id) {
			people = append(people, id)
			continue
		}
		members, err := b.people.Group(ctx, id)
		if err != nil {
			return f, err
		}
		f.Groups[id] = members
		people = append(people, members...)
	}
	var err error
	f.People, err = b.people.People(ctx, workflows.Union(people))
	return f, err
}

// reviewersOf are all whom a policy names as reviewers, users and groups.
func reviewersOf(p workflows.ReviewPolicy) []string {
	ids := p.Reviewers
	for _, rules := range []map[string][]string{p.ByRole, p.ByIntegration} {
		for _, key := range slices.Sorted(maps.Keys(rules)) {
			ids = workflows.Union(ids, rules[key])
		}
	}
	return ids
}

func held(all []workflows.ReviewSummary, period string) bool {
	return slices.ContainsFunc(all, func(s workflows.ReviewSummary) bool { return s.Period == period })
}

func readable(p workflows.Policy) bool {
	for _, e := range p.Access.Environments {
		if e.Token {
			return true
		}
	}
	return p.Token
}

// reading is one environment as it is now.
type reading struct {
	environmentOf
	census workflows.Census
	err    error
}

// population reads every environment that has a token, all at once, and says which could not be read in time.
func (v *visit) population(ctx context.Context, a workflows.AccountInfo) (found []reading, unread []string) {
	environments := environmentsOf(a.Policy)
	all := make([]reading, len(environments))
	var wg sync.WaitGroup
	for i, e := range environments {
		wg.Go(func() {
			c, err := v.b.o.Census(ctx, a.Policy.ID, e.value)
			all[i] = reading{e, c, err}
		})
	}
	wg.Wait()
	for _, r := range all {
		switch {
		case r.err == nil:
			found = append(found, r)
		case ctx.Err() != nil:
			unread = append(unread, "*"+workflows.Esc(r.title)+
				"*: integrator.io did not answer in time, so what it would ask is not shown. Try again in a minute.")
		default:
			unread = append(unread, "*"+workflows.Esc(r.title)+"*: "+unreadable(r.err))
		}
	}
	return found, unread
}
