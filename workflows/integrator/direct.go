package integrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/keyholder/keyholder/workflows"
)

// How long a direct reading is shown again without asking, and how long one may take. A command or
// modal has to answer within 3 s of a click, and many may ask at once.
const (
	integrationsAge = time.Minute
	usersAge        = 15 * time.Second
	listTimeout     = 20 * time.Second
)

// remembered holds the last reading per configured environment, so it is as small as the configuration allows.
type remembered[T any] struct {
	flight singleflight.Group
	mu     sync.Mutex
	by     map[string]reading[T]
}

type reading[T any] struct {
	at   time.Time
	what T
}

// get answers a reading not older than age, or a new one that callers at the same time share. The
// new one goes on for at most listTimeout after they left, for those who ask next.
func (r *remembered[T]) get(ctx context.Context, key string, age time.Duration, now func() time.Time,
	read func(context.Context) (T, error)) (T, error) {
	r.mu.Lock()
	known, ok := r.by[key]
	r.mu.Unlock()
	if old := now().Sub(known.at); ok && old >= 0 && old < age {
		return known.what, nil
	}
	shared := r.flight.DoChan(key, func() (any, error) {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTimeout)
		defer cancel()
		at := now()
		what, err := read(bounded)
		if err == nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.by == nil {
				r.by = map[string]reading[T]{}
			}
			r.by[key] = reading[T]{at, what}
		}
		return what, err
	})
	select {
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	case res := <-shared:
		what, _ := res.Val.(T)
		return what, res.Err
	}
}

// Tokens reads the API tokens of an environment ("" is production). Errors are those of
// [Gateway.Users]; a token that may not list them is refused.
func (g *Gateway) Tokens(ctx context.Context, account, environment string) ([]workflows.Token, error) {
	s, err := g.direct(account, environment)
	if err != nil {
		return nil, err
	}
	r, err := s.tokens(ctx)
	if err != nil {
		return nil, s.told(ctx, "tokens", environment, err)
	}
	return r.Tokens.Tokens, nil
}

// APITokens reads the API tokens of an environment as a review asks about them, but for who made
// those of the account. Errors are those of [Gateway.Tokens].
func (g *Gateway) APITokens(ctx context.Context, account, environment string) ([]workflows.APIToken, error) {
	s, err := g.direct(account, environment)
	if err != nil {
		return nil, err
	}
	all, err := s.apiTokens(ctx)
	if err != nil {
		return nil, s.told(ctx, "tokens", environment, err)
	}
	return all, nil
}

// Users reads every user of an environment ("" is production), the owner not among them, sorted by
// address: a request for each thousand users. An answer counts for 15 s (Census.At says from when
// it is), and callers at the same time share one reading, which goes on for at most 20 s after they
// left. Errors: a [*workflows.Refusal] with a code of [workflows.CallRefusals] and a sentence where
// trying again would not help (no_token, unauthorized, forbidden, other); else one that wraps an
// *APIError (429, 5xx), [workflows.ErrAway] or the context's.
func (g *Gateway) Users(ctx context.Context, account, environment string) (workflows.Census, error) {
	return g.UsersSince(ctx, account, environment, g.now().Add(-usersAge))
}

// UsersSince is as [Gateway.Users], with an answer that is no older than a moment, for those who
// know that something changed then.
func (g *Gateway) UsersSince(ctx context.Context, account, environment string,
	since time.Time) (workflows.Census, error) {
	s, err := g.direct(account, environment)
	if err != nil {
		return workflows.Census{}, err
	}
	var c *workflows.Census
	for range 2 { // the first may be one that others had begun before
		c, err = g.users.get(ctx, account+"/"+environment, g.now().Sub(since), g.now, s.everyone)
		if err != nil {
			return workflows.Census{}, s.told(ctx, "users", environment, err)
		}
		if !c.At.Before(since) {
			break
		}
	}
	return workflows.Census{At: c.At, Users: slices.Clone(c.Users)}, nil
}

// Integrations reads the integrations of an environment ("" is production) that a custom role can
// name, sorted by name. An answer counts for 60 s; for the rest it is as [Gateway.Users]. No
// integrations are no error.
func (g *Gateway) Integrations(ctx context.Context, account, environment string) ([]workflows.Named, error) {
	s, err := g.direct(account, environment)
	if err != nil {
		return nil, err
	}
	all, err := g.integrations.get(ctx, account+"/"+environment, integrationsAge, g.now,
		func(ctx context.Context) ([]workflows.Named, error) {
			all, _, err := s.grantable(ctx)
			return all, err
		})
	if err != nil {
		return nil, s.told(ctx, "integrations", environment, err)
	}
	return slices.Clone(all), nil
}

// direct is a session of nobody's claim.
func (g *Gateway) direct(account, environment string) (*session, error) {
	s, ok := g.session(account, environment, workflows.Claim{}, nil)
	where := workflows.Esc(place(workflows.Call{Account: account, Environment: environment}))
	if !ok {
		return nil, workflows.Refuse(workflows.RefusedNoToken, "Keyholder has no token for "+where+
			", so it cannot look. Look in integrator.io itself, or have a token configured.")
	}
	if s.acct.bad != nil {
		return nil, workflows.Refuse(workflows.RefusedOther, "The address configured for "+where+
			" is none. `keyholder check` says what to do.")
	}
	return s, nil
}

// told turns a refusal into a sentence, and lets every other error be tried again.
func (s *session) told(ctx context.Context, what, environment string, err error) error {
	if !refusedForGood(err) {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("read %s: %w", what, err)
	}
	code, words := workflows.RefusedOther, ""
	var no *refusedError
	var api *APIError
	switch {
	case errors.As(err, &no):
		code, words = no.code, no.message
	case errors.As(err, &api):
		code, words = refusalCode("", api), api.words()
	}
	where := workflows.Esc(place(workflows.Call{Account: s.acct.ID, Environment: environment}))
	switch code {
	case workflows.RefusedUnauthorized:
		return workflows.Refuse(code, "integrator.io does not accept Keyholder's token for "+where+
			" any more, so it cannot look. Have an administrator of the account make a new one, or look in integrator.io itself.")
	case workflows.RefusedForbidden:
		return workflows.Refuse(code, "Keyholder's token for "+where+" is not shown the "+what+
			": its maker may have lost the administrator role. Have an administrator of the account make a new one, or look in integrator.io itself.")
	}
	return workflows.Refuse(code, "integrator.io did not show the "+what+" of "+where+": "+workflows.Esc(words)+
		" Look in integrator.io itself.")
}
