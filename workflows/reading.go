package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// Can is whether a token can do something: it was seen to work, was refused, or was never tried.
type Can string

// Values of Can.
const (
	Yes     Can = "yes"
	No      Can = "no"
	Unknown Can = "unknown"
)

// Capabilities is what an account's token was seen to do. Start (an account transfer) is Unknown
// until it was tried, because integrator.io does not say whether an administrator's token may.
type Capabilities struct {
	Token         Can `json:"token"` // a token is configured and integrator.io knows it
	ReadUsers     Can `json:"read_users"`
	ReadTransfers Can `json:"read_transfers"`
	ChangeUsers   Can `json:"change_users"`
	Start         Can `json:"start"`
}

// User is an access record ("ashare") of an account, without what no decision needs.
type User struct {
	ID string `json:"id"`
	// of the person, which stays when their address or access record changes
	UserID    string    `json:"user_id,omitempty"`
	Email     string    `json:"email"`
	Name      string    `json:"name,omitempty"`
	Role      string    `json:"role"`   // administrator, manage, monitor, custom, none
	Status    string    `json:"status"` // accepted, pending, dismissed
	Disabled  bool      `json:"disabled,omitempty"`
	SSO       bool      `json:"sso,omitempty"`        // accountSSORequired
	MFA       bool      `json:"mfa,omitempty"`        // accountMFARequired
	SSOLinked string    `json:"sso_linked,omitempty"` // not_linked, this_account, other_account
	LastHere  time.Time `json:"last_here,omitzero"`   // last sign-in to this account
	LastAny   time.Time `json:"last_any,omitzero"`    // last sign-in to any account
	Manage    []string  `json:"manage,omitempty"`     // integrations of a custom role
	Monitor   []string  `json:"monitor,omitempty"`
	// AllMCP is access to every MCP server of the account (allMcpServerAccess), MCP that to some, each with
	// what may be done there. They are no part of [User.Mark]: no decision of Keyholder's gives them.
	AllMCP bool      `json:"all_mcp,omitempty"`
	MCP    []string  `json:"mcp,omitempty"`
	Via    string    `json:"via,omitempty"`  // createdVia: how the access came about
	Since  time.Time `json:"since,omitzero"` // createdAt
}

// Statuses of a User.
const (
	UserAccepted  = "accepted"
	UserPending   = "pending"
	UserDismissed = "dismissed"
)

// Mark is a short form of what a watch on the user looks at: status, role and whether disabled. "absent" for nil.
func (u *User) Mark() string {
	if u == nil {
		return Absent
	}
	m := u.Status + "/" + u.Access().Mark()
	if u.Disabled {
		m += "/disabled"
	}
	return m
}

// Ref is by what the user is found again, whatever their address is by then; zero for nil.
func (u *User) Ref() UserRef {
	if u == nil {
		return UserRef{}
	}
	return UserRef{Record: u.ID, User: u.UserID}
}

// UserRef is somebody with access, by what integrator.io knows them by: the IDs of their access
// record (the _id of an ashare) and of the person (sharedWithUser._id), as far as they are known.
// An address is none of both: people change it.
type UserRef struct {
	Record string `json:"record,omitempty"`
	User   string `json:"user,omitempty"`
}

// IsZero reports whether nothing is known.
func (r UserRef) IsZero() bool { return r == UserRef{} }

// Is reports whether both name the same person: by the person's ID where both have it, else by the record's.
func (r UserRef) Is(other UserRef) bool {
	if r.User != "" && other.User != "" {
		return r.User == other.User
	}
	return r.Record != "" && r.Record == other.Record
}

// Other reports whether both certainly name different people: two persons' IDs that differ. A
// record alone proves nothing, for somebody who was removed and invited again has a new one.
func (r UserRef) Other(other UserRef) bool {
	return r.User != "" && other.User != "" && r.User != other.User
}

// Access is what the user may do.
func (u *User) Access() Access {
	return Access{Role: u.Role, Manage: u.Manage, Monitor: u.Monitor}
}

// Transfer is an account transfer at integrator.io.
type Transfer struct {
	ID    string `json:"id"`
	Email string `json:"email"` // of transferToUser
	// unapproved, queued, started, done, canceled, failed; "missing": the record is gone
	Status    string `json:"status"`
	Dismissed bool   `json:"dismissed"` // declined; the status stays unapproved
	// OwnerListed is true when the previous owner was seen in the list of users, where an owner never is.
	OwnerListed bool   `json:"owner_listed,omitempty"`
	OwnerRole   string `json:"owner_role,omitempty"` // the previous owner's role, when listed
	// NewUnlisted is true when it is done, the list of users shows neither the previous owner under
	// the address that they had (they may have another one, or be gone) nor any more the new one:
	// as an owner never is listed, the new one is the owner.
	NewUnlisted bool `json:"new_unlisted,omitempty"`
	Adopted     bool `json:"adopted,omitempty"` // found, not sent, by the call that answers
}

// Statuses of a Transfer beside integrator.io's own.
const (
	TransferUnapproved = "unapproved"
	TransferQueued     = "queued"
	TransferStarted    = "started"
	TransferDone       = "done"
	TransferCanceled   = "canceled"
	TransferFailed     = "failed"
	TransferMissing    = "missing"
)

// Pending reports whether the invitation can still be accepted or is being carried out.
func (t Transfer) Pending() bool {
	switch t.Status {
	case TransferUnapproved:
		return !t.Dismissed
	case TransferQueued, TransferStarted:
		return true
	}
	return false
}

// unlisted ends the mark of a transfer that is known by its new owner.
const unlisted = "/new_unlisted"

// ParseMark takes a [Transfer.Mark] apart again, so that what cannot be read just now stays what it was.
func ParseMark(mark string) Transfer {
	var out Transfer
	mark, out.NewUnlisted = strings.CutSuffix(mark, unlisted)
	before, role, listed := strings.Cut(mark, "/listed/")
	out.OwnerListed, out.OwnerRole = listed, role
	out.Status, _, out.Dismissed = strings.Cut(before, "/dismissed")
	return out
}

// Mark is a short form of what a watch on the transfer looks at.
func (t *Transfer) Mark() string {
	if t == nil {
		return Absent
	}
	m := t.Status
	if t.Dismissed {
		m += "/dismissed"
	}
	if t.OwnerListed {
		m += "/listed/" + t.OwnerRole
	}
	if t.NewUnlisted {
		m += unlisted
	}
	return m
}

// Reading is the account as integrator.io showed it at one time, as far as the checks of a transfer
// need it. What could not be read is named in Unread with the reason; what is not named there was
// read.
type Reading struct {
	At           time.Time    `json:"at"`
	Capabilities Capabilities `json:"capabilities"`
	// by part: users, transfers, errors, jobs, stacks, shared, sso
	Unread map[string]string `json:"unread,omitempty"`

	UserID     string     `json:"user_id,omitempty"` // tokenInfo's _userId: the account's identity
	UserCount  int        `json:"user_count"`
	Target     *User      `json:"target,omitempty"` // nil: not listed
	Owner      *User      `json:"owner,omitempty"`  // the recorded owner if listed, which means they own it no longer
	Admins     []User     `json:"admins,omitempty"` // enabled, accepted administrators
	Transfers  []Transfer `json:"transfers,omitempty"`
	Errors     []Count    `json:"errors,omitempty"` // open errors per integration, those with none left out
	Jobs       int        `json:"jobs"`             // running or queued
	StackGaps  []string   `json:"stack_gaps,omitempty"`
	Shared     []Resource `json:"shared,omitempty"`
	SSOEnabled bool       `json:"sso_enabled,omitempty"`
}

// Mark is a short form of everything in the reading that a check looks at.
func (r *Reading) Mark() string {
	if r == nil {
		return Absent
	}
	c := *r
	c.At = time.Time{}
	if c.Target != nil {
		t := *c.Target
		t.LastHere, t.LastAny = time.Time{}, time.Time{}
		c.Target = &t
	}
	c.Owner, c.Admins = nil, nil
	raw, err := json.Marshal(struct {
		Reading
		Admins int
	}{c, len(r.Admins)})
	if err != nil {
		panic("workflows: a reading cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// Parts of a reading that can be missing.
const (
	PartUsers     = "users"
	PartTransfers = "transfers"
	PartErrors    = "errors"
	PartJobs      = "jobs"
	PartStacks    = "stacks"
	PartShared    = "shared"
	PartSSO       = "sso"
)

// Count is a number of things under a name.
type Count struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	N    int    `json:"n"`
}

// Resource is an integration or connection that is shared with others and may have to be switched off for a transfer.
type Resource struct {
	Kind string `json:"kind"` // integration, connection
	ID   string `json:"id"`
	Name string `json:"name"`
	On   bool   `json:"on"`
}

// SameEmail compares addresses the way integrator.io does: upper and lower case alike.
func SameEmail(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
