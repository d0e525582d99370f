package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

func TestNothingElseInTheBrowserActsOnEitherPort(t *testing.T) {
	s := prepare(t, options{})
	slack, io := "http://"+s.slackListener.Addr().String(), "http://"+s.integratorListener.Addr().String()
	_, port, _ := strings.Cut(s.slackListener.Addr().String(), ":")
	send := func(method, address, host string, header ...string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(s.ctx, method, address, strings.NewReader(`{"do":"lose_rights"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	get := "/api/chat.postMessage?token=" + botToken + "&channel=" + opsRoom + "&text=x"
	acts := []string{slack + "/_sim/slash", slack + "/_sim/users", slack + "/_panel/act", slack + "/_panel/forward",
		slack + "/_panel/world", slack + "/api/chat.postMessage",
		slack + get, io + "/_sim/act", io + "/_sim/faults", io + "/_sim/person-token", io + "/v1/invite"}
	for _, address := range acts {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete} {
			for name, header := range map[string][]string{
				"across sites":          {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"},
				"another port here":     {"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"},
				"a form that navigates": {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"},
				"another origin":        {"Origin", "http://evil.example"},
				"an origin of no site":  {"Origin", "null"},
			} {
				if code := send(method, address, "", header...); code != http.StatusForbidden {
					t.Errorf("%s %s, %s: %d", method, address, name, code)
				}
			}
			for _, host := range []string{"evil.example", "evil.example:" + port, "127.0.0.1.evil.example",
				"localhost.evil.example"} {
				if code := send(method, address, host); code != http.StatusMisdirectedRequest {
					t.Errorf("%s %s for %s: %d", method, address, host, code)
				}
			}
		}
	}
	if n := len(s.slack.AllMessages()); n > 0 {
		t.Errorf("%d messages were posted", n)
	}
	for name, header := range map[string][]string{
		"a link to the page": {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"},
		"the page itself":    {"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"},
		"its own parts":      {"Origin", slack, "Sec-Fetch-Site", "same-origin"},
		"no browser":         nil,
	} {
		if code := send(http.MethodGet, slack+"/", "", header...); code != http.StatusOK {
			t.Errorf("%s: %d", name, code)
		}
	}
	for _, host := range []string{"localhost:" + port, "LOCALHOST", "127.0.0.1", "[::1]:" + port,
		"192.168.7.7:" + port} {
		if code := send(http.MethodGet, slack+"/", host); code != http.StatusOK {
			t.Errorf("the page at %s: %d", host, code)
		}
	}
	if code := send(http.MethodPost, slack+"/_panel/tour/restart", "", "Origin", slack, "Sec-Fetch-Site",
		"same-origin"); code != http.StatusOK {
		t.Errorf("the panel itself may not act: %d", code)
	}
}

func TestTheBotConnectsThroughTheGuardAndAStrangerWithoutATicketDoesNot(t *testing.T) {
	s := start(t, options{})
	if text := s.slash(dee, "status acme"); !strings.Contains(text, "Owner: "+ownerEmail) {
		t.Error(text)
	}
	before := s.slack.Connections()
	for _, ticket := range []string{"", "?ticket=guessed"} {
		conn, resp, err := websocket.DefaultDialer.DialContext(s.ctx, "ws://"+s.slackListener.Addr().String()+"/link/"+
			ticket, http.Header{"Origin": {"http://evil.example"}})
		if err == nil {
			_ = conn.Close()
			t.Errorf("a stranger is connected with %q", ticket)
		} else if resp != nil {
			_ = resp.Body.Close()
		}
	}
	if now := s.slack.Connections(); now != before {
		t.Errorf("%d connections, %d before", now, before)
	}
}

func TestANameThatTheDemoListensAtIsItsOwn(t *testing.T) {
	for host, want := range map[string]bool{"demo.test:8888": true, "DEMO.test.": true, "demo.test.evil.example": false,
		"": false, ":8888": false} {
		if got := hostOfOurs(host, "demo.test"); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
	if hostOfOurs("", "") || hostOfOurs("evil.example", "") || hostOfOurs("evil.example") {
		t.Error("listening everywhere makes every name our own")
	}
}
