package config

import (
	"bytes"
	"encoding/json"
	"slices"
)

// governed is what decides who may do what. A change of it is an event of the account's record, so its names
// are a format: add, never rename. Texts, channels, reminders and how often something is looked at are left
// out, for they give nobody a right.
type governed struct {
	Owner             string           `json:"owner"`
	Approvers         []string         `json:"approvers"`
	ApproverLists     [][]string       `json:"approver_lists,omitempty"` // of each of which somebody must confirm
	Aliases           []governedAlias  `json:"aliases"`
	Admins            []string         `json:"admins"`
	Auditors          []string         `json:"auditors"`
	Transfer          governedTransfer `json:"transfer"`
	Access            governedAccess   `json:"access"`
	Review            governedReview   `json:"review"`
	Recovery          governedRecovery `json:"recovery"`
	Key               governedKey      `json:"key"`
	TokenEnvironments []string         `json:"token_environments"`
}

type governedAlias struct {
	Email        string   `json:"email"`
	Holders      []string `json:"holders"`
	Password     []string `json:"password"`
	SecondFactor []string `json:"second_factor"`
}

type governedRecovery struct {
	Approvers     []string   `json:"approvers"`
	ApproverLists [][]string `json:"approver_lists,omitempty"`
	Quorum        int        `json:"quorum"`
	ConfirmWithin Duration   `json:"confirm_within"`
	Cooldown      Duration   `json:"cooldown"`
	IT            []string   `json:"it"`
}

type governedKey struct {
	For           []Duration `json:"for"`
	Quorum        int        `json:"quorum"`
	ApproveWithin Duration   `json:"approve_within"`
	ExplainWithin Duration   `json:"explain_within"`
	AnswerWithin  Duration   `json:"answer_within"`
	DrillEvery    Duration   `json:"drill_every"`
	DrillWithin   Duration   `json:"drill_within"`
}

type governedTransfer struct {
	Quorum        int      `json:"quorum"`
	ConfirmWithin Duration `json:"confirm_within"`
	Cooldown      Duration `json:"cooldown"`
	AcceptWithin  Duration `json:"accept_within"`
	OnErrors      string   `json:"on_errors"`
	OnShared      string   `json:"on_shared"`
}

type governedAccess struct {
	Approvers           []string   `json:"approvers"`
	ApproverLists       [][]string `json:"approver_lists,omitempty"`
	Quorum              int        `json:"quorum"`
	AdministratorQuorum int        `json:"administrator_quorum"`
	ConfirmWithin       Duration   `json:"confirm_within"`
	For                 []Span     `json:"for"`
	UrgentFor           Duration   `json:"urgent_for"`
}

type governedReview struct {
	Every     string   `json:"every"`
	Window    Duration `json:"window"`
	Grace     Duration `json:"grace"`
	Reviewers []string `json:"reviewers"`
	// By role and by integration: left out where there are none, so that records of before mean the same.
	ReviewersByRole         map[string][]string `json:"reviewers_by_role,omitempty"`
	ReviewersByIntegration  map[string][]string `json:"reviewers_by_integration,omitempty"`
	InactiveAfter           Duration            `json:"inactive_after"`
	InactivePrivilegedAfter Duration            `json:"inactive_privileged_after"`
	ExemptNew               Duration            `json:"exempt_new"`
	NoAnswer                string              `json:"no_answer"`
	FixWithin               Duration            `json:"fix_within"`
	FixPrivilegedWithin     Duration            `json:"fix_privileged_within"`
}

// Governance is, for each account by its ID, who may approve, hold, administer and review, the quorums and the
// thresholds, as JSON that is the same bytes for the same rules: lists of people are the effective ones and
// sorted, lengths of time are in one form. Two configurations differ here exactly when somebody's rights differ.
func Governance(cfg *Config) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(cfg.Accounts))
	for _, account := range cfg.Accounts {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(governs(account)); err != nil {
			panic("config: the rules cannot be written as JSON: " + err.Error()) // strings and numbers always can
		}
		out[account.ID] = bytes.TrimSpace(buf.Bytes())
	}
	return out
}

func governs(a Account) governed {
	g := governed{
		Owner:         a.Owner,
		Approvers:     sorted(a.ApproverIDs()),
		ApproverLists: sortedLists(a.Approvers),
		Aliases:       []governedAlias{},
		Admins:        sorted(a.Admins),
		Auditors:      sorted(a.Auditors),
		Transfer: governedTransfer{
			Quorum: a.Transfer.Quorum, ConfirmWithin: a.Transfer.ConfirmWithin, Cooldown: a.Transfer.Cooldown,
			AcceptWithin: a.Transfer.AcceptWithin, OnErrors: a.Transfer.OnErrors, OnShared: a.Transfer.OnShared,
		},
		Access: governedAccess{
			Approvers: sorted(a.AccessApproverIDs()), ApproverLists: sortedLists(a.Access.Approvers),
			Quorum:              a.Access.Quorum,
			AdministratorQuorum: a.Access.AdministratorQuorum, ConfirmWithin: a.Access.ConfirmWithin,
			For: a.Access.For, UrgentFor: a.Access.UrgentFor,
		},
		Review:            governsReview(a),
		Recovery:          governsRecovery(a),
		Key:               governsKey(a.Key),
		TokenEnvironments: []string{},
	}
	for _, alias := range a.Aliases {
		g.Aliases = append(g.Aliases, governedAlias{
			Email: alias.Email, Holders: sorted(alias.Holders),
			Password: sorted(alias.PasswordIDs()), SecondFactor: sorted(alias.SecondFactorIDs()),
		})
	}
	slices.SortFunc(g.Aliases, func(x, y governedAlias) int { return bytes.Compare([]byte(x.Email), []byte(y.Email)) })
	if a.TokenEnv != "" {
		g.TokenEnvironments = append(g.TokenEnvironments, Production)
	}
	for _, environment := range a.Environments {
		if environment.TokenEnv != "" {
			g.TokenEnvironments = append(g.TokenEnvironments, environment.Name)
		}
	}
	return g
}

func governsReview(a Account) governedReview {
	r := a.Review
	return governedReview{
		Every: r.Every, Window: r.Window, Grace: r.Grace, Reviewers: sorted(a.ReviewerIDs()),
		ReviewersByRole: sortedRules(r.ReviewersByRole), ReviewersByIntegration: sortedRules(r.ReviewersByIntegration),
		InactiveAfter: r.InactiveAfter, InactivePrivilegedAfter: r.InactivePrivilegedAfter,
		ExemptNew: r.ExemptNew, NoAnswer: r.NoAnswer, FixWithin: r.FixWithin,
		FixPrivilegedWithin: r.FixPrivilegedWithin,
	}
}

func governsRecovery(a Account) governedRecovery {
	r := a.Recovery
	return governedRecovery{
		Approvers: sorted(a.RecoveryApproverIDs()), ApproverLists: sortedLists(r.Approvers), Quorum: r.Quorum,
		ConfirmWithin: r.ConfirmWithin, Cooldown: r.Cooldown, IT: sorted(a.ITIDs()),
	}
}

func governsKey(k Key) governedKey {
	return governedKey{
		For: k.For, Quorum: k.Quorum, ApproveWithin: k.ApproveWithin, ExplainWithin: k.ExplainWithin,
		AnswerWithin: k.AnswerWithin, DrillEvery: k.DrillEvery, DrillWithin: k.DrillWithin,
	}
}

// sortedLists are the lists of approvers in one order, however the file has them; none when there is only one.
func sortedLists(a Approvers) [][]string {
	out := a.Lists()
	for i := range out {
		slices.Sort(out[i])
	}
	slices.SortFunc(out, slices.Compare[[]string])
	return out
}

func sortedRules(rules map[string][]string) map[string][]string {
	out := make(map[string][]string, len(rules))
	for key, ids := range rules {
		out[key] = sorted(ids)
	}
	return out
}

func sorted(ids []string) []string {
	out := union(ids)
	slices.Sort(out)
	return out
}
