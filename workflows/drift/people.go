package drift

import (
	"slices"

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
