package workflows

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/keyholder/keyholder/approvals"
)

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
	case DelegationEnded:
		p.Delegation = nil
	default:
		return p, fmt.Errorf("apply %q: %w", e.Type, ErrUnknownEvent)
	}
	return p, nil
}
