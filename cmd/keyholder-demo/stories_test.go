package main

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/keyholder/keyholder/workflows/authenticator"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// story is a whole walk by people who do not give up, for the tests that kill the program and those
// that let its surroundings misbehave.
type story struct {
	edit   func(string) string
	codes  bool         // votes ask for a one-time code
	before func(*stage) // makes the world before the program starts; nil: it is as it is
	play   func(*stage)
	// once are the events that are recorded once each, whatever happened, and never the ones that
	// are not recorded at all.
	once, never []string
}

// recoveryStory is a recovery from its report to its end.
var recoveryStory = story{edit: hasty, play: (*stage).regain,
	once: []string{"recovery.requested", "recovery.approved", "recovery.step_begun", "recovery.step_claimed",
		"recovery.step_done",
		"recovery.step_seen", "recovery.securing", "recovery.regained"}}

// useStory is a use of the key from its question to its end, with a sign-in that is seen.
var useStory = story{edit: watchful, play: (*stage).useKey,
	once:  []string{"key.opened", "key.out", "key.seen", "key.back", "key.found"},
	never: []string{"signin.opened", "key.ended", "key.late"}}

// drillStory is a drill by letter, from the command to its end.
var drillStory = story{edit: rarelyWatched, play: (*stage).rehearse,
	once:  []string{"drill.opened", "drill.letter", "drill.began"},
	never: []string{"drill.unsent", "drill.cannot"}}

// hasty lets a recovery's cool-down be over in a second.
func hasty(yaml string) string { return quick(yaml) + "    recovery: {cooldown: 1s}\n" }

// rarelyWatched is an account of the mailbox whose sign-ins are read once an hour: what a drill shows is attested.
func rarelyWatched(yaml string) string {
	return strings.Replace(ofTheMailbox(yaml), "watch_every: 1s, quorum", "watch_every: 1h, quorum", 1)
}

// insistForm presses a button and sends its form, as impatient people do, until the button is gone.
func (s *stage) insistForm(who, action string, fields map[string]map[string]any) {
	s.t.Helper()
	s.until(who+"'s button "+action, func() bool { return s.has(who, action) })
	s.insist(who+" sending the form of "+action, func() bool { return !s.has(who, action) }, func() {
		if s.sendForm(who, fields) {
			return
		}
		if m, block, ok := s.button(who, action); ok {
			_, _ = s.slack.Click(s.ctx, who, m.Channel, m.TS, block, action)
		}
	})
}

// sendForm sends once the newest form with these fields that somebody has open. Another may be open
// too: Slack leaves one open whose answer was lost, and a person would put it away.
func (s *stage) sendForm(who string, fields map[string]map[string]any) bool {
	for _, v := range slices.Backward(s.slack.Views(who)) {
		has := true
		for block := range fields {
			has = has && strings.Contains(string(v.Blocks), `"block_id":"`+block+`"`)
		}
		if has {
			_, _ = s.slack.SubmitView(s.ctx, who, v.ID, fields)
			return true
		}
	}
	return false
}

// regain takes a recovery from its report to its end.
func (s *stage) regain() {
	s.t.Helper()
	report := map[string]map[string]any{"situation": field("situation", "mailbox"),
		"reason": field("reason", "It bounces since Friday")}
	s.insist("the report", func() bool { return s.all(oli) != "" }, func() { s.askBy(oli, "recover acme", report) })
	s.insistPress(ana, "recovery.approve")
	s.insistPress(ben, "recovery.approve")
	s.insistPress(dee, "recovery.claim")
	s.insistForm(dee, "recovery.done", map[string]map[string]any{"evidence": field("evidence", "Ticket 4711")})
	s.insistPress(cat, "recovery.seen")
	s.insistForm(cat, "recovery.settle", map[string]map[string]any{"done": field("done",
		[]string{"password", "sessions"})})
	s.until("the end on every card", func() bool {
		for _, who := range []string{oli, dee, ana, ben, cat, jane} {
			if !strings.Contains(s.all(who), "of Acme Production is regained") {
				return false
			}
		}
		return true
	})
}

// useKey takes the key out, is seen signing in, brings it back, and has it explained.
func (s *stage) useKey() {
	s.t.Helper()
	s.insist("the first reading of sign-ins", func() bool {
		return strings.Contains(s.insistSlash(dee, "key acme"), "watched since")
	}, func() {})
	s.insist("ana's question", func() bool { return strings.Contains(s.all(ana), "May the key") }, func() {
		s.askBy(ana, "key acme use", map[string]map[string]any{"for": field("for", "1h"),
			"reason": field("reason", "Rotate the SSO certificate")})
	})
	s.insistPress(ben, "key.approve")
	s.until("the key to be out", func() bool {
		return strings.Contains(s.all(ana), "The key of Acme Production is out")
	})
	s.act(integratorsim.Action{Do: "sign_in", Email: ownerEmail})
	s.until("the sign-in on every card", func() bool {
		return strings.Contains(s.all(dee), "seen in integrator.io") && strings.Contains(s.all(cat),
			"seen in integrator.io")
	})
	s.insistForm(ana, "key.back", map[string]map[string]any{"done": field("done", "New certificate"),
		"rotated": field("rotated", "yes")})
	s.insistPress(cat, "key.planned")
	s.until("the end on every card", func() bool {
		for _, who := range []string{ana, ben, cat, dee} {
			if !strings.Contains(s.all(who), "Use of the key of Acme Production: planned") {
				return false
			}
		}
		return true
	})
}

// rehearse takes a drill by letter to its end.
func (s *stage) rehearse() {
	s.t.Helper()
	s.insist("the drill", func() bool { return strings.Contains(s.all(dee), "Drill of the key") }, func() {
		_, _ = s.slack.SlashCommand(s.ctx, dee, opsRoom, "/io", "key acme drill")
	})
	for who, name := range map[string]string{ana: "Ana Silva", ben: "Ben Novak", cat: "Cat Ito"} {
		s.until(who+"'s button for the word", func() bool { return s.has(who, "drill.prove") })
		s.insist(who+" typing the word", func() bool { return !s.has(who, "drill.prove") }, func() {
			s.typeWord(who, name)
		})
	}
	s.insistPress(ana, "drill.attest")
	s.insistPress(ben, "drill.attest")
	s.until("the end on every card", func() bool {
		for _, who := range []string{ana, ben, cat, dee} {
			if !strings.Contains(s.all(who), "can be used by two people or more") {
				return false
			}
		}
		return true
	})
}

var wordOfLetter = regexp.MustCompile(`(?m)^ +(\w+ \w+): ([a-z]+)$`)

// typeWord reads the newest letter and sends the word beside a name, once, or opens the form for it.
func (s *stage) typeWord(who, name string) {
	letters := s.mail.all()
	if len(letters) == 0 {
		return
	}
	for _, found := range wordOfLetter.FindAllStringSubmatch(letters[len(letters)-1].Text, -1) {
		if found[1] == name && s.sendForm(who, map[string]map[string]any{"word": field("word", found[2])}) {
			return
		}
	}
	if m, block, ok := s.button(who, "drill.prove"); ok {
		_, _ = s.slack.Click(s.ctx, who, m.Channel, m.TS, block, "drill.prove")
	}
}

// insistSlash gives a command, whose answer may be lost: "" then.
func (s *stage) insistSlash(who, text string) string {
	res, err := s.slack.SlashCommand(s.ctx, who, opsRoom, "/io", text)
	if err != nil {
		return ""
	}
	return res.Text
}

// kept compares what is recorded with what one such walk may leave.
func (s *stage) kept(st story, all []recorded) {
	s.t.Helper()
	for _, kind := range st.once {
		if n := count(all, kind); n != 1 {
			s.t.Errorf("%s is recorded %d times, want once", kind, n)
		}
	}
	for _, kind := range st.never {
		if n := count(all, kind); n != 0 {
			s.t.Errorf("%s is recorded %d times, want never", kind, n)
		}
	}
}

// The machines that a story above is not about.
var (
	transferStory = story{edit: quick, play: func(s *stage) { s.handOver(); s.oneInvitation() },
		once: []string{"transfer.requested", "transfer.approved", "transfer.inviting", "transfer.owner_changed",
			"transfer.ended"}}
	accessStory = story{edit: brief, play: (*stage).lend, once: []string{"access.requested", "access.approved"},
		never: []string{"finding.found"}}
	offboardStory = story{edit: quick, before: (*stage).catWorksHere, play: (*stage).leaving,
		once: []string{"offboard.requested", "offboard.planned", "offboard.day", "offboard.done"}}
	driftStory = story{edit: quick, play: (*stage).expectWhatNobodyDecided, once: []string{"finding.found"}}
	tokenStory = story{edit: named, play: (*stage).askAboutToken, once: []string{"tokens.found"}}
	docsStory  = story{edit: quick, play: (*stage).publishAndEnd}
	codeStory  = story{edit: quick, codes: true, before: (*stage).accepted, play: (*stage).voteByCode,
		once: []string{"authenticator.enrolled"}}
)

// named says which of the tokens is Keyholder's own.
func named(yaml string) string {
	return strings.Replace(quick(yaml), "token_env: ACME_IO_TOKEN", "token_env: ACME_IO_TOKEN\n    token_name: Keyholder",
		1)
}

// expectWhatNobodyDecided has somebody's new role found and adopted.
func (s *stage) expectWhatNobodyDecided() {
	s.t.Helper()
	s.insist("the baseline", func() bool { return strings.Contains(s.insistSlash(dee, "who acme"), "ben@acme.example") },
		func() {})
	s.watching()
	s.act(integratorsim.Action{Do: "change_role", Email: "ben@acme.example", Role: "administrator"})
	s.insist("the finding", func() bool { return s.has(dee, "access.adopt") }, func() { s.insistSlash(dee, "who acme") })
	for _, who := range []string{dee, ana} {
		s.insistPress(who, "access.adopt")
	}
	s.until("the end on the card", func() bool { return strings.Contains(s.all(dee), "Expected, say <@U0DEE> and") })
}

// askAboutToken has a token found that nobody knows, asked about, and revoked.
func (s *stage) askAboutToken() {
	s.t.Helper()
	s.insist("the tokens to be read", func() bool {
		return strings.Contains(s.insistSlash(dee, "key acme"), "of the account, does not end by itself")
	}, func() {})
	made, err := s.integrator.Act(integratorsim.Action{Do: "make_token", Name: "Night job", Role: "full"})
	if err != nil {
		s.t.Fatal(err)
	}
	const found = "A new API token with full access in production: “Night job”"
	s.insist("the finding", func() bool { _, _, ok := s.buttonOn(dee, found, "access.ask"); return ok },
		func() { s.insistSlash(dee, "who acme") })
	s.insist("the question", func() bool {
		return len(s.channelHeard("Whose is the API token “Night job” of Acme Production")) > 0
	}, func() {
		if m, block, ok := s.buttonOn(dee, found, "access.ask"); ok {
			_, _ = s.slack.Click(s.ctx, dee, m.Channel, m.TS, block, "access.ask")
		}
	})
	s.act(integratorsim.Action{Do: "revoke_token", Token: made.ID})
	s.insist("the end", func() bool { return strings.Contains(s.all(dee), "It is revoked or gone") },
		func() { s.insistSlash(dee, "who acme") })
}

// publishAndEnd has the page follow a request, and ends it.
func (s *stage) publishAndEnd() {
	s.t.Helper()
	says := func(words string, act func()) {
		s.t.Helper()
		s.insist("the page to say "+words, func() bool { return strings.Contains(s.page().Markdown, words) }, act)
	}
	says("**Owner:** jane@acme.example", func() { s.insistSlash(dee, "docs publish") })
	s.insistRequest(dee, toAlias())
	says("**Open:** Hand Acme Production to celigo@acme.example", func() {})
	says("No longer kept up to date", func() { s.insistSlash(dee, "docs unpublish") })
}

// voteByCode sets up an app, waits until it counts, and votes with its code.
func (s *stage) voteByCode() {
	s.t.Helper()
	secret := ""
	code := func() string {
		shown, err := totp.GenerateCode(secret, s.machine.now())
		if err != nil {
			s.t.Fatal(err)
		}
		return shown
	}
	s.insist("the key of an app", func() bool { return secret != "" }, func() {
		s.insistSlash(ana, "step-up")
		s.waitFor(func() bool { return len(s.slack.Views(ana)) > 0 })
		for _, v := range s.slack.Views(ana) {
			if m := keyShown.FindStringSubmatch(string(v.Blocks)); m != nil {
				secret = strings.ReplaceAll(m[1], " ", "")
			}
		}
	})
	s.insist("the app to be set up", func() bool {
		return strings.Contains(s.all(ana), "An authenticator app was set up in your name")
	}, func() { s.sendForm(ana, map[string]map[string]any{"code": field("code", code())}) })
	s.forward(authenticator.CountsAfter + time.Minute)
	s.counts(ana)
	s.insistRequest(dee, toAlias())
	s.insist("ana's confirmation", func() bool { return s.voted(ana) }, func() {
		if s.sendForm(ana, map[string]map[string]any{"code": field("code", code())}) {
			return
		}
		if m, block, ok := s.button(ana, "transfer.confirm"); ok {
			_, _ = s.slack.Click(s.ctx, ana, m.Channel, m.TS, block, "transfer.confirm")
		}
	})
	s.noneSees(secret)
}
