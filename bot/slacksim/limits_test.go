package slacksim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// bounded says, for each limit of the service, how a thing of size n is answered and what is said about
// one that is too large. A size is tried at its limits, where nothing may be said, and one beyond.
var bounded = map[string]struct {
	answer func(t *testing.T, n int) []string
	over   string
	under  string // what is said about one below the minimum; "" where there is none
}{
	"view.bytes": {calling("views.publish", func(n int) obj {
		v := obj{"type": "home", "blocks": repeated(99, func(int) any {
			return obj{"type": "section", "text": plainText(1)}
		})}
		return obj{"user_id": "UANA", "view": padded(v, n)}
	}), "view_too_large", ""},
	"message.bytes": {calling("chat.postMessage", func(n int) obj {
		return obj{"channel": "C0OPS", "blocks": paddedList(n)}
	}), "msg_blocks_too_long", ""},
	"message.attachments": {calling("chat.postMessage", func(n int) obj {
		return obj{"channel": "C0OPS", "text": "x", "attachments": repeated(n, func(int) any {
			return obj{"text": "x"}
		})}
	}), "too_many_attachments", ""},
	"update.text": {func(t *testing.T, n int) []string {
		s := room(t)
		ts := asString(ask(s, "chat.postMessage", obj{"channel": "C0OPS", "text": "x"})["ts"])
		return refusal(ask(s, "chat.update", obj{"channel": "C0OPS", "ts": ts, "text": strings.Repeat("é", n)}))
	}, "msg_too_long", "no_text"},
	"metadata.bytes": {calling("chat.postMessage", func(n int) obj {
		frame := len(encode(obj{"event_type": "t", "event_payload": obj{"k": ""}}))
		return obj{"channel": "C0OPS", "text": "x", "metadata": obj{"event_type": "t",
			"event_payload": obj{"k": strings.Repeat("x", max(0, n-frame))}}}
	}), "metadata_too_large", ""},
	"conversations.open.people": {func(t *testing.T, n int) []string {
		s, l := room(t), []string{}
		for i := range n {
			l = append(l, fmt.Sprintf("U%d", i))
			s.AddUser(User{ID: l[i]})
		}
		return refusal(ask(s, "conversations.open", obj{"users": strings.Join(l, ",")}))
	}, "too_many_users", "users_list_not_supplied"},
	"schedule.days": {func(t *testing.T, n int) []string {
		s := room(t)
		return refusal(ask(s, "chat.scheduleMessage", obj{"channel": "C0OPS", "text": "x",
			"post_at": s.opt.Now().Unix() + int64(n)*24*3600 - 60}))
	}, "time_too_far", "time_in_past"},
	"schedule.burst": {func(t *testing.T, n int) []string {
		s := room(t)
		out := obj{"ok": true}
		for range n {
			out = ask(s, "chat.scheduleMessage", obj{"channel": "C0OPS", "text": "x", "post_at": s.opt.Now().Unix() +
				3600})
		}
		return refusal(out)
	}, "restricted_too_many", ""},
	"view.stack": {func(t *testing.T, n int) []string {
		s := room(t)
		out := ask(s, "views.open", obj{"trigger_id": s.newTrigger("UANA", ""), "view": modalOf(nil)})
		for range n - 1 {
			top := s.stacks["UANA"][len(s.stacks["UANA"])-1]
			out = ask(s, "views.push", obj{"trigger_id": s.newTrigger("UANA", top.id), "view": modalOf(nil)})
		}
		return refusal(out)
	}, "push_limit_reached", ""},
	"response_url.uses": {func(t *testing.T, n int) []string {
		s := room(t)
		address, out := s.newResponseURL("C0OPS", "UANA", "", ""), obj{"ok": true}
		for range n {
			out = serve(s, address, obj{"text": "x"}, "")
		}
		return refusal(out)
	}, "used_url", ""},
}

// elsewhere are the limits whose tests need a connection, or that cut instead of refusing.
var elsewhere = map[string]string{
	"ack.bytes":          "TestAcksSlackIgnoresEndInOperationTimeout",
	"socket.connections": "TestEleventhConnectionIsTurnedAway",
	"message.text":       "TestLongTextsAreCut",
}

// padded fills the sections of a view until its JSON has n bytes.
func padded(v obj, n int) obj {
	if n > 1000 {
		pad(asList(v["blocks"]), n-len(encode(v)))
	}
	return v
}

func paddedList(n int) []any {
	l := repeated(50, func(int) any {
		return obj{"type": "section", "fields": repeated(10, func(int) any { return plainText(1) })}
	})
	if n == 0 {
		return l
	}
	left := n - len(encode(l))
	for _, b := range l {
		for _, f := range asList(asObj(b)["fields"]) {
			take := min(left, 1998)
			asObj(f)["text"] = asString(asObj(f)["text"]) + strings.Repeat("x", take)
			left -= take
		}
	}
	return l
}

func pad(blocks []any, left int) {
	for _, b := range blocks {
		take := min(left, 2990)
		text := asObj(asObj(b)["text"])
		text["text"] = asString(text["text"]) + strings.Repeat("x", take)
		left -= take
	}
}

func calling(method string, args func(n int) obj) func(*testing.T, int) []string {
	return func(t *testing.T, n int) []string { return refusal(ask(room(t), method, args(n))) }
}

// refusal is what an answer complains about, as a list that is empty when it does not.
func refusal(out obj) []string {
	if out["ok"] == true {
		return nil
	}
	return []string{asString(out["error"])}
}

// room is a workspace with Ana in one channel.
func room(t *testing.T) *Server {
	t.Helper()
	s := New(Options{})
	t.Cleanup(s.Close)
	s.AddUser(User{ID: "UANA"})
	s.AddChannel(Channel{ID: "C0OPS", Name: "ops", Members: []string{"UANA", "U0BOT"}})
	return s
}

// ask calls a method with the bot's token.
func ask(s *Server, method string, args obj) obj { return serve(s, "/api/"+method, args, "xoxb-sim") }

func serve(s *Server, address string, args obj, token string) obj {
	req := httptest.NewRequest(http.MethodPost, address, strings.NewReader(string(encode(args))))
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	var out obj
	if json.Unmarshal(w.Body.Bytes(), &out) != nil {
		return obj{"ok": false, "error": w.Body.String()}
	}
	return out
}

func TestEveryLimitHoldsAtItsEdges(t *testing.T) {
	for name, c := range bounded {
		t.Run(name, func(t *testing.T) {
			b := limit(name)
			for _, n := range []int{b.Min, b.Max} {
				if got := c.answer(t, n); len(got) > 0 && (n > 0 || c.under == "" && !slices.Contains(got, "no_text")) {
					t.Errorf("at %d: %q", n, got)
				}
			}
			if got := c.answer(t, b.Max+1); !slices.Contains(got, c.over) {
				t.Errorf("at %d: %q does not hold %q", b.Max+1, got, c.over)
			}
			if got := c.answer(t, max(b.Min-1, 0)); c.under != "" && !slices.Contains(got, c.under) {
				t.Errorf("at %d: %q does not hold %q", b.Min-1, got, c.under)
			}
		})
	}
}

func TestEveryLimitHasASourceAndATest(t *testing.T) {
	for name, b := range limits {
		_, c := bounded[name]
		if !c && elsewhere[name] == "" {
			t.Errorf("%s has no test", name)
		}
		if b.Source == "" || b.Max < b.Min {
			t.Errorf("%s: %+v", name, b)
		}
	}
	for name := range maps.Keys(bounded) {
		limit(name) // panics for a name that is none
	}
}

func TestLongTextsAreCut(t *testing.T) {
	s := room(t)
	most := limit("message.text").Max
	for _, n := range []int{most, most + 1} {
		out := ask(s, "chat.postMessage", obj{"channel": "C0OPS", "text": strings.Repeat("é", n)})
		if got := []rune(asString(asObj(out["message"])["text"])); len(got) != most {
			t.Errorf("of %d characters %d were kept", n, len(got))
		}
	}
}
