package bot

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// bigPacket is an open packet whose rows say as much as rows can.
func bigPacket(rows int) review.PacketState {
	s := review.PacketState{Assigned: review.Assigned{ID: somePacket, Campaign: "r04-acme-2026q4", Period: "2026q4",
		AccountID: "acme", AccountName: "Acme Production", Number: 1, Of: 1,
		Reviewer: "UANA", Opened: reviewNow, Due: reviewNow.AddDate(0, 0, 14), Closes: reviewNow.AddDate(0, 0, 21),
		Policy: quarterly}, Phase: review.PacketReviewing, Round: 3, Reviewers: []string{"UANA"}}
	for i := range rows {
		r := population.Row{N: i + 1, Kind: population.KindUser, Environment: "Sandbox",
			Email: fmt.Sprintf("somebody.with.a.long.name.%d@subsidiary.acme.example", i),
			Name:  strings.Repeat("Name ", 16),
			Role:  workflows.RoleCustom, Status: workflows.UserAccepted, LastHere: reviewNow.AddDate(0, -5, 0),
			LastAny: reviewNow, Since: reviewNow.AddDate(-1, 0, 0), Via: "existing_account_invite",
			Decision: "a04-7KQ2M9XA", Until: reviewNow.AddDate(0, 1, 0), Flags: []string{population.FlagInactive,
				population.FlagNoMFAOrSSO, population.FlagForeignDomain, population.FlagWider}}
		for j := range 6 {
			r.Manage, r.Monitor = append(r.Manage, fmt.Sprintf("%024d", j)),
				append(r.Monitor, fmt.Sprintf("%024d", j+100))
		}
		s.Rows = append(s.Rows, r)
	}
	s.Rows[0].Kind, s.Rows[0].Role, s.Rows[0].Holders, s.Rows[0].Custodians = population.KindOwner,
		population.RoleOwner,
		[]string{"UANA", "UBEN"}, []string{"UCAT"}
	s.Verdicts = make([]population.Verdict, rows)
	return s
}

// Each page of a real packet has to be a view that Slack takes, whatever stands in its rows; and
// what it sends has to come back as its machine reads it.
func TestPagesOfARealPacketAreViewsThatSlackTakes(t *testing.T) {
	r := stopped(t, slacksim.Options{}, withPackets)
	s := bigPacket(25)
	f := workflows.Facts{People: map[string]workflows.Person{"UANA": {ID: "UANA", Name: "Ana"}}}
	cmd := workflows.Command{ID: "c", Workflow: somePacket, Name: review.ActOpen,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "UANA"}, At: reviewNow, Round: 3}
	seen := map[string]bool{}
	for page := range (25 + review.PageRows - 1) / review.PageRows {
		d, err := review.Packet{}.Decide(s, cmd, f)
		if err != nil || d.Reply.Modal == nil {
			t.Fatalf("page %d: %+v, %v", page, d.Reply, err)
		}
		m := *d.Reply.Modal
		view, err := r.bot.renderModal(r.ctx(), m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.bot.api.OpenViewContext(t.Context(), "1.2.never",
			view); slackapi.Code(err) != "invalid_trigger_id" {
			t.Fatalf("page %d: %s", page, faults(err))
		}
		var pressed string
		for _, b := range view.Blocks.BlockSet {
			switch b := b.(type) {
			case *slack.InputBlock:
				seen[b.BlockID] = true
				if raw := toJSON(t, b); strings.Contains(raw, "!date") || strings.Contains(b.Label.Text, "*") {
					t.Errorf("markup in %s", raw)
				}
			case *slack.ActionBlock:
				pressed = b.BlockID
			}
		}
		payload, err := json.Marshal(map[string]any{"type": "block_actions", "user": map[string]any{"id": "UANA",
			"team_id": "T0ACME"}, "container": map[string]any{"type": "view", "view_id": "V1"},
			"view": map[string]any{"id": "V1", "type": "modal", "callback_id": view.CallbackID,
				"private_metadata": view.PrivateMetadata, "blocks": view.Blocks,
				"state": map[string]any{"values": map[string]any{}}},
			"actions": []any{map[string]any{"type": "button", "action_id": review.ActNext, "block_id": pressed,
				"value": somePacket, "action_ts": strconv.Itoa(page + 1)}}})
		if err != nil {
			t.Fatal(err)
		}
		a := decode("interactive", payload, r.bot.known)
		if a.fault != "" || a.cmd.Page != m.Page || a.cmd.View != "V1" {
			t.Fatalf("page %d: %q, %+v", page, a.fault, a.cmd)
		}
		cmd = a.cmd
		cmd.At = reviewNow.Add(time.Minute)
	}
	for n := 1; n <= 25; n++ {
		if !seen[review.BlockRow+strconv.Itoa(n)] || !seen[review.BlockReason+strconv.Itoa(n)] {
			t.Errorf("row %d is on no page", n)
		}
	}
}
