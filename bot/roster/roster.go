package roster

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// MaxAge is how long what Slack said about a person, group or address is used: half of
// [workflows.FactsMaxAge], so that it is not too old when the decision is made.
const MaxAge = 30 * time.Second

const (
	rosterTimeout = 5 * time.Second // one look-up, shared by all who wait for it
	rosterAtOnce  = 8
	maxRoster     = 20_000 // entries; the cache is emptied when full, for it costs look-ups only
)

// Roster answers facts about people from Slack. It implements [workflows.Roster] and is safe for concurrent use.
type Roster struct {
	api       *slackapi.Client
	now, real func() time.Time
	flight    singleflight.Group

	mu       sync.Mutex
	drops    int // how often something was dropped; a look-up that began before keeps nothing
	cache    map[string]entry
	nameByID map[string]string
}

type entry struct {
	value    any
	at, real time.Time
}

// New makes a Roster that has asked nothing yet. now is the time of commands, real this machine's clock; nil: now.
func New(api *slackapi.Client, now, real func() time.Time) *Roster {
	if real == nil {
		real = now
	}
	return &Roster{api: api, now: now, real: real, cache: map[string]entry{}, nameByID: map[string]string{}}
}

// cached answers from the cache or by one look-up that all who ask at the same time share. The
// look-up outlives an impatient caller.
func cached[T any](ctx context.Context, r *Roster, key string, look func(context.Context) (T, error)) (T, error) {
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
		v, err := slackapi.RetryLimited(own, look)
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

func fresh(age time.Duration) bool { return age >= 0 && age < MaxAge }

// People implements [workflows.Roster]. Somebody Slack does not know is an answer; not being able to ask is an error.
func (r *Roster) People(ctx context.Context, ids []string) (map[string]workflows.Person, error) {
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
			p, err := cached(ctx, r, "user/"+id, func(ctx context.Context) (workflows.Person, error) {
				return r.lookUp(ctx, id)
			})
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

func (r *Roster) lookUp(ctx context.Context, id string) (workflows.Person, error) {
	at := r.now()
	me, err := r.api.Identity(ctx)
	if err != nil {
		return workflows.Person{}, away(err)
	}
	if !IsPerson(id) {
		return workflows.Person{ID: id, Standing: workflows.StandingUnknown, At: at}, nil
	}
	u, err := r.api.GetUserInfoContext(ctx, id)
	switch slackapi.Code(err) {
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
func personOf(u slack.User, me slackapi.Self, at time.Time) workflows.Person {
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

// standing judges a user. Source: user object; Slack Connect. Slackbot is no bot by is_bot; a
// foreigner who shares a channel is no stranger by is_stranger, only the team differs, which inside
// one organisation means nothing.
func standing(u slack.User, me slackapi.Self) string {
	sister := me.Enterprise != "" && u.Enterprise.EnterpriseID == me.Enterprise
	switch {
	case u.ID == "USLACKBOT" || u.IsBot || u.IsAppUser || u.IsWorkflowBot || u.IsConnectorBot:
		return workflows.StandingBot
	case !sister && (u.TeamID != me.Team || u.IsStranger):
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
func (r *Roster) Group(ctx context.Context, id string) ([]string, error) {
	return cached(ctx, r, "group/"+id, func(ctx context.Context) ([]string, error) {
		members, err := r.api.GetUserGroupMembersContext(ctx, id)
		if slackapi.Code(err) == "no_such_subteam" {
			return nil, nil
		}
		if err != nil {
			r.api.Complain(err, "usergroups:read", "user groups cannot be read")
			return nil, fmt.Errorf("read user group %s: %w", id, away(err))
		}
		return members, nil
	})
}

// ByEmail implements [workflows.Roster]. Without the scope nobody has an address.
func (r *Roster) ByEmail(ctx context.Context, email string) (string, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	return cached(ctx, r, "email/"+email, func(ctx context.Context) (string, error) {
		u, err := r.api.GetUserByEmailContext(ctx, email)
		switch slackapi.Code(err) {
		case "users_not_found", "user_not_found":
			return "", nil
		case "missing_scope":
			r.api.Complain(err, "users:read.email", "people cannot be found by their e-mail")
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

// Name answers a person's name if it was looked up before, without asking Slack.
func (r *Roster) Name(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.nameByID[id]; n != "" {
		return n
	}
	return ""
}

// personPattern is what IDs of people look like. Source: Slack's ID prefixes, U and W.
var personPattern = regexp.MustCompile(`^[UW][A-Za-z0-9_]{1,63}$`)

// IsPerson reports whether an ID is one of a person.
func IsPerson(id string) bool { return personPattern.MatchString(id) }
