package slacksim

import (
	"context"
	"encoding/json"
)

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
