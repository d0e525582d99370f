package slacksim

import (
	"context"
	"net/http"
	"strings"
)

// Canvas is a document of Markdown that stands as a tab of its channel, or alone.
type Canvas struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Channel  string `json:"channel,omitempty"` // whose tab it is; "" for one that stands alone
	Markdown string `json:"markdown"`
	Editor   string `json:"last_editor"` // who wrote it last
	Updated  int64  `json:"updated"`     // Unix seconds
	Edits    int    `json:"edits"`
	Deleted  bool   `json:"deleted,omitempty"`

	created int64
	access  map[string]string // by channel or person: read, write, owner
}

// largestCanvas is ours: Slack has a limit and does not tell it.
const largestCanvas = 100_000

func createCanvas(c *call) (obj, *apiError) { return c.newCanvas(c.args.str("channel_id")) }

// channelCanvas makes the one canvas that a channel shows first.
func channelCanvas(c *call) (obj, *apiError) {
	for _, id := range c.s.canvasOrder {
		if old := c.s.canvases[id]; old.Channel == c.args.str("channel_id") && !old.Deleted {
			return nil, fail("channel_canvas_already_exists")
		}
	}
	return c.newCanvas(c.args.str("channel_id"))
}

func (c *call) newCanvas(channel string) (obj, *apiError) {
	markdown, err := canvasContent(c.args, "document_content")
	if err != nil {
		return nil, err
	}
	if channel != "" {
		ch := c.s.channels[channel]
		if ch == nil || ch.Private && !ch.has(c.s.opt.BotUserID) {
			return nil, fail("channel_not_found")
		}
		if !ch.has(c.s.opt.BotUserID) || ch.Archived {
			return nil, fail("canvas_creation_failed")
		}
	}
	now := c.s.opt.Now().Unix()
	v := &Canvas{ID: c.s.newID("F0", 9), Title: c.args.str("title"), Channel: channel, Markdown: markdown,
		Editor: c.s.opt.BotUserID, Updated: now, created: now,
		access: map[string]string{}}
	c.s.canvases[v.ID] = v
	c.s.canvasOrder = append(c.s.canvasOrder, v.ID)
	c.s.touch()
	return obj{"canvas_id": v.ID}, nil
}

// canvasContent reads a document_content; absent is empty.
func canvasContent(args params, name string) (string, *apiError) {
	v, ok := args.json(name)
	if !ok {
		return "", fail("invalid_arguments")
	}
	return contentOf(v)
}

func contentOf(v any) (string, *apiError) {
	if v == nil {
		return "", nil
	}
	content := asObj(v)
	if asString(content["type"]) != "markdown" {
		return "", failMessages("invalid_arguments", "must be one of: markdown [json-pointer:/document_content/type]")
	}
	text := asString(content["markdown"])
	if len(text) > largestCanvas {
		return "", fail("canvas_too_large")
	}
	return text, nil
}

// ownCanvas finds the canvas of a call, which the app must have made.
func (c *call) ownCanvas() (*Canvas, *apiError) {
	v := c.s.canvases[c.args.str("canvas_id")]
	if v == nil || v.Deleted {
		return nil, fail("canvas_not_found")
	}
	return v, nil
}

func editCanvas(c *call) (obj, *apiError) {
	v, err := c.ownCanvas()
	if err != nil {
		return nil, err
	}
	list, ok := c.args.json("changes")
	changes := asList(list)
	if !ok || len(changes) != 1 { // docs.slack.dev/reference/methods/canvases.edit: one operation for each call
		return nil, failMessages("invalid_arguments", "must provide exactly 1 item [json-pointer:/changes]")
	}
	change := asObj(changes[0])
	text, err := contentOf(change["document_content"])
	if err != nil {
		return nil, err
	}
	if asString(change["section_id"]) != "" {
		return nil, fail("canvas_editing_failed") // there are no sections here: canvases.sections.lookup is not there
	}
	switch asString(change["operation"]) {
	case "replace":
		v.Markdown = text
	case "insert_at_start":
		v.Markdown = text + "\n" + v.Markdown
	case "insert_at_end":
		v.Markdown += "\n" + text
	case "rename":
		title, err := contentOf(change["title_content"])
		if err != nil {
			return nil, err
		}
		v.Title = title
	default:
		return nil, fail("canvas_editing_failed")
	}
	if len(v.Markdown) > largestCanvas {
		return nil, fail("canvas_too_large")
	}
	c.s.wrote(v, c.s.opt.BotUserID)
	return obj{}, nil
}

// wrote notes who changed a canvas, and tells the app, of its own changes, too.
func (s *Server) wrote(v *Canvas, who string) {
	v.Editor, v.Updated, v.Edits = who, s.opt.Now().Unix(), v.Edits+1
	s.fileEvent("file_change", v.ID)
	s.touch()
}

func deleteCanvas(c *call) (obj, *apiError) {
	v, err := c.ownCanvas()
	if err != nil {
		return nil, err
	}
	c.s.dropCanvas(v)
	return obj{}, nil
}

func (s *Server) dropCanvas(v *Canvas) {
	v.Deleted = true
	v.Edits++
	s.fileEvent("file_deleted", v.ID)
	s.touch()
}

func setCanvasAccess(c *call) (obj, *apiError) {
	v, err := c.ownCanvas()
	if err != nil {
		return nil, err
	}
	level := c.args.str("access_level")
	people, _ := c.args.json("user_ids")
	channels, _ := c.args.json("channel_ids")
	if level != "read" && level != "write" && level != "owner" ||
		len(asList(people)) > 0 == (len(asList(channels)) > 0) {
		return nil, fail("invalid_parameters")
	}
	for _, id := range append(asList(people), asList(channels)...) {
		name := asString(id)
		if c.s.users[name] == nil && c.s.channels[name] == nil {
			return nil, &apiError{"failed_to_update_user_ids", obj{"failed_to_update_user_ids": []any{name}}}
		}
		v.access[name] = level
	}
	return obj{}, nil
}

// fileEvent tells the app of a file, as far as it subscribed and may read files
// (docs.slack.dev/reference/events/file_change and file_deleted).
func (s *Server) fileEvent(name, id string) {
	if s.hasScope("files:read") {
		s.emit(name, obj{"type": name, "file_id": id, "file": obj{"id": id}, "event_ts": slackTime(s.opt.Now())}, false)
	}
}

// canvasJSON is a canvas as a file object.
func (s *Server) canvasJSON(v *Canvas) obj {
	link := "https://" + s.opt.Domain + ".slack.com/docs/" + s.opt.TeamID + "/" + v.ID
	out := obj{"id": v.ID, "created": v.created, "timestamp": v.created, "updated": v.Updated, "name": v.Title,
		"title": v.Title, "filetype": "quip",
		"mimetype": "application/vnd.slack-docs", "pretty_type": "Canvas", "mode": "quip", "user": s.opt.BotUserID,
		"user_team": s.opt.TeamID,
		"editable":  true, "editor": v.Editor, "last_editor": v.Editor, "size": len(v.Markdown), "is_external": true,
		"external_type": "quip",
		"url_private":   link, "permalink": link, "linked_channel_id": v.Channel, "is_channel_space": v.Channel != ""}
	return out
}

// Canvases lists all canvases, in the order they were made, the deleted ones too.
func (s *Server) Canvases() []Canvas {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.canvasList()
}

func (s *Server) canvasList() []Canvas {
	l := []Canvas{}
	for _, id := range s.canvasOrder {
		l = append(l, *s.canvases[id])
	}
	return l
}

// findCanvas finds a canvas that a person can see.
func (s *Server) findCanvas(user, id string) (*Canvas, error) {
	v := s.canvases[id]
	if v == nil || v.Deleted || s.users[user] == nil {
		return nil, impossible("there is no canvas %q for %q", id, user)
	}
	if ch := s.channels[v.Channel]; ch != nil && !ch.has(user) {
		return nil, impossible("%q is not in the channel of canvas %q", user, id)
	}
	return v, nil
}

// EditCanvas lets a person write a canvas anew by hand.
func (s *Server) EditCanvas(user, id, markdown string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.findCanvas(user, id)
	if err != nil {
		return err
	}
	v.Markdown = markdown
	s.wrote(v, user)
	return nil
}

// DeleteCanvas lets a person delete a canvas.
func (s *Server) DeleteCanvas(user, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.findCanvas(user, id)
	if err != nil {
		return err
	}
	s.dropCanvas(v)
	return nil
}

// DeleteMessage lets a person delete a message of their own, or an administrator of the workspace any message.
func (s *Server) DeleteMessage(user, channel, ts string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, m, ch := s.users[user], s.findMessage(channel, ts, user), s.channels[channel]
	if u == nil || ch == nil || !ch.has(user) || m == nil || m.Deleted {
		return impossible("user %q sees no message %q in conversation %q", user, ts, channel)
	}
	if m.User != user && !u.IsAdmin && !u.IsOwner && !u.IsPrimaryOwner {
		return impossible("%q may not delete messages of others", user)
	}
	s.erase(m)
	return nil
}

// canvasRoutes are what people do with canvases, and deleting messages.
func (s *Server) canvasRoutes(get, post route) {
	get("canvases", func(*http.Request) (any, error) { return obj{"canvases": s.Canvases()}, nil })
	post("edit-canvas", with(func(_ context.Context, q request) (any, error) {
		return nil, s.EditCanvas(q.User, q.ID, q.Text)
	}))
	post("delete-canvas", with(func(_ context.Context, q request) (any, error) {
		return nil, s.DeleteCanvas(q.User, q.ID)
	}))
	post("delete-message", with(func(_ context.Context, q request) (any, error) {
		return nil, s.DeleteMessage(q.User, q.Channel, strings.TrimSpace(q.MessageTS))
	}))
}
