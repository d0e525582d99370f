package main

import (
	"strings"
	"testing"
)

// A removal was asked for, and a review keeps the access: the signature answers the request. Nobody
// is asked about it any more, whoever asked reads why, and the user is still there.
func TestAKeptRowAnswersTheRequestForItsRemoval(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	const whose = "noor@acme.example"
	if res := s.askAccess(ben, map[string]map[string]any{"email": field("email", whose),
		"change": field("change", "remove"), "reason": field("reason", "Has left the project")}); res.Error != "" ||
		len(res.Errors) > 0 {
		t.Fatalf("asked: %+v", res)
	}
	s.until("the approvers to be asked", func() bool {
		return s.has(dee, "access.approve") && s.has(cat, "access.approve")
	})
	s.startReview()
	said := false
	for _, who := range []string{dee, ana} {
		s.decideAll(who, func(text string) (string, string, string) {
			if strings.Contains(text, whose) {
				said = strings.Contains(text, "keeping it ends that once it is signed off")
			}
			return keepWithReason(text)
		})
		if !s.has(cat, "access.approve") && who == dee {
			t.Error("it ended before anybody signed")
		}
		s.press(who, "review.sign")
		s.until(who+"'s signature", func() bool { return !s.has(who, "review.sign") })
	}
	if !said {
		t.Error("the row does not say what keeping it does")
	}
	for _, who := range []string{ben, cat, dee} {
		s.until(who+" to read how it ended", func() bool {
			return s.hasCard(who, "kept this access in the review") && !s.has(who, "access.approve")
		})
	}
	if _, there := s.user(whose); !there {
		t.Error("the user was removed")
	}
	if status := s.slash(dee, "status acme"); strings.Contains(status, "Remove") {
		t.Errorf("still open: %s", status)
	}
}
