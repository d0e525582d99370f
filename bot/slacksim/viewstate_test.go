package slacksim_test

import (
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// formOf is a modal with a select, a text that begins with initial, and buttons that stand alone and beside a text.
func formOf(textBlock, initial string, options ...string) slack.ModalViewRequest {
	plain := func(s string) *slack.TextBlockObject { return slack.NewTextBlockObject("plain_text", s, false, false) }
	var l []*slack.OptionBlockObject
	for _, o := range options {
		l = append(l, slack.NewOptionBlockObject(o, plain(o), nil))
	}
	text := slack.NewPlainTextInputBlockElement(nil, "text")
	text.InitialValue = initial
	row := section("A row")
	row.BlockID, row.Accessory = "row", slack.NewAccessory(plainButton("look", "Look"))
	m := modalOf(slack.NewInputBlock("pick", plain("Pick"), nil, slack.NewOptionsSelectBlockElement("static_select",
		nil, "pick", l...)),
		slack.NewInputBlock(textBlock, plain("Text"), nil, text), actions("bar", plainButton("next", "Next page")), row)
	m.PrivateMetadata = "page 1"
	return m
}

func TestButtonsOfAModalTellEverythingThatWasFilledIn(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	got := make(chan slack.InteractionCallback, 8)
	a := connect(t, s, url, func(a *app, e socketmode.Event) {
		ack(a, e)
		switch d := e.Data.(type) {
		case slack.SlashCommand:
			_, _ = a.api.OpenView(d.TriggerID, formOf("text", "as it was", "keep", "remove"))
		case slack.InteractionCallback:
			got <- d
		}
	})
	must[slacksim.CommandResult](t)(s.SlashCommand(ctx(t), "UANA", "C0OPS", "/do", ""))
	wait(t, s, func(n *slacksim.Snapshot) bool { return len(n.Views("UANA")) == 1 })
	id := s.Views("UANA")[0].ID
	if err := s.Fill("UANA", id, map[string]map[string]any{"pick": {"pick": "remove"},
		"text": {"text": "typed"}}); err != nil {
		t.Fatal(err)
	}
	for block, action := range map[string]string{"bar": "next", "row": "look"} {
		must[slacksim.ActionResult](t)(s.ViewAction(ctx(t), "UANA", id, block, action))
		d := <-got
		if d.Type != slack.InteractionTypeBlockActions || d.Container.Type != "view" || d.Container.ViewID != id ||
			d.Channel.ID != "" || d.ResponseURL != "" || d.TriggerID == "" {
			t.Errorf("%s: container %+v, channel %q, response_url %q", action, d.Container, d.Channel.ID, d.ResponseURL)
		}
		v := d.View
		if v.Hash != s.Views("UANA")[0].Hash || v.PrivateMetadata != "page 1" || v.RootViewID != id ||
			v.CallbackID != "form" || len(v.Blocks.BlockSet) != 4 {
			t.Errorf("%s: the view is %+v", action, v)
		}
		if b := d.ActionCallback.BlockActions[0]; b.BlockID != block || b.ActionID != action || b.Value != "v" {
			t.Errorf("the action is %+v", b)
		}
		if p, x := v.State.Values["pick"]["pick"], v.State.Values["text"]["text"]; p.SelectedOption.Value != "remove" ||
			x.Value != "typed" {
			t.Errorf("%s: the state is %+v", action, v.State.Values)
		}
	}
	state := func() map[string]map[string]slack.BlockAction {
		t.Helper()
		must[slacksim.ActionResult](t)(s.ViewAction(ctx(t), "UANA", id, "bar", "next"))
		return (<-got).View.State.Values
	}
	must[*slack.ViewResponse](t)(a.api.UpdateView(formOf("text", "another start", "keep", "remove", "change"), "", "",
		id))
	if v := state(); v["pick"]["pick"].SelectedOption.Value != "remove" || v["text"]["text"].Value != "typed" {
		t.Errorf("the same fields lost what they held: %+v", v)
	}
	must[*slack.ViewResponse](t)(a.api.UpdateView(formOf("text2", "another start", "keep", "change"), "", "", id))
	v := state()
	if v["text2"]["text"].Value != "another start" || v["pick"]["pick"].SelectedOption.Value != "" || v["text"] != nil {
		t.Errorf("new fields hold %+v", v)
	}
	if _, err := a.api.UpdateView(formOf("text", "", "keep"), "", "0.stale", id); err == nil ||
		err.Error() != "hash_conflict" {
		t.Errorf("an old hash: %v", err)
	}
}
