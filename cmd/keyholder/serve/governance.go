package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/workflows"
)

// Pace of what is recorded at the start.
const (
	startPatience = 5 * time.Second // for one command
	startRetry    = 2 * time.Second // between attempts while something is away
)

// recordRules compares the rules of every account with those on record, and has a change recorded and told. It returns when that is done; what cannot
// be done for one account is logged and does not keep the others waiting, except while Redis is away.
func (s *Server) recordRules(ctx context.Context) {
	rules := config.Governance(s.o.Config)
	for _, a := range s.o.Config.Accounts {
		s.insist(ctx, "the rules of "+a.ID+" cannot be compared with the record", func(ctx context.Context) error { return s.toGovernance(ctx, a.ID, rules[a.ID]) })
	}
}

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
	for _, e := range []error{workflows.ErrAway, workflows.ErrUnclear, workflows.ErrConflict, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// toGovernance opens the account's workflow at first sight, and has it look. Two replicas that start together open one, and what one of them has
// recorded is no change for the other.
func (s *Server) toGovernance(ctx context.Context, account string, rules json.RawMessage) error {
	id, err := s.desk.NewWorkflowID(workflows.Governance{}.Name(), account, "governance")
	if err != nil {
		return err
	}
	input := map[string]string{workflows.BlockRules: string(rules), workflows.BlockFile: s.o.Config.Hash()}
	return s.lookOrOpen(ctx, workflows.Command{Workflow: id, Account: account, Input: input}, workflows.LookGovernance, workflows.OpenGovernance)
}

// lookOrOpen gives a workflow of Keyholder's own the command look. One that does not exist is opened first: by whoever is first, as the ID of that
// command is the workflow's.
func (s *Server) lookOrOpen(ctx context.Context, cmd workflows.Command, look, open string) error {
	cmd.Actor, cmd.At, cmd.Round, cmd.Submitted = workflows.Actor{Kind: workflows.ByKeyholder}, s.o.Now(), workflows.NoRound, true
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
