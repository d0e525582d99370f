package transfer

import (
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

func TestChecksReadTheAccount(t *testing.T) {
	accepted := &workflows.User{Email: mailbox, Status: workflows.UserAccepted}
	yes := workflows.Capabilities{Token: workflows.Yes, ReadUsers: workflows.Yes, ReadTransfers: workflows.Yes}
	good := workflows.Reading{Capabilities: yes, Target: accepted,
		Admins: []workflows.User{{Email: "dee@acme.example"}}}
	with := func(change func(r *workflows.Reading)) workflows.Reading {
		r := good
		change(&r)
		return r
	}
	for _, c := range []struct {
		name     string
		reading  workflows.Reading
		policy   string // on_errors and on_shared
		key      string
		want     string
		waivable bool
	}{
		{"all is well", good, "block", CheckTarget, Pass, false},
		{"not listed", with(func(r *workflows.Reading) { r.Target = nil }), "block", CheckTarget, Block, false},
		{"only invited", with(func(r *workflows.Reading) { r.Target = &workflows.User{Status: workflows.UserPending} }),
			"block", CheckTarget, Block, false},
		{"declined the invitation", with(func(r *workflows.Reading) {
			r.Target = &workflows.User{Status: workflows.UserDismissed}
		}), "block", CheckTarget, Block, false},
		{"switched off", with(func(r *workflows.Reading) {
			r.Target = &workflows.User{Status: workflows.UserAccepted, Disabled: true}
		}), "block", CheckTarget, Block, false},
		{"users unread", with(func(r *workflows.Reading) { r.Unread = map[string]string{workflows.PartUsers: "403"} }),
			"block", CheckTarget, Unknown, false},
		{"a transfer is pending", with(func(r *workflows.Reading) {
			r.Transfers = []workflows.Transfer{{Email: "x@y", Status: "unapproved"}}
		}), "block", CheckPending, Block, false},
		{"one is being carried out", with(func(r *workflows.Reading) {
			r.Transfers = []workflows.Transfer{{Status: "started"}}
		}), "block", CheckPending, Block, false},
		{"a declined one was not deleted", with(func(r *workflows.Reading) {
			r.Transfers = []workflows.Transfer{{Email: "x@y", Status: "unapproved", Dismissed: true}}
		}), "block", CheckPending, Warning, false},
		{"old ones are over", with(func(r *workflows.Reading) {
			r.Transfers = []workflows.Transfer{{Status: "done"}, {Status: "canceled"}, {Status: "failed"}}
		}), "block", CheckPending, Pass, false},
		{"transfers unread", with(func(r *workflows.Reading) {
			r.Unread = map[string]string{workflows.PartTransfers: "403"}
		}), "block", CheckPending, Unknown, false},
		{"a stack is missing", with(func(r *workflows.Reading) { r.StackGaps = []string{"s"} }), "block", CheckStacks,
			Warning, true},
		{"shared, warned of", with(func(r *workflows.Reading) {
			r.Shared = []workflows.Resource{{Name: "n", On: true}}
		}), "warn", CheckShared, Warning, true},
		{"shared, blocking", with(func(r *workflows.Reading) {
			r.Shared = []workflows.Resource{{Name: "n", On: true}}
		}), "block", CheckShared, Block, true},
		{"shared, ignored", with(func(r *workflows.Reading) { r.Shared = []workflows.Resource{{Name: "n", On: true}} }),
			"ignore", CheckShared, Pass, true},
		{"shared and switched off", with(func(r *workflows.Reading) { r.Shared = []workflows.Resource{{Name: "n"}} }),
			"block", CheckShared, Pass, true},
		{"must use SSO, not linked", with(func(r *workflows.Reading) {
			r.Target = &workflows.User{Status: "accepted", SSO: true, SSOLinked: "not_linked"}
		}), "block", CheckSSO, Block, true},
		{"must use another account's SSO", with(func(r *workflows.Reading) {
			r.Target = &workflows.User{Status: "accepted", SSO: true, SSOLinked: "other_account"}
		}), "block", CheckSSO, Block, true},
		{"must use SSO and can", with(func(r *workflows.Reading) {
			r.Target = &workflows.User{Status: "accepted", SSO: true, SSOLinked: "this_account"}
		}), "block", CheckSSO, Pass, true},
		{"the only administrator is the new owner", with(func(r *workflows.Reading) {
			r.Admins = []workflows.User{{Email: "CELIGO@acme.example"}}
		}), "block", CheckAdmin, Warning, true},
		{"no administrator", with(func(r *workflows.Reading) { r.Admins = nil }), "block", CheckAdmin, Warning, true},
		{"jobs run", with(func(r *workflows.Reading) { r.Jobs = 1 }), "block", CheckJobs, Warning, true},
		{"errors block", with(func(r *workflows.Reading) {
			r.Errors = []workflows.Count{{Name: "a", N: 1}, {Name: "b", N: 2}}
		}), "block", CheckErrors, Block, true},
		{"errors warn", with(func(r *workflows.Reading) { r.Errors = []workflows.Count{{Name: "a", N: 1}} }), "warn",
			CheckErrors, Warning, true},
		{"errors are ignored", with(func(r *workflows.Reading) { r.Errors = []workflows.Count{{Name: "a", N: 1}} }),
			"ignore", CheckErrors, Pass, true},
		{"no token", workflows.Reading{Capabilities: workflows.Capabilities{Token: workflows.No}}, "block", CheckErrors,
			Unknown, false},
	} {
		s := State{Frozen: Frozen{To: mailbox, ToHolders: []string{"UANA"}, Electorate: []string{"UANA"},
			Policy: workflows.TransferPolicy{OnErrors: c.policy, OnShared: c.policy}}}
		for _, got := range inspect(s, c.reading) {
			newWorld(t).mustReadWell(c.name, got.Text)
			newWorld(t).mustReadWell(c.name, got.Remedy)
			if got.Key != c.key {
				continue
			}
			if got.Result != c.want || got.Waivable != c.waivable {
				t.Errorf("%s: %s is %s, waivable %v: %s", c.name, got.Key, got.Result, got.Waivable, got.Text)
			}
			if got.Result != Pass && got.Remedy == "" {
				t.Errorf("%s: no remedy", c.name)
			}
		}
	}
}

// Every check has a name for the story, and no reading makes a check vanish.
func TestEveryCheckHasAName(t *testing.T) {
	for _, r := range []workflows.Reading{{}, {Capabilities: workflows.Capabilities{Token: workflows.No}}} {
		all := append(inspect(State{}, r), checkProven(State{}, workflows.KeyRecord{})...)
		if len(all) != len(checkNames) {
			t.Errorf("%d checks, %d names", len(all), len(checkNames))
		}
		for _, c := range all {
			if checkNames[c.Key] == "" {
				t.Errorf("%s has no name", c.Key)
			}
		}
	}
}

func TestLongListsOfNamesAreCut(t *testing.T) {
	got := names([]string{"a", "b", "<c>", "d", "e", "f", "g"})
	if got != "a, b, &lt;c&gt;, d, e, 2 more" {
		t.Errorf("got %q", got)
	}
}
