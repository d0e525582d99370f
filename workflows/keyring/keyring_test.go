package keyring

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

const alias = "celigo@acme.example"

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// known is an account that is well kept.
func known() Known {
	f := workflows.Facts{People: map[string]workflows.Person{},
		Groups: map[string][]string{"S1": {"UANA", "UBEN", "UCAT"}}}
	for _, id := range []string{"UANA", "UBEN", "UCAT", "UDEE", "UEVE", "UFAY"} {
		f.People[id] = workflows.Person{ID: id, Email: strings.ToLower(id[1:]) + "@acme.example", EmailConfirmed: true}
	}
	return Known{
		Policy: workflows.Policy{
			ID: "acme", Name: "Acme", Owner: alias, Admins: []string{"UDEE", "UEVE"},
			Aliases: []workflows.Alias{{
				Email: alias, Holders: []string{"S1"}, Password: []string{"UANA", "UEVE"},
				SecondFactor: []string{"UBEN", "UEVE"},
			}},
			Transfer: workflows.TransferPolicy{Quorum: 2},
			Access: workflows.AccessPolicy{Approvers: []string{"S1", "UDEE"}, Quorum: 1,
				Environments: []workflows.Environment{{Name: "Sandbox"}}},
			Recovery: workflows.RecoveryPolicy{Approvers: []string{"UANA", "UDEE", "UEVE"},
				Lists: [][]string{{"UANA"}, {"UDEE", "UEVE"}}, Quorum: 2},
			Review: workflows.ReviewPolicy{Reviewers: []string{"UDEE", "UANA", "UEVE"}},
		},
		Account: workflows.AccountState{
			ID: "acme", Owner: alias, Since: monday, By: "t07-00000001",
			Given: map[string]workflows.Given{workflows.GivenKey("", "fay@acme.example"): {Workflow: "a07-00000001",
				Since: monday, Until: monday.AddDate(0, 0, 7)}},
			Key: workflows.KeyRecord{Proofs: []workflows.Proof{{What: Mailbox, Owner: alias, Person: "UANA",
				How: workflows.Verified, At: monday}}},
		},
		Users: map[string]*workflows.Census{
			"": {Users: []workflows.User{
				{Email: "fay@acme.example", Role: "monitor", Status: workflows.UserAccepted},
				{Email: "who@else.example", Role: "administrator", Status: "pending"},
			}},
			"Sandbox": {Users: []workflows.User{{Email: "Ana@acme.example", Role: "manage",
				Status: workflows.UserAccepted}}},
		},
		Facts: f,
	}
}

func told(gaps []Gap) string {
	var out []string
	for _, g := range gaps {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", g.Code, g.What, strings.Join(g.People, ","))))
	}
	return strings.Join(out, "; ")
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestWhoHoldsWhatSinceWhenAndByWhat(t *testing.T) {
	r := Of(known())
	var got []string
	for _, h := range r.Holdings[:11] {
		got = append(got, strings.TrimSpace(strings.Join([]string{h.What, h.Where, h.Person, h.Role, h.By}, " ")))
	}
	want(t, "ring", strings.Join(got, "\n"), `owner    t07-00000001
mailbox celigo@acme.example UANA  configuration
mailbox celigo@acme.example UBEN  configuration
mailbox celigo@acme.example UCAT  configuration
password celigo@acme.example UANA  configuration
password celigo@acme.example UEVE  configuration
second_factor celigo@acme.example UBEN  configuration
second_factor celigo@acme.example UEVE  configuration
role  UFAY monitor a07-00000001
role   administrator
role Sandbox UANA manage`)
	if h := r.Holdings[1]; h.Proof.How != workflows.Verified || !r.Holdings[2].Proof.At.IsZero() {
		t.Errorf("proofs: %+v", h)
	}
	if h := r.Holdings[8]; !h.Until.Equal(monday.AddDate(0, 0, 7)) || h.Pending || !r.Holdings[9].Pending {
		t.Errorf("roles: %+v", h)
	}
	want(t, "a well kept account", told(r.Gaps()), "")
}

func TestGaps(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(k *Known)
		want   string
	}{
		{"the owner is a person", func(k *Known) { k.Account.Owner = "ana@acme.example" },
			"owner_is_person owner UANA"},
		{"nobody is known for the second factor", func(k *Known) {
			k.Policy.Aliases[0].SecondFactor = nil
		}, "nobody second_factor"},
		{"one of two left Slack", func(k *Known) {
			k.Facts.People["UEVE"] = workflows.Person{ID: "UEVE", Standing: workflows.StandingDeactivated}
		}, "alone password UANA; alone second_factor UBEN"},
		{"one alone in both", func(k *Known) {
			k.Policy.Aliases[0].Password, k.Policy.Aliases[0].SecondFactor = []string{"UEVE"}, []string{"UEVE"}
		}, "alone password UEVE; alone second_factor UEVE; sole password UEVE"},
		{"a list that nobody is left of", func(k *Known) {
			k.Facts.People["UANA"] = workflows.Person{ID: "UANA", Standing: workflows.StandingGuest}
		}, "alone password UEVE; quorum recovery_approver UDEE,UEVE"},
		{"one reviewer, no administrator", func(k *Known) {
			k.Policy.Review.Reviewers, k.Policy.Admins = []string{"UDEE"}, nil
		},
			"reviewer reviewer UDEE; administrators administrator"},
	} {
		k := known()
		test.change(&k)
		want(t, test.name, told(Of(k).Gaps()), test.want)
	}
}

func TestWhatIfSomebodyLeaves(t *testing.T) {
	k := known()
	ana := WhatIf(k, "UANA")
	want(t, "Ana", told(ana.Gaps), "alone password UEVE; quorum recovery_approver UDEE,UEVE")
	var what []string
	for _, h := range ana.Holdings {
		what = append(what, h.What)
	}
	want(t, "what Ana holds", strings.Join(what, " "),
		"mailbox password role approver access_approver recovery_approver reviewer")
	want(t, "Fay", told(WhatIf(k, "UFAY").Gaps), "")
	k.Account.Owner = "fay@acme.example"
	want(t, "Fay as owner", told(WhatIf(k, "UFAY").Gaps), "owner_is_person owner UFAY")
	want(t, "nobody", fmt.Sprint(len(WhatIf(k, "UZOE").Holdings), len(WhatIf(k, "UZOE").Gaps)), "0 0")
}

// Taking somebody away never mends anything, leaves nothing of them, and changes nothing that was given.
func TestWithoutSomebodyNothingGetsBetter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"UANA", "UBEN", "UCAT", "UDEE", "UEVE", "S1"}
		some := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 4, rapid.ID[string])
		k := known()
		a := &k.Policy.Aliases[0]
		a.Holders, a.Password, a.SecondFactor = some.Draw(t, "holders"), some.Draw(t, "password"),
			some.Draw(t, "factor")
		k.Policy.Admins, k.Policy.Approvers, k.Policy.Review.Reviewers = some.Draw(t, "admins"),
			some.Draw(t, "approvers"), some.Draw(t, "reviewers")
		k.Policy.Transfer.Quorum = rapid.IntRange(1, 3).Draw(t, "quorum")
		before := fmt.Sprintf("%+v", k)
		who := rapid.SampledFrom(names[:5]).Draw(t, "who")
		left := Of(k.Without(who))
		if fmt.Sprintf("%+v", k) != before {
			t.Fatal("what was known is changed")
		}
		for _, h := range left.Holdings {
			if h.Person == who {
				t.Fatalf("still there: %+v", h)
			}
		}
		var keys []string
		for _, g := range left.Gaps() {
			keys = append(keys, g.What+"/"+g.Where)
		}
		for _, g := range Of(k).Gaps() {
			if g.Code != GapSole && !slices.Contains(keys, g.What+"/"+g.Where) {
				t.Fatalf("without %s this is mended: %+v", who, g)
			}
		}
	})
}
