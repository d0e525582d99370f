package slacksim

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Reasons of disconnect frames (docs.slack.dev/apis/events-api/using-socket-mode; the last one from
// github.com/slackapi/node-slack-sdk issue 1654).
const (
	ReasonWarning           = "warning"
	ReasonRefreshRequested  = "refresh_requested"
	ReasonLinkDisabled      = "link_disabled"
	ReasonTooManyWebsockets = "too_many_websockets"
)

const (
	ticketLife   = 30 * time.Second
	writeTimeout = 10 * time.Second
	// Slack leaves closing TCP after the close handshake to the client (node-slack-sdk issue 2752).
	lingerAfterClose = 30 * time.Second
	debugReconnect   = 360 * time.Second
)

// connection is one Socket Mode WebSocket. Only its write goroutine writes data frames.
type connection struct {
	id      int
	ws      *websocket.Conn
	frames  *frameWatch
	out     chan frame
	gone    chan struct{} // closed by kill
	once    sync.Once
	leaving bool // no envelope is sent here any more; guarded by Server.mu
}

type frame struct {
	data  []byte
	after func() // runs when the frame was written
	close bool   // begin the close handshake
}

func (c *connection) kill() {
	c.once.Do(func() {
		close(c.gone)
		_ = c.ws.NetConn().Close() // the peer may have closed it already
	})
}

// push queues a frame; a client that stopped reading for a thousand frames is cut off.
func (c *connection) push(f frame) {
	select {
	case c.out <- f:
	default:
		c.kill()
	}
}

func openConnection(c *call) (obj, *apiError) {
	s := c.s
	for t, at := range s.tickets {
		if time.Since(at) > ticketLife {
			delete(s.tickets, t)
		}
	}
	ticket := s.newUUID()
	s.tickets[ticket] = time.Now()
	base := "ws" + strings.TrimPrefix(c.base, "http")
	return obj{"url": base + "/link/?ticket=" + ticket + "&app_id=" + s.opt.AppID}, nil
}

func (s *Server) serveLink(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	at, ok := s.tickets[r.URL.Query().Get("ticket")]
	delete(s.tickets, r.URL.Query().Get("ticket"))
	s.mu.Unlock()
	if !ok || time.Since(at) > ticketLife {
		http.Error(w, "unknown, used or expired ticket", http.StatusUnauthorized)
		return
	}
	hw, frames := watchFrames(w)
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, HandshakeTimeout: writeTimeout}
	ws, err := up.Upgrade(hw, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	life := s.opt.ConnectionTime
	if r.URL.Query().Get("debug_reconnects") == "true" {
		life = min(life, debugReconnect)
	}
	s.accept(&connection{ws: ws, frames: frames, out: make(chan frame, 1024), gone: make(chan struct{})}, life)
}

// accept greets a new connection, or turns it away when there are ten already, and serves it until it ends.
func (s *Server) accept(c *connection, life time.Duration) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		c.kill()
		return
	}
	s.connSeq++
	c.id = s.connSeq
	full := len(s.conns) >= limit("socket.connections").Max
	if full {
		c.leaving = true
		c.push(frame{data: s.disconnectFrame(ReasonTooManyWebsockets)})
		c.push(frame{close: true})
	} else {
		s.conns = append(s.conns, c)
		c.push(frame{data: s.helloFrame(life)})
	}
	s.touch()
	s.spawn(func() { s.write(c) })
	if !full {
		s.spawn(func() { s.refreshLater(c, life) })
	}
	s.spawn(func() {
		select {
		case <-c.gone:
		case <-s.stop:
			c.kill()
		}
	})
	s.wg.Add(1)
	s.mu.Unlock()
	defer s.wg.Done()
	s.read(c)
}

func (s *Server) helloFrame(life time.Duration) []byte {
	return encode(obj{"type": "hello", "num_connections": len(s.conns), "connection_info": obj{"app_id": s.opt.AppID},
		"debug_info": obj{"host": "applink-1", "started": time.Now().UTC().Format("2006-01-02 15:04:05.000"),
			"build_number":                54,
			"approximate_connection_time": int(life.Seconds())}})
}

func (s *Server) disconnectFrame(reason string) []byte {
	return encode(obj{"type": "disconnect", "reason": reason, "debug_info": obj{"host": "applink-1"}})
}

// write sends queued frames and pings until the connection is gone.
func (s *Server) write(c *connection) {
	defer c.kill()
	ping := time.NewTicker(s.opt.PingEvery)
	defer ping.Stop()
	if !c.ping() {
		return
	}
	for {
		select {
		case f := <-c.out:
			if f.close {
				msg := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
				if c.ws.WriteControl(websocket.CloseMessage, msg, time.Now().Add(writeTimeout)) != nil {
					return
				}
				continue
			}
			_ = c.ws.SetWriteDeadline(time.Now().Add(writeTimeout)) // WriteMessage reports the same error
			if c.ws.WriteMessage(websocket.TextMessage, f.data) != nil {
				return
			}
			if f.after != nil {
				f.after()
			}
		case <-ping.C:
			if !c.ping() {
				return
			}
		case <-c.gone:
			return
		case <-s.stop:
			return
		}
	}
}

func (c *connection) ping() bool {
	return c.ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-1"), time.Now().Add(writeTimeout)) == nil
}

// read takes acks until the connection ends. After the close handshake TCP stays open for the client to close.
func (s *Server) read(c *connection) {
	defer c.kill()
	for {
		kind, data, err := c.ws.ReadMessage()
		if err != nil {
			s.forget(c)
			if websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway,
				websocket.CloseNoStatusReceived) {
				_ = c.ws.NetConn().SetReadDeadline(time.Now().Add(s.opt.Linger)) // Copy ends at once if it failed
				// the client's close or reset both end it
				_, _ = io.Copy(io.Discard, c.ws.NetConn())
			}
			return
		}
		fragmented := c.frames.next()
		if kind == websocket.TextMessage {
			s.takeAck(c, data, fragmented)
		}
	}
}

func (s *Server) forget(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.leaving = true
	s.conns = slices.DeleteFunc(s.conns, func(x *connection) bool { return x == c })
	s.touch()
}

// refreshLater warns and then refreshes a connection at the end of its life.
func (s *Server) refreshLater(c *connection, life time.Duration) {
	warn := max(0, life-s.opt.WarningBefore)
	for _, step := range []struct {
		wait   time.Duration
		reason string
	}{{warn, ReasonWarning}, {life - warn, ReasonRefreshRequested}} {
		t := time.NewTimer(step.wait)
		select {
		case <-t.C:
		case <-c.gone:
			t.Stop()
			return
		case <-s.stop:
			t.Stop()
			return
		}
		s.mu.Lock()
		s.sendDisconnect(c, step.reason)
		s.mu.Unlock()
	}
}

// sendDisconnect sends a disconnect frame; after any reason but the warning no envelope follows on that connection, and
// the close handshake begins after Options.CloseAfter. The lock is held.
func (s *Server) sendDisconnect(c *connection, reason string) {
	c.push(frame{data: s.disconnectFrame(reason)})
	if reason == ReasonWarning {
		return
	}
	c.leaving = true
	s.touch()
	s.spawn(func() {
		t := time.NewTimer(s.opt.CloseAfter)
		defer t.Stop()
		select {
		case <-t.C:
			c.push(frame{close: true})
		case <-c.gone:
		case <-s.stop:
		}
	})
}

// Disconnect sends a disconnect frame with that reason (one of the Reason constants) on every connection and returns
// how many there were.
func (s *Server) Disconnect(reason string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.conns {
		if !c.leaving {
			s.sendDisconnect(c, reason)
			n++
		}
	}
	return n
}

// DisconnectOne is Disconnect for the oldest connection.
func (s *Server) DisconnectOne(reason string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if !c.leaving {
			s.sendDisconnect(c, reason)
			return true
		}
	}
	return false
}

// DropConnections cuts every connection without a word, as a failing network does, and returns how many there were.
func (s *Server) DropConnections() int {
	s.mu.Lock()
	conns := slices.Clone(s.conns)
	s.mu.Unlock()
	for _, c := range conns {
		c.kill()
	}
	return len(conns)
}

// Connections counts the open sockets that envelopes can be sent to.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live())
}

func (s *Server) live() []*connection {
	var l []*connection
	for _, c := range s.conns {
		if !c.leaving {
			l = append(l, c)
		}
	}
	return l
}

// SendRaw writes any bytes as one text frame to one connection, for hostile tests. False when there is none.
func (s *Server) SendRaw(data []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.live()
	if len(l) == 0 {
		return false
	}
	l[s.rng.IntN(len(l))].push(frame{data: slices.Clone(data)})
	return true
}

// Ack is one acknowledgement a client sent.
type Ack struct {
	EnvelopeID string          `json:"envelope_id"`
	Type       string          `json:"type,omitempty"`      // the envelope's type, "" when it was not awaited any more
	Connection int             `json:"connection"`          // number of the connection it came over, counted from 1
	SentOver   int             `json:"sent_over,omitempty"` // number of the connection the envelope went out on
	Payload    json.RawMessage `json:"payload,omitempty"`   // nil when there was none or {}
	// why Slack took no notice: too large, fragmented, malformed, unexpected, fault
	Ignored string    `json:"ignored,omitempty"`
	Time    time.Time `json:"time"`
}

// Acks returns every acknowledgement in the order they came, also the ignored ones (at least the last 50 000).
func (s *Server) Acks() []Ack {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.acks)
}

func (s *Server) takeAck(c *connection, data []byte, fragmented bool) {
	a := Ack{Connection: c.id, Time: time.Now()}
	var body struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(data) > limit("ack.bytes").Max:
		a.Ignored = "too large"
	case fragmented:
		a.Ignored = "fragmented"
	case json.Unmarshal(data, &body) != nil || body.EnvelopeID == "":
		a.Ignored = "malformed"
	}
	a.EnvelopeID = body.EnvelopeID
	if p, ok := decode(body.Payload).(obj); !ok || len(p) > 0 {
		a.Payload = body.Payload
	}
	if string(a.Payload) == "null" {
		a.Payload = nil
	}
	p := s.pending[a.EnvelopeID]
	switch {
	case a.Ignored != "":
	case p == nil:
		a.Ignored = "unexpected"
	case p.ignore:
		a.Ignored = "fault"
	default:
		a.Type, a.SentOver = p.kind, p.conn
		delete(s.pending, a.EnvelopeID)
		p.noted.end("", a.Payload)
		p.ack <- a
	}
	s.acks = append(s.acks, a)
	s.acks = newest(s.acks)
	s.touch()
}

func (c *connection) String() string { return fmt.Sprintf("connection %d", c.id) }

// frameWatch sees the bytes a WebSocket client sends and remembers for each message whether it came in several frames.
// gorilla/websocket joins continuation frames silently, and Slack does not accept them in acks
// (comments in slack-go's socketmode source).
type frameWatch struct {
	mu         sync.Mutex
	header     []byte
	skip       uint64 // bytes of payload still to come
	fragmented bool   // the message under way has more than one frame
	messages   []bool
}

// see parses the frame headers (RFC 6455, section 5.2) in b.
func (f *frameWatch) see(b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(b) > 0 {
		if f.skip > 0 {
			n := min(f.skip, uint64(len(b)))
			f.skip -= n
			b = b[n:]
			continue
		}
		f.header = append(f.header, b[0])
		b = b[1:]
		if f.headerComplete() {
			f.endHeader()
		}
	}
}

func (f *frameWatch) headerComplete() bool {
	if len(f.header) < 2 {
		return false
	}
	need := 2
	switch f.header[1] & 0x7f {
	case 126:
		need += 2
	case 127:
		need += 8
	}
	if f.header[1]&0x80 != 0 {
		need += 4
	}
	return len(f.header) == need
}

func (f *frameWatch) endHeader() {
	final, opcode := f.header[0]&0x80 != 0, f.header[0]&0x0f
	switch n := f.header[1] & 0x7f; n {
	case 126:
		f.skip = uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		f.skip = binary.BigEndian.Uint64(f.header[2:])
	default:
		f.skip = uint64(n)
	}
	f.header = f.header[:0]
	if opcode >= 8 { // a control frame may stand between the frames of a message
		return
	}
	if !final {
		f.fragmented = true
		return
	}
	f.messages = append(f.messages, f.fragmented)
	f.fragmented = false
}

// next says whether the next message in order was fragmented.
func (f *frameWatch) next() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.messages) == 0 {
		return false
	}
	first := f.messages[0]
	f.messages = f.messages[1:]
	return first
}

// watchFrames wraps w so that the connection taken over from it reports to the returned frameWatch.
func watchFrames(w http.ResponseWriter) (http.ResponseWriter, *frameWatch) {
	f := &frameWatch{}
	return &hijackWatch{ResponseWriter: w, frames: f}, f
}

type hijackWatch struct {
	http.ResponseWriter
	frames *frameWatch
}

func (h *hijackWatch) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if rw.Reader.Buffered() > 0 { // frames before the handshake was answered, which RFC 6455 forbids
		_ = conn.Close() // it is given up either way
		return nil, nil, errEarlyData
	}
	wrapped := &watchedConn{Conn: conn, frames: h.frames}
	return wrapped, bufio.NewReadWriter(bufio.NewReader(wrapped), bufio.NewWriter(wrapped)), nil
}

var errEarlyData = errors.New("client sent data before the handshake ended")

type watchedConn struct {
	net.Conn
	frames *frameWatch
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.frames.see(b[:n])
	return n, err
}
