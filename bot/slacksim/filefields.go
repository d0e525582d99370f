package slacksim

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Upload is a file that a person puts into a file_input: as a value of SubmitView, Fill and
// ViewAction, alone or in a []Upload. The control API takes {"name": "rows.csv", "content":
// "a,b\n"}, or content_base64 in place of content.
type Upload struct {
	Name string
	Data []byte
}

// What Slack says of file_input (docs.slack.dev/reference/block-kit/block-elements/file-input-element).
const (
	maxInputFile  = 10 << 20 // bytes of one file
	maxInputFiles = 10       // files of one element without max_files
)

// UploadFile keeps a file of a person, as Slack's client does when one is chosen in a file_input;
// its ID is then a value of the field. The app knows nothing of it before it stands in a view. The
// error says what a person would be told.
func (s *Server) UploadFile(user string, up Upload) (File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.actor(user)
	if err != nil {
		return File{}, err
	}
	f, err := s.keep(u.ID, up)
	if err != nil {
		return File{}, err
	}
	s.touch()
	return *f, nil
}

func (s *Server) keep(user string, up Upload) (*File, error) {
	switch {
	case strings.TrimSpace(up.Name) == "":
		return nil, impossible("a file without a name")
	case len(up.Data) == 0:
		return nil, impossible("%s is empty", up.Name)
	case len(up.Data) > maxInputFile:
		return nil, impossible("%s is larger than 10 MB", up.Name)
	}
	f := &File{ID: s.newID("F0", 9), Name: up.Name, Title: up.Name, Length: len(up.Data), User: user,
		data: slices.Clone(up.Data), uploaded: true, created: s.opt.Now().Unix()}
	s.files[f.ID] = f
	return f, nil
}

// filesValue is the state of a file_input: file objects, made of IDs of the person's own files and of uploads.
func (s *Server) filesValue(user string, e obj, raw any) (obj, error) {
	var files []*File
	for _, v := range manyOf(raw) {
		f, err := s.fileOf(user, v)
		if err != nil {
			return nil, err
		}
		if types := asList(e["filetypes"]); len(types) > 0 && !slices.ContainsFunc(types, func(t any) bool {
			return strings.EqualFold(strings.TrimPrefix(asString(t), "."), f.extension())
		}) {
			return nil, fmt.Errorf("%s is not of a type that is taken here", f.Name)
		}
		files = append(files, f)
	}
	most := maxInputFiles
	if n, ok := e["max_files"].(float64); ok {
		most = int(n)
	}
	if len(files) > most {
		return nil, fmt.Errorf("no more than %d files may be added", most)
	}
	for _, f := range files {
		f.Complete = true // it stands in a view, so that the app may read it
	}
	l := s.filesJSON(files)
	if l == nil {
		l = []any{}
	}
	return obj{"type": "file_input", "files": l}, nil
}

// manyOf makes a list of one value or of several.
func manyOf(raw any) []any {
	var l []any
	switch t := raw.(type) {
	case nil:
	case []any:
		l = t
	case []string:
		for _, v := range t {
			l = append(l, v)
		}
	case []Upload:
		for _, v := range t {
			l = append(l, v)
		}
	default:
		if t != "" {
			l = []any{t}
		}
	}
	return l
}

func (s *Server) fileOf(user string, v any) (*File, error) {
	switch t := v.(type) {
	case Upload:
		return s.keep(user, t)
	case string:
		f := s.files[t]
		if f == nil || f.User != user {
			return nil, fmt.Errorf("user %s has no file %q", user, t)
		}
		return f, nil
	case map[string]any:
		if id := asString(t["id"]); id != "" {
			return s.fileOf(user, id)
		}
		data := []byte(asString(t["content"]))
		if coded := asString(t["content_base64"]); coded != "" {
			var err error
			if data, err = base64.StdEncoding.DecodeString(coded); err != nil {
				return nil, fmt.Errorf("content_base64 of %v: %w", t["name"], err)
			}
		}
		return s.keep(user, Upload{asString(t["name"]), data})
	}
	return nil, fmt.Errorf("a file_input takes file ids and files, not %T", v)
}

// uploadControl is POST /_sim/upload?user=USER&name=NAME with the bytes as body.
func (s *Server) uploadControl(r *http.Request) (any, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxInputFile+1))
	if err != nil {
		return nil, badRequest{err}
	}
	q := r.URL.Query()
	if q.Get("user") == "" {
		return nil, badRequest{errors.New("user is missing")}
	}
	return s.UploadFile(q.Get("user"), Upload{Name: q.Get("name"), Data: data})
}

// servePrivate serves url_private and url_private_download to whoever shows the bot token, which
// must have files:read. All others are sent to Slack's front page to sign in, so that a client that
// follows gets a page of HTML and status 200 (docs.slack.dev/reference/objects/file-object,
// "Authentication"; github.com/slackapi/deno-slack-sdk/issues/285).
func (s *Server) servePrivate(w http.ResponseWriter, r *http.Request) {
	part := strings.Split(strings.TrimPrefix(r.URL.Path, "/files-pri/"), "/")
	_, id, _ := strings.Cut(part[0], "-")
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	fault := s.takeFault("files.download", onAPI, id)
	allowed := token == s.opt.BotToken && s.hasScope("files:read")
	f := s.files[id]
	var data []byte
	if f != nil && f.Complete {
		data = f.data
	}
	s.mu.Unlock()
	s.answer(w, r, 0, fault, func() (obj, int) {
		return obj{serveKey: func(w http.ResponseWriter) {
			switch {
			case !allowed:
				http.Redirect(w, r, "/?redir="+url.QueryEscape(r.URL.Path), http.StatusFound)
			case data == nil:
				http.NotFound(w, r)
			default:
				writeFile(w, f, data, len(part) > 1 && part[1] == "download")
			}
		}}, http.StatusOK
	})
}

// serveKey marks an answer that is written by a function instead of as JSON.
const serveKey = "\x00serve"

// writeFile sends the bytes of a file with its media type, to be kept or to be shown. It is never
// more than plain bytes to a browser.
func writeFile(w http.ResponseWriter, f *File, data []byte, attachment bool) {
	kind := "inline"
	if attachment {
		kind = "attachment"
	}
	h := w.Header()
	h.Set("Content-Type", f.mimetype())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("Content-Disposition", mime.FormatMediaType(kind, map[string]string{"filename": f.Name}))
	_, _ = w.Write(data) // the client may have gone; nothing depends on it
}

// Files lists every file that was not deleted, of people and of the app, in no order.
func (s *Server) Files() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l []File
	for _, f := range s.files {
		if !f.deleted {
			l = append(l, *f)
		}
	}
	return l
}
