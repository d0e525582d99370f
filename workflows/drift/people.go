package drift

import (
	"slices"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Buttons of the cards here, which are access's; the contract with every card ever posted.
const (
	ActAdopt  = "access.adopt"
	ActUndo   = "access.undo"
	ActAskWho = "access.ask"
)

// reasonForm is the callback of the form that asks for a text, blockReason the block in it.
const (
	reasonForm  = "access.reason"
	blockReason = "reason"
)

const cardMain = "main"

// whoDecide are those who look after access, and of them those who are told: the administrators, as
// far as they are enough, else the holders too; never whom it is about.
func whoDecide(f workflows.Facts, own func(approvals.Identity) bool, quorum int) (managers, to []string) {
	able := func(ids []string) []string {
		return slices.DeleteFunc(f.Expand(ids), func(id string) bool {
			return f.People[id].Standing != "" || own(f.Known(id))
		})
	}
	admins, holders := able(f.Policy.Admins), able(f.Policy.HolderIDs())
	managers = workflows.Union(admins, holders)
	switch {
	case len(admins) > 0 && len(admins) >= quorum:
		return managers, admins
	case len(admins) > 0:
		return managers, managers
	}
	return managers, holders
}

// refuseOthers refuses whoever is not among those who decide, by the configuration of now.
func refuseOthers(who string, named []string, f workflows.Facts) error {
	now := f.Managing(named)
	if slices.Contains(now, who) {
		return nil
	}
	only := workflows.Refuse("not_permitted", workflows.Say("Only %m can decide this. Nothing was recorded.", now))
	return workflows.NoLonger(only, slices.Contains(named, who), "this account")
}

func ownAccess(text string) error {
	return workflows.Refuse("own_access", text+" Nothing was recorded.")
}

// where names the account and, when it is not production, the environment.
func where(account, environment string) string {
	if environment == "" {
		return account
	}
	return account + " (" + environment + ")"
}
