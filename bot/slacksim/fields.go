package slacksim

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/keyholder/keyholder/bot/slacksim/blockkit"
)

// fieldOf names the property that holds the value of each stateful element, and the initial_ property it begins with.
var fieldOf = map[string]struct{ key, initial string }{
	"plain_text_input":           {"value", "initial_value"},
	"email_text_input":           {"value", "initial_value"},
	"url_text_input":             {"value", "initial_value"},
	"number_input":               {"value", "initial_value"},
	"rich_text_input":            {"rich_text_value", "initial_value"},
	"static_select":              {"selected_option", "initial_option"},
	"external_select":            {"selected_option", "initial_option"},
	"radio_buttons":              {"selected_option", "initial_option"},
	"users_select":               {"selected_user", "initial_user"},
	"conversations_select":       {"selected_conversation", "initial_conversation"},
	"channels_select":            {"selected_channel", "initial_channel"},
	"datepicker":                 {"selected_date", "initial_date"},
	"timepicker":                 {"selected_time", "initial_time"},
	"datetimepicker":             {"selected_date_time", "initial_date_time"},
	"checkboxes":                 {"selected_options", "initial_options"},
	"multi_static_select":        {"selected_options", "initial_options"},
	"multi_external_select":      {"selected_options", "initial_options"},
	"multi_users_select":         {"selected_users", "initial_users"},
	"multi_conversations_select": {"selected_conversations", "initial_conversations"},
	"multi_channels_select":      {"selected_channels", "initial_channels"},
	"file_input":                 {"files", ""},
}

func manyValues(kind string) bool {
	return strings.HasPrefix(kind, "multi_") || kind == "checkboxes" || kind == "file_input"
}

// initialValues is the state of blocks nobody touched: every stateful element is there, with null or an empty list.
func initialValues(blocks json.RawMessage) obj {
	values := obj{}
	for _, b := range flat(asList(decode(blocks))) {
		for _, e := range blockElements(b) {
			kind := asString(e["type"])
			f, ok := fieldOf[kind]
			if !ok {
				continue
			}
			start := e[f.initial]
			if start == nil && manyValues(kind) {
				start = []any{}
			}
			block := asString(b["block_id"])
			if values[block] == nil {
				values[block] = obj{}
			}
			asObj(values[block])[asString(e["action_id"])] = obj{"type": kind, f.key: start}
		}
	}
	return values
}

// fieldValue turns what a test or the page says into what Slack's client would send for that
// element: an option's value becomes the option, a list of values a list of options, text stays
// text. nil and "" empty the field. A map that already has the element's own property
// (selected_option, value, ...) is read through it.
func (s *Server) fieldValue(e obj, raw any) (obj, error) {
	kind := asString(e["type"])
	f, ok := fieldOf[kind]
	if !ok {
		return nil, fmt.Errorf("a %s holds no value", kind)
	}
	if kind == "file_input" {
		return nil, nil // filesValue knows whose files they may be
	}
	if m, ok := raw.(map[string]any); ok {
		raw = m[f.key]
	}
	if manyValues(kind) {
		return s.listValue(e, kind, f.key, raw)
	}
	if raw == nil || raw == "" {
		return obj{"type": kind, f.key: nil}, nil
	}
	if o, ok := raw.(map[string]any); ok && f.key == "selected_option" {
		raw = o["value"]
	}
	switch kind {
	case "rich_text_input":
		return obj{"type": kind, f.key: richText(fmt.Sprint(raw))}, nil
	case "datetimepicker":
		n, err := strconv.ParseInt(fmt.Sprintf("%v", raw), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("a datetimepicker takes Unix seconds, not %v", raw)
		}
		return obj{"type": kind, f.key: n}, nil
	case "number_input":
		return obj{"type": kind, f.key: fmt.Sprintf("%v", raw)}, nil
	}
	text, ok := raw.(string)
	if !ok {
		return nil, fmt.Errorf("a %s takes a string, not %T", kind, raw)
	}
	v, err := s.single(e, kind, text)
	return obj{"type": kind, f.key: v}, err
}

func (s *Server) listValue(e obj, kind, key string, raw any) (obj, error) {
	var texts []string
	switch t := raw.(type) {
	case nil:
	case string:
		if t != "" {
			texts = []string{t}
		}
	case []string:
		texts = t
	case []any:
		for _, v := range t {
			if o, ok := v.(map[string]any); ok {
				v = o["value"]
			}
			text, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("a %s takes strings, not %T", kind, v)
			}
			texts = append(texts, text)
		}
	default:
		return nil, fmt.Errorf("a %s takes a list of strings, not %T", kind, raw)
	}
	if most, ok := e["max_selected_items"].(float64); ok && len(texts) > int(most) {
		return nil, fmt.Errorf("no more than %v may be selected", most)
	}
	chosen := []any{}
	for _, t := range texts {
		v, err := s.single(e, kind, t)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, v)
	}
	return obj{"type": kind, key: chosen}, nil
}

// single checks one selected or typed value against the element and the workspace.
func (s *Server) single(e obj, kind, text string) (any, error) {
	switch strings.TrimPrefix(kind, "multi_") {
	case "static_select", "radio_buttons", "checkboxes", "overflow":
		o := blockkit.FindOption(e, text)
		if o == nil {
			return nil, fmt.Errorf("%q is not among the options of %s", text, asString(e["action_id"]))
		}
		return o, nil
	case "external_select":
		return obj{"text": obj{"type": "plain_text", "text": text, "emoji": true}, "value": text}, nil
	case "users_select":
		if s.users[text] == nil {
			return nil, fmt.Errorf("there is no user %q to select", text)
		}
	case "conversations_select", "channels_select":
		if s.channels[text] == nil {
			return nil, fmt.Errorf("there is no conversation %q to select", text)
		}
	case "datepicker":
		if !blockkit.IsDate(text) {
			return nil, fmt.Errorf("%q is no date as 2026-01-31", text)
		}
	case "timepicker":
		if !blockkit.IsTime(text) {
			return nil, fmt.Errorf("%q is no time as 09:30", text)
		}
	}
	return text, nil
}

// fieldFault is what Slack's client itself says about a field before it sends a view, "" for nothing.
func fieldFault(block, e, state obj) string {
	kind := asString(e["type"])
	v := state[fieldOf[kind].key]
	text, _ := v.(string)
	if optional, _ := block["optional"].(bool); !optional && (v == nil || v == "" || len(asList(v)) == 0 &&
		manyValues(kind)) {
		return "Please complete this required field."
	}
	if text == "" {
		return ""
	}
	number := func(k string) (float64, bool) {
		switch n := e[k].(type) {
		case float64:
			return n, true
		case string:
			f, err := strconv.ParseFloat(n, 64)
			return f, err == nil
		}
		return 0, false
	}
	switch kind {
	case "plain_text_input":
		n := utf8.RuneCountInString(text)
		if least, ok := number("min_length"); ok && n < int(least) {
			return fmt.Sprintf("Please enter at least %v characters.", least)
		}
		most, ok := number("max_length")
		if !ok {
			most = float64(blockkit.Limit("plain_text_input.max").Max)
		}
		if n > int(most) {
			return fmt.Sprintf("Please enter no more than %v characters.", most)
		}
	case "email_text_input":
		if a, err := mail.ParseAddress(text); err != nil || a.Address != text {
			return "Enter a valid email address."
		}
	case "url_text_input":
		if u, err := url.Parse(text); err != nil || u.Scheme == "" || u.Host == "" {
			return "Enter a valid URL."
		}
	case "number_input":
		n, err := strconv.ParseFloat(text, 64)
		if decimal, _ := e["is_decimal_allowed"].(bool); err != nil || !decimal && n != float64(int64(n)) {
			return "Enter a valid number."
		}
		if least, ok := number("min_value"); ok && n < least {
			return fmt.Sprintf("Enter a number of at least %v.", least)
		}
		if most, ok := number("max_value"); ok && n > most {
			return fmt.Sprintf("Enter a number of at most %v.", most)
		}
	}
	return ""
}

// richText wraps plain text as Slack's composer does.
func richText(text string) obj {
	return obj{"type": "rich_text", "elements": []any{obj{"type": "rich_text_section",
		"elements": []any{obj{"type": "text", "text": text}}}}}
}

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
