package access

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// address gives somebody another address in Slack, confirmed or not.
func (w *world) address(name, email string, confirmed bool) {
	w.renamed = true
	p := w.People[machinetest.UserID(name)]
	p.Email, p.EmailConfirmed, p.Unconfirmed = email, confirmed, ""
	if !confirmed {
		p.Email, p.Unconfirmed = "", email
	}
	w.People[p.ID] = p
}

func TestNobodyApprovesTheirOwnAccessByAnotherName(t *testing.T) {
	forAddress := map[string]string{BlockAccount: "acme", BlockChange: Grant, BlockRole: workflows.RoleMonitor,
		BlockFor: "1d", BlockReason: "it must be", BlockEmail: "ana@acme.example"}
	for name, story := range map[string]func(w *world){
		"deactivated when it was asked for": func(w *world) {
			w.Stand("Ana", workflows.StandingDeactivated)
			w.request("Dee", forAddress)
			w.deliverAll()
			w.Stand("Ana", "")
		},
		"with an address that she did not confirm": func(w *world) {
			w.address("Ana", "ana@acme.example", false)
			w.request("Dee", forAddress)
			w.deliverAll()
		},
		"with a tag": func(w *world) {
			w.address("Ana", "Ana+io@acme.example", true)
			w.request("Dee", forAddress)
			w.deliverAll()
		},
		"with an address that she gave up since": func(w *world) {
			w.address("Ana", "ana@acme.example", false)
			w.request("Dee", forAddress)
			w.deliverAll()
			w.address("Ana", "ana.two@acme.example", true)
		},
		"with an address that she took since": func(w *world) {
			w.address("Ana", "ana.two@acme.example", true)
			w.request("Dee", forAddress)
			w.deliverAll()
			w.address("Ana", "ana@acme.example", true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			story(w)
			if st := w.click("Ana", "approve"); st.code() != approvals.CodeBarred {
				t.Errorf("Ana approved her own access: %v", st.err)
			}
			if st := w.click("Cat", "approve"); st.err != nil || w.newest().state.StageName() == Approving {
				t.Errorf("Cat could not: %v", st.err)
			}
		})
	}
}

func TestNobodySwearsOrDecidesAboutTheirOwnAccessByAnotherName(t *testing.T) {
	w := newWorld(t)
	w.Policy.Token = false
	w.address("Ana", "ana@acme.example", false)
	w.request("Dee", map[string]string{BlockAccount: "acme", BlockChange: Grant, BlockRole: workflows.RoleMonitor,
		BlockFor: "1d", BlockReason: "it must be", BlockEmail: "ana@acme.example"})
	w.deliverAll()
	w.click("Cat", "approve")
	if st := w.click("Ana", "attest"); st.code() != "own_access" {
		t.Errorf("Ana swore to her own access: %v", st.err)
	}
}

func TestAFindingIsNotDecidedByWhoseAccessItIs(t *testing.T) {
	w := newWorld(t)
	w.watch("")
	w.address("Dee", "dee+x@acme.example", false)
	w.out.join("", "dee@acme.example", workflows.Access{Role: workflows.RoleMonitor})
	w.poll()
	w.deliverAll()
	if st := w.click("Dee", "adopt"); st.code() != "own_access" {
		t.Errorf("Dee took her own access as expected: %v", st.err)
	}
}

func TestUrgentOnlyAdds(t *testing.T) {
	for _, c := range []struct {
		had, want string
		adds      bool
	}{
		{"administrator", "monitor", false}, {"administrator", "manage", false}, {"manage", "monitor", false},
		{"administrator", "custom", false},
		{"custom:i9;", "monitor", false}, {"custom:i9;", "custom", false}, {"monitor", "custom", false},
		{"monitor", "manage", true}, {"monitor", "administrator", true}, {"custom:;i9", "monitor", true},
		{"custom:i1;i2", "custom", true},
		{"custom:i9;*", "manage", true}, {"none", "monitor", true},
	} {
		w := newWorld(t)
		w.out.join("", "eve@acme.example", accessOf(c.had))
		w.request("Dee", form{For: "Eve", Change: Change, Role: c.want, Urgent: true}.fields())
		w.deliverAll()
		s, now := w.newest().access(), w.out.user("", "eve@acme.example").Access().Mark()
		switch {
		case c.adds && s.Stage != Active:
			t.Errorf("%s to %s adds, and was not given: %s", c.had, c.want, s.Stage)
		case !c.adds && (!s.Closed() || s.End.Outcome != Failed || now != accessOf(c.had).Mark()):
			t.Errorf("%s to %s takes away, and was done urgently: stage %s, has %s", c.had, c.want, s.Stage, now)
		}
	}
}

func TestAnUrgentChangeOfWhatCannotBeReadIsNotDone(t *testing.T) {
	w := newWorld(t)
	w.out.forbidden[workflows.OpReadAccess] = true
	w.request("Dee", form{For: "Ben", Change: Change, Role: workflows.RoleManage, Urgent: true}.fields())
	w.deliverAll()
	if s := w.newest().access(); !s.Closed() {
		t.Errorf("stage %s: nobody knows whether it only adds", s.Stage)
	}
}

func TestAnUrgentInvitationEndsWithItsTimeFromWhenItWasAsked(t *testing.T) {
	w := newWorld(t)
	asked := w.Now
	w.request("Dee", form{For: "Eve", Change: Grant, Role: workflows.RoleManage, Urgent: true}.fields())
	w.deliverAll()
	w.wait(3 * time.Hour)
	w.acceptAll()
	w.poll()
	if s := w.newest().access(); s.Stage != Active || !s.Until.Equal(asked.Add(4*time.Hour)) {
		t.Fatalf("stage %s until %s", s.Stage, s.Until)
	}
	w.wait(time.Hour)
	w.deliverAll()
	if u := w.out.user("", "eve@acme.example"); u != nil {
		t.Errorf("still there: %+v", u)
	}

	w = newWorld(t)
	w.request("Dee", form{For: "Eve", Change: Grant, Role: workflows.RoleManage, Urgent: true}.fields())
	w.deliverAll()
	w.wait(5 * time.Hour)
	w.deliverAll()
	if u := w.out.user("", "eve@acme.example"); u != nil {
		t.Errorf("the invitation outlived its time: %+v", u)
	}
}

func TestTheCardOfAnEndedUrgentAccessSaysWhatItWas(t *testing.T) {
	w := newWorld(t)
	w.Policy.Access.AdministratorQuorum = 2
	w.request("Dee", form{For: "Ben", Change: Change, Role: workflows.RoleAdministrator, Urgent: true}.fields())
	w.deliverAll()
	w.click("Ana", "approve")
	w.wait(5 * time.Hour)
	w.deliverAll()
	for _, c := range w.newest().view.Cards {
		if c.Under != "" {
			continue
		}
		text := strings.ToLower(w.read(strings.Join(c.Lines, "\n")))
		for _, want := range []string{"urgent", "administrator", "never approved", "1 of 2 approvals"} {
			if !strings.Contains(text, want) {
				t.Errorf("the card of %s lacks %q:\n%s", c.Recipient, want, text)
			}
		}
	}
}

func TestNothingIsGivenToWhoHasLeft(t *testing.T) {
	ask := form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "1d"}
	t.Run("between request and approval", func(t *testing.T) {
		for _, who := range []string{"Eve", "Dee"} {
			w := newWorld(t)
			w.request("Dee", ask.fields())
			w.deliverAll()
			w.Stand(who, workflows.StandingDeactivated)
			w.click("Ana", "approve")
			w.deliverAll()
			if u := w.out.user("", "eve@acme.example"); u != nil {
				t.Errorf("%s has left, and Eve was invited", who)
			}
			if s := w.newest().access(); !s.Closed() || s.End.Outcome != Failed {
				t.Errorf("%s has left: stage %s", who, s.Stage)
			}
		}
	})
	t.Run("before the question", func(t *testing.T) {
		w := newWorld(t)
		w.request("Dee", form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Urgent: true}.fields())
		w.Stand("Eve", workflows.StandingDeactivated)
		w.deliverAll()
		if u := w.out.user("", "eve@acme.example"); u != nil {
			t.Error("Eve has left, and was invited urgently")
		}
	})
	t.Run("more time", func(t *testing.T) {
		w := newWorld(t)
		w.granted(ask)
		w.acceptAll()
		w.poll()
		w.click("Dee", "extend")
		end := w.newest().access().Until
		w.Stand("Eve", workflows.StandingDeactivated)
		w.click("Ana", "approve")
		if s := w.newest().access(); !s.Until.Equal(end) || s.Box.Asks {
			t.Errorf("more time was given to who has left: %s", s.Until)
		}
		if st := w.click("Dee", "extend"); st.code() != "has_left" {
			t.Errorf("more time was asked for who has left: %v", st.err)
		}
	})
	t.Run("but it is taken", func(t *testing.T) {
		w := newWorld(t)
		w.request("Dee", form{For: "Ben", Change: Remove}.fields())
		w.deliverAll()
		w.Stand("Ben", workflows.StandingDeactivated)
		w.click("Ana", "approve")
		w.deliverAll()
		if u := w.out.user("", "ben@acme.example"); u != nil {
			t.Error("who has left kept the access")
		}
	})
}

// A proof stands beside an answer for more time, too, also once that question is over.
func TestAnswersForMoreTimeSayThatTheyCameWithAProof(t *testing.T) {
	w := newWorld(t)
	w.granted(form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "1d"})
	w.acceptAll()
	w.poll()
	for i, proof := range []*workflows.StepUp{{Issuer: "https://login.acme.example"}, nil} {
		w.click("Dee", "extend")
		r := w.newest()
		w.do(workflows.Command{Workflow: r.id, Name: "access.approve", Round: r.access().Round,
			Actor: workflows.Actor{Kind: workflows.ByPerson, ID: machinetest.UserID("Ana"), StepUp: proof}})
		s := r.access()
		if len(s.Box.Past) != i+1 {
			t.Fatalf("%d answers for more time", len(s.Box.Past))
		}
		votes := s.moreVotes()
		if !strings.Contains(votes[0], ", with proof) (more time)") || i > 0 && strings.Contains(votes[i], "proof") {
			t.Errorf("after %d questions: %q", i+1, votes)
		}
	}
}

func TestWhoMayActIsJudgedWhenTheyAct(t *testing.T) {
	w := newWorld(t)
	w.Policy.Token = false
	w.granted(form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "1d"})
	w.Policy.Aliases[0].Holders = []string{"UANA", "UBEN"}
	for _, action := range []string{"attest", "cancel"} {
		if st := w.click("Cat", action, ""); st.code() != "removed" {
			t.Errorf("Cat is a holder no more, and could %s: %v", action, st.err)
		}
	}
	if st := w.click("Ben", "attest"); st.err != nil {
		t.Errorf("Ben still is: %v", st.err)
	}
}

func TestWhoTakesAFindingAsExpectedIsJudgedThen(t *testing.T) {
	w := newWorld(t)
	w.watch("")
	w.out.join("", "fay@acme.example", workflows.Access{Role: workflows.RoleMonitor})
	w.poll()
	w.deliverAll()
	w.Policy.Admins = nil
	if st := w.click("Dee", "adopt"); st.code() != "removed" {
		t.Errorf("Dee administers no more: %v", st.err)
	}
}

func TestAnEnvironmentWithoutUsersIsTried(t *testing.T) {
	empty := func(w *world) {
		w.out.users["Sandbox"], w.out.blind = nil, true
	}
	ask := form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "1d", Env: "Sandbox"}
	w := newWorld(t)
	empty(w)
	w.granted(ask)
	if u := w.out.user("Sandbox", "eve@acme.example"); u == nil {
		t.Fatalf("nobody was invited: %s", machinetest.Encode(t, w.newest().state))
	}
	w.acceptAll()
	w.poll()
	w.wait(25 * time.Hour)
	w.deliverAll()
	if s := w.newest().access(); w.out.user("Sandbox", "eve@acme.example") != nil || s.Stage != Ended {
		t.Errorf("it did not end: %s", machinetest.Encode(t, s))
	}

	w = newWorld(t)
	empty(w)
	w.out.forbidden[workflows.OpGrant] = true
	w.granted(ask)
	if s := w.newest().access(); s.Stage != Doing || !s.Hand.Manual {
		t.Errorf("stage %s, manual %v: people do what the token may not", s.Stage, s.Hand.Manual)
	}
}
