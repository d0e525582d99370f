package integrator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// maxSignInPages bounds one reading of the owner's sign-ins: 20,000 entries about users. A log that
// holds more since the last reading is no answer: what cannot be read whole is tried again.
const maxSignInPages = 20

// signIns reads the owner's sign-ins in the audit log since a time, each once: while it is read the
// log grows in front, and pages that shift show an entry twice.
func (s *session) signIns(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	owner := call.Owner
	if owner == "" {
		return nil, refuse(workflows.RefusedOther,
			"Sign-ins are told apart by the owner's address, which is not known.")
	}
	out := &workflows.SignIns{Since: call.Since.UTC(), Until: s.g.now().UTC()}
	found, shown, err := s.readSignIns(ctx, owner, call.Since)
	var long *tooLongError
	switch {
	case errors.As(err, &long) && call.Last && len(found) > 0: // one is what was asked for
	case errors.As(err, &long) && call.Last: // and trying it again would not make the log shorter
		return nil, refuse(workflows.RefusedOther, "The audit log is too long to look for a sign-in of the owner.")
	case err != nil:
		return nil, err
	}
	if !shown {
		if err := s.mayAudit(ctx); err != nil {
			return nil, err
		}
	}
	for _, e := range found {
		out.Entries = append(out.Entries, e)
	}
	slices.SortFunc(out.Entries, func(a, b workflows.SignIn) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	return &workflows.Receipt{SignIns: out}, nil
}

// signInEntry is an entry of the audit log with its own ID, which tells readings of it apart.
type signInEntry struct {
	ID word `json:"_id"`
	auditEntry
}

// readSignIns answers the sign-ins by their entry's ID, and whether the log showed anything at all.
func (s *session) readSignIns(ctx context.Context, owner string, since time.Time) (map[string]workflows.SignIn, bool,
	error) {
	found, shown := map[string]workflows.SignIn{}, false
	take := func(_ answer, rows []json.RawMessage, any bool) error {
		shown = shown || any
		for _, row := range rows {
			var e signInEntry
			if json.Unmarshal(row, &e) != nil || e.ID == "" || e.Event != "signin" || e.Time.IsZero() ||
				e.Time.Before(since) ||
				e.Type != "" && e.Type != "user" || e.Source != "" && e.Source != "ui" && e.Source != "sso" ||
				!workflows.SameEmail(string(e.By.Email), owner) {
				continue
			}
			found[string(e.ID)] = workflows.SignIn{ID: string(e.ID), At: e.Time.UTC(), Source: string(e.Source)}
		}
		return nil
	}
	q := url.Values{"resourceType": {"user"}, "action": {"signin"},
		"from": {since.UTC().Format("2006-01-02T15:04:05.000Z07:00")}}
	w := walk{method: http.MethodGet, path: "/v1/audit", query: q, limit: manyRows, most: maxSignInPages}
	whole, err := s.walk(ctx, w, take)
	if outsideWindow(err) {
		q.Del("from")
		whole, err = s.walk(ctx, w, take)
	}
	if err != nil {
		return nil, false, err
	}
	if !whole {
		return found, shown, &tooLongError{unreadableError{http.MethodGet, "/v1/audit", "it is longer than " +
			strconv.Itoa(maxSignInPages) + " pages"}}
	}
	return found, shown, nil
}

// tooLongError is that the log goes on behind the last page that may be asked for.
type tooLongError struct{ unreadableError }

func (e *tooLongError) Unwrap() error { return &e.unreadableError }

// mayAudit tells an account without a sign-in from a token that may not look: the one has entries of
// some other kind, the other shows none at all.
func (s *session) mayAudit(ctx context.Context) error {
	any := false
	_, err := s.walk(ctx, walk{method: http.MethodGet, path: "/v1/audit", limit: 1, most: 1},
		func(_ answer, rows []json.RawMessage, shown bool) error {
			any = any || shown || len(rows) > 0
			return nil
		})
	if err == nil && !any {
		return refuse(workflows.RefusedForbidden, "integrator.io shows no audit log to this token.")
	}
	return err
}
