package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Blocks of the commands that [Governance] takes.
const (
	BlockRules = "rules" // the rules as JSON
	BlockFile  = "file"  // SHA-256 of the configuration file
)

// Commands of [Governance], given by the program at its start.
const (
	OpenGovernance = "governance.request" // at first sight of an account
	LookGovernance = "governance.look"    // compares the rules with those on record
)

// GovernanceState is what the channel was told last.
type GovernanceState struct {
	workflows.Head
	Count int       `json:"count,omitempty"` // changes so far
	Last  *ruleNews `json:"last,omitempty"`
}

// Title implements [workflows.State]. It is empty: this is Keyholder's own work.
func (s GovernanceState) Title() string { return "" }

// ruleNews is one change as the channel is told of it.
type ruleNews struct {
	workflows.GovernanceChange
	AccountName string    `json:"account_name"`
	Channel     string    `json:"channel,omitempty"`
	At          time.Time `json:"at"`
}

// Governance is the machine that records a change of an account's rules and tells the account's
// channel. It has one workflow for each account, which never ends. What it compares with stands in
// the account's record, so a change is recorded once however many processes see it.
func Governance() workflows.Machine {
	return workflows.Rules[GovernanceState]{
		Name: "governance", Letter: workflows.LetterGovernance, Schema: 1,
		Kinds:  workflows.NewKinds[GovernanceState](nil, nil, governanceBegun, governanceTold),
		Decide: decideGovernance, View: GovernanceState.view,
	}.Machine()
}

var (
	governanceBegun = workflows.Kind[GovernanceState, workflows.Opening]{
		Type: "governance.begun",
		Fold: func(s *GovernanceState, e workflows.Event, b workflows.Opening) {
			if !s.Opened() { // it may begin again, where the account's record was begun anew
				s.Open(b, "watching", e)
			}
		},
		Tell: workflows.Told[workflows.Opening]("the rules of the account are watched from here on"),
	}
	governanceTold = workflows.Kind[GovernanceState, ruleNews]{
		Type: "governance.told",
		Fold: func(s *GovernanceState, _ workflows.Event, b ruleNews) { s.Count, s.Last = s.Count+1, &b },
		Tell: func(_ workflows.Event, n ruleNews) string {
			return "the configuration changed the rules: " + workflows.Esc(strings.Join(n.Differs, ", "))
		},
	}
)

func decideGovernance(s GovernanceState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	opens := cmd.Name == OpenGovernance && !s.Opened()
	if cmd.Actor.Kind != workflows.ByKeyholder || !opens && cmd.Name != LookGovernance {
		return workflows.Decision{}, workflows.Refuse("unknown_action",
			"Nobody has to do anything about the rules here; they are changed in the configuration. Nothing was recorded.")
	}
	rules, err := canonical(cmd.Input[BlockRules])
	if err != nil {
		return workflows.Decision{}, err
	}
	var d workflows.Decision
	old := f.Account.Governance
	if opens || len(old) == 0 { // what is stored needs an event of the workflow, too
		d = governanceBegun.One(cmd, workflows.Opening{ID: cmd.Workflow, AccountID: f.Policy.ID})
	}
	change := workflows.GovernanceChange{Old: old, New: rules, File: cmd.Input[BlockFile]}
	switch {
	case bytes.Equal(old, rules):
		return d, nil
	case len(old) == 0:
		d.Account = append(d.Account, cmd.Event(workflows.GovernanceSeen, change))
		return d, nil
	}
	for _, r := range differences(old, rules) {
		change.Differs = append(change.Differs, r.words())
	}
	d.Account = append(d.Account, cmd.Event(workflows.GovernanceChanged, change))
	d.Events = append(d.Events, governanceTold.Of(cmd, ruleNews{change, f.Policy.Name, f.Policy.Channel, cmd.At}))
	return d, nil
}

// canonical is a JSON text in the form in which it comes back from an event's body, so that equal
// rules are equal bytes.
func canonical(text string) (json.RawMessage, error) {
	raw, err := json.Marshal(json.RawMessage(text))
	if err != nil {
		return nil, fmt.Errorf("read the rules: %w", err)
	}
	return raw, nil
}

// view shows each change on a card of its own, so that what was said stays said.
func (s GovernanceState) view() workflows.View {
	if s.Last == nil || s.Last.Channel == "" {
		return workflows.View{}
	}
	return workflows.View{Cards: []workflows.Card{s.Last.card(fmt.Sprintf("change-%d", s.Count))}}
}

func (n ruleNews) card(name string) workflows.Card {
	c := workflows.Card{Name: name, Recipient: n.Channel, Title: "The rules of " + workflows.Esc(n.AccountName) +
		" have changed",
		Lines: []string{"Keyholder was started " + workflows.When(n.At) +
			" with a configuration that says something else than the record did about who decides, or by which rules. " +
			"What is open already goes on under the rules it began with, where it had fixed them."},
		Note:     "If you did not expect this, ask whoever runs Keyholder. Both versions are in the record (`keyholder audit export`). Configuration file: SHA-256 `" + workflows.Esc(n.File) + "`.",
		Fallback: n.AccountName + ": the rules have changed: " + strings.Join(n.Differs, ", ")}
	for _, d := range differences(n.Old, n.New) {
		if d.people {
			c.Lines = append(c.Lines, d.sentence())
		} else {
			c.Facts = append(c.Facts, d.sentence())
		}
	}
	return c
}

// difference is one rule that differs.
type difference struct {
	path     string
	old, new any // as encoding/json decodes them; nil: not there
	people   bool
}

// ruleWords are the names of the rules. A rule that is not here is called by its key.
var ruleWords = map[string]string{
	"owner": "owner at the first start", "approvers": "who may confirm a transfer", "admins": "administrators",
	"auditors":        "auditors",
	"transfer.quorum": "confirmations a transfer needs", "transfer.confirm_within": "time to confirm a transfer",
	"transfer.cooldown":      "time in which a transfer can be stopped",
	"transfer.accept_within": "time to accept a transfer", "transfer.on_errors": "open errors at a transfer",
	"transfer.on_shared": "shared connections at a transfer",
	"access.approvers":   "who may confirm access", "access.quorum": "confirmations access needs",
	"access.administrator_quorum": "confirmations to become administrator",
	"access.confirm_within":       "time to confirm access", "access.for": "lengths of access",
	"access.urgent_for": "length of urgent access",
	"review.every":      "how often there is a review", "review.window": "time to review",
	"review.grace": "time after the end of a review", "review.reviewers": "who reviews",
	"review.inactive_after":            "when a user is inactive",
	"review.inactive_privileged_after": "when a privileged user is inactive",
	"review.exempt_new":                "how long a new user is exempt",
	"review.no_answer":                 "what no answer in a review means",
	"review.fix_within":                "time to carry a review out",
	"review.fix_privileged_within":     "time to carry a review out for privileged users",
	"token_environments":               "environments with a token",
	"approver_lists":                   "lists of each of which somebody must confirm a transfer",
	"access.approver_lists":            "lists of each of which somebody must confirm access",
	"recovery.approvers":               "who may approve a recovery",
	"recovery.approver_lists":          "lists of each of which somebody must approve a recovery",
	"recovery.quorum":                  "approvals a recovery needs",
	"recovery.confirm_within":          "time to approve a recovery",
	"recovery.cooldown":                "time in which a recovery can be stopped",
	"recovery.it":                      "who looks after mailboxes in a recovery",
	"key.for":                          "lengths of a use of the key", "key.quorum": "approvals a use of the key needs",
	"key.approve_within": "time to approve a use of the key",
	"key.explain_within": "time to explain a use of the key",
	"key.answer_within":  "time to answer for a sign-in of the owner",
	"key.drill_every":    "time between two drills", "key.drill_within": "time a drill waits for answers",
}

// peopleRules are those whose values are people or groups; peopleBy the beginnings of others, which
// end in an address, a role or an integration.
var (
	peopleRules = []string{"approvers", "approver_lists", "admins", "auditors", "access.approvers",
		"access.approver_lists", "review.reviewers",
		"recovery.approvers", "recovery.approver_lists", "recovery.it"}
	peopleBy = map[string]string{"aliases.holders.": "holders of ", "aliases.password.": "who can use the password of ",
		"aliases.second_factor.":           "who can use the second factor of ",
		"review.reviewers_by_role.":        "who reviews the role ",
		"review.reviewers_by_integration.": "who reviews the integration "}
)

// words names the rule.
func (d difference) words() string {
	if w, known := ruleWords[d.path]; known {
		return w
	}
	for prefix, word := range peopleBy {
		if rest, found := strings.CutPrefix(d.path, prefix); found {
			return word + rest
		}
	}
	return d.path
}

func (d difference) sentence() string {
	name := []rune(d.words())
	return "*" + workflows.Esc(strings.ToUpper(string(name[:1]))+string(name[1:])) + "*: before " + d.value(d.old) +
		"; now " +
		d.value(d.new)
}

// value says what a rule said.
func (d difference) value(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return workflows.Esc(v)
	case []any:
		var out []string
		for _, x := range v {
			id := fmt.Sprint(x)
			if list, nested := x.([]any); nested {
				out = append(out, "("+d.value(list)+")")
				continue
			}
			switch {
			case d.people && workflows.IsGroup(id):
				out = append(out, "<!subteam^"+workflows.Esc(id)+">")
			case d.people:
				out = append(out, workflows.Mention(id))
			default:
				out = append(out, workflows.Esc(id))
			}
		}
		if len(out) == 0 && d.people {
			return "nobody"
		}
		if len(out) == 0 {
			return "none"
		}
		return workflows.List(out, "and")
	}
	return workflows.Esc(fmt.Sprint(v))
}

// differences compares two sets of rules, leaf by leaf, sorted by path.
func differences(old, now json.RawMessage) []difference {
	before, after := leaves(old), leaves(now)
	var paths []string
	for p := range before {
		paths = append(paths, p)
	}
	for p := range after {
		if _, both := before[p]; !both {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	var out []difference
	for _, p := range paths {
		if !reflect.DeepEqual(before[p], after[p]) {
			people := slices.Contains(peopleRules, p)
			for prefix := range peopleBy {
				people = people || strings.HasPrefix(p, prefix)
			}
			out = append(out, difference{p, before[p], after[p], people})
		}
	}
	return out
}

// leaves flattens rules into values by path. Mailboxes are told apart by their address, not by their place in the list.
func leaves(raw json.RawMessage) map[string]any {
	var tree map[string]any
	out := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&tree) != nil {
		return out
	}
	aliases, _ := tree["aliases"].([]any)
	delete(tree, "aliases")
	for _, a := range aliases {
		alias, _ := a.(map[string]any)
		for _, k := range []string{"holders", "password", "second_factor"} {
			out["aliases."+k+"."+fmt.Sprint(alias["email"])] = alias[k]
		}
	}
	flatten(out, "", tree)
	return out
}

func flatten(out map[string]any, prefix string, tree map[string]any) {
	for k, v := range tree {
		if inner, is := v.(map[string]any); is {
			flatten(out, prefix+k+".", inner)
			continue
		}
		out[prefix+k] = v
	}
}
