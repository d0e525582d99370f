package transfer

import (
	"bytes"
	"flag"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// Few random stories by default, so that the package's tests stay short under the race detector;
// -rapid.checks=2000 tells more.
func init() {
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
}

// op is one thing that happens in a random story. It is plain data, so that the same story can be
// told with parts left out.
type op struct {
	Kind, Who, Action, Text string
	N                       int
	Old                     bool
}

var (
	members = []string{"Ana", "Ben", "Cat", "Dee", "Jane", "Eve", "Fay"}
	anyone  = append(slices.Clone(members), "Gus", "Hal", "Robo", "Zoe", "Nobody")
	acts    = []string{"confirm", "comment", "look", "refuse", "cancel", "recheck", "waive", "claim", "accept",
		"decline", "resend", "withdraw", "attest", "settle"}
	spans = []time.Duration{time.Second, time.Minute, time.Hour, 13 * time.Hour, 25 * time.Hour, 73 * time.Hour,
		8 * 24 * time.Hour}
	// kinds of what happens, the likelier ones several times.
	opKinds = []string{"press", "press", "press", "press", "deliver", "deliver", "deliver", "look", "look", "wait",
		"click", "click", "outside", "outside",
		"outcome", "standing", "delegate", "request", "policy"}
	outsides = []string{"joins", "joins", "accepts", "accepts", "declines", "deletes", "errors", "no errors", "off",
		"on", "leaves", "forbids", "allows", "elsewhere",
		"nowhere", "invites", "full", "seats", "shared", "sso", "no token", "token", "queued"}
	outcomes = []string{lost, failedClean, failedDirty, "refused multiple_organizations", "refused already_pending",
		"refused user_disabled", "refused not_a_user",
		"refused entitlement_reached", "refused forbidden", "refused unauthorized", "refused other some words",
		"refused already_user"}
)

func drawOp(t *rapid.T) op {
	o := op{Kind: rapid.SampledFrom(opKinds).Draw(t, "kind"), N: rapid.IntRange(0, 1000).Draw(t, "n")}
	switch o.Kind {
	case "click":
		o.Who, o.Action = rapid.SampledFrom(anyone).Draw(t, "who"), rapid.SampledFrom(acts).Draw(t, "action")
		o.Old = o.N%5 == 0
		o.Text = rapid.SampledFrom([]string{"", "because", " "}).Draw(t, "text")
	case "press":
		o.Text = rapid.SampledFrom([]string{"because", ""}).Draw(t, "text")
	case "outside":
		o.Action = rapid.SampledFrom(outsides).Draw(t, "what")
	case "outcome":
		o.Text = rapid.SampledFrom(outcomes).Draw(t, "outcome")
	case "standing", "request", "delegate":
		o.Who = rapid.SampledFrom(members).Draw(t, "who")
		o.Text = rapid.SampledFrom(members).Draw(t, "other")
	}
	return o
}

// setting is how a random story begins.
type setting struct {
	Quorum          int
	Token, Joined   bool
	Owner, To, Role string
	Confirm, Cool   time.Duration
	Errors, Shared  string
	Approvers       []string
	By              string
	Road            int // how far the story has come on the usual road before anything odd happens
}

func drawSetting(t *rapid.T) setting {
	return setting{
		Quorum: rapid.IntRange(1, 3).Draw(t, "quorum"), Token: rapid.IntRange(0, 3).Draw(t, "token") > 0,
		Joined: rapid.Bool().Draw(t, "joined"),
		Owner: rapid.SampledFrom([]string{"jane@acme.example", "jane@acme.example", "gone@acme.example",
			mailbox}).Draw(t, "owner"),
		To: rapid.SampledFrom([]string{"mailbox", "mailbox", "Eve", "Ana"}).Draw(t, "to"),
		Role: rapid.SampledFrom([]string{"", RoleManage, RoleAdministrator, RoleMonitor, RoleRemove}).Draw(t,
			"role"),
		Confirm: rapid.SampledFrom([]time.Duration{time.Second, time.Hour, 72 * time.Hour}).Draw(t, "confirm"),
		Cool:    rapid.SampledFrom([]time.Duration{time.Second, time.Hour, 24 * time.Hour}).Draw(t, "cool"),
		Errors: rapid.SampledFrom([]string{workflows.LevelBlock, workflows.LevelWarn, workflows.LevelIgnore}).Draw(t,
			"errors"),
		Shared: rapid.SampledFrom([]string{workflows.LevelBlock, workflows.LevelWarn}).Draw(t, "shared"),
		Approvers: rapid.SampledFrom([][]string{nil, {"UANA", "UBEN", "UDEE"}, {"UANA", "UBEN", "UCAT", "UDEE", "UEVE"},
			{"SGROUP"}}).Draw(t, "approvers"),
		By:   rapid.SampledFrom([]string{"Dee", "Ana", "Jane"}).Draw(t, "by"),
		Road: rapid.IntRange(0, 7).Draw(t, "road"),
	}
}

// begin makes the world of a setting and asks for the first transfer.
func (s setting) begin(t machinetest.Failer) *world {
	w := newWorld(t)
	w.owner(s.Owner)
	p := &w.Policy
	p.Token, p.Approvers = s.Token, s.Approvers
	p.Transfer.Quorum, p.Transfer.ConfirmWithin, p.Transfer.Cooldown, p.Transfer.OnErrors,
		p.Transfer.OnShared = s.Quorum, s.Confirm, s.Cool, s.Errors, s.Shared
	w.Groups["SGROUP"] = []string{"UBEN", "UCAT", "UDEE", "UHAL"}
	if s.Joined {
		w.out.join(mailbox, RoleMonitor)
		w.out.join("eve@acme.example", RoleManage)
	}
	w.request(s.By, s.form())
	if len(w.runs) > 0 {
		s.travel(w)
	}
	return w
}

// travel takes the usual road for some steps.
func (s setting) travel(w *world) {
	steps := []func(){
		func() { w.deliver(delivered) },
		func() { w.deliverAll() },
		func() {
			w.out.join(w.newest().state.To, RoleMonitor)
			w.poll()
			w.deliverAll()
		},
		func() {
			for _, who := range members {
				if w.newest().state.Stage == Confirming {
					w.click(who, "confirm")
				}
			}
		},
		func() { w.wait(s.Cool) },
		func() {
			if len(w.queue) > 0 {
				w.deliver(delivered)
			}
		},
		func() { w.deliverAll() },
	}
	for _, step := range steps[:min(s.Road, len(steps))] {
		step()
	}
}

func (s setting) form() map[string]string {
	in := map[string]string{BlockAccount: "acme", BlockReason: "it must be", BlockRole: s.Role}
	if s.To == "mailbox" {
		in[BlockAlias] = mailbox
	} else {
		in[BlockPerson] = machinetest.UserID(s.To)
	}
	return in
}

// happen carries one op out. What makes no sense now does nothing.
func (w *world) happen(s setting, o op) {
	if len(w.runs) == 0 {
		if o.Kind == "request" {
			w.request(o.Who, s.form())
		}
		return
	}
	switch o.Kind {
	case "click":
		round := w.newest().state.Round
		if o.Old {
			round--
		}
		w.twice(w.clickAt(round, o.Who, o.Action))
		w.twice(w.submit(o.Who, o.Action, round, o.Text))
	case "press":
		w.press(o)
	case "deliver":
		if len(w.queue) > 0 {
			w.deliver(delivered)
		}
	case "outcome":
		if len(w.queue) > 0 {
			w.deliver(o.Text)
		}
	case "look":
		w.poll()
	case "wait":
		w.wait(spans[o.N%len(spans)])
	case "outside":
		w.turn(o)
	case "standing":
		code := ""
		if o.N%2 == 0 {
			code = workflows.StandingDeactivated
		}
		w.Stand(o.Who, code)
	case "delegate":
		if o.Who != o.Text {
			w.delegate(o.Who, o.Text, 48*time.Hour)
		}
	case "request":
		in := s.form()
		if o.N%2 == 0 && w.Account.Owner != mailbox {
			in = map[string]string{BlockAccount: "acme", BlockReason: "again", BlockAlias: mailbox}
		}
		w.request(o.Who, in)
	case "policy":
		w.Policy.Approvers = [][]string{s.Approvers, {"UANA", "UBEN"}, {"UFAY"}}[o.N%3]
	}
}

// press pushes one of the buttons that stand on somebody's card, which is what moves a story on.
func (w *world) press(o op) {
	r := w.newest()
	type offer struct{ who, action string }
	var offers []offer
	for _, c := range r.view.Cards {
		for _, b := range c.Buttons {
			if b.Action == ActCancel && o.N%7 != 0 || b.Action == ActRefuse && o.N%11 != 0 || b.Action == ActWithdraw &&
				o.N%5 != 0 {
				continue
			}
			offers = append(offers, offer{w.People[c.Recipient].Name, b.Action[len("transfer."):]})
		}
	}
	if len(offers) == 0 {
		return
	}
	pick := offers[o.N%len(offers)]
	w.twice(w.click(pick.who, pick.action, o.Text))
}

// twice gives the same command again at once: it counts once.
func (w *world) twice(st step) {
	w.T.Helper()
	cmd := st.cmd
	cmd.ID = ""
	if again := w.do(cmd); len(again.events) > 0 {
		w.T.Fatalf("%s by %s counted twice: first %s, then %s", cmd.Name, cmd.Actor.ID,
			machinetest.Encode(w.T, st.events),
			machinetest.Encode(w.T, again.events))
	}
}

// turn changes what is so at integrator.io.
func (w *world) turn(o op) {
	out := w.out
	target := w.newest().state.To
	switch o.Action {
	case "joins":
		out.join(target, RoleMonitor)
	case "accepts":
		out.accept()
	case "queued":
		if t := out.pending(); t != nil && o.N%2 == 0 {
			t.Status = workflows.TransferQueued
		}
	case "declines":
		if t := out.pending(); t != nil {
			t.Dismissed = true
		}
	case "deletes":
		out.transfers = slices.DeleteFunc(out.transfers, func(t *record) bool {
			return t.Status == workflows.TransferUnapproved
		})
	case "errors":
		out.errors = []workflows.Count{{ID: "i1", Name: "Orders to NetSuite", N: 1 + o.N%4}}
	case "no errors":
		out.errors = nil
	case "off", "on":
		if u := out.user(target); u != nil {
			u.Disabled = o.Action == "off"
		}
	case "leaves":
		out.remove(target)
	case "forbids":
		out.forbidden[[]string{workflows.OpInviteOwner, workflows.OpWithdraw, workflows.OpInviteUser, "read_transfers",
			workflows.OpWatchUser, workflows.OpSetRole}[o.N%6]] = true
	case "allows":
		clear(out.forbidden)
	case "elsewhere":
		out.elsewhere[target] = true
	case "nowhere":
		clear(out.elsewhere)
	case "invites":
		if out.pending() == nil && out.owner != target {
			out.invite(target).ByHand = true
		}
	case "full":
		out.full = true
	case "seats":
		out.full = false
	case "shared":
		out.shared = []workflows.Resource{{Kind: "connection", ID: "k", Name: "NetSuite", On: o.N%2 == 0}}
	case "sso":
		out.sso = o.N%2 == 0
	case "no token":
		out.token = false
	case "token":
		out.token = true
	}
}

// finish lets a story come to its end: integrator.io answers again, and time passes.
func (w *world) finish() {
	w.T.Helper()
	w.out.token = true
	for range 40 {
		w.deliverAll()
		if !slices.ContainsFunc(w.runs, func(r *run) bool { return !r.state.Closed() }) {
			return
		}
		if w.newest().state.Stage == Finishing { // that waits for people, for ever if need be
			for _, who := range []string{"Ana", "Ben", "Cat"} {
				w.click(who, "waive", "as we know")
			}
		}
		w.wait(24 * time.Hour)
	}
	w.T.Fatalf("a transfer does not end by itself: %s", machinetest.Encode(w.T, w.newest().state))
}

// nothingLeft: who ended without becoming owner has no invitation of ours, unless the card says so.
func (w *world) nothingLeft() {
	w.T.Helper()
	left := false
	for _, r := range w.runs {
		left = left || r.state.changed() || r.state.End != nil && r.state.End.Left
	}
	if left {
		return
	}
	w.out.forbidden = nil
	for _, t := range w.out.transfers {
		if t.Pending() && !t.ByHand && t.Status == workflows.TransferUnapproved {
			w.T.Fatalf("the invitation %s is left behind at integrator.io, and no card says so", t.ID)
		}
	}
}

// TestRandomStories is the machine against everything that may happen, in any order. The checks are
// those of mustHold, after each command.
func TestRandomStories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSetting(t)
		w := s.begin(t)
		for _, o := range rapid.SliceOfN(rapid.Custom(drawOp), 5, 40).Draw(t, "ops") {
			w.happen(s, o)
		}
		w.finish()
		w.nothingLeft()
	})
}

// TestBarredPeopleTipNothing tells each story twice: with all clicks, and without the votes of
// those who may not vote. It ends alike.
func TestBarredPeopleTipNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSetting(t)
		ops := rapid.SliceOfN(rapid.Custom(drawOp), 5, 30).Draw(t, "ops")
		with, without := s.begin(t), s.begin(t)
		for _, o := range ops {
			if o.Kind == "request" { // one story, one transfer
				continue
			}
			for _, who := range []string{s.By, s.To} {
				if who != "mailbox" && len(with.runs) > 0 {
					with.click(who, "confirm")
					with.click(who, "refuse", "no")
				}
			}
			with.happen(s, o)
			if o.Kind == "click" && (o.Who == s.By || o.Who == s.To) &&
				(o.Action == "confirm" || o.Action == "refuse") {
				continue
			}
			without.happen(s, o)
		}
		if len(with.runs) == 0 {
			return
		}
		a, b := with.newest().state, without.newest().state
		if !bytes.Equal(machinetest.Encode(t, a), machinetest.Encode(t, b)) {
			t.Fatalf("votes of barred people changed something:\n%s\n%s", machinetest.Encode(t, a),
				machinetest.Encode(t, b))
		}
		for _, v := range a.Question.Ballot.Votes {
			if v.By == machinetest.UserID(s.By) || v.Choice == approvals.Approve && v.By == a.ToPerson {
				t.Fatalf("%s voted", v.By)
			}
		}
	})
}
