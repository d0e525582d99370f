package standing

import (
	"strings"
	"testing"
	"time"

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
