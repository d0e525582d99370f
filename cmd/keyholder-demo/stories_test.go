package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// story is a whole walk by people who do not give up, for the tests that kill the program and those
// that let its surroundings misbehave.
type story struct {
	edit func(string) string
	play func(*stage)
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
	s.insist("the report", func() bool { return s.card(oli) != "" }, func() { s.askBy(oli, "recover acme", report) })
	s.insistPress(ana, "recovery.approve")
	s.insistPress(ben, "recovery.approve")
	s.insistPress(dee, "recovery.claim")
	s.insistForm(dee, "recovery.done", map[string]map[string]any{"evidence": field("evidence", "Ticket 4711")})
	s.insistPress(cat, "recovery.seen")
	s.insistForm(cat, "recovery.settle", map[string]map[string]any{"done": field("done",
		[]string{"password", "sessions"})})
	s.until("the end on every card", func() bool {
		for _, who := range []string{oli, dee, ana, ben, cat, jane} {
			if !strings.Contains(s.card(who), "of Acme Production is regained") {
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
	s.insist("ana's question", func() bool { return strings.Contains(s.card(ana), "May the key") }, func() {
		s.askBy(ana, "key acme use", map[string]map[string]any{"for": field("for", "1h"),
			"reason": field("reason", "Rotate the SSO certificate")})
	})
	s.insistPress(ben, "key.approve")
	s.until("the key to be out", func() bool {
		return strings.Contains(s.card(ana), "The key of Acme Production is out")
	})
	s.act(integratorsim.Action{Do: "sign_in", Email: ownerEmail})
	s.until("the sign-in on every card", func() bool {
		return strings.Contains(s.card(dee), "seen in integrator.io") && strings.Contains(s.card(cat),
			"seen in integrator.io")
	})
	s.insistForm(ana, "key.back", map[string]map[string]any{"done": field("done", "New certificate"),
		"rotated": field("rotated", "yes")})
	s.insistPress(cat, "key.planned")
	s.until("the end on every card", func() bool {
		for _, who := range []string{ana, ben, cat, dee} {
			if !strings.Contains(s.card(who), "Use of the key of Acme Production: planned") {
				return false
			}
		}
		return true
	})
}

// rehearse takes a drill by letter to its end.
func (s *stage) rehearse() {
	s.t.Helper()
	s.insist("the drill", func() bool { return strings.Contains(s.card(dee), "Drill of the key") }, func() {
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
			if !strings.Contains(s.card(who), "can be used by two people or more") {
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
