package approvals

import "time"

// Cast answers which votes a click by `by` would add: one for each seat they
// may act for, their own first, then those delegated to them in the order of
// the electorate. It changes nothing; whoever calls it appends the votes.
//
// The error is nil or a *Refusal, found in this order: CodeBadChoice,
// CodeBarred, CodeNotAsked, the code of their standing, CodeClosed,
// CodeAlreadyVoted. A seat is left out, rather than refused, when it already
// says the same, when its owner voted in person, or when its owner may not
// decide.
//
// When an early vote of the click decides the ballot, the count shows the
// others as WhyDecided; they are kept, since they are what the person said.
func (b Ballot) Cast(by string, choice Choice, reason string, standing Standing, delegations []Delegation,
	at time.Time) ([]Vote, error) {
	if choice != Approve && choice != Refuse {
		return nil, &Refusal{Code: CodeBadChoice, Detail: string(choice)}
	}
	r := b.rules(standing)
	votes, refusal := r.seatsFor(by, delegations, at)
	if refusal != nil {
		return nil, refusal
	}
	c := r.count(b.Votes, at)
	if refusal := r.shut(c, at); refusal != nil {
		return nil, refusal
	}
	var taken []Vote
	stands := "" // by whom a seat is held, when another person's vote is what stands
	for _, v := range votes {
		v.Choice, v.Reason = choice, reason
		if c.stays(v) == "" {
			taken = append(taken, v)
		} else if holder := c.votes[c.held[v.Seat]].By; holder != by && stands == "" {
			stands = holder
		}
	}
	if len(taken) == 0 {
		if r.isSeat[by] {
			stands = "" // their own vote stands, which is what they want to hear
		}
		return nil, &Refusal{Code: CodeAlreadyVoted, Detail: stands}
	}
	return taken, nil
}

// seatsFor is a blank vote for every seat that a person may act for, or why there is none.
func (r rules) seatsFor(by string, delegations []Delegation, at time.Time) ([]Vote, *Refusal) {
	if by == "" {
		return nil, &Refusal{Code: CodeNotAsked}
	}
	if why, barred := r.bars[by]; barred {
		return nil, &Refusal{Code: CodeBarred, Detail: why}
	}
	var votes []Vote
	if r.isSeat[by] {
		votes = append(votes, Vote{Seat: by, By: by, At: at})
	}
	unusable := ""
	for _, seat := range r.seats {
		via := findDelegation(delegations, seat, by, at)
		if via == nil || seat == by {
			continue
		}
		if why := r.unfit(seat); why != "" {
			unusable = seat + " " + why
			continue
		}
		votes = append(votes, Vote{Seat: seat, By: by, At: at, Via: via})
	}
	if len(votes) == 0 {
		return nil, &Refusal{Code: CodeNotAsked, Detail: unusable}
	}
	if code := r.standing.Code(by); code != "" {
		return nil, &Refusal{Code: code}
	}
	return votes, nil
}

// shut is why the ballot takes no votes at all now, nil when it does.
func (r rules) shut(c *count, at time.Time) *Refusal {
	switch {
	case c.outcome != Open:
		return &Refusal{Code: CodeClosed, Detail: string(c.outcome)}
	case at.Before(r.opens):
		return &Refusal{Code: CodeClosed, Detail: DetailNotOpen}
	}
	return nil
}

// DeadEnd says, when a request is made, whether anybody could ever approve it:
// a *Refusal with CodeDeadEnd when the eligible electorate minus the barred is
// less than the quorum or than the people Eyes demands, or when no time is left;
// else nil. Votes are not looked at, and delegations change nothing (they add no
// seat and need the seat's owner eligible); they are an argument so that the
// three questions to a ballot are asked with the same facts.
func (b Ballot) DeadEnd(standing Standing, delegations []Delegation, at time.Time) error {
	if detail := b.rules(standing).deadEnd(at); detail != "" {
		return &Refusal{Code: CodeDeadEnd, Detail: detail}
	}
	return nil
}
