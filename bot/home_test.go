package bot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

// homeOf opens somebody's Home and waits until it says something.
func (r *rig) homeOf(user, says string) (view slacksim.View, blocks int) {
	r.t.Helper()
	if err := r.sim.OpenHome(r.ctx(), user); err != nil {
		r.t.Fatal(err)
	}
	r.until(func(n *slacksim.Snapshot) bool {
		v, ok := n.Home(user)
		view = v
		return ok && strings.Contains(string(v.Blocks), says)
	})
	var all []json.RawMessage
	if err := json.Unmarshal(view.Blocks, &all); err != nil {
		r.t.Fatal(err)
	}
	return view, len(all)
}

func TestTheHomeIsWhereOneWorks(t *testing.T) {
	r := unplaced(t)
	until := time.Now().Add(48 * time.Hour)
	r.desk.delegated = map[string]*approvals.Delegation{"UANA": {From: "UANA", To: "UBEN", Until: until}}
	r.desk.open = []workflows.Overview{{ID: "t07-CCCC2222", Machine: "transfer", Account: "acme", Title: "Hand it on",
		Stage:  "confirming",
		Opened: time.Now(), AskedBy: "UANA"}}
	box := workflows.Overview{ID: "a07-AAAA2222", Machine: "access", Title: "Give it", Stage: "active",
		Opened: time.Now(), Waiting: []string{"UANA"}}
	r.desk.waiting = append(r.desk.waiting, box)
	r.desk.cards["a07-AAAA2222/UANA"] = workflows.Card{Name: "main", Recipient: "UANA", Round: 2,
		Title: "ana has access for a time", Lines: []string{"Asked.", "It ends on Friday."},
		Buttons: []workflows.Button{{Action: "transfer.extend", Label: "Ask for more time"}}}
	home, _ := r.homeOf("UANA", "What you asked for")
	for _, text := range []string{"2 things waiting for you", "Confirm t07-BBBB2222?", "Your access, for a time",
		"It ends on Friday.", "Ask for more time",
		"Hand it on", "<@UBEN> may decide for you", "Your account*", "owned by jane@acme.example; you read its mailbox",
		"waits for confirmations", "Hand an account over…"} {
		if !strings.Contains(string(home.Blocks), text) {
			t.Errorf("the Home does not say %q:\n%s", text, home.Blocks)
		}
	}
	if strings.Contains(string(home.Blocks), "Start a review") {
		t.Error("Ana administers nothing and is offered a review")
	}
	if out, err := r.sim.ViewAction(r.ctx(), "UANA", home.ID, homeBlock, homeHand); err != nil || out.Error != "" {
		t.Fatalf("%v %+v", err, out)
	}
	r.until(func(*slacksim.Snapshot) bool { return len(r.sim.Views("UANA")) == 1 })
	if got := r.sim.Views("UANA")[0].CallbackID; got != "transfer.request" {
		t.Errorf("the button opened %s", got)
	}
}

func TestTheHomeEndsADelegation(t *testing.T) {
	r := unplaced(t)
	r.desk.delegated = map[string]*approvals.Delegation{"UANA": {From: "UANA", To: "UBEN"}}
	home, _ := r.homeOf("UANA", "may decide for you")
	r.desk.delegate = func(cmd workflows.Command, to string, _ time.Time) (workflows.Reply, error) {
		if to != "" || cmd.Actor.ID != "UANA" || cmd.ID == "" {
			return workflows.Reply{}, fmt.Errorf("%q for %+v", to, cmd)
		}
		return workflows.Reply{Text: "It has ended."}, nil
	}
	if out, err := r.sim.ViewAction(r.ctx(), "UANA", home.ID, homeDelegated, homeUndelegate); err != nil ||
		out.Error != "" {
		t.Fatalf("%v %+v", err, out)
	}
	r.until(func(n *slacksim.Snapshot) bool {
		v, _ := n.Home("UANA")
		return strings.Contains(string(v.Blocks), "It has ended.")
	})
}

// Slack refuses a Home of more than 100 blocks as a whole.
func TestAHomeOfManyAccountsFits(t *testing.T) {
	r := unplaced(t)
	r.desk.accounts = nil
	for i := range 120 {
		a := acme
		a.Policy.ID, a.Policy.Name = fmt.Sprintf("acme%d", i), fmt.Sprintf("Acme <%d> of a name that is not short", i)
		r.desk.accounts = append(r.desk.accounts, a)
	}
	for i := range 60 {
		id := fmt.Sprintf("t07-DD%02dDDDD", i)
		r.desk.waiting = append(r.desk.waiting, workflows.Overview{ID: id, Machine: "transfer", Title: "Hand " + id,
			Stage: "confirming", Opened: time.Now(), Waiting: []string{"UANA"}})
		r.desk.cards[id+"/UANA"] = r.desk.cards["t07-AAAA2222/UANA"]
	}
	home, n := r.homeOf("UANA", "acme119")
	if n > limitHome {
		t.Errorf("%d blocks", n)
	}
	for i := range 120 {
		if !strings.Contains(string(home.Blocks), fmt.Sprintf("(`acme%d`)", i)) {
			t.Errorf("acme%d is not there", i)
		}
	}
}

// What changes while it is open is shown without a new look, and what does not change is not published.
func TestAnOpenHomeFollows(t *testing.T) {
	r := unplaced(t)
	r.homeOf("UANA", "2 things waiting")
	published := func() (n int) {
		for _, c := range r.sim.Calls() {
			if c.Method == "views.publish" {
				n++
			}
		}
		return n
	}
	before := published()
	card := workflows.Card{Name: "main", Recipient: "UANA", Round: 3, Title: "Something else"}
	r.posted(card)
	time.Sleep(homeSettle + 300*time.Millisecond) // that nothing comes can only be waited for
	if published() != before {
		t.Error("a Home in which nothing is new was published")
	}
	r.desk.mu.Lock()
	r.desk.waiting = r.desk.waiting[:1]
	r.desk.mu.Unlock()
	r.posted(card)
	r.until(func(n *slacksim.Snapshot) bool {
		v, _ := n.Home("UANA")
		return strings.Contains(string(v.Blocks), "1 thing waiting")
	})
}
