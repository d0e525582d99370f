package slacksim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

type answer map[string]any

// do sends a request and decodes its answer.
func do(t *testing.T, req *http.Request) (answer, *http.Response) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out answer
	raw, _ := io.ReadAll(res.Body)
	_ = json.Unmarshal(raw, &out) // a 500 has no JSON; out stays nil
	return out, res
}

func request(t *testing.T, verb, address, kind, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(verb, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return req
}

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json; charset=utf-8"
)

// post calls a method with a form and the bot's token.
func post(t *testing.T, base, method string, args map[string]string) answer {
	t.Helper()
	v := url.Values{"token": {"xoxb-sim"}}
	for k, a := range args {
		v.Set(k, a)
	}
	out, _ := do(t, request(t, "POST", base+"/api/"+method, formType, v.Encode()))
	return out
}

func TestTokenAndArgumentsAreTakenInEveryEncoding(t *testing.T) {
	_, base := workspace(t, slacksim.Options{})
	api := base + "/api/users.info"
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("token", "xoxb-sim")
	_ = w.WriteField("user", "UANA")
	_ = w.Close()
	bearer := func(r *http.Request) *http.Request { r.Header.Set("Authorization", "Bearer xoxb-sim"); return r }
	for name, req := range map[string]*http.Request{
		"form, token in the body":   request(t, "POST", api, formType, "token=xoxb-sim&user=UANA&cursor=&team_id="),
		"form, token in the header": bearer(request(t, "POST", api, formType, "user=UANA")),
		"JSON":                      bearer(request(t, "POST", api, jsonType, `{"user":"UANA"}`)),
		"JSON, token in the body":   request(t, "POST", api, jsonType, `{"token":"xoxb-sim","user":"UANA"}`),
		"multipart":                 request(t, "POST", api, w.FormDataContentType(), b.String()),
		"GET":                       bearer(request(t, "GET", api+"?user=UANA", "", "")),
		"GET, token in the query":   request(t, "GET", api+"?user=UANA&token=xoxb-sim", "", ""),
		"POST, all in the query":    request(t, "POST", api+"?user=UANA&token=xoxb-sim", "application/json", ""),
	} {
		if out, res := do(t, req); out["ok"] != true || res.StatusCode != 200 ||
			!strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %v", name, out)
		}
	}
}

func TestRefusalsAreAnswersWithStatus200(t *testing.T) {
	_, base := workspace(t, slacksim.Options{Scopes: []string{"chat:write"}})
	for _, c := range []struct{ method, kind, body, want string }{
		{"auth.test", formType, "", "not_authed"},
		{"auth.test", formType, "token=xoxb-other", "invalid_auth"},
		{"auth.test", formType, "token=xapp-sim", "not_allowed_token_type"},
		{"apps.connections.open", formType, "token=xoxb-sim", "not_allowed_token_type"},
		{"no.such", formType, "token=xoxb-sim", "unknown_method"},
		{"auth.test", jsonType, "{", "invalid_json"},
		{"auth.test", jsonType, "[]", "json_not_object"},
		{"auth.test", "text/plain", "x", "invalid_post_type"},
		{"auth.test", "", "x", "missing_post_type"},
		{"auth.test", "multipart/form-data; boundary=x", "y", "invalid_form_data"},
		{"chat.postMessage", formType, "token=xoxb-sim&text=x", "invalid_arguments"},
		{"chat.postMessage", formType, "token=xoxb-sim&channel=C0OPS", "no_text"},
		{"chat.postMessage", formType, "token=xoxb-sim&channel=C9&text=x", "channel_not_found"},
		{"chat.postMessage", formType, "token=xoxb-sim&channel=C0PRIV&text=x", "channel_not_found"},
		{"chat.postMessage", formType, "token=xoxb-sim&channel=UOLD&text=x", "channel_not_found"},
		{"chat.postMessage", formType, "token=xoxb-sim&channel=C0OPS&blocks={", "invalid_blocks_format"},
		{"users.info", formType, "token=xoxb-sim&user=UANA", "missing_scope"},
	} {
		out, res := do(t, request(t, "POST", base+"/api/"+c.method, c.kind, c.body))
		if out["error"] != c.want || out["ok"] != false || res.StatusCode != 200 {
			t.Errorf("%s %q: %v, want %s", c.method, c.body, out, c.want)
		}
		if c.want == "missing_scope" && (out["needed"] != "users:read" || out["provided"] != "chat:write") {
			t.Errorf("missing_scope: %v", out)
		}
	}
	if out, _ := do(t, request(t, "GET", base+"/api/apps.connections.open?token=xapp-sim", "",
		"")); out["error"] != "insecure_request" {
		t.Errorf("GET apps.connections.open: %v", out)
	}
}

func TestNotInChannelWithoutThePublicScope(t *testing.T) {
	s, base := workspace(t, slacksim.Options{Scopes: []string{"chat:write"}})
	s.AddChannel(slacksim.Channel{ID: "C0X", Name: "x", Members: []string{"UANA"}})
	s.AddChannel(slacksim.Channel{ID: "C0ARCH", Name: "a", Members: []string{"U0BOT"}, Archived: true})
	if out := post(t, base, "chat.postMessage", map[string]string{"channel": "C0X",
		"text": "x"}); out["error"] != "not_in_channel" {
		t.Errorf("%v", out)
	}
	if out := post(t, base, "chat.postMessage", map[string]string{"channel": "C0ARCH",
		"text": "x"}); out["error"] != "is_archived" {
		t.Errorf("%v", out)
	}
}

func TestBlockFaultsComeBackAsChatAndViewsSayThem(t *testing.T) {
	_, base := workspace(t, slacksim.Options{})
	out := post(t, base, "chat.postMessage", map[string]string{"channel": "C0OPS",
		"blocks": `[{"type":"header","text":{"type":"plain_text","text":""}}]`})
	want := `{"error":"invalid_blocks","errors":["must be more than 0 characters [json-pointer:/blocks/0/text/text]"],"ok":false,` +
		`"response_metadata":{"messages":["[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]"]}}`
	if got, _ := json.Marshal(out); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	out = post(t, base, "views.publish", map[string]string{"user_id": "UANA",
		"view": `{"type":"home","blocks":[{"type":"x"}]}`})
	if got, _ := json.Marshal(out); string(
		got) != `{"error":"invalid_arguments","ok":false,"response_metadata":{"messages":["[ERROR] unsupported type: x [json-pointer:/view/blocks/0/type]"]}}` {
		t.Errorf("views: %s", got)
	}
}

func TestUsersHaveTheFieldsThatDecideWhoMayAct(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	user := func(id string) map[string]any {
		out := post(t, base, "users.info", map[string]string{"user": id})
		u, _ := out["user"].(map[string]any)
		return u
	}
	if u := user("UANA"); u["is_restricted"] != false || u["deleted"] != false || u["is_email_confirmed"] != true ||
		u["profile"].(map[string]any)["email"] != "ana@acme.example" {
		t.Errorf("member: %v", u)
	}
	if u := user("UBEN"); u["is_admin"] != true {
		t.Errorf("admin: %v", u)
	}
	if u := user("UGUS"); u["is_restricted"] != true || u["is_ultra_restricted"] != true {
		t.Errorf("single-channel guest: %v", u)
	}
	if u := user("UOLD"); u["deleted"] != true {
		t.Errorf("deactivated: %v", u)
	}
	fay := user("UFAY")
	if _, mail := fay["profile"].(map[string]any)["email"]; mail || fay["team_id"] != "T0OTHER" ||
		fay["is_stranger"] != nil {
		t.Errorf("foreigner: %v", fay)
	}
	if u := user("UOUT"); u["is_stranger"] != true {
		t.Errorf("stranger: %v", u)
	}
	if u := user("U0BOT"); u["is_bot"] != true {
		t.Errorf("bot: %v", u)
	}
	if u := user("USLACKBOT"); u["is_bot"] != false {
		t.Errorf("Slackbot: %v", u)
	}
	s.Deactivate("UANA")
	if u := user("UANA"); u["deleted"] != true {
		t.Errorf("after Deactivate: %v", u)
	}
	if out := post(t, base, "users.info", map[string]string{"user": "U404"}); out["error"] != "user_not_found" {
		t.Errorf("%v", out)
	}
	if out := post(t, base, "users.lookupByEmail",
		map[string]string{"email": "fay@other.example"}); out["error"] != "users_not_found" {
		t.Errorf("foreigner by e-mail: %v", out)
	}
}

func TestEmailNeedsItsOwnScope(t *testing.T) {
	_, base := workspace(t, slacksim.Options{Scopes: []string{"users:read"}})
	out := post(t, base, "users.info", map[string]string{"user": "UANA"})
	if _, mail := out["user"].(map[string]any)["profile"].(map[string]any)["email"]; mail {
		t.Error("the e-mail is told without users:read.email")
	}
}

func TestSlackGoReadsTheWorld(t *testing.T) {
	_, base := workspace(t, slacksim.Options{})
	api := slack.New("xoxb-sim", slack.OptionAPIURL(base+"/api/"))
	if a := must[*slack.AuthTestResponse](t)(api.AuthTest()); a.UserID != "U0BOT" || a.BotID != "B0BOT" ||
		a.TeamID != "T0ACME" {
		t.Errorf("auth.test: %+v", a)
	}
	if l := must[[]string](t)(api.GetUserGroupMembers("S0HOLD")); !slices.Equal(l, []string{"UANA", "UBEN"}) {
		t.Errorf("group: %v", l)
	}
	if l := must[[]slack.UserGroup](t)(api.GetUserGroups(slack.GetUserGroupsOptionIncludeUsers(true))); len(l) != 1 ||
		len(l[0].Users) != 2 {
		t.Errorf("groups: %v", l)
	}
	if _, err := api.GetUserGroupMembers("S404"); err == nil || err.Error() != "no_such_subteam" {
		t.Errorf("unknown group: %v", err)
	}
	c := must[*slack.Channel](t)(api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: "C0EXT",
		IncludeNumMembers: true}))
	if !c.IsExtShared || c.NumMembers != 3 || !c.IsMember {
		t.Errorf("channel: %+v", c)
	}
	members, _, err := api.GetUsersInConversation(&slack.GetUsersInConversationParameters{ChannelID: "C0OPS", Limit: 2})
	if err != nil || len(members) != 2 {
		t.Errorf("members: %v, %v", members, err)
	}
	if l := must[[]slack.User](t)(api.GetUsers(slack.GetUsersOptionLimit(3))); len(l) != 7 {
		t.Errorf("%d users over several pages, want all but the stranger", len(l))
	}
	dm, _, _, err := api.OpenConversation(&slack.OpenConversationParameters{Users: []string{"UANA"}, ReturnIM: true})
	if err != nil || !dm.IsIM || dm.User != "UANA" {
		t.Errorf("open: %+v, %v", dm, err)
	}
	if _, _, _, err := api.OpenConversation(&slack.OpenConversationParameters{Users: []string{"UOLD"}}); err == nil ||
		err.Error() != "user_disabled" {
		t.Errorf("open with a deactivated person: %v", err)
	}
	if team := must[*slack.TeamInfo](t)(api.GetTeamInfo()); team.Name != "Acme" {
		t.Errorf("team: %+v", team)
	}
}

func TestMetadataIsKeptAndFoundAgainInHistory(t *testing.T) {
	_, base := workspace(t, slacksim.Options{})
	api := slack.New("xoxb-sim", slack.OptionAPIURL(base+"/api/"))
	meta := slack.SlackMetadata{EventType: "card", EventPayload: map[string]any{"id": "e1"}}
	ch, ts, err := api.PostMessage("UANA", slack.MsgOptionText("hello", false), slack.MsgOptionMetadata(meta))
	if err != nil || !strings.HasPrefix(ch, "D") {
		t.Fatalf("post to a user: %s, %v", ch, err)
	}
	find := func(all bool) slack.Message {
		h := must[*slack.GetConversationHistoryResponse](t)(
			api.GetConversationHistory(&slack.GetConversationHistoryParameters{
				ChannelID: ch, Latest: ts, Oldest: ts, Inclusive: true, IncludeAllMetadata: all}))
		if len(h.Messages) != 1 {
			t.Fatalf("history: %+v", h)
		}
		return h.Messages[0]
	}
	if m := find(true); m.Metadata.EventType != "card" || m.Metadata.EventPayload["id"] != "e1" {
		t.Errorf("metadata: %+v", m.Metadata)
	}
	if m := find(false); m.Metadata.EventType != "" {
		t.Errorf("metadata unasked: %+v", m.Metadata)
	}
	reply := func(text string) { // a thread
		if _, _, err := api.PostMessage(ch, slack.MsgOptionText(text, false), slack.MsgOptionTS(ts)); err != nil {
			t.Fatal(err)
		}
	}
	reply("one")
	reply("two")
	thread, _, _, err := api.GetConversationReplies(&slack.GetConversationRepliesParameters{ChannelID: ch,
		Timestamp: ts})
	if err != nil || len(thread) != 3 || thread[0].ReplyCount != 2 {
		t.Errorf("thread: %+v, %v", thread, err)
	}
	if link := must[string](t)(api.GetPermalink(&slack.PermalinkParameters{Channel: ch,
		Ts: thread[1].Timestamp})); !strings.Contains(link, "?thread_ts="+ts) {
		t.Errorf("permalink %s", link)
	}
}

func TestOnlyOwnMessagesCanBeChanged(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	ts := must[string](t)(s.Post("UANA", "C0OPS", "mine", ""))
	if out := post(t, base, "chat.update", map[string]string{"channel": "C0OPS", "ts": ts,
		"text": "x"}); out["error"] != "cant_update_message" {
		t.Errorf("update: %v", out)
	}
	if out := post(t, base, "chat.delete", map[string]string{"channel": "C0OPS",
		"ts": ts}); out["error"] != "cant_delete_message" {
		t.Errorf("delete: %v", out)
	}
	if out := post(t, base, "chat.update", map[string]string{"channel": "C0OPS", "ts": "1.000000",
		"text": "x"}); out["error"] != "message_not_found" {
		t.Errorf("unknown: %v", out)
	}
	out := post(t, base, "chat.postEphemeral", map[string]string{"channel": "C0OPS", "user": "UANA", "text": "x"})
	if out := post(t, base, "chat.update", map[string]string{"channel": "C0OPS", "ts": out["message_ts"].(string),
		"text": "y"}); out["error"] != "message_not_found" {
		t.Errorf("an ephemeral could be updated: %v", out)
	}
	if out := post(t, base, "chat.postEphemeral", map[string]string{"channel": "C0OPS", "user": "UFAY",
		"text": "x"}); out["error"] != "user_not_in_channel" {
		t.Errorf("ephemeral: %v", out)
	}
	own := post(t, base, "chat.postMessage", map[string]string{"channel": "C0OPS", "text": "a",
		"blocks": `[{"type":"divider"}]`})["ts"].(string)
	if out := post(t, base, "chat.update", map[string]string{"channel": "C0OPS", "ts": own,
		"text": strings.Repeat("x", 4001)}); out["error"] != "msg_too_long" {
		t.Errorf("long update: %v", out["error"])
	}
	post(t, base, "chat.update", map[string]string{"channel": "C0OPS", "ts": own, "text": "b"})
	last := func() slacksim.Message { l := s.Messages("C0OPS"); return l[len(l)-1] }
	if m := last(); m.Text != "b" || m.Blocks == nil {
		t.Errorf("text alone: %+v", m)
	}
	post(t, base, "chat.update", map[string]string{"channel": "C0OPS", "ts": own, "text": "c", "blocks": "[]"})
	if m := last(); m.Text != "c" || m.Blocks != nil || m.Edits != 2 {
		t.Errorf("blocks=[]: %+v", m)
	}
}

func TestScheduledMessagesAreSentWhenDue(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Now().Unix())
	s, base := workspace(t, slacksim.Options{Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	at := func(d time.Duration) string { return fmt.Sprint(now.Load() + int64(d.Seconds())) }
	if out := post(t, base, "chat.scheduleMessage", map[string]string{"channel": "C0OPS", "text": "x",
		"post_at": at(-time.Second)}); out["error"] != "time_in_past" {
		t.Errorf("%v", out)
	}
	if out := post(t, base, "chat.scheduleMessage", map[string]string{"channel": "C0OPS", "text": "x",
		"post_at": at(200 * 24 * time.Hour)}); out["error"] != "time_too_far" {
		t.Errorf("%v", out)
	}
	one := post(t, base, "chat.scheduleMessage", map[string]string{"channel": "C0OPS", "text": "one",
		"post_at": at(time.Hour)})
	two := post(t, base, "chat.scheduleMessage", map[string]string{"channel": "C0OPS", "text": "two",
		"post_at": at(time.Hour)})
	if l := post(t, base, "chat.scheduledMessages.list", nil)["scheduled_messages"].([]any); len(l) != 2 {
		t.Errorf("listed %v", l)
	}
	id := one["scheduled_message_id"].(string)
	post(t, base, "chat.deleteScheduledMessage", map[string]string{"channel": "C0OPS", "scheduled_message_id": id})
	if out := post(t, base, "chat.deleteScheduledMessage", map[string]string{"channel": "C0OPS",
		"scheduled_message_id": id}); out["error"] != "invalid_scheduled_message_id" {
		t.Errorf("%v", out)
	}
	if two["ok"] != true {
		t.Fatal(two)
	}
	now.Add(3601)
	wait(t, s, func(n *slacksim.Snapshot) bool { return len(n.Messages("C0OPS")) > 0 })
	if l := s.Messages("C0OPS"); len(l) != 1 || l[0].Text != "two" {
		t.Errorf("%+v", l)
	}
}

func TestFilesGoThroughTheThreeSteps(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	api := slack.New("xoxb-sim", slack.OptionAPIURL(base+"/api/"))
	f, err := api.UploadFile(slack.UploadFileParameters{Filename: "a.csv", FileSize: 5, Content: "a,b\n1", Title: "A",
		Channel: "C0OPS", InitialComment: "see"})
	if err != nil {
		t.Fatal(err)
	}
	m := s.Messages("C0OPS")
	if len(m) != 1 || len(m[0].Files) != 1 || m[0].Text != "see" || m[0].Files[0].Title != "A" {
		t.Errorf("%+v", m)
	}
	res, err := http.Get(base + "/files/" + f.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if raw, _ := io.ReadAll(res.Body); string(raw) != "a,b\n1" {
		t.Errorf("downloaded %q", raw)
	}
}

func TestReactions(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	api := slack.New("xoxb-sim", slack.OptionAPIURL(base+"/api/"))
	ref := slack.NewRefToMessage("C0OPS", must[string](t)(s.Post("UANA", "C0OPS", "hi", "")))
	if err := api.AddReaction("eyes", ref); err != nil {
		t.Fatal(err)
	}
	if err := api.AddReaction("eyes", ref); err == nil || err.Error() != "already_reacted" {
		t.Errorf("twice: %v", err)
	}
	if err := api.RemoveReaction("eyes", ref); err != nil {
		t.Error(err)
	}
	if err := api.RemoveReaction("eyes", ref); err == nil || err.Error() != "no_reaction" {
		t.Errorf("removed twice: %v", err)
	}
}

func TestTriggersOpenOneViewWithinTheirLife(t *testing.T) {
	s, base := workspace(t, slacksim.Options{TriggerLife: time.Second})
	triggers := make(chan string, 4)
	connect(t, s, base, func(a *app, e socketmode.Event) {
		ack(a, e)
		if d, ok := e.Data.(slack.SlashCommand); ok {
			triggers <- d.TriggerID
		}
	})
	api := slack.New("xoxb-sim", slack.OptionAPIURL(base+"/api/"))
	try := func(id string) string {
		_, err := api.OpenView(id, form())
		if err == nil {
			return ""
		}
		var bad slack.SlackErrorResponse
		if !errors.As(err, &bad) {
			t.Fatal(err)
		}
		return bad.Err
	}
	command := func() string {
		must[slacksim.CommandResult](t)(s.SlashCommand(ctx(t), "UANA", "C0OPS", "/raw", ""))
		return <-triggers
	}
	id := command()
	for i, want := range []string{"", "exchanged_trigger_id"} {
		if got := try(id); got != want {
			t.Errorf("use %d: %q", i+1, got)
		}
	}
	if got := try("1.2.3"); got != "invalid_trigger_id" {
		t.Errorf("made up: %q", got)
	}
	id = command()
	timer := time.NewTimer(1010 * time.Millisecond) // the life of a trigger is real time
	<-timer.C
	if got := try(id); got != "expired_trigger_id" {
		t.Errorf("late: %q", got)
	}
	bad := form()
	bad.Title = slack.NewTextBlockObject("plain_text", strings.Repeat("x", 25), false, false)
	id = command()
	if _, err := api.OpenView(id, bad); err == nil || !strings.Contains(err.Error(), "invalid_arguments") {
		t.Errorf("bad view: %v", err)
	}
	if got := try(id); got != "" {
		t.Errorf("a refused view used the trigger up: %q", got)
	}
}

func TestRateLimits(t *testing.T) {
	_, base := workspace(t, slacksim.Options{RateLimits: true})
	var refused *http.Response
	for range 12 {
		_, res := do(t, request(t, "POST", base+"/api/chat.postMessage", formType,
			"token=xoxb-sim&channel=C0OPS&text=x"))
		if res.StatusCode == 429 {
			refused = res
		}
	}
	if refused == nil || refused.Header.Get("Retry-After") != "1" {
		t.Fatalf("a flood passed: %v", refused)
	}
	if out := post(t, base, "chat.postMessage", map[string]string{"channel": "UBEN", "text": "x"}); out["ok"] != true {
		t.Errorf("another channel is limited too: %v", out)
	}
}

func TestInjectedFaultsOfTheAPI(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	api := slack.New("xoxb-sim", slack.OptionAPIURL(base+"/api/"))
	send := func() error {
		c, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		_, _, err := api.PostMessageContext(c, "C0OPS", slack.MsgOptionText("x", false))
		return err
	}
	count := 0
	check := func(kind slacksim.FaultKind, effect bool, expect func(error) bool) {
		t.Helper()
		s.InjectFault(slacksim.Rule{Method: "chat.*", Kind: kind, Times: 1, RetryAfter: 1500 * time.Millisecond,
			Delay: 5 * time.Second})
		if err := send(); !expect(err) {
			t.Errorf("%s: %v", kind, err)
		}
		if effect {
			count++
		}
		if got := len(s.Messages("C0OPS")); got != count {
			t.Errorf("%s: %d messages, want %d", kind, got, count)
			count = got
		}
	}
	status := func(code int) func(error) bool {
		return func(err error) bool { var e slack.StatusCodeError; return errors.As(err, &e) && e.Code == code }
	}
	check(slacksim.FaultRateLimited, false, func(err error) bool {
		var e *slack.RateLimitedError
		return errors.As(err, &e) && e.RetryAfter == 2*time.Second
	})
	check(slacksim.FaultRateLimitedBare, false, status(429))
	check(slacksim.FaultErrorBefore, false, status(500))
	check(slacksim.FaultErrorAfter, true, status(500))
	check(slacksim.FaultDrop, false, func(err error) bool { return err != nil })
	check(slacksim.FaultDropAfter, true, func(err error) bool { return err != nil })
	check(slacksim.FaultHang, false, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) })
	check(slacksim.FaultLate, true, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) })
	check(slacksim.FaultAPIError, false, func(err error) bool { return err != nil && err.Error() == "internal_error" })
	count++
	if err := send(); err != nil || len(s.Messages("C0OPS")) != count {
		t.Errorf("after the faults: %v", err)
	}

	remove := s.InjectFault(slacksim.Rule{Kind: slacksim.FaultErrorBefore, Skip: 1})
	if err := send(); err != nil {
		t.Errorf("skipped: %v", err)
	}
	for range 3 {
		if err := send(); err == nil {
			t.Error("a rule without a count ran out")
		}
	}
	remove()
	if err := send(); err != nil {
		t.Errorf("removed: %v", err)
	}
}

func TestResponseURLWorksFiveTimesAndReplacesTheOriginal(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	urls := make(chan string, 1)
	connect(t, s, base, func(a *app, e socketmode.Event) {
		ack(a, e)
		if d, ok := e.Data.(slack.InteractionCallback); ok {
			urls <- d.ResponseURL
		}
	})
	api := slack.New("xoxb-sim", slack.OptionAPIURL(base+"/api/"))
	ts := must[string](t)(api.PostEphemeral("C0OPS", "UANA", slack.MsgOptionBlocks(card("x")...)))
	must[slacksim.ActionResult](t)(s.Click(ctx(t), "UANA", "C0OPS", ts, "q:1", "go"))
	u := <-urls
	if err := slack.PostWebhook(u, &slack.WebhookMessage{Text: "replaced", ReplaceOriginal: true}); err != nil {
		t.Fatal(err)
	}
	l := s.Messages("C0OPS")
	if len(l) != 1 || l[0].Text != "replaced" || l[0].Blocks != nil || l[0].EphemeralTo != "UANA" {
		t.Errorf("replace: %+v", l)
	}
	for i := range 5 {
		_, res := do(t, request(t, "POST", u, "application/json", `{"text":"more","response_type":"in_channel"}`))
		if ok := res.StatusCode == 200; ok != (i < 4) {
			t.Errorf("use %d: %d", i+2, res.StatusCode)
		}
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
			t.Errorf("Content-Type %q", res.Header.Get("Content-Type"))
		}
	}
	if l := s.Messages("C0OPS"); len(l) != 5 || l[4].EphemeralTo != "" {
		t.Errorf("%d messages", len(l))
	}
}

func TestTokensAreNotInTheRecordOfCalls(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	post(t, base, "auth.test", map[string]string{"note": "my token is xoxb-sim"})
	raw, _ := json.Marshal(s.Calls())
	if strings.Contains(string(raw), "xoxb-sim") || !strings.Contains(string(raw), `"token":"bot"`) {
		t.Errorf("%s", raw)
	}
}

func TestConcurrentClicksPostsAndUpdates(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	a := connect(t, s, base, ack)
	connect(t, s, base, ack)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 5 {
				ch, ts, err := a.api.PostMessage("C0OPS", slack.MsgOptionBlocks(card("x")...))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := s.Click(t.Context(), []string{"UANA", "UBEN"}[i%2], ch, ts, "q:1", "go"); err != nil {
					t.Error(err)
				}
				if _, _, _, err := a.api.UpdateMessage(ch, ts, slack.MsgOptionText("y", false),
					slack.MsgOptionBlocks()); err != nil {
					t.Error(err)
				}
				_ = s.Messages(ch)
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, m := range s.Messages("C0OPS") {
		if seen[m.TS] || m.Text != "y" {
			t.Errorf("%+v", m)
		}
		seen[m.TS] = true
	}
	if len(seen) != 40 {
		t.Errorf("%d messages", len(seen))
	}
}

func TestSeedMakesIDsRepeatable(t *testing.T) {
	ids := func(seed uint64) string {
		s := slacksim.New(slacksim.Options{Seed: seed})
		defer s.Close()
		s.AddUser(slacksim.User{ID: "U1"})
		return s.OpenDM("U1")
	}
	first, again, other := ids(1), ids(1), ids(2)
	if first != again || first == other {
		t.Error("ids do not follow the seed")
	}
}

func FuzzAPIBodies(f *testing.F) {
	s := slacksim.New(slacksim.Options{})
	f.Cleanup(s.Close)
	s.AddUser(slacksim.User{ID: "UANA"})
	s.AddChannel(slacksim.Channel{ID: "C1", Members: []string{"UANA", "U0BOT"}})
	f.Add("chat.postMessage", jsonType, `{"channel":"C1","blocks":[{"type":"section","text":5}],"metadata":[]}`)
	f.Add("chat.postMessage", formType, `channel=UANA&text=%&blocks=[{}]&attachments=[{"blocks":[1]}]`)
	f.Add("views.publish", jsonType,
		`{"user_id":"UANA","view":{"type":"home","blocks":[{"type":"input","element":[]},{"type":"actions","elements":{}}]}}`)
	f.Add("views.open", jsonType, `{"trigger_id":1,"view":"{\"type\":null}"}`)
	f.Add("files.completeUploadExternal", jsonType, `{"files":[{"id":{}},7]}`)
	f.Add("conversations.history", formType, "channel=C1&limit=-1&cursor=bmV4dDotMQ==&oldest=x.y")
	f.Add("conversations.open", jsonType, `{"users":["UANA",null,{}]}`)
	f.Add("chat.update", "multipart/form-data; boundary=b",
		"--b\r\nContent-Disposition: form-data; name=\"ts\"\r\n\r\n1\r\n--b--")
	f.Fuzz(func(t *testing.T, method, kind, body string) {
		req, err := http.NewRequest("POST", "http://sim/api/x", strings.NewReader(body))
		if err != nil {
			t.Skip("no request can be made of this") // an input the client library itself refuses
		}
		req.URL.Path = "/api/" + method
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Authorization", "Bearer xoxb-sim")
		w := newRecorder()
		s.ServeHTTP(w, req)
		var out map[string]any
		if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") &&
			(json.Unmarshal(w.body.Bytes(), &out) != nil || out["ok"] == nil) {
			t.Errorf("%s %q: %d %s", method, body, w.status, w.body.String())
		}
	})
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder                    { return &recorder{header: http.Header{}} }
func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
