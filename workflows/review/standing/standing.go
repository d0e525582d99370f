package standing

import (
	"fmt"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// Standing is a review as it stands: the campaign, and its packets in the order of its parts. One that
// is about to be opened has nothing but its ID and reviewer.
type Standing struct {
	Campaign review.CampaignState
	Packets  []review.PacketState
}

// Limits of what is shown.
const (
	pastReviews    = 4
	shownReviewers = 40
)

// Lines tell where it stands and who has what left; leftOut is said behind that, by whoever shows it,
// and then what is still to be carried out.
func (s Standing) Lines(now time.Time, leftOut ...string) []string {
	total := s.Total()
	lines := []string{"*" + workflows.Esc(s.Campaign.Title()) + "* (`" + s.Campaign.ID + "`): " + s.Stage(now)}
	if total.Rows > 0 {
		lines = append(lines, fmt.Sprintf("%d of %s left. Decided: %d keep, %d change, %d remove.%s", total.Open,
			workflows.Plural(total.Rows, "row"),
			total.Keep, total.Change, total.Remove, noAnswers(total.NoAnswer)))
	}
	lines = append(lines, s.reviewers(now)...)
	lines = append(lines, leftOut...)
	return append(lines, s.remedies(now)...)
}

// Running is the ID of the newest campaign that has not ended, "" for none.
func Running(all []workflows.ReviewSummary) string {
	for i := len(all) - 1; i >= 0; i-- {
		if s := all[i].Stage; s != review.CampaignCompleted && s != review.CampaignCancelled {
			return all[i].ID
		}
	}
	return ""
}

// Total adds the packets up as they are now; the campaign itself hears of them only when something is final.
func (s Standing) Total() review.Counts {
	var total review.Counts
	for i, p := range s.Packets {
		c := s.Campaign.Parts[i].Counts
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

// Stage says what a campaign waits for, and until when.
func (st Standing) Stage(now time.Time) string {
	s := st.Campaign
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

// reviewers lists the reviewers in the order of their packets. Somebody with several packets has one line.
func (s Standing) reviewers(now time.Time) []string {
	var all []*progress
	by := map[string]*progress{}
	for _, p := range s.Packets {
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

// remedies count what followed from the decisions.
func (s Standing) remedies(now time.Time) []string {
	var all, done, failed, late int
	for _, p := range s.Packets {
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

// Past tells how the last reviews went, the newest first, under a heading of their own; none
// but the running one gives nothing.
func Past(all []workflows.ReviewSummary, running string) []string {
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
