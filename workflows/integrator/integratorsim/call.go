package integratorsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// role is what the caller may do, in rising order.
type role int

const (
	nobody role = iota
	tile
	monitor
	manage
	administrator
	owner
)

// call is one request with all that a handler needs. The server's lock is held while it runs.
type call struct {
	s    *Server
	w    *world
	r    *http.Request
	body []byte
	now  time.Time

	token  *token
	person *person // who acts: a token of an account acts as the account's owner
	acct   *account
	env    *environment
	share  *share // of a person who acts in somebody else's account
	role   role

	touched  *account // the account a write changed, when it is not the caller's own
	noEffect bool     // a 2xx that changed nothing
}

// reply is an answer before it is written. A nil body is none.
type reply struct {
	status int
	body   any
	header map[string]string
	raw    []byte // the body rendered under the lock, for it shows live documents
}

type apiError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
}

func ok(body any) reply      { return reply{status: http.StatusOK, body: body} }
func created(body any) reply { return reply{status: http.StatusCreated, body: body} }
func none() reply            { return reply{status: http.StatusNoContent} }

func fail(status int, code, message, field string) reply {
	return reply{status: status, body: map[string]any{"errors": []apiError{{code, message, field}}}}
}

func invalid(field, message string) reply {
	return fail(http.StatusUnprocessableEntity, "invalid_field", message, field)
}

func notFound() reply {
	return fail(http.StatusNotFound, "resource_not_found", "The requested resource was not found.", "")
}

func forbidden(message string) reply {
	return fail(http.StatusForbidden, "access_restricted", message, "")
}

func unauthorized(message string) reply {
	return reply{status: http.StatusUnauthorized, body: map[string]string{"message": message}}
}

// ServeHTTP answers /v1/..., the same under /api/..., and the control under /_sim/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/_sim" || strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.sim.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			writeReply(w, fail(http.StatusRequestEntityTooLarge, "request_too_large",
				"The request body is larger than 1 MB.", ""))
		}
		return
	}
	s.serveFaulty(w, r, body)
}

// answer runs one request against the world and says what to write. Stale asks for the world before the last write.
func (s *Server) answer(r *http.Request, body []byte, stale bool) (reply, *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{s: s, w: s.world, r: r, body: body, now: s.opts.Now()}
	out := c.answer(stale)
	out.raw = render(out)
	return out, c
}

func (c *call) answer(stale bool) reply {
	s, r := c.s, c.r
	s.settle(c.now)
	if bad := c.authenticate(); bad != nil {
		return *bad
	}
	if !s.admit(c.token) {
		return rateLimited("2")
	}
	if stale && s.before != nil && r.Method == http.MethodGet {
		c.w = s.before
		if bad := c.authenticate(); bad != nil { // a token younger than that world
			c.w = s.world
			c.authenticate()
		}
	}
	return c.dispatch()
}

func rateLimited(after string) reply {
	out := fail(http.StatusTooManyRequests, "rate_limited", "Too many requests. Retry after 2 seconds.", "")
	if after != "" {
		out.header = map[string]string{"Retry-After": after}
	}
	return out
}

// admit spends one request of the account's (or the person's) bucket.
func (s *Server) admit(t *token) bool {
	if s.opts.RateCapacity < 0 {
		return true
	}
	key := t.AccountID
	if key == "" {
		key = t.Person.ID
	}
	b := s.buckets[key]
	if b == nil {
		b = &bucket{}
		s.buckets[key] = b
	}
	return b.take(time.Now(), s.opts.RateCapacity, s.opts.RateRefill)
}

// authenticate finds who calls and in which account. Its two refusals have the bare shape of the developer docs.
func (c *call) authenticate() *reply {
	refuse := func(message string) *reply { r := unauthorized(message); return &r }
	header := c.r.Header.Get("Authorization")
	if header == "" {
		return refuse("Unauthorized")
	}
	scheme, secret, _ := strings.Cut(header, " ")
	t := c.w.BySecret[strings.TrimSpace(secret)]
	if !strings.EqualFold(scheme, "Bearer") || t == nil || t.Revoked ||
		(!t.Expires.IsZero() && !c.now.Before(t.Expires)) {
		return refuse("Bearer Authentication Failed")
	}
	c.token = t
	if t.Kind == PersonToken {
		c.person = t.Person
		c.actAsPerson()
		return nil
	}
	c.acct = c.w.account(t.AccountID)
	if c.acct == nil {
		return refuse("Bearer Authentication Failed")
	}
	c.env, c.person, c.role = c.acct.env(t.EnvID), c.acct.Owner, owner
	if c.env == nil {
		return refuse("Bearer Authentication Failed")
	}
	switch t.Kind {
	case OwnerToken:
	case PersonalToken:
		if !c.actAsMaker(t.Person) {
			return refuse("Bearer Authentication Failed")
		}
	default:
		c.role = administrator
	}
	return nil
}

// levels are the rights of an ashare's access levels.
var levels = map[string]role{"administrator": administrator, "manage": manage, "monitor": monitor, "": tile}

// actAsMaker gives a personal token its maker's rights of now; without access it works no longer.
func (c *call) actAsMaker(p *person) bool {
	if p == nil {
		return false
	}
	if c.person = p; p == c.acct.Owner {
		return true
	}
	h := c.env.shareOf(p)
	if h == nil || !h.Accepted || h.Disabled {
		return false
	}
	c.share, c.role = h, levels[h.AccessLevel]
	return true
}

// actAsPerson chooses the account of a person's call: the one of the header integrator-ashareid, else the own one.
func (c *call) actAsPerson() {
	id := c.r.Header.Get("integrator-ashareid")
	if id == "" || id == "own" {
		if c.acct = c.w.ownedBy(c.person); c.acct != nil {
			c.env, c.role = c.acct.production(), owner
		}
		return
	}
	for _, a := range c.w.Accounts {
		for _, e := range a.Envs {
			h := e.share(id)
			if h == nil || h.Person != c.person || !h.Accepted || h.Disabled {
				continue
			}
			c.acct, c.env, c.share = a, e, h
			c.role = levels[h.AccessLevel]
			return
		}
	}
}

// dispatch routes the call. Paths keep their meaning with a trailing slash and under /v1 as under /api.
func (c *call) dispatch() reply {
	p, found := apiPath(c.r.URL.Path)
	if !found {
		return notFound()
	}
	r := c.r.Clone(c.r.Context())
	r.URL.Path, r.URL.RawPath = p, ""
	h := &handled{call: c, reply: notFound()}
	c.s.routes.ServeHTTP(h, r)
	return h.reply
}

func apiPath(p string) (string, bool) {
	p = path.Clean("/" + p)
	for _, prefix := range []string{"/v1", "/api"} {
		if rest, ok := strings.CutPrefix(p, prefix+"/"); ok {
			return "/" + rest, true
		}
	}
	return "", false
}

// handled carries a call through the ServeMux and its reply back; nothing is written to it.
type handled struct {
	call  *call
	reply reply
}

func (h *handled) Header() http.Header         { return http.Header{} }
func (h *handled) Write(b []byte) (int, error) { return len(b), nil }
func (h *handled) WriteHeader(int)             {}

// object decodes the body as a JSON object. Empty is allowed where the body is optional.
func (c *call) object(optional bool) (doc, *reply) {
	refuse := func(r reply) (doc, *reply) { return nil, &r }
	if len(bytes.TrimSpace(c.body)) == 0 && optional {
		return doc{}, nil
	}
	var v any
	if err := json.Unmarshal(c.body, &v); err != nil {
		return refuse(fail(http.StatusBadRequest, "invalid_json", "The request body is not valid JSON.", ""))
	}
	d, isObject := v.(map[string]any)
	if !isObject {
		return refuse(invalid("", "The request body must be a JSON object."))
	}
	return d, nil
}

// list answers a list: projected, one page of it, with a Link header while there is a next page, 204 when empty.
func (c *call) list(items []any) reply {
	q := c.r.URL.Query()
	if q.Has("include") && q.Has("exclude") {
		return fail(http.StatusBadRequest, "invalid_query_params",
			"Please provide either include or exclude param in the request query and not both.", "")
	}
	skip, limit, bad := c.page()
	if bad != nil {
		return *bad
	}
	if skip >= len(items) {
		return c.emptyList()
	}
	end := min(skip+limit, len(items))
	page, err := project(items[skip:end], q.Get("include"), q.Get("exclude"))
	if err != nil {
		return fail(http.StatusInternalServerError, "internal_error", "The answer could not be built.", "")
	}
	out := ok(page)
	if end < len(items) {
		links := `<` + c.pageURL(end, limit) + `>; rel="next"`
		if skip > 0 {
			links += `, <` + c.pageURL(max(0, skip-limit), limit) + `>; rel="prev"`
		}
		out.header = map[string]string{"Link": links}
	}
	return out
}

func (c *call) emptyList() reply {
	if c.s.opts.EmptyAsArray && !strings.Contains(c.r.URL.Path, "/ssoclients") {
		return ok([]any{})
	}
	return none()
}

// page reads skip (or offset, as the audit log has it) and limit.
func (c *call) page() (skip, limit int, bad *reply) {
	q := c.r.URL.Query()
	number := func(name string, otherwise, least int) int {
		if !q.Has(name) {
			return otherwise
		}
		n, err := strconv.Atoi(q.Get(name))
		if err != nil || n < least {
			r := fail(http.StatusBadRequest, "invalid_query_params", "The query parameter "+name+
				" must be a whole number of at least "+strconv.Itoa(least)+".", name)
			bad = &r
		}
		return n
	}
	skip = number("skip", number("offset", 0, 0), 0)
	limit = min(number("limit", c.s.opts.PageSize, 1), c.s.opts.PageSize)
	return skip, limit, bad
}

func (c *call) pageURL(skip, limit int) string {
	q := c.r.URL.Query()
	q.Del("offset")
	q.Set("skip", strconv.Itoa(skip))
	q.Set("limit", strconv.Itoa(limit))
	return c.s.base(c.r) + c.r.URL.EscapedPath() + "?" + q.Encode()
}

// base is the public address without a path.
func (s *Server) base(r *http.Request) string {
	if s.opts.Public != "" {
		return s.opts.Public
	}
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" { // TLS may end at a proxy
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// project keeps or drops top-level fields; _id always stays.
func project(items []any, include, exclude string) ([]any, error) {
	if include == "" && exclude == "" {
		return items, nil
	}
	names := map[string]bool{}
	for name := range strings.SplitSeq(include+exclude, ",") {
		names[strings.TrimSpace(name)] = true
	}
	out := make([]any, 0, len(items))
	for _, item := range items {
		raw, err := json.Marshal(item)
		if err != nil {
			return nil, err
		}
		var d doc
		if err := json.Unmarshal(raw, &d); err != nil {
			return nil, err
		}
		for k := range d {
			if k != "_id" && names[k] == (include == "") {
				delete(d, k)
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// render turns a reply into bytes.
func render(r reply) []byte {
	if r.raw != nil || r.body == nil {
		return r.raw
	}
	b, err := json.Marshal(r.body)
	if err != nil {
		return []byte(`{"errors":[{"code":"internal_error","message":"The answer could not be built."}]}`)
	}
	return b
}

func writeReply(w http.ResponseWriter, r reply) {
	b := render(r)
	for k, v := range r.header {
		w.Header().Set(k, v)
	}
	if b != nil {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(b) // a client that went away is its own affair
}
