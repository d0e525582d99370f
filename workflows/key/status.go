package key

import (
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Status answers who can open the mailbox and use password and second factor of an account's owner,
// each with the last proof, and the last and next drill and use: a view of the record, so it costs
// the same however long the audit log is. watch is the state of the account's watch, the zero
// state when there is none yet.
func Status(p workflows.Policy, a workflows.AccountState, watch WatchState) []string {
	lines := []string{"*The key of " + workflows.Esc(p.Name) + "* (`" + p.ID + "`)", "Owner: " + workflows.Esc(a.Owner)}
	alias, is := p.Alias(a.Owner)
	if !is {
		lines = append(lines,
			"! The owner is no shared mailbox of the configuration, so what rests on one person cannot be shared or rehearsed. "+
				"Hand the account to the shared mailbox: `{command} transfer "+p.ID+"`.")
	} else {
		for _, part := range []struct {
			label, what string
			of          []string
		}{
			{"Mailbox", workflows.KeyMailbox, alias.Holders},
			{"Password", workflows.KeyPassword, alias.PasswordKeepers()},
			{"Second factor", workflows.KeySecondFactor, alias.SecondFactorKeepers()},
		} {
			lines = append(lines, part.label+": "+proofs(a, part.what, part.of))
		}
		if alias.Vault != "" {
			lines = append(lines, "Kept in: "+workflows.Esc(alias.Vault))
		}
	}
	return append(lines, drills(p, a, watch), uses(a), watching(p, watch), ownToken(p))
}

// proofs lists people with their last proof of a part.
func proofs(a workflows.AccountState, what string, of []string) string {
	if len(of) == 0 {
		return "! nobody is named in the configuration"
	}
	var out []string
	named := slices.Clone(of)
	if slices.ContainsFunc(of, workflows.IsGroup) { // of a group, the record knows those who have shown it
		for _, p := range a.Key.Proofs {
			if p.What == what && workflows.SameEmail(p.Owner, a.Owner) {
				named = workflows.Union(named, []string{p.Person})
			}
		}
	}
	for _, who := range named {
		name := workflows.Mention(who)
		if workflows.IsGroup(who) {
			out = append(out, "<!subteam^"+workflows.Esc(who)+">")
			continue
		}
		proof := a.Key.Proof(what, a.Owner, who)
		switch proof.How {
		case workflows.Verified:
			out = append(out, "✓ "+name+" (verified "+workflows.When(proof.At)+")")
		case workflows.Attested:
			out = append(out, "✓ "+name+" (attested "+workflows.When(proof.At)+")")
		default:
			out = append(out, "… "+name+" (never)")
		}
	}
	return strings.Join(out, " · ")
}

func drills(p workflows.Policy, a workflows.AccountState, watch WatchState) string {
	text := "Last drill: never"
	if d := a.Key.Drill; d != nil {
		text = "Last drill: " + workflows.When(d.Ended) + ", " + drillWords[d.Outcome] + " (`" + d.Workflow + "`)"
	}
	switch {
	case a.Locks[workflows.LockDrill] != "":
		return text + ". One is running: `" + a.Locks[workflows.LockDrill] + "`"
	case p.Key.DrillEvery <= 0:
		return text + ". Next: only when somebody asks, `{command} key " + p.ID + " drill`"
	case watch.NextDrill.IsZero():
		return text + ". Next: not planned yet"
	}
	return text + ". Next: " + workflows.When(watch.NextDrill) + ", or at once with `{command} key " + p.ID + " drill`"
}

var drillWords = map[string]string{DrillPassed: "passed", DrillGaps: "with gaps", DrillCancelled: "ended early"}

func uses(a workflows.AccountState) string {
	held := a.Locks[workflows.LockKey]
	u := a.Key.Use
	switch {
	case held != "" && u != nil && u.Workflow == held:
		return "! The key is out: " + workflows.Mention(u.Person) + " has it since " + workflows.When(u.Out) +
			", until " +
			workflows.When(u.Until) + " (`" + held + "`)"
	case held != "":
		return "… Somebody has asked for the key: `" + held + "`"
	case u == nil:
		return "Last use: none on record"
	}
	found := u.Found
	if found == "" {
		found = "not explained yet"
	}
	return "Last use: " + workflows.Mention(u.Person) + ", " + workflows.When(u.Out) + ", " + workflows.Esc(found) +
		" (`" + u.Workflow + "`)"
}

func watching(p workflows.Policy, watch WatchState) string {
	switch {
	case !p.Token:
		return "Sign-ins of the owner: not watched, there is no token"
	case !watch.Unwatched.IsZero():
		return "! Sign-ins of the owner: not watched since " + workflows.When(watch.Unwatched) + " (" +
			workflows.Esc(watch.Code) + ")"
	case watch.Baseline.IsZero():
		return "Sign-ins of the owner: not read yet"
	}
	return "Sign-ins of the owner: watched since " + workflows.When(watch.Baseline)
}

// ownToken says what is known of the token that Keyholder itself uses.
func ownToken(p workflows.Policy) string {
	if !p.Token {
		return "Keyholder's own token: none is configured, so people act and attest"
	}
	return "Keyholder's own token: configured; its kind and end are unknown"
}

// Shown is a sentence on who has shown, in a drill or a transfer, that they can open a mailbox, and
// when that was last: a part of the account's status that everybody may read.
func Shown(alias workflows.Alias, k workflows.KeyRecord) string {
	var who []string
	var last time.Time
	for _, p := range k.Proofs {
		named := slices.Contains(alias.Holders, p.Person) || slices.ContainsFunc(alias.Holders, workflows.IsGroup)
		if p.What != workflows.KeyMailbox || !workflows.SameEmail(p.Owner, alias.Email) || !named {
			continue
		}
		who = workflows.Union(who, []string{p.Person})
		if p.At.After(last) {
			last = p.At
		}
	}
	if len(who) == 0 {
		return "Nobody has shown yet that they can open it."
	}
	return workflows.Say("Shown that they can open it: %m, last %t.", who, last)
}
