package bot

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

// unplaced is a rig with two cards for Ana that Slack has not taken, both of the same machine and round.
func unplaced(t *testing.T) *rig {
	r := running(t, slacksim.Options{})
	r.desk.cards = map[string]workflows.Card{}
	for _, id := range []string{"t07-AAAA2222", "t07-BBBB2222"} {
		r.desk.waiting = append(r.desk.waiting, workflows.Overview{ID: id, Machine: "transfer", Title: "Hand " + id,
			Stage: "confirming", Opened: time.Now(), Waiting: []string{"UANA"}})
		r.desk.cards[id+"/UANA"] = workflows.Card{Name: "main", Recipient: "UANA", Round: 3, Title: "Confirm " + id +
			"?", Lines: []string{"Type {command} mine."},
			Buttons: []workflows.Button{{Action: "transfer.confirm", Label: "Confirm"}}}
	}
	return r
}

// pressable are the buttons of blocks by the workflow they name.
func pressable(t *testing.T, raw json.RawMessage) map[string]string {
	t.Helper()
	var blocks []struct {
		Type     string `json:"type"`
		BlockID  string `json:"block_id"`
		Elements []struct {
			ActionID, Value string
			Action          string `json:"action_id"`
		} `json:"elements"`
	}
	if err := json.Unmarshal(raw, &blocks); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, b := range blocks {
		if b.Type == "actions" && b.BlockID != homeBlock {
			out[b.Elements[0].Value] = b.BlockID
		}
	}
	return out
}

// What Slack does not take as a message stands in the answer to mine, and its buttons work.
func TestMineShowsTheCardsThatCouldNotBeBrought(t *testing.T) {
	r := unplaced(t)
	res, err := r.sim.SlashCommand(r.ctx(), "UANA", "C0OPS", "/io", "mine")
	if err != nil {
		t.Fatal(err)
	}
	blocks := pressable(t, res.Blocks)
	if len(blocks) != 2 || strings.Contains(string(res.Blocks), "{command}") || !strings.Contains(string(res.Blocks),
		"Confirm t07-BBBB2222?") {
		t.Fatalf("%v in %s", blocks, res.Blocks)
	}
	for id, block := range blocks {
		if out, err := r.sim.Click(r.ctx(), "UANA", "C0OPS", res.MessageTS, block, "transfer.confirm"); err != nil ||
			out.Error != "" {
			t.Fatalf("%s: %v %+v", id, err, out)
		}
	}
	seen := map[string]bool{}
	for _, cmd := range r.desk.seen() {
		if cmd.Name == "transfer.confirm" && cmd.Round == 3 && cmd.Actor.ID == "UANA" {
			seen[cmd.Workflow] = true
		}
	}
	if len(seen) != 2 {
		t.Errorf("clicks that arrived: %v", seen)
	}
	if res, _ := r.sim.SlashCommand(r.ctx(), "UANA", "C0OPS", "/io", "mine t07-AAAA2222"); len(pressable(t,
		res.Blocks)) != 1 {
		t.Errorf("mine ID shows %s", res.Blocks)
	}
}

// The App Home shows them, too; a click there is answered there, whatever becomes of messages.
func TestTheAppHomeShowsOnesCardsAndAnswersThere(t *testing.T) {
	r := unplaced(t)
	r.sim.InjectFault(slacksim.Rule{Method: "chat.postMessage", Kind: slacksim.FaultAPIError,
		Reason: "messages_tab_disabled"})
	if err := r.sim.OpenHome(r.ctx(), "UANA"); err != nil {
		t.Fatal(err)
	}
	var home slacksim.View
	r.until(func(n *slacksim.Snapshot) bool {
		v, ok := n.Home("UANA")
		home = v
		return ok && len(pressable(t, v.Blocks)) == 2
	})
	if out, err := r.sim.ViewAction(r.ctx(), "UANA", home.ID, pressable(t, home.Blocks)["t07-AAAA2222"],
		"transfer.confirm"); err != nil || out.Error != "" {
		t.Fatalf("%v %+v", err, out)
	}
	r.until(func(n *slacksim.Snapshot) bool {
		v, _ := n.Home("UANA")
		return strings.Contains(string(v.Blocks), "Recorded.")
	})
	cmds := r.desk.seen()
	if last := cmds[len(cmds)-1]; last.Workflow != "t07-AAAA2222" || last.Round != 3 || last.View != "" {
		t.Errorf("%+v", last)
	}
}
