package slacksim

import "slices"

// messageJSON is a message as methods and payloads carry it.
func (s *Server) messageJSON(m *Message, metadata bool) obj {
	o := s.plainMessage(m, metadata)
	s.threadJSON(m, o)
	return o
}

// plainMessage is messageJSON without what the thread around it adds.
func (s *Server) plainMessage(m *Message, metadata bool) obj {
	o := obj{"type": "message", "text": m.Text, "ts": m.TS, "team": s.opt.TeamID}
	if m.User != "" {
		o["user"] = m.User
	}
	if m.BotID != "" {
		s.authorJSON(m, o)
	}
	if m.clientMsgID != "" {
		o["client_msg_id"] = m.clientMsgID
	}
	if len(m.Blocks) > 0 {
		o["blocks"] = decode(m.Blocks)
	}
	if len(m.Attachments) > 0 {
		o["attachments"] = decode(m.Attachments)
	}
	if len(m.Metadata) > 0 && metadata {
		o["metadata"] = decode(m.Metadata)
	}
	if m.Edited {
		o["edited"] = obj{"user": m.User, "ts": m.EditedTS}
	}
	if len(m.Files) > 0 { // docs.slack.dev/reference/events/message/file_share
		o["files"], o["subtype"], o["upload"], o["display_as_bot"] = s.filesOf(m), "file_share", false, false
	}
	if m.Subtype != "" {
		o["subtype"] = m.Subtype
		for k, v := range m.about {
			o[k] = v
		}
	}
	if len(m.pinned) > 0 {
		o["pinned_to"] = slices.Clone(m.pinned)
	}
	if len(m.Reactions) > 0 {
		o["reactions"] = reactionsJSON(m)
	}
	return o
}

// authorJSON tells which app a message is of. One under another name or icon is a bot_message
// without a user (docs.slack.dev/reference/events/message/bot_message;
// docs.slack.dev/reference/methods/chat.postMessage, its example).
func (s *Server) authorJSON(m *Message, o obj) {
	o["bot_id"], o["app_id"], o["bot_profile"] = m.BotID, s.opt.AppID, s.botProfile()
	if !m.disguised() {
		return
	}
	delete(o, "user")
	o["subtype"], o["username"] = "bot_message", m.Username
	if m.Username == "" {
		o["username"] = s.opt.BotName
	}
	switch {
	case m.IconEmoji != "":
		o["icons"] = obj{"emoji": m.IconEmoji}
	case m.IconURL != "":
		o["icons"] = obj{"image_36": m.IconURL, "image_48": m.IconURL, "image_64": m.IconURL, "image_72": m.IconURL}
	}
}

// botProfile is the app's face beside its messages.
func (s *Server) botProfile() obj {
	return obj{"id": s.opt.BotID, "deleted": false, "name": s.opt.BotName, "updated": 0, "app_id": s.opt.AppID,
		"user_id": s.opt.BotUserID, "icons": s.pictures(s.opt.BotUserID, 36, 48, 72), "team_id": s.opt.TeamID}
}

func reactionsJSON(m *Message) []any {
	l := []any{}
	for _, r := range m.Reactions {
		l = append(l, obj{"name": r.Name, "users": slices.Clone(r.Users), "count": len(r.Users)})
	}
	return l
}

// threadJSON adds what the thread around a message means for it: to a reply its root, to a root who replied
// (docs.slack.dev/messaging/retrieving-messages#threads; @slack/web-api 8.2.0, ConversationsRepliesResponse).
func (s *Server) threadJSON(m *Message, o obj) {
	if m.ThreadTS != "" {
		o["thread_ts"] = m.ThreadTS
		p := s.stored(m.Channel, m.ThreadTS)
		if p == nil {
			return
		}
		if p.User != "" {
			o["parent_user_id"] = p.User
		}
		if m.Broadcast { // docs.slack.dev/reference/events/message/thread_broadcast
			root := s.plainMessage(p, false)
			s.repliesJSON(p, root)
			o["subtype"], o["root"] = "thread_broadcast", root
		}
		return
	}
	s.repliesJSON(m, o)
}

// repliesJSON adds to a root what there is of replies. A message that has no timestamp yet has none.
func (s *Server) repliesJSON(m *Message, o obj) {
	if m.TS == "" {
		return
	}
	var count int
	var latest string
	users, subscribed := []string{}, m.User == s.opt.BotUserID
	for _, r := range s.messages[m.Channel] {
		if r.ThreadTS != m.TS || r.Deleted || r.EphemeralTo != "" {
			continue
		}
		count, latest = count+1, r.TS
		who := r.User
		if r.BotID != "" && r.disguised() {
			who = r.BotID
		}
		if !slices.Contains(users, who) {
			users = append(users, who)
		}
		subscribed = subscribed || r.User == s.opt.BotUserID
	}
	if count > 0 {
		o["thread_ts"], o["reply_count"], o["latest_reply"] = m.TS, count, latest
		o["reply_users"], o["reply_users_count"] = users, len(users)
		o["is_locked"], o["subscribed"] = false, subscribed
	}
}
