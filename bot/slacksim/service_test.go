package slacksim_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// callOf posts a form with the bot's token and returns the status and Retry-After too.
func callOf(t *testing.T, base, method, args string) (answer, int, string) {
	t.Helper()
	out, res := do(t, request(t, "POST", base+"/api/"+method, formType, "token=xoxb-sim&"+args))
	return out, res.StatusCode, res.Header.Get("Retry-After")
}

func TestTiersRefuseBeyondTheirNumberAndRecover(t *testing.T) {
	_, base := workspace(t, slacksim.Options{RateLimits: true, RateWindow: time.Hour})
	for _, c := range []struct {
		method, args string
		tier         int
	}{{"users.list", "", 20}, {"team.info", "", 50}, {"users.info", "user=UANA", 100}} {
		passed := 0
		for range c.tier + 5 {
			if _, status, _ := callOf(t, base, c.method, c.args); status == 200 {
				passed++
			}
		}
		if passed != c.tier {
			t.Errorf("%s: %d of %d calls passed, the tier allows %d", c.method, passed, c.tier+5, c.tier)
		}
	}
	out, status, after := callOf(t, base, "users.list", "")
	if status != 429 || after == "" || out["error"] != "ratelimited" {
		t.Fatalf("beyond the tier: %d %v, Retry-After %q", status, out, after)
	}
	if _, status, _ := callOf(t, base, "auth.test", ""); status != 200 {
		t.Error("another method is refused too")
	}

	_, base = workspace(t, slacksim.Options{RateLimits: true, RateWindow: 4 * time.Second})
	refused := func() bool { _, status, _ := callOf(t, base, "users.list", ""); return status == 429 }
	for _, want := range []bool{true, false} {
		for deadline := time.Now().Add(5 * time.Second); refused() != want; {
			if time.Now().After(deadline) {
				t.Fatalf("refused never became %v", want)
			}
		}
	}
}

func TestOneMessageAtATimeForEachConversation(t *testing.T) {
	s, base := workspace(t, slacksim.Options{RateLimits: true, MessageEvery: time.Hour, MessageBurst: 2})
	dm := s.OpenDM("UANA")
	for _, c := range []struct {
		channel string
		status  int
	}{{"C0OPS", 200}, {"C0OPS", 200}, {"C0OPS", 429}, {"C0EXT", 200}, {"UANA", 200}, {dm, 200}, {"UANA", 429},
		{dm, 429}, {"UBEN", 200}} {
		if _, status, after := callOf(t, base, "chat.postMessage", "text=x&channel="+c.channel); status != c.status ||
			status == 429 && after != "3600" {
			t.Errorf("to %s: %d, Retry-After %q, want %d", c.channel, status, after, c.status)
		}
	}
	s.SetRateLimits(false)
	if _, status, _ := callOf(t, base, "chat.postMessage", "text=x&channel=C0OPS"); status != 200 {
		t.Error("limits cannot be switched off")
	}
}

func TestScopesAreToldOnEveryAnswer(t *testing.T) {
	for _, c := range []struct {
		scopes                    []string
		method, granted, accepted string
	}{
		{[]string{"chat:write"}, "chat.postMessage", "chat:write", "chat:write"},
		{[]string{"chat:write"}, "users.info", "chat:write", "users:read"},
		{[]string{"chat:write"}, "auth.test", "chat:write", ""},
	} {
		_, base := workspace(t, slacksim.Options{Scopes: c.scopes})
		_, res := do(t, request(t, "POST", base+"/api/"+c.method, formType, "token=xoxb-sim"))
		if res.Header.Get("X-OAuth-Scopes") != c.granted || res.Header.Get("X-Accepted-OAuth-Scopes") != c.accepted {
			t.Errorf("%s: %q, accepted %q", c.method, res.Header.Get("X-OAuth-Scopes"),
				res.Header.Get("X-Accepted-OAuth-Scopes"))
		}
	}
	_, base := workspace(t, slacksim.Options{})
	_, res := do(t, request(t, "POST", base+"/api/auth.test", formType, "token=xoxb-sim"))
	if all := res.Header.Get("X-OAuth-Scopes"); !strings.Contains(all, "users:read.email") || !strings.Contains(all,
		"commands") {
		t.Errorf("without Options.Scopes the token holds %q", all)
	}
	_, res = do(t, request(t, "POST", base+"/api/auth.test", formType, "token=xoxb-wrong"))
	if res.Header.Get("X-OAuth-Scopes") != "" {
		t.Error("a bad token is told scopes")
	}
}

// TestEveryMethodIsRefusedWithoutItsScope asks each method that needs one.
func TestEveryMethodIsRefusedWithoutItsScope(t *testing.T) {
	_, base := workspace(t, slacksim.Options{Scopes: []string{"commands"}})
	for method, needed := range map[string]string{
		"chat.postMessage": "chat:write", "chat.update": "chat:write", "chat.delete": "chat:write",
		"chat.postEphemeral":   "chat:write",
		"chat.scheduleMessage": "chat:write", "chat.deleteScheduledMessage": "chat:write",
		"conversations.open":    "im:write,mpim:write,channels:manage,groups:write",
		"conversations.info":    "channels:read,groups:read,im:read,mpim:read",
		"conversations.members": "channels:read,groups:read,im:read,mpim:read",
		"conversations.list":    "channels:read,groups:read,im:read,mpim:read",
		"conversations.history": "channels:history,groups:history,im:history,mpim:history",
		"conversations.replies": "channels:history,groups:history,im:history,mpim:history", "users.info": "users:read",
		"users.list":          "users:read",
		"users.lookupByEmail": "users:read.email", "usergroups.list": "usergroups:read",
		"usergroups.users.list":      "usergroups:read",
		"files.getUploadURLExternal": "files:write", "files.completeUploadExternal": "files:write",
		"canvases.create": "canvases:write",
		"canvases.edit":   "canvases:write", "canvases.delete": "canvases:write",
		"canvases.access.set":           "canvases:write",
		"conversations.canvases.create": "canvases:write", "reactions.add": "reactions:write",
		"reactions.remove": "reactions:write", "team.info": "team:read", "bots.info": "users:read",
	} {
		out, status, _ := callOf(t, base, method, "")
		if out["error"] != "missing_scope" || out["needed"] != needed || out["provided"] != "commands" ||
			status != 200 {
			t.Errorf("%s: %v", method, out)
		}
	}
	for _, method := range []string{"auth.test", "views.open", "views.update", "views.push", "views.publish",
		"chat.getPermalink", "chat.scheduledMessages.list"} {
		if out, _, _ := callOf(t, base, method, ""); out["error"] == "missing_scope" {
			t.Errorf("%s: %v", method, out)
		}
	}
}

func TestChangesOfMessagesAreEventsOfTheirOwn(t *testing.T) {
	s, base := workspace(t, slacksim.Options{Events: []string{"message.channels"}})
	seen := make(chan map[string]any, 10)
	connect(t, s, base, func(a *app, e socketmode.Event) {
		ack(a, e)
		var p struct {
			Event map[string]any `json:"event"`
		}
		if json.Unmarshal(e.Request.Payload, &p) == nil {
			seen <- p.Event
		}
	})
	ts := post(t, base, "chat.postMessage", map[string]string{"channel": "C0OPS", "text": "old"})["ts"].(string)
	if e := <-seen; e["subtype"] != nil || e["text"] != "old" || e["bot_id"] != "B0BOT" {
		t.Errorf("a new message: %v", e)
	}
	post(t, base, "chat.update", map[string]string{"channel": "C0OPS", "ts": ts, "text": "new"})
	text := func(e map[string]any, key string) any { m, _ := e[key].(map[string]any); return m["text"] }
	if e := <-seen; e["subtype"] != "message_changed" || text(e, "message") != "new" ||
		text(e, "previous_message") != "old" || e["channel_type"] != "channel" {
		t.Errorf("a changed message: %v", e)
	}
	post(t, base, "chat.delete", map[string]string{"channel": "C0OPS", "ts": ts})
	if e := <-seen; e["subtype"] != "message_deleted" || e["deleted_ts"] != ts || text(e, "previous_message") != "new" {
		t.Errorf("a deleted message: %v", e)
	}
}

func TestButtonsInAttachmentsSayWhereTheyStand(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	got := make(chan map[string]any, 2)
	connect(t, s, base, func(a *app, e socketmode.Event) {
		ack(a, e)
		var p map[string]any
		_ = json.Unmarshal(e.Request.Payload, &p)
		got <- p
	})
	block := func(id string) string {
		return `{"type":"actions","block_id":"` + id +
			`","elements":[{"type":"button","action_id":"go","text":{"type":"plain_text","text":"Go"}}]}`
	}
	out := post(t, base, "chat.postMessage", map[string]string{"channel": "C0OPS", "text": "x",
		"blocks":      "[" + block("own") + "]",
		"attachments": `[{"text":"plain"},{"blocks":[` + block("inner") + `]}]`})
	ts := out["ts"].(string)
	for id, want := range map[string]string{"own": "message", "inner": "message_attachment"} {
		must[slacksim.ActionResult](t)(s.Click(ctx(t), "UANA", "C0OPS", ts, id, "go"))
		c := (<-got)["container"].(map[string]any)
		if c["type"] != want || want == "message_attachment" && c["attachment_id"] != 2.0 || c["message_ts"] != ts {
			t.Errorf("container of %s: %v", id, c)
		}
	}
}

func TestEverythingGoCanDoIsThereOverHTTP(t *testing.T) {
	s, base := workspace(t, slacksim.Options{Seed: 11})
	send := func(verb, path, body string) (answer, int) {
		out, res := do(t, request(t, verb, base+"/_sim/"+path, "application/json", body))
		return out, res.StatusCode
	}
	if out, _ := send("GET", "app", ""); out["seed"] != 11.0 || out["bot_user_id"] != "U0BOT" {
		t.Errorf("app: %v", out)
	}
	out, code := send("POST", "faults", `{"method":"auth.test","kind":"api_error","reason":"token_revoked"}`)
	if code != 200 || out["id"] != 1.0 || post(t, base, "auth.test", nil)["error"] != "token_revoked" {
		t.Errorf("adding a fault: %v", out)
	}
	if out, _ := send("GET", "faults", ""); len(out["rules"].([]any)) != 1 || out["seed"] != 11.0 {
		t.Errorf("faults: %v", out)
	}
	if _, code := send("DELETE", "faults?id=7", ""); code != 422 {
		t.Errorf("removing an unknown fault: %d", code)
	}
	if _, code := send("DELETE", "faults?id=1", ""); code != 200 || post(t, base, "auth.test", nil)["ok"] != true {
		t.Error("the fault stayed")
	}
	if _, code := send("POST", "random-faults", `{"error_before":1}`); code != 200 || post(t, base, "auth.test",
		nil) != nil {
		t.Error("the random profile is not in force")
	}
	if _, code := send("DELETE", "faults", ""); code != 200 || post(t, base, "auth.test", nil)["ok"] != true {
		t.Error("the random profile stayed")
	}
	if _, code := send("POST", "rate-limits", `{"on":true}`); code != 200 {
		t.Error("limits cannot be switched")
	}
	if _, code := send("POST", "update-user", `{"id":"UANA","is_admin":true}`); code != 200 ||
		!slices.ContainsFunc(s.Users(), func(u slacksim.User) bool {
			return u.ID == "UANA" && u.IsAdmin && u.Email == "ana@acme.example"
		}) {
		t.Errorf("updating a user: %d", code)
	}
	if _, code := send("POST", "update-user", `{"id":"UNOBODY"}`); code != 422 {
		t.Errorf("updating nobody: %d", code)
	}
	if _, code := send("POST", "public-url", `{"url":"https://slack.test"}`); code != 200 {
		t.Error("no public URL")
	}
	up := post(t, base, "files.getUploadURLExternal", map[string]string{"filename": "a.txt", "length": "1"})
	if address, _ := up["upload_url"].(string); !strings.HasPrefix(address, "https://slack.test/files/") {
		t.Errorf("upload: %v", up)
	}
	for path, key := range map[string]string{"users": "users", "channels": "channels", "groups": "groups"} {
		if out, _ := send("GET", path, ""); len(out[key].([]any)) == 0 {
			t.Errorf("%s: %v", path, out)
		}
	}
	dm, _ := send("POST", "dm", `{"user":"UANA"}`)
	if out, _ := send("GET", "dm?user=UANA", ""); out["channel"] != dm["channel"] {
		t.Errorf("dm: %v", out)
	}
}

// TestItWouldServeAnyBot searches the package and its page for words of the product that it is made for.
func TestItWouldServeAnyBot(t *testing.T) {
	ours := regexp.MustCompile(`(?i)keyholder|celigo|integrator|ownership|"/io"`)
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		for n, line := range strings.Split(string(raw), "\n") {
			if strings.HasPrefix(line, "\t\"github.com/") || strings.HasPrefix(line, "import \"github.com/") {
				continue // the module's own path
			}
			if word := ours.FindString(line); word != "" {
				t.Errorf("%s:%d says %q", path, n+1, word)
			}
		}
		return err
	})
	if err != nil || files < 40 {
		t.Errorf("%d files searched: %v", files, err)
	}
}
