package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// watchful has the owner's sign-ins looked at every second.
func watchful(yaml string) string {
	return quick(yaml) + "    key: {watch_every: 1s, quorum: 1}\n"
}

// ofTheMailbox is an account that the shared mailbox owns already, for Keyholder.
func ofTheMailbox(yaml string) string {
	return strings.Replace(watchful(yaml), "owner: jane@acme.example", "owner: celigo@acme.example", 1)
}

// withoutMail has no letters: people attest.
func withoutMail(yaml string) string {
	var kept []string
	for line := range strings.SplitSeq(ofTheMailbox(yaml), "\n") {
		if !strings.HasPrefix(line, "mail:") && !strings.HasPrefix(line, "alarm:") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// takeKey asks for the key by its form.
func (s *stage) takeKey(who string) {
	s.t.Helper()
	s.slash(who, "key acme use")
	s.fill(who, map[string]map[string]any{"for": field("for", "1h"),
		"reason": field("reason", "Rotate the SSO certificate")})
}

// fill sends the form that somebody has open.
func (s *stage) fill(who string, fields map[string]map[string]any) slacksim.SubmitResult {
	s.t.Helper()
	s.until(who+"'s form", func() bool { return len(s.slack.Views(who)) > 0 })
	views := s.slack.Views(who)
	res, err := s.submit(who, views[len(views)-1].ID, fields)
	if err != nil || res.Error != "" || len(res.Errors) > 0 {
		s.t.Fatalf("%s's form was refused: %+v %v", who, res, err)
	}
	return res
}

// says waits until somebody's card says something.
func (s *stage) says(who, text string) {
	s.t.Helper()
	s.until(who+"'s card to say "+text, func() bool { return strings.Contains(s.card(who), text) })
}

// watches waits until the sign-ins of the owner have been read once.
func (s *stage) watches() {
	s.t.Helper()
	s.until("the first reading of sign-ins", func() bool {
		return strings.Contains(s.slash(dee, "key acme"), "watched since")
	})
}

func TestTheKeyIsTakenSeenBroughtBackAndExplained(t *testing.T) {
	t.Parallel()
	s := start(t, options{edit: watchful})
	s.watches()
	s.takeKey(ana)
	s.says(ben, "May the key of Acme Production be taken out?")
	s.press(ben, "key.approve")
	s.says(ana, "The key of Acme Production is out")
	s.act(integratorsim.Action{Do: "sign_in", Email: ownerEmail})
	s.says(dee, "seen in integrator.io")
	if got := s.slash(cat, "key acme use"); !strings.Contains(got, "is taken") || !strings.Contains(got, ana) {
		t.Errorf("a second one is told %q", got)
	}
	s.press(ana, "key.back")
	s.fill(ana, map[string]map[string]any{"done": field("done", "New certificate"), "rotated": field("rotated", "yes")})
	s.press(cat, "key.planned")
	for _, who := range []string{ana, ben, cat, dee} {
		s.says(who, "planned")
	}
	s.until("the record of the last use", func() bool { return strings.Contains(s.slash(dee, "key acme"), "planned") })
	if got := s.slash(oli, "key acme"); !strings.Contains(got, "is for its holders") {
		t.Errorf("somebody without a part is told %q", got)
	}
}

func TestWithoutAQuestionTheKeyIsOutAtOnceAndEverybodyHears(t *testing.T) {
	s := start(t, options{edit: unasked})
	s.takeKey(cat)
	for _, who := range []string{ana, ben, cat, dee} {
		s.says(who, "The key of Acme Production is out")
	}
	s.press(cat, "key.back")
	s.fill(cat, map[string]map[string]any{"done": field("done", "New certificate"), "rotated": field("rotated", "no")})
	s.press(ben, "key.planned")
	s.says(dee, "nobody is asked before")
	s.says(dee, "found that the use by")
}

func TestASignInAtNightIsAskedAboutAndTakenOnByItsForm(t *testing.T) {
	t.Parallel()
	s := start(t, options{edit: watchful})
	s.watches()
	s.act(integratorsim.Action{Do: "sign_in", Email: ownerEmail})
	s.says(ana, "Was it you who signed in as "+ownerEmail)
	s.press(ana, "key.mine")
	s.until("the form", func() bool { return len(s.slack.Views(ana)) > 0 })
	if v := s.slack.Views(ana)[0]; v.CallbackID != "key.request" {
		t.Errorf("the form is %s", v.CallbackID)
	}
	s.fill(ana, map[string]map[string]any{"for": field("for", "1h"),
		"reason": field("reason", "The certificate ran out")})
	s.press(ben, "key.emergency")
	s.until("the outcome", func() bool { return strings.Contains(s.slash(dee, "key acme"), "emergency") })
}

func TestASignInThatNobodyKnowsIsAnAlarmToAll(t *testing.T) {
	t.Parallel()
	s := start(t, options{edit: watchful})
	s.watches()
	s.act(integratorsim.Action{Do: "sign_in", Email: ownerEmail})
	s.says(ana, "Was it you")
	s.forward(25 * time.Hour)
	for _, who := range []string{ana, dee, opsRoom} {
		s.until("the alarm for "+who, func() bool {
			room := who
			if who != opsRoom {
				room = s.slack.DM(who)
			}
			return slices.ContainsFunc(s.slack.Messages(room), func(m slacksim.Message) bool {
				return strings.HasPrefix(m.Text, "Alarm: ")
			})
		})
	}
}

func TestADrillByLetterEndsWithWhatWasSeen(t *testing.T) {
	t.Parallel()
	s := start(t, options{tour: tourDrill}) // the mailbox owns the account at integrator.io as well
	s.watches()
	s.slash(dee, "key acme drill")
	for who, name := range map[string]string{ana: "Ana Silva", ben: "Ben Novak", cat: "Cat Ito"} {
		s.until(who+"'s button", func() bool { return s.has(who, "drill.prove") && len(s.mail.all()) > 0 })
		s.insist(who+"'s word", func() bool { return !s.has(who, "drill.prove") }, func() { s.typeWord(who, name) })
	}
	s.says(ana, "Your turn")
	s.act(integratorsim.Action{Do: "sign_in", Email: aliasEmail})
	s.says(ben, "Your turn")
	s.act(integratorsim.Action{Do: "sign_in", Email: aliasEmail})
	s.says(dee, "can be used by two people or more")
	got := s.slash(dee, "key acme")
	for _, want := range []string{"Password: ✓ <@U0ANA> (verified", "✓ <@U0BEN> (verified", "<@U0CAT> (verified",
		"passed"} {
		if !strings.Contains(got, want) {
			t.Errorf("the status lacks %q: %s", want, got)
		}
	}
	if s.has(ana, "key.mine") || s.has(cat, "key.mine") {
		t.Error("a sign-in in a keeper's turn is asked about")
	}
}

func TestADrillWithoutMailEndsWithWhatWasShown(t *testing.T) {
	t.Parallel()
	s := start(t, options{edit: withoutMail})
	if got := s.slash(dee, "key acme drill"); !strings.Contains(got, "is open") {
		t.Fatalf("it says %q", got)
	}
	s.says(ben, "Can you read "+aliasEmail)
	s.press(ben, "drill.attest") // the mailbox; it is Ana's turn to sign in
	s.says(ana, "mailbox 1 of 3")
	s.press(ana, "drill.attest") // both
	s.says(ben, "Your turn")
	s.press(ben, "drill.attest")
	s.press(cat, "drill.cannot")
	s.says(dee, "can be used by two people or more")
	got := s.slash(dee, "key acme")
	for _, want := range []string{"Mailbox: ✓ <@U0ANA> (attested", "… <@U0CAT> (never)", "Password: ✓ <@U0ANA>",
		"Last drill: ", "passed"} {
		if !strings.Contains(got, want) {
			t.Errorf("the status lacks %q: %s", want, got)
		}
	}
}
