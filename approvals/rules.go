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
	lists                lists
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
	r.lists = newLists(b.Lists, r.isSeat)
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

// sum is what approvals come to: the seats, the different people who clicked for them, and the lists, by their
// place, for which they bring nobody.
type sum struct {
	seats, people int
	unmet         []int
}

func (r rules) sum(approving []Vote) sum {
	seen := make(map[string]bool, len(approving))
	for _, v := range approving {
		seen[v.By] = true
	}
	return sum{seats: len(approving), people: len(seen), unmet: r.lists.unmet(approving)}
}

// reached says whether such approvals approve the ballot.
func (r rules) reached(s sum) bool {
	return r.quorum >= 1 && s.seats >= r.quorum && s.people >= r.eyes && len(s.unmet) == 0
}

// missing is the approvals that such a count still lacks.
func (r rules) missing(s sum) int {
	if r.reached(s) {
		return 0
	}
	return max(r.quorum-s.seats, r.eyes-s.people, len(s.unmet), 1)
}

// inPerson is an approval by the owner of each of these seats who may decide now.
func (r rules) inPerson(seats []string) []Vote {
	var votes []Vote
	for _, seat := range seats {
		if r.unfit(seat) == "" {
			votes = append(votes, Vote{Seat: seat, By: seat, Choice: Approve})
		}
	}
	return votes
}

// deadEnd says why no votes from now on could approve the ballot, "" when they
// could. Delegations cannot change that: they add no seat, a delegate needs the
// seat's owner to be eligible, and then the owners voting in person are as many
// different people as the seats can show, and stand for as many lists.
func (r rules) deadEnd(at time.Time) string {
	if at.Before(r.opens) {
		at = r.opens
	}
	best := r.sum(r.inPerson(r.seats))
	n := best.seats
	switch {
	case r.over(at):
		return "no time is left to approve"
	case r.quorum < 1:
		return fmt.Sprintf("%d of %d could approve; a quorum of %d cannot be reached", n, len(r.seats), r.quorum)
	case n < max(r.quorum, r.eyes):
		return fmt.Sprintf("%d of %d could approve; %d needed", n, len(r.seats), max(r.quorum, r.eyes))
	case len(best.unmet) > 0:
		return fmt.Sprintf("%d of %d lists could be stood for, each by a person of its own",
			len(r.lists)-len(best.unmet), len(r.lists))
	}
	return ""
}

// over says whether votes at the given time come too late.
func (r rules) over(at time.Time) bool {
	return !r.closes.IsZero() && !at.Before(r.closes)
}
