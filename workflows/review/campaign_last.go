package review

import (
	"cmp"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// Whoever confirms a list that came as a file cannot see by a count that one user is another, or
// has become an administrator. So they are told what differs from the list of the last review.

// BlockLast carries the list of the last review into [ActImport] and [ImportUsers]: what [LastList]
// answers. It is Keyholder's own and no field of a form; whoever gives the command sets it.
const BlockLast = "last_list"

// LastReview is the last review before a campaign whose rows were decided, "" for none.
func LastReview(account workflows.AccountState, campaign string) string {
	for _, r := range slices.Backward(account.Reviews) {
		if r.ID != campaign && r.Rows > 0 && (r.Stage == CampaignFixing || r.Stage == CampaignCompleted) {
			return r.ID
		}
	}
	return ""
}

// LastList is who had which role when the last review was over, by its packets: a line each of
// environment, address and role, separated by tabs. What was removed or changed counts as that.
func LastList(period string, packets []PacketState) string {
	out := []string{period}
	for _, p := range packets {
		for _, r := range p.Rows {
			if r.Kind != population.KindUser && r.Status == "" {
				continue // the owner and mailboxes that are no users are on no list
			}
			role := r.Role
			for _, f := range p.Fixes {
				switch {
				case f.Row != r.N || f.State != population.FixVerified && f.State != population.FixDone:
				case f.Action == population.FixRemove:
					role = ""
				case f.Action == population.FixChange:
					role = cmp.Or(p.Verdicts[r.N-1].Role, role)
				}
			}
			if role != "" {
				out = append(out, r.Environment+"\t"+strings.ToLower(r.Email)+"\t"+role)
			}
		}
	}
	slices.Sort(out[1:])
	return strings.Join(out, "\n")
}

// against says by name in what rows of an environment differ from the list of the last review.
func against(last, env string, rows []population.Row) []string {
	period, text, _ := strings.Cut(last, "\n")
	before := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		parts := strings.Split(line, "\t")
		if len(parts) == 3 && parts[0] == env {
			before[parts[1]] = parts[2]
		}
	}
	if len(before) == 0 {
		return nil // nothing to compare with: the environment is new, or there was no review
	}
	var more, changed, gone []string
	there := map[string]bool{}
	for _, r := range rows {
		if r.Status == workflows.UserDismissed {
			continue
		}
		email := strings.ToLower(r.Email)
		there[email] = true
		was, known := before[email]
		switch {
		case !known:
			more = append(more, workflows.Say("%s (%s)", r.Email, r.Role))
		case was != r.Role:
			changed = append(changed, workflows.Say("%s (%s, before %s)", r.Email, r.Role, was))
		}
	}
	for _, email := range sortedKeys(before) {
		if !there[email] {
			gone = append(gone, workflows.Say("%s (%s)", email, before[email]))
		}
	}
	var out []string
	since := workflows.Say(" since the review of %s:", period)
	out = toldPart(out, "new"+since, more)
	out = toldPart(out, "another role"+since, changed)
	out = toldPart(out, "gone"+since, gone)
	if len(out) == 0 {
		out = append(out, workflows.Say("everybody has the role that they had at the end of the review of %s", period))
	}
	return out
}

// toldPart adds a sentence about some users, where there are any.
func toldPart(out []string, what string, names []string) []string {
	if more := len(names) - toldAtMost; more > 0 {
		names = append(names[:toldAtMost:toldAtMost], workflows.Say("%d more", more))
	}
	if len(names) == 0 {
		return out
	}
	return append(out, what+" "+workflows.List(names, "and"))
}
