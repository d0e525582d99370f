package slacksim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// User is a person, guest, bot or foreigner. Zero flags make a full member of the own team.
type User struct {
	ID string `json:"id"`
	// default the workspace's; another one makes a Slack Connect foreigner
	TeamID      string `json:"team_id,omitempty"`
	Name        string `json:"name"` // handle, for example ana; default made of the id
	RealName    string `json:"real_name,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
	Email       string `json:"email,omitempty"` // foreigners' are never told to the bot
	Title       string `json:"title,omitempty"`
	TZ          string `json:"tz,omitempty"`        // default Europe/London
	TZOffset    int    `json:"tz_offset,omitempty"` // seconds; follows TZ when only that is given
	Locale      string `json:"locale,omitempty"`    // default en-US
	StatusText  string `json:"status_text,omitempty"`
	StatusEmoji string `json:"status_emoji,omitempty"` // with colons, as :palm_tree:
	// Unix seconds at which the status is cleared; 0: never
	StatusExpiration  int64  `json:"status_expiration,omitempty"`
	Deleted           bool   `json:"deleted,omitempty"` // deactivated
	IsAdmin           bool   `json:"is_admin,omitempty"`
	IsOwner           bool   `json:"is_owner,omitempty"`
	IsPrimaryOwner    bool   `json:"is_primary_owner,omitempty"`
	IsRestricted      bool   `json:"is_restricted,omitempty"`       // guest
	IsUltraRestricted bool   `json:"is_ultra_restricted,omitempty"` // single-channel guest, with IsRestricted
	IsBot             bool   `json:"is_bot,omitempty"`
	IsAppUser         bool   `json:"is_app_user,omitempty"`
	IsInvited         bool   `json:"is_invited_user,omitempty"` // never signed in
	EmailUnconfirmed  bool   `json:"email_unconfirmed,omitempty"`
	Away              bool   `json:"away,omitempty"`          // what users.getPresence tells; without it active
	EnterpriseID      string `json:"enterprise_id,omitempty"` // gives enterprise_user

	updated int64 // when it was changed last, Unix seconds
}

// Channel is a public or private channel. Direct messages are made by the bot or by OpenDM.
type Channel struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"` // without #
	Private   bool     `json:"is_private,omitempty"`
	Members   []string `json:"members"` // user ids; the bot's own id makes it a member
	ExtShared bool     `json:"is_ext_shared,omitempty"`
	Archived  bool     `json:"is_archived,omitempty"`

	im, mpim       bool
	created        int64
	creator        string // USLACKBOT for those that were there from the start
	topic, purpose note
	previous       []string // names it had before
}

// UserGroup is a group such as @platform.
type UserGroup struct {
	ID       string   `json:"id"`
	Handle   string   `json:"handle"`
	Name     string   `json:"name"`
	Members  []string `json:"members"`
	Disabled bool     `json:"disabled,omitempty"`
}

// Reaction is one emoji on a message.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
}

// Message is a message as it stands now.
type Message struct {
	Channel   string `json:"channel"`
	TS        string `json:"ts"`
	ThreadTS  string `json:"thread_ts,omitempty"`
	User      string `json:"user,omitempty"`
	BotID     string `json:"bot_id,omitempty"` // set for the app's own
	Username  string `json:"username,omitempty"`
	IconEmoji string `json:"icon_emoji,omitempty"`
	IconURL   string `json:"icon_url,omitempty"`
	// Subtype is set for what Slack writes itself, as channel_join or channel_topic.
	Subtype     string          `json:"subtype,omitempty"`
	Text        string          `json:"text"`
	Blocks      json.RawMessage `json:"blocks,omitempty"` // with the ids Slack adds; nil when there are none
	Attachments json.RawMessage `json:"attachments,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`     // event_type and event_payload
	EphemeralTo string          `json:"ephemeral_to,omitempty"` // "Only visible to you": that user's id
	Edited      bool            `json:"edited,omitempty"`
	EditedTS    string          `json:"edited_ts,omitempty"`
	Edits       int             `json:"edits,omitempty"` // how often the app changed it
	Deleted     bool            `json:"deleted,omitempty"`
	Reactions   []Reaction      `json:"reactions,omitempty"`
	Files       []File          `json:"files,omitempty"`
	gone        int             // files of it that were deleted since
	Broadcast   bool            `json:"reply_broadcast,omitempty"`

	clientMsgID string
	about       obj      // what else a message with a subtype tells
	pinned      []string // the channel, when it is pinned there
	pinnedAt    int64
}

// File is an uploaded file.
type File struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	AltText  string   `json:"alt_txt,omitempty"`
	Length   int      `json:"size"`
	Channels []string `json:"channels,omitempty"`
	Complete bool     `json:"complete"`
	User     string   `json:"user,omitempty"` // the person who uploaded it; "" for the app

	data     []byte
	shares   []share
	deleted  bool
	uploaded bool
	secret   string
	created  int64
}

// share is one message that carries a file.
type share struct{ channel, ts string }

// newID makes an id such as C7K2Q9ABCD that was not used before.
func (s *Server) newID(prefix string, length int) string {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	for {
		b := []byte(prefix)
		for range length {
			b = append(b, letters[s.rng.IntN(len(letters))])
		}
		if id := string(b); !s.ids[id] {
			s.ids[id] = true
			return id
		}
	}
}

func (s *Server) newUUID() string {
	a, b := s.rng.Uint64(), s.rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000,
		b&0xffffffffffff)
}

// newTS makes the next message timestamp: seconds and microseconds, always growing.
func (s *Server) newTS() string {
	t := max(s.opt.Now().UnixMicro(), s.lastTS+1)
	s.lastTS = t
	return fmt.Sprintf("%d.%06d", t/1e6, t%1e6)
}

// AddUser adds a person, or replaces the one of that id.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.TeamID == "" {
		u.TeamID = s.opt.TeamID
	}
	if u.Name == "" {
		u.Name = strings.ToLower(u.ID)
	}
	if u.RealName == "" {
		u.RealName = u.Name
	}
	if u.TZ == "" {
		u.TZ = "Europe/London"
	}
	if u.Locale == "" {
		u.Locale = "en-US"
	}
	s.settle(&u, User{})
	known := s.users[u.ID]
	if known == nil {
		s.userOrder = append(s.userOrder, u.ID)
	}
	s.ids[u.ID] = true
	s.users[u.ID] = &u
	if known != nil {
		u.updated = known.updated
		s.tellUser(known, &u)
	}
	s.watchStatus(&u)
	s.touch()
}

// watchStatus sees to it that a status ends in time.
func (s *Server) watchStatus(u *User) {
	if u.StatusExpiration != 0 {
		s.runScheduler()
	}
}

// UpdateUser changes a person in place and reports whether that id is known. The app hears of it by
// user_change and, as the case may be, user_status_changed or user_profile_changed, if it
// subscribed to them (Options.Events) and holds users:read.
func (s *Server) UpdateUser(id string, change func(*User)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[id]
	if u == nil {
		return false
	}
	next := *u
	change(&next)
	next.ID = id
	s.settle(&next, *u)
	s.users[id] = &next
	s.tellUser(u, &next)
	s.watchStatus(&next)
	s.touch()
	return true
}

// Deactivate deactivates a person and reports whether that id is known; the app hears of it as by UpdateUser.
func (s *Server) Deactivate(id string) bool {
	return s.UpdateUser(id, func(u *User) { u.Deleted = true })
}

// Users lists everyone, in the order they were added.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l []User
	for _, id := range s.userOrder {
		l = append(l, *s.users[id])
	}
	return l
}

// AddChannel adds a channel, or replaces the one of that id, keeping its messages.
func (s *Server) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Members = slices.Clone(c.Members)
	c.created = s.opt.Now().Unix()
	s.putChannel(&c)
	s.touch()
}

// UpdateChannel changes a channel in place, keeping its messages, and reports whether that id is known: archive it
// (Archived), share it with another workspace (ExtShared), take the app out (Members). The app hears of none of these.
func (s *Server) UpdateChannel(id string, change func(*Channel)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.channels[id]
	if known == nil {
		return false
	}
	next := *known
	next.Members = slices.Clone(known.Members)
	change(&next)
	next.ID, next.im, next.mpim, next.created, next.creator = id, known.im, known.mpim, known.created, known.creator
	s.channels[id] = &next
	s.touch()
	return true
}

// SetMessagesTab switches the Messages tab of the app's home off or on, as its settings do. Off,
// everything new that the app sends to a person is refused with messages_tab_disabled; what was
// sent before can still be changed.
func (s *Server) SetMessagesTab(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messagesOff = !on
	s.touch()
}

func (s *Server) putChannel(c *Channel) {
	if s.channels[c.ID] == nil {
		s.channelOrder = append(s.channelOrder, c.ID)
	}
	s.ids[c.ID] = true
	s.channels[c.ID] = c
}

// AddUserGroup adds a user group, or replaces the one of that id.
func (s *Server) AddUserGroup(id, handle string, members []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[id] == nil {
		s.groupOrder = append(s.groupOrder, id)
	}
	s.ids[id] = true
	s.groups[id] = &UserGroup{ID: id, Handle: handle, Name: handle, Members: slices.Clone(members)}
	s.touch()
}

// OpenDM returns the channel of the app's direct message with that user, made if there was none; ""
// for an unknown user.
func (s *Server) OpenDM(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[user] == nil {
		return ""
	}
	id := s.dmWith(user).ID
	s.touch()
	return id
}

func (s *Server) dmWith(user string) *Channel {
	if id, ok := s.dms[user]; ok {
		return s.channels[id]
	}
	c := &Channel{ID: s.newID("D0", 9), Members: []string{user, s.opt.BotUserID}, Private: true, im: true,
		created: s.opt.Now().Unix()}
	s.dms[user] = c.ID
	s.putChannel(c)
	return c
}

func (c *Channel) has(user string) bool { return slices.Contains(c.Members, user) }

// clientName is the channel_name of slash commands.
func (c *Channel) clientName() string {
	switch {
	case c.im:
		return "directmessage"
	case c.Private:
		return "privategroup"
	}
	return c.Name
}

// addMessage appends m and gives it its timestamp.
func (s *Server) addMessage(m Message) *Message {
	m.TS = s.newTS()
	p := &m
	s.messages[m.Channel] = append(s.messages[m.Channel], p)
	s.touch()
	return p
}

// findMessage returns the message that user may see (any user when ""), ephemerals included.
func (s *Server) findMessage(channel, ts, user string) *Message {
	for _, m := range s.messages[channel] {
		if m.TS == ts && !m.Deleted && (m.EphemeralTo == "" || m.EphemeralTo == user || user == "") {
			return m
		}
	}
	return nil
}

// stored is findMessage without ephemerals, which only response_url can change.
func (s *Server) stored(channel, ts string) *Message {
	m := s.findMessage(channel, ts, "")
	if m == nil || m.EphemeralTo != "" {
		return nil
	}
	return m
}

// slackbotSays leaves a private note of Slack itself, as for a failed command.
func (s *Server) slackbotSays(channel, user, text string) {
	s.addMessage(Message{Channel: channel, User: "USLACKBOT", Text: text, EphemeralTo: user})
}

// foreign says whether u belongs to another team.
func (s *Server) foreign(u *User) bool { return u.TeamID != s.opt.TeamID }

// stranger says whether a foreigner shares no channel with the workspace.
func (s *Server) stranger(u *User) bool {
	if !s.foreign(u) {
		return false
	}
	for _, c := range s.channels {
		if c.ExtShared && c.has(u.ID) {
			return false
		}
	}
	return true
}

func slackTime(t time.Time) string {
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}
