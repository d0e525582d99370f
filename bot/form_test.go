package bot

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/access"
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

// asksAccess knows the form of access, which waits before it is made, where wait says so.
func asksAccess(wait func(chosen map[string]string)) func(*Options) {
	return func(o *Options) {
		o.Forms["access"] = func(_ context.Context, ps []workflows.Policy, chosen map[string]string,
			_ time.Time) workflows.Modal {
			if wait != nil {
				wait(chosen)
			}
			ps[0].Access = workflows.AccessPolicy{Quorum: 1, AdministratorQuorum: 2, DefaultFor: "7d",
				For: []workflows.TimeBox{{Text: "7d", Length: 7 * 24 * time.Hour}, {Text: "always"}}}
			return access.RequestModal(ps, chosen, []workflows.Named{{ID: "a1", Name: "Orders"}, {ID: "b2", Name: "Stock"}})
		}
	}
}

// openAccess opens that form.
func (r *rig) openAccess(user string) string {
	r.t.Helper()
	r.slash(user, "access acme")
	r.until(func(n *slacksim.Snapshot) bool { return len(n.Views(user)) == 1 })
	return r.sim.Views(user)[0].ID
}

// choose chooses something in the form that somebody has open.
func (r *rig) choose(user, view, block string, value ...any) {
	r.t.Helper()
	if len(value) == 0 {
		value = []any{[]any{}}
	}
	if _, err := r.sim.ViewAction(r.ctx(), user, view, block, block, value...); err != nil {
		r.t.Fatal(err)
	}
}

// asks waits until the form that somebody has open has that title and asks for just that.
func (r *rig) asks(user, title, blocks string) slacksim.View {
	r.t.Helper()
	var v slacksim.View
	r.until(func(n *slacksim.Snapshot) bool {
		if len(n.Views(user)) != 1 {
			return false
		}
		v = n.Views(user)[0]
		var has []string
		for _, b := range blocksOf(r.t, v) {
			if b.Type == "input" {
				has = append(has, b.BlockID)
			}
		}
		return v.Title == title && strings.Join(has, " ") == blocks
	})
	return v
}

func blocksOf(t *testing.T, v slacksim.View) (out []wireBlock) {
	t.Helper()
	if err := json.Unmarshal(v.Blocks, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	whose        = "change account environment person email"
	asksForRole  = whose + " role for urgent reason"
	asksForAll   = whose + " role integrations_manage integrations_monitor for urgent reason"
	asksForGone  = whose + " reason"
	asksAtOnce   = whose + " role urgent reason"
	neverChanges = 300 * time.Millisecond
)

func TestAFormAsksWhatTheChosenChangeNeedsAndKeepsTheRest(t *testing.T) {
	r := running(t, slacksim.Options{}, asksAccess(nil))
	view := r.openAccess("UANA")
	r.asks("UANA", "Ask for access", asksForAll)
	if err := r.sim.Fill("UANA", view, map[string]map[string]any{"person": {"person": "UBEN"},
		"reason":               {"reason": "Repairs the flow"},
		"integrations_monitor": {"integrations_monitor": []string{"b2"}}}); err != nil {
		t.Fatal(err)
	}
	r.choose("UANA", view, "role", "manage")
	r.asks("UANA", "Ask for access", asksForRole)
	r.choose("UANA", view, "change", "remove")
	r.asks("UANA", "Remove access", asksForGone)
	r.choose("UANA", view, "change", "change")
	r.asks("UANA", "Change access", asksForRole) // the role that was chosen before is chosen again
	r.choose("UANA", view, "urgent", "urgent")
	r.asks("UANA", "Change access", asksAtOnce)
	r.choose("UANA", view, "urgent")
	r.asks("UANA", "Change access", asksForRole)
	r.choose("UANA", view, "role", "custom")
	r.asks("UANA", "Change access", asksForAll)
	if res, err := r.sim.SubmitView(r.ctx(), "UANA", view, nil); err != nil || len(res.Errors) > 0 || res.Error != "" {
		t.Fatalf("%v, %+v", err, res)
	}
	r.soon(func() bool { return len(r.desk.seen()) == 1 })
	in := r.desk.seen()[0].Input
	for block, want := range map[string]string{"change": "change", "role": "custom", "person": "UBEN",
		"reason": "Repairs the flow", "integrations_monitor": "b2", "for": "7d", "urgent": "", "account": "acme"} {
		if in[block] != want {
			t.Errorf("%s is %q, want %q", block, in[block], want)
		}
	}
	if open, update := count(r.sim.Calls(), "views.open"), count(r.sim.Calls(), "views.update"); open != 1 || update != 6 {
		t.Errorf("views.open was called %d times, views.update %d times for six choices", open, update)
	}
}

func TestAFormSaysWhatItNeedsInOneGoWhereNobodyWaitsForIt(t *testing.T) {
	r := running(t, slacksim.Options{}, asksAccess(nil))
	view := r.openAccess("UANA")
	if res, err := r.sim.SubmitView(r.ctx(), "UANA", view, map[string]map[string]any{"change": {"change": "remove"},
		"person": {"person": "UBEN"}, "reason": {"reason": "Has left"}}); err != nil || len(res.Errors) > 0 ||
		res.Error != "" {
		t.Fatalf("%v, %+v", err, res)
	}
	r.soon(func() bool { return len(r.desk.seen()) == 1 })
	if n := count(r.sim.Calls(), "views.update"); n != 0 {
		t.Errorf("%d updates", n)
	}
}

func TestOfTwoChoicesTheFormFollowsTheLast(t *testing.T) {
	t.Run("the form of the first is made late", func(t *testing.T) {
		late := make(chan struct{})
		r := running(t, slacksim.Options{}, asksAccess(func(chosen map[string]string) {
			if chosen["change"] == "remove" {
				<-late
			}
		}))
		view := r.openAccess("UANA")
		r.choose("UANA", view, "change", "remove")
		r.choose("UANA", view, "change", "change")
		r.asks("UANA", "Change access", asksForAll)
		close(late)
		time.Sleep(neverChanges) // nothing happens that could be waited for: the late answer is left out
		r.asks("UANA", "Change access", asksForAll)
	})
	t.Run("that of the first comes in between", func(t *testing.T) {
		late := make(chan struct{})
		r := running(t, slacksim.Options{}, asksAccess(func(chosen map[string]string) {
			if chosen["change"] == "change" {
				<-late
			}
		}))
		view := r.openAccess("UANA")
		r.sim.InjectFault(slacksim.Rule{Method: "views.update", Kind: slacksim.FaultLate, Times: 1, Delay: neverChanges})
		first := make(chan struct{})
		go func() { r.choose("UANA", view, "change", "remove"); close(first) }()
		<-first
		r.choose("UANA", view, "change", "change") // it still carries the hash of the form before
		r.asks("UANA", "Remove access", asksForGone)
		close(late)
		r.asks("UANA", "Change access", asksForAll)
	})
}

func TestAFormThatCouldNotFollowIsNotDecided(t *testing.T) {
	for code, follows := range map[string]bool{"hash_conflict": true, "internal_error": false, "not_found": false} {
		t.Run(code, func(t *testing.T) {
			r := running(t, slacksim.Options{}, asksAccess(nil))
			view := r.openAccess("UANA")
			r.choose("UANA", view, "change", "remove")
			r.asks("UANA", "Remove access", asksForGone)
			dm := len(r.sim.Messages(r.sim.DM("UANA")))
			r.sim.InjectFault(slacksim.Rule{Method: "views.update", Kind: slacksim.FaultAPIError, Reason: code, Times: 1})
			r.choose("UANA", view, "change", "grant")
			if follows {
				r.asks("UANA", "Ask for access", asksForAll)
				return
			}
			r.soon(func() bool { return count(r.sim.Calls(), "views.update") == 2 })
			fields := map[string]map[string]any{"person": {"person": "UBEN"}, "reason": {"reason": "Repairs it"}}
			if res, err := r.sim.SubmitView(r.ctx(), "UANA", view, fields); err != nil || res.Error != "" {
				t.Fatalf("%v, %+v", err, res)
			}
			v := r.asks("UANA", "Ask for access", asksForAll)
			if !strings.Contains(string(v.Blocks), "Nothing was recorded") || len(r.desk.seen()) != 0 {
				t.Errorf("%s\n%+v", v.Blocks, r.desk.seen())
			}
			if _, err := r.sim.SubmitView(r.ctx(), "UANA", view, nil); err != nil {
				t.Fatal(err)
			}
			r.soon(func() bool { return len(r.desk.seen()) == 1 })
			if in := r.desk.seen()[0].Input; in["change"] != "grant" || in["role"] != "custom" || in["person"] != "UBEN" {
				t.Errorf("%+v", in)
			}
			for _, m := range r.sim.Messages(r.sim.DM("UANA"))[dm:] {
				if m.Text != "Recorded." {
					t.Errorf("Ana is told %q", m.Text)
				}
			}
		})
	}
}

func TestAFormOfSomebodyWhoseRightEndedSaysSoAndAsksNothing(t *testing.T) {
	var ended atomic.Bool
	r := running(t, slacksim.Options{}, asksAccess(nil))
	r.desk.would = func(workflows.Command) error {
		if ended.Load() {
			return workflows.Refuse("standing", "You are a guest now. Nothing was recorded.")
		}
		return nil
	}
	view := r.openAccess("UANA")
	ended.Store(true)
	r.choose("UANA", view, "change", "remove")
	v := r.asks("UANA", "Remove access", "")
	if v.Submit != "" || !strings.Contains(string(v.Blocks), "! You are a guest now.") {
		t.Errorf("%q %s", v.Submit, v.Blocks)
	}
}

// What is chosen in a menu of another account's integrations is not what is meant now.
func TestWhatWasChosenOfAnotherAccountIsNotSent(t *testing.T) {
	two := workflows.AccountInfo{Policy: workflows.Policy{ID: "beta", Name: "Beta"}}
	r := running(t, slacksim.Options{}, asksAccess(nil))
	r.desk.accounts = append(r.desk.accounts, two)
	view := r.openAccess("UANA")
	r.choose("UANA", view, "role", "monitor")
	r.asks("UANA", "Ask for access", asksForRole)
	r.choose("UANA", view, "role", "custom")
	r.asks("UANA", "Ask for access", asksForAll)
	menu := "integrations_manage@acme/production"
	fields := map[string]map[string]any{"integrations_manage": {menu: []string{"a1"}}, "person": {"person": "UBEN"},
		"reason": {"reason": "Repairs it"}, "account": {"account": "beta"}}
	if _, err := r.sim.SubmitView(r.ctx(), "UANA", view, fields); err != nil {
		t.Fatal(err)
	}
	r.until(func(n *slacksim.Snapshot) bool {
		return len(n.Views("UANA")) == 1 && strings.Contains(string(n.Views("UANA")[0].Blocks), "integrations_manage@beta/")
	})
	if state := string(r.sim.Views("UANA")[0].State); strings.Contains(state, `"a1"`) || len(r.desk.seen()) != 0 {
		t.Errorf("%s, %+v", state, r.desk.seen())
	}
}
