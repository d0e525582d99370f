package bot

import (
	"fmt"
	"strings"

	"github.com/keyholder/keyholder/bot/slackapi"
)

// FatalError ends Run: trying again cannot help, somebody has to repair the app or its tokens.
type FatalError struct {
	Code   string // Slack's own, as "missing_scope"
	Advice string // what to do, one or two sentences
}

// Error returns the sentence for the log and the terminal.
func (e *FatalError) Error() string {
	return fmt.Sprintf("Slack refuses the app (%s). %s", e.Code, e.Advice)
}

// freshAppToken and fatalAdvice say APP_TOKEN and BOT_TOKEN where [inTheirNames] puts what the
// configuration calls them.
const freshAppToken = "Make a new app-level token with the scope connections:write (api.slack.com/apps, Basic Information, App-Level Tokens) and set APP_TOKEN."

// fatalAdvice says what to do about each answer of apps.connections.open and auth.test that no retry can mend.
var fatalAdvice = map[string]string{
	"invalid_auth":              "The token is wrong. Copy APP_TOKEN and BOT_TOKEN again from api.slack.com/apps.",
	"not_authed":                "No token arrived. Set APP_TOKEN and BOT_TOKEN.",
	"token_revoked":             "The token was revoked. Install the app again and copy both tokens from api.slack.com/apps.",
	"token_expired":             "The token has expired. Switch token rotation off in the app's settings, install the app again and copy both tokens.",
	"account_inactive":          "The app was uninstalled, or its workspace or bot user is switched off. Install it again and copy both tokens.",
	"missing_scope":             "The token lacks a scope. " + freshAppToken,
	"not_allowed_token_type":    "The token is of the wrong kind: APP_TOKEN begins with xapp-, BOT_TOKEN with xoxb-.",
	"forbidden_team":            "The app may not connect from this workspace. Ask a workspace administrator to approve the app, then start again.",
	"no_permission":             "The app may not do this in this workspace. Ask a workspace administrator to approve the app, then start again.",
	"org_login_required":        "The workspace is being moved to another organisation. Start again when that is done.",
	"ekm_access_denied":         "The organisation's key management has suspended access. Ask its administrator, then start again.",
	"access_denied":             "Slack denies access for this app. Ask a workspace administrator to approve it, then start again.",
	"two_factor_setup_required": "The workspace requires two-factor authentication to be set up first. Do that for the app's owner, then start again.",
	"enterprise_is_restricted":  "The organisation restricts this app. Ask its administrator to approve it, then start again.",
}

// inTheirNames puts the names of the variables with the tokens, which each workspace of one process has of its own.
func inTheirNames(api *slackapi.Client, advice string) string {
	app, bot := api.TokenNames()
	return strings.NewReplacer("APP_TOKEN", app, "BOT_TOKEN", bot).Replace(advice)
}

// fatal answers the fatal error behind err, nil when trying again can help.
func fatal(api *slackapi.Client, err error) *FatalError {
	code := slackapi.Code(err)
	if advice, ok := fatalAdvice[code]; ok {
		return &FatalError{Code: code, Advice: inTheirNames(api, advice)}
	}
	return nil
}
