package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
)

// proofs is a world in which the votes that matter ask for a proof.
func proofs() options { return options{identityListen: "127.0.0.1:0"} }

var codeShown = regexp.MustCompile(`the code \*([A-Z2-7]{4}-[A-Z2-7]{4})\*`)

// codes are all that somebody was shown, privately, in the order they came.
func (s *stage) codes(who string) []string {
	var out []string
	for _, m := range s.private(who) {
		for _, c := range codeShown.FindAllStringSubmatch(m.Text, -1) {
			if !slices.Contains(out, c[1]) {
				out = append(out, c[1])
			}
		}
	}
	return out
}

// askedAgain waits until somebody is shown a code that is not one of those before.
func (s *stage) askedAgain(who string, before []string) string {
	s.t.Helper()
	var code string
	s.until(who+" to be asked who they are", func() bool {
		for _, c := range s.codes(who) {
			if !slices.Contains(before, c) {
				code = c
			}
		}
		return code != ""
	})
	return code
}

// proves has a person press a button, and somebody answer with their passkey.
func (s *stage) proves(who, action, email string) {
	s.t.Helper()
	before := s.codes(who)
	s.press(who, action)
	if err := s.identity.Answer(s.askedAgain(who, before), email, true, time.Time{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) hears(who, text string) {
	s.t.Helper()
	s.until(who+" to hear "+text, func() bool {
		for _, m := range s.private(who) {
			if strings.Contains(m.Text, text) {
				return true
			}
		}
		return false
	})
}

// TestAStolenSlackSessionDecidesNothing has somebody act with Ana's Slack and a passkey of their own.
func TestAStolenSlackSessionDecidesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, proofs())
	s.accepted()
	if res := s.request(dee, toAlias()); len(res.Errors) > 0 || res.Error != "" {
		t.Fatalf("the form was refused: %+v", res)
	}
	s.proves(ana, "transfer.confirm", "ben@acme.example")
	s.hears(ana, "is not you")
	before := s.codes(ana)
	if text := s.slash(ana, "delegate <@"+ben+">"); text != "" {
		t.Errorf("delegating was answered %q before any proof", text)
	}
	if err := s.identity.Answer(s.askedAgain(ana, before), "ben@acme.example", true, time.Time{}); err != nil {
		t.Fatal(err)
	}
	s.until("both proofs to be refused", func() bool {
		n := 0
		for _, m := range s.private(ana) {
			n += strings.Count(m.Text, "is not you")
		}
		return n == 2
	})
	if strings.Contains(s.card(ana), "confirmed") || strings.Contains(s.card(cat), "confirmed") {
		t.Fatalf("a vote counts: %s", s.card(cat))
	}
	// Ana herself, and Ben: both are on the card with their proof, and in the story.
	s.proves(ana, "transfer.confirm", "ana@acme.example")
	s.says(cat, "<@U0ANA> confirmed (")
	s.proves(ben, "transfer.confirm", "ben@acme.example")
	s.says(cat, "<@U0BEN> confirmed (")
	if n := strings.Count(s.card(cat), ", with proof)"); n < 2 {
		t.Errorf("the card says %d times that a proof came: %s", n, s.card(cat))
	}
	id := transferID(t, s)
	if story := s.slash(dee, "audit "+id); strings.Count(story, "confirmed. (with proof)") != 2 {
		t.Errorf("the story: %s", story)
	}
}

// TestADelegateProvesWhoTheyAre: Oli decides in Cat's place, and it is Oli who has to show who they are.
func TestADelegateProvesWhoTheyAre(t *testing.T) {
	t.Parallel()
	s := start(t, proofs())
	s.accepted()
	s.slash(cat, "delegate <@"+oli+">")
	if err := s.identity.Answer(s.askedAgain(cat, nil), "cat@acme.example", true, time.Time{}); err != nil {
		t.Fatal(err)
	}
	s.hears(cat, oli)
	s.request(dee, toAlias())
	s.proves(oli, "transfer.confirm", "cat@acme.example")
	s.hears(oli, "is not you")
	if strings.Contains(s.card(ana), "confirmed (") {
		t.Fatalf("a vote counts by the proof of the one they stand for: %s", s.card(ana))
	}
	s.proves(oli, "transfer.confirm", "oli@acme.example")
	s.says(ana, "<@U0OLI>")
	s.says(ana, "with proof)")
}

var someTransfer = regexp.MustCompile(`t\d\d-[0-9A-Z]{8}`)

// transferID is the ID at the foot of Cat's card.
func transferID(t *testing.T, s *stage) string {
	t.Helper()
	id := someTransfer.FindString(s.card(cat))
	if id == "" {
		t.Fatalf("no ID on the card: %s", s.card(cat))
	}
	return id
}

// TestKilledBetweenClickAndProofNothingIsRecorded kills the real program while it waits for Ana's passkey.
func TestKilledBetweenClickAndProofNothingIsRecorded(t *testing.T) {
	t.Parallel()
	o := proofs()
	o.from = realTime()
	s := prepare(t, o)
	s.accepted()
	s.more = []string{config.EnvSealKey + "="}
	path, log := s.configFile(quick), &buffer{}
	run := func() *child {
		c, err := s.spawn(path, s.redisURL(), log)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := run()
	s.until("the program to connect", func() bool { return s.slack.Connections() > 0 })
	s.request(dee, toAlias())
	before := s.codes(ana)
	s.press(ana, "transfer.confirm")
	code := s.askedAgain(ana, before)
	c.kill()
	if err := s.identity.Answer(code, "ana@acme.example", true, time.Time{}); err != nil {
		t.Fatal(err)
	}
	polls := s.identity.Polls()
	c = run()
	defer c.kill()
	// Whoever is there next tells her, once; what Redis knows of it shows nothing.
	s.hears(ana, "what you showed or would have shown is lost")
	s.proves(ana, "transfer.confirm", "ana@acme.example")
	s.says(cat, "<@U0ANA> confirmed (")
	if s.identity.Polls() == polls {
		t.Error("nothing was asked anew")
	}
	if got := votes(s.export(path, s.redisURL())); !slices.Equal(got, []string{ana}) {
		t.Errorf("the record has the votes %v", got)
	}
	for _, secret := range append(s.codes(ana), s.tokens()...) {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// TestTwoReplicasAskOnceAndTellOfWhatIsLost: two bots on one Redis, each of which gets some of Ana's clicks.
func TestTwoReplicasAskOnceAndTellOfWhatIsLost(t *testing.T) {
	t.Parallel()
	s := prepare(t, proofs())
	one, two := s.bot(t), s.bot(t)
	s.accepted()
	s.request(dee, toAlias())
	s.press(ana, "transfer.confirm")
	code := s.askedAgain(ana, nil)
	heard := func(text string) (n int) {
		for _, m := range s.private(ana) {
			n += strings.Count(m.Text, text)
		}
		return n
	}
	const again = 6
	for n := range again {
		if n%2 == 0 {
			s.press(ana, "transfer.confirm")
		} else if text := s.slash(ana, "delegate <@"+ben+">"); text != "" {
			t.Fatalf("delegating was answered %q before any proof", text)
		}
		s.until("the other click to be refused", func() bool {
			return heard("This was not taken: you are being asked who you are for something else.") == n+1
		})
	}
	if got := s.codes(ana); !slices.Equal(got, []string{code}) || strings.Contains(s.redis.Dump(), code) {
		t.Errorf("shown: %q; what Redis holds must not show it", got)
	}
	// Both end in order: she is told before they do, and nobody tells her again.
	one()
	two()
	s.hears(ana, "what you showed or would have shown is lost")
	if strings.Contains(s.redis.Dump(), ":asked") {
		t.Error("somebody would tell her again")
	}
	s.until("Slack to see that both are gone", func() bool { return s.slack.Connections() == 0 })
	s.bot(t)
	s.proves(ana, "transfer.confirm", "ana@acme.example")
	s.says(cat, "<@U0ANA> confirmed (")
	if n := heard("is lost"); n != 1 {
		t.Errorf("told %d times", n)
	}
}
