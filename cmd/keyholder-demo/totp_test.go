package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/workflows/authenticator"
)

// byCodes is a world in which the votes that matter ask for a one-time code, and there is no identity provider.
func byCodes() options { return options{codes: true} }

// phone is somebody's authenticator app.
type phone struct {
	secret string
	first  string // the code that showed, at the setting up, that the app works
}

// shows is the code of a moment; steps moves it by half a minute each. One of before is taken until the
// present one is over, so it is only shown while there is time to send it.
func (p phone) shows(t testing.TB, steps int) string {
	t.Helper()
	if left := codeLeft(); steps < 0 && left < 8*time.Second {
		time.Sleep(left)
	}
	code, err := appShows(p.secret, steps)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

var keyShown = regexp.MustCompile("`((?:[A-Z2-7]{4} ?){8})`")

// open is the newest form that somebody sees.
func (s *stage) openForm(who string) slacksim.View {
	s.t.Helper()
	s.until(who+"'s form", func() bool { return len(s.slack.Views(who)) > 0 })
	views := s.slack.Views(who)
	return views[len(views)-1]
}

// types sends a code with the newest form.
func (s *stage) types(who, code string) slacksim.SubmitResult {
	s.t.Helper()
	return s.typesInto(who, s.openForm(who).ID, code)
}

func (s *stage) typesInto(who, view, code string) slacksim.SubmitResult {
	s.t.Helper()
	res, err := s.slack.SubmitView(s.ctx, who, view, map[string]map[string]any{"code": {"code": code}})
	if err != nil {
		s.t.Fatalf("%s types a code: %v", who, err)
	}
	return res
}

// setsUp has somebody set up an app from a Slack session, which may be a stolen one.
func (s *stage) setsUp(who string) phone {
	s.t.Helper()
	s.slash(who, "step-up")
	view := s.openForm(who)
	m := keyShown.FindStringSubmatch(string(view.Blocks))
	if m == nil {
		s.t.Fatalf("the form shows no key: %s", view.Blocks)
	}
	return s.scans(who, strings.ReplaceAll(m[1], " ", ""))
}

// setsUpProven has them show who they are at the provider first, by as many replicas as ask for it.
func (s *stage) setsUpProven(who string) phone {
	s.t.Helper()
	var shown []string
	s.until("the form of "+who, func() bool {
		s.slash(who, "step-up")
		s.until("a question or the form", func() bool {
			return len(s.slack.Views(who)) > 0 || len(s.codes(who)) > len(shown)
		})
		for _, code := range s.codes(who) {
			if slices.Contains(shown, code) {
				continue
			}
			shown = append(shown, code)
			if err := s.identity.Answer(code, strings.ToLower(who[len("U0"):])+"@acme.example", true,
				time.Time{}); err != nil {
				s.t.Fatal(err)
			}
			s.until("the proof to be taken", func() bool { // by the form, where Slack still lets it be opened
				told := 0
				for _, m := range s.private(who) {
					told += strings.Count(m.Text, "That shows who you are.")
				}
				return told == len(shown) || len(s.slack.Views(who)) > 0
			})
		}
		return len(s.slack.Views(who)) > 0
	})
	m := keyShown.FindStringSubmatch(string(s.openForm(who).Blocks))
	if m == nil {
		s.t.Fatal("the form shows no key")
	}
	return s.scans(who, strings.ReplaceAll(m[1], " ", ""))
}

// scans is the second half of it: the key is in the app, whose code is typed.
func (s *stage) scans(who, secret string) phone {
	s.t.Helper()
	p := phone{secret: secret}
	// The picture comes, and the form knows of it.
	s.until("the picture", func() bool {
		return strings.Contains(string(s.openForm(who).Blocks), "picture is in your")
	})
	if n := len(s.slack.Files()); n != 1 {
		s.t.Errorf("%d files lie at Slack", n)
	}
	// The code before the present one, so that two more are left to use.
	p.first = p.shows(s.t, -1)
	if res := s.types(who, p.first); len(res.Errors) > 0 {
		s.t.Fatalf("the app is not taken: %v", res.Errors)
	}
	s.until("the picture to be deleted", func() bool { return len(s.slack.Files()) == 0 })
	return p
}

// counting sets an app up and has time pass until it counts.
func (s *stage) counting(who string) phone {
	s.t.Helper()
	p := s.setsUp(who)
	s.forward(authenticator.CountsAfter + time.Minute)
	s.counts(who)
	return p
}

func (s *stage) counts(who string) {
	s.t.Helper()
	s.reads(who, "The codes of your authenticator app count")
}

// reads waits until one of somebody's messages says it.
func (s *stage) reads(who, text string) {
	s.t.Helper()
	s.until(who+" to read "+text, func() bool {
		return slices.ContainsFunc(s.slack.Messages(s.slack.DM(who)), func(m slacksim.Message) bool {
			return strings.Contains(m.Text+string(m.Blocks), text)
		})
	})
}

// TestAVoteThatWantsACodeCountsOnceItIsTyped goes the whole way: set up, announced, counting,
// typed, decided; and what does not.
func TestAVoteThatWantsACodeCountsOnceItIsTyped(t *testing.T) {
	t.Parallel()
	s := start(t, byCodes())
	s.accepted()
	s.request(dee, toAlias())
	s.press(ana, "transfer.confirm")
	s.hears(ana, "you have no authenticator app set up. Nothing was recorded.")
	p := s.setsUp(ana)
	s.reads(dee, "set up an authenticator app")
	s.reads(ana, "An authenticator app was set up in your name")
	s.press(ana, "transfer.confirm")
	s.hears(ana, "as soon as an administrator says that it is yours. Nothing was recorded.")
	s.forward(authenticator.CountsAfter + time.Minute)
	s.counts(ana)
	s.press(ana, "transfer.confirm")
	// Wrong, then the one that showed that the app works, then right.
	tries := map[string]string{"000000": "not the code that your app shows"}
	if p.first == p.shows(t, -1) { // else half a minute went by since, and it is not taken for its age
		tries[p.first] = "used already"
	}
	for code, said := range tries {
		if res := s.types(ana, code); !strings.Contains(res.Errors["code"], said) {
			t.Errorf("%q: %+v", said, res)
		}
	}
	view := s.openForm(ana).ID
	right := p.shows(t, 0)
	if res := s.typesInto(ana, view, right); len(res.Errors) > 0 {
		t.Fatalf("the right code: %+v", res)
	}
	s.hears(ana, "Recorded, with proof by one-time code.")
	s.says(cat, "<@U0ANA> confirmed (")
	if !strings.Contains(s.card(cat), ", with proof)") {
		t.Errorf("the card does not say that a proof came: %s", s.card(cat))
	}
	if story := s.slash(dee, "audit "+transferID(t, s)); !strings.Contains(story,
		"confirmed. (with proof by one-time code)") {
		t.Errorf("the story: %s", story)
	}
	s.noneSees(p.secret, right)
}

// holds reports whether a text holds a secret; six digits are only one where they stand alone.
func holds(text, secret string) bool {
	if len(secret) > 6 {
		return strings.Contains(text, secret)
	}
	return regexp.MustCompile(`(^|[^0-9A-Za-z.-])` + secret + `($|[^0-9A-Za-z.-])`).MatchString(text)
}

// noneSees makes sure that what is secret stands in no message, and not in Redis.
func (s *stage) noneSees(secrets ...string) {
	s.t.Helper()
	kept := s.redis.Dump()
	for _, secret := range secrets {
		if holds(kept, secret) {
			s.t.Errorf("Redis holds a secret")
		}
	}
	for _, m := range s.slack.AllMessages() {
		for _, secret := range secrets {
			if holds(m.Text+string(m.Blocks)+string(m.Metadata), secret) {
				s.t.Errorf("a message in %s holds a secret: %s", m.Channel, m.Text)
			}
		}
	}
}

// TestADelegationThatWantsACodeWaitsForIt: what is typed waits as a click does.
func TestADelegationThatWantsACodeWaitsForIt(t *testing.T) {
	t.Parallel()
	s := start(t, byCodes())
	p := s.counting(ana)
	if text := s.slash(ana, "delegate <@"+ben+">"); text != "" {
		t.Errorf("delegating was answered %q before any code", text)
	}
	if res := s.types(ana, p.shows(t, 0)); len(res.Errors) > 0 {
		t.Fatalf("%+v", res)
	}
	s.hears(ana, "may decide in your place")
	// One code serves for a while, as one sign-in does; nobody else.
	if text := s.slash(ana, "delegate off"); !strings.Contains(text, "has ended") {
		t.Errorf("ending it: %q", text)
	}
	if text := s.slash(ana, "delegate <@"+cat+">"); !strings.Contains(text, "may decide in your place") {
		t.Errorf("again, within max_age: %q", text)
	}
	if text := s.slash(ben, "delegate <@"+cat+">"); !strings.Contains(text, "you have no authenticator app set up") {
		t.Errorf("Ben has shown nothing: %q", text)
	}
}

// TestFiveWrongCodesLockAndTwoAdministratorsReset: a thief guesses; then nobody alone, and not the
// person, lets anybody in again.
func TestFiveWrongCodesLockAndTwoAdministratorsReset(t *testing.T) {
	t.Parallel()
	s := start(t, byCodes())
	anas, dees := s.setsUp(ana), s.setsUp(dee)
	cats := s.counting(cat)
	s.counts(ana)
	s.counts(dee)
	s.slash(ana, "delegate <@"+ben+">")
	view := s.openForm(ana).ID
	for range authenticator.MaxWrong {
		s.typesInto(ana, view, "000000")
	}
	if res := s.typesInto(ana, view, anas.shows(t, 1)); !strings.Contains(res.Errors["code"],
		"locked after five wrong codes") {
		t.Fatalf("the sixth try, a right one: %+v", res)
	}
	s.reads(dee, "was locked")
	if err := s.slack.CloseView(s.ctx, ana, view); err != nil {
		t.Fatal(err)
	}
	if text := s.slash(ana, "step-up reset <@"+ana+"> it is me"); !strings.Contains(text,
		"Nobody resets their own app") {
		t.Errorf("Ana: %q", text)
	}
	if text := s.slash(ben, "step-up reset <@"+ana+">"); !strings.Contains(text, "Only administrators") {
		t.Errorf("Ben: %q", text)
	}
	// An administrator's own word wants their own code.
	s.slash(dee, "step-up reset <@"+ana+"> new phone")
	if res := s.types(dee, anas.shows(t, 1)); !strings.Contains(res.Errors["code"], "not the code") {
		t.Errorf("a code of Ana's in Dee's form: %+v", res)
	}
	if res := s.types(dee, dees.shows(t, 1)); len(res.Errors) > 0 {
		t.Fatalf("Dee: %+v", res)
	}
	s.hears(dee, "It takes one more administrator")
	s.pressOn(cat, "Reset the authenticator app", authenticator.ActReset)
	if res := s.types(cat, cats.shows(t, 1)); len(res.Errors) > 0 {
		t.Fatalf("Cat: %+v", res)
	}
	s.reads(ana, "Your authenticator app was reset")
	s.setsUp(ana)
	if text := s.slash(ana, "step-up"); !strings.Contains(text, "It counts from") {
		t.Errorf("after the reset: %q", text)
	}
}

// TestAnAppOutlivesARotatedKeyAndALostOneIsToldWhatToDo restarts Keyholder with the old key second,
// then without it, then with another one.
func TestAnAppOutlivesARotatedKeyAndALostOneIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	s := prepare(t, byCodes())
	stop := s.bot(t)
	again := func(keys ...[]byte) {
		stop()
		s.until("the bot to be gone", func() bool { return s.slack.Connections() == 0 })
		s.cfg.Secrets.SealKeys = keys
		stop = s.bot(t)
	}
	p := s.counting(ana)
	first := s.cfg.Secrets.SealKeys[0]
	second, third := bytes.Repeat([]byte("second!!"), 4), bytes.Repeat([]byte("another."), 4)
	for i, keys := range [][][]byte{{second, first}, {second}} {
		again(keys...)
		if i == 0 {
			s.until("the secret to be sealed anew", func() bool {
				return strings.Contains(s.redis.Dump(), "authenticator.sealed")
			})
		}
		s.slash(ana, "delegate <@"+ben+">")
		if res := s.types(ana, p.shows(t, i)); len(res.Errors) > 0 {
			t.Fatalf("with %d keys: %+v", len(keys), res)
		}
		s.hears(ana, "may decide in your place")
		s.slash(ana, "delegate off")
		if i == 0 {
			s.cfg.StepUp.MaxAge = 1 // a nanosecond: every click wants a code of its own from here on
		}
	}
	again(third)
	if text := s.slash(ana, "delegate <@"+ben+">"); !strings.Contains(text,
		"the key that sealed it (KEYHOLDER_SEAL_KEY) is not there") ||
		!strings.Contains(text, "set up another app with `/io step-up`") {
		t.Errorf("the key is lost: %q", text)
	}
	s.setsUp(ana)
	s.reads(dee, "cannot be read any more")
}

// TestAFormThatWantsACodeIsDecidedWithIt: the form lies below the one for the code, and is decided as it
// was sent.
func TestAFormThatWantsACodeIsDecidedWithIt(t *testing.T) {
	t.Parallel()
	s := prepare(t, byCodes())
	s.cfg.Accounts[0].StepUp = append(s.cfg.Accounts[0].StepUp, "transfer.request")
	s.cfg.StepUp.MaxAge = 1 // a nanosecond: every click wants a code of its own
	s.bot(t)
	s.accepted()
	p := s.counting(dee)
	s.request(dee, toAlias())
	if res := s.types(dee, p.shows(t, 0)); len(res.Errors) > 0 {
		t.Fatalf("%+v", res)
	}
	s.until("the request to be recorded", func() bool {
		return strings.Contains(s.card(ana), "Jane leaves on 5 December")
	})
	if n := len(s.slack.Views(dee)); n != 0 {
		t.Errorf("%d forms are still open", n)
	}
}

// TestCodesAndWrongOnesCountOverReplicasAndKills: the real program, two of it on one Redis, and SIGKILL between the
// form for a code and the answer.
func TestCodesAndWrongOnesCountOverReplicasAndKills(t *testing.T) {
	t.Parallel()
	// With a provider beside it, an app counts at once; what was shown there is of one process alone.
	s := prepare(t, options{codes: true, identityListen: "127.0.0.1:0", from: realTime()})
	s.accepted()
	s.more = []string{config.EnvSealKey + "=" + demoSealKey}
	path, log := s.configFile(quick), &buffer{}
	running := 0
	replica := func() *child {
		c, err := s.spawn(path, s.redisURL(), log)
		if err != nil {
			t.Fatal(err)
		}
		running++
		s.until("the program to connect", func() bool { return s.slack.Connections() == running })
		return c
	}
	kill := func(c *child) {
		c.kill()
		running--
		s.until("Slack to notice", func() bool { return s.slack.Connections() == running })
	}
	one, two := replica(), replica()
	p := s.setsUpProven(ana)
	kill(one)
	kill(two)
	one, two = replica(), replica()
	s.request(dee, toAlias())
	s.slash(ana, "delegate <@"+ben+">")
	lend := s.openForm(ana).ID
	s.press(ana, "transfer.confirm")
	s.until("the other form", func() bool { return s.openForm(ana).ID != lend })
	vote := s.openForm(ana).ID
	for n := 1; n < authenticator.MaxWrong; n++ {
		said := fmt.Sprintf("After %d more wrong ones it is locked.", authenticator.MaxWrong-n)
		if n == authenticator.MaxWrong-1 {
			said = "The next wrong one locks it."
		}
		if res := s.typesInto(ana, vote, "000000"); !strings.Contains(res.Errors["code"], said) {
			t.Fatalf("wrong code %d: %+v", n, res)
		}
		if n == 2 {
			kill(one)
			one = replica()
		}
	}
	// Nobody is there who ever saw the forms.
	kill(one)
	kill(two)
	defer replica().kill()
	right := p.shows(t, 0)
	if res := s.typesInto(ana, vote, right); len(res.Errors) > 0 {
		t.Fatalf("the right code: %+v", res)
	}
	s.says(cat, "<@U0ANA> confirmed (")
	if res := s.typesInto(ana, lend, right); !strings.Contains(res.Errors["code"], "used already") {
		t.Errorf("the same code again: %+v", res)
	}
	if got := votes(s.export(path, s.redisURL())); !slices.Equal(got, []string{ana}) {
		t.Errorf("the record has the votes %v", got)
	}
	s.noneSees(p.secret, right)
	out, _ := s.command(s.redisURL(), "check", "--config", path)
	if !regexp.MustCompile(`✓ 1 of \d+ people whose clicks ask for a proof can give it by a code`).MatchString(out) {
		t.Errorf("check does not say who could give a proof:\n%s", out)
	}
	for _, secret := range []string{p.secret, right, demoSealKey} {
		if holds(log.String()+out, secret) {
			t.Error("a secret is in the log")
		}
	}
}

// TestCodesTypedAtOnceCountOnce: two replicas get codes of one person in the same moment.
func TestCodesTypedAtOnceCountOnce(t *testing.T) {
	t.Parallel()
	s := prepare(t, byCodes())
	s.bot(t)
	s.bot(t)
	s.accepted()
	bens := s.setsUp(ben)
	anas := s.counting(ana)
	s.counts(ben)
	s.request(dee, toAlias())
	atOnce := func(who string, n int, code string) map[string]int { // what is answered, and how often
		s.press(who, "transfer.confirm")
		form := s.openForm(who).ID
		answers := make([]string, n)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() {
				res, err := s.slack.SubmitView(s.ctx, who, form, map[string]map[string]any{"code": {"code": code}})
				answers[i], _, _ = strings.Cut(res.Errors["code"], ".")
				if err != nil {
					answers[i] = err.Error()
				}
			})
		}
		wg.Wait()
		said := map[string]int{}
		for _, a := range answers {
			said[a]++
		}
		return said
	}
	if said := atOnce(ana, 2, anas.shows(t, 0)); said[""] != 1 ||
		said["That code, or a later one, was used already, and each serves once"] != 1 {
		t.Errorf("one right code, typed twice: %v", said)
	}
	wrong := atOnce(ben, 2*authenticator.MaxWrong, "000000")
	if wrong["That is not the code that your app shows now"] != authenticator.MaxWrong-1 ||
		wrong["That was not the code, for the fifth time: your app is locked"] != 1 || wrong[""] != 0 {
		t.Errorf("ten wrong ones: %v", wrong)
	}
	if res := s.types(ben, bens.shows(t, 1)); !strings.Contains(res.Errors["code"], "locked after five wrong codes") {
		t.Errorf("a right one then: %+v", res)
	}
}

// TestNothingConfidentialOfAProofIsLoggedKeptOrTold goes through both ways of a proof, wrong codes and a reset, with a
// log of everything: what shows who somebody is stands in no log, not in Redis, and in nobody else's messages.
func TestNothingConfidentialOfAProofIsLoggedKeptOrTold(t *testing.T) {
	t.Parallel()
	log := &buffer{}
	s := start(t, options{codes: true, identityListen: "127.0.0.1:0", log: zerolog.New(log).Level(zerolog.TraceLevel)})
	s.accepted()
	s.request(dee, toAlias())
	var kept, typed []string // what may stand nowhere, and what people typed
	for _, who := range []string{ana, dee, cat} {
		p := s.setsUpProven(who)
		kept, typed = append(kept, p.secret), append(typed, p.first)
	}
	s.press(ana, "transfer.confirm") // by what she showed at the provider
	s.says(cat, "<@U0ANA> confirmed (")
	s.press(ben, "transfer.refuse")
	if err := s.slack.CloseView(s.ctx, ben, s.openForm(ben).ID); err != nil {
		t.Fatal(err)
	}
	s.proves(ben, "transfer.confirm", "ana@acme.example") // somebody else's, which is told
	s.hears(ben, "is not you")
	for _, admin := range []string{dee, cat} { // each has shown it at the provider, too
		s.slash(admin, "step-up reset <@"+ana+"> new phone")
	}
	s.reads(ana, "Your authenticator app was reset")

	for _, given := range s.identity.Issued() {
		if !slices.ContainsFunc([]string{ana, ben, cat, dee}, func(who string) bool {
			return slices.Contains(s.codes(who), given)
		}) {
			kept = append(kept, given) // a device code or a token, which no person sees
			continue
		}
		typed = append(typed, given)
		for _, m := range s.slack.AllMessages() {
			if strings.Contains(m.Text+string(m.Blocks), given) && (m.EphemeralTo == "" ||
				!slices.Contains(s.codes(m.EphemeralTo), given)) {
				t.Errorf("a code stands where others read it: %s in %s", m.Text, m.Channel)
			}
		}
	}
	if len(kept) < 3+4*3 || len(typed) < 3+4 {
		t.Fatalf("only %d and %d secrets were made", len(kept), len(typed))
	}
	s.noneSees(kept...)
	for _, secret := range slices.Concat(kept, typed, []string{demoSealKey}) {
		if holds(s.redis.Dump(), secret) {
			t.Error("a secret is in Redis")
		}
		if holds(log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
	if !strings.Contains(log.String(), "no proof came") {
		t.Error("nothing was logged at all")
	}
}
