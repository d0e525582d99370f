package bot

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

const somePacket = "p07-7KQ2M9XA"

// pageForm is a page of a packet's form with that many rows.
func pageForm(page, round, rows int) workflows.Modal {
	m := workflows.Modal{Callback: "review.packet", Title: "Acme, page " + strconv.Itoa(page+1), Submit: "Save",
		Workflow: somePacket, Account: "acme", Action: "review.packet",
		Round: round, Page: page, Intro: []string{"2 rows left."}}
	for i := range rows {
		n := strconv.Itoa(page*10 + i + 1)
		m.Inputs = append(m.Inputs,
			workflows.Input{Kind: workflows.BlockText, Label: "*user" + n +
				"@acme.example*\nadministrator, <never> signed in"},
			workflows.Input{Block: "row:" + n, Kind: workflows.InputSelect,
				Label: "user" + n + "@acme.example, administrator", Optional: true,
				Options: []workflows.Option{{Value: "keep", Label: "Keep"}, {Value: "change", Label: "Change"},
					{Value: "remove", Label: "Remove"}}},
			workflows.Input{Block: "reason:" + n, Kind: workflows.InputText, Label: "Reason", Optional: true},
			workflows.Input{Kind: workflows.BlockDivider})
	}
	m.Inputs = append(m.Inputs, workflows.Input{Kind: workflows.BlockButtons, Buttons: []workflows.Button{
		{Action: "review.prev", Label: "Back"}, {Action: "review.next", Label: "Next"},
		{Action: "review.keep_all", Label: "Keep the rest", Confirm: &workflows.Confirm{Title: "Keep?",
			Text: "All plain rows.", Yes: "Keep", No: "Back"}}}})
	return m
}

func TestPageOfAReviewAsView(t *testing.T) {
	m := pageForm(2, 7, 1)
	m.Inputs = append(m.Inputs, workflows.Input{Block: "file", Kind: workflows.InputFile, Label: "The list of users",
		FileTypes: []string{"csv"}})
	v, err := draw.RenderModal(m)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "modal_page.json", toJSON(t, v))
}

func TestButtonsAboveAndBelowAFormAreBlocksOfOneQuestion(t *testing.T) {
	m := pageForm(0, 4, 1)
	m.Inputs = append([]workflows.Input{{Kind: workflows.BlockButtons,
		Buttons: []workflows.Button{{Action: "review.next", Label: "Next"}, {Action: "review.undo", Label: "Undo"}}}},
		m.Inputs...)
	v, err := draw.RenderModal(m)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, b := range v.Blocks.BlockSet {
		if a, ok := b.(*slack.ActionBlock); ok {
			for _, e := range a.Elements.ElementSet {
				ids = append(ids, a.BlockID+" "+e.(*slack.ButtonBlockElement).ActionID)
			}
		}
	}
	if got := strings.Join(ids, ","); got != "review:4 review.next,review:4 review.undo,"+
		"review:4#2 review.prev,review:4#2 review.next,review:4#2 review.keep_all" {
		t.Error(got)
	}
}

func TestPageThatOnlyShowsHasNothingToSend(t *testing.T) {
	m := pageForm(0, 4, 0)
	m.Submit = ""
	if v, err := draw.RenderModal(m); err != nil || v.Submit != nil {
		t.Errorf("%+v, %v", v.Submit, err)
	}
}

// withPackets knows the machine that no form opens.
func withPackets(o *Options) { o.Machines = []string{"review"} }

// packetCard is a reviewer's card.
func packetCard(user string) workflows.Card {
	return workflows.Card{Name: "main", Recipient: user, Round: 3, Title: "Review Acme", Fallback: "Review Acme",
		Buttons: []workflows.Button{{Action: "review.open", Label: "Open"}, {Action: "review.sign", Label: "Sign"}}}
}

// openPage posts a packet's card, opens its form and answers the form's view.
func (r *rig) openPage(user string) slacksim.View {
	r.t.Helper()
	claim := claimOf(packetCard(user))
	claim.Effect.Machine, claim.Effect.Workflow = "review", somePacket
	out := r.bot.Deliver(r.ctx(), claim, &leaseStub{})
	if !out.Done {
		r.t.Fatalf("%+v", out)
	}
	if _, err := r.sim.Click(r.ctx(), user, out.Place.Channel, out.Place.TS, "review:3", "review.open"); err != nil {
		r.t.Fatal(err)
	}
	r.until(func(n *slacksim.Snapshot) bool { return len(n.Views(user)) == 1 })
	return r.sim.Views(user)[0]
}

func TestClickInsideAFormTurnsItsPage(t *testing.T) {
	r := running(t, slacksim.Options{}, withPackets)
	r.desk.do = func(_ context.Context, c workflows.Command) (workflows.Reply, error) {
		m := pageForm(c.Page, 3, 10)
		if c.Name == "review.next" {
			m = pageForm(c.Page+1, 4, 10)
		}
		if c.Name == "review.undo" {
			return workflows.Reply{Text: "There is nothing to undo."}, nil
		}
		return workflows.Reply{Modal: &m}, nil
	}
	view := r.openPage("UANA")
	if err := r.sim.Fill("UANA", view.ID, map[string]map[string]any{"row:2": {"row:2": "remove"},
		"reason:2": {"reason:2": "left"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.sim.ViewAction(r.ctx(), "UANA", view.ID, "review:3", "review.next"); err != nil {
		t.Fatal(err)
	}
	r.until(func(n *slacksim.Snapshot) bool {
		views := n.Views("UANA")
		return len(views) == 1 && views[0].ID == view.ID && views[0].Title == "Acme, page 2"
	})
	c := r.desk.seen()
	last := c[len(c)-1]
	if last.View != view.ID || last.Page != 0 || last.Round != 3 || last.Submitted || last.Input["row:2"] != "remove" ||
		last.Input["reason:2"] != "left" || last.Workflow != somePacket {
		t.Errorf("%+v", last)
	}
	if _, err := r.sim.ViewAction(r.ctx(), "UANA", view.ID, "review:4", "review.next"); err != nil {
		t.Fatal(err)
	}
	r.until(func(n *slacksim.Snapshot) bool { return n.Views("UANA")[0].Title == "Acme, page 3" })
	if c := r.desk.seen(); c[len(c)-1].Page != 1 || c[len(c)-1].Round != 4 {
		t.Errorf("%+v", c[len(c)-1])
	}
	if n := count(r.sim.Calls(), "views.open"); n != 1 {
		t.Errorf("views.open was called %d times", n)
	}
}

func TestPageThatCannotBeShownIsSaidPrivately(t *testing.T) {
	r := running(t, slacksim.Options{}, withPackets)
	r.desk.do = func(_ context.Context, c workflows.Command) (workflows.Reply, error) {
		m := pageForm(0, 3, 2)
		return workflows.Reply{Modal: &m}, nil
	}
	view := r.openPage("UANA")
	for code, want := range map[string]string{"hash_conflict": "The page has moved on meanwhile",
		"not_found": "The form is no longer open", "internal_error": "Slack did not show the page in time"} {
		r.sim.InjectFault(slacksim.Rule{Method: "views.update", Kind: slacksim.FaultAPIError, Reason: code, Times: 1})
		if _, err := r.sim.ViewAction(r.ctx(), "UANA", view.ID, "review:3", "review.next"); err != nil {
			t.Fatal(err)
		}
		r.told("UANA", want)
	}
}

func TestOfTwoTurnsAtOnceTheSecondOverwritesNothing(t *testing.T) {
	r := running(t, slacksim.Options{}, withPackets)
	r.desk.do = func(_ context.Context, c workflows.Command) (workflows.Reply, error) {
		m := pageForm(c.Page, 3, 2)
		return workflows.Reply{Modal: &m}, nil
	}
	view := r.openPage("UANA")
	payload := map[string]any{"type": "block_actions", "user": map[string]any{"id": "UANA", "team_id": "T0ACME"},
		"trigger_id": "1.1.x", "container": map[string]any{"type": "view", "view_id": view.ID},
		"view": map[string]any{"id": view.ID, "type": "modal", "callback_id": view.CallbackID,
			"private_metadata": view.PrivateMetadata, "hash": "1.older",
			"state": map[string]any{"values": map[string]any{}}},
		"actions": []any{map[string]any{"type": "button", "action_id": "review.next", "block_id": "review:3",
			"value": somePacket, "action_ts": "1.1"}}}
	if _, err := r.sim.SendInteractive(r.ctx(), payload); err != nil {
		t.Fatal(err)
	}
	r.told("UANA", "The page has moved on meanwhile")
	if now := r.sim.Views("UANA")[0]; now.Hash != view.Hash {
		t.Error("the page was overwritten")
	}
}

func TestSentPageIsReplacedByItsLikeHoweverLarge(t *testing.T) {
	for name, rows := range map[string]int{"fits into the acknowledgement": 1, "is too large for it": 20} {
		t.Run(name, func(t *testing.T) {
			r := running(t, slacksim.Options{}, withPackets)
			r.desk.do = func(_ context.Context, c workflows.Command) (workflows.Reply, error) {
				m := pageForm(0, 3, 1)
				if c.Submitted {
					m = pageForm(1, 4, rows)
				}
				return workflows.Reply{Modal: &m}, nil
			}
			view := r.openPage("UANA")
			if _, err := r.sim.SubmitView(r.ctx(), "UANA", view.ID,
				map[string]map[string]any{"row:1": {"row:1": "keep"}}); err != nil {
				t.Fatal(err)
			}
			r.until(func(n *slacksim.Snapshot) bool {
				views := n.Views("UANA")
				return len(views) == 1 && views[0].Title == "Acme, page 2"
			})
			if c := r.desk.seen(); c[len(c)-1].Name != "review.packet" || c[len(c)-1].View != view.ID ||
				c[len(c)-1].Page != 0 || c[len(c)-1].Input["row:1"] != "keep" {
				t.Errorf("%+v", c[len(c)-1])
			}
			for _, a := range r.sim.Acks() {
				if a.Ignored != "" {
					t.Errorf("an acknowledgement was ignored: %s", a.Ignored)
				}
			}
		})
	}
}

func TestLabelsOfFieldsAreWithoutMarkup(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	at := workflows.When(time.Date(2026, 12, 3, 9, 14, 0, 0, time.UTC))
	m := workflows.Modal{Callback: "review.packet", Workflow: somePacket, Inputs: []workflows.Input{
		{Block: "row:1", Kind: workflows.InputText, Label: "1. *a&amp;b@acme.example* · monitor",
			Hint: "Last sign-in " + at + " · Can read it: <@UANA> and <@UNOBODY>"},
		{Kind: workflows.BlockText, Label: "*bold* <@UANA>"}}}
	v, err := r.bot.renderModal(r.ctx(), m)
	if err != nil {
		t.Fatal(err)
	}
	in := v.Blocks.BlockSet[0].(*slack.InputBlock)
	if in.Label.Text != "1. a&b@acme.example · monitor" ||
		in.Hint.Text != "Last sign-in 2026-12-03 09:14 UTC · Can read it: ANA and UNOBODY" {
		t.Errorf("%q, %q", in.Label.Text, in.Hint.Text)
	}
	if text := v.Blocks.BlockSet[1].(*slack.SectionBlock).Text.Text; text != "*bold* <@UANA>" {
		t.Errorf("%q", text)
	}
	if m.Inputs[0].Hint == in.Hint.Text {
		t.Error("the form itself was changed")
	}
}

func TestFileOfAFormReachesTheRecord(t *testing.T) {
	r := running(t, slacksim.Options{}, withPackets)
	r.desk.do = func(_ context.Context, c workflows.Command) (workflows.Reply, error) {
		if c.Submitted {
			return workflows.Reply{Text: "Read " + c.Input["file.name"] + "."}, nil
		}
		return workflows.Reply{Modal: &workflows.Modal{Callback: "review.import", Title: "Users", Submit: "Send",
				Workflow: somePacket, Account: "acme", Action: "review.import", Round: 3,
				Inputs: []workflows.Input{{Block: "file", Kind: workflows.InputFile, Label: "CSV of the Users page",
					FileTypes: []string{"csv"}}, {Block: "environment", Kind: workflows.InputText,
					Label: "Environment"}}}},
			nil
	}
	view := r.openPage("UANA")
	const csv = "email,role\nana@acme.example,manage\n"
	values := map[string]map[string]any{"file": {"file": slacksim.Upload{Name: "users.csv", Data: []byte(csv)}},
		"environment": {"environment": "production"}}
	if res, err := r.sim.SubmitView(r.ctx(), "UANA", view.ID, values); err != nil || len(res.Errors) > 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	r.told("UANA", "Read users.csv.")
	c := r.desk.seen()
	if last := c[len(c)-1]; last.Input["file"] != csv || last.Input["environment"] != "production" ||
		len(last.Input["file.sha256"]) != 64 {
		t.Errorf("%+v", last)
	}
}

func TestFormOfAMachineThatNoFormOpensRecordsNothing(t *testing.T) {
	r := running(t, slacksim.Options{}, withPackets)
	payload := map[string]any{"type": "view_submission", "user": map[string]any{"id": "UANA", "team_id": "T0ACME"},
		"view": map[string]any{"id": "V1", "type": "modal", "callback_id": "review.request", "private_metadata": "",
			"state": map[string]any{"values": map[string]any{}}}}
	if _, err := r.sim.SendInteractive(r.ctx(), payload); err != nil {
		t.Fatal(err)
	}
	r.told("UANA", "does not know that form")
	if n := len(r.desk.seen()); n != 0 {
		t.Errorf("%d commands", n)
	}
}
