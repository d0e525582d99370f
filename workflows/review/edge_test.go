package review

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// alone is a world in which Dee reviews everything and Ben and Cat look after the mailbox.
func alone(t *testing.T, change func(*world)) *world {
	t.Helper()
	w := newWorld(t)
	w.policy.Access.Environments = nil
	w.policy.Review.Reviewers, w.policy.Admins = []string{"UDEE"}, []string{"UDEE"}
	w.policy.Aliases[0].Holders, w.policy.Aliases[0].Custodians = []string{"UBEN", "UCAT"}, []string{"UBEN"}
	w.users[""] = []workflows.User{w.user("eve@acme.example", workflows.RoleManage, 120),
		w.user("lou@acme.example", workflows.RoleMonitor, 3), w.user("max@acme.example", workflows.RoleMonitor, 3)}
	if change != nil {
		change(w)
	}
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	w.drain()
	return w
}

func (w *world) rowOf(p PacketState, email string) string {
	w.t.Helper()
	for _, r := range p.Rows {
		if r.Email == email {
			return strconv.Itoa(r.N)
		}
	}
	w.t.Fatalf("%s has no row", email)
	return ""
}

func (w *world) verdict(email string) population.Verdict {
	w.t.Helper()
	for _, p := range w.packets() {
		for i, r := range p.Rows {
			if r.Email == email {
				return p.Verdicts[i]
			}
		}
	}
	w.t.Fatalf("%s has no row", email)
	return population.Verdict{}
}

// readdress gives a person another address, as Slack would show it from now on.
func (w *world) readdress(name, email string) {
	p := w.people[slackID(name)]
	p.Email = email
	w.people[slackID(name)] = p
}

// Slack may show somebody's address only after rows were shared out, or they may get another one:
// whichever way a part came to them, they cannot decide the row with it.
func TestNobodyDecidesTheirOwnRowWhicheverWayItCameToThem(t *testing.T) {
	ways := map[string]func(*world){
		"escalated": func(w *world) { w.wait(7 * day) },
		"delegated": func(w *world) {
			w.delegations = append(w.delegations, approvals.Delegation{From: "UDEE", To: "UCAT", Since: w.now,
				Until: w.now.Add(10 * day)})
			_ = w.do(workflows.Command{Workflow: w.packets()[0].ID, Name: workflows.CmdDelegated,
				Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "UDEE", Team: "TACME"}, Round: workflows.NoRound})
		},
		"reassigned": func(w *world) {
			_ = w.click("Dee", ActReassign, w.packets()[0].ID, map[string]string{BlockPerson: "UCAT",
				BlockNote: "please"}, 0)
		},
	}
	for name, hand := range ways {
		t.Run(name, func(t *testing.T) {
			w := alone(t, nil)
			w.readdress("Ben", "")
			w.readdress("Cat", "")
			hand(w)
			w.drain()
			p := w.packets()[0]
			who := p.Reviewers[len(p.Reviewers)-1]
			if who == "UDEE" {
				t.Fatalf("it is still with %v", p.Reviewers)
			}
			name := who[1:]
			w.readdress(name, "lou@acme.example")
			lou, eve := w.rowOf(p, "lou@acme.example"), w.rowOf(p, "eve@acme.example")
			if err := w.click(name, ActOpen, p.ID, nil, 0); err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(w.last.Modal.Inputs, func(in workflows.Input) bool {
				return in.Block == BlockRow+lou
			}) {
				t.Error("the form offers their own row")
			}
			if err := w.click(name, FormPacket, p.ID, map[string]string{BlockRow + lou: population.Keep,
				BlockRow + eve: population.Remove},
				0); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(w.last.Text, "about yourself") {
				t.Errorf("told %q", w.last.Text)
			}
			if err := w.click(name, ActKeepAll, p.ID, map[string]string{BlockRow + lou: population.Remove},
				0); err != nil {
				t.Fatal(err)
			}
			if v := w.verdict("lou@acme.example"); v.Decision != "" {
				t.Errorf("their own row: %+v", v)
			}
			if v := w.verdict("eve@acme.example"); v.Decision != population.Remove {
				t.Errorf("the other row was lost: %+v", v)
			}
			if v := w.verdict("max@acme.example"); v.Decision != population.Keep {
				t.Errorf("the plain row was not kept: %+v", v)
			}
		})
	}
}

func TestSigningWithAnOldRoundSignsNothing(t *testing.T) {
	w := alone(t, nil)
	w.keepEverything("Dee")
	p := w.packets()[0]
	if err := w.click("Dee", ActReassign, p.ID, map[string]string{BlockPerson: "UCAT", BlockNote: "please"},
		0); err != nil {
		t.Fatal(err)
	}
	old := workflows.Command{Workflow: p.ID, Name: ActSign, Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "UCAT",
		Team: "TACME"}, Round: p.Round}
	if err := w.do(old); code(err) != "old_round" {
		t.Errorf("%v", err)
	}
	if w.packets()[0].Signed != nil {
		t.Error("signed")
	}
}

// What somebody took back is changed, too: who still sees it in an older form has not decided it.
func TestAnOlderFormDoesNotDecideWhatSomebodyElseTookBack(t *testing.T) {
	w := alone(t, nil)
	w.wait(7 * day)
	p := w.packets()[0]
	if len(p.Reviewers) != 2 {
		t.Fatalf("%v", p.Reviewers)
	}
	second := p.Reviewers[1][1:]
	lou, max := w.rowOf(p, "lou@acme.example"), w.rowOf(p, "max@acme.example")
	if err := w.click(second, FormPacket, p.ID, map[string]string{BlockRow + lou: population.Remove}, 0); err != nil {
		t.Fatal(err)
	}
	seen := w.packets()[0].Edits
	if err := w.click(second, ActUndo, p.ID, map[string]string{}, 0); err != nil {
		t.Fatal(err)
	}
	form := workflows.Command{Workflow: p.ID, Name: FormPacket, View: "V1", Submitted: true, Round: seen,
		Input: map[string]string{BlockRow + lou: population.Remove, BlockRow + max: population.Keep},
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "UDEE", Team: "TACME"}}
	if err := w.do(form); err != nil {
		t.Fatal(err)
	}
	if v := w.verdict("lou@acme.example"); v.Decision != "" || !strings.Contains(w.last.Text, "row "+lou) {
		t.Errorf("%+v, told %q", v, w.last.Text)
	}
	if v := w.verdict("max@acme.example"); v.By != "UDEE" {
		t.Errorf("the rest of the form was lost: %+v", v)
	}
}

func TestAClickInAFormThatWasClosedMeanwhileSaysWhatWasNotRecorded(t *testing.T) {
	for _, signed := range []bool{true, false} {
		w := opened(t) // Ana has not signed: the packet is signed, and waits
		if signed {
			w.keepEverything("Dee")
			w.sign("Dee")
		} else {
			w.wait(22 * day)
		}
		p := w.packets()[0]
		before := encode(t, p.Verdicts)
		err := w.click(p.Reviewers[0][1:], ActNext, p.ID, map[string]string{BlockRow + "1": population.Change}, 1)
		told := w.last.Text
		if w.last.Modal != nil {
			told = strings.Join(w.last.Modal.Intro, " ")
		}
		if !strings.Contains(told, "not recorded") && !strings.Contains(told, "Nothing was recorded") {
			t.Errorf("signed %v: %v, told %q", signed, err, told)
		}
		if signed && p.Phase != PacketSigned {
			t.Fatalf("%s", p.Phase)
		}
		if after := encode(t, w.packets()[0].Verdicts); !reflect.DeepEqual(before, after) {
			t.Errorf("signed %v: the decisions changed", signed)
		}
	}
}

func TestAPacketThatIsToldTwiceToCloseClosesOnce(t *testing.T) {
	w := alone(t, nil)
	w.keepEverything("Dee")
	p := w.packets()[0]
	if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow +
		w.rowOf(p, "lou@acme.example"): population.Remove},
		0); err != nil {
		t.Fatal(err)
	}
	w.sign("Dee")
	n, calls := len(w.runs[p.ID].events), len(w.sent)
	for _, by := range []string{workflows.ByKeyholder, workflows.ByKeyholder} {
		_ = w.do(workflows.Command{Workflow: p.ID, Name: closePacket, Actor: workflows.Actor{Kind: by},
			Round: workflows.NoRound})
	}
	if len(w.runs[p.ID].events) != n || len(w.sent) != calls || len(w.opened) != 1 {
		t.Errorf("%d events, %d calls, %d access workflows", len(w.runs[p.ID].events)-n, len(w.sent)-calls,
			len(w.opened))
	}
}

// toRemove is a packet that is closed, with two people to remove.
func toRemove(t *testing.T) *world {
	t.Helper()
	w := alone(t, nil)
	w.keepEverything("Dee")
	p := w.packets()[0]
	if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow +
		w.rowOf(p, "lou@acme.example"): population.Remove,
		BlockRow + w.rowOf(p, "max@acme.example"): population.Remove}, 0); err != nil {
		t.Fatal(err)
	}
	w.sign("Dee")
	return w
}

func TestAnOlderWordAboutARemedyChangesNothing(t *testing.T) {
	for _, first := range []string{population.FixDone, population.FixFailed, population.FixVerified} {
		w := toRemove(t)
		id := w.openFixes()[0]
		w.fix(id, first, workflows.Attested, "UBEN")
		w.fix(id, population.FixPending, "", "")
		if got := w.packets()[0].Fixes[0]; got.State != first {
			t.Errorf("%s, and then it was told that it had begun: %+v", first, got)
		}
	}
}

func TestEachTryOfARemedyHasAnIDOfItsOwn(t *testing.T) {
	w := toRemove(t)
	p := w.packets()[0]
	seen := map[string]bool{}
	for try := range 4 {
		id := w.packets()[0].Fixes[0].Access
		if seen[id] {
			t.Fatalf("try %d has the ID of an earlier one", try)
		}
		seen[id] = true
		w.fix(id, population.FixFailed, "", "")
		if err := w.click("Ben", ActRetry, p.ID, nil, 0); err != nil {
			t.Fatal(err)
		}
		if err := w.click("Cat", ActRetry, p.ID, nil, 0); code(err) != "nothing" {
			t.Errorf("begun again twice: %v", err)
		}
		w.drain()
	}
	if len(w.opened) != 2+4 {
		t.Errorf("%d access workflows", len(w.opened))
	}
}

func TestAReassignmentThatMeetsTheEndIsRefused(t *testing.T) {
	w := alone(t, nil)
	w.wait(22 * day)
	p := w.packets()[0]
	in := map[string]string{BlockPerson: "UCAT", BlockNote: "please"}
	if err := w.click("Dee", ActReassign, p.ID, in, 0); code(err) == "" || !strings.Contains(w.last.Text,
		"Nothing was recorded") {
		t.Errorf("%v %q", err, w.last.Text)
	}
	if w.packets()[0].Reviewers[0] == "UCAT" && len(w.packets()[0].Handovers) != len(p.Handovers) {
		t.Error("it was given on after the end")
	}
}

func TestAPartIsReassignedWhileTheCampaignCloses(t *testing.T) {
	w := alone(t, nil)
	p := w.packets()[0]
	w.now = w.state().Closes
	timer := workflows.Timer{Name: "close", At: w.state().Closes}
	if err := w.do(workflows.Command{Workflow: w.campaignID(), Name: workflows.CmdTimer, Timer: &timer,
		Actor: workflows.Actor{Kind: workflows.ByTimer}, Round: workflows.NoRound}); err != nil {
		t.Fatal(err)
	}
	if err := w.click("Dee", ActReassign, p.ID, map[string]string{BlockPerson: "UCAT", BlockNote: "please"},
		0); err != nil {
		t.Fatal(err)
	}
	w.drain()
	if s := w.state(); s.Phase != CampaignCompleted || s.Counts().Open != 0 || s.Counts().NoAnswer != len(p.Rows) {
		t.Errorf("%s %+v", s.Phase, s.Counts())
	}
}

func TestAnOwnersRowIsNeverTheirsToReview(t *testing.T) {
	w := alone(t, func(w *world) { w.policy.Review.Reviewers = []string{"UJANE", "UDEE"} })
	for _, p := range w.packets() {
		for _, r := range p.Rows {
			if r.Email == "jane@acme.example" && p.Reviewer == "UJANE" {
				t.Error("Jane reviews that she owns the account")
			}
		}
	}
}

func TestTheOwnersRowTakesNoRole(t *testing.T) {
	w := alone(t, nil)
	p := w.packets()[0]
	n := w.rowOf(p, "jane@acme.example")
	if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + n: population.Change,
		BlockRole + n: "king"},
		0); err != nil {
		t.Fatal(err)
	}
	if v := w.verdict("jane@acme.example"); v.Decision != population.Change || v.Role != "" {
		t.Errorf("%+v", v)
	}
}

func TestAMailboxThatOwnsTheAccountHasOneRow(t *testing.T) {
	w := alone(t, func(w *world) { w.account.Owner = mailbox })
	rows := 0
	for _, r := range w.packets()[0].Rows {
		if r.Email == mailbox {
			rows++
			if r.Kind != population.KindOwner || len(r.Holders) != 2 {
				t.Errorf("%+v", r)
			}
		}
	}
	if rows != 1 {
		t.Errorf("%d rows", rows)
	}
}

func TestAMailboxThatIsAUserChangesItsRole(t *testing.T) {
	w := alone(t, func(w *world) {
		w.users[""] = append(w.users[""], w.user(mailbox, workflows.RoleAdministrator, 3))
	})
	w.keepEverything("Dee")
	p := w.packets()[0]
	n := w.rowOf(p, mailbox)
	if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + n: population.Change}, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.click("Dee", ActSign, p.ID, nil, 0); code(err) != "rows_open" || !strings.Contains(w.last.Text,
		"role") {
		t.Errorf("signed without the role: %v %q", err, w.last.Text)
	}
	if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + n: population.Change,
		BlockRole + n: workflows.RoleManage}, 0); err != nil {
		t.Fatal(err)
	}
	w.sign("Dee")
	if f := w.packets()[0].Fixes; len(f) != 1 || f[0].Action != population.FixChange {
		t.Errorf("%+v", f)
	}
}

func TestAMailboxThatIsNoUserTakesNoRole(t *testing.T) {
	w := alone(t, nil)
	w.keepEverything("Dee")
	p := w.packets()[0]
	n := w.rowOf(p, mailbox)
	if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + n: population.Change,
		BlockRole + n: workflows.RoleManage}, 0); err != nil {
		t.Fatal(err)
	}
	w.sign("Dee")
	c := w.state().Counts()
	if f := w.packets()[0].Fixes; len(f) != 1 || f[0].Action != population.FixTransfer || c.ToFix != 0 ||
		c.Transfers != 1 ||
		w.state().Phase != CampaignCompleted {
		t.Errorf("%+v %+v %s", f, c, w.state().Phase)
	}
}

func TestACustomRoleMayBecomeManageOrMonitor(t *testing.T) {
	w := alone(t, func(w *world) {
		u := w.user("oda@acme.example", workflows.RoleCustom, 3)
		u.Manage = []string{"5f1a"}
		w.users[""] = append(w.users[""], u)
	})
	if err := w.click("Dee", ActOpen, w.packets()[0].ID, nil, 0); err != nil {
		t.Fatal(err)
	}
	n := w.rowOf(w.packets()[0], "oda@acme.example")
	i := slices.IndexFunc(w.last.Modal.Inputs, func(in workflows.Input) bool { return in.Block == BlockRole+n })
	if i < 0 || len(w.last.Modal.Inputs[i].Options) != 2 {
		t.Errorf("%+v", w.last.Modal.Inputs)
	}
}

func TestAnExceptionIsOnlyKeptWithAReason(t *testing.T) {
	w := alone(t, func(w *world) {
		w.policy.Aliases[0].Holders, w.policy.Aliases[0].Custodians = []string{"UDEE"}, []string{"UDEE"}
		w.users[""] = append(w.users[""], w.user("dee@acme.example", workflows.RoleAdministrator, 3))
	})
	w.keepEverything("Dee")
	p := w.packets()[0]
	for _, email := range []string{"dee@acme.example", mailbox} {
		n := w.rowOf(p, email)
		for _, decision := range []string{population.Change, population.Remove} {
			if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + n: decision,
				BlockRole + n: workflows.RoleMonitor, BlockReason + n: "no"}, 0); err != nil ||
				w.last.Errors[BlockRow+n] == "" {
				t.Errorf("%s: %s: %v %+v", email, decision, err, w.last)
			}
		}
		if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + n: population.Keep,
			BlockReason + n: " "},
			0); err != nil {
			t.Fatal(err)
		}
		if err := w.click("Dee", ActSign, p.ID, nil, 0); code(err) != "rows_open" {
			t.Errorf("%s: signed without a reason: %v", email, err)
		}
		if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + n: population.Keep,
			BlockReason + n: "needed"},
			0); err != nil {
			t.Fatal(err)
		}
	}
	w.sign("Dee")
}

func TestAListFromBeforeItWasDoneVerifiesNothing(t *testing.T) {
	w := toRemove(t)
	w.wait(3 * time.Hour)
	for _, id := range w.openFixes() {
		w.fix(id, population.FixDone, workflows.Attested, "UBEN")
	}
	csv := "Name,Email,Role,Status,Enable user,Last sign in\nLou,lou@acme.example,Monitor all integrations,Accepted,Yes,Never\n"
	in := map[string]string{BlockEnvironment: workflows.Production, BlockFile: csv,
		BlockExtracted: w.now.Add(-time.Hour).Format(time.RFC3339)}
	if err := w.click("Cat", ActImport, w.campaignID(), in, 0); err != nil || len(w.last.Errors) > 0 {
		t.Fatalf("%v %+v", err, w.last)
	}
	w.drain()
	for _, f := range w.packets()[0].Fixes {
		if f.State != population.FixDone {
			t.Errorf("%+v", f)
		}
	}
	delete(in, BlockExtracted)
	if err := w.click("Cat", ActImport, w.campaignID(), in, 0); err != nil || len(w.last.Errors) > 0 {
		t.Fatalf("%v %+v", err, w.last)
	}
	w.drain()
	states := map[string]int{}
	for _, f := range w.packets()[0].Fixes {
		states[f.State]++
	}
	if states[population.FixFailed] != 1 || states[population.FixVerified] != 1 {
		t.Errorf("%v", states)
	}
}

func TestAWordTakesNoListBack(t *testing.T) {
	w := alone(t, nil)
	if err := w.click("Dee", ActDelegates, w.campaignID(), map[string]string{BlockAlias: mailbox,
		BlockFile: "email\nzoe@acme.example\n"}, 0); err != nil || len(w.last.Errors) > 0 {
		t.Fatalf("%v %+v", err, w.last)
	}
	if err := w.click("Ben", ActDelegates, w.campaignID(), map[string]string{BlockAlias: mailbox,
		BlockAttest: BlockAttest}, 0); err != nil || len(w.last.Errors) > 0 {
		t.Fatalf("%v %+v", err, w.last)
	}
	w.drain()
	for _, r := range w.packets()[0].Rows {
		if r.Email == mailbox && (r.Attested != "UBEN" || !strings.Contains(strings.Join(r.Differences, " "),
			"zoe@acme.example")) {
			t.Errorf("%+v", r)
		}
	}
}

func TestMentionsInDifferencesStayMentions(t *testing.T) {
	w := alone(t, nil)
	if err := w.click("Dee", ActDelegates, w.campaignID(), map[string]string{BlockAlias: mailbox,
		BlockFile: "email\nben@acme.example\n"}, 0); err != nil {
		t.Fatal(err)
	}
	texts := []string{w.last.Text}
	for _, c := range (Campaign{}).View(w.state()).Cards {
		texts = append(texts, c.Facts...)
	}
	for _, text := range texts {
		if strings.Contains(text, "&lt;@") {
			t.Errorf("%q", text)
		}
	}
}

// Gaining administrator needs the approvals of an access request; one reviewer must not give it by the way.
func TestAReviewMakesNobodyAnAdministrator(t *testing.T) {
	w := alone(t, nil)
	p := w.packets()[0]
	n := w.rowOf(p, "lou@acme.example")
	if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + n: population.Change,
		BlockRole + n: workflows.RoleAdministrator}, 0); err != nil || w.last.Errors[BlockRole+n] == "" {
		t.Errorf("%v %+v", err, w.last)
	}
	if v := w.verdict("lou@acme.example"); v.Decision != "" {
		t.Errorf("%+v", v)
	}
	if err := w.click("Dee", ActOpen, p.ID, nil, 0); err != nil {
		t.Fatal(err)
	}
	for _, in := range w.last.Modal.Inputs {
		for _, o := range in.Options {
			if o.Value == workflows.RoleAdministrator {
				t.Errorf("%s offers it", in.Block)
			}
		}
	}
}
