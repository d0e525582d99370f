package offboard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// world is one account, who can do what at integrator.io, and the offboardings.
type world struct {
	machinetest.World[State]
	opened    int
	users     map[string][]workflows.User // by environment
	tokens    map[string][]workflows.Token
	unread    map[string]string // code by environment
	cancelled []string          // requests that were to be withdrawn
}

type did = machinetest.Did[State]

const alias = "celigo@acme.example"

var monday = time.Date(2026, 11, 30, 9, 14, 0, 0, time.UTC)

var names = []string{"Ana", "Ben", "Cat", "Dee", "Oli"}

// newWorld: Ana, Ben and Cat hold the mailbox that owns the account, Cat with her own hands on the
// password; Dee administers; Oli is anybody.
func newWorld(t machinetest.Failer) *world {
	w := &world{World: machinetest.World[State]{Town: machinetest.Town{T: t, Now: monday,
		Groups: map[string][]string{}}, Machine: Machine()},
		users: map[string][]workflows.User{}, tokens: map[string][]workflows.Token{}, unread: map[string]string{}}
	w.Called = w.called
	w.Name(names...)
	w.Policy = workflows.Policy{
		ID: "acme", Name: "Acme Production", Owner: alias, Admins: []string{"UDEE"}, Channel: "COPS", Token: true,
		Aliases: []workflows.Alias{{Email: alias, Holders: []string{"UANA", "UBEN", "UCAT"},
			Password: []string{"UANA", "UCAT"}, SecondFactor: []string{"UBEN"}}},
		Access: workflows.AccessPolicy{Approvers: []string{"UANA", "UDEE"}, Quorum: 1,
			Environments: []workflows.Environment{{Name: "Sandbox", Token: true}, {Name: "Dev"}}},
		Transfer: workflows.TransferPolicy{Quorum: 2},
		Recovery: workflows.RecoveryPolicy{Approvers: []string{"UANA", "UDEE"}, Quorum: 2},
		Review: workflows.ReviewPolicy{Zone: "UTC", From: 9 * time.Hour, To: 17 * time.Hour,
			Reviewers: []string{"UANA", "UDEE"},
			Days:      [7]bool{false, true, true, true, true, true, false}},
	}
	w.Account = workflows.AccountState{ID: "acme", Owner: alias, By: "configuration"}
	w.users[""] = []workflows.User{{Email: "cat@acme.example", Role: "manage"},
		{Email: "dee@acme.example", Role: "administrator"}}
	w.users["Sandbox"] = []workflows.User{{Email: "cat+sandbox@acme.example", Role: "administrator"}}
	w.tokens[""] = []workflows.Token{{ID: "1", Name: "Warehouse", Kind: workflows.TokenOfAccount, Full: true},
		{ID: "2", Name: "Cat's CLI", Kind: workflows.TokenOfPerson}}
	return w
}

// called takes a call: requests for removal hold their lock from then on, withdrawals give it back.
func (w *world) called(c workflows.Call) {
	switch {
	case c.Op == workflows.OpTell && c.Command == "access.cancel":
		w.cancelled = append(w.cancelled, c.ID)
		w.unlock(c.ID)
	case c.Op == workflows.OpTell:
		cmd := workflows.Command{Name: c.Command, Input: c.Input, Actor: workflows.Actor{Kind: workflows.ByKeyholder}}
		u, err := workflows.UndoAccess.Body(cmd)
		if err != nil || u.Change != workflows.ChangeRemove {
			w.T.Fatalf("asked for %+v, %v", u, err)
		}
		w.record(workflows.LockTaken, workflows.Lock{Name: workflows.OpenRemoval + workflows.GivenKey(u.Environment,
			u.Email), Workflow: c.ID})
	default:
		w.Calls = append(w.Calls, c)
	}
}

func (w *world) record(kind string, body any) {
	a, err := workflows.ApplyAccount(w.Account, workflows.Command{At: w.Now}.Event(kind, body))
	if err != nil {
		w.T.Fatalf("%s: %v", kind, err)
	}
	w.Account = a
}

func (w *world) unlock(id string) (key string) {
	for name, held := range w.Account.Locks {
		if held == id {
			w.record(workflows.LockReleased, workflows.Lock{Name: name, Workflow: id})
			return strings.TrimPrefix(name, workflows.OpenRemoval)
		}
	}
	return ""
}

// removed carries out the removals that are asked for, in an environment or all.
func (w *world) removed(env string, all bool) (n int) {
	for name, id := range w.Account.Locks {
		key, removal := strings.CutPrefix(name, workflows.OpenRemoval)
		at, email, _ := strings.Cut(key, "/")
		if !removal || !all && at != env {
			continue
		}
		w.unlock(id)
		w.users[at] = slices.DeleteFunc(slices.Clone(w.users[at]), func(u workflows.User) bool {
			return u.Email == email
		})
		w.record(workflows.AccessGiven, workflows.GivenChange{Key: key, Workflow: id,
			Given: workflows.Given{Workflow: id, Since: w.Now}})
		n++
	}
	return n
}

// answers answers all calls that wait.
func (w *world) answers() (out []did) {
	for len(w.Calls) > 0 {
		c := w.Calls[0]
		w.Calls = w.Calls[1:]
		r := workflows.Receipt{Op: c.Op, Environment: c.Environment, OK: true}
		switch code := w.unread[c.Environment]; {
		case c.Op == workflows.OpUndelegate:
			r.Code = c.ID
			w.Delegations = slices.DeleteFunc(w.Delegations, func(d approvals.Delegation) bool {
				return d.From == c.ID && d.To == c.Known
			})
		case code != "":
			r.OK, r.Refused, r.Code = false, true, code
		case c.Op == workflows.OpCensus:
			r.Census = &workflows.Census{At: w.Now, Users: w.users[c.Environment]}
		default:
			r.Tokens = &workflows.Tokens{At: w.Now, Tokens: w.tokens[c.Environment]}
		}
		out = append(out, w.Do(workflows.Command{Name: workflows.CmdReceipt,
			Actor: workflows.Actor{Kind: workflows.ByIntegrator}, Receipt: &r, Round: workflows.NoRound}))
	}
	return out
}

func (w *world) look() did {
	call := Look.To("acme", w.State.ID, workflows.None{})
	return w.Do(workflows.Command{Name: call.Command, Input: call.Input, Submitted: true,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound})
}

// leaves sends the request form.
func (w *world) leaves(who, person, day string, kinds ...string) did {
	if len(kinds) == 0 {
		kinds = Kinds
	}
	w.opened++
	return w.Do(workflows.Command{
		Name: Request, Workflow: fmt.Sprintf("o01-0000000%d", w.opened), Round: workflows.NoRound, Submitted: true,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: machinetest.UserID(who)},
		Input: map[string]string{BlockPerson: machinetest.UserID(person), BlockLastDay: day,
			BlockSteps:  strings.Join(kinds, "\n"),
			BlockReason: "New job"},
	})
}

// click presses a button; with fields it sends the form.
func (w *world) click(who, name string, fields map[string]string) did {
	return w.Do(workflows.Command{Name: name, Round: w.State.Round, Submitted: fields != nil, Input: fields,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: machinetest.UserID(who)}})
}

// wait lets the timers fire that are due until then, and answers what they ask for.
func (w *world) wait(d time.Duration) []did { return w.Wait(d, w.answers) }
