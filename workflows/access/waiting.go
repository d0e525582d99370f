package access

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// waitAgain is how often a request that waits for another one, or for a token that works, looks
// again.
const waitAgain = 10 * time.Minute

// waiting is the body of events by which it goes on only later.
type waiting struct {
	On    string    `json:"on,omitempty"`   // the workflow it waits for
	Code  string    `json:"code,omitempty"` // why it cannot be read
	Again time.Time `json:"again"`
}

var evWaiting = kind[waiting]{
	Type: "access.waiting",
	Fold: func(s *State, e workflows.Event, b waiting) {
		if s.Stage != Waiting {
			s.enter(Waiting, e)
		}
		s.Call.InFlight, s.Wait.Again, s.Wait.On = false, b.Again, b.On
	},
	Tell: func(_ workflows.Event, b waiting) string {
		return workflows.Say("Another request was changing this access: %s. Next look: %t.", b.On, b.Again)
	},
}

var evGoesOn = kind[workflows.None]{
	Type: "access.goes_on",
	Fold: func(s *State, e workflows.Event, _ workflows.None) {
		if s.Stage == Waiting {
			s.enter(Reading, e)
		}
		s.Wait.Again, s.Wait.On = time.Time{}, ""
		s.calls(e)
	},
	Tell: workflows.Told[workflows.None]("What they have was asked of integrator.io."),
}

// waitUntil is until when a request waits for another one to end.
func (s State) waitUntil() time.Time {
	if s.Review == nil || s.Review.FixBy.IsZero() {
		return s.Begun.Add(s.Policy.ConfirmWithin)
	}
	return s.Review.FixBy
}

// nextLook is when to look again whether the other request is over: at the end of the waiting at the
// latest.
func (s State) nextLook(at time.Time) time.Time {
	next, end := at.Add(waitAgain), s.waitUntil()
	if end.After(at) && next.After(end) {
		next = end
	}
	return next
}

// tryAgain looks whether what a request waits for is over: another request, or a token that is
// refused.
func (s State) tryAgain(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	d := evGoesOn.One(cmd, workflows.None{})
	d.Calls = []workflows.Call{s.readCall()}
	if s.Stage == Reading {
		return d
	}
	id := f.Account.Locks[s.lock()]
	switch {
	case id == "":
		d.Account = s.locksTaken(cmd)
		return d
	case cmd.At.Before(s.waitUntil()):
		return evWaiting.One(cmd, waiting{On: id, Again: s.nextLook(cmd.At)})
	}
	return s.end(cmd, Finished{Outcome: Failed, Code: codeNotOpened,
		Message: "another request was changing the same access all the time: " + id +
			". Look at that one, then ask again."})
}

// waitingStage is behind another request about the same access.
type waitingStage struct{ plain }

func (waitingStage) now(State) string { return "It waits for another request about the same access." }

func (waitingStage) lines(s State, _ string) []string {
	return []string{workflows.Say("… Another request is changing this access: %s. This one waits for its end, "+
		"until %t at "+
		"the latest, and looks again %t.", s.Wait.On, s.waitUntil(), s.Wait.Again)}
}

func (waitingStage) buttons(s State, who string) []workflows.Button { return s.cancelButton(who) }
func (waitingStage) cancel(State) cancelling                        { return justEnds }
func (waitingStage) holds(State) bool                               { return false }
