package integratorsim

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// The world is plain data with exported fields, so that clone can copy it whole for stale reads.

// doc is a resource as the API shows it. Resources are kept as documents because a PUT replaces them as sent.
type doc = map[string]any

type world struct {
	People   []*person
	Accounts []*account
	Tokens   []*token
	Mails    []Mail

	ByEmail  map[string]*person
	BySecret map[string]*token
	Closed   map[string]bool // mailboxes that are switched off, in small letters
}

// person is a user document. The account of an owner is the owner's document: account.ID is Owner.ID.
type person struct {
	ID, Email, Name, Company, Phone string
	SignedUp                        bool
	MFAEnabled                      bool
	SSOAccount                      string // the account set as "Use this account for SSO"
	LastSignIn                      time.Time
	CreatedAt                       time.Time
}

type account struct {
	ID              string
	Owner           *person
	OwnerLastSignIn time.Time
	Seats           int // 0: no limit
	AuditYears      int
	AdminsInvite    bool // invitations by non-admins are off
	Envs            []*environment
	Transfers       []*transfer
	Audit           []auditEntry
	MFA             doc
	SSOClients      []doc
	Licenses        []doc
	Writes          map[string]*WriteCount
}

type environment struct {
	ID, Name, Description string
	Production            bool
	Shares                []*share
	Docs                  map[string][]doc // by kind: integrations, flows, connections, stacks, exports, imports
	Errors                map[string][]doc // by flow ID + "/" + step ID
	Jobs                  []doc
	StackShares           []*stackShare
}

// share is an ashare: one person's access to one environment of an account.
type share struct {
	ID                            string
	Person                        *person
	Accepted, Dismissed, Disabled bool
	AccessLevel                   string
	Grants                        []Grant
	SSORequired, MFARequired      bool
	APIM, RetryData, Workspaces   bool
	MCP                           []any
	AllMCP                        bool
	CreatedVia                    string
	LastSignIn                    time.Time
	CreatedAt, Modified           time.Time
}

// Grant is a person's level on one integration: manage or monitor.
type Grant struct {
	IntegrationID string `json:"_integrationId"`
	AccessLevel   string `json:"accessLevel"`
}

type stackShare struct {
	ID, StackID                   string
	Person                        *person
	Accepted, Dismissed, Disabled bool
	CreatedAt, Modified           time.Time
}

type transfer struct {
	ID                  string
	Account             bool // an ownership switch; otherwise some integrations move
	Integrations        []string
	To                  *person
	From                identity // the owner when it was made
	Accepted, Dismissed bool
	Status              string // unapproved, queued, started, done, canceled, failed
	Errors              []doc
	AcceptedAt          time.Time
	TransferredAt       time.Time
	CreatedAt, Modified time.Time
}

type token struct {
	ID, Secret, Name string
	Description      string
	Kind             TokenKind
	MayTransfer      bool
	Lost, Revoked    bool
	Person           *person // of a person's token, and whose a personal one is
	Scope            map[string][]string
	AccountID, EnvID string
	Expires          time.Time
	CreatedAt        time.Time
	Modified         time.Time
}

type identity struct {
	ID    string `json:"_id"`
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

type auditEntry struct {
	ID           string        `json:"_id"`
	ResourceType string        `json:"resourceType"`
	ResourceID   string        `json:"_resourceId"`
	Source       string        `json:"source"`
	Event        string        `json:"event"`
	Time         stamp         `json:"time"`
	ByUser       identity      `json:"byUser"`
	FieldChanges []fieldChange `json:"fieldChanges,omitempty"`

	EnvID   string `json:"-"` // the environment it belongs to; "" is the whole account
	Subject string `json:"-"` // the e-mail of the user it is about, for the snapshots
}

type fieldChange struct {
	FieldPath string `json:"fieldPath"`
	OldValue  any    `json:"oldValue,omitempty"`
	NewValue  any    `json:"newValue,omitempty"`
}

// stamp is a time as the API writes it: UTC, milliseconds, Z.
type stamp struct{ time.Time }

// MarshalJSON writes the stamp.
func (t stamp) MarshalJSON() ([]byte, error) { return []byte(`"` + clock(t.Time) + `"`), nil }

func clock(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// clockOr is nil for a time that never was, so that the field is left out.
func clockOr(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return clock(t)
}

func newWorld() *world {
	return &world{ByEmail: map[string]*person{}, BySecret: map[string]*token{}, Closed: map[string]bool{}}
}

func newEnvironment(id, name string, production bool) *environment {
	return &environment{ID: id, Name: name, Production: production,
		Docs: map[string][]doc{}, Errors: map[string][]doc{}}
}

// newID makes 24 hex digits. The lock is held.
func (s *Server) newID() string {
	var b [12]byte
	for i := range b {
		b[i] = byte(s.ids.UintN(256))
	}
	return hex.EncodeToString(b[:])
}

// newSecret makes a bearer token: 32 hex digits, as Celigo's are. The lock is held.
func (s *Server) newSecret() string { return (s.newID() + s.newID())[:32] }

func (p *person) identity() identity { return identity{ID: p.ID, Email: p.Email, Name: p.Name} }

func (w *world) personByEmail(email string) *person {
	return w.ByEmail[strings.ToLower(strings.TrimSpace(email))]
}

// addPerson adds someone; one who was only invited so far has no name and is not signed up.
func (s *Server) addPerson(email, name string, signedUp bool) *person {
	p := &person{ID: s.newID(), Email: strings.TrimSpace(email), Name: name, SignedUp: signedUp,
		CreatedAt: s.opts.Now()}
	s.world.People = append(s.world.People, p)
	s.world.ByEmail[strings.ToLower(p.Email)] = p
	return p
}

func (w *world) account(id string) *account {
	for _, a := range w.Accounts {
		if a.ID == id {
			return a
		}
	}
	return nil
}

func (w *world) ownedBy(p *person) *account {
	for _, a := range w.Accounts {
		if a.Owner == p {
			return a
		}
	}
	return nil
}

func (a *account) env(id string) *environment {
	for _, e := range a.Envs {
		if e.ID == id {
			return e
		}
	}
	return nil
}

func (a *account) production() *environment { return a.Envs[0] }

func (e *environment) share(id string) *share {
	for _, h := range e.Shares {
		if h.ID == id {
			return h
		}
	}
	return nil
}

func (e *environment) shareOf(p *person) *share {
	for _, h := range e.Shares {
		if h.Person == p {
			return h
		}
	}
	return nil
}

func (e *environment) find(kind, id string) doc {
	for _, d := range e.Docs[kind] {
		if d["_id"] == id {
			return d
		}
	}
	return nil
}

func (a *account) transfer(id string) *transfer {
	for _, t := range a.Transfers {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// pendingAccountTransfer is the record that blocks another ownership switch. A canceled or dismissed one blocks
// until it is deleted, as the refusal's text says.
func (a *account) pendingAccountTransfer() *transfer {
	for _, t := range a.Transfers {
		if t.Account && t.Status != "done" && t.Status != "failed" {
			return t
		}
	}
	return nil
}

// otherOrganizations are the accounts, except this one, that the person owns or has accepted access to.
func (w *world) otherOrganizations(p *person, except *account) []*account {
	var found []*account
	for _, a := range w.Accounts {
		if a == except {
			continue
		}
		member := slices.ContainsFunc(a.Envs, func(e *environment) bool {
			h := e.shareOf(p)
			return h != nil && h.Accepted
		})
		if a.Owner == p || member {
			found = append(found, a)
		}
	}
	return found
}

// seatsTaken counts people, once however many environments, with pending invitations and without declined ones.
func (a *account) seatsTaken() int {
	seen := map[*person]bool{}
	for _, e := range a.Envs {
		for _, h := range e.Shares {
			if !h.Dismissed {
				seen[h.Person] = true
			}
		}
	}
	return len(seen)
}

func (h *share) status() string {
	switch {
	case h.Accepted && h.Disabled:
		return "disabled"
	case h.Accepted:
		return "accepted"
	case h.Dismissed:
		return "dismissed"
	}
	return "pending"
}

// role is the everyday word: custom when there is no level of the whole account.
func (h *share) role() string {
	if h.AccessLevel == "" {
		return "custom"
	}
	return h.AccessLevel
}

func text(d doc, key string) string {
	v, _ := d[key].(string)
	return v
}

func texts(v any) []string {
	var out []string
	switch l := v.(type) {
	case []string:
		return l
	case []any:
		for _, x := range l {
			if t, ok := x.(string); ok {
				out = append(out, t)
			}
		}
	}
	return out
}
