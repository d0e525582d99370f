package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// accessForm opens the form for access and fills it.
func (s *stage) askAccess(who string, fields map[string]map[string]any) slacksim.SubmitResult {
	s.t.Helper()
	s.slash(who, "access acme")
	s.until(who+"'s form", func() bool { return len(s.slack.Views(who)) > 0 })
	views := s.slack.Views(who)
	res, err := s.submit(who, views[len(views)-1].ID, fields)
	if err != nil {
		s.t.Fatalf("%s submits the form: %v", who, err)
	}
	return res
}

func field(name string, value any) map[string]any { return map[string]any{name: value} }

// user answers somebody's record in production.
func (s *stage) user(email string) (integratorsim.UserState, bool) {
	return s.account().Snapshot().User(0, email)
}

func TestAccessForATimeBeginsWhenUsableAndEndsByItself(t *testing.T) {
	atMoments(t, accessForATime)
}

func accessForATime(t *testing.T) {
	s := start(t, options{})
	res := s.askAccess(dee, map[string]map[string]any{
		"person": field("person", oli), "role": field("role", "monitor"), "for": field("for", "1d"),
		"reason": field("reason", "Covers for Ana this week"),
	})
	if res.Error != "" || len(res.Errors) > 0 {
		t.Fatalf("the form was refused: %+v", res)
	}
	s.press(ana, "access.approve")
	s.until("the invitation", func() bool {
		u, ok := s.user("oli@acme.example")
		return ok && u.Status == "pending" && u.Role == "monitor"
	})
	s.act(integratorsim.Action{Do: "sign_up", Email: "oli@acme.example", Name: "Oli Brandt"})
	s.until("the access to run", func() bool {
		return strings.Contains(s.card(oli), "has access to Acme Production for a time")
	})
	if got := s.slash(dee, "who acme"); !strings.Contains(listedAs(got, "monitor", "oli@acme.example"), "until") ||
		!strings.Contains(got, "Owner: jane@acme.example") {
		t.Errorf("who says %q", got)
	}
	s.forward(23*time.Hour + 30*time.Minute)
	s.until("the notice", func() bool {
		for _, m := range s.slack.Messages(s.slack.DM(oli)) {
			if m.ThreadTS != "" && strings.Contains(m.Text, "ends") {
				return true
			}
		}
		return false
	})
	s.forward(time.Hour)
	s.until("the end", func() bool { _, ok := s.user("oli@acme.example"); return !ok })
	s.until("the end on the card", func() bool { return strings.Contains(s.card(oli), "It has ended") })
}

// changeForADay gives Ben the manage role for a day.
func (s *stage) changeForADay() {
	s.t.Helper()
	s.askAccess(dee, map[string]map[string]any{
		"person": field("person", ben), "change": field("change", "change"), "role": field("role", "manage"),
		"for": field("for", "1d"), "reason": field("reason", "Repairs the order flow")})
	s.press(ana, "access.approve")
	s.until("the change", func() bool { u, _ := s.user("ben@acme.example"); return u.Role == "manage" })
	s.until("the access to run", func() bool { return strings.Contains(s.card(ben), "for a time") })
}

func TestAChangeForATimeEndedEarlyRestoresTheFormerRole(t *testing.T) {
	s := start(t, options{})
	s.changeForADay()
	s.press(ben, "access.end")
	s.until("the former role", func() bool { u, ok := s.user("ben@acme.example"); return ok && u.Role == "monitor" })
	s.until("the end on the card", func() bool { return strings.Contains(s.card(ben), "It has ended") })
}

func TestAnAccessThatSomebodyChangedSinceIsNotTouchedButAskedAbout(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.changeForADay()
	s.act(integratorsim.Action{Do: "change_role", Email: "ben@acme.example", Role: "administrator"})
	s.forward(25 * time.Hour)
	s.press(ana, "access.adopt") // Dee asked, so she does not; an administrator takes two
	s.press(cat, "access.adopt")
	s.until("the end on the card", func() bool { return strings.Contains(s.card(ben), "stays as somebody changed it") })
	if u, _ := s.user("ben@acme.example"); u.Role != "administrator" {
		t.Errorf("the role is %s", u.Role)
	}
}

func TestUrgentAccessIsGivenAtOnceAndEndsWhenASecondPersonRefuses(t *testing.T) {
	s := start(t, options{})
	s.askAccess(dee, map[string]map[string]any{
		"person": field("person", ben), "change": field("change", "change"), "role": field("role", "manage"),
		"urgent": field("urgent", []string{"urgent"}), "reason": field("reason", "Orders stand still")})
	s.until("the change without any approval", func() bool {
		u, _ := s.user("ben@acme.example")
		return u.Role == "manage"
	})
	s.until("the access to run", func() bool {
		return strings.Contains(s.card(cat), "has access to Acme Production for a time")
	})
	s.press(cat, "access.refuse")
	s.until("the reason form", func() bool { return len(s.slack.Views(cat)) > 0 })
	if res, err := s.slack.SubmitView(s.ctx, cat, s.slack.Views(cat)[0].ID,
		map[string]map[string]any{"reason": field("reason", "Dee can do it")}); err != nil || res.Error != "" {
		t.Fatalf("%v %+v", err, res)
	}
	s.until("the former role", func() bool { u, _ := s.user("ben@acme.example"); return u.Role == "monitor" })
}

// watching waits until the production's watcher has read its baseline.
func (s *stage) watching() {
	s.t.Helper()
	id := workflows.NewID(workflows.LetterDrift, "acme", 4, "acme", "drift", "", "0")
	s.until("the first reading", func() bool { return s.version(id) >= 2 })
}

// found waits for a person's card about somebody's unexplained access.
func (s *stage) found(who, words string) {
	s.t.Helper()
	s.until("a finding: "+words, func() bool {
		for _, m := range s.slack.Messages(s.slack.DM(who)) {
			if strings.Contains(m.Text, words) {
				return true
			}
		}
		return false
	})
}

func TestWhatNobodyDecidedIsFoundByLookingAndAdopted(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.watching()
	s.act(integratorsim.Action{Do: "change_role", Email: "ben@acme.example", Role: "administrator"})
	if got := s.slash(dee, "status acme"); !strings.Contains(got, "Open: nothing.") {
		t.Errorf("looking for drift is listed as something open: %q", got)
	}
	s.slash(dee, "who acme")
	s.found(dee, "The access of ben@acme.example to Acme Production was changed, and no decision here explains it")
	if got := s.card(ben); got != "" {
		t.Errorf("Ben, whom it is about, has a card: %s", got)
	}
	s.shows(dee, "Who did it: <@U0JANE> (jane@acme.example)")
	s.insistPress(dee, "access.ask")
	s.until("Jane, whom the audit log names, to be asked", func() bool {
		return strings.Contains(fmt.Sprint(s.slack.Messages(s.slack.DM(jane))),
			"Did you change the access of ben@acme.example")
	})
	s.shows(dee, "asked <@U0JANE>")
	s.insistPress(dee, "access.adopt")
	s.shows(dee, "(1 of 2)") // as many as approve an administrator
	s.insistPress(ana, "access.adopt")
	s.until("the end on the card", func() bool {
		return strings.Contains(s.card(dee), "Expected, say <@U0DEE> and <@U0ANA>")
	})
	if got := s.slash(dee, "who acme"); !strings.Contains(listedAs(got, "administrator", "ben@acme.example"), "by `f") {
		t.Errorf("who says %q", got)
	}
}

func TestWhatNobodyDecidedIsUndoneByARequestThatOthersApprove(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.watching()
	s.act(integratorsim.Action{Do: "add_user", Email: "eve@contractor.example", Name: "Eve", Role: "manage",
		Status: "accepted"})
	s.slash(dee, "who acme")
	s.found(dee, "eve@contractor.example has access to Acme Production")
	s.press(dee, "access.undo")
	s.press(ana, "access.approve")
	s.until("the removal", func() bool { _, ok := s.user("eve@contractor.example"); return !ok })
	s.until("the end on the card", func() bool { return strings.Contains(s.card(ana), "was removed") })
}

func TestAnAdministratorForADayLeavesTheAccountExactlyAsItWas(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	before, _ := s.user("ben@acme.example")
	s.askAccess(dee, map[string]map[string]any{
		"person": field("person", ben), "change": field("change", "change"), "role": field("role", "administrator"),
		"for": field("for", "1d"), "reason": field("reason", "Dee is away")})
	s.press(ana, "access.approve")
	s.press(cat, "access.approve")
	s.until("the change, with a second factor required", func() bool {
		u, _ := s.user("ben@acme.example")
		return u.Role == "administrator" && u.MFARequired
	})
	s.until("the access to run", func() bool { return strings.Contains(s.card(ben), "for a time") })
	s.forward(25 * time.Hour)
	s.until("the end on the card", func() bool { return strings.Contains(s.card(ben), "It has ended") })
	if after, _ := s.user("ben@acme.example"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("after %+v, before %+v", after, before)
	}
}

func TestStatusTellsTheAskersOwnRole(t *testing.T) {
	s := start(t, options{})
	for who, want := range map[string]string{dee: "You: administrator", ben: "You: monitor", jane: "You: the owner.",
		oli: "You: no access of your own."} {
		if got := s.slash(who, "status acme"); !strings.Contains(got, want) {
			t.Errorf("%s reads %q, want %q", who, got, want)
		}
	}
}

// inviteOli asks that Oli, who is no user yet, may monitor for a day, and waits for the invitation
// that Ana's approval leads to.
func (s *stage) inviteOli() {
	s.t.Helper()
	s.askAccess(dee, map[string]map[string]any{
		"person": field("person", oli), "role": field("role", "monitor"), "for": field("for", "1d"),
		"reason": field("reason", "Covers for Ana this week")})
	s.press(ana, "access.approve")
	s.shows(oli, "has to accept by")
}

func TestADeclinedInvitationIsSentAgainUnderTheSameApproval(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.inviteOli()
	s.act(integratorsim.Action{Do: "dismiss_invitation", Email: "oli@acme.example"})
	s.shows(oli, "You declined the invitation")
	s.shows(dee, "declined the invitation")
	s.insist("the invitation to be open again", func() bool {
		u, _ := s.user("oli@acme.example")
		return u.Status == "pending"
	}, func() {
		if m, block, ok := s.button(dee, "access.resend"); ok {
			_, _ = s.slack.Click(s.ctx, dee, m.Channel, m.TS, block, "access.resend")
		}
	})
	s.shows(dee, "It was sent again")
	s.act(integratorsim.Action{Do: "sign_up", Email: "oli@acme.example", Name: "Oli Brandt"})
	s.shows(oli, "has access to Acme Production for a time")
	if n := s.account().Effects("PUT /v1/ashares/{id}/reinvite"); n != 1 {
		t.Errorf("the invitation was sent again %d times, want once", n)
	}
}

func TestADeclinedInvitationThatNobodySendsAgainIsTakenBackAtItsEnd(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.inviteOli()
	s.act(integratorsim.Action{Do: "dismiss_invitation", Email: "oli@acme.example"})
	s.shows(dee, "declined the invitation")
	s.forward(6 * 24 * time.Hour)
	s.shows(dee, "declined the invitation. Talk with them, then ask again")
	if _, ok := s.user("oli@acme.example"); ok {
		t.Error("the declined invitation still stands")
	}
}

func TestApprovalsThatNobodyAnswersReachThoseWhoLookAfterAccess(t *testing.T) {
	atMoments(t, nobodyAnswers)
}

func nobodyAnswers(t *testing.T) {
	s := start(t, options{edit: func(yaml string) string {
		return quick(yaml) + "    access: {approvers: [U0ANA, U0BEN], confirm_within: 4d}\n"
	}})
	s.askAccess(oli, map[string]map[string]any{
		"person": field("person", oli), "role": field("role", "monitor"), "for": field("for", "1d"),
		"reason": field("reason", "Covers for Ana this week")})
	s.shows(ana, "0 of 1 approval so far")
	s.shows(ben, "0 of 1 approval so far") // a card that waits while days pass is given up
	s.shows(oli, "0 of 1 approval so far")
	replies := func(who, words string) (n int) {
		for _, m := range s.slack.Messages(s.slack.DM(who)) {
			if m.ThreadTS != "" && strings.Contains(m.Text, words) {
				n++
			}
		}
		return n
	}
	s.forward(49 * time.Hour)
	s.until("Ana and Ben to be reminded", func() bool {
		return replies(ana, "Still open") == 1 && replies(ben, "Still open") == 1
	})
	if s.hasCard(dee, "0 of 1 approval") || s.hasCard(cat, "0 of 1 approval") {
		t.Error("Dee and Cat, who do not decide, heard of it before three quarters of the time")
	}
	s.forward(24 * time.Hour)
	s.anyCard(dee, "Not answered")
	s.anyCard(cat, "You do not decide this, but you can remind them")
	s.until("Oli, who asked, to be told", func() bool { return replies(oli, "too few have answered") == 1 })
	if s.has(dee, "access.approve") {
		t.Error("Dee, who may not approve, has the button")
	}
	s.forward(16 * time.Hour)
	s.until("the last reminder", func() bool { return replies(ana, "Still open") == 2 })
	s.insistPress(ben, "access.approve")
	s.anyCard(dee, "has to accept by")
}

// anyCard waits until one of somebody's cards says it: with days that pass, the card of a review or of the
// key may have come first.
func (s *stage) anyCard(who, text string) {
	s.t.Helper()
	s.until(fmt.Sprintf("a card of %s to say %q", who, text), func() bool { return s.hasCard(who, text) })
}

func (s *stage) hasCard(who, text string) bool {
	return slices.ContainsFunc(s.slack.Messages(s.slack.DM(who)), func(m slacksim.Message) bool {
		return m.EphemeralTo == "" && m.ThreadTS == "" && strings.Contains(string(m.Metadata), "/main/") &&
			strings.Contains(m.Text+"\n"+string(m.Blocks), text)
	})
}

// TestAQuietApproverFetchesTheirCardAndAnswersWithAComment: Ben may answer, and wants no card before he asks
// for it.
func TestAQuietApproverFetchesTheirCardAndAnswersWithAComment(t *testing.T) {
	t.Parallel()
	s := start(t, options{edit: func(yaml string) string {
		return quick(yaml) + "    quiet: [U0BEN]\n    access: {approvers: [U0ANA, U0BEN]}\n"
	}})
	s.askAccess(oli, map[string]map[string]any{
		"person": field("person", oli), "role": field("role", "monitor"), "for": field("for", "1d"),
		"reason": field("reason", "Covers for Ana this week"),
	})
	s.shows(ana, "0 of 1 approval so far")
	if s.hasCard(ben, "0 of 1 approval") {
		t.Error("Ben, who is quiet, has a card")
	}
	id := regexp.MustCompile(`a\d\d-[0-9A-Z]{8}`).FindString(s.slash(ben, "mine"))
	if id == "" {
		t.Fatal("nothing waits for Ben")
	}
	s.slash(ben, "mine "+id)
	s.until("Ben's card", func() bool { return s.has(ben, "access.comment") })
	s.shows(ana, "<@U0BEN> is looking at it")
	s.press(ben, "access.comment")
	s.until("the form", func() bool { return len(s.slack.Views(ben)) > 0 })
	comment := map[string]map[string]any{"reason": field("reason", "Until Friday is enough")}
	if res, err := s.slack.SubmitView(s.ctx, ben, s.slack.Views(ben)[0].ID, comment); err != nil || res.Error != "" {
		t.Fatalf("%v %+v", err, res)
	}
	s.shows(oli, "<@U0BEN> approved: “Until Friday is enough”")
	s.shows(oli, "has to accept by")
}

func TestDriftIsFoundByTimeAloneAndAfterABreak(t *testing.T) {
	atMoments(t, driftByTime)
}

func driftByTime(t *testing.T) {
	s := prepare(t, options{})
	stop := s.bot(t)
	s.watching()
	s.act(integratorsim.Action{Do: "change_role", Email: "ben@acme.example", Role: "administrator"})
	s.forward(7 * time.Hour)
	s.found(dee, "The access of ben@acme.example to Acme Production was changed")
	stop()
	s.until("the bot to be gone", func() bool { return s.slack.Connections() == 0 })
	s.act(integratorsim.Action{Do: "add_user", Email: "eve@contractor.example", Name: "Eve", Role: "manage",
		Status: "accepted"})
	s.forward(7 * 24 * time.Hour)
	s.bot(t)
	s.found(dee, "eve@contractor.example has access to Acme Production")
}

// listedAs is the line of an address below the heading of its role, "" where it has another.
func listedAs(text, role, email string) string {
	_, below, _ := strings.Cut(text, ", "+role+"*\n")
	group, _, _ := strings.Cut(below, "\n*")
	_, row, _ := strings.Cut(group, "• "+email)
	line, _, _ := strings.Cut(row, "\n")
	return line
}

func TestLookingWhatAPersonHasFindsDriftToo(t *testing.T) {
	t.Parallel()
	s := start(t, options{edit: func(yaml string) string { return quick(yaml) + "    access: {drift_every: 30d}\n" }})
	s.watching()
	s.act(integratorsim.Action{Do: "change_role", Email: "ben@acme.example", Role: "manage"})
	s.slash(dee, "who <@"+ben+">")
	s.found(dee, "The access of ben@acme.example to Acme Production was changed")
}

// TestLeavingAChangedAccessIsADecision: what somebody made of a time-box, and an administrator leaves, is no drift.
func TestLeavingAChangedAccessIsADecision(t *testing.T) {
	t.Parallel()
	// so that no finding asks first
	s := start(t, options{edit: func(yaml string) string { return quick(yaml) + "    access: {drift_every: 30d}\n" }})
	s.watching()
	s.changeForADay()
	s.act(integratorsim.Action{Do: "change_role", Email: "ben@acme.example", Role: "administrator"})
	s.forward(25 * time.Hour)
	s.insistPress(ana, "access.adopt") // Dee asked, so she does not; an administrator takes two
	s.insistPress(cat, "access.adopt")
	s.shows(ben, "stays as somebody changed it")
	got := s.slash(dee, "who acme")
	if !strings.Contains(listedAs(got, "administrator", "ben@acme.example"), "by `a") {
		t.Errorf("who names no decision: %q", got)
	}
}
