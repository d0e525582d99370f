package slacksim

import "slices"

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
