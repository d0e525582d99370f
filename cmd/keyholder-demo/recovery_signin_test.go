package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// Whether anybody signed in as the owner since the loss is what everybody asks first: perhaps nobody is locked out.
func TestAReportShowsWhenTheOwnerWasLastSignedInAs(t *testing.T) {
	s := start(t, options{})
	s.act(integratorsim.Action{Do: "sign_in", Email: ownerEmail})
	s.forward(20 * 24 * time.Hour)
	at := s.clock.Now()
	s.act(integratorsim.Action{Do: "sign_in", Email: ownerEmail})
	s.forward(48 * time.Hour)
	s.report(oli, "person") // Dee holds nothing, so the sign-ins themselves are no question to her
	s.says(dee, "perhaps somebody still can")
	if got := s.card(dee); !strings.Contains(got, "<!date^"+strconv.FormatInt(at.Unix(), 10)+"^") {
		t.Errorf("the last one was at %s; the card says %s", at, got)
	}
}

func TestAReportSaysThatNobodyHasSignedInForMonths(t *testing.T) {
	s := start(t, options{})
	s.report(oli, "mailbox")
	s.says(dee, "holds no sign-in of the owner since")
}
