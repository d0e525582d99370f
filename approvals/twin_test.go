package approvals

import (
	"slices"
	"time"
)

// twin is the ballot counted in a deliberately dumb way: for every number of
// votes it works out from nothing what stands in each seat, and it stops at
// the first number that decides. It shares no code with the real count.
type twin struct {
	outcome  Outcome
	counted  []Vote
	refusals []Vote
	missing  int
}

func dumbJudge(b Ballot, standing Standing, at time.Time) twin {
	var valid []Vote
	for _, v := range b.Votes {
		if dumbValid(b, standing, v, at) {
			valid = append(valid, v)
		}
	}
	for i := range valid { // insertion sort by time, equal times keep their place
		for j := i; j > 0 && valid[j].At.Before(valid[j-1].At); j-- {
			valid[j], valid[j-1] = valid[j-1], valid[j]
		}
	}
	eyes := b.Eyes
	if b.Quorum >= 1 && eyes < 1 {
		eyes = 1
	}
	if b.Quorum >= 2 && eyes < 2 {
		eyes = 2
	}
	var w twin
	for n := 0; n <= len(valid); n++ {
		w = dumbStanding(b, valid[:n])
		people := map[string]bool{}
		for _, v := range w.counted {
			people[v.By] = true
		}
		w.missing = max(b.Quorum-len(w.counted), eyes-len(people), 0)
		w.missing = max(w.missing, len(b.Lists)-dumbMet(b, b.Lists, w.counted, nil))
		if b.Quorum < 1 {
			w.missing = max(w.missing, 1)
		}
		if len(w.refusals) > 0 && len(w.refusals) >= b.Vetoes {
			w.outcome = Refused
			return w
		}
		if w.missing == 0 {
			w.outcome = Approved
			return w
		}
	}
	w.outcome = dumbUndecided(b, standing, eyes, at)
	return w
}

func dumbUndecided(b Ballot, standing Standing, eyes int, at time.Time) Outcome {
	closes := b.Closes
	if closes.IsZero() {
		closes = zeroHour.AddDate(100, 0, 0)
	}
	if !at.Before(closes) {
		return Expired
	}
	able := map[string]bool{}
	for _, seat := range b.Electorate {
		if seat != "" && dumbFit(b, standing, seat) {
			able[seat] = true
		}
	}
	var all []Vote
	for seat := range able {
		all = append(all, Vote{Seat: seat, By: seat})
	}
	if b.Quorum < 1 || len(able) < b.Quorum || len(able) < eyes || !b.Opens.Before(closes) ||
		dumbMet(b, b.Lists, all, nil) < len(b.Lists) {
		return Dead
	}
	return Open
}

// dumbMet tries every way of giving each list a person of its own, or none, and says how many lists the best
// one serves.
func dumbMet(b Ballot, lists [][]string, votes []Vote, used []string) int {
	if len(lists) == 0 {
		return 0
	}
	best := dumbMet(b, lists[1:], votes, used)
	for _, v := range votes {
		if slices.Contains(b.Electorate, v.Seat) && slices.Contains(lists[0], v.Seat) && !slices.Contains(used, v.By) {
			best = max(best, 1+dumbMet(b, lists[1:], votes, append(slices.Clone(used), v.By)))
		}
	}
	return best
}

func dumbFit(b Ballot, standing Standing, who string) bool {
	for _, bar := range b.Bars {
		if bar.Who == who {
			return false
		}
	}
	code, known := standing[who]
	return known && code == ""
}

func dumbValid(b Ballot, standing Standing, v Vote, at time.Time) bool {
	if v.Seat == "" || v.By == "" || !slices.Contains(b.Electorate, v.Seat) {
		return false
	}
	if !dumbFit(b, standing, v.Seat) || !dumbFit(b, standing, v.By) {
		return false
	}
	if v.Choice != "approve" && v.Choice != "refuse" {
		return false
	}
	if v.At.Before(b.Opens) || v.At.After(at) || !b.Closes.IsZero() && !v.At.Before(b.Closes) {
		return false
	}
	if v.By == v.Seat {
		return true
	}
	d := v.Via
	return d != nil && d.From == v.Seat && d.To == v.By &&
		!d.Since.After(v.At) && (d.Until.IsZero() || d.Until.After(v.At))
}

// dumbStanding is what stands in the seats after these valid votes: the owner's
// own votes if there are any, else the delegates'; of these the last choice,
// said by whoever began to say so.
func dumbStanding(b Ballot, votes []Vote) twin {
	stands := map[int]bool{}
	for _, seat := range b.Electorate {
		var own, lent []int
		for i, v := range votes {
			if v.Seat == seat && v.By == seat {
				own = append(own, i)
			} else if v.Seat == seat {
				lent = append(lent, i)
			}
		}
		which := lent
		if len(own) > 0 {
			which = own
		}
		if len(which) == 0 {
			continue
		}
		k := len(which) - 1
		for k > 0 && votes[which[k-1]].Choice == votes[which[k]].Choice {
			k--
		}
		stands[which[k]] = true
	}
	var w twin
	for i, v := range votes {
		if stands[i] && v.Choice == Approve {
			w.counted = append(w.counted, v)
		} else if stands[i] {
			w.refusals = append(w.refusals, v)
		}
	}
	return w
}

// bruteApproves tries every sequence of clicks by everybody, and says whether
// one of them approves the ballot. Before it opens, the clicks come as it does.
// Votes later than the count's time are not cast yet, so they are dropped
// before time moves on. States seen before are not tried again.
func bruteApproves(c situation) bool {
	at := c.at
	if at.Before(c.ballot.Opens) {
		at = c.ballot.Opens
	}
	seen := map[string]bool{}
	start := c.ballot
	start.Votes = slices.DeleteFunc(slices.Clone(start.Votes), func(v Vote) bool { return v.At.After(c.at) })
	todo := []Ballot{start}
	for len(todo) > 0 {
		b := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		t := b.Judge(c.standing, c.delegations, at)
		if t.Outcome == Approved {
			return true
		}
		key := voteTexts(t.Counted) + "|" + voteTexts(t.Refusals)
		if seen[key] {
			continue
		}
		seen[key] = true
		for _, who := range universe {
			for _, choice := range []Choice{Approve, Refuse} {
				votes, err := b.Cast(who, choice, "", c.standing, c.delegations, at)
				if err == nil {
					next := b
					next.Votes = slices.Concat(b.Votes, votes)
					todo = append(todo, next)
				}
			}
		}
	}
	return false
}
