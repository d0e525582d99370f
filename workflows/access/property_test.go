package access

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/drift"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// op is one thing that happens in a random story. It is plain data, so that the same story can be
// told with parts left out.
type op struct {
	Kind, Who, Action, Text string
	Form                    form
	N                       int
	Old                     bool
}

// form is a request in short.
type form struct {
	For, Change, Role, Length, Env string
	Urgent                         bool
}

func (f form) fields() map[string]string {
	in := map[string]string{BlockAccount: "acme", BlockChange: f.Change, BlockRole: f.Role, BlockFor: f.Length,
		BlockEnvironment: f.Env, BlockReason: "it must be"}
	if strings.Contains(f.For, "@") {
		in[BlockEmail] = f.For
	} else {
		in[BlockPerson] = machinetest.UserID(f.For)
	}
	if f.Role == workflows.RoleCustom {
		in[BlockManage], in[BlockMonitor] = "i1", "i2\ni3"
	}
	if f.Urgent {
		in[BlockUrgent] = BlockUrgent
	}
	return in
}

var (
	members  = []string{"Ana", "Ben", "Cat", "Dee", "Jane", "Eve", "Fay"}
	anyone   = append(slices.Clone(members), "Gus", "Hal", "Robo", "Nobody")
	subjects = []string{"Ben", "Eve", "Ben", "Eve", "kim@partner.example"}
	actions  = []string{"approve", "refuse", "cancel", "attest", "extend", "end", "adopt", "undo", "ask", "resend"}
	lengths_ = []time.Duration{time.Second, time.Minute, time.Hour, 5 * time.Hour, 25 * time.Hour, 4 * day, 8 * day}
	// happenings are kinds of what happens, the likelier ones several times.
	happenings = []string{"press", "press", "press", "press", "deliver", "deliver", "deliver", "deliver", "look",
		"look", "wait", "click", "click", "outside", "outside",
		"outcome", "standing", "delegate", "request", "request", "again", "review", "address"}
	outsides = []string{"accepts", "accepts", "accepts", "declines", "deletes", "raises", "lowers", "custom", "leaves",
		"joins", "off", "on", "forbids", "allows", "full", "seats",
		"no token", "token", "sso", "logs"}
	outcomes = []string{lost, failedClean, failedDirty, "refused entitlement_reached",
		"refused forbidden Insufficient permissions", "refused unauthorized", "refused other some words",
		"refused already_user", "refused changed It is manage now.", "refused not_a_user"}
)

func drawForm(t *rapid.T) form {
	return form{For: rapid.SampledFrom(subjects).Draw(t, "for"),
		Change: rapid.SampledFrom([]string{Grant, Change, Remove, Change}).Draw(t, "change"),
		Role: rapid.SampledFrom([]string{workflows.RoleMonitor, workflows.RoleManage, workflows.RoleAdministrator,
			workflows.RoleCustom}).Draw(t, "role"),
		Length: rapid.SampledFrom([]string{"1d", "7d", "always", "1d"}).Draw(t, "length"),
		Env:    rapid.SampledFrom([]string{"", workflows.Production, "Sandbox", "Old"}).Draw(t, "env"),
		Urgent: rapid.IntRange(0, 3).Draw(t, "urgent") == 0}
}

func drawOp(t *rapid.T) op {
	o := op{Kind: rapid.SampledFrom(happenings).Draw(t, "kind"), N: rapid.IntRange(0, 1000).Draw(t, "n")}
	switch o.Kind {
	case "click":
		o.Who, o.Action = rapid.SampledFrom(anyone).Draw(t, "who"), rapid.SampledFrom(actions).Draw(t, "action")
		o.Old = o.N%5 == 0
		o.Text = rapid.SampledFrom([]string{"", "because", " "}).Draw(t, "text")
	case "press":
		o.Text = rapid.SampledFrom([]string{"because", ""}).Draw(t, "text")
	case "outside":
		o.Action, o.Who = rapid.SampledFrom(outsides).Draw(t, "what"), rapid.SampledFrom(subjects).Draw(t, "who")
	case "outcome":
		o.Text = rapid.SampledFrom(outcomes).Draw(t, "outcome")
	case "standing", "delegate", "address":
		o.Who, o.Text = rapid.SampledFrom(members).Draw(t, "who"), rapid.SampledFrom(members).Draw(t, "other")
	case "request", "review":
		o.Who, o.Form = rapid.SampledFrom(members).Draw(t, "who"), drawForm(t)
	}
	return o
}

// setting is how a random story begins.
type setting struct {
	Quorum, Top    int
	Token, Watched bool
	Accept, Urgent time.Duration
	By             string
	Form           form
	Road           int // how far the story has come on the usual road before anything odd happens
}

func drawSetting(t *rapid.T) setting {
	return setting{Quorum: rapid.IntRange(1, 2).Draw(t, "quorum"), Top: rapid.IntRange(1, 2).Draw(t, "top"),
		Token:   rapid.IntRange(0, 4).Draw(t, "token") > 0,
		Watched: rapid.Bool().Draw(t, "watched"), Accept: rapid.SampledFrom([]time.Duration{time.Second, 5 * day}).Draw(
			t, "accept"),
		Urgent: rapid.SampledFrom([]time.Duration{time.Second, 4 * time.Hour}).Draw(t, "urgent"),
		By:     rapid.SampledFrom([]string{"Dee", "Ana", "Dee", "Eve"}).Draw(t, "by"), Form: drawForm(t),
		Road: rapid.IntRange(0, 4).Draw(t, "road")}
}

// begin makes the world of a setting and asks for the first access.
func (s setting) begin(t machinetest.Failer) *world {
	w := newWorld(t)
	p := &w.Policy
	p.Token, p.Access.DriftEvery = s.Token, 3*day
	p.Access.Quorum, p.Access.AdministratorQuorum, p.Access.AcceptWithin, p.Access.UrgentFor = s.Quorum, s.Top,
		s.Accept, s.Urgent
	if s.Watched && s.Token {
		w.watch("")
		w.watch("Sandbox")
	}
	w.request(s.By, s.Form.fields())
	steps := []func(){
		func() { w.deliverAll() },
		func() {
			for _, who := range []string{"Ana", "Cat", "Ben", "Dee"} {
				if len(w.asked()) > 0 && w.newest().state.StageName() == Approving {
					w.click(who, "approve")
				}
			}
		},
		func() { w.deliverAll() },
		func() { w.acceptAll(); w.poll() },
	}
	for _, step := range steps[:s.Road] {
		step()
	}
	return w
}

// asked are the runs that people see.
func (w *world) asked() []*run {
	return slices.DeleteFunc(slices.Clone(w.runs), func(r *run) bool { return r.machine.Letter() == 'd' })
}

func (w *world) acceptAll() {
	for _, users := range w.out.users {
		for _, u := range users {
			if u.Status == workflows.UserPending {
				u.Status = workflows.UserAccepted
			}
		}
	}
}

// twice gives a command again: it must count once.
func (w *world) twice(st step) {
	w.T.Helper()
	if st.run == nil || len(st.events) == 0 {
		return
	}
	before := len(w.queue)
	again := w.do(workflows.Command{ID: st.cmd.ID + "/again", Workflow: st.cmd.Workflow, Name: st.cmd.Name,
		Actor: st.cmd.Actor, Round: st.cmd.Round, Submitted: st.cmd.Submitted,
		Input: st.cmd.Input, Timer: st.cmd.Timer, Receipt: st.cmd.Receipt})
	if len(w.queue) > before {
		w.T.Fatalf("%s twice asked integrator.io twice: %s", st.cmd.Name, machinetest.Encode(w.T, again.calls))
	}
	if st.cmd.Actor.Kind == workflows.ByPerson && st.cmd.Name != ActApprove && len(again.events) > 0 {
		w.T.Fatalf("%s twice counted twice: %s", st.cmd.Name, machinetest.Encode(w.T, again.events))
	}
}

// happen carries one op out. What makes no sense now does nothing.
func (w *world) happen(o op) {
	w.T.Helper()
	runs := w.asked()
	if len(runs) == 0 && o.Kind != "request" && o.Kind != "outside" {
		return
	}
	switch o.Kind {
	case "request":
		w.request(o.Who, o.Form.fields())
	case "review":
		w.reviewed(o)
	case "click":
		r := runs[o.N%len(runs)]
		n := round(r.state)
		if o.Old {
			n--
		}
		var st step
		if o.Text == "" {
			st = w.clickAt(r, n, o.Who, o.Action)
		} else {
			st = w.clickAt(r, n, o.Who, o.Action, o.Text)
		}
		if o.Old && len(st.events) > 0 {
			w.T.Fatalf("%s of an old round changed something", o.Action)
		}
		w.twice(st)
	case "press":
		w.press(o)
	case "deliver":
		if len(w.queue) > 0 {
			w.twice(w.deliver(delivered))
		}
	case "outcome":
		if len(w.queue) > 0 {
			w.deliver(o.Text)
		}
	case "look":
		w.poll()
	case "wait":
		w.wait(lengths_[o.N%len(lengths_)])
	case "standing":
		if o.N%3 == 0 {
			w.Stand(o.Who, workflows.StandingDeactivated)
		} else {
			w.Stand(o.Who, "")
		}
	case "delegate":
		if o.Who != o.Text {
			w.delegate(o.Who, o.Text, 3*day)
		}
	case "address":
		w.address(o.Who, strings.Replace(emailOf(o.Text), "@", []string{"@", "+x@"}[o.N%2], 1), o.N%3 == 0)
	case "again": // somebody looks who has access
		for _, r := range slices.Clone(w.runs) {
			if r.machine.Letter() == 'd' {
				w.do(workflows.Command{Workflow: r.id, Name: drift.WatchLook, Actor: keyholder,
					Round: workflows.NoRound})
			}
		}
	case "outside":
		w.outside(o)
	}
}

// reviewed opens what a review decided, one time in four about an access that is not so any more.
func (w *world) reviewed(o op) {
	email, env := emailOf(o.Form.For), map[string]string{"Sandbox": "Sandbox"}[o.Form.Env]
	was := w.out.user(env, email).Mark()
	if o.N%4 == 0 {
		was = "accepted/manage"
	}
	in := map[string]string{BlockChange: o.Form.Change, BlockRole: o.Form.Role, BlockEnvironment: env, inWas: was,
		inUntil: w.Now.Add(lengths_[o.N%5]).Format(time.RFC3339)}
	w.review(o.Who, email, in)
}

// press presses one of the buttons that people see.
func (w *world) press(o op) {
	type seen struct {
		r   *run
		who string
		b   workflows.Button
	}
	var all []seen
	for _, r := range w.runs {
		for _, c := range r.view.Cards {
			for _, b := range c.Buttons {
				all = append(all, seen{r, c.Recipient, b})
			}
		}
	}
	if len(all) == 0 {
		return
	}
	x := all[o.N%len(all)]
	name := w.People[x.who].Name
	reason := []string{}
	if o.Text != "" {
		reason = append(reason, o.Text)
	}
	w.twice(w.clickAt(x.r, round(x.r.state), name, strings.TrimPrefix(x.b.Action, "access."), reason...))
}

// outside is what other people do at integrator.io.
func (w *world) outside(o op) {
	env := []string{"", "", "Sandbox"}[o.N%3]
	email := emailOf(o.Who)
	u := w.out.user(env, email)
	switch o.Action {
	case "joins":
		if u == nil {
			w.out.join(env, email, workflows.Access{Role: workflows.RoleMonitor})
		}
	case "full", "seats":
		w.out.full = o.Action == "full"
	case "no token", "token":
		w.out.token = o.Action == "token"
	case "sso":
		w.out.sso = true
	case "logs":
		w.out.log[workflows.GivenKey(env, email)] = workflows.Trace{Email: emailOf(anyone[o.N%len(anyone)]),
			Name: "Somebody", At: w.Now, Source: "ui"}
	case "forbids":
		w.out.forbidden[[]string{workflows.OpGrant, workflows.OpChangeAccess, workflows.OpRemoveAccess,
			workflows.OpWithdrawUser, workflows.OpWatchUser, workflows.OpReadAccess, workflows.OpTrace,
			workflows.OpReinvite}[o.N%8]] = true
	case "allows":
		w.out.forbidden = map[string]bool{}
	}
	if u == nil {
		return
	}
	switch o.Action {
	case "accepts":
		u.Status = workflows.UserAccepted
	case "declines":
		if u.Status == workflows.UserPending {
			u.Status = workflows.UserDismissed
		}
	case "deletes":
		if u.Status != workflows.UserAccepted {
			w.out.remove(env, email)
		}
	case "leaves":
		w.out.remove(env, email)
	case "raises":
		set(u, workflows.Access{Role: workflows.RoleAdministrator})
	case "lowers":
		set(u, workflows.Access{Role: workflows.RoleMonitor})
	case "custom":
		set(u, workflows.Access{Role: workflows.RoleCustom, Manage: []string{"i1"}, Monitor: []string{"*"}})
	case "off", "on":
		u.Disabled = o.Action == "off"
	}
}

// finish lets everything come to its end: integrator.io works, people who are asked do their part, time passes.
func (w *world) finish() {
	w.T.Helper()
	for _, name := range members {
		w.Stand(name, "")
	}
	w.away, w.out.token, w.out.full, w.out.forbidden = false, true, false, map[string]bool{}
	for range 12 {
		w.deliverAll()
		w.poll()
		for _, r := range w.asked() {
			s, ok := r.state.(State)
			if !ok || s.Closed() {
				continue
			}
			for _, who := range []string{"Dee", "Ana", "Cat"} {
				if s.Changed.Asks {
					w.clickAt(r, round(r.state), who, "undo")
				} else if s.Stage == Pending {
					w.acceptAll()
					w.clickAt(r, round(r.state), who, "attest")
				} else if s.Hand.Manual {
					w.obey(r)
					w.clickAt(r, round(r.state), who, "attest")
					w.deliverAll()
				}
				s = r.access()
			}
		}
		w.wait(9 * day)
	}
	for _, r := range w.asked() {
		if s, ok := r.state.(State); ok && !s.Closed() {
			w.T.Fatalf("%s does not end: %s", r.id, machinetest.Encode(w.T, s))
		}
	}
}

// obey does in the pages what the card asks for.
func (w *world) obey(r *run) {
	s := r.access()
	want, remove := s.Want, s.Read.Does == Remove
	off := false
	if s.Stage == Restoring {
		remove = s.Read.Does != Change
		if s.Read.User != nil {
			want, off = s.Read.User.Access(), s.Read.User.Disabled
		}
	}
	if remove {
		w.out.remove(s.Environment, s.Email)
		return
	}
	fresh := w.out.user(s.Environment, s.Email) == nil
	u := w.out.join(s.Environment, s.Email, want)
	u.Disabled = off
	if fresh && s.Read.Does == Grant {
		u.Status = workflows.UserPending
	}
}

// stories tells every request about an address, for a failed test.
func (w *world) stories(email string) string {
	var out strings.Builder
	for _, r := range w.asked() {
		if s := r.access(); s.Email == email {
			for _, e := range r.events {
				fmt.Fprintf(&out, "\n%s %s %s", r.id, e.At.Format("02 15:04"), w.read(r.machine.Tell(e)))
			}
		}
	}
	return out.String()
}

// nothingLeft: no invitation of ours is left behind, nothing that nobody approved stays, and no lock is held.
func (w *world) nothingLeft() {
	w.T.Helper()
	for name, holder := range w.Account.Locks {
		// a finding is open until it is decided
		if r := w.find(holder); r == nil || r.state.Closed() || r.machine.Letter() != workflows.LetterFinding {
			w.T.Fatalf("%s is held by %s although everything is over", name, holder)
		}
	}
	for key := range w.out.touched {
		env, email, _ := strings.Cut(key, "/")
		u := w.out.user(env, email)
		if u == nil || u.Status == workflows.UserAccepted {
			continue
		}
		for _, r := range w.asked() {
			if s := r.access(); s.Email == email && s.Environment == env && s.End != nil &&
				(s.End.Outcome == Failed || s.Hand.Attested != "" || s.End.Who != "" || s.End.Code == "adopted") {
				return // its card says that integrator.io's answer is not known, or somebody swore to what is not so
			}
		}
		w.T.Fatalf("the invitation of %s is left behind: %s", key, w.stories(email))
	}
}

// toldOnce: the packet of a review heard of each milestone of each access once, and of the last one, too.
func (w *world) toldOnce() {
	w.T.Helper()
	for _, r := range w.asked() {
		s, ok := r.state.(State)
		if !ok || s.Review == nil {
			continue
		}
		var heard []string
		for _, in := range w.toldOf(r.id) {
			heard = append(heard, in["state"])
		}
		last := s.milestone()
		if want := []string{"pending", last}; !slices.Equal(heard, want) && !slices.Equal(heard, []string{"failed"}) {
			w.T.Fatalf("the packet of %s heard %v, want %v", r.id, heard, want)
		}
	}
}

func TestRandomStories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawSetting(t).begin(t)
		for _, o := range rapid.SliceOfN(rapid.Custom(drawOp), 5, 50).Draw(t, "ops") {
			w.happen(o)
		}
		w.finish()
		w.nothingLeft()
		w.toldOnce()
	})
}

// TestBarredPeopleTipNothing tells each story twice: with clicks of those who may not vote, and without. It ends alike.
func TestBarredPeopleTipNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSetting(t)
		ops := rapid.SliceOfN(rapid.Custom(drawOp), 5, 30).Draw(t, "ops")
		with, without := s.begin(t), s.begin(t)
		if len(with.asked()) == 0 {
			return
		}
		first, twin := with.asked()[0], without.asked()[0]
		for _, o := range ops {
			if o.Kind == "request" || o.Kind == "press" || o.Kind == "standing" { // one story, told alike
				continue
			}
			own := []string{s.By}
			if p := first.access().Person; p != "" {
				own = append(own, with.People[p].Name)
			}
			for _, who := range own {
				with.clickAt(first, round(first.state), who, "approve")
				with.clickAt(first, round(first.state), who, "refuse", "no")
			}
			with.happen(o)
			if o.Kind == "click" && slices.Contains(own, o.Who) && (o.Action == "approve" || o.Action == "refuse") {
				continue
			}
			without.happen(o)
		}
		if a, b := machinetest.Encode(t, first.state), machinetest.Encode(t, twin.state); !bytes.Equal(a, b) {
			t.Fatalf("votes of barred people changed something:\n%s\n%s", a, b)
		}
	})
}

// TestATimeBoxLeavesTheAccessAsItWas: whatever other people do meanwhile, the end of a time-box
// restores exactly what was, or asks.
func TestATimeBoxLeavesTheAccessAsItWas(t *testing.T) {
	t.Parallel()
	before := []string{"", "monitor", "manage", "administrator", "custom:i1,i2;i3", "custom:i1;*", "none"}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		had := rapid.SampledFrom(before).Draw(t, "before")
		email := "eve@acme.example"
		if had != "" {
			w.out.join("", email, accessOf(had)).Disabled = rapid.IntRange(0, 5).Draw(t, "off") == 0
		}
		was := w.out.mark("", email)
		f := form{For: "Eve", Change: Grant, Role: rapid.SampledFrom([]string{"monitor", "manage", "administrator",
			"custom"}).Draw(t, "role"), Length: "1d",
			Urgent: rapid.Bool().Draw(t, "urgent")}
		w.request("Dee", f.fields())
		w.deliverAll()
		for _, who := range []string{"Ana", "Cat"} {
			w.click(who, "approve")
		}
		w.deliverAll()
		w.acceptAll()
		w.poll()
		r := w.newest()
		if rapid.IntRange(0, 9).Draw(t, "cancel") == 0 {
			w.click("Dee", "cancel", "")
			w.deliverAll()
		}
		if s := r.access(); s.Hand.Manual && !s.Closed() {
			w.obey(r)
			w.click("Ana", "attest")
			w.deliverAll()
		}
		if r.access().Stage != Active {
			if r.access().Closed() && w.out.mark("", email) == was {
				return // there was nothing to do
			}
			t.Fatalf("the access does not run: %s", machinetest.Encode(t, r.state))
		}
		given := w.out.mark("", email)
		changed := false
		for _, o := range rapid.SliceOfN(rapid.Custom(drawOp), 0, 6).Draw(t, "ops") {
			switch o.Kind {
			case "outside":
				o.Who = "Eve"
				o.N = 0
				w.outside(o)
			case "wait":
				w.wait(time.Duration(o.N) * time.Minute)
			case "deliver":
				if len(w.queue) > 0 {
					w.deliver(delivered)
				}
			}
			changed = changed || r.access().Stage == Active && w.out.mark("", email) != given
		}
		w.out.token, w.out.forbidden = true, map[string]bool{}
		for range 4 {
			w.wait(day)
			w.deliverAll()
			if s := r.access(); s.Hand.Manual && s.Stage == Restoring {
				w.obey(r)
				w.click("Ana", "attest")
				w.deliverAll()
			}
		}
		s := r.access()
		now := w.out.mark("", email)
		switch {
		case s.Changed.Asks && changed:
		case s.Closed() && now == was:
		case s.Closed() && changed: // it was changed by somebody to what it was before
			if s.End.Outcome != Ended && s.End.Outcome != Refused {
				t.Fatalf("it ended as %s", machinetest.Encode(t, s.End))
			}
		default:
			t.Fatalf("before %s, given %s, now %s: %s", was, given, now, machinetest.Encode(t, s))
		}
	})
}

// TestUrgentAccessThatNobodyApprovedEnds: whatever happens, at the end of its time it is asked to be given back.
func TestUrgentAccessThatNobodyApprovedEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		f := form{For: rapid.SampledFrom([]string{"Ben", "Eve"}).Draw(t, "for"), Change: Grant, Role: "manage",
			Length: "always", Urgent: true}
		w.request("Dee", f.fields())
		r := w.newest()
		w.deliverAll()
		w.acceptAll()
		for _, o := range rapid.SliceOfN(rapid.Custom(drawOp), 0, 12).Draw(t, "ops") {
			if slices.Contains([]string{"deliver", "look", "wait", "click"}, o.Kind) && o.Action != "approve" {
				o.N -= o.N % 2
				w.happen(o)
			}
		}
		for range 40 {
			w.deliverAll()
			w.poll()
			w.wait(4 * time.Hour)
			// integrator.io did not answer for a day, so people are asked
			if s := r.access(); s.Hand.Manual && !s.Closed() {
				w.obey(r)
				w.click("Ana", "attest")
				w.deliverAll()
			}
		}
		if s := r.access(); !s.Closed() {
			t.Fatalf("urgent access still stands: %s", machinetest.Encode(t, s))
		}
		if got, want := w.out.mark("", emailOf(f.For)), map[string]string{"Ben": "monitor",
			"Eve": workflows.Absent}[f.For]; got != want {
			t.Fatalf("%s has %s: %s", f.For, got, w.stories(emailOf(f.For)))
		}
	})
}

// FuzzDecide throws anything at the machine.
func FuzzDecide(f *testing.F) {
	f.Add("access.approve", "UANA", "x", `{"stage":"approving","id":"a07-1","account":"acme"}`, 3)
	f.Add("access.request", "UANA", "Sandbox", `{}`, 5)
	f.Add("access.left", "UDEE", "accepted/manage",
		`{"stage":"restoring","drifted":true,"id":"a07-1","there":{"ok":true}}`, 3)
	f.Fuzz(func(t *testing.T, name, who, text, state string, round int) {
		m := Machine()
		s, err := m.Decode([]byte(state))
		if err != nil {
			s = m.New()
		}
		w := newWorld(t)
		cmd := workflows.Command{ID: "x", Workflow: "a07-1", Account: "acme", Name: name,
			Actor: workflows.Actor{Kind: workflows.ByPerson, ID: who}, At: monday, Round: round,
			Submitted: round%2 == 0, Input: map[string]string{BlockReason: text, BlockPerson: text, BlockEmail: text,
				BlockChange: text, BlockRole: text, "now": text, "was": text}}
		switch name {
		case workflows.CmdTimer:
			cmd.Timer = &workflows.Timer{Name: text, At: monday}
		case workflows.CmdReceipt:
			cmd.Receipt = &workflows.Receipt{Op: text, OK: round%2 == 0, Code: text, Message: text,
				Census: &workflows.Census{Users: []workflows.User{{Email: text}}},
				Trace:  &workflows.Trace{Email: text, Name: who, Source: text}, User: &workflows.User{Email: text,
					Status: who}}
		case Request, workflows.AccessLeft.Command:
			cmd.Actor.Kind = []string{workflows.ByPerson, workflows.ByKeyholder}[round&1]
			if round&4 > 0 {
				cmd.Input[inReview], cmd.Input[inPacket], cmd.Input[inUntil], cmd.Input["by"] = text, "p07-1", text, who
				cmd.Input["message"] = text
			}
		}
		d, err := m.Decide(s, cmd, w.Facts(m.Needs(s, cmd, w.Policy, w.Account)))
		if err == nil {
			for _, e := range d.Events {
				if s, err = m.Apply(s, e); err != nil {
					t.Fatalf("apply %s: %v", e.Type, err)
				}
			}
		}
		_ = m.View(s)
		_ = fmt.Sprint(s.Title(), s.StageName(), m.Tell(workflows.Event{Type: name, Body: []byte(text)}))
	})
}
