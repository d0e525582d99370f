package population

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// MaxRows is how many rows a packet holds at most.
const MaxRows = 250

// Started is what opens a campaign, frozen with the rules of that moment; the body of the opening event.
type Started struct {
	ID          string                  `json:"id"`
	AccountID   string                  `json:"account"`
	AccountName string                  `json:"account_name"`
	Period      string                  `json:"period"` // 2026q4, 2026-11, 2026h2, 2026
	By          workflows.Actor         `json:"by"`     // a person, or the calendar
	ByName      string                  `json:"by_name,omitempty"`
	Due         time.Time               `json:"due"`
	Closes      time.Time               `json:"closes"`
	Owner       string                  `json:"owner"`
	OwnerSince  time.Time               `json:"owner_since,omitzero"`
	OwnerBy     string                  `json:"owner_by,omitempty"`
	Aliases     []workflows.Alias       `json:"aliases,omitempty"` // groups expanded
	Proofs      []workflows.Proof       `json:"proofs,omitempty"`  // of who could use the sign-in of owner and aliases
	Reviewers   []string                `json:"reviewers"`
	Admins      []string                `json:"admins,omitempty"`
	Holders     []string                `json:"holders,omitempty"`
	Auditors    []string                `json:"auditors,omitempty"`
	Channel     string                  `json:"channel,omitempty"`
	UIHost      string                  `json:"ui_host,omitempty"`
	TokenName   string                  `json:"token_name,omitempty"` // of Keyholder's own token
	Policy      workflows.ReviewPolicy  `json:"policy"`
	Environs    []workflows.Environment `json:"environments"` // production first, under ""
}
