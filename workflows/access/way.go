package access

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// way is by which way an access came to be: somebody asks for it and others decide, or a review has
// decided it. What the two have in common is in the stages.
type way interface {
	// does is the kind of change that reaches what is wanted from what was read.
	does(s State, r Read) string
	// nothing says why there is nothing to do, "" when there is: u is what is there.
	nothing(s State, u *workflows.User) string
	// next goes on once it is known what is there.
	next(s State, cmd workflows.Command, f workflows.Facts) workflows.Decision
	// until is how long it waits to be carried out; byWhen says so.
	until(s State, at time.Time) time.Time
	byWhen(s State) string
	// doers may say that they did it in the pages; stoppers may cancel it, which stopWords says.
	doers(s State) []string
	stoppers(s State) []string
	stopWords(s State) string
	// audience lists who must have a card now.
	audience(s State) []string
	// adopted is the outcome where it stays as somebody changed it.
	adopted() string
	// asked says who asked, when, what and why.
	asked(s State) string
}

func (s State) way() way {
	if s.Review != nil {
		return reviewed{}
	}
	return askedFor{}
}

func (s State) stoppers() []string { return s.way().stoppers(s) }
func (s State) askedLine() string  { return s.way().asked(s) }

// audience lists who must have a card now. Folding adds them to Told, from which nobody is ever
// taken.
func (s State) audience() []string { return s.way().audience(s) }

// askedFor is what somebody asks for, and others decide.
type askedFor struct{}

func (askedFor) does(s State, r Read) string {
	switch {
	case s.Change == Remove, !r.OK && !r.Empty:
		return s.Change
	case r.User == nil || r.User.Status == workflows.UserDismissed:
		return Grant
	}
	return Change
}

func (askedFor) nothing(s State, u *workflows.User) string {
	switch {
	case s.Read.Does == Remove && u == nil:
		return s.Email + " is not a user of " + s.where() + "."
	case s.Read.Does == Change && !s.Read.Timed && !u.Disabled && u.Access().Mark() == s.Want.Mark():
		return s.Email + " has exactly this access already."
	}
	return ""
}

func (askedFor) next(s State, cmd workflows.Command, f workflows.Facts) workflows.Decision {
	return s.ask(cmd, f)
}

func (askedFor) until(s State, at time.Time) time.Time { return s.latest(at, s.Policy.ConfirmWithin) }

func (askedFor) byWhen(s State) string { return workflows.Say("By %u, or this ends.", s.Until) }

func (askedFor) doers(s State) []string    { return s.able() }
func (askedFor) stoppers(s State) []string { return workflows.Union(s.own(), s.managers()) }

func (askedFor) stopWords(s State) string {
	return workflows.Say("Only %m, the holders and the administrators can cancel this.", s.own())
}

func (askedFor) audience(s State) []string {
	asked := s.asked()
	who := workflows.Union(s.own(), asked.Audience())
	if e := asked.Escalated; e != nil {
		who = workflows.Union(who, e.To)
	}
	switch {
	case s.Urgent && s.Stage != Reading: // everybody hears of it, but whoever wants no card for questions
		loud := slices.DeleteFunc(slices.Clone(s.Electorate),
			func(id string) bool { return slices.Contains(s.Quiet, id) })
		who = workflows.Union(who, s.managers(), loud)
	case len(s.handWaiting()) > 0:
		who = workflows.Union(who, s.managers())
	}
	return who
}

func (askedFor) adopted() string { return Ended }

func (askedFor) asked(s State) string {
	line := workflows.Say("%m asked, %t. Reason: %q", s.Requester, s.Begun, s.Reason)
	if s.Read.Does != Remove && s.Change != Remove {
		line += "\nFor: " + s.forWord()
	}
	return line
}

func (s State) forWord() string {
	switch {
	case s.Length == 0:
		return "always"
	case s.Urgent:
		return workflows.Span(s.Length) + ", from when it was asked for"
	}
	return workflows.Span(s.Length) + ", from the moment it can be used"
}
