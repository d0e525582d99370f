package serve

import (
	"context"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/tokens"
)

// ownTokenEvery is how often the metric of the own tokens' ends is brought up to date.
const ownTokenEvery = 30 * time.Second

// watchTokens lets the watch of every account's API tokens look at the policy that this process
// runs with, or opens it at first sight, and keeps the metric of the own tokens' ends until ctx
// ends.
func (s *Server) watchTokens(ctx context.Context) error {
	for _, a := range s.o.Config.Accounts {
		s.insist(ctx, "the API tokens of "+a.ID+" cannot be watched", func(ctx context.Context) error {
			return s.toTokens(ctx, a.ID, tokens.Look)
		})
	}
	tick := time.NewTicker(ownTokenEvery)
	defer tick.Stop()
	for {
		for _, a := range s.o.Config.Accounts {
			s.measureToken(ctx, a.ID)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Server) toTokens(ctx context.Context, account, command string) error {
	id, err := s.desk.NewWorkflowID("tokens", account, "tokens")
	if err != nil {
		return err
	}
	return s.lookOrOpen(ctx, workflows.Command{Workflow: id, Account: account}, command, tokens.Request)
}

// measureToken sets the metric of one account; where the end is unknown, or there is none, it has no value.
func (s *Server) measureToken(ctx context.Context, account string) {
	bounded, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	id, err := s.desk.NewWorkflowID("tokens", account, "tokens")
	if err != nil {
		return
	}
	state, err := s.desk.State(bounded, id)
	watch, is := state.(tokens.State)
	if err != nil || !is {
		return
	}
	own := watch.Own()
	if !own.Known || own.Ends.IsZero() {
		s.metrics.tokenEnds.DeleteLabelValues(account)
		return
	}
	s.metrics.tokenEnds.WithLabelValues(account).Set(own.Ends.Sub(s.o.Now()).Seconds())
}

// readTokens has the API tokens of an account read now. It does not block.
func (s *Server) readTokens(account string) {
	s.asides.run(func(ctx context.Context) {
		if err := s.toTokens(ctx, account, tokens.Read); err != nil && ctx.Err() == nil {
			s.o.Log.Warn().Err(err).Str(workflows.LogAccount, account).Msg("API tokens are not read now")
		}
	})
}
