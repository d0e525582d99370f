package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
	letters "github.com/keyholder/keyholder/workflows/post"
)

// TestEverythingMisbehavesAndTheKeyIsKept plays a use, a drill, a recovery and an alarm for each
// seed, while Slack, integrator.io, the mail server and the webhook fail as the seed says.
func TestEverythingMisbehavesAndTheKeyIsKept(t *testing.T) {
	t.Parallel()
	for name, st := range map[string]story{"use": useStory, "drill": drillStory, "recovery": recoveryStory,
		"alarm": alarmStory} {
		for seed := range seeds(2, 1) {
			t.Run(fmt.Sprintf("%s-%d", name, seed+1), func(t *testing.T) {
				t.Parallel()
				withstands(t, st, uint64(seed+1))
			})
		}
	}
}

// TestRefusedCardsRefusedTokensAndWrongClocksStopNoMachine plays a story of each machine for each
// seed, while besides the random faults Slack takes no cards, integrator.io knows no token, and the
// clock of the bot's machine is wrong, each for a moment and again. In the quick form a third of the
// stories has to do.
func TestRefusedCardsRefusedTokensAndWrongClocksStopNoMachine(t *testing.T) {
	t.Parallel()
	stories := map[string]story{"transfer": transferStory, "access": accessStory,
		"review": {edit: soon(t), play: (*stage).review}, "recovery": recoveryStory, "use": useStory,
		"drill": drillStory, "docs": docsStory, "offboard": offboardStory, "drift": driftStory, "token": tokenStory,
		"code": codeStory}
	for i, name := range slices.Sorted(maps.Keys(stories)) {
		if sampled() && i%3 != 0 {
			continue
		}
		st := stories[name]
		for seed := range seeds(1, 1) {
			t.Run(fmt.Sprintf("%s-%d", name, seed+1), func(t *testing.T) {
				t.Parallel()
				s := prepare(t, options{edit: st.edit, codes: st.codes, seed: uint64(seed + 1), faults: true})
				if st.codes {
					s.more = append(s.more, config.EnvSealKey+"="+demoSealKey)
				}
				if st.before != nil {
					st.before(s)
				}
				m := newMachineTime(s)
				stop := s.bot(t)
				clears := s.storm(rand.New(rand.NewPCG(uint64(seed+1), 13)))
				st.play(s)
				clears()
				stop()
				m.ahead.Store(0) // the program that reads the record has this machine's clock
				s.onceEach()
				s.kept(st, s.record())
			})
		}
	}
}

// storm has one thing after another go wrong, a dozen in all, and the machines' clocks run while the
// bot has nothing to do, so that what is tried again in a minute is tried. Whoever asked has read
// again what could not be. It clears when it is told to.
func (s *stage) storm(rnd *rand.Rand) (clears func()) {
	ctx, cancel := context.WithCancel(s.ctx)
	s.busy() // opens what it looks with, before others look too
	var wait sync.WaitGroup
	pause := func(most time.Duration) {
		select {
		case <-ctx.Done():
		case <-time.After(most/4 + time.Duration(rnd.Int64N(int64(most)))):
		}
	}
	wait.Go(func() {
		for range 12 {
			pause(500 * time.Millisecond)
			s.gust(rnd, pause)
		}
	})
	wait.Go(func() {
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				if m, block, ok := s.button(dee, "access.recheck"); ok { // what could not be read
					_, _ = s.slack.Click(ctx, dee, m.Channel, m.TS, block, "access.recheck")
				}
				if s.busy() == "" { // less than a lease lasts: what is claimed just now stays so
					s.machine.runs(5 * time.Second)
				}
			}
		}
	})
	clears = func() { cancel(); wait.Wait() }
	s.t.Cleanup(clears)
	return clears
}

// gust is one thing that goes wrong for a moment.
func (s *stage) gust(rnd *rand.Rand, pause func(time.Duration)) {
	moment := 200*time.Millisecond + time.Duration(rnd.Int64N(int64(time.Second)))
	switch rnd.IntN(4) {
	case 0:
		s.slack.SetMessagesTab(false)
		pause(moment)
		s.slack.SetMessagesTab(true)
	case 1:
		who := everybody[rnd.IntN(len(everybody))]
		s.slack.InjectFault(slacksim.Rule{Method: "chat.postMessage", About: who, Kind: slacksim.FaultAPIError,
			Reason: "restricted_action", For: moment})
	case 2:
		// A write that is refused is handed to people, who stand in no story here.
		if _, err := s.integrator.AddFault(integratorsim.Fault{Method: "GET", Kind: integratorsim.FaultStatus,
			Status: 401, Times: -1, For: moment}); err != nil {
			s.t.Error(err)
		}
	case 3:
		far := []time.Duration{20 * time.Hour, -20 * time.Hour, 3 * time.Second, 30 * 24 * time.Hour}
		s.machine.wrong.Store(int64(far[rnd.IntN(len(far))]))
		pause(moment)
		s.machine.wrong.Store(0)
	}
}

// alarmStory is a sign-in that nobody knows: an alarm in Slack, by mail and at the webhook.
var alarmStory = story{edit: watchful, play: (*stage).strangerSignsIn,
	once: []string{"signin.opened", "signin.unknown"}, never: []string{"signin.claimed", "key.opened"}}

// strangerSignsIn has a sign-in asked about, and an alarm raised.
func (s *stage) strangerSignsIn() {
	s.t.Helper()
	s.insist("the first reading of sign-ins", func() bool {
		return strings.Contains(s.insistSlash(dee, "key acme"), "watched since")
	}, func() {})
	s.act(integratorsim.Action{Do: "sign_in", Email: ownerEmail})
	s.insistPress(cat, "key.unknown")
	for _, who := range []string{ana, ben, cat, dee, opsRoom} {
		s.until("the alarm for "+who, func() bool {
			room := who
			if who != opsRoom {
				room = s.slack.DM(who) // "" until the first message
			}
			return slices.ContainsFunc(s.slack.Messages(room), func(m slacksim.Message) bool {
				return strings.HasPrefix(m.Text, "Alarm: ")
			})
		})
	}
}

// withstands plays a story in the weather of one seed, and compares what is left with what one in peace leaves.
func withstands(t *testing.T, st story, seed uint64) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 11))
	s := prepare(t, options{edit: st.edit, seed: seed, faults: true})
	hook := newWebhook(t, rnd)
	s.cfg.Secrets.AlarmWebhook, s.cfg.Secrets.AlarmSecret = hook.url, "a long random text"
	faults := drawn(rnd, []mailFault{mailBusy, mailBusy, mailGone, mailBreaksOff, mailHangs})
	s.mail.misbehave(faults...)
	stop := s.bot(t)
	st.play(s)
	if slices.Contains(st.once, "signin.unknown") {
		s.until("the webhook to take the alarm", func() bool { return hook.taken() > 0 })
		s.until("the mail server to take it", func() bool { return len(s.mail.all()) > 0 })
	}
	stop()
	s.onceEach()
	s.kept(st, s.record())
	lost := 0 // letters that were taken without a word, so that another follows
	for _, f := range faults {
		if f == mailBreaksOff || f == mailHangs {
			lost++
		}
	}
	if n := len(s.mail.all()); n > 1+lost {
		t.Errorf("%d letters were sent; the mail server took %d without a word (%v)", n, lost, faults)
	}
	hook.judge(s.cfg.Secrets.AlarmSecret)
}

// drawn draws up to three, in any order.
func drawn[T any](rnd *rand.Rand, from []T) []T {
	var out []T
	for range rnd.IntN(4) {
		out = append(out, from[rnd.IntN(len(from))])
	}
	return out
}

// webhook takes alarms, after it misbehaved as it was told.
type webhook struct {
	t    *testing.T
	url  string
	stop chan struct{}

	mu     sync.Mutex
	faults []int // status codes; 0 hangs, 1 breaks off
	bodies []hookBody
}

type hookBody struct {
	body      []byte
	signature string
	took      bool
}

func newWebhook(t *testing.T, rnd *rand.Rand) *webhook {
	h := &webhook{t: t, stop: make(chan struct{}), faults: drawn(rnd, []int{500, 503, 429, 0, 1})}
	srv := httptest.NewServer(h)
	h.url = srv.URL + "/hook?key=hush"
	t.Cleanup(func() { close(h.stop); srv.Close() })
	return h
}

// ServeHTTP implements [http.Handler].
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	fault := 200
	if len(h.faults) > 0 {
		fault, h.faults = h.faults[0], h.faults[1:]
	}
	h.bodies = append(h.bodies, hookBody{body, r.Header.Get(letters.SignatureHeader), fault == 200})
	h.mu.Unlock()
	switch fault {
	case 0:
		select {
		case <-r.Context().Done():
		case <-h.stop:
		}
	case 1:
		panic(http.ErrAbortHandler)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
		fallthrough
	default:
		w.WriteHeader(fault)
	}
}

// taken is how many alarms were answered well.
func (h *webhook) taken() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.bodies {
		if b.took {
			n++
		}
	}
	return n
}

// judge: whatever came was signed and had one id, and was taken once.
func (h *webhook) judge(secret string) {
	h.t.Helper()
	if n := h.taken(); n > 1 {
		h.t.Errorf("the webhook took the alarm %d times", n)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := map[string]bool{}
	for _, b := range h.bodies {
		var alarm struct {
			Schema int    `json:"schema"`
			ID     string `json:"id"`
			Kind   string `json:"kind"`
		}
		if err := json.Unmarshal(b.body, &alarm); err != nil || alarm.Schema != 1 || alarm.Kind != "unknown_sign_in" {
			h.t.Errorf("the webhook got %s (%v)", b.body, err)
		}
		if b.signature != letters.Sign(secret, b.body) {
			h.t.Errorf("signed %q", b.signature)
		}
		ids[alarm.ID] = true
	}
	if len(ids) > 1 {
		h.t.Errorf("the same alarm has %d ids", len(ids))
	}
}
