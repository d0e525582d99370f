package question

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// lend lets somebody decide in another's place until a time, and tells the question.
func (w *world) lend(from, to string, until time.Time) {
	w.delegations = []approvals.Delegation{{From: from, To: to, Since: w.now, Until: until}}
	w.apply(asks.Delegated(w.s, w.cmd(workflows.CmdDelegated, from), w.facts()).Events...)
}

func timerNames(s poll) string {
	var out []string
	for _, t := range asks.Timers(s) {
		out = append(out, t.Name)
	}
	return strings.Join(out, " ")
}

// TestADelegationThatEndsByItsTimeIsNoticed: whoever stood in is told, named nowhere, and asked
// nothing more; nobody has to click for that.
func TestADelegationThatEndsByItsTimeIsNoticed(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, nil)
	want(t, "timers without a delegation", timerNames(w.s), "remind escalate")
	w.lend("UANA", "UFAY", w.now.Add(6*time.Hour))
	want(t, "Fay's buttons", w.labels("UFAY"), "Approve | Refuse… | Approve with a comment… | I am looking at it")
	want(t, "timers", timerNames(w.s), "stand-ins remind escalate")
	w.wait(7 * time.Hour)
	want(t, "Fay's buttons after its end", w.labels("UFAY"), "")
	want(t, "timers after its end", timerNames(w.s), "remind escalate")
	if strings.Contains(w.seen("UBEN"), "UFAY") {
		t.Errorf("Ben still reads of Fay: %s", w.seen("UBEN"))
	}
	cards := asks.Cards(w.s, "main", "")
	if len(cards) != 1 || cards[0].Recipient != "UFAY" || !strings.HasPrefix(cards[0].Title,
		"You are no longer asked") {
		t.Errorf("Fay was told: %+v", cards)
	}
	w.lend("UANA", "UFAY", w.now.Add(time.Hour))
	w.wait(2 * time.Hour)
	if cards := asks.Cards(w.s, "main", ""); len(cards) != 2 || cards[0].Name == cards[1].Name {
		t.Errorf("told twice: %+v", cards)
	}
}

// TestWhoStandsInOnceMoreIsAskedOnceMore: a yes in one place does not take the buttons of another
// away, and a yes that somebody replaced is not theirs to take back.
func TestWhoStandsInOnceMoreIsAskedOnceMore(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(3, nil)
	w.lend("UANA", "UFAY", time.Time{})
	w.click("UFAY", "approve")
	want(t, "Fay said so in Ana's place", w.labels("UFAY"), "✓ Approved | Refuse…")
	w.lend("UBEN", "UFAY", time.Time{})
	want(t, "and is asked in Ben's", w.labels("UFAY"), "Approve | Refuse… | Approve with a comment…")
	w.delegations = nil
	w.click("UANA", "approve")
	want(t, "Ana has said so herself", w.labels("UFAY"), "")
	w.click("UFAY", "refuse", "no")
	if w.err == nil {
		t.Error("Fay took back what is Ana's by now")
	}
}

// TestACalmQuestionRemindsNobody: it still follows delegations and looks.
func TestACalmQuestionRemindsNobody(t *testing.T) {
	w := newWorld(t)
	calm := asks
	calm.Calm = func(poll) bool { return true }
	_ = w.ask(2, nil)
	w.lend("UANA", "UFAY", w.now.Add(time.Hour))
	w.click("UBEN", "look")
	var names []string
	for _, t := range calm.Timers(w.s) {
		names = append(names, t.Name)
	}
	want(t, "timers", strings.Join(names, " "), "looked stand-ins")
}

// TestWhatWaitsForNoAnswerIsPutAnyway, although nobody could say yes.
func TestWhatWaitsForNoAnswerIsPutAnyway(t *testing.T) {
	w := newWorld(t)
	w.approvers = []string{"UANA"}
	if err := w.ask(2, nil); err == nil {
		t.Fatal("nobody could reach the quorum, and it was asked")
	}
	w.apply(asks.AskAnyway(w.cmd("ask", "UDEE"), w.facts(), Question{Ballot: approvals.Ballot{
		Quorum: 2, Electorate: []string{"UDEE"}, Opens: w.now, Closes: w.now.Add(day),
	}, Parties: []approvals.Party{{Identity: approvals.Identity{ID: "UDEE"}, Why: "requester"}}}))
	want(t, "story", w.story[0], "Nobody could be asked to approve.")
	if !w.s.Question.IsOpen() {
		t.Error("it is not on record as asked")
	}
}

// TestWhoIsAskedQuietlyIsNotToldThatTheyDoNotDecide: escalation goes to those who are not asked.
func TestWhoIsAskedQuietlyIsNotToldThatTheyDoNotDecide(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, nil, "UANA") // who is one of those who look after it
	w.wait(60 * time.Hour)
	if e := w.s.Question.Escalated; e == nil || strings.Join(e.To, " ") != "UDEE UEVE" {
		t.Errorf("told were %+v", e)
	}
}
