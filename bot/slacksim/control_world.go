package slacksim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// lookRoutes tells what there is: users, channels, groups, and how the app is set up.
func (s *Server) lookRoutes(get route) {
	get("users", func(*http.Request) (any, error) { return obj{"users": orEmpty(s.Users())}, nil })
	get("channels", func(*http.Request) (any, error) { return obj{"channels": orEmpty(s.Channels())}, nil })
	get("groups", func(*http.Request) (any, error) { return obj{"groups": orEmpty(s.UserGroups())}, nil })
	get("dm", func(r *http.Request) (any, error) { return obj{"channel": s.DM(r.URL.Query().Get("user"))}, nil })
	get("app", func(*http.Request) (any, error) {
		o := s.opt
		return obj{"seed": o.Seed, "team_id": o.TeamID, "app_id": o.AppID, "bot_user_id": o.BotUserID,
			"bot_id":   o.BotID,
			"commands": orEmpty(o.Commands), "events": o.Events, "scopes": s.provided()}, nil
	})
}

// Channels lists every conversation, direct messages included, in the order they were added.
func (s *Server) Channels() []Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l []Channel
	for _, id := range s.channelOrder {
		c := *s.channels[id]
		c.Members = append([]string(nil), c.Members...)
		l = append(l, c)
	}
	return l
}

// UserGroups lists every user group, in the order they were added.
func (s *Server) UserGroups() []UserGroup {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l []UserGroup
	for _, id := range s.groupOrder {
		g := *s.groups[id]
		g.Members = append([]string(nil), g.Members...)
		l = append(l, g)
	}
	return l
}

// faultRoutes lists, adds and removes faults, sets the random profile and switches the limits.
func (s *Server) faultRoutes(get, post, remove route) {
	get("faults", func(*http.Request) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		rules := []any{}
		for _, a := range s.rules {
			rules = append(rules, obj{"id": a.id, "rule": a.Rule, "seen": a.seen})
		}
		return obj{"seed": s.opt.Seed, "random": s.opt.Faults, "rules": rules, "rate_limits": s.opt.RateLimits,
			"kinds": faultKinds}, nil
	})
	post("faults", func(r *http.Request) (any, error) {
		rule, err := readRule(r)
		if err != nil {
			return nil, err
		}
		return obj{"ok": true, "id": s.addRule(rule).id}, nil
	})
	post("random-faults", func(r *http.Request) (any, error) {
		var f Faults
		if err := body(r, &f); err != nil {
			return nil, err
		}
		s.SetFaults(f)
		return nil, nil
	})
	post("rate-limits", func(r *http.Request) (any, error) {
		var q struct {
			On bool `json:"on"`
		}
		if err := body(r, &q); err != nil {
			return nil, err
		}
		s.SetRateLimits(q.On)
		return nil, nil
	})
	post("public-url", func(r *http.Request) (any, error) {
		var q struct {
			URL string `json:"url"`
		}
		if err := body(r, &q); err != nil {
			return nil, err
		}
		s.SetPublicURL(q.URL)
		return nil, nil
	})
	post("messages-tab", func(r *http.Request) (any, error) {
		var q struct {
			On bool `json:"on"`
		}
		if err := body(r, &q); err != nil {
			return nil, err
		}
		s.SetMessagesTab(q.On)
		return nil, nil
	})
	post("update-user", s.updateUser)
	post("update-channel", s.updateChannel)
	remove("faults", func(r *http.Request) (any, error) {
		id, err := number(r, "id")
		if err != nil {
			return nil, err
		}
		if id == 0 {
			s.ClearFaults()
			return nil, nil
		}
		if !s.removeRule(id) {
			return nil, impossible("there is no fault %d", id)
		}
		return nil, nil
	})
}

// readRule reads a Rule with its times as words such as 1s.
func readRule(r *http.Request) (Rule, error) {
	var q struct {
		Rule
		Delay      string `json:"delay"`
		RetryAfter string `json:"retry_after"`
		For        string `json:"for"`
	}
	if err := body(r, &q); err != nil {
		return Rule{}, err
	}
	var err error
	if q.Rule.Delay, err = span(q.Delay); err != nil {
		return Rule{}, err
	}
	if q.Rule.RetryAfter, err = span(q.RetryAfter); err != nil {
		return Rule{}, err
	}
	if q.Rule.For, err = span(q.For); err != nil {
		return Rule{}, err
	}
	if !q.Kind.known() {
		return Rule{}, badRequest{fmt.Errorf("unknown fault %q; known are %v", q.Kind, faultKinds)}
	}
	return q.Rule, nil
}

func span(v string) (time.Duration, error) {
	if v == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		return 0, badRequest{err}
	}
	return d, nil
}

// updateUser changes the fields that are given of the user that id names.
func (s *Server) updateUser(r *http.Request) (any, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, badRequest{err}
	}
	var u User
	if err := json.Unmarshal(raw, &u); err != nil {
		return nil, badRequest{err}
	}
	if u.ID == "" {
		return nil, badRequest{errors.New("id is missing")}
	}
	if !s.UpdateUser(u.ID, func(known *User) { _ = json.Unmarshal(raw, known) }) { // it was read once already
		return nil, impossible("there is no user %q", u.ID)
	}
	return nil, nil
}

// updateChannel changes the fields that are given of the channel that id names: archived, shared,
// or with other members.
func (s *Server) updateChannel(r *http.Request) (any, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, badRequest{err}
	}
	var c Channel
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, badRequest{err}
	}
	if c.ID == "" {
		return nil, badRequest{errors.New("id is missing")}
	}
	if !s.UpdateChannel(c.ID, func(known *Channel) { _ = json.Unmarshal(raw, known) }) { // it was read once already
		return nil, impossible("there is no channel %q", c.ID)
	}
	return nil, nil
}
