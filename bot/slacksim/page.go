package slacksim

import (
	"embed"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
)

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
