package key

import (
	"cmp"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Kinds of alarms, as the webhook names them.
const (
	AlarmMisuse        = "misuse"
	AlarmUnknownSignIn = "unknown_sign_in"
	AlarmUnexplained   = "unexplained_use"
)

// Ways are the second ways of an alarm, beside Slack, that the configuration has.
type Ways struct {
	AlarmMail bool `json:"alarm_mail,omitempty"`
	AlarmHook bool `json:"alarm_hook,omitempty"`
}

func waysOf(p workflows.Policy) Ways { return Ways{p.AlarmMail, p.AlarmHook} }

// alarm is one alarm: what happened, to be told to everybody who can do something about it.
type alarm struct {
	kind, account, name, workflow string
	own                           string // the owner's address
	at                            time.Time
	text                          string // plain
	shown                         string // mrkdwn, on cards; empty: the plain text
	over                          string // mrkdwn: how it was explained later
}

// steps are what to do now, the most urgent first.
func (a alarm) steps() []string {
	return []string{
		"Sign in to integrator.io as " + a.own + " and change the password.",
		"Sign out all other sessions, and look at the second factor: who has it now?",
		"Look at the forwarding rules of the mailbox " + a.own + ".",
		"Look at users and API tokens, and take away what nobody knows.",
		"Write down what you found: it belongs to " + a.workflow + ".",
	}
}

// calls bring the alarm to the ways beside Slack.
func (a alarm) calls(w Ways, account string) []workflows.Call {
	var out []workflows.Call
	add := func(op string) {
		out = append(out, workflows.Call{Op: op, Account: account, Alarm: &workflows.Alarm{Kind: a.kind,
			Account: a.account, Name: a.name,
			Workflow: a.workflow, At: a.at, Text: a.text, Steps: a.steps()}})
	}
	if w.AlarmMail {
		add(workflows.OpAlarmMail)
	}
	if w.AlarmHook {
		add(workflows.OpAlarmHook)
	}
	return out
}

// cards tell holders, administrators and the channel. Who has a card of the workflow already gets
// the alarm in its thread, since a card that is changed calls nobody.
func (a alarm) cards(c Circle, channel string, carded []string) []workflows.Card {
	var out []workflows.Card
	for _, who := range workflows.Union(c.Lookers(), carded) {
		card := a.card(who)
		if workflows.Among(who, carded) {
			card.Under = cardMain
		}
		out = append(out, card)
	}
	if channel != "" {
		out = append(out, a.card(channel))
	}
	return out
}

func (a alarm) card(to string) workflows.Card {
	c := workflows.Card{Name: "alarm", Recipient: to, Title: "! Alarm: " + a.headline(), Note: a.workflow,
		Lines:    []string{cmp.Or(a.shown, workflows.Esc(a.text)) + " (" + workflows.When(a.at) + ")"},
		Fallback: "Alarm: " + a.headline() + " (" + a.name + ")"}
	if a.over != "" {
		c.Title = "✓ The alarm is over: " + a.headline()
		c.Lines = append(c.Lines, a.over)
		return c
	}
	for _, s := range a.steps() {
		c.Facts = append(c.Facts, workflows.Esc(s))
	}
	return c
}

func (a alarm) headline() string {
	switch a.kind {
	case AlarmMisuse:
		return "the key was misused"
	case AlarmUnexplained:
		return "a use of the key is not explained"
	}
	return "somebody signed in as the owner"
}

// utc is a time for plain texts, which nobody's Slack turns into their own.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }
