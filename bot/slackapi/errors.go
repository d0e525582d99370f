package slackapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/slack-go/slack"
)

// Failure says what to do about an error of the Web API.
type Failure int

// The kinds of failure.
const (
	Away    Failure = iota // no answer, 5xx, Slack's own trouble: it may or may not have happened
	Limited                // 429 in either form, or a message flood
	Token                  // our token or its scopes; the operator can repair it
	Refused                // Slack said no to this very call
)

// away are API errors that mean "later". Source: common errors of every method.
var away = map[string]bool{
	"internal_error": true, "fatal_error": true, "service_unavailable": true, "request_timeout": true,
	"team_added_to_org":          true,
	"external_channel_migrating": true, "update_failed": true, "streaming_state_conflict": true, "accesslimited": true,
}

// ofToken are API errors of our token, not of the call. Source: common errors of every method.
var ofToken = map[string]bool{
	"not_authed": true, "invalid_auth": true, "account_inactive": true, "token_revoked": true, "token_expired": true,
	"missing_scope":          true,
	"not_allowed_token_type": true, "no_permission": true, "org_login_required": true, "ekm_access_denied": true,
	"access_denied":             true,
	"two_factor_setup_required": true, "enterprise_is_restricted": true, "forbidden_team": true,
	"app_access_restricted": true,
}

// LimitedFor is how long to wait when a 429 names no time.
const LimitedFor = 5 * time.Second

// Judge classifies an error of the Web API; code is Slack's own, empty when there was none, and
// after how long Slack wants to be left alone. A nil error is [Away] without a code: look at the
// error first.
func Judge(err error) (kind Failure, code string, after time.Duration) {
	if rl, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return Limited, "ratelimited", max(rl.RetryAfter, time.Second)
	}
	if sc, ok := errors.AsType[slack.StatusCodeError](err); ok {
		if sc.Code == http.StatusTooManyRequests {
			return Limited, "ratelimited", LimitedFor
		}
		return Away, "", 0
	}
	api, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok {
		return Away, "", 0
	}
	switch {
	case api.Err == "ratelimited" || api.Err == "rate_limited":
		return Limited, api.Err, LimitedFor
	case away[api.Err]:
		return Away, api.Err, 0
	case ofToken[api.Err]:
		return Token, api.Err, 0
	}
	return Refused, api.Err, 0
}

// Code is Slack's own word for an error, empty when there is none.
func Code(err error) string {
	_, code, _ := Judge(err)
	return code
}

// Pause waits; it reports false when the context ended first.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// RetryLimited waits out one 429 when its time fits into what is left of ctx; any other error is the answer.
func RetryLimited[T any](ctx context.Context, look func(context.Context) (T, error)) (T, error) {
	v, err := look(ctx)
	kind, _, after := Judge(err)
	if err == nil || kind != Limited {
		return v, err
	}
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) < after+500*time.Millisecond || !Pause(ctx, after) {
		return v, err
	}
	return look(ctx)
}

// IsNotFound reports whether the method itself does not exist there, as on a small simulator.
func IsNotFound(err error) bool {
	sc, ok := errors.AsType[slack.StatusCodeError](err)
	return ok && (sc.Code == http.StatusNotFound || sc.Code == http.StatusNotImplemented)
}
