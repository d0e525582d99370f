package integratorsim

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	defaultPageSize = 1000
	maxPageSize     = 1000
	defaultCapacity = 1000
	defaultRefill   = 300
	maxBody         = 1 << 20
	maxLog          = 10_000
	maxMails        = 2_000
)

// Options says how a Server behaves. The zero value is a well-behaved service with Celigo's documented limits.
type Options struct {
	// Seed makes IDs, tokens and random faults the same in every run.
	Seed uint64
	// Now is the service's clock; default time.Now. Rate limits and delays always use real time.
	Now func() time.Time
	// Faults are random faults; explicit ones are added with AddFault.
	Faults Faults
	// PageSize is the default and largest page; 0 and all above 1000 mean 1000.
	PageSize int
	// RateCapacity and RateRefill are each account's leaky bucket: requests at once, and per second. 0 means
	// 1000 and 300, a negative RateCapacity switches the limit off. (Source: developer docs, rate-limits.)
	RateCapacity, RateRefill int
	// SettleAfter is the time from an accepted transfer to done: queued in its first half, started in its second.
	// 0 is done at once.
	SettleAfter time.Duration
	// EmptyAsArray answers an empty list with 200 and [] instead of 204, for clients that cannot
	// read the latter. Which of the two Celigo does is not known for most lists; ssoclients stays
	// 204, which is documented.
	EmptyAsArray bool
	// AuditShareIDs makes audit entries about a user name the ashare as _resourceId, not the
	// person. Which of the two Celigo does is not known.
	AuditShareIDs bool
	// Public is the base URL in Link headers and mails, without /v1; default: what the request's Host says.
	Public string
}

// Server is an integrator.io that runs locally. It is safe for concurrent use. Make one with New.
type Server struct {
	opts   Options
	routes *http.ServeMux
	sim    *http.ServeMux

	mu      sync.Mutex
	world   *world
	before  *world // the world before the last write; kept only while a stale fault may ask for it
	ids     *rand.Rand
	thrown  map[string]uint64 // random faults thrown so far, by what they were thrown for
	rules   []*rule
	buckets map[string]*bucket
	files   map[string][]byte // tables of the audit log, by the name in their address
	log     []Call
	calls   int
}

// New makes an empty service: no accounts, no people, no tokens.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Public = strings.TrimRight(o.Public, "/")
	if o.PageSize <= 0 || o.PageSize > maxPageSize {
		o.PageSize = defaultPageSize
	}
	if o.RateCapacity == 0 {
		o.RateCapacity = defaultCapacity
	}
	if o.RateRefill <= 0 {
		o.RateRefill = defaultRefill
	}
	s := &Server{
		opts:    o,
		world:   newWorld(),
		ids:     rand.New(rand.NewPCG(o.Seed, 0x1d5)),
		thrown:  map[string]uint64{},
		buckets: map[string]*bucket{},
		files:   map[string][]byte{},
	}
	s.routes = s.apiRoutes()
	s.sim = s.simRoutes()
	return s
}

// bucket is one account's leaky bucket. It runs on real time, so that a demo's clock cannot starve a client.
type bucket struct {
	level float64
	at    time.Time
}

// take spends one request and says whether there was one to spend.
func (b *bucket) take(now time.Time, capacity, refill int) bool {
	if b.at.IsZero() {
		b.level = float64(capacity)
	} else if d := now.Sub(b.at).Seconds(); d > 0 {
		b.level = min(float64(capacity), b.level+d*float64(refill))
	}
	b.at = now
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}
