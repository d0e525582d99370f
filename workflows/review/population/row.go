package population

import (
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/lists"
)

// Kinds of rows.
const (
	KindUser = "user"
	// who owns the account, whom integrator.io's list leaves out; a shared mailbox that owns it is one, too
	KindOwner = "owner"
	KindAlias = "alias" // a shared mailbox that may own the account, and does not
)

// RoleOwner is the role of the owner's row, beside those of package workflows.
const RoleOwner = lists.RoleOwner

// Flags of a row, part of the contract of the exported files.
const (
	FlagNeverSignedIn = "never_signed_in"
	FlagInactive      = "inactive"
	FlagPending       = "pending"
	FlagDisabled      = "disabled"
	FlagNoMFAOrSSO    = "no_mfa_or_sso"
	FlagForeignDomain = "foreign_domain"
	FlagUnexplained   = "unexplained"     // a difference that no decision explains is open
	FlagRemovalAsked  = "removal_asked"   // a removal was asked for, and is not over
	FlagAllMCP        = "all_mcp_servers" // may use every MCP server of the account
	FlagNoAnswer      = "no_answer"       // nobody decided it in time
)

// FlagWider is shown to reviewers, and exported only with review.json: the role is wider than what
// the person was seen to use or was decided.
const FlagWider = "wider_than_needed"

// Row is one thing to decide on, as it was when the population was frozen.
type Row struct {
	N           int    `json:"n"` // within its packet, from 1
	Kind        string `json:"kind"`
	Environment string `json:"environment,omitempty"` // "" is production
	Email       string `json:"email"`                 // lower case
	// Was is the address under which the record knows this user, where they have another by now.
	Was  string `json:"was,omitempty"`
	Name string `json:"name,omitempty"`
	Role string `json:"role"` // RoleOwner or one of workflows' roles
	// Manage and Monitor are the integrations of a custom role; Names their names as far as they could be read.
	Manage  []string          `json:"manage,omitempty"`
	Monitor []string          `json:"monitor,omitempty"`
	Names   map[string]string `json:"names,omitempty"`
	// MCP are the MCP servers that the user may use, each with what may be done there; with all of them it is
	// [FlagAllMCP].
	MCP []string `json:"mcp,omitempty"`

	// accepted, pending, dismissed; empty for an owner or alias that is no user
	Status    string    `json:"status,omitempty"`
	Disabled  bool      `json:"disabled,omitempty"`
	MFA       bool      `json:"mfa,omitempty"` // required
	SSO       bool      `json:"sso,omitempty"` // required
	SSOLinked string    `json:"sso_linked,omitempty"`
	Unknown   []string  `json:"unknown,omitempty"` // what the list did not say: UnreadMFA, UnreadSSO
	LastHere  time.Time `json:"last_here,omitzero"`
	LastAny   time.Time `json:"last_any,omitzero"`
	Since     time.Time `json:"since,omitzero"`
	Via       string    `json:"via,omitempty"`        // createdVia
	InvitedBy string    `json:"invited_by,omitempty"` // the address of whoever gave the access, by the audit log
	Decision  string    `json:"decision,omitempty"`   // the workflow that gave it
	Until     time.Time `json:"until,omitzero"`       // the end of a time-box
	Finding   string    `json:"finding,omitempty"`    // the workflow of [FlagUnexplained]
	Asked     string    `json:"asked,omitempty"`      // the workflow of [FlagRemovalAsked]
	ID        string    `json:"id,omitempty"`         // of the access at integrator.io
	// (*workflows.User).Mark, what a remedy must still find; empty when it is no user
	Mark string `json:"mark,omitempty"`

	Token *Token `json:"token,omitempty"` // of [KindToken]

	Flags      []string `json:"flags,omitempty"`
	Privileged bool     `json:"privileged,omitempty"` // owner, alias, administrator, token with full access
	// Proposal is the next narrower role that may do, for a decision to change; empty: none.
	Proposal string `json:"proposal,omitempty"`
	// Exception says why the reviewer decides on this row although it concerns them; empty: it does
	// not. Only keep with a reason counts then.
	Exception string `json:"exception,omitempty"`

	// Of owners and aliases: who can read the mailbox and who can sign in with it, by Slack ID, and
	// what the mail system says.
	Holders    []string `json:"holders,omitempty"`
	Custodians []string `json:"custodians,omitempty"`
	Delegates  []string `json:"delegates,omitempty"` // addresses
	Vault      string   `json:"vault,omitempty"`
	// Proofs are the last ones of each part of the sign-in and each person, as drills and transfers gave them.
	Proofs []workflows.Proof `json:"proofs,omitempty"`
	// Differences between holders and delegates, in words; Attested is who says that delegates and holders agree.
	Differences []string `json:"differences,omitempty"`
	Attested    string   `json:"attested,omitempty"`
}

// Plain reports whether no reason is needed to keep the row: neither privileged nor flagged with what asks for one.
func (r Row) Plain() bool { return !r.Privileged && !AsksReason(r.Flags) && r.Exception == "" }

// Together reports whether the row may be kept together with others, unseen: as [Row.Plain], and
// without any flag at all.
func (r Row) Together() bool { return r.Plain() && len(r.Flags) == 0 }

// Master reports whether it is the owner's row or an alias's, decided as keep or change only.
func (r Row) Master() bool { return r.Kind == KindOwner || r.Kind == KindAlias }

// Access is what the row's user may do.
func (r Row) Access() workflows.Access {
	return workflows.Access{Role: r.Role, Manage: r.Manage, Monitor: r.Monitor}
}

// EnvironmentName is the environment's name for people and files.
func (r Row) EnvironmentName() string {
	if r.Environment == "" {
		return workflows.Production
	}
	return r.Environment
}

// Decisions on a row, part of the contract.
const (
	Keep     = "keep"
	Change   = "change"
	Remove   = "remove"
	NoAnswer = "no_answer"
)

// Verdict is what was decided on a row. Its zero value is an open row.
type Verdict struct {
	Decision string    `json:"decision,omitempty"`
	Role     string    `json:"role,omitempty"` // for Change; empty for owner and alias, whose change is a transfer
	Reason   string    `json:"reason,omitempty"`
	By       string    `json:"by,omitempty"` // Slack ID
	At       time.Time `json:"at,omitzero"`
	Seq      int       `json:"seq,omitempty"`  // the number of the edit that decided it
	Bulk     bool      `json:"bulk,omitempty"` // kept together with others
}

// Lacks says what a decided row still needs before it can be signed: "", "decision", "reason" or "role".
func (r Row) Lacks(v Verdict) string {
	switch {
	case v.Decision == "":
		return "decision"
	case v.Decision == Keep && !r.Plain() && v.Reason == "":
		return "reason"
	case v.Decision == Change && r.HasRole() && v.Role == "":
		return "role"
	}
	return ""
}

// States of a remedy, part of the contract.
const (
	FixPending  = "pending"
	FixDone     = "done"
	FixVerified = "verified"
	FixFailed   = "failed"
)

// Actions of a remedy. A transfer is for people to request; nothing is opened by itself.
const (
	FixRemove   = "remove"
	FixChange   = "change"
	FixTransfer = "transfer"
)

// Fix is what follows from a verdict of change or remove.
type Fix struct {
	Row    int       `json:"row"`
	Action string    `json:"action"`
	Access string    `json:"access,omitempty"` // the access workflow
	How    string    `json:"how,omitempty"`    // acted, attested
	State  string    `json:"state"`
	Before string    `json:"before,omitempty"`
	After  string    `json:"after,omitempty"`
	Why    string    `json:"why,omitempty"` // of a failure
	Due    time.Time `json:"due"`
	At     time.Time `json:"at,omitzero"` // when it was done
	// Verified says who saw or confirmed it, besides the one who says it was done: a Slack ID, or
	// the ID of a later reading.
	Verified string `json:"verified,omitempty"`
	Tries    int    `json:"tries,omitempty"` // how often it was begun again
	Who      string `json:"who,omitempty"`   // who says that it is done, when that is only a word
}

// bars reports whether a row is a person's own. How rows are shared out already sees to that; but
// an address may become known, or change, later.
func (r Row) Bars(who approvals.Identity) bool { return r.Exception == "" && r.About(who) }

// about reports whether a row is about somebody, by any address that was ever seen to be theirs.
func (r Row) About(who approvals.Identity) bool {
	return who.Same(approvals.Identity{Emails: []string{r.Email}})
}

// hasRole reports whether a role can be chosen for a row: the owner has none, and neither has a
// mailbox that is no user.
func (r Row) HasRole() bool { return r.Kind == KindUser || r.Kind == KindAlias && r.Status != "" }
