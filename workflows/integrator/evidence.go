package integrator

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// maxPasses is how often one delivery reads the users before it gives up waiting for two readings that agree.
const maxPasses = 3

// restless is what a census says of users whose list never stood still.
const restless = "the list of users kept changing while it was read, so somebody may be missing or listed twice; this is the last reading"

// evidence is everyone with the answers as they came, the integrations, the API tokens, who invited
// whom and who made which token. The latter four never fail it.
func (s *session) evidence(ctx context.Context) (*workflows.Census, error) {
	c := &workflows.Census{Unread: map[string]string{}}
	last, stable, err := s.agreedUsers(ctx)
	if err != nil {
		return nil, err
	}
	if !stable && s.strike() {
		return nil, &againError{time.Second, "the list of users changes while it is read"}
	}
	if !stable {
		c.Unread[workflows.PartUsers] = restless
	}
	if len(last.all) == 0 {
		if err := s.nobody(ctx); err != nil {
			return nil, err
		}
	}
	c.At, c.Pages, c.Users = last.at, last.pages, distinct(last.all)
	for _, part := range []struct {
		name string
		read func() error
	}{
		{workflows.PartIntegrations, func() (err error) { c.Integrations, err = s.named(ctx); return err }},
		{workflows.PartTokens, func() (err error) { c.Tokens, err = s.apiTokens(ctx); return err }},
		{workflows.PartAudit, func() (err error) { c.Invited, err = s.inviters(ctx, last.all); return err }},
		{workflows.PartAudit, func() error { return s.makers(ctx, c.Tokens) }},
	} {
		if err := part.read(); err != nil && !s.unreadable(c.Unread, part.name, err, false) {
			return nil, err
		}
	}
	if len(c.Unread) == 0 {
		c.Unread = nil
	}
	return c, nil
}

// pass is one reading of all users with the answers it came from.
type pass struct {
	at    time.Time // when it began
	all   []ashare
	pages []workflows.RawPage
}

// agreedUsers reads the users until the list can be trusted to be of one moment. One page is; more
// pages are when two readings, one after the other, show the same people with the same access, or
// else stable is false. Only the last reading's answers are kept.
func (s *session) agreedUsers(ctx context.Context) (last pass, stable bool, err error) {
	var before []string
	for range maxPasses {
		last, err = s.usersAsTheyCame(ctx)
		if err != nil {
			return pass{}, false, err
		}
		is := last.prints()
		if (len(last.pages) == 1 && !last.repeats()) || (before != nil && slices.Equal(before, is)) {
			return last, true, nil
		}
		before = is
	}
	return last, false, nil
}

// prints are the records' IDs, addresses and accesses, sorted: what two readings must agree in.
// Sign-ins are not among them.
func (p pass) prints() []string {
	out := make([]string, len(p.all))
	for i, a := range p.all {
		out[i] = a.ID + " " + strings.ToLower(a.SharedWithUser.Email) + " " + a.user().Mark()
	}
	slices.Sort(out)
	return out
}

// repeats reports whether a record stands in the list twice.
func (p pass) repeats() bool {
	seen := make(map[string]bool, len(p.all))
	for _, a := range p.all {
		if a.ID != "" && seen[a.ID] {
			return true
		}
		seen[a.ID] = true
	}
	return false
}

// usersAsTheyCame reads the users once. The bodies are the very bytes that the users are decoded
// from, and are kept once.
func (s *session) usersAsTheyCame(ctx context.Context) (pass, error) {
	out := pass{at: s.g.now().UTC()}
	w := walk{method: http.MethodGet, path: "/v1/ashares", limit: manyRows, most: maxPages}
	whole, err := s.walk(ctx, w, func(a answer, rows []json.RawMessage, _ bool) error {
		for _, r := range rows {
			var one ashare
			if json.Unmarshal(r, &one) != nil {
				return &unreadableError{w.method, w.path, "a record has fields of another kind"}
			}
			out.all = append(out.all, one)
		}
		sum := sha256.Sum256(a.body)
		out.pages = append(out.pages, workflows.RawPage{Request: w.method + " " + a.url.RequestURI(), Status: a.status,
			Count: len(rows),
			// as read it may hold a third more memory than it needs
			SHA256: hex.EncodeToString(sum[:]), Body: bytes.Clone(a.body)})
		return nil
	})
	if err == nil && !whole {
		err = &unreadableError{w.method, w.path, "it never ends"}
	}
	return out, err
}

// named reads all integrations, children too, sorted by name: a grant of former days may name any of them.
func (s *session) named(ctx context.Context) ([]workflows.Named, error) {
	all, err := s.integrations(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]workflows.Named, 0, len(all))
	for _, in := range all {
		if in.ID != "" {
			out = append(out, workflows.Named{ID: in.ID, Name: nameOr(in.Name, in.ID)})
		}
	}
	sortNamed(out)
	return slices.Compact(out), nil
}

func sortNamed(all []workflows.Named) {
	slices.SortFunc(all, func(a, b workflows.Named) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
}

// apiTokens reads the environment's API tokens, sorted by name.
func (s *session) apiTokens(ctx context.Context) ([]workflows.APIToken, error) {
	all, err := s.listTokens(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]workflows.APIToken, 0, len(all))
	for _, a := range all {
		t := a.token()
		out = append(out, workflows.APIToken{ID: t.ID, Name: nameOr(t.Name, t.ID), Full: t.Full, Revoked: t.Revoked,
			Created: t.Made, Modified: a.Modified.Time, Kind: t.Kind, Scope: t.Scope, Share: t.Share, Ends: t.Ends})
	}
	slices.SortStableFunc(out, func(a, b workflows.APIToken) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return out, nil
}
