package slacksim_test

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

func text(markdown string) slack.DocumentContent {
	return slack.DocumentContent{Type: "markdown", Markdown: markdown}
}

func TestACanvasIsWrittenReadAndLost(t *testing.T) {
	s, url := workspace(t, slacksim.Options{Events: []string{"file_change", "file_deleted"}})
	heard := make(chan string, 8)
	a := connect(t, s, url, func(a *app, e socketmode.Event) {
		ack(a, e)
		if e.Request != nil && e.Request.Type == "events_api" {
			heard <- string(e.Request.Payload)
		}
	})
	id, err := a.api.CreateCanvas("Who holds what", text("# One"), slack.CreateCanvasOptionChannelID("C0OPS"))
	if err != nil || !strings.HasPrefix(id, "F0") {
		t.Fatal(id, err)
	}
	change := func(op, markdown string) error {
		return a.api.EditCanvas(slack.EditCanvasParams{CanvasID: id,
			Changes: []slack.CanvasChange{{Operation: op, DocumentContent: text(markdown)}}})
	}
	if err := change("replace", "# Two"); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; !strings.Contains(got, `"file_change"`) || !strings.Contains(got, id) {
		t.Errorf("the app hears %s", got)
	}
	if err := s.EditCanvas("UANA", id, "mine"); err != nil {
		t.Fatal(err)
	}
	<-heard
	f, _, _, err := a.api.GetFileInfo(id, 0, 0)
	if err != nil || f.LastEditor == nil || *f.LastEditor != "UANA" || f.Updated == nil || f.Filetype != "quip" {
		t.Errorf("files.info says %+v, %v", f, err)
	}
	if err := a.api.EditCanvas(slack.EditCanvasParams{CanvasID: id, Changes: []slack.CanvasChange{
		{Operation: "replace", DocumentContent: text("a")},
		{Operation: "replace", DocumentContent: text("b")}}}); err == nil {
		t.Error("two operations in one call")
	}
	if err := change("replace", strings.Repeat("x", 100_001)); err == nil || err.Error() != "canvas_too_large" {
		t.Errorf("a long one: %v", err)
	}
	if err := s.DeleteCanvas("UANA", id); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; !strings.Contains(got, `"file_deleted"`) {
		t.Errorf("the app hears %s", got)
	}
	if err := change("replace", "# Three"); err == nil || err.Error() != "canvas_not_found" {
		t.Errorf("a deleted one: %v", err)
	}
	if _, _, _, err := a.api.GetFileInfo(id, 0, 0); err == nil || err.Error() != "file_not_found" {
		t.Errorf("files.info of a deleted one: %v", err)
	}
	if all := s.Canvases(); len(all) != 1 || !all[0].Deleted || all[0].Markdown != "mine" {
		t.Errorf("%+v", all)
	}
}

func TestOnlyAdministratorsDeleteMessagesOfOthers(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	a := connect(t, s, url, func(a *app, e socketmode.Event) { ack(a, e) })
	_, ts, err := a.api.PostMessage("C0OPS", slack.MsgOptionText("a page", false))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMessage("UANA", "C0OPS", ts); err == nil {
		t.Error("Ana deleted what the app had posted")
	}
	s.UpdateUser("UANA", func(u *slacksim.User) { u.IsAdmin = true })
	if err := s.DeleteMessage("UANA", "C0OPS", ts); err != nil {
		t.Error(err)
	}
	if _, _, _, err := a.api.UpdateMessage("C0OPS", ts, slack.MsgOptionText("anew", false)); err == nil ||
		err.Error() != "message_not_found" {
		t.Errorf("changing it: %v", err)
	}
}
