package integrator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

func TestCensusOfFiveThousandUsers(t *testing.T) {
	w := newWorld(t, integratorsim.Options{PageSize: 1000, RateCapacity: -1})
	for i := range 4997 {
		w.acct.Production().AddUser(integratorsim.User{Email: fmt.Sprintf("u%04d@acme.example", i), Role: "monitor"})
	}
	c := w.mustDo(workflows.Call{Op: workflows.OpCensus}).Census
	if len(c.Users) != 5000 || !c.At.Equal(w.clock.now()) || !slices.IsSortedFunc(c.Users,
		func(a, b workflows.User) int { return strings.Compare(a.Email, b.Email) }) {
		t.Fatalf("%d users, at %v", len(c.Users), c.At)
	}
	for _, u := range c.Users {
		if u.ID == "" || u.Status != "accepted" || u.Via == "" || u.Since.IsZero() {
			t.Fatalf("user %+v", u)
		}
	}
	begun := time.Now()
	direct, err := w.g.Users(context.Background(), "acme", "")
	if err != nil || direct.Mark() != c.Mark() {
		t.Fatalf("directly: %d users, %v", len(direct.Users), err)
	}
	t.Logf("5,000 users in %v", time.Since(begun))
}

// A list is shown for a while without asking, but not to somebody who knows that it has changed since.
func TestAListOlderThanAChangeIsReadAgain(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	role := func(read func() (workflows.Census, error)) string {
		t.Helper()
		c, err := read()
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range c.Users {
			if u.Email == mona {
				return u.Role
			}
		}
		return "absent"
	}
	remembered := func() (workflows.Census, error) { return w.g.Users(t.Context(), "acme", "") }
	before := role(remembered)
	changed := w.clock.now()
	w.act(integratorsim.Action{Do: "change_role", Email: mona, Role: "administrator"})
	if got := role(remembered); got != before {
		t.Errorf("the list was read again at once: %s", got)
	}
	if got := role(func() (workflows.Census, error) {
		return w.g.UsersSince(t.Context(), "acme", "", changed)
	}); got != "administrator" {
		t.Errorf("since the change, the role is %s", got)
	}
	if got := role(remembered); got != "administrator" {
		t.Errorf("after that, the role is %s", got)
	}
}

func TestCensusAsAWatch(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	call := workflows.Call{Op: workflows.OpCensus}
	first := w.deliver(call, 0)
	if !first.Done || len(first.Receipt.Census.Users) != 3 {
		t.Fatalf("the first census is told at once: %+v", first)
	}
	call.Known = first.Receipt.Census.Mark()
	if out := w.deliver(call, 0); !out.Done || out.Receipt != nil {
		t.Errorf("nothing changed: %+v", out)
	}
	w.act(integratorsim.Action{Do: "sign_in", Email: mona})
	if out := w.deliver(call, 0); !out.Done || out.Receipt != nil {
		t.Errorf("somebody signed in: %+v", out)
	}
	w.act(integratorsim.Action{Do: "change_role", Email: mona, Role: "administrator"})
	if out := w.deliver(call, 0); !out.Again || out.After != time.Second {
		t.Errorf("one reading was enough: %+v", out)
	}
	if out := w.deliver(call, 1); !out.Done || out.Receipt == nil || out.Receipt.Census.Mark() == call.Known {
		t.Errorf("second reading: %+v", out)
	}
}

// One old reading is not told as a change.
func TestCensusDoesNotTellAnOldReading(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	call := workflows.Call{Op: workflows.OpCensus}
	w.fault(integratorsim.Fault{Kind: integratorsim.FaultStale, Method: "GET", Path: "/v1/ashares", Skip: 2})
	w.act(integratorsim.Action{Do: "add_user", Email: fresh, Role: "monitor"})
	w.mustDo(workflows.Call{Op: workflows.OpSetRole, Email: fresh, Role: "manage"})
	call.Known = w.mustDo(call).Census.Mark()
	if first, last := w.drive(call); !first.Again || !last.Done || last.Receipt != nil {
		t.Errorf("first %+v, last %+v", first, last)
	}
}

// Nobody is declared gone because a token reads empty lists, be they 204 or [].
func TestAnEmptyCensusProvesNothing(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{"204": say(204, ""), "[]": say(200, `[]`),
		"null": say(200, `null`),
		"403 for transfers": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/transfers" {
				w.WriteHeader(403)
				return
			}
			w.WriteHeader(204)
		}} {
		b := newBench(t, h, "tok")
		out := b.deliver(workflows.Call{Op: workflows.OpCensus, Known: "x"}, 0)
		if !out.Refused || out.Receipt.Code != workflows.RefusedForbidden {
			t.Errorf("%s: %+v", name, out)
		}
		if _, err := b.g.Users(context.Background(), "acme", ""); refusalOf(err) != workflows.RefusedForbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/transfers" {
			say(200, `[{"_id":"t","account":true,"status":"done","transferToUser":{"email":"x@acme.example"}}]`)(w, r)
			return
		}
		w.WriteHeader(204)
	}), "tok")
	if c := b.mustDo(workflows.Call{Op: workflows.OpCensus}).Census; len(c.Users) != 0 {
		t.Errorf("%+v", c)
	}
}

// A list that grows while it is paged shows a row twice; half a list is no list.
func TestCensusPages(t *testing.T) {
	row := func(id string) string {
		return `{"_id":"` + id + `","sharedWithUser":{"email":"` + id + `@acme.example"}}`
	}
	var second atomic.Value
	second.Store("[" + row("b") + "," + row("c") + "]")
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("after") != "" {
			body, _ := second.Load().(string)
			say(200, body)(w, r)
			return
		}
		w.Header().Set("Link", `</v1/ashares?after=x>; rel="next"`)
		say(200, "["+row("a")+","+row("b")+"]")(w, r)
	}), "tok")
	if c := b.mustDo(workflows.Call{Op: workflows.OpCensus}).Census; len(c.Users) != 3 {
		t.Errorf("%+v", c.Users)
	}
	second.Store("[" + row("b"))
	if out := b.deliver(workflows.Call{Op: workflows.OpCensus}, 0); !out.Again {
		t.Errorf("%+v", out)
	}
	if _, err := b.g.Users(context.Background(), "acme", ""); err == nil || refusalOf(err) != "" {
		t.Errorf("directly: %v", err)
	}
}

func TestReadAccess(t *testing.T) {
	w := newWorld(t, integratorsim.Options{PageSize: 2})
	env := w.acct.Production()
	b, a, c := env.AddIntegration("beta"), env.AddIntegration("Alpha"), env.AddIntegration("gamma")
	env.AddUser(integratorsim.User{Email: fresh, Role: "custom", Status: "pending",
		Integrations: []integratorsim.Grant{{IntegrationID: b, AccessLevel: "monitor"}}})
	w.acct.SetSSO("https://sso.example", "acme")
	r := w.mustDo(workflows.Call{Op: workflows.OpReadAccess, Email: strings.ToUpper(fresh)}).Access
	want := custom(nil, []string{b})
	if r.User.Mark() != "pending/"+want.Mark() || !r.SSOEnabled || len(r.Unread) != 0 || !r.At.Equal(w.clock.now()) {
		t.Errorf("reading %+v", r)
	}
	if !slices.Equal(r.Integrations, []workflows.Named{{ID: a, Name: "Alpha"}, {ID: b, Name: "beta"},
		{ID: c, Name: "gamma"}}) {
		t.Errorf("integrations %+v", r.Integrations)
	}
	if caps := (workflows.Capabilities{Token: "yes", ReadUsers: "yes", ReadTransfers: "unknown", ChangeUsers: "unknown",
		Start: "unknown"}); r.Capabilities != caps {
		t.Errorf("capabilities %+v", r.Capabilities)
	}
	if r := w.mustDo(workflows.Call{Op: workflows.OpReadAccess, Email: jane}).Access; r.User != nil {
		t.Errorf("the owner is in no list: %+v", r.User)
	}
	w.fault(integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: 403, Path: "/v1/ashares", Times: -1})
	w.fault(integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: 404, Path: "/v1/integrations", Times: -1})
	w.fault(integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: 500, Path: "/v1/ssoclients", Times: -1})
	r = w.mustDo(workflows.Call{Op: workflows.OpReadAccess, Email: fresh}).Access
	if len(r.Unread) != 3 || r.User != nil || r.Capabilities.ReadUsers != workflows.No ||
		r.Capabilities.ChangeUsers != workflows.No || r.Capabilities.Token != workflows.Yes {
		t.Errorf("reading %+v", r)
	}
}

func TestReadAccessWithoutRights(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.bench = newBench(t, w.sim, w.acct.Production().AddToken(integratorsim.Token{LostRights: true}))
	r := w.mustDo(workflows.Call{Op: workflows.OpReadAccess, Email: mona}).Access
	if r.Unread[workflows.PartUsers] != emptyList || r.Unread[workflows.PartIntegrations] != emptyList ||
		r.Capabilities.ReadUsers != workflows.Unknown {
		t.Errorf("reading %+v", r)
	}
	before := len(w.sim.Log())
	r = w.mustDo(workflows.Call{Op: workflows.OpReadAccess, Account: "bare", Email: mona}).Access
	if r.Capabilities != noCapabilities() || len(r.Unread) != 3 || len(w.sim.Log()) != before {
		t.Errorf("without a token: %+v", r)
	}
	w.mustRefuse(workflows.Call{Op: workflows.OpCensus, Account: "bare"}, workflows.RefusedNoToken)
	w.bench = newBench(t, w.sim, w.acct.Production().AddToken(integratorsim.Token{Revoked: true}))
	for _, op := range []string{workflows.OpReadAccess, workflows.OpCensus} {
		w.mustRefuse(workflows.Call{Op: op, Email: mona}, workflows.RefusedUnauthorized)
	}
}

// refusalOf is the code of a refusal with a sentence.
func refusalOf(err error) string {
	var no *workflows.Refusal
	if errors.As(err, &no) && no.Text != "" {
		return no.Code
	}
	return ""
}

func TestIntegrationsAreRememberedForAMinute(t *testing.T) {
	var asked atomic.Int64
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		say(200, `[{"_id":"2","name":"beta"},{"_id":"3","name":"child","_parentId":"1"},{"_id":"1","name":"Alpha"},{"_id":"9"}]`)(w, r)
	}), "tok")
	ctx := context.Background()
	want := []workflows.Named{{ID: "9", Name: "9"}, {ID: "1", Name: "Alpha"}, {ID: "2", Name: "beta"}}
	for range 3 {
		got, err := b.g.Integrations(ctx, "acme", "")
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%+v, %v", got, err)
		}
		got[0].Name = "changed by its reader"
		b.clock.advance(29 * time.Second)
	}
	if n := asked.Load(); n != 1 { // the third asked after 58 s
		t.Errorf("asked %d times", n)
	}
	b.clock.advance(time.Minute)
	if _, err := b.g.Integrations(ctx, "acme", ""); err != nil || asked.Load() != 2 {
		t.Errorf("%v; asked %d times", err, asked.Load())
	}
}

func TestIntegrationsAreReadOnceForAllWhoWait(t *testing.T) {
	var asked atomic.Int64
	arrived, goOn := make(chan struct{}), make(chan struct{})
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			close(arrived)
		}
		<-goOn
		say(200, `[{"_id":"1","name":"Alpha"}]`)(w, r)
	}), "tok")
	impatient, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() {
		_, err := b.g.Integrations(impatient, "acme", "")
		left <- err
	}()
	<-arrived
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got, err := b.g.Integrations(context.Background(), "acme", ""); err != nil || len(got) != 1 {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	leave() // who asked first leaves, and spoils it for nobody
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	close(goOn)
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestDirectReadingsSayWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		h    http.Handler
		code string
	}{
		"401": {say(401, `{"message":"Bearer Authentication Failed"}`), workflows.RefusedUnauthorized},
		"403": {say(403, ""), workflows.RefusedForbidden},
		"422": {say(422, `{"errors":[{"message":"<!channel> no"}]}`), workflows.RefusedOther},
		"500": {say(500, ""), ""}, "429": {say(429, ""), ""},
		"garbage": {say(200, "<html>"), ""},
	} {
		b := newBench(t, c.h, "tok")
		_, usersErr := b.g.Users(context.Background(), "acme", "")
		_, listErr := b.g.Integrations(context.Background(), "acme", "")
		for _, err := range []error{usersErr, listErr} {
			if err == nil || refusalOf(err) != c.code {
				t.Errorf("%s: %v, want %q", name, err, c.code)
			}
			if strings.Contains(err.Error(), "<!channel>") || strings.Contains(err.Error(), "tok ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	b := newBench(t, say(204, ""), "tok")
	for _, place := range [][2]string{{"bare", ""}, {"acme", "Elsewhere"}, {"nowhere", ""}} {
		_, usersErr := b.g.Users(context.Background(), place[0], place[1])
		_, listErr := b.g.Integrations(context.Background(), place[0], place[1])
		if refusalOf(usersErr) != workflows.RefusedNoToken || refusalOf(listErr) != workflows.RefusedNoToken {
			t.Errorf("%v: %v, %v", place, usersErr, listErr)
		}
	}
	if got, err := b.g.Integrations(context.Background(), "acme", ""); err != nil || len(got) != 0 {
		t.Errorf("no integrations: %v, %v", got, err)
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if _, err := b.g.Users(ended, "acme", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	away := New(Options{Accounts: []Account{{ID: "acme", APIBase: "http://127.0.0.1:1",
		Tokens: map[string]string{"": "tok"}}}})
	t.Cleanup(away.Close)
	if _, err := away.Users(context.Background(), "acme", ""); !errors.Is(err, workflows.ErrAway) {
		t.Errorf("nobody there: %v", err)
	}
}
