package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// panelPost posts to the panel and answers status and body.
func (s *stage) panelPost(path, body string, header ...string) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.panel().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestThePanelRefusesWhatItDoesNotUnderstandAndChangesNothing(t *testing.T) {
	s := prepare(t, options{})
	before, _ := json.Marshal(s.account().Snapshot())
	for name, c := range map[string]struct {
		path, body string
		header     []string
		code       int
		says       string
	}{
		"no JSON":        {"/act", "do=accept", nil, 400, "not the JSON expected"},
		"another kind":   {"/act", `{"do":7}`, nil, 400, "not the JSON expected"},
		"unknown action": {"/act", `{"do":"explode"}`, nil, 422, "explode"},
		"nobody": {"/act", `{"do":"sign_in","email":"nobody@acme.example"}`, nil, 422,
			"nobody has the e-mail"},
		"nothing to accept": {"/act", `{"do":"accept_transfer","email":"ana@acme.example"}`, nil, 422,
			"no transfer waits"},
		"no such account": {"/act", `{"do":"sign_in","account":"x"}`, nil, 422, "no account"},
		"too long": {"/act", `{"do":"` + strings.Repeat("x", maxPanelBody) + `"}`, nil, 400,
			"not the JSON expected"},
		"back in time":       {"/forward", `{"seconds":-60}`, nil, 422, "whole number"},
		"no time":            {"/forward", `{}`, nil, 422, "whole number"},
		"more than a year":   {"/forward", `{"seconds":31536001}`, nil, 422, "whole number"},
		"beyond all numbers": {"/forward", `{"seconds":1e30}`, nil, 400, "not the JSON expected"},
		"half a second":      {"/forward", `{"seconds":0.5}`, nil, 400, "not the JSON expected"},
		"another site acts": {"/act", `{"do":"lose_rights"}`, []string{"Sec-Fetch-Site", "cross-site"}, 403,
			"cross-origin"},
		"another site jumps": {"/forward", `{"seconds":60}`, []string{"Origin", "http://elsewhere.example"}, 403,
			"cross-origin"},
		"another method": {"/events", ``, nil, 405, "Not Allowed"},
	} {
		code, body := s.panelPost(c.path, c.body, c.header...)
		if code != c.code || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s, want %d and %q", name, code, body, c.code, c.says)
		}
	}
	if after, _ := json.Marshal(s.account().Snapshot()); string(after) != string(before) {
		t.Errorf("the account changed:\n%s\n%s", before, after)
	}
	if ahead := s.clock.Ahead(); ahead != 0 {
		t.Errorf("the time moved by %s", ahead)
	}
}

func TestThePanelLoadsNothingFromOutside(t *testing.T) {
	s := prepare(t, options{})
	for _, path := range []string{"/", "/panel.js", "/panel.css", "/state"} {
		w := httptest.NewRecorder()
		s.panel().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if csp := w.Header().Get("Content-Security-Policy"); w.Code != 200 || !strings.HasPrefix(csp,
			"default-src 'self';") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %d, policy %q", path, w.Code, csp)
		}
		if body := w.Body.String(); path != "/state" && (strings.Contains(body, "//cdn") || strings.Contains(body,
			"https://")) {
			t.Errorf("%s names another host", path)
		}
	}
}

func TestTheStreamTellsAtOnceWhatChanged(t *testing.T) {
	s := prepare(t, options{seed: 9, faults: true})
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.slackListener.Addr().String()+
		"/_panel/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("the stream is %q", got)
	}
	lines := bufio.NewReader(res.Body)
	first := nextState(t, lines)
	if !first.Faults || first.Seed != 9 || first.World[0].Owner.Email != ownerEmail || len(first.Tour.Steps) == 0 {
		t.Errorf("the first state is %+v", first)
	}
	if code, body := s.panelPost("/act", `{"do":"set_errors","flow":"`+s.info.Flows["New orders"]+
		`","count":9}`); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	if got := nextState(t, lines).World[0].Environments[0].Integrations[0].Flows[0].Errors; got != 9 {
		t.Errorf("%d errors, want 9", got)
	}
	if code, body := s.panelPost("/forward", `{"seconds":3600}`); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	if got := nextState(t, lines).Now.Sub(first.Now); got < time.Hour {
		t.Errorf("the stream's time moved by %s", got)
	}
}

func nextState(t *testing.T, lines *bufio.Reader) panelState {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream ended: %v", err)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var out panelState
			if err := json.NewDecoder(io.LimitReader(strings.NewReader(data), 1<<20)).Decode(&out); err != nil {
				t.Fatal(err)
			}
			return out
		}
	}
}

func TestAWorldWithoutANextOneSaysSo(t *testing.T) {
	s := prepare(t, options{})
	if code, body := s.panelPost("/world", ""); code != http.StatusUnprocessableEntity || !strings.Contains(body,
		"start it again") || s.panelState().Fresh {
		t.Errorf("%d %s", code, body)
	}
}
