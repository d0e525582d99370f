package slacksim_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// ask gets one answer of the control API.
func ask(t *testing.T, url, path string) answer {
	t.Helper()
	out, res := do(t, request(t, "GET", url+"/_sim/"+path, "", ""))
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", path, res.Status, out)
	}
	return out
}

// tell posts to the control API and returns the status.
func tell(t *testing.T, url, path, body string) int {
	t.Helper()
	_, res := do(t, request(t, "POST", url+"/_sim/"+path, "application/json", body))
	return res.StatusCode
}

// event is one server-sent event.
type event struct {
	id, kind string
	data     answer
}

// follow opens the stream after a position and returns a function that gives the next event of one of the kinds.
func follow(t *testing.T, url, after string, resume bool) (next func(kinds ...string) event, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx(t))
	address := url + "/_sim/stream"
	if !resume {
		address += "?after=" + after
	}
	req := must[*http.Request](t)(http.NewRequestWithContext(ctx, "GET", address, nil))
	if resume {
		req.Header.Set("Last-Event-ID", after)
	}
	res := must[*http.Response](t)(http.DefaultClient.Do(req))
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	next = func(kinds ...string) event {
		t.Helper()
		var e event
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "id":
				e.id = value
			case "event":
				e.kind = value
			case "data":
				if err := json.Unmarshal([]byte(value), &e.data); err != nil {
					t.Fatal(err)
				}
			case "":
				if e.kind != "" && strings.Contains(" "+strings.Join(kinds, " ")+" ", " "+e.kind+" ") {
					return e
				}
				e = event{}
			}
		}
		t.Fatalf("the stream ended without %v: %v", kinds, lines.Err())
		return e
	}
	return next, func() { cancel(); _ = res.Body.Close() } // closing a cancelled body
}

func textOf(e event) any {
	m, _ := e.data["message"].(map[string]any)
	return m["text"]
}

func TestStreamTellsOnlyWhatChangedAndResumes(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	must[string](t)(s.Post("UANA", "C0OPS", "before", ""))
	next, stop := follow(t, url, ask(t, url, "boot")["at"].(string), false)
	parent := must[string](t)(s.Post("UANA", "C0OPS", "one", ""))
	first := next("message", "reset")
	if textOf(first) != "one" {
		t.Fatalf("first event: %+v", first)
	}
	stop()
	must[string](t)(s.Post("UBEN", "C0OPS", "two", parent))
	s.Deactivate("UOLD")
	next, stop = follow(t, url, first.id, true)
	defer stop()
	var got []string
	for range 3 {
		e := next("message", "people", "reset")
		got = append(got, fmt.Sprint(e.kind, " ", textOf(e)))
	}
	// people come first within a step; a reply changes its parent too
	if want := []string{"people <nil>", "message two", "message one"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after coming back: %q, want %q", got, want)
	}
}

func TestStreamOfAnotherServerOrTooLongAgoStartsAnew(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	for _, position := range []string{"elsewhere-3", "nonsense", "-1"} {
		next, stop := follow(t, url, position, true)
		if e := next("reset", "message"); e.kind != "reset" {
			t.Errorf("%s: %+v", position, e)
		}
		stop()
	}
	at := ask(t, url, "boot")["at"].(string)
	s.AddChannel(slacksim.Channel{ID: "C0BIG", Name: "big", Members: []string{"UANA"}})
	for range 3000 {
		must[string](t)(s.Post("UANA", "C0BIG", "x", ""))
	}
	next, stop := follow(t, url, at, false)
	defer stop()
	if e := next("reset", "message"); e.kind != "reset" {
		t.Errorf("after 3,000 messages: %s", e.kind)
	}
}

func TestHistoryComesInPagesWithoutReplies(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	var all []string
	for i := range 25 {
		all = append(all, must[string](t)(s.Post("UANA", "C0OPS", fmt.Sprint(i), "")))
	}
	must[string](t)(s.Post("UBEN", "C0OPS", "reply", all[3]))
	texts := func(query string) (string, answer) {
		a := ask(t, url, "history?as=UANA&channel=C0OPS&limit=10&"+query)
		out := ""
		for _, m := range a["messages"].([]any) {
			out += m.(map[string]any)["text"].(string) + " "
		}
		return strings.TrimSpace(out), a
	}
	for _, c := range []struct {
		query, want  string
		older, newer bool
	}{
		{"", "15 16 17 18 19 20 21 22 23 24", true, false},
		{"before=" + all[5], "0 1 2 3 4", false, true},
		{"after=" + all[4], "5 6 7 8 9 10 11 12 13 14", true, true},
		{"after=" + all[20], "21 22 23 24", true, false},
	} {
		if got, a := texts(c.query); got != c.want || a["older"] != c.older || a["newer"] != c.newer {
			t.Errorf("%q: %s, older %v, newer %v", c.query, got, a["older"], a["newer"])
		}
	}
	thread := ask(t, url, "thread?as=UANA&channel=C0OPS&ts="+all[3])["messages"].([]any)
	if len(thread) != 2 || thread[0].(map[string]any)["replies"].(map[string]any)["count"] != 1.0 {
		t.Errorf("thread: %v", thread)
	}
	if _, res := do(t, request(t, "GET", url+"/_sim/history?as=UGUS&channel=C0OPS", "", "")); res.StatusCode != 422 {
		t.Errorf("someone who is not in the channel: %s", res.Status)
	}
}

func TestReadMarksAndDismissedMessages(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	unread := func(user string) any {
		return ask(t, url, "boot")["unread"].(map[string]any)[user].(map[string]any)["C0OPS"]
	}
	first := must[string](t)(s.Post("UANA", "C0OPS", "one", ""))
	last := must[string](t)(s.Post("UANA", "C0OPS", "two", ""))
	if a, b := unread("UANA"), unread("UBEN"); a != nil || b != 2.0 {
		t.Errorf("Ana has %v and Ben %v", a, b)
	}
	for ts, want := range map[string]any{last: nil, first: nil} { // reading never goes back
		if code := tell(t, url, "read", `{"user":"UBEN","channel":"C0OPS","message_ts":"`+ts+`"}`); code != 200 {
			t.Errorf("read: %d", code)
		}
		if ts == last && unread("UBEN") != want {
			t.Errorf("after reading: %v", unread("UBEN"))
		}
	}
	if code := tell(t, url, "read", `{"user":"UGUS","channel":"C0OPS","message_ts":"`+last+`"}`); code != 422 {
		t.Errorf("reading elsewhere: %d", code)
	}
	api := slack.New("xoxb-sim", slack.OptionAPIURL(url+"/api/"))
	ts := must[string](t)(api.PostEphemeral("C0OPS", "UANA", slack.MsgOptionText("for Ana", false)))
	dismiss := func(user, ts string) int {
		return tell(t, url, "dismiss", `{"user":"`+user+`","channel":"C0OPS","message_ts":"`+ts+`"}`)
	}
	if got := []int{dismiss("UBEN", ts), dismiss("UANA", last), dismiss("UANA", ts),
		dismiss("UANA", ts)}; fmt.Sprint(got) != "[422 422 200 422]" {
		t.Errorf("dismissing someone else's, a public one, one's own, again: %v", got)
	}
}

func TestInspectorKeepsOutcomeAndNoTokens(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	if _, err := s.SlashCommand(ctx(t), "UANA", "C0OPS", "/raw", "my token is xoxb-sim"); err == nil {
		t.Fatal("nothing is connected, but the command went through")
	}
	a := connect(t, s, url, ack)
	must[slacksim.CommandResult](t)(s.SlashCommand(ctx(t), "UANA", "C0OPS", "/raw", "again"))
	_, _, _ = a.api.PostMessage("C0OPS", slack.MsgOptionText("xapp-sim", false)) // only its record matters
	var lines []string
	for _, v := range ask(t, url, "traffic")["traffic"].([]any) {
		l := v.(map[string]any)
		lines = append(lines, fmt.Sprint(l["direction"], " ", l["name"], " ", l["status"]))
		detail := ask(t, url, "traffic?key="+l["key"].(string))
		raw, _ := json.Marshal(detail)
		if regexp.MustCompile(`xoxb-sim|xapp-sim|"token":"[A-Z0-9]{10,}|ticket=[0-9a-f]`).Match(raw) {
			t.Errorf("a token in %s", raw)
		}
	}
	if got, want := strings.Join(lines, ", "),
		"out slash_commands dispatch_failed, in apps.connections.open 200, out slash_commands acknowledged, in chat.postMessage 200"; got != want {
		t.Errorf("lines: %s\nwant:  %s", got, want)
	}
	for _, key := range []string{"e99", "c99", "x", "e", "-"} {
		if _, res := do(t, request(t, "GET", url+"/_sim/traffic?key="+key, "", "")); res.StatusCode != 422 {
			t.Errorf("%s: %s", key, res.Status)
		}
	}
}

func TestEveryFileOfThePageStaysAtHome(t *testing.T) {
	_, url := workspace(t, slacksim.Options{PanelURL: "https://panel.example:444/x?y"})
	outside := regexp.MustCompile(`(?:src|href|url|import|from|fetch|@import)\s*[=(]?\s*['"]?(?:https?:)?//\w`)
	markup := regexp.MustCompile(
		`innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|\son\w+="|style="`)
	entries := must[[]os.DirEntry](t)(os.ReadDir("web"))
	for _, e := range entries {
		res := must[*http.Response](t)(http.Get(url + "/" + e.Name()))
		raw := must[[]byte](t)(io.ReadAll(res.Body))
		_ = res.Body.Close() // read to its end
		if res.StatusCode != 200 {
			t.Errorf("%s: %s", e.Name(), res.Status)
		}
		if found := outside.Find(raw); found != nil {
			t.Errorf("%s goes outside: %s", e.Name(), found)
		}
		if found := markup.Find(raw); found != nil {
			t.Errorf("%s makes markup or code out of text: %s", e.Name(), found)
		}
		policy := res.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'self'; ") || !strings.Contains(policy,
			"frame-src 'self' https://panel.example:444;") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", e.Name(), policy)
		}
	}
}
