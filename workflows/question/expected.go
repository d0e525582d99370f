package question

import (
	"errors"
	"slices"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Why a party may not take something as expected, as in [approvals.Bar].
const (
	ByRequester   = "requester"   // who asked for the access
	ByBeneficiary = "beneficiary" // whose access it is
	ByNamed       = "named"       // whom integrator.io's audit log names as who did it
)

// Expected is the question whether what somebody made of an access without a decision stays: to be
// taken as expected by as many as would have to approve it, and by nobody whom it is about. It has
// no refusal; who does not expect it undoes it.
type Expected struct {
	approvals.Ballot
}

// Took is the body of the event by which somebody takes it as expected where one is not enough.
type Took struct {
	Votes    []approvals.Vote   `json:"votes"`
	Bars     []approvals.Bar    `json:"bars,omitempty"`
	Standing approvals.Standing `json:"standing,omitempty"`
	Owner    string             `json:"owner,omitempty"` // who owns the account, by their word
}

// ExpectantsOfToken is how many have to take an API token as expected: with full access as many as approve an
// administrator, else as many as approve any other role.
func ExpectantsOfToken(p workflows.AccessPolicy, t workflows.Token) int {
	if t.Full {
		return Expectants(p, "")
	}
	return Expectants(p)
}

// Expectants is how many have to take accesses as expected, given by their marks: as many as would
// have to approve the gravest. What is not known ("") may be any.
func Expectants(p workflows.AccessPolicy, marks ...string) int {
	n := p.Quorum
	for _, m := range marks {
		if h := workflows.ReadMark(m); m == "" || h != nil && h.Access.Role == workflows.RoleAdministrator {
			n = max(n, p.AdministratorQuorum)
		}
	}
	return max(n, 1)
}

// Deciders are those who look after access, and of them those who are told: the administrators, as
// far as they are enough, else the holders too; never whom it is about (own; nil: that is not known yet).
func Deciders(f workflows.Facts, own func(approvals.Identity) bool, quorum int) (managers, to []string) {
	able := func(ids []string) []string {
		return slices.DeleteFunc(f.Expand(ids), func(id string) bool {
			return f.People[id].Standing != "" || own != nil && own(f.Known(id))
		})
	}
	admins, holders := able(f.Policy.Admins), able(f.Policy.HolderIDs())
	managers = workflows.Union(admins, holders)
	switch {
	case len(admins) > 0 && len(admins) >= quorum:
		return managers, admins
	case len(admins) > 0:
		return managers, managers
	}
	return managers, holders
}

// Take casts the vote of somebody who takes it as expected, and says whether that was enough.
// parties are whom it is about; current are those who decide by the configuration of now. An error
// is a [*workflows.Refusal].
func (x Expected) Take(parties []approvals.Party, current []string, cmd workflows.Command,
	f workflows.Facts) (took Took, enough bool, err error) {
	st := f.Standing()
	for _, id := range x.Electorate {
		if st[id] == "" && !slices.Contains(current, id) {
			st[id] = CodeRemoved
		}
	}
	more := approvals.Bars(parties, f.Everybody())
	b := x.Barring(more)
	votes, err := b.Cast(cmd.Actor.ID, approvals.Approve, "", st, nil, cmd.At)
	if err != nil {
		return Took{}, false, notExpectable(err)
	}
	if dead := b.DeadEnd(st, nil, cmd.At); dead != nil {
		return Took{}, false, workflows.Refuse("too_few", workflows.Say("%d people who look after access have to take "+
			"this as expected, as many as approve the role, and not so many can. Nothing was recorded. Undo it, or "+
			"let the configuration name more.", b.Quorum))
	}
	b.Votes = slices.Concat(b.Votes, votes)
	t := b.Judge(st, nil, cmd.At)
	return Took{Votes: votes, Bars: more, Standing: st}, t.Outcome == approvals.Approved, nil
}

// notExpectable explains why somebody cannot take it as expected.
func notExpectable(err error) error {
	var r *approvals.Refusal
	if !errors.As(err, &r) {
		return err
	}
	refuse := func(code, text string) error { return workflows.Refuse(code, text) }
	switch {
	case r.Code == approvals.CodeBarred && r.Detail == ByNamed:
		return refuse("named", "integrator.io's audit log names you as who did it, so somebody else must take it as "+
			"expected. Nothing was recorded.")
	case r.Code == approvals.CodeBarred && r.Detail == ByRequester:
		return refuse("asked", "You asked for this access, so somebody else must take what became of it as expected. "+
			"Nothing was recorded.")
	case r.Code == approvals.CodeBarred:
		return refuse("own_access", "This is about your own access, so somebody else must decide. "+
			"Nothing was recorded.")
	case r.Code == approvals.CodeAlreadyVoted:
		return refuse(r.Code, "You took it as expected already, and it counts once. Nothing new was recorded. "+
			"Somebody else has to as well.")
	case r.Code == approvals.CodeClosed:
		return refuse(r.Code, "It is decided already. Nothing was recorded. Look at the card.")
	case r.Code == CodeRemoved:
		return refuse(CodeRemoved, "The configuration no longer names you for this account. Nothing was recorded.")
	case r.Code == approvals.CodeNotAsked:
		return refuse("not_permitted", "You are not one of those who decide this. Nothing was recorded.")
	}
	return refuse(r.Code, workflows.StandingSentence(r.Code))
}

// Count is the question with what somebody said.
func (x Expected) Count(b Took) Expected {
	x.Votes = append(slices.Clip(x.Votes), b.Votes...)
	return Expected{x.Barring(b.Bars)}
}

// With is the question without those who turn out to be parties.
func (x Expected) With(bars []approvals.Bar) Expected { return Expected{x.Ballot.Barring(bars)} }

// May reports whether somebody is shown the button: one of those who decide, not kept from it, who
// did not say so yet.
func (x Expected) May(who string) bool {
	return slices.Contains(x.Electorate, who) && !x.barred(who) && x.able() >= x.Quorum &&
		!slices.ContainsFunc(x.Votes, func(v approvals.Vote) bool { return v.By == who })
}

func (x Expected) barred(who string) bool {
	return slices.ContainsFunc(x.Bars, func(b approvals.Bar) bool { return b.Who == who })
}

// able counts those who could take it as expected.
func (x Expected) able() int {
	n := 0
	for _, id := range x.Electorate {
		if !x.barred(id) {
			n++
		}
	}
	return n
}

// counted are the words of those who were not found out to be parties since.
func (x Expected) counted() []approvals.Vote {
	return slices.DeleteFunc(slices.Clone(x.Votes), func(v approvals.Vote) bool { return x.barred(v.By) })
}

// Lines are those who took it as expected while more are needed.
func (x Expected) Lines() []string {
	var out []string
	for i, v := range x.counted() {
		out = append(out, workflows.Say("✓ %m takes it as expected, %t (%d of %d)", v.By, v.At, i+1, x.Quorum))
	}
	return out
}

// Word says behind a sentence how many have to say so.
func (x Expected) Word() string { return x.WordAs("the role does") }

// WordAs is [Expected.Word] of something that has no role: as what it takes so many.
func (x Expected) WordAs(as string) string {
	switch {
	case x.Quorum < 2:
		return ""
	case x.able() < x.Quorum:
		return workflows.Say(" To take it as expected takes %d people, and not so many can.", x.Quorum)
	}
	return workflows.Say(" To take it as expected takes %d people, as %s.", x.Quorum, workflows.Text(as))
}

// Besides are who else has to be told because too few of those who were can take it as expected; nil: enough can.
func (x Expected) Besides(told []string) []string {
	can := 0
	for _, id := range told {
		if !x.barred(id) {
			can++
		}
	}
	if can >= x.Quorum {
		return nil
	}
	return x.Electorate
}

// By names all who took it as expected: whoever gave the last word, or all where it took several.
func (x Expected) By(last string) string {
	votes := x.counted()
	if len(votes) < 2 {
		return workflows.Mention(last)
	}
	return workflows.Mentions(votedBy(votes))
}

// Recorded answers somebody whose word was not enough yet. does is what they do, as "take it as
// expected".
func (x Expected) Recorded(b Took, does string) workflows.Reply {
	return workflows.Reply{Text: workflows.Say("Recorded. %d of %d %s; the others still can.",
		len(x.counted())+len(b.Votes), x.Quorum, workflows.Text(does))}
}

// Tell retells the event of such a word.
func (b Took) Tell() string { return workflows.Mentions(votedBy(b.Votes)) + " takes it as expected." }

func votedBy(votes []approvals.Vote) []string {
	var out []string
	for _, v := range votes {
		out = append(out, v.By)
	}
	return out
}

// TakenAsExpected records in the account's record that somebody took an access as theirs to answer
// for: from then on it explains what is there. workflow is where they did, key what the record keeps
// the access under, mark what it is ([workflows.User.Mark]).
func TakenAsExpected(cmd workflows.Command, workflow, key, mark string, who workflows.UserRef) workflows.Event {
	g := workflows.Given{Workflow: workflow, Since: cmd.At, Who: who}
	if h := workflows.ReadMark(mark); h != nil {
		g.Mark = h.Access.Mark()
	}
	return cmd.Event(workflows.AccessGiven, workflows.GivenChange{Key: key, Given: g, Workflow: workflow})
}
