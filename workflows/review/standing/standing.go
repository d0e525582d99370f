package standing

import (
	"fmt"
	"slices"
	"strings"
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
	return slices.Concat(s.Head(now), s.reviewers(now), leftOut, s.remedies(now))
}

// Around tells the same without the reviewers, for whoever shows their [Progress] as a table.
func (s Standing) Around(now time.Time, leftOut ...string) []string {
	return slices.Concat(s.Head(now), leftOut, s.remedies(now))
}

// Head says where it stands as a whole.
func (s Standing) Head(now time.Time) []string {
	total := s.Total()
	lines := []string{"*" + workflows.Esc(s.Campaign.Title()) + "* (`" + s.Campaign.ID + "`): " + s.Stage(now)}
	if total.Rows > 0 {
		lines = append(lines, fmt.Sprintf("%d of %s left. Decided: %d keep, %d change, %d remove.%s", total.Open,
			workflows.Plural(total.Rows, "row"),
			total.Keep, total.Change, total.Remove, noAnswers(total.NoAnswer)))
	}
	return lines
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

// reviewers are a line each.
func (s Standing) reviewers(now time.Time) []string {
	var out []string
	all := s.Progress(now)
	for i, p := range all {
		if i == shownReviewers {
			return append(out, fmt.Sprintf("… and %s more.", workflows.Plural(len(all)-i, "reviewer")))
		}
		out = append(out, p.line())
	}
	return out
}

// Progress is what one reviewer has.
type Progress struct {
	Reviewer   string
	With       []string // who may decide now, if that is not the reviewer alone
	Left, Rows int
	packets    int
	signed     int
	late       bool
}

// Progress lists the reviewers in the order of their packets. Somebody with several packets is there once.
func (s Standing) Progress(now time.Time) []*Progress {
	var all []*Progress
	by := map[string]*Progress{}
	for _, p := range s.Packets {
		one := by[p.Reviewer]
		if one == nil {
			one = &Progress{Reviewer: p.Reviewer}
			by[p.Reviewer] = one
			all = append(all, one)
		}
		one.add(p, now)
	}
	return all
}

func (p *Progress) add(s review.PacketState, now time.Time) {
	c := s.Counts()
	p.packets++
	p.Rows += c.Rows
	switch {
	case s.Signed != nil:
		p.signed++
	case s.Phase == review.PacketReviewing:
		p.Left += c.Open
		p.late = p.late || !s.Due.IsZero() && now.After(s.Due)
		p.With = workflows.Union(p.With, s.Reviewers)
	}
}

// Word says how far they are, behind its mark.
func (p *Progress) Word() string {
	switch {
	case p.signed == p.packets:
		return "✓ signed"
	case p.Rows == 0:
		return "… about to be asked"
	}
	mark, text := "… ", "open"
	if p.Left == 0 {
		text = "decided, not signed yet"
	}
	if p.late {
		mark, text = "! ", text+", late"
	}
	return mark + text
}

func (p *Progress) line() string {
	who := workflows.Mention(p.Reviewer)
	own, others := p.InPlace()
	switch {
	case len(others) > 0 && own:
		who += " with " + workflows.Mentions(others)
	case len(others) > 0:
		who = workflows.Mentions(others) + " in place of " + who
	}
	mark, word, _ := strings.Cut(p.Word(), " ")
	switch {
	case p.signed == p.packets:
		word += ", " + workflows.Plural(p.Rows, "row")
	case p.Rows == 0:
	case p.Left == 0:
		word = workflows.Plural(p.Rows, "row") + " " + word
	default:
		word = fmt.Sprintf("%d of %s left", p.Left, workflows.Plural(p.Rows, "row")) + strings.TrimPrefix(word, "open")
	}
	return mark + " " + who + ": " + word
}

// InPlace are those who may decide beside the reviewer, and whether the reviewer may, too.
func (p *Progress) InPlace() (own bool, others []string) {
	for _, id := range p.With {
		if id == p.Reviewer {
			own = true
			continue
		}
		others = append(others, id)
	}
	return own, others
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

// Last is the newest review that is over in a few words, as of a table's cell; "" for none.
func Last(all []workflows.ReviewSummary, running string) string {
	for i := len(all) - 1; i >= 0; i-- {
		s := all[i]
		if s.ID == running {
			continue
		}
		text := s.Period + " " + s.Stage
		if s.NoAnswer > 0 {
			text += fmt.Sprintf(", %d without an answer", s.NoAnswer)
		}
		if s.Open > 0 {
			text += fmt.Sprintf(", %d not done", s.Open)
		}
		return text
	}
	return ""
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
