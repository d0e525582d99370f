package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

// TestWhoHasTheAccountComparedOnlyForThoseWhoMayRead: whoever looks who has access, to an account
// or what one person has, has it compared with the record as well.
func TestWhoHasTheAccountComparedOnlyForThoseWhoMayRead(t *testing.T) {
	var mu sync.Mutex
	var looked []string
	r := running(t, slacksim.Options{}, func(o *Options) {
		o.Census = func(context.Context, string, string) (workflows.Census, error) {
			return workflows.Census{Users: []workflows.User{{Email: "ben@acme.example", Role: "monitor",
				Status: workflows.UserAccepted}}}, nil
		}
		o.Looked = func(account string) {
			mu.Lock()
			defer mu.Unlock()
			looked = append(looked, account)
		}
	})
	r.desk.accounts = []workflows.AccountInfo{acme}
	r.desk.readers = map[string]bool{"UANA": true}
	for _, c := range []struct {
		who, text, want string
		looks           []string
	}{
		{"UANA", "who acme", "Owner: jane@acme.example", []string{"acme"}},
		{"UANA", "who <@UBEN>", "Acme Production", []string{"acme"}},
		{"UBEN", "who <@UBEN>", "Acme Production", []string{"acme"}}, // themselves
		{"UBEN", "who <@UANA>", "not shown", nil},
		{"UBEN", "who acme", "Only the holders", nil},
	} {
		mu.Lock()
		looked = nil
		mu.Unlock()
		if got := r.slash(c.who, c.text); !strings.Contains(got, c.want) {
			t.Errorf("%s /io %s: %q lacks %q", c.who, c.text, got, c.want)
		}
		mu.Lock()
		if !slices.Equal(looked, c.looks) {
			t.Errorf("%s /io %s: compared %v, want %v", c.who, c.text, looked, c.looks)
		}
		mu.Unlock()
	}
}

// someUsers are as many, the more the longer their addresses. All were here the day before but the first.
func someUsers(n int, at time.Time) []workflows.User {
	long := strings.Repeat("long", n/20)
	var out []workflows.User
	for i := range n {
		u := workflows.User{Email: fmt.Sprintf("user%03d@%sacme.example", i, long), Role: workflows.RoleMonitor,
			Status: workflows.UserAccepted, LastHere: at.Add(-24 * time.Hour)}
		if i == 0 {
			u.Role, u.LastHere = workflows.RoleAdministrator, at.Add(-90*24*time.Hour)
		}
		out = append(out, u)
	}
	return out
}

// listing is a rig whose account has as many users.
func listing(t *testing.T, n int) *rig {
	r := running(t, slacksim.Options{}, func(o *Options) {
		o.Census = func(context.Context, string, string) (workflows.Census, error) {
			return workflows.Census{At: o.Now(), Users: someUsers(n, o.Now())}, nil
		}
	})
	r.desk.accounts = []workflows.AccountInfo{acme}
	r.desk.readers = map[string]bool{"UANA": true}
	return r
}

// tableOf reads the cells of an answer's table, and the texts around it.
func tableOf(t *testing.T, blocks []byte) (rows [][]string, around string) {
	t.Helper()
	var all []struct {
		Type, Caption string
		Text          struct{ Text string }
		Elements      []struct{ Text string }
		Rows          [][]struct{ Type, Text string }
	}
	if len(blocks) > 0 {
		if err := json.Unmarshal(blocks, &all); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range all {
		around += b.Text.Text + "\n"
		for _, e := range b.Elements {
			around += e.Text + "\n"
		}
		for _, r := range b.Rows {
			var row []string
			for _, c := range r {
				row = append(row, c.Text)
			}
			rows = append(rows, row)
		}
	}
	return rows, around
}

func TestWhoIsATableThatSaysTheSameAsItsText(t *testing.T) {
	r := listing(t, 6)
	res, err := r.sim.SlashCommand(r.ctx(), "UANA", "C0OPS", "/io", "who acme")
	if err != nil {
		t.Fatal(err)
	}
	rows, around := tableOf(t, res.Blocks)
	if len(rows) != 8 || !slices.Equal(rows[0], []string{"Address", "Role", "Last here"}) ||
		!slices.Equal(rows[1][:2], []string{"jane@acme.example", "owner"}) ||
		!slices.Equal(rows[2][:2], []string{"user000@acme.example", "administrator"}) {
		t.Errorf("%q", rows)
	}
	for _, say := range []string{"Owner: jane@acme.example", "6 users (1 administrator, 5 monitor), read at",
		"No decision about any of them is recorded here."} {
		if !strings.Contains(around, say) {
			t.Errorf("around the table %q is missing: %q", say, around)
		}
	}
	for _, say := range []string{"Owner: jane@acme.example", "*administrator*\n• user000@acme.example: last here ",
		"*monitor*\n• user001@acme.example\n", "All others: last here within 30 days.",
		"All of them: no decision recorded here."} {
		if !strings.Contains(res.Text, say) {
			t.Errorf("the text lacks %q: %q", say, res.Text)
		}
	}
}

// TestWhereSlackRefusesATableItsTextIsSaid: at once, by whatever Slack says no, and without asking again.
func TestWhereSlackRefusesATableItsTextIsSaid(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]slacksim.Rule{
		"refused when asked": {{Method: "blocks.validate", Kind: slacksim.FaultAPIError, Reason: "invalid_blocks"}},
		"refused when posted": {{Method: "blocks.validate", Kind: slacksim.FaultAPIError, Reason: "unknown_method"},
			{Method: "chat.postEphemeral", Kind: slacksim.FaultAPIError, Reason: "invalid_blocks_format"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := listing(t, 6)
			for _, f := range faults {
				r.sim.InjectFault(f)
			}
			for range 2 {
				res, err := r.sim.SlashCommand(r.ctx(), "UANA", "C0OPS", "/io", "who acme")
				if err != nil || len(res.Blocks) > 0 || !strings.Contains(res.Text, "user005@acme.example") {
					t.Errorf("%q, %d bytes of blocks, %v", res.Text, len(res.Blocks), err)
				}
			}
			if n := count(r.sim.Calls(), "blocks.validate"); n != 1 {
				t.Errorf("Slack was asked %d times whether it takes tables", n)
			}
			if n := len(r.sim.Messages("C0OPS")); n > 2 { // the two answers
				t.Errorf("%d messages", n)
			}
		})
	}
}

// TestATableThatNoAcknowledgementHoldsIsSentPrivately: also where Slack does not say whether it takes one.
func TestATableThatNoAcknowledgementHoldsIsSentPrivately(t *testing.T) {
	t.Parallel()
	r := listing(t, 250)
	at := func(n int) string { return someUsers(250, time.Time{})[n].Email }
	res, err := r.sim.SlashCommand(r.ctx(), "UANA", "C0OPS", "/io", "who acme 2")
	if err != nil || res.Text != "" {
		t.Fatalf("%q %v", res.Text, err)
	}
	r.until(func(n *slacksim.Snapshot) bool {
		all := n.Messages("C0OPS")
		if len(all) != 1 || all[0].EphemeralTo != "UANA" {
			return false
		}
		rows, around := tableOf(t, all[0].Blocks)
		return len(rows) == 101 && rows[2][0] == at(99) &&
			strings.Contains(all[0].Text, at(197)) &&
			strings.Contains(around, "Page 2 of 3: 100 to 198 of 250 users. `/io who ADDRESS` finds one.") &&
			strings.Contains(around, "`/io who acme 3` goes on.")
	})
	r.sim.InjectFault(slacksim.Rule{Method: "chat.postEphemeral", Kind: slacksim.FaultAPIError,
		Reason: "channel_not_found"})
	r.sim.InjectFault(slacksim.Rule{Method: "response_url", Kind: slacksim.FaultAPIError})
	if got := r.slash("UANA", "who acme 3"); !strings.Contains(got, at(249)) {
		t.Errorf("where no way is open: %q", got)
	}
}

func TestWhoTakesAnAddress(t *testing.T) {
	r := listing(t, 6)
	for _, c := range []struct{ who, text, want string }{
		{"UANA", "who user003@acme.example", "Acme Production*, Production: monitor"},
		{"UANA", "who <mailto:USER003@acme.example|USER003@acme.example>", "Production: monitor"},
		{"UANA", "who JANE@acme.example", "owner."},
		{"UANA", "who celigo@acme.example", "mailbox celigo@acme.example: read by"},
		{"UANA", "who nobody@acme.example", "no access"},
		{"UBEN", "who user003@acme.example", "1 account not shown"},
		{"UBEN", "who ben@acme.example", "no access"}, // their own
	} {
		if got := r.slash(c.who, c.text); !strings.Contains(got, c.want) {
			t.Errorf("%s /io %s: %q lacks %q", c.who, c.text, got, c.want)
		}
	}
}
