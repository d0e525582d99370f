package access

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// maxChoices is how many integrations both menus hold together with all else that Slack takes in one
// form; with more their IDs are typed.
const maxChoices = 500

// RequestModal is the form of `/io access` as what stands in it wants it, by block: it asks nothing that
// the chosen change does not need. A new form has the account that was named, if one was. integrations
// are those of the account and environment where [AsksIntegrations]; empty, or more than fit, makes their
// fields plain text, one ID a line. The policies must not be empty.
func RequestModal(policies []workflows.Policy, chosen map[string]string,
	integrations []workflows.Named) workflows.Modal {
	f := formOf(policies, chosen)
	m := workflows.Modal{Callback: Request, Title: "Ask for access", Submit: "Ask for it", Account: f.account,
		Action: Request, Round: workflows.NoRound, Intro: []string{f.introduction()}}
	switch f.change {
	case Change:
		m.Title = "Change access"
	case Remove:
		m.Title = "Remove access"
	}
	m.Inputs = []workflows.Input{
		{Block: BlockChange, Kind: workflows.InputSelect, Label: "What", Initial: f.change, Follows: true,
			Options: []workflows.Option{{Value: Grant, Label: "Grant access"}, {Value: Change, Label: "Change access"},
				{Value: Remove, Label: "Remove access"}}},
		f.accounts,
		{Block: BlockEnvironment, Kind: workflows.InputSelect, Label: "Environment", Follows: len(f.environments) > 1,
			Options: f.environments, Initial: f.environment},
		{Block: BlockPerson, Kind: workflows.InputUser, Label: "For whom", Optional: true},
		{Block: BlockEmail, Kind: workflows.InputText, Label: "Or: an e-mail address outside this Slack",
			Optional: true, MaxLength: 254},
	}
	if f.change == Remove {
		m.Inputs[3].Label = "Whose"
	} else {
		m.Inputs = append(m.Inputs, f.roleInputs(integrations)...)
		m.Inputs = append(m.Inputs, f.timeInputs()...)
	}
	m.Inputs = append(m.Inputs, workflows.Input{Block: BlockReason, Kind: workflows.InputText, Label: "Why",
		Multiline: true, MaxLength: 1000})
	return m
}

// requestForm is what stands in the request form where that decides what else it asks.
type requestForm struct {
	policy       workflows.Policy // of the account, or the first where none is chosen
	accounts     workflows.Input
	account      string
	environments []workflows.Option
	environment  string
	change, role string
	urgent       bool
	followed     bool // it is not new
}

// formOf reads it; what makes no sense, as an environment that another account has, is what a new form says.
func formOf(policies []workflows.Policy, chosen map[string]string) requestForm {
	f := requestForm{policy: policies[0], change: Grant, role: workflows.RoleCustom, environment: workflows.Production,
		followed: chosen[BlockChange] != ""}
	f.accounts = workflows.Input{Block: BlockAccount, Kind: workflows.InputSelect, Label: "Account",
		Follows: len(policies) > 1}
	for _, p := range policies {
		f.accounts.Options = append(f.accounts.Options, workflows.Option{Value: p.ID, Label: p.Name})
		if p.ID == chosen[BlockAccount] || len(policies) == 1 {
			f.policy, f.account = p, p.ID
		}
	}
	f.accounts.Initial = f.account
	f.environments = environments(policies, f.account)
	for _, e := range f.environments {
		if e.Value == chosen[BlockEnvironment] {
			f.environment = e.Value
		}
	}
	if is := chosen[BlockChange]; is == Change || is == Remove {
		f.change = is
	}
	switch is := chosen[BlockRole]; is {
	case workflows.RoleAdministrator, workflows.RoleManage, workflows.RoleMonitor:
		f.role = is
	}
	f.urgent = chosen[BlockUrgent] != ""
	return f
}

// AsksIntegrations reports whether the form names integrations, and of which environment of which
// account: "" is production.
func AsksIntegrations(policies []workflows.Policy, chosen map[string]string) (account, environment string, asks bool) {
	f := formOf(policies, chosen)
	if f.environment != workflows.Production {
		environment = f.environment
	}
	return f.account, environment, f.account != "" && f.change != Remove && f.role == workflows.RoleCustom
}

// roleInputs ask what is to become of the access. Integrations are a menu as long as one can hold them.
func (f requestForm) roleInputs(integrations []workflows.Named) []workflows.Input {
	out := []workflows.Input{{Block: BlockRole, Kind: workflows.InputSelect, Label: "Role", Initial: f.role, Follows: true,
		Hint: "Take the least that will do.", Options: []workflows.Option{
			{Value: workflows.RoleCustom, Label: "Custom: chosen integrations",
				Description: "nothing beyond those named below"},
			{Value: workflows.RoleMonitor, Label: "Monitor all",
				Description: "see all, run flows, resolve errors; changes nothing"},
			{Value: workflows.RoleManage, Label: "Manage all",
				Description: "edit all integrations and connections; no users, no tokens"},
			{Value: workflows.RoleAdministrator, Label: "Administrator",
				Description: "all the owner can but give the account away"}}}}
	if f.change == Change {
		out[0].Label = "New role"
	}
	if f.role != workflows.RoleCustom {
		return out
	}
	many := len(integrations) > maxChoices
	if many {
		integrations = nil
	}
	var choices []workflows.Option
	for _, n := range integrations {
		choices = append(choices, workflows.Option{Value: n.ID, Label: n.Name})
	}
	hint := ""
	if many {
		hint = "There are too many for a menu: one ID a line; it stands in the integration's address."
	} else if len(choices) == 0 {
		hint = "One ID a line; it stands in the integration's address."
	}
	of := ""
	if f.followed { // of a new form, the names of its fields are part of the contract
		of = f.account + "/" + f.environment
	}
	return append(out,
		workflows.Input{Block: BlockManage, Kind: workflows.InputMulti, Label: "Integrations to manage", Options: choices,
			Optional: true, Hint: hint, Of: of},
		workflows.Input{Block: BlockMonitor, Kind: workflows.InputMulti, Label: "Integrations to monitor", Options: choices,
			Optional: true, Hint: hint, Of: of})
}

// timeInputs ask for how long; urgent access has a time of its own.
func (f requestForm) timeInputs() []workflows.Input {
	urgent := workflows.Input{Block: BlockUrgent, Kind: workflows.InputChecks, Label: "Urgent", Optional: true, Follows: true,
		Options: []workflows.Option{
			{Value: BlockUrgent, Label: "Give it at once, for " + workflows.Span(f.policy.Access.UrgentFor),
				Description: "holders and administrators only; everyone is told, a second person decides"}}}
	if f.urgent {
		urgent.Initial = BlockUrgent
		return []workflows.Input{urgent}
	}
	return []workflows.Input{{Block: BlockFor, Kind: workflows.InputSelect, Label: "For how long", Options: lengths(f.policy),
		Initial: f.policy.Access.DefaultFor, Hint: "It begins when the access can be used, not before."}, urgent}
}

// introduction says how many decide, and what is safe for whom nobody knows.
func (f requestForm) introduction() string {
	needed := f.policy.Access.Quorum
	if f.change != Remove && f.role == workflows.RoleAdministrator {
		needed = f.policy.Access.AdministratorQuorum
	}
	are := "are"
	if needed == 1 {
		are = "is"
	}
	text := workflows.Say("For %s, %n %s needed. You do not decide your own request.", f.policy.Name, needed, "approval",
		workflows.Text(are))
	if f.change == Grant {
		text += " For somebody from outside, custom and a time that ends is the safe choice."
	}
	return text
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
