package integrator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

func TestStatusesBecomeOutcomes(t *testing.T) {
	const pending = "An account transfer is already pending. Delete the pending transfer at My Account > Transfers before retransferring the account."
	const several = "Cannot transfer account ownership to selected user as he is part of multiple organizations."
	fault := func(code, message string) string {
		raw, _ := json.Marshal(map[string]any{"errors": []any{map[string]any{"code": code, "message": message,
			"field": nil}}})
		return string(raw)
	}
	for name, c := range map[string]struct {
		op     string
		status int
		body   string
		code   string // "" is again
	}{
		"bad gateway of a proxy":        {workflows.OpWatchUser, 502, "<html>Bad Gateway</html>", ""},
		"request time-out":              {workflows.OpWatchUser, 408, "", ""},
		"login page of a proxy":         {workflows.OpWatchUser, 200, "<html>Sign in</html>", ""},
		"redirect somewhere":            {workflows.OpWatchUser, 302, "", ""},
		"list that is an object":        {workflows.OpWatchUser, 200, `{"errors":[]}`, ""},
		"list of texts":                 {workflows.OpWatchUser, 200, `["a"]`, ""},
		"list cut in a whole number":    {workflows.OpWatchUser, 200, `[{"_id":"1"`, ""},
		"record with fields of its own": {workflows.OpWatchUser, 200, `[{"_id":{"x":1}}]`, ""},
		"bare message of 401": {workflows.OpWatchUser, 401, `{"message":"Bearer Authentication Failed"}`,
			workflows.RefusedUnauthorized},
		"403 without a body": {workflows.OpWatchUser, 403, "", workflows.RefusedForbidden},
		"404 on a list": {workflows.OpWatchUser, 404, `{"errors":[{"code":"not_found"}]}`,
			workflows.RefusedOther},
		"400 in HTML":           {workflows.OpWatchUser, 400, "<html>", workflows.RefusedOther},
		"errors that is a text": {workflows.OpWatchUser, 422, `{"errors":"no"}`, workflows.RefusedOther},
		"errors with null": {workflows.OpWatchUser, 422, `{"errors":[null,{"message":null,"code":7}]}`,
			workflows.RefusedOther},
		"invite: several organisations": {workflows.OpInviteOwner, 422, fault("invalid_field", several),
			workflows.RefusedMultipleOrgs},
		"invite: the same, shouted": {workflows.OpInviteOwner, 400,
			fault("", strings.ToUpper(strings.ReplaceAll(strings.TrimSuffix(several, "."), " ", "  "))),
			workflows.RefusedMultipleOrgs},
		"invite: the same, as 403": {workflows.OpInviteOwner, 403, fault("", several),
			workflows.RefusedMultipleOrgs},
		"invite: code alone": {workflows.OpInviteOwner, 422, fault("multiple_organizations", "?"),
			workflows.RefusedMultipleOrgs},
		"invite: disabled": {workflows.OpInviteOwner, 422,
			fault("", "The user is disabled in this account."), workflows.RefusedDisabled},
		"invite: second error counts": {workflows.OpInviteOwner, 422,
			`{"errors":[{"code":"x","message":"y"},{"code":"user_disabled"}]}`, workflows.RefusedDisabled},
		"invite: pending": {workflows.OpInviteOwner, 422, fault("", pending), workflows.RefusedPending},
		"invite: only the owner may": {workflows.OpInviteOwner, 403,
			fault("access_restricted", "Only the owner may."), workflows.RefusedForbidden},
		"invite: not offered to tokens": {workflows.OpInviteOwner, 404, "", workflows.RefusedForbidden},
		"invite: anything else": {workflows.OpInviteOwner, 422,
			fault("invalid_field", "Please enter a valid email address"), workflows.RefusedOther},
		"invite user: no seats": {workflows.OpInviteUser, 422, fault("entitlement_reached", "Full."),
			workflows.RefusedNoSeats},
		"invite user: no subscription": {workflows.OpInviteUser, 402, fault("subscription_required", "Buy."),
			workflows.RefusedNoSeats},
		"invite user: not offered": {workflows.OpInviteUser, 405, "", workflows.RefusedForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inviting := c.op == workflows.OpInviteOwner || c.op == workflows.OpInviteUser
				if inviting && r.Method == http.MethodGet { // readings work
					say(200, `[{"_id":"1","account":true,"status":"canceled","transferToUser":{"email":"x@y.example"}}]`)(w, r)
					return
				}
				say(c.status, c.body)(w, r)
			}), "tok")
			out := b.deliver(workflows.Call{Op: c.op, Email: alias, Role: "monitor"}, 0)
			if c.code == "" {
				if !out.Again || out.Limited {
					t.Fatalf("outcome is %+v, receipt %+v", out, out.Receipt)
				}
				return
			}
			if !out.Refused || out.Receipt.Code != c.code {
				t.Fatalf("outcome is %+v, receipt %+v", out, out.Receipt)
			}
		})
	}
}

// What integrator.io said reaches the receipt, so people read its words.
func TestRefusalKeepsTheWords(t *testing.T) {
	b := newBench(t, say(422, `{"errors":[{"code":"a","message":"First   thing."},{"code":"b","message":"Second."}]}`),
		"tok")
	if m := b.deliver(workflows.Call{Op: workflows.OpWatchUser, Email: alias},
		0).Receipt.Message; m != "First thing. Second." {
		t.Fatalf("message is %q", m)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for h, want := range map[string]time.Duration{
		"": 2 * time.Second, "7": 7 * time.Second, " 7 ": 7 * time.Second, "0": time.Second, "-3": 2 * time.Second,
		"soon": 2 * time.Second,
		"1.5":  2 * time.Second, "999999999": workflows.GiveUpAfter, "99999999999999999999": 2 * time.Second,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       time.Second,
	} {
		b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if h != "" {
				w.Header().Set("Retry-After", h)
			}
			w.WriteHeader(429)
		}), "tok")
		out := b.deliver(workflows.Call{Op: workflows.OpWatchUser, Email: alias}, 0)
		if !out.Again || !out.Limited || out.After != want {
			t.Errorf("Retry-After %q: %+v, want %v", h, out, want)
		}
	}
}

func TestTokenNeverLeavesTheHost(t *testing.T) {
	var strayed atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		strayed.Add(1)
		say(200, `[]`)(w, r)
	}))
	defer other.Close()
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}), "tok")
	out := b.deliver(workflows.Call{Op: workflows.OpWatchUser, Email: alias}, 0)
	if !out.Again || strayed.Load() != 0 {
		t.Fatalf("outcome %+v, %d requests strayed", out, strayed.Load())
	}
}

// A redirected POST would arrive as a GET and its answer be taken for a new invitation.
func TestWritesAreNotRedirected(t *testing.T) {
	var posts atomic.Int64
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			posts.Add(1)
			http.Redirect(w, r, "/v1/elsewhere", http.StatusMovedPermanently)
		case r.URL.Path == "/v1/elsewhere":
			say(200, `{"_id":"t1"}`)(w, r)
		default:
			say(200, `[]`)(w, r)
		}
	}), "tok")
	out := b.deliver(workflows.Call{Op: workflows.OpInviteOwner, Email: alias}, 0)
	if !out.Again || posts.Load() != 1 {
		t.Fatalf("outcome %+v after %d posts", out, posts.Load())
	}
}

func TestReadingsFollowTheirOwnHostsRedirects(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(w, r, r.URL.Path+"/?"+r.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		if r.Header.Get("Authorization") != "Bearer tok" {
			w.WriteHeader(401)
			return
		}
		say(200, `[]`)(w, r)
	}), "tok")
	if out := b.deliver(workflows.Call{Op: workflows.OpWatchUser, Email: alias}, 0); !out.Done {
		t.Fatalf("outcome %+v", out)
	}
}

// pagesOf serves n users in pages, naming another host in the links as an upstream behind a proxy does.
func pagesOf(n, size int, loop bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var skip int
		_, _ = fmt.Sscanf(r.URL.Query().Get("after"), "c/%d", &skip)
		var rows []any
		for i := skip; i < min(skip+size, n); i++ {
			rows = append(rows, map[string]any{"_id": fmt.Sprint(i), "accepted": true, "accessLevel": "manage",
				"sharedWithUser": map[string]any{"email": fmt.Sprintf("u%d@acme.example", i)}})
		}
		next := skip + size
		if loop {
			next = 0
		}
		if next < n {
			w.Header().Add("Link", `<https://api.integrator.io/v1/ashares>; rel="first"`)
			w.Header().Add("Link", fmt.Sprintf(`<https://api.integrator.io%s?after=c%%2F%d>; rel=next`, r.URL.Path,
				next))
		}
		raw, _ := json.Marshal(rows)
		say(200, string(raw))(w, r)
	}
}

func TestLastPageIsRead(t *testing.T) {
	b := newBench(t, pagesOf(5000, 100, false), "tok")
	out := b.deliver(workflows.Call{Op: workflows.OpWatchUser, Email: "U4999@ACME.example"}, 0)
	if !out.Done || out.Receipt == nil || out.Receipt.User.ID != "4999" || b.lease.held != 50 {
		t.Fatalf("outcome %+v after %d requests", out, b.lease.held)
	}
}

// A list that never ends, or one whose later page fails, proves nothing about who is missing.
func TestHalfAListIsNoList(t *testing.T) {
	b := newBench(t, pagesOf(10, 5, true), "tok")
	if out := b.deliver(workflows.Call{Op: workflows.OpWatchUser, Email: alias, Known: "accepted/manage"},
		0); !out.Again || b.lease.held > 3 {
		t.Fatalf("outcome %+v after %d requests", out, b.lease.held)
	}
	full := pagesOf(10, 5, false)
	b = newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("after") {
			w.WriteHeader(500)
			return
		}
		full(w, r)
	}), "tok")
	if out := b.deliver(workflows.Call{Op: workflows.OpWatchUser, Email: alias, Known: "accepted/manage"},
		0); !out.Again {
		t.Fatalf("outcome %+v", out)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range 40 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
		_, _ = w.Write([]byte("[]"))
	}), "tok")
	out := b.deliver(workflows.Call{Op: workflows.OpWatchUser, Email: alias}, 0)
	if !out.Again || !strings.Contains(out.Err.Error(), "32 MiB") {
		t.Fatalf("outcome %+v", out)
	}
}

func TestOddListsAreRead(t *testing.T) {
	for body, listed := range map[string]bool{
		`[{"_id":"1","accepted":true,"accessLevel":null,"integrationAccessLevel":null,"lastSignIn":"never","sharedWithUser":{"email":"celigo@acme.example","name":null,"new":[1]},"x":{}}]`: true,
		`[null,{"_id":"2","sharedWithUser":null},{"_id":"1","lastSignIn":17,"sharedWithUser":{"email":"CELIGO@acme.example "}}]`:                                                            true,
		` [ ] `: false, `null`: false,
	} {
		b := newBench(t, say(200, body), "tok")
		out := b.deliver(workflows.Call{Op: workflows.OpWatchUser, Email: alias}, 0)
		if !out.Done || (out.Receipt != nil) != listed {
			t.Errorf("%s: %+v", body, out)
		}
	}
}

func TestNothingConfidentialIsLogged(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/ashares":
			say(200, `[{"_id":"1","sharedWithUser":{"email":"celigo@acme.example"}}]`)(w, r)
		default:
			say(422, `{"errors":[{"code":"leak celigo@acme.example","message":"celigo@acme.example is secret-words"}]}`)(w, r)
		}
	}), "secret-token")
	var texts []string
	for _, j := range jobs {
		call := j.call
		if out := b.deliver(call, 0); out.Err != nil {
			texts = append(texts, out.Err.Error())
		}
	}
	all := b.log.String() + strings.Join(texts, "\n")
	if !strings.Contains(all, "asked integrator.io") {
		t.Fatal("nothing was logged at all")
	}
	for _, secret := range []string{"secret-token", "secret-words", "@acme.example", "Bearer", "limit="} {
		if strings.Contains(all, secret) {
			t.Errorf("%q stands in the log or an error:\n%s", secret, all)
		}
	}
}

func TestUnreachableHostIsTriedAgain(t *testing.T) {
	b := newBench(t, say(200, "[]"), "tok")
	dead := httptest.NewServer(nil)
	dead.Close()
	b.g = New(Options{Accounts: []Account{{ID: "acme", APIBase: dead.URL, Tokens: map[string]string{"": "tok"}}}})
	defer b.g.Close()
	out := b.deliver(workflows.Call{Op: workflows.OpInviteOwner, Email: alias}, 0)
	if !out.Again || !errors.Is(out.Err, workflows.ErrAway) || isUnclear(out.Err) {
		t.Fatalf("outcome %+v", out)
	}
}

func TestWrongAPIBaseIsRefusedWithWords(t *testing.T) {
	for _, base := range []string{"", "api.integrator.io", "ftp://x", "https://", "https://user:pw@x.example"} {
		g := New(Options{Accounts: []Account{{ID: "acme", APIBase: base, Tokens: map[string]string{"": "tok"}}}})
		out := g.Deliver(context.Background(), workflows.Claim{Effect: workflows.Effect{ID: "e",
			Call: &workflows.Call{Op: workflows.OpInspect, Account: "acme"}}}, &lease{})
		if !out.Refused || !strings.Contains(out.Receipt.Message, "https://api.integrator.io") {
			t.Errorf("%q: %+v", base, out)
		}
		g.Close()
	}
}

func FuzzDecoders(f *testing.F) {
	for _, s := range []string{`[]`, `[{"_id":"1","accepted":true}]`,
		`{"errors":[{"code":"a","message":"b","field":"c"}]}`, `{"message":"Unauthorized"}`,
		`<html>`, `{"errors":{"code":1}}`, `[[[]]]`, `{"errors":[[["x"]]]}`, `null`, ``,
		`[{"_id":"t","token":"******","name":{"a":1}}]`,
		`[{"resourceType":"user","_resourceId":7,"event":"update","time":"2026-01-02T03:04:05Z","byUser":{"_id":"1","email":"mona@acme.example"},"fieldChanges":[{"fieldPath":["x"],"oldValue":{"e":["Mona@acme.example"]}}]}]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		req := httptest.NewRequest(http.MethodGet, "/v1/x", nil)
		e := decodeError(&http.Response{StatusCode: 422, Header: http.Header{}, Request: req}, []byte(body),
			time.Time{})
		if len([]rune(e.Message)) > 300 || strings.Contains(e.Message, "\n") {
			t.Fatalf("message is %q", e.Message)
		}
		if code := refusalCode(workflows.OpInviteOwner, e); code == "" {
			t.Fatal("a refusal without a code")
		}
		a := answer{body: []byte(body), url: req.URL}
		rows, shown, err := decodeRows(a)
		if err != nil && (rows != nil || shown) {
			t.Fatal("half a page was answered")
		}
		for _, r := range rows {
			var sh ashare
			if json.Unmarshal(r, &sh) == nil {
				_ = sh.user().Mark()
			}
			var tok apiToken
			var value struct{ Token string }
			if json.Unmarshal(r, &tok) == nil && json.Unmarshal(r, &value) == nil && len(value.Token) > 7 &&
				strings.Count(string(r), value.Token) == 1 && strings.Contains(fmt.Sprint(tok.token()), value.Token) {
				t.Fatal("a token's value was decoded")
			}
			h := hunt{email: "mona@acme.example", ids: map[string]bool{}}
			h.take(r)
			if e, ok := h.newest(); ok && (e.Time.IsZero() || !strings.Contains(" create update delete ",
				" "+string(e.Event)+" ") || (!e.names && !h.ids[string(e.Resource)])) {
				t.Fatalf("%s became %+v", r, e)
			}
		}
	})
}

// Any mixture of fields, absent, null and odd, decodes to a user whose role and status are among the known ones.
func TestUsersDecodeWhateverIsMissing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec := map[string]any{}
		for field, values := range map[string][]any{
			"_id": {"1", nil}, "accepted": {true, false, nil}, "dismissed": {true, false, nil}, "disabled": {true, nil},
			"accessLevel": {"administrator", "manage", "monitor", "tile", "admin", "", nil},
			"lastSignIn":  {"2026-01-02T03:04:05.678Z", "x", 5, nil, map[string]any{}},
			"integrationAccessLevel": {nil, []any{}, []any{map[string]any{"_integrationId": "i",
				"accessLevel": "manage"}}},
			"sharedWithUser": {nil, map[string]any{}, map[string]any{"email": "a@b.example", "name": nil,
				"lastSignIn": "2026-01-02T03:04:05Z"}},
		} {
			if rapid.Bool().Draw(t, "has "+field) {
				rec[field] = rapid.SampledFrom(values).Draw(t, field)
			}
		}
		raw, _ := json.Marshal([]any{rec})
		rows, shown, err := decodeRows(answer{body: raw})
		if err != nil || !shown || len(rows) != 1 {
			t.Fatalf("%s: %v", raw, err)
		}
		var a ashare
		if err := json.Unmarshal(rows[0], &a); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		u := a.user()
		if !strings.Contains(" administrator manage monitor custom none ", " "+u.Role+" ") ||
			!strings.Contains(" accepted pending dismissed ", " "+u.Status+" ") {
			t.Fatalf("%s became %+v", raw, u)
		}
	})
}
