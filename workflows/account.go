package workflows

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/keyholder/keyholder/approvals"
)

// AccountState is the record of an account: who owns it as far as Keyholder knows, and which workflows hold its locks.
type AccountState struct {
	ID string `json:"id"`
	// Owner is the owner's address; Since and By say from when and which decision made it so (a
	// workflow's ID; "configuration" at first start).
	Owner string    `json:"owner"`
	Since time.Time `json:"since,omitzero"`
	By    string    `json:"by,omitempty"`
	// Previous is the owner before, if Keyholder saw the change.
	Previous string `json:"previous,omitempty"`
	// Locks maps a lock's name (as "transfer") to the workflow that holds it.
	Locks map[string]string `json:"locks,omitempty"`
	// Reviews are the campaigns of the account, oldest first, at most [MaxReviews].
	Reviews []ReviewSummary `json:"reviews,omitempty"`
	// Given holds the accesses that decisions explain, by [GivenKey].
	Given map[string]Given `json:"given,omitempty"`
	// Governance holds the rules as they were recorded last ([GovernanceChange]).
	Governance json.RawMessage `json:"governance,omitempty"`
	// Key is what is known of the owner's sign-in: who proved what, uses, drills.
	Key KeyRecord `json:"key,omitzero"`
}

// LockTransfer is the lock of the one open transfer of an account.
const LockTransfer = "transfer"

// What is open about one access, as locks whose names go on with its [GivenKey]. A review shows them.
const (
	OpenFinding = "finding/" // a difference that nobody has decided upon yet, held by the finding
	OpenRemoval = "removal/" // a removal that was asked for and is not over, held by the request
)

// Types of events of an account's record.
const (
	AccountSeen  = "account.seen"  // first start: body AccountState with Owner
	OwnerChanged = "owner.changed" // body OwnerChange
	LockTaken    = "lock.taken"    // body Lock
	LockReleased = "lock.released" // body Lock
)

// OwnerChange is the body of [OwnerChanged]. How is acted, verified or attested.
type OwnerChange struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Workflow string `json:"workflow"`
	How      string `json:"how"`
}

// Lock is the body of [LockTaken] and [LockReleased].
type Lock struct {
	Name     string `json:"name"`
	Workflow string `json:"workflow"`
}

// How a step came about.
const (
	Acted    = "acted"    // Keyholder did it through the API
	Verified = "verified" // a person did it and Keyholder saw it by reading
	Attested = "attested" // a person says so
)

// ApplyAccount folds one event into an account's record.
func ApplyAccount(a AccountState, e Event) (AccountState, error) {
	a.Locks = maps.Clone(a.Locks)
	switch e.Type {
	case AccountSeen:
		var b AccountState
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return a, fmt.Errorf("decode %s: %w", e.Type, err)
		}
		a.ID, a.Owner, a.Since, a.By = b.ID, b.Owner, e.At, b.By
	case OwnerChanged:
		var b OwnerChange
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return a, fmt.Errorf("decode %s: %w", e.Type, err)
		}
		a.Previous, a.Owner, a.Since, a.By = b.From, b.To, e.At, b.Workflow
	case LockTaken, LockReleased:
		var b Lock
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return a, fmt.Errorf("decode %s: %w", e.Type, err)
		}
		if e.Type == LockReleased {
			delete(a.Locks, b.Name)
			break
		}
		if a.Locks == nil {
			a.Locks = map[string]string{}
		}
		a.Locks[b.Name] = b.Workflow
	case AccessGiven:
		var b GivenChange
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return a, fmt.Errorf("decode %s: %w", e.Type, err)
		}
		a.Given = maps.Clone(a.Given)
		if a.Given == nil {
			a.Given = map[string]Given{}
		}
		a.Given[b.Key] = a.Given[b.Key].With(b)
	case GovernanceSeen, GovernanceChanged:
		return applyGovernance(a, e)
	case KeyProved, KeyExpects, KeyUsed, DrillBegan, DrillEnded:
		return applyKey(a, e)
	case Erasure:
	case ReviewMoved:
		var b ReviewSummary
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return a, fmt.Errorf("decode %s: %w", e.Type, err)
		}
		a.Reviews = withReview(a.Reviews, b)
	default:
		return a, fmt.Errorf("apply %q: %w", e.Type, ErrUnknownEvent)
	}
	return a, nil
}

// Types of events of an account's record about its rules: who may approve, hold, administer and
// review, the quorums and thresholds.
const (
	// the rules were read for the first time: body GovernanceChange without Old
	GovernanceSeen    = "governance.seen"
	GovernanceChanged = "governance.changed" // body GovernanceChange
)

// GovernanceChange is the body of [GovernanceSeen] and [GovernanceChanged]. Old and New are the
// rules as JSON objects, the same bytes for the same rules.
type GovernanceChange struct {
	Old json.RawMessage `json:"old,omitempty"`
	New json.RawMessage `json:"new"`
	// File is the SHA-256 of the configuration file's bytes, in lower-case hexadecimal.
	File string `json:"file"`
	// Differs names the rules that differ, in words.
	Differs []string `json:"differs,omitempty"`
}

// applyGovernance folds the account's own events about rules. While nothing but the configuration
// has ever named the owner, a correction there is taken over; once a change of owner was seen, the
// record knows better.
func applyGovernance(a AccountState, e Event) (AccountState, error) {
	var b GovernanceChange
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return a, fmt.Errorf("decode %s: %w", e.Type, err)
	}
	before, _ := ownerIn(b.Old)
	after, named := ownerIn(b.New)
	if named && e.Type == GovernanceChanged && before != after && a.By == ByConfiguration {
		a.Owner, a.Since = after, e.At
	}
	a.Governance = b.New
	return a, nil
}

// ownerIn is the owner that rules name; ok false: they name none.
func ownerIn(rules json.RawMessage) (owner string, ok bool) {
	var b struct {
		Owner *string `json:"owner"`
	}
	if json.Unmarshal(rules, &b) != nil || b.Owner == nil {
		return "", false
	}
	return *b.Owner, true
}

// ByConfiguration is the decision behind an owner that only the file names.
const ByConfiguration = "configuration"

// PersonState is the record of a person: the delegation they gave. A person has at most one; a new one replaces it.
type PersonState struct {
	ID         string                `json:"id"`
	Delegation *approvals.Delegation `json:"delegation,omitempty"`
}

// Types of events of a person's record.
const (
	Delegated       = "person.delegated"   // body approvals.Delegation
	DelegationEnded = "person.undelegated" // body {}
)

// MaxDelegation is how long a delegation may last; one without an end lasts as long.
const MaxDelegation = 90 * 24 * time.Hour

// ApplyPerson folds one event into a person's record.
func ApplyPerson(p PersonState, e Event) (PersonState, error) {
	switch e.Type {
	case Delegated:
		var d approvals.Delegation
		if err := json.Unmarshal(e.Body, &d); err != nil {
			return p, fmt.Errorf("decode %s: %w", e.Type, err)
		}
		p.ID, p.Delegation = d.From, &d
	case Erasure:
	case DelegationEnded:
		p.Delegation = nil
	default:
		return p, fmt.Errorf("apply %q: %w", e.Type, ErrUnknownEvent)
	}
	return p, nil
}
