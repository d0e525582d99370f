package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
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
	p := phone{secret: strings.ReplaceAll(m[1], " ", "")}
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

// noneSees makes sure that what is secret stands in no message, and not in Redis.
func (s *stage) noneSees(secrets ...string) {
	s.t.Helper()
	kept := s.redis.Dump()
	for _, secret := range secrets {
		if strings.Contains(kept, secret) {
			s.t.Errorf("Redis holds a secret")
		}
	}
	for _, m := range s.slack.AllMessages() {
		for _, secret := range secrets {
			if strings.Contains(m.Text+string(m.Blocks)+string(m.Metadata), secret) {
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
