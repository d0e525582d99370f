package approvals_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/keyholder/keyholder/approvals"
)

// Two of three holders must confirm; Dee asked, so she may not; Cat is away and Eve stands in.
func Example() {
	monday := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	ballot := approvals.Ballot{
		Quorum:     2,
		Electorate: []string{"ana", "cat", "dee"},
		Bars:       []approvals.Bar{{Who: "dee", Why: "requester"}},
		Opens:      monday,
		Closes:     monday.Add(72 * time.Hour),
	}
	standing := approvals.Standing{"ana": "", "cat": "", "dee": "", "eve": ""}
	away := []approvals.Delegation{{From: "cat", To: "eve", Since: monday}}

	click := func(who string, at time.Time) {
		votes, err := ballot.Cast(who, approvals.Approve, "", standing, away, at)
		var refusal *approvals.Refusal
		if errors.As(err, &refusal) {
			fmt.Printf("%s: %s (%s)\n", who, refusal.Code, refusal.Detail)
			return
		}
		ballot.Votes = append(ballot.Votes, votes...)
		tally := ballot.Judge(standing, away, at)
		fmt.Printf("%s: %s, %d missing, waiting for %v\n", who, tally.Outcome, tally.Missing, tally.Waiting)
	}
	click("dee", monday.Add(1*time.Hour))
	click("ana", monday.Add(2*time.Hour))
	click("eve", monday.Add(3*time.Hour))
	// Output:
	// dee: barred (requester)
	// ana: open, 1 missing, waiting for [cat eve]
	// eve: approved, 0 missing, waiting for []
}
