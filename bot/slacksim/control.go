package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// control is the JSON interface under /_sim/, for the page and for tests in other languages; doc.go lists it.
func (s *Server) control() http.Handler {
	mux := http.NewServeMux()
	get := func(path string, f func(*http.Request) (any, error)) {
		mux.HandleFunc("GET /_sim/"+path, func(w http.ResponseWriter, r *http.Request) { reply(w, r, f) })
	}
	post := func(path string, f func(*http.Request) (any, error)) {
		mux.HandleFunc("POST /_sim/"+path, func(w http.ResponseWriter, r *http.Request) { reply(w, r, f) })
	}
	s.observeRoutes(get)
	s.screenRoutes(get, post)
	s.trafficRoutes(get)
	s.actRoutes(post)
	s.canvasRoutes(get, post)
	s.hostileRoutes(post)
	s.worldRoutes(post)
	s.lookRoutes(get)
	s.faultRoutes(get, post, func(path string, f func(*http.Request) (any, error)) {
		mux.HandleFunc("DELETE /_sim/"+path, func(w http.ResponseWriter, r *http.Request) { reply(w, r, f) })
	})
	mux.HandleFunc("GET /_sim/events", s.serveChanges)
	mux.HandleFunc("GET /_sim/stream", s.serveStream)
	return mux
}

// request is the body of every POST; each path reads the fields it needs.
type request struct {
	User      string                    `json:"user"`
	Channel   string                    `json:"channel"`
	Command   string                    `json:"command"`
	Text      string                    `json:"text"`
	ThreadTS  string                    `json:"thread_ts"`
	MessageTS string                    `json:"message_ts"`
	BlockID   string                    `json:"block_id"`
	ActionID  string                    `json:"action_id"`
	Value     any                       `json:"value"`
	ViewID    string                    `json:"view_id"`
	Values    map[string]map[string]any `json:"values"`
	All       bool                      `json:"all"`
	Tab       string                    `json:"tab"`
	Reason    string                    `json:"reason"`
	One       bool                      `json:"one"`
	Fields    map[string]any            `json:"fields"`
	Payload   map[string]any            `json:"payload"`
	ID        string                    `json:"id"`
	Handle    string                    `json:"handle"`
	Members   []string                  `json:"members"`
}

// value is Value as the optional last argument of Click and ViewAction.
func (q request) value() []any {
	if q.Value == nil {
		return nil
	}
	return []any{q.Value}
}

// body reads a request's JSON into v.
func body(r *http.Request, v any) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return badRequest{fmt.Errorf("the body is not the JSON expected: %w", err)}
	}
	return nil
}

type badRequest struct{ error }

func (b badRequest) Unwrap() error { return b.error }

// reply answers 200 with what f returned. Acts that are not possible get 422, unreadable bodies
// 400; both say why. An act that the app did not acknowledge is no error here: its result carries
// the code.
func reply(w http.ResponseWriter, r *http.Request, f func(*http.Request) (any, error)) {
	out, err := f(r)
	var bad badRequest
	switch {
	case err == nil, errors.Is(err, ErrOperationTimeout), errors.Is(err, ErrDispatchFailed),
		errors.Is(err, ErrInvalidResponse):
		if out == nil {
			out = obj{"ok": err == nil, "error": codeOf(err)}
		}
		writeJSON(w, http.StatusOK, out)
	case errors.As(err, &bad):
		writeJSON(w, http.StatusBadRequest, obj{"ok": false, "error": "bad_request", "detail": err.Error()})
	case errors.Is(err, ErrNotPossible):
		writeJSON(w, http.StatusUnprocessableEntity, obj{"ok": false, "error": "not_possible", "detail": err.Error()})
	default:
		writeJSON(w, http.StatusInternalServerError, obj{"ok": false, "error": "failed", "detail": err.Error()})
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v)) // the client may have gone
}

type route = func(path string, f func(*http.Request) (any, error))

func (s *Server) observeRoutes(get route) {
	get("state", func(r *http.Request) (any, error) {
		return s.state(r.URL.Query().Get("as"), r.URL.Query().Get("channel")), nil
	})
	get("messages", func(r *http.Request) (any, error) {
		if c := r.URL.Query().Get("channel"); c != "" {
			return obj{"messages": orEmpty(s.Messages(c))}, nil
		}
		return obj{"messages": orEmpty(s.AllMessages())}, nil
	})
	get("views", func(r *http.Request) (any, error) {
		user := r.URL.Query().Get("user")
		out := obj{"views": orEmpty(s.Views(user))}
		if h, ok := s.Home(user); ok {
			out["home"] = h
		}
		return out, nil
	})
	get("calls", func(r *http.Request) (any, error) {
		after, err := number(r, "after")
		l := []Call{}
		for _, c := range s.Calls() {
			if c.ID > after {
				l = append(l, c)
			}
		}
		return obj{"calls": l}, err
	})
	get("acks", func(*http.Request) (any, error) { return obj{"acks": orEmpty(s.Acks())}, nil })
	get("connections", func(*http.Request) (any, error) { return obj{"connections": s.Connections()}, nil })
	get("wait", s.waitForChange)
}

func number(r *http.Request, key string) (int, error) {
	v := r.URL.Query().Get(key)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0, badRequest{fmt.Errorf("%s must be a number, not %q", key, v)}
	}
	return n, nil
}

// orEmpty makes JSON show an empty list instead of null.
func orEmpty[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// waitForChange answers as soon as the version is above the one given, or after timeout_ms (default 10 s).
func (s *Server) waitForChange(r *http.Request) (any, error) {
	after, err := number(r, "after")
	if err != nil {
		return nil, err
	}
	ms, err := number(r, "timeout_ms")
	if err != nil {
		return nil, err
	}
	if ms <= 0 {
		ms = 10_000
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(ms)*time.Millisecond)
	defer cancel()
	// Running into the timeout is an answer too: the version has not changed.
	_ = s.Wait(ctx, func(n *Snapshot) bool { return n.Version > uint64(after) })
	version, _ := s.watch()
	return obj{"version": version}, nil
}

// with decodes the request before f.
func with(f func(context.Context, request) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var q request
		if err := body(r, &q); err != nil {
			return nil, err
		}
		return f(r.Context(), q)
	}
}

func (s *Server) actRoutes(post route) {
	post("slash", with(func(ctx context.Context, q request) (any, error) {
		return s.SlashCommand(ctx, q.User, q.Channel, q.Command, q.Text)
	}))
	post("click", with(func(ctx context.Context, q request) (any, error) {
		return s.Click(ctx, q.User, q.Channel, q.MessageTS, q.BlockID, q.ActionID, q.value()...)
	}))
	post("fill", with(func(_ context.Context, q request) (any, error) {
		return nil, s.Fill(q.User, q.ViewID, q.Values)
	}))
	post("submit", with(func(ctx context.Context, q request) (any, error) {
		return s.SubmitView(ctx, q.User, q.ViewID, q.Values)
	}))
	post("view-action", with(func(ctx context.Context, q request) (any, error) {
		if len(q.Values) > 0 {
			if err := s.Fill(q.User, q.ViewID, q.Values); err != nil {
				return nil, err
			}
		}
		return s.ViewAction(ctx, q.User, q.ViewID, q.BlockID, q.ActionID, q.value()...)
	}))
	post("close", with(func(ctx context.Context, q request) (any, error) {
		if q.All {
			return nil, s.ClearViews(ctx, q.User, q.ViewID)
		}
		return nil, s.CloseView(ctx, q.User, q.ViewID)
	}))
	post("home", with(func(ctx context.Context, q request) (any, error) {
		if q.Tab == "messages" {
			return nil, s.OpenMessages(ctx, q.User)
		}
		return nil, s.OpenHome(ctx, q.User)
	}))
	post("post", with(func(_ context.Context, q request) (any, error) {
		ts, err := s.Post(q.User, q.Channel, q.Text, q.ThreadTS)
		return obj{"ts": ts}, err
	}))
	post("shortcut", with(func(ctx context.Context, q request) (any, error) {
		if q.MessageTS != "" {
			return s.MessageShortcut(ctx, q.User, q.Channel, q.MessageTS, q.ID)
		}
		return s.Shortcut(ctx, q.User, q.ID)
	}))
	post("suggest", with(func(ctx context.Context, q request) (any, error) {
		answer, err := s.Suggest(ctx, q.User, q.ViewID, q.BlockID, q.ActionID, q.Text)
		return obj{"answer": decode(answer), "error": codeOf(err)}, err
	}))
	post("react", with(func(_ context.Context, q request) (any, error) {
		return nil, s.React(q.User, q.Channel, q.MessageTS, q.Text)
	}))
	post("unreact", with(func(_ context.Context, q request) (any, error) {
		return nil, s.Unreact(q.User, q.Channel, q.MessageTS, q.Text)
	}))
	post("join", with(func(_ context.Context, q request) (any, error) { return nil, s.Join(q.User, q.Channel) }))
	post("leave", with(func(_ context.Context, q request) (any, error) { return nil, s.Leave(q.User, q.Channel) }))
	post("upload", s.uploadControl)
	post("dm", with(func(_ context.Context, q request) (any, error) {
		id := s.OpenDM(q.User)
		if id == "" {
			return nil, impossible("there is no user %q", q.User)
		}
		return obj{"channel": id}, nil
	}))
}

func (s *Server) hostileRoutes(post route) {
	post("forge-click", func(r *http.Request) (any, error) {
		var f Forged
		if err := body(r, &f); err != nil {
			return nil, err
		}
		return s.ClickForged(r.Context(), f)
	})
	post("forge-slash", with(func(ctx context.Context, q request) (any, error) {
		return s.SlashForged(ctx, q.User, q.Channel, q.Command, q.Text, q.Fields)
	}))
	post("forge-submit", with(func(ctx context.Context, q request) (any, error) {
		return s.SubmitForged(ctx, q.User, q.ViewID, q.Fields)
	}))
	post("interactive", with(func(ctx context.Context, q request) (any, error) {
		return s.SendInteractive(ctx, q.Payload)
	}))
	post("raw", func(r *http.Request) (any, error) {
		raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			return nil, badRequest{err}
		}
		return obj{"sent": s.SendRaw(raw)}, nil
	})
	post("disconnect", with(func(_ context.Context, q request) (any, error) {
		if q.Reason == "" {
			q.Reason = ReasonRefreshRequested
		}
		if q.One {
			return obj{"connections": s.DisconnectOne(q.Reason)}, nil
		}
		return obj{"connections": s.Disconnect(q.Reason)}, nil
	}))
	post("drop", func(*http.Request) (any, error) { return obj{"connections": s.DropConnections()}, nil })
}

func (s *Server) worldRoutes(post route) {
	post("users", func(r *http.Request) (any, error) {
		var u User
		if err := body(r, &u); err != nil {
			return nil, err
		}
		if u.ID == "" {
			return nil, badRequest{errors.New("id is missing")}
		}
		s.AddUser(u)
		return nil, nil
	})
	post("deactivate", with(func(_ context.Context, q request) (any, error) {
		if !s.Deactivate(q.User) {
			return nil, impossible("there is no user %q", q.User)
		}
		return nil, nil
	}))
	post("channels", func(r *http.Request) (any, error) {
		var c Channel
		if err := body(r, &c); err != nil {
			return nil, err
		}
		if c.ID == "" {
			return nil, badRequest{errors.New("id is missing")}
		}
		s.AddChannel(c)
		return nil, nil
	})
	post("groups", with(func(_ context.Context, q request) (any, error) {
		if q.ID == "" {
			return nil, badRequest{errors.New("id is missing")}
		}
		s.AddUserGroup(q.ID, q.Handle, q.Members)
		return nil, nil
	}))
}

// serveChanges is a stream of server-sent events: the version, at once and after each change (several changes in quick
// succession may be told as one).
func (s *Server) serveChanges(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	for {
		version, changed := s.watch()
		if _, err := fmt.Fprintf(w, "data: {\"version\":%d}\n\n", version); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-changed:
			if !pause(r.Context(), 20*time.Millisecond) { // lets a burst of changes become one event
				return
			}
		case <-alive.C:
		case <-r.Context().Done():
			return
		case <-s.stop:
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

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
