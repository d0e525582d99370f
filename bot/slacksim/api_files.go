package slacksim

import (
	"cmp"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func uploadURL(c *call) (obj, *apiError) {
	if c.args.str("length") == "" || c.args.str("filename") == "" {
		return nil, fail("missing_argument")
	}
	length, ok := c.args.integer("length", 0)
	if !ok || length <= 0 {
		return nil, failMessages("invalid_arguments", "must be greater than 0 [json-pointer:/length]")
	}
	f := &File{ID: c.s.newID("F0", 9), Name: c.args.str("filename"), AltText: c.args.str("alt_txt"), Length: length,
		secret: c.s.newID("", 24), created: c.s.opt.Now().Unix()}
	f.Title = f.Name
	c.s.files[f.ID] = f
	return obj{"upload_url": c.base + "/files/upload/v1/" + f.ID + "/" + f.secret, "file_id": f.ID}, nil
}

// serveFiles takes the bytes of an upload, and hands files out to the page, which has no token. Apps use servePrivate.
func (s *Server) serveFiles(w http.ResponseWriter, r *http.Request) {
	part := strings.Split(strings.TrimPrefix(r.URL.Path, "/files/"), "/")
	if len(part) == 4 && part[0] == "upload" && (r.Method == http.MethodPost || r.Method == http.MethodPut) {
		s.takeUpload(w, r, part[2], part[3])
		return
	}
	s.mu.Lock()
	f := s.files[part[0]]
	var data []byte
	if f != nil {
		data = f.data
	}
	s.mu.Unlock()
	if data == nil {
		http.NotFound(w, r)
		return
	}
	writeFile(w, f, data, true)
}

func (s *Server) takeUpload(w http.ResponseWriter, r *http.Request, id, secret string) {
	data, err := uploadBody(r)
	if err != nil {
		http.Error(w, "cannot read the upload: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	name := ""
	if f := s.files[id]; f != nil {
		name = f.Name
	}
	fault := s.takeFault("files.upload", onAPI, name)
	s.mu.Unlock()
	s.answer(w, r, 0, fault, func() (obj, int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		f := s.files[id]
		if f == nil || f.secret != secret || f.Complete {
			return obj{"ok": false, "error": "file_not_found"}, http.StatusNotFound
		}
		if len(data) != f.Length {
			return obj{"ok": false, "error": "file_upload_size_restricted"}, http.StatusBadRequest
		}
		f.data, f.uploaded = data, true
		s.touch()
		return obj{plainKey: fmt.Sprintf("OK - %d", len(data))}, http.StatusOK
	})
}

// plainKey marks an answer that is a plain line of text instead of JSON.
const plainKey = "\x00plain"

// uploadBody returns the bytes of a raw or multipart upload.
func uploadBody(r *http.Request) ([]byte, error) {
	const largest = 64 << 20
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return io.ReadAll(io.LimitReader(r.Body, largest))
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	for {
		p, err := parts.NextPart()
		if err != nil {
			return nil, fmt.Errorf("find a file part: %w", err)
		}
		if p.FileName() != "" || p.FormName() == "file" {
			return io.ReadAll(io.LimitReader(p, largest))
		}
	}
}

func completeUpload(c *call) (obj, *apiError) {
	v, ok := c.args.json("files")
	list := asList(v)
	if !ok || len(list) == 0 {
		return nil, failMessages("invalid_arguments", "must provide at least 1 items [json-pointer:/files]")
	}
	var files []*File
	for _, e := range list {
		f := c.s.files[asString(asObj(e)["id"])]
		if f == nil || !f.uploaded || f.Complete {
			return nil, fail("file_not_found")
		}
		if t := asString(asObj(e)["title"]); t != "" {
			f.Title = t
		}
		files = append(files, f)
	}
	channels := c.args.str("channel_id")
	if channels != "" && !strings.Contains("CGDZ", channels[:1]) { // a person's id: only channels takes that
		return nil, failMessages("invalid_arguments",
			"input must match regex pattern: ^[CGDZ][A-Z0-9]{8,}$ [json-pointer:/channel_id]")
	}
	if channels == "" {
		channels = c.args.str("channels")
	}
	var targets []*Channel
	for id := range strings.SplitSeq(channels, ",") {
		if id == "" {
			continue
		}
		ch, err := c.place(id)
		if err != nil {
			return nil, err
		}
		if !ch.has(c.s.opt.BotUserID) {
			return nil, fail("not_in_channel")
		}
		targets = append(targets, ch)
	}
	c.share(files, targets)
	return obj{"files": c.s.filesJSON(files)}, nil
}

// share completes the files and posts them to each target as one message.
func (c *call) share(files []*File, targets []*Channel) {
	for _, f := range files {
		f.Complete = true
	}
	for _, ch := range targets {
		m := c.s.ownMessage(ch.ID, content{text: c.args.str("initial_comment")})
		if t := c.s.stored(ch.ID, c.args.str("thread_ts")); t != nil {
			m.ThreadTS = t.TS
		}
		for _, f := range files {
			f.Channels = append(f.Channels, ch.ID)
			m.Files = append(m.Files, *f)
		}
		sent := c.s.addMessage(m)
		for _, f := range files {
			f.shares = append(f.shares, share{ch.ID, sent.TS})
			c.s.sharedEvent(ch, f)
		}
		c.s.messageEvents(ch, sent)
	}
}

func fileInfo(c *call) (obj, *apiError) {
	if v := c.s.canvases[c.args.str("file")]; v != nil && !v.Deleted {
		return obj{"file": c.s.canvasJSON(v), "comments": []any{}, "response_metadata": obj{"next_cursor": ""}}, nil
	}
	f := c.s.files[c.args.str("file")]
	switch {
	case f == nil || !f.Complete:
		return nil, fail("file_not_found")
	case f.deleted:
		return nil, fail("file_deleted")
	}
	return obj{"file": c.s.filesJSON([]*File{f})[0], "comments": []any{}, "response_metadata": obj{"next_cursor": ""}},
		nil
}

// extension is what Slack calls filetype, mostly: the end of the name in small letters.
func (f *File) extension() string {
	if i := strings.LastIndexByte(f.Name, '.'); i >= 0 {
		return strings.ToLower(f.Name[i+1:])
	}
	return ""
}

// mediaTypes are those that a computer's own table may not know, or may know otherwise.
var mediaTypes = map[string]string{"csv": "text/csv", "txt": "text/plain", "json": "application/json",
	"pdf": "application/pdf", "png": "image/png",
	"jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "zip": "application/zip", "html": "text/html",
	"eml":  "message/rfc822",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}

func (f *File) mimetype() string {
	if known := mediaTypes[f.extension()]; known != "" {
		return known
	}
	if kind, _, err := mime.ParseMediaType(mime.TypeByExtension("." + f.extension())); err == nil {
		return kind
	}
	return "application/octet-stream"
}

// filetype is Slack's word for the kind of file (docs.slack.dev/reference/objects/file-object, "File types").
func (f *File) filetype() string {
	switch e := f.extension(); e {
	case "":
		return "binary"
	case "txt":
		return "text"
	case "jpeg":
		return "jpg"
	default:
		return e
	}
}

// filesJSON makes file objects, with the fields of docs.slack.dev/reference/objects/file-object
// that do not depend on the kind of file.
func (s *Server) filesJSON(files []*File) []any {
	var l []any
	for _, f := range files {
		private, name := s.publicBase()+"/files-pri/"+s.opt.TeamID+"-"+f.ID, url.PathEscape(f.Name)
		channels, groups, ims := []any{}, []any{}, []any{}
		for _, id := range f.Channels {
			switch ch := s.channels[id]; {
			case ch != nil && ch.im:
				ims = append(ims, id)
			case ch != nil && ch.Private:
				groups = append(groups, id)
			default:
				channels = append(channels, id)
			}
		}
		user := f.User
		if user == "" {
			user = s.opt.BotUserID
		}
		l = append(l, obj{"id": f.ID, "created": f.created, "timestamp": f.created, "name": f.Name, "title": f.Title,
			"filetype": f.filetype(),
			"mimetype": f.mimetype(), "pretty_type": strings.ToUpper(f.filetype()), "user": user,
			"user_team": s.opt.TeamID, "size": f.Length, "mode": "hosted",
			"editable": false, "is_external": false, "external_type": "", "is_public": len(channels) > 0,
			"public_url_shared": false, "display_as_bot": false,
			"username": "", "url_private": private + "/" + name, "url_private_download": private + "/download/" + name,
			"permalink":      "https://" + s.opt.Domain + ".slack.com/files/" + user + "/" + f.ID + "/" + name,
			"comments_count": 0, "is_starred": false,
			"has_rich_preview": false, "file_access": "visible", "channels": channels, "groups": groups, "ims": ims,
			"alt_txt": f.AltText, "shares": s.sharesJSON(f)})
	}
	return l
}

// filesOf is filesJSON for the files of a message.
func (s *Server) filesOf(m *Message) []any {
	var l []any
	for i := range m.Files {
		f := s.files[m.Files[i].ID] // as it is now
		if f == nil {
			f = &m.Files[i]
		}
		if f.deleted {
			l = append(l, obj{"id": f.ID, "mode": "tombstone"})
			continue
		}
		l = append(l, s.filesJSON([]*File{f})...)
	}
	return l
}

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
