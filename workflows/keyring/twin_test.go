package keyring

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

var everybody = []string{"UANA", "UBEN", "UCAT", "UDEE", "UEVE"}

// TestWhatIfAgainstATwin deactivates somebody in a simulated world and counts, person by person and
// subset by subset, what no longer works there: what WhatIf says, that and nothing else, is what
// breaks.
func TestWhatIfAgainstATwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := someWorld(t)
		person := rapid.SampledFrom(everybody).Draw(t, "person")
		before := broken(k)
		gone := k
		gone.Facts.People = maps.Clone(k.Facts.People)
		p := gone.Facts.People[person]
		p.Standing = workflows.StandingDeactivated
		gone.Facts.People[person] = p
		want := broken(gone)
		maps.DeleteFunc(want, func(key string, _ bool) bool { return before[key] })
		got := map[string]bool{}
		for _, g := range WhatIf(k, person).Gaps {
			if g.Code != GapOwnerIsPerson {
				got[g.key()] = true
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("without %s\nwhatif says %v\nwhat breaks %v", person, slices.Sorted(maps.Keys(got)),
				slices.Sorted(maps.Keys(want)))
		}
	})
}

func someWorld(t *rapid.T) Known {
	some := func(name string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(append(slices.Clone(everybody), "S1")), 0, 4, rapid.ID).Draw(t,
			name)
	}
	lists := func(name string) (out [][]string) {
		for i := range rapid.IntRange(0, 2).Draw(t, name+" lists") {
			out = append(out, some(fmt.Sprint(name, " list ", i)))
		}
		return out
	}
	quorum := func(name string) int { return rapid.IntRange(1, 3).Draw(t, name+" quorum") }
	k := Known{Facts: workflows.Facts{People: map[string]workflows.Person{}, Groups: map[string][]string{
		"S1": rapid.SliceOfNDistinct(rapid.SampledFrom(everybody), 0, 3, rapid.ID).Draw(t, "group")}}}
	for _, id := range everybody {
		standing := rapid.SampledFrom([]string{"", "", "", workflows.StandingGuest}).Draw(t, "standing of "+id)
		k.Facts.People[id] = workflows.Person{ID: id, Standing: standing}
	}
	for i := range rapid.IntRange(1, 2).Draw(t, "aliases") {
		k.Policy.Aliases = append(k.Policy.Aliases, workflows.Alias{Email: fmt.Sprintf("a%d@acme.example", i),
			Holders:  some("holders"),
			Password: some("password"), SecondFactor: some("factor")})
	}
	p := &k.Policy
	p.Approvers, p.Lists, p.Transfer.Quorum = some("approvers"), lists("transfer"), quorum("transfer")
	p.Access.Approvers, p.Access.Lists, p.Access.Quorum = some("access"), lists("access"), quorum("access")
	p.Recovery.Approvers, p.Recovery.Lists, p.Recovery.Quorum = some("recovery"), lists("recovery"), quorum("recovery")
	p.Admins, p.Review.Reviewers = some("admins"), some("reviewers")
	return k
}

// broken is what does not work in a world, by the keys of gaps, found by counting.
func broken(k Known) map[string]bool {
	out := map[string]bool{}
	able := func(ids []string) (who []string) {
		for _, id := range k.Facts.Expand(ids) {
			if k.Facts.People[id].Standing == "" {
				who = append(who, id)
			}
		}
		return who
	}
	note := func(code, what, where string) { out[Gap{Code: code, What: what, Where: where}.key()] = true }
	for _, a := range k.Policy.Aliases {
		for what, ids := range map[string][]string{Mailbox: a.Holders, Password: a.PasswordKeepers(),
			SecondFactor: a.SecondFactorKeepers()} {
			switch len(able(ids)) {
			case 0:
				note(GapNobody, what, a.Email)
			case 1:
				note(GapAlone, what, a.Email)
			}
		}
		password, factor := able(a.PasswordKeepers()), able(a.SecondFactorKeepers())
		if len(password) == 1 && slices.Equal(password, factor) {
			note(GapSole, Password, a.Email)
		}
	}
	p := k.Policy
	for what, q := range map[string]struct {
		of     []string
		lists  [][]string
		quorum int
	}{Approver: {p.ApproverIDs(), p.Lists, p.Transfer.Quorum}, AccessSay: {p.Access.Approvers, p.Access.Lists,
		p.Access.Quorum},
		RecoverySay: {p.Recovery.Approvers, p.Recovery.Lists, p.Recovery.Quorum}} {
		if !canApprove(able(q.of), k.Facts.ExpandLists(q.lists), q.quorum) {
			note(GapQuorum, what, "")
		}
	}
	if len(able(p.Review.Reviewers)) < 2 {
		note(GapReviewer, Reviewer, "")
	}
	if len(able(p.Admins)) == 0 {
		note(GapAdmins, Administrator, "")
	}
	return out
}

// canApprove tries everybody's yes: enough of them, and a different one for each list.
func canApprove(yes []string, lists [][]string, quorum int) bool {
	if len(yes) < quorum {
		return false
	}
	var place func(i int, used []string) bool
	place = func(i int, used []string) bool {
		if i == len(lists) {
			return true
		}
		return slices.ContainsFunc(lists[i], func(who string) bool {
			return slices.Contains(yes, who) && !slices.Contains(used, who) &&
				place(i+1, append(slices.Clone(used), who))
		})
	}
	return place(0, nil)
}
