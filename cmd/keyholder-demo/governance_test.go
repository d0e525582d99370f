package main

import (
	"strings"
	"testing"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// channelHeard are the messages of the operations channel that hold a text.
func (s *stage) channelHeard(text string) (found []slacksim.Message) {
	for _, m := range s.slack.Messages(opsRoom) {
		if strings.Contains(m.Text+string(m.Blocks), text) {
			found = append(found, m)
		}
	}
	return found
}

// Whoever changes the configuration cannot do so in silence: the channel hears it once, however
// often and on however many machines the bot starts.
func TestAChangeOfRulesIsToldToTheChannelOnce(t *testing.T) {
	s := prepare(t, options{})
	stop := s.bot(t)
	stop()
	s.until("the first bot to be gone", func() bool { return s.slack.Connections() == 0 })
	if got := s.channelHeard("have changed"); len(got) > 0 {
		t.Errorf("the first start told the channel: %+v", got)
	}
	edited := strings.Replace(quick(file), "admins: [U0DEE]", "admins: [U0DEE, U0OLI]", 1)
	if err := s.configure(options{redisURL: "redis://" + s.redis.Addr() + "/0", edit: func(string) string {
		return strings.ReplaceAll(edited, "INTEGRATOR", "http://"+s.integratorListener.Addr().String())
	}}); err != nil {
		t.Fatal(err)
	}
	s.bot(t)
	s.bot(t)
	s.until("the channel to hear of the change", func() bool { return len(s.channelHeard("have changed")) > 0 })
	s.slash(dee, "status acme") // both bots have recorded what they started with before they connect
	if got := s.channelHeard("have changed"); len(got) != 1 || !strings.Contains(string(got[0].Blocks),
		"before \\u003c@U0DEE\\u003e; now") && !strings.Contains(string(got[0].Blocks), "before <@U0DEE>; now") {
		t.Errorf("the channel was told %d times: %+v", len(got), got)
	}
}
