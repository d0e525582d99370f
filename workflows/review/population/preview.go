package population

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Preview says in lines of mrkdwn who is going to be asked about how much, who follows when they do
// not answer, and what is unusual about it.
func Preview(p Planned) []string {
	var out []string
	for _, s := range perReviewer(p.Shares) {
		line := workflows.Mention(s.reviewer)
		if s.inPlaceOf != "" {
			line += " (in place of " + workflows.Mention(s.inPlaceOf) + ")"
		}
		line += ": " + workflows.Plural(s.rows, "row")
		if s.tokens > 0 {
			line += fmt.Sprintf(", of them %s", workflows.Plural(s.tokens, "API token"))
		}
		if s.packets > 1 {
			line += fmt.Sprintf(" in %d parts", s.packets)
		}
		if s.administer > 0 {
			line += fmt.Sprintf(", %d of them can administer the account", s.administer)
		}
		if s.flagged > 0 {
			line += fmt.Sprintf(", %d flagged", s.flagged)
		}
		switch {
		case len(s.backups) > 0:
			line += ". If they do not answer: " + workflows.Mention(s.backups[0])
		default:
			line += ". ! If they do not answer, nobody else can"
		}
		out = append(out, line+".")
	}
	for _, e := range p.Exceptions {
		out = append(out, "! "+e)
	}
	return append(out, p.Notes...)
}

// reviewerLoad is what one person is asked, over all packets.
type reviewerLoad struct {
	reviewer, inPlaceOf                string
	rows, packets, administer, flagged int
	tokens                             int
	backups                            []string
}

func perReviewer(shares []Share) []reviewerLoad {
	var out []reviewerLoad
	for _, s := range shares {
		i := slices.IndexFunc(out, func(l reviewerLoad) bool {
			return l.reviewer == s.Reviewer && l.inPlaceOf == s.InPlaceOf
		})
		if i < 0 {
			i = len(out)
			out = append(out, reviewerLoad{reviewer: s.Reviewer, inPlaceOf: s.InPlaceOf, backups: s.Backups})
		}
		out[i].rows += len(s.Rows)
		out[i].packets++
		for _, r := range s.Rows {
			if r.IsToken() {
				out[i].tokens++
			}
			if CanAdminister(r) {
				out[i].administer++
			}
			if AsksReason(r.Flags) {
				out[i].flagged++
			}
		}
	}
	return out
}

// CanAdminister reports whether a row's user or token can change who has access, now or by accepting an invitation.
func CanAdminister(r Row) bool {
	return r.Role == RoleOwner || r.IsToken() && r.Privileged || r.Role == workflows.RoleAdministrator && !r.Disabled &&
		r.Status != workflows.UserDismissed
}

// maxNamed is how many integrations of a level a row's text names.
const maxNamed = 4

// RowText is a row as its reviewer reads it at a time, in mrkdwn: a title with address and role, and
// what there is to know, what stands against it first, each a short line without a full stop at its
// end. Of an exception it says nothing: that concerns the reviewer, not the row.
func RowText(r Row, at time.Time) (title string, facts []string) {
	if r.IsToken() {
		return tokenText(r, at)
	}
	title = "*" + workflows.Esc(r.Email) + "* · " + roleWords(r)
	if r.Environment != "" {
		title += " · " + workflows.Esc(r.Environment)
	}
	add := func(parts ...string) {
		parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
		if len(parts) > 0 {
			facts = append(facts, strings.TrimSuffix(strings.Join(parts, " "), "."))
		}
	}
	if len(r.Flags) > 0 {
		words := make([]string, len(r.Flags))
		for i, f := range r.Flags {
			words[i] = flagWords(f, r)
		}
		add("! " + strings.Join(words, ", "))
	}
	name := ""
	if r.Name != "" {
		name = workflows.Esc(workflows.Clip(r.Name, 80)) + "."
	}
	add(name, mayWords(r))
	add(signInWords(r, at))
	if len(r.MCP) > 0 {
		add("On MCP servers: " + integrationWords(r.MCP, nil) + ".")
	}
	add(originWords(r, at))
	if r.Master() {
		for _, line := range mailboxWords(r, at) {
			add(line)
		}
	}
	return title, facts
}

func roleWords(r Row) string {
	switch {
	case r.Kind == KindAlias && r.Status == "":
		return "alias, not a user of the account"
	case r.Kind == KindAlias:
		return "alias, " + workflows.Esc(r.Role)
	case r.Role == "":
		return workflows.RoleNone
	}
	return workflows.Esc(r.Role)
}

func mayWords(r Row) string {
	switch {
	case r.Kind == KindAlias && r.Status == "":
		return "A shared mailbox that may own the account later."
	case r.Role != workflows.RoleCustom || len(r.Manage)+len(r.Monitor) == 0:
		return RoleInShort(r.Role)
	}
	var parts []string
	if len(r.Manage) > 0 {
		parts = append(parts, "manage "+integrationWords(r.Manage, r.Names))
	}
	if len(r.Monitor) > 0 {
		parts = append(parts, "monitor "+integrationWords(r.Monitor, r.Names))
	}
	return "May " + strings.Join(parts, "; ") + "."
}

func integrationWords(ids []string, names map[string]string) string {
	var out []string
	for i, id := range ids {
		if i == maxNamed {
			out = append(out, fmt.Sprintf("%d more", len(ids)-maxNamed))
			break
		}
		switch name := names[id]; {
		case id == workflows.AllIntegrations:
			out = append(out, "all integrations")
		case name != "":
			out = append(out, "“"+workflows.Esc(workflows.Clip(name, 40))+"”")
		default:
			out = append(out, workflows.Esc(workflows.Clip(id, 40)))
		}
	}
	return workflows.List(out, "and")
}

// signInWords tells the last sign-ins. Who never signed in is flagged or new or was not to be read:
// only the flag says "never".
func signInWords(r Row, at time.Time) string {
	switch {
	case r.Status != workflows.UserAccepted:
		return ""
	case !r.LastHere.IsZero() && r.LastAny.Sub(r.LastHere) >= 24*time.Hour:
		return "Signed in here " + dayWords(r.LastHere, at) + ", to some account " + dayWords(r.LastAny, at) + "."
	case !r.LastHere.IsZero():
		return "Signed in here " + dayWords(r.LastHere, at) + "."
	case !r.LastAny.IsZero():
		return "No sign-in here is known; to some account " + dayWords(r.LastAny, at) + "."
	}
	return "No sign-in is known."
}

// dayWords is a day that is past, with how long ago that was: "2028-02-28 (14 days ago)". The day is
// that of UTC: a form shows no time in the reader's own zone.
func dayWords(t, at time.Time) string {
	return day(t) + " (" + workflows.Ago(at.Sub(t)) + ")"
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// originWords tell how the access came about: what integrator.io says, and the decision that gave it.
func originWords(r Row, at time.Time) string {
	how := map[string]string{
		"existing_account_invite":        "Invited",
		"existing_account_share_request": "Asked for it in integrator.io",
		"invited_during_signup":          "Invited when the account was set up",
		"new_account_auto_join":          "Joined by domain, uninvited",
	}[r.Via]
	if how == "" && !r.Since.IsZero() {
		how = "There since"
		if r.Kind == KindOwner {
			how = "Owner since"
		}
	}
	if how != "" && !r.Since.IsZero() {
		how += " " + dayWords(r.Since, at)
	}
	if r.Was != "" {
		how = cmp.Or(how, "There") + " as " + workflows.Esc(r.Was)
	}
	if r.InvitedBy != "" {
		how = cmp.Or(how, "Invited") + " by " + workflows.Esc(r.InvitedBy)
	}
	by := ""
	switch {
	case r.Kind == KindOwner && r.Decision == "configuration":
		by = "named in the configuration"
	case r.Decision != "":
		by = "decided in `" + workflows.Esc(r.Decision) + "`"
	}
	if !r.Until.IsZero() {
		by += " until " + day(r.Until)
	}
	if r.Status == workflows.UserDismissed {
		by = strings.Join(slices.DeleteFunc([]string{by, "declined: no access now"}, func(s string) bool {
			return s == ""
		}), ", ")
	}
	out := strings.Join(slices.DeleteFunc([]string{how, strings.TrimSpace(by)}, func(s string) bool {
		return s == ""
	}), "; ")
	if out == "" {
		return ""
	}
	return strings.ToUpper(out[:1]) + out[1:] + "."
}

// mailboxWords tell who can open a mailbox and what about that does not agree.
func mailboxWords(r Row, at time.Time) []string {
	var out []string
	who := func(label string, ids []string) string {
		if len(ids) == 0 {
			return label + " nobody recorded."
		}
		return label + " " + workflows.Mentions(ids) + "."
	}
	if r.Kind == KindOwner && len(r.Holders)+len(r.Custodians) == 0 && len(r.Differences) == 0 {
		return append(out, "Not one of the shared mailboxes: whoever has this address has the account.")
	}
	if r.Kind == KindAlias || len(r.Holders)+len(r.Custodians) > 0 {
		line := who("Can read it:", r.Holders) + " " + who("Password and second factor:", r.Custodians)
		if len(r.Holders) > 0 && slices.Equal(r.Holders, r.Custodians) {
			line = who("Mailbox, password and second factor:", r.Holders)
		}
		if r.Vault != "" {
			line += " Kept in " + workflows.Esc(workflows.Clip(r.Vault, 80)) + "."
		}
		out = append(out, line)
		if shown := shownWords(r.Proofs, at); shown != "" {
			out = append(out, shown)
		}
	}
	for _, d := range r.Differences {
		out = append(out, "! "+d)
	}
	if r.Attested != "" {
		out = append(out, workflows.Mention(r.Attested)+" says that the mail system agrees with this.")
	}
	return out
}

// shownWords tell who has shown which part of the sign-in they can use; empty for nobody.
func shownWords(proofs []workflows.Proof, at time.Time) string {
	var parts []string
	for _, part := range []struct{ what, words string }{
		{workflows.KeyMailbox, "the mailbox"}, {workflows.KeyPassword, "the password"},
		{workflows.KeySecondFactor, "the second factor"},
	} {
		var who []string
		for _, p := range proofs {
			if p.What == part.what {
				who = append(who, workflows.Mention(p.Person)+" "+workflows.Ago(at.Sub(p.At))+" ("+p.How+")")
			}
		}
		if len(who) > 0 {
			parts = append(parts, part.words+" by "+workflows.List(who, "and"))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Last shown: " + strings.Join(parts, "; ") + "."
}

// NotPartOfIt says whom a review cannot ask about. Source: the reference, MCP end users, whom no list names.
const NotPartOfIt = "People who may only use MCP servers of the account are not part of it: integrator.io does not list them. " +
	"What its users may do on MCP servers is shown with them."

// flagWords is a flag with what the row knows about it.
func flagWords(flag string, r Row) string {
	if id := map[string]string{FlagUnexplained: r.Finding, FlagRemovalAsked: r.Asked}[flag]; id != "" {
		return FlagText(flag) + " (" + id + ")"
	}
	if flag != FlagWider {
		return FlagText(flag)
	}
	switch {
	case slices.Contains(r.Flags, FlagNeverSignedIn) && roleWidth(r) >= roleWidth(Row{Role: workflows.RoleManage}):
		return "less would do: it was never used"
	case r.Decision != "" && !r.Until.IsZero():
		return "its time is over"
	case r.Decision == "":
		return "wider than what was decided last"
	}
	return FlagText(flag)
}
