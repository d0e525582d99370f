package stepup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/keyholder/keyholder/workflows"
)

const (
	// Skew is how far the provider's clock and ours may be apart.
	Skew = time.Minute
	// longestQuestion is how long a question stays open at most, whatever the provider says.
	longestQuestion = 30 * time.Minute
	// shortestPoll is the least distance of two questions to the provider; RFC 8628 has 5 s where it says
	// nothing.
	shortestPoll = time.Second
)

// Options name the provider and how much is asked of it. Issuer, ClientID and MaxAge are required.
type Options struct {
	Issuer       string // https, or http on a loopback address
	ClientID     string
	ClientSecret string // empty: a public client
	// Claim is "email" (the default), compared with the Slack profile's address, or another claim, compared
	// with the Slack user ID.
	Claim string
	// MaxAge is how long ago somebody may have signed in at the provider.
	MaxAge time.Duration
	// AuthTimeOptional takes ID tokens that do not say when that was, EmailVerifiedOptional those that do not
	// say whether the address was verified.
	AuthTimeOptional, EmailVerifiedOptional bool
	// Now is this machine's clock; nil: time.Now. Transport makes the requests; nil: [http.DefaultTransport].
	Now       func() time.Time
	Transport http.RoundTripper
}

// Provider is one identity provider. It is safe for concurrent use.
type Provider struct {
	o    Options
	http *http.Client

	finding sync.Mutex // one discovery at a time
	known   *discovered

	mu   sync.Mutex
	kept map[string]kept
}

// discovered is what the provider says of itself.
type discovered struct {
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// New makes a provider. It does no I/O.
func New(o Options) *Provider {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Claim == "" {
		o.Claim = claimEmail
	}
	return &Provider{o: o, http: newClient(o.Transport), kept: map[string]kept{}}
}

// MaxAge is how long ago somebody may have signed in.
func (p *Provider) MaxAge() time.Duration { return p.o.MaxAge }

// ErrNoDeviceFlow: the provider has no device authorization endpoint.
var ErrNoDeviceFlow = errors.New("the identity provider has no device authorization endpoint")

// Discover reads what the provider says of itself, once it answers: its endpoints and algorithms. Errors:
// [ErrNoDeviceFlow]; that it cannot be reached, is another issuer, or has an endpoint without TLS.
func (p *Provider) Discover(ctx context.Context) error {
	_, err := p.discover(ctx)
	return err
}

func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.finding.Lock()
	defer p.finding.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.http), p.o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", p.o.Issuer, err)
	}
	var says struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := found.Claims(&says); err != nil {
		return nil, fmt.Errorf("read what %s says of itself: %w", p.o.Issuer, err)
	}
	at := found.Endpoint()
	if at.DeviceAuthURL == "" {
		return nil, ErrNoDeviceFlow
	}
	for _, address := range []string{at.DeviceAuthURL, at.TokenURL, says.Keys} {
		if err := Secure(address); err != nil {
			return nil, fmt.Errorf("use %s: %w", address, err)
		}
	}
	// Algorithms with a shared secret would let whoever knows the client's secret, or the public key taken
	// for one, sign. The library leaves them out too; this does not rest on it.
	var taken []string
	for _, a := range says.Algorithms {
		if slices.Contains(algorithms, a) {
			taken = append(taken, a)
		}
	}
	if len(taken) == 0 {
		taken = []string{oidc.RS256}
	}
	p.known = &discovered{
		oauth: oauth2.Config{ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, Endpoint: at,
			Scopes: []string{oidc.ScopeOpenID, "email", "profile"}},
		// The keys are fetched again whenever a token names one that is not known. Expiry is judged below, with
		// our own skew.
		verifier: found.VerifierContext(oidc.ClientContext(context.Background(), p.http),
			&oidc.Config{ClientID: p.o.ClientID, SupportedSigningAlgs: taken, SkipExpiryCheck: true}),
	}
	return p.known, nil
}

// algorithms are those by which an ID token may be signed, all with a key pair. Source: RFC 7518, 3.1, and
// RFC 8037.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512,
	oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// Secure reports why an address may not be used: it is not https, and not http on a loopback address.
func Secure(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		return errors.New("this is no web address")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("the address has no TLS")
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Question is what somebody is asked: to open the link and say yes there. Link holds the code where the
// provider can do that; Code is what the page shows, to be compared.
type Question struct {
	Link, Code string
	Ends       time.Time
	device     *oauth2.DeviceAuthResponse
	style      oauth2.AuthStyle // how the client showed who it is
}

// Ask begins a proof. Errors: a [*workflows.Refusal] for the person.
func (p *Provider) Ask(ctx context.Context) (Question, error) {
	d, err := p.discover(ctx)
	if errors.Is(err, ErrNoDeviceFlow) {
		return Question{}, fmt.Errorf("%w: %w", err, refuse("no_device_flow",
			"Your identity provider offers no sign-in by code, so nobody can show who they are.",
			"Ask whoever operates Keyholder to run `keyholder check`."))
	}
	if err != nil {
		return Question{}, fmt.Errorf("%w: %w", err, away)
	}
	got, style, err := p.device(ctx, d)
	if _, said := answer(err); said {
		return Question{}, fmt.Errorf("ask the identity provider: %w: %w", bare(err), refused)
	}
	if err != nil {
		return Question{}, fmt.Errorf("ask the identity provider: %w: %w", bare(err), away)
	}
	q := Question{Link: got.VerificationURIComplete, Code: got.UserCode, Ends: got.Expiry, device: got, style: style}
	if q.Link == "" {
		q.Link = got.VerificationURI
	}
	if q.Code == "" || got.DeviceCode == "" || Secure(q.Link) != nil {
		return Question{}, fmt.Errorf("ask the identity provider: the answer is not one of RFC 8628: %w", away)
	}
	if latest := p.o.Now().Add(longestQuestion); q.Ends.IsZero() || q.Ends.After(latest) {
		q.Ends = latest
	}
	return q, nil
}

// device asks for a device code. A client with a secret authenticates here as at the token endpoint
// (RFC 8628, 3.1), which the library leaves to us: by header first, as every provider is to support it
// (RFC 6749, 2.3.1), then in the form. How it went is answered, too: the library, left to find out, would
// ask for the token twice each time, which is faster than the provider wants.
func (p *Provider) device(ctx context.Context, d *discovered) (
	*oauth2.DeviceAuthResponse, oauth2.AuthStyle, error) {
	// max_age belongs to a request for authorization. Providers that know it here ask for a fresh sign-in;
	// others are to leave alone what they do not know (RFC 6749, 3.1).
	age := oauth2.SetAuthURLParam("max_age", fmt.Sprint(int(p.o.MaxAge/time.Second)))
	if p.o.ClientSecret == "" {
		got, err := d.oauth.DeviceAuth(oidc.ClientContext(ctx, p.http), age)
		return got, oauth2.AuthStyleInParams, err
	}
	signed := *p.http
	signed.Transport = basic{p.http.Transport, p.o.ClientID, p.o.ClientSecret}
	got, err := d.oauth.DeviceAuth(oidc.ClientContext(ctx, &signed), age)
	if code, _ := answer(err); code == "invalid_client" || code == "invalid_request" {
		got, err = d.oauth.DeviceAuth(oidc.ClientContext(ctx, p.http), age,
			oauth2.SetAuthURLParam("client_secret", p.o.ClientSecret))
		return got, oauth2.AuthStyleInParams, err
	}
	return got, oauth2.AuthStyleInHeader, err
}

// away is the refusal while the provider does not answer.
var away = refuse("provider_away", "Your identity provider cannot be reached, so nobody can show who they are.",
	"Try again in a few minutes.")

// refused is the refusal when it answers that Keyholder may not ask.
var refused = refuse("provider_refused", "Your identity provider refused the sign-in by code.",
	"Ask whoever operates Keyholder to run `keyholder check --step-up`.")

func refuse(code, what, next string) *workflows.Refusal {
	return workflows.Refuse(code, what+" Nothing was recorded. "+next)
}

// Await asks the provider, at the pace that it wants, until the person said yes or no there, the question
// ends, or ctx does. A provider that is away meanwhile is asked again. The proof is kept for the rest of
// its time. Errors: a [*workflows.Refusal] for the person; the context's.
func (p *Provider) Await(ctx context.Context, q Question, who workflows.Person) (workflows.StepUp, error) {
	id, says, err := p.answered(ctx, q)
	if err != nil {
		return workflows.StepUp{}, err
	}
	return p.take(id, says, who)
}

// answered waits for an ID token that is genuine, whoever it is of.
func (p *Provider) answered(ctx context.Context, q Question) (*oidc.IDToken, claims, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return nil, claims{}, fmt.Errorf("%w: %w", err, away)
	}
	until, cancel := context.WithDeadline(ctx, q.Ends)
	defer cancel()
	asks := d.oauth
	asks.Endpoint.AuthStyle = q.style
	for {
		token, err := asks.DeviceAccessToken(oidc.ClientContext(until, p.http), q.device)
		switch code, said := answer(err); {
		case err == nil:
			return d.genuine(ctx, token)
		case ctx.Err() != nil:
			return nil, claims{}, ctx.Err()
		case code == "access_denied":
			return nil, claims{}, refuse("denied", "At your identity provider somebody said no.",
				"If that was not you, tell whoever looks after it: somebody may be using your Slack.")
		case code == "expired_token", until.Err() != nil:
			return nil, claims{}, refuse("not_shown",
				"Nobody showed who they are in time with code "+workflows.Quote(q.Code)+".",
				"Press the button again when you have a minute for it.")
		case said:
			return nil, claims{}, fmt.Errorf("await the identity provider: %w: %w", bare(err), refused)
		}
		// It is away, or stumbled: RFC 8628, 3.5, wants fewer questions then.
		pause(until, max(time.Duration(q.device.Interval)*time.Second, shortestPoll))
	}
}

// answer is the error code that the provider gave; said is false where it gave none, as when it is away.
func answer(err error) (code string, said bool) {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok && r.Response != nil && r.Response.StatusCode < 500 &&
		r.Response.StatusCode != http.StatusTooManyRequests {
		return r.ErrorCode, true
	}
	return "", false
}

// bare takes the answer's body out of an error, which may hold what is nobody's business in a log.
func bare(err error) error {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		status := "no status"
		if r.Response != nil {
			status = r.Response.Status
		}
		return fmt.Errorf("the identity provider answered %s, %.40q", status, r.ErrorCode)
	}
	return err
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
