package main

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// page is the newest canvas of the account's channel.
func (s *stage) page() slacksim.Canvas {
	all := s.slack.Canvases()
	if len(all) == 0 {
		return slacksim.Canvas{}
	}
	return all[len(all)-1]
}

// written counts calls that write the page: canvases, or changes and posts in the channel.
func (s *stage) written(method string) (n int) {
	for _, c := range s.slack.Calls() {
		if c.Method == method {
			n++
		}
	}
	return n
}

func (s *stage) pageSays(words string) {
	s.t.Helper()
	s.until("the page to say "+words, func() bool { return strings.Contains(s.page().Markdown, words) })
}

func TestThePageFollowsWhatIsKnownWithOneCallEach(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	if got := s.slash(ana, "docs acme publish"); !strings.Contains(got, "Administrators of the account decide") {
		t.Errorf("Ana publishes: %s", got)
	}
	s.slash(dee, "docs publish")
	s.pageSays("**Owner:** jane@acme.example")
	s.pageSays("**Roles in Sandbox:**")
	if p := s.page(); p.Channel != opsRoom || strings.Contains(p.Markdown, "IT vault") || strings.Contains(p.Markdown,
		"Password of") || !strings.Contains(p.Markdown, "![](@U0ANA)") {
		t.Errorf("the page shows\n%s", p.Markdown)
	}
	if s.written("canvases.create") != 1 || s.written("canvases.edit") != 0 {
		t.Errorf("made %d times, written %d times", s.written("canvases.create"), s.written("canvases.edit"))
	}
	s.request(dee, toAlias())
	s.pageSays("**Open:** Hand Acme Production to celigo@acme.example")
	if n := s.written("canvases.edit"); n != 1 {
		t.Errorf("a request was written %d times", n)
	}
	// An edit by hand is noticed by its event, once our own is old enough to be told from it; here
	// by the look that comes each hour.
	if err := s.slack.EditCanvas(ana, s.page().ID, "Ana was here"); err != nil {
		t.Fatal(err)
	}
	s.forward(2 * time.Hour)
	s.pageSays("![](@U0ANA) edited this page by hand")
	if strings.Contains(s.page().Markdown, "Ana was here") {
		t.Error("what was written by hand stays")
	}
	first := s.page().ID
	if err := s.slack.DeleteCanvas(ana, first); err != nil {
		t.Fatal(err)
	}
	s.until("the page to come back", func() bool {
		return s.page().ID != first && strings.Contains(s.page().Markdown, "**Owner:**")
	})
	s.until("the administrator to hear of it", func() bool {
		return strings.Contains(s.all(dee), "The page about Acme Production was deleted")
	})
	s.slash(dee, "docs unpublish")
	s.pageSays("No longer kept up to date")
	if n := s.written("canvases.create"); n != 2 {
		t.Errorf("made %d times", n)
	}
}

// A Slack that lets nobody make canvases gets one message; while it asks for a pause, changes
// gather, and one call brings the last of them.
func TestThePageIsOneMessageWithoutCanvases(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{})
	s.slack.InjectFault(slacksim.Rule{Method: "canvases.create", Kind: slacksim.FaultAPIError,
		Reason: "canvas_disabled_user_team"})
	s.bot(t)
	s.slash(dee, "docs publish")
	shown := func() (out []slacksim.Message) {
		for _, m := range s.slack.Messages(opsRoom) {
			if !m.Deleted && strings.Contains(string(m.Blocks), "Kept up to date by Keyholder") {
				out = append(out, m)
			}
		}
		return out
	}
	s.until("the page", func() bool { return len(shown()) == 1 })
	remove := s.slack.InjectFault(slacksim.Rule{Method: "chat.update", About: opsRoom, Kind: slacksim.FaultRateLimited,
		RetryAfter: 8 * time.Second})
	before := s.written("chat.update")
	s.request(dee, toAlias())
	s.until("the page to be held back", func() bool { return s.written("chat.update") > before })
	remove()
	s.press(dee, "transfer.cancel")
	s.fill(dee, map[string]map[string]any{"reason": {"reason": "not now"}})
	s.until("the newest page", func() bool {
		all := shown()
		return len(all) == 1 && strings.Contains(string(all[0].Blocks), "*Open:* nothing")
	})
	ts := shown()[0].TS
	if err := s.slack.DeleteMessage(dee, opsRoom, ts); err != nil {
		t.Fatal(err)
	}
	s.forward(2 * time.Hour)
	s.until("the page to come back", func() bool { return len(shown()) == 1 && shown()[0].TS != ts })
}
