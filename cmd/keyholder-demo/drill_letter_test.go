package main

import (
	"regexp"
	"strings"
	"testing"
)

// The letter of a drill goes the whole real way, by SMTP into the mailbox, and its word proves who can read it.
func TestTheLetterOfADrillArrivesAndItsWordProvesWhoReadsIt(t *testing.T) {
	t.Parallel()
	s := start(t, options{edit: func(yaml string) string {
		return strings.Replace(quick(yaml), "owner: "+ownerEmail, "owner: "+aliasEmail, 1)
	}})
	s.mail.misbehave(mailBusy) // once, and it is tried again
	if text := s.slash(dee, "key acme drill"); text == "" {
		t.Fatal("nothing is said")
	}
	s.until("the letter", func() bool { return len(s.mail.all()) > 0 })
	l := s.mail.all()[0]
	if len(l.To) != 1 || l.To[0] != aliasEmail || l.From != "keyholder@acme.example" {
		t.Fatalf("%+v", l)
	}
	words := map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^ +(\w+ \w+): ([a-z]+)$`).FindAllStringSubmatch(l.Text, -1) {
		words[found[1]] = found[2]
	}
	if len(words) != 3 || words["Ana Silva"] == words["Ben Novak"] {
		t.Fatalf("words %v in\n%s", words, l.Text)
	}
	s.press(ana, "drill.prove")
	s.until("Ana's form", func() bool { return len(s.slack.Views(ana)) > 0 })
	view := s.slack.Views(ana)[0]
	wrong, err := s.slack.SubmitView(s.ctx, ana, view.ID,
		map[string]map[string]any{"word": {"word": words["Ben Novak"]}})
	if err != nil || wrong.Errors["word"] == "" {
		t.Errorf("another's word: %+v %v", wrong, err)
	}
	right, err := s.slack.SubmitView(s.ctx, ana, view.ID,
		map[string]map[string]any{"word": {"word": strings.ToUpper(words["Ana Silva"])}})
	if err != nil || len(right.Errors) > 0 {
		t.Errorf("her own word: %+v %v", right, err)
	}
	s.until("the proof", func() bool { return strings.Contains(s.slash(dee, "key acme"), "verified") })
}
