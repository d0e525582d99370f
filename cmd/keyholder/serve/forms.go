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
		"transfer": func(_ context.Context, policies []workflows.Policy, chosen map[string]string,
			now time.Time) workflows.Modal {
			return transfer.RequestModal(policies, chosen[transfer.BlockAccount], now)
		},
		"access": func(ctx context.Context, policies []workflows.Policy, chosen map[string]string,
			_ time.Time) workflows.Modal {
			return access.RequestModal(policies, chosen, s.integrations(ctx, policies, chosen))
		},
		"key": func(_ context.Context, policies []workflows.Policy, chosen map[string]string,
			_ time.Time) workflows.Modal {
			return key.RequestForm(policies, chosen[key.BlockAccount])
		},
		"offboard": func(context.Context, []workflows.Policy, map[string]string, time.Time) workflows.Modal {
			return offboard.RequestModal("")
		},
		"recovery": func(_ context.Context, policies []workflows.Policy, chosen map[string]string,
			_ time.Time) workflows.Modal {
			return recovery.RequestModal(policies, chosen[recovery.BlockAccount])
		},
	}
}

// integrations are those that the form of access offers, none when they cannot be had in time: their IDs are
// typed then.
func (s *Server) integrations(ctx context.Context, policies []workflows.Policy,
	chosen map[string]string) []workflows.Named {
	account, environment, asks := access.AsksIntegrations(policies, chosen)
	if !asks {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, formPatience)
	defer cancel()
	got, err := s.gateway.Integrations(ctx, account, environment)
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

// apiTokens reads the API tokens of an environment for the preview of a review. The gateway is made
// after the bot that asks.
func (s *Server) apiTokens(ctx context.Context, account, environment string) ([]workflows.APIToken, error) {
	return s.gateway.APITokens(ctx, account, environment)
}
