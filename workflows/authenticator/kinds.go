package authenticator

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// enrolled is the body of the event by which a person sets an app up.
type enrolled struct {
	workflows.Opening
	Enrolment
	From   time.Time `json:"from"`
	Admins []string  `json:"admins,omitempty"`
	// Again: their last one cannot be read any more, as the key that sealed it is gone.
	Again bool `json:"again,omitempty"`
}

type by struct {
	By string `json:"by,omitempty"` // empty: the time
}

type used struct {
	Step int64     `json:"step"`
	At   time.Time `json:"at"` // by the clock that codes go by
}

type missed struct {
	Left int      `json:"left"`
	Tell []string `json:"tell,omitempty"` // administrators, once none is left
}

type sealed struct {
	Sealed string `json:"sealed"`
}

var (
	evEnrolled = workflows.Kind[State, enrolled]{
		Type: "authenticator.enrolled",
		Fold: func(s *State, e workflows.Event, b enrolled) {
			if !s.Opened() {
				s.Open(b.Opening, Waiting, e)
			}
			next := State{Head: s.Head, Person: b.Person, Team: b.Team, Name: b.Name, N: s.N + 1, Sealed: b.Sealed,
				SetUp: e.At, From: b.From,
				Proven: b.Proof != nil, Step: b.Step, Admins: b.Admins}
			if b.Again {
				next.Lost = &lost{N: s.N, At: e.At, To: s.told()}
			}
			next.Over = time.Time{}
			next.Enter(Waiting, e, b.From)
			*s = next
			if s.Proven {
				s.Enter(Counting, e, time.Time{})
			}
		},
		Tell: func(_ workflows.Event, b enrolled) string {
			switch {
			case b.Proof != nil:
				return workflows.Say("%m set up an authenticator app, having shown who they are at %s. It counts.",
					b.Person, b.Proof.Issuer)
			case b.Again:
				return workflows.Say(
					"%m set up an authenticator app in place of one that cannot be read any more. It counts from %t.",
					b.Person, b.From)
			}
			return workflows.Say("%m set up an authenticator app. It counts from %t.", b.Person, b.From)
		},
	}
	evCounts = workflows.Kind[State, by]{
		Type: "authenticator.counts",
		Fold: func(s *State, e workflows.Event, b by) {
			s.Word = b.By
			s.Enter(Counting, e, time.Time{})
		},
		Tell: func(_ workflows.Event, b by) string {
			if b.By == "" {
				return "The app counts: nobody said otherwise in time."
			}
			return workflows.Say("%m said that it is theirs, so it counts.", b.By)
		},
	}
	evUsed = workflows.Kind[State, used]{
		Type: "authenticator.used",
		Fold: func(s *State, _ workflows.Event, b used) { s.Step, s.Used, s.Wrong = b.Step, b.At, 0 },
		Tell: func(_ workflows.Event, b used) string { return "A right code was typed." },
	}
	evMissed = workflows.Kind[State, missed]{
		Type: "authenticator.missed",
		Fold: func(s *State, e workflows.Event, b missed) {
			s.Wrong++
			if b.Left == 0 {
				s.Alarmed = b.Tell
				s.Enter(Locked, e, time.Time{})
			}
		},
		Tell: func(_ workflows.Event, b missed) string {
			if b.Left == 0 {
				return "A wrong code was typed, the last that could be: the app is locked."
			}
			return "A wrong code was typed. " + lock(b.Left)
		},
	}
	evSealed = workflows.Kind[State, sealed]{
		Type: "authenticator.sealed",
		Fold: func(s *State, _ workflows.Event, b sealed) { s.Sealed = b.Sealed },
		Tell: workflows.Told[sealed]("The secret was sealed with the first key."),
	}
	evStopped = workflows.Kind[State, by]{
		Type: "authenticator.stopped",
		Fold: func(s *State, e workflows.Event, b by) { s.over(Stopped, b.By, e) },
		Tell: func(_ workflows.Event, b by) string {
			return workflows.Say("%m said that it is not to count. It never will.", b.By)
		},
	}
	evAsked = workflows.Kind[State, asked]{
		Type: "authenticator.asked",
		Fold: func(s *State, e workflows.Event, b asked) {
			s.Asked = &b
			s.Asks++
			s.Ask()
		},
		Tell: func(_ workflows.Event, b asked) string {
			if b.Reason == "" {
				return workflows.Say("%m asked that it be reset.", b.By)
			}
			return workflows.Say("%m asked that it be reset: %q", b.By, b.Reason)
		},
	}
	evKept = workflows.Kind[State, by]{
		Type: "authenticator.kept",
		Fold: func(s *State, _ workflows.Event, b by) {
			s.Asked.Ended, s.Asked.Left = "kept", b.By
			if b.By == "" {
				s.Asked.Ended = "expired"
			}
			s.Ask()
		},
		Tell: func(_ workflows.Event, b by) string {
			if b.By == "" {
				return "Nobody else asked for the reset in time, so nothing was reset."
			}
			return workflows.Say("%m said no to the reset. Nothing was reset.", b.By)
		},
	}
	evReset = workflows.Kind[State, by]{
		Type: "authenticator.reset",
		Fold: func(s *State, e workflows.Event, b by) { s.over(Reset, b.By, e) },
		Tell: func(_ workflows.Event, b by) string {
			return workflows.Say("%m asked for the reset, too. The app is gone; its codes show nothing.", b.By)
		},
	}
	kinds = workflows.NewKinds(clone, nil, workflows.AnyKind[State](evEnrolled), evCounts, evUsed, evMissed, evSealed,
		evStopped,
		evAsked, evKept, evReset)
)

// over ends the app: nothing of its secret stays in the state.
func (s *State) over(how, by string, e workflows.Event) {
	s.By, s.Sealed = by, ""
	s.End(how, e)
}
