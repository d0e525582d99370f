package transfer

import (
	"errors"
	"slices"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// parties are those whom a transfer is about and who therefore do not decide it, by everything that
// is known of them when it is asked for.
func parties(fr Frozen, f workflows.Facts) []approvals.Party {
	out := []approvals.Party{{Identity: f.Known(fr.Requester), Why: "requester"}}
	if fr.ToPerson != "" {
		out = append(out, approvals.Party{Identity: f.Known(fr.ToPerson).With(fr.To), Why: "new_owner"})
	}
	return out
}

// asOf is the state with the rights of now: people whom the configuration no longer names for the
// account, or whose address is no longer the owner's, are not among those who may act. It adds
// nobody, and it is for deciding only, never for folding.
func (s State) asOf(f workflows.Facts) State {
	if f.Policy.Name == "" {
		return s
	}
	keep := func(ids, now []string) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !workflows.Among(id, now) })
	}
	of := func(address string) []string {
		a, _ := f.Policy.Alias(address)
		return f.Expand(a.Holders)
	}
	s.Holders = keep(s.Holders, f.Expand(f.Policy.HolderIDs()))
	s.Admins = keep(s.Admins, f.Expand(f.Policy.Admins))
	s.ToHolders = keep(s.ToHolders, of(s.To))
	s.FromPeople = slices.DeleteFunc(slices.Clone(s.FromPeople), func(id string) bool {
		p := f.People[id]
		owns := p.EmailConfirmed && workflows.SameEmail(p.Email, s.From)
		return !owns && !workflows.Among(id, of(s.From))
	})
	return s
}

// whoCan names those who may do something, when there are any left.
func whoCan(people []string) string {
	if len(people) == 0 {
		return "nobody just now"
	}
	return workflows.Mentions(people)
}

// left says who of those whom the transfer is about has left the workspace since it was asked for:
// who asked, or whoever could take the account. Nobody: "". Only people who were looked up count.
func (s State) left(f workflows.Facts) string {
	gone := func(who string) bool {
		p, known := f.People[who]
		switch p.Standing {
		case workflows.StandingDeactivated, workflows.StandingUnknown:
			return known
		}
		return false
	}
	switch {
	case gone(s.Requester):
		return workflows.Say("%m, who asked for it, is no active member of this Slack any more", s.Requester)
	case s.ToPerson != "" && gone(s.ToPerson):
		return workflows.Say("%m, who was to become the owner, is no active member of this Slack any more", s.ToPerson)
	case s.ToPerson == "" && len(s.ToHolders) > 0 && !slices.ContainsFunc(s.ToHolders, func(h string) bool {
		return !gone(h)
	}):
		return workflows.Say("nobody who can open %s is an active member of this Slack any more", s.To)
	}
	return ""
}

// endLeft is the code of a transfer that ended because somebody it is about has left.
const endLeft = "left"

// endAsLeft ends the transfer because of that.
func (s State) endAsLeft(cmd workflows.Command, why string) workflows.Decision {
	d := s.end(cmd, Ended{Outcome: Failed, Code: endLeft, Message: why})
	if cmd.Actor.Kind == workflows.ByPerson {
		d.Reply = workflows.Reply{Text: "This transfer ends here: " + why +
			". Your answer was not needed and is not recorded."}
	}
	return d
}

// notPermitted reports whether an error is that somebody has no right to do something.
func notPermitted(err error) bool {
	var r *workflows.Refusal
	return errors.As(err, &r) && r.Code == "not_permitted"
}
