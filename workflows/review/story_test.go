package review

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

func code(err error) string {
	var r *workflows.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// opened is a world whose review has begun.
func opened(t failer) *world {
	w := newWorld(t)
	if err := w.start("Dee"); err != nil {
		t.Fatalf("start: %v", err)
	}
	w.drain()
	return w
}

// keepEverything decides every row of a packet: keep, with a reason where one is needed.
func (w *world) keepEverything(who string) {
	w.t.Helper()
	p := w.packet(who)
	in := map[string]string{}
	for _, r := range p.Rows {
		n := strconv.Itoa(r.N)
		in[BlockRow+n] = population.Keep
		if !r.Plain() {
			in[BlockReason+n] = "still needed"
		}
	}
	if err := w.click(who, FormPacket, p.ID, in, 0); err != nil {
		w.t.Fatalf("%s saves: %v", who, err)
	}
	w.drain()
}

func (w *world) sign(who string) {
	w.t.Helper()
	if err := w.click(who, ActSign, w.packet(who).ID, nil, 0); err != nil {
		w.t.Fatalf("%s signs: %v", who, err)
	}
	w.drain()
}

func TestAReviewFromItsOpeningToItsEnd(t *testing.T) {
	w := opened(t)
	s := w.state()
	if s.Phase != CampaignOpen || len(w.packets()) != 2 {
		t.Fatalf("%s, %d packets", s.Phase, len(w.packets()))
	}
	if s.readingOf("Old").Excluded == "" || s.readingOf("").Count != 7 || s.readingOf("Sandbox").Count != 2 {
		t.Errorf("readings %+v", s.Readings)
	}
	rows := 0
	for _, p := range w.packets() {
		rows += len(p.Rows)
	}
	if rows != 7+2+2 { // users, and the owner and the mailbox, which integrator.io lists neither of
		t.Errorf("%d rows", rows)
	}
	dee := w.packet("Dee")
	i := slices.IndexFunc(dee.Rows, func(r population.Row) bool {
		return r.Kind == population.KindUser && !r.Privileged
	})
	w.keepEverything("Dee")
	n := strconv.Itoa(dee.Rows[i].N)
	if err := w.click("Dee", FormPacket, dee.ID, map[string]string{BlockRow + n: population.Remove}, 0); err != nil {
		t.Fatal(err)
	}
	w.sign("Dee")
	if w.state().Phase != CampaignOpen {
		t.Fatal("closed before everybody had signed")
	}
	w.keepEverything("Ana")
	w.sign("Ana")
	s = w.state()
	if s.Phase != CampaignFixing || len(w.opened) != 1 {
		t.Fatalf("%s, %d access workflows", s.Phase, len(w.opened))
	}
	for id, call := range w.opened {
		if call.Input["email"] != dee.Rows[i].Email || call.Input["change"] != population.Remove ||
			call.Input["reviewer"] != "UDEE" || call.Input["was"] == "" || call.Input["review"] != s.ID {
			t.Errorf("opened with %v", call.Input)
		}
		w.fix(id, population.FixPending, "", "")
		w.fix(id, population.FixVerified, workflows.Acted, "")
	}
	w.drain()
	if s = w.state(); s.Phase != CampaignCompleted {
		t.Fatalf("%s", s.Phase)
	}
	if last := w.account.Reviews; len(last) != 1 || last[0].Stage != CampaignCompleted || last[0].Remove != 1 ||
		last[0].Keep != 10 || last[0].Open != 0 {
		t.Errorf("the account lists %+v", last)
	}
}

func TestTheSamePeriodIsNotOpenedTwice(t *testing.T) {
	w := opened(t)
	if err := w.start("Dee"); !errors.Is(err, workflows.ErrNoWorkflow) {
		t.Errorf("%v", err)
	}
}

func TestOnlyAdministratorsStart(t *testing.T) {
	for _, who := range []string{"Ana", "Aud", "Eve", "Gus"} {
		if err := newWorld(t).start(who); code(err) == "" {
			t.Errorf("%s started a review", who)
		}
	}
}

func TestWhatTheCalendarOpensForNobodyIsToldInTheChannel(t *testing.T) {
	w := newWorld(t)
	for id, p := range w.people {
		p.Standing = workflows.StandingDeactivated
		w.people[id] = p
	}
	if err := w.start("Dee"); code(err) == "" {
		t.Error("a deactivated person started it")
	}
	err := w.do(workflows.Command{Workflow: w.campaignID(), Name: StartCampaign, Submitted: true,
		Input: map[string]string{"period": "2026q4"}, Round: workflows.NoRound,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}})
	if err != nil || w.state().Phase != CampaignCancelled || len(w.queue) > 0 {
		t.Fatalf("%v, %s, %d calls", err, w.state().Phase, len(w.queue))
	}
	if !slices.ContainsFunc(w.state().view().Cards, func(c workflows.Card) bool {
		return c.Recipient == "COPS" && strings.Contains(strings.Join(c.Lines, " "), "active full member")
	}) {
		t.Errorf("%+v", w.state().view().Cards)
	}
}

func TestSigningSaysWhatIsMissing(t *testing.T) {
	w := opened(t)
	p := w.packet("Dee")
	if err := w.click("Dee", ActSign, p.ID, nil, 0); code(err) != "rows_open" || !strings.Contains(w.last.Text,
		p.Rows[0].Email) {
		t.Fatalf("%v %q", err, w.last.Text)
	}
	in := map[string]string{}
	for _, r := range p.Rows {
		in[BlockRow+strconv.Itoa(r.N)] = population.Keep
	}
	if err := w.click("Dee", FormPacket, p.ID, in, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.click("Dee", ActSign, p.ID, nil, 0); code(err) != "rows_open" || !strings.Contains(w.last.Text,
		"reason is missing") {
		t.Errorf("%v %q", err, w.last.Text)
	}
}

func TestTurningThePageSavesItAndUndoTakesItBack(t *testing.T) {
	w := opened(t)
	p := w.packet("Dee")
	if err := w.click("Dee", ActOpen, p.ID, nil, 0); err != nil || w.last.Modal == nil {
		t.Fatalf("%v %+v", err, w.last)
	}
	if err := w.click("Dee", ActNext, p.ID, map[string]string{"row:1": population.Keep, "reason:1": "because"},
		0); err != nil {
		t.Fatal(err)
	}
	if v := w.packet("Dee").Verdicts[0]; v.Decision != population.Keep || v.Reason != "because" || v.By != "UDEE" {
		t.Errorf("%+v", v)
	}
	if err := w.click("Dee", ActUndo, p.ID, map[string]string{"row:2": population.Keep}, 0); err != nil {
		t.Fatal(err)
	}
	if p = w.packet("Dee"); p.Verdicts[0].Decision != "" || p.Verdicts[1].Decision != "" {
		t.Errorf("%+v", p.Verdicts)
	}
}

func TestKeepAllLeavesWhatNeedsAReason(t *testing.T) {
	w := opened(t)
	for _, who := range []string{"Dee", "Ana"} {
		p := w.packet(who)
		if err := w.click(who, ActKeepAll, p.ID, map[string]string{}, 0); err != nil {
			t.Fatal(err)
		}
		for i, r := range w.packet(who).Rows {
			if kept := w.packet(who).Verdicts[i].Decision == population.Keep; kept != r.Plain() {
				t.Errorf("%s: %s kept %v", who, r.Email, kept)
			}
		}
	}
}

func TestNobodyElseDecides(t *testing.T) {
	w := opened(t)
	id := w.packet("Dee").ID
	for _, who := range []string{"Ana", "Ben", "Aud", "Eve", "Gus"} {
		for _, action := range []string{ActOpen, ActSign, FormPacket, ActKeepAll, ActUndo, ActReassign, ActConfirm,
			ActRetry} {
			if err := w.click(who, action, id, map[string]string{"row:1": population.Keep}, 0); code(err) == "" {
				t.Errorf("%s may %s", who, action)
			}
		}
	}
}

func TestRemindersEscalationAndTheEnd(t *testing.T) {
	w := opened(t)
	w.keepEverything("Ana")
	w.sign("Ana")
	w.wait(8 * day)
	dee := w.packet("Dee")
	if dee.Escalated != 1 || len(dee.Reviewers) != 2 || dee.Nudges == 0 {
		t.Fatalf("after 8 days: escalated %d, reviewers %v, %d reminders", dee.Escalated, dee.Reviewers, dee.Nudges)
	}
	w.wait(3 * day)
	second := dee.Reviewers[1]
	p := w.packets()[slices.IndexFunc(w.packets(), func(p PacketState) bool { return p.ID == dee.ID })]
	if p.Escalated != 2 || len(p.Reviewers) != 1 || p.Reviewers[0] != second {
		t.Fatalf("after 11 days: %d, %v", p.Escalated, p.Reviewers)
	}
	if err := w.click("Dee", ActOpen, p.ID, nil, 0); code(err) != "not_permitted" {
		t.Errorf("whoever was replaced: %v", err)
	}
	w.wait(11 * day)
	s := w.state()
	if s.Phase != CampaignCompleted || s.Counts().NoAnswer == 0 || s.Counts().Open != 0 {
		t.Errorf("%s, %+v", s.Phase, s.Counts())
	}
}

func TestADeactivatedReviewerIsReplacedAtOnce(t *testing.T) {
	w := opened(t)
	p := w.packet("Dee")
	gone := w.people["UDEE"]
	gone.Standing = workflows.StandingDeactivated
	w.people["UDEE"] = gone
	_ = w.do(workflows.Command{Workflow: p.ID, Name: LookPeople, Actor: workflows.Actor{Kind: workflows.ByKeyholder},
		Round: workflows.NoRound})
	now := w.packets()[0]
	if now.ID != p.ID {
		now = w.packets()[1]
	}
	if slices.Contains(now.Reviewers, "UDEE") || len(now.Handovers) != 1 || now.Handovers[0].Why != "deactivated" {
		t.Errorf("%v %+v", now.Reviewers, now.Handovers)
	}
}

func TestWhatIsOnlyAWordWaitsForAnotherPerson(t *testing.T) {
	w := opened(t)
	w.keepEverything("Ana")
	w.sign("Ana")
	w.keepEverything("Dee")
	p := w.packet("Dee")
	i := slices.IndexFunc(p.Rows, func(r population.Row) bool { return r.Kind == population.KindUser })
	if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + strconv.Itoa(i+1): population.Remove},
		0); err != nil {
		t.Fatal(err)
	}
	w.sign("Dee")
	for id := range w.opened {
		w.fix(id, population.FixDone, workflows.Attested, "UANA")
	}
	w.drain()
	if w.state().Phase != CampaignFixing {
		t.Fatalf("%s", w.state().Phase)
	}
	if err := w.click("Ana", ActConfirm, p.ID, nil, 0); code(err) != "own_word" {
		t.Errorf("her own word: %v", err)
	}
	if err := w.click("Ben", ActConfirm, p.ID, nil, 0); err != nil {
		t.Fatal(err)
	}
	w.drain()
	if w.state().Phase != CampaignCompleted {
		t.Errorf("%s", w.state().Phase)
	}
}

func TestWhatFailedIsBegunAgain(t *testing.T) {
	w := opened(t)
	w.keepEverything("Ana")
	w.sign("Ana")
	w.keepEverything("Dee")
	p := w.packet("Dee")
	i := slices.IndexFunc(p.Rows, func(r population.Row) bool { return r.Kind == population.KindUser })
	if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + strconv.Itoa(i+1): population.Remove},
		0); err != nil {
		t.Fatal(err)
	}
	w.sign("Dee")
	first := w.openFixes()[0]
	w.fix(first, population.FixFailed, "", "")
	w.wait(30 * day)
	if err := w.click("Ben", ActRetry, p.ID, nil, 0); err != nil {
		t.Fatal(err)
	}
	w.drain()
	second := w.openFixes()[0]
	if second == first {
		t.Fatal("the same workflow again")
	}
	w.fix(first, population.FixVerified, workflows.Acted, "") // too late: another one is at work
	w.fix(second, population.FixVerified, workflows.Acted, "")
	w.drain()
	if w.state().Phase != CampaignCompleted {
		t.Errorf("%s", w.state().Phase)
	}
}

func TestTheListComesFromAFileWhereThereIsNoToken(t *testing.T) {
	w := newWorld(t)
	w.policy.Token, w.policy.Access.Environments = false, nil
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	id := w.campaignID()
	csv := "Name,Email,Role,Status,Enable user,Last sign in\nEve,eve@acme.example,Manage all integrations,Accepted,Yes,2026-09-01\nLou,lou@acme.example,Monitor all integrations,Accepted,Yes,Never\n"
	in := map[string]string{BlockEnvironment: workflows.Production, BlockFile: csv,
		BlockFile + workflows.FileName: "users.csv"}
	if err := w.click("Dee", ActImport, id, map[string]string{BlockEnvironment: workflows.Production,
		BlockFile: "Name;Mail\nx"}, 0); err != nil || w.last.Errors[BlockFile] == "" {
		t.Errorf("a file that cannot be read: %v %+v", err, w.last)
	}
	if err := w.click("Dee", ActImport, id, in, 0); err != nil || w.last.Text == "" {
		t.Fatalf("%v %+v", err, w.last)
	}
	if err := w.click("Dee", ActCount, id, nil, 0); code(err) != "own_file" {
		t.Errorf("her own file: %v", err)
	}
	if err := w.click("Ben", ActCount, id, nil, 0); err != nil {
		t.Fatal(err)
	}
	w.drain()
	s := w.state()
	if r := s.readingOf(""); r.Unread[population.UnreadMFA] == "" || slices.ContainsFunc(w.packets(),
		func(p PacketState) bool {
			return slices.ContainsFunc(p.Rows, func(r population.Row) bool {
				return slices.Contains(r.Flags, population.FlagNoMFAOrSSO)
			})
		}) {
		t.Errorf("the file does not say whether a second factor is required: %+v", r)
	}
	if r := s.readingOf(""); s.Phase != CampaignOpen || r.Count != 2 || r.Uploader != "UDEE" ||
		r.ConfirmedBy != "UBEN" || r.FileSHA256 == "" || s.Rows != 4 {
		t.Errorf("%s %+v", s.Phase, r)
	}
}

func TestTheMailSystemIsCompared(t *testing.T) {
	w := opened(t)
	if err := w.click("Dee", ActDelegates, w.campaignID(), map[string]string{BlockAlias: mailbox,
		BlockFile: "email\nana@acme.example\nzoe@acme.example\n"}, 0); err != nil || len(w.last.Errors) > 0 {
		t.Fatalf("%v %+v", err, w.last)
	}
	w.drain()
	found := false
	for _, p := range w.packets() {
		for _, r := range p.Rows {
			if r.Email == mailbox {
				found = true
				if len(r.Delegates) != 2 || !strings.Contains(strings.Join(r.Differences, " "), "zoe@acme.example") {
					t.Errorf("%+v", r)
				}
			}
		}
	}
	if !found {
		t.Error("the mailbox has no row")
	}
}

func TestAnAutomaticRemovalIsOptIn(t *testing.T) {
	for _, rule := range []string{population.Keep, population.Remove} {
		w := newWorld(t)
		w.policy.Review.NoAnswer = rule
		if err := w.start("Dee"); err != nil {
			t.Fatal(err)
		}
		w.drain()
		w.wait(22 * day)
		if opened := len(w.opened); (opened > 0) != (rule == population.Remove) {
			t.Errorf("%s: %d access workflows", rule, opened)
		}
	}
}

func TestShortWindows(t *testing.T) {
	w := newWorld(t)
	p := &w.policy.Review
	p.Window, p.Grace, p.RemindEvery, p.OverdueEvery = 4*time.Second, 3*time.Second, time.Second, time.Second
	p.RemindBefore, p.Escalate = []time.Duration{2 * time.Second, 0}, []time.Duration{2 * time.Second, 3 * time.Second}
	p.From, p.To, p.Days = 0, 24*time.Hour, [7]bool{true, true, true, true, true, true, true}
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	w.drain()
	w.wait(10 * time.Second)
	if w.state().Phase != CampaignCompleted {
		t.Errorf("%s", w.state().Phase)
	}
	for _, p := range w.packets() {
		if p.Nudges < 4 || p.Escalated != 2 {
			t.Errorf("%d reminders, escalated %d", p.Nudges, p.Escalated)
		}
	}
}
