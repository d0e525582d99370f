package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Roles a user can have, in our words: custom is integrator.io's absence of accessLevel with grants
// on single integrations.
const (
	RoleAdministrator = "administrator"
	RoleManage        = "manage"
	RoleMonitor       = "monitor"
	RoleCustom        = "custom"
	RoleNone          = "none" // neither a level nor a grant
)

// Access is what a user may do in one environment. Manage and Monitor hold integration IDs and count for custom only.
type Access struct {
	Role    string   `json:"role"`
	Manage  []string `json:"manage,omitempty"`
	Monitor []string `json:"monitor,omitempty"`
}

// Mark is a short form by which two accesses compare; the order of integrations does not matter,
// and only custom has any.
func (a Access) Mark() string {
	if a.Role != RoleCustom {
		return a.Role
	}
	sorted := func(ids []string) string {
		ids = slices.Clone(ids)
		slices.Sort(ids)
		return strings.Join(slices.Compact(ids), ",")
	}
	return a.Role + "[" + sorted(a.Manage) + ";" + sorted(a.Monitor) + "]"
}

// AllIntegrations stands in [Access.Monitor] for every integration, those to come included:
// integrator.io lets monitor-all and manage-some be had together.
const AllIntegrations = "*"

// Required is what a user must sign in with, never both.
type Required struct {
	MFA bool `json:"mfa,omitempty"`
	SSO bool `json:"sso,omitempty"`
}

// Named is a thing with its ID at integrator.io.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// AccessReading is what a request for access needs to know of one person in one environment. What
// could not be read is named in Unread (parts: users, integrations, sso).
type AccessReading struct {
	At           time.Time         `json:"at"`
	Capabilities Capabilities      `json:"capabilities"`
	Unread       map[string]string `json:"unread,omitempty"`
	User         *User             `json:"user,omitempty"` // nil: not a user
	Integrations []Named           `json:"integrations,omitempty"`
	SSOEnabled   bool              `json:"sso_enabled,omitempty"`
}

// Parts of a reading that can be missing besides those of [Reading].
const (
	PartIntegrations = "integrations"
	PartTokens       = "tokens"
	PartAudit        = "audit log"
)

// Census is every user of one environment at one time, the owner not among them.
type Census struct {
	At    time.Time `json:"at"`
	Users []User    `json:"users"`

	// The rest is there with Call.Raw only.

	// Pages are the answers that Users was read from, in order.
	Pages []RawPage `json:"pages,omitempty"`
	// Integrations and Tokens of the environment; what could not be read is named in Unread (parts:
	// integrations, tokens) with the reason.
	Integrations []Named    `json:"integrations,omitempty"`
	Tokens       []APIToken `json:"tokens,omitempty"`
	// Invited says who gave each user their access, by address in lower case, as far as the audit log tells.
	Invited map[string]Trace  `json:"invited,omitempty"`
	Unread  map[string]string `json:"unread,omitempty"`
}

// RawPage is one answer of integrator.io as it came.
type RawPage struct {
	Request string `json:"request"` // method and path with query, without host
	Status  int    `json:"status"`
	Count   int    `json:"count"`  // records in it
	SHA256  string `json:"sha256"` // of Body, in hex
	Body    []byte `json:"body,omitempty"`
}

// APIToken is a token of an account, never its secret.
type APIToken struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Full     bool      `json:"full,omitempty"`    // full access
	Revoked  bool      `json:"revoked,omitempty"` // no longer works
	Created  time.Time `json:"created,omitzero"`
	Modified time.Time `json:"modified,omitzero"`
	// What follows is absent in what was read by versions before it was.
	Kind  string    `json:"kind,omitempty"`  // [TokenOfAccount] or [TokenOfPerson]
	Scope []string  `json:"scope,omitempty"` // as [Token.Scope]
	Share string    `json:"share,omitempty"` // as [Token.Share]
	Ends  time.Time `json:"ends,omitzero"`   // zero: never
	// Maker is the address of whoever made it, as far as the audit log tells.
	Maker string `json:"maker,omitempty"`
}

// Trace is who did something according to the audit log of integrator.io. Email is empty where the
// log holds nothing about it.
type Trace struct {
	Email  string    `json:"email,omitempty"`
	Name   string    `json:"name,omitempty"`
	At     time.Time `json:"at,omitzero"`
	Source string    `json:"source,omitempty"` // ui, api, connector, stack, system, sso
	Event  string    `json:"event,omitempty"`  // create, update, delete
	// Token is the API token that was asked about; Others whoever else made or changed it in that time.
	Token  string   `json:"token,omitempty"`
	Others []string `json:"others,omitempty"`
}

// Mark is a short form of who has what; sign-ins do not change it.
func (c *Census) Mark() string {
	if c == nil {
		return "absent"
	}
	lines := make([]string, len(c.Users))
	for i, u := range c.Users {
		lines[i] = strings.ToLower(u.Email) + " " + u.Mark()
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:8])
}

// Given is what decisions say of one user's access in one environment, kept in the account's record under [GivenKey].
type Given struct {
	Mark     string    `json:"mark"` // Access.Mark; "" when the access was removed
	Workflow string    `json:"workflow"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until,omitzero"` // end of the time-box that gave it
	// Asked is who asked for it, a Slack ID; empty where nobody did.
	Asked string `json:"asked,omitempty"`
	// Wrote is what Keyholder itself wrote last for a workflow, whichever machine's: its own hand,
	// which nobody has to explain.
	Wrote *Wrote `json:"wrote,omitempty"`
	// Who is the user by what integrator.io knows them by, as seen last; zero where they were never seen.
	Who UserRef `json:"who,omitzero"`
	// Running are the time-boxes that have begun and not ended, in that order.
	Running []RunningTime `json:"running,omitempty"`
	// Former is what stood before the first of Running, and stands again after the last of them; nil while none runs.
	Former *Former `json:"former,omitempty"`
}

// Wrote is an access that Keyholder wrote at integrator.io.
type Wrote struct {
	Mark     string    `json:"mark"` // "" when it was taken away
	Workflow string    `json:"workflow"`
	At       time.Time `json:"at"`
}

// Decided is the last decision about an access as it is now, whichever machine made it. Zero: there is none.
type Decided struct {
	Workflow string
	Since    time.Time
	Until    time.Time // end of its time-box
	Kept     string    // who signed for it, where a review kept it
}

// Or is the later one of two decisions about the same access. One that only kept it leaves it the end that it has.
func (d Decided) Or(other Decided) Decided {
	if other.Workflow == "" || d.Workflow != "" && other.Since.Before(d.Since) {
		return d
	}
	if other.Kept != "" {
		other.Until = d.Until
	}
	return other
}

// DecisionOn names the last decision about what a user has now in an environment: what was decided
// or taken as expected, what Keyholder wrote for a workflow, and the transfer after which a former
// owner has a role. What a review kept stands in its packets.
func (a AccountState) DecisionOn(environment string, u User) (last Decided) {
	_, g, _ := a.GivenOf(environment, u.Email, u.Ref())
	mark := u.Access().Mark()
	if environment == "" && a.Previous != "" && SameEmail(u.Email, a.Previous) {
		last = last.Or(Decided{Workflow: a.By, Since: a.Since})
	}
	if w := g.Wrote; w != nil && w.Mark == mark {
		last = last.Or(Decided{Workflow: w.Workflow, Since: w.At})
	}
	if g.Workflow != "" && g.Mark == mark {
		last = last.Or(Decided{Workflow: g.Workflow, Since: g.Since, Until: g.Until})
	}
	return last
}

// RunningTime is a time-box that has begun and not ended.
type RunningTime struct {
	Workflow string    `json:"workflow"`
	Mark     string    `json:"mark"` // of the access that it gives
	Until    time.Time `json:"until"`
}

// Former is what somebody had, or shall have once nothing for a time only is left.
type Former struct {
	User *User `json:"user,omitempty"` // nil: no access
	Read bool  `json:"read,omitempty"` // false: nobody could see it
}

// GivenKey names a person's access in an environment ("" is production).
func GivenKey(environment, email string) string { return environment + "/" + strings.ToLower(email) }

// GivenOf finds what decisions say of a user's access: under their address, unless that is somebody
// else's by now, or else by who they are, whatever their address was when it was decided. Without
// any, key is that of the address.
func (a AccountState) GivenOf(environment, email string, who UserRef) (key string, g Given, found bool) {
	key = GivenKey(environment, email)
	if g, found = a.Given[key]; found && !g.Who.Other(who) {
		return key, g, true
	}
	if !who.IsZero() {
		under := ""
		for k, g := range a.Given {
			if g.Who.Is(who) && strings.HasPrefix(k, environment+"/") && (under == "" || k < under) {
				under = k
			}
		}
		if under != "" {
			return under, a.Given[under], true
		}
	}
	return key, Given{}, false
}

// AccessGiven is the type of the account's event with body [GivenChange].
const AccessGiven = "access.given"

// What a [GivenChange] means for the times that run.
const (
	GivenForGood  = ""        // a decision without an end: it becomes what stands after them
	GivenOnTheWay = "pending" // an invitation that nobody accepted yet: it changes nothing of them
	TimeBegins    = "begins"
	TimeMoves     = "moves" // it ends at another time
	TimeEnds      = "ends"
	// OwnHand: Keyholder wrote it. It decides nothing; only Wrote and Who follow.
	OwnHand = "wrote"
)

// GivenChange is the body of [AccessGiven].
type GivenChange struct {
	Key   string `json:"key"`
	Given Given  `json:"given"` // without Running and Former, which follow
	// Time is what it means for the time-box of Workflow, one of the words above.
	Time     string `json:"time,omitempty"`
	Workflow string `json:"workflow,omitempty"`
	// Former is what stood before, for TimeBegins; it counts when no other time runs.
	Former *Former `json:"former,omitempty"`
	// Stays: what is given stays as the record has it; only the time ends.
	Stays bool `json:"stays,omitempty"`
}

// With is what is given after a change. A time that ends takes nothing away that a later decision
// gave, and what stood before the first of the times that run is kept until the last of them is
// over, in whatever order they end.
func (g Given) With(c GivenChange) Given {
	if c.Time == OwnHand {
		g.Wrote = c.Given.Wrote
		if !c.Given.Who.IsZero() {
			g.Who = c.Given.Who
		}
		return g
	}
	next := c.Given
	next.Running = slices.DeleteFunc(slices.Clone(g.Running), func(r RunningTime) bool {
		return r.Workflow == c.Workflow && c.Time != GivenOnTheWay
	})
	next.Former, next.Wrote = g.Former, g.Wrote
	switch c.Time {
	case TimeBegins:
		if len(next.Running) == 0 {
			next.Former = c.Former
		}
		next.Running = append(next.Running, RunningTime{Workflow: c.Workflow, Mark: next.Mark, Until: next.Until})
	case TimeMoves:
		next.Running = slices.Clone(g.Running)
		for i, r := range next.Running {
			if r.Workflow == c.Workflow {
				next.Running[i].Until = c.Given.Until
			}
		}
		if g.Workflow != c.Workflow {
			c.Stays = true
		}
	case GivenForGood:
		if len(next.Running) > 0 {
			next.Former = &Former{User: userWith(c.Given.Mark), Read: true}
		}
	}
	if c.Stays {
		next.Mark, next.Workflow, next.Since, next.Until, next.Asked = g.Mark, g.Workflow, g.Since, g.Until, g.Asked
	}
	if next.Who.IsZero() {
		next.Who = g.Who
	}
	if len(next.Running) == 0 {
		next.Running, next.Former = nil, nil
	}
	return next
}

// OwnHandOf notes what a call wrote that a receipt answers, ok false for none: what Keyholder did
// is so explained by the workflow that asked for it, whatever machine that is.
func OwnHandOf(cmd Command, f Facts) (e Event, ok bool) {
	r := cmd.Receipt
	if r == nil || !r.OK || r.User == nil || r.User.Email == "" {
		return Event{}, false
	}
	w := Wrote{Workflow: cmd.Workflow, At: cmd.At}
	switch r.Op {
	case OpInviteUser, OpSetRole, OpGrant, OpChangeAccess:
		w.Mark = r.User.Access().Mark()
	case OpRemoveUser, OpRemoveAccess:
	case OpWithdrawUser:
		if r.User.Status == UserAccepted {
			return Event{}, false // it was accepted before, and stays
		}
	default:
		return Event{}, false
	}
	key, _, _ := f.Account.GivenOf(r.Environment, r.User.Email, r.User.Ref())
	return cmd.Event(AccessGiven, GivenChange{Key: key, Time: OwnHand, Workflow: cmd.Workflow,
		Given: Given{Wrote: &w, Who: r.User.Ref()}}), true
}

// WithOwnHand adds that to a decision which has events.
func WithOwnHand(d Decision, cmd Command, f Facts) Decision {
	if e, wrote := OwnHandOf(cmd, f); wrote && len(d.Events) > 0 {
		d.Account = append(d.Account, e)
	}
	return d
}

// userWith is an accepted user with the access of a mark; nil for none.
func userWith(mark string) *User {
	if mark == "" {
		return nil
	}
	a := ReadAccessMark(mark)
	return &User{Status: UserAccepted, Role: a.Role, Manage: a.Manage, Monitor: a.Monitor}
}

// ReadAccessMark reads what [Access.Mark] wrote.
func ReadAccessMark(mark string) Access {
	role, lists, custom := strings.Cut(strings.TrimSuffix(mark, "]"), "[")
	a := Access{Role: role}
	if !custom {
		return a
	}
	split := func(s string) []string {
		if s == "" {
			return nil
		}
		return strings.Split(s, ",")
	}
	manage, monitor, _ := strings.Cut(lists, ";")
	a.Manage, a.Monitor = split(manage), split(monitor)
	return a
}

// AccessPolicy is the configuration's access section.
type AccessPolicy struct {
	// users or groups; never empty: the default is filled in
	Approvers []string `json:"approvers,omitempty"`
	// of Approvers, of each of which a different person must approve
	Lists               [][]string      `json:"lists,omitempty"`
	Quorum              int             `json:"quorum"`
	AdministratorQuorum int             `json:"administrator_quorum"`
	ConfirmWithin       time.Duration   `json:"confirm_within"`
	For                 []TimeBox       `json:"for,omitempty"`
	DefaultFor          string          `json:"default_for,omitempty"`
	Notice              []time.Duration `json:"notice,omitempty"`
	UrgentFor           time.Duration   `json:"urgent_for"`
	DriftEvery          time.Duration   `json:"drift_every"`
	// AcceptWithin and WatchEvery are those of transfers: an invitation is an invitation.
	AcceptWithin time.Duration `json:"accept_within"`
	WatchEvery   time.Duration `json:"watch_every"`
	// Environments are those besides production, in the order of the file.
	Environments []Environment `json:"environments,omitempty"`
}

// Environment is one besides production.
type Environment struct {
	Name  string `json:"name"`
	Token bool   `json:"token,omitempty"`
}

// Production is the value of the environment every account has; calls name it by the empty string.
const Production = "production"

// TimeBox is one choice of how long: the value of the menu and its length; 0 is for always.
type TimeBox struct {
	Text   string        `json:"text"`
	Length time.Duration `json:"length"`
}
