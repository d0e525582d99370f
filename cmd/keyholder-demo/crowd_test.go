package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// crowd are twenty holders of the mailbox.
func crowd() []string {
	var out []string
	for i := range 20 {
		out = append(out, fmt.Sprintf("U0HOLDER%02d", i+1))
	}
	return out
}

// crowded is the configuration with twenty holders.
func crowded(yaml string) string {
	all := strings.Join(crowd(), ", ")
	return strings.NewReplacer("holders: [U0ANA, U0BEN, U0CAT]", "holders: ["+all+"]", "custodians: [U0ANA, U0BEN]",
		"custodians: [U0HOLDER01, U0HOLDER02]",
		"cooldown: 30s", "cooldown: 1s", "watch_every: 2s", "watch_every: 1s").Replace(yaml)
}

// accepted lets the mailbox be a user of the account already, so that a transfer begins with the confirmation.
func (s *stage) accepted() {
	s.account().Production().AddUser(integratorsim.User{Email: aliasEmail, Name: "Celigo mailbox", Role: "monitor"})
}

// private lists what a person was told for their eyes only: ephemeral messages, and direct messages that are no cards.
func (s *stage) private(who string) []slacksim.Message {
	var out []slacksim.Message
	dm := s.slack.DM(who)
	for _, m := range s.slack.AllMessages() {
		if m.EphemeralTo == who || (dm != "" && m.Channel == dm && m.EphemeralTo == "" && len(m.Metadata) == 0 &&
			m.BotID != "") {
			out = append(out, m)
		}
	}
	return out
}

func TestOfTwentyWhoClickAtOnceTwoDecide(t *testing.T) {
	for _, c := range []struct {
		name string
		bots int
	}{{"one process", 1}, {"two replicas", 2}} {
		t.Run(c.name, func(t *testing.T) {
			s := prepare(t, options{edit: crowded})
			for _, id := range crowd() {
				s.slack.AddUser(slacksim.User{ID: id, RealName: "Holder " + id[len(id)-2:], Email: strings.ToLower(id) +
					"@acme.example"})
			}
			s.accepted()
			for range c.bots {
				s.bot(t)
			}
			s.insistRequest(dee, toAlias())
			type where struct{ channel, ts, block string }
			cards := map[string]where{}
			for _, who := range crowd() {
				s.until(who+"'s button", func() bool {
					m, block, ok := s.button(who, "transfer.confirm")
					cards[who] = where{m.Channel, m.TS, block}
					return ok
				})
			}
			var all sync.WaitGroup
			failed := make(chan string, len(cards))
			for _, who := range crowd() {
				all.Go(func() {
					at := cards[who]
					if _, err := s.slack.Click(s.ctx, who, at.channel, at.ts, at.block,
						"transfer.confirm"); err != nil {
						failed <- fmt.Sprintf("%s: %v", who, err)
					}
				})
			}
			all.Wait()
			close(failed)
			for f := range failed {
				t.Errorf("a click was not acknowledged: %s", f)
			}
			s.until("the invitation", func() bool { return s.pending() == 1 })
			got := votes(s.record())
			if len(got) != 2 || got[0] == got[1] {
				t.Errorf("recorded votes are of %v, want two people", got)
			}
			for _, who := range crowd() {
				if slices.Contains(got, who) {
					continue
				}
				s.until(who+" to be told privately", func() bool { return len(s.private(who)) > 0 })
				// On a slow machine the last of twenty may be past the time in which Slack can be answered.
				if text := s.private(who)[0].Text; !strings.Contains(text, "othing was recorded") &&
					!strings.Contains(text, "not confirmed") {
					t.Errorf("%s is told %q, which does not say what is recorded", who, text)
				}
			}
			s.insistPress(crowd()[7], "transfer.accept")
			s.acceptOwnership(aliasEmail)
			s.until("the news in the channel", func() bool {
				return slices.ContainsFunc(s.slack.Messages(opsRoom), func(m slacksim.Message) bool {
					return strings.Contains(m.Text, "now belongs to "+aliasEmail)
				})
			})
			s.oneInvitation()
			s.onceEach()
		})
	}
}

// redisURL is where this stage's bots keep the record.
func (s *stage) redisURL() string { return s.cfg.RedisURL() }

// record verifies and reads the whole record.
func (s *stage) record() []recorded {
	s.t.Helper()
	if s.path == "" {
		s.path = s.configFile(s.edit)
	}
	return s.export(s.path, s.redisURL())
}
