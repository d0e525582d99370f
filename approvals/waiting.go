package approvals

import (
	"slices"
	"time"
)

// waiting is the people to ask while the ballot is open.
func (r rules) waiting(c *count, delegations []Delegation, at time.Time) []string {
	asked, owners := r.seatsToAsk(c)
	var ask []string
	listed := make(map[string]bool)
	add := func(who string) {
		if !listed[who] && r.unfit(who) == "" {
			listed[who] = true
			ask = append(ask, who)
		}
	}
	for _, seat := range r.seats {
		switch {
		case asked[seat]:
			add(seat)
			for _, d := range delegations {
				if d.covers(seat, d.To, at) {
					add(d.To)
				}
			}
		case owners[seat]:
			add(seat)
		}
	}
	return ask
}

// seatsToAsk is the eligible seats without a vote, and, when their owners cannot bring the people still missing
// for Eyes or a list, the eligible seats that a delegate approved: without these the ballot could stay open with
// nobody left to ask, every seat being filled by too few people.
func (r rules) seatsToAsk(c *count) (empty, lent map[string]bool) {
	approving, _ := c.standing()
	empty, lent = make(map[string]bool), make(map[string]bool)
	var free []string
	for _, seat := range r.seats {
		if _, taken := c.held[seat]; !taken && r.unfit(seat) == "" {
			empty[seat] = true
			free = append(free, seat)
		}
	}
	now, best := r.sum(approving), r.sum(slices.Concat(approving, r.inPerson(free)))
	if best.people < r.eyes || len(best.unmet) > 0 {
		for _, v := range approving {
			lent[v.Seat] = v.By != v.Seat
		}
		return empty, lent
	}
	if len(now.unmet) > 0 && len(now.unmet) >= max(r.quorum-now.seats, r.eyes-now.people) {
		if only := r.forLists(free, approving, now); only != nil {
			return only, lent
		}
	}
	return empty, lent
}

// forLists is the free seats whose owner's approval alone would meet a list more; nil when all of those together
// would not approve the ballot.
func (r rules) forLists(free []string, approving []Vote, now sum) map[string]bool {
	helpful := make(map[string]bool)
	all := slices.Clone(approving)
	for _, seat := range free {
		vote := r.inPerson([]string{seat})
		if len(r.lists.unmet(slices.Concat(approving, vote))) < len(now.unmet) {
			helpful[seat] = true
			all = append(all, vote...)
		}
	}
	if !r.reached(r.sum(all)) {
		return nil
	}
	return helpful
}
