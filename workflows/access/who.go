package access

import (
	"slices"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// settleParties fixes who asked and whose access it is, by everything that is known of them, and
// whom that keeps from deciding. What a review decided is nobody's request.
func (fr *Frozen) settleParties(f workflows.Facts) {
	whose := approvals.Party{Why: question.ByBeneficiary, Identity: approvals.Identity{ID: fr.Person}.With(fr.Email)}
	if fr.Person != "" {
		whose.Identity = whose.With(f.Known(fr.Person).Emails...)
	}
	asks := approvals.Party{Why: question.ByRequester, Identity: f.Known(fr.Requester)}
	fr.Parties = []approvals.Party{asks, whose}
	if fr.Review != "" {
		fr.Parties = fr.Parties[1:]
	}
	fr.ForSelf = asks.Same(whose.Identity)
	fr.Bars = approvals.Bars(fr.Parties, f.Everybody())
}

// barring is a ballot that keeps out whoever is a party by what is known now, besides those who
// were known before.
func (s State) barring(b approvals.Ballot, f workflows.Facts, more ...approvals.Party) approvals.Ballot {
	parties := append(slices.Clone(s.Parties), more...)
	return b.Barring(s.Bars).Barring(approvals.Bars(parties, f.Everybody()))
}

// newBars are those found out by now.
func (s State) newBars(f workflows.Facts) []approvals.Bar {
	return approvals.Bars(s.Parties, f.Everybody())
}

// barred reports whether somebody is known to be a party.
func (s State) barred(who string) bool {
	return slices.ContainsFunc(s.Bars, func(b approvals.Bar) bool { return b.Who == who })
}

// isSelf reports whether somebody is known to be the one whose access it is.
func (s State) isSelf(who string) bool {
	return who != "" && (who == s.Person || s.ForSelf && who == s.Requester ||
		slices.Contains(s.Bars, approvals.Bar{Who: who, Why: question.ByBeneficiary}))
}

// aboutSelf refuses somebody who would act about their own access, by what is known of them now.
func (s State) aboutSelf(cmd workflows.Command, f workflows.Facts, must string) *workflows.Refusal {
	whose := slices.IndexFunc(s.Parties, func(p approvals.Party) bool { return p.Why == question.ByBeneficiary })
	if s.isSelf(cmd.Actor.ID) || whose >= 0 && s.Parties[whose].Same(f.Known(cmd.Actor.ID)) {
		return refused("own_access", "This is your own access, so somebody else must "+must+". Nothing was recorded.")
	}
	return nil
}

// asOf is the state with only those who look after access by the configuration of now: it adds
// nobody, and takes away whoever it no longer names.
func (s State) asOf(f workflows.Facts) State {
	if f.Policy.Name == "" {
		return s
	}
	s.Holders, s.Admins = f.Managing(s.Holders), f.Managing(s.Admins)
	return s
}

// left is the party who has left the workspace since, "" for none. Taking access away needs neither
// of them; what a review decided needs nobody who asked.
func (s State) left(f workflows.Facts) string {
	if s.Change == Remove || s.Does == Remove || s.Review != "" {
		return ""
	}
	for _, who := range []string{s.Person, s.Requester} {
		switch f.People[who].Standing {
		case workflows.StandingDeactivated, workflows.StandingUnknown:
			if who != "" {
				return who
			}
		}
	}
	return ""
}

// leftWords says who has left, and what follows.
func (s State) leftWords(who string) string {
	if who == s.Person {
		return workflows.Mention(who) + ", whose access it would be, is no active member of this Slack any more."
	}
	return workflows.Mention(who) + ", who asked for it, is no active member of this Slack any more. Whoever needs it can ask anew."
}

// endLeft ends what is asked for somebody who has left, or who has: nothing is given, and what was
// given urgently ends now.
func (s State) endLeft(cmd workflows.Command, f workflows.Facts, who string) workflows.Decision {
	var d workflows.Decision
	switch {
	case s.Extend != nil:
		d = one(cmd, evNotExtended, reason{Left: who})
	case s.Urgent && (s.Phase == Pending || s.Phase == Active || s.Phase == Doing && (s.InFlight || s.Wrote)):
		d = s.stop(cmd, f, endLeft)
	default:
		d = s.end(cmd, Finished{Outcome: Failed, Code: endLeft, Who: who})
	}
	if cmd.Actor.Kind == workflows.ByPerson {
		d.Reply = workflows.Reply{Text: s.leftWords(who) + " So it ends here, and your answer was not needed."}
	}
	return d
}

// endLeft is the code of an end because somebody has left.
const endLeft = "left"

// covers reports whether an access holds everything that another one does.
func covers(a, b workflows.Access) bool {
	rank := []string{workflows.RoleNone, workflows.RoleMonitor, workflows.RoleManage, workflows.RoleAdministrator}
	have, want := slices.Index(rank, a.Role), slices.Index(rank, b.Role)
	switch {
	case want == 0 || b.Role == "" || have > 1: // manage and administrator reach every integration
		return have > 1 && want <= have || want == 0 || b.Role == ""
	case have == 1: // monitor sees every integration and manages none
		return want == 1 || b.Role == workflows.RoleCustom && len(b.Manage) == 0
	case a.Role != workflows.RoleCustom:
		return false
	}
	all := slices.Contains(a.Monitor, workflows.AllIntegrations)
	if want == 1 {
		return all
	}
	lacks := func(ids []string, in ...[]string) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return !workflows.Among(id, in...) })
	}
	return b.Role == workflows.RoleCustom && !lacks(b.Manage, a.Manage) && (all || !lacks(b.Monitor, a.Manage, a.Monitor))
}
