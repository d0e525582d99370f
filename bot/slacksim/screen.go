package slacksim

import (
	"cmp"
	"context"
	"embed"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What the page reads. boot is everything but messages, views and traffic; the rest comes in pieces, and what changes
// afterwards over the stream (stream.go), from the position that each answer carries as "at".

// pageSize is how many messages one answer of history holds unless the page says otherwise.
const pageSize = 60

func (s *Server) screenRoutes(get, post route) {
	get("boot", func(*http.Request) (any, error) { return s.boot(), nil })
	get("screen", func(r *http.Request) (any, error) { return s.screen(r.URL.Query().Get("as")), nil })
	get("history", s.history)
	get("thread", s.thread)
	post("read", with(func(_ context.Context, q request) (any, error) {
		return nil, s.markRead(q.User, q.Channel, q.MessageTS)
	}))
	post("dismiss", with(func(_ context.Context, q request) (any, error) {
		return nil, s.dismiss(q.User, q.Channel, q.MessageTS)
	}))
}

func (s *Server) boot() obj {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step()
	unread, read, newest := obj{}, obj{}, obj{}
	for id, l := range s.messages {
		if len(l) > 0 {
			newest[id] = l[len(l)-1].TS
		}
	}
	for _, id := range s.userOrder {
		if u := s.users[id]; !u.IsBot && id != "USLACKBOT" {
			unread[id], read[id] = s.unreadOf(id)
		}
	}
	return obj{"at": s.position(), "team": obj{"id": s.opt.TeamID, "name": s.opt.TeamName},
		"connections": len(s.live()),
		"app": obj{"id": s.opt.AppID, "name": s.opt.BotName, "user": s.opt.BotUserID,
			"home": !s.opt.HomeTabDisabled},
		"commands": orEmpty(s.opt.Commands), "panel": obj{"url": s.opt.PanelURL, "title": s.opt.PanelTitle},
		"ack_ms": s.opt.AckTimeout.Milliseconds(),
		"people": s.peopleJSON(), "groups": s.groupsJSON(), "channels": s.channelsJSON(), "unread": unread,
		"read":      read,
		"newest_in": newest, "ahead_ms": s.ahead()}
}

// ahead is by how many milliseconds the simulated time is ahead of real time.
func (s *Server) ahead() int64 { return time.Until(s.opt.Now()).Milliseconds() }

// screen is the modals and the Home tab of one person.
func (s *Server) screen(user string) obj {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := obj{"views": s.viewsJSON(user)}
	if h := s.homes[user]; h != nil {
		out["home"] = s.viewJSON(h, true)
	}
	return out
}

func (s *Server) peopleJSON() []any {
	l := []any{}
	for _, id := range s.userOrder {
		u := s.users[id]
		l = append(l, obj{"id": id, "name": u.Name, "real_name": u.RealName, "title": u.Title, "is_bot": u.IsBot ||
			id == "USLACKBOT", "deleted": u.Deleted,
			"guest": u.IsRestricted, "admin": u.IsAdmin || u.IsOwner, "foreign": s.foreign(u), "invited": u.IsInvited})
	}
	return l
}

func (s *Server) groupsJSON() []any {
	l := []any{}
	for _, id := range s.groupOrder {
		l = append(l, obj{"id": id, "handle": s.groups[id].Handle, "members": orEmpty(s.groups[id].Members)})
	}
	return l
}

func (s *Server) channelsJSON() []any {
	l := []any{}
	for _, id := range s.channelOrder {
		c := s.channels[id]
		l = append(l, obj{"id": id, "name": c.Name, "private": c.Private, "shared": c.ExtShared, "archived": c.Archived,
			"im": c.im, "mpim": c.mpim, "members": orEmpty(c.Members)})
	}
	return l
}

func (s *Server) viewsJSON(user string) []any {
	l := []any{}
	for _, v := range s.stacks[user] {
		l = append(l, s.viewJSON(v, true))
	}
	return l
}

// visible says whether a person sees a message of a channel they are in.
func (m *Message) visible(user string) bool {
	return !m.Deleted && (m.EphemeralTo == "" || m.EphemeralTo == user)
}

// mostUnread bounds the counting; the page shows 99+ above 99.
const mostUnread = 100

// unreadOf counts, for each conversation of a person, the messages of others that the page did not show them yet.
func (s *Server) unreadOf(user string) (counts, read obj) {
	counts, read = obj{}, obj{}
	for _, id := range s.channelOrder {
		if !s.channels[id].has(user) {
			continue
		}
		mark := s.readMarks[user+"/"+id]
		n, list := 0, s.messages[id]
		for i := len(list) - 1; i >= 0 && list[i].TS > mark && n < mostUnread; i-- {
			if list[i].User != user && list[i].visible(user) {
				n++
			}
		}
		if n > 0 {
			counts[id] = n
		}
		if mark != "" {
			read[id] = mark
		}
	}
	return counts, read
}

// markRead notes that a person has seen a conversation up to ts. It never goes back.
func (s *Server) markRead(user, channel, ts string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.channels[channel]; ch == nil || !ch.has(user) || !tsPattern.MatchString(ts) {
		return impossible("user %q has no message %q in conversation %q to read", user, ts, channel)
	}
	if key := user + "/" + channel; ts > s.readMarks[key] {
		s.readMarks[key] = ts
		s.touch()
	}
	return nil
}

// dismiss removes a message that only this person sees.
func (s *Server) dismiss(user, channel, ts string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.findMessage(channel, ts, user)
	if m == nil || m.EphemeralTo != user {
		return impossible("user %q has no private message %q in %q", user, ts, channel)
	}
	m.Deleted = true
	s.touch()
	return nil
}

// threadMark is what a message tells of its thread.
type threadMark struct {
	count  int
	latest string
	users  []string // who replied, each once, in order
}

func threadsOf(list []*Message) map[string]*threadMark {
	threads := map[string]*threadMark{}
	for _, m := range list {
		if m.ThreadTS == "" || m.ThreadTS == m.TS || m.Deleted || m.EphemeralTo != "" {
			continue
		}
		t := threads[m.ThreadTS]
		if t == nil {
			t = &threadMark{}
			threads[m.ThreadTS] = t
		}
		t.count, t.latest = t.count+1, m.TS
		if !slices.Contains(t.users, m.User) {
			t.users = append(t.users, m.User)
		}
	}
	return threads
}

// pageMessage is a message as the page shows it to anyone: with what each person chose in its elements, and its thread.
func (s *Server) pageMessage(m *Message, threads map[string]*threadMark) obj {
	if m.Deleted {
		return obj{"ts": m.TS, "deleted": true}
	}
	o := obj{"ts": m.TS, "user": cmp.Or(m.User, s.opt.BotUserID), "text": m.Text, "app": m.BotID != ""}
	if m.Username != "" {
		o["username"] = m.Username
	}
	if m.EphemeralTo != "" {
		o["ephemeral_to"] = m.EphemeralTo
	}
	if m.ThreadTS != "" && m.ThreadTS != m.TS {
		o["thread_ts"], o["broadcast"] = m.ThreadTS, m.Broadcast
	}
	if len(m.Blocks) > 0 && m.BotID != "" {
		o["blocks"], o["values"] = decode(m.Blocks), initialValues(m.Blocks)
	}
	if len(m.Attachments) > 0 {
		o["attachments"] = decode(m.Attachments)
	}
	if m.Edited {
		o["edited"] = m.EditedTS
	}
	if len(m.Files) > 0 {
		o["files"] = s.filesOf(m)
	}
	if t := threads[m.TS]; t != nil {
		o["replies"] = obj{"count": t.count, "latest": t.latest, "users": t.users}
	}
	if len(m.Reactions) > 0 {
		o["reactions"] = slices.Clone(m.Reactions)
	}
	if chosen := s.chosen(m); len(chosen) > 0 {
		o["chosen"] = chosen
	}
	return o
}

// chosen is what people chose in the elements of a message, by person.
func (s *Server) chosen(m *Message) obj {
	out := obj{}
	if ch := s.channels[m.Channel]; ch != nil && len(m.Blocks) > 0 {
		for _, u := range ch.Members {
			if s.messageState[m.stateKey(u)] != nil {
				out[u] = s.stateOf(m, u)
			}
		}
	}
	return out
}

// history is one page of a conversation: the newest messages, or those before or after a timestamp. Replies are left to
// their threads.
func (s *Server) history(r *http.Request) (any, error) {
	q := r.URL.Query()
	most, err := number(r, "limit")
	if err != nil {
		return nil, err
	}
	most = min(cmp.Or(max(0, most), pageSize), 500)
	user, id, before, after := q.Get("as"), q.Get("channel"), q.Get("before"), q.Get("after")
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[id]
	if ch == nil || !ch.has(user) {
		return nil, impossible("user %q is not in conversation %q", user, id)
	}
	s.step()
	list := s.messages[id]
	at := len(list)
	byTS := func(m *Message, ts string) int { return cmp.Compare(m.TS, ts) }
	if before != "" {
		at, _ = slices.BinarySearchFunc(list, before, byTS)
	}
	var found []*Message
	shown := func(m *Message) bool {
		return m.visible(user) && (m.ThreadTS == "" || m.ThreadTS == m.TS || m.Broadcast)
	}
	if after != "" {
		at, _ = slices.BinarySearchFunc(list, after+"~", byTS)
		for ; at < len(list) && len(found) < most; at++ {
			if shown(list[at]) {
				found = append(found, list[at])
			}
		}
		return s.historyJSON(list, found, true, slices.ContainsFunc(list[at:], shown)), nil
	}
	for at--; at >= 0 && len(found) < most; at-- {
		if shown(list[at]) {
			found = append(found, list[at])
		}
	}
	slices.Reverse(found)
	return s.historyJSON(list, found, slices.ContainsFunc(list[:max(0, at+1)], shown), before != ""), nil
}

func (s *Server) historyJSON(list, found []*Message, older, newer bool) obj {
	threads, l := threadsOf(list), []any{}
	for _, m := range found {
		l = append(l, s.pageMessage(m, threads))
	}
	return obj{"messages": l, "older": older, "newer": newer, "at": s.position()}
}

// thread is a message with its replies.
func (s *Server) thread(r *http.Request) (any, error) {
	q := r.URL.Query()
	user, id, ts := q.Get("as"), q.Get("channel"), q.Get("ts")
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[id]
	if ch == nil || !ch.has(user) {
		return nil, impossible("user %q is not in conversation %q", user, id)
	}
	s.step()
	var found []*Message
	for _, m := range s.messages[id] {
		if m.visible(user) && (m.TS == ts || m.ThreadTS == ts) {
			found = append(found, m)
		}
	}
	return s.historyJSON(s.messages[id], found, false, false), nil
}

//go:embed web
var web embed.FS

// policy lets the page load nothing but itself, and pictures embedded in it; the panel may be a page of another origin.
func policy(panel string) string {
	frames := "'self'"
	if u, err := url.Parse(panel); err == nil && u.Host != "" {
		frames += " " + u.Scheme + "://" + u.Host
	}
	return "default-src 'self'; img-src 'self' data:; frame-src " + frames +
		"; object-src 'none'; base-uri 'none'; form-action 'none'"
}

// page serves the browser page. Nothing on it comes from outside.
func page(panel string) http.Handler {
	allowed := policy(panel)
	files, err := fs.Sub(web, "web")
	if err != nil {
		panic("slacksim: embedded page: " + err.Error()) // the folder is part of the binary
	}
	serve := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", allowed)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		if strings.HasSuffix(r.URL.Path, ".js") {
			h.Set("Content-Type", "text/javascript; charset=utf-8")
		}
		serve.ServeHTTP(w, r)
	})
}

// state is what the page needs to show the workspace as one person sees it, and one conversation of theirs.
func (s *Server) state(as, channel string) obj {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := obj{"version": s.version, "team": obj{"id": s.opt.TeamID, "name": s.opt.TeamName},
		"connections": len(s.live()),
		"app": obj{"id": s.opt.AppID, "name": s.opt.BotName, "user": s.opt.BotUserID,
			"home": !s.opt.HomeTabDisabled},
		"commands": orEmpty(s.opt.Commands), "panel": obj{"url": s.opt.PanelURL, "title": s.opt.PanelTitle}}
	people, groups := []any{}, []any{}
	for _, id := range s.userOrder {
		u := s.users[id]
		dm := s.dms[id]
		people = append(people, obj{"id": id, "name": u.Name, "real_name": u.RealName, "title": u.Title,
			"is_bot":  u.IsBot || id == "USLACKBOT",
			"deleted": u.Deleted, "guest": u.IsRestricted, "admin": u.IsAdmin || u.IsOwner, "foreign": s.foreign(u),
			"dm": dm, "latest": s.latest(dm, id)})
	}
	for _, id := range s.groupOrder {
		groups = append(groups, obj{"id": id, "handle": s.groups[id].Handle})
	}
	names, channels := obj{}, []any{}
	for _, id := range s.channelOrder {
		ch := s.channels[id]
		names[id] = ch.Name
		if !ch.im && ch.has(as) {
			channels = append(channels, obj{"id": id, "name": ch.Name, "private": ch.Private, "shared": ch.ExtShared,
				"latest": s.latest(id, as)})
		}
	}
	out["people"], out["groups"], out["channel_names"], out["channels"] = people, groups, names, channels
	if ch := s.channels[channel]; ch != nil && ch.has(as) {
		out["messages"] = s.seenBy(as, ch)
	}
	views := []any{}
	for _, v := range s.stacks[as] {
		views = append(views, s.viewJSON(v, true))
	}
	out["views"] = views
	if h := s.homes[as]; h != nil {
		out["home"] = s.viewJSON(h, true)
	}
	return out
}

// latest is the timestamp of the newest message of someone else that a person sees in a channel.
func (s *Server) latest(channel, user string) string {
	l := s.messages[channel]
	for i := len(l) - 1; i >= 0; i-- {
		if m := l[i]; !m.Deleted && m.User != user && (m.EphemeralTo == "" || m.EphemeralTo == user) {
			return m.TS
		}
	}
	return ""
}

// maxShown is how many messages of a conversation the page shows.
const maxShown = 200

func (s *Server) seenBy(user string, ch *Channel) []any {
	l := []any{}
	for _, m := range s.messages[ch.ID] {
		if m.Deleted || m.EphemeralTo != "" && m.EphemeralTo != user {
			continue
		}
		o := s.messageJSON(m, false)
		o["ephemeral"] = m.EphemeralTo != ""
		o["values"] = s.stateOf(m, user)
		l = append(l, o)
	}
	return l[max(0, len(l)-maxShown):]
}
