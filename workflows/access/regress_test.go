package access

import (
	"fmt"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// granted lets Ana approve what Dee asked for Ben, and everything be carried out.
func (w *world) granted(f form) *run {
	w.t.Helper()
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
	if s.Phase != Doing || !s.Manual {
		t.Fatalf("stage %s, manual %v", s.Phase, s.Manual)
	}
	w.click("Ana", "attest")
	w.wait(25 * time.Hour)
	w.deliverAll()
	if u := w.out.user("", "ben@acme.example"); u == nil || u.Role != workflows.RoleMonitor {
		t.Errorf("at the end somebody whose former access is not known was changed: %+v", u)
	}
	if s := w.newest().access(); s.Phase != Restoring || !s.Manual {
		t.Errorf("stage %s, manual %v: people have to bring back what was", s.Phase, s.Manual)
	}
}

func TestAnAttestedInvitationDoesNotBeginTheTimeBox(t *testing.T) {
	w := newWorld(t)
	w.policy.Token = false
	w.granted(form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "1d"})
	w.click("Ana", "attest")
	if s := w.newest().access(); s.Phase != Pending {
		t.Fatalf("stage %s", s.Phase)
	}
	w.click("Cat", "attest")
	if s := w.newest().access(); s.Phase != Active || !s.Until.Equal(w.now.Add(day)) {
		t.Errorf("stage %s until %s", s.Phase, s.Until)
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
		t.Errorf("stage %s", s.Phase)
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
	if g := w.account.Given["/eve@acme.example"]; g.Mark != workflows.RoleMonitor {
		t.Errorf("the record has %q", g.Mark)
	}
	if _, found := w.newest().state.(FoundState); !found {
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
	st := w.do(workflows.Command{Workflow: "a07-00000009", Name: Request, Actor: keyholder, Round: workflows.NoRound, Submitted: true,
		Input: map[string]string{BlockEmail: "eve@acme.example", BlockChange: Remove, BlockReason: "undo", inRequester: "UFAY"}})
	if st.err != nil || !st.after.Closed() || st.after.(State).End.Outcome != Failed {
		t.Fatalf("%v %s", st.err, encode(t, st.after))
	}
}

func TestACensusOfManyIsComparedInTime(t *testing.T) {
	w := newWorld(t)
	for i := range 5000 {
		w.out.users[""] = append(w.out.users[""], &workflows.User{ID: fmt.Sprint("u", i), Email: string(rune('a'+i%26)) + time.Duration(i).String() + "@acme.example", Role: "monitor", Status: "accepted"})
	}
	c := w.out.perform(workflows.Call{Op: workflows.OpCensus}, w.now, true).Census
	s := WatchState{Watched: Watched{ID: "d07-1", AccountID: "acme", Every: time.Hour}, Since: w.now, Base: usersOf(c)}
	c.Users[17].Role = workflows.RoleAdministrator
	begun := time.Now()
	d := s.compare(workflows.Command{ID: "x", At: w.now}, w.facts(workflows.Needs{People: []string{"UDEE"}}), c)
	if len(d.Calls) != 1 {
		t.Fatalf("%d calls", len(d.Calls))
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	if raw := encode(t, s); len(raw) > 1<<20 {
		t.Errorf("the state has %d bytes", len(raw))
	}
}

// TestAWatcherFromBeforeTheTimerIsBroughtOver: its watch is dropped and its timer set by its first look.
func TestAWatcherFromBeforeTheTimerIsBroughtOver(t *testing.T) {
	m := Watcher{}
	at := func(kind, body string) workflows.Event {
		return workflows.Event{Type: kind, At: monday, By: keyholder, Body: []byte(body)}
	}
	old, err := workflows.Fold(m, []workflows.Event{at(evWatching, `{"id":"d07-1","account":"acme","account_name":"Acme","every":21600000000000}`),
		at(evBaseline, `{"known":"x","users":{"p-ben":{"email":"ben@acme.example","mark":"accepted/monitor"}}}`), at(evLooked, `{"every":21600000000000}`)})
	if err != nil {
		t.Fatal(err)
	}
	if v := m.View(old); len(v.Watches) != 1 || len(v.Timers) != 0 {
		t.Fatalf("before: %+v", v)
	}
	w := newWorld(t)
	cmd := workflows.Command{ID: "c", Workflow: "d07-1", Account: "acme", Name: WatchLook, Actor: keyholder, At: monday, Round: workflows.NoRound}
	d, err := m.Decide(old, cmd, w.facts(m.Needs(old, cmd, w.policy, w.account)))
	if err != nil || len(d.Calls) != 1 {
		t.Fatalf("%v %+v", err, d)
	}
	now, err := m.Apply(old, d.Events[0])
	if err != nil {
		t.Fatal(err)
	}
	if v := m.View(now); len(v.Watches) != 0 || len(v.Timers) != 1 || v.Timers[0].Name != timerLook {
		t.Errorf("after: %+v", v)
	}
}

// TestEventsFromBeforeFold: what the version before wrote about drift and questions is read as it was meant.
func TestEventsFromBeforeFold(t *testing.T) {
	s, err := apply(State{Phase: Restoring}, workflows.Event{Type: evDrifted, Body: []byte(`{"mark":"integrator.io shows manage."}`)})
	if err != nil || !s.Drifted || s.There == nil || s.There.OK || s.Mark != "integrator.io shows manage." {
		t.Errorf("%v %+v", err, s)
	}
	f, err := Finding{}.Apply(FoundState{Found: Found{ID: "f07-1"}}, workflows.Event{Type: evAskedWho, By: person("Dee"), Body: []byte(`{"person":"UBEN"}`)})
	if fs := f.(FoundState); err != nil || fs.Asked != "UBEN" || fs.Person != "UBEN" || fs.AskedBy != "UDEE" || fs.AskedDoer {
		t.Errorf("%v %+v", err, fs)
	}
}

// TestNobodyButKeyholderSpeaksForAReview: what a person sends as a review's is a request like any other.
func TestNobodyButKeyholderSpeaksForAReview(t *testing.T) {
	w := newWorld(t)
	in := form{For: "Eve", Change: Change, Role: workflows.RoleManage, Length: "1d"}.fields()
	in[inReview], in[inReviewer], in[inPacket], in[inWas] = "r07-acme-2026q4", "UDEE", "p07-1", absent
	if st := w.request("Fay", in); st.code() != "not_permitted" {
		t.Errorf("Fay spoke for a review: %v", st.err)
	}
	w.request("Dee", in)
	w.deliverAll()
	if s := w.newest().access(); s.Review != "" || s.Phase != Approving || s.Quorum != 1 {
		t.Errorf("Dee's own request: review %q, stage %s", s.Review, s.Phase)
	}
	st := w.do(workflows.Command{Workflow: w.newest().id, Name: accessLeft, Actor: person("Eve"), Round: workflows.NoRound, Submitted: true, Input: map[string]string{"by": "UDEE", "now": absent}})
	if len(st.events) > 0 || st.code() != "unknown_action" {
		t.Errorf("a person gave Keyholder's command: %s", encode(t, st.events))
	}
}
