package keyring

import (
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

func TestAnOwnersAddressRestsOnWhoeverLikelyReadsIt(t *testing.T) {
	for name, c := range map[string]struct {
		owner string
		cat   workflows.Person
		rests bool
	}{
		"confirmed": {"cat@acme.example", workflows.Person{ID: "UCAT", Email: "cat@acme.example",
			EmailConfirmed: true}, true},
		"with a plus": {"Cat+owner@acme.example", workflows.Person{ID: "UCAT", Email: "cat@acme.example",
			EmailConfirmed: true}, true},
		"unconfirmed": {"cat@acme.example", workflows.Person{ID: "UCAT", Unconfirmed: "cat@acme.example"}, true},
		"another's": {"ana@acme.example", workflows.Person{ID: "UCAT", Email: "cat@acme.example",
			EmailConfirmed: true}, false},
	} {
		k := Known{Account: workflows.AccountState{Owner: c.owner},
			Facts: workflows.Facts{People: map[string]workflows.Person{"UCAT": c.cat}}}
		rests := false
		for _, g := range WhatIf(k, "UCAT").Gaps {
			rests = rests || g.Code == GapOwnerIsPerson
		}
		if rests != c.rests {
			t.Errorf("%s: %v", name, rests)
		}
	}
}
