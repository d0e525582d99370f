package slacksim

import (
	"time"

	"github.com/keyholder/keyholder/bot/slacksim/blockkit"
)

// limits is every size of the service; those of blocks and views stand in package blockkit.
var limits = map[string]blockkit.Bound{
	"view.bytes":          {Min: 0, Max: 250_000, Source: "methods/views.open, error view_too_large"},
	"message.attachments": {Min: 0, Max: 100, Source: "methods/chat.postMessage, error too_many_attachments"},
	"message.bytes": {Min: 0, Max: 250_000,
		Source: "error msg_blocks_too_long; the size is not documented, the view's is used"},
	"message.text":   {Min: 0, Max: 40_000, Source: "methods/chat.postMessage: longer texts are truncated"},
	"update.text":    {Min: 0, Max: 4_000, Source: "methods/chat.update, error msg_too_long"},
	"metadata.bytes": {Min: 0, Max: 16_384, Source: "methods/chat.postMessage, error metadata_too_large"},
	"view.stack":     {Min: 1, Max: 3, Source: "surfaces/modals: the first view and two pushed onto it"},
	"ack.bytes": {Min: 0, Max: 20_479,
		Source: "github.com/slack-go/slack issue 1196: acks of 20 480 bytes or more are dropped"},
	"socket.connections": {Min: 0, Max: 10, Source: "apis/events-api/using-socket-mode"},
	"response_url.uses":  {Min: 0, Max: 5, Source: "interactivity/handling-user-interaction"},
	"schedule.days":      {Min: 0, Max: 120, Source: "methods/chat.scheduleMessage, error time_too_far"},
	"schedule.burst": {Min: 0, Max: 30,
		Source: "methods/chat.scheduleMessage, error restricted_too_many: within 5 minutes of one channel"},
	"conversations.open.people": {Min: 1, Max: 8, Source: "methods/conversations.open"},
}

// limit returns the bound of that name. An unknown name is a fault of this package, never of its input.
func limit(name string) blockkit.Bound {
	b, ok := limits[name]
	if !ok {
		panic("slacksim: no limit named " + name)
	}
	return b
}

// Calls per minute of the tiers (docs.slack.dev/apis/web-api/rate-limits). "special" is the Java SDK's number for
// auth.test and chat.getPermalink, "hundreds per minute".
const (
	tier1   = 1
	tier2   = 20
	tier3   = 50
	tier4   = 100
	special = 600
)

// messageBurst is how many messages one channel takes at once before one per second holds. Slack allows bursts and does
// not say how large.
const messageBurst = 5

// bucket is a token bucket in real time.
type bucket struct {
	tokens float64
	last   time.Time
}

// take uses one token, or returns how many whole seconds to wait for one.
func (b *bucket) take(now time.Time, perSecond, burst float64) int {
	if b.last.IsZero() {
		b.tokens = burst
	} else {
		b.tokens = min(burst, b.tokens+now.Sub(b.last).Seconds()*perSecond)
	}
	b.last = now
	if b.tokens >= 1 {
		b.tokens--
		return 0
	}
	return int((1-b.tokens)/perSecond) + 1
}

// SetRateLimits switches Slack's limits on or off; what was used before counts.
func (s *Server) SetRateLimits(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.RateLimits = on
	s.touch()
}

// overLimit returns the seconds of Retry-After, 0 when the call may pass. A message counts twice:
// for its conversation and, with several hundred per minute, for the workspace.
func (s *Server) overLimit(name string, m method, args params) int {
	if !s.opt.RateLimits {
		return 0
	}
	now := time.Now()
	if name == "chat.postMessage" {
		every := 1 / s.opt.MessageEvery.Seconds()
		if wait := s.bucket(name+" "+s.placeName(args.str("channel"))).take(now, every,
			float64(s.opt.MessageBurst)); wait > 0 {
			return wait
		}
	}
	return s.bucket(name).take(now, float64(m.tier)/s.opt.RateWindow.Seconds(), float64(m.tier))
}

func (s *Server) bucket(key string) *bucket {
	b := s.buckets[key]
	if b == nil {
		b = &bucket{}
		s.buckets[key] = b
	}
	return b
}
