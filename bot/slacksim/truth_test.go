package slacksim

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// What the published reference says of each method, tried as a client sees it. Every test names its
// page; pages are those of docs.slack.dev/reference, as github.com/slack-ruby/slack-api-ref keeps
// them (2026-08-20).

// listening is room with an app that subscribed to everything; nothing is connected, so that events are only noted.
func listening(t *testing.T, events ...string) *Server {
	t.Helper()
	s := New(Options{Events: events, RetryDelays: [3]time.Duration{time.Hour, time.Hour, time.Hour}})
	t.Cleanup(s.Close)
	s.AddUser(User{ID: "UANA", RealName: "Ana Silva"})
	s.AddUser(User{ID: "UBEN"})
	s.AddUser(User{ID: "UGUS", IsRestricted: true, IsUltraRestricted: true})
	s.AddChannel(Channel{ID: "C0OPS", Name: "ops", Members: []string{"UANA", "U0BOT"}})
	return s
}

// heard are the events of that name that the app was sent.
func heard(s *Server, name string) []obj {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l []obj
	for _, e := range s.traffic.envelopes {
		if event := asObj(asObj(decode(e.payload))["event"]); event["type"] == name {
			l = append(l, event)
		}
	}
	return l
}

// agrees says what of want an answer has otherwise; want may leave fields out, nil means absent.
func agrees(t *testing.T, what string, got any, want obj) {
	t.Helper()
	for k, v := range want {
		if have := asObj(got)[k]; string(encode(have)) != string(encode(v)) {
			t.Errorf("%s: %s is %s, not %s", what, k, encode(have), encode(v))
		}
	}
}

// refused tries a call and expects the code.
func refused(t *testing.T, s *Server, method string, args obj, code string) {
	t.Helper()
	if out := ask(s, method, args); out["error"] != code {
		t.Errorf("%s %s: %s, not %s", method, encode(args), encode(out), code)
	}
}

// methods/chat.scheduleMessage, its example: a delayed_message without a timestamp and without a thread.
func TestAScheduledMessageHasNoTimestampAndNoReplies(t *testing.T) {
	s := room(t)
	ask(s, "chat.postMessage", obj{"channel": "C0OPS", "text": "another"})
	out := ask(s, "chat.scheduleMessage", obj{"channel": "ops", "text": "later", "post_at": s.opt.Now().Unix() + 3600})
	agrees(t, "message", out["message"], obj{"type": "delayed_message", "text": "later", "bot_id": "B0BOT", "ts": nil,
		"thread_ts": nil, "reply_count": nil, "latest_reply": nil})
	refused(t, s, "chat.scheduleMessage", obj{"channel": "C0OPS", "text": "x", "post_at": ""}, "invalid_time")
}

// methods/chat.postMessage: "An encoded ID or channel name"; methods/chat.update and conversations.info: an ID.
func TestNamesOfChannelsAreTakenWhereThePageSaysSo(t *testing.T) {
	s := room(t)
	for _, name := range []string{"C0OPS", "ops", "#ops"} {
		for method, args := range map[string]obj{"chat.postMessage": {}, "chat.postEphemeral": {"user": "UANA"}} {
			args["channel"], args["text"] = name, "x"
			if out := ask(s, method, args); out["ok"] != true {
				t.Errorf("%s to %s: %s", method, name, encode(out))
			}
		}
	}
	for _, method := range []string{"conversations.info", "conversations.history", "conversations.members",
		"chat.update"} {
		refused(t, s, method, obj{"channel": "ops", "ts": "1.000000"}, "channel_not_found")
	}
	up := ask(s, "files.getUploadURLExternal", obj{"filename": "a.txt", "length": 1})
	address, _ := url.Parse(asString(up["upload_url"]))
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, address.Path, strings.NewReader("x")))
	refused(t, s, "files.completeUploadExternal", obj{"files": []any{obj{"id": up["file_id"]}}, "channels": "ops"},
		"channel_not_found")
}

// methods/conversations.setTopic, its error example, for what is absent; what is empty gets the method's own code.
func TestAnEmptyArgumentIsNotAnAbsentOne(t *testing.T) {
	s := room(t)
	out := ask(s, "conversations.setTopic", obj{"channel": "C0OPS"})
	if got := string(encode(
		asObj(out["response_metadata"])["messages"])); got != `["[ERROR] missing required field: topic"]` {
		t.Errorf("absent: %s", encode(out))
	}
	for method, c := range map[string]struct {
		args obj
		code string
	}{
		"chat.postMessage":           {obj{"channel": "", "text": "x"}, "channel_not_found"},
		"chat.update":                {obj{"channel": "C0OPS", "ts": "", "text": "x"}, "message_not_found"},
		"conversations.info":         {obj{"channel": ""}, "channel_not_found"},
		"conversations.replies":      {obj{"channel": "C0OPS", "ts": ""}, "thread_not_found"},
		"users.info":                 {obj{"user": ""}, "user_not_found"},
		"users.lookupByEmail":        {obj{"email": ""}, "users_not_found"},
		"usergroups.users.list":      {obj{"usergroup": ""}, "no_such_subteam"},
		"reactions.add":              {obj{"channel": "C0OPS", "timestamp": "", "name": "tada"}, "no_item_specified"},
		"conversations.create":       {obj{"name": ""}, "invalid_name_required"},
		"conversations.invite":       {obj{"channel": "C0OPS", "users": ""}, "no_user"},
		"files.getUploadURLExternal": {obj{"filename": "", "length": ""}, "missing_argument"},
		"files.info":                 {obj{"file": ""}, "file_not_found"},
	} {
		refused(t, s, method, c.args, c.code)
	}
}

// upload shares a file of the app and returns its object.
func upload(t *testing.T, s *Server, args obj) obj {
	t.Helper()
	up := ask(s, "files.getUploadURLExternal", obj{"filename": "a.csv", "length": 3})
	address, _ := url.Parse(asString(up["upload_url"]))
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, address.Path, strings.NewReader("a,b")))
	args["files"] = []any{obj{"id": up["file_id"], "title": "A"}}
	out := ask(s, "files.completeUploadExternal", args)
	if out["ok"] != true {
		t.Fatalf("%s", encode(out))
	}
	return asObj(asList(out["files"])[0])
}

// methods/files.info, its example, for shares; events/message/file_share for the subtype; events/file_shared.
func TestFilesSayWhereTheyAreShared(t *testing.T) {
	s := listening(t, "message.channels", "file_shared", "file_deleted")
	root := ask(s, "chat.postMessage", obj{"channel": "C0OPS", "text": "root"})
	f := upload(t, s, obj{"channel_id": "C0OPS", "thread_ts": root["ts"], "initial_comment": "here"})
	said := heard(s, "message")
	last := said[len(said)-1]
	agrees(t, "event", last, obj{"subtype": "file_share", "text": "here", "upload": false, "thread_ts": root["ts"]})
	info := asObj(ask(s, "files.info", obj{"file": f["id"]})["file"])
	public := asObj(asObj(info["shares"])["public"])
	agrees(t, "share", asList(public["C0OPS"])[0], obj{"ts": last["ts"], "thread_ts": root["ts"], "channel_name": "ops",
		"team_id": "T0ACME", "reply_users": []any{}, "reply_users_count": 0, "reply_count": 0})
	if e := heard(s, "file_shared"); len(e) != 1 || e[0]["file_id"] != f["id"] || e[0]["channel_id"] != "C0OPS" {
		t.Errorf("file_shared: %s", encode(e))
	}
	private := upload(t, s, obj{"channels": "UANA"})
	dm := asList(private["ims"])[0].(string)
	if got := asList(asObj(asObj(private["shares"])["private"])[dm]); len(got) != 1 {
		t.Errorf("private: %s", encode(private["shares"]))
	}
}

// methods/files.list and methods/files.delete; methods/files.upload, error method_deprecated.
func TestFilesAreListedAndDeleted(t *testing.T) {
	s := listening(t, "message.channels", "file_deleted")
	f := upload(t, s, obj{"channel_id": "C0OPS"})
	upload(t, s, obj{})
	for name, c := range map[string]struct {
		args  obj
		total int
	}{
		"all": {obj{}, 2}, "of a channel": {obj{"channel": "C0OPS"}, 1}, "of somebody": {obj{"user": "UANA"}, 0},
		"pictures": {obj{"types": "images"}, 0}, "later": {obj{"ts_from": "9999999999"}, 0},
	} {
		out := ask(s, "files.list", c.args)
		agrees(t, name, out["paging"], obj{"count": 100, "total": c.total, "page": 1, "pages": min(c.total, 1)})
	}
	out := ask(s, "files.list", obj{"count": 1, "page": 2})
	agrees(t, "second page", out["paging"], obj{"count": 1, "total": 2, "page": 2, "pages": 2})
	refused(t, s, "files.list", obj{"types": "songs"}, "unknown_type")
	refused(t, s, "files.list", obj{"user": "UNOBODY"}, "user_not_found")
	if out := ask(s, "files.delete", obj{"file": f["id"]}); out["ok"] != true || len(heard(s, "file_deleted")) != 1 {
		t.Errorf("%s", encode(out))
	}
	refused(t, s, "files.delete", obj{"file": f["id"]}, "file_deleted")
	refused(t, s, "files.info", obj{"file": f["id"]}, "file_deleted")
	refused(t, s, "files.delete", obj{"file": "F0"}, "file_not_found")
	theirs, err := s.UploadFile("UANA", Upload{Name: "x.txt", Data: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	s.files[theirs.ID].Complete = true
	refused(t, s, "files.delete", obj{"file": theirs.ID}, "cant_delete_file")
	refused(t, s, "files.upload", obj{"content": "x", "channels": "C0OPS"}, "method_deprecated")
	history := asList(ask(s, "conversations.history", obj{"channel": "C0OPS"})["messages"])
	agrees(t, "its place in the message", asList(asObj(history[0])["files"])[0],
		obj{"id": f["id"], "mode": "tombstone"})
}

// events/message/thread_broadcast; the fields of roots as in @slack/web-api 8.2.0, ConversationsRepliesResponse.
func TestThreadsTellTheirRootAndWhoReplied(t *testing.T) {
	s := listening(t, "message.channels")
	root, err := s.Post("UANA", "C0OPS", "question", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Post("UANA", "C0OPS", "more", root); err != nil {
		t.Fatal(err)
	}
	before := asObj(asList(ask(s, "conversations.replies", obj{"channel": "C0OPS", "ts": root})["messages"])[0])
	agrees(t, "without the app", before, obj{"reply_users": []string{"UANA"}, "subscribed": false})
	out := ask(s, "chat.postMessage", obj{"channel": "C0OPS", "text": "answer", "thread_ts": root,
		"reply_broadcast": true})
	reply := asObj(out["message"])
	agrees(t, "answer", reply, obj{"subtype": "thread_broadcast", "thread_ts": root, "parent_user_id": "UANA"})
	agrees(t, "its root", reply["root"], obj{"text": "question", "user": "UANA", "ts": root, "thread_ts": root,
		"reply_count": 2})
	said := heard(s, "message")
	agrees(t, "event", said[len(said)-1], obj{"subtype": "thread_broadcast", "channel_type": "channel"})
	after := asObj(asList(ask(s, "conversations.replies", obj{"channel": "C0OPS", "ts": root})["messages"])[0])
	agrees(t, "root", after, obj{"reply_count": 2, "reply_users": []string{"UANA", "U0BOT"}, "reply_users_count": 2,
		"latest_reply": out["ts"], "is_locked": false, "subscribed": true})
	history := asList(ask(s, "conversations.history", obj{"channel": "C0OPS"})["messages"])
	if len(history) != 2 || asObj(history[0])["subtype"] != "thread_broadcast" {
		t.Errorf("history: %s", encode(history))
	}
	refused(t, s, "chat.postMessage", obj{"channel": "C0OPS", "text": "x", "thread_ts": "soon"},
		"cannot_reply_to_message")
}

// methods/chat.postMessage, its example and error as_user_not_supported; events/message/bot_message.
// Without the scope name and icon are ignored: github.com/linyows/dewy/pull/362.
func TestAPostUnderAnotherNameIsABotMessage(t *testing.T) {
	s := room(t)
	post := func(s *Server, args obj) obj {
		args["channel"], args["text"] = "C0OPS", "x"
		return asObj(ask(s, "chat.postMessage", args)["message"])
	}
	agrees(t, "name", post(s, obj{"username": "ecto1"}), obj{"subtype": "bot_message", "username": "ecto1",
		"bot_id": "B0BOT", "user": nil})
	agrees(t, "emoji", post(s, obj{"icon_emoji": ":tada:", "icon_url": "https://x.example/i.png"}),
		obj{"subtype": "bot_message", "icons": obj{"emoji": ":tada:"}, "username": "bot"})
	url := "https://x.example/i.png"
	agrees(t, "picture", post(s, obj{"icon_url": url}),
		obj{"icons": obj{"image_36": url, "image_48": url, "image_64": url, "image_72": url}})
	agrees(t, "neither", post(s, obj{}), obj{"subtype": nil, "user": "U0BOT", "username": nil})
	for _, method := range []string{"chat.postMessage", "chat.postEphemeral", "chat.scheduleMessage"} {
		refused(t, s, method, obj{"channel": "C0OPS", "text": "x", "as_user": true, "user": "UANA",
			"post_at": s.opt.Now().Unix() + 60}, "as_user_not_supported")
	}
	plain := New(Options{Scopes: []string{"chat:write"}})
	defer plain.Close()
	plain.AddChannel(Channel{ID: "C0OPS", Name: "ops", Members: []string{"U0BOT"}})
	agrees(t, "without the scope", post(plain, obj{"username": "ecto1"}), obj{"subtype": nil, "user": "U0BOT"})
}

// methods/conversations.list and methods/users.conversations, their examples; reference/objects/user-object, "Profile";
// methods/team.info as in java-slack-sdk, json-logs/samples/api/team.info.json.
func TestListsAndPicturesAreThere(t *testing.T) {
	s := room(t)
	first := func(method string) any { return asList(ask(s, method, obj{})["channels"])[0] }
	agrees(t, "conversations.list", first("conversations.list"), obj{"num_members": 2, "is_member": true,
		"previous_names": []any{}, "pending_shared": []any{}})
	agrees(t, "users.conversations", first("users.conversations"), obj{"num_members": nil, "is_member": nil,
		"name": "ops"})
	if out := ask(s, "users.conversations", obj{"user": "USLACKBOT"}); len(asList(out["channels"])) != 0 {
		t.Errorf("of somebody in none: %s", encode(out))
	}
	for _, method := range []string{"conversations.list", "users.conversations"} {
		refused(t, s, method, obj{"types": "public_channel,rooms"}, "invalid_types")
	}
	profile := asObj(asObj(ask(s, "users.info", obj{"user": "UANA"})["user"])["profile"])
	team := asObj(asObj(ask(s, "team.info", obj{})["team"])["icon"])
	bot := asObj(asObj(ask(s, "bots.info", obj{"bot": "B0BOT"})["bot"])["icons"])
	for o, sizes := range map[*obj][]string{&profile: {"24", "32", "48", "72", "192", "512"},
		&team: {"34", "44", "68", "88", "102", "132", "230"}, &bot: {"36", "48", "72"}} {
		for _, size := range sizes {
			address, err := url.Parse(asString((*o)["image_"+size]))
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address.Path, nil))
			if err != nil || w.Code != 200 || w.Header().Get("Content-Type") != "image/png" {
				t.Errorf("image_%s at %q: %d %v", size, address, w.Code, err)
			}
		}
	}
	if team["image_default"] != true {
		t.Errorf("team: %s", encode(team))
	}
}

// methods/conversations.history and methods/conversations.replies, errors invalid_ts_oldest and invalid_ts_latest.
func TestTimesThatAreNoneAreRefused(t *testing.T) {
	s := room(t)
	ts := ask(s, "chat.postMessage", obj{"channel": "C0OPS", "text": "x"})["ts"]
	for _, method := range []string{"conversations.history", "conversations.replies"} {
		for _, k := range []string{"oldest", "latest"} {
			refused(t, s, method, obj{"channel": "C0OPS", "ts": ts, k: "yesterday"}, "invalid_ts_"+k)
			if out := ask(s, method, obj{"channel": "C0OPS", "ts": ts, k: "1700000000.0001"}); out["ok"] != true {
				t.Errorf("%s: %s", method, encode(out))
			}
		}
	}
}

// methods/reactions.add, error invalid_name; methods/reactions.get, its example;
// events/reaction_added as in java-slack-sdk, json-logs/samples/events/ReactionAddedPayload.json.
func TestReactionsAreOfKnownEmojiAndAreTold(t *testing.T) {
	s := listening(t, "reaction_added", "reaction_removed")
	ts, err := s.Post("UANA", "C0OPS", "hello", "")
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) obj { return obj{"channel": "C0OPS", "timestamp": ts, "name": name} }
	for _, name := range []string{"nonsense_emoji", "", "two words", "wave::skin-tone-9"} {
		refused(t, s, "reactions.add", at(name), "invalid_name")
	}
	for _, name := range []string{"thumbsup", ":tada:", "wave::skin-tone-3"} {
		if out := ask(s, "reactions.add", at(name)); out["ok"] != true {
			t.Errorf("%s: %s", name, encode(out))
		}
	}
	refused(t, s, "reactions.add", at("+1"), "already_reacted")
	if err := s.React("UANA", "C0OPS", ts, "+1"); err != nil {
		t.Error(err)
	}
	out := ask(s, "reactions.get", obj{"channel": "C0OPS", "timestamp": ts})
	agrees(t, "reactions.get", out, obj{"type": "message", "channel": "C0OPS"})
	agrees(t, "first", asList(asObj(out["message"])["reactions"])[0],
		obj{"name": "+1", "users": []string{"U0BOT", "UANA"}, "count": 2})
	if link := asString(asObj(out["message"])["permalink"]); !strings.Contains(link, "/archives/C0OPS/p") {
		t.Errorf("permalink %q", link)
	}
	if err := s.Unreact("UANA", "C0OPS", ts, "thumbsup"); err != nil {
		t.Error(err)
	}
	refused(t, s, "reactions.remove", at("eyes"), "no_reaction")
	refused(t, s, "reactions.get", obj{"file": "F0"}, "file_not_found")
	added := heard(s, "reaction_added")
	if len(added) != 4 || len(heard(s, "reaction_removed")) != 1 {
		t.Fatalf("%s", encode(added))
	}
	agrees(t, "event", added[3], obj{"user": "UANA", "reaction": "+1", "item_user": "UANA",
		"item": obj{"type": "message", "channel": "C0OPS", "ts": ts}})
}

// methods/pins.add, pins.remove, pins.list, its example; events/pin_added as in java-slack-sdk,
// json-logs/samples/events/PinAddedPayload.json.
func TestPinsAreKeptAndTold(t *testing.T) {
	s := listening(t, "pin_added", "pin_removed")
	ts := asString(ask(s, "chat.postMessage", obj{"channel": "C0OPS", "text": "keep"})["ts"])
	at := obj{"channel": "C0OPS", "timestamp": ts}
	if out := ask(s, "pins.add", at); out["ok"] != true {
		t.Fatalf("%s", encode(out))
	}
	refused(t, s, "pins.add", at, "already_pinned")
	refused(t, s, "pins.add", obj{"channel": "C0OPS"}, "no_item_specified")
	refused(t, s, "pins.add", obj{"channel": "C0OPS", "timestamp": "1.000000"}, "message_not_found")
	item := asList(ask(s, "pins.list", obj{"channel": "C0OPS"})["items"])[0]
	agrees(t, "item", item, obj{"type": "message", "channel": "C0OPS", "created_by": "U0BOT"})
	agrees(t, "message", asObj(item)["message"], obj{"text": "keep", "pinned_to": []string{"C0OPS"}})
	agrees(t, "history", ask(s, "conversations.history", obj{"channel": "C0OPS"}), obj{"pin_count": 1})
	agrees(t, "event", heard(s, "pin_added")[0], obj{"user": "U0BOT", "channel_id": "C0OPS", "item_user": "U0BOT",
		"pin_count": 1})
	if out := ask(s, "pins.remove", at); out["ok"] != true || len(heard(s, "pin_removed")) != 1 {
		t.Errorf("%s", encode(out))
	}
	refused(t, s, "pins.remove", at, "no_pin")
}

// methods/users.getPresence, its two examples.
func TestPresenceOfOthersIsOneWordAndOfTheAppMore(t *testing.T) {
	s := room(t)
	s.AddUser(User{ID: "UOFF", Away: true})
	agrees(t, "there", ask(s, "users.getPresence", obj{"user": "UANA"}), obj{"presence": "active", "online": nil})
	agrees(t, "away", ask(s, "users.getPresence", obj{"user": "UOFF"}), obj{"presence": "away"})
	agrees(t, "the app", ask(s, "users.getPresence", obj{}), obj{"online": false, "connection_count": 0,
		"manual_away": false})
	refused(t, s, "users.getPresence", obj{"user": "UNOBODY"}, "user_not_found")
}

// github.com/slackapi/python-slack-sdk/issues/692 for a form,
// github.com/slack-samples/javascript-announcement-bot/issues/13 for a refusal;
// methods/conversations.join, its example, for a warning of the method itself.
func TestWarningsComeWithRefusalsToo(t *testing.T) {
	s := room(t)
	send := func(method, kind, body string) obj {
		r := httptest.NewRequest(http.MethodPost, "/api/"+method, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer xoxb-sim")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return asObj(decode(w.Body.Bytes()))
	}
	form := "application/x-www-form-urlencoded"
	for name, c := range map[string]struct{ method, kind, body, warning string }{
		"a form with a charset":   {"auth.test", form + "; charset=utf-8", "", "superfluous_charset"},
		"a form":                  {"auth.test", form, "", ""},
		"JSON":                    {"auth.test", "application/json; charset=utf-8", "{}", ""},
		"JSON without a charset":  {"auth.test", "application/json", "{}", "missing_charset"},
		"a refusal":               {"users.info", "application/json", `{"user":"U0"}`, "missing_charset"},
		"what cannot be read":     {"users.info", "application/json", `{`, "missing_charset"},
		"a warning of the method": {"conversations.join", form, "channel=C0OPS", "already_in_channel"},
		"one of each": {"conversations.join", "application/json", `{"channel":"C0OPS"}`,
			"already_in_channel,missing_charset"},
		"a refusal without reason": {"users.info", form, "user=U0", ""},
	} {
		out := send(c.method, c.kind, c.body)
		var all []any
		for w := range strings.SplitSeq(c.warning, ",") {
			all = append(all, w)
		}
		got := asObj(out["response_metadata"])["warnings"]
		if asString(out["warning"]) != c.warning || c.warning != "" && string(encode(got)) != string(encode(all)) {
			t.Errorf("%s: %s", name, encode(out))
		}
	}
}

// methods/conversations.create and the pages of its siblings: their errors, and the events and messages that follow.
func TestChannelsAreMadeChangedAndLeft(t *testing.T) {
	s := listening(t, "channel_created", "channel_rename", "channel_archive", "channel_unarchive", "channel_left",
		"member_joined_channel", "member_left_channel", "message.channels")
	for name, code := range map[string]string{"": "invalid_name_required", "Big": "invalid_name_specials",
		"a b": "invalid_name_specials",
		"--":  "invalid_name_punctuation", strings.Repeat("a", 81): "invalid_name_maxlength", "ops": "name_taken"} {
		refused(t, s, "conversations.create", obj{"name": name}, code)
	}
	made := asObj(ask(s, "conversations.create", obj{"name": "incident-7"})["channel"])
	agrees(t, "created", made, obj{"name": "incident-7", "creator": "U0BOT", "is_member": true, "is_private": false})
	id := asString(made["id"])
	in := func(extra obj) obj {
		args := obj{"channel": id}
		for k, v := range extra {
			args[k] = v
		}
		return args
	}
	out := ask(s, "conversations.invite", in(obj{"users": "UANA,U0BOT,UNOBODY"}))
	agrees(t, "refused invitation", out, obj{"ok": false, "error": "cant_invite_self", "errors": []any{
		obj{"user": "U0BOT", "ok": false, "error": "cant_invite_self"}, obj{"user": "UNOBODY", "ok": false,
			"error": "user_not_found"}}})
	refused(t, s, "conversations.invite", in(obj{"users": "UGUS"}), "ura_max_channels")
	out = ask(s, "conversations.invite", in(obj{"users": "UANA,UNOBODY", "force": true}))
	if out["ok"] != true || len(asList(out["errors"])) != 1 || !slices.Contains(s.channels[id].Members, "UANA") {
		t.Errorf("forced: %s", encode(out))
	}
	refused(t, s, "conversations.invite", in(obj{"users": "UANA"}), "already_in_channel")
	if err := s.Join("UBEN", id); err != nil {
		t.Error(err)
	}
	joined := heard(s, "member_joined_channel")
	if len(joined) != 3 {
		t.Fatalf("joined: %s", encode(joined))
	}
	agrees(t, "invited", joined[1], obj{"user": "UANA", "channel": id, "channel_type": "C", "team": "T0ACME",
		"inviter": "U0BOT"})
	agrees(t, "came", joined[2], obj{"user": "UBEN", "inviter": nil})

	topic := asObj(asObj(ask(s, "conversations.setTopic", in(obj{"topic": "Down"}))["channel"])["topic"])
	agrees(t, "topic", topic, obj{"value": "Down", "creator": "U0BOT"})
	refused(t, s, "conversations.setPurpose", in(obj{"purpose": strings.Repeat("é", 251)}), "too_long")
	renamed := ask(s, "conversations.rename", in(obj{"name": "incident-8"}))["channel"]
	agrees(t, "renamed", renamed, obj{"name": "incident-8", "previous_names": []string{"incident-7"}})
	agrees(t, "rename", heard(s, "channel_rename")[0]["channel"], obj{"id": id, "name": "incident-8"})

	refused(t, s, "conversations.kick", in(obj{"user": "U0BOT"}), "cant_kick_self")
	refused(t, s, "conversations.kick", in(obj{"user": "UGUS"}), "not_in_channel")
	agrees(t, "kick", ask(s, "conversations.kick", in(obj{"user": "UBEN"})), obj{"ok": true, "errors": obj{}})
	agrees(t, "left", heard(s, "member_left_channel")[0], obj{"user": "UBEN", "channel": id})
	var subtypes []string
	for _, m := range heard(s, "message") {
		subtypes = append(subtypes, asString(m["subtype"]))
	}
	if want := "channel_join channel_join channel_join channel_topic channel_name channel_leave"; strings.Join(subtypes,
		" ") != want {
		t.Errorf("messages: %q", subtypes)
	}
	for _, step := range []struct{ method, again string }{
		{"conversations.archive", "already_archived"}, {"conversations.unarchive", "not_archived"}} {
		if out := ask(s, step.method, in(nil)); out["ok"] != true {
			t.Errorf("%s: %s", step.method, encode(out))
		}
		refused(t, s, step.method, in(nil), step.again)
	}
	if len(heard(s, "channel_archive")) != 1 || len(heard(s, "channel_unarchive")) != 1 {
		t.Error("archiving was not told")
	}
	agrees(t, "leave", ask(s, "conversations.leave", in(nil)), obj{"ok": true})
	agrees(t, "leave again", ask(s, "conversations.leave", in(nil)), obj{"ok": false, "not_in_channel": true,
		"error": nil})
	agrees(t, "channel_left", heard(s, "channel_left")[0], obj{"channel": id})
	refused(t, s, "conversations.rename", in(obj{"name": "x"}), "not_in_channel")
	agrees(t, "join", asObj(ask(s, "conversations.join", in(nil)))["channel"], obj{"is_member": true})
	refused(t, s, "conversations.join", obj{"channel": s.OpenDM("UANA")}, "method_not_supported_for_channel_type")
	limited := New(Options{Scopes: []string{"channels:read"}})
	defer limited.Close()
	agrees(t, "scope", ask(limited, "conversations.create", obj{"name": "x"}), obj{"error": "missing_scope"})
	agrees(t, "scope", ask(limited, "conversations.list", obj{"types": "im"}),
		obj{"error": "missing_scope", "needed": "im:read"})
}

// docs.slack.dev/messaging/sending-messages-using-incoming-webhooks: the text ok, and plain codes with their status.
func TestIncomingWebhooksPostAsTheApp(t *testing.T) {
	s := listening(t, "message.channels")
	s.AddChannel(Channel{ID: "C0OLD", Name: "old", Archived: true})
	send := func(channel, kind, body string) (int, string) {
		r := httptest.NewRequest(http.MethodPost, "/services/T0ACME/B0BOT/"+channel, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	alert := `{"channel":"#other","username":"alertmanager","icon_emoji":":fire:","attachments":[{"title":"Down","text":"x","fallback":"Down"}]}`
	for _, c := range []struct {
		channel, kind, body string
		status              int
		says                string
	}{
		{"C0OPS", "application/json", `{"text":"hello"}`, 200, "ok"},
		{"C0OPS", "application/json", alert, 200, "ok"},
		{"C0OPS", "application/x-www-form-urlencoded", "payload=" + url.QueryEscape(`{"text":"old form"}`), 200, "ok"},
		{"C0OPS", "application/x-www-form-urlencoded", `{"text":"x"}`, 400, "invalid_payload"},
		{"C0OPS", "application/json", `{}`, 400, "no_text"},
		{"C0OPS", "application/json", `{"text`, 400, "invalid_payload"},
		{"C0OPS", "application/json", `{"text":"x","blocks":[{"type":"nonsense"}]}`, 400, "invalid_blocks"},
		{"C0NONE", "application/json", `{"text":"x"}`, 404, "channel_not_found"},
		{"C0OLD", "application/json", `{"text":"x"}`, 410, "channel_is_archived"},
	} {
		if code, says := send(c.channel, c.kind, c.body); code != c.status || says != c.says {
			t.Errorf("%s %s: %d %q", c.channel, c.body, code, says)
		}
	}
	said := heard(s, "message")
	if len(said) != 3 {
		t.Fatalf("%s", encode(said))
	}
	agrees(t, "message", said[1], obj{"subtype": "bot_message", "bot_id": "B0BOT", "username": "bot", "user": nil,
		"channel": "C0OPS"})
}

// testdata/codes.txt holds the errors that the pages of these methods list, and those of
// docs.slack.dev/apis/web-api for bodies that cannot be read: nothing else may be answered.
func TestNoCodeIsAnsweredThatNoPageLists(t *testing.T) {
	listed, err := os.ReadFile("testdata/codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	answer := regexp.MustCompile(`(?:fail|failMessages)\("(\w+)"|apiError\{"(\w+)"`)
	found := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range answer.FindAllStringSubmatch(string(src), -1) {
			code := m[1] + m[2]
			if found++; !strings.HasSuffix(code, "_") && !slices.Contains(strings.Fields(string(listed)), code) {
				t.Errorf("%s answers %s, which no page lists", file, code)
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d answers were found", found)
	}
}
