package integrator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// parts in the order they are read.
var parts = []string{workflows.PartUsers, workflows.PartTransfers, workflows.PartErrors, workflows.PartJobs,
	workflows.PartStacks,
	workflows.PartShared, workflows.PartSSO}

// blind is the reading of an account without a token.
func blind(now time.Time) *workflows.Reading {
	r := &workflows.Reading{At: now.UTC(), Capabilities: noCapabilities(), Unread: map[string]string{}}
	for _, p := range parts {
		r.Unread[p] = "no token"
	}
	return r
}

// inspect reads everything the checks of a transfer need.
func (s *session) inspect(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	r := &workflows.Reading{At: s.g.now().UTC(), Unread: map[string]string{}}
	id, err := s.identity(ctx)
	if err != nil && (!refusedForGood(err) || status(err) == http.StatusUnauthorized) {
		return nil, err
	}
	r.UserID = id.UserID
	token := tokenKnown(err)
	owner := call.Owner
	if owner == "" {
		owner = s.recordedOwner(ctx)
	}
	users, transfers, err := s.inspectPeople(ctx, r, owner, call)
	if err != nil {
		return nil, err
	}
	r.Capabilities = capabilities(token, users, transfers)
	if users == workflows.Yes && transfers == workflows.Unknown {
		delete(r.Unread, workflows.PartTransfers)
	}
	if err := s.inspectThings(ctx, r, owner, call.Email); err != nil {
		return nil, err
	}
	return &workflows.Receipt{Reading: r}, nil
}

// inspectPeople reads users and transfers, without which there is no reading: their failing for the
// moment fails it all.
func (s *session) inspectPeople(ctx context.Context, r *workflows.Reading, owner string, target workflows.Call) (users,
	transfers workflows.Can, err error) {
	list, err := s.users(ctx)
	if err != nil && !s.unreadable(r.Unread, workflows.PartUsers, err, true) {
		return "", "", err
	}
	users = canRead(list.shown, err)
	if users == workflows.Unknown {
		r.Unread[workflows.PartUsers] = emptyList
	}
	r.UserCount = len(list.all)
	if a, ok := list.whom(target); ok {
		r.Target = a.user()
	}
	if a, ok := list.find(owner); ok {
		r.Owner = a.user()
	}
	for _, a := range list.all {
		if u := a.user(); u.Role == "administrator" && u.Status == workflows.UserAccepted && !u.Disabled {
			r.Admins = append(r.Admins, *u)
		}
	}
	all, shown, err := s.transfers(ctx)
	if err != nil && !s.unreadable(r.Unread, workflows.PartTransfers, err, true) {
		return "", "", err
	}
	transfers = canRead(shown, err)
	if transfers == workflows.Unknown {
		r.Unread[workflows.PartTransfers] = emptyList
	}
	for _, t := range all {
		r.Transfers = append(r.Transfers, *t.record(""))
	}
	return users, transfers, nil
}

// inspectThings reads the parts a transfer could do without.
func (s *session) inspectThings(ctx context.Context, r *workflows.Reading, owner, target string) error {
	all, listErr := s.integrations(ctx)
	steps := []struct {
		part string
		read func() error
	}{
		{workflows.PartErrors, func() error { return s.inspectErrors(ctx, r, all, listErr) }},
		{workflows.PartShared, func() (err error) {
			if listErr != nil {
				return listErr
			}
			r.Shared, err = s.shared(ctx, all)
			return err
		}},
		{workflows.PartJobs, func() (err error) { r.Jobs, err = s.runningJobs(ctx); return err }},
		{workflows.PartStacks, func() (err error) { r.StackGaps, err = s.stackGaps(ctx, owner, target); return err }},
		{workflows.PartSSO, func() (err error) { r.SSOEnabled, err = s.ssoEnabled(ctx); return err }},
	}
	for _, step := range steps {
		if err := step.read(); err != nil && !s.unreadable(r.Unread, step.part, err, false) {
			return err
		}
	}
	return nil
}

func (s *session) inspectErrors(ctx context.Context, r *workflows.Reading, all []integration, listErr error) error {
	if listErr != nil {
		return listErr
	}
	counts, skipped, err := s.openErrors(ctx, all)
	r.Errors = counts
	if err == nil && skipped > 0 {
		r.Unread[workflows.PartErrors] = fmt.Sprintf("the token may not read them in %d of %s", skipped,
			workflows.Plural(len(all), "integration"))
	}
	return err
}

// unreadable notes a part that cannot be read and reports whether the reading can go on without it.
// A refusal is noted. A fault of the moment makes the whole reading be tried again, but a lesser
// part that keeps failing is given up after some tries.
func (s *session) unreadable(unread map[string]string, part string, err error, needed bool) bool {
	if !refusedForGood(err) {
		if needed || status(err) == http.StatusTooManyRequests || !isFault(err) || s.strike() {
			return false
		}
		unread[part] = "integrator.io kept failing to answer"
		return true
	}
	if needed && status(err) == http.StatusUnauthorized {
		return false
	}
	var ours *refusedError
	switch code := status(err); {
	case errors.As(err, &ours): // a list that cannot be empty, and is
		unread[part] = strings.TrimSuffix(ours.message, ".")
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		unread[part] = "the token may not read this (" + strconv.Itoa(code) + ")"
	case code == http.StatusNotFound, code == http.StatusMethodNotAllowed:
		unread[part] = "integrator.io does not offer this (" + strconv.Itoa(code) + ")"
	default:
		unread[part] = "integrator.io refused to answer (" + strconv.Itoa(code) + ")"
	}
	return true
}

// runningJobs counts the jobs that are under way or waiting. POST /v1/jobs/current reads, too;
// where it is not offered or not understood the list of jobs is asked by status.
func (s *session) runningJobs(ctx context.Context) (int, error) {
	seen := map[string]bool{}
	l, err := s.pages(ctx, http.MethodPost, "/v1/jobs/current", nil, manyRows, struct{}{})
	var unreadable *unreadableError
	if err == nil {
		addJobs(l.rows, seen)
		return len(seen), nil
	}
	if !refusedForGood(err) && !errors.As(err, &unreadable) {
		return 0, err
	}
	for _, wanted := range []string{"running", "queued", "retrying"} {
		l, err := s.list(ctx, "/v1/jobs", url.Values{"status": {wanted}}, manyRows)
		if err != nil {
			return 0, err
		}
		addJobs(l.rows, seen)
	}
	return len(seen), nil
}

// addJobs counts each job once that is under way. One that does not tell its status counts: it was asked for by status.
func addJobs(rows []json.RawMessage, seen map[string]bool) {
	for _, row := range rows {
		var job struct {
			ID     string `json:"_id"`
			Status string `json:"status"`
		}
		if json.Unmarshal(row, &job) != nil {
			continue
		}
		switch job.Status {
		case "", "running", "queued", "retrying":
			if job.ID == "" {
				job.ID = string(row)
			}
			seen[job.ID] = true
		}
	}
}
