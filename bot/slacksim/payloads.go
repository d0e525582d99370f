package slacksim

import "strings"

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
