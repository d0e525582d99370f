package review

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

var (
	everybody  = []string{"Ana", "Ben", "Cat", "Dee", "Jane", "Eve", "Aud", "Gus", "Nobody"}
	allActions = []string{ActOpen, ActPrev, ActNext, ActUndo, ActKeepAll, ActSign, ActReassign, FormPacket, ActConfirm,
		ActRetry, "review.nothing"}
	stands = []string{"", "", workflows.StandingDeactivated, workflows.StandingGuest}
)

// TestRandomStories tells reviews at random: people decide, sign, hand over and leave, answers are
// lost and come twice, time passes; what must hold after every command is in invariant_test.go. In
// the end everybody comes to an end.
func TestRandomStories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		draw(t, w)
		if err := w.start("Dee"); err != nil {
			t.Fatalf("start: %v", err)
		}
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			w.step(t)
		}
		w.finish()
	})
}

// draw makes the account and its rules.
func draw(t *rapid.T, w *world) {
	n := rapid.IntRange(0, 40).Draw(t, "users")
	for i := range n {
		u := w.user(fmt.Sprintf("u%02d@acme.example", i),
			rapid.SampledFrom([]string{workflows.RoleMonitor, workflows.RoleManage, workflows.RoleAdministrator}).Draw(
				t, "role"), rapid.IntRange(0, 200).Draw(t, "seen"))
		u.Disabled = rapid.IntRange(0, 9).Draw(t, "off") == 0
		if rapid.IntRange(0, 9).Draw(t, "pending") == 0 {
			u.Status, u.LastHere = workflows.UserPending, time.Time{}
		}
		w.users[""] = append(w.users[""], u)
	}
	p := &w.policy.Review
	p.NoAnswer = rapid.SampledFrom([]string{population.Keep, population.Remove}).Draw(t, "no answer")
	p.Reviewers = rapid.SampledFrom([][]string{{"UDEE", "UANA"}, {"UDEE"}, {"UANA", "UBEN", "UEVE"}}).Draw(t,
		"reviewers")
	if rapid.Bool().Draw(t, "by role") {
		p.ByRole = map[string][]string{workflows.RoleAdministrator: {"UBEN"}}
	}
	if rapid.Bool().Draw(t, "sandbox refused") {
		delete(w.users, "Sandbox")
	}
}

// step is one thing that happens.
func (w *world) step(t *rapid.T) {
	switch rapid.SampledFrom([]string{"decide", "decide", "decide", "click", "click", "deliver", "deliver", "deliver",
		"wait", "standing", "away", "delegate", "look", "fix", "fix", "sign", "forge"}).Draw(t, "kind") {
	case "decide":
		w.decideSomething(t)
	case "click":
		if ps := w.packets(); len(ps) > 0 {
			p := rapid.SampledFrom(ps).Draw(t, "packet")
			in := map[string]string(nil)
			if rapid.Bool().Draw(t, "in a form") {
				in = w.drawFields(t, p)
			}
			_ = w.click(rapid.SampledFrom(everybody).Draw(t, "who"), rapid.SampledFrom(allActions).Draw(t, "action"),
				p.ID, in, rapid.IntRange(-3, 9).Draw(t, "page"))
		}
	case "sign":
		for _, p := range w.packets() {
			_ = w.click(p.Reviewers[0][1:], ActSign, p.ID, nil, 0)
		}
	case "deliver":
		if len(w.queue) > 0 {
			w.deliver(rapid.IntRange(0, len(w.queue)-1).Draw(t, "which"), rapid.Bool().Draw(t, "twice"))
		}
	case "wait":
		w.wait(rapid.SampledFrom([]time.Duration{time.Second, time.Hour, day, 3 * day, 8 * day}).Draw(t, "long"))
	case "standing":
		id := "U" + strings.ToUpper(rapid.SampledFrom(everybody[:6]).Draw(t, "who"))
		p := w.people[id]
		p.Standing = rapid.SampledFrom(stands).Draw(t, "standing")
		w.people[id] = p
	case "away":
		id := "U" + strings.ToUpper(rapid.SampledFrom(everybody[:6]).Draw(t, "who"))
		p := w.people[id]
		p.Away = rapid.Bool().Draw(t, "away")
		w.people[id] = p
	case "delegate":
		from, to := rapid.SampledFrom(everybody[:6]).Draw(t, "from"), rapid.SampledFrom(everybody[:6]).Draw(t, "to")
		if from != to {
			w.delegations = append(w.delegations, approvals.Delegation{From: "U" + strings.ToUpper(from),
				To: "U" + strings.ToUpper(to), Since: w.now, Until: w.now.Add(5 * day)})
		}
	case "look":
		if ps := w.packets(); len(ps) > 0 {
			_ = w.do(workflows.Command{Workflow: rapid.SampledFrom(ps).Draw(t, "packet").ID, Name: LookPeople,
				Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound})
		}
	case "fix":
		if open := w.openFixes(); len(open) > 0 {
			state := rapid.SampledFrom([]string{population.FixPending, population.FixDone, population.FixVerified,
				population.FixFailed}).Draw(t, "state")
			how := workflows.Acted
			if state == population.FixDone {
				how = workflows.Attested
			}
			w.fix(rapid.SampledFrom(open).Draw(t, "fix"), state, how,
				rapid.SampledFrom([]string{"UANA", "UBEN", "UDEE"}).Draw(t, "who"))
		}
	case "forge": // what only Keyholder gives, from a person
		if len(w.order) > 0 {
			id := rapid.SampledFrom(w.order).Draw(t, "workflow")
			name := rapid.SampledFrom([]string{closePacket, PacketFixed, packetSeen, packetMoved, ImportUsers,
				packetMailbox, LookPeople}).Draw(t, "command")
			before := len(w.runs[id].events)
			_ = w.click("Eve", name, id, map[string]string{"row": "1", "state": population.FixVerified, "part": "{}",
				"uploader": "UEVE"}, 0)
			if len(w.runs[id].events) != before {
				t.Fatalf("Eve gave %s", name)
			}
		}
	}
}

// decideSomething lets a reviewer fill in a page.
func (w *world) decideSomething(t *rapid.T) {
	ps := w.packets()
	if len(ps) == 0 {
		return
	}
	p := rapid.SampledFrom(ps).Draw(t, "packet")
	who := rapid.SampledFrom(p.Reviewers).Draw(t, "who")
	_ = w.click(who[1:], rapid.SampledFrom([]string{FormPacket, ActNext, ActPrev}).Draw(t, "by"), p.ID,
		w.drawFields(t, p), rapid.IntRange(0, 4).Draw(t, "page"))
}

func (w *world) drawFields(t *rapid.T, p PacketState) map[string]string {
	in := map[string]string{}
	for range rapid.IntRange(0, 12).Draw(t, "fields") {
		n := strconv.Itoa(rapid.IntRange(0, len(p.Rows)+1).Draw(t, "row"))
		if d := rapid.SampledFrom([]string{population.Keep, population.Keep, population.Keep, population.Change,
			population.Remove, "", "other"}).Draw(t,
			"decision"); d != "" {
			in[BlockRow+n] = d
		}
		if rapid.Bool().Draw(t, "role") {
			in[BlockRole+n] = rapid.SampledFrom([]string{workflows.RoleMonitor, workflows.RoleManage,
				workflows.RoleAdministrator, "king"}).Draw(t, "to")
		}
		if rapid.Bool().Draw(t, "reason") {
			in[BlockReason+n] = "because"
		}
	}
	return in
}

// finish lets everything arrive and all time pass; then every row must have an answer, and every remedy a workflow.
func (w *world) finish() {
	w.t.Helper()
	w.drain()
	w.wait(60 * day)
	w.drain()
	s := w.state()
	if s.Phase == CampaignCancelled {
		if len(w.packets()) > 0 {
			w.t.Fatalf("called off with packets")
		}
		return
	}
	if s.Phase != CampaignFixing && s.Phase != CampaignCompleted || s.Counts().Open != 0 {
		w.t.Fatalf("in the end it is %s, %+v", s.Phase, s.Counts())
	}
	for range 3 { // whatever failed is begun again, whatever is only a word is confirmed
		for _, id := range w.openFixes() {
			w.fix(id, population.FixVerified, workflows.Acted, "")
		}
		for _, p := range w.packets() {
			for _, who := range []string{"Dee", "Ana", "Ben"} {
				if w.people["U"+strings.ToUpper(who)].Standing == "" {
					_ = w.click(who, ActRetry, p.ID, nil, 0)
					_ = w.click(who, ActConfirm, p.ID, nil, 0)
				}
			}
		}
		w.drain()
	}
	for _, id := range w.openFixes() {
		w.fix(id, population.FixVerified, workflows.Acted, "")
	}
	w.drain()
	s = w.state()
	var sum Counts
	for _, p := range w.packets() {
		sum.Add(p.Counts())
	}
	if s.Phase != CampaignCompleted || sum != s.Counts() || sum.Rows != s.Rows || sum.Keep+sum.Change+sum.Remove+
		sum.NoAnswer != sum.Rows {
		w.t.Fatalf("in the end it is %s, %+v of %d rows; the packets say %+v", s.Phase, s.Counts(), s.Rows, sum)
	}
	if i := slices.IndexFunc(w.account.Reviews, func(r workflows.ReviewSummary) bool {
		return r.ID == s.ID
	}); i < 0 || w.account.Reviews[i].Stage != CampaignCompleted {
		w.t.Fatalf("the account lists %+v", w.account.Reviews)
	}
}

// FuzzCommands: no command makes a machine fail, whatever it holds.
func FuzzCommands(f *testing.F) {
	f.Add("review.save", "row:1", "keep", 0)
	f.Add(FormPacket, "role:2", "king", -7)
	f.Add(closePacket, "part", "{", 1<<30)
	f.Fuzz(func(t *testing.T, name, key, value string, page int) {
		w := opened(t)
		for _, id := range w.order {
			for _, kind := range []string{workflows.ByPerson, workflows.ByKeyholder} {
				cmd := workflows.Command{ID: "f", Workflow: id, Name: name, Actor: workflows.Actor{Kind: kind,
					ID: "UDEE"}, Page: page, Submitted: true, Round: workflows.NoRound,
					Input: map[string]string{key: value, "row:1": "keep", BlockFile: value}, At: w.now, Account: "acme"}
				m := machineOf(id)
				st := w.runs[id].state
				d, err := m.Decide(st, cmd, w.facts(m.Needs(st, cmd, w.policy, w.account)))
				if err != nil {
					continue
				}
				for _, e := range d.Events {
					if st, err = m.Apply(st, e); err != nil {
						t.Fatalf("apply %s: %v", e.Type, err)
					}
				}
				m.View(st)
			}
		}
	})
}
