package idpsim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Person can sign in here.
type Person struct {
	Name, Email string
	// Unverified makes the provider say that it has not verified the address.
	Unverified bool
}

// Claims are those of an ID token.
type Claims map[string]any

// Options of a server. Issuer is required; a client with a Secret must use it.
type Options struct {
	Issuer           string // as http://127.0.0.1:8890, without a slash at the end
	ClientID, Secret string
	FormOnly         bool // the secret is taken in the form and not in the header
	NoDevices        bool // there is no sign-in by code
	People           []Person
	// Interval is the pace at which clients may ask, in whole seconds; 0: 1.
	Interval int
	// Life is how long a code holds; 0: 10 minutes.
	Life time.Duration
	// Now is the clock of tokens; nil: time.Now.
	Now func() time.Time
}

// Server is the provider. It is safe for concurrent use.
type Server struct {
	o   Options
	mux *http.ServeMux

	mu     sync.Mutex
	key    *ecdsa.PrivateKey
	keyID  string
	grants map[string]*grant // by device code
	bend   func(Claims)
	sign   func(Claims) string
	down   bool
	slow   int // how many answers say slow_down from now on
	polls  int
	issued []string
}

// grant is one device code.
type grant struct {
	device, user string
	ends         time.Time
	interval     int
	person       *Person
	denied       bool
	used         bool
	signedIn     time.Time
}

// New makes a server. It does no I/O.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Interval == 0 {
		o.Interval = 1
	}
	if o.Life == 0 {
		o.Life = 10 * time.Minute
	}
	s := &Server{o: o, mux: http.NewServeMux(), grants: map[string]*grant{}}
	s.RotateKey()
	s.mux.HandleFunc("GET /.well-known/openid-configuration", s.discovery)
	s.mux.HandleFunc("GET /keys", s.keys)
	s.mux.HandleFunc("POST /device/code", s.device)
	s.mux.HandleFunc("POST /token", s.token)
	s.mux.HandleFunc("GET /device", s.page)
	s.mux.HandleFunc("POST /device", s.answered)
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		http.Error(w, "down for a while", http.StatusServiceUnavailable)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// SetDown makes every request fail with 503.
func (s *Server) SetDown(down bool) { s.mu.Lock(); s.down = down; s.mu.Unlock() }

// SlowDown answers the next n questions for a token with slow_down.
func (s *Server) SlowDown(n int) { s.mu.Lock(); s.slow = n; s.mu.Unlock() }

// Bend changes the claims of every token from now on; nil: none.
func (s *Server) Bend(f func(Claims)) { s.mu.Lock(); s.bend = f; s.mu.Unlock() }

// Sign makes the token of the claims in place of the server's own way; nil: its own.
func (s *Server) Sign(f func(Claims) string) { s.mu.Lock(); s.sign = f; s.mu.Unlock() }

// Polls is how often a token was asked for.
func (s *Server) Polls() int { s.mu.Lock(); defer s.mu.Unlock(); return s.polls }

// Issued is all that it ever gave away and nobody else may learn: device codes, user codes, tokens.
func (s *Server) Issued() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.issued)
}

// RotateKey signs with a new key from now on and publishes that one alone.
func (s *Server) RotateKey() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("idpsim: no key can be made: " + err.Error())
	}
	s.mu.Lock()
	s.key, s.keyID = key, text(8)
	s.mu.Unlock()
}

// PublicKey is the key that tokens are signed with, for tests that misuse it.
func (s *Server) PublicKey() crypto.PublicKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key.Public()
}

// text is n random characters that are easy to read.
func text(n int) string {
	raw := make([]byte, n)
	rand.Read(raw)
	return base32.StdEncoding.EncodeToString(raw)[:n]
}

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	says := Claims{
		"issuer": s.o.Issuer, "jwks_uri": s.o.Issuer + "/keys", "token_endpoint": s.o.Issuer + "/token",
		"authorization_endpoint": s.o.Issuer + "/device", "device_authorization_endpoint": s.o.Issuer + "/device/code",
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256"}, // HS256 is a trap for clients
		"response_types_supported":              []string{"code"}, "subject_types_supported": []string{"public"},
	}
	if s.o.NoDevices {
		delete(says, "device_authorization_endpoint")
	}
	reply(w, http.StatusOK, says)
}

func (s *Server) keys(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: s.key.Public(), KeyID: s.keyID, Algorithm: "ES256", Use: "sig"}}}
	s.mu.Unlock()
	reply(w, http.StatusOK, set)
}

// mayAsk authenticates the client, by header or form.
func (s *Server) mayAsk(w http.ResponseWriter, r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	if !ok || s.o.FormOnly {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != s.o.ClientID || secret != s.o.Secret {
		fault(w, http.StatusUnauthorized, "invalid_client")
		return false
	}
	return true
}

func (s *Server) device(w http.ResponseWriter, r *http.Request) {
	if !s.mayAsk(w, r) {
		return
	}
	g := &grant{device: text(20), user: text(4) + "-" + text(4), ends: s.o.Now().Add(s.o.Life), interval: s.o.Interval}
	s.mu.Lock()
	s.grants[g.device] = g
	s.issued = append(s.issued, g.device, g.user)
	s.mu.Unlock()
	reply(w, http.StatusOK, Claims{"device_code": g.device, "user_code": g.user,
		"verification_uri":          s.o.Issuer + "/device",
		"verification_uri_complete": s.o.Issuer + "/device?user_code=" + g.user,
		"expires_in":                int(s.o.Life / time.Second), "interval": s.o.Interval})
}

// token answers a client that asks whether somebody said yes. Source: RFC 8628, 3.4 and 3.5.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if !s.mayAsk(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls++
	g := s.grants[r.PostFormValue("device_code")]
	now := s.o.Now()
	switch {
	case r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:device_code":
		fault(w, http.StatusBadRequest, "unsupported_grant_type")
	case g == nil || g.used:
		fault(w, http.StatusBadRequest, "invalid_grant")
	case now.After(g.ends):
		fault(w, http.StatusBadRequest, "expired_token")
	case g.denied:
		fault(w, http.StatusBadRequest, "access_denied")
	case s.slow > 0:
		s.slow--
		fault(w, http.StatusBadRequest, "slow_down")
	case g.person == nil:
		fault(w, http.StatusBadRequest, "authorization_pending")
	default:
		g.used = true
		access, id := text(20), s.idToken(g, now)
		s.issued = append(s.issued, access, id)
		reply(w, http.StatusOK, Claims{"access_token": access, "token_type": "Bearer", "expires_in": 300,
			"id_token": id})
	}
}

// idToken needs the lock.
func (s *Server) idToken(g *grant, now time.Time) string {
	c := Claims{"iss": s.o.Issuer, "aud": s.o.ClientID, "sub": strings.ToLower(g.person.Email), "iat": now.Unix(),
		"exp": now.Add(5 * time.Minute).Unix(), "auth_time": g.signedIn.Unix(), "amr": []string{"hwk", "user"},
		"acr":   "phr",
		"email": g.person.Email, "email_verified": !g.person.Unverified, "name": g.person.Name}
	if s.bend != nil {
		s.bend(c)
	}
	if s.sign != nil {
		return s.sign(c)
	}
	return Signed(jose.ES256, jose.JSONWebKey{Key: s.key, KeyID: s.keyID}, c)
}

// Signed is a token of claims, signed by any key and algorithm.
func Signed(alg jose.SignatureAlgorithm, key any, c Claims) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		panic("idpsim: " + err.Error())
	}
	raw, err := json.Marshal(c)
	if err != nil {
		panic("idpsim: " + err.Error())
	}
	signed, err := signer.Sign(raw)
	if err != nil {
		panic("idpsim: " + err.Error())
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		panic("idpsim: " + err.Error())
	}
	return out
}

// Answer is what pressing a button on the page does: whoever has an address says yes to a code, having
// signed in at a time (zero: now), or no. Errors: that there is no such code or person, or that the code was answered.
func (s *Server) Answer(userCode, email string, yes bool, signedIn time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.grants {
		if g.user != userCode {
			continue
		}
		if g.person != nil || g.denied {
			return fmt.Errorf("answer %s: it was answered", userCode)
		}
		if !yes {
			g.denied = true
			return nil
		}
		for i := range s.o.People {
			if strings.EqualFold(s.o.People[i].Email, email) {
				if signedIn.IsZero() {
					signedIn = s.o.Now()
				}
				g.person, g.signedIn = &s.o.People[i], signedIn
				return nil
			}
		}
		return fmt.Errorf("answer %s: nobody here has the address %s", userCode, email)
	}
	return fmt.Errorf("answer %s: there is no such code", userCode)
}

// Waiting lists the codes that wait for an answer.
func (s *Server) Waiting() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, g := range s.grants {
		if g.person == nil && !g.denied && s.o.Now().Before(g.ends) {
			out = append(out, g.user)
		}
	}
	return out
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func fault(w http.ResponseWriter, status int, code string) {
	reply(w, status, Claims{"error": code})
}
