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

// How long a list of integrations is shown again without asking, and how long one reading of it may take. A modal has to open within 3 s of a
// click, and many may be opened at once.
const (
	listAge     = time.Minute
	listTimeout = 20 * time.Second
)

// lists remembers the integrations per configured environment, so it is as small as the configuration.
type lists struct {
	flight singleflight.Group
	mu     sync.Mutex
	by     map[string]knownList
}

type knownList struct {
	at  time.Time
	all []workflows.Named
}

func (l *lists) fresh(key string, now time.Time) ([]workflows.Named, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k, ok := l.by[key]
	age := now.Sub(k.at)
	return k.all, ok && age >= 0 && age < listAge
}

func (l *lists) keep(key string, k knownList) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[string]knownList{}
	}
	l.by[key] = k
}

// Users reads every user of an environment now ("" is production), the owner not among them, sorted by address. It asks integrator.io each
// time, a request for each thousand users, and ends with ctx. Errors: a [*workflows.Refusal] with a code of [workflows.CallRefusals] and a sentence where
// trying again would not help (no_token, unauthorized, forbidden, other); else one that wraps an *APIError (429, 5xx),
// [workflows.ErrAway] or the context's.
func (g *Gateway) Users(ctx context.Context, account, environment string) (workflows.Census, error) {
	s, err := g.direct(account, environment)
	if err != nil {
		return workflows.Census{}, err
	}
	c, err := s.everyone(ctx)
	if err != nil {
		return workflows.Census{}, s.told(ctx, "users", environment, err)
	}
	return *c, nil
}

// Integrations reads the integrations of an environment ("" is production) that a custom role can name, sorted by name. An answer counts
// for 60 s, and callers at the same time share one reading, which goes on for at most 20 s after they left, for those who ask
// next. No integrations are no error. Errors are those of [Gateway.Users].
func (g *Gateway) Integrations(ctx context.Context, account, environment string) ([]workflows.Named, error) {
	s, err := g.direct(account, environment)
	if err != nil {
		return nil, err
	}
	key := account + "/" + environment
	if all, ok := g.lists.fresh(key, g.now()); ok {
		return slices.Clone(all), nil
	}
	shared := g.lists.flight.DoChan(key, func() (any, error) {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTimeout)
		defer cancel()
		at := g.now()
		all, _, err := s.grantable(bounded)
		if err == nil {
			g.lists.keep(key, knownList{at, all})
		}
		return all, err
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("read integrations: %w", ctx.Err())
	case r := <-shared:
		if r.Err != nil {
			return nil, s.told(ctx, "integrations", environment, r.Err)
		}
		all, _ := r.Val.([]workflows.Named)
		return slices.Clone(all), nil
	}
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
		return nil, workflows.Refuse(workflows.RefusedOther, "The address configured for "+where+" is none. `keyholder check` says what to do.")
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
	return workflows.Refuse(code, "integrator.io did not show the "+what+" of "+where+": "+workflows.Esc(words)+" Look in integrator.io itself.")
}
