package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
	"github.com/keyholder/keyholder/workflows/review/standing"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// Limits of what an answer about reviews shows, and of what it asks for it.
const (
	packetsAtOnce = 8
	shownNotes    = 5
	// previewPatience is how long a preview waits for integrator.io; it then says so.
	previewPatience = 1500 * time.Millisecond
)

// reviewOf tells about one account: the running review, or what the next would be, and how the last ones went.
func (v *visit) reviewOf(ctx context.Context, a workflows.AccountInfo) (workflows.Reply, error) {
	if err := v.mayFollow(ctx, a.Policy); err != nil {
		return workflows.Reply{}, err
	}
	lines := []string{"*Reviews of " + workflows.Esc(a.Policy.Name) + "* (`" + a.Policy.ID + "`)"}
	id := standing.Running(a.State.Reviews)
	past := standing.Past(a.State.Reviews, id)
	if id != "" {
		now, out, err := v.standing(ctx, id)
		if err != nil {
			return workflows.Reply{}, err
		}
		v.progressTable(now, slices.Concat(lines, now.Around(v.b.at(), out...), past))
		lines = append(lines, now.Lines(v.b.at(), out...)...)
	} else {
		lines = append(lines, v.nextReview(ctx, a)...)
	}
	lines = append(lines, past...)
	return workflows.Reply{Text: strings.Join(lines, "\n"), Link: id}, nil
}

// reviewOfAll tells shortly about every account the person may read.
func (v *visit) reviewOfAll(ctx context.Context, do string, all []workflows.AccountInfo) (workflows.Reply, error) {
	if do == reviewExport {
		return workflows.Reply{}, workflows.Refuse("which_account", "Which review? Name its ID, or one of "+names(all)+
			".")
	}
	lines := []string{v.b.fill("*Reviews* (`{command} review ACCOUNT` tells more)")}
	t := draw.Table{Caption: "Reviews of all accounts",
		Columns: []string{"Account", "Running", "Due", "Left", "Rows", "Next", "Last"}}
	above, hidden := lines, 0
	for _, a := range all {
		if err := v.mayFollow(ctx, a.Policy); err != nil {
			var refused *workflows.Refusal
			if !errors.As(err, &refused) {
				return workflows.Reply{}, err
			}
			hidden++
			continue
		}
		lines = append(lines, "", "*"+workflows.Esc(a.Policy.Name)+"* (`"+a.Policy.ID+"`)")
		id := standing.Running(a.State.Reviews)
		row := reviewRow{account: a.Policy.Name, running: id, last: standing.Last(a.State.Reviews, id)}
		switch s, err := v.campaign(ctx, id); {
		case id == "":
			lines = append(lines, v.opensLine(a))
			row.next = v.opens(a)
		case err != nil:
			return workflows.Reply{}, err
		default:
			packets, err := v.packets(ctx, s)
			if err != nil {
				return workflows.Reply{}, err
			}
			now := standing.Standing{Campaign: s, Packets: packets}
			c := now.Total()
			lines = append(lines, "`"+id+"`: "+now.Stage(v.b.at()), fmt.Sprintf("%d of %s left.", c.Open,
				workflows.Plural(c.Rows, "row")))
			row.due, row.left, row.rows = s.Due, c.Open, c.Rows
		}
		t.Rows = append(t.Rows, row.cells())
		if past := standing.Past(a.State.Reviews, id); len(past) > 1 {
			lines = append(lines, past[1])
		}
	}
	if hidden == len(all) {
		return workflows.Reply{}, workflows.Refuse("may_not_read",
			"You may not read the reviews of any account here. Ask a holder, an administrator or a reviewer.")
	}
	if hidden > 0 {
		not := workflows.Plural(hidden, "account") + " not shown: you may not read their reviews."
		lines, above = append(lines, "", not), append(above, not)
	}
	v.table(t, above, nil)
	return say(strings.Join(lines, "\n")), nil
}

func (v *visit) campaign(ctx context.Context, id string) (review.CampaignState, error) {
	if id == "" {
		return review.CampaignState{}, nil
	}
	s, err := v.b.o.Desk.State(ctx, id)
	if err != nil {
		return review.CampaignState{}, err
	}
	c, ok := s.(review.CampaignState)
	if !ok {
		return c, fmt.Errorf("read %s: %w", id, workflows.ErrNoWorkflow)
	}
	return c, nil
}

// reviewRow is one account among all.
type reviewRow struct {
	account, running string
	due, next        time.Time
	left, rows       int
	last             string
}

func (r reviewRow) cells() []draw.Cell {
	return []draw.Cell{draw.TextCell(r.account), draw.TextCell(r.running), draw.DayCell(r.due, ""),
		draw.NumberCell(r.left), draw.NumberCell(r.rows), draw.DayCell(r.next, ""), draw.TextCell(r.last)}
}

// standing is how one campaign stands, and what it left out.
func (v *visit) standing(ctx context.Context, id string) (standing.Standing, []string, error) {
	s, err := v.campaign(ctx, id)
	if err != nil {
		return standing.Standing{}, nil, err
	}
	packets, err := v.packets(ctx, s)
	if err != nil {
		return standing.Standing{}, nil, err
	}
	return standing.Standing{Campaign: s, Packets: packets}, leftOut(s), nil
}

// campaignLines tells one campaign: where it stands, who has what left, what was left out, and what
// is still to be done.
func (v *visit) campaignLines(ctx context.Context, id string) ([]string, error) {
	now, out, err := v.standing(ctx, id)
	if err != nil {
		return nil, err
	}
	v.progressTable(now, now.Around(v.b.at(), out...))
	return now.Lines(v.b.at(), out...), nil
}

// progressTable shows who has what left.
func (v *visit) progressTable(now standing.Standing, above []string) {
	t := draw.Table{Caption: "Who has what left in the review " + now.Campaign.ID,
		Columns: []string{"Reviewer", "State", "Left", "Rows"}}
	all := now.Progress(v.b.at())
	for i, p := range all {
		if i == draw.TableRows {
			above = append(above, "… and "+workflows.Plural(len(all)-i, "reviewer")+" more.")
			break
		}
		word := p.Word()
		if own, others := p.InPlace(); len(others) > 0 {
			how := ", in their place "
			if own {
				how = ", with "
			}
			word += how + v.b.namesOf(others)
		}
		t.Rows = append(t.Rows, []draw.Cell{draw.PersonCell(p.Reviewer), draw.TextCell(word), draw.NumberCell(p.Left),
			draw.NumberCell(p.Rows)})
	}
	v.table(t, above, nil)
}

// packets loads the packets of a campaign, several at once: an answer has 2 s, and a campaign may have many.
func (v *visit) packets(ctx context.Context, s review.CampaignState) ([]review.PacketState, error) {
	out := make([]review.PacketState, len(s.Parts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(packetsAtOnce)
	for i, part := range s.Parts {
		g.Go(func() error {
			st, err := v.b.o.Desk.State(ctx, part.ID)
			if errors.Is(err, workflows.ErrNoWorkflow) { // about to be opened
				out[i] = review.PacketState{Assigned: review.Assigned{ID: part.ID, Reviewer: part.Reviewer}}
				return nil
			}
			if err != nil {
				return err
			}
			p, ok := st.(review.PacketState)
			if !ok {
				return fmt.Errorf("read %s: %w", part.ID, workflows.ErrNoWorkflow)
			}
			out[i] = p
			return nil
		})
	}
	return out, g.Wait()
}

// leftOut says what the review does not cover, what is decided by way of exception, and who was
// replaced. The machine's own sentences are mrkdwn.
func leftOut(s review.CampaignState) []string {
	var out []string
	for _, r := range s.Readings {
		if r.Excluded != "" {
			out = append(out, "Left out: "+workflows.Esc(cmp.Or(r.Environment, workflows.Production))+" ("+
				draw.Cut(r.Excluded,
					300)+")")
		}
	}
	for i, e := range s.Exceptions {
		if i == shownNotes {
			out = append(out, fmt.Sprintf("… and %s more.", workflows.Plural(len(s.Exceptions)-i, "exception")))
			break
		}
		out = append(out, "! "+draw.Cut(e, 300))
	}
	for i, n := range s.Notes {
		if i == shownNotes {
			out = append(out, fmt.Sprintf("… and %s more.", workflows.Plural(len(s.Notes)-i, "note")))
			break
		}
		out = append(out, draw.Cut(n, 300))
	}
	return out
}

// opens is when the calendar opens the next review; zero: it names no period.
func (v *visit) opens(a workflows.AccountInfo) time.Time {
	next, err := worktime.CalendarOf(a.Policy.Review).NextOpening(v.b.at())
	if err != nil {
		return time.Time{}
	}
	return next.Opens
}

// opensLine says when the calendar opens the next review.
func (v *visit) opensLine(a workflows.AccountInfo) string {
	next, err := worktime.CalendarOf(a.Policy.Review).NextOpening(v.b.at())
	if err != nil {
		return "None is running, and the configuration names no period for one."
	}
	return "None is running. The next one, " + next.ID + ", opens " + workflows.When(next.Opens) + ", in " +
		workflows.Span(next.Opens.Sub(v.b.at())) + "."
}

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
			part := workflows.Plural(len(e.census.Users), "user")
			if n := len(e.census.Tokens); n > 0 {
				part += " and " + workflows.Plural(n, "API token")
			}
			parts = append(parts, part+" of "+workflows.Esc(e.title))
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
	tokens error // why its API tokens could not be read
}

// population reads every environment that has a token, all at once, and says which could not be read in time.
func (v *visit) population(ctx context.Context, a workflows.AccountInfo) (found []reading, unread []string) {
	environments := environmentsOf(a.Policy)
	all := make([]reading, len(environments))
	var wg sync.WaitGroup
	for i, e := range environments {
		wg.Go(func() {
			c, err := v.b.o.Census(ctx, a.Policy.ID, e.value)
			if err == nil && v.b.o.Tokens != nil {
				c.Tokens, err = v.b.o.Tokens(ctx, a.Policy.ID, e.value)
				all[i] = reading{environmentOf: e, census: c, tokens: err}
				return
			}
			all[i] = reading{environmentOf: e, census: c, err: err}
		})
	}
	wg.Wait()
	for _, r := range all {
		switch {
		case r.err == nil:
			found = append(found, r)
			if r.tokens != nil {
				unread = append(unread, "! *"+workflows.Esc(r.title)+"*: "+tokensUnread(r.tokens))
			}
		case ctx.Err() != nil:
			unread = append(unread, "*"+workflows.Esc(r.title)+
				"*: integrator.io did not answer in time, so what it would ask is not shown. Try again in a minute.")
		default:
			unread = append(unread, "*"+workflows.Esc(r.title)+"*: "+unreadable(r.err))
		}
	}
	return found, unread
}

// tokensUnread says that a review would not ask about tokens, and why.
func tokensUnread(err error) string {
	const so = ", so as things stand a review would not ask about them. Look at them in integrator.io."
	var refused *workflows.Refusal
	if errors.As(err, &refused) {
		return "its API tokens cannot be read by Keyholder's token" + so
	}
	return "its API tokens could not be read in time" + so
}

func held(all []workflows.ReviewSummary, period string) bool {
	return slices.ContainsFunc(all, func(s workflows.ReviewSummary) bool { return s.Period == period })
}

// Lists is what comparing a review with the last one needs of the record.
type Lists interface {
	State(ctx context.Context, workflow string) (workflows.State, error)
	Account(ctx context.Context, id string) (workflows.AccountInfo, error)
}

// LastList is the list of the last review before a campaign, as [review.BlockLast] takes it, "" for
// none or where it cannot be read: then there is nothing to compare with, and nothing is said of it.
func LastList(ctx context.Context, record Lists, campaign string) string {
	now, err := record.State(ctx, campaign)
	if err != nil {
		return ""
	}
	account, err := record.Account(ctx, now.Account())
	if err != nil {
		return ""
	}
	last, err := record.State(ctx, review.LastReview(account.State, campaign))
	if err != nil {
		return ""
	}
	before, is := last.(review.CampaignState)
	if !is {
		return ""
	}
	var packets []review.PacketState
	for _, part := range before.Parts {
		s, err := record.State(ctx, part.ID)
		if err != nil {
			return ""
		}
		if p, is := s.(review.PacketState); is {
			packets = append(packets, p)
		}
	}
	return review.LastList(before.Period, packets)
}

// withLast gives a list of users that is handed in what it is compared with. Whatever stood in that
// place before came from outside, and goes.
func (v *visit) withLast(ctx context.Context, cmd workflows.Command) workflows.Command {
	delete(cmd.Input, review.BlockLast)
	if cmd.Name != review.ActImport || !cmd.Submitted {
		return cmd
	}
	if last := LastList(ctx, v.b.o.Desk, cmd.Workflow); last != "" {
		cmd.Input[review.BlockLast] = last
	}
	return cmd
}
