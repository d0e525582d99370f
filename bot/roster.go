package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/keyholder/keyholder/workflows"
)

// RosterAge is how long what Slack said about a person, group or address is used: half of [workflows.FactsMaxAge], so that it is not too old when the
// decision is made.
const RosterAge = 30 * time.Second

const (
	rosterTimeout = 5 * time.Second // one look-up, shared by all who wait for it
	rosterAtOnce  = 8
	maxRoster     = 20_000 // entries; the cache is emptied when full, for it costs look-ups only
)

// roster answers facts about people from Slack. It implements [workflows.Roster].
type roster struct {
	api       *slack.Client
	self      func(context.Context) (self, error)
	now, real func() time.Time
	log       zerolog.Logger
	flight    singleflight.Group

	mu       sync.Mutex
	drops    int // how often something was dropped; a look-up that began before keeps nothing
	cache    map[string]entry
	told     map[string]bool // scopes already complained about
	nameByID map[string]string
}

type entry struct {
	value    any
	at, real time.Time
}

func newRoster(api *slack.Client, who func(context.Context) (self, error), now, real func() time.Time, log zerolog.Logger) *roster {
	return &roster{api: api, self: who, now: now, real: real, log: log, cache: map[string]entry{}, told: map[string]bool{}, nameByID: map[string]string{}}
}

// cached answers from the cache or by one look-up that all who ask at the same time share. The look-up outlives an impatient caller.
func cached[T any](ctx context.Context, r *roster, key string, look func(context.Context) (T, error)) (T, error) {
	r.mu.Lock()
	e, ok := r.cache[key]
	drops := r.drops
	r.mu.Unlock()
	if ok && fresh(r.now().Sub(e.at)) && fresh(r.real().Sub(e.real)) {
		return e.value.(T), nil
	}
	var none T
	done := r.flight.DoChan(key, func() (any, error) {
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), rosterTimeout)
		defer cancel()
		e := entry{at: r.now(), real: r.real()}
		v, err := retryLimited(own, look)
		if err != nil {
			return none, err
		}
		e.value = v
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.cache) >= maxRoster {
			clear(r.cache)
		}
		if r.drops == drops {
			r.cache[key] = e
		}
		return v, nil
	})
	select {
	case res := <-done:
		if res.Err != nil {
			return none, res.Err
		}
		return res.Val.(T), nil
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", workflows.ErrAway, ctx.Err())
	}
}

func fresh(age time.Duration) bool { return age >= 0 && age < RosterAge }

// retryLimited waits out one 429 when its time fits into what is left; any other error is the answer.
func retryLimited[T any](ctx context.Context, look func(context.Context) (T, error)) (T, error) {
	v, err := look(ctx)
	kind, _, after := judge(err)
	if err == nil || kind != failLimited {
		return v, err
	}
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) < after+500*time.Millisecond || !pause(ctx, after) {
		return v, err
	}
	return look(ctx)
}

// People implements [workflows.Roster]. Somebody Slack does not know is an answer; not being able to ask is an error.
func (r *roster) People(ctx context.Context, ids []string) (map[string]workflows.Person, error) {
	out := make(map[string]workflows.Person, len(ids))
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(rosterAtOnce)
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		g.Go(func() error {
			p, err := cached(ctx, r, "user/"+id, func(ctx context.Context) (workflows.Person, error) { return r.lookUp(ctx, id) })
			if err != nil {
				return fmt.Errorf("look up %s: %w", id, err)
			}
			mu.Lock()
			defer mu.Unlock()
			out[id] = p
			return nil
		})
	}
	return out, g.Wait()
}

func (r *roster) lookUp(ctx context.Context, id string) (workflows.Person, error) {
	at := r.now()
	me, err := r.self(ctx)
	if err != nil {
		return workflows.Person{}, away(err)
	}
	if !personPattern.MatchString(id) {
		return workflows.Person{ID: id, Standing: workflows.StandingUnknown, At: at}, nil
	}
	u, err := r.api.GetUserInfoContext(ctx, id)
	switch slackCode(err) {
	case "user_not_found", "user_not_visible", "users_not_found":
		return workflows.Person{ID: id, Standing: workflows.StandingUnknown, At: at}, nil
	}
	if err != nil {
		return workflows.Person{}, away(err)
	}
	if u == nil || u.ID == "" {
		return workflows.Person{}, fmt.Errorf("%w: the answer names nobody", workflows.ErrAway)
	}
	p := personOf(*u, me, at)
	p.ID = id
	r.mu.Lock()
	if len(r.nameByID) >= maxRoster {
		clear(r.nameByID)
	}
	r.nameByID[id] = p.Name
	r.mu.Unlock()
	return p, nil
}

// away wraps an error of Slack so that others know that nothing was changed. Slack's own error stays inside.
func away(err error) error { return fmt.Errorf("%w: %w", workflows.ErrAway, err) }

// personOf describes a user. An e-mail gives rights only when its owner confirmed it.
func personOf(u slack.User, me self, at time.Time) workflows.Person {
	p := workflows.Person{ID: u.ID, Team: u.TeamID, Name: name(u), TimeZone: u.TZ, Standing: standing(u, me), At: at}
	email := strings.ToLower(strings.TrimSpace(u.Profile.Email))
	if u.IsEmailConfirmed {
		p.Email, p.EmailConfirmed = email, email != ""
	} else {
		p.Unconfirmed = email
	}
	p.Away, p.AwayUntil = absent(u.Profile, at)
	return p
}

func name(u slack.User) string {
	for _, n := range []string{u.Profile.DisplayName, u.Profile.RealName, u.RealName, u.Name} {
		if n = strings.TrimSpace(n); n != "" {
			return n
		}
	}
	return u.ID
}

// standing judges a user. Source: user object; Slack Connect. Slackbot is no bot by is_bot; a foreigner who shares a channel is no stranger by
// is_stranger, only the team differs, which inside one organisation means nothing.
func standing(u slack.User, me self) string {
	sister := me.enterprise != "" && u.Enterprise.EnterpriseID == me.enterprise
	switch {
	case u.ID == "USLACKBOT" || u.IsBot || u.IsAppUser || u.IsWorkflowBot || u.IsConnectorBot:
		return workflows.StandingBot
	case !sister && (u.TeamID != me.team || u.IsStranger):
		return workflows.StandingForeign
	case u.Deleted:
		return workflows.StandingDeactivated
	case u.IsRestricted || u.IsUltraRestricted:
		return workflows.StandingGuest
	case u.IsInvitedUser:
		return workflows.StandingInvited
	}
	return ""
}

// Group implements [workflows.Roster]. A group that Slack does not know has no members.
func (r *roster) Group(ctx context.Context, id string) ([]string, error) {
	return cached(ctx, r, "group/"+id, func(ctx context.Context) ([]string, error) {
		members, err := r.api.GetUserGroupMembersContext(ctx, id)
		if slackCode(err) == "no_such_subteam" {
			return nil, nil
		}
		if err != nil {
			r.complain(err, "usergroups:read", "user groups cannot be read")
			return nil, fmt.Errorf("read user group %s: %w", id, away(err))
		}
		return members, nil
	})
}

// ByEmail implements [workflows.Roster]. Without the scope nobody has an address.
func (r *roster) ByEmail(ctx context.Context, email string) (string, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	return cached(ctx, r, "email/"+email, func(ctx context.Context) (string, error) {
		u, err := r.api.GetUserByEmailContext(ctx, email)
		switch slackCode(err) {
		case "users_not_found", "user_not_found":
			return "", nil
		case "missing_scope":
			r.complain(err, "users:read.email", "people cannot be found by their e-mail")
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("find the person of an address: %w", away(err))
		}
		if u == nil || !u.IsEmailConfirmed || !strings.EqualFold(u.Profile.Email, email) {
			return "", nil
		}
		return u.ID, nil
	})
}

// complain logs a missing scope once.
func (r *roster) complain(err error, scope, lost string) {
	if slackCode(err) != "missing_scope" {
		return
	}
	if s, ok := errors.AsType[slack.SlackErrorResponse](err); ok && s.Needed != "" {
		scope = s.Needed
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.told[scope] {
		r.told[scope] = true
		r.log.Warn().Str(fieldScope, scope).Msg("a scope is missing: " + lost)
	}
}

// cachedName answers a person's name if it was looked up before, without asking Slack.
func (r *roster) cachedName(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.nameByID[id]; n != "" {
		return n
	}
	return ""
}
