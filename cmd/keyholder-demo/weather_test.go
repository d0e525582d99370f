package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// survives hands the account over in bad weather and compares what is left with what one calm transfer leaves.
func survives(t *testing.T, o options, weather func(s *stage)) {
	t.Helper()
	s := prepare(t, o)
	weather(s)
	s.bot(t)
	s.handOver()
	s.oneInvitation()
	s.onceEach()
	got := votes(s.record())
	if len(got) != 2 || got[0] == got[1] {
		t.Errorf("recorded votes are of %v, want ana and ben once each", got)
	}
}

// TestSlackMisbehavesAndEverythingArrivesOnce lets calls of the Web API fail in every way, each
// several times in one transfer.
func TestSlackMisbehavesAndEverythingArrivesOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []slacksim.FaultKind{slacksim.FaultRateLimited, slacksim.FaultRateLimitedBare,
		slacksim.FaultErrorBefore, slacksim.FaultErrorAfter,
		slacksim.FaultHang, slacksim.FaultHangAfter, slacksim.FaultDrop, slacksim.FaultDropAfter, slacksim.FaultLate,
		slacksim.FaultAPIError} {
		methods := []string{"chat.postMessage", "*"}
		switch {
		case sampled():
			methods = methods[:1]
		case thorough():
			methods = append(methods, "chat.update", "users.info", "views.open", "conversations.*")
		}
		for _, method := range methods {
			t.Run(string(kind)+" "+method, func(t *testing.T) {
				t.Parallel()
				survives(t, options{}, func(s *stage) {
					s.slack.InjectFault(slacksim.Rule{Method: method, Kind: kind, Skip: 1, Times: 2})
					s.slack.InjectFault(slacksim.Rule{Method: method, Kind: kind, Skip: 6, Times: 1})
				})
			})
		}
	}
}

// TestTheSocketBreaksAndNoClickIsLost breaks the connection around envelopes.
func TestTheSocketBreaksAndNoClickIsLost(t *testing.T) {
	t.Parallel()
	for _, kind := range []slacksim.FaultKind{slacksim.FaultNoConnection, slacksim.FaultLost, slacksim.FaultSocketDrop,
		slacksim.FaultSocketDisconnect,
		slacksim.FaultAckLost, slacksim.FaultSocketLate} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			survives(t, options{}, func(s *stage) {
				s.slack.InjectFault(slacksim.Rule{Method: "interactive", Kind: kind, Times: 1})
				s.slack.InjectFault(slacksim.Rule{Method: "interactive", Kind: kind, Skip: 3, Times: 2})
				s.slack.InjectFault(slacksim.Rule{Method: "slash_commands", Kind: kind, Times: 1})
			})
		})
	}
	t.Run("refreshed and cut at each step", func(t *testing.T) {
		t.Parallel()
		s := start(t, options{})
		again := []func(){func() { s.slack.Disconnect("refresh_requested") }, func() {
			s.slack.DropConnections()
		}, func() { s.slack.DisconnectOne("refresh_requested") }}
		i := 0
		shake := func() { again[i%len(again)](); i++ }
		s.insistRequest(dee, toAlias())
		shake()
		s.insistPress(ana, "transfer.claim")
		shake()
		s.signUp(aliasEmail)
		s.until("ana's button", func() bool { _, _, ok := s.button(ana, "transfer.confirm"); return ok })
		shake()
		s.insistPress(ana, "transfer.confirm")
		shake()
		s.insistPress(ben, "transfer.confirm")
		shake()
		s.insistPress(cat, "transfer.accept")
		shake()
		s.acceptOwnership(aliasEmail)
		shake()
		s.insistSettle(ben)
		s.allEnded()
		s.oneInvitation()
		s.onceEach()
	})
}

// TestIntegratorMisbehavesAndIsAskedOnce lets each call to integrator.io fail in every way.
func TestIntegratorMisbehavesAndIsAskedOnce(t *testing.T) {
	t.Parallel()
	type route struct{ name, method, path string }
	routes := []route{{"any", "", ""}, {"invite owner", "POST", "/v1/transfers/invite"},
		{"invite user", "POST", "/v1/invite"},
		{"users", "GET", "/v1/ashares"}, {"transfers", "GET", "/v1/transfers"}}
	kinds := []integratorsim.FaultKind{integratorsim.FaultStatus, integratorsim.FaultAfter,
		integratorsim.FaultRateLimited, integratorsim.FaultRateBare,
		integratorsim.FaultHang, integratorsim.FaultHangAfter, integratorsim.FaultSlow, integratorsim.FaultDrop,
		integratorsim.FaultDropAfter,
		integratorsim.FaultTruncated, integratorsim.FaultStale}
	for _, r := range routes {
		for _, kind := range kinds {
			if r.name != "invite owner" && (sampled() || r.name != "any" && !thorough()) {
				continue
			}
			t.Run(r.name+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				survives(t, options{}, func(s *stage) {
					for _, skip := range []int{0, 2} {
						if _, err := s.integrator.AddFault(integratorsim.Fault{Method: r.method, Path: r.path,
							Kind: kind, Skip: skip, Times: 2}); err != nil {
							t.Fatal(err)
						}
					}
				})
			})
		}
	}
}

// envSeeds is how many seeds of bad weather are tried; set, it also asks for every combination of faults.
const envSeeds = "KEYHOLDER_SEEDS"

// thorough reports whether time matters less than completeness.
func thorough() bool { return os.Getenv(envSeeds) != "" }

// sampled reports whether a part of the combinations has to do.
func sampled() bool { return !thorough() && (testing.Short() || raceDetector) }

// seeds is how many seeds are tried: by default, where a part has to do, or as many as are asked for.
func seeds(usual, few int) int {
	if n, err := strconv.Atoi(os.Getenv(envSeeds)); err == nil {
		return n
	}
	if sampled() {
		return few
	}
	return usual
}

// TestBothServicesMisbehaveAtRandom is a transfer for each seed.
func TestBothServicesMisbehaveAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range seeds(6, 2) {
		t.Run(fmt.Sprintf("seed-%d", seed+1), func(t *testing.T) {
			t.Parallel()
			survives(t, options{seed: uint64(seed + 1), faults: true}, func(*stage) {})
		})
	}
}

// told waits for a private text after the first n and answers it.
func (s *stage) told(who string, n int) string {
	s.t.Helper()
	s.until(who+" to be told privately", func() bool { return len(s.private(who)) > n })
	return s.private(who)[n].Text
}

// TestRedisAwayOrSilentPeopleKnowWhatIsRecorded cuts and mutes Redis at a click.
func TestRedisAwayOrSilentPeopleKnowWhatIsRecorded(t *testing.T) {
	t.Parallel()
	redis := many(t)
	newStage := func(t *testing.T) (*stage, *redisProxy) {
		p := proxyRedis(t, redis.Addr)
		s := prepare(t, options{redisURL: p.url(int(databases.Add(1)))})
		s.accepted()
		s.bot(t)
		s.insistRequest(dee, toAlias())
		for _, who := range []string{ana, ben, cat} {
			s.until(who+"'s button", func() bool { _, _, ok := s.button(who, "transfer.confirm"); return ok })
		}
		return s, p
	}
	click := func(s *stage, who string) (string, error) {
		n := len(s.private(who))
		m, block, _ := s.button(who, "transfer.confirm")
		_, err := s.slack.Click(s.ctx, who, m.Channel, m.TS, block, "transfer.confirm")
		return s.told(who, n), err
	}
	finish := func(s *stage) {
		s.insistVote(ana)
		s.insistVote(ben)
		s.insistPress(cat, "transfer.accept")
		s.acceptOwnership(aliasEmail)
		s.insistSettle(ben)
		s.oneInvitation()
		s.onceEach()
		if got := votes(s.record()); len(got) != 2 || got[0] == got[1] {
			s.t.Errorf("recorded votes are of %v, want ana and ben once each", got)
		}
	}
	t.Run("away", func(t *testing.T) {
		t.Parallel()
		s, p := newStage(t)
		p.goAway()
		text, err := click(s, ana)
		if err != nil || !strings.Contains(text, "nothing was recorded") {
			t.Errorf("with Redis away ana is told %q (%v), want that nothing was recorded", text, err)
		}
		p.back()
		finish(s)
	})
	t.Run("silent for ten seconds", func(t *testing.T) {
		t.Parallel()
		s, p := newStage(t)
		p.on(func([]string) int { return swallow }, nil)
		since := time.Now()
		text, err := click(s, ana)
		if err != nil || !(strings.Contains(text, "not confirmed") || strings.Contains(text, "othing was recorded")) {
			t.Errorf("with Redis silent ana is told %q (%v), want what is recorded", text, err)
		}
		// The point is that it is silent for long; nothing can be waited for meanwhile.
		timer := time.NewTimer(10*time.Second - time.Since(since))
		<-timer.C
		p.on(nil, nil)
		p.cut()
		finish(s)
	})
	t.Run("silent at the commit", func(t *testing.T) {
		t.Parallel()
		s, p := newStage(t)
		p.on(func(args []string) int {
			if isCommit(args) {
				return swallow
			}
			return pass
		}, nil)
		text, err := click(s, ana)
		// It may stand in the record as far as anybody can know; on a slow machine the time was up before the commit.
		if err != nil || !strings.Contains(text, "not confirmed") && !strings.Contains(text, "othing was recorded") {
			t.Errorf("with the commit unanswered ana is told %q (%v), want that it is not confirmed", text, err)
		}
		p.on(nil, nil)
		finish(s)
	})
	t.Run("the answer to the commit is lost", func(t *testing.T) {
		t.Parallel()
		s, p := newStage(t)
		lost := false
		p.on(func(args []string) int {
			if isCommit(args) && !lost {
				lost = true
				return loseAfter
			}
			return pass
		}, nil)
		m, block, _ := s.button(ana, "transfer.confirm")
		if _, err := s.slack.Click(s.ctx, ana, m.Channel, m.TS, block, "transfer.confirm"); err != nil {
			t.Errorf("the click was not acknowledged: %v", err)
		}
		s.insistVote(ana)
		if !lost {
			t.Error("no commit was seen, so no answer was lost")
		}
		finish(s)
	})
	t.Run("restarted", func(t *testing.T) {
		t.Parallel()
		own := many(t)
		p := proxyRedis(t, own.Addr)
		s := prepare(t, options{redisURL: p.url(0)})
		s.accepted()
		s.bot(t)
		s.insistRequest(dee, toAlias())
		s.insistVote(ana)
		if err := own.Restart(); err != nil {
			t.Fatal(err)
		}
		finish(s)
	})
}
