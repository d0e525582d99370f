package integrator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

var rawCensus = workflows.Call{Op: workflows.OpCensus, Raw: true}

// recorder keeps each answer to a path as the server wrote it.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) { r.status = status; r.ResponseWriter.WriteHeader(status) }

func (r *recorder) Write(b []byte) (int, error) { r.body.Write(b); return r.ResponseWriter.Write(b) }

type wrote struct {
	request string
	body    []byte
}

// recording wraps a server and answers what it wrote to GET /v1/ashares.
func recording(next http.Handler) (http.Handler, func() []wrote) {
	var mu sync.Mutex
	var all []wrote
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := &recorder{ResponseWriter: w, status: 200}
			next.ServeHTTP(rec, r)
			if r.URL.Path == "/v1/ashares" {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, wrote{r.Method + " " + r.URL.RequestURI(), rec.body.Bytes()})
			}
		}), func() []wrote {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(all)
		}
}

// The evidence is what was sent, byte by byte, and the users are those in it.
func TestRawPagesAreTheAnswersAsTheyCame(t *testing.T) {
	w := newWorld(t, integratorsim.Options{PageSize: 2})
	env := w.acct.Production()
	env.AddUser(integratorsim.User{Email: "zoë@acme.example", Name: "Zoë <b>&\u2028", Role: "manage"})
	orders := env.AddIntegration("Orders")
	env.AddIntegration("")
	secret := env.AddToken(integratorsim.Token{Name: "etl", Kind: integratorsim.CustomToken,
		CreatedAt: benchStart.AddDate(0, -3, 0)})
	env.AddToken(integratorsim.Token{Name: "Agency", Revoked: true})
	h, written := recording(w.sim)
	w.bench = newBench(t, h, w.token)
	c := w.mustDo(rawCensus).Census
	all := written()
	if len(all) != 4 || len(c.Pages) != 2 { // two passes over two pages
		t.Fatalf("%d requests, %d pages", len(all), len(c.Pages))
	}
	var emails []string
	for i, p := range c.Pages {
		was := all[2+i]
		sum := sha256.Sum256(was.body)
		if p.Request != was.request || !bytes.Equal(p.Body, was.body) || p.SHA256 != hex.EncodeToString(sum[:]) ||
			p.Status != 200 || p.Count != 2 {
			t.Errorf("page %d is %+v, sent was %s %s", i, p, was.request, was.body)
		}
		var rows []struct{ SharedWithUser struct{ Email string } }
		if err := json.Unmarshal(p.Body, &rows); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			emails = append(emails, r.SharedWithUser.Email)
		}
	}
	slices.Sort(emails)
	var users []string
	for _, u := range c.Users {
		users = append(users, u.Email)
	}
	if !slices.Equal(emails, users) || len(users) != 4 || !c.At.Equal(benchStart) || len(c.Unread) != 0 {
		t.Errorf("pages hold %q, the census %q", emails, users)
	}
	if len(c.Integrations) != 2 || c.Integrations[1] != (workflows.Named{ID: orders, Name: "Orders"}) ||
		c.Integrations[0].Name != c.Integrations[0].ID {
		t.Errorf("integrations %+v", c.Integrations)
	}
	if len(c.Tokens) != 3 || c.Tokens[0].Name != "Agency" || !c.Tokens[0].Revoked || c.Tokens[1].Name != "etl" ||
		c.Tokens[1].Full || !c.Tokens[1].Created.Equal(benchStart.AddDate(0, -3, 0)) || !c.Tokens[2].Full {
		t.Errorf("tokens %+v", c.Tokens)
	}
	raw, _ := json.Marshal(c)
	for _, s := range []string{secret, w.token, "******"} {
		if bytes.Contains(raw, []byte(s)) {
			t.Errorf("the census holds %q", s)
		}
	}
}

// A token's value is dropped whether it is masked or, by a fault of integrator.io's, not.
func TestTokenValuesAreDropped(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/accesstokens":
			say(200, `[{"_id":"t1","name":"open","token":"1234secret5678","fullAccess":true,"createdAt":"2026-01-02T03:04:05.678Z"},{"_id":"t2","name":7,"token":["1234secret5678"],"autoPurgeAt":{}}]`)(w, r)
		case "/v1/integrations":
			w.WriteHeader(204)
		default:
			say(200, `[{"_id":"1","sharedWithUser":{"email":"a@acme.example"}}]`)(w, r)
		}
	}), "tok")
	c := b.mustDo(rawCensus).Census
	raw, _ := json.Marshal(c)
	if len(c.Tokens) != 2 || c.Tokens[0].Name != "open" || c.Tokens[1].Name != "t2" ||
		bytes.Contains(raw, []byte("secret5678")) || strings.Contains(b.log.String(), "secret5678") {
		t.Errorf("census %s", raw)
	}
}

// Integrations and tokens that may not be read are named, and the census stands.
func TestRawCensusSaysWhatItCouldNotRead(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		why    string
	}{"403": {403, "may not read"}, "401": {401, "may not read"}, "404": {404, "does not offer"},
		"422": {422, "refused to answer"}, "500": {500, "kept failing"}} {
		w := newWorld(t, integratorsim.Options{})
		for _, path := range []string{"/v1/integrations", "/v1/accesstokens"} {
			w.fault(integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: c.status, Path: path, Times: -1})
		}
		_, out := w.drive(rawCensus)
		if !out.Done || len(out.Receipt.Census.Users) != 3 || len(out.Receipt.Census.Pages) != 1 {
			t.Fatalf("%s: %+v", name, out)
		}
		for _, part := range []string{workflows.PartIntegrations, workflows.PartTokens} {
			if why := out.Receipt.Census.Unread[part]; !strings.Contains(why, c.why) {
				t.Errorf("%s: %s is unread because %q", name, part, why)
			}
		}
	}
	w := newWorld(t, integratorsim.Options{})
	w.bench = newBench(t, w.sim, w.acct.Production().AddToken(integratorsim.Token{Kind: integratorsim.CustomToken}))
	if c := w.mustDo(rawCensus).Census; len(c.Users) != 3 || !strings.Contains(c.Unread[workflows.PartTokens], "403") {
		t.Errorf("a token of custom scope: %+v", c.Unread)
	}
}

func TestARawCensusOfNobody(t *testing.T) {
	for name, body := range map[string]string{"204": "", "[]": "[]"} {
		b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			status := 200
			if body == "" {
				status = 204
			}
			say(status, body)(w, r)
		}), "tok")
		if out := b.deliver(rawCensus, 0); !out.Refused || out.Receipt.Code != workflows.RefusedForbidden {
			t.Errorf("%s: %+v", name, out)
		}
		b = newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/v1/transfers":
				say(200, `[{"_id":"t","account":true,"status":"done","transferToUser":{"email":"x@acme.example"}}]`)(w,
					r)
			case body == "":
				w.WriteHeader(204)
			default:
				say(200, body)(w, r)
			}
		}), "tok")
		c := b.mustDo(rawCensus).Census
		sum := sha256.Sum256([]byte(body))
		if len(c.Users) != 0 || len(c.Pages) != 1 || c.Pages[0].Count != 0 || string(c.Pages[0].Body) != body ||
			c.Pages[0].SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// besides answers what a census reads besides the users: a token, since whoever reads has one, and nothing else.
func besides(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1/accesstokens" {
		say(200, `[{"_id":"t1","name":"tok","tokenType":"ashare"}]`)(w, r)
		return
	}
	w.WriteHeader(204)
}

// movingPages serves users by twos, from a list that a test moves between requests.
func movingPages(list func(request int) []string) http.HandlerFunc {
	var mu sync.Mutex
	request := 0
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/ashares" {
			besides(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		all := list(request)
		request++
		skip := 0
		_, _ = fmt.Sscanf(r.URL.Query().Get("skip"), "%d", &skip)
		end := min(skip+2, len(all))
		var rows []string
		for _, id := range all[min(skip, end):end] {
			rows = append(rows, `{"_id":"`+id+`","accepted":true,"accessLevel":"monitor","sharedWithUser":{"email":"`+
				id+`@acme.example"}}`)
		}
		if end < len(all) {
			w.Header().Set("Link", fmt.Sprintf(`</v1/ashares?skip=%d>; rel="next"`, end))
		}
		say(200, "["+strings.Join(rows, ",")+"]")(w, r)
	}
}

// Who leaves between two pages hides somebody else; who comes is shown twice. Neither becomes evidence.
func TestAListThatMovesIsReadAgain(t *testing.T) {
	for name, c := range map[string]struct {
		list func(request int) []string
		want string
	}{
		"somebody leaves after the first page": {func(n int) []string {
			if n == 0 {
				return []string{"a", "b", "c", "d"}
			}
			return []string{"b", "c", "d"}
		}, "b c d"},
		"somebody comes after the first page": {func(n int) []string {
			if n == 0 {
				return []string{"b", "c", "d"}
			}
			return []string{"a", "b", "c", "d"}
		}, "a b c d"},
		"one leaves and one comes": {func(n int) []string {
			if n == 0 {
				return []string{"a", "b", "c", "d"}
			}
			return []string{"b", "c", "d", "e"}
		}, "b c d e"},
	} {
		b := newBench(t, movingPages(c.list), "tok")
		census := b.mustDo(rawCensus).Census
		var ids, paged []string
		for _, u := range census.Users {
			ids = append(ids, u.ID)
		}
		for _, p := range census.Pages {
			for _, f := range strings.Split(string(p.Body), `"_id":"`)[1:] {
				paged = append(paged, f[:1])
			}
		}
		if strings.Join(ids, " ") != c.want || strings.Join(paged, " ") != c.want || len(census.Unread) != 0 {
			t.Errorf("%s: users %q, pages %q, unread %v", name, ids, paged, census.Unread)
		}
	}
}

// A list that never stands still is tried again for a while, and then told with what is wrong with it.
func TestAListThatNeverStandsStillIsSaidToBe(t *testing.T) {
	b := newBench(t, movingPages(func(n int) []string { return []string{"a", "b", fmt.Sprintf("x%04d", n)} }), "tok")
	first, last := b.drive(rawCensus)
	if !first.Again || !last.Done || !strings.Contains(last.Receipt.Census.Unread[workflows.PartUsers],
		"kept changing") || len(last.Receipt.Census.Users) != 3 {
		t.Errorf("first %+v, last %+v", first, last.Receipt)
	}
}

// Signing in is no change of the list, and a row that always stands twice is counted once.
func TestSignInsDoNotDisturbARawCensus(t *testing.T) {
	n := 0
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/ashares" {
			besides(w, r)
			return
		}
		n++
		row := fmt.Sprintf(`{"_id":"a","lastSignIn":"2026-11-20T10:00:%02d.000Z","sharedWithUser":{"email":"a@acme.example"}}`, n)
		say(200, "["+row+","+row+"]")(w, r)
	}), "tok")
	c := b.mustDo(rawCensus).Census
	if len(c.Users) != 1 || c.Pages[0].Count != 2 || len(c.Unread) != 0 || n != 2 {
		t.Errorf("%+v after %d requests", c, n)
	}
}

// The 15 seconds of direct.go are for people who wait, not for evidence.
func TestARawCensusIsNeverRemembered(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	if c, err := w.g.Users(context.Background(), "acme", ""); err != nil || len(c.Users) != 3 || c.Pages != nil {
		t.Fatalf("%+v, %v", c, err)
	}
	w.act(integratorsim.Action{Do: "remove_user", Email: mona})
	if c := w.mustDo(rawCensus).Census; len(c.Users) != 2 || c.Pages[0].Count != 2 {
		t.Errorf("a remembered census: %+v", c.Users)
	}
	if c, _ := w.g.Users(context.Background(), "acme", ""); len(c.Users) != 3 {
		t.Errorf("the preview asked again: %d", len(c.Users))
	}
}

func TestRawCensusOfFiveThousandUsersKeepsBodiesOnce(t *testing.T) {
	pad := strings.Repeat("x", 900)
	var pages []string
	for p := range 5 {
		var rows []string
		for i := range 1000 {
			rows = append(rows, fmt.Sprintf(
				`{"_id":"%024d","accepted":true,"accessLevel":"monitor","integrationAccessLevel":[],"createdAt":"2026-01-01T00:00:00.000Z","pad":%q,"sharedWithUser":{"_id":"%024d","email":"u%04d@acme.example","name":"Somebody"}}`, p*1000+i, pad, p*1000+i, p*1000+i))
		}
		pages = append(pages, "["+strings.Join(rows, ",")+"]")
	}
	size := 0
	for _, p := range pages {
		size += len(p)
	}
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/ashares" {
			w.WriteHeader(204)
			return
		}
		n := 0
		_, _ = fmt.Sscanf(r.URL.Query().Get("page"), "%d", &n)
		if n < 4 {
			w.Header().Set("Link", fmt.Sprintf(`</v1/ashares?page=%d>; rel="next"`, n+1))
		}
		say(200, pages[n])(w, r)
	}), "tok")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begun := time.Now()
	c := b.mustDo(rawCensus).Census
	took := time.Since(begun)
	runtime.GC()
	runtime.ReadMemStats(&after)
	held := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if len(c.Users) != 5000 || len(c.Pages) != 5 || string(c.Pages[4].Body) != pages[4] {
		t.Fatalf("%d users on %d pages", len(c.Users), len(c.Pages))
	}
	t.Logf("%d users, %d kB of answers, %d kB held, %v", len(c.Users), size>>10, held>>10, took)
	if held > 2*int64(size) {
		t.Errorf("%d kB are held for %d kB of answers", held>>10, size>>10)
	}
	runtime.KeepAlive(c)
}
