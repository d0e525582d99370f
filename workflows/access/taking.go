package access

import (
	"errors"
	"fmt"
	"slices"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// partyNamed is whom the audit log names as who changed an access.
const partyNamed = "named"

// taken is the body of an event by which somebody takes what somebody made of an access as
// expected, where one is not enough.
type taken struct {
	Votes    []approvals.Vote   `json:"votes"`
	Bars     []approvals.Bar    `json:"bars,omitempty"`
	Standing approvals.Standing `json:"standing,omitempty"`
	Owner    string             `json:"owner,omitempty"` // who owns the account, by their word
}

// quorumOf is how many have to take something as expected: as many as would have to approve the
// role. What is not known may be any.
func quorumOf(p workflows.AccessPolicy, marks ...string) int {
	n := p.Quorum
	for _, m := range marks {
		if h := readMark(m); m == "" || h != nil && h.Access.Role == workflows.RoleAdministrator {
			n = max(n, p.AdministratorQuorum)
		}
	}
	return max(n, 1)
}

// take casts the vote of somebody who takes it as expected, and says whether that was enough.
// Nobody does so for what they asked for, what is theirs, or what the audit log names them for.
// current are those who look after access by now.
func take(b approvals.Ballot, parties []approvals.Party, current []string, cmd workflows.Command, f workflows.Facts) (taken, bool, error) {
	st := f.Standing()
	for _, id := range b.Electorate {
		if st[id] == "" && !slices.Contains(current, id) {
			st[id] = "removed"
		}
	}
	more := approvals.Bars(parties, f.Everybody())
	b = b.Barring(more)
	votes, err := b.Cast(cmd.Actor.ID, approvals.Approve, "", st, nil, cmd.At)
	if err != nil {
		return taken{}, false, notTakeable(err)
	}
	if dead := b.DeadEnd(st, nil, cmd.At); dead != nil {
		return taken{}, false, tooFew(b.Quorum)
	}
	b.Votes = slices.Concat(b.Votes, votes)
	t := b.Judge(st, nil, cmd.At)
	return taken{Votes: votes, Bars: more, Standing: st}, t.Outcome == approvals.Approved, nil
}

// tooFew says that nobody can take it as expected.
func tooFew(quorum int) *workflows.Refusal {
	return refused("too_few", fmt.Sprintf("%d people who look after access have to take this as expected, as many as approve the role, "+
		"and not so many can. Nothing was recorded. Undo it, or let the configuration name more.", quorum))
}

// notTakeable explains why somebody cannot take it as expected.
func notTakeable(err error) error {
	var r *approvals.Refusal
	if !errors.As(err, &r) {
		return err
	}
	switch {
	case r.Code == approvals.CodeBarred && r.Detail == partyNamed:
		return refused("named", "integrator.io's audit log names you as who did it, so somebody else must take it as expected. "+
			"Nothing was recorded.")
	case r.Code == approvals.CodeBarred && r.Detail == partyRequester:
		return refused("asked", "You asked for this access, so somebody else must take what became of it as expected. "+
			"Nothing was recorded.")
	case r.Code == approvals.CodeBarred:
		return refused("own_access", "This is about your own access, so somebody else must decide. "+
			"Nothing was recorded.")
	case r.Code == approvals.CodeAlreadyVoted:
		return refused(r.Code, "You took it as expected already, and it counts once. Nothing new was recorded. "+
			"Somebody else has to as well.")
	case r.Code == approvals.CodeClosed:
		return refused(r.Code, "It is decided already. Nothing was recorded. Look at the card.")
	case r.Code == "removed":
		return refused("removed", "The configuration no longer names you for this account. Nothing was recorded.")
	case r.Code == approvals.CodeNotAsked:
		return refused("not_permitted", "You are not one of those who decide this. Nothing was recorded.")
	}
	return refused(r.Code, workflows.StandingSentence(r.Code))
}

// mayTake reports whether somebody is shown the button: one of those who decide, not kept from it,
// who did not say so yet.
func mayTake(b approvals.Ballot, who string) bool {
	return slices.Contains(b.Electorate, who) && !slices.ContainsFunc(b.Bars, func(bar approvals.Bar) bool { return bar.Who == who }) &&
		!slices.ContainsFunc(b.Votes, func(v approvals.Vote) bool { return v.By == who }) && able(b) >= b.Quorum
}

// able counts those who could take it as expected.
func able(b approvals.Ballot) int {
	n := 0
	for _, id := range b.Electorate {
		if !slices.ContainsFunc(b.Bars, func(bar approvals.Bar) bool { return bar.Who == id }) {
			n++
		}
	}
	return n
}

// takenLines are those who took it as expected while more are needed.
func takenLines(b approvals.Ballot) []string {
	var out []string
	for i, v := range b.Votes {
		out = append(out, fmt.Sprintf("✓ %s takes it as expected, %s (%d of %d)", workflows.Mention(v.By), workflows.When(v.At), i+1, b.Quorum))
	}
	return out
}

// takingWord says how many have to say so.
func takingWord(b approvals.Ballot) string {
	switch {
	case b.Quorum < 2:
		return ""
	case able(b) < b.Quorum:
		return fmt.Sprintf(" That takes %d people, and not so many can.", b.Quorum)
	}
	return fmt.Sprintf(" That takes %d people, as the role does.", b.Quorum)
}

// tellers names all who took it as expected: whoever gave the last word, or all where it took
// several.
func tellers(b approvals.Ballot, last string) string {
	if len(b.Votes) < 2 {
		return workflows.Mention(last)
	}
	var out []string
	for _, v := range b.Votes {
		out = append(out, v.By)
	}
	return workflows.Mentions(out)
}

// tookIt retells such an event.
func tookIt(_ workflows.Event, b taken) string {
	var out []string
	for _, v := range b.Votes {
		out = append(out, workflows.Mention(v.By))
	}
	return workflows.List(out, "and") + " takes it as expected."
}

// count folds votes into a ballot.
func (b taken) count(into approvals.Ballot) approvals.Ballot {
	into.Votes = append(slices.Clip(into.Votes), b.Votes...)
	return into.Barring(b.Bars)
}
