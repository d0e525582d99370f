package access

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// maxChoices is how many integrations both menus hold together with all else that Slack takes in one
// form; with more their IDs are typed.
const maxChoices = 500

// RequestModal is the form of `/io access`, with an account pre-selected when one was named.
// integrations are those of the account's production; empty, or more than fit, makes their fields
// plain text, one ID a line. The policies must not be empty.
func RequestModal(policies []workflows.Policy, account string, integrations []workflows.Named) workflows.Modal {
	chosen := policies[0]
	var accounts []workflows.Option
	for _, p := range policies {
		accounts = append(accounts, workflows.Option{Value: p.ID, Label: p.Name})
		if p.ID == account {
			chosen = p
		}
	}
	initial := account
	if initial == "" && len(policies) == 1 {
		initial = chosen.ID
	}
	m := workflows.Modal{Callback: Request, Title: "Access on purpose", Submit: "Ask for it", Account: account,
		Action: Request, Round: workflows.NoRound,
		Intro: []string{introduction(chosen)}}
	m.Inputs = []workflows.Input{
		{Block: BlockAccount, Kind: workflows.InputSelect, Label: "Account", Options: accounts, Initial: initial},
		{Block: BlockEnvironment, Kind: workflows.InputSelect, Label: "Environment",
			Options: environments(policies, account), Initial: workflows.Production},
		{Block: BlockPerson, Kind: workflows.InputUser, Label: "For whom", Optional: true},
		{Block: BlockEmail, Kind: workflows.InputText, Label: "Or: an e-mail address outside this Slack",
			Optional: true, MaxLength: 254},
	}
	m.Inputs = append(m.Inputs, roleInputs(integrations)...)
	m.Inputs = append(m.Inputs,
		workflows.Input{Block: BlockFor, Kind: workflows.InputSelect, Label: "For how long", Options: lengths(chosen),
			Initial: chosen.Access.DefaultFor,
			Hint:    "It begins when the access can be used, not before."},
		workflows.Input{Block: BlockUrgent, Kind: workflows.InputChecks, Label: "Urgent", Optional: true,
			Options: []workflows.Option{
				{Value: BlockUrgent, Label: "Give it at once, for " + workflows.Span(chosen.Access.UrgentFor),
					Description: "holders and administrators only; everyone is told, a second person decides"}}},
		workflows.Input{Block: BlockReason, Kind: workflows.InputText, Label: "Why", Multiline: true, MaxLength: 1000})
	return m
}

// roleInputs ask what is to become of the access. Integrations are a menu as long as one can hold them.
func roleInputs(integrations []workflows.Named) []workflows.Input {
	many := len(integrations) > maxChoices
	if many {
		integrations = nil
	}
	var choices []workflows.Option
	for _, n := range integrations {
		choices = append(choices, workflows.Option{Value: n.ID, Label: n.Name})
	}
	hint := "For custom only."
	if many {
		hint = "For custom only. There are too many for a menu: one ID a line; it stands in the integration's address."
	} else if len(choices) == 0 {
		hint = "For custom only. One ID a line; it stands in the integration's address."
	}
	return []workflows.Input{
		{Block: BlockChange, Kind: workflows.InputSelect, Label: "What", Initial: Grant, Options: []workflows.Option{
			{Value: Grant, Label: "Grant access"}, {Value: Change, Label: "Change access"}, {Value: Remove,
				Label: "Remove access"}}},
		{Block: BlockRole, Kind: workflows.InputSelect, Label: "Role", Initial: workflows.RoleCustom,
			Hint: "Take the least that will do.", Options: []workflows.Option{
				{Value: workflows.RoleCustom, Label: "Custom: chosen integrations",
					Description: "nothing beyond those named below"},
				{Value: workflows.RoleMonitor, Label: "Monitor all",
					Description: "see all, run flows, resolve errors; changes nothing"},
				{Value: workflows.RoleManage, Label: "Manage all",
					Description: "edit all integrations and connections; no users, no tokens"},
				{Value: workflows.RoleAdministrator, Label: "Administrator",
					Description: "all the owner can but give the account away"}}},
		{Block: BlockManage, Kind: workflows.InputMulti, Label: "Integrations to manage", Options: choices,
			Optional: true, Hint: hint},
		{Block: BlockMonitor, Kind: workflows.InputMulti, Label: "Integrations to monitor", Options: choices,
			Optional: true, Hint: hint},
	}
}

func introduction(p workflows.Policy) string {
	return "For " + workflows.Esc(p.Name) + ", " + workflows.Plural(p.Access.Quorum, "approval") + " needed, " +
		workflows.Plural(p.Access.AdministratorQuorum, "approval") +
		" for an administrator. You do not decide your own request. For somebody from outside, custom and a " +
		"time that ends is the safe choice."
}

// environments lists production first, then those of the account, or of all accounts where none was named.
func environments(policies []workflows.Policy, account string) []workflows.Option {
	out := []workflows.Option{{Value: workflows.Production, Label: "Production"}}
	seen := map[string]bool{workflows.Production: true}
	for _, p := range policies {
		for _, e := range p.Access.Environments {
			if (account == "" || p.ID == account) && !seen[e.Name] {
				seen[e.Name] = true
				out = append(out, workflows.Option{Value: e.Name, Label: e.Name})
			}
		}
	}
	return out
}

func lengths(p workflows.Policy) []workflows.Option {
	var out []workflows.Option
	for _, b := range p.Access.For {
		label := "Always"
		if b.Length > 0 {
			label = strings.ToUpper(workflows.Span(b.Length)[:1]) + workflows.Span(b.Length)[1:]
		}
		out = append(out, workflows.Option{Value: b.Text, Label: label})
	}
	return out
}
