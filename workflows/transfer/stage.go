package transfer

import (
	"github.com/keyholder/keyholder/workflows"
)

// stage is everything that one stage of a transfer says and asks, in one file for each. All methods
// are of the state alone, so that what a card says follows from the record. What an end that has
// been decided and waits for integrator.io says (State.Ending), and what a reading does that could
// not be made, is the same in all and stands in view.go.
type stage interface {
	// title is the card's first line; now the state of things in a sentence; notify the
	// notification line of one person, plain.
	title(s State) string
	now(s State) string
	notify(s State, who string) string
	// lines say what is asked, why you, what happens next, by when and who else.
	lines(s State, who string) []string
	// facts are the checks and votes that the card shows, one line each.
	facts(s State, who string) []string
	// details are paragraphs that "Details…" shows beside the checks.
	details(s State, who string) []string
	// buttons are what this person may press; deciding authorises again.
	buttons(s State, who string) []workflows.Button
	// waiting lists who can move it on; audience who must have a card, beside the requester; owing
	// who is reminded, where the stage reminds and not its question.
	waiting(s State) []string
	audience(s State) []string
	owing(s State) []string
	// remind is what a reminder asks for, up to "by" and its time where it has one.
	remind(s State) string
	// watches says what is looked at until it changes.
	watches(s State) []workflows.Watch
	// expire ends the stage when its time is over; late says what did not come in time.
	expire(s State, cmd workflows.Command) (workflows.Decision, error)
	late() string
}

// stages are the open ones by name. A transfer that is over has none: see ended.go.
var stages = map[string]stage{
	Checking: checkingStage{}, Preparing: preparingStage{}, Confirming: confirmingStage{}, Cooling: coolingStage{},
	Inviting: invitingStage{}, Accepting: acceptingStage{}, Settling: settlingStage{}, Finishing: finishingStage{},
}

// in is the stage that the transfer is in; one that has none, as a state that nobody wrote, has an
// empty one.
func (s State) in() stage {
	if st, known := stages[s.Stage]; known {
		return st
	}
	return plain{}
}

// plain is what stages have in common where they say nothing else.
type plain struct{}

func (plain) title(s State) string {
	return workflows.Say("%s is to be handed to %s", s.AccountName, s.To)
}
func (plain) now(State) string                         { return "" }
func (plain) notify(s State, _ string) string          { return "Handing " + s.what() }
func (plain) lines(State, string) []string             { return nil }
func (plain) facts(State, string) []string             { return nil }
func (plain) details(State, string) []string           { return nil }
func (plain) buttons(State, string) []workflows.Button { return nil }
func (plain) waiting(State) []string                   { return nil }
func (plain) audience(State) []string                  { return nil }
func (plain) owing(State) []string                     { return nil }
func (plain) remind(State) string                      { return "" }
func (plain) watches(State) []workflows.Watch          { return nil }
func (plain) late() string                             { return "The time is over." }
func (plain) expire(s State, cmd workflows.Command) (workflows.Decision, error) {
	return s.end(cmd, Ended{Outcome: Expired}), nil
}

// what is handed to whom, in plain text.
func (s State) what() string { return s.AccountName + " to " + s.To }

// watch is one call that is repeated at the transfer's own distance.
func (s State) watch(name string, c workflows.Call) []workflows.Watch {
	c.Account = s.AccountID
	return []workflows.Watch{{Name: name, Call: c, Every: s.Policy.WatchEvery}}
}

// canCancel reports whether somebody is shown the button that cancels while nothing was sent.
func (s State) canCancel(who string) bool {
	return workflows.Among(who, []string{s.Requester}, s.Holders, s.Admins)
}

// checkButtons are those of whoever can look again or let a check be, while one is in the way.
func (s State) checkButtons(who string) []workflows.Button {
	var out []workflows.Button
	if (s.held() || s.rereads()) && workflows.Among(who, []string{s.Requester}, s.Holders) {
		out = append(out, workflows.Button{Action: ActRecheck, Label: "Check again"})
	}
	return append(out, s.waiveButton(who)...)
}

func (s State) waiveButton(who string) []workflows.Button {
	if !s.held() || !workflows.Among(who, s.Holders) || len(s.waivable()) == 0 {
		return nil
	}
	return []workflows.Button{{Action: ActWaive, Label: "Waive…"}}
}

func (s State) cancelButton(who string) []workflows.Button {
	if !s.canCancel(who) {
		return nil
	}
	return []workflows.Button{{Action: ActCancel, Label: "Cancel transfer…", Style: workflows.Danger}}
}
