package slacksim

import (
	"cmp"
	"slices"
	"strings"
)

// uploadFile is files.upload, which ended on 2025-11-12
// (docs.slack.dev/reference/methods/files.upload, error method_deprecated).
func uploadFile(*call) (obj, *apiError) { return nil, fail("method_deprecated") }

// fileTypes are the words of the types argument, each with the media types it stands for
// (docs.slack.dev/reference/methods/files.list, "Types").
var fileTypes = map[string][]string{"all": {""}, "spaces": nil, "snippets": nil, "gdocs": nil, "images": {"image/"},
	"zips": {"application/zip"}, "pdfs": {"application/pdf"}}

// listFiles lists the files that the app can see: its own, and those in conversations it is in; the newest first.
func listFiles(c *call) (obj, *apiError) {
	kinds, err := c.fileKinds()
	if err != nil {
		return nil, err
	}
	if u := c.args.str("user"); u != "" && c.s.users[u] == nil {
		return nil, fail("user_not_found")
	}
	var found []*File
	for _, f := range c.s.files {
		if c.listed(f, kinds) {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b *File) int {
		return cmp.Or(cmp.Compare(b.created, a.created), strings.Compare(a.ID, b.ID))
	})
	count, countOK := c.args.integer("count", 100)
	page, pageOK := c.args.integer("page", 1)
	if !countOK || !pageOK || count < 1 || page < 1 {
		return nil, failMessages("invalid_arguments", "must be greater than 0 [json-pointer:/page]")
	}
	from, to := min(len(found), (page-1)*count), min(len(found), page*count)
	l := c.s.filesJSON(found[from:to])
	if l == nil {
		l = []any{}
	}
	pages := (len(found) + count - 1) / count
	return obj{"files": l, "paging": obj{"count": count, "total": len(found), "page": page, "pages": pages}}, nil
}

func (c *call) fileKinds() ([]string, *apiError) {
	var kinds []string
	for t := range strings.SplitSeq(cmp.Or(c.args.str("types"), "all"), ",") {
		media, known := fileTypes[strings.TrimSpace(t)]
		if !known {
			return nil, fail("unknown_type")
		}
		kinds = append(kinds, media...)
	}
	return kinds, nil
}

// listed says whether files.list shows a file.
func (c *call) listed(f *File, kinds []string) bool {
	seen := func(id string) bool { ch := c.s.channels[id]; return ch != nil && ch.has(c.s.opt.BotUserID) }
	from, to := c.args.str("ts_from"), c.args.str("ts_to")
	channel, user := c.args.str("channel"), c.args.str("user")
	return f.Complete && !f.deleted &&
		(f.User == "" || slices.ContainsFunc(f.Channels, seen)) &&
		(channel == "" || slices.Contains(f.Channels, channel)) &&
		(user == "" || user == cmp.Or(f.User, c.s.opt.BotUserID)) &&
		(from == "" || f.created*1e6 >= tsMicros(from)) && (to == "" || f.created*1e6 <= tsMicros(to)) &&
		slices.ContainsFunc(kinds, func(k string) bool { return strings.HasPrefix(f.mimetype(), k) })
}

func deleteFile(c *call) (obj, *apiError) {
	f := c.s.files[c.args.str("file")]
	switch {
	case f == nil, !f.Complete:
		return nil, fail("file_not_found")
	case f.deleted:
		return nil, fail("file_deleted")
	case f.User != "":
		return nil, fail("cant_delete_file")
	}
	f.deleted, f.data = true, nil
	for _, at := range f.shares {
		if m := c.s.stored(at.channel, at.ts); m != nil {
			m.gone++
		}
	}
	c.s.touch()
	c.s.fileEvent("file_deleted", f.ID)
	return obj{}, nil
}

// sharedEvent tells the app that a file was shared (docs.slack.dev/reference/events/file_shared).
func (s *Server) sharedEvent(ch *Channel, f *File) {
	if s.hasScope("files:read") && ch.has(s.opt.BotUserID) {
		s.emit("file_shared", obj{"type": "file_shared", "file_id": f.ID, "user_id": cmp.Or(f.User, s.opt.BotUserID),
			"file": obj{"id": f.ID}, "channel_id": ch.ID, "event_ts": slackTime(s.opt.Now())}, ch.ExtShared)
	}
}

// sharesJSON says in which messages a file stands, of public and of private conversations
// (docs.slack.dev/reference/methods/files.info, its example).
func (s *Server) sharesJSON(f *File) obj {
	all := obj{}
	for _, at := range f.shares {
		ch, m := s.channels[at.channel], s.stored(at.channel, at.ts)
		if ch == nil || m == nil {
			continue
		}
		kind := "public"
		if ch.Private {
			kind = "private"
		}
		o := obj{"ts": m.TS, "reply_users": []string{}, "reply_users_count": 0, "reply_count": 0}
		thread := obj{}
		s.repliesJSON(m, thread)
		for _, k := range []string{"reply_users", "reply_users_count", "reply_count", "latest_reply", "thread_ts"} {
			if thread[k] != nil {
				o[k] = thread[k]
			}
		}
		if m.ThreadTS != "" {
			o["thread_ts"] = m.ThreadTS
		}
		if !ch.im {
			o["channel_name"], o["team_id"] = ch.Name, s.opt.TeamID
		}
		if all[kind] == nil {
			all[kind] = obj{}
		}
		places := asObj(all[kind])
		places[ch.ID] = append(asList(places[ch.ID]), o)
	}
	return all
}
