package main

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// machineTime moves what the clocks of the bot's machine and of Redis say, which count the distances
// at which something is tried again. They stay together, as NTP keeps them.
type machineTime struct {
	s     *stage
	ahead atomic.Int64
	wrong atomic.Int64 // by how much the bot's machine differs from Redis's
}

func newMachineTime(s *stage) *machineTime {
	m := &machineTime{s: s}
	s.machine = m
	off := func(t time.Time) time.Time { return t.Add(time.Duration(m.wrong.Load())) }
	s.real, s.now = func() time.Time { return off(m.now()) }, func() time.Time { return off(s.clock.Now()) }
	o := serve.StoreOptions(s.cfg, zerolog.Nop())
	o.RealNow = m.now
	s.reader = storetest.OpenWith(s.t, o)
	done := make(chan struct{})
	s.t.Cleanup(func() { close(done) })
	go func() {
		for tick := time.NewTicker(50 * time.Millisecond); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				s.redis.SetTime(m.now())
			}
		}
	}()
	return m
}

func (m *machineTime) now() time.Time { return realTime().Add(time.Duration(m.ahead.Load())) }

// runs moves the machines only.
func (m *machineTime) runs(d time.Duration) {
	m.ahead.Add(int64(d))
	m.s.redis.SetTime(m.now())
}

// pass moves the machines and, with them, the time that people see.
func (m *machineTime) pass(d time.Duration) {
	m.runs(d)
	m.s.clock.Forward(d)
}

// saidIn counts what a conversation holds of messages with these words that are no answers.
func (s *stage) saidIn(room, words string) (n int) {
	for _, m := range s.slack.Messages(room) {
		if m.EphemeralTo == "" && !m.Deleted && strings.Contains(m.Text+string(m.Blocks), words) {
			n++
		}
	}
	return n
}

// tries counts for each how often Slack refused their card of the only request.
func (s *stage) tries(people []string) map[string]int {
	s.t.Helper()
	n := map[string]int{}
	open, err := s.reader.Open(s.ctx, accountID)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, id := range open {
		places, err := s.reader.Places(s.ctx, id)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, who := range people {
			if f := places[workflows.PlaceName("main", who)].Refused; f != nil && workflows.HasLetter(id,
				workflows.LetterAccess) {
				n[who] = f.Tries
			} else if workflows.HasLetter(id, workflows.LetterAccess) {
				n[who] = 0
			}
		}
	}
	return n
}

// Slack takes no card for an hour. Those who wait find their cards, buttons included, in mine and at
// Home; others hear once, with the reason; and when Slack takes them again they come by themselves,
// once each.
func TestCardsRefusedForAnHourAreToldAndComeByThemselves(t *testing.T) {
	for name, c := range map[string]struct {
		refuse, take func(s *stage)
		missed       []string // who gets no card
		hear         func(s *stage) []string
		whom, again  string // cannot be reached, and is
		why          string
	}{
		"the tab is off": {
			refuse: func(s *stage) { s.slack.SetMessagesTab(false) },
			take:   func(s *stage) { s.slack.SetMessagesTab(true) },
			missed: []string{ana, ben, cat, dee},
			hear:   func(*stage) []string { return []string{opsRoom} },
			whom:   "anybody by direct message",
			again:  "everybody",
			why:    "Messages tab is switched off",
		},
		"one person takes none": {
			refuse: func(s *stage) {
				for _, method := range []string{"chat.postMessage", "conversations.open"} {
					s.slack.InjectFault(slacksim.Rule{Method: method, About: ben, Kind: slacksim.FaultAPIError,
						Reason: "restricted_action"})
				}
			},
			take:   func(s *stage) { s.slack.ClearFaults() },
			missed: []string{ben},
			hear:   func(s *stage) []string { return []string{s.slack.DM(ana), s.slack.DM(dee)} },
			whom:   "<@" + ben + ">",
			again:  "<@" + ben + ">",
			why:    "settings of this Slack do not let the app write to them",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, options{})
			machine := newMachineTime(s)
			s.bot(t)
			c.refuse(s)
			if res := s.askAccess(ana, map[string]map[string]any{"email": field("email", "noor@acme.example"),
				"change": field("change", "remove"), "reason": field("reason", "Has left")}); res.Error != "" {
				t.Fatalf("asked: %+v", res)
			}
			s.until("Ben's card in mine, buttons included", func() bool {
				res, err := s.slack.SlashCommand(s.ctx, ben, opsRoom, "/io", "mine")
				return err == nil && strings.Contains(string(res.Blocks), `"access.approve"`)
			})
			if err := s.slack.OpenHome(s.ctx, ben); err != nil {
				t.Fatal(err)
			}
			s.until("Ben's card at Home, buttons included", func() bool {
				v, ok := s.slack.Home(ben)
				return ok && strings.Contains(string(v.Blocks), `"access.approve"`)
			})
			pass := func(d time.Duration) { // each is longer than the distance to the next try
				t.Helper()
				before := s.tries(c.missed)
				machine.pass(d)
				s.until("another try for each", func() bool {
					for who, n := range s.tries(c.missed) {
						if n <= before[who] {
							return false
						}
					}
					return true
				})
			}
			pass(30 * time.Minute)
			pass(31 * time.Minute)
			s.until("those who can mend it to hear why", func() bool {
				return !slices.ContainsFunc(c.hear(s), func(room string) bool {
					return s.saidIn(room, "cannot reach "+c.whom) != 1 || s.saidIn(room, c.why) != 1
				})
			})
			for range 3 { // it is tried again, and told no more
				pass(2 * time.Hour)
				s.until("Ben's card to be wanted still", func() bool {
					res, err := s.slack.SlashCommand(s.ctx, ben, opsRoom, "/io", "mine")
					return err == nil && strings.Contains(string(res.Blocks), `"access.approve"`)
				})
			}
			c.take(s)
			machine.pass(7 * time.Hour)
			for _, who := range c.missed {
				s.until(who+"'s card", func() bool {
					return who == ana && s.hasCard(ana, "Remove noor@acme.example") || s.has(who, "access.approve")
				})
			}
			s.until("that it is mended to be said where it was told", func() bool {
				return !slices.ContainsFunc(c.hear(s), func(room string) bool {
					return s.saidIn(room, "reaches "+c.again+" again") != 1 || s.saidIn(room, "cannot reach") != 0
				})
			})
			s.press(ben, "access.approve")
			s.until("the removal", func() bool { _, there := s.user("noor@acme.example"); return !there })
			s.onceEach()
		})
	}
}
