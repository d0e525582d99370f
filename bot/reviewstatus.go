package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// Limits of what an answer about reviews shows, and of what it asks for it.
const (
	packetsAtOnce  = 8
	pastReviews    = 4
	shownReviewers = 40
	shownNotes     = 5
	// previewPatience is how long a preview waits for integrator.io; it then says so.
	previewPatience = 1500 * time.Millisecond
)

// reviewOf tells about one account: the running review, or what the next would be, and how the last ones went.
func (v *visit) reviewOf(ctx context.Context, a workflows.AccountInfo) (workflows.Reply, error) {
	if err := v.mayFollow(ctx, a.Policy); err != nil {
		return workflows.Reply{}, err
	}
	lines := []string{"*Reviews of " + workflows.Esc(a.Policy.Name) + "* (`" + a.Policy.ID + "`)"}
	id := runningReview(a.State.Reviews)
	if id != "" {
		more, err := v.campaignLines(ctx, id)
		if err != nil {
			return workflows.Reply{}, err
		}
		lines = append(lines, more...)
	} else {
		lines = append(lines, v.nextReview(ctx, a)...)
	}
	lines = append(lines, pastLines(a.State.Reviews, id)...)
	return workflows.Reply{Text: strings.Join(lines, "\n"), Link: id}, nil
}

// reviewOfAll tells shortly about every account the person may read.
func (v *visit) reviewOfAll(ctx context.Context, do string, all []workflows.AccountInfo) (workflows.Reply, error) {
	if do == reviewExport {
		return workflows.Reply{}, workflows.Refuse("which_account", "Which review? Name its ID, or one of "+names(all)+
			".")
	}
	lines := []string{v.b.fill("*Reviews* (`{command} review ACCOUNT` tells more)")}
	hidden := 0
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
		id := runningReview(a.State.Reviews)
		switch s, err := v.campaign(ctx, id); {
		case id == "":
			lines = append(lines, v.opensLine(a))
		case err != nil:
			return workflows.Reply{}, err
		default:
			packets, err := v.packets(ctx, s)
			if err != nil {
				return workflows.Reply{}, err
			}
			c := totalOf(s, packets)
			lines = append(lines, "`"+id+"`: "+v.stageLine(s), fmt.Sprintf("%d of %s left.", c.Open,
				workflows.Plural(c.Rows, "row")))
		}
		if past := pastLines(a.State.Reviews, id); len(past) > 1 {
			lines = append(lines, past[1])
		}
	}
	if hidden == len(all) {
		return workflows.Reply{}, workflows.Refuse("may_not_read",
			"You may not read the reviews of any account here. Ask a holder, an administrator or a reviewer.")
	}
	if hidden > 0 {
		lines = append(lines, "", workflows.Plural(hidden, "account")+" not shown: you may not read their reviews.")
	}
	return say(strings.Join(lines, "\n")), nil
}

// runningReview is the ID of the newest campaign that has not ended, "" for none.
func runningReview(all []workflows.ReviewSummary) string {
	for i := len(all) - 1; i >= 0; i-- {
		if s := all[i].Stage; s != review.CampaignCompleted && s != review.CampaignCancelled {
			return all[i].ID
		}
	}
	return ""
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

// campaignLines tells one campaign: where it stands, who has what left, what was left out, and what
// is still to be done.
func (v *visit) campaignLines(ctx context.Context, id string) ([]string, error) {
	s, err := v.campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	packets, err := v.packets(ctx, s)
	if err != nil {
		return nil, err
	}
	now := v.b.at()
	total := totalOf(s, packets)
	lines := []string{"*" + workflows.Esc(s.Title()) + "* (`" + id + "`): " + v.stageLine(s)}
	if total.Rows > 0 {
		lines = append(lines, fmt.Sprintf("%d of %s left. Decided: %d keep, %d change, %d remove.%s", total.Open,
			workflows.Plural(total.Rows, "row"),
			total.Keep, total.Change, total.Remove, noAnswers(total.NoAnswer)))
	}
	lines = append(lines, reviewerLines(packets, now)...)
	lines = append(lines, leftOut(s)...)
	return append(lines, remedyLines(packets, now)...), nil
}

// totalOf adds the packets up as they are now; the campaign itself hears of them only when something is final.
func totalOf(s review.CampaignState, packets []review.PacketState) review.Counts {
	var total review.Counts
	for i, p := range packets {
		c := s.Parts[i].Counts
		if p.Opened() {
			c = p.Counts()
		}
		total = addCounts(total, c)
	}
	return total
}

func addCounts(a, b review.Counts) review.Counts {
	a.Rows += b.Rows
	a.Open += b.Open
	a.Keep += b.Keep
	a.Change += b.Change
	a.Remove += b.Remove
	a.NoAnswer += b.NoAnswer
	return a
}

func noAnswers(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" Nobody answered on %d.", n)
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

// stageLine says what a campaign waits for, and until when.
func (v *visit) stageLine(s review.CampaignState) string {
	now := v.b.at()
	switch s.Phase {
	case review.CampaignGathering:
		missing := 0
		for _, r := range s.Readings {
			if !r.Done() {
				missing++
			}
		}
		return "… who has access is being read; " + workflows.Plural(missing, "environment") +
			" still to come. Begun " + workflows.When(s.Begun) + "."
	case review.CampaignOpen:
		switch {
		case now.Before(s.Due):
			return "… due " + workflows.When(s.Due) + ", in " + workflows.Span(s.Due.Sub(now)) + "."
		case now.Before(s.Closes):
			return "! due since " + workflows.When(s.Due) + "; it closes " + workflows.When(s.Closes) + ", in " +
				workflows.Span(s.Closes.Sub(now)) + "."
		}
		return "! its time ended " + workflows.When(s.Closes) + "."
	case review.CampaignClosing:
		return "… it is being closed."
	case review.CampaignFixing:
		return "… decided; what was decided is being carried out."
	case review.CampaignCompleted:
		return "✓ completed " + workflows.When(s.Ended) + "."
	case review.CampaignCancelled:
		text := "✗ cancelled"
		if !s.Ended.IsZero() {
			text += " " + workflows.When(s.Ended)
		}
		if s.Why != "" {
			text += ": " + workflows.Quote(s.Why)
		}
		return text + "."
	}
	return workflows.Esc(s.Phase) + "."
}

// progress is what one reviewer has.
type progress struct {
	reviewer   string
	with       []string // who may decide now, if that is not the reviewer alone
	left, rows int
	packets    int
	signed     int
	late       bool
}

// reviewerLines lists the reviewers in the order of their packets. Somebody with several packets has one line.
func reviewerLines(packets []review.PacketState, now time.Time) []string {
	var all []*progress
	by := map[string]*progress{}
	for _, p := range packets {
		one := by[p.Reviewer]
		if one == nil {
			one = &progress{reviewer: p.Reviewer}
			by[p.Reviewer] = one
			all = append(all, one)
		}
		one.add(p, now)
	}
	var out []string
	for i, p := range all {
		if i == shownReviewers {
			out = append(out, fmt.Sprintf("… and %s more.", workflows.Plural(len(all)-i, "reviewer")))
			break
		}
		out = append(out, p.line())
	}
	return out
}

func (p *progress) add(s review.PacketState, now time.Time) {
	c := s.Counts()
	p.packets++
	p.rows += c.Rows
	switch {
	case s.Signed != nil:
		p.signed++
	case s.Phase == review.PacketReviewing:
		p.left += c.Open
		p.late = p.late || !s.Due.IsZero() && now.After(s.Due)
		p.with = workflows.Union(p.with, s.Reviewers)
	}
}

func (p *progress) line() string {
	who := workflows.Mention(p.reviewer)
	var others []string
	own := false
	for _, id := range p.with {
		if id == p.reviewer {
			own = true
			continue
		}
		others = append(others, id)
	}
	switch {
	case len(others) > 0 && own:
		who += " with " + workflows.Mentions(others)
	case len(others) > 0:
		who = workflows.Mentions(others) + " in place of " + who
	}
	switch {
	case p.signed == p.packets:
		return "✓ " + who + ": signed, " + workflows.Plural(p.rows, "row")
	case p.rows == 0:
		return "… " + who + ": about to be asked"
	}
	mark, text := "… ", fmt.Sprintf("%d of %s left", p.left, workflows.Plural(p.rows, "row"))
	if p.left == 0 {
		text = fmt.Sprintf("%s decided, not signed yet", workflows.Plural(p.rows, "row"))
	}
	if p.late {
		mark, text = "! ", text+", late"
	}
	return mark + who + ": " + text
}

// leftOut says what the review does not cover, what is decided by way of exception, and who was
// replaced. The machine's own sentences are mrkdwn.
func leftOut(s review.CampaignState) []string {
	var out []string
	for _, r := range s.Readings {
		if r.Excluded != "" {
			out = append(out, "Left out: "+workflows.Esc(or(r.Environment, workflows.Production))+" ("+cut(r.Excluded,
				300)+")")
		}
	}
	for i, e := range s.Exceptions {
		if i == shownNotes {
			out = append(out, fmt.Sprintf("… and %s more.", workflows.Plural(len(s.Exceptions)-i, "exception")))
			break
		}
		out = append(out, "! "+cut(e, 300))
	}
	for i, n := range s.Notes {
		if i == shownNotes {
			out = append(out, fmt.Sprintf("… and %s more.", workflows.Plural(len(s.Notes)-i, "note")))
			break
		}
		out = append(out, cut(n, 300))
	}
	return out
}

// remedyLines count what followed from the decisions.
func remedyLines(packets []review.PacketState, now time.Time) []string {
	var all, done, failed, late int
	for _, p := range packets {
		for _, f := range p.Fixes {
			all++
			switch f.State {
			case population.FixDone, population.FixVerified:
				done++
				continue
			case population.FixFailed:
				failed++
			}
			if now.After(f.Due) {
				late++
			}
		}
	}
	if all == 0 {
		return nil
	}
	text := fmt.Sprintf("Carried out: %d of %s.", done, workflows.Plural(all, "decision"))
	if failed > 0 {
		text += fmt.Sprintf(" ✗ %d failed.", failed)
	}
	if late > 0 {
		text += fmt.Sprintf(" ! %d late.", late)
	}
	return []string{text}
}

// pastLines tell how the last reviews went, the newest first, under a heading of their own; none
// but the running one gives nothing.
func pastLines(all []workflows.ReviewSummary, running string) []string {
	out := []string{"*Before*"}
	for i := len(all) - 1; i >= 0 && len(out) <= pastReviews; i-- {
		s := all[i]
		if s.ID == running {
			continue
		}
		out = append(out, pastLine(s))
	}
	if len(out) == 1 {
		return nil
	}
	return out
}

func pastLine(s workflows.ReviewSummary) string {
	text := s.Period + " (`" + s.ID + "`): " + workflows.Esc(s.Stage)
	if s.Stage == review.CampaignCompleted || s.Rows > 0 {
		text += fmt.Sprintf(", %s: %d keep, %d change, %d remove, %d without an answer",
			workflows.Plural(s.Rows, "row"), s.Keep, s.Change, s.Remove, s.NoAnswer)
	}
	if s.Open > 0 {
		text += fmt.Sprintf("; %d of what was decided not done", s.Open)
	}
	if !s.Closed.IsZero() {
		text += "; closed " + workflows.When(s.Closed)
	}
	return text
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
