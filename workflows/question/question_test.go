package question

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

func TestTwoOfThreeDecideAndTheCardSaysWho(t *testing.T) {
	w := newWorld(t)
	if err := w.ask(2, nil); err != nil {
		t.Fatal(err)
	}
	want(t, "Ana's card", w.seen("UANA"), "You are asked because you live there. 0 of 2 approvals so far; "+
		"UANA, UBEN and UCAT can still approve until 2026-11-26 09:00 UTC. One refusal ends it.")
	want(t, "Ana's buttons", w.labels("UANA"), "Approve | Refuse… | Approve with a comment… | I am looking at it")
	want(t, "the requester's card", w.seen("UDEE")[:45], "You asked for this, so you do not decide it. ")
	want(t, "the requester's buttons", w.labels("UDEE"), "")
	w.click("UANA", "approve")
	w.click("UANA", "approve")
	want(t, "twice", w.code(), approvals.CodeAlreadyVoted)
	want(t, "whoever said yes can still say no", w.labels("UANA"), "✓ Approved | Refuse…")
	w.click("UBEN", "comment")
	if w.reply.Modal == nil || w.reply.Modal.Callback != "poll.reason" || !w.reply.Modal.Inputs[0].Optional ||
		len(w.events) != 2 {
		t.Fatalf("a comment is asked for by %+v", w.reply.Modal)
	}
	w.click("UBEN", "comment", "  fine, but use two coats ")
	want(t, "stage", w.s.StageName(), "approved")
	want(t, "what was answered", w.seen("UANA"), "✓ UANA approved (2026-11-23 09:00 UTC)\n"+
		"✓ UBEN approved: “fine, but use two coats” (2026-11-23 09:00 UTC)")
	want(t, "story", workflows.Plain(strings.Join(w.story, " "), nil),
		"Asked to approve until 2026-11-26 09:00 UTC: UANA, UBEN and UCAT. "+
			"UANA approved. UBEN approved: “fine, but use two coats”. Decided: approved")
}

func TestNoAsksWhyFirstAndEndsIt(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, nil)
	w.click("UANA", "refuse")
	if w.reply.Modal == nil || w.reply.Modal.Inputs[0].Optional || len(w.events) != 1 {
		t.Fatalf("why is asked by %+v", w.reply.Modal)
	}
	w.click("UANA", "refuse", "  ")
	want(t, "without a reason", w.code(), "reason_missing")
	w.click("UDEE", "refuse")
	want(t, "nobody fills in a form in vain", w.code(), approvals.CodeBarred)
	w.click("UANA", "refuse", "it is blue")
	want(t, "stage", w.s.StageName(), "refused")
}

func TestSomebodyOfEachListMustAndTheCardNamesThem(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, [][]string{{"UANA", "UBEN"}, {"UCAT"}})
	w.click("UANA", "approve")
	want(t, "what is missing", w.seen("UCAT"), "You are asked because you live there. 1 of 2 approvals so far; "+
		"one of UCAT must; "+
		"UCAT can still approve until 2026-11-26 09:00 UTC. One refusal ends it.\n✓ UANA approved (2026-11-23 "+
		"09:00 UTC)")
	w.click("UBEN", "approve")
	want(t, "stage", w.s.StageName(), "asking")
	w.click("UCAT", "approve")
	want(t, "stage", w.s.StageName(), "approved")
}

func TestWhatNobodyCouldApproveIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.people["UBEN"] = workflows.Person{ID: "UBEN", Standing: workflows.StandingGuest}
	w.err = w.ask(3, nil)
	want(t, "too few", w.code(), "dead_end")
	w.err = w.ask(1, [][]string{{"UANA"}, {"UANA"}})
	want(t, "lists of one person", w.code(), "dead_end")
	if !strings.Contains(w.err.Error(), "1 of 2 lists") || !strings.Contains(w.err.Error(), "Nothing was recorded.") {
		t.Error(w.err)
	}
}

func TestAPartyIsBarredByEveryName(t *testing.T) {
	w := newWorld(t)
	w.approvers = append(w.approvers, "UTWIN")
	w.people["UTWIN"] = workflows.Person{ID: "UTWIN", Email: "other@acme.example"}
	_ = w.ask(2, nil)
	w.click("UTWIN", "approve")
	want(t, "not yet known", w.code(), "")
	twin := w.people["UTWIN"]
	twin.Unconfirmed = "Dee+io@acme.example"
	w.people["UTWIN"] = twin
	w.click("UANA", "approve")
	want(t, "the twin's vote no longer counts", w.s.StageName(), "asking")
	if !strings.Contains(w.seen("UANA"), "UTWIN approved (2026-11-23 09:00 UTC); it does not count now: who "+
		"said so turned out") {
		t.Error(w.seen("UANA"))
	}
	want(t, "and has no buttons", w.labels("UTWIN"), "")
	w.click("UBEN", "approve")
	want(t, "stage", w.s.StageName(), "approved")
}

func TestAReturnDecidesWithoutAnotherVote(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, nil)
	w.click("UANA", "approve")
	away, back := w.people["UANA"], w.people["UANA"]
	away.Standing = workflows.StandingDeactivated
	w.people["UANA"] = away
	w.click("UBEN", "approve")
	want(t, "Ana is away", w.s.StageName(), "asking")
	w.people["UANA"] = back
	w.click("UCAT", "approve")
	want(t, "stage", w.s.StageName(), "approved")
	if !strings.HasPrefix(w.reply.Text, "Enough people had approved already") || len(w.s.Question.Ballot.Votes) != 2 {
		t.Errorf("Cat hears %q; votes %v", w.reply.Text, w.s.Question.Ballot.Votes)
	}
}

func TestDelegatesAreAskedWhenTheyBegin(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, nil)
	w.delegations = []approvals.Delegation{{From: "UANA", To: "UFAY", Since: w.now}}
	cmd := w.cmd(workflows.CmdDelegated, "")
	w.apply(asks.Delegated(w.s, cmd, w.facts()).Events...)
	want(t, "Fay's card", w.seen("UFAY")[:67], "You are asked because somebody who decides has delegated to you. 0 ")
	if n := len(asks.Delegated(w.s, w.cmd(workflows.CmdDelegated, ""), w.facts()).Events); n != 0 {
		t.Errorf("nothing new, and %d events", n)
	}
	w.click("UFAY", "approve")
	want(t, "vote", asks.Votes(w.s)[0][:38], "✓ <@UFAY> approved in place of <@UAN")
}

func TestRemovedApproversNoLongerCount(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, nil)
	w.click("UANA", "approve")
	w.approvers = []string{"UBEN", "UCAT"}
	w.click("UANA", "refuse")
	want(t, "removed", w.code(), CodeRemoved)
	w.click("UBEN", "approve")
	want(t, "stage", w.s.StageName(), "asking")
	if !strings.Contains(w.seen("UCAT"), "it does not count now: the configuration no longer names them") {
		t.Error(w.seen("UCAT"))
	}
}

func TestLookingIsShownForAnHourOrUntilTheAnswer(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, nil)
	w.click("UANA", "look")
	w.wait(10 * time.Minute)
	w.click("UBEN", "look")
	w.click("UBEN", "look")
	if w.err != nil || !strings.Contains(w.reply.Text, "already") {
		t.Error(w.reply, w.err)
	}
	if got := w.seen("UCAT"); !strings.Contains(got, "… UANA is looking at it, since 09:00 UTC\n… UBEN is "+
		"looking at it, since 09:10 UTC") {
		t.Error(got)
	}
	want(t, "Ana's buttons", w.labels("UANA"), "Approve | Refuse… | Approve with a comment…")
	w.click("UBEN", "approve")
	w.wait(49 * time.Minute)
	if got := w.seen("UCAT"); !strings.Contains(got, "UANA is looking") || strings.Contains(got, "UBEN is looking") {
		t.Error(got)
	}
	w.wait(time.Minute)
	if got := w.seen("UCAT"); strings.Contains(got, "is looking") {
		t.Error(got)
	}
	w.click("UBEN", "look")
	want(t, "after an answer", w.code(), approvals.CodeAlreadyVoted)
	w.click("UDEE", "look")
	want(t, "by the requester", w.code(), approvals.CodeBarred)
}

func TestQuietPeopleAnswerAndGetNoCardUnlessTheyWantOne(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, nil, "UCAT")
	want(t, "audience", strings.Join(w.s.Question.Audience(), " "), "UANA UBEN")
	want(t, "waited for", strings.Join(w.s.Question.Waiting, " "), "UANA UBEN UCAT")
	w.wait(2 * day)
	want(t, "reminded", strings.Join(w.s.Question.Reminders[0].To, " "), "UANA UBEN")
	w.click("UCAT", "look")
	want(t, "audience", strings.Join(w.s.Question.Audience(), " "), "UANA UBEN UCAT")
	w.click("UCAT", "approve")
	w.click("UBEN", "approve")
	want(t, "stage", w.s.StageName(), "approved")
}

func TestRemindersAndEscalation(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, nil)
	w.click("UANA", "approve")
	w.wait(3*day - time.Minute)
	want(t, "story", workflows.Plain(strings.Join(w.story[2:], " "), nil),
		"Reminded: UBEN and UCAT. Told that answers are missing: UDEE and UEVE. Reminded: UBEN and UCAT.")
	cards := asks.Cards(w.s, "main", "x01")
	want(t, "reminder", cards[0].Fallback, "Still open: Paint it green. 1 of 2 approvals; it ends 2026-11-26 "+
		"09:00 UTC, in 36 hours.")
	if len(cards) != 6 || cards[4].Recipient != "UDEE" || !strings.Contains(asks.Lines(w.s, "UDEE")[2],
		"You do not decide this") {
		t.Errorf("%+v", cards)
	}
	if left := asks.Timers(w.s); len(left) != 0 {
		t.Errorf("timers left: %v", left)
	}
}

func TestRemindersThatFallTogetherAreOne(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, nil)
	w.now = monday.Add(3*day - time.Minute) // nothing ran for three days
	w.wait(0)
	want(t, "story", workflows.Plain(strings.Join(w.story[1:], " "), nil),
		"Reminded: UANA, UBEN and UCAT. Told that answers are missing: UDEE and UEVE.")
	w = newWorld(t)
	_ = w.ask(2, nil)
	w.now = monday.Add(3 * day) // the end is due as well
	w.wait(0)
	if len(w.story) != 1 {
		t.Errorf("warned of what is over: %v", w.story)
	}
}

func TestHeldQuestionsTakeNoYesAndRemindNobody(t *testing.T) {
	w := newWorld(t)
	_ = w.ask(2, nil)
	w.s.Blocked = true
	w.click("UANA", "approve")
	want(t, "yes", w.code(), "blocked")
	w.click("UANA", "comment")
	want(t, "yes with words", w.code(), "blocked")
	want(t, "buttons", w.labels("UANA"), "Refuse… | I am looking at it")
	w.wait(2 * day)
	if len(w.s.Question.Reminders) != 0 {
		t.Error("reminded of what cannot be done")
	}
	w.s.Blocked = false
	w.wait(0)
	if len(w.s.Question.Reminders) != 1 {
		t.Error("what was due is forgotten")
	}
	w.s.Blocked = true
	w.click("UANA", "refuse", "no")
	want(t, "no", w.s.StageName(), "refused")
}

func TestEveryRefusalHasASentenceThatSaysWhatWasNotRecorded(t *testing.T) {
	q := Question{Waiting: []string{"UBEN"}}
	for _, code := range append(approvals.Codes(), CodeRemoved) {
		for _, detail := range []string{"", "requester", string(approvals.Approved), string(approvals.Dead),
			string(approvals.Expired), "UBEN"} {
			text := asks.sentence(q, code, detail)
			if !strings.Contains(text, "othing was recorded") && !strings.Contains(text, "othing new was recorded") {
				t.Errorf("%s %s: %q", code, detail, text)
			}
		}
	}
	if r := asks.notNow(); !strings.Contains(r.Text, "Nothing was recorded") {
		t.Error(r)
	}
	w := newWorld(t)
	w.click("UANA", "approve")
	want(t, "before it was asked", w.code(), "not_now")
	w.click("UANA", "refuse")
	want(t, "before it was asked", w.code(), "not_now")
}
