package transfer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// Results of a check.
const (
	Pass    = "pass"
	Warning = "warning"
	Block   = "block"
	Unknown = "unknown"
)

// Kinds of checks. A substantial one that got worse voids the votes; a volatile one pauses until it
// is fixed or waived.
const (
	Substantial = "substantial"
	Volatile    = "volatile"
	Advice      = "advice"
)

// Keys of the checks, in the order they are shown.
const (
	CheckTarget  = "target"
	CheckPending = "pending"
	CheckStacks  = "stacks"
	CheckShared  = "shared"
	CheckSSO     = "sso"
	CheckAdmin   = "admin"
	CheckJobs    = "jobs"
	CheckErrors  = "errors"
	CheckAlias   = "alias"
	CheckHolders = "holders"
)

// Check is one finding, as it was shown to the people who decided.
type Check struct {
	Key    string `json:"key"`
	Kind   string `json:"kind"`
	Result string `json:"result"`
	Text   string `json:"text"`             // mrkdwn
	Remedy string `json:"remedy,omitempty"` // what to do about it
	// Waivable is false for what integrator.io itself would refuse.
	Waivable bool `json:"waivable,omitempty"`
}

// inspect turns a reading into checks.
func inspect(s State, r workflows.Reading) []Check {
	return []Check{
		checkTarget(s, r), checkPending(s, r), checkStacks(s, r), checkShared(s, r), checkSSO(s, r), checkAdmin(s, r),
		checkJobs(s, r), checkErrors(s, r), checkAlias(s), checkHolders(s),
	}
}

// unread answers the check for a part that could not be read.
func unread(key, kind, subject string, r workflows.Reading, part string) (Check, bool) {
	why, missing := r.Unread[part]
	if r.Capabilities.Token == workflows.No {
		why, missing = "there is no token for this account", true
	}
	if !missing {
		return Check{}, false
	}
	return Check{Key: key, Kind: kind, Result: Unknown, Text: workflows.Say("%s could not be read: %s",
		workflows.Text(subject), workflows.Clip(why, 200)),
		Remedy: "Look in integrator.io yourself before you confirm."}, true
}

// needsInvitation reports whether the target is not yet an accepted user, which preparing is for.
func needsInvitation(r workflows.Reading) bool {
	if r.Capabilities.Token == workflows.No {
		return false
	}
	if _, missing := r.Unread[workflows.PartUsers]; missing {
		// An empty list may be the answer to a token that may not read, or an account without users
		// yet: inviting shows which.
		return r.Capabilities.Token == workflows.Yes && r.Capabilities.ReadUsers == workflows.Unknown &&
			r.UserCount == 0 && r.Target == nil
	}
	return r.Target == nil || r.Target.Status != workflows.UserAccepted
}

func checkTarget(s State, r workflows.Reading) Check {
	if c, missing := unread(CheckTarget, Substantial, "Whether "+s.To+" is a user of the account", r,
		workflows.PartUsers); missing {
		c.Remedy = "Open Users in integrator.io: " + s.To + " must be listed there as accepted and enabled."
		return c
	}
	c := Check{Key: CheckTarget, Kind: Substantial, Result: Pass, Text: s.To + " is a user of the account"}
	switch {
	case needsInvitation(r) && s.ToPerson != "":
		c.Result, c.Text = Warning, s.To+" is not yet a user of the account"
		c.Remedy = "They are invited as a user once it is confirmed, and not before."
	case needsInvitation(r):
		c.Result, c.Text = Block, s.To+" is not yet a user of the account"
		c.Remedy = "It has to be invited and to accept first."
	case r.Target.Email != "" && !workflows.SameEmail(r.Target.Email, s.To):
		c.Result, c.Text = Block, workflows.Say("%s has another address at integrator.io now: %s", s.To,
			r.Target.Email)
		c.Remedy = "An account is handed to an address: ask anew for the new one, or have it changed back; then press Check again."
	case r.Target.Disabled:
		c.Result, c.Text = Block, s.To+" is switched off as a user"
		c.Remedy = "Switch it on under Users in integrator.io; then press Check again."
	}
	return c
}

func checkPending(s State, r workflows.Reading) Check {
	if c, missing := unread(CheckPending, Substantial, "Whether another transfer is pending", r,
		workflows.PartTransfers); missing {
		return c
	}
	c := Check{Key: CheckPending, Kind: Substantial, Result: Pass, Text: "nothing else is pending"}
	for _, t := range r.Transfers {
		switch {
		case t.Pending():
			c.Result, c.Text = Block, "a transfer to "+someone(t.Email)+" is pending at integrator.io already"
			c.Remedy = "Cancel and delete it under My account > Transfers in integrator.io; then press Check again."
			return c
		case t.Status == workflows.TransferUnapproved:
			c.Result, c.Text = Warning, "a declined transfer to "+someone(t.Email)+" has not been deleted"
			c.Remedy = "Delete it under My account > Transfers, or integrator.io may refuse a new one."
		}
	}
	return c
}

// someone is an address, which integrator.io does not always show.
func someone(email string) string {
	if email == "" {
		return "somebody"
	}
	return workflows.Esc(email)
}

func checkStacks(s State, r workflows.Reading) Check {
	if c, missing := unread(CheckStacks, Substantial, "Shared stacks", r, workflows.PartStacks); missing {
		return c
	}
	if len(r.StackGaps) == 0 {
		return Check{Key: CheckStacks, Kind: Substantial, Result: Pass, Text: "no stack is missing for the new owner"}
	}
	return Check{Key: CheckStacks, Kind: Substantial, Result: Warning, Waivable: true,
		Text:   "stacks shared with the present owner but not with " + s.To + ": " + names(r.StackGaps),
		Remedy: "Share them with " + s.To + " under Stacks."}
}

func checkShared(s State, r workflows.Reading) Check {
	if c, missing := unread(CheckShared, Substantial, "Shared integrations and connections", r,
		workflows.PartShared); missing {
		return c
	}
	c := Check{Key: CheckShared, Kind: Substantial, Result: Pass, Text: "nothing shared is switched on", Waivable: true}
	var on []string
	for _, x := range r.Shared {
		if x.On {
			on = append(on, x.Name)
		}
	}
	if len(on) > 0 && s.Policy.OnShared != workflows.LevelIgnore {
		c.Result, c.Text = level(s.Policy.OnShared), "shared and switched on: "+names(on)
		c.Remedy = "Switch them off until the owner has changed; they are asked for again when settling."
	}
	return c
}

func checkSSO(s State, r workflows.Reading) Check {
	c := Check{Key: CheckSSO, Kind: Substantial, Result: Pass, Text: "no sign-in rule locks " + s.To + " out",
		Waivable: true}
	if u, missing := unread(CheckSSO, Substantial, "The sign-in rules", r, workflows.PartSSO); missing {
		return u
	}
	if r.Target != nil && r.Target.SSO && r.Target.SSOLinked != "this_account" {
		c.Result, c.Text = Block, s.To+" must sign in by SSO, but is not linked to this account's SSO"
		c.Remedy = "Link it, or switch Require SSO off for it under Users."
	}
	return c
}

func checkAdmin(s State, r workflows.Reading) Check {
	if c, missing := unread(CheckAdmin, Substantial, "The administrators", r, workflows.PartUsers); missing {
		return c
	}
	for _, a := range r.Admins {
		if !workflows.SameEmail(a.Email, s.To) {
			return Check{Key: CheckAdmin, Kind: Substantial, Result: Pass, Text: "another administrator exists"}
		}
	}
	return Check{Key: CheckAdmin, Kind: Substantial, Result: Warning, Waivable: true,
		Text:   "there is no administrator beside the owner",
		Remedy: "Make somebody administrator, so that two people can manage users."}
}

func checkJobs(s State, r workflows.Reading) Check {
	if c, missing := unread(CheckJobs, Volatile, "Running jobs", r, workflows.PartJobs); missing {
		return c
	}
	if r.Jobs == 0 {
		return Check{Key: CheckJobs, Kind: Volatile, Result: Pass, Text: "no job is running"}
	}
	return Check{Key: CheckJobs, Kind: Volatile, Result: Warning, Waivable: true,
		Text:   workflows.Plural(r.Jobs, "job") + " running",
		Remedy: "Let them finish."}
}

func checkErrors(s State, r workflows.Reading) Check {
	if c, missing := unread(CheckErrors, Volatile, "Open errors", r, workflows.PartErrors); missing {
		return c
	}
	c := Check{Key: CheckErrors, Kind: Volatile, Result: Pass, Text: "no open errors", Waivable: true}
	total, where := 0, []string{}
	for _, n := range r.Errors {
		total += n.N
		where = append(where, fmt.Sprintf("%d in %q", n.N, n.Name))
	}
	if total > 0 && s.Policy.OnErrors != workflows.LevelIgnore {
		c.Result = level(s.Policy.OnErrors)
		c.Text = workflows.Plural(total, "open error") + ": " + names(where)
		if len(r.Errors) == 1 {
			c.Text = workflows.Plural(total, "open error") + fmt.Sprintf(" in %q",
				workflows.Esc(workflows.Clip(r.Errors[0].Name, 80)))
		}
		c.Remedy = "Retry or resolve them in integrator.io"
		if c.Result == Block {
			c.Remedy += "; a holder may waive them"
		}
		c.Remedy += "."
	}
	return c
}

func checkAlias(s State) Check {
	if s.ToPerson == "" {
		return Check{Key: CheckAlias, Kind: Advice, Result: Pass, Text: s.To + " is a shared mailbox"}
	}
	return Check{Key: CheckAlias, Kind: Advice, Result: Warning,
		Text:   "a person becomes owner: when they leave, the account is locked again",
		Remedy: "A shared mailbox that several people can open is safer."}
}

func checkHolders(s State) Check {
	c := Check{Key: CheckHolders, Kind: Advice, Result: Pass, Text: "people who do not hold the mailbox decide as well"}
	if s.ToPerson != "" {
		c.Text = "the approvers are not the new owner"
		return c
	}
	for _, e := range s.Electorate {
		if !slices.Contains(s.ToHolders, e) {
			return c
		}
	}
	c.Result, c.Text = Warning, "everyone who may confirm also holds the mailbox that gains the key"
	c.Remedy = "Name an approver outside the holders, if your rules ask for it."
	return c
}

// level turns a configured level into a result.
func level(configured string) string {
	if configured == workflows.LevelBlock {
		return Block
	}
	return Warning
}

// names lists at most five names, quoted text escaped.
func names(all []string) string {
	shown := make([]string, 0, 6)
	for i, n := range all {
		if i == 5 {
			shown = append(shown, fmt.Sprintf("%d more", len(all)-5))
			break
		}
		shown = append(shown, workflows.Esc(workflows.Clip(n, 80)))
	}
	return strings.Join(shown, ", ")
}

// off lists what is shared and switched off.
func off(r workflows.Reading) []string {
	var out []string
	for _, x := range r.Shared {
		if !x.On {
			out = append(out, x.Name)
		}
	}
	return out
}

// waived reports whether somebody has waived a check.
func (s State) waived(key string) bool {
	return slices.ContainsFunc(s.Waivers, func(w Waiver) bool { return w.Check == key })
}

func (s State) waivedKeys() []string {
	var out []string
	for _, w := range s.Waivers {
		out = append(out, w.Check)
	}
	return workflows.Union(out)
}

// checkNames are what the checks are called in a story.
var checkNames = map[string]string{CheckTarget: "the new owner as a user", CheckPending: "pending transfers",
	CheckStacks: "missing stacks",
	CheckShared: "what is shared", CheckSSO: "the sign-in rule", CheckAdmin: "the missing administrator",
	CheckJobs:   "running jobs",
	CheckErrors: "open errors", CheckAlias: "a person as owner", CheckHolders: "who decides",
	CheckProven: "who can open the mailbox"}

// blocking lists the checks that block and have not been waived.
func (s State) blocking(checks []Check) []Check {
	var out []Check
	for _, c := range checks {
		if c.Result == Block && !(c.Waivable && s.waived(c.Key)) {
			out = append(out, c)
		}
	}
	return out
}

// waivable lists what a holder could waive now.
func (s State) waivable() []Check {
	var out []Check
	for _, c := range s.blocking(s.Checks) {
		if c.Waivable {
			out = append(out, c)
		}
	}
	return out
}

// rank orders results from good to bad. Unknown is as bad as a warning: somebody has to look.
func rank(result string) int {
	switch result {
	case Pass:
		return 0
	case Block:
		return 2
	}
	return 1
}

// worse lists in words which substantial facts got worse.
func worse(before, after []Check) []string {
	old := map[string]Check{}
	for _, c := range before {
		old[c.Key] = c
	}
	var out []string
	for _, c := range after {
		was, known := old[c.Key]
		if c.Kind == Substantial && known && rank(c.Result) > rank(was.Result) {
			out = append(out, "before: "+was.Text+"; now: "+c.Text)
		}
	}
	return out
}

// same reports whether two lists of checks show people the same.
func same(a, b []Check) bool { return slices.Equal(a, b) }

// mark is the sign in front of a check.
func (s State) mark(c Check) string {
	switch {
	case c.Result == Pass:
		return "✓"
	case c.Result == Block && c.Waivable && s.waived(c.Key):
		return "✓"
	case c.Result == Block:
		return "✗"
	case c.Result == Unknown:
		return "?"
	}
	return "!"
}
