package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim/blockkit"
)

// Refusals of Slack's own client: nothing was sent to the app.
var (
	// ErrNotPossible wraps every act that a person cannot do: the channel, message, element or view is not there or not
	// visible to them, they are deactivated, or the command is unknown. The text says which.
	ErrNotPossible = errors.New("not possible")
)

func impossible(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrNotPossible}, args...)...)
}

// CommandResult is how a slash command ended for the person.
type CommandResult struct {
	EnvelopeID string `json:"envelope_id,omitempty"`
	// operation_timeout, dispatch_failed or invalid_command_response
	Error string `json:"error,omitempty"`
	// ephemeral or in_channel, when the ack carried an answer
	ResponseType string          `json:"response_type,omitempty"`
	Text         string          `json:"text,omitempty"`
	Blocks       json.RawMessage `json:"blocks,omitempty"`
	MessageTS    string          `json:"message_ts,omitempty"` // of the message the answer became
	Ack          json.RawMessage `json:"ack,omitempty"`        // the ack's payload
	Sent         json.RawMessage `json:"sent,omitempty"`       // the payload the app got
	Took         time.Duration   `json:"took_ns"`              // from sending to the ack
}

// ActionResult is how a click ended for the person.
type ActionResult struct {
	EnvelopeID string          `json:"envelope_id,omitempty"`
	Error      string          `json:"error,omitempty"` // operation_timeout or dispatch_failed
	Ack        json.RawMessage `json:"ack,omitempty"`
	Sent       json.RawMessage `json:"sent,omitempty"`
	Took       time.Duration   `json:"took_ns"`
}

// SubmitResult is how sending a modal ended for the person.
type SubmitResult struct {
	EnvelopeID string `json:"envelope_id,omitempty"`
	// Error is operation_timeout or dispatch_failed, or invalid_response when the app's answer was none Slack takes;
	// the modal then stays open.
	Error  string            `json:"error,omitempty"`
	Detail string            `json:"detail,omitempty"` // what was wrong with the answer
	Errors map[string]string `json:"errors,omitempty"` // texts at fields, by block_id
	// Local says that the errors come from Slack's client (required field, length, e-mail): nothing was sent.
	Local          bool            `json:"local,omitempty"`
	ResponseAction string          `json:"response_action,omitempty"` // errors, update, push, clear; "" closed the view
	Ack            json.RawMessage `json:"ack,omitempty"`
	Sent           json.RawMessage `json:"sent,omitempty"`
	Took           time.Duration   `json:"took_ns"`
}

// actor returns a person who can act at all.
func (s *Server) actor(id string) (*User, error) {
	u := s.users[id]
	switch {
	case u == nil:
		return nil, impossible("there is no user %q", id)
	case u.Deleted:
		return nil, impossible("user %s is deactivated", id)
	case u.IsBot:
		return nil, impossible("user %s is a bot", id)
	}
	return u, nil
}

// in returns the channel if the person is in it.
func (s *Server) in(u *User, channel string) (*Channel, error) {
	ch := s.channels[channel]
	if ch == nil || !ch.has(u.ID) {
		return nil, impossible("user %s is not in channel %q", u.ID, channel)
	}
	return ch, nil
}

// actorIn returns the user and the channel if they can act and are in it.
func (s *Server) actorIn(user, channel string) (*User, *Channel, error) {
	u, err := s.actor(user)
	if err != nil {
		return nil, nil, err
	}
	ch, err := s.in(u, channel)
	return u, ch, err
}

// exchange sends a payload and waits for its ack.
func (s *Server) exchange(ctx context.Context, kind string, payload obj, accepts bool) (Ack, time.Duration, error) {
	start := time.Now()
	s.mu.Lock()
	p, err := s.send(kind, payload, obj{"accepts_response_payload": accepts})
	s.mu.Unlock()
	if err != nil {
		return Ack{}, 0, err
	}
	a, err := s.await(ctx, p)
	a.EnvelopeID = p.id
	return a, time.Since(start), err
}

// SlashCommand types a command as Slack's client does and returns after the ack, after 3 s (ErrOperationTimeout) or at
// once when nothing is connected (ErrDispatchFailed); the code is in CommandResult.Error too. With should_escape, @name
// and #name in text become <@U...> and <#C...>.
func (s *Server) SlashCommand(ctx context.Context, user, channel, command, text string) (CommandResult, error) {
	s.mu.Lock()
	payload, err := s.prepareCommand(user, channel, command, text)
	s.mu.Unlock()
	if err != nil {
		return CommandResult{}, err
	}
	return s.sendCommand(ctx, payload)
}

func (s *Server) prepareCommand(user, channel, command, text string) (obj, error) {
	u, err := s.member(user)
	if err != nil {
		return nil, err
	}
	ch, err := s.in(u, channel)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(s.opt.Commands, func(c SlashCommand) bool { return c.Command == command })
	if i < 0 {
		return nil, impossible("%s is not a command of the app", command)
	}
	text = strings.TrimSpace(text)
	if s.opt.Commands[i].ShouldEscape {
		text = s.escapeMentions(text)
	}
	return s.commandPayload(u, ch, command, text), nil
}

// SlashForged sends a slash command whose payload is changed by fields, without asking whether it is possible.
func (s *Server) SlashForged(ctx context.Context, user, channel, command, text string,
	fields map[string]any) (CommandResult, error) {
	s.mu.Lock()
	payload := merge(s.commandPayload(s.anyUser(user), s.anyChannel(channel), command, text), fields)
	s.mu.Unlock()
	return s.sendCommand(ctx, payload)
}

func (s *Server) sendCommand(ctx context.Context, payload obj) (CommandResult, error) {
	a, took, err := s.exchange(ctx, typeCommand, payload, true)
	r := CommandResult{EnvelopeID: a.EnvelopeID, Ack: a.Payload, Sent: encode(payload), Took: took}
	user, channel := asString(payload["user_id"]), asString(payload["channel_id"])
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		err = s.commandAnswer(&r, user, channel)
	}
	if err != nil {
		r.Error = err.Error()
		s.slackbotSays(channel, user, fmt.Sprintf("%s failed with the error \"%s\"", asString(payload["command"]),
			r.Error))
	}
	return r, err
}

// ErrInvalidResponse: the ack of a command or modal carried something Slack does not take.
var ErrInvalidResponse = errors.New("invalid_command_response")

// commandAnswer shows the payload of a command's ack.
func (s *Server) commandAnswer(r *CommandResult, user, channel string) error {
	if r.Ack == nil {
		return nil
	}
	args, ok := decode(r.Ack).(obj)
	if text, isText := decode(r.Ack).(string); isText {
		args, ok = obj{"text": text}, true
	}
	if !ok {
		return ErrInvalidResponse
	}
	c := &call{s: s, args: args}
	body, bad := c.content()
	if bad != nil {
		return ErrInvalidResponse
	}
	if body.empty() {
		return nil
	}
	r.ResponseType = "ephemeral"
	if args["response_type"] == "in_channel" {
		r.ResponseType = "in_channel"
	}
	m := s.reply(&responseURL{channel: channel, user: user}, r.ResponseType, "", body)
	r.Text, r.Blocks, r.MessageTS = m.Text, m.Blocks, m.TS
	return nil
}

var (
	mentionPattern = regexp.MustCompile(`<[@#!][^<>\s]+>|@[\w.-]+|#[\w-]+|[&<>]`)
	entities       = map[string]string{"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)

// escapeMentions is what should_escape does; mentions already escaped stay. A private channel has an empty name.
func (s *Server) escapeMentions(text string) string {
	return mentionPattern.ReplaceAllStringFunc(text, func(m string) string {
		if e, ok := entities[m]; ok {
			return e
		}
		switch m[0] {
		case '@':
			if u := s.userNamed(m[1:]); u != nil {
				return "<@" + u.ID + ">"
			}
			for _, g := range s.groups {
				if g.Handle == m[1:] {
					return "<!subteam^" + g.ID + ">"
				}
			}
		case '#':
			if c := s.channelNamed(m[1:]); c != nil {
				if c.Private {
					return "<#" + c.ID + "|>"
				}
				return "<#" + c.ID + "|" + c.Name + ">"
			}
		}
		return m
	})
}

func (s *Server) userNamed(name string) *User {
	for _, id := range s.userOrder {
		if u := s.users[id]; strings.EqualFold(u.Name, name) || strings.EqualFold(u.DisplayName, name) {
			return u
		}
	}
	return nil
}

// Click uses an element of a message that the person can see. A button needs no value; other elements take what
// fieldValue reads: an option's value, a user id, a date, several values for checkboxes and multi selects.
func (s *Server) Click(ctx context.Context, user, channel, messageTS, blockID, actionID string,
	value ...any) (ActionResult, error) {
	s.mu.Lock()
	payload, err := s.prepareClick(user, channel, messageTS, blockID, actionID, value)
	s.mu.Unlock()
	if err != nil {
		return ActionResult{}, err
	}
	return s.sendAction(ctx, payload)
}

func (s *Server) prepareClick(user, channel, ts, blockID, actionID string, value []any) (obj, error) {
	u, ch, err := s.actorIn(user, channel)
	if err != nil {
		return nil, err
	}
	m := s.findMessage(ch.ID, ts, u.ID)
	if m == nil {
		return nil, impossible("user %s sees no message %s in %s", user, ts, channel)
	}
	block, e := findElement(m.allBlocks(), blockID, actionID)
	if e == nil {
		return nil, impossible("message %s has no element %s in block %q", ts, actionID, blockID)
	}
	values := s.stateOf(m, u.ID)
	action, err := s.use(block, e, value, values)
	if err != nil {
		return nil, err
	}
	if len(values) > 0 {
		s.messageState[m.stateKey(u.ID)] = values
	}
	return s.messageAction(u, ch, m, action), nil
}

// use lets a person use an element: it notes the new value in values and returns the action.
func (s *Server) use(block, e obj, value []any, values obj) (obj, error) {
	kind := asString(e["type"])
	if block["type"] == "input" {
		if on, _ := block["dispatch_action"].(bool); !on {
			return nil, impossible("input block %v has no dispatch_action", block["block_id"])
		}
	}
	var raw any
	switch {
	case len(value) == 1:
		raw = value[0]
	case len(value) > 1:
		raw = value
	}
	switch kind {
	case "button", "workflow_button", "icon_button":
		return s.actionOf(block, e, nil), nil
	case "feedback_buttons":
		for _, k := range []string{"positive_button", "negative_button"} {
			if b := asObj(e[k]); b["value"] == raw {
				return s.actionOf(block, e, obj{"value": b["value"], "text": b["text"]}), nil
			}
		}
		return nil, impossible("%v is none of the two values of %v", raw, e["action_id"])
	case "overflow":
		o := blockkit.FindOption(e, fmt.Sprint(raw))
		if o == nil {
			return nil, impossible("%v is not among the options of %v", raw, e["action_id"])
		}
		return s.actionOf(block, e, obj{"selected_option": o}), nil
	case "file_input":
		return nil, impossible("a file_input sends no block_actions")
	}
	state, err := s.fieldValue(e, raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	if fields := asObj(values[asString(block["block_id"])]); fields != nil {
		fields[asString(e["action_id"])] = state
	}
	return s.actionOf(block, e, state), nil
}

func (s *Server) sendAction(ctx context.Context, payload obj) (ActionResult, error) {
	a, took, err := s.exchange(ctx, typeInteractive, payload, true)
	r := ActionResult{EnvelopeID: a.EnvelopeID, Ack: a.Payload, Sent: encode(payload), Took: took}
	if err != nil {
		r.Error = err.Error()
	}
	return r, err
}

// Forged describes a click that Slack's client would not send: a stale message, an old block_id or value, a person of
// another team. What exists is filled in as for Click; Fields are then laid over the payload (objects are merged, all
// else replaced, nil removes).
type Forged struct {
	User      string         `json:"user"`
	Channel   string         `json:"channel"`
	MessageTS string         `json:"message_ts"`
	BlockID   string         `json:"block_id"`
	ActionID  string         `json:"action_id"`
	Value     string         `json:"value"`
	Type      string         `json:"type"` // default button
	Fields    map[string]any `json:"fields"`
}

// ClickForged sends a forged click and waits for the ack as Click does.
func (s *Server) ClickForged(ctx context.Context, f Forged) (ActionResult, error) {
	if f.Type == "" {
		f.Type = "button"
	}
	s.mu.Lock()
	m := s.findMessage(f.Channel, f.MessageTS, "")
	if m == nil {
		m = &Message{Channel: f.Channel, TS: f.MessageTS, User: s.opt.BotUserID, BotID: s.opt.BotID}
	}
	action := obj{"action_id": f.ActionID, "block_id": f.BlockID, "type": f.Type, "value": f.Value,
		"action_ts": slackTime(s.opt.Now()),
		"text":      obj{"type": "plain_text", "text": f.ActionID, "emoji": true}}
	payload := merge(s.messageAction(s.anyUser(f.User), s.anyChannel(f.Channel), m, action), f.Fields)
	s.mu.Unlock()
	return s.sendAction(ctx, payload)
}

// SendInteractive sends any payload in an interactive envelope and waits for its ack, for hostile tests.
func (s *Server) SendInteractive(ctx context.Context, payload map[string]any) (ActionResult, error) {
	return s.sendAction(ctx, payload)
}

func (s *Server) anyUser(id string) *User {
	if u := s.users[id]; u != nil {
		return u
	}
	return &User{ID: id, Name: strings.ToLower(id), TeamID: s.opt.TeamID}
}

func (s *Server) anyChannel(id string) *Channel {
	if c := s.channels[id]; c != nil {
		return c
	}
	return &Channel{ID: id, Name: strings.ToLower(id)}
}

// merge lays over over base, objects deeply.
func merge(base obj, over map[string]any) obj {
	for k, v := range over {
		sub, isObj := v.(map[string]any)
		switch {
		case v == nil:
			delete(base, k)
		case isObj && asObj(base[k]) != nil:
			base[k] = merge(asObj(base[k]), sub)
		default:
			base[k] = v
		}
	}
	return base
}

// OpenHome opens the app's Home tab: the app gets app_home_opened, each time. It returns when the
// event was acknowledged, or with the reason why not; Slack repeats the event meanwhile.
func (s *Server) OpenHome(ctx context.Context, user string) error {
	return s.openApp(ctx, user, "home")
}

// OpenMessages opens the app's Messages tab, which sends app_home_opened too.
func (s *Server) OpenMessages(ctx context.Context, user string) error {
	return s.openApp(ctx, user, "messages")
}

func (s *Server) openApp(ctx context.Context, user, tab string) error {
	s.mu.Lock()
	u, err := s.actor(user)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	event := obj{"type": "app_home_opened", "user": u.ID, "channel": s.dmWith(u.ID).ID, "tab": tab,
		"event_ts": slackTime(s.opt.Now())}
	if h := s.homes[u.ID]; h != nil && tab == "home" {
		event["view"] = s.viewJSON(h, true)
	}
	first := s.emit("app_home_opened", event, false)
	s.mu.Unlock()
	select {
	case err := <-first:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stop:
		return ErrDispatchFailed
	}
}

// Post writes a message as a person and returns its timestamp. The app hears of it if it subscribed.
func (s *Server) Post(user, channel, text, threadTS string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ch, err := s.actorIn(user, channel)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(text) == "" {
		return "", impossible("an empty message")
	}
	text = s.escapeMentions(text)
	m := s.addMessage(Message{Channel: ch.ID, User: u.ID, Text: text, ThreadTS: threadTS, clientMsgID: s.newUUID(),
		Blocks: s.normalize([]any{richText(text)})})
	s.messageEvents(ch, m)
	return m.TS, nil
}
