package bot

import (
	"context"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

func TestTheLastListIsReadFromTheRecordAndFromNobodyElse(t *testing.T) {
	const now, before, part = "r07-acme-2026q4", "r07-acme-2026q3", "p07-AAAA2222"
	account := acme
	account.State.Reviews = []workflows.ReviewSummary{{ID: before, Rows: 1, Stage: review.CampaignCompleted}}
	d := &deskStub{accounts: []workflows.AccountInfo{account}, states: map[string]workflows.State{
		now: review.CampaignState{Started: population.Started{ID: now, AccountID: "acme"},
			Phase: review.CampaignGathering},
		before: review.CampaignState{Started: population.Started{ID: before, AccountID: "acme", Period: "2026q3"},
			Phase: review.CampaignCompleted, Parts: []review.Part{{ID: part}}},
		part: review.PacketState{Assigned: review.Assigned{Rows: []population.Row{{N: 1, Kind: population.KindUser,
			Email: "lou@acme.example", Role: workflows.RoleMonitor,
			Status: workflows.UserAccepted}}}, Verdicts: []population.Verdict{{}}},
	}}
	got := LastList(context.Background(), d, now)
	if !strings.HasPrefix(got, "2026q3\n") || !strings.Contains(got, "\tlou@acme.example\tmonitor") {
		t.Errorf("%q", got)
	}
	v := &visit{b: &Bot{o: Options{Desk: d}}}
	for name, cmd := range map[string]workflows.Command{
		"of a list":       {Name: review.ActImport, Submitted: true, Workflow: now},
		"of another form": {Name: review.ActDelegates, Submitted: true, Workflow: now},
	} {
		cmd.Input = map[string]string{review.BlockLast: "2026q3\n\tmal@acme.example\tadministrator"}
		if input := v.withLast(context.Background(), cmd).Input[review.BlockLast]; strings.Contains(input, "mal@") ||
			(input == got) != (cmd.Name == review.ActImport) {
			t.Errorf("%s: %q", name, input)
		}
	}
}
