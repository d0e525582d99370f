package integrator

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

func TestOnlySignInsOfTheOwnerAreRead(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.act(integratorsim.Action{Do: "sign_in", Email: mona})
	w.act(integratorsim.Action{Do: "change_role", Email: mona, Role: "manage"})
	call := workflows.Call{Op: workflows.OpSignIns, Owner: strings.ToUpper(jane), Since: benchStart}
	if got := w.mustDo(call).SignIns; len(got.Entries) != 0 {
		t.Fatalf("%+v", got.Entries)
	}
	w.act(integratorsim.Action{Do: "sign_in", Email: jane})
	w.act(integratorsim.Action{Do: "sign_in", Email: jane})
	got := w.mustDo(call).SignIns
	if len(got.Entries) != 2 || got.Entries[0].ID == got.Entries[1].ID || got.Entries[1].At.Before(got.Entries[0].At) ||
		got.Entries[0].Source != "ui" || got.Until.IsZero() {
		t.Fatalf("%+v", got)
	}
	call.Since = got.Entries[1].At
	if again := w.mustDo(call).SignIns; len(again.Entries) != 1 || again.Entries[0] != got.Entries[1] {
		t.Errorf("since the second: %+v", again.Entries)
	}
	if _, last := w.drive(workflows.Call{Op: workflows.OpSignIns}); !last.Refused {
		t.Errorf("without an owner's address: %+v", last)
	}
}

// The log is read in pages by their place while entries are added in front, so one is shown twice.
func TestPagesThatShiftWhileTheyAreReadCountAnEntryOnce(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	entry := func(n int) string {
		return fmt.Sprintf(`{"_id":"e%d","resourceType":"user","source":"sso","event":"signin","time":%q,"byUser":{"_id":"u","email":%q}}`,
			n, at.Add(time.Duration(n)*time.Minute).Format(time.RFC3339), jane)
	}
	pages := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages++
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("skip") == "" {
			w.Header().Set("Link", `</v1/audit?skip=2>; rel="next"`)
			fmt.Fprintf(w, "[%s,%s]", entry(4), entry(3))
			return
		}
		fmt.Fprintf(w, "[%s,%s,%s]", entry(3), entry(2), entry(1)) // one came in front meanwhile
	}))
	defer srv.Close()
	b := newBench(t, srv.Config.Handler, "t")
	out := b.mustDo(workflows.Call{Op: workflows.OpSignIns, Owner: jane, Since: at})
	if got := out.SignIns; pages != 2 || len(got.Entries) != 4 || got.Mark() != "e1,e2,e3,e4" {
		t.Errorf("%d pages: %+v", pages, got)
	}
}

// A log that is too long to be read whole still says that somebody signed in, where that was asked;
// where it shows nobody it is not asked again and again.
func TestTheLastSignInIsFoundInALogWithoutEnd(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	pages := 0
	endless := func(by string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			pages++
			w.Header().Set("Link", fmt.Sprintf(`</v1/audit?skip=%d>; rel="next"`, pages))
			fmt.Fprintf(w, `[{"_id":"e%d","resourceType":"user","source":"ui","event":"signin","time":%q,"byUser":{"_id":"u","email":%q}}]`,
				pages, at.Add(-time.Duration(pages)*time.Minute).Format(time.RFC3339), by)
		})
	}
	call := workflows.Call{Op: workflows.OpSignIns, Owner: jane, Since: at.Add(-time.Hour), Last: true}
	if got := newBench(t, endless(jane), "t").mustDo(call).SignIns; len(got.Entries) != maxSignInPages ||
		!got.Entries[maxSignInPages-1].At.Equal(at.Add(-time.Minute)) {
		t.Errorf("%+v", got)
	}
	if _, out := newBench(t, endless(mona), "t").drive(call); !out.Refused {
		t.Errorf("nobody is seen: %+v", out)
	}
	if pages != 2*maxSignInPages {
		t.Errorf("%d pages were asked for", pages)
	}
}

func TestATokenThatMayNotLookIsToldFromALogWithoutSignIns(t *testing.T) {
	empty := func(any bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if any && r.URL.Query().Get("action") == "" {
				fmt.Fprint(w, `[{"_id":"x","resourceType":"flow","event":"update","time":"2026-03-02T09:00:00Z"}]`)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
	}
	call := workflows.Call{Op: workflows.OpSignIns, Owner: jane, Since: benchStart}
	if got := newBench(t, empty(true), "t").mustDo(call).SignIns; len(got.Entries) != 0 {
		t.Errorf("%+v", got)
	}
	if _, out := newBench(t, empty(false), "t").drive(call); !out.Refused ||
		out.Receipt.Code != workflows.RefusedForbidden {
		t.Errorf("%+v", out)
	}
}

func TestTokensAreReadWithKindScopeAndEnd(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"_id":"b","name":"Keyholder","token":"s3cret","fullAccess":true,"autoPurgeAt":"2026-04-01T00:00:00.000Z"},
			{"_id":"a","name":"Ana's","token":"******","tokenType":"ashare","_aShareId":"s1","autoPurgeAt":"2026-05-01T00:00:00.000Z"},
			{"_id":"c","name":"Limited","_connectionIds":["1","2"],"_apiIds":["3"],"revoked":true}]`)
	})
	got := newBench(t, h, "t").mustDo(workflows.Call{Op: workflows.OpTokens}).Tokens
	if len(got.Tokens) != 3 || strings.Contains(fmt.Sprintf("%+v", got), "s3cret") {
		t.Fatalf("%+v", got)
	}
	a, b, c := got.Tokens[0], got.Tokens[1], got.Tokens[2]
	if a.Kind != workflows.TokenOfPerson || a.Share != "s1" || a.Full || b.Kind != workflows.TokenOfAccount ||
		!b.Full ||
		b.Ends.IsZero() || strings.Join(c.Scope, ", ") != "APIs: 1, connections: 2" || !c.Revoked || !c.Ends.IsZero() {
		t.Errorf("%+v", got.Tokens)
	}
	none := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	if _, out := newBench(t, none, "t").drive(workflows.Call{Op: workflows.OpTokens}); !out.Refused {
		t.Errorf("a token that shows no tokens: %+v", out)
	}
}
