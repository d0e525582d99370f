package bot

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/slack-go/slack"
)

// failure says what to do about an error of the Web API.
type failure int

const (
	failAway    failure = iota // no answer, 5xx, Slack's own trouble: it may or may not have happened
	failLimited                // 429 in either form, or a message flood
	failToken                  // our token or its scopes; the operator can repair it
	failRefused                // Slack said no to this very call
)

// slackAway are API errors that mean "later". Source: common errors of every method.
var slackAway = map[string]bool{
	"internal_error": true, "fatal_error": true, "service_unavailable": true, "request_timeout": true, "team_added_to_org": true,
	"external_channel_migrating": true, "update_failed": true, "streaming_state_conflict": true, "accesslimited": true,
}

// slackToken are API errors of our token, not of the call. Source: common errors of every method.
var slackToken = map[string]bool{
	"not_authed": true, "invalid_auth": true, "account_inactive": true, "token_revoked": true, "token_expired": true, "missing_scope": true,
	"not_allowed_token_type": true, "no_permission": true, "org_login_required": true, "ekm_access_denied": true, "access_denied": true,
	"two_factor_setup_required": true, "enterprise_is_restricted": true, "forbidden_team": true, "app_access_restricted": true,
}

// limitedFor is how long to wait when a 429 names no time.
const limitedFor = 5 * time.Second

// judge classifies an error of the Web API; code is Slack's own, empty when there was none.
func judge(err error) (kind failure, code string, after time.Duration) {
	if rl, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return failLimited, "ratelimited", max(rl.RetryAfter, time.Second)
	}
	if sc, ok := errors.AsType[slack.StatusCodeError](err); ok {
		if sc.Code == http.StatusTooManyRequests {
			return failLimited, "ratelimited", limitedFor
		}
		return failAway, "", 0
	}
	api, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok {
		return failAway, "", 0
	}
	switch {
	case api.Err == "ratelimited" || api.Err == "rate_limited":
		return failLimited, api.Err, limitedFor
	case slackAway[api.Err]:
		return failAway, api.Err, 0
	case slackToken[api.Err]:
		return failToken, api.Err, 0
	}
	return failRefused, api.Err, 0
}

// slackCode is Slack's own word for an error, empty when there is none.
func slackCode(err error) string {
	_, code, _ := judge(err)
	return code
}

// pause waits, unless the context ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// isNotFound reports whether the method itself does not exist there, as on a small simulator.
func isNotFound(err error) bool {
	sc, ok := errors.AsType[slack.StatusCodeError](err)
	return ok && (sc.Code == http.StatusNotFound || sc.Code == http.StatusNotImplemented)
}
