package main

import (
	"strings"
	"testing"
)

func TestTheAccountOnOnePageShowsTheKeyToThoseWhoMaySeeIt(t *testing.T) {
	s := start(t, options{})
	holder, other := s.slash(ana, "docs acme"), s.slash(oli, "docs")
	for _, want := range []string{"*Owner:* jane@acme.example", "as configured", "*Password of celigo@acme.example:*",
		"IT vault / Celigo owner",
		"*Roles in production:*", "seen at integrator.io", "belongs to jane@acme.example, an address of one person",
		"/io transfer acme", "/io key acme use"} {
		if !strings.Contains(holder, want) {
			t.Errorf("a holder misses %q in:\n%s", want, holder)
		}
	}
	for _, hidden := range []string{"Password of", "IT vault"} {
		if strings.Contains(other, hidden) {
			t.Errorf("somebody without a part reads %q in:\n%s", hidden, other)
		}
	}
	if !strings.Contains(other, "is shown to holders, keepers, administrators and auditors") {
		t.Errorf("they are not told that something is left out:\n%s", other)
	}
}

func TestWhatRestsOnSomebodyIsToldWorstFirst(t *testing.T) {
	s := start(t, options{})
	got := s.slash(dee, "whatif <@"+ana+">")
	alone, holds := strings.Index(got, "can use the password of"), strings.Index(got, "• ")
	if alone < 0 || holds < alone || !strings.Contains(got, "Only <@"+ben+"> can use the password") ||
		!strings.Contains(got, "can read the mailbox") {
		t.Errorf("without Ana:\n%s", got)
	}
	if got := s.slash(dee, "whatif <@"+oli+">"); !strings.Contains(got, "Nothing rests on them") {
		t.Errorf("without Oli:\n%s", got)
	}
	if got := s.slash(oli, "whatif <@"+ana+">"); !strings.Contains(got, "you can ask about yourself") {
		t.Errorf("Oli about Ana:\n%s", got)
	}
	if got := s.slash(oli, "whatif <@"+oli+">"); !strings.Contains(got, "Nothing rests on them") {
		t.Errorf("Oli about himself:\n%s", got)
	}
	if got := s.slash(dee, "whatif <@"+jane+">"); !strings.Contains(got, "an address of one person") {
		t.Errorf("without Jane:\n%s", got)
	}
}
