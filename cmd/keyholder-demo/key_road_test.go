package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// unasked is an account of the mailbox whose key is taken out without a question.
func unasked(yaml string) string {
	return strings.Replace(rarelyWatched(yaml), "quorum: 1", "quorum: 0", 1)
}

// What `/io key` says stands in the record, so it asks integrator.io nothing, however many users
// there are and however long the audit log is.
func TestTheKeyIsToldFromTheRecordWithoutARequest(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{edit: unasked})
	users := 5000
	if testing.Short() || raceDetector {
		users = 200
	}
	prod := s.account().Production()
	for i := range users {
		prod.AddUser(integratorsim.User{Email: fmt.Sprintf("person%04d@acme.example", i),
			Name: fmt.Sprintf("Person %d", i), Role: "monitor"})
	}
	for day := range 365 {
		for i := range 10 {
			s.act(integratorsim.Action{Do: "sign_in", Email: fmt.Sprintf("person%04d@acme.example", (day*10+i)%users)})
		}
		s.forward(24 * time.Hour)
	}
	s.bot(t)
	s.watches()
	s.slash(ana, "key acme use")
	s.fill(ana, map[string]map[string]any{"for": field("for", "1h"),
		"reason": field("reason", "Rotate the SSO certificate")})
	s.until("the use", func() bool { return strings.Contains(s.slash(dee, "key acme"), "The key is out") })

	asked := func() int {
		log := s.integrator.Log()
		return log[len(log)-1].N
	}
	s.until("an answer while nothing else asks integrator.io", func() bool {
		before := asked()
		for range 5 {
			text := s.slash(dee, "key acme")
			for _, want := range []string{"Mailbox: ", "Password: ", "Second factor: ", "Last drill: never",
				"The key is out: <@U0ANA>", "watched since"} {
				if !strings.Contains(text, want) {
					t.Fatalf("it lacks %q: %s", want, text)
				}
			}
		}
		return asked() == before
	})
}
