package key

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

var wants = map[string]string{BlockAccount: "acme", BlockFor: "1h", BlockReason: "Rotate the SSO certificate"}

func asked(t *testing.T, who string) (*world, *run) {
	t.Helper()
	w := newWorld(t)
	must(t, w.ask(Request, workflows.LetterUse, who, wants))
	return w, w.newest("u")
}

func TestAUseIsApprovedTakenBroughtBackAndExplainedBySomebodyElse(t *testing.T) {
	w, r := asked(t, "Ana")
	refusedAs(t, w.click(r, "Ana", ActApprove, nil), "barred")
	if w.Account.Key.Use != nil {
		t.Error("the record says it is out before it was approved")
	}
	must(t, w.click(r, "Ben", ActApprove, nil))
	s := r.state.(UseState)
	if s.Stage != UseOut || !s.Ends.Equal(w.Now.Add(time.Hour)) {
		t.Fatalf("%s until %s", s.Stage, s.Ends)
	}
	refusedAs(t, w.click(r, "Ben", ActPlanned, nil), "not_here")
	refusedAs(t, w.click(r, "Ben", ActBack, map[string]string{BlockDone: "x", BlockRotated: "no"}), "not_permitted")
	refusedAs(t, w.click(r, "Ana", ActBack, map[string]string{BlockRotated: "no"}), "done_missing")
	refusedAs(t, w.click(r, "Ana", ActBack, map[string]string{BlockDone: "x", BlockRotated: "maybe"}),
		"rotated_missing")
	w.Now = w.Now.Add(20 * time.Minute)
	must(t, w.click(r, "Ana", ActBack, map[string]string{BlockDone: "New certificate", BlockRotated: "yes"}))
	refusedAs(t, w.click(r, "Ana", ActPlanned, nil), "own_use")
	refusedAs(t, w.click(r, "Ben", ActPlanned, nil), "approved_it")
	must(t, w.click(r, "Dee", ActPlanned, nil))
	card, _ := w.card(r, "Cat", cardMain)
	text := strings.Join(card.Facts, "\n")
	for _, want := range []string{"Rotate the SSO certificate", "<@UBEN>", "New certificate", "Password: changed",
		"Sign-ins: none seen"} {
		if !strings.Contains(text, want) {
			t.Errorf("the evidence lacks %q:\n%s", want, text)
		}
	}
	if u := w.Account.Key.Use; u.Found != UsePlanned || u.Back.IsZero() || w.Account.Locks[workflows.LockKey] != "" {
		t.Errorf("the record has %+v, locks %v", u, w.Account.Locks)
	}
}

func TestOneUseAtATimeAndTheAnswerSaysWhoseItIs(t *testing.T) {
	w, r := asked(t, "Ana")
	must(t, w.click(r, "Dee", ActApprove, nil))
	a := w.ask(Request, workflows.LetterUse, "Cat", wants)
	refusedAs(t, a, "key_out")
	if !strings.Contains(a.err.Error(), "<@UANA>") || !strings.Contains(a.err.Error(), r.id) {
		t.Errorf("it says %v", a.err)
	}
	must(t, w.click(r, "Ana", ActBack, map[string]string{BlockDone: "done", BlockRotated: "no"}))
	must(t, w.ask(Request, workflows.LetterUse, "Cat", wants)) // explaining the first may take days
}

func TestWithoutAQuorumItIsOutAtOnce(t *testing.T) {
	w := newWorld(t)
	w.Policy.Key.Quorum = 0
	a := must(t, w.ask(Request, workflows.LetterUse, "Cat", wants))
	r := w.newest("u")
	if r.state.StageName() != UseOut || !strings.Contains(a.reply.Text, "The key is out") {
		t.Errorf("%s: %s", r.state.StageName(), a.reply.Text)
	}
	for _, who := range []string{"Ana", "Ben", "Cat", "Dee", "#"} {
		name := cardMain
		if who == "#" {
			name = cardStart
		}
		if _, ok := w.card(r, who, name); !ok {
			t.Errorf("%s is not told", who)
		}
	}
}

func TestAUseThatNeverComesBackIsOverdueThenUnexplained(t *testing.T) {
	w, r := asked(t, "Ana")
	must(t, w.click(r, "Ben", ActApprove, nil))
	w.wait(time.Hour)
	if r.state.(UseState).Late.IsZero() || w.buttons(r, "Dee") != "key.emergency key.misuse key.planned" ||
		w.buttons(r, "Ana") != "key.back" {
		t.Fatalf("overdue: Dee has %q, Ana %q", w.buttons(r, "Dee"), w.buttons(r, "Ana"))
	}
	if _, ok := w.card(r, "Cat", "note-late"); !ok {
		t.Error("holders do not hear that it is overdue")
	}
	w.wait(3 * day)
	if r.state.StageName() != UseUnexplained || len(w.alarms) != 1 || w.alarms[0].Kind != AlarmUnexplained ||
		w.hooks != 1 {
		t.Fatalf("%s, alarms %+v", r.state.StageName(), w.alarms)
	}
	if w.Account.Locks[workflows.LockKey] != "" || w.Account.Key.Use.Found != UseUnexplained ||
		w.Account.Key.Windows[0].To.IsZero() {
		t.Errorf("the record has %+v, %v", w.Account.Key, w.Account.Locks)
	}
}

func TestMisuseIsAnAlarm(t *testing.T) {
	w, r := asked(t, "Ana")
	must(t, w.click(r, "Ben", ActApprove, nil))
	must(t, w.click(r, "Ana", ActBack, map[string]string{BlockDone: "looked around", BlockRotated: "no"}))
	must(t, w.click(r, "Cat", ActMisuse, nil))
	if len(w.alarms) != 1 || w.alarms[0].Kind != AlarmMisuse {
		t.Fatalf("%+v", w.alarms)
	}
	for _, who := range []string{"Ana", "Ben", "Dee", "#"} {
		if c, ok := w.card(r, who, "alarm"); !ok || len(c.Facts) < 3 {
			t.Errorf("%s reads %+v", who, c)
		}
	}
}

func TestAnApproverExplainsWhereNobodyElseIsLeft(t *testing.T) {
	w := newWorld(t)
	w.Policy.Aliases[0].Holders, w.Policy.Aliases[0].Custodians = []string{"UANA", "UBEN"}, []string{"UANA", "UBEN"}
	w.Policy.Admins = []string{"UANA"}
	must(t, w.ask(Request, workflows.LetterUse, "Ana", wants))
	r := w.newest("u")
	must(t, w.click(r, "Ben", ActApprove, nil))
	must(t, w.click(r, "Ana", ActBack, map[string]string{BlockDone: "done", BlockRotated: "no"}))
	must(t, w.click(r, "Ben", ActPlanned, nil))
}

func TestARequestThatNobodyCouldApproveIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.Policy.Aliases[0].Holders, w.Policy.Admins = []string{"UANA"}, nil
	refusedAs(t, w.ask(Request, workflows.LetterUse, "Ana", wants), "dead_end")
	if len(w.runs) != 0 || len(w.Account.Locks) != 0 {
		t.Error("something was recorded")
	}
}

func TestWhoMayAskAndWhatAFormMustSay(t *testing.T) {
	w := newWorld(t)
	for _, who := range []string{"Eve", "Aud"} {
		refusedAs(t, w.ask(Request, workflows.LetterUse, who, wants), "not_permitted")
	}
	with := func(block, value string) map[string]string {
		in := map[string]string{}
		for k, v := range wants {
			in[k] = v
		}
		in[block] = value
		return in
	}
	refusedAs(t, w.ask(Request, workflows.LetterUse, "Ana", with(BlockFor, "30d")), "for_bad")
	refusedAs(t, w.ask(Request, workflows.LetterUse, "Ana", with(BlockReason, " \n")), "reason_missing")
	w.Stand("Ana", workflows.StandingDeactivated)
	refusedAs(t, w.ask(Request, workflows.LetterUse, "Ana", wants), "standing_deactivated")
}

func TestRefusedExpiredAndTakenBack(t *testing.T) {
	w, r := asked(t, "Ana")
	must(t, w.click(r, "Cat", ActRefuse, map[string]string{BlockReason: "Use your own account"}))
	if r.state.StageName() != UseRefused {
		t.Fatal(r.state.StageName())
	}
	if c, _ := w.card(r, "Ana", cardMain); !strings.Contains(strings.Join(c.Lines, " "), "Use your own account") {
		t.Errorf("she reads %v", c.Lines)
	}
	w, r = asked(t, "Ana")
	w.wait(4 * time.Hour)
	if r.state.StageName() != UseExpired || w.Account.Locks[workflows.LockKey] != "" {
		t.Errorf("%s, locks %v", r.state.StageName(), w.Account.Locks)
	}
	w, r = asked(t, "Ana")
	refusedAs(t, w.click(r, "Eve", ActCancel, nil), "not_permitted")
	must(t, w.click(r, "Ana", ActCancel, map[string]string{BlockReason: ""}))
	if r.state.StageName() != UseCancelled {
		t.Error(r.state.StageName())
	}
}

func TestAWholeReasonIsShown(t *testing.T) {
	w := newWorld(t)
	long := strings.TrimSpace(strings.Repeat("because it is needed ", 50))[:maxReason]
	must(t, w.ask(Request, workflows.LetterUse, "Ana", map[string]string{BlockFor: "1h", BlockReason: long}))
	c, _ := w.card(w.newest("u"), "Ben", cardMain)
	if !strings.Contains(strings.Join(c.Lines, " "), long) {
		t.Error("it is cut")
	}
}

// TestNobodyExplainsTheirOwnUse is a property over whoever clicks whatever.
func TestNobodyExplainsTheirOwnUse(t *testing.T) {
	everybody := []string{"Ana", "Ben", "Cat", "Dee", "Kim", "Aud", "Eve"}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.Policy.Key.Quorum = rapid.IntRange(0, 2).Draw(t, "quorum")
		if a := w.ask(Request, workflows.LetterUse, rapid.SampledFrom(everybody).Draw(t, "asks"), wants); a.err != nil {
			return
		}
		r := w.newest("u")
		for range 25 {
			if r.state.Closed() {
				break
			}
			act := rapid.SampledFrom([]string{ActApprove, ActRefuse, ActCancel, ActBack, ActPlanned, ActEmergency,
				ActMisuse, "key.look", "wait"}).Draw(t, "act")
			if act == "wait" {
				w.wait(time.Duration(rapid.IntRange(1, 30).Draw(t, "hours")) * time.Hour)
				continue
			}
			w.click(r, rapid.SampledFrom(everybody).Draw(t, "who"), act, map[string]string{BlockReason: "so",
				BlockDone: "it", BlockRotated: "no"})
		}
		s := r.state.(UseState)
		if s.FoundBy == s.Person && s.FoundBy != "" {
			t.Fatal("who used it said what it was")
		}
		if workflows.Among(s.FoundBy, s.approvers()) {
			for _, who := range s.Lookers() {
				if who != s.Person && !workflows.Among(who, s.approvers()) {
					t.Fatalf("%s approved and explained although %s was left", s.FoundBy, who)
				}
			}
		}
		if !s.Out.IsZero() && len(s.approvers()) < s.Quorum {
			t.Fatalf("out with %d approvals of %d", len(s.approvers()), s.Quorum)
		}
		if s.Out.IsZero() && s.Stage != UseAsking && s.Stage != UseRefused && s.Stage != UseExpired &&
			s.Stage != UseCancelled {
			t.Fatalf("%s without having been out", s.Stage)
		}
	})
}
