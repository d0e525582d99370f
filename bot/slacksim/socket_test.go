package slacksim_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// frame is any frame of the server.
type frame struct {
	Type           string         `json:"type"`
	Reason         string         `json:"reason"`
	EnvelopeID     string         `json:"envelope_id"`
	Payload        map[string]any `json:"payload"`
	Accepts        bool           `json:"accepts_response_payload"`
	RetryAttempt   int            `json:"retry_attempt"`
	RetryReason    string         `json:"retry_reason"`
	NumConnections int            `json:"num_connections"`
	ConnectionInfo struct {
		AppID string `json:"app_id"`
	} `json:"connection_info"`
	DebugInfo struct {
		Host string `json:"host"`
		Life int    `json:"approximate_connection_time"`
	} `json:"debug_info"`
}

// socket is a bare client, to see and send exactly what is on the wire.
type socket struct {
	t     *testing.T
	ws    *websocket.Conn
	pings chan string
}

func ticket(t *testing.T, url string) string {
	t.Helper()
	req, _ := http.NewRequest(http.MethodPost, url+"/api/apps.connections.open", nil)
	req.Header.Set("Authorization", "Bearer xapp-sim")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as Bolt does, with an empty body
	res := must[*http.Response](t)(http.DefaultClient.Do(req))
	defer res.Body.Close()
	var out struct {
		OK  bool
		URL string
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || !out.OK {
		t.Fatalf("open: %+v, %v", out, err)
	}
	return out.URL
}

// dial opens a socket without reading from it.
func dial(t *testing.T, url string) *socket {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial(ticket(t, url), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	c := &socket{t: t, ws: ws, pings: make(chan string, 100)}
	handler := ws.PingHandler()
	ws.SetPingHandler(func(data string) error { c.pings <- data; return handler(data) })
	return c
}

// open is dial that has read hello.
func open(t *testing.T, url string) *socket {
	t.Helper()
	c := dial(t, url)
	if f := c.read(); f.Type != "hello" {
		t.Fatalf("first frame = %+v", f)
	}
	return c
}

func (c *socket) read() frame {
	c.t.Helper()
	_ = c.ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	var f frame
	if err := c.ws.ReadJSON(&f); err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return f
}

func (c *socket) send(text string) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

func (c *socket) ack(f frame) { c.send(`{"envelope_id":"` + f.EnvelopeID + `"}`) }

// command runs a slash command in the background.
func command(t *testing.T, s *slacksim.Server, text string) func() (slacksim.CommandResult, error) {
	type out struct {
		r   slacksim.CommandResult
		err error
	}
	c := ctx(t)
	done := make(chan out, 1)
	go func() {
		r, err := s.SlashCommand(c, "UANA", "C0OPS", "/raw", text)
		done <- out{r, err}
	}()
	return func() (slacksim.CommandResult, error) { o := <-done; return o.r, o.err }
}

func TestHelloPingAndTicket(t *testing.T) {
	_, url := workspace(t, slacksim.Options{PingEvery: 20 * time.Millisecond})
	address := ticket(t, url)
	ws, _, err := websocket.DefaultDialer.Dial(address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	var f frame
	if err := ws.ReadJSON(&f); err != nil {
		t.Fatal(err)
	}
	if f.Type != "hello" || f.NumConnections != 1 || f.ConnectionInfo.AppID != "A0BOTAPP" || f.DebugInfo.Host == "" ||
		f.DebugInfo.Life != 3600 {
		t.Errorf("hello = %+v", f)
	}
	if _, res, err := websocket.DefaultDialer.Dial(address, nil); err == nil ||
		res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a ticket worked twice: %v", err)
	}
	pinged, ponged := make(chan string, 1), make(chan string, 1)
	ws.SetPingHandler(func(data string) error {
		select {
		case pinged <- data:
		default:
		}
		return nil
	})
	ws.SetPongHandler(func(data string) error { ponged <- data; return nil })
	if err := ws.WriteControl(websocket.PingMessage, []byte("Ping from client"),
		time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _, _ = ws.ReadMessage() }() // runs the handlers until the test closes the socket
	if got := <-pinged; got != "Ping from applink-1" {
		t.Errorf("ping = %q", got)
	}
	if got := <-ponged; got != "Ping from client" {
		t.Errorf("pong = %q", got)
	}
}

func TestDebugReconnectsShortenTheConnection(t *testing.T) {
	_, url := workspace(t, slacksim.Options{})
	ws, _, err := websocket.DefaultDialer.Dial(ticket(t, url)+"&debug_reconnects=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	var f frame
	if err := ws.ReadJSON(&f); err != nil || f.DebugInfo.Life != 360 {
		t.Errorf("hello = %+v, %v", f, err)
	}
}

func TestConnectionIsWarnedAndRefreshedAtTheEndOfItsLife(t *testing.T) {
	s, url := workspace(t, slacksim.Options{ConnectionTime: 80 * time.Millisecond, WarningBefore: 40 * time.Millisecond,
		CloseAfter: time.Millisecond})
	c := open(t, url)
	if f := c.read(); f.Type != "disconnect" || f.Reason != "warning" {
		t.Fatalf("first = %+v", f)
	}
	if f := c.read(); f.Reason != "refresh_requested" {
		t.Fatalf("second = %+v", f)
	}
	if s.Connections() != 0 {
		t.Error("a refreshed connection still gets envelopes")
	}
	if _, _, err := c.ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("no close handshake: %v", err)
	}
}

func TestSlackGoReconnectsAfterEveryKindOfDisconnect(t *testing.T) {
	s, url := workspace(t, slacksim.Options{CloseAfter: time.Millisecond})
	connect(t, s, url, ack)
	for i, part := range []func(){
		func() { s.Disconnect(slacksim.ReasonRefreshRequested) },
		func() { s.DisconnectOne(slacksim.ReasonLinkDisabled) },
		func() { s.DropConnections() },
	} {
		part()
		wait(t, s, func(n *slacksim.Snapshot) bool {
			opens := 0
			for _, c := range n.Calls() {
				if c.Method == "apps.connections.open" {
					opens++
				}
			}
			return opens >= i+2 && n.Connections() == 1
		})
		if _, err := s.SlashCommand(ctx(t), "UANA", "C0OPS", "/raw", "x"); err != nil {
			t.Fatalf("after disconnect %d: %v", i, err)
		}
	}
}

func TestEleventhConnectionIsTurnedAway(t *testing.T) {
	s, url := workspace(t, slacksim.Options{CloseAfter: time.Millisecond})
	for range 10 {
		open(t, url)
	}
	c := dial(t, url)
	if f := c.read(); f.Type != "disconnect" || f.Reason != "too_many_websockets" {
		t.Fatalf("eleventh connection got %+v", f)
	}
	if n := s.Connections(); n != 10 {
		t.Errorf("%d connections", n)
	}
}

func TestEachEnvelopeGoesToExactlyOneConnectionAndAnyMayAck(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	a, b := open(t, url), open(t, url)
	got := make(chan *socket, 64)
	frames := make(chan frame, 64)
	for _, c := range []*socket{a, b} {
		go func() {
			for {
				var f frame
				if c.ws.ReadJSON(&f) != nil {
					return
				}
				got <- c
				frames <- f
			}
		}()
	}
	used := map[*socket]int{}
	for range 20 {
		result := command(t, s, "x")
		from, f := <-got, <-frames
		used[from]++
		other := a
		if from == a {
			other = b
		}
		other.ack(f) // over the other connection
		if _, err := result(); err != nil {
			t.Fatalf("ack over another connection: %v", err)
		}
	}
	if used[a] == 0 || used[b] == 0 {
		t.Errorf("one connection got everything: %v", used)
	}
	for _, k := range s.Acks() {
		if k.Connection == k.SentOver || k.Ignored != "" {
			t.Errorf("ack %+v", k)
		}
	}
}

func TestAcksSlackIgnoresEndInOperationTimeout(t *testing.T) {
	cases := map[string]func(*socket, frame){
		"too large": func(c *socket, f frame) {
			c.send(`{"envelope_id":"` + f.EnvelopeID + `","payload":{"text":"` + strings.Repeat("x", 20480) + `"}}`)
		},
		"fragmented": func(c *socket, f frame) {
			w, _ := c.ws.NextWriter(websocket.TextMessage)
			_, _ = w.Write([]byte(`{"envelope_id":"` + f.EnvelopeID + `","payload":{"text":"` + strings.Repeat("x",
				9000)))
			_, _ = w.Write([]byte(`"}}`))
			_ = w.Close() // the buffer of the dialer is 4 KB, so this is several frames
		},
		"malformed":  func(c *socket, f frame) { c.send(`{"envelope_id":`) },
		"unexpected": func(c *socket, f frame) { c.send(`{"envelope_id":"someone-else"}`) },
	}
	for name, answer := range cases {
		t.Run(name, func(t *testing.T) {
			s, url := workspace(t, slacksim.Options{AckTimeout: 150 * time.Millisecond})
			c := open(t, url)
			result := command(t, s, "x")
			answer(c, c.read())
			r, err := result()
			if !errors.Is(err, slacksim.ErrOperationTimeout) || r.Error != "operation_timeout" {
				t.Errorf("result %+v, %v", r, err)
			}
			if l := s.Acks(); len(l) != 1 || l[0].Ignored != name {
				t.Errorf("acks = %+v", l)
			}
			said := s.Messages("C0OPS")
			if m := said[len(said)-1]; m.EphemeralTo != "UANA" ||
				m.Text != `/raw failed with the error "operation_timeout"` {
				t.Errorf("the person was told %+v", m)
			}
		})
	}
}

func TestEmptyPayloadIsNoAnswerAndTextIs(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	c := open(t, url)
	for payload, want := range map[string]slacksim.CommandResult{
		`{}`:              {},
		`null`:            {},
		`{"text":"hi"}`:   {Text: "hi", ResponseType: "ephemeral"},
		`"just a string"`: {Text: "just a string", ResponseType: "ephemeral"},
		`{"text":"all","response_type":"in_channel"}`: {Text: "all", ResponseType: "in_channel"},
	} {
		result := command(t, s, "x")
		f := c.read()
		if f.Type != "slash_commands" || !f.Accepts || f.Payload["is_enterprise_install"] != "false" {
			t.Errorf("envelope %+v", f)
		}
		c.send(`{"envelope_id":"` + f.EnvelopeID + `","payload":` + payload + `}`)
		r, err := result()
		if err != nil || r.Text != want.Text || r.ResponseType != want.ResponseType {
			t.Errorf("%s: %+v, %v", payload, r, err)
		}
	}
}

func TestInvalidCommandAnswerIsShownAsSuch(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	c := open(t, url)
	result := command(t, s, "x")
	f := c.read()
	c.send(`{"envelope_id":"` + f.EnvelopeID + `","payload":{"blocks":[{"type":"section"}]}}`)
	if r, err := result(); !errors.Is(err, slacksim.ErrInvalidResponse) || r.Error != "invalid_command_response" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestNothingConnectedFailsAtOnceAndIsNotRedelivered(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	if r, err := s.SlashCommand(ctx(t), "UANA", "C0OPS", "/raw", "lost"); !errors.Is(err, slacksim.ErrDispatchFailed) ||
		r.Error != "dispatch_failed" {
		t.Fatalf("%+v, %v", r, err)
	}
	c := open(t, url)
	result := command(t, s, "kept")
	f := c.read()
	if f.Payload["text"] != "kept" {
		t.Errorf("redelivered %v", f.Payload)
	}
	c.ack(f)
	if _, err := result(); err != nil {
		t.Error(err)
	}
}

func TestUnacknowledgedEventIsRetriedThreeTimesWithTheSameEventID(t *testing.T) {
	s, url := workspace(t, slacksim.Options{AckTimeout: 30 * time.Millisecond, RetryDelays: [3]time.Duration{1, 2, 3}})
	c := open(t, url)
	if err := s.OpenHome(ctx(t), "UANA"); !errors.Is(err, slacksim.ErrOperationTimeout) {
		t.Fatalf("first attempt: %v", err)
	}
	var id any
	seen := map[string]bool{}
	for attempt := range 4 {
		f := c.read()
		if attempt == 0 {
			id = f.Payload["event_id"]
		}
		reason := "timeout"
		if attempt == 0 {
			reason = ""
		}
		if f.Type != "events_api" || f.RetryAttempt != attempt || f.RetryReason != reason ||
			f.Payload["event_id"] != id || seen[f.EnvelopeID] || f.Accepts {
			t.Errorf("attempt %d: %+v", attempt, f)
		}
		seen[f.EnvelopeID] = true
	}
}

func TestEventWithNothingConnectedArrivesAsARetry(t *testing.T) {
	s, url := workspace(t, slacksim.Options{RetryDelays: [3]time.Duration{time.Nanosecond, 300 * time.Millisecond,
		2 * time.Second}})
	if err := s.OpenHome(ctx(t), "UANA"); !errors.Is(err, slacksim.ErrDispatchFailed) {
		t.Fatalf("with nothing connected: %v", err)
	}
	c := open(t, url)
	f := c.read()
	if f.RetryAttempt == 0 || f.Payload["type"] != "event_callback" {
		t.Errorf("%+v", f)
	}
	c.ack(f)
}

func TestSocketFaults(t *testing.T) {
	s, url := workspace(t, slacksim.Options{AckTimeout: 500 * time.Millisecond, RetryDelays: [3]time.Duration{time.Hour,
		time.Hour, time.Hour}})
	c := open(t, url)

	s.InjectFault(slacksim.Rule{Kind: slacksim.FaultDuplicate, Times: 1})
	opened := make(chan error, 1)
	go func() { opened <- s.OpenHome(t.Context(), "UANA") }()
	one, two := c.read(), c.read()
	if one.Payload["event_id"] != two.Payload["event_id"] || one.EnvelopeID == two.EnvelopeID || two.RetryAttempt != 0 {
		t.Errorf("duplicate: %+v and %+v", one, two)
	}
	c.ack(one)
	c.ack(two)
	if err := <-opened; err != nil {
		t.Error(err)
	}

	s.InjectFault(slacksim.Rule{Method: "slash_*", Kind: slacksim.FaultAckLost, Times: 1})
	result := command(t, s, "x")
	c.ack(c.read())
	if _, err := result(); !errors.Is(err, slacksim.ErrOperationTimeout) {
		t.Errorf("ack lost: %v", err)
	}

	s.InjectFault(slacksim.Rule{Method: "slash_*", Kind: slacksim.FaultNoConnection, Times: 1})
	if _, err := command(t, s, "x")(); !errors.Is(err, slacksim.ErrDispatchFailed) {
		t.Errorf("no connection: %v", err)
	}

	s.InjectFault(slacksim.Rule{Method: "slash_*", Kind: slacksim.FaultSocketDisconnect, Times: 1})
	result = command(t, s, "x")
	f := c.read()
	if d := c.read(); d.Reason != "refresh_requested" {
		t.Errorf("after the envelope: %+v", d)
	}
	c.ack(f)
	if _, err := result(); err != nil {
		t.Errorf("an ack on a leaving connection was lost: %v", err)
	}

	d := open(t, url)
	s.InjectFault(slacksim.Rule{Method: "slash_*", Kind: slacksim.FaultSocketDrop, Times: 1})
	result = command(t, s, "x")
	if f := d.read(); f.Type != "slash_commands" {
		t.Errorf("dropped before the envelope: %+v", f)
	}
	if _, _, err := d.ws.ReadMessage(); err == nil {
		t.Error("the connection was not cut")
	}
	if _, err := result(); !errors.Is(err, slacksim.ErrOperationTimeout) {
		t.Errorf("drop: %v", err)
	}
}

func TestRawFramesReachTheClient(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	if s.SendRaw([]byte("x")) {
		t.Error("sent to nobody")
	}
	c := open(t, url)
	s.SendRaw([]byte(`{"type":"nonsense"}`))
	if f := c.read(); f.Type != "nonsense" {
		t.Errorf("%+v", f)
	}
}

func TestTCPStaysOpenAfterTheClientsCloseHandshake(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	c := open(t, url)
	if err := c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""),
		time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ws.ReadMessage(); !websocket.IsCloseError(err, 1000) {
		t.Fatalf("no answer to the close frame: %v", err)
	}
	wait(t, s, func(n *slacksim.Snapshot) bool { return n.Connections() == 0 })
	_ = c.ws.NetConn().SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	var timeout interface{ Timeout() bool }
	if _, err := c.ws.NetConn().Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("the server closed TCP: %v", err)
	}
}
