package access

import (
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

type kind[B any] = workflows.Kind[State, B]

// kinds are all types of events of an access, each declared beside the stage or part that it belongs
// to.
var kinds = workflows.NewKinds(State.clone, func(s *State) { s.Told = workflows.Union(s.Told, s.audience()) },
	append(append(asks.Kinds(), more.Kinds()...),
		evRequested, evSlow, evRenamed, evWaiting, evGoesOn, evRead, evAway, evApproved, evDoing, evWritten,
		evRefused, evChecking, evWatched, evPending, evSeen, evDeclined, evResending, evResent, evUnsent,
		evActive, evNoticed, evExtending, evExtended, evNotExtended, evStopping, evRestoring,
		evLooking, evDrifted, evTook, evLeft, evLate, evKept, evEnded,
	)...)

// Bodies that several kinds share.
type (
	until struct {
		Until time.Time `json:"until"`
	}
	seen struct {
		Mark string `json:"mark"`
	}
	refusal struct {
		Code    string `json:"code"`
		Message string `json:"message,omitempty"`
		Manual  bool   `json:"manual,omitempty"`
	}
	reason struct {
		Reason string `json:"reason,omitempty"`
		Left   string `json:"left,omitempty"` // who has left, when that is the reason
	}
	renamed struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
)

var evSlow = kind[workflows.None]{
	Type: "access.slow",
	Fold: func(s *State, _ workflows.Event, _ workflows.None) { s.Call.Slow = true },
	Tell: workflows.Told[workflows.None]("integrator.io had not answered yet; Keyholder went on asking."),
}

var evRenamed = kind[renamed]{
	Type: "access.renamed",
	Fold: func(s *State, _ workflows.Event, b renamed) {
		s.Address = b.To
		for _, parties := range []*[]approvals.Party{&s.Parties, &s.Question.Parties, &s.Box.More.Parties} {
			*parties = also(*parties, b.To)
		}
		s.Ask()
	},
	Tell: func(_ workflows.Event, b renamed) string {
		return workflows.Say("The user has another address by now: %s, before %s (seen at integrator.io).", b.To,
			b.From)
	},
}

// also adds an address to whose access it is.
func also(parties []approvals.Party, email string) []approvals.Party {
	var out []approvals.Party
	for _, p := range parties {
		if p.Why == question.ByBeneficiary {
			p.Identity = p.With(email)
		}
		out = append(out, p)
	}
	return out
}

// enter begins a stage: a new question, so a new round. Whoever enters one says when waiting in it
// ends.
func (s *State) enter(stage string, e workflows.Event) { s.Enter(stage, e, s.Until) }

// calls notes that something was asked of integrator.io.
func (s *State) calls(e workflows.Event) {
	s.Call.InFlight, s.Call.At, s.Call.Slow = true, e.At, false
}

// answered notes that it has answered.
func (s *State) answered() { s.Call.InFlight, s.Call.Slow = false, false }

// knows notes who the user is at integrator.io.
func (s *State) knows(u *workflows.User) {
	if ref := u.Ref(); !ref.IsZero() {
		s.Who = ref
	}
}

// fold applies a decision's events so that the rest of the decision can see their result.
func fold(s State, events []workflows.Event) (State, error) { return kinds.Apply(s, events...) }
