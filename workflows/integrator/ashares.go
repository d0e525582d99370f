package integrator

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// ashare is an access record of an account, see section 2.1 of the reference. Everything may be missing or null.
type ashare struct {
	ID                     string            `json:"_id"`
	Accepted               bool              `json:"accepted"`
	Dismissed              bool              `json:"dismissed"`
	Disabled               bool              `json:"disabled"`
	AccessLevel            string            `json:"accessLevel"`
	IntegrationAccessLevel []json.RawMessage `json:"integrationAccessLevel"`
	AccountSSORequired     bool              `json:"accountSSORequired"`
	AccountMFARequired     bool              `json:"accountMFARequired"`
	AllMCP                 bool              `json:"allMcpServerAccess"`
	MCP                    mcpServers        `json:"mcpServerAccessLevel"`
	LastSignIn             stamp             `json:"lastSignIn"`
	CreatedVia             word              `json:"createdVia"`
	CreatedAt              stamp             `json:"createdAt"`
	LastModified           stamp             `json:"lastModified"`
	SharedWithUser         struct {
		ID               word   `json:"_id"`
		Email            string `json:"email"`
		Name             string `json:"name"`
		LastSignIn       stamp  `json:"lastSignIn"`
		AccountSSOLinked string `json:"accountSSOLinked"`
	} `json:"sharedWithUser"`
}

// stamp is a time that decides nothing: what is no time is the zero time.
type stamp struct{ time.Time }

// UnmarshalJSON never fails.
func (s *stamp) UnmarshalJSON(b []byte) error {
	s.Time = time.Time{}
	var text string
	if json.Unmarshal(b, &text) != nil {
		return nil
	}
	if t, err := time.Parse(time.RFC3339, strings.TrimSpace(text)); err == nil {
		s.Time = t.UTC()
	}
	return nil
}

// word is a text that decides nothing: what is no text is empty.
type word string

// UnmarshalJSON never fails.
func (w *word) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		text = ""
	}
	*w = word(text)
	return nil
}

// mcpServers are MCP servers with what may be done on each, as "ID (read, write)". They decide nothing here:
// what cannot be read is left out.
type mcpServers []string

// UnmarshalJSON never fails.
func (m *mcpServers) UnmarshalJSON(b []byte) error {
	*m = nil
	var all []struct {
		ID     word   `json:"_mcpServerId"`
		Scopes []word `json:"scopes"`
	}
	if json.Unmarshal(b, &all) != nil {
		return nil
	}
	for _, s := range all {
		if s.ID == "" {
			continue
		}
		text := string(s.ID)
		var may []string
		for _, scope := range s.Scopes {
			if scope != "" {
				may = append(may, strings.TrimPrefix(string(scope), "mcp:"))
			}
		}
		if len(may) > 0 {
			text += " (" + strings.Join(may, ", ") + ")"
		}
		*m = append(*m, text)
	}
	return nil
}

// role names the access the way Keyholder does: custom is what the interface calls Tile.
func (a ashare) role() string {
	switch {
	case a.AccessLevel == "admin": // seen in one of integrator.io's own tests
		return workflows.RoleAdministrator
	case a.AccessLevel == "tile", len(a.IntegrationAccessLevel) > 0 &&
		(a.AccessLevel == "" || a.AccessLevel == workflows.RoleMonitor):
		return workflows.RoleCustom
	case a.AccessLevel == "":
		return workflows.RoleNone
	}
	return a.AccessLevel
}

func (a ashare) status() string {
	switch {
	case a.Accepted:
		return workflows.UserAccepted
	case a.Dismissed:
		return workflows.UserDismissed
	}
	return workflows.UserPending
}

// user is the record without what no decision needs.
func (a ashare) user() *workflows.User {
	may := a.access()
	return &workflows.User{ID: a.ID, UserID: string(a.SharedWithUser.ID), Email: a.SharedWithUser.Email,
		Name: a.SharedWithUser.Name, Role: may.Role, Status: a.status(),
		Disabled: a.Disabled, SSO: a.AccountSSORequired, MFA: a.AccountMFARequired,
		SSOLinked: a.SharedWithUser.AccountSSOLinked,
		LastHere:  a.LastSignIn.Time, LastAny: a.SharedWithUser.LastSignIn.Time,
		Manage: may.Manage, Monitor: may.Monitor, AllMCP: a.AllMCP, MCP: a.MCP, Via: string(a.CreatedVia),
		Since: a.CreatedAt.Time}
}

// roster is the list of users; shown as in listing.
type roster struct {
	all   []ashare
	shown bool
}

// users reads every user of the account. The owner is never among them.
func (s *session) users(ctx context.Context) (roster, error) {
	all, shown, err := listOf[ashare](ctx, s, "/v1/ashares", nil, manyRows)
	return roster{all, shown}, err
}

// find answers the record of an address. Of several an accepted one wins, then one that is not dismissed.
func (r roster) find(email string) (ashare, bool) {
	var best ashare
	found := false
	rank := func(a ashare) int {
		return map[string]int{workflows.UserAccepted: 2, workflows.UserPending: 1}[a.status()]
	}
	for _, a := range r.all {
		if email != "" && workflows.SameEmail(a.SharedWithUser.Email, email) && (!found || rank(a) > rank(best)) {
			best, found = a, true
		}
	}
	return best, found
}

// whom answers the record of the user that a call is about: by what it knows of them, else by address.
func (r roster) whom(call workflows.Call) (ashare, bool) {
	email, who := call.Email, call.Who
	if a, found := r.find(email); who.IsZero() || found && call.ByAddress {
		return a, found
	}
	theirs := roster{}
	for _, a := range r.all {
		if who.Is(a.ref()) {
			a.SharedWithUser.Email = cmp.Or(a.SharedWithUser.Email, email)
			theirs.all = append(theirs.all, a)
		}
	}
	if len(theirs.all) > 0 {
		return theirs.find(theirs.all[0].SharedWithUser.Email)
	}
	a, found := r.find(email)
	return a, found && !who.Other(a.ref())
}

func (a ashare) ref() workflows.UserRef {
	return workflows.UserRef{Record: a.ID, User: string(a.SharedWithUser.ID)}
}

func ashareByID(id string) string { return "/v1/ashares/" + url.PathEscape(id) }

// ashare reads one record, also as the raw fields a PUT needs. Where records cannot be read one by
// one it is taken from the list. Found false: it is gone; a list that is not shown is a refusal.
func (s *session) ashare(ctx context.Context, id string) (rec ashare, raw map[string]json.RawMessage, found bool,
	err error) {
	a, err := s.get(ctx, ashareByID(id))
	if err == nil {
		if err = decode(http.MethodGet, a, &rec); err == nil {
			err = decode(http.MethodGet, a, &raw)
		}
		if err == nil && rec.ID != id {
			err = &unreadableError{http.MethodGet, a.url.Path, "it is another record"}
		}
		return rec, raw, err == nil, err
	}
	if !absent(err) {
		return rec, nil, false, err
	}
	l, err := s.list(ctx, "/v1/ashares", nil, manyRows)
	if err != nil {
		return rec, nil, false, err
	}
	for _, row := range l.rows {
		var a ashare
		if json.Unmarshal(row, &a) == nil && a.ID == id {
			return a, fields(row), true, nil
		}
	}
	if !l.shown {
		return rec, nil, false, refuse(workflows.RefusedForbidden, emptyList+".")
	}
	return rec, nil, false, nil
}

// fields takes a row apart that is known to be an object.
func fields(row json.RawMessage) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	_ = json.Unmarshal(row, &m) // it was decoded as an object before
	return m
}

// put makes a write whose answer's body does not matter: the result is read back.
func (s *session) put(ctx context.Context, path string, body any) error {
	_, err := s.do(ctx, http.MethodPut, path, body)
	return s.written(err)
}

func (s *session) delete(ctx context.Context, path string) error {
	_, err := s.do(ctx, http.MethodDelete, path, nil)
	return s.written(err)
}
