package stepup_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/keyholder/keyholder/bot/stepup"
	"github.com/keyholder/keyholder/bot/stepup/idpsim"
	"github.com/keyholder/keyholder/workflows"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}

const client = "keyholder"

var ana = workflows.Person{ID: "U0ANA", Team: "T1", Email: "ana@acme.example", EmailConfirmed: true}

// rig is a provider, its client, and the clock of both, which stands still.
type rig struct {
	t   *testing.T
	idp *idpsim.Server
	now atomic.Pointer[time.Time]
	p   *stepup.Provider
}

func newRig(t *testing.T, bend func(*stepup.Options, *idpsim.Options)) *rig {
	r := &rig{t: t}
	r.at(time.Now()) // the library dates a code's end by this machine's clock
	srv := httptest.NewUnstartedServer(nil)
	issuer := "http://" + srv.Listener.Addr().String()
	io := idpsim.Options{Issuer: issuer, ClientID: client, Now: r.clock,
		People: []idpsim.Person{{Name: "Ana", Email: "Ana@acme.example"}, {Name: "Ben", Email: "ben@acme.example"}}}
	so := stepup.Options{Issuer: issuer, ClientID: client, MaxAge: 10 * time.Minute, Now: r.clock}
	if bend != nil {
		bend(&so, &io)
	}
	r.idp, r.p = idpsim.New(io), stepup.New(so)
	srv.Config.Handler = r.idp
	srv.Start()
	t.Cleanup(srv.Close)
	return r
}

func (r *rig) clock() time.Time     { return *r.now.Load() }
func (r *rig) at(now time.Time)     { r.now.Store(&now) }
func (r *rig) ctx() context.Context { return r.t.Context() }

// prove has somebody asked, and somebody sign in.
func (r *rig) prove(who workflows.Person, email string, signedIn time.Time) (workflows.StepUp, error) {
	r.t.Helper()
	q, err := r.p.Ask(r.ctx())
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.idp.Answer(q.Code, email, true, signedIn); err != nil {
		r.t.Fatal(err)
	}
	return r.p.Await(r.ctx(), q, who)
}

func code(err error) string {
	if r, ok := errors.AsType[*workflows.Refusal](err); ok {
		return r.Code
	}
	return ""
}

func TestAYesIsAProofThatHoldsForTheRestOfItsTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	begun := r.clock()
	if _, ok := r.p.Fresh(ana); ok {
		t.Error("there was a proof before anybody gave one")
	}
	got, err := r.prove(ana, "ana@acme.example", begun.Add(-4*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if got.AuthTime.Unix() != begun.Add(-4*time.Minute).Unix() || got.Class != "phr" || len(got.Methods) != 2 || len(got.Subject) != 32 {
		t.Errorf("the proof says %+v", got)
	}
	if strings.Contains(got.Subject, "ana") {
		t.Error("the subject is not hashed")
	}
	for who, want := range map[workflows.Person]bool{
		ana: true,
		{ID: "U0BEN", Team: "T1", Email: ana.Email}: false,
		{ID: ana.ID, Team: "T2", Email: ana.Email}:  false,
		{ID: ana.ID, Team: "T1", Email: "x@y.z"}:    false,
	} {
		if _, ok := r.p.Fresh(who); ok != want {
			t.Errorf("the proof serves %+v: %v", who, ok)
		}
	}
	r.at(begun.Add(5 * time.Minute))
	if again, ok := r.p.Fresh(ana); !ok || again.Subject != got.Subject {
		t.Error("after nine of its ten minutes the proof is gone")
	}
	r.at(begun.Add(6*time.Minute + time.Second))
	if _, ok := r.p.Fresh(ana); ok {
		t.Error("the proof outlives its ten minutes")
	}
}

// TestWhatDoesNotHoldProvesNothing bends one thing at a time.
func TestWhatDoesNotHoldProvesNothing(t *testing.T) {
	t.Parallel()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bend := func(f func(idpsim.Claims)) func(*rig) { return func(r *rig) { r.idp.Bend(f) } }
	sign := func(f func(*rig, idpsim.Claims) string) func(*rig) {
		return func(r *rig) { r.idp.Sign(func(c idpsim.Claims) string { return f(r, c) }) }
	}
	for name, c := range map[string]struct {
		options  func(*stepup.Options, *idpsim.Options)
		bend     func(*rig)
		who      workflows.Person
		email    string
		signedIn time.Duration
		want     string
	}{
		"signed by another key": {bend: sign(func(_ *rig, c idpsim.Claims) string {
			return idpsim.Signed(jose.ES256, other, c)
		}), want: "not_genuine"},
		"signed with the public key as a shared secret": {bend: func(r *rig) {
			der, err := x509.MarshalPKIXPublicKey(r.idp.PublicKey())
			if err != nil {
				panic(err)
			}
			r.idp.Sign(func(c idpsim.Claims) string { return idpsim.Signed(jose.HS256, der, c) })
		}, want: "not_genuine"},
		"not signed at all": {bend: sign(func(_ *rig, c idpsim.Claims) string {
			body, _ := json.Marshal(c)
			enc := base64.RawURLEncoding.EncodeToString
			return enc([]byte(`{"alg":"none"}`)) + "." + enc(body) + "."
		}), want: "not_genuine"},
		"no ID token":         {bend: sign(func(*rig, idpsim.Claims) string { return "" }), want: "no_id_token"},
		"garbage":             {bend: sign(func(*rig, idpsim.Claims) string { return "a.b.c" }), want: "not_genuine"},
		"another issuer":      {bend: bend(func(c idpsim.Claims) { c["iss"] = "https://evil.example" }), want: "not_genuine"},
		"for another program": {bend: bend(func(c idpsim.Claims) { c["aud"] = "other" }), want: "not_genuine"},
		"for several, made for another": {bend: bend(func(c idpsim.Claims) {
			c["aud"], c["azp"] = []string{client, "other"}, "other"
		}), want: "other_party"},
		"expired": {bend: bend(func(c idpsim.Claims) {
			c["exp"] = c["iat"].(int64) - 61
		}), want: "not_of_now"},
		"expired within the skew": {bend: bend(func(c idpsim.Claims) { c["exp"] = c["iat"].(int64) - 30 })},
		"made later than now":     {bend: bend(func(c idpsim.Claims) { c["iat"] = c["iat"].(int64) + 120 }), want: "not_of_now"},
		"not before later":        {bend: bend(func(c idpsim.Claims) { c["nbf"] = c["iat"].(int64) + 120 }), want: "not_of_now"},
		"signed in too long ago":  {signedIn: -12 * time.Minute, want: "too_old"},
		"signed in the day before, the provider asked for nothing": {signedIn: -24 * time.Hour, want: "too_old"},
		"signed in later than now":                                 {signedIn: 5 * time.Minute, want: "not_of_now"},
		"no time of sign-in":                                       {bend: bend(func(c idpsim.Claims) { delete(c, "auth_time") }), want: "no_auth_time"},
		"no time of sign-in, and allowed":                          {bend: bend(func(c idpsim.Claims) { delete(c, "auth_time") }), options: func(o *stepup.Options, _ *idpsim.Options) { o.AuthTimeOptional = true }},
		"another person":                                           {email: "ben@acme.example", want: "another"},
		"same token for another person":                            {who: workflows.Person{ID: "U0BEN", Email: "ben@acme.example", EmailConfirmed: true}, want: "another"},
		"no address":                                               {bend: bend(func(c idpsim.Claims) { delete(c, "email") }), want: "no_claim"},
		"address not verified":                                     {bend: bend(func(c idpsim.Claims) { c["email_verified"] = false }), want: "not_verified"},
		"address not verified, as text":                            {bend: bend(func(c idpsim.Claims) { c["email_verified"] = "false" }), want: "not_verified"},
		"verified, as text":                                        {bend: bend(func(c idpsim.Claims) { c["email_verified"] = "true" })},
		"verified, as a number":                                    {bend: bend(func(c idpsim.Claims) { c["email_verified"] = 1 }), want: "not_readable"},
		"no word on verification":                                  {bend: bend(func(c idpsim.Claims) { delete(c, "email_verified") }), want: "not_verified"},
		"no word on verification, and allowed": {bend: bend(func(c idpsim.Claims) { delete(c, "email_verified") }),
			options: func(o *stepup.Options, _ *idpsim.Options) { o.EmailVerifiedOptional = true }},
		"verified false is never allowed": {bend: bend(func(c idpsim.Claims) { c["email_verified"] = false }),
			options: func(o *stepup.Options, _ *idpsim.Options) { o.EmailVerifiedOptional = true }, want: "not_verified"},
		"Slack address not confirmed": {who: workflows.Person{ID: "U0ANA", Unconfirmed: ana.Email}, want: "no_address"},
		"by a claim of the Slack ID": {bend: bend(func(c idpsim.Claims) { c["slack"] = "U0ANA" }),
			options: func(o *stepup.Options, _ *idpsim.Options) { o.Claim = "slack" }, who: workflows.Person{ID: "U0ANA"}},
		"by a claim of another's Slack ID": {bend: bend(func(c idpsim.Claims) { c["slack"] = "U0BEN" }),
			options: func(o *stepup.Options, _ *idpsim.Options) { o.Claim = "slack" }, want: "another"},
		"by a claim that is missing": {options: func(o *stepup.Options, _ *idpsim.Options) { o.Claim = "slack" }, want: "no_claim"},
		"a confidential client":      {options: func(o *stepup.Options, i *idpsim.Options) { o.ClientSecret, i.Secret = "s e&c", "s+e%26c" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.options)
			if c.bend != nil {
				c.bend(r)
			}
			who, email := c.who, c.email
			if who.ID == "" {
				who = ana
			}
			if email == "" {
				email = "ana@acme.example"
			}
			_, err := r.prove(who, email, r.clock().Add(c.signedIn))
			if got := code(err); got != c.want || c.want == "" && err != nil {
				t.Fatalf("answered %v, want %q", err, c.want)
			}
			if _, ok := r.p.Fresh(who); ok != (c.want == "") {
				t.Errorf("kept: %v", ok)
			}
		})
	}
}

func TestANoAndASilenceAreTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ *stepup.Options, i *idpsim.Options) { i.Life = 2 * time.Second })
	q, err := r.p.Ask(r.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.idp.Answer(q.Code, "", false, r.clock()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.p.Await(r.ctx(), q, ana); code(err) != "denied" {
		t.Errorf("a no: %v", err)
	}
	if q, err = r.p.Ask(r.ctx()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.p.Await(r.ctx(), q, ana); code(err) != "not_shown" {
		t.Errorf("nobody answers: %v", err)
	}
}

func TestAProviderThatIsAwayForAWhileIsAskedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	q, err := r.p.Ask(r.ctx())
	if err != nil {
		t.Fatal(err)
	}
	r.idp.SetDown(true)
	if _, err := r.p.Ask(r.ctx()); code(err) != "provider_away" {
		t.Errorf("asked while it is away: %v", err)
	}
	time.AfterFunc(2500*time.Millisecond, func() {
		r.idp.SetDown(false)
		if err := r.idp.Answer(q.Code, "ana@acme.example", true, r.clock()); err != nil {
			t.Error(err)
		}
	})
	if _, err := r.p.Await(r.ctx(), q, ana); err != nil {
		t.Errorf("it came back: %v", err)
	}
}

func TestAwayAtFirstIsDiscoveredLater(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.idp.SetDown(true)
	if _, err := r.p.Ask(r.ctx()); code(err) != "provider_away" {
		t.Errorf("%v", err)
	}
	r.idp.SetDown(false)
	if _, err := r.prove(ana, ana.Email, r.clock()); err != nil {
		t.Error(err)
	}
}

func TestKeysMayRotate(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	if _, err := r.prove(ana, ana.Email, r.clock()); err != nil {
		t.Fatal(err)
	}
	r.idp.RotateKey()
	if _, err := r.prove(ana, ana.Email, r.clock()); err != nil {
		t.Errorf("after the key was rotated: %v", err)
	}
}

func TestSlowDownIsObeyed(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	q, err := r.p.Ask(r.ctx())
	if err != nil {
		t.Fatal(err)
	}
	r.idp.SlowDown(1)
	ctx, cancel := context.WithTimeout(r.ctx(), 4*time.Second)
	defer cancel()
	if _, err := r.p.Await(ctx, q, ana); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("awaiting ended with %v", err)
	}
	if n := r.idp.Polls(); n != 1 {
		t.Errorf("asked %d times in 4 s; after slow_down it is six seconds to the next", n)
	}
}

func TestOnlyTLSOrLoopbackIsSpokenTo(t *testing.T) {
	for address, good := range map[string]bool{
		"https://idp.example/x": true, "http://127.0.0.1:1/x": true, "http://[::1]/": true, "http://localhost:8": true,
		"http://idp.example": false, "ftp://127.0.0.1": false, "https://u:p@idp.example": false, "": false, "javascript:alert(1)": false,
		"http://127.evil.example": false,
	} {
		if err := stepup.Secure(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}
