package bot

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/slack-go/slack"
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
	{"files:read", false, "taking the list of users of an account without a token from a file in Slack; it is imported on the command line instead"},
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
	Channels []ProbedChannel
}

// ProbedChannel is a channel that notices go to. Fault says what is wrong and what to do; "" for nothing.
type ProbedChannel struct {
	ID, Name string
	Member   bool
	Fault    string
}

// Probe looks at the app without starting it: tokens, scopes and the bot's membership of the channels given, besides those of the configured
// accounts. The error is a [*FatalError] for a bad bot token, or Slack being away; everything else stands in the answer.
func (b *Bot) Probe(ctx context.Context, channels ...string) (Probe, error) {
	me, err := b.authTest(ctx)
	if err != nil {
		if f := fatal(err); f != nil {
			return Probe{}, f
		}
		return Probe{}, errors.New(clean(err))
	}
	p := Probe{Team: me.teamName, TeamID: me.team, Enterprise: me.enterprise, BotUser: me.user, URL: me.url}
	if me.scopes != "" {
		for s := range strings.SplitSeq(me.scopes, ",") {
			p.Scopes = append(p.Scopes, strings.TrimSpace(s))
		}
		for _, s := range Scopes {
			if !slices.Contains(p.Scopes, s.Name) {
				p.Missing = append(p.Missing, s)
			}
		}
	}
	p.AppToken = b.probeAppToken(ctx)
	for _, id := range b.channels(ctx, channels) {
		p.Channels = append(p.Channels, b.probeChannel(ctx, id))
	}
	return p, nil
}

func (b *Bot) channels(ctx context.Context, ids []string) []string {
	if b.o.Desk != nil {
		if accounts, err := b.o.Desk.Accounts(ctx); err == nil {
			for _, a := range accounts {
				ids = append(ids, a.Policy.Channel)
			}
		}
	}
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(s string) bool { return s == "" })
}

// probeAppToken opens no socket: the address that it is given is single-use and simply lapses.
func (b *Bot) probeAppToken(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, address, err := b.api.StartSocketModeContext(ctx)
	if f := fatal(err); f != nil {
		if f.Code == "invalid_auth" || f.Code == "not_authed" || f.Code == "token_revoked" {
			return "Slack does not accept SLACK_APP_TOKEN (" + f.Code + "). " + freshAppToken
		}
		return f.Error()
	}
	if err != nil {
		return "The app-level token could not be tried: " + clean(err) + ". Run check again in a minute."
	}
	if address == "" {
		return "Slack gave no address for the connection. Switch Socket Mode on in the app's settings, then run check again."
	}
	return ""
}

func (b *Bot) probeChannel(ctx context.Context, id string) ProbedChannel {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c := ProbedChannel{ID: id}
	info, err := b.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
	switch slackCode(err) {
	case "":
	case "channel_not_found":
		c.Fault = "Slack does not show this channel to the bot. Check the ID; for a private channel, invite the bot there."
		return c
	case "missing_scope":
		c.Fault = "The bot's membership cannot be checked: a scope is missing (channels:read, groups:read)."
		return c
	default:
		c.Fault = "Slack refuses to show this channel (" + slackCode(err) + "). Check the ID."
		return c
	}
	if err != nil {
		c.Fault = "The channel could not be looked at: " + clean(err) + ". Run check again in a minute."
		return c
	}
	c.Name, c.Member = info.Name, info.IsMember
	switch {
	case info.IsArchived:
		c.Fault = "The channel is archived. Choose another one."
	case !info.IsMember && !info.IsIM:
		c.Fault = "The bot is not a member. Write /invite @keyholder there."
	}
	return c
}
