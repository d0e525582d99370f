package integrator

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Page sizes. integrator.io's own default is told as 100 and as 1000, so it is always sent.
// Documents that can be long come in small pages: one has to arrive within the time-out of a call.
const (
	manyRows = 1000
	fewRows  = 100
)

// maxPages ends a list that never does. 1,000 pages of users are a million.
const maxPages = 1000

// listing is a whole list.
type listing struct {
	rows []json.RawMessage
	// shown is true when integrator.io answered with a list, be it an empty one. 204 shows nothing: a token that lost
	// its rights gets it too.
	shown bool
}

// list reads all pages. A list that cannot be read to its end is an error: half a list of users
// would prove that somebody left.
func (s *session) list(ctx context.Context, path string, query url.Values, limit int) (listing, error) {
	return s.pages(ctx, http.MethodGet, path, query, limit, nil)
}

// pages is list for readings that are not a GET: every page is asked with the same method and body.
func (s *session) pages(ctx context.Context, method, path string, query url.Values, limit int, body any) (listing,
	error) {
	var out listing
	whole, err := s.walk(ctx, walk{method: method, path: path, query: query, limit: limit, body: body, most: maxPages},
		func(_ answer, rows []json.RawMessage, shown bool) error {
			out.rows, out.shown = append(out.rows, rows...), out.shown || shown
			return nil
		})
	if err == nil && !whole {
		err = &unreadableError{method, path, "it has more than " + strconv.Itoa(maxPages) + " pages"}
	}
	if err != nil {
		return listing{}, err
	}
	return out, nil
}

// walk says what is asked page by page, and how many pages at most.
type walk struct {
	method, path string
	query        url.Values
	limit        int
	body         any
	most         int
}

// walk hands over each page as it comes. Whole is false when pages are left after the last one that may be asked for.
func (s *session) walk(ctx context.Context, w walk, page func(a answer, rows []json.RawMessage, shown bool) error) (
	whole bool, err error) {
	q := url.Values{"limit": {strconv.Itoa(w.limit)}}
	for k, v := range w.query {
		q[k] = v
	}
	next := s.onBase(&url.URL{Path: w.path, RawQuery: q.Encode()})
	seen := map[string]bool{}
	for range w.most {
		seen[next.String()] = true
		a, err := s.send(ctx, w.method, next, w.body)
		if err != nil {
			return false, err
		}
		rows, shown, err := decodeRows(a)
		if err == nil {
			err = page(a, rows, shown)
		}
		if err != nil {
			return false, err
		}
		ref, more := nextLink(a.header.Values("Link"))
		if !more {
			return true, nil
		}
		if next, err = s.follow(a.url, ref); err != nil {
			return false, err
		}
		if seen[next.String()] {
			return false, &unreadableError{w.method, w.path, "its pages go round in a circle"}
		}
	}
	return false, nil
}

// follow resolves the address of the next page. It is opaque, but always asked of the account's own
// host: behind a proxy integrator.io names a host that the token is not meant for.
func (s *session) follow(from *url.URL, ref string) (*url.URL, error) {
	u, err := url.Parse(ref)
	if err == nil {
		u = from.ResolveReference(u)
	}
	if err != nil || u.Opaque != "" || u.Path == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, &unreadableError{http.MethodGet, from.Path, "the address of its next page makes no sense"}
	}
	return s.onBase(u), nil
}

// decodeRows reads one page: an array of objects. Null stands for nothing, as a list or as an element.
func decodeRows(a answer) (rows []json.RawMessage, shown bool, err error) {
	if a.empty {
		return nil, false, nil
	}
	body := bytes.TrimSpace(a.body)
	if bytes.Equal(body, []byte("null")) {
		return nil, false, nil
	}
	var all []json.RawMessage
	if json.Unmarshal(body, &all) != nil {
		return nil, false, &unreadableError{http.MethodGet, a.url.Path, "it is not a JSON list"}
	}
	for _, r := range all {
		switch {
		case bytes.Equal(r, []byte("null")):
		case r[0] != '{':
			return nil, false, &unreadableError{http.MethodGet, a.url.Path, "it is a list of something else"}
		default:
			rows = append(rows, r)
		}
	}
	return rows, true, nil
}

// listOf reads a whole list into records of one kind.
func listOf[T any](ctx context.Context, s *session, path string, query url.Values, limit int) ([]T, bool, error) {
	l, err := s.list(ctx, path, query, limit)
	if err != nil {
		return nil, false, err
	}
	out := make([]T, len(l.rows))
	for i, r := range l.rows {
		if json.Unmarshal(r, &out[i]) != nil {
			return nil, false, &unreadableError{http.MethodGet, path, "a record has fields of another kind"}
		}
	}
	return out, l.shown, nil
}

// nextLink finds the target of rel="next" in Link headers. Several links and several headers may
// come in any order; parameters may be quoted or not, and rel may hold several words. Anything
// malformed ends the parsing of that header. Source: RFC 8288, section 3 and appendix B.
func nextLink(headers []string) (target string, ok bool) {
	for _, h := range headers {
		for h != "" {
			var link string
			var next bool
			link, next, h = oneLink(h)
			if next {
				return link, true
			}
		}
	}
	return "", false
}

// oneLink reads the first link-value and answers what follows its comma; rest is empty at the end
// and for malformed text.
func oneLink(h string) (target string, next bool, rest string) {
	h = strings.TrimLeft(h, " \t,")
	if !strings.HasPrefix(h, "<") {
		return "", false, ""
	}
	target, h, closed := strings.Cut(h[1:], ">")
	if !closed {
		return "", false, ""
	}
	relSeen := false
	for {
		h = strings.TrimLeft(h, " \t")
		if h == "" || h[0] == ',' {
			return strings.TrimSpace(target), next, h
		}
		if h[0] != ';' {
			return "", false, ""
		}
		var name, value string
		name, value, h = linkParam(h[1:])
		// Only the first rel counts.
		if strings.EqualFold(name, "rel") && !relSeen {
			relSeen = true
			for _, word := range strings.Fields(value) {
				next = next || strings.EqualFold(word, "next")
			}
		}
	}
}

// linkParam reads one parameter after its semicolon.
func linkParam(h string) (name, value, rest string) {
	h = strings.TrimLeft(h, " \t")
	end := strings.IndexAny(h, "=;, \t")
	if end < 0 {
		return h, "", ""
	}
	name, h = h[:end], strings.TrimLeft(h[end:], " \t")
	if !strings.HasPrefix(h, "=") {
		return name, "", h
	}
	h = strings.TrimLeft(h[1:], " \t")
	if strings.HasPrefix(h, `"`) {
		value, rest = quoted(h[1:])
		return name, value, rest
	}
	end = strings.IndexAny(h, ";,")
	if end < 0 {
		end = len(h)
	}
	return name, strings.TrimSpace(h[:end]), h[end:]
}

// quoted reads a quoted-string after its opening quote. One that is never closed takes everything.
func quoted(h string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(h); i++ {
		switch {
		case h[i] == '"':
			return b.String(), h[i+1:]
		case h[i] == '\\' && i+1 < len(h):
			i++
			b.WriteByte(h[i])
		default:
			b.WriteByte(h[i])
		}
	}
	return b.String(), ""
}
