package question

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Of is a machine's question: defined once, beside the machine's kinds. S is the machine's state.
type Of[S any] struct {
	// Machine begins the names of its actions: "transfer" makes transfer.refuse. Yes is the verb of
	// the action that says yes, as "confirm".
	Machine, Yes string
	// Name tells several questions of one machine apart, in types of events and names of timers;
	// empty for the first.
	Name string
	// At is where it stands in the state.
	At func(*S) *Question
	// Approvers are who may answer by the configuration of now, users and groups: whoever is no
	// longer among them no longer counts.
	Approvers func(p workflows.Policy) []string
	// Put is what else the beginning does to the state, as entering a stage; nil: nothing.
	Put func(s *S, e workflows.Event, q Question)
	// Held is a sentence why nobody can say yes just now, "" when they can; nil: they always can.
	Held func(s S) string
	// Calm reports whether nobody is reminded of it, nor told that answers are missing; nil: they are.
	Calm func(s S) bool
	// Carers are who look after it, asked or not: they hear when answers are missing. Nil: nobody.
	Carers func(s S) []string
	// Words are what it is called.
	Words Words
	// Label is the text of the button that says yes, where it depends on the state; nil, or "": that of
	// the words.
	Label func(s S) string
	// Because is a sentence why this person is asked; nil: nothing is said.
	Because func(s S, who string) string
	// Title is the workflow's title in mrkdwn, for reminders and forms.
	Title func(s S) string
}

// Words are what a machine's question is called, in the middle of sentences.
type Words struct {
	Noun string // "transfer": what is decided
	Verb string // "confirm": what those who say yes do
	Past string // "confirmed"
	Act  string // "confirmation": what is counted
	// Sure asks once more behind the button that says yes; nil: it does not.
	Sure *workflows.Confirm
	// Label is the text of that button; empty: the verb.
	Label string
	// Refusing is what the form says that asks why: what a no leads to.
	Refusing string
	// Bars are the sentences for those who may not answer, by the code of the bar.
	Bars map[string]string
}

// Answer is what a yes, a no or a count led to. The machine adds what follows from the outcome: events behind
// those of the decision. Nothing of it is recorded before.
type Answer struct {
	workflows.Decision
	// Outcome is Approved or Refused when that is decided with this answer, else whatever the ballot
	// says; Open also where the click only opened a form.
	Outcome approvals.Outcome
	// Reason is what was given with it.
	Reason string
}

// Suffixes of the actions, behind the machine's name and a dot. The first two are of the contract.
const (
	actRefuse  = "refuse"
	actComment = "comment"
	actLook    = "look"
	// actAnswered is the button that stands where the one that says yes stood; it changes nothing.
	actAnswered = "answered"
	// reason is the callback of the form that asks for a reason or comment, and the block in it.
	reason = "reason"
)

// Shows reports whether an action only shows somebody what they answered, at whatever stage.
func (o Of[S]) Shows(action string) bool { return action == o.action(actAnswered) }

// Asks reports whether an action is one of the question's own.
func (o Of[S]) Asks(action string) bool {
	return slices.Contains([]string{o.action(o.Yes), o.action(actComment), o.action(actRefuse), o.action(actLook),
		o.action(actAnswered)}, action)
}

// Action is the action_id with that suffix.
func (o Of[S]) action(suffix string) string { return o.Machine + "." + suffix }

func (o Of[S]) named(suffix string) string {
	if o.Name != "" {
		return o.Name + "." + suffix
	}
	return suffix
}

func (o Of[S]) at(s S) Question { return *o.At(&s) }

// Names of timers.
const (
	timerRemind   = "remind"
	timerEscalate = "escalate"
	timerLooked   = "looked"    // somebody has been looking for an hour
	timerStandIns = "stand-ins" // a delegation has ended by its time
)

// Clicks adds the handlers of the question's buttons to a machine's. decided is called with each
// yes and no, and answers what the machine makes of it.
func (o Of[S]) Clicks(
	clicks map[string]workflows.Handler[S],
	decided func(s S, cmd workflows.Command, f workflows.Facts, a Answer) (workflows.Decision, error),
) {
	answer := func(how func(S, workflows.Command, workflows.Facts) (Answer, error)) workflows.Handler[S] {
		return func(s S, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
			a, err := how(s, cmd, f)
			if err != nil || a.Outcome == approvals.Open {
				return a.Decision, err
			}
			return decided(s, cmd, f, a)
		}
	}
	clicks[o.action(o.Yes)] = answer(o.SayYes)
	clicks[o.action(actComment)] = answer(o.Comment)
	clicks[o.action(actRefuse)] = answer(o.SayNo)
	clicks[o.action(actLook)] = o.Look
	clicks[o.action(actAnswered)] = o.again
}

// Needs is what a question wants to know before a click on it, or its count, is decided: people
// whose standing matters, and whose delegations do.
func (o Of[S]) Needs(s S, p workflows.Policy) (people, delegations []string) {
	q := o.at(s)
	people = workflows.Union(q.Ballot.People(), o.Approvers(p))
	if o.Carers != nil {
		people = workflows.Union(people, o.Carers(s))
	}
	for _, party := range q.Parties {
		people = workflows.Union(people, []string{party.ID})
	}
	return people, q.Ballot.Electorate
}

// standing is everybody's of now: full members of the workspace who are still among the configured
// approvers. Beside the codes of [workflows.Facts] stands CodeRemoved.
func (o Of[S]) standing(q Question, f workflows.Facts) approvals.Standing {
	st := f.Standing()
	if f.Policy.Name == "" {
		return st // the account is no longer configured: what was begun goes on under its own rules
	}
	current := f.Expand(o.Approvers(f.Policy))
	for _, id := range q.Ballot.Electorate {
		if st[id] == "" && !workflows.Among(id, current) {
			st[id] = CodeRemoved
		}
	}
	return st
}

// CodeRemoved is the standing of somebody whom the configuration no longer names.
const CodeRemoved = "removed"

// Ask puts a question, or refuses one that nobody could answer with yes. Given are Ballot (its Bars
// may be empty), Parties and Quiet; who else is barred, and who is asked, is found here. While the
// ballot already has votes, as after facts got worse, those that count stay.
func (o Of[S]) Ask(cmd workflows.Command, f workflows.Facts, q Question) (workflows.Event, error) {
	var none workflows.Event
	st := o.standing(q, f)
	q.Ballot = q.barring(f)
	if err := q.Ballot.DeadEnd(st, f.Delegations, cmd.At); err != nil {
		return none, o.deadEnd(q, err)
	}
	return o.AskAnyway(cmd, f, q), nil
}

// AskAnyway puts a question as [Of.Ask] does, also where nobody could answer it with yes: what waits
// for no answer is on record as asked.
func (o Of[S]) AskAnyway(cmd workflows.Command, f workflows.Facts, q Question) workflows.Event {
	b, t := q.judge(nil, o.standing(q, f), f, cmd.At)
	q.Ballot = b
	q.Asked, q.Waiting, q.Given, q.Missing, q.Unmet = t.Waiting, t.Waiting, len(t.Counted), t.Missing, t.Unmet
	q.StandIns = standIns(b, f, cmd.At)
	return o.put().Of(cmd, q)
}

// Impossible refuses, before anything is recorded, what nobody could answer with yes: for the
// request, where the question itself is put later.
func (o Of[S]) Impossible(f workflows.Facts, q Question, at time.Time) error {
	q.Ballot = q.barring(f)
	if err := q.Ballot.DeadEnd(o.standing(q, f), f.Delegations, at); err != nil {
		return o.deadEnd(q, err)
	}
	return nil
}

// Recount judges the votes again, as before acting on an approval: with everybody's standing of now.
func (o Of[S]) Recount(s S, f workflows.Facts, at time.Time) approvals.Tally {
	q := o.at(s)
	_, t := q.judge(nil, o.standing(q, f), f, at)
	return t
}

// Delegated asks whoever stands in for somebody by now, and forgets those who no longer do. The
// outcome is what the ballot says now, which somebody's return may have changed.
func (o Of[S]) Delegated(s S, cmd workflows.Command, f workflows.Facts) Answer {
	q := o.at(s)
	if !q.IsOpen() {
		return Answer{Outcome: approvals.Open}
	}
	st := o.standing(q, f)
	b, t := q.judge(nil, st, f, cmd.At)
	a := q.count(nil, b, t, st, f, cmd.At)
	answer := Answer{Outcome: approvals.Open}
	if !same(q, a) {
		answer.Decision = o.recounted().One(cmd, a)
	}
	if t.Outcome == approvals.Approved || t.Outcome == approvals.Refused {
		answer.Outcome = t.Outcome
	}
	return answer
}
