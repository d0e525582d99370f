package slacksim

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"strings"
	"time"
)

// profileJSON is a user's profile (docs.slack.dev/reference/objects/user-object, "Profile"). A
// status is cleared by itself when its expiration has passed.
func (s *Server) profileJSON(u *User) obj {
	p := obj{"real_name": u.RealName, "real_name_normalized": u.RealName, "display_name": u.DisplayName,
		"display_name_normalized": u.DisplayName, "title": u.Title, "phone": "", "skype": "", "fields": obj{},
		"status_text": u.StatusText, "status_text_canonical": "", "status_emoji": u.StatusEmoji,
		"status_emoji_display_info": []any{},
		"status_expiration":         u.StatusExpiration, "avatar_hash": "g" + strings.ToLower(u.ID), "team": u.TeamID}
	p["first_name"], p["last_name"], _ = strings.Cut(u.RealName, " ")
	for k, v := range s.pictures(u.ID, 24, 32, 48, 72, 192, 512) {
		p[k] = v
	}
	if s.foreign(u) {
		return p
	}
	if u.Email != "" && s.hasScope("users:read.email") {
		p["email"] = u.Email
	}
	if u.IsBot && u.ID == s.opt.BotUserID {
		p["api_app_id"], p["bot_id"] = s.opt.AppID, s.opt.BotID
	}
	return p
}

// userProfile is users.profile.get. Without user Slack tells the profile of the token's own user.
func userProfile(c *call) (obj, *apiError) {
	id := c.args.str("user")
	if id == "" {
		id = c.s.opt.BotUserID
	}
	u := c.s.users[id]
	if u == nil {
		return nil, fail("user_not_found")
	}
	return obj{"profile": c.s.profileJSON(u)}, nil
}

// presence is users.getPresence: of others whether they are there, of the app itself also why.
func presence(c *call) (obj, *apiError) {
	id := cmp.Or(c.args.str("user"), c.s.opt.BotUserID)
	u := c.s.users[id]
	switch {
	case u == nil:
		return nil, fail("user_not_found")
	case id == c.s.opt.BotUserID:
		n := len(c.s.live())
		out := obj{"presence": "away", "online": n > 0, "auto_away": n == 0, "manual_away": false,
			"connection_count": n,
			"last_activity":    c.s.opt.Now().Unix()}
		if n > 0 {
			out["presence"] = "active"
		}
		return out, nil
	case u.Away, u.Deleted:
		return obj{"presence": "away"}, nil
	}
	return obj{"presence": "active"}, nil
}

// settle fills in what follows from the other fields of a user: the offset of their time zone,
// where this computer knows the zone and the offset was not given on its own.
func (s *Server) settle(u *User, before User) {
	if u.TZ == before.TZ || u.TZOffset != before.TZOffset {
		return
	}
	if zone, err := time.LoadLocation(u.TZ); err == nil {
		_, u.TZOffset = s.opt.Now().In(zone).Zone()
	}
}

// tellUser tells the app what became different about a user: user_change for anything that
// users.info shows, and with it user_status_changed or user_profile_changed, "dispatched at the
// exact same time" (docs.slack.dev/reference/events/user_change). They need users:read.
func (s *Server) tellUser(before, after *User) {
	if *before == *after {
		return
	}
	after.updated = s.opt.Now().Unix()
	if !s.hasScope("users:read") {
		return
	}
	quiet := *before // the same person with the new status
	quiet.StatusText, quiet.StatusEmoji, quiet.StatusExpiration, quiet.updated = after.StatusText, after.StatusEmoji,
		after.StatusExpiration, after.updated
	status := before.StatusText != after.StatusText || before.StatusEmoji != after.StatusEmoji ||
		before.StatusExpiration != after.StatusExpiration
	quietDeleted := quiet
	quietDeleted.Deleted = after.Deleted
	names := []string{"user_change"}
	if status {
		names = append(names, "user_status_changed")
	}
	if quietDeleted != *after {
		names = append(names, "user_profile_changed")
	}
	for _, name := range names {
		s.emit(name, obj{"type": name, "user": s.userJSON(after, true), "cache_ts": after.updated,
			"event_ts": slackTime(s.opt.Now())}, false)
	}
}

// expireStatuses clears every status whose time is over and says whether one will end later. The lock is held.
func (s *Server) expireStatuses() (more bool) {
	now := s.opt.Now().Unix()
	for _, id := range s.userOrder {
		u := s.users[id]
		switch {
		case u.StatusExpiration == 0:
		case u.StatusExpiration > now:
			more = true
		default:
			next := *u
			next.StatusText, next.StatusEmoji, next.StatusExpiration = "", "", 0
			s.users[id] = &next
			s.tellUser(u, &next)
			s.touch()
		}
	}
	return more
}

// pictures are the addresses of somebody's picture in several sizes, by Slack's keys. They are served from here.
func (s *Server) pictures(id string, sizes ...int) obj {
	o := obj{}
	for _, n := range sizes {
		o[fmt.Sprintf("image_%d", n)] = fmt.Sprintf("%s/avatars/%s-%d.png", s.publicBase(), id, n)
	}
	return o
}

// servePicture draws a square in a colour that follows from the name.
func servePicture(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/avatars/"), ".png")
	cut := strings.LastIndexByte(name, '-')
	var size int
	if _, err := fmt.Sscanf(name[cut+1:], "%d", &size); cut < 0 || err != nil || size < 1 || size > 1024 {
		http.NotFound(w, r)
		return
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name[:cut])) // a hash takes everything
	n := h.Sum32()
	tile := image.NewPaletted(image.Rect(0, 0, size, size),
		color.Palette{color.RGBA{uint8(n), uint8(n >> 8), uint8(n >> 16), 255}})
	draw.Draw(tile, tile.Bounds(), image.NewUniform(tile.Palette[0]), image.Point{}, draw.Src)
	w.Header().Set("Content-Type", "image/png")
	_ = png.Encode(w, tile) // the client may have gone
}
