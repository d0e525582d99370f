package integrator

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	jane  = "jane@acme.example"   // the owner
	alias = "celigo@acme.example" // who shall own the account
	dee   = "dee@acme.example"    // an administrator
	mona  = "mona@acme.example"   // a user with a few flags
	fresh = "fresh@acme.example"  // not invited yet
)

// benchStart is when every test begins.
var benchStart = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// clock is a time that moves when told.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// lease counts and, from a given request on, is lost.
type lease struct {
	mu    sync.Mutex
	held  int
	until int // 0: for ever
}

func (l *lease) Hold(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until > 0 && l.held >= l.until {
		return workflows.ErrLeaseLost
	}
	l.held++
	return nil
}

// bench is a Gateway over HTTP in front of something.
type bench struct {
	t     *testing.T
	g     *Gateway
	clock *clock
	lease *lease
	log   *bytes.Buffer
}

func newBench(t *testing.T, h http.Handler, token string) *bench {
	t.Helper()
	srv := httptest.NewServer(h)
	b := &bench{t: t, clock: &clock{t: benchStart}, lease: &lease{}, log: &bytes.Buffer{}}
	b.g = New(Options{Now: b.clock.now, Log: zerolog.New(zerolog.SyncWriter(b.log)).Level(zerolog.DebugLevel),
		Accounts: []Account{{ID: "acme", APIBase: srv.URL, Owner: jane, Tokens: map[string]string{"": token}},
			{ID: "bare", APIBase: srv.URL}}})
	t.Cleanup(func() {
		b.g.Close()
		srv.CloseClientConnections()
		srv.Close()
	})
	return b
}

// deliver is one delivery of a call of the effect "e-1".
func (b *bench) deliver(call workflows.Call, attempts int) workflows.Outcome {
	b.t.Helper()
	if call.Account == "" {
		call.Account = "acme"
	}
	claim := workflows.Claim{Effect: workflows.Effect{ID: "e-1", Call: &call}, Attempts: attempts}
	out := b.g.Deliver(context.Background(), claim, b.lease)
	b.check(call, out)
	return out
}

// check holds what is true of every outcome.
func (b *bench) check(call workflows.Call, out workflows.Outcome) {
	b.t.Helper()
	states := 0
	for _, is := range []bool{out.Done, out.Again, out.Refused} {
		if is {
			states++
		}
	}
	if states != 1 {
		b.t.Fatalf("%s: exactly one of done, again, refused must hold: %+v", call.Op, out)
	}
	if r := out.Receipt; r != nil && (r.Effect != "e-1" || r.Op != call.Op || r.OK != out.Done ||
		r.Refused != out.Refused || r.Failed) {
		b.t.Fatalf("%s: receipt does not fit its outcome: %+v", call.Op, r)
	}
	if out.Refused && (out.Receipt == nil || out.Receipt.Code == "" || out.Receipt.Message == "") {
		b.t.Fatalf("%s: a refusal needs code and words: %+v", call.Op, out.Receipt)
	}
	if out.Again && out.Receipt != nil {
		b.t.Fatalf("%s: nothing was answered yet, but there is a receipt", call.Op)
	}
}

// drive delivers until there is an answer, waiting as the courier would, and answers the first and the last outcome.
func (b *bench) drive(call workflows.Call) (first, last workflows.Outcome) {
	b.t.Helper()
	for attempt := range 20 {
		last = b.deliver(call, attempt)
		if attempt == 0 {
			first = last
		}
		if !last.Again {
			return first, last
		}
		b.g.timeout = workflows.CallTimeout // only the first delivery is hurried
		b.clock.advance(max(last.After, 500*time.Millisecond))
	}
	b.t.Fatalf("%s: still no answer after 20 deliveries: %+v", call.Op, last)
	return first, last
}

// world is a simulated integrator.io with one account.
type world struct {
	*bench
	sim   *integratorsim.Server
	acct  *integratorsim.AccountHandle
	token string
}

func newWorld(t *testing.T, o integratorsim.Options) *world {
	t.Helper()
	if o.Now == nil { // each look at the clock is a millisecond later, so that no two writes bear the same time
		var looks atomic.Int64
		o.Now = func() time.Time {
			return benchStart.Add(time.Duration(looks.Add(1)) * time.Millisecond)
		}
	}
	w := &world{sim: integratorsim.New(o)}
	w.acct = w.sim.AddAccount(integratorsim.Account{OwnerEmail: jane, OwnerName: "Jane", Company: "Acme"})
	env := w.acct.Production()
	env.AddUser(integratorsim.User{Email: alias, Name: "Celigo at Acme", Role: "monitor"})
	env.AddUser(integratorsim.User{Email: dee, Name: "Dee", Role: "administrator"})
	env.AddUser(integratorsim.User{Email: mona, Name: "Mona", Role: "monitor", MFARequired: true})
	w.token = env.AddToken(integratorsim.Token{Secret: "secret-token-of-acme"})
	w.bench = newBench(t, w.sim, w.token)
	return w
}

// pending lists the account transfers that can still be accepted.
func (w *world) pending() (ids []string) {
	for _, tr := range w.acct.Snapshot().Transfers {
		if tr.Account && tr.Status == "unapproved" && !tr.Dismissed {
			ids = append(ids, tr.ID)
		}
	}
	return ids
}

func (w *world) act(a integratorsim.Action) {
	w.t.Helper()
	if _, err := w.sim.Act(a); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) fault(f integratorsim.Fault) {
	w.t.Helper()
	if _, err := w.sim.AddFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// say answers a handler that gives the same status and body to everything.
func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if body != "" {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}
