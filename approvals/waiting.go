package approvals

import "time"

// waiting is the people to ask while the ballot is open.
func (r rules) waiting(c *count, delegations []Delegation, at time.Time) []string {
	askOwners := r.needsOwners(c)
	var ask []string
	listed := make(map[string]bool)
	add := func(who string) {
		if !listed[who] && r.unfit(who) == "" {
			listed[who] = true
			ask = append(ask, who)
		}
	}
	for _, seat := range r.seats {
		if r.unfit(seat) != "" {
			continue
		}
		i, taken := c.held[seat]
		if !taken {
			add(seat)
			for _, d := range delegations {
				if d.covers(seat, d.To, at) {
					add(d.To)
				}
			}
			continue
		}
		if v := c.votes[i]; askOwners && v.Choice == Approve && v.By != seat {
			add(seat)
		}
	}
	return ask
}

// needsOwners says whether owners whose seat a delegate approved must be asked
// too: without them the ballot could stay open with nobody left to ask, every
// seat being filled by too few people.
func (r rules) needsOwners(c *count) bool {
	clicked := make(map[string]bool)
	for _, i := range c.held {
		if v := c.votes[i]; v.Choice == Approve {
			clicked[v.By] = true
		}
	}
	fresh := 0
	for _, seat := range r.seats {
		if _, taken := c.held[seat]; !taken && !clicked[seat] && r.unfit(seat) == "" {
			fresh++
		}
	}
	return len(clicked)+fresh < r.eyes
}
