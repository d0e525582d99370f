package approvals

import (
	"fmt"
	"time"
)

// rules is a ballot made safe to count: defaults filled in, nonsense dropped.
type rules struct {
	quorum, eyes, vetoes int
	opens, closes        time.Time
	seats                []string
	isSeat               map[string]bool
	bars                 map[string]string
	standing             Standing
}

func (b Ballot) rules(standing Standing) rules {
	r := rules{
		quorum:   b.Quorum,
		eyes:     max(b.Eyes, min(2, b.Quorum)),
		vetoes:   max(b.Vetoes, 1),
		opens:    b.Opens,
		closes:   b.Closes,
		isSeat:   make(map[string]bool, len(b.Electorate)),
		bars:     make(map[string]string, len(b.Bars)),
		standing: standing,
	}
	for _, who := range b.Electorate {
		if who != "" && !r.isSeat[who] {
			r.isSeat[who] = true
			r.seats = append(r.seats, who)
		}
	}
	for _, bar := range b.Bars {
		if _, twice := r.bars[bar.Who]; !twice {
			r.bars[bar.Who] = bar.Why
		}
	}
	return r
}

// unfit is why a person may not decide now, "" when they may.
func (r rules) unfit(who string) string {
	if who == "" {
		return CodeUnknown
	}
	if _, barred := r.bars[who]; barred {
		return CodeBarred
	}
	return r.standing.Code(who)
}

// reached says whether so many seats, filled by so many people, approve the ballot.
func (r rules) reached(seats, people int) bool {
	return r.quorum >= 1 && seats >= r.quorum && people >= r.eyes
}

// missing is the approvals that such a count still lacks.
func (r rules) missing(seats, people int) int {
	if r.reached(seats, people) {
		return 0
	}
	return max(r.quorum-seats, r.eyes-people, 1)
}

// eligible counts the seats whose owner may decide now.
func (r rules) eligible() int {
	n := 0
	for _, seat := range r.seats {
		if r.unfit(seat) == "" {
			n++
		}
	}
	return n
}

// deadEnd says why no votes from now on could approve the ballot, "" when they
// could. Delegations cannot change that: they add no seat, a delegate needs the
// seat's owner to be eligible, and then the owners voting in person are as many
// different people as the seats can show.
func (r rules) deadEnd(at time.Time) string {
	if at.Before(r.opens) {
		at = r.opens
	}
	n := r.eligible()
	switch {
	case r.over(at):
		return "no time is left to approve"
	case r.quorum < 1:
		return fmt.Sprintf("%d of %d could approve; a quorum of %d cannot be reached", n, len(r.seats), r.quorum)
	case !r.reached(n, n):
		return fmt.Sprintf("%d of %d could approve; %d needed", n, len(r.seats), max(r.quorum, r.eyes))
	}
	return ""
}

// over says whether votes at the given time come too late.
func (r rules) over(at time.Time) bool {
	return !r.closes.IsZero() && !at.Before(r.closes)
}
