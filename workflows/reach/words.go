package reach

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// isChannel reports whether a Slack ID is a channel's.
func isChannel(id string) bool { return strings.HasPrefix(id, "C") || strings.HasPrefix(id, "G") }

// name is who or what cannot be reached.
func name(kind, to string) workflows.Text {
	switch {
	case kind == workflows.MissedLetter:
		return workflows.Phrase("the mailbox %s", to)
	case kind == workflows.MissedAlarm && to == workflows.OpAlarmMail:
		return "the mail addresses that take alarms"
	case kind == workflows.MissedAlarm:
		return "the URL that takes alarms"
	case to == workflows.Everybody:
		return "anybody by direct message"
	case isChannel(to):
		return workflows.Text("<#" + workflows.Esc(to) + ">")
	}
	return workflows.Phrase("%m", to)
}

// what is missed, by its kind.
func what(kind string) workflows.Text {
	switch kind {
	case workflows.MissedLetter:
		return "A letter could not be delivered"
	case workflows.MissedAlarm:
		return "An alarm could not be delivered by its second way"
	}
	return "Slack does not take Keyholder's message"
}

// thing is one missed thing in the story.
func thing(kind string, m Miss) workflows.Text {
	word := workflows.Text("The card")
	switch kind {
	case workflows.MissedLetter:
		word = "The letter"
	case workflows.MissedAlarm:
		word = "The alarm"
	}
	return workflows.Phrase("%s of %q (%s)", word, titled(m), m.Workflow)
}

// why says what the other side gave as its reason, within a sentence.
func why(kind, to, code string) workflows.Text {
	switch {
	case kind != workflows.MissedCard:
		if code == "" {
			return "the server did not take it"
		}
		return workflows.Phrase("the server did not take it (%s)", code)
	case code == workflows.CodeNoTab:
		return "the app takes part in no direct messages, because its Messages tab is switched off"
	case code == "is_archived" || code == "is_inactive":
		return "the channel is archived"
	case isChannel(to) && (code == "not_in_channel" || code == "channel_not_found"):
		return "Keyholder is not in that channel, or the channel is gone"
	case isChannel(to) && strings.HasPrefix(code, "restricted_action"):
		return "only some may post in that channel, and Keyholder is not among them"
	case code == "user_disabled":
		return "their Slack account is deactivated"
	case code == "user_not_found", code == "user_not_visible", code == "channel_not_found":
		return "Slack knows no such member here whom Keyholder may write to"
	case strings.HasPrefix(code, "restricted_action"), code == "cannot_dm_bot", code == "not_allowed":
		return "the settings of this Slack do not let the app write to them"
	}
	if code == "" {
		return "it does not say why"
	}
	return workflows.Phrase("it answers `%s`", code)
}

// next says what mends it, a sentence or two.
func next(kind, to, code string) string {
	mine := " Until then `{command} mine` shows them their cards, buttons included."
	switch {
	case kind == workflows.MissedLetter:
		return "Whoever operates Keyholder can try it: `keyholder check --mail ADDRESS` sends a test letter and says what the mail server answers. Until letters " +
			"arrive, people can attest instead."
	case kind == workflows.MissedAlarm:
		return "Whoever operates Keyholder can try it: `keyholder check` looks at the mail server and at the addresses under `alarm`. The alarm itself stands in Slack."
	case code == workflows.CodeNoTab:
		return "Whoever manages the Slack app switches it on: api.slack.com/apps, the app, App Home, Show Tabs, Messages Tab, and the box below it that lets people write." + mine
	case code == "is_archived" || code == "is_inactive":
		return "Open the channel again in Slack, or name another one in keyholder.yaml (`channel`) and start Keyholder anew."
	case isChannel(to) && (code == "not_in_channel" || code == "channel_not_found"):
		return "Somebody in that channel types `/invite` and Keyholder's name there; if the channel is gone, name another one in keyholder.yaml (`channel`)."
	case isChannel(to):
		return "Whoever manages that channel lets Keyholder post there, or another one is named in keyholder.yaml (`channel`)."
	case code == "user_disabled", code == "user_not_found", code == "user_not_visible", code == "channel_not_found":
		return "If they have left, name somebody else in keyholder.yaml in their place; `{command} whatif` with their name says what rests on them. If not, let their Slack account be switched on again."
	}
	return "Ask whoever manages this Slack why the app may not write to them." + mine
}

// reason says why somebody is told.
func reason(who string, s State) string {
	if who == "" {
		return "The channel is told because nobody else could be."
	}
	for _, m := range s.Misses {
		if m.Asked == who {
			return "You are told because you asked for something that waits for this, or look after the account."
		}
	}
	return "You are told because you look after the account."
}
