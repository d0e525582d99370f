package review

import (
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// A row may have an open finding: a difference that no decision explains; and an open request for
// its removal. What the review decides about the row answers both. Keeping counts when it is final:
// signed, or closed by the time.

// tellKept tells the findings and requests for removal of rows that are kept as they are.
func (s PacketState) tellKept() []workflows.Call {
	var calls []workflows.Call
	for i, r := range s.Rows {
		v := s.Verdicts[i]
		if v.Decision != population.Keep || r.Lacks(v) != "" || v.By == "" {
			continue
		}
		if r.Asked != "" {
			word := workflows.KeptAccess{Review: s.Campaign, Reviewer: v.By, Reason: v.Reason}
			if s.Signed != nil {
				word.Signed = s.Signed.By
			}
			calls = append(calls, workflows.AccessKept.To(s.AccountID, r.Asked, word))
		}
		if r.Finding == "" {
			continue
		}
		calls = append(calls, workflows.FindingReviewed.To(s.AccountID, r.Finding, workflows.ReviewedFinding{
			Review: s.Campaign, Reviewer: v.By, Reason: v.Reason, Mark: r.Mark}))
	}
	return calls
}

// tellUndone tells the findings of rows whose access was taken away or changed since an earlier
// state: carried out, and read back.
func (s PacketState) tellUndone(before PacketState) []workflows.Call {
	verified := map[int]bool{}
	for _, f := range before.Fixes {
		verified[f.Row] = f.State == population.FixVerified
	}
	var calls []workflows.Call
	for _, f := range s.Fixes {
		r, v := s.Rows[f.Row-1], s.Verdicts[f.Row-1]
		if r.Finding == "" || f.State != population.FixVerified || verified[f.Row] || f.Access == "" {
			continue
		}
		by := v.By
		if by == "" && len(s.Reviewers) > 0 { // the rule of the account decided, in their stead
			by = s.Reviewers[0]
		}
		calls = append(calls, workflows.FindingReviewed.To(s.AccountID, r.Finding, workflows.ReviewedFinding{
			Review: s.Campaign, Reviewer: by, Reason: v.Reason, Access: f.Access}))
	}
	return calls
}

// answersWords say under a row what deciding it does to what is open about the access. adopts says
// that whoever reads looks after access.
func answersWords(r population.Row, adopts bool) []string {
	var out []string
	switch {
	case r.Finding == "":
	case adopts:
		out = append(out, "Keeping it is your word that what "+r.Finding+
			" found is expected, unless you asked for it or did it; taking it away ends that, too")
	default:
		out = append(out, "Taking it away ends "+r.Finding+
			". Keeping it leaves that open: those who look after access take it as expected, or not")
	}
	if r.Asked != "" {
		out = append(out, "A removal is asked for already, "+r.Asked+
			": removing it here takes that over, and nothing is removed twice; keeping it ends that once it is signed off, and whoever asked is told")
	}
	return out
}
