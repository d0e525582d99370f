package approvals

import (
	"maps"
	"slices"
	"time"
)

// Judge counts the ballot at a time, with today's standing and delegations.
// Votes count in the order of their time, then of their position; votes later
// than `at` do not count yet. Delegations matter for Waiting only: a vote
// carries its own in Via. Judge is pure and the tally shares no memory with
// the ballot.
func (b Ballot) Judge(standing Standing, delegations []Delegation, at time.Time) Tally {
	r := b.rules(standing)
	c := r.count(b.Votes, at)
	t := Tally{Outcome: c.outcome}
	for i, v := range c.votes {
		switch {
		case c.why[i] != "":
			t.Voided = append(t.Voided, Voided{Vote: v, Why: c.why[i]})
		case v.Choice == Approve:
			t.Counted = append(t.Counted, v)
		default:
			t.Refusals = append(t.Refusals, v)
		}
	}
	approving, _ := c.standing()
	s := r.sum(approving)
	t.Missing, t.Unmet = r.missing(s), s.unmet
	t.Winnable = t.Outcome == Open || t.Outcome == Approved
	if t.Outcome == Open && !at.Before(r.opens) {
		t.Waiting = r.waiting(c, delegations, at)
	}
	return t
}

// count is a replay of the votes: what stands in each seat, and what became of each vote.
type count struct {
	votes   []Vote         // a copy, in counting order
	why     []string       // why votes[i] does not count, "" when it does
	held    map[string]int // seat -> index of the vote that stands there
	outcome Outcome
}

func (r rules) count(votes []Vote, at time.Time) *count {
	c := &count{
		votes:   orderedCopy(votes),
		why:     make([]string, len(votes)),
		held:    make(map[string]int),
		outcome: Open,
	}
	for i, v := range c.votes {
		c.why[i] = r.invalid(v, at)
		if c.why[i] != "" {
			continue
		}
		if c.outcome != Open {
			c.why[i] = WhyDecided
			continue
		}
		c.take(i)
		c.outcome = r.decided(c)
	}
	if c.outcome == Open {
		c.outcome = r.undecided(at)
	}
	return c
}

// orderedCopy sorts the votes by time, then position, and copies the evidence
// too, so that nothing done to a tally reaches the ballot.
func orderedCopy(votes []Vote) []Vote {
	ordered := slices.Clone(votes)
	for i, v := range ordered {
		if v.Via != nil {
			via := *v.Via
			ordered[i].Via = &via
		}
	}
	slices.SortStableFunc(ordered, func(a, b Vote) int { return a.At.Compare(b.At) })
	return ordered
}

// invalid is why a vote on its own does not count, "" when it may.
func (r rules) invalid(v Vote, at time.Time) string {
	switch {
	case v.Choice != Approve && v.Choice != Refuse:
		return CodeBadChoice
	case !r.isSeat[v.Seat]:
		return CodeNotAsked
	case v.By != v.Seat && (v.Via == nil || !v.Via.covers(v.Seat, v.By, v.At)):
		return WhyNoDelegation
	case v.At.Before(r.opens):
		return WhyTooEarly
	case r.over(v.At):
		return WhyTooLate
	case v.At.After(at):
		return WhyNotYet
	}
	if why := r.unfit(v.Seat); why != "" {
		return why
	}
	return r.unfit(v.By)
}

// take puts a valid vote into its seat, unless what stands there stays.
func (c *count) take(i int) {
	v := c.votes[i]
	if why := c.stays(v); why != "" {
		c.why[i] = why
		return
	}
	if old, taken := c.held[v.Seat]; taken {
		c.why[old] = WhyReplaced
	}
	c.held[v.Seat] = i
}

// stays is why the vote that stands in the seat is not replaced by v, "" when
// it is or there is none.
func (c *count) stays(v Vote) string {
	i, taken := c.held[v.Seat]
	if !taken {
		return ""
	}
	old, own := c.votes[i], v.By == v.Seat
	switch {
	case old.Choice == v.Choice && (old.By == v.By || !own):
		return WhyRepeated
	case old.By == old.Seat && !own:
		return WhyOwnVoteStands
	}
	return ""
}

// standing is the approvals that stand in the seats, in counting order, and how many refusals do.
func (c *count) standing() (approving []Vote, refusals int) {
	for _, i := range slices.Sorted(maps.Values(c.held)) {
		if v := c.votes[i]; v.Choice == Refuse {
			refusals++
		} else {
			approving = append(approving, v)
		}
	}
	return approving, refusals
}

// decided is the outcome that the votes taken so far reach.
func (r rules) decided(c *count) Outcome {
	approving, refusals := c.standing()
	switch {
	case refusals >= r.vetoes:
		return Refused
	case r.reached(r.sum(approving)):
		return Approved
	}
	return Open
}

// undecided is the outcome when the votes reached none.
func (r rules) undecided(at time.Time) Outcome {
	switch {
	case r.over(at):
		return Expired
	case r.deadEnd(at) != "":
		return Dead
	}
	return Open
}
