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
	if fr.Review != nil {
		fr.Parties = fr.Parties[1:]
	}
	fr.ForSelf = asks.Same(whose.Identity)
	fr.Bars = approvals.Bars(fr.Parties, f.Everybody())
}

// bars are those who are known to be a party: since it was asked for, or found out by a count.
func (s State) bars() []approvals.Bar {
	b := approvals.Ballot{Bars: s.Bars}.Barring(s.Question.Ballot.Bars)
	for _, bar := range s.Box.More.Ballot.Bars {
		if bar.Why == question.ByBeneficiary { // who asked for more time did not ask for the access
			b = b.Barring([]approvals.Bar{bar})
		}
	}
	return slices.Clone(b.Bars)
}

// managers are the people who look after access besides those who vote.
func (s State) managers() []string { return workflows.Union(s.Holders, s.Admins) }

// able are the managers who may say that something was done: not the one whose access it is.
func (s State) able() []string { return slices.DeleteFunc(s.managers(), s.isSelf) }

// own are the people the access is about.
func (s State) own() []string { return workflows.Union([]string{s.Requester}, []string{s.Person}) }

// isSelf reports whether somebody is known to be the one whose access it is.
func (s State) isSelf(who string) bool {
	return who != "" && (who == s.Person || s.ForSelf && who == s.Requester ||
		slices.Contains(s.bars(), approvals.Bar{Who: who, Why: question.ByBeneficiary}))
}

// isTheirs reports whether it is somebody's own access, by what is known of them now.
func (s State) isTheirs(who string, f workflows.Facts) bool {
	whose := slices.IndexFunc(s.Parties, func(p approvals.Party) bool { return p.Why == question.ByBeneficiary })
	return s.isSelf(who) || whose >= 0 && s.Parties[whose].Same(f.Known(who))
}

// aboutSelf refuses somebody who would act about their own access, by what is known of them now.
func (s State) aboutSelf(cmd workflows.Command, f workflows.Facts, must string) error {
	if s.isTheirs(cmd.Actor.ID, f) {
		return workflows.Refuse("own_access", "This is your own access, so somebody else must "+must+". "+
			"Nothing was recorded.")
	}
	return nil
}

// asOf is the state with only those who look after access by the configuration of now: it adds
// nobody, and takes away whoever it no longer names.
func (s State) asOf(f workflows.Facts) State {
	s.Holders, s.Admins = f.Managing(s.Holders), f.Managing(s.Admins)
	return s
}

// left is the party who has left the workspace since, "" for none. Taking access away needs neither
// of them; what a review decided needs nobody who asked.
func (s State) left(f workflows.Facts) string {
	if s.Change == Remove || s.Read.Does == Remove || s.Review != nil {
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
	return workflows.Mention(who) + ", who asked for it, is no active member of this Slack any more. Whoever " +
		"needs it can ask anew."
}

// endLeft ends what is asked for somebody who has left, or who has: nothing is given, and what was
// given urgently ends now.
func (s State) endLeft(cmd workflows.Command, f workflows.Facts, who string) workflows.Decision {
	var d workflows.Decision
	given := s.Stage == Pending || s.Stage == Active || s.Stage == Doing && (s.Call.InFlight || s.Written.Unusable)
	switch {
	case s.Box.Asks:
		d = evNotExtended.One(cmd, reason{Left: who})
	case s.Urgent && given:
		d = s.stop(cmd, f, codeLeft)
	default:
		d = s.end(cmd, Finished{Outcome: Failed, Code: codeLeft, Who: who})
	}
	if cmd.Actor.Kind == workflows.ByPerson {
		d.Reply = workflows.Reply{Text: s.leftWords(who) + " So it ends here, and your answer was not needed."}
	}
	return d
}

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
	return b.Role == workflows.RoleCustom && !lacks(b.Manage, a.Manage) && (all || !lacks(b.Monitor, a.Manage,
		a.Monitor))
}
