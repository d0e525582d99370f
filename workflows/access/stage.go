package access

import "github.com/keyholder/keyholder/workflows"

// stage is everything that one stage of an access says and asks, in one file for each. All methods
// but those that decide are of the state alone, so that what a card says follows from the record.
type stage interface {
	// title is the card's first line where it is not the workflow's; now the state of things in a
	// sentence.
	title(s State) string
	now(s State) string
	// lines say what is asked, why you, what happens next, by when and who else.
	lines(s State, who string) []string
	// buttons are what this person may press; deciding authorises again.
	buttons(s State, who string) []workflows.Button
	// waiting lists who can move it on, beside those who are asked a question.
	waiting(s State) []string
	// watch is what is looked at until it changes: the mark known of it.
	watch(s State) (known string, looks bool)
	// timers are those that only this stage has; expire ends it when its time is over.
	timers(s State) []workflows.Timer
	expire(s State, cmd workflows.Command, f workflows.Facts) workflows.Decision
	// answer takes what integrator.io answered to a call that is this stage's own.
	answer(s State, cmd workflows.Command, f workflows.Facts, r workflows.Receipt) (workflows.Decision, error)
	// cancel says what cancelling does in it.
	cancel(s State) cancelling
	// holds reports whether nobody else may change the access meanwhile: its lock is held.
	holds(s State) bool
}

// cancelling is what cancelling does.
type cancelling int

const (
	tooLate   cancelling = iota
	justEnds             // nothing was written
	takesBack            // something stands at integrator.io: it is taken back first
)

// stages are the open ones by name. An access that is over has none: see ended.go.
var stages map[string]stage

func init() {
	stages = map[string]stage{
		Waiting: waitingStage{}, Reading: readingStage{}, Approving: approvingStage{}, Doing: doingStage{},
		Pending: pendingStage{}, Active: activeStage{}, Restoring: restoringStage{},
	}
}

// in is the stage that the access is in; one that has none, as a state that nobody wrote, has an
// empty one.
func (s State) in() stage {
	if st, known := stages[s.Stage]; known {
		return st
	}
	return plain{}
}

// plain is what stages have in common where they say nothing else.
type plain struct{}

func (plain) title(State) string                       { return "" }
func (plain) now(State) string                         { return "" }
func (plain) lines(State, string) []string             { return nil }
func (plain) buttons(State, string) []workflows.Button { return nil }
func (plain) waiting(State) []string                   { return nil }
func (plain) watch(State) (string, bool)               { return "", false }
func (plain) timers(State) []workflows.Timer           { return nil }
func (plain) cancel(State) cancelling                  { return tooLate }
func (plain) holds(State) bool                         { return true }
func (plain) expire(s State, cmd workflows.Command, _ workflows.Facts) workflows.Decision {
	return s.end(cmd, Finished{Outcome: Expired})
}
func (plain) answer(State, workflows.Command, workflows.Facts, workflows.Receipt) (workflows.Decision, error) {
	return workflows.Decision{}, nil
}

// expiring is the timer at the end of a stage.
func (s State) expiring() []workflows.Timer {
	return []workflows.Timer{{Name: timerExpire, At: s.Until}}
}

// cancelButton is that of those who asked for it, or of all who may stop what a review decided.
func (s State) cancelButton(who string) []workflows.Button {
	if !workflows.Among(who, s.stoppers()) || s.Review == nil && !workflows.Among(who, s.own()) {
		return nil
	}
	return []workflows.Button{{Action: ActCancel, Label: "Cancel request…", Style: workflows.Danger}}
}

// swear is the button of what somebody swears to.
func swear(label, text string) workflows.Button {
	return workflows.Button{Action: ActAttest, Label: label, Style: workflows.Primary, Confirm: &workflows.Confirm{
		Title: "Do you swear to it?", Text: text + " This is recorded under your name.", Yes: "It is so", No: "Not yet",
	}}
}
