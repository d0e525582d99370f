package integratorsim

import (
	"net/http"
	"strings"
)

// route is one path of the API: who may call it and what answers.
type route struct {
	pattern string
	// least is the role needed in the account; nobody means that the person alone counts.
	least  role
	handle func(*call) reply
	// list: answers 204 to who sees nothing (a token that lost its rights, a person without an account), not 404.
	list bool
	// quiet: answers 204 instead of 403 to a role that is too low.
	quiet bool
	// full: not for a token of custom scope, not even to read.
	full bool
}

// WriteCount says how often a kind of write was called, and how often it took effect.
type WriteCount struct {
	Calls   int `json:"calls"`
	Effects int `json:"effects"`
}

func (s *Server) apiRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range allRoutes() {
		mux.Handle(r.pattern, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			h := w.(*handled)
			h.call.r = withPath(h.call.r, req)
			h.reply = h.call.run(r)
		}))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.(*handled).reply = notFound() })
	return mux
}

// withPath gives the original request, whose URL the Link headers repeat, the values that the mux found.
func withPath(original, matched *http.Request) *http.Request {
	out := original.Clone(original.Context())
	for _, name := range []string{"id", "step", "kind"} {
		if v := matched.PathValue(name); v != "" {
			out.SetPathValue(name, v)
		}
	}
	return out
}

func allRoutes() []route {
	var all []route
	for _, part := range [][]route{userRoutes(), transferRoutes(), resourceRoutes(), runRoutes(), stackRoutes(),
		accountRoutes(), auditRoutes()} {
		all = append(all, part...)
	}
	return all
}

// write says whether a route changes something. Three POSTs only ask.
func (r route) write() bool {
	method, path, _ := strings.Cut(r.pattern, " ")
	return method != http.MethodGet && path != "/jobs/current" && path != "/flows/runs/stats"
}

// name is the route as counters and logs call it.
func (r route) name() string {
	method, path, _ := strings.Cut(r.pattern, " ")
	return method + " /v1" + path
}

// run checks the rights, keeps the old world when a stale read may want it, runs the handler and counts.
func (c *call) run(r route) reply {
	if bad := c.refused(r); bad != nil {
		return *bad
	}
	if !r.write() {
		return r.handle(c)
	}
	before := c.s.keep()
	out := r.handle(c)
	took := out.status < 300 && !c.noEffect
	if took {
		c.s.before = before
	}
	if c.touched == nil {
		c.touched = c.acct
	}
	if c.touched != nil {
		c.touched.count(r.name(), took)
	}
	return out
}

// keep copies the world when a stale read may want it later.
func (s *Server) keep() *world {
	if !s.wantsStale() {
		return nil
	}
	return clone(s.world)
}

func (a *account) count(name string, took bool) {
	if a.Writes[name] == nil {
		a.Writes[name] = &WriteCount{}
	}
	a.Writes[name].Calls++
	if took {
		a.Writes[name].Effects++
	}
}

func (c *call) refused(r route) *reply {
	no := func(out reply) *reply { return &out }
	if r.pattern == "GET /tokenInfo" {
		return nil
	}
	if c.token.Lost {
		switch {
		case r.list:
			return no(c.emptyList())
		case r.write():
			return no(forbidden("You do not have permission to perform this operation."))
		}
		return no(notFound())
	}
	if (r.write() || r.full) && c.token.Kind == CustomToken {
		return no(forbidden("The API token does not have access to this operation."))
	}
	if r.least == nobody || c.role >= r.least {
		return nil
	}
	switch {
	case r.list && (c.acct == nil || r.quiet):
		return no(c.emptyList())
	case c.acct == nil && !r.write():
		return no(notFound())
	}
	return no(forbidden("You do not have permission to perform this operation."))
}
