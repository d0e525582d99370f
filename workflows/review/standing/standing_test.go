package standing

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

func TestSignedAndReplacedReviewersAreToldApart(t *testing.T) {
	rows := []population.Row{{N: 1, Kind: population.KindUser, Role: "monitor"}}
	kept := []population.Verdict{{Decision: population.Keep}}
	packets := []review.PacketState{
		{Assigned: review.Assigned{Reviewer: "UANA", Rows: rows}, Phase: review.PacketSigned, Verdicts: kept,
			Reviewers: []string{"UANA"}, Signed: &review.Signature{By: "UANA"}},
		{Assigned: review.Assigned{Reviewer: "UBEN", Rows: rows}, Phase: review.PacketReviewing, Verdicts: kept,
			Reviewers: []string{"UCAT"}},
		{Assigned: review.Assigned{Reviewer: "UDEE"}},
	}
	got := strings.Join(Standing{Packets: packets}.reviewers(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)), "\n")
	want := "✓ <@UANA>: signed, 1 row\n… <@UCAT> in place of <@UBEN>: 1 row decided, not signed yet\n… <@UDEE>: about to be asked"
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

// Forty reviewers are all named; of more the rest are counted.
func TestAllReviewersAreNamedUpToTheBound(t *testing.T) {
	for n, want := range map[int]int{1: 1, 40: 40, 41: 41, 60: 41} {
		packets := make([]review.PacketState, n)
		for i := range packets {
			packets[i] = review.PacketState{Assigned: review.Assigned{Reviewer: fmt.Sprintf("U%03d", i)}}
		}
		got := Standing{Packets: packets}.reviewers(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
		if len(got) != want {
			t.Errorf("of %d reviewers there are %d lines, want %d:\n%s", n, len(got), want, strings.Join(got, "\n"))
		}
		if more := workflows.Plural(n-shownReviewers, "reviewer") + " more"; n > shownReviewers &&
			!strings.Contains(got[len(got)-1], more) {
			t.Errorf("the last line does not say %q: %s", more, got[len(got)-1])
		}
	}
}
