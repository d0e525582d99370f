package slacksim

import (
	"context"
	"errors"
	"slices"
	"time"
)

// What a person's act can end in beside an acknowledgement. The texts are Slack's codes.
var (
	// ErrOperationTimeout: the app did not acknowledge within Options.AckTimeout.
	ErrOperationTimeout = errors.New("operation_timeout")
	// ErrDispatchFailed: nothing was connected.
	ErrDispatchFailed = errors.New("dispatch_failed")
)

const (
	typeCommand     = "slash_commands"
	typeInteractive = "interactive"
	typeEvent       = "events_api"
)

// pendingAck is an envelope that waits for its acknowledgement, on whichever connection it comes.
type pendingAck struct {
	id     string
	kind   string
	conn   int
	ack    chan Ack // takes exactly one
	ignore bool
	since  time.Time
	noted  *envelope
}

// send writes an envelope to exactly one connection. fields are added to the envelope. The lock is held.
func (s *Server) send(kind string, payload obj, fields obj) (*pendingAck, error) {
	key := s.envelopeKey(payload)
	return s.sendBent(s.takeFault(kind, onSocket, key), key, kind, payload, fields)
}

// sendBent is send with a fault already chosen, nil for none. key says for the dice whom it concerns.
func (s *Server) sendBent(f *Rule, key, kind string, payload obj, fields obj) (*pendingAck, error) {
	live := s.live()
	if f != nil && f.Kind == FaultNoConnection {
		live = nil
	}
	if len(live) == 0 {
		s.traffic.note(kind, "", 0, payload, fields, f).end(ErrDispatchFailed.Error(), nil)
		s.touch()
		return nil, ErrDispatchFailed
	}
	c := live[s.dice.throw("connection", kind, key).IntN(len(live))]
	p := &pendingAck{id: s.newUUID(), kind: kind, conn: c.id, ack: make(chan Ack, 1), since: time.Now()}
	s.pending[p.id] = p
	p.noted = s.traffic.note(kind, p.id, c.id, payload, fields, f)
	e := obj{"envelope_id": p.id, "type": kind, "payload": payload}
	for k, v := range fields {
		e[k] = v
	}
	out := frame{data: encode(e)}
	if f != nil {
		s.bend(c, p, &out, f)
	} else {
		c.push(out)
	}
	s.touch()
	return p, nil
}

// bend writes an envelope with a fault.
func (s *Server) bend(c *connection, p *pendingAck, out *frame, f *Rule) {
	switch f.Kind {
	case FaultLost:
		return
	case FaultAckLost:
		p.ignore = true
	case FaultSocketDrop:
		out.after = c.kill
	case FaultSocketDisconnect:
		reason := f.Reason
		if reason == "" {
			reason = ReasonRefreshRequested
		}
		c.push(*out)
		s.sendDisconnect(c, reason)
		return
	case FaultSocketLate:
		data := *out
		s.spawn(func() {
			if s.sleep(f.delay()) {
				c.push(data)
			}
		})
		return
	}
	c.push(*out)
}

// await waits for the acknowledgement of p, real time. Without the lock.
func (s *Server) await(ctx context.Context, p *pendingAck) (Ack, error) {
	t := time.NewTimer(time.Until(p.since.Add(s.opt.AckTimeout)))
	defer t.Stop()
	var err error
	select {
	case a := <-p.ack:
		return a, nil
	case <-t.C:
		err = ErrOperationTimeout
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.stop:
		err = ErrDispatchFailed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, p.id)
	select {
	case a := <-p.ack: // came at the very last moment
		return a, nil
	default:
		p.noted.end(err.Error(), nil)
		s.touch()
		return Ack{}, err
	}
}

// emit sends an event to the app if it subscribed, repeating it until acknowledged: attempts 1 to 3 carry the same
// event_id in a new envelope. It returns the channel on which the first attempt's outcome is told. The lock is held.
func (s *Server) emit(name string, event obj, extShared bool) <-chan error {
	first := make(chan error, 1)
	if !slices.Contains(s.opt.Events, name) {
		first <- nil
		return first
	}
	wrapper := obj{"token": s.verified, "team_id": s.opt.TeamID, "context_team_id": s.opt.TeamID,
		"context_enterprise_id": nil,
		"api_app_id":            s.opt.AppID, "event": event, "type": "event_callback", "event_id": s.newID("Ev", 9),
		"event_time": s.opt.Now().Unix(),
		"authorizations": []any{obj{"enterprise_id": nil, "team_id": s.opt.TeamID, "user_id": s.opt.BotUserID,
			"is_bot":                true,
			"is_enterprise_install": false}},
		"is_ext_shared_channel": extShared, "event_context": "4-" + s.newID("", 20)}
	key := s.dice.next(s.envelopeKey(wrapper)) // of this event alone: its retries cross those of others
	f := s.takeFault(typeEvent, onSocket, key)
	if f != nil && f.Kind == FaultDuplicate {
		again, err := s.sendEvent(nil, key+" again", wrapper, 0)
		s.spawn(func() { s.retryEvent(key+" again", wrapper, again, err, make(chan error, 1)) })
		f = nil
	}
	p, err := s.sendEvent(f, key, wrapper, 0)
	s.spawn(func() { s.retryEvent(key, wrapper, p, err, first) })
	return first
}

func (s *Server) sendEvent(f *Rule, key string, wrapper obj, attempt int) (*pendingAck, error) {
	reason := ""
	if attempt > 0 {
		reason = "timeout"
	}
	return s.sendBent(f, key, typeEvent, wrapper, obj{"accepts_response_payload": false, "retry_attempt": attempt,
		"retry_reason": reason})
}

func (s *Server) retryEvent(key string, wrapper obj, p *pendingAck, err error, first chan<- error) {
	for attempt := 0; ; attempt++ {
		if err == nil {
			_, err = s.await(context.Background(), p)
		}
		if attempt == 0 {
			first <- err
		}
		if err == nil || attempt == len(s.opt.RetryDelays) || !s.sleep(s.opt.RetryDelays[attempt]) {
			return
		}
		s.mu.Lock()
		p, err = s.sendEvent(s.takeFault(typeEvent, onSocket, key), key, wrapper, attempt+1)
		s.mu.Unlock()
	}
}

// messageEvents tells the app about a message in a conversation it is in, as far as it subscribed.
func (s *Server) messageEvents(ch *Channel, m *Message) {
	if !ch.has(s.opt.BotUserID) || m.EphemeralTo != "" {
		return
	}
	event := s.messageJSON(m, true)
	event["channel"], event["event_ts"] = ch.ID, m.TS
	if m.BotID == "" && ch.kindScope() != "im" && containsMention(m.Text, s.opt.BotUserID) &&
		s.hasScope("app_mentions:read") {
		mention := clone(event)
		mention["type"] = "app_mention"
		s.emit("app_mention", mention, ch.ExtShared)
	}
	s.messageEvent(ch, event)
}

// messageEvent sends an event of type message if the app may read that kind of conversation.
func (s *Server) messageEvent(ch *Channel, event obj) {
	kinds := map[string]string{"im": "im", "mpim": "mpim", "groups": "group", "channels": "channel"}
	if s.hasScope(ch.kindScope() + ":history") {
		event["channel_type"] = kinds[ch.kindScope()]
		s.emit("message."+ch.kindScope(), event, ch.ExtShared)
	}
}

// changeEvent tells the app that a message was changed or deleted: an event of its own, with the message inside
// (docs.slack.dev/reference/events/message/message_changed).
func (s *Server) changeEvent(subtype string, m *Message, fields obj) {
	ch := s.channels[m.Channel]
	if ch == nil || !ch.has(s.opt.BotUserID) || m.EphemeralTo != "" {
		return
	}
	ts := s.newTS()
	event := obj{"type": "message", "subtype": subtype, "hidden": true, "channel": ch.ID, "ts": ts, "event_ts": ts}
	for k, v := range fields {
		event[k] = v
	}
	s.messageEvent(ch, event)
}
