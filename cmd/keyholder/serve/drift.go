package serve

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/drift"
)

// maxWatchers is how many watchers of one environment may follow one another, when it is configured
// and removed again and again.
const maxWatchers = 1000

// watchDrift begins to look for drift in every environment with a token. Watchers of environments
// that are no longer configured end by themselves at their next reading.
func (s *Server) watchDrift(ctx context.Context) error {
	for _, a := range s.o.Config.Accounts {
		for env := range gatewayEnvironments(s.o.Config, a) {
			s.insist(ctx, "looking for drift in "+a.ID+" cannot begin", func(ctx context.Context) error {
				return s.toWatcher(ctx, a.ID, env, "start")
			})
		}
	}
	return nil
}

// lookForDrift has every environment of an account compared with the record now. It does not block.
func (s *Server) lookForDrift(account string) {
	s.readTokens(account)
	for _, a := range s.o.Config.Accounts {
		if a.ID != account {
			continue
		}
		for env := range gatewayEnvironments(s.o.Config, a) {
			s.asides.run(func(ctx context.Context) {
				if err := s.toWatcher(ctx, account, env, "who"); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
					s.o.Log.Warn().Err(err).Str(workflows.LogAccount, account).Msg("drift is not looked for now")
				}
			})
		}
	}
}

// toWatcher tells the watcher of an environment to look, or opens it. An ended one is followed by
// the next: its ID is derived from how many there were.
func (s *Server) toWatcher(ctx context.Context, account, environment, why string) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for n := range maxWatchers {
		id, err := s.desk.NewWorkflowID(drift.Watcher().Name(), account, "drift", environment, strconv.Itoa(n))
		if err != nil {
			return err
		}
		cmd := workflows.Command{ID: fmt.Sprintf("drift/%s/%s/%d", id, why, s.o.RealNow().UnixNano()), Workflow: id,
			Account: account, Name: drift.WatchLook,
			Actor: workflows.Actor{Kind: workflows.ByKeyholder}, At: s.o.Now(), Round: workflows.NoRound}
		was, err := s.desk.Look(ctx, id)
		switch {
		case err == nil && was.Closed:
			continue
		case errors.Is(err, workflows.ErrNoWorkflow):
			begin := drift.Begin.To(account, id, drift.Beginning{Environment: environment})
			cmd.ID, cmd.Name, cmd.Input, cmd.Submitted = "drift/"+id, begin.Command, begin.Input, true
		case err != nil:
			return err
		}
		_, err = s.desk.Do(ctx, cmd)
		var refused *workflows.Refusal
		if errors.As(err, &refused) {
			return nil
		}
		return err
	}
	return fmt.Errorf("look for drift in %s: too many watchers have ended", account)
}
