package bot

import (
	"context"
	"errors"
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
	{"files:write", false, "sending the files of a review in Slack; they are exported on the command line instead"},
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
