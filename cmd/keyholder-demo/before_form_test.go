package main

import (
	"strings"
	"testing"
)

func TestWhoMayNotAskForATransferOrComesSecondHearsItBeforeAnyForm(t *testing.T) {
	s := start(t, options{})
	if text := s.slash(oli, "transfer acme"); !strings.Contains(text, "can ask for a transfer") ||
		len(s.slack.Views(oli)) > 0 {
		t.Errorf("Oli: %q, %d forms", text, len(s.slack.Views(oli)))
	}
	s.ask(dee, toAlias())
	s.until("Ana's card", func() bool { return s.card(ana) != "" })
	id := s.workflowID()
	if text := s.slash(ana, "transfer acme"); !strings.Contains(text, id) || len(s.slack.Views(ana)) > 0 {
		t.Errorf("the second: %q, %d forms", text, len(s.slack.Views(ana)))
	}
	if text := s.slash(ana, "audit "+strings.ToUpper(id)); !strings.Contains(text, id) {
		t.Errorf("the ID in large letters: %q", text)
	}
}
