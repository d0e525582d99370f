package transfer

import (
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// The withdrawal meets an acceptance that integrator.io has queued: it may still fail, so nobody is
// told that the owner has changed.
func TestAQueuedAcceptanceIsNotBelieved(t *testing.T) {
	w := reached(t)["accepting"]
	w.click("Ana", "withdraw", "changed our minds")
	w.out.pending().Status = workflows.TransferQueued
	w.deliver(delivered)
	s := w.newest().state
	if s.changed() || s.Closed() || s.Ending != nil || s.Stage != Accepting {
		t.Fatalf("in %s, changed %v, ending %v", s.Stage, s.changed(), s.Ending)
	}
	if got := w.actions("Ana"); len(got) > 0 {
		t.Errorf("there is nothing to press while it is carried out, but Ana can %q", got)
	}
	w.out.transfers[0].Status = workflows.TransferFailed
	w.poll()
	if s := w.newest().state; s.Invite.Lost != workflows.TransferFailed || s.Closed() {
		t.Errorf("after it failed: %s, lost %q", s.Stage, s.Invite.Lost)
	}
}

// integrator.io never finishes what was accepted: the transfer does not wait for ever, and ends
// with a ticket for support.
func TestAnAcceptanceThatIsNeverCarriedOutFails(t *testing.T) {
	w := reached(t)["accepting"]
	w.out.pending().Status = workflows.TransferQueued
	for range 10 {
		w.poll()
		w.wait(24 * time.Hour)
		w.deliverAll()
	}
	if s := w.newest().state; s.Stage != Completed && s.Stage != Failed {
		t.Fatalf("after ten days it is %s", s.Stage)
	}
	w.wait(24 * time.Hour)
	s := w.newest().state
	if s.Stage != Failed || !s.End.Left {
		t.Errorf("it ended as %s: %+v", s.Stage, s.End)
	}
}

// The invitation is on its way when somebody withdraws: the withdrawal waits behind it, and the
// transfer ends only when both are answered.
func TestWithdrawingWhileTheInvitationIsOnItsWay(t *testing.T) {
	for _, first := range []string{delivered, failedDirty, failedClean, "refused forbidden"} {
		w := reached(t)["inviting"]
		w.click("Ana", "withdraw", "no")
		if w.newest().state.Closed() {
			t.Fatal("it ended although an invitation is on its way")
		}
		w.deliver(first)
		w.deliverAll()
		if s := w.newest().state; s.Stage != Cancelled || w.out.pending() != nil {
			t.Errorf("after %q: %s, pending %v", first, s.Stage, w.out.pending())
		}
	}
}

// The checks are looked at again while people confirm, and something substantial got worse: what
// they confirmed is no longer so.
func TestWorseFactsVoidVotesWhileConfirming(t *testing.T) {
	w := reached(t)["confirming"]
	w.click("Ana", "confirm")
	w.out.shared = []workflows.Resource{{Name: "NetSuite", On: true}}
	w.click("Dee", "recheck")
	w.deliverAll()
	if s := w.newest().state; len(s.Question.Ballot.Votes) != 1 {
		t.Errorf("one reading, which may be an old one, voided the votes: %v", s.Question.Ballot.Votes)
	}
	w.wait(doubtFor)
	w.deliverAll()
	if s := w.newest().state; len(s.Question.Ballot.Votes) > 0 || s.Question.Given > 0 || len(s.VoidNote) == 0 {
		t.Errorf("votes %v, note %q", s.Question.Ballot.Votes, s.VoidNote)
	}
}

// One old answer of integrator.io takes no vote away.
func TestAReadingThatWasWrongOnceKeepsVotes(t *testing.T) {
	w := reached(t)["confirming"]
	w.click("Ana", "confirm")
	w.out.shared = []workflows.Resource{{Name: "NetSuite", On: true}}
	w.click("Dee", "recheck")
	w.deliverAll()
	w.out.shared = nil
	w.wait(doubtFor)
	w.deliverAll()
	if s := w.newest().state; len(s.Question.Ballot.Votes) != 1 || s.Stage != Confirming || s.Doubt != "" {
		t.Errorf("stage %s, votes %v, doubt %q", s.Stage, s.Question.Ballot.Votes, s.Doubt)
	}
}

// They get better: the votes stand.
func TestBetterFactsKeepVotes(t *testing.T) {
	w := newWorld(t)
	w.out.join(mailbox, RoleMonitor)
	w.out.shared = []workflows.Resource{{Name: "NetSuite", On: true}}
	w.ask("Dee")
	w.deliverAll()
	w.click("Ana", "confirm")
	w.out.shared = nil
	w.click("Dee", "recheck")
	w.deliverAll()
	if s := w.newest().state; len(s.Question.Ballot.Votes) != 1 || s.Question.Given != 1 {
		t.Errorf("votes %v", s.Question.Ballot.Votes)
	}
}

// Nobody knows whether the mailbox was invited as a user; the transfer ends, so the invitation is
// taken back in any case.
func TestAnUnclearInvitationAsUserIsTakenBack(t *testing.T) {
	for _, outcome := range []string{failedDirty, failedClean, lost} {
		w := newWorld(t)
		w.ask("Dee")
		w.deliver(delivered)
		w.deliver(outcome)
		w.click("Dee", "cancel", "no")
		w.deliverAll()
		if u := w.out.user(mailbox); u != nil {
			t.Errorf("%s: %s is still invited", outcome, u.Email)
		}
	}
}

// An invitation that somebody else sent before is not ours to take back.
func TestAForeignInvitationAsUserStays(t *testing.T) {
	w := newWorld(t)
	w.out.users = append(w.out.users, &workflows.User{Email: mailbox, Role: RoleManage, Status: workflows.UserPending})
	w.ask("Dee")
	w.deliverAll()
	w.click("Dee", "cancel", "no")
	w.deliverAll()
	if w.out.user(mailbox) == nil {
		t.Error("it was taken back")
	}
}

// The removal of the previous owner is under way when a newer transfer begins: its answer still ends this one.
func TestSupersedingWaitsForTheRemoval(t *testing.T) {
	w := reached(t)["removing"]
	r := w.newest()
	st := w.do(workflows.Command{Workflow: r.id, Name: superseding.Command,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound})
	if len(st.events) > 0 {
		t.Errorf("it ended before the removal was answered: %s", r.state.Stage)
	}
	w.deliverAll()
	if r.state.Stage != Finishing || len(r.state.Settle.Points) == 0 {
		t.Errorf("%s, left open %v", r.state.Stage, r.state.Settle.Points)
	}
}

// A reading older than a minute decides nothing; the account is read again.
func TestAnOldReadingIsReadAgain(t *testing.T) {
	w := newWorld(t)
	w.out.join(mailbox, RoleMonitor)
	w.ask("Dee")
	e := w.queue[0]
	w.queue = nil
	receipt := w.out.perform(*e.Call, w.Now.Add(-2*time.Minute), true)
	w.receive(e, *receipt, "receipt/late")
	if s := w.newest().state; s.Stage != Checking || len(s.Checks) > 0 || len(w.queue) != 1 {
		t.Errorf("in %s with %d checks and %d calls", s.Stage, len(s.Checks), len(w.queue))
	}
}

// A receipt that comes twice, as after a crash between commit and clearing the effect, counts once.
func TestAReceiptCountsOnce(t *testing.T) {
	for name, w := range reached(t) {
		if len(w.queue) == 0 {
			continue
		}
		e := w.queue[0]
		first := w.deliver(delivered)
		if len(first.events) == 0 {
			continue
		}
		again := w.do(first.cmd)
		if len(again.events) > 0 {
			t.Errorf("%s: the answer to %s counted twice: %s", name, e.Call.Op, machinetest.Encode(t, again.events))
		}
	}
}
