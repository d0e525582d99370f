package integrator

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// accessParts in the order they are read.
var accessParts = []string{workflows.PartUsers, workflows.PartIntegrations, workflows.PartSSO}

// blindAccess is the reading of an environment without a token.
func blindAccess(now time.Time) *workflows.AccessReading {
	r := &workflows.AccessReading{At: now.UTC(), Capabilities: noCapabilities(), Unread: map[string]string{}}
	for _, p := range accessParts {
		r.Unread[p] = "no token"
	}
	return r
}

// readAccess reads what a request for access needs to know. Without the users there is no reading
// while they fail for the moment; the other parts it can do without.
func (s *session) readAccess(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	r := &workflows.AccessReading{At: s.g.now().UTC(), Unread: map[string]string{}}
	list, err := s.users(ctx)
	if err != nil && !s.unreadable(r.Unread, workflows.PartUsers, err, true) {
		return nil, err
	}
	users := canRead(list.shown, err)
	if users == workflows.Unknown {
		r.Unread[workflows.PartUsers] = emptyList
	}
	if a, found := list.whom(call); found {
		r.User = a.user()
	}
	// integrator.io answered, and not with 401: it knows the token.
	r.Capabilities = capabilities(workflows.Yes, users, workflows.Unknown)
	r.Capabilities.ReadTransfers = workflows.Unknown // not asked for
	for _, part := range []struct {
		name string
		read func() error
	}{
		{workflows.PartIntegrations, func() (err error) {
			var shown bool
			r.Integrations, shown, err = s.grantable(ctx)
			if err == nil && !shown && !list.shown {
				r.Unread[workflows.PartIntegrations] = emptyList
			}
			return err
		}},
		{workflows.PartSSO, func() (err error) { r.SSOEnabled, err = s.ssoEnabled(ctx); return err }},
	} {
		err := part.read()
		if status(err) == http.StatusUnauthorized || err != nil && !s.unreadable(r.Unread, part.name, err, false) {
			return nil, err
		}
	}
	return &workflows.Receipt{Access: r}, nil
}

// census answers every user. A change is told by a watch only after a second delivery: a list that
// changes while it is paged may leave a row out.
func (s *session) census(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	read := s.everyone
	if call.Raw {
		read = s.evidence
	}
	c, err := read(ctx)
	if err != nil {
		return nil, err
	}
	if call.Known != "" {
		if c.Mark() == call.Known {
			return nil, nil
		}
		if err := s.unsure("the users differ from the last census"); err != nil {
			return nil, err
		}
	}
	return &workflows.Receipt{Census: c}, nil
}

// everyone reads all users, sorted by address.
func (s *session) everyone(ctx context.Context) (*workflows.Census, error) {
	c := &workflows.Census{At: s.g.now().UTC()}
	list, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	if len(list.all) == 0 {
		if err := s.nobody(ctx); err != nil {
			return nil, err
		}
	}
	c.Users = distinct(list.all)
	return c, nil
}

// nobody answers nil when an account may be taken to have no users. An empty list, be it 204 or [],
// proves nothing, unless the same token is shown transfers, which only owners and administrators
// are.
func (s *session) nobody(ctx context.Context) error {
	all, _, err := s.transfers(ctx)
	if err != nil && !refusedForGood(err) {
		return err
	}
	if len(all) == 0 {
		return refuse(workflows.RefusedForbidden, emptyList+".")
	}
	return nil
}

// distinct is each record once, by address: a list that grows while it is paged repeats a row.
func distinct(all []ashare) []workflows.User {
	seen := make(map[string]bool, len(all))
	out := make([]workflows.User, 0, len(all))
	for _, a := range all {
		if !seen[a.ID] {
			out = append(out, *a.user())
		}
		seen[a.ID] = a.ID != ""
	}
	slices.SortStableFunc(out, func(a, b workflows.User) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Email), strings.ToLower(b.Email)), strings.Compare(a.ID, b.ID))
	})
	return out
}
