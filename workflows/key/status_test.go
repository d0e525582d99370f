package key

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

func proof(what, who, how string, at time.Time) workflows.Proof {
	return workflows.Proof{What: what, Owner: mailbox, Person: who, How: how, At: at}
}

func TestTheStatusNamesWhoHasShownWhatAndWhen(t *testing.T) {
	w := newWorld(t)
	alias := w.Policy.Aliases[0]
	if got := Shown(alias, w.Account.Key); got != "Nobody has shown yet that they can open it." {
		t.Error(got)
	}
	w.Account.Key.Proofs = []workflows.Proof{
		proof(workflows.KeyMailbox, "UANA", workflows.Verified, monday), proof(workflows.KeyMailbox, "UCAT",
			workflows.Attested, monday.Add(day)),
		proof(workflows.KeyMailbox, "UEVE", workflows.Verified, monday.Add(2*day)), // no holder any more
		proof(workflows.KeyPassword, "UBEN", workflows.Attested, monday.Add(3*day)),
	}
	if got, want := Shown(alias, w.Account.Key), workflows.Say("Shown that they can open it: %m, last %t.",
		[]string{"UANA", "UCAT"}, monday.Add(day)); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	text := strings.Join(Status(w.Policy, w.Account, WatchState{}), "\n")
	for _, want := range []string{"Mailbox: ✓ <@UANA> (verified", "✓ <@UCAT> (attested",
		"Password: … <@UANA> (never) · ✓ <@UBEN> (attested",
		"Second factor: … <@UANA> (never) · … <@UBEN> (never)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the status lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "UEVE") {
		t.Error("it names somebody who holds nothing")
	}
}

func TestOfAGroupThoseAreNamedWhoHaveShownIt(t *testing.T) {
	w := newWorld(t)
	w.Policy.Aliases[0].Holders = []string{"SHOLDERS"}
	w.Account.Key.Proofs = []workflows.Proof{proof(workflows.KeyMailbox, "UANA", workflows.Verified, monday)}
	if got := Shown(w.Policy.Aliases[0], w.Account.Key); !strings.Contains(got, "<@UANA>") {
		t.Error(got)
	}
	if got := strings.Join(Status(w.Policy, w.Account, WatchState{}), "\n"); !strings.Contains(got,
		"Mailbox: <!subteam^SHOLDERS> · ✓ <@UANA>") {
		t.Error(got)
	}
}
