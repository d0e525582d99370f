package slacksim_test

import (
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

func TestMessageEventsFollowSubscriptionAndScope(t *testing.T) {
	s, url := workspace(t, slacksim.Options{Events: []string{"message.im", "app_mention"},
		Scopes: []string{"im:history", "app_mentions:read", "chat:write"}})
	got := make(chan any, 10)
	a := connect(t, s, url, func(a *app, e socketmode.Event) {
		ack(a, e)
		got <- e.Data.(slackevents.EventsAPIEvent).InnerEvent.Data
	})
	must[string](t)(s.Post("UANA", s.OpenDM("UANA"), "hello", ""))
	if m, ok := (<-got).(*slackevents.MessageEvent); !ok || m.Text != "hello" || m.ChannelType != "im" ||
		m.User != "UANA" || m.BotID != "" {
		t.Errorf("direct message: %+v", m)
	}
	if _, _, err := a.api.PostMessage("UANA", slack.MsgOptionText("mine", false)); err != nil {
		t.Fatal(err)
	}
	if m, ok := (<-got).(*slackevents.MessageEvent); !ok || m.BotID != "B0BOT" {
		t.Errorf("the app's own post: %+v", m)
	}
	must[string](t)(s.Post("UANA", "C0OPS", "no event: message.channels is not subscribed", ""))
	must[string](t)(s.Post("UANA", "C0OPS", "@bot are you there", ""))
	if m, ok := (<-got).(*slackevents.AppMentionEvent); !ok || m.Text != "<@U0BOT> are you there" ||
		m.Channel != "C0OPS" {
		t.Errorf("mention: %+v", m)
	}
	if len(got) != 0 {
		t.Errorf("an unexpected event: %+v", <-got)
	}
}

func TestRandomFaultsFollowTheSeedAndCanBeCleared(t *testing.T) {
	run := func(seed uint64) (statuses string) {
		s, base := workspace(t, slacksim.Options{Seed: seed, Faults: slacksim.Faults{ErrorBefore: 0.3, RateLimited: 0.3,
			Late: 0.1}})
		for range 30 {
			_, res := do(t, request(t, "POST", base+"/api/auth.test", formType, "token=xoxb-sim"))
			statuses += res.Status[:1]
		}
		s.ClearFaults()
		for range 10 {
			if out := post(t, base, "auth.test", nil); out["ok"] != true {
				t.Errorf("after ClearFaults: %v", out)
			}
		}
		return statuses
	}
	first, again, other := run(7), run(7), run(8)
	if first != again || first == other {
		t.Errorf("seed 7: %s and %s, seed 8: %s", first, again, other)
	}
}

func TestExternalSelectAsksTheApp(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	a := connect(t, s, url, func(a *app, e socketmode.Event) {
		d := e.Data.(slack.InteractionCallback)
		if d.Type != slack.InteractionTypeBlockSuggestion || d.Value != "ac" {
			t.Errorf("%+v", d)
		}
		_ = a.sock.Ack(*e.Request, map[string]any{"options": []any{}})
	})
	plain := slack.NewTextBlockObject("plain_text", "find", false, false)
	home := slack.HomeTabViewRequest{Type: "home", Blocks: slack.Blocks{BlockSet: []slack.Block{
		slack.NewActionBlock("b", slack.NewOptionsSelectBlockElement("external_select", plain, "find"))}}}
	if _, err := a.api.PublishView("UANA", home, ""); err != nil {
		t.Fatal(err)
	}
	v, _ := s.Home("UANA")
	if raw, err := s.Suggest(ctx(t), "UANA", v.ID, "b", "find", "ac"); err != nil || string(raw) != `{"options":[]}` {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestLateEnvelopeUsesUpTheDeadline(t *testing.T) {
	s, url := workspace(t, slacksim.Options{AckTimeout: 50 * time.Millisecond})
	connect(t, s, url, ack)
	s.InjectFault(slacksim.Rule{Method: "slash_commands", Kind: slacksim.FaultSocketLate, Delay: 80 * time.Millisecond,
		Times: 1})
	if r, err := s.SlashCommand(ctx(t), "UANA", "C0OPS", "/raw", ""); err == nil || r.Error != "operation_timeout" {
		t.Errorf("%+v, %v", r, err)
	}
	wait(t, s, func(n *slacksim.Snapshot) bool { l := n.Acks(); return len(l) == 1 && l[0].Ignored == "unexpected" })
}
