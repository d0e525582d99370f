package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyholder/keyholder/bot/stepup"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/authenticator"
)

// resealCodes seals, once at the start, the secrets of authenticator apps with the first key, where
// a later one did: after that the later ones can go. What no key opens is left and logged: its key
// may come back.
func (s *Server) resealCodes(ctx context.Context) error {
	codes := Codes(s.o.Config, s.o.RealNow)
	if codes == nil {
		return nil
	}
	for {
		n, err := s.resealOnce(ctx, codes)
		if err == nil {
			if n > 0 {
				s.o.Log.Info().Int(workflows.LogRecords, n).Msg(
					"the secrets of authenticator apps are sealed anew with the first of the keys")
			}
			return nil
		}
		s.o.Log.Warn().Err(err).Msg("the secrets of authenticator apps cannot be looked at yet")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(startRetry):
		}
	}
}

func (s *Server) resealOnce(ctx context.Context, codes *stepup.Codes) (int, error) {
	ids, err := s.store.Open(ctx, workflows.AccountOfPeople)
	if err != nil {
		return 0, fmt.Errorf("list authenticator apps: %w", err)
	}
	n := 0
	for _, id := range ids {
		st, err := s.desk.State(ctx, id)
		if errors.Is(err, workflows.ErrAway) || ctx.Err() != nil {
			return n, fmt.Errorf("read %s: %w", id, err)
		}
		app, ok := st.(authenticator.State)
		if err != nil || !ok || app.Closed() {
			continue
		}
		sealed, err := codes.Reseal(app.Sealed, workflows.Person{ID: app.Person, Team: app.Team})
		switch {
		case err != nil:
			s.o.Log.Error().Err(err).Str(workflows.LogWorkflow,
				id).Msg("the secret of an authenticator app opens with none of the keys of KEYHOLDER_SEAL_KEY: add the one that is missing, as the second of the list")
			continue
		case sealed == app.Sealed:
			continue
		}
		call := authenticator.Resealed.To(workflows.AccountOfPeople, id, sealed)
		_, err = s.desk.Do(ctx, workflows.Command{ID: "reseal/" + id + "/" + s.o.Now().UTC().Format(time.RFC3339Nano),
			Name: call.Command, Workflow: id,
			Account: workflows.AccountOfPeople, Input: call.Input, Actor: workflows.Actor{Kind: workflows.ByKeyholder},
			At: s.o.Now(), Round: workflows.NoRound})
		if err != nil {
			return n, fmt.Errorf("seal the secret of %s: %w", id, err)
		}
		n++
	}
	return n, nil
}
