package bot

import (
	"context"
	"slices"
	"sync"

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
		var as []population.Found
		for _, e := range found {
			as = append(as, population.Found{Environment: e.value, Census: e.census})
			parts = append(parts, workflows.Plural(len(e.census.Users), "user")+" of "+workflows.Esc(e.title))
		}
		lines = append(lines, "As things stand ("+workflows.List(parts, "and")+
			", the owner and the shared mailboxes) it would ask:")
		lines = append(lines, population.Preview(population.Outlook(a, facts, as, v.b.at()))...)
		lines = append(lines, population.NotPartOfIt)
	}
	return append(lines, unread...)
}

// reviewFacts are the people whom a review could ask, groups expanded.
func (b *Bot) reviewFacts(ctx context.Context, p workflows.Policy) (workflows.Facts, error) {
	ids := workflows.Union(population.Reviewers(p.Review), p.HolderIDs(), p.Admins)
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

func held(all []workflows.ReviewSummary, period string) bool {
	return slices.ContainsFunc(all, func(s workflows.ReviewSummary) bool { return s.Period == period })
}
