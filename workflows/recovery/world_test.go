package recovery

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// world is one account and its recoveries.
type world struct {
	machinetest.World[State]
	opened int
}

type did = machinetest.Did[State]

const alias = "celigo@acme.example"

// monday is when the stories begin.
var monday = time.Date(2026, 11, 23, 9, 14, 0, 0, time.UTC)

var names = []string{"Ana", "Ben", "Cat", "Dee", "Eve", "Fay", "Ira", "Jane"}

// newWorld: Ana, Ben and Cat hold the mailbox, which owns the account; Dee administers; Eve approves
// too; Ira is IT; Jane owned it before; Fay is anybody.
func newWorld(t machinetest.Failer) *world {
	w := &world{World: machinetest.World[State]{Town: machinetest.Town{T: t, Now: monday},
		Machine: Machine(), Together: true}}
	w.Name(names...)
	w.People["UGUS"] = workflows.Person{ID: "UGUS", Name: "Gus", Standing: workflows.StandingGuest}
	w.Policy = workflows.Policy{
		ID: "acme", Name: "Acme Production", Owner: alias, Admins: []string{"UDEE"}, Channel: "COPS",
		UIHost: "https://integrator.io",
		Aliases: []workflows.Alias{{Email: alias, Holders: []string{"UANA", "UBEN", "UCAT"},
			Vault: "IT vault / Celigo owner"}},
		Review: workflows.ReviewPolicy{Zone: "UTC", From: 9 * time.Hour, To: 17 * time.Hour,
			Days: [7]bool{false, true, true, true, true, true, false}},
		Recovery: workflows.RecoveryPolicy{
			Approvers: []string{"UANA", "UBEN", "UDEE", "UEVE"}, Quorum: 2, ConfirmWithin: 24 * time.Hour,
			Cooldown: time.Hour,
			IT:       []string{"UIRA"}, RungWithin: 72 * time.Hour, RemindEvery: 24 * time.Hour,
		},
	}
	w.owner(alias)
	return w
}

func (w *world) owner(email string) {
	w.Policy.Owner = email
	w.Account = workflows.AccountState{ID: "acme", Owner: email, By: "configuration"}
}

// report asks for a recovery.
func (w *world) report(who, situation, reason string) did {
	w.opened++
	return w.Do(workflows.Command{
		Name: Request, Workflow: fmt.Sprintf("v01-0000000%d", w.opened), Round: workflows.NoRound, Submitted: true,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: machinetest.UserID(who)},
		Input: map[string]string{BlockAccount: "acme", BlockSituation: situation, BlockReason: reason},
	})
}

// click presses a button of now; text is sent with the form that it opens.
func (w *world) click(who, act string, text ...string) did {
	cmd := workflows.Command{Name: "recovery." + act, Round: w.State.Round,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: machinetest.UserID(who)}}
	if len(text) > 0 {
		cmd.Submitted, cmd.Input = true, map[string]string{"reason": text[0], "evidence": text[0],
			BlockDone: strings.Join(text, "\n")}
	}
	return w.Do(cmd)
}

// wait lets the timers fire that are due until then.
func (w *world) wait(d time.Duration) []did { return w.Wait(d, nil) }

var mentionText = regexp.MustCompile(`<@(U[A-Z0-9]+)>`)

// Read is a text as its reader sees it; who has no name there is shown by their ID.
func (w *world) Read(text string) string {
	return mentionText.ReplaceAllString(w.World.Read(text), "$1")
}
