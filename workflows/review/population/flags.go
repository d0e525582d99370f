package population

import (
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/lists"
)

// Names under which a census says in Unread that a column was not there to read: a CSV of the Users
// page may lack some. Without them an empty cell is an answer: never signed in, not required.
const (
	UnreadSignIn = "last_sign_in"
	UnreadMFA    = lists.UnreadMFA
	UnreadSSO    = lists.UnreadSSO
)

// userFlags says what about a user is worth a second look, in the contract's order. Each flag is a fact of its own:
//
//   - never_signed_in: accepted, never signed in to this account (to others does not help), and not
//     newer than Policy.ExemptNew.
//   - inactive: the last sign-in here is longer ago than the threshold, to the second; exactly as
//     long is not. Users newer than ExemptNew are
//     exempt (as at Entra); one whose beginning is unknown is not new. A threshold of 0 switches the flag off.
//   - pending: the invitation was not answered. A declined one is not pending: nobody can accept
//     it, so it gives no access, but it stays a row,
//     because it is in integrator.io's list and a population that leaves something out proves nothing.
//   - disabled: an accepted user who is switched off.
//   - no_mfa_or_sso: neither is required of somebody who can get in now, whatever the role: an
//     export in which the absence of the flag did not mean that one is required would mislead an
//     auditor. Who cannot get in (pending, declined, disabled) is not flagged. [AsksReason] keeps
//     this flag from making every row a special case.
//   - foreign_domain: the address is of none of the domains of owner and aliases. A sub-domain is another domain.
//   - unexplained, removal_asked: a finding or a request for removal is open about this very access; the row names it.
//   - all_mcp_servers: may use every MCP server of the account, those to come included; of an
//     administrator that goes without saying.
//   - wider_than_needed: from facts at hand only, never from guesses. See widerThanNeeded.
func userFlags(u workflows.User, r Row, st Started, unread map[string]string, given *workflows.Given,
	at time.Time) []string {
	var out []string
	add := func(flag string, on bool) {
		if on {
			out = append(out, flag)
		}
	}
	p := st.Policy
	accepted := u.Status == workflows.UserAccepted
	settled := accepted && !isNew(u.Since, p.ExemptNew, at)
	never := settled && u.LastHere.IsZero() && unread[UnreadSignIn] == ""
	after := p.InactiveAfter
	if r.Privileged {
		after = p.InactivePrivilegedAfter
	}
	add(FlagNeverSignedIn, never)
	add(FlagInactive, settled && !u.LastHere.IsZero() && after > 0 && at.Sub(u.LastHere) > after)
	add(FlagPending, u.Status == workflows.UserPending)
	add(FlagDisabled, u.Disabled)
	add(FlagNoMFAOrSSO, accepted && !u.Disabled && !u.MFA && !u.SSO && unread[UnreadMFA] == "" &&
		unread[UnreadSSO] == "")
	add(FlagForeignDomain, foreignDomain(r.Email, st))
	add(FlagUnexplained, r.Finding != "")
	add(FlagRemovalAsked, r.Asked != "")
	add(FlagAllMCP, u.AllMCP && u.Role != workflows.RoleAdministrator)
	add(FlagWider, widerThanNeeded(u, never, given, at))
	return out
}

// isNew reports whether something began less than exempt ago. An unknown beginning is not new.
func isNew(since time.Time, exempt time.Duration, at time.Time) bool {
	return !since.IsZero() && at.Sub(since) < exempt
}

// foreignDomain reports whether an address is outside the domains of owner and aliases. Without any
// domain to compare with nothing is.
func foreignDomain(email string, st Started) bool {
	own := emailDomain(email)
	known := false
	for _, e := range masterEmails(st) {
		if d := emailDomain(e); d != "" {
			if d == own {
				return false
			}
			known = true
		}
	}
	return known
}

// masterEmails are the addresses of owner and aliases.
func masterEmails(st Started) []string {
	out := []string{cleanEmail(st.Owner)}
	for _, a := range st.Aliases {
		out = append(out, cleanEmail(a.Email))
	}
	return out
}

// cleanEmail is an address as rows hold it: trimmed, in lower case.
func cleanEmail(e string) string { return strings.ToLower(strings.TrimSpace(e)) }

// emailDomain is what follows the last @, in lower case; empty without one.
func emailDomain(email string) string {
	if i := strings.LastIndexByte(email, '@'); i >= 0 {
		return cleanEmail(email[i+1:])
	}
	return ""
}

// widerThanNeeded reports whether less would do, as far as the facts say it:
//
//   - the access goes beyond what the last decision gave (an access that a decision took away counts as no access);
//   - the access is still the one of a time-box that is over;
//   - it manages or administers everything, and was never used.
//
// Without any decision nothing is known to compare with. Who declined has no access.
func widerThanNeeded(u workflows.User, never bool, given *workflows.Given, at time.Time) bool {
	if u.Status == workflows.UserDismissed {
		return false
	}
	if never && (u.Role == workflows.RoleAdministrator || u.Role == workflows.RoleManage) {
		return true
	}
	if given == nil {
		return false
	}
	if timeIsOver(*given, at) && given.Mark == u.Access().Mark() && given.Mark != workflows.RoleNone {
		return true
	}
	return !accessCovers(accessOfMark(given.Mark), u.Access())
}

func timeIsOver(g workflows.Given, at time.Time) bool { return !g.Until.IsZero() && !g.Until.After(at) }

// accessOfMark is the reverse of [workflows.Access.Mark]. An empty mark is no access.
func accessOfMark(mark string) workflows.Access {
	inside, custom := strings.CutPrefix(mark, workflows.RoleCustom+"[")
	if !custom {
		if mark == "" {
			mark = workflows.RoleNone
		}
		return workflows.Access{Role: mark}
	}
	manage, monitor, _ := strings.Cut(strings.TrimSuffix(inside, "]"), ";")
	split := func(s string) []string {
		return slices.DeleteFunc(strings.Split(s, ","), func(id string) bool { return id == "" })
	}
	return workflows.Access{Role: workflows.RoleCustom, Manage: split(manage), Monitor: split(monitor)}
}

// accessCovers reports whether everything that a allows is allowed by given, too. A role that is
// not known is covered only by itself and by administrator.
func accessCovers(given, a workflows.Access) bool {
	if given.Role == workflows.RoleAdministrator || a.Role == workflows.RoleNone || given.Mark() == a.Mark() {
		return true
	}
	all := func(ids []string) bool { return slices.Contains(ids, workflows.AllIntegrations) }
	manages := func(id string) bool {
		return given.Role == workflows.RoleManage || given.Role == workflows.RoleCustom &&
			(all(given.Manage) || slices.Contains(given.Manage, id))
	}
	monitors := func(id string) bool {
		return manages(id) || given.Role == workflows.RoleMonitor || given.Role == workflows.RoleCustom &&
			(all(given.Monitor) || slices.Contains(given.Monitor, id))
	}
	missing := func(ids []string, may func(string) bool) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return !may(id) })
	}
	switch a.Role {
	case workflows.RoleMonitor:
		return monitors(workflows.AllIntegrations)
	case workflows.RoleCustom:
		return !missing(a.Manage, manages) && !missing(a.Monitor, monitors)
	}
	return a.Role == workflows.RoleManage && manages(workflows.AllIntegrations)
}

// AsksReason reports whether flags alone make keeping a row a matter for a reason. no_mfa_or_sso
// does not: it asks for a setting to be switched on, and neither keep, change nor remove does that;
// where few accounts require MFA user by user it would stand on nearly every row and leave nothing
// to keep together. Privileged rows need a reason anyhow.
func AsksReason(flags []string) bool {
	return slices.ContainsFunc(flags, func(f string) bool { return f != FlagNoMFAOrSSO })
}

// FlagText is a flag in words for people, without a mark and in lower case; an unknown one is shown as it is.
func FlagText(flag string) string {
	switch flag {
	case FlagNeverSignedIn:
		return "never signed in to this account"
	case FlagInactive:
		return "not signed in here for long"
	case FlagPending:
		return "has not accepted the invitation"
	case FlagDisabled:
		return "switched off, cannot get in now"
	case FlagNoMFAOrSSO:
		return "neither MFA nor SSO required"
	case FlagForeignDomain:
		return "address outside the company's domains"
	case FlagUnexplained:
		return "no decision explains it"
	case FlagRemovalAsked:
		return "its removal was asked for"
	case FlagAllMCP:
		return "may use every MCP server of the account"
	case FlagNoAnswer:
		return "nobody decided in time"
	case FlagWider:
		return "may do more than needed"
	case FlagFullAccess:
		return "full access to the account"
	case FlagNoEnd:
		return "does not end by itself"
	case FlagMakerGone:
		return "whoever made it is no user any more"
	case FlagMakerInactive:
		return "whoever made it has not signed in for long"
	}
	return flag
}
