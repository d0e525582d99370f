package integratorsim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// movable is a clock that only the test moves.
type movable struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *movable { return &movable{t: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)} }

func (m *movable) Now() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.t }

func (m *movable) Add(d time.Duration) { m.mu.Lock(); defer m.mu.Unlock(); m.t = m.t.Add(d) }

// rig is the demo account behind a real HTTP server.
type rig struct {
	*testing.T
	s     *Server
	d     DemoInfo
	url   string
	clock *movable
}

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	clock := newClock()
	if o.Now == nil {
		o.Now = clock.Now
	}
	s, d := Demo(o)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &rig{t, s, d, srv.URL, clock}
}

// answer is one HTTP answer, read whole.
type answer struct {
	*testing.T
	status int
	header http.Header
	body   []byte
}

// try sends a request and may fail as the network does.
func (r *rig) try(token, method, path, body string) (answer, error) {
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{r.T, res.StatusCode, res.Header, b}, err
}

// as sends a request with a token; the network must hold.
func (r *rig) as(token, method, path, body string) answer {
	r.Helper()
	a, err := r.try(token, method, path, body)
	if err != nil {
		r.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// do sends a request with the owner's token of production.
func (r *rig) do(method, path, body string) answer {
	r.Helper()
	return r.as(r.d.ProductionToken, method, path, body)
}

func (r *rig) act(a Action) Result {
	r.Helper()
	out, err := r.s.Act(a)
	if err != nil {
		r.Fatal(err)
	}
	return out
}

func (r *rig) person(email string) string {
	r.Helper()
	tok, err := r.s.PersonToken(email)
	if err != nil {
		r.Fatal(err)
	}
	return tok
}

// alias makes celigo@acme.example an accepted manager of production.
func (r *rig) alias() {
	r.Helper()
	r.act(Action{Do: "add_user", Email: r.d.AliasEmail, Name: "Acme Celigo", Role: "manage"})
}

func (a answer) want(status int) answer {
	a.Helper()
	if a.status != status {
		a.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// refused wants this status with errors[0] of this code and message; empty means any.
func (a answer) refused(status int, code, message string) {
	a.Helper()
	a.want(status)
	var v struct{ Errors []apiError }
	a.into(&v)
	if len(v.Errors) == 0 || v.Errors[0].Message == "" || v.Errors[0].Code == "" {
		a.Fatalf("no errors[] in %s", a.body)
	}
	if (code != "" && v.Errors[0].Code != code) || (message != "" && v.Errors[0].Message != message) {
		a.Fatalf("got %+v, want %s %q", v.Errors[0], code, message)
	}
}

func (a answer) empty() {
	a.Helper()
	if a.want(204); len(a.body) != 0 {
		a.Fatalf("204 with a body: %s", a.body)
	}
}

func (a answer) into(v any) {
	a.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		a.Fatalf("%v in %s", err, a.body)
	}
}

func (a answer) object() doc {
	a.Helper()
	var d doc
	a.into(&d)
	return d
}

func (a answer) list() []doc {
	a.Helper()
	if a.status == 204 {
		return nil
	}
	var l []doc
	a.want(200).into(&l)
	return l
}

func (a answer) id() string { a.Helper(); return text(a.object(), "_id") }

func (r *rig) share(email string) doc {
	r.Helper()
	for _, d := range r.do("GET", "/v1/ashares", "").list() {
		if text(d["sharedWithUser"].(map[string]any), "email") == email {
			return d
		}
	}
	return nil
}

func toJSON(v any) string {
	var b bytes.Buffer
	_ = json.NewEncoder(&b).Encode(v)
	return b.String()
}

func (r *rig) request(method, path string) *http.Request {
	r.Helper()
	req, err := http.NewRequest(method, r.url+path, nil)
	if err != nil {
		r.Fatal(err)
	}
	return req
}

func (r *rig) send(req *http.Request) answer {
	r.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	return answer{r.T, res.StatusCode, res.Header, b}
}

func readCloser(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
