package workflows

import "errors"

// Sentinels between our packages. Compare with errors.Is.
var (
	// ErrConflict: a record has moved on since it was loaded, or a claim is no longer ours. Load and decide again.
	ErrConflict = errors.New("the record has changed meanwhile")
	// ErrUnclear: the store did not answer; the change may or may not be stored.
	ErrUnclear = errors.New("it is not known whether the change was stored")
	// ErrAway: the other side (store, Slack, integrator.io) cannot be reached; nothing was changed.
	ErrAway = errors.New("not reachable")
	// ErrLeaseLost: another process may have taken the claim over.
	ErrLeaseLost = errors.New("the lease ended")
	// ErrUnknownEvent: an event this program does not know, as after a downgrade.
	ErrUnknownEvent = errors.New("unknown event")
	// ErrNewer: a newer version of this program wrote it, and this one does not understand it. It
	// is left for the newer one.
	ErrNewer = errors.New("written by a newer version of Keyholder")
	// ErrStaleFacts: a fact could not be had fresh enough.
	ErrStaleFacts = errors.New("facts are too old")
	// ErrDoubted: a record is not as Keyholder stored it, and cannot be folded anew from its
	// events. Nothing is decided on it until somebody has looked.
	ErrDoubted = errors.New("the record in Redis is not what Keyholder stored: run keyholder audit verify")
	// ErrNoWorkflow: there is no workflow of that ID.
	ErrNoWorkflow = errors.New("no such workflow")
)

// Refusal is the one error whose sentence people read. Text says what was and what was not
// recorded, and what to do instead, in Slack mrkdwn.
type Refusal struct {
	// Code is stable, for logs and tests: "barred", "closed", "old_round", ...
	Code string
	Text string
	// Field is the block_id of the modal's input it belongs to, where correcting that field can help.
	Field string
	// Refresh asks that the person's card be shown again as it stands.
	Refresh bool
	// Link is a workflow whose card should be linked.
	Link string
	// Way is a button that leads to what is missing, nil for none.
	Way *Way
}

// Way is a button of a private answer, for the workflow that the command was given to.
type Way struct {
	Round  int // of the question that the button belongs to
	Button Button
}

// Error returns code and text.
func (r *Refusal) Error() string { return r.Code + ": " + r.Text }

// Refuse makes a refusal.
func Refuse(code, text string) *Refusal { return &Refusal{Code: code, Text: text} }

// RefuseField refuses what stands in one field of a form.
func RefuseField(field, code, text string) *Refusal {
	return &Refusal{Code: code, Text: text, Field: field}
}

// Codes with which a call at integrator.io is refused for good; machines have a remedy for each.
const (
	RefusedMultipleOrgs = "multiple_organizations" // the target is a user of another account as well
	RefusedPending      = "already_pending"        // another account transfer has not been deleted
	RefusedDisabled     = "user_disabled"          // the target's access is switched off
	RefusedNotUser      = "not_a_user"             // the target is no accepted user
	RefusedNoSeats      = "entitlement_reached"    // the user limit is reached
	RefusedForbidden    = "forbidden"              // 403: the token may not
	RefusedUnauthorized = "unauthorized"           // 401: the token is wrong, revoked or expired
	RefusedAlreadyUser  = "already_user"           // 409: has access already
	RefusedChanged      = "changed"                // the access is no longer the one expected
	RefusedNoToken      = "no_token"               // no token is configured
	RefusedOther        = "other"                  // anything else with 4xx; Message holds the words
	FailedDeadline      = "deadline"               // tried until the deadline
)

// CallRefusals lists every code a receipt may carry, for tests that walk them.
var CallRefusals = []string{RefusedMultipleOrgs, RefusedPending, RefusedDisabled, RefusedNotUser, RefusedNoSeats,
	RefusedForbidden,
	RefusedUnauthorized, RefusedAlreadyUser, RefusedChanged, RefusedNoToken, RefusedOther, FailedDeadline}
