package integratorsim

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

func auditRoutes() []route {
	return []route{
		{pattern: "GET /audit", least: administrator, full: true, list: true, handle: func(c *call) reply {
			return c.auditOf("", "")
		}},
		{pattern: "GET /audit/signedURL", least: administrator, full: true, handle: (*call).auditFile},
		{pattern: "GET /{kind}/{id}/audit", least: administrator, full: true, list: true, handle: func(c *call) reply {
			return c.auditOf(strings.TrimSuffix(c.r.PathValue("kind"), "s"), c.r.PathValue("id"))
		}},
	}
}

// source is what the audit log calls the road a request came by.
func (c *call) source() string {
	if strings.HasPrefix(c.r.URL.Path, "/api/") {
		return "ui"
	}
	return "api"
}

// audit writes an entry in the caller's account and environment, under the caller's name: for a
// token, that of the account's owner.
func (c *call) audit(kind, id, event string, changes ...fieldChange) {
	c.acct.audit(c.s, auditEntry{ResourceType: kind, ResourceID: id, Source: c.source(), Event: event,
		ByUser: c.person.identity(), FieldChanges: changes, EnvID: c.env.ID}, c.now)
}

// auditUser is audit about somebody's access.
func (c *call) auditUser(h *share, event string, changes ...fieldChange) {
	c.s.auditUser(c.acct, c.env, h, c.source(), event, c.person, c.now, changes...)
}

// auditUser writes an entry about somebody's access to an environment, in the name of who did it.
func (s *Server) auditUser(a *account, e *environment, h *share, source, event string, by *person, at time.Time,
	changes ...fieldChange) {
	id := h.Person.ID
	if s.opts.AuditShareIDs {
		id = h.ID
	}
	a.audit(s, auditEntry{ResourceType: "user", ResourceID: id, Source: source, Event: event, ByUser: by.identity(),
		FieldChanges: changes,
		EnvID:        e.ID, Subject: h.Person.Email}, at)
}

// born and gone are what an entry says of access that begins and ends.
func born(h *share) []fieldChange {
	out := []fieldChange{{"email", nil, h.Person.Email}}
	if h.AccessLevel != "" {
		out = append(out, fieldChange{"accessLevel", nil, h.AccessLevel})
	}
	if len(h.Grants) > 0 {
		out = append(out, fieldChange{"integrationAccessLevel", nil, h.Grants})
	}
	return out
}

func gone(h *share) []fieldChange { return []fieldChange{{"email", h.Person.Email, nil}} }

func (a *account) audit(s *Server, e auditEntry, at time.Time) {
	e.ID, e.Time = s.newID(), stamp{at}
	a.Audit = append(a.Audit, e)
}

// auditOf lists entries, newest first, inside the window that the licence allows.
func (c *call) auditOf(kind, id string) reply {
	items, bad := c.auditEntries(kind, id)
	if bad != nil {
		return *bad
	}
	return c.list(items)
}

// auditFile answers with the address of the same entries as a file. At Celigo it is an address of
// its storage that holds for a while (UI source); here it is one of the control's, and holds as
// long as the server.
func (c *call) auditFile() reply {
	items, bad := c.auditEntries("", "")
	if bad != nil {
		return *bad
	}
	name := c.s.newID()
	c.s.files[name] = auditCSV(items)
	return ok(doc{"signedURL": c.s.base(c.r) + "/_sim/audit/" + name + ".csv"})
}

// auditCSV is a table of entries. Celigo's own columns are not known.
func auditCSV(items []any) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	// a buffer takes all
	_ = w.Write([]string{"time", "user", "email", "source", "resourceType", "_resourceId", "event", "fieldChanges"})
	for _, i := range items {
		e := i.(auditEntry)
		changes, _ := json.Marshal(e.FieldChanges) // texts and numbers
		_ = w.Write([]string{clock(e.Time.Time), e.ByUser.Name, e.ByUser.Email, e.Source, e.ResourceType, e.ResourceID,
			e.Event,
			string(changes)})
	}
	w.Flush()
	return b.Bytes()
}

func (c *call) auditEntries(kind, id string) ([]any, *reply) {
	q := c.r.URL.Query()
	from, bad := c.auditTime(q, "from", c.now.AddDate(-c.acct.AuditYears, 0, 0))
	if bad != nil {
		return nil, bad
	}
	to, bad := c.auditTime(q, "to", c.now)
	if bad != nil {
		return nil, bad
	}
	var items []any
	for _, e := range c.acct.newestAudit() {
		if (e.EnvID != "" && e.EnvID != c.env.ID) || e.Time.Before(from) || e.Time.After(to) ||
			(id != "" && (e.ResourceID != id || e.ResourceType != kind)) || !e.matches(q) {
			continue
		}
		items = append(items, e)
	}
	return items, nil
}

func (a *account) newestAudit() []auditEntry {
	entries := slices.Clone(a.Audit)
	slices.Reverse(entries)
	slices.SortStableFunc(entries, func(a, b auditEntry) int { return b.Time.Compare(a.Time.Time) })
	return entries
}

func (e auditEntry) matches(q url.Values) bool {
	for name, has := range map[string]string{"resourceType": e.ResourceType, "_resourceId": e.ResourceID,
		"_byUserId": e.ByUser.ID,
		"source":    e.Source, "action": e.Event} {
		if want := q.Get(name); want != "" && want != has {
			return false
		}
	}
	return true
}

func (c *call) auditTime(q url.Values, name string, otherwise time.Time) (time.Time, *reply) {
	v := q.Get(name)
	if v == "" {
		return otherwise, nil
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		t, err = time.Parse(time.DateOnly, v)
	}
	if err != nil {
		r := invalid(name, "Please provide a valid date-time for field: “"+name+"”.")
		return t, &r
	}
	// a minute of grace: the client's clock and this one need not agree to the second
	if t.Before(c.now.AddDate(-c.acct.AuditYears, 0, 0).Add(-time.Minute)) ||
		(name == "from" && t.After(c.now.Add(time.Minute))) {
		r := invalid(name, fmt.Sprintf(
			"Please make sure that the time provided for field: “%s” is not older than %d year(s) to current date and is not a future date.", name, c.acct.AuditYears))
		return t, &r
	}
	return t, nil
}
