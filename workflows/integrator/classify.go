package integrator

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// defaultPause is the pause after a 429 that names none, as in integrator.io's documentation.
const defaultPause = 2 * time.Second

// refusedError is a no for good.
type refusedError struct{ code, message string }

func (e *refusedError) Error() string { return "refused: " + e.code }

func refuse(code, message string) error { return &refusedError{code, message} }

// againError asks for another delivery, not before after.
type againError struct {
	after time.Duration
	why   string
}

func (e *againError) Error() string { return e.why }

// answerOutcome turns what an operation answered into what the courier understands.
func answerOutcome(claim workflows.Claim, r *workflows.Receipt, err error) workflows.Outcome {
	op := ""
	if claim.Effect.Call != nil {
		op = claim.Effect.Call.Op
	}
	if err == nil {
		if r != nil {
			r.Effect, r.Op, r.OK = claim.Effect.ID, op, true
		}
		return workflows.Outcome{Done: true, Receipt: r}
	}
	var api *APIError
	var no *refusedError
	var again *againError
	switch {
	case errors.As(err, &again):
		return workflows.Outcome{Again: true, After: again.after, Err: err}
	case errors.As(err, &no):
		return refusal(claim.Effect.ID, op, no.code, no.message, err)
	case !errors.As(err, &api):
		return workflows.Outcome{Again: true, Err: err}
	case api.Status == http.StatusTooManyRequests:
		after := api.RetryAfter
		if after == 0 {
			after = defaultPause
		}
		return workflows.Outcome{Again: true, After: after, Limited: true, Err: err}
	case passing(api):
		return workflows.Outcome{Again: true, After: api.RetryAfter, Err: err}
	}
	return refusal(claim.Effect.ID, op, refusalCode(op, api), api.words(), err)
}

func refusal(effect, op, code, message string, err error) workflows.Outcome {
	return workflows.Outcome{Refused: true, Err: err,
		Receipt: &workflows.Receipt{Effect: effect, Op: op, Refused: true, Code: code, Message: message}}
}

// passing reports whether an answer says something about the moment and not about the request.
// Redirects elsewhere are among them: they come from something in between.
func passing(e *APIError) bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return e.Status < 400 || e.Status > 499
}

// isUnclear reports whether a write that failed like this may have taken effect.
func isUnclear(err error) bool {
	var api *APIError
	var away *awayError
	var unreadable *unreadableError
	switch {
	case errors.As(err, &api):
		return api.Status != http.StatusTooManyRequests && passing(api)
	case errors.As(err, &away):
		return away.sent
	}
	return errors.As(err, &unreadable)
}

// status is the status of an APIError, 0 for every other error.
func status(err error) int {
	var api *APIError
	if errors.As(err, &api) {
		return api.Status
	}
	return 0
}

// absent reports whether the resource, or the whole path, is not there.
func absent(err error) bool {
	return status(err) == http.StatusNotFound || status(err) == http.StatusMethodNotAllowed ||
		status(err) == http.StatusGone
}

// codes are those integrator.io documents (the first two) and those of our simulator: what
// integrator.io calls the refusals of an ownership transfer is not known, which is why texts are
// compared as well.
var codes = map[string]string{
	"entitlement_reached":      workflows.RefusedNoSeats,
	"subscription_required":    workflows.RefusedNoSeats,
	"multiple_organizations":   workflows.RefusedMultipleOrgs,
	"already_pending":          workflows.RefusedPending,
	"transfer_already_pending": workflows.RefusedPending,
	"user_disabled":            workflows.RefusedDisabled,
	"not_a_user":               workflows.RefusedNotUser,
	"user_not_in_account":      workflows.RefusedNotUser,
	"invitation_not_accepted":  workflows.RefusedNotUser,
}

// texts are the words integrator.io was seen to use where no code is known, normalised. Those of an
// ownership transfer count for that operation alone.
var texts = []struct{ op, text, code string }{
	{workflows.OpInviteOwner,
		"cannot transfer account ownership to selected user as he is part of multiple organizations",
		workflows.RefusedMultipleOrgs},
	{workflows.OpInviteOwner, "an account transfer is already pending", workflows.RefusedPending},
	{workflows.OpInviteOwner, "disabled", workflows.RefusedDisabled},
	{workflows.OpInviteOwner, "not a user", workflows.RefusedNotUser},
	{workflows.OpInviteOwner, "not accepted", workflows.RefusedNotUser},
	{workflows.OpInviteUser, "the user already has access to the account", workflows.RefusedAlreadyUser},
	{workflows.OpGrant, "the user already has access to the account", workflows.RefusedAlreadyUser},
}

// normal makes texts comparable: letter case, white space and the final full stop do not count.
func normal(s string) string {
	return strings.TrimRight(strings.ToLower(strings.Join(strings.Fields(s), " ")), ". ")
}

// refusalCode names a refusal: by code, else by text, else by status.
func refusalCode(op string, e *APIError) string {
	if e.Status == http.StatusUnauthorized {
		return workflows.RefusedUnauthorized
	}
	for _, f := range e.all {
		if code, ok := codes[strings.ToLower(f.code)]; ok {
			return code
		}
	}
	for _, f := range e.all {
		for _, t := range texts {
			if t.op == op && strings.Contains(normal(f.message), t.text) {
				return t.code
			}
		}
	}
	asUser := op == workflows.OpInviteUser || op == workflows.OpGrant
	inviting := op == workflows.OpInviteOwner || asUser
	switch {
	case e.Status == http.StatusForbidden:
		return workflows.RefusedForbidden
	case inviting && absent(e):
		// The interface does not offer it to tokens, which for people comes to the same: they do it on the page.
		return workflows.RefusedForbidden
	case e.Status == http.StatusConflict && op == workflows.OpInviteOwner:
		return workflows.RefusedPending
	case e.Status == http.StatusConflict && asUser:
		return workflows.RefusedAlreadyUser
	}
	return workflows.RefusedOther
}

// refusedForGood reports whether an error is a no that trying again would not change.
func refusedForGood(err error) bool {
	var api *APIError
	var no *refusedError
	return errors.As(err, &no) || (errors.As(err, &api) && !passing(api))
}

// refusedAs is the code of a refusal, "" for every other error.
func refusedAs(op string, err error) string {
	var api *APIError
	if errors.As(err, &api) && !passing(api) {
		return refusalCode(op, api)
	}
	return ""
}

// isFault reports whether an error is integrator.io's, and not the lease's or the caller's.
func isFault(err error) bool {
	var api *APIError
	var away *awayError
	var unreadable *unreadableError
	return errors.As(err, &api) || errors.As(err, &away) || errors.As(err, &unreadable)
}
