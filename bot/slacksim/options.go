package slacksim

import (
	"net/http"
	"time"
)

// SlashCommand is one command of the app, as its manifest declares it.
type SlashCommand struct {
	Command      string `json:"command"` // with the slash, at most 32 characters
	Description  string `json:"description"`
	UsageHint    string `json:"usage_hint"`
	ShouldEscape bool   `json:"should_escape"` // mentions arrive as <@U...> and <#C...>
}

// Options describes the workspace, the app and how strict the service is. The zero value is a working workspace
// without people, channels and commands.
type Options struct {
	// Seed makes ids, the choice of connection and random faults repeatable.
	Seed uint64
	// Faults is a profile of random misbehaviour; rules can be added later with InjectFault.
	Faults Faults
	// Now gives message timestamps, event times and the time at which scheduled messages are due. Default time.Now.
	// Everything the protocol limits (acks, triggers, pings, response_url, rate limits) uses real time.
	Now func() time.Time

	TeamID, TeamName, Domain string // default T0ACME, Acme, acme
	AppID, BotUserID, BotID  string // default A0BOTAPP, U0BOT, B0BOT
	BotName                  string // default bot
	AppToken, BotToken       string // default xapp-sim and xoxb-sim
	Commands                 []SlashCommand
	// Events the app subscribed to, by the names that a manifest has; default app_home_opened. Sent
	// are those of messages (message.im, message.mpim, message.channels, message.groups,
	// app_mention), of people (user_change, user_status_changed, user_profile_changed), of files
	// and canvases (file_shared, file_change, file_deleted), of reactions and pins (reaction_added
	// and _removed, pin_added and _removed), and of channels (member_joined_channel,
	// member_left_channel, channel_created, and channel_ or group_ with left, rename, archive,
	// unarchive).
	Events []string
	// Scopes granted to the bot token. Empty: all.
	Scopes []string
	// RateLimits switches the limits of section "Rate limits" of Slack's documentation on: a tier per method and one
	// message per second and channel, with bursts.
	RateLimits bool
	// RateWindow is the minute in which the tiers count; default 1 min. MessageEvery is how often
	// one channel takes a message once MessageBurst of them came at once; default 1 s and 5.
	// Retry-After is told in whole seconds all the same.
	RateWindow, MessageEvery time.Duration
	MessageBurst             int
	// HomeTabDisabled makes views.publish answer not_enabled.
	HomeTabDisabled bool

	AckTimeout   time.Duration    // default 3 s
	TriggerLife  time.Duration    // default 3 s
	ResponseLife time.Duration    // of a response_url; default 30 min
	PingEvery    time.Duration    // default 5 s; the first ping comes with hello. Slack's own is about 10 s
	RetryDelays  [3]time.Duration // of unacknowledged events; default 0 s, 1 min, 5 min
	// after which a connection is refreshed; default 1 h, 360 s with debug_reconnects=true
	ConnectionTime time.Duration
	WarningBefore  time.Duration // how long before a refresh the warning comes; default 10 s
	CloseAfter     time.Duration // how long after a disconnect frame the close handshake begins; default 5 s
	// how long TCP stays open after the close handshake for the client to close; default 30 s
	Linger time.Duration

	// PanelURL, when set, is shown by the page in a frame beside the conversation, titled
	// PanelTitle. Panel, when set, is served under /_panel/ on the same host (the prefix is
	// stripped) and is then the default PanelURL.
	PanelURL, PanelTitle string
	Panel                http.Handler
}

func (o Options) withDefaults() Options {
	text := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	text(&o.TeamID, "T0ACME")
	text(&o.TeamName, "Acme")
	text(&o.Domain, "acme")
	text(&o.AppID, "A0BOTAPP")
	text(&o.BotUserID, "U0BOT")
	text(&o.BotID, "B0BOT")
	text(&o.BotName, "bot")
	text(&o.AppToken, "xapp-sim")
	text(&o.BotToken, "xoxb-sim")
	if o.Panel != nil {
		text(&o.PanelURL, "/_panel/")
	}
	text(&o.PanelTitle, "Panel")
	span := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	span(&o.AckTimeout, 3*time.Second)
	span(&o.TriggerLife, 3*time.Second)
	span(&o.ResponseLife, responseLife)
	span(&o.PingEvery, 5*time.Second)
	span(&o.RateWindow, time.Minute)
	span(&o.MessageEvery, time.Second)
	if o.MessageBurst <= 0 {
		o.MessageBurst = messageBurst
	}
	span(&o.ConnectionTime, time.Hour)
	span(&o.WarningBefore, 10*time.Second)
	span(&o.CloseAfter, 5*time.Second)
	span(&o.Linger, lingerAfterClose)
	if o.RetryDelays == ([3]time.Duration{}) {
		o.RetryDelays = [3]time.Duration{0, time.Minute, 5 * time.Minute}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Events == nil {
		o.Events = []string{"app_home_opened"}
	}
	return o
}
