package slacksim

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a request; Slack's own limit is not documented.
const maxBody = 8 << 20

// params are the arguments of one call, from query, form, multipart or JSON. Form values are strings, JSON values are
// what they are; the getters below accept both.
type params map[string]any

func (p params) str(k string) string {
	switch v := p[k].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return ""
	}
	return string(encode(p[k]))
}

func (p params) boolean(k string) bool {
	switch strings.ToLower(p.str(k)) {
	case "true", "1":
		return true
	}
	return false
}

// integer returns def for an absent or empty value; ok is false when it is no whole number.
func (p params) integer(k string, def int) (n int, ok bool) {
	v := p.str(k)
	if v == "" {
		return def, true
	}
	n, err := strconv.Atoi(v)
	return n, err == nil
}

// json returns a structured argument, decoding it when it came as a string. ok is false when it cannot be read.
func (p params) json(k string) (v any, ok bool) {
	s, isString := p[k].(string)
	if !isString {
		return clone(p[k]), true
	}
	if strings.TrimSpace(s) == "" {
		return nil, true
	}
	return v, json.Unmarshal([]byte(s), &v) == nil
}

// apiError is an answer with ok:false. It is an error only inside this package.
type apiError struct {
	code  string
	extra obj
}

func (e *apiError) Error() string { return e.code }

func fail(code string) *apiError { return &apiError{code: code} }

// failMessages is an answer that names each fault in response_metadata.messages.
func failMessages(code string, faults ...string) *apiError {
	var m []any
	for _, f := range faults {
		m = append(m, "[ERROR] "+f)
	}
	return &apiError{code, obj{"response_metadata": obj{"messages": m}}}
}

// call is one request being handled, with the lock held.
type call struct {
	s    *Server
	args params
	base string // scheme://host of the request
}

type method struct {
	handle   func(*call) (obj, *apiError)
	required string   // arguments that must be there
	scopes   []string // one of them is needed; empty: none
	tier     int      // calls per minute: 1, 20, 50, 100 or special 600
	app      bool     // takes the app-level token
}

// readArgs collects the arguments of a request in every encoding Slack takes.
func readArgs(r *http.Request) (params, *apiError) {
	p := params{}
	for k, v := range r.URL.Query() {
		p[k] = v[len(v)-1]
	}
	if r.Body == nil || r.Method == http.MethodGet {
		return p, nil
	}
	kind, parts, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	if kind == "multipart/form-data" {
		return p, readMultipart(r, p)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return p, fail("request_timeout")
	}
	switch {
	case len(strings.TrimSpace(string(body))) == 0: // slack-go opens connections with an empty JSON body
	case kind == "application/json":
		var v any
		if json.Unmarshal(body, &v) != nil {
			return p, fail("invalid_json")
		}
		o, ok := v.(obj)
		if !ok {
			return p, fail("json_not_object")
		}
		for k, v := range o {
			p[k] = v
		}
		if parts["charset"] != "" && !strings.EqualFold(parts["charset"], "utf-8") {
			return p, fail("invalid_charset")
		}
	case kind == "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return p, fail("invalid_form_data")
		}
		for k, v := range values {
			p[k] = v[len(v)-1]
		}
	case kind == "":
		return p, fail("missing_post_type")
	default:
		return p, fail("invalid_post_type")
	}
	return p, nil
}

func readMultipart(r *http.Request, p params) *apiError {
	reader, err := r.MultipartReader()
	if err != nil {
		return fail("invalid_form_data")
	}
	for total := int64(0); ; {
		part, err := reader.NextPart()
		if err == io.EOF { // bare at the closing boundary; a body that breaks off wraps it
			return nil
		}
		if err != nil {
			return fail("invalid_form_data")
		}
		data, err := io.ReadAll(io.LimitReader(part, maxBody-total+1))
		if total += int64(len(data)); err != nil || total > maxBody {
			return fail("invalid_form_data")
		}
		if part.FileName() == "" {
			p[part.FormName()] = string(data)
		}
	}
}

// takeToken returns the token of a request and removes it from the arguments.
func takeToken(r *http.Request, p params) string {
	token := p.str("token")
	delete(p, "token")
	if kind, t, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(kind, "Bearer") {
		token = strings.TrimSpace(t)
	}
	return token
}

// requestBase is the scheme://host the client used.
func requestBase(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/api/")
	args, bad := readArgs(r)
	token := takeToken(r, args)

	s.mu.Lock()
	s.callSeq++
	id := s.callSeq
	s.calls = append(s.calls, Call{ID: id, Time: time.Now(), Method: name, HTTP: r.Method, Args: args.redacted(s.opt),
		Token: s.tokenKind(token)})
	s.calls = newest(s.calls)
	s.guessed = requestBase(r)
	fault := s.takeFault(name, onAPI, s.callKey(args))
	s.touch()
	s.mu.Unlock()

	s.tellScopes(w.Header(), name, token)
	s.answer(w, r, id, fault, func() (obj, int) {
		if bad != nil {
			out := failure(bad)
			warn(out, charsetWarning(r))
			return out, http.StatusOK
		}
		out, status := s.perform(name, args, token, r)
		if status == http.StatusOK {
			warn(out, charsetWarning(r))
		}
		return out, status
	})
}

// perform runs one method under the lock and returns the answer and the seconds of Retry-After, 0 for none.
func (s *Server) perform(name string, args params, token string, r *http.Request) (obj, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := methods[name]
	if !ok {
		return obj{"ok": false, "error": "unknown_method", "req_method": name}, http.StatusOK
	}
	if err := s.admit(m, token, r); err != nil {
		return failure(err), http.StatusOK
	}
	if wait := s.overLimit(name, m, args); wait > 0 {
		return obj{"ok": false, "error": "ratelimited", retryAfterKey: wait}, http.StatusTooManyRequests
	}
	for k := range strings.FieldsSeq(m.required) {
		if args[k] == nil { // one that is there but empty is the method's to refuse: channel_not_found and the like
			return failure(failMessages("invalid_arguments", "missing required field: "+k)), http.StatusOK
		}
	}
	out, err := m.handle(&call{s: s, args: args, base: s.baseFor(r)})
	s.touch()
	if err != nil {
		return failure(err), http.StatusOK
	}
	if out["ok"] == nil {
		out["ok"] = true
	}
	return out, http.StatusOK
}

// charsetWarning is what Slack remarks about the Content-Type of a request, on refusals too: JSON
// should name its charset, a form should not (github.com/slackapi/python-slack-sdk/issues/692;
// github.com/slack-samples/javascript-announcement-bot/issues/13).
func charsetWarning(r *http.Request) string {
	kind, parts, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case kind == "application/json" && parts["charset"] == "":
		return "missing_charset"
	case kind == "application/x-www-form-urlencoded" && parts["charset"] != "":
		return "superfluous_charset"
	}
	return ""
}

// warn adds warnings to an answer: all of them in response_metadata, and together in warning
// (docs.slack.dev/changelog/2016-09-28-response-metadata-is-on-the-way).
func warn(out obj, warnings ...string) {
	meta := asObj(out["response_metadata"])
	if meta == nil {
		meta = obj{}
	}
	all := asList(meta["warnings"])
	for _, w := range warnings {
		if w != "" {
			all = append(all, w)
		}
	}
	if len(all) == 0 {
		return
	}
	var words []string
	for _, w := range all {
		words = append(words, asString(w))
	}
	meta["warnings"] = all
	out["warning"], out["response_metadata"] = strings.Join(words, ","), meta
}

// retryAfterKey carries the seconds of Retry-After from perform to answer; it never reaches the wire.
const retryAfterKey = "\x00retry"

func failure(e *apiError) obj {
	out := obj{"ok": false, "error": e.code}
	for k, v := range e.extra {
		out[k] = v
	}
	return out
}

// admit checks token and scope.
func (s *Server) admit(m method, token string, r *http.Request) *apiError {
	switch {
	case token == "":
		return fail("not_authed")
	case token != s.opt.AppToken && token != s.opt.BotToken:
		return fail("invalid_auth")
	case m.app && r.Method != http.MethodPost:
		return fail("insecure_request")
	case m.app != (token == s.opt.AppToken):
		return fail("not_allowed_token_type")
	}
	return s.needScope(m.scopes...)
}

// needScope answers missing_scope unless one of the scopes was granted.
func (s *Server) needScope(any ...string) *apiError {
	if s.hasScope(any...) {
		return nil
	}
	return &apiError{"missing_scope", obj{"needed": strings.Join(any, ","), "provided": strings.Join(s.provided(),
		",")}}
}

func (s *Server) hasScope(any ...string) bool {
	return len(any) == 0 || len(s.opt.Scopes) == 0 || slices.ContainsFunc(any, func(x string) bool {
		return slices.Contains(s.opt.Scopes, x)
	})
}

func (s *Server) tokenKind(token string) string {
	switch token {
	case "":
		return "none"
	case s.opt.AppToken:
		return "app"
	case s.opt.BotToken:
		return "bot"
	}
	return "other"
}

// redacted is a copy of the arguments in which no token is left, whatever it was called.
func (p params) redacted(o Options) map[string]any {
	out := map[string]any{}
	for k, v := range p {
		if s, ok := v.(string); ok {
			s = strings.ReplaceAll(s, o.BotToken, "<token>")
			out[k] = strings.ReplaceAll(s, o.AppToken, "<token>")
			continue
		}
		out[k] = v
	}
	return out
}

// baseFor is the public scheme://host for an answer to r.
func (s *Server) baseFor(r *http.Request) string {
	if s.base != "" {
		return s.base
	}
	return requestBase(r)
}

// publicBase is baseFor outside of a request.
func (s *Server) publicBase() string {
	if s.base != "" {
		return s.base
	}
	return s.guessed
}

// answer writes what perform returned, bent by a fault, and completes the call's record.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, id int, f *Rule, perform func() (obj, int)) {
	kind := FaultKind("")
	if f != nil {
		kind = f.Kind
	}
	var out obj
	status := http.StatusOK
	switch kind {
	case FaultRateLimited, FaultRateLimitedBare:
		status, out = http.StatusTooManyRequests, obj{"ok": false, "error": "ratelimited"}
		if kind == FaultRateLimited {
			out[retryAfterKey] = f.retrySeconds()
		}
	case FaultErrorBefore:
		status = http.StatusInternalServerError
	case FaultDrop:
		status = 0
	case FaultAPIError:
		out = obj{"ok": false, "error": f.code()}
	case FaultHang:
		s.hang(r, f)
		status = 0
	default:
		out, status = perform()
		switch kind {
		case FaultErrorAfter:
			out, status = nil, http.StatusInternalServerError
		case FaultDropAfter:
			status = 0
		case FaultHangAfter:
			s.hang(r, f)
			status = 0
		case FaultLate:
			s.hangFor(r, f.delay())
		}
	}
	retry, _ := out[retryAfterKey].(int)
	delete(out, retryAfterKey)
	s.finish(id, kind, status, out)
	writeAnswer(w, status, retry, out)
}

func (s *Server) finish(id int, kind FaultKind, status int, out obj) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.calls) - 1; i >= 0; i-- {
		if c := &s.calls[i]; c.ID == id {
			c.Status, c.Fault, c.Done, c.Took = status, kind, true, time.Since(c.Time)
			if out != nil {
				c.Response = encode(told(out))
				c.OK, _ = out["ok"].(bool)
				c.Error = asString(out["error"])
			}
			break
		}
	}
	s.touch()
}

// told is an answer without what only writeAnswer reads.
func told(out obj) obj {
	out = maps.Clone(out)
	delete(out, plainKey)
	delete(out, serveKey)
	return out
}

func writeAnswer(w http.ResponseWriter, status, retry int, out obj) {
	if status == 0 {
		panic(http.ErrAbortHandler) // net/http's own way to cut the connection
	}
	if retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(retry))
	}
	if out == nil {
		http.Error(w, "Internal Server Error", status)
		return
	}
	if serve, ok := out[serveKey].(func(http.ResponseWriter)); ok {
		serve(w)
		return
	}
	if text, ok := out[plainKey].(string); ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text) // as below
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if _, err := fmt.Fprintf(w, "%s", encode(out)); err != nil {
		return // the client went away; the call's record is complete
	}
}

// methods is the Web API, with what each method needs (docs.slack.dev/reference/methods; tiers of
// section "Rate limits"). It is filled in init because handlers look methods up.
var methods map[string]method

func init() {
	write := []string{"chat:write"}
	read := []string{"channels:read", "groups:read", "im:read", "mpim:read"}
	history := []string{"channels:history", "groups:history", "im:history", "mpim:history"}
	open := []string{"im:write", "mpim:write", "channels:manage", "groups:write"}
	methods = map[string]method{
		"api.test":              {handle: apiTest, tier: tier4},
		"auth.test":             {handle: authTest, tier: special},
		"apps.connections.open": {handle: openConnection, tier: tier3, app: true},
		"blocks.validate":       {handle: validateBlocks, tier: tier3},
		"chat.postMessage":      {handle: postMessage, required: "channel", scopes: write, tier: special},
		"chat.update":           {handle: updateMessage, required: "channel ts", scopes: write, tier: tier3},
		"chat.delete":           {handle: deleteMessage, required: "channel ts", scopes: write, tier: tier3},
		"chat.postEphemeral":    {handle: postEphemeral, required: "channel user", scopes: write, tier: tier4},
		"chat.getPermalink":     {handle: getPermalink, required: "channel message_ts", tier: special},
		"chat.scheduleMessage": {handle: scheduleMessage, required: "channel post_at", scopes: write,
			tier: tier3},
		"chat.deleteScheduledMessage": {handle: deleteScheduled, required: "channel scheduled_message_id",
			scopes: write, tier: tier3},
		"chat.scheduledMessages.list": {handle: listScheduled, tier: tier3},
		"conversations.open":          {handle: openConversation, scopes: open, tier: tier3},
		"conversations.info":          {handle: conversationInfo, required: "channel", scopes: read, tier: tier3},
		"conversations.members":       {handle: conversationMembers, required: "channel", scopes: read, tier: tier4},
		"conversations.list":          {handle: listConversations, scopes: read, tier: tier2},
		"conversations.history": {handle: conversationHistory, required: "channel", scopes: history,
			tier: tier3},
		"conversations.replies": {handle: conversationReplies, required: "channel ts", scopes: history,
			tier: tier3},
		"users.info": {handle: userInfo, required: "user", scopes: []string{"users:read"},
			tier: tier4},
		"users.profile.get": {handle: userProfile, scopes: []string{"users.profile:read"}, tier: tier4},
		"users.list":        {handle: listUsers, scopes: []string{"users:read"}, tier: tier2},
		"users.lookupByEmail": {handle: lookupByEmail, required: "email",
			scopes: []string{"users:read.email"}, tier: tier3},
		"usergroups.list": {handle: listGroups, scopes: []string{"usergroups:read"}, tier: tier2},
		"usergroups.users.list": {handle: groupUsers, required: "usergroup",
			scopes: []string{"usergroups:read"}, tier: tier2},
		"views.open":    {handle: openView, required: "view", tier: tier4},
		"views.push":    {handle: pushView, required: "view", tier: tier4},
		"views.update":  {handle: updateView, required: "view", tier: tier4},
		"views.publish": {handle: publishView, required: "user_id view", tier: tier4},
		"files.getUploadURLExternal": {handle: uploadURL, required: "length filename",
			scopes: []string{"files:write"}, tier: tier4},
		"files.completeUploadExternal": {handle: completeUpload, required: "files", scopes: []string{"files:write"},
			tier: tier4},
		"files.info": {handle: fileInfo, required: "file", scopes: []string{"files:read"},
			tier: tier4},
		"canvases.create": {handle: createCanvas, scopes: []string{"canvases:write"}, tier: tier2},
		"canvases.edit": {handle: editCanvas, required: "canvas_id changes",
			scopes: []string{"canvases:write"}, tier: tier3},
		"canvases.delete": {handle: deleteCanvas, required: "canvas_id",
			scopes: []string{"canvases:write"}, tier: tier3},
		"canvases.access.set": {handle: setCanvasAccess, required: "canvas_id access_level",
			scopes: []string{"canvases:write"}, tier: tier3},
		"conversations.canvases.create": {handle: channelCanvas, required: "channel_id",
			scopes: []string{"canvases:write"}, tier: tier2},
		"reactions.add": {handle: addReaction, required: "channel name timestamp",
			scopes: []string{"reactions:write"}, tier: tier3},
		"reactions.remove": {handle: removeReaction, required: "name", scopes: []string{"reactions:write"},
			tier: tier2},
		"reactions.get": {handle: getReactions, scopes: []string{"reactions:read"}, tier: tier3},
		"pins.add":      {handle: addPin, required: "channel", scopes: []string{"pins:write"}, tier: tier2},
		"pins.remove": {handle: removePin, required: "channel", scopes: []string{"pins:write"},
			tier: tier2},
		"pins.list":    {handle: listPins, required: "channel", scopes: []string{"pins:read"}, tier: tier2},
		"files.upload": {handle: uploadFile, scopes: []string{"files:write"}, tier: tier2},
		"files.list":   {handle: listFiles, scopes: []string{"files:read"}, tier: tier3},
		"files.delete": {handle: deleteFile, required: "file", scopes: []string{"files:write"},
			tier: tier3},
		"users.getPresence":    {handle: presence, scopes: []string{"users:read"}, tier: tier3},
		"users.conversations":  {handle: userConversations, scopes: read, tier: tier3},
		"conversations.create": {handle: createChannel, required: "name", scopes: anyOf(manages), tier: tier2},
		"conversations.join": {handle: joinChannel, required: "channel", scopes: []string{"channels:join"},
			tier: tier3},
		"conversations.invite": {handle: inviteToChannel, required: "channel users", scopes: anyOf(invites),
			tier: tier3},
		"conversations.kick":  {handle: kickFromChannel, required: "channel", scopes: anyOf(manages), tier: tier3},
		"conversations.leave": {handle: leaveChannel, required: "channel", scopes: anyOf(manages), tier: tier3},
		"conversations.rename": {handle: renameChannel, required: "channel name", scopes: anyOf(manages),
			tier: tier2},
		"conversations.archive": {handle: archiveChannel, required: "channel", scopes: anyOf(manages), tier: tier2},
		"conversations.unarchive": {handle: unarchiveChannel, required: "channel", scopes: anyOf(manages),
			tier: tier2},
		"conversations.setTopic": {handle: setTopic, required: "channel topic", scopes: anyOf(topics), tier: tier2},
		"conversations.setPurpose": {handle: setPurpose, required: "channel purpose", scopes: anyOf(topics),
			tier: tier2},
		"team.info": {handle: teamInfo, scopes: []string{"team:read"}, tier: tier3},
		"bots.info": {handle: botInfo, scopes: []string{"users:read"}, tier: tier3},
	}
}

func apiTest(c *call) (obj, *apiError) {
	if e := c.args.str("error"); e != "" {
		return nil, &apiError{e, obj{"args": c.args}}
	}
	return obj{"args": c.args}, nil
}

func authTest(c *call) (obj, *apiError) {
	o := c.s.opt
	return obj{
		"url": "https://" + o.Domain + ".slack.com/", "team": o.TeamName, "user": o.BotName, "team_id": o.TeamID,
		"user_id": o.BotUserID, "bot_id": o.BotID, "is_enterprise_install": false,
	}, nil
}

func teamInfo(c *call) (obj, *apiError) {
	o := c.s.opt
	if t := c.args.str("team"); t != "" && t != o.TeamID {
		return nil, fail("team_not_found")
	}
	icon := c.s.pictures(o.TeamID, 34, 44, 68, 88, 102, 132, 230)
	icon["image_default"] = true
	return obj{"team": obj{"id": o.TeamID, "name": o.TeamName, "domain": o.Domain, "email_domain": "",
		"url": "https://" + o.Domain + ".slack.com/", "icon": icon, "is_verified": false}}, nil
}

func botInfo(c *call) (obj, *apiError) {
	o := c.s.opt
	if b := c.args.str("bot"); b != o.BotID {
		if b == "" {
			return nil, fail("missing_argument")
		}
		return nil, fail("bot_not_found")
	}
	return obj{"bot": obj{"id": o.BotID, "deleted": false, "name": o.BotName, "updated": 0, "app_id": o.AppID,
		"user_id": o.BotUserID, "team_id": o.TeamID, "icons": c.s.pictures(o.BotUserID, 36, 48, 72)}}, nil
}
