package slacksim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxTraffic is how many envelopes the inspector remembers; calls are remembered by Server.calls.
const maxTraffic = 1000

// traffic is what was sent to the app, newest last, for the inspector of the page.
type traffic struct {
	last      int
	envelopes []*envelope
}

// envelope is one envelope to the app and what became of it. end must be called with the server's lock held.
type envelope struct {
	n          int
	id, kind   string
	connection int
	payload    json.RawMessage
	attempt    int
	fault      FaultKind
	at         time.Time
	done       bool
	took       time.Duration
	err        string          // operation_timeout, dispatch_failed, or why it was given up
	answer     json.RawMessage // of the ack
}

// note remembers an envelope. It encodes the payload, which its owner may change later.
func (t *traffic) note(kind, id string, connection int, payload, fields obj, f *Rule) *envelope {
	t.last++
	e := &envelope{n: t.last, id: id, kind: kind, connection: connection, payload: encode(payload), at: time.Now()}
	e.attempt, _ = fields["retry_attempt"].(int)
	if f != nil {
		e.fault = f.Kind
	}
	t.envelopes = append(t.envelopes, e)
	if len(t.envelopes) >= 2*maxTraffic {
		t.envelopes = slices.Clone(t.envelopes[maxTraffic:])
	}
	return e
}

func (e *envelope) end(err string, answer json.RawMessage) {
	e.done, e.took, e.err, e.answer = true, time.Since(e.at), err, answer
}

// envelopeLine is an entry of the inspector without its payload. direction is "in" for calls of the
// app to Slack, "out" for envelopes to the app.
func (s *Server) envelopeLine(e *envelope) obj {
	status := "waiting"
	switch {
	case e.err != "":
		status = e.err
	case e.done:
		status = "acknowledged"
	}
	return obj{"key": "e" + strconv.Itoa(e.n), "direction": "out", "at": e.at.UnixMilli(), "name": e.kind,
		"about": s.redact(aboutEnvelope(e)), "status": status,
		"ok": e.done && e.err == "", "done": e.done, "took_us": e.took.Microseconds(), "fault": e.fault,
		"size": len(e.payload)}
}

func (s *Server) callLine(c *Call) obj {
	status := "waiting"
	switch {
	case c.Error != "":
		status = c.Error
	case c.Done && c.Status == 0:
		status = "connection cut"
	case c.Done:
		status = strconv.Itoa(c.Status)
	}
	return obj{"key": "c" + strconv.Itoa(c.ID), "direction": "in", "at": c.Time.UnixMilli(), "name": c.Method,
		"about": s.redact(aboutCall(c)), "status": status,
		"ok": c.OK, "done": c.Done, "took_us": c.Took.Microseconds(), "fault": c.Fault, "size": len(c.Response)}
}

// aboutEnvelope names what an envelope is about in a few words: the kind of interaction, who acted, on what.
func aboutEnvelope(e *envelope) string {
	p := asObj(decode(e.payload))
	words := []string{}
	add := func(v any) {
		if s, _ := v.(string); s != "" {
			words = append(words, s)
		}
	}
	switch e.kind {
	case typeCommand:
		add(p["command"])
		add(p["text"])
		add(p["user_name"])
	case typeEvent:
		add(asObj(p["event"])["type"])
		add(asObj(p["event"])["user"])
		add(asObj(p["event"])["channel"])
	default:
		add(p["type"])
		for _, a := range asList(p["actions"]) {
			add(asObj(a)["action_id"])
		}
		add(asObj(p["view"])["callback_id"])
		add(p["callback_id"])
		add(asObj(p["user"])["name"])
	}
	if e.attempt > 0 {
		words = append(words, "attempt "+strconv.Itoa(e.attempt+1))
	}
	return strings.Join(words, " · ")
}

func aboutCall(c *Call) string {
	words := []string{}
	for _, k := range []string{"channel", "user", "user_id", "users", "view_id", "ts", "email", "text"} {
		if s, _ := c.Args[k].(string); s != "" {
			words = append(words, cut(s, 60))
		}
	}
	return strings.Join(words, " · ")
}

// recentTraffic lists the newest entries of both directions, oldest first. The lock is held.
func (s *Server) recentTraffic(most int) []obj {
	type entry struct {
		at   time.Time
		line func() obj
	}
	var l []entry
	for i := range s.calls[max(0, len(s.calls)-most):] {
		c := &s.calls[max(0, len(s.calls)-most)+i]
		l = append(l, entry{c.Time, func() obj { return s.callLine(c) }})
	}
	for _, e := range s.traffic.envelopes[max(0, len(s.traffic.envelopes)-most):] {
		l = append(l, entry{e.at, func() obj { return s.envelopeLine(e) }})
	}
	slices.SortStableFunc(l, func(a, b entry) int { return a.at.Compare(b.at) })
	out := []obj{}
	for _, e := range l[max(0, len(l)-most):] {
		out = append(out, e.line())
	}
	return out
}

// findCall returns the record of a call, nil when it was forgotten. The list is sorted by id.
func (s *Server) findCall(id int) *Call {
	i, ok := slices.BinarySearchFunc(s.calls, id, func(c Call, id int) int { return c.ID - id })
	if !ok {
		return nil
	}
	return &s.calls[i]
}

// trafficRoutes answers the inspector: traffic?limit=N is a list of lines, traffic?key=K one entry with its payloads.
func (s *Server) trafficRoutes(get route) {
	get("traffic", func(r *http.Request) (any, error) {
		if key := r.URL.Query().Get("key"); key != "" {
			return s.trafficDetail(key)
		}
		most, err := number(r, "limit")
		if most <= 0 {
			most = 200
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return obj{"traffic": s.recentTraffic(min(most, maxTraffic))}, err
	})
}

// trafficDetail is one entry with what was sent and answered, every token left out.
func (s *Server) trafficDetail(key string) (any, error) {
	n, err := strconv.Atoi(key[1:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && key[0] == 'e' {
		for _, e := range s.traffic.envelopes {
			if e.n == n {
				return obj{"line": s.envelopeLine(e), "id": e.id, "connection": e.connection,
					"sent": s.redact(decode(e.payload)), "answer": s.redact(decode(e.answer))}, nil
			}
		}
	}
	if err == nil && key[0] == 'c' {
		if c := s.findCall(n); c != nil {
			return obj{"line": s.callLine(c), "http": c.HTTP, "http_status": c.Status, "token": c.Token,
				"sent": s.redact(unpacked(c.Args)), "answer": s.redact(decode(c.Response))}, nil
		}
	}
	return nil, impossible("there is no entry %q, or it was forgotten", key)
}

// unpacked shows arguments that came as JSON in a string as what they hold.
func unpacked(args map[string]any) obj {
	out := obj{}
	for k, v := range args {
		if text, ok := v.(string); ok && (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")) {
			if d := decode(json.RawMessage(text)); d != nil {
				v = d
			}
		}
		out[k] = v
	}
	return out
}

// redact copies a JSON value without the tokens in it: the app's, the verification token, and the ticket of a socket.
func (s *Server) redact(v any) any {
	switch t := v.(type) {
	case obj:
		out := obj{}
		for k, e := range t {
			if _, isText := e.(string); isText && k == "token" {
				e = "<token>"
			}
			out[k] = s.redact(e)
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = s.redact(e)
		}
		return out
	case string:
		t = strings.NewReplacer(s.opt.BotToken, "<token>", s.opt.AppToken, "<token>", s.verified, "<token>").Replace(t)
		if before, after, ok := strings.Cut(t, "?ticket="); ok {
			_, rest, _ := strings.Cut(after, "&")
			t = before + "?ticket=<ticket>&" + rest
		}
		return t
	}
	return v
}

// burst is how long a stream waits after a change, so that many changes in quick succession are sent together.
const burst = 20 * time.Millisecond

// serveStream tells the page every change as a server-sent event: message, people, channels, read,
// link, clock, views, home, traffic. Each has an id; a stream that comes back with Last-Event-ID
// (or after=) goes on where it broke off. When that is too long ago, or was another server, the
// event reset says so and the page loads anew.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	at := r.Header.Get("Last-Event-ID")
	if at == "" {
		at = r.URL.Query().Get("after")
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	if _, err := fmt.Fprint(w, "retry: 1000\n\n"); err != nil {
		return
	}
	for {
		s.mu.Lock()
		changed := s.changed
		s.step()
		l, ok := s.since(at)
		epoch := s.journal.epoch
		at = s.position()
		s.mu.Unlock()
		if writeEntries(w, epoch, at, l, ok) != nil || out.Flush() != nil {
			return // the page has gone
		}
		select {
		case <-changed:
			if !pause(r.Context(), burst) {
				return
			}
		case <-alive.C:
			if _, err := fmt.Fprint(w, ": alive\n\n"); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.stop:
			return
		}
	}
}

func writeEntries(w http.ResponseWriter, epoch, at string, l []entry, ok bool) error {
	if !ok {
		_, err := fmt.Fprintf(w, "id: %s\nevent: reset\ndata: {}\n\n", at)
		return err
	}
	for _, e := range l {
		if _, err := fmt.Fprintf(w, "id: %s-%d\nevent: %s\ndata: %s\n\n", epoch, e.n, e.kind, e.data); err != nil {
			return err
		}
	}
	return nil
}
