package serve

import (
	"context"
	"errors"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/record"
)

// keepLedger opens the ledger at the first start, and tells it which channel checkpoints go to.
// From then on the clock's timers drive it.
func (s *Server) keepLedger(ctx context.Context) error {
	cmd := workflows.Command{Workflow: workflows.LedgerID(s.store.Shards()),
		Input: s.ledgerChannels(map[string]string{})}
	s.insist(ctx, "the checkpoints of the record cannot begin", func(ctx context.Context) error {
		return s.lookOrOpen(ctx, cmd, record.LookLedger, record.OpenLedger)
	})
	return nil
}

// ledgerChannels adds where the ledger posts checkpoints, and where what it tells about the record.
func (s *Server) ledgerChannels(input map[string]string) map[string]string {
	input[record.BlockChannel] = s.o.Config.Slack.CheckpointChannel()
	input[record.BlockNotices] = s.o.Config.Slack.Channel
	return input
}

// checkpoints draws checkpoints for the courier.
type checkpoints struct{ s *Server }

// Deliver implements workflows.Deliverer.
func (c checkpoints) Deliver(ctx context.Context, _ workflows.Claim, lease workflows.Lease) workflows.Outcome {
	drawn, err := c.s.store.DrawCheckpoint(ctx, c.s.o.Now(), func() error { return lease.Hold(ctx) })
	switch {
	case err == nil:
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true, Drawn: &drawn}}
	case errors.Is(err, workflows.ErrAway), errors.Is(err, workflows.ErrLeaseLost):
		return workflows.Outcome{Again: true, Err: err}
	}
	return workflows.Outcome{Refused: true, Err: err, Receipt: &workflows.Receipt{Refused: true,
		Code: workflows.RefusedOther}}
}
