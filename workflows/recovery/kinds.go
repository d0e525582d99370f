package recovery

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
	"github.com/keyholder/keyholder/workflows/step"
)

// asks is the question whether to climb at all.
var asks = question.Of[State]{
	Machine: "recovery", Yes: "approve",
	At:        func(s *State) *question.Question { return &s.Question },
	Approvers: func(p workflows.Policy) []string { return p.Recovery.Approvers },
	Put: func(s *State, e workflows.Event, q question.Question) {
		s.Enter(Asking, e, q.Ballot.Closes)
	},
	Carers: func(s State) []string { return workflows.Union([]string{s.Reporter}, s.managers()) },
	Words: question.Words{
		Noun: "recovery", Verb: "approve", Past: "approved", Act: "approval",
		Sure: &workflows.Confirm{
			Title: "Let them regain the sign-in?", Yes: "Approve", No: "Not yet",
			Text: "Whoever climbs the ladder can sign in as the owner at its end: the master key of the account.",
		},
		Refusing: "Refuse this? It ends at once, and everybody who has a card hears it.",
		Bars:     map[string]string{barReporter: "You reported this, so you do not decide it."},
	},
	Because: func(s State, _ string) string {
		return "You are asked because you decide about recoveries of " + workflows.Esc(s.AccountName) + "."
	},
	Title: func(s State) string { return workflows.Esc(s.Title()) },
}

const barReporter = "reporter"

// rungs are the steps of the ladder.
var rungs = step.Of[State]{
	Machine: "recovery", Form: "recovery.step",
	At: func(s *State, name string) *step.Step {
		if s.Step.Name == name {
			return &s.Step
		}
		return nil
	},
	Begun: func(s *State, e workflows.Event, st step.Step) {
		if !s.Step.Began.IsZero() {
			s.Tried = append(slices.Clip(s.Tried), s.Step)
			if s.Step.IsOpen() && s.Step.Name != st.Name {
				s.Left = append([]string{s.Step.Name}, s.Left...) // nobody said that it does not work: it comes again
			}
		}
		s.Step = step.Step{Name: st.Name}
		s.Left = slices.DeleteFunc(slices.Clone(s.Left), func(rung string) bool { return rung == st.Name })
		s.Enter(Climbing, e, time.Time{})
	},
	What:  func(s State, st step.Step) string { return s.what(st.Name) },
	Title: func(s State) string { return workflows.Esc(s.Title()) },
	Work:  func(s State, _ string, at time.Time) time.Time { return s.Hours.Next(at) },
}

type until struct {
	Until time.Time `json:"until"`
}

// back is that a rung outside of the ladder was left: to which stage, until when.
type back struct {
	Stage string    `json:"stage"`
	Until time.Time `json:"until"`
}

var requested = workflows.Kind[State, opening]{
	Type: "recovery.requested",
	Fold: func(s *State, e workflows.Event, b opening) {
		s.Frozen = b.Frozen
		s.Open(b.Opening, Asking, e)
		s.Left = ladders[b.Situation]
	},
	Tell: func(_ workflows.Event, b opening) string {
		return workflows.Say("%m reported that nobody can sign in as %s, the owner of %s: %s. %q",
			b.Reporter, b.Owner, b.AccountName, situationWord(b.Situation), b.Reason)
	},
}

var approved = workflows.Kind[State, until]{
	Type: "recovery.approved",
	Fold: func(s *State, e workflows.Event, b until) {
		s.Approved, s.CoolUntil = e.At, b.Until
		if s.Stage == Asking {
			s.Enter(Cooling, e, b.Until)
		}
	},
	Tell: func(_ workflows.Event, b until) string {
		return workflows.Say("Approved by enough people. It can be stopped until %t, before anybody is asked to "+
			"act.", b.Until)
	},
}

var opens = workflows.Kind[State, step.Word]{
	Type: "recovery.can_open",
	Fold: func(s *State, _ workflows.Event, b step.Word) { s.Opens = &b },
	Tell: func(_ workflows.Event, b step.Word) string {
		return workflows.Say("%m says: I can open the mailbox.", b.By)
	},
}

var returned = workflows.Kind[State, back]{
	Type: "recovery.returned",
	Fold: func(s *State, e workflows.Event, b back) {
		s.Tried = append(slices.Clip(s.Tried), s.Step)
		s.Step = step.Step{}
		s.Enter(b.Stage, e, b.Until)
	},
	Tell: func(_ workflows.Event, b back) string {
		if b.Stage == Cooling {
			return "It goes on as approved."
		}
		return "It waits for approval again."
	},
}

var looked = workflows.Kind[State, lastSignIn]{
	Type: "recovery.sign_ins_read",
	Fold: func(s *State, _ workflows.Event, b lastSignIn) { s.SignIns = &b },
	Tell: func(_ workflows.Event, b lastSignIn) string { return b.sentence() },
}

var securing = workflows.Kind[State, until]{
	Type: "recovery.securing",
	Fold: func(s *State, e workflows.Event, b until) { s.Enter(Securing, e, b.Until) },
	Tell: func(_ workflows.Event, b until) string {
		return workflows.Say("The sign-in is regained. What makes it safe is to be done by %t.", b.Until)
	},
}

// ended makes the kind of one end.
func ended(outcome string, tell func(b Ended) string) workflows.Kind[State, Ended] {
	return workflows.Kind[State, Ended]{
		Type: "recovery." + outcome,
		Fold: func(s *State, e workflows.Event, b Ended) {
			s.Head.End(outcome, e)
			s.End = &b
		},
		Tell: func(_ workflows.Event, b Ended) string { return tell(b) },
	}
}

var (
	regained = ended(Regained, func(b Ended) string {
		text := "It is over: the owner's sign-in is regained."
		if b.ByTime {
			text = "The time for securing is over: the owner's sign-in is regained."
		}
		if len(b.Open) > 0 {
			text += workflows.Say(" Still open: %s.", points(b.Open))
		}
		return text
	})
	refused   = ended(Refused, func(Ended) string { return "It was refused, so nobody is asked to act." })
	cancelled = ended(Cancelled, func(b Ended) string {
		text := workflows.Say("%m cancelled it.", b.By.ID)
		if b.Reason != "" {
			text += workflows.Say(" %q", b.Reason)
		}
		return text
	})
	expired = ended(Expired, func(Ended) string { return "Nobody decided in time, so it ended." })
	failed  = ended(Failed, func(Ended) string {
		return "The last rung did not hold. What is left is the ticket for Celigo support."
	})
)

// kinds are all events of the machine.
var kinds = workflows.NewKinds(nil, func(s *State) { s.Told = workflows.Union(s.Told, s.audience()) },
	append(append(asks.Kinds(), rungs.Kinds()...),
		requested, approved, opens, returned, looked, securing, regained, refused, cancelled, expired, failed)...)
