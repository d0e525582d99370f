package access

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// TestWhatAnotherTimeGaveIsNotWhatWasBefore: of two times for one access, the end of the last one
// brings back what was before the first, in whatever order they end.
func TestWhatAnotherTimeGaveIsNotWhatWasBefore(t *testing.T) {
	for name, later := range map[string]time.Duration{"the second ends last": 2 * time.Hour, "at the same time": 0} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.request("Dee", form{For: "Ben", Change: Change, Role: workflows.RoleManage, Urgent: true}.fields())
			w.deliverAll()
			w.pass(later)
			w.request("Dee", form{For: "Ben", Change: Change, Role: workflows.RoleAdministrator, Urgent: true}.fields())
			w.deliverAll()
			if got := w.out.mark("", "ben@acme.example"); got != workflows.RoleAdministrator {
				t.Fatalf("has %s", got)
			}
			w.pass(2 * day)
			if got := w.out.mark("", "ben@acme.example"); got != workflows.RoleMonitor {
				t.Errorf("after both are over Ben has %s: %s", got, w.stories("ben@acme.example"))
			}
			for _, r := range w.asked() {
				if !r.state.Closed() {
					t.Errorf("%s is open: %s", r.id, machinetest.Encode(t, r.state))
				}
			}
			if g := w.Account.Given["/ben@acme.example"]; g.Mark != workflows.RoleMonitor || len(g.Running) > 0 ||
				g.Former != nil {
				t.Errorf("the record has %+v", g)
			}
		})
	}
}

// TestTheEndOfTheShorterTimeBringsBackTheLongerOne: an administrator for a day within a week as
// manager.
func TestTheEndOfTheShorterTimeBringsBackTheLongerOne(t *testing.T) {
	w := newWorld(t)
	w.Policy.Access.AdministratorQuorum = 1
	w.granted(form{For: "Ben", Change: Change, Role: workflows.RoleManage, Length: "7d"})
	w.granted(form{For: "Ben", Change: Change, Role: workflows.RoleAdministrator, Length: "1d"})
	w.pass(25 * time.Hour)
	if got := w.out.mark("", "ben@acme.example"); got != workflows.RoleManage {
		t.Errorf("the week is not over, and Ben has %s", got)
	}
	w.pass(7 * day)
	if got := w.out.mark("", "ben@acme.example"); got != workflows.RoleMonitor {
		t.Errorf("all is over, and Ben has %s", got)
	}
}

// TestAfterTheLastEndTheAccountIsAsBeforeTheFirst: times of every kind for one person, one in the
// other, longer, shorter, ended early, refused, and what somebody made of the access meanwhile
// undone; reviews and decisions for good in between say what stands afterwards.
func TestAfterTheLastEndTheAccountIsAsBeforeTheFirst(t *testing.T) {
	t.Parallel()
	before := []string{"", "monitor", "manage", "custom:i1;i2", "administrator"}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.Policy.Access.AdministratorQuorum = 1
		const email = "eve@acme.example"
		if had := rapid.SampledFrom(before).Draw(t, "before"); had != "" {
			w.out.join("", email, accessOf(had))
		}
		want := w.out.mark("", email)
		for range rapid.IntRange(1, 14).Draw(t, "steps") {
			running := slices.DeleteFunc(w.asked(), func(r *run) bool { return r.access().Stage != Active })
			switch kind := rapid.SampledFrom([]string{"time", "time", "time", "urgent", "for good", "review", "wait",
				"wait", "early", "more",
				"refuse", "drift"}).Draw(t, "kind"); kind {
			case "time", "urgent", "for good":
				f := form{For: "Eve", Change: Change, Role: rapid.SampledFrom([]string{"monitor", "manage",
					"administrator", "custom"}).Draw(t, "role"),
					Length: rapid.SampledFrom([]string{"1d", "7d"}).Draw(t, "length"), Urgent: kind == "urgent"}
				if kind == "for good" {
					f.Length = "always"
				}
				w.request("Dee", f.fields())
				w.deliverAll()
				if r := w.newest(); r.access().Stage == Approving {
					w.clickAt(r, round(r.state), "Ana", "approve")
				}
				w.deliverAll()
				w.acceptAll()
				w.poll()
				w.deliverAll()
			case "review":
				now := w.out.user("", email)
				in := map[string]string{BlockChange: Change, BlockRole: workflows.RoleMonitor, inWas: now.Mark()}
				if rapid.Bool().Draw(t, "remove") {
					in = map[string]string{BlockChange: Remove, inWas: now.Mark()}
				}
				w.review("Ana", email, in)
				w.deliverAll()
			case "wait":
				w.pass(rapid.SampledFrom([]time.Duration{time.Hour, 3 * time.Hour, 25 * time.Hour, 8 * day}).Draw(t,
					"span"))
			case "early", "more", "refuse":
				if len(running) == 0 {
					break
				}
				r := running[rapid.IntRange(0, len(running)-1).Draw(t, "which")]
				switch kind {
				case "early":
					w.clickAt(r, round(r.state), "Eve", "end")
				case "more":
					w.clickAt(r, round(r.state), "Eve", "extend")
					w.clickAt(r, round(r.state), "Ana", "approve")
				default:
					w.clickAt(r, round(r.state), "Cat", "refuse", "no")
				}
				w.deliverAll()
			case "drift":
				// What is for good is the watcher's.
				forTime := slices.ContainsFunc(running, func(r *run) bool {
					return r.id == w.Account.Given["/"+email].Workflow
				})
				if u := w.out.user("", email); u != nil && forTime {
					set(u, accessOf(rapid.SampledFrom(before[1:]).Draw(t, "makes it")))
				}
			}
			w.undoAll()
			if r := w.newestOrNone(); r != nil && r.access().End != nil && r.access().End.Outcome == Done {
				switch s := r.access(); { // a decision for good
				case s.End.Code == "nothing" && s.Review == nil:
				case s.Change == Remove:
					want = workflows.Absent
				case s.Review != nil && s.End.Code == "nothing" && w.out.user("", email) == nil:
					want = workflows.Absent
				default:
					want = s.Want.Mark()
				}
			}
		}
		for range 16 { // each step may have asked for a week more
			if !slices.ContainsFunc(w.asked(), func(r *run) bool { return !r.state.Closed() }) {
				break
			}
			w.pass(8 * day)
			w.undoAll()
		}
		for _, r := range w.asked() {
			if !r.state.Closed() {
				t.Fatalf("%s does not end: %s%s", r.id, machinetest.Encode(t, r.state), w.stories(email))
			}
		}
		if got := w.out.mark("", email); got != want {
			t.Fatalf("before the first there was %s, after the last there is %s: %s", want, got, w.stories(email))
		}
		if g := w.Account.Given["/"+email]; len(g.Running) > 0 || g.Former != nil {
			t.Fatalf("the record says that a time runs: %+v", g)
		}
	})
}

func (w *world) newestOrNone() *run {
	if all := w.asked(); len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// pass lets time pass while integrator.io answers.
func (w *world) pass(span time.Duration) {
	for end := w.Now.Add(span); w.Now.Before(end); {
		w.wait(min(4*time.Hour, end.Sub(w.Now)))
		w.deliverAll()
	}
}

// undoAll restores what somebody changed, wherever that is asked.
func (w *world) undoAll() {
	for range 3 {
		for _, r := range w.asked() {
			if s := r.access(); s.Changed.Asks && !s.Closed() {
				w.clickAt(r, round(r.state), "Ana", "undo")
				w.deliverAll()
			}
		}
	}
}

// TestAskingForWhatATimeGivesIsAskingForLonger: what somebody has until tonight is not what they
// ask for for a week.
func TestAskingForWhatATimeGivesIsAskingForLonger(t *testing.T) {
	w := newWorld(t)
	w.request("Dee", form{For: "Ben", Change: Change, Role: workflows.RoleManage, Urgent: true}.fields())
	w.deliverAll()
	w.granted(benManages)
	w.pass(5 * time.Hour)
	if got := w.out.mark("", "ben@acme.example"); got != workflows.RoleManage {
		t.Errorf("the day is not over, and Ben has %s", got)
	}
	w.pass(day)
	if got := w.out.mark("", "ben@acme.example"); got != workflows.RoleMonitor {
		t.Errorf("all is over, and Ben has %s", got)
	}
}
