package access

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/drift"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// TestATimeEndsThoughTheUserHasAnotherAddressByThen: what is taken back is the user's, whatever
// their address is by then.
func TestATimeEndsThoughTheUserHasAnotherAddressByThen(t *testing.T) {
	for _, c := range []struct {
		name string
		form form
		left string
	}{
		{"granted", form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "1d"}, workflows.Absent},
		{"changed", form{For: "Ben", Change: Change, Role: workflows.RoleManage, Length: "1d"}, workflows.RoleMonitor},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.granted(c.form)
			w.acceptAll()
			w.poll()
			w.out.rename(emailOf(c.form.For), "new.name@acme.example")
			w.pass(25 * time.Hour)
			if got := w.out.mark("", "new.name@acme.example"); got != c.left {
				t.Errorf("still has %s: %s", got, w.stories(emailOf(c.form.For)))
			}
			r := w.newest()
			if !r.state.Closed() {
				t.Fatalf("stage %s", r.access().Stage)
			}
			text := strings.Join(r.view.Cards[0].Lines, "\n")
			for _, want := range []string{"new.name@acme.example", emailOf(c.form.For)} {
				if !strings.Contains(text, want) {
					t.Errorf("the card lacks %s:\n%s", want, text)
				}
			}
		})
	}
}

// TestAnAddressThatSomebodyElseHasByNowIsNotTheirs: the end of a time does not take away what
// another person has under the address.
func TestAnAddressThatSomebodyElseHasByNowIsNotTheirs(t *testing.T) {
	w := newWorld(t)
	w.granted(form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "1d"})
	w.acceptAll()
	w.poll()
	w.out.rename("eve@acme.example", "eve.two@acme.example")
	w.out.join("", "eve@acme.example", workflows.Access{Role: workflows.RoleMonitor}).UserID = "p-somebody-else"
	w.pass(25 * time.Hour)
	if w.out.user("", "eve@acme.example") == nil {
		t.Error("somebody else lost their access")
	}
	if w.out.user("", "eve.two@acme.example") != nil {
		t.Error("Eve kept hers")
	}
}

// TestARequestUnderTheNewAddressIsAboutTheSameUser: it knows of the time that runs.
func TestARequestUnderTheNewAddressIsAboutTheSameUser(t *testing.T) {
	w := newWorld(t)
	w.granted(benManages)
	w.out.rename("ben@acme.example", "ben.two@acme.example")
	w.granted(form{For: "ben.two@acme.example", Change: Change, Role: workflows.RoleMonitor, Length: "7d"})
	w.pass(9 * day)
	if got := w.out.mark("", "ben.two@acme.example"); got != workflows.RoleMonitor {
		t.Errorf("after all is over: %s", got)
	}
	w.out.rename("ben.two@acme.example", "ben.three@acme.example")
	w.request("Dee", map[string]string{BlockAccount: "acme", BlockEmail: "ben@acme.example", BlockChange: Remove,
		BlockReason: "he leaves"})
	w.deliverAll()
	w.click("Ana", "approve")
	w.deliverAll()
	if got := w.out.mark("", "ben.three@acme.example"); got != workflows.Absent {
		t.Errorf("asked to be removed under the first address, and has %s", got)
	}
}

// TestNobodyKeepsATimeByChangingTheirAddress: whoever changes their address at integrator.io
// whenever they like, after the last end they have what they had before the first.
func TestNobodyKeepsATimeByChangingTheirAddress(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.Policy.Access.AdministratorQuorum = 1
		now, n := "eve@acme.example", 0
		if had := rapid.SampledFrom([]string{"", "monitor", "custom:i1;i2"}).Draw(t, "before"); had != "" {
			w.out.join("", now, accessOf(had))
		}
		want := w.out.mark("", now)
		for range rapid.IntRange(1, 10).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"time", "time", "urgent", "rename", "rename", "wait", "early"}).Draw(t,
				"kind") {
			case "time":
				w.granted(form{For: now, Change: Change, Role: rapid.SampledFrom([]string{"monitor", "manage",
					"administrator"}).Draw(t, "role"), Length: "1d"})
			case "urgent":
				w.request("Dee", form{For: now, Change: Change, Role: "administrator", Urgent: true}.fields())
				w.deliverAll()
			case "rename":
				if w.out.user("", now) != nil {
					n++
					next := "eve." + strings.Repeat("x", n) + "@acme.example"
					w.out.rename(now, next)
					now = next
				}
			case "wait":
				w.pass(rapid.SampledFrom([]time.Duration{time.Hour, 5 * time.Hour, 25 * time.Hour}).Draw(t, "span"))
			case "early":
				for _, r := range w.asked() {
					if r.access().Stage == Active {
						w.clickAt(r, round(r.state), "Dee", "end")
						w.deliverAll()
						break
					}
				}
			}
			w.acceptAll()
			w.poll()
			w.deliverAll()
		}
		w.pass(8 * day)
		for _, r := range w.asked() {
			if !r.state.Closed() {
				t.Fatalf("%s does not end: %s", r.id, machinetest.Encode(t, r.state))
			}
		}
		if got := w.out.mark("", now); got != want {
			t.Fatalf("before %s, after all is over %s under %s", want, got, now)
		}
	})
}

// TestDriftFollowsTheUserNotTheAddress: another address alone is no card, and a decision about
// somebody explains what they have under it.
func TestDriftFollowsTheUserNotTheAddress(t *testing.T) {
	w := newWorld(t)
	w.watch("")
	w.granted(form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "7d"})
	w.acceptAll()
	w.poll()
	w.poll()
	found := func() (n int) {
		for _, r := range w.runs {
			if r.machine.Letter() == 'f' {
				n++
			}
		}
		return n
	}
	w.out.rename("eve@acme.example", "eve.two@acme.example")
	w.out.rename("ben@acme.example", "ben.two@acme.example")
	w.poll()
	w.deliverAll()
	if n := found(); n > 0 {
		t.Fatalf("%d cards for other addresses alone", n)
	}
	set(w.out.user("", "ben.two@acme.example"), workflows.Access{Role: workflows.RoleAdministrator})
	w.poll()
	w.deliverAll()
	if n := found(); n != 1 {
		t.Fatalf("%d cards for one difference", n)
	}
	f := w.newest().state.(drift.FoundState)
	if f.Was != "accepted/monitor" || f.Now != "accepted/administrator" {
		t.Errorf("the finding compares %s with %s", f.Was, f.Now)
	}
	w.out.rename("ben.two@acme.example", "ben.three@acme.example")
	w.out.user("", "ben.three@acme.example").Disabled = true
	w.poll()
	w.deliverAll()
	text := strings.Join(w.newest().view.Cards[0].Facts, "\n")
	for _, want := range []string{"ben.two@acme.example", "ben.three@acme.example"} {
		if !strings.Contains(text+w.newest().state.Title(), want) {
			t.Errorf("the card lacks %s:\n%s", want, text)
		}
	}
	w.click("Ana", "adopt")
	w.click("Dee", "adopt")
	w.deliverAll()
	w.poll()
	w.deliverAll()
	if n := found(); n != 1 {
		t.Errorf("%d cards", n)
	}
}

// TestSomebodyElseUnderAnExplainedAddressIsFound: a decision about one user explains nothing of
// another one with their address.
func TestSomebodyElseUnderAnExplainedAddressIsFound(t *testing.T) {
	w := newWorld(t)
	w.watch("")
	w.granted(form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "7d"})
	w.acceptAll()
	w.poll()
	w.poll()
	w.out.rename("eve@acme.example", "eve.two@acme.example")
	w.out.join("", "eve@acme.example", workflows.Access{Role: workflows.RoleMonitor}).UserID = "p-somebody-else"
	w.poll()
	w.deliverAll()
	if f, found := w.newest().state.(drift.FoundState); !found || f.Email != "eve@acme.example" {
		t.Errorf("nobody is told of somebody else under the address: %s", machinetest.Encode(t, w.newest().state))
	}
}
