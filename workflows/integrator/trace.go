package integrator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// maxTracePages bounds what one look into the audit log reads, over all of its questions: 20,000 entries.
const maxTracePages = 20

// auditYears is how far back every licence's audit log reads; the day less is for clocks that
// differ. Source: section 9 of the reference.
const auditYears = 1

// auditEntry is one entry of GET /v1/audit, see section 9 of the reference.
type auditEntry struct {
	Type     word  `json:"resourceType"`
	Resource word  `json:"_resourceId"`
	Source   word  `json:"source"`
	Event    word  `json:"event"`
	Time     stamp `json:"time"`
	By       struct {
		ID    word `json:"_id"`
		Email word `json:"email"`
		Name  word `json:"name"`
	} `json:"byUser"`
	Changes []json.RawMessage `json:"fieldChanges"`

	names bool // the entry names the person in question outside byUser
}

// notAccess are the fields of a user whose change gives or takes no access: the person's own
// answers, and how they sign in.
var notAccess = []string{"accepted", "dismissed", "lastsignin", "lastmodified", "name", "accountmfarequired",
	"accountssorequired", "accountssolinked"}

// aboutAccess reports whether the entry created, changed or ended somebody's access. An update that
// does not say what it changed counts.
func (e auditEntry) aboutAccess() bool {
	switch e.Event {
	case "create", "delete":
		return true
	case "update":
	default:
		return false
	}
	for _, raw := range e.Changes {
		var c struct {
			Path word `json:"fieldPath"`
		}
		field := ""
		if json.Unmarshal(raw, &c) == nil {
			field = strings.ToLower(string(c.Path))
		}
		if !slices.Contains(notAccess, field[strings.LastIndexByte(field, '.')+1:]) {
			return true
		}
	}
	return len(e.Changes) == 0
}

// trace answers who last changed somebody's access. An entry may be written a moment after what it
// tells of, so that there is none is told only after a second delivery.
func (s *session) trace(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	if call.Token != "" {
		return s.traceToken(ctx, call)
	}
	if call.Email == "" {
		return nil, refuse(workflows.RefusedOther, "A look into the audit log needs an address.")
	}
	list, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	h := hunt{s: s, email: call.Email, since: call.Since.UTC(), ids: map[string]bool{}, left: maxTracePages}
	h.is(call.ID) // the record's ID from an earlier census
	h.is(call.Who.Record)
	h.is(call.Who.User)
	listed, found := list.whom(call)
	if found {
		h.is(listed.ID)
		h.is(string(listed.SharedWithUser.ID))
	}
	if err := h.search(ctx, found); err != nil {
		return nil, err
	}
	if best, ok := h.newest(); ok {
		return &workflows.Receipt{Trace: &workflows.Trace{Email: string(best.By.Email), Name: string(best.By.Name),
			At:     best.Time.Time,
			Source: string(best.Source), Event: string(best.Event)}}, nil
	}
	if err := s.unsure("the audit log holds nothing about the user"); err != nil {
		return nil, err
	}
	if !list.shown && !h.shown {
		return nil, refuse(workflows.RefusedForbidden, emptyList+".")
	}
	return &workflows.Receipt{Trace: &workflows.Trace{}}, nil
}

// hunt is one search of the audit log for a person.
type hunt struct {
	s       *session
	email   string
	since   time.Time
	ids     map[string]bool // of the person: the record's and the user's
	entries []auditEntry    // about access, not before since, from any of the questions
	shown   bool
	about   string // type of the resources, "" for users
	left    int    // pages that may still be asked for
}

func (h *hunt) is(id string) {
	if id != "" {
		h.ids[id] = true
	}
}

// search asks for the entries of each ID that is known. Somebody who is no user any more may be
// known by none: then all entries about users are read, and where none fits, older ones in which
// the person acted themselves, for those tell their ID.
func (h *hunt) search(ctx context.Context, listed bool) error {
	known := make([]string, 0, len(h.ids))
	for id := range h.ids {
		known = append(known, id)
	}
	slices.Sort(known)
	for _, id := range known {
		if err := h.ask(ctx, url.Values{"_resourceId": {id}}, h.since); err != nil {
			return err
		}
	}
	if _, ok := h.newest(); ok || listed {
		return nil
	}
	if err := h.ask(ctx, nil, h.since); err != nil {
		return err
	}
	if _, ok := h.newest(); ok || len(h.entries) == 0 {
		return nil
	}
	return h.ask(ctx, nil, time.Time{})
}

// ask reads the entries that a question finds. integrator.io's log reads a year back, or less than
// it says when clocks differ: what it refuses for the time is asked without one.
func (h *hunt) ask(ctx context.Context, question url.Values, from time.Time) error {
	q := url.Values{"resourceType": {cmp.Or(h.about, "user")}}
	for k, v := range question {
		q[k] = v
	}
	if earliest := h.s.g.now().UTC().AddDate(-auditYears, 0, 1); from.Before(earliest) {
		from = earliest
	}
	q.Set("from", from.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	err := h.read(ctx, q)
	if outsideWindow(err) {
		q.Del("from")
		err = h.read(ctx, q)
	}
	return err
}

func (h *hunt) read(ctx context.Context, q url.Values) error {
	if h.left < 1 {
		return nil
	}
	w := walk{method: http.MethodGet, path: "/v1/audit", query: q, limit: manyRows, most: h.left}
	_, err := h.s.walk(ctx, w, func(_ answer, rows []json.RawMessage, shown bool) error {
		h.left--
		h.shown = h.shown || shown
		for _, row := range rows {
			h.take(row)
		}
		return nil
	})
	return err
}

// take keeps an entry about access that is young enough, and learns the person's ID from what they
// did themselves. What cannot be read is not about anybody.
func (h *hunt) take(row json.RawMessage) {
	var e auditEntry
	if json.Unmarshal(row, &e) != nil {
		return
	}
	if workflows.SameEmail(string(e.By.Email), h.email) {
		h.is(string(e.By.ID))
	}
	if (e.Type != "" && string(e.Type) != cmp.Or(h.about, "user")) || e.Time.IsZero() || e.Time.Before(h.since) ||
		!e.aboutAccess() {
		return
	}
	e.names = namesPerson(row, h.email)
	e.Changes = nil
	h.entries = append(h.entries, e)
}

// namesPerson looks for the address in every text of an entry but those that say who acted.
func namesPerson(row json.RawMessage, email string) bool {
	entry := fields(row)
	delete(entry, "byUser")
	for _, raw := range entry {
		var v any
		if json.Unmarshal(raw, &v) == nil && holds(v, email) {
			return true
		}
	}
	return false
}

func holds(v any, email string) bool {
	switch v := v.(type) {
	case string:
		return workflows.SameEmail(v, email)
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return holds(x, email) })
	case map[string]any:
		for _, x := range v {
			if holds(x, email) {
				return true
			}
		}
	}
	return false
}

// newest is the last entry about the person.
func (h *hunt) newest() (best auditEntry, found bool) {
	for _, e := range h.entries {
		if (e.names || h.ids[string(e.Resource)]) && (!found || e.Time.After(best.Time.Time)) {
			best, found = e, true
		}
	}
	return best, found
}

// outsideWindow recognises the refusal of a time, whose quotes are curly: "Please make sure that
// the time provided for field: “from” is not older than 1 year(s) to current date and is not a
// future date."
func outsideWindow(err error) bool {
	var api *APIError
	if !errors.As(err, &api) || passing(api) || api.Status == http.StatusUnauthorized ||
		api.Status == http.StatusForbidden {
		return false
	}
	return slices.ContainsFunc(api.all, func(f apiFault) bool {
		text := normal(f.message)
		return strings.Contains(text, "time provided for field") && (strings.Contains(text, "not older than") ||
			strings.Contains(text, "future date"))
	})
}

// maxInvitePages bounds what a census reads of the audit log: 5,000 creations of users. Who came before is not told.
const maxInvitePages = 5

// inviters answers who gave each listed user their access, by address in lower case, as far as the
// audit log reaches back: the creation of the user that is nearest before or at the record's own
// time. One question serves all users; which ID an entry names is not settled, so both count (see
// trace.go).
func (s *session) inviters(ctx context.Context, users []ashare) (map[string]workflows.Trace, error) {
	h := hunt{s: s, ids: map[string]bool{}, left: maxInvitePages}
	if err := h.ask(ctx, url.Values{"action": {"create"}}, time.Time{}); err != nil {
		return nil, err
	}
	first := map[string]auditEntry{}
	for _, e := range h.entries {
		if e.Event != "create" || e.By.Email == "" || e.Resource == "" {
			continue
		}
		// somebody who was removed and invited again came by the last one
		if known, ok := first[string(e.Resource)]; !ok || e.Time.After(known.Time.Time) {
			first[string(e.Resource)] = e
		}
	}
	out := map[string]workflows.Trace{}
	for _, a := range users {
		for _, id := range []string{a.ID, string(a.SharedWithUser.ID)} {
			if e, ok := first[id]; ok && id != "" {
				out[strings.ToLower(string(a.SharedWithUser.Email))] = workflows.Trace{Email: string(e.By.Email),
					Name: string(e.By.Name), At: e.Time.Time,
					Source: string(e.Source), Event: string(e.Event)}
				break
			}
		}
	}
	return out, nil
}
