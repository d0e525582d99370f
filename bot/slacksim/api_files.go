package slacksim

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
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
