package question

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// LookFor is how long somebody who said that they look at it is shown as doing so.
const LookFor = time.Hour

// Question is one question put to people: a value in a machine's state, the fold of the events of
// [Of.Kinds]. The zero Question is put to nobody.
type Question struct {
	// Ballot says who answers and what was answered. Closes is when it ends; zero: it has no end.
	Ballot approvals.Ballot `json:"ballot"`
	// Parties are whom it is about; they never answer, by whatever name they come.
	Parties []approvals.Party `json:"parties,omitempty"`
	// Quiet are people who get no card unless they ask for one.
	Quiet []string `json:"quiet,omitempty"`
	// Began is when it was put. Reminders count from here.
	Began time.Time `json:"began,omitzero"`
	// Asked are all who were asked so far, in the order they were, the quiet ones included.
	Asked []string `json:"asked,omitempty"`
	// Waiting are those whose answer could still help, by the last count.
	Waiting []string `json:"waiting,omitempty"`
	// Able are those besides who could still say no, by the last count: they said yes, or somebody did
	// in their place.
	Able []string `json:"able,omitempty"`
	// Given is how many seats said yes by the last count; Missing how many yes it lacks.
	Given   int `json:"given,omitempty"`
	Missing int `json:"missing,omitempty"`
	// Unmet are the lists, by their place in the ballot, that nobody stands for yet.
	Unmet []int `json:"unmet,omitempty"`

	// StandIns is when the next of the delegations ends by which somebody may answer: it is counted
	// again then. Zero: none does.
	StandIns time.Time `json:"stand_ins,omitzero"`
	// Gone are those who were told that they are no longer asked; they stay over a new question, as
	// their messages do.
	Gone []Gone `json:"gone,omitempty"`

	Looks     []Look       `json:"looks,omitempty"`
	Called    []string     `json:"called,omitempty"` // quiet people who wanted a card
	Reminders []Reminder   `json:"reminders,omitempty"`
	Escalated *Escalation  `json:"escalated,omitempty"`
	Lost      []voidedVote `json:"lost,omitempty"` // votes that a later count passed over, and why
	// Proven are those who had shown who they are when they answered last.
	Proven []string `json:"proven,omitempty"`
}

// Look is somebody who said that they are looking at it.
type Look struct {
	Who string    `json:"who"`
	At  time.Time `json:"at"`
}

// Gone are people who were asked in somebody's place, and stand in for nobody any more.
type Gone struct {
	Who []string  `json:"who"`
	At  time.Time `json:"at"`
}

// Reminder is that people were reminded.
type Reminder struct {
	N     int       `json:"n"` // how many points of the schedule it answers, together with those before
	To    []string  `json:"to,omitempty"`
	Given int       `json:"given,omitempty"`
	At    time.Time `json:"at"`
}

// Escalation is that those who look after it, and are not asked, heard that answers are missing.
type Escalation struct {
	To   []string  `json:"to,omitempty"`
	Open []string  `json:"open,omitempty"` // who could still answer then
	At   time.Time `json:"at"`
}

type voidedVote struct {
	Seat string `json:"seat"`
	By   string `json:"by"`
	Why  string `json:"why"`
}

// Answered is what one count came to: the body of the event of a vote.
type Answered struct {
	Votes    []approvals.Vote   `json:"votes,omitempty"`
	Bars     []approvals.Bar    `json:"bars,omitempty"`     // of whoever turned out to be a party
	Standing approvals.Standing `json:"standing,omitempty"` // what was known of the voters then
	Given    int                `json:"given"`
	Missing  int                `json:"missing"`
	Unmet    []int              `json:"unmet,omitempty"`
	Waiting  []string           `json:"waiting,omitempty"`
	Able     []string           `json:"able,omitempty"`
	Lost     []voidedVote       `json:"lost,omitempty"`
	Gone     []string           `json:"gone,omitempty"`
	StandIns time.Time          `json:"stand_ins,omitzero"`
}

// IsOpen reports whether it was put and somebody could still answer it by the last count.
func (q Question) IsOpen() bool { return !q.Began.IsZero() && q.Missing > 0 }

// Hears reports whether somebody gets a card for the question: everybody asked who is not quiet,
// and a quiet person who wanted one.
func (q Question) Hears(who string) bool {
	return slices.Contains(q.Asked, who) && (!slices.Contains(q.Quiet, who) || slices.Contains(q.Called, who))
}

// Audience is everybody who gets a card for the question, in the order they were asked.
func (q Question) Audience() []string { return q.hearing(q.Asked) }

func (q Question) hearing(people []string) []string {
	return slices.DeleteFunc(slices.Clone(people), func(who string) bool { return !q.Hears(who) })
}

// but is the question as it is told to somebody whose answer was not taken: others can still answer.
func (q Question) but(who string) Question {
	q.Waiting = slices.DeleteFunc(slices.Clone(q.Waiting), func(id string) bool { return id == who })
	return q
}

// Barred is why somebody may not answer, as far as is known; "" when nothing is.
func (q Question) Barred(who string) string {
	for _, b := range q.Ballot.Bars {
		if b.Who == who {
			return b.Why
		}
	}
	return ""
}

// Said is what somebody answered last, in whatever seat; "" when they did not.
func (q Question) Said(who string) approvals.Choice {
	said := approvals.Choice("")
	for _, v := range q.Ballot.Votes {
		if v.By == who {
			said = v.Choice
		}
	}
	return said
}

// judge is the question as it stands by what is known now, with more votes, and the count of it.
func (q Question) judge(more []approvals.Vote, st approvals.Standing, f workflows.Facts,
	at time.Time) (approvals.Ballot, approvals.Tally) {
	b := q.barring(f)
	b.Votes = slices.Concat(b.Votes, more)
	return b, b.Judge(st, f.Delegations, at)
}

// barring is the ballot without those who turn out to be parties.
func (q Question) barring(f workflows.Facts) approvals.Ballot {
	return q.Ballot.Barring(approvals.Bars(q.Parties, f.Everybody()))
}

// count makes the body of an event of a count.
func (q Question) count(more []approvals.Vote, b approvals.Ballot, t approvals.Tally, st approvals.Standing,
	f workflows.Facts, at time.Time) Answered {
	a := Answered{
		Votes: more, Bars: b.Bars[len(q.Ballot.Bars):], Standing: approvals.Standing{},
		Given: len(t.Counted), Missing: t.Missing, Unmet: t.Unmet, Waiting: t.Waiting,
		Gone: q.gone(b, f, at), StandIns: standIns(b, f, at),
	}
	for _, who := range q.Asked {
		if slices.Contains(t.Waiting, who) {
			continue
		}
		if _, err := b.Cast(who, approvals.Refuse, "", st, f.Delegations, at); err == nil {
			a.Able = append(a.Able, who)
		}
	}
	for _, v := range b.Votes {
		a.Standing[v.Seat], a.Standing[v.By] = st.Code(v.Seat), st.Code(v.By)
	}
	for _, v := range t.Voided {
		switch v.Why {
		case approvals.WhyReplaced, approvals.WhyRepeated, approvals.WhyDecided, approvals.WhyOwnVoteStands:
		default:
			a.Lost = append(a.Lost, voidedVote{v.Vote.Seat, v.Vote.By, v.Why})
		}
	}
	return a
}

// gone are those asked who stand in for nobody any more, and have not answered.
func (q Question) gone(b approvals.Ballot, f workflows.Facts, at time.Time) []string {
	stand := workflows.Union(b.Electorate, b.Delegates(f.Delegations, at))
	return slices.DeleteFunc(slices.Clone(q.Asked), func(who string) bool {
		return slices.Contains(stand, who) ||
			slices.ContainsFunc(b.Votes, func(v approvals.Vote) bool { return v.By == who })
	})
}

// standIns is when the next delegation ends by which somebody may answer, before the question does;
// zero: none.
func standIns(b approvals.Ballot, f workflows.Facts, at time.Time) time.Time {
	var next time.Time
	for _, d := range f.Delegations {
		if !slices.Contains(b.Electorate, d.From) || !d.ActiveAt(at) || d.Until.IsZero() {
			continue
		}
		if next.IsZero() || d.Until.Before(next) {
			next = d.Until
		}
	}
	if !b.Closes.IsZero() && !next.Before(b.Closes) {
		return time.Time{}
	}
	return next.UTC().Truncate(time.Millisecond)
}

// counted folds a count.
func (q *Question) counted(e workflows.Event, a Answered) {
	q.Ballot.Votes = slices.Concat(q.Ballot.Votes, a.Votes)
	q.Ballot.Bars = slices.Concat(q.Ballot.Bars, a.Bars)
	q.Given, q.Missing, q.Unmet, q.Waiting, q.Lost = a.Given, a.Missing, a.Unmet, a.Waiting, a.Lost
	q.StandIns, q.Able = a.StandIns, a.Able
	if len(a.Gone) > 0 {
		q.Gone = append(slices.Clip(q.Gone), Gone{Who: a.Gone, At: e.At})
	}
	stay := slices.DeleteFunc(slices.Clone(q.Asked), func(who string) bool { return slices.Contains(a.Gone, who) })
	q.Asked = workflows.Union(stay, a.Waiting)
	q.Looks = slices.DeleteFunc(slices.Clone(q.Looks), func(l Look) bool {
		return slices.ContainsFunc(a.Votes, func(v approvals.Vote) bool { return v.By == l.Who })
	})
}

// shown notes whether whoever answered had shown who they are.
func (q *Question) shown(by workflows.Actor) {
	q.Proven = slices.DeleteFunc(slices.Clone(q.Proven), func(who string) bool { return who == by.ID })
	if by.StepUp != nil {
		q.Proven = append(q.Proven, by.ID)
	}
}

// put folds the beginning.
func (q *Question) put(b Question, e workflows.Event) {
	b.Gone = q.Gone
	*q = b
	q.Began = e.At
}
