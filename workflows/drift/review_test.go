package drift

import (
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

// reviewRig is an open finding about Eve, who has an access that nobody decided.
type reviewRig struct {
	t *testing.T
	m workflows.Machine
	s workflows.State
	f workflows.Facts
	d workflows.Decision // the last
}

func newReviewRig(t *testing.T, mark string) *reviewRig {
	r := &reviewRig{t: t, f: facts(), m: Finding(Undoing{
		Needs: func(workflows.Command, workflows.Policy, workflows.AccountState) workflows.Needs {
			return workflows.Needs{}
		},
		Would: func(workflows.Command, workflows.Facts) error { return nil },
	})}
	r.s = r.m.New()
	r.tell(findingRequest.To("acme", "f07-00000001", found{Email: "eve@acme.example", Was: workflows.Absent, Now: mark,
		Watcher: "d07-1", User: "p-eve"}))
	return r
}

func (r *reviewRig) tell(call workflows.Call) {
	r.t.Helper()
	cmd := workflows.Command{ID: "c", Workflow: "f07-00000001", Account: "acme", Name: call.Command, Input: call.Input,
		Actor: keyholder, At: monday, Round: workflows.NoRound}
	var err error
	if r.d, err = r.m.Decide(r.s, cmd, r.f); err != nil {
		r.t.Fatal(err)
	}
	for _, e := range r.d.Events {
		if r.s, err = r.m.Apply(r.s, e); err != nil {
			r.t.Fatal(err)
		}
		if text := r.m.Tell(e); strings.Contains(text, "%!") || strings.Contains(text, "cannot be read") {
			r.t.Errorf("told: %s", text)
		}
	}
}

func (r *reviewRig) reviewed(b workflows.ReviewedFinding) {
	b.Review, b.Reason = "r07-acme-2026q4", "Helps in the close"
	r.tell(workflows.FindingReviewed.To("acme", "f07-00000001", b))
}

func (r *reviewRig) card() string {
	for _, c := range r.m.View(r.s).Cards {
		if c.Name == cardMain {
			return c.Title + "\n" + strings.Join(c.Lines, "\n") + "\n" + strings.Join(c.Facts, "\n")
		}
	}
	r.t.Fatal("nobody has a card")
	return ""
}

func (r *reviewRig) explains() bool {
	for _, e := range r.d.Account {
		if e.Type == workflows.AccessGiven {
			return true
		}
	}
	return false
}

const eveManages = "accepted/manage"

// Who keeps it in a review and may take it as expected has taken it as expected: one ends it where
// one is enough.
func TestKeepingInAReviewIsTheReviewersWordThatItIsExpected(t *testing.T) {
	r := newReviewRig(t, eveManages)
	r.reviewed(workflows.ReviewedFinding{Reviewer: "UDEE", Mark: eveManages})
	if !r.s.Closed() || r.s.StageName() != Expected || !r.explains() {
		t.Fatalf("%s, %+v", r.s.StageName(), r.d.Account)
	}
	if card := r.card(); !strings.Contains(card, "<@UDEE> kept it in the review r07-acme-2026q4") {
		t.Errorf("%s", card)
	}
}

func TestTheRoleOfAnAdministratorTakesTwoWhereverTheySayIt(t *testing.T) {
	const mark = "accepted/administrator"
	r := newReviewRig(t, mark)
	for range 2 { // told twice, counted once
		r.reviewed(workflows.ReviewedFinding{Reviewer: "UDEE", Mark: mark})
	}
	if r.s.Closed() || len(r.s.(FoundState).Taking.Votes) != 1 || r.explains() {
		t.Fatalf("%s, %+v", r.s.StageName(), r.s.(FoundState).Taking.Votes)
	}
	if card := r.card(); !strings.Contains(card, "kept it in the review") || !strings.Contains(card, "1 of 2") {
		t.Errorf("%s", card)
	}
	r.reviewed(workflows.ReviewedFinding{Reviewer: "UBEN", Mark: mark})
	if r.s.StageName() != Expected || !r.explains() {
		t.Errorf("%s", r.s.StageName())
	}
}

// Whoever may not take it as expected may keep it in a review; the finding stays, and says so.
func TestKeepingByWhoMayNotLeavesTheFindingOpen(t *testing.T) {
	for name, c := range map[string]struct {
		prepare  func(r *reviewRig)
		reviewer string
		mark     string
		says     string
	}{
		"a reviewer who looks after nothing": {reviewer: "UKIM", says: "do not look after access"},
		"whose access it is": {reviewer: "UBEN", says: "their own access", prepare: func(r *reviewRig) {
			r.f.People["UBEN"] = workflows.Person{ID: "UBEN", Email: "Eve+x@acme.example", At: monday}
		}},
		"whom the audit log names": {reviewer: "UDEE", says: "names them", prepare: func(r *reviewRig) {
			r.receipt(workflows.Receipt{Op: workflows.OpTrace, OK: true, Effect: "x",
				Trace: &workflows.Trace{Email: "dee@acme.example"}})
		}},
		"something else by now": {reviewer: "UDEE", mark: "accepted/monitor", says: "something else by now"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReviewRig(t, eveManages)
			if c.prepare != nil {
				c.prepare(r)
			}
			mark := eveManages
			if c.mark != "" {
				mark = c.mark
			}
			r.reviewed(workflows.ReviewedFinding{Reviewer: c.reviewer, Mark: mark})
			if r.s.Closed() || len(r.s.(FoundState).Taking.Votes) != 0 || r.explains() {
				t.Fatalf("%s", r.s.StageName())
			}
			if card := r.card(); !strings.Contains(card, "kept it in the review") || !strings.Contains(card, c.says) {
				t.Errorf("%s", card)
			}
		})
	}
}

// TestWhereAnAdministratorDidItTheHoldersAreTold, since only they can still take it as expected.
func TestWhereAnAdministratorDidItTheHoldersAreTold(t *testing.T) {
	r := newReviewRig(t, eveManages)
	if to := r.s.(FoundState).To; len(to) != 1 || to[0] != "UDEE" {
		t.Fatalf("told first: %v", to)
	}
	r.receipt(workflows.Receipt{Op: workflows.OpTrace, OK: true, Effect: "x",
		Trace: &workflows.Trace{Email: "dee@acme.example"}})
	var may []string
	for _, c := range r.m.View(r.s).Cards {
		for _, b := range c.Buttons {
			if b.Action == ActAdopt {
				may = append(may, c.Recipient)
			}
		}
	}
	if got := strings.Join(may, " "); got != "UANA UBEN" {
		t.Errorf("may take it as expected: %q", got)
	}
}

func (r *reviewRig) receipt(in workflows.Receipt) {
	r.t.Helper()
	cmd := workflows.Command{ID: "c", Workflow: "f07-00000001", Account: "acme", Name: workflows.CmdReceipt,
		Receipt: &in,
		Actor:   workflows.Actor{Kind: workflows.ByIntegrator}, At: monday, Round: workflows.NoRound}
	r.f.ByEmail["dee@acme.example"] = "UDEE"
	d, err := r.m.Decide(r.s, cmd, r.f)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range d.Events {
		if r.s, err = r.m.Apply(r.s, e); err != nil {
			r.t.Fatal(err)
		}
	}
}

// What a review took away, and what was read back, ends the finding, and names review and reviewer.
func TestARemovalOfAReviewEndsTheFinding(t *testing.T) {
	r := newReviewRig(t, eveManages)
	r.reviewed(workflows.ReviewedFinding{Reviewer: "UKIM", Access: "a07-11111111"})
	if !r.s.Closed() || r.s.StageName() != Reviewed || r.explains() {
		t.Fatalf("%s", r.s.StageName())
	}
	released, watcher := false, false
	for _, e := range r.d.Account {
		released = released || e.Type == workflows.LockReleased
	}
	for _, c := range r.d.Calls {
		watcher = watcher || c.ID == "d07-1" && c.Command == findingOver.Command
	}
	if !released || !watcher {
		t.Errorf("released %t, watcher told %t", released, watcher)
	}
	card := r.card()
	for _, word := range []string{"r07-acme-2026q4", "<@UKIM>", "a07-11111111"} {
		if !strings.Contains(card, word) {
			t.Errorf("%s: %s", word, card)
		}
	}
	r.reviewed(workflows.ReviewedFinding{Reviewer: "UKIM", Access: "a07-11111111"})
	if len(r.d.Events) != 0 {
		t.Error("it ended twice")
	}
}

// TestACardHoldsWhatAnAnswerNeeds: the rest is behind "Details…", and in a channel, which has no buttons, below it.
func TestACardHoldsWhatAnAnswerNeeds(t *testing.T) {
	s := FoundState{Found: Found{To: []string{"UDEE"}, Channel: "COPS", Email: "eve@contractor.example",
		Was: workflows.Absent, Now: eveManages, Via: "existing_account_invite"}}
	more := []string{"How they got in: somebody who may manage users invited them", "*Undo*: a request to remove them"}
	for _, c := range s.cards() {
		lines, details := strings.Join(c.Lines, "\n"), strings.Join(c.Details, "\n")
		for _, want := range more {
			if strings.Contains(lines, want) || !strings.Contains(details, want) {
				t.Errorf("the card says %q, its details %q", lines, details)
			}
		}
	}
	s.To = nil
	cards := s.cards()
	if len(cards) != 1 || cards[0].Recipient != "COPS" || len(cards[0].Details) > 0 {
		t.Fatalf("%+v", cards)
	}
	for _, want := range more {
		if !strings.Contains(strings.Join(cards[0].Lines, "\n"), want) {
			t.Errorf("the channel reads %q", cards[0].Lines)
		}
	}
}
