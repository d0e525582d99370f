package stepup_test

import (
	"cmp"
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
	"sync"
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
	if err == nil {
		err = r.idp.Answer(q.Code, email, true, signedIn)
	}
	if err != nil {
		return workflows.StepUp{}, err
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
	if got.AuthTime.Unix() != begun.Add(-4*time.Minute).Unix() || got.Class != "phr" || len(got.Methods) != 2 ||
		len(got.Subject) != 32 {
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

// bent is one way in which what comes from the provider is not as it should be.
type bent struct {
	options  func(*stepup.Options, *idpsim.Options)
	bend     func(*rig)
	who      workflows.Person // Ana, where nobody is named
	email    string           // of who signs in; Ana's, where none is given
	signedIn time.Duration    // from now
	want     string           // the refusal's code; "": it holds
}

func saying(f func(idpsim.Claims)) func(*rig) { return func(r *rig) { r.idp.Bend(f) } }

func signed(f func(idpsim.Claims) string) func(*rig) { return func(r *rig) { r.idp.Sign(f) } }

func without(claim string) func(*rig) {
	return saying(func(c idpsim.Claims) { delete(c, claim) })
}

func with(claim string, value any) func(*rig) {
	return saying(func(c idpsim.Claims) { c[claim] = value })
}

// later moves a time of the token, in seconds from its making.
func later(claim string, seconds int64) func(*rig) {
	return saying(func(c idpsim.Claims) { c[claim] = c["iat"].(int64) + seconds })
}

// forged are tokens that the provider did not make for this program.
func forged(t *testing.T) map[string]bent {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]bent{
		"signed by another key": {want: "not_genuine", bend: signed(func(c idpsim.Claims) string {
			return idpsim.Signed(jose.ES256, other, c)
		})},
		"signed with the public key as a shared secret": {want: "not_genuine", bend: func(r *rig) {
			der, err := x509.MarshalPKIXPublicKey(r.idp.PublicKey())
			if err != nil {
				panic(err)
			}
			r.idp.Sign(func(c idpsim.Claims) string { return idpsim.Signed(jose.HS256, der, c) })
		}},
		"not signed at all": {want: "not_genuine", bend: signed(func(c idpsim.Claims) string {
			body, _ := json.Marshal(c)
			enc := base64.RawURLEncoding.EncodeToString
			return enc([]byte(`{"alg":"none"}`)) + "." + enc(body) + "."
		})},
		"no ID token":         {want: "no_id_token", bend: signed(func(idpsim.Claims) string { return "" })},
		"garbage":             {want: "not_genuine", bend: signed(func(idpsim.Claims) string { return "a.b.c" })},
		"another issuer":      {want: "not_genuine", bend: with("iss", "https://evil.example")},
		"for another program": {want: "not_genuine", bend: with("aud", "other")},
		"for several, made for another": {want: "other_party", bend: saying(func(c idpsim.Claims) {
			c["aud"], c["azp"] = []string{client, "other"}, "other"
		})},
	}
}

// untimely are tokens of another time than now.
func untimely() map[string]bent {
	optional := func(o *stepup.Options, _ *idpsim.Options) { o.AuthTimeOptional = true }
	return map[string]bent{
		"expired":                            {want: "not_of_now", bend: later("exp", -61)},
		"expired within the skew":            {bend: later("exp", -30)},
		"made later than now":                {want: "not_of_now", bend: later("iat", 120)},
		"not before later":                   {want: "not_of_now", bend: later("nbf", 120)},
		"signed in too long ago":             {want: "too_old", signedIn: -12 * time.Minute},
		"signed in the day before":           {want: "too_old", signedIn: -24 * time.Hour},
		"signed in later than now":           {want: "not_of_now", signedIn: 5 * time.Minute},
		"no time of sign-in":                 {want: "no_auth_time", bend: without("auth_time")},
		"none, where it is allowed":          {bend: without("auth_time"), options: optional},
		"too old, where none is allowed too": {want: "too_old", signedIn: -12 * time.Minute, options: optional},
	}
}

// ofOthers are tokens that do not name the person who was asked.
func ofOthers() map[string]bent {
	optional := func(o *stepup.Options, _ *idpsim.Options) { o.EmailVerifiedOptional = true }
	byID := func(o *stepup.Options, _ *idpsim.Options) { o.Claim = "slack" }
	return map[string]bent{
		"another person": {want: "another", email: "ben@acme.example"},
		"same token for another person": {want: "another",
			who: workflows.Person{ID: "U0BEN", Email: "ben@acme.example", EmailConfirmed: true}},
		"no address":                     {want: "no_claim", bend: without("email")},
		"address not verified":           {want: "not_verified", bend: with("email_verified", false)},
		"address not verified, as text":  {want: "not_verified", bend: with("email_verified", "false")},
		"verified, as text":              {bend: with("email_verified", "true")},
		"verified, as a number":          {want: "not_readable", bend: with("email_verified", 1)},
		"no word on verification":        {want: "not_verified", bend: without("email_verified")},
		"no word, where that is allowed": {bend: without("email_verified"), options: optional},
		"verified false is never allowed": {want: "not_verified", bend: with("email_verified", false),
			options: optional},
		"Slack address not confirmed": {want: "no_address", who: workflows.Person{ID: "U0ANA",
			Unconfirmed: ana.Email}},
		"by a claim of the Slack ID": {bend: with("slack", "U0ANA"), options: byID,
			who: workflows.Person{ID: "U0ANA"}},
		"by a claim of another's Slack ID": {want: "another", bend: with("slack", "U0BEN"), options: byID},
		"by a claim that is missing":       {want: "no_claim", options: byID},
		"by a claim that is a number":      {want: "no_claim", bend: with("slack", 7), options: byID},
		"a confidential client": {options: func(o *stepup.Options, i *idpsim.Options) {
			o.ClientSecret, i.Secret = "s e&c", "s+e%26c"
		}},
		"a confidential client that must write its secret into the form": {
			options: func(o *stepup.Options, i *idpsim.Options) {
				o.ClientSecret, i.Secret, i.FormOnly = "s e&c", "s e&c", true
			}},
	}
}

// asOthersSayIt are the claims that well-known providers document, with what has to be allowed for them.
func asOthersSayIt() map[string]bent {
	keycloak := saying(func(c idpsim.Claims) {
		c["typ"], c["azp"], c["acr"], c["preferred_username"] = "ID", client, "1", "ana"
		delete(c, "amr")
	})
	// Dex documents no auth_time; email_verified is what the upstream provider said.
	dex := saying(func(c idpsim.Claims) {
		c["federated_claims"] = map[string]string{"connector_id": "ldap", "user_id": "ana"}
		for _, absent := range []string{"auth_time", "amr", "acr"} {
			delete(c, absent)
		}
	})
	return map[string]bent{
		"as Keycloak says it": {bend: keycloak},
		"as Dex says it":      {bend: dex, want: "no_auth_time"},
		"as Dex says it, where no time is allowed": {bend: dex,
			options: func(o *stepup.Options, _ *idpsim.Options) { o.AuthTimeOptional = true }},
		"an audience as a list of one": {bend: with("aud", []string{client})},
	}
}

// TestWhatDoesNotHoldProvesNothing bends one thing at a time. The waits run side by side.
func TestWhatDoesNotHoldProvesNothing(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, table := range []map[string]bent{forged(t), untimely(), ofOthers(), asOthersSayIt()} {
		for name, c := range table {
			r := newRig(t, c.options)
			if c.bend != nil {
				c.bend(r)
			}
			if c.who.ID == "" {
				c.who = ana
			}
			wg.Go(func() {
				_, err := r.prove(c.who, cmp.Or(c.email, ana.Email), r.clock().Add(c.signedIn))
				if got := code(err); got != c.want || c.want == "" && err != nil {
					t.Errorf("%s: answered %v, want %q", name, err, c.want)
				}
				if _, ok := r.p.Fresh(c.who); ok != (c.want == "") {
					t.Errorf("%s: kept: %v", name, ok)
				}
			})
		}
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

func TestAProviderThatStaysAwayProvesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ *stepup.Options, i *idpsim.Options) { i.Life = 2 * time.Second })
	q, err := r.p.Ask(r.ctx())
	if err == nil {
		err = r.idp.Answer(q.Code, ana.Email, true, r.clock())
	}
	if err != nil {
		t.Fatal(err)
	}
	r.idp.SetDown(true)
	if _, err := r.p.Await(r.ctx(), q, ana); code(err) != "provider_away" && code(err) != "not_shown" {
		t.Errorf("until the code's time is over: %v", err)
	}
	r.idp.SetDown(false)
	if _, ok := r.p.Fresh(ana); ok {
		t.Error("a yes that never arrived is a proof")
	}
}

func TestAProviderWithoutSignInByCodeIsSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ *stepup.Options, i *idpsim.Options) { i.NoDevices = true })
	if err := r.p.Discover(r.ctx()); !errors.Is(err, stepup.ErrNoDeviceFlow) {
		t.Errorf("discovery: %v", err)
	}
	if _, err := r.p.Ask(r.ctx()); code(err) != "no_device_flow" {
		t.Errorf("asked: %v", err)
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
		"http://idp.example": false, "ftp://127.0.0.1": false, "https://u:p@idp.example": false, "": false,
		"javascript:alert(1)":     false,
		"http://127.evil.example": false,
	} {
		if err := stepup.Secure(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}
