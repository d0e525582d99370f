package access

import (
	"cmp"
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// back is what the end of a time brings back: what stood before the first of the times that run,
// or, while another one runs, what that one gives.
type back struct {
	workflows.Former
	// Under is the time that still runs and gives it, until Until; empty for none.
	Under string    `json:"under,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// brings is what the end brings back, as far as it is known by now.
func (s State) brings() back {
	if s.Ending.Back != nil {
		return *s.Ending.Back
	}
	return back{Former: s.Read.Former}
}

// formerly is what stands when nothing for a time is left: what was read, unless a time runs that
// gave it.
func (s State) formerly(ev Read, g workflows.Given) workflows.Former {
	switch {
	case len(g.Running) > 0 && g.Former != nil:
		return *g.Former
	case !ev.OK && ev.Does == Grant: // whoever has nothing is invited
		return workflows.Former{Read: true}
	}
	return workflows.Former{User: ev.User, Read: ev.OK}
}

// record is what the account's record says of this access.
func (s State) record(f workflows.Facts) workflows.Given {
	_, g, _ := f.Account.GivenOf(s.Environment, s.Email, s.Who)
	return g
}

// overtaken is the decision that stands although this one's time runs: made later, so that the end
// of this one changes nothing. Empty: none. What somebody took as expected on a finding's card is
// judged by reading.
func (s State) overtaken(f workflows.Facts) string {
	g := s.record(f)
	if s.Box.From.IsZero() || s.Changed.Left != "" || g.Workflow == s.ID {
		return ""
	}
	return g.Workflow
}

// comesBack is what the end of this brings back by the account's record of now.
func (s State) comesBack(f workflows.Facts) back {
	g := s.record(f)
	others := slices.DeleteFunc(slices.Clone(g.Running),
		func(r workflows.RunningTime) bool { return r.Workflow == s.ID })
	if n := len(others); n > 0 {
		top := others[n-1]
		a := workflows.ReadAccessMark(top.Mark)
		u := &workflows.User{
			Email: s.Email, Status: workflows.UserAccepted,
			Role: a.Role, Manage: a.Manage, Monitor: a.Monitor,
		}
		if s.Read.User != nil {
			u.MFA, u.SSO = s.Read.User.MFA, s.Read.User.SSO
		}
		return back{Former: workflows.Former{User: u, Read: true}, Under: top.Workflow, Until: top.Until}
	}
	// what somebody left as it is is judged by reading
	if g.Former != nil && len(g.Running) > 0 && s.Changed.Left == "" {
		return back{Former: *g.Former}
	}
	return back{Former: s.Read.Former}
}

// timeBegins, timeMoves and the others say in the account's record what this decision means for the
// access.
func (s State) timeBegins(cmd workflows.Command, until time.Time) workflows.Event {
	former := s.Read.Former
	given := workflows.Given{Mark: s.Want.Mark(), Until: until}
	return s.gives(cmd, workflows.GivenChange{Time: workflows.TimeBegins, Given: given, Former: &former})
}

func (s State) timeMoves(cmd workflows.Command, until time.Time) workflows.Event {
	given := workflows.Given{Mark: s.Want.Mark(), Until: until}
	return s.gives(cmd, workflows.GivenChange{Time: workflows.TimeMoves, Given: given})
}

// timeEnds: what stands stays what the record says.
func (s State) timeEnds(cmd workflows.Command) workflows.Event {
	return s.gives(cmd, workflows.GivenChange{Time: workflows.TimeEnds, Stays: true})
}

// broughtBack: what the end brought back stands now.
func (s State) broughtBack(cmd workflows.Command) workflows.Event {
	b := s.brings()
	c := workflows.GivenChange{Time: workflows.TimeEnds, Given: workflows.Given{Workflow: b.Under, Until: b.Until}}
	if b.User != nil {
		c.Given.Mark = b.User.Access().Mark()
	}
	return s.gives(cmd, c)
}

// onTheWay: an invitation was sent.
func (s State) onTheWay(cmd workflows.Command) workflows.Event {
	return s.gives(cmd, workflows.GivenChange{Time: workflows.GivenOnTheWay,
		Given: workflows.Given{Mark: s.Want.Mark()}})
}

// given for good: what was agreed, not what somebody made of it since. An empty mark is no access.
func (s State) given(cmd workflows.Command, mark string) workflows.Event {
	return s.gives(cmd, workflows.GivenChange{Given: workflows.Given{Mark: mark}})
}

func (s State) gives(cmd workflows.Command, c workflows.GivenChange) workflows.Event {
	c.Key, c.Workflow = s.key(), s.ID
	c.Given.Who = s.Who
	c.Given.Workflow, c.Given.Since, c.Given.Asked = cmp.Or(c.Given.Workflow, s.ID), cmd.At, s.Requester
	return cmd.Event(workflows.AccessGiven, c)
}

// key is what the account's record keeps this access under.
func (s State) key() string {
	return cmp.Or(s.Read.Key, workflows.GivenKey(s.Environment, s.Email))
}

// tense is when something is the case.
type tense int

const (
	willBe tense = iota // a whole sentence, of an end to come
	isNow               // the middle of one, of an end that was
)

// after says what stands after the end.
func (s State) after(when tense) string {
	b, whose := s.brings(), s.address()
	has, end := whose+" has ", ""
	if when == willBe {
		has, end = whose+" then has ", "."
	}
	switch {
	case when == isNow && s.Box.From.IsZero() && s.Read.Does == Grant && s.Closed():
		return "the invitation of " + whose + " was deleted"
	case !b.Read && when == willBe:
		return has + "again what it had before, which could not be read here."
	case !b.Read:
		return has + "again what it had before"
	case b.User == nil && when == willBe:
		return whose + " is then removed."
	case b.User == nil:
		return whose + " was removed"
	}
	has += b.User.Access().Brief(s.Read.Names) + " again"
	switch {
	case b.User.Disabled:
		return has + " and is switched off, as before" + end
	case b.Under != "":
		return has + ", by another decision whose time runs, " + b.Under + end
	}
	return has + end
}
