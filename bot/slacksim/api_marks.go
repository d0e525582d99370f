package slacksim

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// marked returns the message that channel and timestamp name, for a reaction or a pin.
func (c *call) marked() (*Channel, *Message, *apiError) {
	if c.args.str("timestamp") == "" && c.args.str("channel") == "" || c.args.str("timestamp") == "" {
		return nil, nil, fail("no_item_specified")
	}
	ch := c.s.channels[c.args.str("channel")]
	if ch == nil || ch.Private && !ch.has(c.s.opt.BotUserID) {
		return nil, nil, fail("channel_not_found")
	}
	if !tsPattern.MatchString(c.args.str("timestamp")) {
		return nil, nil, fail("bad_timestamp")
	}
	m := c.s.stored(ch.ID, c.args.str("timestamp"))
	if m == nil {
		return nil, nil, fail("message_not_found")
	}
	return ch, m, nil
}

// mostEmoji is how many different reactions a message takes; Slack names the error, too_many_emoji,
// and its help page the number (slack.com/help/articles/202931348, "23 unique emoji").
const mostEmoji = 23

func addReaction(c *call) (obj, *apiError) {
	ch, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	if ch.Archived {
		return nil, fail("is_archived")
	}
	name, known := reactionName(c.args.str("name"))
	if !known {
		return nil, fail("invalid_name")
	}
	if code := c.s.react(ch, m, name, c.s.opt.BotUserID); code != "" {
		return nil, fail(code)
	}
	return obj{}, nil
}

// react puts somebody's reaction on a message and tells the app; the answer is Slack's code, "" for done.
func (s *Server) react(ch *Channel, m *Message, name, user string) string {
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Name == name })
	switch {
	case i >= 0 && slices.Contains(m.Reactions[i].Users, user):
		return "already_reacted"
	case i >= 0:
		m.Reactions[i].Users = append(slices.Clone(m.Reactions[i].Users), user)
	case len(m.Reactions) >= mostEmoji:
		return "too_many_emoji"
	default:
		m.Reactions = append(m.Reactions, Reaction{Name: name, Users: []string{user}})
	}
	s.reactionEvent("reaction_added", ch, m, name, user)
	s.touch()
	return ""
}

func removeReaction(c *call) (obj, *apiError) {
	ch, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	name, known := reactionName(c.args.str("name"))
	if !known {
		return nil, fail("invalid_name")
	}
	if !c.s.unreact(ch, m, name, c.s.opt.BotUserID) {
		return nil, fail("no_reaction")
	}
	return obj{}, nil
}

// unreact takes somebody's reaction away, tells the app, and says whether there was one.
func (s *Server) unreact(ch *Channel, m *Message, name, user string) bool {
	for i := range m.Reactions {
		r := &m.Reactions[i]
		at := slices.Index(r.Users, user)
		if r.Name != name || at < 0 {
			continue
		}
		if r.Users = slices.Delete(slices.Clone(r.Users), at, at+1); len(r.Users) == 0 {
			m.Reactions = slices.Delete(m.Reactions, i, i+1)
		}
		s.reactionEvent("reaction_removed", ch, m, name, user)
		s.touch()
		return true
	}
	return false
}

// reactionEvent tells the app of a reaction in a conversation it is in
// (docs.slack.dev/reference/events/reaction_added).
func (s *Server) reactionEvent(name string, ch *Channel, m *Message, reaction, user string) {
	if !s.hasScope("reactions:read") || !ch.has(s.opt.BotUserID) {
		return
	}
	event := obj{"type": name, "user": user, "reaction": reaction, "event_ts": slackTime(s.opt.Now()),
		"item": obj{"type": "message", "channel": ch.ID, "ts": m.TS}}
	if m.User != "" {
		event["item_user"] = m.User
	}
	s.emit(name, event, ch.ExtShared)
}

// React puts a person's reaction on a message that they see, by the emoji's name; the app hears of it.
func (s *Server) React(user, channel, ts, name string) error {
	return s.reactAs(user, channel, ts, name, true)
}

// Unreact takes a person's reaction away.
func (s *Server) Unreact(user, channel, ts, name string) error {
	return s.reactAs(user, channel, ts, name, false)
}

func (s *Server) reactAs(user, channel, ts, given string, add bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ch, err := s.actorIn(user, channel)
	if err != nil {
		return err
	}
	m, name, known := s.stored(ch.ID, ts), "", false
	if name, known = reactionName(given); !known {
		return impossible("there is no emoji %q", given)
	}
	switch {
	case m == nil:
		return impossible("user %s sees no message %s in %s", user, ts, channel)
	case add:
		if code := s.react(ch, m, name, u.ID); code != "" {
			return impossible("%s", code)
		}
	case !s.unreact(ch, m, name, u.ID):
		return impossible("user %s has no such reaction there", user)
	}
	return nil
}

// getReactions is a message, or a file, with what people reacted to it.
func getReactions(c *call) (obj, *apiError) {
	if id := c.args.str("file"); id != "" {
		f := c.s.files[id]
		if f == nil || !f.Complete || f.deleted {
			return nil, fail("file_not_found")
		}
		return obj{"type": "file", "file": c.s.filesJSON([]*File{f})[0]}, nil
	}
	ch, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	message := c.s.messageJSON(m, false)
	message["permalink"] = c.s.permalink(m)
	return obj{"type": "message", "channel": ch.ID, "message": message}, nil
}

func addPin(c *call) (obj, *apiError) {
	ch, m, err := c.marked()
	switch {
	case err != nil:
		return nil, err
	case !ch.has(c.s.opt.BotUserID):
		return nil, fail("not_in_channel")
	case len(m.pinned) > 0:
		return nil, fail("already_pinned")
	}
	m.pinned, m.pinnedAt = []string{ch.ID}, c.s.opt.Now().Unix()
	c.s.pinEvent("pin_added", ch, m)
	return obj{}, nil
}

func removePin(c *call) (obj, *apiError) {
	ch, m, err := c.marked()
	switch {
	case err != nil:
		return nil, err
	case len(m.pinned) == 0:
		return nil, fail("no_pin")
	}
	c.s.pinEvent("pin_removed", ch, m)
	m.pinned = nil
	return obj{}, nil
}

func listPins(c *call) (obj, *apiError) {
	ch, err := c.visible("read")
	if err != nil && err.code != "missing_scope" { // pins:read is enough
		return nil, err
	}
	l := []any{}
	for _, m := range c.s.pins(ch) {
		l = append(l, c.s.pinJSON(m))
	}
	return obj{"items": l}, nil
}

// pins are the pinned messages of a channel, the newest pin first.
func (s *Server) pins(ch *Channel) []*Message {
	var l []*Message
	for _, m := range s.messages[ch.ID] {
		if len(m.pinned) > 0 && !m.Deleted {
			l = append(l, m)
		}
	}
	slices.SortStableFunc(l, func(a, b *Message) int { return int(b.pinnedAt - a.pinnedAt) })
	return l
}

// pinJSON is a pin as pins.list and the events tell it; only the app pins here.
func (s *Server) pinJSON(m *Message) obj {
	message := s.messageJSON(m, false)
	message["permalink"] = s.permalink(m)
	return obj{"type": "message", "channel": m.Channel, "created": m.pinnedAt, "created_by": s.opt.BotUserID,
		"message": message}
}

func (s *Server) pinEvent(name string, ch *Channel, m *Message) {
	if !s.hasScope("pins:read") || !ch.has(s.opt.BotUserID) {
		return
	}
	s.emit(name, obj{"type": name, "user": s.opt.BotUserID, "channel_id": ch.ID, "item": s.pinJSON(m),
		"item_user": m.User,
		"pin_count": len(s.pins(ch)), "event_ts": slackTime(s.opt.Now()),
		"pinned_info": obj{"channel": ch.ID, "pinned_by": s.opt.BotUserID, "pinned_ts": m.pinnedAt}}, ch.ExtShared)
}

// emojiNames are the names of Unicode's emoji as Slack spells them, one emoji a line, its own name
// first and the others it answers to after it (github.com/iamcal/emoji-data 16.0.0, short_names;
// MIT).
//
//go:embed emoji.txt
var emojiNames string

// emoji maps every name of an emoji to its own name.
var emoji = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(emojiNames) {
		names := strings.Fields(line)
		for _, n := range names {
			all[n] = names[0]
		}
	}
	return all
})

// skinTone ends the name of a reaction in another colour, as wave::skin-tone-3.
var skinTone = regexp.MustCompile(`::skin-tone-[2-6]$`)

// reactionName is the name under which a reaction is kept; false for one that Slack does not know. The workspace has no
// emoji of its own.
func reactionName(given string) (string, bool) {
	name := strings.Trim(given, ":")
	tone := skinTone.FindString(name)
	own, ok := emoji()[strings.TrimSuffix(name, tone)]
	return own + tone, ok
}
