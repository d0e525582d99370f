package slacksim_test

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

func card(text string) []slack.Block {
	button := slack.NewButtonBlockElement("go", "42", slack.NewTextBlockObject("plain_text", "Go", false, false))
	return []slack.Block{
		slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", text, false, false), nil, nil),
		slack.NewActionBlock("q:1", button),
	}
}

func form() slack.ModalViewRequest {
	plain := func(s string) *slack.TextBlockObject { return slack.NewTextBlockObject("plain_text", s, false, false) }
	who := slack.NewInputBlock("who", plain("Who"), nil, slack.NewOptionsSelectBlockElement("users_select",
		plain("pick"), "who"))
	who.Optional = true
	return slack.ModalViewRequest{Type: "modal", Title: plain("Ask"), Submit: plain("Send"), CallbackID: "ask",
		PrivateMetadata: "pm",
		NotifyOnClose:   true,
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock("reason", plain("Reason"), nil, slack.NewPlainTextInputBlockElement(nil, "reason")),
			who}}}
}

func TestSlashCommandClickModalAndUpdateThroughSlackGo(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	submitted := make(chan slack.InteractionCallback, 4)
	connect(t, s, url, func(a *app, e socketmode.Event) {
		switch d := e.Data.(type) {
		case slack.SlashCommand:
			if d.Text != "it for <@UBEN>" || d.ChannelName != "ops" || d.TeamID != "T0ACME" {
				t.Errorf("command = %+v", d)
			}
			if _, err := a.api.OpenView(d.TriggerID, form()); err != nil {
				t.Errorf("open view: %v", err)
			}
			_ = a.sock.Ack(*e.Request, map[string]any{"text": "opened"})
		case slack.InteractionCallback:
			switch d.Type {
			case slack.InteractionTypeViewSubmission:
				submitted <- d
				if d.View.State.Values["reason"]["reason"].Value == "no" {
					_ = a.sock.Ack(*e.Request, slack.NewErrorsViewSubmissionResponse(
						map[string]string{"reason": "say more"}))
					return
				}
				ack(a, e)
				if _, _, err := a.api.PostMessage(d.User.ID, slack.MsgOptionBlocks(card("hello")...),
					slack.MsgOptionText("hello", false)); err != nil {
					t.Errorf("post: %v", err)
				}
			case slack.InteractionTypeBlockActions:
				ack(a, e)
				act := d.ActionCallback.BlockActions[0]
				if act.ActionID != "go" || act.Value != "42" || act.BlockID != "q:1" || d.Team.ID != d.User.TeamID ||
					d.Container.IsEphemeral {
					t.Errorf("action = %+v in %+v", act, d.Container)
				}
				if _, _, _, err := a.api.UpdateMessage(d.Channel.ID, d.Message.Timestamp,
					slack.MsgOptionText("done", false), slack.MsgOptionBlocks()); err != nil {
					t.Errorf("update: %v", err)
				}
				if _, err := a.api.PostEphemeral("C0OPS", d.User.ID,
					slack.MsgOptionText("only you", false)); err != nil {
					t.Errorf("ephemeral: %v", err)
				}
			}
		}
	})

	r, err := s.SlashCommand(ctx(t), "UANA", "C0OPS", "/do", "it for @ben")
	if err != nil || r.Text != "opened" || r.ResponseType != "ephemeral" {
		t.Fatalf("command: %+v, %v", r, err)
	}
	v := s.Views("UANA")
	if len(v) != 1 || v[0].CallbackID != "ask" || !strings.Contains(string(v[0].State), `"selected_user":null`) {
		t.Fatalf("views = %+v", v)
	}
	if r := must[slacksim.SubmitResult](t)(s.SubmitView(ctx(t), "UANA", v[0].ID, nil)); !r.Local ||
		r.Errors["reason"] == "" {
		t.Fatalf("an empty required field was sent: %+v", r)
	}
	values := func(reason string) map[string]map[string]any {
		return map[string]map[string]any{"reason": {"reason": reason}, "who": {"who": "UBEN"}}
	}
	if r := must[slacksim.SubmitResult](t)(s.SubmitView(ctx(t), "UANA", v[0].ID,
		values("no"))); r.Errors["reason"] != "say more" {
		t.Fatalf("errors = %+v", r)
	}
	if len(s.Views("UANA")) != 1 {
		t.Fatal("errors closed the modal")
	}
	must[slacksim.SubmitResult](t)(s.SubmitView(ctx(t), "UANA", v[0].ID, values("because")))
	<-submitted
	got := <-submitted
	if got.View.State.Values["who"]["who"].SelectedUser != "UBEN" || got.View.PrivateMetadata != "pm" ||
		got.View.CallbackID != "ask" {
		t.Errorf("submission = %+v", got.View)
	}
	if len(s.Views("UANA")) != 0 {
		t.Error("an empty ack left the modal open")
	}
	wait(t, s, func(n *slacksim.Snapshot) bool { return len(n.Messages(n.DM("UANA"))) == 1 })
	m := s.Messages(s.DM("UANA"))[0]
	if _, err := s.Click(ctx(t), "UANA", m.Channel, m.TS, "q:1", "go"); err != nil {
		t.Fatal(err)
	}
	wait(t, s, func(n *slacksim.Snapshot) bool {
		l := n.Messages("C0OPS")
		return n.Messages(m.Channel)[0].Text == "done" && l[len(l)-1].EphemeralTo == "UANA"
	})
	if m := s.Messages(m.Channel)[0]; m.Blocks != nil || !m.Edited {
		t.Errorf("after update with empty blocks: %+v", m)
	}
	if _, err := s.Click(ctx(t), "UANA", m.Channel, m.TS, "q:1", "go"); err == nil {
		t.Error("a button that is gone could be clicked")
	}
	if _, err := s.Click(ctx(t), "UBEN", m.Channel, m.TS, "q:1", "go"); err == nil {
		t.Error("a stranger to the direct message could click in it")
	}
}

func TestHomeTabOpensEveryTimeAndCarriesThePublishedView(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	seen := make(chan *slackevents.AppHomeOpenedEvent, 2)
	a := connect(t, s, url, func(a *app, e socketmode.Event) {
		ack(a, e)
		if d, ok := e.Data.(slackevents.EventsAPIEvent); ok {
			seen <- d.InnerEvent.Data.(*slackevents.AppHomeOpenedEvent)
		}
	})
	if err := s.OpenHome(ctx(t), "UANA"); err != nil {
		t.Fatal(err)
	}
	if e := <-seen; e.User != "UANA" || e.Tab != "home" || e.View != nil && e.View.ID != "" ||
		e.Channel != s.DM("UANA") {
		t.Errorf("first opening: %+v", e)
	}
	view := slack.HomeTabViewRequest{Type: "home", Blocks: slack.Blocks{BlockSet: card("home")}}
	if _, err := a.api.PublishView("UANA", view, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.OpenHome(ctx(t), "UANA"); err != nil {
		t.Fatal(err)
	}
	if e := <-seen; e.View == nil || e.View.Type != "home" {
		t.Errorf("second opening without the view: %+v", e)
	}
}
