package slacksim_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// TestCursorsWalkEveryListOnce pages through each list two by two and compares with the list in one piece.
func TestCursorsWalkEveryListOnce(t *testing.T) {
	_, base := workspace(t, slacksim.Options{})
	root := post(t, base, "chat.postMessage", map[string]string{"channel": "C0OPS", "text": "root"})["ts"].(string)
	for i := range 5 {
		post(t, base, "chat.postMessage", map[string]string{"channel": "C0OPS", "text": fmt.Sprint("top", i)})
		post(t, base, "chat.postMessage", map[string]string{"channel": "C0OPS", "text": fmt.Sprint("reply", i),
			"thread_ts": root})
		post(t, base, "chat.scheduleMessage", map[string]string{"channel": "C0OPS", "text": "later",
			"post_at": fmt.Sprint(time.Now().Unix() + 3600 + int64(i))})
	}
	name := func(v any) string {
		o, ok := v.(map[string]any)
		if !ok {
			return fmt.Sprint(v)
		}
		return fmt.Sprint(o["id"], o["ts"])
	}
	walk := func(method, key, limit string, args map[string]string) (names []string, pages int) {
		for cursor := ""; pages < 20; pages++ {
			args["limit"], args["cursor"] = limit, cursor
			out := post(t, base, method, args)
			for _, v := range out[key].([]any) {
				names = append(names, name(v))
			}
			meta, _ := out["response_metadata"].(map[string]any)
			if cursor, _ = meta["next_cursor"].(string); cursor == "" {
				return names, pages + 1
			}
			if more, told := out["has_more"]; told && more != true {
				t.Errorf("%s: a cursor without has_more", method)
			}
		}
		t.Fatalf("%s does not end", method)
		return nil, 0
	}
	for _, c := range []struct{ method, key, channel string }{
		{"users.list", "members", ""}, {"conversations.list", "channels", ""}, {"conversations.members", "members",
			"C0OPS"},
		{"conversations.history", "messages", "C0OPS"}, {"conversations.replies", "messages", "C0OPS"},
		{"chat.scheduledMessages.list", "scheduled_messages", "C0OPS"},
	} {
		args := map[string]string{"channel": c.channel, "ts": root}
		whole, once := walk(c.method, c.key, "", args)
		paged, pages := walk(c.method, c.key, "2", args)
		if !slices.Equal(whole, paged) || once != 1 || pages != (len(whole)+1)/2 || len(whole) < 2 {
			t.Errorf("%s: %d in one piece %v, on %d pages %v", c.method, len(whole), whole, pages, paged)
		}
		args["cursor"], args["limit"] = "nonsense", "2"
		if out := post(t, base, c.method, args); out["error"] != "invalid_cursor" {
			t.Errorf("%s with a bad cursor: %v", c.method, out)
		}
	}
	if out := post(t, base, "conversations.members", map[string]string{"channel": "C0OPS",
		"limit": "1001"}); out["error"] != "invalid_limit" {
		t.Errorf("a limit too large: %v", out)
	}
}

func TestThreadsAndHistoryTellWhatSlackTells(t *testing.T) {
	_, base := workspace(t, slacksim.Options{})
	say := func(text, thread, broadcast string) string {
		return post(t, base, "chat.postMessage", map[string]string{"channel": "C0OPS", "text": text,
			"thread_ts": thread, "reply_broadcast": broadcast,
			"metadata": `{"event_type":"t","event_payload":{"n":1}}`})["ts"].(string)
	}
	root := say("root", "", "")
	say("hidden", root, "")
	shown := say("shown", root, "true")
	texts := func(method string, args map[string]string) (l []string, first map[string]any) {
		args["channel"] = "C0OPS"
		out := post(t, base, method, args)
		list, _ := out["messages"].([]any)
		for _, m := range list {
			l = append(l, m.(map[string]any)["text"].(string))
		}
		if len(list) > 0 {
			first = list[0].(map[string]any)
		}
		return l, first
	}
	if l, _ := texts("conversations.history", map[string]string{}); !slices.Equal(l, []string{"shown", "root"}) {
		t.Errorf("history: %q", l)
	}
	l, first := texts("conversations.replies", map[string]string{"ts": shown})
	if !slices.Equal(l, []string{"root", "hidden", "shown"}) || first["reply_count"] != 2.0 ||
		first["latest_reply"] != shown || first["metadata"] != nil {
		t.Errorf("replies: %q, %v", l, first)
	}
	if l, first := texts("conversations.history", map[string]string{"latest": root, "inclusive": "true", "limit": "1",
		"include_all_metadata": "true"}); len(l) != 1 ||
		l[0] != "root" || first["metadata"] == nil {
		t.Errorf("one message by its timestamp: %q, %v", l, first)
	}
	if l, _ := texts("conversations.history", map[string]string{"oldest": root}); !slices.Equal(l, []string{"shown"}) {
		t.Errorf("after the root: %q", l)
	}
	for want, args := range map[string]map[string]string{"thread_not_found": {"channel": "C0OPS", "ts": "1.000001"},
		"channel_not_found": {"channel": "C0PRIV", "ts": root}} {
		if out := post(t, base, "conversations.replies", args); out["error"] != want {
			t.Errorf("%v, want %s", out, want)
		}
	}
}

func TestExternalIDsNameOneViewOfTheApp(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	connect(t, s, base, ack)
	trigger := func(user string) string {
		r := must[slacksim.CommandResult](t)(s.SlashCommand(ctx(t), user, "C0OPS", "/raw", ""))
		_, after, _ := strings.Cut(string(r.Sent), `"trigger_id":"`)
		id, _, _ := strings.Cut(after, `"`)
		return id
	}
	view := func(external, title string) string {
		return `{"type":"modal","external_id":"` + external + `","title":{"type":"plain_text","text":"` + title +
			`"},"blocks":[{"type":"divider"}]}`
	}
	open := func(user, external string) answer {
		return post(t, base, "views.open", map[string]string{"trigger_id": trigger(user), "view": view(external, "A")})
	}
	if out := open("UANA", "mine"); out["ok"] != true {
		t.Fatalf("first: %v", out)
	}
	if out := open("UBEN", "mine"); out["error"] != "duplicate_external_id" {
		t.Errorf("of another person: %v", out)
	}
	if out := open("UBEN", "other"); out["ok"] != true {
		t.Errorf("another: %v", out)
	}
	out := post(t, base, "views.update", map[string]string{"external_id": "mine", "view": view("mine", "B")})
	if out["ok"] != true || s.Views("UANA")[0].Title != "B" {
		t.Errorf("update by external_id: %v", out)
	}
	if out := post(t, base, "views.update", map[string]string{"external_id": "mine",
		"view": view("other", "C")}); out["error"] != "duplicate_external_id" {
		t.Errorf("taking another's id: %v", out)
	}
	if out := post(t, base, "views.update", map[string]string{"external_id": "nobody",
		"view": view("", "D")}); out["error"] != "not_found" {
		t.Errorf("unknown: %v", out)
	}
	for range 2 { // an id is free again when its view is closed
		if err := s.CloseView(ctx(t), "UANA", s.Views("UANA")[0].ID); err != nil {
			t.Fatal(err)
		}
		if out := open("UANA", "mine"); out["ok"] != true {
			t.Errorf("again: %v", out)
		}
	}
}

func TestHomeTabCanBeOff(t *testing.T) {
	_, base := workspace(t, slacksim.Options{HomeTabDisabled: true})
	out := post(t, base, "views.publish", map[string]string{"user_id": "UANA", "view": `{"type":"home","blocks":[]}`})
	if out["error"] != "not_enabled" {
		t.Errorf("%v", out)
	}
}

func TestResponseURLExpires(t *testing.T) {
	s, base := workspace(t, slacksim.Options{ResponseLife: 50 * time.Millisecond})
	connect(t, s, base, func(a *app, e socketmode.Event) { ack(a, e) })
	r := must[slacksim.CommandResult](t)(s.SlashCommand(ctx(t), "UANA", "C0OPS", "/raw", ""))
	_, after, _ := strings.Cut(string(r.Sent), `"response_url":"`)
	address, _, _ := strings.Cut(after, `"`)
	if _, err := url.Parse(address); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		// its age is looked at before its uses
		out, res := do(t, request(t, "POST", address, jsonType, `{"delete_original":true}`))
		if out["error"] == "expired_url" && res.StatusCode == 404 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the address still lives: %v", out)
		}
	}
}
