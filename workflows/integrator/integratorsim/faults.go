package integratorsim

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// Faults are random ones: each request is hit with probability Rate (0 to 1), the kind drawn from RandomKinds.
//
// They follow Seed (together with Options.Seed): what happens to the n-th request of a method to a
// path by a token is the same in every run, in whatever order requests of other paths, methods and
// tokens arrive. Not bound by it are the order among requests that share all three, IDs in paths of
// things that were made in another order, and what FaultStale shows, which is the world before the
// last write.
type Faults struct {
	Seed uint64  `json:"seed"`
	Rate float64 `json:"rate"`
}

// FaultKind says what goes wrong.
type FaultKind string

// The kinds of fault.
const (
	FaultStatus      FaultKind = "status"       // Status (default 500) and no effect
	FaultAfter       FaultKind = "after"        // Status (default 500) although the effect took hold
	FaultRateLimited FaultKind = "rate_limited" // 429 with Retry-After: 2
	FaultRateBare    FaultKind = "rate_bare"    // 429 without Retry-After
	// no answer until the client gives up, at most Delay (default 60 s); no effect
	FaultHang      FaultKind = "hang"
	FaultHangAfter FaultKind = "hang_after" // the same, but the effect took hold
	FaultSlow      FaultKind = "slow"       // Delay (default 3 s), then the true answer
	FaultDrop      FaultKind = "drop"       // the connection closes without an answer; no effect
	FaultDropAfter FaultKind = "drop_after" // the same, but the effect took hold
	// half of the answer's body, then the connection closes; the effect took hold
	FaultTruncated FaultKind = "truncated"
	// a GET answers from before the last write that was made since the fault was added
	FaultStale FaultKind = "stale"
	FaultEmpty FaultKind = "empty" // 204, as a list answers when a token lost its rights; no effect
)

var faultKinds = []FaultKind{FaultStatus, FaultAfter, FaultRateLimited, FaultRateBare, FaultHang, FaultHangAfter,
	FaultSlow,
	FaultDrop, FaultDropAfter, FaultTruncated, FaultStale, FaultEmpty}

// RandomKinds are what Faults.Rate draws from. Hanging is left out, so that a demo stays lively, and 204 because an
// answer that looks like lost rights should be asked for by name.
var RandomKinds = []FaultKind{FaultStatus, FaultAfter, FaultRateLimited, FaultRateBare, FaultSlow, FaultDrop,
	FaultDropAfter,
	FaultTruncated, FaultStale}

// Fault is one explicit rule. The first rule that matches a request decides.
type Fault struct {
	ID     string        `json:"id,omitempty"`     // set by AddFault
	Method string        `json:"method,omitempty"` // empty: any
	Path   string        `json:"path,omitempty"`   // /v1/transfers/*: * is one segment, a last ** any rest; empty: any
	Skip   int           `json:"skip,omitempty"`   // so many matches pass first
	Times  int           `json:"times,omitempty"`  // then so many are hit; 0: one, negative: all
	Kind   FaultKind     `json:"kind"`
	Status int           `json:"status,omitempty"` // for status and after
	Delay  time.Duration `json:"-"`                // for slow and hang
	Millis int           `json:"delay_ms,omitempty"`
	// For is how long the rule lasts, in real time from when it was added; 0: until it is used up or cleared.
	For       time.Duration `json:"-"`
	ForMillis int           `json:"for_ms,omitempty"`
}

type rule struct {
	Fault
	seen int
	ends time.Time // real time; zero: never
}

// AddFault adds a rule and gives its ID. It refuses an unknown kind or a status outside 400..599.
func (s *Server) AddFault(f Fault) (string, error) {
	if !slices.Contains(faultKinds, f.Kind) {
		return "", fmt.Errorf("add fault: kind %q is not one of %v", f.Kind, faultKinds)
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		return "", fmt.Errorf("add fault: status %d is not between 400 and 599", f.Status)
	}
	if _, err := path.Match(strings.TrimSuffix(f.Path, "**"), ""); err != nil {
		return "", fmt.Errorf("add fault: path %q: %w", f.Path, err)
	}
	if f.Delay == 0 {
		f.Delay = time.Duration(f.Millis) * time.Millisecond
	}
	f.Millis = int(f.Delay / time.Millisecond)
	if f.For == 0 {
		f.For = time.Duration(f.ForMillis) * time.Millisecond
	}
	f.ForMillis = int(f.For / time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.ID = s.newID()
	r := &rule{Fault: f}
	if f.For > 0 {
		r.ends = time.Now().Add(f.For)
	}
	s.rules = append(s.rules, r)
	return f.ID, nil
}

// ListFaults gives the rules in force, in order; those used up are gone.
func (s *Server) ListFaults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Fault, 0, len(s.rules))
	for _, r := range s.rules {
		out = append(out, r.Fault)
	}
	return out
}

// ClearFaults removes the rule with this ID, or all and the random ones too when it is empty; it
// says how many rules went.
func (s *Server) ClearFaults(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.rules)
	s.rules = slices.DeleteFunc(s.rules, func(r *rule) bool { return id == "" || r.ID == id })
	if id == "" {
		s.opts.Faults.Rate = 0
	}
	return n - len(s.rules)
}

// SetRandomFaults changes the rate of random faults; 0 ends them.
func (s *Server) SetRandomFaults(rate float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Faults.Rate = min(max(rate, 0), 1)
}

// wantsStale says whether a stale read may come, so that the world before a write is worth keeping.
func (s *Server) wantsStale() bool {
	return s.opts.Faults.Rate > 0 || slices.ContainsFunc(s.rules, func(r *rule) bool { return r.Kind == FaultStale })
}

// matchPath compares cleaned paths segment by segment.
func matchPath(pattern, p string) bool {
	p = path.Clean("/" + p)
	if rest, any := strings.CutSuffix(pattern, "**"); any {
		return strings.HasPrefix(p+"/", rest)
	}
	hit, err := path.Match(path.Clean("/"+pattern), p)
	return err == nil && hit
}

// fault draws what goes wrong with a request; an empty kind is nothing.
func (s *Server) fault(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	random := s.randomFault(r) // thrown also where a rule comes first, so that a rule shifts nothing
	now := time.Now()
	s.rules = slices.DeleteFunc(s.rules, func(x *rule) bool { return !x.ends.IsZero() && now.After(x.ends) })
	for i, x := range s.rules {
		if (x.Method != "" && !strings.EqualFold(x.Method, r.Method)) ||
			(x.Path != "" && !matchPath(x.Path, r.URL.Path)) {
			continue
		}
		if x.Kind == FaultStale && (r.Method != http.MethodGet || s.before == nil) {
			continue // nothing to be stale about yet; the rule keeps for later
		}
		x.seen++
		if x.seen <= x.Skip {
			continue
		}
		if x.Times >= 0 && x.seen >= x.Skip+max(x.Times, 1) {
			s.rules = slices.Delete(s.rules, i, i+1)
		}
		return x.Fault
	}
	return random
}

// randomFault throws the dice for one request: the n-th request of a method to a path by a token meets the same fate in
// every run with that seed, whatever else arrives meanwhile and in which order. The lock is held.
func (s *Server) randomFault(r *http.Request) Fault {
	rate := s.opts.Faults.Rate
	if rate <= 0 {
		return Fault{}
	}
	what := strings.Join([]string{r.Method, path.Clean(r.URL.Path), r.Header.Get("Authorization")}, "\x00")
	h := fnv.New64a()
	_, _ = h.Write(binary.LittleEndian.AppendUint64([]byte(what), s.thrown[what])) // a hash never fails
	// beside, not mixed with, the other: they are often equal
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, s.opts.Seed))
	s.thrown[what]++
	chance := rand.New(rand.NewPCG(s.opts.Faults.Seed, h.Sum64()))
	if chance.Float64() >= rate {
		return Fault{}
	}
	kind := RandomKinds[chance.IntN(len(RandomKinds))]
	status := []int{500, 502, 503}[chance.IntN(3)]
	return Fault{Kind: kind, Status: status, Delay: 200 * time.Millisecond}
}

// serveFaulty answers a request, with what may go wrong on the way.
func (s *Server) serveFaulty(w http.ResponseWriter, r *http.Request, body []byte) {
	f := s.fault(r)
	began := time.Now()
	out, c := reply{}, (*call)(nil)
	switch f.Kind {
	case FaultStatus:
		out = serverFault(f.Status)
	case FaultRateLimited:
		out = rateLimited("2")
	case FaultRateBare:
		out = rateLimited("")
	case FaultEmpty:
		out = none()
	case FaultHang, FaultDrop:
	case FaultSlow:
		pause(r.Context(), f.Delay, 3*time.Second)
		out, c = s.answer(r, body, false)
	default:
		out, c = s.answer(r, body, f.Kind == FaultStale)
	}
	taken := out.status
	if f.Kind == FaultAfter {
		out = serverFault(f.Status)
	}
	s.record(r, c, taken, out.status, f, began)
	switch f.Kind {
	case FaultHang, FaultHangAfter:
		pause(r.Context(), f.Delay, time.Minute)
		hangUp(w)
	case FaultDrop, FaultDropAfter:
		hangUp(w)
	case FaultTruncated:
		truncate(w, out)
	default:
		writeReply(w, out)
	}
}

func serverFault(status int) reply {
	if status == 0 {
		status = http.StatusInternalServerError
	}
	switch status {
	case http.StatusUnauthorized:
		return unauthorized("Bearer Authentication Failed")
	case http.StatusForbidden:
		return forbidden("You do not have permission to perform this operation.")
	case http.StatusNotFound:
		return notFound()
	}
	return fail(status, "internal_error", "Something went wrong. Please try again.", "")
}

// pause waits in real time, or until the client gives up.
func pause(ctx context.Context, d, otherwise time.Duration) {
	if d <= 0 {
		d = otherwise
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// hangUp closes the connection without an answer; where it cannot be taken over (HTTP/2), the answer is 502.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		writeReply(w, serverFault(http.StatusBadGateway))
		return
	}
	reset(conn)
}

func reset(conn net.Conn) {
	if tcp, isTCP := conn.(*net.TCPConn); isTCP {
		_ = tcp.SetLinger(0) // a reset, as a proxy that died gives
	}
	_ = conn.Close()
}

// truncate announces the whole body and sends half. An answer without a body is a plain hang-up.
func truncate(w http.ResponseWriter, out reply) {
	b := render(out)
	if len(b) == 0 {
		hangUp(w)
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		writeReply(w, serverFault(http.StatusBadGateway))
		return
	}
	_, _ = fmt.Fprintf(rw,
		"HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n", out.status,
		http.StatusText(out.status), len(b))
	_, _ = rw.Write(b[:len(b)/2])
	_ = rw.Flush()
	_ = conn.Close()
}
