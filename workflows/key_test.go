package workflows_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

var keyDay = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func foldAccount(t *testing.T, a workflows.AccountState, kind string, body any) workflows.AccountState {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	a, err = workflows.ApplyAccount(a, workflows.Event{Type: kind, Body: raw, At: keyDay})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOnlyTheLastProofOfAPartAndPersonIsKept(t *testing.T) {
	proof := func(what, owner, person string, day int) workflows.Proof {
		return workflows.Proof{What: what, Owner: owner, Person: person, How: workflows.Attested,
			At: keyDay.AddDate(0, 0, day), By: "m01-1"}
	}
	var a workflows.AccountState
	a = foldAccount(t, a, workflows.KeyProved, workflows.KeyProofs{Proofs: []workflows.Proof{
		proof(workflows.KeyMailbox, "celigo@acme.example", "U0ANA", 3),
		proof(workflows.KeyPassword, "celigo@acme.example", "U0ANA", 3)}})
	before := a
	a = foldAccount(t, a, workflows.KeyProved, workflows.KeyProofs{Proofs: []workflows.Proof{
		proof(workflows.KeyMailbox, "Celigo@acme.example", "U0ANA", 5),  // the same mailbox, written otherwise
		proof(workflows.KeyPassword, "celigo@acme.example", "U0ANA", 1), // older than what is known
		proof(workflows.KeyMailbox, "celigo@acme.example", "U0BEN", 4)}})
	if got := a.Key.Proof(workflows.KeyMailbox, "celigo@acme.example", "U0ANA").At; !got.Equal(keyDay.AddDate(0, 0,
		5)) {
		t.Errorf("the newer proof of the mailbox is of %s", got)
	}
	if got := a.Key.Proof(workflows.KeyPassword, "celigo@acme.example", "U0ANA").At; !got.Equal(keyDay.AddDate(0, 0,
		3)) {
		t.Errorf("an older proof replaced a newer one: %s", got)
	}
	if len(a.Key.Proofs) != 3 || len(before.Key.Proofs) != 2 {
		t.Errorf("%d proofs now, %d in the state before, want 3 and 2", len(a.Key.Proofs), len(before.Key.Proofs))
	}
	if p := a.Key.Proof(workflows.KeySecondFactor, "celigo@acme.example", "U0ANA"); p.How != "" {
		t.Errorf("what nobody proved is answered: %+v", p)
	}
}

func TestAnOpenWindowIsNeverDropped(t *testing.T) {
	var a workflows.AccountState
	a = foldAccount(t, a, workflows.KeyExpects, workflows.KeyWindow{Workflow: "u01-1", Person: "U0ANA", From: keyDay})
	for i := range 2 * workflows.MaxKeyWindows {
		from := keyDay.Add(time.Duration(i) * time.Hour)
		a = foldAccount(t, a, workflows.KeyExpects, workflows.KeyWindow{Workflow: fmt.Sprint("m01-", i),
			Person: "U0BEN", From: from, To: from.Add(time.Minute)})
	}
	if len(a.Key.Windows) != workflows.MaxKeyWindows || a.Key.Windows[0].Workflow != "u01-1" {
		t.Fatalf("%d windows, the first of %s", len(a.Key.Windows), a.Key.Windows[0].Workflow)
	}
	a = foldAccount(t, a, workflows.KeyExpects, workflows.KeyWindow{Workflow: "u01-1", Person: "U0ANA", From: keyDay,
		To: keyDay.Add(time.Hour)})
	if w := a.Key.Windows[0]; w.Workflow != "u01-1" || w.To.IsZero() {
		t.Errorf("the window was not closed in its place: %+v", w)
	}
}

func TestAWordHoldsForItsHolderOnly(t *testing.T) {
	h := workflows.MakeWordHash("U0ANA", "bakorimutal", bytes.Repeat([]byte{7}, 16))
	for typed, want := range map[string]bool{"bakorimutal": true, " Bakorimutal. ": true, "BAKO RIMU TAL": true,
		"bakorimuta": false, "": false, " . ": false} {
		if got := h.Holds("U0ANA", typed); got != want {
			t.Errorf("%q holds: %v, want %v", typed, got, want)
		}
	}
	if h.Holds("U0BEN", "bakorimutal") {
		t.Error("a word proves for another person")
	}
	if (workflows.WordHash{}).Holds("U0ANA", "") || (workflows.WordHash{Salt: "zz", Rounds: 1}).Holds("U0ANA", "x") {
		t.Error("a hash that says nothing holds")
	}
	if again := workflows.MakeWordHash("U0ANA", "bakorimutal", bytes.Repeat([]byte{8}, 16)); again.Hash == h.Hash {
		t.Error("the salt does not matter")
	}
}

func TestReadingsOfSignInsAndTokensAreToldApart(t *testing.T) {
	one := &workflows.SignIns{Entries: []workflows.SignIn{{ID: "a"}, {ID: "b"}}}
	two := &workflows.SignIns{Since: keyDay, Entries: []workflows.SignIn{{ID: "a"}, {ID: "b"}}}
	if one.Mark() != two.Mark() || one.Mark() == (&workflows.SignIns{}).Mark() ||
		(*workflows.SignIns)(nil).Mark() != "" {
		t.Error("a mark is not of the entries")
	}
	a := &workflows.Tokens{At: keyDay, Tokens: []workflows.Token{{ID: "1", Full: true}, {ID: "2"}}}
	b := &workflows.Tokens{Tokens: []workflows.Token{{ID: "2"}, {ID: "1", Full: true}}}
	c := &workflows.Tokens{Tokens: []workflows.Token{{ID: "2", Full: true}, {ID: "1", Full: true}}}
	if a.Mark() != b.Mark() || a.Mark() == c.Mark() {
		t.Error("a mark is not of the tokens alone")
	}
}
