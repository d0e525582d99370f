package serve

import (
	"context"
	"time"

	"github.com/keyholder/keyholder/bot"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/access"
	"github.com/keyholder/keyholder/workflows/key"
	"github.com/keyholder/keyholder/workflows/offboard"
	"github.com/keyholder/keyholder/workflows/recovery"
	"github.com/keyholder/keyholder/workflows/transfer"
)

// formPatience is how long a form waits for integrator.io before it does without: the trigger that opens it lives 3 s.
const formPatience = time.Second

// forms are the request forms by machine.
func (s *Server) forms() map[string]bot.Form {
	return map[string]bot.Form{
		"transfer": func(_ context.Context, policies []workflows.Policy, account string,
			now time.Time) workflows.Modal {
			return transfer.RequestModal(policies, account, now)
		},
		"access": func(ctx context.Context, policies []workflows.Policy, account string, _ time.Time) workflows.Modal {
			return access.RequestModal(policies, account, s.integrations(ctx, policies, account))
		},
		"key": func(_ context.Context, policies []workflows.Policy, account string, _ time.Time) workflows.Modal {
			return key.RequestForm(policies, account)
		},
		"offboard": func(context.Context, []workflows.Policy, string, time.Time) workflows.Modal {
			return offboard.RequestModal("")
		},
		"recovery": func(_ context.Context, policies []workflows.Policy, account string, _ time.Time) workflows.Modal {
			return recovery.RequestModal(policies, account)
		},
	}
}

// integrations are those of the named or only account, none when they cannot be had in time: their IDs are typed then.
func (s *Server) integrations(ctx context.Context, policies []workflows.Policy, account string) []workflows.Named {
	if account == "" && len(policies) == 1 {
		account = policies[0].ID
	}
	if account == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, formPatience)
	defer cancel()
	got, err := s.gateway.Integrations(ctx, account, "")
	if err != nil {
		s.o.Log.Info().Err(err).Str(workflows.LogAccount, account).Msg("the form does without the list of integrations")
		return nil
	}
	return got
}

// census reads the users of an environment for "who".
func (s *Server) census(ctx context.Context, account, environment string) (workflows.Census, error) {
	return s.gateway.Users(ctx, account, environment)
}
