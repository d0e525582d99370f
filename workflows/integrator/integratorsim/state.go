package integratorsim

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// Snapshot is an account as data, copied: for assertions and for the demo's page.
type Snapshot struct {
	ID           string                `json:"id"`
	Company      string                `json:"company"`
	Owner        PersonState           `json:"owner"`
	Seats        int                   `json:"seats"`
	Environments []EnvironmentState    `json:"environments"`
	Transfers    []TransferState       `json:"transfers"`
	Tokens       []TokenState          `json:"tokens"`
	Audit        []AuditState          `json:"audit"`  // the newest entries, the newest first, at most 50
	Writes       map[string]WriteCount `json:"writes"` // by route, as "POST /v1/transfers/invite"
}

// PersonState is somebody, with the last sign-in to the account; zero is never.
type PersonState struct {
	ID         string    `json:"id"`
	Email      string    `json:"email"`
	Name       string    `json:"name"`
	MFAEnabled bool      `json:"mfaEnabled"`
	LastSignIn time.Time `json:"lastSignIn,omitzero"`
}

// UserState is one ashare. Role is administrator, manage, monitor or custom; Status accepted,
// pending, dismissed or disabled.
type UserState struct {
	PersonState
	ShareID     string  `json:"shareId"`
	Role        string  `json:"role"`
	Grants      []Grant `json:"integrations,omitempty"`
	Status      string  `json:"status"`
	SSORequired bool    `json:"ssoRequired,omitempty"`
	MFARequired bool    `json:"mfaRequired,omitempty"`
}

// EnvironmentState is one environment; production is the first.
type EnvironmentState struct {
	ID           string             `json:"id"`
	Name         string             `json:"name"`
	Production   bool               `json:"production"`
	Users        []UserState        `json:"users"`
	Integrations []IntegrationState `json:"integrations"`
	Connections  []ConnectionState  `json:"connections"`
	Stacks       []StackState       `json:"stacks"`
}

// IntegrationState is an integration with its flows.
type IntegrationState struct {
	ID    string      `json:"id"`
	Name  string      `json:"name"`
	Flows []FlowState `json:"flows"`
}

// FlowState is a flow with its open errors and running jobs.
type FlowState struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Disabled bool   `json:"disabled"`
	Errors   int    `json:"errors"`
	Jobs     int    `json:"jobs"`
}

// ConnectionState is a connection with the integrations that use it.
type ConnectionState struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Integrations []string `json:"integrations"`
}

// StackState is a stack with the people it is shared with.
type StackState struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	SharedWith []string `json:"sharedWith"`
}

// TransferState is one transfer record. Status is the API's; Dismissed ones stay unapproved.
type TransferState struct {
	ID        string    `json:"id"`
	Account   bool      `json:"account"`
	To        string    `json:"to"`
	From      string    `json:"from"`
	Status    string    `json:"status"`
	Accepted  bool      `json:"accepted"`
	Dismissed bool      `json:"dismissed"`
	CreatedAt time.Time `json:"createdAt"`
	DoneAt    time.Time `json:"doneAt,omitzero"`
}

// TokenState is a token without its secret.
type TokenState struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Kind        TokenKind `json:"kind"`
	Environment string    `json:"environment"`
	LostRights  bool      `json:"lostRights"`
	Revoked     bool      `json:"revoked"`
	Maker       string    `json:"maker,omitempty"` // e-mail, of a personal one
	Ends        time.Time `json:"ends,omitzero"`   // zero: never
}

// AuditState is an entry of the audit log. User is the e-mail of the user it is about, "" when it
// is about something else.
type AuditState struct {
	ID           string        `json:"id"`
	Time         time.Time     `json:"time"`
	By           string        `json:"by"` // e-mail
	Source       string        `json:"source"`
	Event        string        `json:"event"`
	ResourceType string        `json:"resourceType"`
	ResourceID   string        `json:"resourceId"`
	User         string        `json:"user,omitempty"`
	Environment  string        `json:"environment,omitempty"` // its name; "" is the whole account
	Changes      []ChangeState `json:"changes,omitempty"`
}

// ChangeState is one field that an entry says was changed. Old and New are as the API shows them; nil is none.
type ChangeState struct {
	Field string `json:"field"`
	Old   any    `json:"old,omitempty"`
	New   any    `json:"new,omitempty"`
}

// maxAuditState bounds what a snapshot shows of the audit log.
const maxAuditState = 50

func (a *account) auditState() []AuditState {
	out := []AuditState{}
	for _, e := range a.newestAudit() {
		if len(out) == maxAuditState {
			break
		}
		st := AuditState{ID: e.ID, Time: e.Time.Time, By: e.ByUser.Email, Source: e.Source, Event: e.Event,
			ResourceType: e.ResourceType,
			ResourceID:   e.ResourceID, User: e.Subject}
		if env := a.env(e.EnvID); env != nil {
			st.Environment = env.Name
		}
		for _, c := range e.FieldChanges {
			st.Changes = append(st.Changes, ChangeState{c.FieldPath, c.OldValue, c.NewValue})
		}
		out = append(out, st)
	}
	return out
}

// State is the whole service as data.
type State struct {
	Now      time.Time  `json:"now"`
	Accounts []Snapshot `json:"accounts"`
	Mails    []Mail     `json:"mails"`
	// MailboxesOff are those that are switched off, sorted, in small letters.
	MailboxesOff []string `json:"mailboxesOff"`
}

// State copies everything.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	s.settle(now)
	out := State{Now: now, Accounts: []Snapshot{}, Mails: append([]Mail{}, s.world.Mails...),
		MailboxesOff: append([]string{}, slices.Sorted(maps.Keys(s.world.Closed))...)}
	for _, a := range s.world.Accounts {
		out.Accounts = append(out.Accounts, s.snapshot(a))
	}
	return out
}

// Snapshot copies the account; it is empty when the account is gone.
func (h *AccountHandle) Snapshot() Snapshot {
	var out Snapshot
	h.with(func(a *account) {
		h.s.settle(h.s.opts.Now())
		out = h.s.snapshot(a)
	})
	return out
}

// Effects says how many calls of a route took effect, as "POST /v1/transfers/invite".
func (h *AccountHandle) Effects(route string) int { return h.Snapshot().Writes[route].Effects }

func (s *Server) snapshot(a *account) Snapshot {
	out := Snapshot{ID: a.ID, Company: a.Owner.Company, Owner: personState(a.Owner, a.OwnerLastSignIn), Seats: a.Seats,
		Transfers: []TransferState{}, Tokens: []TokenState{}, Audit: a.auditState(), Writes: map[string]WriteCount{}}
	for _, e := range a.Envs {
		out.Environments = append(out.Environments, e.state())
	}
	for _, t := range a.Transfers {
		out.Transfers = append(out.Transfers, TransferState{t.ID, t.Account, t.To.Email, t.From.Email, t.Status,
			t.Accepted, t.Dismissed, t.CreatedAt, t.TransferredAt})
	}
	for _, t := range s.world.Tokens {
		if t.AccountID == a.ID && (t.Expires.IsZero() || s.opts.Now().Before(t.Expires)) {
			st := TokenState{t.ID, t.Name, t.Kind, a.env(t.EnvID).Name, t.Lost, t.Revoked, "", t.Expires}
			if t.Kind == PersonalToken && t.Person != nil {
				st.Maker = t.Person.Email
			}
			out.Tokens = append(out.Tokens, st)
		}
	}
	for name, n := range a.Writes {
		out.Writes[name] = *n
	}
	return out
}

func personState(p *person, last time.Time) PersonState {
	return PersonState{p.ID, p.Email, p.Name, p.MFAEnabled, last}
}

func (e *environment) state() EnvironmentState {
	out := EnvironmentState{ID: e.ID, Name: e.Name, Production: e.Production, Users: []UserState{},
		Integrations: []IntegrationState{},
		Connections:  []ConnectionState{}, Stacks: []StackState{}}
	for _, h := range e.Shares {
		out.Users = append(out.Users, UserState{personState(h.Person, h.LastSignIn), h.ID, h.role(),
			append([]Grant(nil), h.Grants...), h.status(), h.SSORequired, h.MFARequired})
	}
	for _, in := range e.Docs["integrations"] {
		st := IntegrationState{ID: text(in, "_id"), Name: text(in, "name"), Flows: []FlowState{}}
		for _, f := range e.flowsOf(st.ID) {
			fs := FlowState{ID: text(f, "_id"), Name: text(f, "name"), Disabled: f["disabled"] == true,
				Errors: e.openErrors(f)}
			for _, j := range e.Jobs {
				if j["_flowId"] == fs.ID && j["status"] == "running" {
					fs.Jobs++
				}
			}
			st.Flows = append(st.Flows, fs)
		}
		out.Integrations = append(out.Integrations, st)
	}
	for _, d := range e.Docs["connections"] {
		id := text(d, "_id")
		out.Connections = append(out.Connections, ConnectionState{id, text(d, "name"),
			append([]string{}, e.integrationsUsing(id)...)})
	}
	for _, d := range e.Docs["stacks"] {
		st := StackState{text(d, "_id"), text(d, "name"), []string{}}
		for _, h := range e.StackShares {
			if h.StackID == st.ID {
				st.SharedWith = append(st.SharedWith, h.Person.Email)
			}
		}
		out.Stacks = append(out.Stacks, st)
	}
	return out
}

// User finds somebody by e-mail in an environment (0 is production).
func (s Snapshot) User(environment int, email string) (UserState, bool) {
	if environment < len(s.Environments) {
		for _, u := range s.Environments[environment].Users {
			if u.Email == email {
				return u, true
			}
		}
	}
	return UserState{}, false
}

// Call is one request as the log keeps it: no header, no body, no token.
type Call struct {
	N       int       `json:"n"` // counts from 1
	At      time.Time `json:"at"`
	Method  string    `json:"method"`
	Path    string    `json:"path"`
	Query   string    `json:"query,omitempty"`
	Account string    `json:"account,omitempty"`
	// Status is what was answered; 0: nothing. Real is what would have been without the fault, 0:
	// the call did not get that far.
	Status int       `json:"status"`
	Real   int       `json:"real"`
	Fault  FaultKind `json:"fault,omitempty"`
	Millis int64     `json:"ms"`
}

func (s *Server) record(r *http.Request, c *call, real, answered int, f Fault, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	e := Call{N: s.calls, At: s.opts.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Status: answered,
		Real: real, Fault: f.Kind,
		Millis: time.Since(began).Milliseconds()}
	switch f.Kind {
	case FaultHang, FaultHangAfter, FaultDrop, FaultDropAfter, FaultTruncated:
		e.Status = 0
	case FaultStatus, FaultRateLimited, FaultRateBare, FaultEmpty:
		e.Real = 0
	}
	if c != nil && c.acct != nil {
		e.Account = c.acct.ID
	}
	s.log = append(s.log, e)
	if extra := len(s.log) - maxLog; extra > 0 {
		s.log = s.log[extra:]
	}
}

// Log is every request of the API so far (the last 10,000), oldest first.
func (s *Server) Log() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call{}, s.log...)
}
