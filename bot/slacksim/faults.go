package slacksim

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// FaultKind names one way to misbehave.
type FaultKind string

// Faults of the Web API, of uploads (method "files.upload") and of response_url (method "response_url").
const (
	FaultRateLimited     FaultKind = "rate_limited"      // 429 with Retry-After (RetryAfter, at least 1 s)
	FaultRateLimitedBare FaultKind = "rate_limited_bare" // 429 without the header
	FaultErrorBefore     FaultKind = "error_before"      // 500; nothing happened
	FaultErrorAfter      FaultKind = "error_after"       // 500; the effect took hold
	// no answer until the client gives up or Delay (default 30 s); nothing happened
	FaultHang      FaultKind = "hang"
	FaultHangAfter FaultKind = "hang_after" // the same, but the effect took hold
	FaultDrop      FaultKind = "drop"       // the connection is cut; nothing happened
	FaultDropAfter FaultKind = "drop_after" // the connection is cut; the effect took hold
	FaultLate      FaultKind = "late"       // the effect at once, the answer after Delay (default 1 s)
	FaultAPIError  FaultKind = "api_error"  // 200 with ok:false and Reason (default internal_error)
)

// Faults of the socket. Method matches the envelope's type (slash_commands, interactive, events_api).
const (
	FaultNoConnection FaultKind = "no_connection" // the envelope finds no connection
	FaultLost         FaultKind = "lost"          // the envelope is never written, though a connection is there
	FaultDuplicate    FaultKind = "duplicate"     // an event is delivered twice, same event_id, new envelope_id
	FaultSocketDrop   FaultKind = "socket_drop"   // the connection is cut right after the envelope was written
	// a disconnect frame (Reason, default refresh_requested) follows the envelope
	FaultSocketDisconnect FaultKind = "socket_disconnect"
	FaultAckLost          FaultKind = "ack_lost" // the ack of this envelope is ignored
	// the envelope is written after Delay (default 1 s); deadlines run from the start
	FaultSocketLate FaultKind = "socket_late"
)

var faultKinds = []FaultKind{FaultRateLimited, FaultRateLimitedBare, FaultErrorBefore, FaultErrorAfter, FaultHang,
	FaultHangAfter, FaultDrop,
	FaultDropAfter, FaultLate, FaultAPIError, FaultNoConnection, FaultLost, FaultDuplicate, FaultSocketDrop,
	FaultSocketDisconnect, FaultAckLost, FaultSocketLate}

func (k FaultKind) known() bool { return slices.Contains(faultKinds, k) }

const (
	onAPI    = "api"
	onSocket = "socket"
)

func (k FaultKind) place() string {
	switch k {
	case FaultNoConnection, FaultLost, FaultDuplicate, FaultSocketDrop, FaultSocketDisconnect, FaultAckLost,
		FaultSocketLate:
		return onSocket
	}
	return onAPI
}

// Rule makes matching calls or envelopes misbehave. Rules are tried in the order they were injected; the first that
// matches is used.
type Rule struct {
	Method string    `json:"method"` // glob as of path.Match, for example chat.*; empty: all
	Kind   FaultKind `json:"kind"`
	// only what concerns that person, conversation, group or address; empty: all
	About      string        `json:"about,omitempty"`
	Skip       int           `json:"skip,omitempty"`        // let that many matches pass first
	Times      int           `json:"times,omitempty"`       // then use it that often; 0 = every time until removed
	RetryAfter time.Duration `json:"retry_after,omitempty"` // rounded up to seconds
	// real time from now after which the rule is gone; 0 = no end
	For    time.Duration `json:"for,omitempty"`
	Delay  time.Duration `json:"delay,omitempty"`
	Reason string        `json:"reason,omitempty"` // error code, or reason of a disconnect
}

// concerns reports whether the rule is about one of whom the key of a call or envelope names (see callKey).
func (r *Rule) concerns(key string) bool {
	if r.About == "" {
		return true
	}
	for part := range strings.FieldsSeq(key) {
		if whom := strings.TrimPrefix(part, "dm:"); strings.EqualFold(part, r.About) ||
			slices.Contains(strings.Split(whom, ","), r.About) {
			return true
		}
	}
	return false
}

// Faults is a profile of random misbehaviour. The numbers are probabilities from 0 to 1 for each call or envelope.
//
// They follow Options.Seed: what happens to the n-th call of a method about one conversation,
// person or view (or to the n-th envelope of a kind from one person) is the same in every run,
// whatever else arrives meanwhile and in which order. Not bound by the seed are the order within
// one such series, when two clients race for it; real time (retries after a late answer,
// Options.RateLimits, Slack's own deadlines); and how often a client asks again.
type Faults struct {
	Rules       []Rule  `json:"rules,omitempty"`        // injected at the start
	RateLimited float64 `json:"rate_limited,omitempty"` // 429 with Retry-After 1
	// the same for this call and the next four of the same method about the same
	Storm            float64 `json:"storm,omitempty"`
	ErrorBefore      float64 `json:"error_before,omitempty"`
	ErrorAfter       float64 `json:"error_after,omitempty"`
	Drop             float64 `json:"drop,omitempty"`
	DropAfter        float64 `json:"drop_after,omitempty"`
	Late             float64 `json:"late,omitempty"`              // answers up to 500 ms late
	Duplicate        float64 `json:"duplicate,omitempty"`         // events delivered twice
	SocketDrop       float64 `json:"socket_drop,omitempty"`       // connection cut after an envelope was written
	SocketDisconnect float64 `json:"socket_disconnect,omitempty"` // refreshed after an envelope was written
	AckLost          float64 `json:"ack_lost,omitempty"`          // the ack of an envelope never arrives
}

// calm says that nothing happens at random.
func (f Faults) calm() bool {
	return f.RateLimited+f.Storm+f.ErrorBefore+f.ErrorAfter+f.Drop+f.DropAfter+f.Late+f.Duplicate+f.SocketDrop+
		f.SocketDisconnect+f.AckLost <= 0
}

type activeRule struct {
	Rule
	id   int
	seen int
	ends time.Time // real time; zero: never
}

// InjectFault adds a rule and returns the function that removes it again.
func (s *Server) InjectFault(r Rule) (remove func()) {
	id := s.addRule(r).id
	return func() { s.removeRule(id) }
}

func (s *Server) addRule(r Rule) *activeRule {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == "" {
		r.Method = "*"
	}
	s.ruleSeq++
	a := &activeRule{Rule: r, id: s.ruleSeq}
	if r.For > 0 {
		a.ends = time.Now().Add(r.For)
	}
	s.rules = append(s.rules, a)
	s.touch()
	return a
}

// removeRule reports whether that rule was still there.
func (s *Server) removeRule(id int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.rules {
		if a.id == id {
			s.dropRule(a)
			s.touch()
			return true
		}
	}
	return false
}

// SetFaults replaces the random profile and adds its rules; the dice go on where they were.
func (s *Server) SetFaults(f Faults) {
	for _, r := range f.Rules {
		s.addRule(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Faults = f
	s.touch()
}

// ClearFaults removes every rule and the random profile.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
	s.opt.Faults = Faults{}
	s.touch()
}

func (s *Server) dropRule(a *activeRule) {
	for i, r := range s.rules {
		if r == a {
			s.rules = append(s.rules[:i:i], s.rules[i+1:]...)
			return
		}
	}
}

// takeFault returns the fault for the next call or envelope of that name about key, nil for none. The lock is held.
func (s *Server) takeFault(name, place, key string) *Rule {
	random := s.randomFault(name, place, key) // thrown also where a rule comes first, so that a rule shifts nothing
	now := time.Now()
	s.rules = slices.DeleteFunc(s.rules, func(a *activeRule) bool { return !a.ends.IsZero() && now.After(a.ends) })
	for _, a := range s.rules {
		if ok, err := path.Match(a.Method, name); err != nil || !ok || a.Kind.place() != place || !a.concerns(key) {
			continue
		}
		if a.Kind == FaultDuplicate && name != typeEvent {
			continue
		}
		if a.seen++; a.seen <= a.Skip {
			continue
		}
		if a.Times > 0 && a.seen >= a.Skip+a.Times {
			s.dropRule(a)
		}
		r := a.Rule
		return &r
	}
	return random
}

// storm is how many calls a 429 storm takes, the one that begins it included.
const storm = 5

// randomFault throws the dice for one call or envelope.
func (s *Server) randomFault(name, place, key string) *Rule {
	f := s.opt.Faults
	if f.calm() {
		return nil
	}
	chance := s.dice.throw(place, name, key)
	if left := s.dice.storms[name+" "+key]; place == onAPI && left > 0 {
		s.dice.storms[name+" "+key]--
		return &Rule{Kind: FaultRateLimited, RetryAfter: time.Second}
	}
	chances := []struct {
		p    float64
		rule Rule
	}{
		{f.RateLimited, Rule{Kind: FaultRateLimited, RetryAfter: time.Second}},
		{f.ErrorBefore, Rule{Kind: FaultErrorBefore}},
		{f.ErrorAfter, Rule{Kind: FaultErrorAfter}},
		{f.Drop, Rule{Kind: FaultDrop}},
		{f.Late, Rule{Kind: FaultLate, Delay: 500 * time.Millisecond}},
		{f.Duplicate, Rule{Kind: FaultDuplicate}},
		{f.DropAfter, Rule{Kind: FaultDropAfter}},
		{f.SocketDrop, Rule{Kind: FaultSocketDrop}},
		{f.SocketDisconnect, Rule{Kind: FaultSocketDisconnect}},
		{f.AckLost, Rule{Kind: FaultAckLost}},
	}
	for _, c := range chances {
		if c.rule.Kind == FaultDuplicate && name != typeEvent {
			continue
		}
		if c.rule.Kind.place() == place && chance.Float64() < c.p {
			if c.rule.Kind == FaultLate {
				c.rule.Delay = time.Duration(chance.Int64N(int64(c.rule.Delay))) + 1
			}
			return &c.rule
		}
	}
	if place == onAPI && chance.Float64() < f.Storm {
		s.dice.storms[name+" "+key] = storm - 1
		return &Rule{Kind: FaultRateLimited, RetryAfter: time.Second}
	}
	return nil
}

func (r *Rule) retrySeconds() int { return max(1, int((r.RetryAfter+time.Second-1)/time.Second)) }

func (r *Rule) code() string {
	if r.Reason == "" {
		return "internal_error"
	}
	return r.Reason
}

func (r *Rule) delay() time.Duration {
	if r.Delay <= 0 {
		return time.Second
	}
	return r.Delay
}

// hang holds a request until its client gives up; bounded, so that a client without a timeout is not held for ever.
func (s *Server) hang(r *http.Request, f *Rule) {
	d := f.Delay
	if d <= 0 {
		d = 30 * time.Second
	}
	s.hangFor(r, d)
}

func (s *Server) hangFor(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	case <-s.stop:
	}
}

// dice decides about random faults and the choice of a connection. A throw depends on the seed, on
// what is thrown for (a method or kind of envelope), on whom it concerns (the key: a conversation,
// person, view) and on how many throws there were for the same before; never on what else happened
// meanwhile. So traffic that arrives in another order among conversations or people meets the same
// fate, and a rule that is injected shifts nothing.
type dice struct {
	seed   uint64
	thrown map[string]uint64
	storms map[string]int // calls of a 429 storm still to come
}

func newDice(seed uint64) dice {
	return dice{seed: seed, thrown: map[string]uint64{}, storms: map[string]int{}}
}

// throw returns the source of the next throw for these parts.
func (d *dice) throw(parts ...string) *rand.Rand {
	what := strings.Join(parts, "\x00")
	n := d.thrown[what]
	d.thrown[what]++
	h := fnv.New64a()
	_, _ = h.Write([]byte(what)) // a hash never fails
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, n))
	return rand.New(rand.NewPCG(d.seed, h.Sum64()))
}

// next makes the key of the next of several things that share a key.
func (d *dice) next(key string) string {
	d.thrown["next\x00"+key]++
	return fmt.Sprintf("%s #%d", key, d.thrown["next\x00"+key])
}

// callKey says whom a call concerns, in words that are the same in every run: a direct message and a view are named by
// their person, for their ids are drawn in the order in which they came to be.
func (s *Server) callKey(args params) string {
	var l []string
	add := func(v string) {
		if v != "" && !slices.Contains(l, v) {
			l = append(l, v)
		}
	}
	for _, k := range []string{"channel", "channel_id"} {
		add(s.placeName(args.str(k)))
	}
	for _, k := range []string{"user", "user_id", "users", "email", "usergroup", "filename"} {
		add(args.str(k))
	}
	for _, k := range []string{"trigger_id", "interactivity_pointer"} {
		if t := s.triggers[args.str(k)]; t != nil {
			add(t.user)
		}
	}
	if v := s.viewNamed(args.str("view_id"), args.str("external_id")); v != nil {
		add(v.user + "/" + asString(v.def["callback_id"]))
	}
	return strings.Join(l, " ")
}

// placeName names a conversation the same in every run.
func (s *Server) placeName(id string) string {
	if s.users[id] != nil {
		return "dm:" + id
	}
	ch := s.channels[id]
	switch {
	case ch == nil:
		return id
	case ch.im || ch.mpim:
		people := slices.DeleteFunc(slices.Sorted(slices.Values(ch.Members)), func(u string) bool {
			return u == s.opt.BotUserID
		})
		return "dm:" + strings.Join(people, ",")
	}
	return id
}

// envelopeKey says whom an envelope concerns and what they did, as callKey does for calls.
func (s *Server) envelopeKey(payload obj) string {
	event, view := asObj(payload["event"]), asObj(payload["view"])
	l := []string{asString(payload["type"]), asString(asObj(payload["user"])["id"]), asString(payload["user_id"]),
		asString(payload["command"]),
		s.placeName(asString(payload["channel_id"])), s.placeName(asString(asObj(payload["channel"])["id"])),
		asString(payload["callback_id"]),
		asString(view["callback_id"]), asString(event["type"]), asString(event["user"]),
		s.placeName(asString(event["channel"])), asString(event["tab"])}
	for _, a := range asList(payload["actions"]) {
		l = append(l, asString(asObj(a)["action_id"]))
	}
	return strings.Join(l, " ")
}
