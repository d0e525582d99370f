package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/key"
)

// watchKeys lets the watch of every account's key look at the policy that this process runs with and
// at who is still there, or opens it at first sight. From then on the clock's timers drive it.
func (s *Server) watchKeys(ctx context.Context) error {
	for _, a := range s.o.Config.Accounts {
		s.insist(ctx, "the key of "+a.ID+" cannot be looked after", func(ctx context.Context) error {
			return s.lookAtKey(ctx, a.ID)
		})
		s.measureDrill(ctx, a.ID)
	}
	return nil
}

func (s *Server) lookAtKey(ctx context.Context, account string) error {
	id, err := s.desk.NewWorkflowID("keywatch", account, "keywatch")
	if err != nil {
		return err
	}
	return s.lookOrOpen(ctx, workflows.Command{Workflow: id, Account: account}, key.LookAgain, key.WatchRequest)
}

// personChanged has the watches of those accounts look whose key may rest on a person whose Slack
// account has changed. It does not block.
func (s *Server) personChanged(person string) {
	s.pages.forget()
	for _, id := range Policies(s.o.Config).Accounts() {
		p, _ := Policies(s.o.Config).Policy(id)
		named := p.HolderIDs()
		for _, a := range p.Aliases {
			named = workflows.Union(named, a.Keepers())
		}
		if !slices.Contains(named, person) && !slices.ContainsFunc(named, workflows.IsGroup) {
			continue
		}
		s.asides.run(func(ctx context.Context) {
			if err := s.lookAtKey(ctx, id); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
				s.o.Log.Warn().Err(fmt.Errorf("look after the key: %w", err)).Str(workflows.LogAccount, id).
					Msg("a change of a Slack account is seen within a day")
			}
		})
	}
}
