package slacksim

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// note is the topic or purpose of a channel.
type note struct {
	value, creator string
	set            int64
}

func (n note) json() obj { return obj{"value": n.value, "creator": n.creator, "last_set": n.set} }

// The scopes that conversations.* need for each kind of conversation
// (docs.slack.dev/reference/methods/conversations.create, .invite, .setTopic and the others);
// without an entry the kind is not supported.
var (
	manages = map[string][]string{"channels": {"channels:manage"}, "groups": {"groups:write"}}
	invites = map[string][]string{
		"channels": {"channels:manage", "channels:write.invites"}, "groups": {"groups:write", "groups:write.invites"}}
	topics = map[string][]string{
		"channels": {"channels:manage", "channels:write.topic"}, "groups": {"groups:write", "groups:write.topic"},
		"mpim": {"mpim:write", "mpim:write.topic"}}
)

// anyOf is every scope of a kind of right, for the table of methods.
func anyOf(right map[string][]string) []string {
	var l []string
	for _, k := range []string{"channels", "groups", "mpim"} {
		l = append(l, right[k]...)
	}
	return l
}

// managed is the conversation of the channel argument, if the app may see it and its scope of that
// right is granted. The app must be in it where inside is true; archived ones are refused with the
// code given, none for "".
func (c *call) managed(right map[string][]string, inside bool, archived string) (*Channel, *apiError) {
	ch := c.s.channels[c.args.str("channel")]
	switch {
	case ch == nil, ch.Private && !ch.has(c.s.opt.BotUserID):
		return nil, fail("channel_not_found")
	case right[ch.kindScope()] == nil:
		return nil, fail("method_not_supported_for_channel_type")
	case ch.Archived && archived != "":
		return nil, fail(archived)
	case inside && !ch.has(c.s.opt.BotUserID):
		return nil, fail("not_in_channel")
	}
	return ch, c.s.needScope(right[ch.kindScope()]...)
}

// longestName is documented in docs.slack.dev/reference/methods/conversations.create, "Naming".
const longestName = 80

// newName checks the name argument for a channel that may already have it, nil for a new one.
func (c *call) newName(own *Channel) (string, *apiError) {
	name := c.args.str("name")
	other := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	odd := func(r rune) bool { return other(r) && r != '-' && r != '_' || unicode.IsUpper(r) }
	switch taken := c.s.channelNamed(name); {
	case name == "":
		return "", fail("invalid_name_required")
	case utf8.RuneCountInString(name) > longestName:
		return "", fail("invalid_name_maxlength")
	case strings.IndexFunc(name, odd) >= 0:
		return "", fail("invalid_name_specials")
	case strings.IndexFunc(name, func(r rune) bool { return !other(r) }) < 0:
		return "", fail("invalid_name_punctuation")
	case taken != nil && taken != own:
		return "", fail("name_taken")
	}
	return name, nil
}

func createChannel(c *call) (obj, *apiError) {
	s, private := c.s, c.args.boolean("is_private")
	kind := "channels"
	if private {
		kind = "groups"
	}
	if err := s.needScope(manages[kind]...); err != nil {
		return nil, err
	}
	name, err := c.newName(nil)
	if err != nil {
		return nil, err
	}
	ch := &Channel{ID: s.newID("C0", 9), Name: name, Private: private, Members: []string{s.opt.BotUserID},
		created: s.opt.Now().Unix(), creator: s.opt.BotUserID}
	s.putChannel(ch)
	if !private {
		s.channelEvent(ch, "channel_created", obj{"channel": obj{"id": ch.ID, "is_channel": true, "name": name,
			"name_normalized": name, "created": ch.created, "creator": ch.creator, "is_shared": false,
			"is_org_shared":   false,
			"context_team_id": s.opt.TeamID}})
	}
	s.joined(ch, s.opt.BotUserID, "")
	return obj{"channel": s.channelJSON(ch)}, nil
}

func joinChannel(c *call) (obj, *apiError) {
	ch, err := c.managed(map[string][]string{"channels": {"channels:join"}}, false, "is_archived")
	if err != nil {
		return nil, err
	}
	if ch.has(c.s.opt.BotUserID) {
		out := obj{"channel": c.s.channelJSON(ch)}
		warn(out, "already_in_channel")
		return out, nil
	}
	c.s.enter(ch, c.s.opt.BotUserID, "")
	return obj{"channel": c.s.channelJSON(ch)}, nil
}

// inviteToChannel adds people. One who cannot be added refuses all, unless force is set.
func inviteToChannel(c *call) (obj, *apiError) {
	ch, err := c.managed(invites, true, "is_archived")
	if err != nil {
		return nil, err
	}
	var welcome []string
	var errors []any
	for id := range strings.SplitSeq(c.args.str("users"), ",") {
		if id = strings.TrimSpace(id); id == "" {
			continue
		}
		if code := c.s.uninvitable(ch, id); code != "" {
			errors = append(errors, obj{"user": id, "ok": false, "error": code})
		} else {
			welcome = append(welcome, id)
		}
	}
	switch {
	case len(welcome)+len(errors) == 0:
		return nil, fail("no_user")
	case len(errors) > 0 && (!c.args.boolean("force") || len(welcome) == 0):
		return nil, &apiError{asString(asObj(errors[0])["error"]), obj{"errors": errors}}
	}
	for _, id := range welcome {
		c.s.enter(ch, id, c.s.opt.BotUserID)
	}
	out := obj{"channel": c.s.channelJSON(ch)}
	if len(errors) > 0 {
		out["errors"] = errors
	}
	return out, nil
}

// uninvitable says why somebody cannot be added to a channel, "" for somebody who can.
func (s *Server) uninvitable(ch *Channel, id string) string {
	u := s.users[id]
	switch {
	case id == s.opt.BotUserID:
		return "cant_invite_self"
	case u == nil, u.Deleted, s.foreign(u) && !ch.ExtShared:
		return "user_not_found"
	case ch.has(id):
		return "already_in_channel"
	case u.IsUltraRestricted:
		return "ura_max_channels"
	case id == "USLACKBOT":
		return "cant_invite"
	}
	return ""
}

func kickFromChannel(c *call) (obj, *apiError) {
	ch, err := c.managed(manages, true, "")
	if err != nil {
		return nil, err
	}
	id := c.args.str("user")
	switch {
	case id == c.s.opt.BotUserID:
		return nil, fail("cant_kick_self")
	case c.s.users[id] == nil:
		return nil, fail("user_not_found")
	case ch.general():
		return nil, fail("cant_kick_from_general")
	case !ch.has(id):
		return nil, fail("not_in_channel")
	}
	c.s.exit(ch, id)
	return obj{"errors": obj{}}, nil // the page's example carries the empty errors
}

func leaveChannel(c *call) (obj, *apiError) {
	ch, err := c.managed(manages, false, "is_archived")
	switch {
	case err != nil:
		return nil, err
	case !ch.has(c.s.opt.BotUserID):
		// ok:false without an error, as the example of docs.slack.dev/reference/methods/conversations.leave has it
		return obj{"ok": false, "not_in_channel": true}, nil
	case ch.general():
		return nil, fail("cant_leave_general")
	case len(ch.Members) == 1:
		return nil, fail("last_member")
	}
	c.s.exit(ch, c.s.opt.BotUserID)
	return obj{}, nil
}

func renameChannel(c *call) (obj, *apiError) {
	ch, err := c.managed(manages, true, "is_archived")
	if err != nil {
		return nil, err
	}
	name, err := c.newName(ch)
	if err != nil {
		return nil, err
	}
	old := ch.Name
	ch.previous, ch.Name = append(slices.Clone(ch.previous), old), name
	c.s.channelSays(ch, "name", "has renamed the channel from \""+old+"\" to \""+name+"\"",
		obj{"old_name": old, "name": name})
	c.s.channelEvent(ch, ch.word("rename"), obj{"channel": obj{"id": ch.ID, "is_channel": !ch.Private, "is_mpim": false,
		"name": name, "name_normalized": name, "created": ch.created}})
	return obj{"channel": c.s.channelJSON(ch)}, nil
}

func archiveChannel(c *call) (obj, *apiError) {
	ch, err := c.managed(manages, true, "already_archived")
	switch {
	case err != nil:
		return nil, err
	case ch.general():
		return nil, fail("cant_archive_general")
	}
	ch.Archived = true
	c.s.channelEvent(ch, ch.word("archive"), obj{"channel": ch.ID, "user": c.s.opt.BotUserID})
	return obj{}, nil
}

func unarchiveChannel(c *call) (obj, *apiError) {
	ch, err := c.managed(manages, false, "")
	switch {
	case err != nil:
		return nil, err
	case !ch.Archived:
		return nil, fail("not_archived")
	}
	ch.Archived = false
	c.s.channelEvent(ch, ch.word("unarchive"), obj{"channel": ch.ID, "user": c.s.opt.BotUserID})
	return obj{}, nil
}

// longestNote is documented in docs.slack.dev/reference/methods/conversations.setTopic and .setPurpose, error too_long.
const longestNote = 250

func setTopic(c *call) (obj, *apiError) {
	return c.setNote("topic", func(ch *Channel) *note { return &ch.topic }, "set the channel topic: ")
}

func setPurpose(c *call) (obj, *apiError) {
	return c.setNote("purpose", func(ch *Channel) *note { return &ch.purpose }, "set the channel description: ")
}

func (c *call) setNote(key string, of func(*Channel) *note, said string) (obj, *apiError) {
	ch, err := c.managed(topics, true, "is_archived")
	if err != nil {
		return nil, err
	}
	text := c.args.str(key)
	if utf8.RuneCountInString(text) > longestNote {
		return nil, fail("too_long")
	}
	*of(ch) = note{text, c.s.opt.BotUserID, c.s.opt.Now().Unix()}
	c.s.channelSays(ch, key, said+text, obj{key: text})
	return obj{"channel": c.s.channelJSON(ch)}, nil
}

// userConversations lists where somebody is, by default the app; of conversations that are not
// public only those that the app is in, too. Its conversation objects lack is_member and
// num_members (docs.slack.dev/reference/methods/users.conversations).
func userConversations(c *call) (obj, *apiError) {
	user := c.args.str("user")
	if user == "" {
		user = c.s.opt.BotUserID
	}
	if c.s.users[user] == nil {
		return nil, fail("user_not_found")
	}
	return c.conversationPage(func(ch *Channel) obj {
		if !ch.has(user) {
			return nil
		}
		o := c.s.channelJSON(ch)
		delete(o, "is_member")
		return o
	})
}

// conversationPage is a page of the conversations of the kinds that types names, as show makes
// them; nil leaves one out.
func (c *call) conversationPage(show func(*Channel) obj) (obj, *apiError) {
	kinds := map[string]string{"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}
	types := c.args.str("types")
	if types == "" {
		types = "public_channel"
	}
	var wanted []string
	for t := range strings.SplitSeq(types, ",") {
		kind := kinds[strings.TrimSpace(t)]
		if kind == "" {
			return nil, fail("invalid_types")
		}
		if err := c.s.needScope(kind + ":read"); err != nil {
			return nil, err
		}
		wanted = append(wanted, kind)
	}
	l := []any{}
	for _, id := range c.s.channelOrder {
		ch := c.s.channels[id]
		if !slices.Contains(wanted, ch.kindScope()) || ch.Private && !ch.has(c.s.opt.BotUserID) ||
			ch.Archived && c.args.boolean("exclude_archived") {
			continue
		}
		if o := show(ch); o != nil {
			l = append(l, o)
		}
	}
	page, cursor, err := paginate(c.args, l, 100)
	return obj{"channels": page, "response_metadata": obj{"next_cursor": cursor}}, err
}

// general says whether nobody may leave the channel.
func (c *Channel) general() bool { return c.Name == "general" && !c.Private }

// word is an event or subtype of this kind of channel: channel_archive or group_archive.
func (c *Channel) word(what string) string {
	if c.Private {
		return "group_" + what
	}
	return "channel_" + what
}

// channelEvent tells the app of a channel that it may see, as far as it subscribed.
func (s *Server) channelEvent(ch *Channel, name string, fields obj) {
	if !s.hasScope(ch.kindScope()+":read") || ch.Private && !ch.has(s.opt.BotUserID) {
		return
	}
	event := obj{"type": name, "event_ts": slackTime(s.opt.Now())}
	for k, v := range fields {
		event[k] = v
	}
	s.emit(name, event, ch.ExtShared)
}

// channelSays writes what the app did to a channel into it, as a message of a subtype such as channel_topic.
func (s *Server) channelSays(ch *Channel, what, text string, about obj) {
	s.said(ch, s.opt.BotUserID, what, text, about)
}

func (s *Server) said(ch *Channel, user, what, text string, about obj) {
	m := s.addMessage(Message{Channel: ch.ID, User: user, Text: text, Subtype: ch.word(what), about: about})
	s.messageEvents(ch, m)
}

// enter makes somebody a member; inviter is "" for one who came by themselves.
func (s *Server) enter(ch *Channel, user, inviter string) {
	ch.Members = append(slices.Clone(ch.Members), user)
	s.joined(ch, user, inviter)
}

func (s *Server) joined(ch *Channel, user, inviter string) {
	event := s.memberEvent(ch, user)
	about := obj{}
	if inviter != "" {
		event["inviter"], about["inviter"] = inviter, inviter
	}
	s.said(ch, user, "join", "<@"+user+"> has joined the channel", about)
	s.channelEvent(ch, "member_joined_channel", event)
}

// exit ends a membership. The app that goes hears of it by channel_left instead.
func (s *Server) exit(ch *Channel, user string) {
	s.said(ch, user, "leave", "<@"+user+"> has left the channel", nil)
	if user == s.opt.BotUserID {
		s.channelEvent(ch, ch.word("left"), obj{"channel": ch.ID, "actor_id": user})
	} else {
		s.channelEvent(ch, "member_left_channel", s.memberEvent(ch, user))
	}
	ch.Members = slices.DeleteFunc(slices.Clone(ch.Members), func(m string) bool { return m == user })
}

// memberEvent is what member_joined_channel and member_left_channel carry
// (docs.slack.dev/reference/events/member_joined_channel).
func (s *Server) memberEvent(ch *Channel, user string) obj {
	kind, team := "C", s.opt.TeamID
	if ch.Private {
		kind = "G"
	}
	if u := s.users[user]; u != nil {
		team = u.TeamID
	}
	return obj{"user": user, "channel": ch.ID, "channel_type": kind, "team": team}
}

// Join makes a person a member of a public channel, or of a private one that somebody let them
// into; the app hears of it.
func (s *Server) Join(user, channel string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.actor(user)
	if err != nil {
		return err
	}
	ch := s.channels[channel]
	switch {
	case ch == nil || ch.im || ch.mpim:
		return impossible("there is no channel %q to join", channel)
	case ch.Archived:
		return impossible("channel %s is archived", channel)
	case ch.has(u.ID):
		return impossible("user %s is in channel %s already", user, channel)
	}
	s.enter(ch, u.ID, "")
	s.touch()
	return nil
}

// Leave ends a person's membership of a channel; the app hears of it.
func (s *Server) Leave(user, channel string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ch, err := s.actorIn(user, channel)
	if err != nil {
		return err
	}
	if ch.im || ch.mpim || ch.general() {
		return impossible("nobody leaves %s", channel)
	}
	s.exit(ch, u.ID)
	s.touch()
	return nil
}
