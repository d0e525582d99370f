package population

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// MasterRows makes the rows of those who hold the account, whom integrator.io's list leaves out or
// shows as mere users: the owner first, then each alias that is not the owner, in the order of the
// configuration. One address has one row: who is a user of production as well keeps the user's data
// in it, and rest is production without them.
//
// delegates are the addresses that the mail system lists for an alias, attested is who says that
// they agree with the holders, both by the alias's address; an alias without a list (nil) was not
// compared. emails are the confirmed addresses of Slack users; some may be missing.
func MasterRows(st Started, production []Row, delegates map[string][]string, attested,
	emails map[string]string) (masters, rest []Row) {
	m := masterRows{users: map[string]Row{}, delegates: map[string][]string{}, attested: map[string]string{},
		emails: emails,
		proofs: st.Proofs}
	for alias, list := range delegates {
		m.delegates[cleanEmail(alias)] = list
	}
	for alias, who := range attested {
		m.attested[cleanEmail(alias)] = who
	}
	for _, r := range production {
		if _, twice := m.users[r.Email]; !twice {
			m.users[r.Email] = r
		}
	}
	taken := map[string]bool{}
	owner := cleanEmail(st.Owner)
	if owner != "" {
		masters, taken[owner] = append(masters, m.owner(st, owner, production)), true
	}
	for _, a := range st.Aliases {
		if email := cleanEmail(a.Email); email != "" && !taken[email] {
			masters, taken[email] = append(masters, m.alias(email, a)), true
		}
	}
	for _, r := range production {
		if !taken[r.Email] {
			rest = append(rest, r)
		}
	}
	return masters, rest
}

// masterRows is what the rows are made from; the maps are by address.
type masterRows struct {
	users     map[string]Row
	delegates map[string][]string
	attested  map[string]string
	emails    map[string]string // by Slack ID
	proofs    []workflows.Proof
}

// owner is the recorded owner's row. integrator.io's API lists no owner; its Users page, and so a
// file of it, does, with the role of that name.
func (m masterRows) owner(st Started, email string, production []Row) Row {
	r, listed := m.users[email]
	switch {
	case !listed:
		r = Row{Email: email, Since: st.OwnerSince}
	case r.Role != RoleOwner:
		r.Differences = append(r.Differences, "integrator.io lists the recorded owner as a user ("+
			workflows.Esc(r.Role)+"), and owners are never listed: the owner may have changed")
	}
	for _, other := range production {
		if other.Role == RoleOwner && other.Email != email {
			r.Differences = append(r.Differences, "integrator.io names "+workflows.Esc(other.Email)+
				" as the owner, the record names "+workflows.Esc(email))
		}
	}
	// What a decision about access gave says nothing about an owner.
	r.Flags = slices.DeleteFunc(slices.Clone(r.Flags), func(f string) bool { return f == FlagWider })
	r.Kind, r.Role, r.Privileged, r.Proposal = KindOwner, RoleOwner, true, ""
	r.Decision, r.Until = st.OwnerBy, time.Time{}
	for _, a := range st.Aliases {
		if cleanEmail(a.Email) == email {
			return m.mailbox(r, a)
		}
	}
	return r
}

func (m masterRows) alias(email string, a workflows.Alias) Row {
	r, listed := m.users[email]
	if !listed {
		r = Row{Email: email, Role: workflows.RoleNone}
	}
	r.Kind, r.Privileged, r.Proposal = KindAlias, true, ""
	return m.mailbox(r, a)
}

// mailbox adds who can read it and sign in with it, and what about that does not agree.
func (m masterRows) mailbox(r Row, a workflows.Alias) Row {
	r.Holders, r.Custodians, r.Vault = slices.Clone(a.Holders), slices.Clone(a.Custodians), a.Vault
	r.Attested = m.attested[r.Email]
	for _, p := range m.proofs {
		if workflows.SameEmail(p.Owner, r.Email) {
			r.Proofs = append(r.Proofs, p)
		}
	}
	switch len(a.Holders) {
	case 0:
		r.Differences = append(r.Differences, "nobody is recorded who can read the mailbox")
	case 1:
		r.Differences = append(r.Differences, "only "+workflows.Mention(a.Holders[0])+
			" is recorded as able to read the mailbox")
	}
	if len(a.Custodians) == 0 {
		r.Differences = append(r.Differences, "nobody is recorded who can use its password and second factor")
	}
	for _, c := range a.Custodians {
		if !slices.Contains(a.Holders, c) {
			r.Differences = append(r.Differences, workflows.Mention(c)+
				" can use its password and second factor, but is not recorded as able to read it")
		}
	}
	if list := m.delegates[r.Email]; list != nil {
		r.Delegates = cleanEmails(list)
		r.Differences = append(r.Differences, m.compare(a.Holders, r.Delegates)...)
	}
	return r
}

// compare sets holders, who are Slack users, against delegates, which are addresses, by the holders' own addresses.
func (m masterRows) compare(holders, delegates []string) []string {
	var out []string
	var unknown []string
	held := map[string]bool{}
	for _, h := range holders {
		email := cleanEmail(m.emails[h])
		held[email] = true
		switch {
		case email == "":
			unknown = append(unknown, h)
		case !slices.Contains(delegates, email):
			out = append(out, workflows.Mention(h)+
				" is recorded as able to read it, but the mail system does not list "+workflows.Esc(email))
		}
	}
	for _, d := range delegates {
		if !held[d] {
			text := "the mail system lists " + workflows.Esc(d) + ", who is not recorded as able to read it"
			if len(unknown) > 0 {
				text = "the mail system lists " + workflows.Esc(d) +
					", who is none of those recorded whose address is known"
			}
			out = append(out, text)
		}
	}
	if len(unknown) > 0 {
		out = append(out, workflows.Mentions(unknown)+
			" cannot be compared with the mail system: Slack does not show their address")
	}
	return out
}

// cleanEmails are addresses as rows hold them, sorted, each once.
func cleanEmails(list []string) []string {
	out := make([]string, 0, len(list))
	for _, e := range list {
		if e = cleanEmail(e); e != "" {
			out = append(out, e)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
