package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
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

// userRef is the user of interaction payloads. Decide by id and team_id; the names are not unique.
func (s *Server) userRef(u *User) obj {
	return obj{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID}
}

func (s *Server) teamRef() obj { return obj{"id": s.opt.TeamID, "domain": s.opt.Domain} }

// interaction is what every interactive payload begins with.
func (s *Server) interaction(kind string, u *User) obj {
	return obj{"type": kind, "team": s.teamRef(), "user": s.userRef(u), "api_app_id": s.opt.AppID, "token": s.verified,
		"enterprise": nil, "is_enterprise_install": false}
}

// commandPayload is section "Slash command" of the reference; is_enterprise_install is a string there.
func (s *Server) commandPayload(u *User, ch *Channel, command, text string) obj {
	return obj{"token": s.verified, "team_id": s.opt.TeamID, "team_domain": s.opt.Domain, "channel_id": ch.ID,
		"channel_name": ch.clientName(),
		"user_id":      u.ID, "user_name": u.Name, "command": command, "text": text, "api_app_id": s.opt.AppID,
		"is_enterprise_install": "false",
		"response_url":          s.newResponseURL(ch.ID, u.ID, "", ""), "trigger_id": s.newTrigger(u.ID, "")}
}

// messageAction is block_actions from a message.
func (s *Server) messageAction(u *User, ch *Channel, m *Message, action obj) obj {
	p := s.interaction("block_actions", u)
	container := obj{"type": "message", "message_ts": m.TS, "channel_id": ch.ID, "is_ephemeral": m.EphemeralTo != ""}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	if n := m.attachmentOf(asString(action["block_id"])); n > 0 {
		container["type"], container["attachment_id"], container["is_app_unfurl"] = "message_attachment", n, false
	}
	p["container"], p["channel"] = container, obj{"id": ch.ID, "name": ch.clientName()}
	if m.EphemeralTo == "" {
		p["message"] = s.messageJSON(m, true)
	}
	p["state"] = obj{"values": clone(s.stateOf(m, u.ID))}
	p["trigger_id"] = s.newTrigger(u.ID, "")
	p["response_url"] = s.newResponseURL(ch.ID, u.ID, m.TS, m.ThreadTS)
	p["actions"] = []any{action}
	return p
}

// stateOf is what one person entered into the elements of one message.
func (s *Server) stateOf(m *Message, user string) obj {
	values := initialValues(m.allBlocks())
	for block, fields := range s.messageState[m.stateKey(user)] {
		for action, was := range asObj(fields) {
			if now := asObj(asObj(values[block])[action]); now != nil && now["type"] == asObj(was)["type"] {
				asObj(values[block])[action] = was
			}
		}
	}
	return values
}

func (m *Message) stateKey(user string) string { return m.Channel + "/" + m.TS + "/" + user }

// viewAction is block_actions from a modal or Home tab.
func (s *Server) viewAction(u *User, v *view, action obj) obj {
	p := s.interaction("block_actions", u)
	p["container"], p["view"] = obj{"type": "view", "view_id": v.id}, s.viewJSON(v, true)
	p["trigger_id"], p["actions"] = s.newTrigger(u.ID, v.id), []any{action}
	return p
}

// actionOf is one entry of actions: the element as the person used it.
func (s *Server) actionOf(block, e, value obj) obj {
	a := obj{"action_id": e["action_id"], "block_id": block["block_id"], "type": e["type"],
		"action_ts": slackTime(s.opt.Now())}
	for _, k := range []string{"text", "value", "style", "placeholder", "url", "confirm"} {
		if e[k] != nil && (k != "value" || e["type"] == "button") {
			a[k] = e[k]
		}
	}
	for k, v := range value {
		if k != "type" {
			a[k] = v
		}
	}
	return a
}

// submission is view_submission.
func (s *Server) submission(u *User, v *view) obj {
	p := s.interaction("view_submission", u)
	p["trigger_id"], p["view"], p["response_urls"] = s.newTrigger(u.ID, v.id), s.viewJSON(v, true), s.responseURLs(u, v)
	return p
}

// responseURLs are given only for conversation selects that ask for one.
func (s *Server) responseURLs(u *User, v *view) []any {
	l := []any{}
	for _, b := range flat(asList(decode(v.blocks))) {
		for _, e := range blockElements(b) {
			if on, _ := e["response_url_enabled"].(bool); !on {
				continue
			}
			state := asObj(asObj(v.values[asString(b["block_id"])])[asString(e["action_id"])])
			if ch := asString(state[fieldOf[asString(e["type"])].key]); ch != "" {
				l = append(l, obj{"block_id": b["block_id"], "action_id": e["action_id"], "channel_id": ch,
					"response_url": s.newResponseURL(ch, u.ID, "", "")})
			}
		}
	}
	return l
}

// closing is view_closed; it leaves the input out.
func (s *Server) closing(u *User, v *view, cleared bool) obj {
	p := s.interaction("view_closed", u)
	p["view"], p["is_cleared"] = s.viewJSON(v, false), cleared
	return p
}

func containsMention(text, user string) bool {
	return strings.Contains(text, "<@"+user+">") || strings.Contains(text, "<@"+user+"|")
}

// Shortcut runs a global shortcut of that callback_id.
func (s *Server) Shortcut(ctx context.Context, user, callbackID string) (ActionResult, error) {
	s.mu.Lock()
	u, err := s.member(user)
	if err != nil {
		s.mu.Unlock()
		return ActionResult{}, err
	}
	p := s.interaction("shortcut", u)
	p["callback_id"], p["trigger_id"], p["action_ts"] = callbackID, s.newTrigger(u.ID, ""), slackTime(s.opt.Now())
	s.mu.Unlock()
	return s.sendAction(ctx, p)
}

// MessageShortcut runs a message shortcut of that callback_id on a message that the person can see.
func (s *Server) MessageShortcut(ctx context.Context, user, channel, messageTS, callbackID string) (ActionResult,
	error) {
	s.mu.Lock()
	p, err := s.prepareMessageShortcut(user, channel, messageTS, callbackID)
	s.mu.Unlock()
	if err != nil {
		return ActionResult{}, err
	}
	return s.sendAction(ctx, p)
}

func (s *Server) prepareMessageShortcut(user, channel, ts, callbackID string) (obj, error) {
	u, err := s.member(user)
	if err != nil {
		return nil, err
	}
	ch, err := s.in(u, channel)
	if err != nil {
		return nil, err
	}
	m := s.stored(ch.ID, ts)
	if m == nil {
		return nil, impossible("there is no message %s in %s", ts, channel)
	}
	p := s.interaction("message_action", u)
	p["callback_id"], p["trigger_id"], p["action_ts"] = callbackID, s.newTrigger(u.ID, ""), slackTime(s.opt.Now())
	p["channel"], p["message"], p["message_ts"] = obj{"id": ch.ID, "name": ch.clientName()}, s.messageJSON(m, true),
		m.TS
	p["response_url"] = s.newResponseURL(ch.ID, u.ID, m.TS, m.ThreadTS)
	return p, nil
}

// member is actor for acts that Slack leaves to the installing workspace.
func (s *Server) member(id string) (*User, error) {
	u, err := s.actor(id)
	if err == nil && s.foreign(u) {
		err = impossible("user %s is of another workspace: commands and shortcuts work only where the app is installed",
			id)
	}
	return u, err
}

// Suggest types query into an external select of the visible modal or the Home tab and returns the payload of the app's
// answer: options or option_groups.
func (s *Server) Suggest(ctx context.Context, user, viewID, blockID, actionID, query string) (json.RawMessage, error) {
	s.mu.Lock()
	u, v, err := s.visibleView(user, viewID)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	block, e := findElement(v.blocks, blockID, actionID)
	if kind := asString(e["type"]); kind != "external_select" && kind != "multi_external_select" {
		s.mu.Unlock()
		return nil, impossible("view %s has no external select %s in block %q", viewID, actionID, blockID)
	}
	p := s.interaction("block_suggestion", u)
	p["container"], p["view"] = obj{"type": "view", "view_id": v.id}, s.viewJSON(v, true)
	p["block_id"], p["action_id"], p["value"] = block["block_id"], actionID, query
	s.mu.Unlock()
	a, _, err := s.exchange(ctx, typeInteractive, p, true)
	return a.Payload, err
}
