package slacksim

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxJournal is how many entries are kept for streams that come back, and the most that one step may add; beyond it the
// page loads anew.
const maxJournal = 2048

// entry is one change as the page is told of it.
type entry struct {
	n    int
	kind string
	data json.RawMessage
}

// journal turns the state of the server into numbered changes. Whoever changes the state only says that something
// changed (touch); step finds out what, by comparing cheap marks of everything with those of the step before. So no
// change can be forgotten, and a server without a page pays nothing. All of it is guarded by Server.mu.
type journal struct {
	epoch   string // tells this server's numbers from those of another one on the same address
	last    int
	quiet   bool    // the first step only takes marks
	entries []entry // the newest ones, numbers without gaps

	users     map[string]*User
	groups    map[string]*UserGroup
	channels  map[string]channelMark
	links     int
	ahead     int64 // milliseconds, as last told
	messages  map[string][]messageMark
	stacks    map[string]string
	homes     map[string]string
	reads     map[string]string
	calls     int          // id of the newest call told
	open      map[int]bool // calls told that had no answer yet
	envelopes int
	waiting   map[int]bool
}

type channelMark struct {
	ch      *Channel
	members int
}

// messageMark grows whenever a message changes.
type messageMark struct {
	edits, reactions, gone int
	deleted                bool
}

func markOf(m *Message) messageMark {
	mark := messageMark{edits: m.Edits, gone: m.gone, deleted: m.Deleted}
	for _, r := range m.Reactions {
		mark.reactions += 1 + len(r.Users)
	}
	return mark
}

// position is the number of the newest entry, with the epoch.
func (s *Server) position() string { return s.journal.epoch + "-" + strconv.Itoa(s.journal.last) }

// step brings the journal up to date. The lock is held.
func (s *Server) step() {
	j := &s.journal
	if j.epoch == "" {
		j.epoch = strconv.FormatInt(time.Now().UnixMicro(), 36)
		j.messages, j.stacks, j.homes, j.reads = map[string][]messageMark{}, map[string]string{}, map[string]string{},
			map[string]string{}
		j.open, j.waiting = map[int]bool{}, map[int]bool{}
		j.quiet = true
		s.stepAll(func(string, any) {})
		j.quiet = false
		return
	}
	from := j.last
	s.stepAll(func(kind string, v any) {
		j.last++
		if j.last-from <= maxJournal {
			j.entries = append(j.entries, entry{j.last, kind, encode(v)})
		}
	})
	if j.last-from > maxJournal {
		j.entries = nil
	}
	if len(j.entries) > 2*maxJournal {
		j.entries = slices.Clone(j.entries[len(j.entries)-maxJournal:])
	}
}

// since returns the entries after a position. ok is false when they are not known any more: the page loads anew.
func (s *Server) since(position string) (l []entry, ok bool) {
	epoch, number, _ := strings.Cut(position, "-")
	n, err := strconv.Atoi(number)
	j := &s.journal
	if err != nil || epoch != j.epoch || n > j.last {
		return nil, false
	}
	if n == j.last {
		return nil, true
	}
	if len(j.entries) == 0 || j.entries[0].n > n+1 {
		return nil, false
	}
	return slices.Clone(j.entries[n+1-j.entries[0].n:]), true
}

type tell = func(kind string, v any)

func (s *Server) stepAll(t tell) {
	s.stepWorld(t)
	s.stepMessages(t)
	s.stepViews(t)
	s.stepTraffic(t)
}

func (s *Server) stepWorld(t tell) {
	j := &s.journal
	users, groups, channels := map[string]*User{}, map[string]*UserGroup{}, map[string]channelMark{}
	changed := len(j.users) != len(s.users) || len(j.groups) != len(s.groups)
	for id, u := range s.users {
		users[id] = u
		changed = changed || j.users[id] != u
	}
	for id, g := range s.groups {
		groups[id] = g
		changed = changed || j.groups[id] != g
	}
	moved := len(j.channels) != len(s.channels)
	for id, c := range s.channels {
		channels[id] = channelMark{c, len(c.Members)}
		moved = moved || j.channels[id] != channels[id]
	}
	j.users, j.groups, j.channels = users, groups, channels
	if changed {
		t("people", obj{"people": s.peopleJSON(), "groups": s.groupsJSON()})
	}
	if moved {
		t("channels", obj{"channels": s.channelsJSON()})
	}
	if ahead := s.ahead(); max(ahead, j.ahead)-min(ahead, j.ahead) > 1000 {
		j.ahead = ahead
		t("clock", obj{"ahead_ms": ahead})
	}
	if n := len(s.live()); n != j.links {
		j.links = n
		t("link", obj{"connections": n})
	}
	for k, ts := range s.readMarks {
		if j.reads[k] != ts {
			j.reads[k] = ts
			user, channel, _ := strings.Cut(k, "/")
			t("read", obj{"user": user, "channel": channel, "ts": ts})
		}
	}
}

// stepMessages tells of new and changed messages, and of the parents whose threads changed with them.
func (s *Server) stepMessages(t tell) {
	for channel, list := range s.messages {
		marks := s.journal.messages[channel]
		var changed []*Message
		for i, m := range list {
			mark := markOf(m)
			switch {
			case i >= len(marks):
				marks = append(marks, mark)
			case marks[i] == mark:
				continue
			default:
				marks[i] = mark
			}
			changed = append(changed, m)
		}
		s.journal.messages[channel] = marks
		if !s.journal.quiet && len(changed) > 0 {
			s.tellMessages(t, channel, changed)
		}
	}
}

func (s *Server) tellMessages(t tell, channel string, changed []*Message) {
	if len(changed) > maxJournal { // more than a page could want: a gap makes it load anew
		s.journal.last += maxJournal
		t("gap", nil)
		return
	}
	threads := threadsOf(s.messages[channel])
	told := map[string]bool{}
	say := func(m *Message) {
		if !told[m.TS] {
			told[m.TS] = true
			t("message", obj{"channel": channel, "message": s.pageMessage(m, threads)})
		}
	}
	for _, m := range changed {
		say(m)
		if m.ThreadTS != "" && m.ThreadTS != m.TS {
			if p := s.stored(channel, m.ThreadTS); p != nil {
				delete(told, p.TS)
				say(p)
			}
		}
	}
}

func (s *Server) stepViews(t tell) {
	j := &s.journal
	for user, stack := range s.stacks {
		mark := ""
		for _, v := range stack {
			mark += v.id + "/" + v.hash + " "
		}
		if j.stacks[user] != mark {
			j.stacks[user] = mark
			t("views", obj{"user": user, "views": s.viewsJSON(user)})
		}
	}
	for user, h := range s.homes {
		if j.homes[user] != h.hash {
			j.homes[user] = h.hash
			t("home", obj{"user": user, "home": s.viewJSON(h, true)})
		}
	}
}

func (s *Server) stepTraffic(t tell) {
	j := &s.journal
	for id := range j.open {
		if c := s.findCall(id); c == nil || c.Done {
			delete(j.open, id)
			if c != nil {
				t("traffic", s.callLine(c))
			}
		}
	}
	next, _ := slices.BinarySearchFunc(s.calls, j.calls+1, func(c Call, id int) int { return c.ID - id })
	for i := next; i < len(s.calls); i++ {
		c := &s.calls[i]
		t("traffic", s.callLine(c))
		if j.calls = c.ID; !c.Done {
			j.open[c.ID] = true
		}
	}
	for _, e := range s.traffic.envelopes {
		if e.n > j.envelopes || e.done && j.waiting[e.n] {
			t("traffic", s.envelopeLine(e))
			delete(j.waiting, e.n)
			if !e.done {
				j.waiting[e.n] = true
			}
		}
	}
	j.envelopes = s.traffic.last
}
