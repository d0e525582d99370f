package population

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Found is an environment as it is now; "" is production.
type Found struct {
	Environment string
	Census      workflows.Census
}

// Outlook shares out what was read as the campaign would, were it to begin now. Delegations are
// left out: they are looked at when it begins.
func Outlook(a workflows.AccountInfo, f workflows.Facts, found []Found, at time.Time) Planned {
	p := a.Policy
	st := Started{AccountID: p.ID, AccountName: p.Name, Owner: cmp.Or(a.State.Owner, p.Owner),
		OwnerSince: a.State.Since,
		OwnerBy:    a.State.By, Proofs: a.State.Key.Proofs, Reviewers: f.Expand(p.Review.Reviewers),
		Admins: f.Expand(p.Admins), Holders: f.Expand(p.HolderIDs()), UIHost: p.UIHost, Policy: p.Review,
		TokenName: p.TokenName}
	for _, al := range p.Aliases {
		al.Holders, al.Custodians = f.Expand(al.Holders), f.Expand(al.Keepers())
		st.Aliases = append(st.Aliases, al)
	}
	emails := map[string]string{}
	for id, who := range f.People {
		if who.Email != "" {
			emails[id] = who.Email
		}
	}
	var production, others, tokens []Row
	for _, e := range found {
		rows := UserRows(e.Environment, e.Census, st, a.State, at)
		tokens = append(tokens, TokenRows(e.Environment, e.Census, rows, st)...)
		if e.Environment == "" {
			production = rows
			continue
		}
		others = append(others, rows...)
	}
	masters, rest := MasterRows(st, production, nil, nil, emails)
	rows := slices.Concat(masters, rest, others, tokens)
	SortByRisk(rows)
	return Plan(rows, st, f, at)
}

// Reviewers are all whom a policy names as reviewers, users and groups.
func Reviewers(p workflows.ReviewPolicy) []string {
	lists := [][]string{p.Reviewers}
	for _, rules := range []map[string][]string{p.ByRole, p.ByIntegration} {
		for _, key := range slices.Sorted(maps.Keys(rules)) {
			lists = append(lists, rules[key])
		}
	}
	return workflows.Union(lists...)
}
