package bot

import (
	"context"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
)

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
