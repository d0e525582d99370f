package transfer

import (
	"github.com/keyholder/keyholder/workflows"
)

var evCooled = workflows.Kind[State, workflows.None]{
	Type: "transfer.cooled",
	Fold: func(s *State, e workflows.Event, _ workflows.None) {
		s.read(e)
		s.Cooled, s.Until = true, e.At.Add(s.Policy.ConfirmWithin)
		s.Round++
	},
	Tell: workflows.Told[workflows.None]("The time to stop it was over; the checks ran once more."),
}

var evPaused = workflows.Kind[State, workflows.None]{
	Type: "transfer.paused",
	Fold: func(s *State, e workflows.Event, _ workflows.None) {
		s.Paused = true
		s.Round++
	},
	Tell: workflows.Told[workflows.None]("A check held it up."),
}
