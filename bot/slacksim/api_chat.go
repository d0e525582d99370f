package slacksim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyholder/keyholder/bot/slacksim/blockkit"
)

// content is what a message says, checked.
type content struct {
	text                          string
	blocks, attachments, metadata json.RawMessage
	hasText, hasBlocks            bool // given at all, also when empty
	hasAttachments                bool
}

var tsPattern = regexp.MustCompile(`^\d{1,12}\.\d{6}$`)

// content reads and checks text, blocks, attachments and metadata of a chat method.
func (c *call) content() (content, *apiError) {
	out := content{text: c.args.str("text")}
	_, out.hasText = c.args["text"]
	if md := c.args.str("markdown_text"); md != "" {
		if out.text != "" || c.args.str("blocks") != "" {
			return out, fail("markdown_text_conflict")
		}
		out.text, out.hasText = md, true
	}
	if err := c.contentBlocks(&out); err != nil {
		return out, err
	}
	if err := c.contentAttachments(&out); err != nil {
		return out, err
	}
	meta, ok := c.args.json("metadata")
	if !ok {
		return out, fail("invalid_metadata_format")
	}
	if meta != nil {
		raw, err := checkMetadata(meta)
		if err != nil {
			return out, err
		}
		out.metadata = raw
	}
	return out, nil
}

func (c *call) contentBlocks(out *content) *apiError {
	raw, given := c.args["blocks"]
	if raw == nil || raw == "" {
		given = false
	}
	if !given {
		return nil
	}
	list, ok := blockkit.Decode(raw)
	if !ok {
		return fail("invalid_blocks_format")
	}
	if list == nil { // the string "null"
		return nil
	}
	out.hasBlocks = true
	if len(encode(list)) > limit("message.bytes").Max {
		return fail("msg_blocks_too_long")
	}
	if faults := blockkit.Words(blockkit.Blocks(list)); len(faults) > 0 {
		return invalidBlocks(faults)
	}
	out.blocks = c.s.normalize(clone(list))
	return nil
}

// invalidBlocks is the answer of chat.* to bad blocks: the same faults twice, once marked [ERROR].
func invalidBlocks(faults []string) *apiError {
	e := failMessages("invalid_blocks", faults...)
	var plain []any
	for _, f := range faults {
		plain = append(plain, f)
	}
	e.extra["errors"] = plain
	return e
}

func (c *call) contentAttachments(out *content) *apiError {
	v, ok := c.args.json("attachments")
	if !ok {
		return fail("invalid_attachments")
	}
	list := asList(v)
	if v != nil && list == nil {
		return fail("invalid_attachments")
	}
	out.hasAttachments = list != nil
	if len(list) > limit("message.attachments").Max {
		return fail("too_many_attachments")
	}
	for i, a := range list {
		if asObj(a) != nil && asObj(a)["id"] == nil {
			asObj(a)["id"] = i + 1
		}
		blocks := asList(asObj(a)["blocks"])
		if faults := blockkit.Words(blockkit.Blocks(blocks)); len(faults) > 0 {
			return invalidBlocks(faults)
		}
		if len(blocks) > 0 {
			asObj(a)["blocks"] = decode(c.s.normalize(blocks))
		}
	}
	if len(list) > 0 {
		out.attachments = encode(list)
	}
	return nil
}

// checkMetadata refuses metadata without a type or with a payload that is no object.
func checkMetadata(v any) (json.RawMessage, *apiError) {
	m, ok := v.(obj)
	if !ok {
		return nil, fail("invalid_metadata_format")
	}
	if asString(m["event_type"]) == "" {
		if m["event_payload"] == nil {
			return nil, nil
		}
		return nil, fail("invalid_metadata_schema")
	}
	if m["event_payload"] == nil {
		m["event_payload"] = obj{}
	}
	if _, ok := m["event_payload"].(obj); !ok {
		return nil, fail("invalid_metadata_schema")
	}
	raw := encode(obj{"event_type": m["event_type"], "event_payload": m["event_payload"]})
	if len(raw) > limit("metadata.bytes").Max {
		return nil, fail("metadata_too_large")
	}
	return raw, nil
}

func (m content) empty() bool {
	return strings.TrimSpace(m.text) == "" && len(m.blocks) == 0 && len(m.attachments) == 0
}

// cut shortens a text to n code points, as Slack does with very long messages.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n])
}

// target resolves the channel argument of the methods that take "an encoded ID, or a name"
// (docs.slack.dev/reference/methods/chat.postMessage, chat.scheduleMessage, chat.postEphemeral): all others want an ID.
func (c *call) target() (*Channel, *apiError) {
	id := c.args.str("channel")
	if c.s.channels[id] == nil && c.s.users[id] == nil {
		if ch := c.s.channelNamed(strings.TrimPrefix(id, "#")); ch != nil {
			id = ch.ID
		}
	}
	return c.place(id)
}

// place is the conversation of that ID, for a new message: a channel, a direct message, or a user
// whose direct message is opened.
func (c *call) place(id string) (*Channel, *apiError) {
	s := c.s
	if u := s.users[id]; u != nil {
		if u.Deleted || s.stranger(u) || u.IsBot || u.ID == "USLACKBOT" {
			return nil, fail("channel_not_found")
		}
		if s.messagesOff {
			return nil, fail("messages_tab_disabled")
		}
		return s.dmWith(id), nil
	}
	ch := s.channels[id]
	switch {
	case ch == nil, ch.Private && !ch.has(s.opt.BotUserID):
		return nil, fail("channel_not_found")
	case ch.Archived:
		return nil, fail("is_archived")
	case ch.im && s.messagesOff:
		return nil, fail("messages_tab_disabled")
	case !ch.has(s.opt.BotUserID) && !s.hasScope("chat:write.public"):
		return nil, fail("not_in_channel")
	}
	return ch, nil
}

func (s *Server) channelNamed(name string) *Channel {
	for _, id := range s.channelOrder {
		if c := s.channels[id]; c.Name == name && name != "" {
			return c
		}
	}
	return nil
}

// compose reads target and content into a message of the app that is not yet sent.
func (c *call) compose() (*Channel, Message, *apiError) {
	ch, err := c.target()
	if err != nil {
		return nil, Message{}, err
	}
	if c.args.boolean("as_user") { // for classic apps only
		return nil, Message{}, fail("as_user_not_supported")
	}
	body, err := c.content()
	if err != nil {
		return nil, Message{}, err
	}
	if body.empty() {
		return nil, Message{}, fail("no_text")
	}
	m := c.s.ownMessage(ch.ID, body)
	c.disguise(&m)
	if ts := c.args.str("thread_ts"); ts != "" {
		parent := c.s.stored(ch.ID, ts)
		if parent == nil {
			return nil, m, fail("cannot_reply_to_message")
		}
		if m.ThreadTS = parent.TS; parent.ThreadTS != "" {
			m.ThreadTS = parent.ThreadTS
		}
		m.Broadcast = c.args.boolean("reply_broadcast")
	}
	return ch, m, nil
}

// disguise gives a message the name and icon that the call asks for. Without chat:write.customize Slack ignores them
// (github.com/linyows/dewy/pull/362). An emoji wins over a picture (docs.slack.dev/reference/methods/chat.postMessage).
func (c *call) disguise(m *Message) {
	if !c.s.hasScope("chat:write.customize") {
		return
	}
	m.Username, m.IconEmoji, m.IconURL = c.args.str("username"), c.args.str("icon_emoji"), c.args.str("icon_url")
	if m.IconEmoji != "" {
		m.IconURL = ""
	}
}

// disguised says whether a message goes under another name or icon than the app's: it is then a bot_message.
func (m *Message) disguised() bool { return m.Username != "" || m.IconEmoji != "" || m.IconURL != "" }

func (s *Server) ownMessage(channel string, body content) Message {
	return Message{Channel: channel, User: s.opt.BotUserID, BotID: s.opt.BotID,
		Text:   cut(body.text, limit("message.text").Max),
		Blocks: body.blocks, Attachments: body.attachments, Metadata: body.metadata}
}

func postMessage(c *call) (obj, *apiError) {
	ch, m, err := c.compose()
	if err != nil {
		return nil, err
	}
	sent := c.s.addMessage(m)
	c.s.messageEvents(ch, sent)
	return obj{"channel": ch.ID, "ts": sent.TS, "message": c.s.messageJSON(sent, true)}, nil
}

func postEphemeral(c *call) (obj, *apiError) {
	ch, m, err := c.compose()
	if err != nil {
		return nil, err
	}
	user := c.args.str("user")
	if !ch.has(user) {
		return nil, fail("user_not_in_channel")
	}
	m.EphemeralTo = user
	return obj{"message_ts": c.s.addMessage(m).TS}, nil
}

// own returns the app's message that channel and ts name.
func (c *call) own(cant string) (*Message, *apiError) {
	ch := c.s.channels[c.args.str("channel")]
	if ch == nil || ch.Private && !ch.has(c.s.opt.BotUserID) {
		return nil, fail("channel_not_found")
	}
	m := c.s.stored(ch.ID, c.args.str("ts"))
	if m == nil {
		return nil, fail("message_not_found")
	}
	if m.BotID != c.s.opt.BotID {
		return nil, fail(cant)
	}
	return m, nil
}

func updateMessage(c *call) (obj, *apiError) {
	m, err := c.own("cant_update_message")
	if err != nil {
		return nil, err
	}
	if c.args.boolean("as_user") {
		return nil, fail("as_user_not_supported")
	}
	if c.s.channels[m.Channel].Archived {
		return nil, fail("is_inactive") // docs.slack.dev/reference/methods/chat.update
	}
	if utf8.RuneCountInString(c.args.str("text")) > limit("update.text").Max {
		return nil, fail("msg_too_long")
	}
	body, err := c.content()
	if err != nil {
		return nil, err
	}
	if body.empty() { // blocks=[] or an empty text alone would leave nothing to read
		return nil, fail("no_text")
	}
	c.s.rewrite(m, body)
	return obj{"channel": m.Channel, "ts": m.TS, "text": m.Text, "message": c.s.messageJSON(m, true)}, nil
}

// rewrite puts new content into a message. What was not given stays; an empty list of blocks or attachments clears them
// (docs.slack.dev/reference/methods/chat.update).
func (s *Server) rewrite(m *Message, body content) {
	before := s.messageJSON(m, true)
	if body.hasText {
		m.Text = body.text
	}
	if body.hasBlocks {
		m.Blocks = body.blocks
	}
	if body.hasAttachments {
		m.Attachments = body.attachments
	}
	if body.metadata != nil {
		m.Metadata = body.metadata
	}
	m.Edited, m.EditedTS = true, slackTime(s.opt.Now())
	m.Edits++
	s.touch()
	s.changeEvent("message_changed", m, obj{"message": s.messageJSON(m, true), "previous_message": before})
}

// erase deletes a message of the app.
func (s *Server) erase(m *Message) {
	before := s.messageJSON(m, true)
	m.Deleted = true
	s.touch()
	s.changeEvent("message_deleted", m, obj{"deleted_ts": m.TS, "previous_message": before})
}

func deleteMessage(c *call) (obj, *apiError) {
	m, err := c.own("cant_delete_message")
	if err != nil {
		return nil, err
	}
	c.s.erase(m)
	return obj{"channel": m.Channel, "ts": m.TS}, nil
}

func getPermalink(c *call) (obj, *apiError) {
	ch := c.s.channels[c.args.str("channel")]
	if ch == nil {
		return nil, fail("channel_not_found")
	}
	m := c.s.stored(ch.ID, c.args.str("message_ts"))
	if m == nil {
		return nil, fail("message_not_found")
	}
	return obj{"channel": ch.ID, "permalink": c.s.permalink(m)}, nil
}

func (s *Server) permalink(m *Message) string {
	link := "https://" + s.opt.Domain + ".slack.com/archives/" + m.Channel + "/p" + strings.Replace(m.TS, ".", "", 1)
	if m.ThreadTS != "" && m.ThreadTS != m.TS {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + m.Channel
	}
	return link
}

type scheduledMessage struct {
	id      string
	postAt  int64
	created int64
	message Message
}

func scheduleMessage(c *call) (obj, *apiError) {
	at, ok := c.args.integer("post_at", 0)
	now := c.s.opt.Now().Unix()
	switch {
	case !ok, c.args.str("post_at") == "":
		return nil, fail("invalid_time")
	case int64(at) <= now:
		return nil, fail("time_in_past")
	case int64(at) > now+int64(limit("schedule.days").Max)*24*3600:
		return nil, fail("time_too_far")
	}
	ch, m, err := c.compose()
	if err != nil {
		return nil, err
	}
	if c.s.scheduledNear(ch.ID, int64(at)) >= limit("schedule.burst").Max {
		return nil, fail("restricted_too_many")
	}
	q := &scheduledMessage{id: c.s.newID("Q0", 9), postAt: int64(at), created: now, message: m}
	c.s.scheduled = append(c.s.scheduled, q)
	c.s.runScheduler()
	msg := c.s.messageJSON(&m, true)
	msg["type"] = "delayed_message"
	delete(msg, "ts") // it gets one when it is posted
	return obj{"channel": ch.ID, "scheduled_message_id": q.id, "post_at": q.postAt, "message": msg}, nil
}

// scheduledNear counts what is scheduled for a channel in the five minutes that at falls into.
func (s *Server) scheduledNear(channel string, at int64) int {
	const window = 5 * 60
	n := 0
	for _, q := range s.scheduled {
		if q.message.Channel == channel && q.postAt/window == at/window {
			n++
		}
	}
	return n
}

func deleteScheduled(c *call) (obj, *apiError) {
	if c.s.channels[c.args.str("channel")] == nil {
		return nil, fail("channel_not_found")
	}
	before := len(c.s.scheduled)
	c.s.scheduled = slices.DeleteFunc(c.s.scheduled, func(q *scheduledMessage) bool {
		return q.id == c.args.str("scheduled_message_id") && q.message.Channel == c.args.str("channel")
	})
	if len(c.s.scheduled) == before {
		return nil, fail("invalid_scheduled_message_id")
	}
	return obj{}, nil
}

func listScheduled(c *call) (obj, *apiError) {
	only := c.args.str("channel")
	if only != "" && c.s.channels[only] == nil {
		return nil, fail("invalid_channel")
	}
	l := []any{}
	for _, q := range c.s.scheduled {
		if (only == "" || q.message.Channel == only) && c.withinSeconds(q.postAt) {
			l = append(l, obj{"id": q.id, "channel_id": q.message.Channel, "post_at": q.postAt,
				"date_created": q.created, "text": q.message.Text})
		}
	}
	page, cursor, err := paginate(c.args, l, 100)
	return obj{"scheduled_messages": page, "response_metadata": obj{"next_cursor": cursor}}, err
}

// withinSeconds applies oldest and latest to a Unix time.
func (c *call) withinSeconds(at int64) bool {
	oldest, latest := c.args.str("oldest"), c.args.str("latest")
	return (oldest == "" || at*1e6 >= tsMicros(oldest)) && (latest == "" || at*1e6 <= tsMicros(latest))
}

// schedulerStep is how often due messages are looked for; the clock may be the caller's, so it is polled.
const schedulerStep = 50 * time.Millisecond

// runScheduler posts scheduled messages and ends statuses when they are due, and ends when nothing
// is left. The lock is held.
func (s *Server) runScheduler() {
	if s.schedulerOn {
		return
	}
	s.schedulerOn = true
	s.spawn(func() {
		for s.sleep(schedulerStep) {
			if !s.postDue() {
				return
			}
		}
	})
}

// postDue does what is due and says whether there is more to come.
func (s *Server) postDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now().Unix()
	var rest []*scheduledMessage
	for _, q := range s.scheduled {
		if q.postAt > now {
			rest = append(rest, q)
			continue
		}
		m := s.addMessage(q.message)
		s.messageEvents(s.channels[m.Channel], m)
	}
	s.scheduled = rest
	more := s.expireStatuses()
	s.schedulerOn = more || len(rest) > 0
	return s.schedulerOn
}
