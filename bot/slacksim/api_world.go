package slacksim

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// paginate cuts a page out of l by the arguments limit and cursor. standard is the page size when no limit is given.
func paginate(p params, l []any, standard int) ([]any, string, *apiError) {
	size, ok := p.integer("limit", standard)
	if !ok || size < 0 {
		return nil, "", fail("invalid_limit")
	}
	if size == 0 {
		size = standard
	}
	size = min(size, 1000)
	from := 0
	if cursor := p.str("cursor"); cursor != "" {
		raw, err := base64.StdEncoding.DecodeString(cursor)
		if err != nil {
			return nil, "", fail("invalid_cursor")
		}
		if _, err := fmt.Sscanf(string(raw), "next:%d", &from); err != nil || from < 0 || from > len(l) {
			return nil, "", fail("invalid_cursor")
		}
	}
	to := min(len(l), from+size)
	next := ""
	if to < len(l) {
		next = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "next:%d", to))
	}
	return l[from:to], next, nil
}

// userJSON is the user object, with the fields of docs.slack.dev/reference/objects/user-object.
func (s *Server) userJSON(u *User, locale bool) obj {
	o := obj{"id": u.ID, "team_id": u.TeamID, "name": u.Name, "deleted": u.Deleted, "profile": s.profileJSON(u),
		"is_bot":      u.IsBot,
		"is_app_user": u.IsAppUser, "updated": max(1, u.updated)}
	if s.foreign(u) {
		if s.stranger(u) {
			o["is_stranger"] = true
		}
		return s.withEnterprise(u, o)
	}
	if locale {
		o["locale"] = u.Locale
	}
	if u.Deleted {
		return s.withEnterprise(u, o)
	}
	o["real_name"], o["tz"], o["tz_label"], o["tz_offset"], o["color"] = u.RealName, u.TZ, u.TZ, u.TZOffset, "4bbe2e"
	o["is_admin"], o["is_owner"], o["is_primary_owner"] = u.IsAdmin || u.IsOwner || u.IsPrimaryOwner, u.IsOwner ||
		u.IsPrimaryOwner, u.IsPrimaryOwner
	o["is_restricted"], o["is_ultra_restricted"] = u.IsRestricted, u.IsUltraRestricted
	o["is_email_confirmed"], o["who_can_share_contact_card"] = !u.EmailUnconfirmed, "EVERYONE"
	if u.IsInvited {
		o["is_invited_user"] = true
	}
	return s.withEnterprise(u, o)
}

func (s *Server) withEnterprise(u *User, o obj) obj {
	if u.EnterpriseID != "" {
		o["enterprise_user"] = obj{"id": "W" + u.ID, "enterprise_id": u.EnterpriseID, "enterprise_name": u.EnterpriseID,
			"is_admin": false, "is_owner": false, "teams": []any{u.TeamID}}
	}
	return o
}

func userInfo(c *call) (obj, *apiError) {
	u := c.s.users[c.args.str("user")]
	if u == nil {
		return nil, fail("user_not_found")
	}
	return obj{"user": c.s.userJSON(u, c.args.boolean("include_locale"))}, nil
}

func listUsers(c *call) (obj, *apiError) {
	l := []any{}
	for _, id := range c.s.userOrder {
		if u := c.s.users[id]; !c.s.stranger(u) {
			l = append(l, c.s.userJSON(u, c.args.boolean("include_locale")))
		}
	}
	page, cursor, err := paginate(c.args, l, 1000)
	return obj{"members": page, "cache_ts": c.s.opt.Now().Unix(), "response_metadata": obj{"next_cursor": cursor}}, err
}

func lookupByEmail(c *call) (obj, *apiError) {
	if err := c.s.needScope("users:read.email"); err != nil {
		return nil, err
	}
	for _, id := range c.s.userOrder {
		if u := c.s.users[id]; u.Email != "" && strings.EqualFold(u.Email, c.args.str("email")) && !u.Deleted &&
			!c.s.foreign(u) {
			return obj{"user": c.s.userJSON(u, c.args.boolean("include_locale"))}, nil
		}
	}
	return nil, fail("users_not_found")
}

func (s *Server) groupJSON(g *UserGroup, users, count bool) obj {
	deleted := 0
	if g.Disabled {
		deleted = 1
	}
	o := obj{"id": g.ID, "team_id": s.opt.TeamID, "is_usergroup": true, "is_subteam": true, "name": g.Name,
		"handle":      g.Handle,
		"description": "", "is_external": false, "date_create": 1, "date_update": 1, "date_delete": deleted,
		"auto_type":  nil,
		"created_by": "USLACKBOT", "updated_by": "USLACKBOT", "deleted_by": nil, "prefs": obj{"channels": []any{},
			"groups": []any{}}}
	if users {
		o["users"] = slices.Clone(g.Members)
	}
	if count {
		o["user_count"] = len(g.Members)
	}
	return o
}

func listGroups(c *call) (obj, *apiError) {
	l := []any{}
	for _, id := range c.s.groupOrder {
		if g := c.s.groups[id]; !g.Disabled || c.args.boolean("include_disabled") {
			l = append(l, c.s.groupJSON(g, c.args.boolean("include_users"), c.args.boolean("include_count")))
		}
	}
	return obj{"usergroups": l}, nil
}

func groupUsers(c *call) (obj, *apiError) {
	g := c.s.groups[c.args.str("usergroup")]
	if g == nil || g.Disabled && !c.args.boolean("include_disabled") {
		return nil, fail("no_such_subteam")
	}
	return obj{"users": append([]string{}, g.Members...)}, nil
}

// channelJSON is the conversation object.
func (s *Server) channelJSON(ch *Channel) obj {
	o := obj{"id": ch.ID, "created": ch.created, "is_archived": ch.Archived, "is_im": ch.im, "is_mpim": ch.mpim,
		"is_private":    ch.Private,
		"is_org_shared": false, "is_shared": ch.ExtShared, "is_ext_shared": ch.ExtShared,
		"is_pending_ext_shared": false,
		"context_team_id":       s.opt.TeamID, "updated": ch.created * 1000}
	if ch.im {
		for _, m := range ch.Members {
			if m != s.opt.BotUserID {
				o["user"] = m
				if u := s.users[m]; u != nil {
					o["is_user_deleted"] = u.Deleted
				}
			}
		}
		o["is_open"], o["priority"] = true, 0
		return o
	}
	o["name"], o["name_normalized"], o["creator"] = ch.Name, ch.Name, cmp.Or(ch.creator, "USLACKBOT")
	o["pending_shared"], o["previous_names"] = []any{}, append([]string{}, ch.previous...)
	o["is_channel"], o["is_group"] = !ch.Private, ch.Private && !ch.mpim
	o["is_member"], o["is_general"], o["unlinked"] = ch.has(s.opt.BotUserID), ch.general(), 0
	o["topic"], o["purpose"] = ch.topic.json(), ch.purpose.json()
	if ch.ExtShared {
		o["shared_team_ids"] = s.teamsOf(ch)
	}
	return o
}

func (s *Server) teamsOf(ch *Channel) []string {
	teams := []string{s.opt.TeamID}
	for _, m := range ch.Members {
		if u := s.users[m]; u != nil && !slices.Contains(teams, u.TeamID) {
			teams = append(teams, u.TeamID)
		}
	}
	return teams
}

// kindScope is the ending-less scope family of a conversation: channels, groups, im or mpim.
func (ch *Channel) kindScope() string {
	switch {
	case ch.im:
		return "im"
	case ch.mpim:
		return "mpim"
	case ch.Private:
		return "groups"
	}
	return "channels"
}

// visible returns the conversation of the channel argument if the app may see it, and its scope of
// that right is granted.
func (c *call) visible(right string) (*Channel, *apiError) {
	ch := c.s.channels[c.args.str("channel")]
	if ch == nil || ch.Private && !ch.has(c.s.opt.BotUserID) {
		return nil, fail("channel_not_found")
	}
	return ch, c.s.needScope(ch.kindScope() + ":" + right)
}

func conversationInfo(c *call) (obj, *apiError) {
	ch, err := c.visible("read")
	if err != nil {
		return nil, err
	}
	o := c.s.channelJSON(ch)
	if c.args.boolean("include_num_members") {
		o["num_members"] = len(ch.Members)
	}
	return obj{"channel": o}, nil
}

func conversationMembers(c *call) (obj, *apiError) {
	ch, err := c.visible("read")
	if err != nil {
		return nil, err
	}
	if n, ok := c.args.integer("limit", 0); !ok || n < 0 || n > 1000 {
		return nil, fail("invalid_limit")
	}
	l := []any{}
	for _, m := range ch.Members {
		l = append(l, m)
	}
	page, cursor, err := paginate(c.args, l, 100)
	return obj{"members": page, "response_metadata": obj{"next_cursor": cursor}}, err
}

func listConversations(c *call) (obj, *apiError) {
	return c.conversationPage(func(ch *Channel) obj {
		o := c.s.channelJSON(ch)
		if !ch.im && !ch.mpim {
			o["num_members"] = len(ch.Members)
		}
		return o
	})
}

func openConversation(c *call) (obj, *apiError) {
	s := c.s
	full := func(ch *Channel, already bool) obj {
		o := obj{"id": ch.ID}
		if c.args.boolean("return_im") {
			o = s.channelJSON(ch)
		}
		out := obj{"channel": o}
		if already {
			out["no_op"], out["already_open"] = true, true
		}
		return out
	}
	if id := c.args.str("channel"); id != "" {
		ch := s.channels[id]
		if ch == nil || !ch.has(s.opt.BotUserID) {
			return nil, fail("channel_not_found")
		}
		if !ch.im && !ch.mpim {
			return nil, fail("method_not_supported_for_channel_type")
		}
		return full(ch, true), nil
	}
	people, err := c.people()
	if err != nil {
		return nil, err
	}
	if len(people) == 1 {
		if err := s.needScope("im:write"); err != nil {
			return nil, err
		}
		_, had := s.dms[people[0]]
		return full(s.dmWith(people[0]), had), nil
	}
	if err := s.needScope("mpim:write"); err != nil {
		return nil, err
	}
	ch, had := s.groupDM(people)
	return full(ch, had), nil
}

// people reads and checks the users argument of conversations.open.
func (c *call) people() ([]string, *apiError) {
	list := c.args.str("users")
	if l := asList(c.args["users"]); l != nil {
		var ids []string
		for _, v := range l {
			ids = append(ids, asString(v))
		}
		list = strings.Join(ids, ",")
	}
	if list == "" {
		return nil, fail("users_list_not_supplied")
	}
	var people []string
	for id := range strings.SplitSeq(list, ",") {
		id = strings.TrimSpace(id)
		u := c.s.users[id]
		switch {
		case u == nil:
			return nil, fail("user_not_found")
		case u.Deleted:
			return nil, fail("user_disabled")
		case c.s.stranger(u):
			return nil, fail("user_not_visible")
		case u.IsBot, id == "USLACKBOT":
			return nil, fail("invalid_user_combination")
		}
		if !slices.Contains(people, id) {
			people = append(people, id)
		}
	}
	if len(people) > limit("conversations.open.people").Max {
		return nil, fail("too_many_users")
	}
	return people, nil
}

// groupDM returns the app's group direct message with exactly these people.
func (s *Server) groupDM(people []string) (*Channel, bool) {
	want := append(slices.Sorted(slices.Values(people)), s.opt.BotUserID)
	for _, ch := range s.channels {
		if ch.mpim && slices.Equal(ch.Members, want) {
			return ch, true
		}
	}
	ch := &Channel{ID: s.newID("C0", 9), Members: want, Private: true, mpim: true, created: s.opt.Now().Unix()}
	ch.Name = "mpdm-" + strings.ToLower(strings.Join(want, "--")) + "-1"
	s.putChannel(ch)
	return ch, false
}

func conversationHistory(c *call) (obj, *apiError) {
	ch, err := c.visible("history")
	if err != nil {
		return nil, err
	}
	if !ch.has(c.s.opt.BotUserID) {
		return nil, fail("not_in_channel")
	}
	if err := c.times(); err != nil {
		return nil, err
	}
	all := c.s.messages[ch.ID]
	l, pins := []any{}, 0
	for i := len(all) - 1; i >= 0; i-- {
		m := all[i]
		if len(m.pinned) > 0 && !m.Deleted {
			pins++
		}
		if m.Deleted || m.EphemeralTo != "" || m.ThreadTS != "" && !m.Broadcast || !c.within(m.TS) {
			continue
		}
		l = append(l, m)
	}
	out, err := c.messagePage(l, 100)
	if err == nil {
		out["pin_count"], out["channel_actions_ts"], out["channel_actions_count"] = pins, nil, 0
	}
	return out, err
}

// messagePage is a page of messages; only those on it are made into JSON, which takes long for many.
func (c *call) messagePage(messages []any, standard int) (obj, *apiError) {
	page, cursor, err := paginate(c.args, messages, standard)
	if err != nil {
		return nil, err
	}
	shown := make([]any, 0, len(page))
	for _, m := range page {
		shown = append(shown, c.s.messageJSON(m.(*Message), c.args.boolean("include_all_metadata")))
	}
	return obj{"messages": shown, "has_more": cursor != "", "response_metadata": obj{"next_cursor": cursor}}, nil
}

// unixTime is a timestamp argument: seconds, with or without a fraction.
var unixTime = regexp.MustCompile(`^\d{1,12}(\.\d{1,6})?$`)

// times refuses an oldest or latest that is no timestamp (docs.slack.dev/reference/methods/conversations.history).
func (c *call) times() *apiError {
	for _, k := range []string{"oldest", "latest"} {
		if v := c.args.str(k); v != "" && v != "now" && !unixTime.MatchString(v) {
			return fail("invalid_ts_" + k)
		}
	}
	return nil
}

// within applies oldest, latest and inclusive.
func (c *call) within(ts string) bool {
	inclusive := c.args.boolean("inclusive")
	after := func(a, b string) bool { return tsMicros(a) > tsMicros(b) || inclusive && tsMicros(a) == tsMicros(b) }
	if o := c.args.str("oldest"); o != "" && o != "0" && !after(ts, o) {
		return false
	}
	if l := c.args.str("latest"); l != "" && l != "now" && !after(l, ts) {
		return false
	}
	return true
}

// tsMicros reads a timestamp such as 1700000000.000100; a bare number of seconds is fine too.
func tsMicros(ts string) int64 {
	seconds, fraction, _ := strings.Cut(ts, ".")
	var a, b int64
	fmt.Sscanf(seconds, "%d", &a)
	fmt.Sscanf((fraction + "000000")[:6], "%d", &b)
	return a*1e6 + b
}

func conversationReplies(c *call) (obj, *apiError) {
	ch, err := c.visible("history")
	if err != nil {
		return nil, err
	}
	if err := c.times(); err != nil {
		return nil, err
	}
	parent := c.s.stored(ch.ID, c.args.str("ts"))
	if parent == nil {
		return nil, fail("thread_not_found")
	}
	root := parent.TS
	if parent.ThreadTS != "" {
		root = parent.ThreadTS
	}
	l := []any{}
	for _, m := range c.s.messages[ch.ID] {
		if (m.TS == root || m.ThreadTS == root) && !m.Deleted && m.EphemeralTo == "" && c.within(m.TS) {
			l = append(l, m)
		}
	}
	return c.messagePage(l, 1000)
}

// eventScopes are the scopes a bot token may hold beside those that methods ask for: of commands
// and events, and those that widen what a method does.
const eventScopes = "app_mentions:read chat:write.customize chat:write.public commands incoming-webhook"

// allScopes is every scope of a bot token that makes a difference here, sorted: what a token holds
// without Options.Scopes.
func allScopes() []string {
	l := strings.Fields(eventScopes)
	for _, m := range methods {
		l = append(l, m.scopes...)
	}
	slices.Sort(l)
	return slices.Compact(l)
}

// provided is what the bot token holds, as X-OAuth-Scopes and missing_scope tell it.
func (s *Server) provided() []string {
	if len(s.opt.Scopes) == 0 {
		return allScopes()
	}
	return s.opt.Scopes
}

// tellScopes sets the headers with which Slack tells the scopes of a good token and those the
// method takes, one of which is enough (docs.slack.dev/authentication/installing-with-oauth; both
// official SDKs hand them to the app).
func (s *Server) tellScopes(h http.Header, name, token string) {
	m, known := methods[name]
	if !known {
		return
	}
	switch {
	case token == s.opt.AppToken:
		h.Set("X-OAuth-Scopes", "connections:write")
	case token == s.opt.BotToken:
		h.Set("X-OAuth-Scopes", strings.Join(s.provided(), ","))
	default:
		return
	}
	switch {
	case m.app:
		h.Set("X-Accepted-OAuth-Scopes", "connections:write")
	case len(m.scopes) > 0:
		h.Set("X-Accepted-OAuth-Scopes", strings.Join(m.scopes, ","))
	}
}
