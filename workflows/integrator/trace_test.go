package integrator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

func TestTraceNamesWhoChangedTheAccess(t *testing.T) {
	for _, byShare := range []bool{false, true} {
		w := newWorld(t, integratorsim.Options{AuditShareIDs: byShare})
		w.act(integratorsim.Action{Do: "change_role", Email: mona, Role: "administrator"})
		w.act(integratorsim.Action{Do: "change_role", Email: mona, Role: "manage", By: dee})
		w.act(integratorsim.Action{Do: "change_role", Email: alias, Role: "manage", By: dee})
		w.act(integratorsim.Action{Do: "disable_user", Email: alias})
		w.act(integratorsim.Action{Do: "sign_in", Email: mona})
		got := w.mustDo(workflows.Call{Op: workflows.OpTrace, Email: strings.ToUpper(mona)}).Trace
		if got.Email != dee || got.Name != "Dee" || got.Source != "ui" || got.Event != "update" || got.At.IsZero() {
			t.Errorf("by share %v: %+v", byShare, got)
		}
		// Keyholder's own change is told as what it is: the token acts as the owner.
		w.mustDo(workflows.Call{Op: workflows.OpSetRole, Email: mona, Role: "monitor"})
		if got := w.mustDo(workflows.Call{Op: workflows.OpTrace, Email: mona}).Trace; got.Email != jane ||
			got.Source != "api" {
			t.Errorf("by share %v: %+v", byShare, got)
		}
	}
}

func TestTraceOfATokenNamesWhoMadeAndWhoChangedIt(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	made, err := w.sim.Act(integratorsim.Action{Do: "make_token", Name: "New", By: dee})
	if err != nil {
		t.Fatal(err)
	}
	w.act(integratorsim.Action{Do: "make_token", Name: "Another"})
	ask := workflows.Call{Op: workflows.OpTrace, Token: made.ID}
	if got := w.mustDo(ask).Trace; got.Email != dee || got.Event != "create" || got.Token != made.ID || got.Others != nil {
		t.Errorf("made: %+v", got)
	}
	w.act(integratorsim.Action{Do: "revoke_token", Token: made.ID})
	if got := w.mustDo(ask).Trace; got.Email != jane || got.Event != "update" || !slices.Equal(got.Others, []string{dee}) {
		t.Errorf("changed: %+v", got)
	}
	ask.Token = "nothing"
	if first, last := w.drive(ask); !first.Again || !last.Refused {
		t.Errorf("nothing about it, which is what a token that may not read sees: first %+v, last %+v", first, last)
	}
}

// Who accepted, declined or signed in has changed nobody's access.
func TestTraceOfAnInvitationNamesWhoInvited(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.act(integratorsim.Action{Do: "add_user", Email: fresh, Role: "manage", Status: "pending", By: dee})
	w.act(integratorsim.Action{Do: "dismiss_invitation", Email: fresh})
	w.mustDo(workflows.Call{Op: workflows.OpReinvite, Email: fresh})
	w.act(integratorsim.Action{Do: "sign_up", Email: fresh, Name: "Fresh"})
	if got := w.mustDo(workflows.Call{Op: workflows.OpTrace, Email: fresh}).Trace; got.Email != dee ||
		got.Event != "create" {
		t.Errorf("%+v", got)
	}
}

func TestTraceOfSomebodyRemoved(t *testing.T) {
	for _, byShare := range []bool{false, true} {
		w := newWorld(t, integratorsim.Options{AuditShareIDs: byShare})
		w.act(integratorsim.Action{Do: "remove_user", Email: alias})
		w.act(integratorsim.Action{Do: "remove_user", Email: mona, By: dee})
		if got := w.mustDo(workflows.Call{Op: workflows.OpTrace, Email: mona}).Trace; got.Email != dee ||
			got.Event != "delete" {
			t.Errorf("by share %v: %+v", byShare, got)
		}
	}
}

func TestTraceLooksNoFurtherBackThanSince(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.act(integratorsim.Action{Do: "change_role", Email: mona, Role: "manage", By: dee})
	at := w.mustDo(workflows.Call{Op: workflows.OpTrace, Email: mona}).Trace.At
	call := workflows.Call{Op: workflows.OpTrace, Email: mona, Since: at}
	if got := w.mustDo(call).Trace; got.Email != dee {
		t.Errorf("the very moment of the change is left out: %+v", got)
	}
	call.Since = at.Add(time.Millisecond)
	if first, last := w.drive(call); !first.Again || !last.Done || last.Receipt.Trace == nil ||
		last.Receipt.Trace.Email != "" {
		t.Errorf("first %+v, last %+v", first, last.Receipt)
	}
}

func TestTraceInAnotherEnvironment(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	sandbox := w.acct.AddEnvironment("Sandbox")
	sandbox.AddUser(integratorsim.User{Email: mona, Role: "monitor"})
	acct := w.g.accounts["acme"]
	acct.Tokens = map[string]string{"": w.token, "Sandbox": sandbox.AddToken(integratorsim.Token{})}
	w.g.accounts["acme"] = acct
	w.act(integratorsim.Action{Do: "change_role", Email: mona, Role: "manage", By: dee, Environment: "Sandbox"})
	if got := w.mustDo(workflows.Call{Op: workflows.OpTrace, Email: mona,
		Environment: "Sandbox"}).Trace; got.Email != dee {
		t.Errorf("in the sandbox: %+v", got)
	}
	if _, out := w.drive(workflows.Call{Op: workflows.OpTrace, Email: mona}); out.Receipt.Trace == nil ||
		out.Receipt.Trace.Email != "" {
		t.Errorf("in production: %+v", out.Receipt)
	}
}

func TestTraceIsRefusedWhereTheLogIsNotShown(t *testing.T) {
	for status, code := range map[int]string{401: workflows.RefusedUnauthorized, 403: workflows.RefusedForbidden,
		404: workflows.RefusedOther, 422: workflows.RefusedOther} {
		w := newWorld(t, integratorsim.Options{})
		w.fault(integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: status, Path: "/v1/audit", Times: -1})
		w.mustRefuse(workflows.Call{Op: workflows.OpTrace, Email: mona}, code)
	}
	w := newWorld(t, integratorsim.Options{})
	w.mustRefuse(workflows.Call{Op: workflows.OpTrace}, workflows.RefusedOther)
	w.mustRefuse(workflows.Call{Op: workflows.OpTrace, Account: "bare", Email: mona}, workflows.RefusedNoToken)
	w.bench = newBench(t, w.sim, w.acct.Production().AddToken(integratorsim.Token{LostRights: true}))
	if _, out := w.drive(workflows.Call{Op: workflows.OpTrace, Email: mona}); !out.Refused ||
		out.Receipt.Code != workflows.RefusedForbidden {
		t.Errorf("a token without rights: %+v", out)
	}
}

// auditBench serves one user, mona, and a log that answers queries.
func auditBench(t *testing.T, users string, log http.HandlerFunc) *bench {
	return newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/audit" {
			log(w, r)
			return
		}
		say(200, users)(w, r)
	}), "tok")
}

const (
	monaListed = `[{"_id":"s1","accepted":true,"accessLevel":"manage","sharedWithUser":{"_id":"p1","email":"mona@acme.example"}}]`
	nobodyElse = `[{"_id":"s9","accepted":true,"accessLevel":"manage","sharedWithUser":{"_id":"p9","email":"other@acme.example"}}]`
	byBoss     = `"byUser":{"_id":"b","email":"boss@acme.example","name":"Boss"}`
)

// A licence that reads less far back, or a clock that is ahead, is answered with the refusal that
// quotes the field in curly quotes.
func TestTraceUnderstandsTheRefusalOfItsTime(t *testing.T) {
	var froms []string
	b := auditBench(t, monaListed, func(w http.ResponseWriter, r *http.Request) {
		from := r.URL.Query().Get("from")
		froms = append(froms, from)
		if from != "" {
			say(422, `{"errors":[{"code":"invalid_field","field":"from","message":"Please make sure that the time provided for field: “from” is not older than 1 year(s) to current date and is not a future date."}]}`)(w, r)
			return
		}
		say(200, `[{"resourceType":"user","_resourceId":"p1","event":"update","source":"ui","time":"2024-01-01T00:00:00.000Z",`+byBoss+`},
			{"resourceType":"user","_resourceId":"s1","event":"update","source":"ui","time":"2026-11-21T08:00:00.000Z",`+byBoss+`}]`)(w, r)
	})
	since := benchStart.AddDate(0, 0, -30)
	got := b.mustDo(workflows.Call{Op: workflows.OpTrace, Email: mona, Since: since}).Trace
	if got.Email != "boss@acme.example" || !got.At.Equal(benchStart.Add(-time.Hour)) || !slices.Contains(froms, "") {
		t.Errorf("%+v after %q", got, froms)
	}
	froms = nil
	b.mustDo(workflows.Call{Op: workflows.OpTrace, Email: mona, Since: benchStart.AddDate(-3, 0, 0)})
	if froms[0] != "2025-11-22T09:00:00.000Z" {
		t.Errorf("asked from %q", froms[0])
	}
}

// Neither the order of the log nor the kind of ID in it is promised.
func TestTraceReadsWhateverTheLogHolds(t *testing.T) {
	entry := func(resource, event, at, rest string) string {
		return fmt.Sprintf(`{"resourceType":"user","_resourceId":%q,"event":%q,"source":"ui","time":"2026-11-%sT00:00:00.000Z",%s%s}`, resource, event, at, byBoss, rest)
	}
	paths := func(names ...string) string {
		var all []string
		for _, n := range names {
			all = append(all, `{"fieldPath":"`+n+`","newValue":1}`)
		}
		return `,"fieldChanges":[` + strings.Join(all, ",") + `]`
	}
	for name, c := range map[string]struct {
		users, log string
		since, id  string
		want       string // the day of the entry found; "" for none
	}{
		"oldest first": {monaListed, entry("p1", "create", "01", "") + "," +
			entry("s1", "update", "05", ""), "", "", "05"},
		"newest first": {monaListed, entry("s1", "update", "05", "") + "," +
			entry("p1", "create", "01", ""), "", "", "05"},
		"somebody else's": {monaListed, entry("p2", "update", "05", ""), "", "", ""},
		"a sign-in": {monaListed, entry("p1", "signin", "05", "") + "," +
			entry("p1", "create", "01", ""), "", "", "01"},
		"the second factor alone": {monaListed,
			entry("p1", "update", "05", paths("accountMFARequired")) + "," + entry("p1", "update", "02",
				paths("accountMFARequired", "accessLevel")), "", "", "02"},
		"an unknown field": {monaListed, entry("p1", "update", "05", paths("somethingNew")), "",
			"", "05"},
		"a nested field": {monaListed,
			entry("p1", "update", "05", paths("sharedWithUser.name")) + "," + entry("p1", "update", "04",
				paths("integrationAccessLevel[0].accessLevel")), "", "", "04"},
		"odd changes": {monaListed, entry("p1", "update", "05", `,"fieldChanges":[7]`), "",
			"", "05"},
		"no time": {monaListed,
			`{"resourceType":"user","_resourceId":"p1","event":"update","time":"soon",` + byBoss + `}`, "", "", ""},
		"garbage beside": {monaListed, `{"byUser":7},` + entry("p1", "update", "05", ""), "",
			"", "05"},
		"gone, named in a change": {nobodyElse,
			entry("p1", "delete", "05", `,"fieldChanges":[{"fieldPath":"email","oldValue":"Mona@acme.example"}]`), "",
			"", "05"},
		"gone, named elsewhere": {nobodyElse,
			entry("p1", "delete", "05", `,"deletedInfo":{"name":"mona@acme.example"}`), "", "", "05"},
		"gone, known by the share": {nobodyElse, entry("s1", "delete", "05", ""), "", "s1", "05"},
		"gone, known by a sign-in": {nobodyElse, entry("p1", "delete", "05", "") +
			`,{"resourceType":"user","_resourceId":"p1","event":"signin","time":"2026-11-03T00:00:00.000Z","byUser":{"_id":"p1","email":"mona@acme.example"}}`, "04", "", "05"},
		"gone, by their own hand": {nobodyElse,
			`{"resourceType":"user","_resourceId":"p1","event":"delete","time":"2026-11-05T00:00:00.000Z","byUser":{"_id":"p1","email":"mona@acme.example"}}`, "", "", "05"},
		"gone, by somebody who did other things": {nobodyElse, entry("p3", "delete", "05", "") +
			`,{"resourceType":"user","_resourceId":"p2","event":"update","time":"2026-11-06T00:00:00.000Z","byUser":{"_id":"p1","email":"mona@acme.example"}}`, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := auditBench(t, c.users, func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				if q.Get("resourceType") != "user" || q.Get("limit") == "" || q.Get("from") == "" {
					t.Errorf("asked %s", r.URL.RawQuery)
				}
				var rows []json.RawMessage
				if err := json.Unmarshal([]byte("["+c.log+"]"), &rows); err != nil {
					t.Error(err)
				}
				rows = slices.DeleteFunc(rows, func(row json.RawMessage) bool {
					var e struct {
						Resource string `json:"_resourceId"`
						Time     string `json:"time"`
					}
					_ = json.Unmarshal(row, &e)
					return (q.Get("_resourceId") != "" && q.Get("_resourceId") != e.Resource) ||
						(e.Time != "" && e.Time < q.Get("from"))
				})
				if len(rows) == 0 {
					w.WriteHeader(204)
					return
				}
				raw, _ := json.Marshal(rows)
				say(200, string(raw))(w, r)
			})
			call := workflows.Call{Op: workflows.OpTrace, Email: mona, ID: c.id}
			if c.since != "" {
				call.Since, _ = time.Parse(time.DateOnly, "2026-11-"+c.since)
			}
			_, out := b.drive(call)
			if !out.Done || out.Receipt.Trace == nil {
				t.Fatalf("%+v", out)
			}
			got := ""
			if tr := out.Receipt.Trace; tr.Email != "" {
				got = tr.At.Format("02")
			}
			if got != c.want {
				t.Errorf("found the entry of %q, want %q: %+v", got, c.want, out.Receipt.Trace)
			}
		})
	}
}

// A log without an end costs twenty requests, and no more.
func TestTraceIsBounded(t *testing.T) {
	asked := 0
	b := auditBench(t, nobodyElse, func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Link", fmt.Sprintf(`</v1/audit?after=%d>; rel="next"`, asked))
		say(200, `[{"resourceType":"user","_resourceId":"p5","event":"delete","time":"2026-11-05T00:00:00.000Z",`+
			byBoss+`}]`)(w, r)
	})
	if out := b.deliver(workflows.Call{Op: workflows.OpTrace, Email: mona}, 0); !out.Again || asked != maxTracePages {
		t.Errorf("%d requests: %+v", asked, out)
	}
	if out := b.deliver(workflows.Call{Op: workflows.OpTrace, Email: mona}, 1); !out.Done ||
		out.Receipt.Trace.Email != "" {
		t.Errorf("%+v", out)
	}
}
