package slacksim_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// crowd is the workspace of these tests: eight people, each with a channel of their own.
func crowd(t *testing.T, o slacksim.Options) (*slacksim.Server, string) {
	t.Helper()
	s, base := workspace(t, o)
	for i := range 8 {
		user := fmt.Sprintf("U%d", i)
		s.AddUser(slacksim.User{ID: user})
		s.AddChannel(slacksim.Channel{ID: fmt.Sprintf("C%d", i), Name: fmt.Sprintf("c%d", i),
			Members: []string{user, "U0BOT"}})
	}
	return s, base
}

// fates lists for each person what happened to the calls about them, in order.
func fates(s *slacksim.Server) map[string][]string {
	out := map[string][]string{}
	for _, c := range s.Calls() {
		who, _ := c.Args["who"].(string) // an argument of this test's own; the methods ignore it
		key := who + " " + c.Method
		out[key] = append(out[key], fmt.Sprintf("%s %d", c.Fault, c.Status))
	}
	return out
}

// TestTheSameSeedGivesTheSameFaultsToConcurrentTraffic makes the same calls one after another and
// twice at once, also about direct messages and views, whose ids differ between the runs.
func TestTheSameSeedGivesTheSameFaultsToConcurrentTraffic(t *testing.T) {
	weather := slacksim.Faults{RateLimited: 0.1, Storm: 0.05, ErrorBefore: 0.1, ErrorAfter: 0.1, Drop: 0.1,
		DropAfter: 0.1, Late: 0.01}
	run := func(seed uint64, atOnce bool) map[string][]string {
		s, base := crowd(t, slacksim.Options{Seed: seed, Faults: weather})
		call := func(who, method string, args url.Values) {
			args.Set("token", "xoxb-sim")
			args.Set("who", who)
			res, err := http.PostForm(base+"/api/"+method, args)
			if err != nil {
				return // the fault that cuts connections
			}
			_ = res.Body.Close()
		}
		one := func(i int) {
			who := fmt.Sprintf("U%d", i)
			home := `{"type":"home","blocks":[{"type":"divider"}]}`
			for n := range 10 {
				call(who, "chat.postMessage", url.Values{"channel": {fmt.Sprintf("C%d", i)}, "text": {fmt.Sprint(n)}})
				dm := s.OpenDM(who) // an id that depends on who came first
				call(who, "chat.postMessage", url.Values{"channel": {dm}, "text": {"x"}})
				call(who, "users.info", url.Values{"user": {who}})
				call(who, "views.publish", url.Values{"user_id": {who}, "view": {home}})
				if h, ok := s.Home(who); ok {
					call(who, "views.update", url.Values{"view_id": {h.ID}, "view": {home}})
				}
			}
		}
		var wg sync.WaitGroup
		for i := range 8 {
			if atOnce {
				wg.Go(func() { one(i) })
			} else {
				one(7 - i)
			}
		}
		wg.Wait()
		wait(t, s, func(n *slacksim.Snapshot) bool {
			return !slices.ContainsFunc(n.Calls(), func(c slacksim.Call) bool { return !c.Done })
		})
		return fates(s)
	}
	calm, first, again, other := run(5, false), run(5, true), run(5, true), run(6, true)
	if len(calm) < 24 || !strings.Contains(fmt.Sprint(calm), "drop_after") || !strings.Contains(fmt.Sprint(calm),
		"rate_limited") {
		t.Fatalf("too few faults to compare: %v", calm)
	}
	for key := range maps.Keys(calm) {
		if !reflect.DeepEqual(calm[key], first[key]) || !reflect.DeepEqual(first[key], again[key]) {
			t.Errorf("%s: one after another %v, at once %v and %v", key, calm[key], first[key], again[key])
		}
	}
	if reflect.DeepEqual(first, other) {
		t.Error("another seed gave the same run")
	}
}

// TestTheSameSeedGivesTheSameFaultsToConcurrentEnvelopes compares which events come twice, and which acks are lost.
func TestTheSameSeedGivesTheSameFaultsToConcurrentEnvelopes(t *testing.T) {
	run := func(seed uint64) map[string]int {
		s, base := crowd(t, slacksim.Options{Seed: seed, Events: []string{"message.channels"},
			Faults:     slacksim.Faults{Duplicate: 0.3, AckLost: 0.2},
			AckTimeout: 300 * time.Millisecond, RetryDelays: [3]time.Duration{time.Millisecond, time.Millisecond,
				time.Millisecond}})
		var mu sync.Mutex
		got := map[string]int{} // channel and text -> how often it came
		for range 2 {
			connect(t, s, base, func(a *app, e socketmode.Event) {
				ack(a, e)
				if d, ok := e.Data.(slackevents.EventsAPIEvent); ok {
					m := d.InnerEvent.Data.(*slackevents.MessageEvent)
					mu.Lock()
					got[m.Channel+" "+m.Text]++
					mu.Unlock()
				}
			})
		}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for n := range 4 {
					_, _ = s.Post(fmt.Sprintf("U%d", i), fmt.Sprintf("C%d", i), fmt.Sprint(n), "")
				}
			})
		}
		wg.Wait()
		quiet(t, s)
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(got)
	}
	first, again := run(3), run(3)
	if len(first) != 32 || !reflect.DeepEqual(first, again) {
		t.Errorf("32 events came %v and %v", first, again)
	}
	if !slices.ContainsFunc(slices.Collect(maps.Values(first)), func(n int) bool { return n > 1 }) {
		t.Error("no event came twice")
	}
}

// quiet waits until no ack has come for longer than an event takes to be repeated.
func quiet(t *testing.T, s *slacksim.Server) {
	t.Helper()
	for {
		n := len(s.Acks())
		still, cancel := ctxFor(t, 800*time.Millisecond)
		err := s.Wait(still, func(w *slacksim.Snapshot) bool { return len(w.Acks()) > n })
		cancel()
		if err != nil {
			return
		}
	}
}

func TestARuleShiftsNoRandomFault(t *testing.T) {
	run := func(rules ...slacksim.Rule) []string {
		s, base := workspace(t, slacksim.Options{Seed: 9, Faults: slacksim.Faults{ErrorBefore: 0.5, Rules: rules}})
		for range 20 {
			_, _ = do(t, request(t, "POST", base+"/api/auth.test", formType, "token=xoxb-sim"))
			_, _ = do(t, request(t, "POST", base+"/api/team.info", formType, "token=xoxb-sim"))
		}
		var l []string
		for _, c := range s.Calls() {
			if c.Method == "auth.test" {
				l = append(l, string(c.Fault))
			}
		}
		return l
	}
	plain := run()
	ruled := run(slacksim.Rule{Method: "auth.test", Kind: slacksim.FaultRateLimited, Skip: 2, Times: 3})
	if !reflect.DeepEqual(plain[:2], ruled[:2]) || !reflect.DeepEqual(plain[5:], ruled[5:]) ||
		ruled[3] != "rate_limited" {
		t.Errorf("without %v, with a rule %v", plain, ruled)
	}
}
