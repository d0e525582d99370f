package config

import (
	_ "embed"
	"encoding/json"
	"strings"
	"text/template"
)

//go:embed template.yaml
var templateText string

var templateFile = template.Must(template.New("keyholder.yaml").Funcs(template.FuncMap{
	"quote": quote,
	"list":  flowList,
}).Parse(templateText))

// Answers are what keyholder init asks. What is empty or would be a fault becomes the contract's example, so
// that the written file is always without fault; TokenEnv, Custodians, Vault, Channel, Admins and how people show who
// they are may stay empty.
type Answers struct {
	AccountID   string
	AccountName string
	Region      string
	Owner       string
	TokenEnv    string
	Alias       string
	Holders     []string
	Custodians  []string
	Vault       string
	Admins      []string
	Channel     string
	// Issuer is the identity provider at which people show who they are, ClientID Keyholder's name there; Codes lets
	// them do it by an authenticator app. With neither nothing asks for a proof.
	Issuer   string
	ClientID string
	Codes    bool
}

// Proven are the clicks that ask for a proof where somebody wants proofs at all.
func (a Answers) Proven() []string {
	if a.Issuer == "" && !a.Codes {
		return nil
	}
	return []string{"transfer.confirm", "transfer.waive", "recovery.approve", "access.approve:administrator",
		"access.request:urgent", "key.request", "review.sign", stepDelegate}
}

// Example is the account of the contract, which fills what nobody answered.
func Example() Answers {
	return Answers{
		AccountID:   "acme",
		AccountName: "Acme Production",
		Region:      "us",
		Owner:       "jane@acme.example",
		Alias:       "celigo@acme.example",
		Holders:     []string{"U0ANA", "U0BEN", "U0CAT"},
	}
}

// Template is the commented keyholder.yaml for the answers: every key, with its meaning and its default.
func Template(answers Answers) []byte {
	data := struct {
		Answers
		Quorum, AdministratorQuorum, RecoveryQuorum int
	}{Answers: repaired(answers)}
	// The defaults are made for three holders; with fewer, the file must not ask for more than there are.
	data.Quorum, data.AdministratorQuorum, data.RecoveryQuorum = 2, 2, 2
	if n := len(data.Holders); n < 2 && !IsGroup(data.Holders[0]) {
		data.Quorum = 1
		if len(union(data.Holders, data.Admins)) < 2 {
			data.AdministratorQuorum, data.RecoveryQuorum = 1, 1
		}
	}
	var out strings.Builder
	if err := templateFile.Execute(&out, data); err != nil {
		panic("config: the template cannot be written: " + err.Error()) // embedded text and plain strings
	}
	return []byte(out.String())
}

// repaired replaces each answer that would be a fault.
func repaired(a Answers) Answers {
	e := Example()
	text := func(answer *string, rule func(string) string, instead string) {
		*answer = strings.TrimSpace(*answer)
		if *answer == "" || rule(*answer) != "" {
			*answer = instead
		}
	}
	text(&a.AccountID, ruleAccountID, e.AccountID)
	text(&a.AccountName, ruleName, a.AccountID)
	text(&a.Region, ruleRegion, e.Region)
	text(&a.Owner, ruleEmail, e.Owner)
	text(&a.Alias, ruleEmail, e.Alias)
	text(&a.TokenEnv, ruleTokenEnv, "")
	text(&a.Vault, ruleName, "")
	text(&a.Channel, ruleChannel, "")
	text(&a.Issuer, func(s string) string { return ruled(func(c *checker) { c.issuer(s) }) }, "")
	text(&a.ClientID, ruleName, "")
	if a.Issuer != "" && a.ClientID == "" {
		a.ClientID = clientExample
	}
	a.Holders, a.Admins = goodIDs(a.Holders), goodIDs(a.Admins)
	if len(a.Holders) == 0 {
		a.Holders = e.Holders
	}
	a.Custodians = holdersAmong(goodIDs(a.Custodians), a.Holders)
	return a
}

func goodIDs(ids []string) []string {
	var out []string
	for _, id := range union(ids) {
		if userID.MatchString(id) || groupID.MatchString(id) {
			out = append(out, id)
		}
	}
	return out
}

// holdersAmong leaves out custodians who are no holders, unless a group may hold them.
func holdersAmong(custodians, holders []string) []string {
	a := Answers{Holders: holders}
	var out []string
	for _, id := range custodians {
		if a.ruleCustodians(id) == "" {
			out = append(out, id)
		}
	}
	return out
}

// quote writes a text as YAML's double-quoted style; JSON's is a part of it.
func quote(text string) string {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string always can be written
	return strings.TrimSpace(out.String())
}

func flowList(ids []string) string { return "[" + strings.Join(ids, ", ") + "]" }
