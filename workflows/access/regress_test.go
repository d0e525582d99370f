package access

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/drift"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// granted lets Ana approve what Dee asked for Ben, and everything be carried out.
func (w *world) granted(f form) *run {
	w.T.Helper()
	w.request("Dee", f.fields())
	w.deliverAll()
	w.click("Ana", "approve")
	w.deliverAll()
	return w.newest()
}

var benManages = form{For: "Ben", Change: Change, Role: workflows.RoleManage, Length: "1d"}

func TestAnApprovedChangeOfWhatCouldNotBeReadIsLeftToPeople(t *testing.T) {
	w := newWorld(t)
	w.out.forbidden[workflows.OpReadAccess] = true
	s := w.granted(benManages).access()
	if s.Stage != Doing || !s.Hand.Manual {
		t.Fatalf("stage %s, manual %v", s.Stage, s.Hand.Manual)
	}
	w.click("Ana", "attest")
	w.wait(25 * time.Hour)
	w.deliverAll()
	if u := w.out.user("", "ben@acme.example"); u == nil || u.Role != workflows.RoleMonitor {
		t.Errorf("at the end somebody whose former access is not known was changed: %+v", u)
	}
	if s := w.newest().access(); s.Stage != Restoring || !s.Hand.Manual {
		t.Errorf("stage %s, manual %v: people have to bring back what was", s.Stage, s.Hand.Manual)
	}
}

func TestAnAttestedInvitationDoesNotBeginTheTimeBox(t *testing.T) {
	w := newWorld(t)
	w.Policy.Token = false
	w.granted(form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "1d"})
	w.click("Ana", "attest")
	if s := w.newest().access(); s.Stage != Pending {
		t.Fatalf("stage %s", s.Stage)
	}
	w.click("Cat", "attest")
	if s := w.newest().access(); s.Stage != Active || !s.Until.Equal(w.Now.Add(day)) {
		t.Errorf("stage %s until %s", s.Stage, s.Until)
	}
}

func TestCancellingAfterTheWriteRestores(t *testing.T) {
	w := newWorld(t)
	w.out.user("", "ben@acme.example").Disabled = true
	w.granted(benManages)
	if u := w.out.user("", "ben@acme.example"); u.Role != workflows.RoleManage {
		t.Fatalf("not written: %+v", u)
	}
	w.click("Dee", "cancel")
	w.deliverAll()
	if u := w.out.user("", "ben@acme.example"); u.Role != workflows.RoleMonitor || !u.Disabled {
		t.Errorf("left behind: %+v", u)
	}
	if s := w.newest().access(); !s.Closed() {
		t.Errorf("stage %s", s.Stage)
	}
}

func TestTheRecordKeepsWhatWasAgreedNotWhatSomebodyMadeOfIt(t *testing.T) {
	w := newWorld(t)
	w.watch("")
	w.granted(form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "1d"})
	set(w.out.user("", "eve@acme.example"), workflows.Access{Role: workflows.RoleAdministrator})
	w.acceptAll()
	w.poll()
	w.poll()
	w.deliverAll()
	if g := w.Account.Given["/eve@acme.example"]; g.Mark != workflows.RoleMonitor {
		t.Errorf("the record has %q", g.Mark)
	}
	if _, found := w.newest().state.(drift.FoundState); !found {
		t.Error("nobody is told that she is an administrator")
	}
}

func TestNobodyButKeyholderAsksInAnothersName(t *testing.T) {
	w := newWorld(t)
	in := form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "1d"}.fields()
	in[inRequester] = "UDEE"
	if st := w.request("Fay", in); st.code() != "not_permitted" {
		t.Errorf("Fay asked in Dee's name: %v", st.err)
	}
}

func TestARequestThatKeyholderCannotOpenSaysSo(t *testing.T) {
	w := newWorld(t)
	st := w.do(workflows.Command{Workflow: "a07-00000009", Name: Request, Actor: keyholder, Round: workflows.NoRound,
		Submitted: true,
		Input: map[string]string{BlockEmail: "eve@acme.example", BlockChange: Remove, BlockReason: "undo",
			inRequester: "UFAY"}})
	if st.err != nil || !st.after.Closed() || st.after.(State).End.Outcome != Failed {
		t.Fatalf("%v %s", st.err, machinetest.Encode(t, st.after))
	}
}

// TestNobodyButKeyholderSpeaksForAReview: what a person sends as a review's is a request like any other.
func TestNobodyButKeyholderSpeaksForAReview(t *testing.T) {
	w := newWorld(t)
	in := form{For: "Eve", Change: Change, Role: workflows.RoleManage, Length: "1d"}.fields()
	in[inReview], in[inReviewer], in[inPacket], in[inWas] = "r07-acme-2026q4", "UDEE", "p07-1", workflows.Absent
	if st := w.request("Fay", in); st.code() != "not_permitted" {
		t.Errorf("Fay spoke for a review: %v", st.err)
	}
	w.request("Dee", in)
	w.deliverAll()
	if s := w.newest().access(); s.Review != nil || s.Stage != Approving || s.Quorum != 1 {
		t.Errorf("Dee's own request: review %q, stage %s", s.Review, s.Stage)
	}
	st := w.do(workflows.Command{Workflow: w.newest().id, Name: workflows.AccessLeft.Command, Actor: person("Eve"),
		Round: workflows.NoRound, Submitted: true,
		Input: workflows.AccessLeft.To("acme", "", workflows.LeftAccess{By: "UDEE", Mark: workflows.Absent}).Input})
	if len(st.events) > 0 || st.code() != "unknown_action" {
		t.Errorf("a person gave Keyholder's command: %s", machinetest.Encode(t, st.events))
	}
}

// A token that is refused for a moment holds nothing up until the next try by itself.
func TestWhatCouldNotBeReadIsReadAgainByAButton(t *testing.T) {
	w := newWorld(t)
	w.request("Dee", benManages.fields())
	w.deliver("refused unauthorized")
	if s := w.newest().access(); s.Stage != Reading || s.Wait.Away == "" {
		t.Fatalf("stage %s, away %q", s.Stage, s.Wait.Away)
	}
	if r := w.click("Gus", "recheck").refusal(); r == nil {
		t.Error("somebody who has no part in it had it read again")
	}
	w.click("Dee", "recheck")
	if s := w.newest().access(); strings.Contains(strings.Join(readingStage{}.lines(s, ""), ""), "again") {
		t.Errorf("while it is read the card says %q", readingStage{}.lines(s, ""))
	}
	if st := w.click("Dee", "recheck"); st.reply.Text == "" {
		t.Error("a second press while it is read is not answered")
	}
	w.deliverAll()
	if s := w.newest().access(); s.Stage != Approving {
		t.Errorf("stage %s", s.Stage)
	}
	if r := w.click("Dee", "recheck").refusal(); r == nil {
		t.Error("what is known was read again")
	}
}
