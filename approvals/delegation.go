package approvals

import "time"

// Delegation lets To decide in the seat of From in [Since, Until). A zero Until
// is open-ended, a zero Since has always begun. Delegations do not chain: To
// cannot hand the seat on.
type Delegation struct {
	From  string    `json:"from"`
	To    string    `json:"to"`
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// ActiveAt says whether the delegation holds at the given time.
func (d Delegation) ActiveAt(at time.Time) bool {
	return !at.Before(d.Since) && (d.Until.IsZero() || at.Before(d.Until))
}

// covers says whether the delegation lets `to` act in the seat of `from` at the given time.
func (d Delegation) covers(from, to string, at time.Time) bool {
	return d.From == from && d.To == to && d.ActiveAt(at)
}

// findDelegation is the first delegation that lets `to` act in the seat of
// `from`, as a copy of its own, or nil.
func findDelegation(all []Delegation, from, to string, at time.Time) *Delegation {
	for _, d := range all {
		if d.covers(from, to, at) {
			return &d
		}
	}
	return nil
}
