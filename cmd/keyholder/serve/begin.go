package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Pace of what is recorded at the start.
const (
	startPatience = 5 * time.Second // for one command
	startRetry    = 2 * time.Second // between attempts while something is away
)

// insist tries until f succeeds, ctx ends, or waiting would not help. what is for the log.
func (s *Server) insist(ctx context.Context, what string, f func(context.Context) error) {
	for ctx.Err() == nil {
		bounded, cancel := context.WithTimeout(ctx, startPatience)
		err := f(bounded)
		cancel()
		switch {
		case err == nil:
			return
		case !worthWaiting(err):
			s.o.Log.Error().Err(err).Msg(what)
			return
		}
		s.o.Log.Warn().Err(err).Msg(what + " yet")
		select {
		case <-ctx.Done():
		case <-time.After(startRetry):
		}
	}
}

// worthWaiting reports whether the same may succeed later.
func worthWaiting(err error) bool {
	for _, e := range []error{workflows.ErrAway, workflows.ErrUnclear, workflows.ErrConflict, workflows.ErrStaleFacts,
		context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// lookOrOpen gives a workflow of Keyholder's own the command look. One that does not exist is
// opened first: by whoever is first, as the ID of that command is the workflow's.
func (s *Server) lookOrOpen(ctx context.Context, cmd workflows.Command, look, open string) error {
	cmd.Actor, cmd.At, cmd.Round, cmd.Submitted = workflows.Actor{Kind: workflows.ByKeyholder}, s.o.Now(),
		workflows.NoRound, true
	first := cmd
	first.ID, first.Name = "open/"+cmd.Workflow, open
	cmd.ID, cmd.Name = fmt.Sprintf("look/%s/%d", cmd.Workflow, s.o.RealNow().UnixNano()), look
	_, err := s.desk.Do(ctx, cmd)
	if !errors.Is(err, workflows.ErrNoWorkflow) {
		return err
	}
	if _, err := s.desk.Do(ctx, first); err != nil {
		return err
	}
	_, err = s.desk.Do(ctx, cmd)
	return err
}
