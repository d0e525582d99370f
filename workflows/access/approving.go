package access

import (
	"cmp"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// asks is the question whether the access may be: before it is given or, where it is urgent, while
// it is.
var asks = question.Of[State]{
	Machine: "access", Yes: "approve",
	At:        func(s *State) *question.Question { return &s.Question },
	Approvers: func(p workflows.Policy) []string { return p.Access.Approvers },
	Put: func(s *State, e workflows.Event, q question.Question) {
		if !s.Urgent {
			s.enter(Approving, e)
			s.Until = q.Ballot.Closes
		}
	},
	Calm:   func(s State) bool { return s.Urgent }, // everybody hears of it at once, and it ends by itself
	Carers: func(s State) []string { return workflows.Union([]string{s.Requester}, s.managers()) },
	Words:  wording("Refuse this? That ends it at once."),
	Label: func(s State) string {
		if s.Urgent {
			return "Let it stand"
		}
		return ""
	},
	Because: func(s State, _ string) string {
		if s.Urgent {
			return workflows.Say("It is given at once and ends %u. You are asked whether it may stand until "+
				"then.", s.urgentEnd())
		}
		return "You are asked because you decide about access to this account."
	},
	Title: func(s State) string { return workflows.Esc(s.Title()) },
}

func wording(refusing string) question.Words {
	return question.Words{
		Noun: "request", Verb: "approve", Past: "approved", Act: "approval", Refusing: refusing,
		Bars: map[string]string{
			question.ByRequester:   "You asked for this, so you cannot decide it too.",
			question.ByBeneficiary: "This is about your own access, so you cannot decide it.",
		},
	}
}

var evApproved = kind[workflows.None]{
	Type: "access.approved",
	Fold: func(s *State, _ workflows.Event, _ workflows.None) {
		s.Approved = true
		s.Ask()
	},
	Tell: workflows.Told[workflows.None]("Approved by enough people."),
}

// asking is the question that is open now, nil for none.
func (s State) asking() *question.Of[State] {
	switch {
	case s.Closed():
		return nil
	case s.Box.Asks:
		return &more
	case s.Stage == Approving:
		return &asks
	case s.Urgent && !s.Approved && !s.Question.Began.IsZero() && s.Stage != Restoring && s.Ending.Stop == "":
		return &asks
	}
	return nil
}

// asked is that question's value; the zero one for none.
func (s State) asked() question.Question {
	if o := s.asking(); o != nil {
		return *o.At(&s)
	}
	return question.Question{}
}

// put is a question to those who decide, until a time.
func (s State) put(cmd workflows.Command, closes time.Time, more ...approvals.Party) question.Question {
	return question.Question{
		Ballot: approvals.Ballot{
			Quorum: s.Quorum, Electorate: s.Electorate, Lists: s.Lists, Bars: s.bars(), Opens: cmd.At, Closes: closes,
		},
		Parties: append(append([]approvals.Party(nil), s.Parties...), more...), Quiet: s.Quiet,
	}
}

// ask opens the question; urgent access is given meanwhile, whoever can answer.
func (s State) ask(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	if who := s.left(f); who != "" {
		return s.endLeft(cmd, f, who)
	}
	if text := s.takesAway(); text != "" {
		return s.end(cmd, Finished{Outcome: Failed, Code: codeUrgentTakes, Message: text})
	}
	q := s.put(cmd, s.latest(cmd.At, s.Policy.ConfirmWithin))
	if !s.Urgent && asks.Impossible(f, q, cmd.At) != nil {
		return s.end(cmd, Finished{Outcome: Failed, Code: codeDeadEnd})
	}
	d := workflows.Decision{Events: []workflows.Event{asks.AskAnyway(cmd, f, q)}}
	if s.Urgent {
		return joined(d, s.do(cmd))
	}
	return d
}

// answers makes the handlers of both questions the access's: the buttons are the same, and answer
// the one that is open.
func answers(clicks map[string]workflows.Handler[State]) {
	first, again := map[string]workflows.Handler[State]{}, map[string]workflows.Handler[State]{}
	asks.Clicks(first, follow)
	more.Clicks(again, follow)
	for action := range first {
		clicks[action] = func(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
			act := first[action]
			switch {
			case s.asking() == nil && !asks.Shows(action):
				return s.notNow("Nothing is asked here now.")
			case s.asking() == &more:
				act = again[action]
			}
			d, err := act(s, cmd, f)
			yes := action == ActApprove || action == ActComment && cmd.Submitted
			if who := s.left(f); who != "" && err == nil && yes {
				return s.endLeft(cmd, f, who), nil
			}
			return d, err
		}
	}
}

// follow adds what follows from a count of the open question.
func follow(s State, cmd workflows.Command, f workflows.Facts, a question.Answer) (workflows.Decision, error) {
	next, err := fold(s, a.Events)
	if err != nil {
		return a.Decision, err
	}
	switch {
	case a.Outcome == approvals.Approved && s.Box.Asks:
		return joined(a.Decision, next.longer(cmd)), nil
	case a.Outcome == approvals.Approved:
		d := joined(a.Decision, evApproved.One(cmd, workflows.None{}))
		if s.Urgent { // it simply keeps its time
			return d, nil
		}
		return joined(d, next.do(cmd)), nil
	case a.Outcome == approvals.Refused && s.Box.Asks:
		return joined(a.Decision, evNotExtended.One(cmd, reason{Reason: a.Reason})), nil
	case a.Outcome == approvals.Refused && s.Urgent: // ends now, wherever it is
		return joined(a.Decision, next.stop(cmd, f, "refused")), nil
	case a.Outcome == approvals.Refused:
		return joined(a.Decision, next.end(cmd, Finished{Outcome: Refused, Reason: a.Reason})), nil
	}
	return a.Decision, nil
}

// delegated asks whoever stands in for somebody by now, and no longer those who do not.
func delegated(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	o := s.asking()
	if o == nil {
		return workflows.Decision{}, nil
	}
	return follow(s, cmd, f, o.Delegated(s, cmd, f))
}

// latest is a time after another, or the end of an urgent access, which is counted from when it was
// asked for, whatever comes first.
func (s State) latest(at time.Time, within time.Duration) time.Time {
	at = at.Add(within)
	if end := s.Begun.Add(s.Length); s.Urgent && end.Before(at) {
		return end
	}
	return at
}

func (s State) urgentEnd() time.Time { return s.latest(s.Begun.Add(s.Length), 0) }

// takesAway says why a change may not be made urgently, "" when it may: urgent only adds.
func (s State) takesAway() string {
	switch {
	case !s.Urgent || s.Read.Does != Change:
		return ""
	case !s.Read.OK:
		return "What " + s.Email + " has now cannot be read (" + workflows.WhyUnread(s.Read.Unread) +
			"), so nobody can see " +
			"that this only adds to it. Urgent only adds. Ask without urgent; then the approvers decide first."
	case !covers(s.Want, s.Read.User.Access()):
		return s.Email + " has " + s.Read.User.Access().Brief(s.Read.Names) + ", and " + s.Want.Brief(s.Read.Names) +
			" would take something of that away. Urgent only adds. Ask without urgent; then the approvers decide first."
	}
	return ""
}

// urgentLine says of an urgent access that is over what it was, and whether a second person ever let
// it stand.
func (s State) urgentLine() string {
	wants := s.Want.Brief(s.Read.Names)
	line := "It was urgent: " + s.Email + " was invited with " + wants + " at once"
	switch {
	case s.Written.How == "":
		line = "It was urgent: " + wants + ", which was not given"
	case s.Read.Does == Change:
		line = "It was urgent: " + s.Email + " was given " + wants + " at once"
	}
	word := "never approved"
	if s.Approved {
		word = "approved"
	}
	quorum := cmp.Or(s.Question.Ballot.Quorum, s.Quorum)
	return line + workflows.Say(". It was %s: %d of %n.", word, s.Question.Given, quorum, "approval")
}

// approvingStage asks those who decide.
type approvingStage struct{ plain }

func (approvingStage) title(s State) string { return workflows.Esc(s.Title()) + "?" }
func (approvingStage) now(State) string     { return "It waits for approval." }

func (approvingStage) lines(s State, who string) []string {
	var out []string
	if e := s.Question.Escalated; e != nil && workflows.Among(who, e.To) && !workflows.Among(who, s.own()) {
		out = append(out, "! You are told because you look after access to this account, and too few have answered.")
	}
	return out
}

func (approvingStage) buttons(s State, who string) []workflows.Button { return s.cancelButton(who) }
func (approvingStage) cancel(State) cancelling                        { return justEnds }
func (approvingStage) timers(s State) []workflows.Timer               { return s.expiring() }
