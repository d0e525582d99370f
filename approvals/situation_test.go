package approvals

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// universe is everybody there is in the generated situations. The first three
// make up electorates.
var universe = []string{"ana", "ben", "cat", "dee", "eve"}

// situation is everything that Judge and Cast are given.
type situation struct {
	ballot      Ballot
	standing    Standing
	delegations []Delegation
	at          time.Time
}

func (c situation) judge() Tally { return c.ballot.Judge(c.standing, c.delegations, c.at) }

func (c situation) with(votes []Vote) situation {
	c.ballot.Votes = votes
	return c
}

// drawer draws a number in [0, n): from rapid's or the fuzzer's bytes.
type drawer func(n int) int

// hour is a time among few, so that times often meet. 0 is no time when it may be.
func (draw drawer) hour() time.Time { return zeroHour.Add(time.Duration(draw(6)) * time.Hour) }

func (draw drawer) maybeHour() time.Time {
	if draw(3) < 2 {
		return time.Time{}
	}
	return draw.hour()
}

func (draw drawer) person() string {
	i := draw(len(universe)*4 + 1)
	if i == len(universe)*4 {
		return ""
	}
	return universe[i%len(universe)]
}

func (draw drawer) delegation() Delegation {
	return Delegation{From: universe[draw(3)], To: draw.person(), Since: draw.maybeHour(), Until: draw.maybeHour()}
}

func (draw drawer) vote(electorate []string) Vote {
	v := Vote{Seat: electorate[draw(len(electorate))], At: draw.hour(), Choice: []Choice{Approve, Approve, Approve,
		Refuse}[draw(4)]}
	v.By = v.Seat
	switch draw(16) {
	case 1: // by a stranger, or for one
		v.By, v.Seat = draw.person(), draw.person()
	case 2: // with whatever evidence
		d := draw.delegation()
		v.By, v.Via = draw.person(), &d
	case 3:
		v.Choice = "maybe"
	case 4, 5, 6, 7, 8, 9: // by a delegate
		v.By = draw.person()
		v.Via = &Delegation{From: v.Seat, To: v.By, Since: draw.maybeHour(), Until: draw.maybeHour()}
	}
	return v
}

// list is some of the first three people, and now and then somebody else or nobody at all.
func (draw drawer) list() []string {
	list := [][]string{{"ana"}, {"ben"}, {"ana", "ben"}, {"ben", "cat"}, {"cat", "ana"}, {"ana", "ben", "cat"},
		{}}[draw(7)]
	if draw(6) == 1 {
		list = append(slices.Clone(list), draw.person())
	}
	return list
}

func (draw drawer) situation() situation {
	c := situation{standing: Standing{}, at: zeroHour.Add(6 * time.Hour)}
	if draw(4) == 1 {
		c.at = draw.hour()
	}
	c.ballot = Ballot{
		Quorum:     []int{2, 2, 2, 1, 1, 3, 3, 4, 0, -1}[draw(10)],
		Eyes:       []int{0, 0, 0, 1, 2, 3, -1}[draw(7)],
		Vetoes:     []int{0, 1, 2, 2, 3, -1}[draw(6)],
		Electorate: slices.Clone(universe[:[]int{3, 3, 3, 2, 1}[draw(5)]]),
	}
	if draw(3) == 1 {
		c.ballot.Opens = draw.maybeHour()
		c.ballot.Closes = draw.maybeHour()
	}
	if draw(8) == 1 {
		c.ballot.Electorate = append(c.ballot.Electorate, draw.person(), "")
	}
	for range []int{0, 0, 1, 2, 2, 3}[draw(6)] {
		c.ballot.Lists = append(c.ballot.Lists, draw.list())
	}
	if draw(4) == 1 {
		c.ballot.Bars = append(c.ballot.Bars, Bar{Who: draw.person(), Why: "requester"})
	}
	for _, who := range universe {
		switch draw(16) {
		case 1:
			c.standing[who] = CodeGuest
		case 2: // unknown
		default:
			c.standing[who] = ""
		}
	}
	for range draw(4) {
		c.delegations = append(c.delegations, draw.delegation())
	}
	for range draw(7) {
		c.ballot.Votes = append(c.ballot.Votes, draw.vote(c.ballot.Electorate))
	}
	return c
}

// flaws is what is wrong with the answers given in a situation; nil is right.
func flaws(c situation) error {
	before := asJSON(c)
	t := c.judge()
	err := errors.Join(
		flawInPartition(c, t),
		flawAgainstTwin(c, t),
		flawInApproval(c, t),
		flawInWaiting(c, t),
		flawInCast(c, t),
		flawInDeadEnd(c),
		flawInJSON(c, t),
	)
	if after := asJSON(c); after != before {
		err = errors.Join(err, fmt.Errorf("the input was changed:\n%s\n%s", before, after))
	}
	if err != nil {
		return fmt.Errorf("%w\nsituation: %s\ntally: %s", err, before, asJSON(t))
	}
	return nil
}

func asJSON(x any) string {
	if c, ok := x.(situation); ok {
		x = []any{c.ballot, c.standing, c.delegations, c.at}
	}
	raw, err := json.Marshal(x)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// flawInPartition: every vote comes back exactly once.
func flawInPartition(c situation, t Tally) error {
	var back, cast []string
	for _, v := range slices.Concat(t.Counted, t.Refusals) {
		back = append(back, asJSON(v))
	}
	for _, v := range t.Voided {
		back = append(back, asJSON(v.Vote))
		if v.Why == "" {
			return errors.New("a vote is void without a reason")
		}
	}
	for _, v := range c.ballot.Votes {
		cast = append(cast, asJSON(v))
	}
	slices.Sort(back)
	slices.Sort(cast)
	if !slices.Equal(back, cast) {
		return fmt.Errorf("votes were lost or made: %v", back)
	}
	return nil
}

func flawAgainstTwin(c situation, t Tally) error {
	w := dumbJudge(c.ballot, c.standing, c.at)
	if met := dumbMet(c.ballot, c.ballot.Lists, t.Counted, nil); len(t.Unmet) != len(c.ballot.Lists)-met {
		return fmt.Errorf("the twin finds somebody for %d lists", met)
	}
	if t.Outcome != w.outcome || t.Missing != w.missing ||
		asJSON(t.Counted) != asJSON(w.counted) || asJSON(t.Refusals) != asJSON(w.refusals) {
		return fmt.Errorf("the twin says %+v", w)
	}
	return nil
}

// flawInApproval states what an approval must mean, whatever the code thinks.
func flawInApproval(c situation, t Tally) error {
	b, seats, people := c.ballot, map[string]bool{}, map[string]bool{}
	for _, v := range t.Counted {
		seats[v.Seat], people[v.By] = true, true
		if !dumbFit(b, c.standing, v.Seat) || !dumbFit(b, c.standing, v.By) || !slices.Contains(b.Electorate, v.Seat) {
			return fmt.Errorf("a vote by somebody who may not decide counts: %s", voteText(v))
		}
		if v.By != v.Seat && v.Via == nil {
			return fmt.Errorf("a vote without its delegation counts: %s", voteText(v))
		}
	}
	switch {
	case len(seats) != len(t.Counted):
		return errors.New("a seat counts twice")
	case t.Winnable != (t.Outcome == Open || t.Outcome == Approved):
		return errors.New("winnable does not fit the outcome")
	case (t.Outcome == Approved) && t.Missing != 0, t.Outcome != Approved && t.Missing <= 0:
		return errors.New("missing does not fit the outcome")
	case t.Outcome != Approved:
		return nil
	case b.Quorum < 1 || len(seats) < b.Quorum:
		return errors.New("approved without a quorum")
	case len(people) < b.Eyes || b.Quorum > 1 && len(people) < 2:
		return errors.New("approved without enough people")
	}
	return flawInLists(b, t)
}

// flawInLists: each list's seats were approved by at least one person, each two lists' together by two, and so on
// for every choice of lists (Hall's theorem: exactly then a person of its own can be found for each).
func flawInLists(b Ballot, t Tally) error {
	if len(t.Unmet) > 0 {
		return fmt.Errorf("approved with %d of %d lists unmet", len(t.Unmet), len(b.Lists))
	}
	some := b.Lists[:min(len(b.Lists), 10)] // the choices double with each
	for choice := range 1 << len(some) {
		people, chosen := map[string]bool{}, 0
		for i, list := range some {
			if choice>>i&1 == 0 {
				continue
			}
			chosen++
			for _, v := range t.Counted {
				if slices.Contains(list, v.Seat) {
					people[v.By] = true
				}
			}
		}
		if len(people) < chosen {
			return fmt.Errorf("%d people stand for %d lists", len(people), chosen)
		}
	}
	return nil
}

// flawInWaiting: those asked may decide; and when nobody has refused and all
// who are asked and have a seat approve, then it is approved.
func flawInWaiting(c situation, t Tally) error {
	if t.Outcome != Open && len(t.Waiting) > 0 {
		return errors.New("people are asked though nothing is open")
	}
	seen := map[string]bool{}
	for _, who := range t.Waiting {
		if !dumbFit(c.ballot, c.standing, who) || seen[who] {
			return fmt.Errorf("asked in vain: %q", who)
		}
		seen[who] = true
	}
	if t.Outcome != Open || len(t.Refusals) > 0 || c.at.Before(c.ballot.Opens) {
		return nil
	}
	b := c.ballot
	for _, who := range t.Waiting {
		votes, err := b.Cast(who, Approve, "", c.standing, c.delegations, c.at)
		var refusal *Refusal
		if errors.As(err, &refusal) && (refusal.Code != CodeClosed || refusal.Detail != string(Approved)) &&
			refusal.Code != CodeAlreadyVoted {
			return fmt.Errorf("%s is asked and then refused: %w", who, err)
		}
		b.Votes = slices.Concat(b.Votes, votes)
	}
	if got := b.Judge(c.standing, c.delegations, c.at).Outcome; got != Approved {
		return fmt.Errorf("all who were asked approved, and it is %s", got)
	}
	return nil
}

// flawInCast: what Cast takes counts, what it does not take has a code.
func flawInCast(c situation, t Tally) error {
	for _, who := range append([]string{"", "stranger"}, universe...) {
		for _, choice := range []Choice{Approve, Refuse} {
			votes, err := c.ballot.Cast(who, choice, "because", c.standing, c.delegations, c.at)
			if err != nil {
				var refusal *Refusal
				if len(votes) > 0 || !errors.As(err, &refusal) || !slices.Contains(Codes(), refusal.Code) {
					return fmt.Errorf("%q is refused oddly: %v, %v", who, votes, err)
				}
				continue
			}
			if t.Outcome != Open || !dumbFit(c.ballot, c.standing, who) || len(votes) == 0 {
				return fmt.Errorf("%q could cast %v", who, votes)
			}
			after := c.with(slices.Concat(c.ballot.Votes, votes)).judge()
			if err := flawInTaken(votes, after); err != nil {
				return fmt.Errorf("%q, %s: %w", who, choice, err)
			}
		}
	}
	return nil
}

// flawInTaken: each vote taken counts, or an earlier one of the click decided.
func flawInTaken(votes []Vote, after Tally) error {
	stand := slices.Concat(after.Counted, after.Refusals)
	for i, v := range votes {
		counts := slices.ContainsFunc(stand, func(s Vote) bool { return asJSON(s) == asJSON(v) })
		decided := slices.ContainsFunc(after.Voided, func(x Voided) bool {
			return asJSON(x.Vote) == asJSON(v) && x.Why == WhyDecided
		})
		if !counts && (i == 0 || !decided) {
			return fmt.Errorf("the vote taken does not count: %s", voteText(v))
		}
	}
	return nil
}

// flawInDeadEnd: a dead end is a ballot that could not be won without any votes.
func flawInDeadEnd(c situation) error {
	err := c.ballot.DeadEnd(c.standing, c.delegations, c.at)
	if winnable := c.with(nil).judge().Winnable; winnable != (err == nil) {
		return fmt.Errorf("winnable %v, dead end: %v", winnable, err)
	}
	return nil
}

// flawInJSON: a stored ballot counts as the one that was stored.
func flawInJSON(c situation, t Tally) error {
	raw, err := json.Marshal(c.ballot)
	if err != nil {
		return err
	}
	stored := c
	stored.ballot = Ballot{}
	if err := json.Unmarshal(raw, &stored.ballot); err != nil {
		return err
	}
	if got := stored.judge(); asJSON(got) != asJSON(t) {
		return fmt.Errorf("through JSON it is counted as %s", asJSON(got))
	}
	return nil
}
