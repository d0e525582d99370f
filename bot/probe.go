package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slackapi"
)

// Scope is one scope of the bot token and what is lost without it.
type Scope struct {
	Name   string
	Needed bool // without it Keyholder cannot work; otherwise it works with the loss
	Lost   string
}

// Scopes lists the scopes Keyholder makes use of, needed ones first.
var Scopes = []Scope{
	{"commands", true, "the slash command"},
	{"chat:write", true, "every card and answer"},
	{"im:write", true, "direct messages to people who never wrote to Keyholder"},
	{"users:read", true, "knowing who may decide: guests, bots and deactivated people could not be told apart"},
	{"users:read.email", false, "recognising the present owner and others by their e-mail"},
	{"usergroups:read", false, "user groups as holders, approvers or administrators"},
	{"channels:read", false, "checking that the bot is a member of public channels"},
	{"groups:read", false, "checking that the bot is a member of private channels"},
	{"files:read", false,
		"taking the list of users of an account without a token from a file in Slack; it is imported on the command line instead; and noticing at once that a published canvas was edited or deleted by hand"},
	{"canvases:write", false, "keeping published documentation as a canvas of its channel; it is one message instead"},
	{"files:write", false,
		"sending the files of a review in Slack; they are exported on the command line instead; and the QR picture of an authenticator app, whose key is typed instead"},
	{"im:history", false, "finding a card in a direct message after an unclear answer: it may then appear twice"},
	{"channels:history", false, "the same in public channels"},
	{"groups:history", false, "the same in private channels"},
}

// Probe is what the Slack side of `check` found.
type Probe struct {
	Team, TeamID, Enterprise string
	BotUser, URL             string
	// Scopes are those granted; nil when Slack did not say. Missing are the scopes of [Scopes] that are not granted.
	Scopes  []string
	Missing []Scope
	// AppToken is what is wrong with the app-level token, "" when a connection could be opened.
	AppToken string
	// Connections are those that others have for this app just now, by Slack's count; -1 when Slack did not say.
	Connections int
	Channels    []ProbedChannel
}

// ProbedChannel is a channel that notices go to. Fault says what is wrong, Advice what may hurt
// although it works, each with what to do; "" for nothing.
type ProbedChannel struct {
	ID, Name      string
	Member        bool
	Fault, Advice string
}

// LookAt looks at the app without starting it: tokens, scopes and the bot's membership of the
// channels given. The error is a [*FatalError] for a bad bot token, or Slack being away; everything
// else stands in the answer.
func LookAt(ctx context.Context, api *slackapi.Client, channels ...string) (Probe, error) {
	me, err := api.Introduce(ctx)
	if err != nil {
		if f := fatal(api, err); f != nil {
			return Probe{}, f
		}
		return Probe{}, errors.New(slackapi.Clean(err))
	}
	p := Probe{Team: me.TeamName, TeamID: me.Team, Enterprise: me.Enterprise, BotUser: me.User, URL: me.URL}
	if me.Scopes != "" {
		for s := range strings.SplitSeq(me.Scopes, ",") {
			p.Scopes = append(p.Scopes, strings.TrimSpace(s))
		}
		for _, s := range Scopes {
			if !slices.Contains(p.Scopes, s.Name) {
				p.Missing = append(p.Missing, s)
			}
		}
	}
	p.AppToken, p.Connections = probeAppToken(ctx, api)
	slices.Sort(channels)
	for _, id := range slices.Compact(channels) {
		p.Channels = append(p.Channels, probeChannel(ctx, api, id))
	}
	return p, nil
}

// probeAppToken opens a connection as far as Slack's hello, which counts all that the app has, and
// ends it. Slack could send it a click in between; that person sees that it failed, and clicks
// again.
func probeAppToken(ctx context.Context, api *slackapi.Client) (fault string, others int) {
	ctx, cancel := context.WithTimeout(ctx, slackapi.CallTimeout)
	defer cancel()
	_, address, err := api.StartSocketModeContext(ctx)
	if f := fatal(api, err); f != nil {
		if f.Code == "invalid_auth" || f.Code == "not_authed" || f.Code == "token_revoked" {
			return inTheirNames(api, "Slack does not accept APP_TOKEN ("+f.Code+"). "+freshAppToken), -1
		}
		return f.Error(), -1
	}
	if err != nil {
		return "The app-level token could not be tried: " + slackapi.Clean(err) + ". Run check again in a minute.", -1
	}
	if address == "" {
		return "Slack gave no address for the connection. Switch Socket Mode on in the app's settings, then run check again.", -1
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: slackapi.CallTimeout}
	conn, resp, err := dialer.DialContext(ctx, address, nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return "", -1 // the token is good; how many there are stays open
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetReadDeadline(deadline)
	}
	var hello struct {
		Type        string `json:"type"`
		Connections int    `json:"num_connections"`
	}
	if conn.ReadJSON(&hello) != nil || hello.Type != "hello" || hello.Connections < 1 {
		return "", -1
	}
	return "", hello.Connections - 1
}

func probeChannel(ctx context.Context, api *slackapi.Client, id string) ProbedChannel {
	ctx, cancel := context.WithTimeout(ctx, slackapi.CallTimeout)
	defer cancel()
	c := ProbedChannel{ID: id}
	info, err := api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
	switch slackapi.Code(err) {
	case "":
	case "channel_not_found":
		c.Fault = "Slack does not show this channel to the bot. Check the ID; for a private channel, invite the bot there."
		return c
	case "missing_scope":
		c.Fault = "The bot's membership cannot be checked: a scope is missing (channels:read, groups:read)."
		return c
	default:
		c.Fault = "Slack refuses to show this channel (" + slackapi.Code(err) + "). Check the ID."
		return c
	}
	if err != nil {
		c.Fault = "The channel could not be looked at: " + slackapi.Clean(err) + ". Run check again in a minute."
		return c
	}
	c.Name, c.Member = info.Name, info.IsMember
	switch {
	case info.IsArchived:
		c.Fault = "The channel is archived. Choose another one."
	case !info.IsMember && !info.IsIM:
		c.Fault = "The bot is not a member. Write /invite @keyholder there."
	}
	if info.IsExtShared || info.IsShared && !info.IsOrgShared {
		c.Advice = "It is shared with another workspace, whose people read every notice: who asks for what, who decided, and what an account lacks. " +
			"Use a channel of this workspace alone."
	}
	return c
}

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
