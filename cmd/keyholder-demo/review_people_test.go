package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// inForm presses a button inside somebody's form and waits for what follows it.
func (s *stage) inForm(who, action string, fields map[string]map[string]any) slacksim.View {
	s.t.Helper()
	v := s.slack.Views(who)[0]
	if err := s.slack.Fill(who, v.ID, fields); err != nil {
		s.t.Fatalf("%s fills in the form: %v", who, err)
	}
	if _, err := s.slack.ViewAction(s.ctx, who, v.ID, s.viewBlock(v), action); err != nil {
		s.t.Fatalf("%s presses %s: %v", who, action, err)
	}
	s.until("the form that follows "+action, func() bool {
		views := s.slack.Views(who)
		return len(views) > 0 && views[0].Hash != v.Hash
	})
	return s.slack.Views(who)[0]
}

// shownIn reports whether one of the person's cards says something.
func (s *stage) shownIn(who, words string) {
	s.t.Helper()
	s.until(who+" to read "+words, func() bool { return strings.Contains(s.all(who), words) })
}

// signs waits until everything is decided, and signs.
func (s *stage) signs(who string) {
	s.t.Helper()
	s.shownIn(who, "it is not signed off yet")
	s.press(who, "review.sign")
	s.until(who+"'s signature", func() bool { return !s.has(who, "review.sign") })
}

func TestRowsAreKeptTogetherTakenBackAndGivenToSomebodyElse(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	id := s.startReview()
	s.openReview(dee)
	if v := s.inForm(dee, "review.keep_all", nil); !strings.Contains(string(v.Blocks), "Kept together") {
		t.Errorf("keeping together is answered with %s", v.Blocks)
	}
	if v := s.inForm(dee, "review.undo", nil); !strings.Contains(string(v.Blocks), "Taken back") {
		t.Errorf("taking back is answered with %s", v.Blocks)
	}
	v := s.inForm(dee, "review.next", nil) // the rows again
	for pageRows(t, v)[0].n != "1" {
		v = s.inForm(dee, "review.prev", nil)
	}
	s.inForm(dee, "review.keep_all", map[string]map[string]any{"row:1": field("row:1", "keep"),
		"reason:1": field("reason:1", "Jane has it until December")})
	if err := s.slack.CloseView(s.ctx, dee, s.slack.Views(dee)[0].ID); err != nil {
		t.Fatal(err)
	}
	s.press(dee, "review.reassign")
	s.until("the form to hand over", func() bool { return len(s.slack.Views(dee)) > 0 })
	form := s.slack.Views(dee)[0].ID
	if res, err := s.slack.SubmitView(s.ctx, dee, form, map[string]map[string]any{"person": field("person", gus),
		"note": field("note", "I am away")}); err != nil || res.Errors["person"] == "" {
		t.Fatalf("a guest was taken as reviewer: %v %+v", err, res)
	}
	if res, err := s.slack.SubmitView(s.ctx, dee, form, map[string]map[string]any{"person": field("person", oli),
		"note": field("note", "I am away")}); err != nil || len(res.Errors) > 0 {
		t.Fatalf("%v %+v", err, res)
	}
	s.shownIn(oli, "I am away")
	s.shownIn(dee, "Nothing is asked of you")
	rows := pageRows(t, s.openReview(oli))
	if got := string(s.slack.Views(oli)[0].State); !strings.Contains(got, "Jane has it until December") {
		t.Errorf("what Dee had decided is lost: %s", got)
	}
	if len(rows) == 0 {
		t.Fatal("Oli sees no rows")
	}
	if err := s.slack.CloseView(s.ctx, oli, s.slack.Views(oli)[0].ID); err != nil {
		t.Fatal(err)
	}
	s.decideAll(oli, keepWithReason)
	s.decideAll(ana, keepWithReason)
	s.signs(oli)
	s.signs(ana)
	s.until("the end", func() bool { return s.stageOf(id) == "completed" })
}

func TestWithoutATokenARemovalIsSwornToAndConfirmedByAnotherPerson(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{edit: with(t, "    token_env: ACME_IO_TOKEN\n", "",
		"{name: Sandbox, token_env: ACME_SANDBOX_TOKEN}", "{name: Sandbox}")})
	s.bot(t)
	id := campaignID(s.slash(dee, "review acme start"))
	s.press(dee, "review.import")
	s.until("the form for the file", func() bool { return len(s.slack.Views(dee)) > 0 })
	const list = "Name,Email,Role,Status,Enable user,Last sign in\nEve,eve@acme.example,Manage all integrations,Accepted,Yes,Never\nBen Novak,ben@acme.example,Monitor all integrations,Accepted,Yes,2026-11-01\n"
	if res, err := s.slack.SubmitView(s.ctx, dee, s.slack.Views(dee)[0].ID,
		map[string]map[string]any{"file": field("file", slacksim.Upload{Name: "users.csv",
			Data: []byte(list)})}); err != nil || res.Error != "" || len(res.Errors) > 0 {
		t.Fatalf("%v %+v", err, res)
	}
	s.insist("the count to be confirmed", func() bool { return s.stageOf(id) == "open" }, func() {
		if m, block, ok := s.button(ben, "review.count"); ok {
			_, _ = s.slack.Click(s.ctx, ben, m.Channel, m.TS, block, "review.count")
		}
	})
	s.until("both reviewers to be asked", func() bool { return s.has(dee, "review.open") && s.has(ana, "review.open") })
	for _, who := range []string{dee, ana} {
		s.decideAll(who, func(text string) (string, string, string) {
			if strings.Contains(text, "eve@acme.example") {
				return "remove", "", "Has left"
			}
			return keepWithReason(text)
		})
		s.signs(who)
	}
	s.until("the steps for the pages", func() bool { return s.has(cat, "access.attest") })
	s.insistPress(cat, "access.attest")
	s.until("a word that waits for another person", func() bool { return s.has(ben, "review.confirm") })
	if s.has(cat, "review.confirm") {
		t.Error("Cat is asked to confirm her own word")
	}
	s.insist("Ben to confirm it", func() bool { return s.stageOf(id) == "completed" }, func() {
		if m, block, ok := s.button(ben, "review.confirm"); ok {
			_, _ = s.slack.Click(s.ctx, ben, m.Channel, m.TS, block, "review.confirm")
		}
	})
	dir := filepath.Join(t.TempDir(), "evidence")
	s.exported(id, dir)
	if rows := readCSV(t, filepath.Join(dir, "remediation.csv")); len(rows) != 2 || rows[1][1] != "eve@acme.example" ||
		rows[1][3] != "attested" || rows[1][4] != "verified" {
		t.Errorf("remediation %v", rows)
	}
}

func TestTheNextReviewOpensByItselfAndIsAnnounced(t *testing.T) {
	atMoments(t, nextReviewOpens)
}

func nextReviewOpens(t *testing.T) {
	s := start(t, options{})
	policy, _ := serve.Policies(s.cfg).Policy(accountID)
	now, err := worktime.CalendarOf(policy.Review).At(s.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	// the running period began before the account was known, so it is left out
	next, err := worktime.CalendarOf(policy.Review).NextOpening(now.Ends)
	if err != nil {
		t.Fatal(err)
	}
	s.until("the calendar", func() bool { return strings.Contains(s.slash(dee, "review acme"), "The next one") })
	told := func() bool { return strings.Contains(s.all(dee), "opens") }
	// a message that waits while days pass is given up
	if !worktime.HoursOf(policy.Review).DayBefore(next.Opens).After(s.clock.Now()) {
		s.until("the notice that is due already", told)
	}
	s.forward(next.Opens.Add(-time.Hour).Sub(s.clock.Now()))
	s.until("the notice to the administrator", told)
	if s.has(dee, "review.open") {
		t.Error("it was opened an hour before its time")
	}
	s.forward(2 * time.Hour)
	s.until("the reviewers to be asked", func() bool { return s.has(dee, "review.open") && s.has(ana, "review.open") })
}

func TestTheMailSystemsListIsComparedWithTheHolders(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.startReview()
	s.insist("the form for the list", func() bool { return len(s.slack.Views(dee)) > 0 }, func() {
		s.press(dee, "review.delegates")
	})
	if res, err := s.slack.SubmitView(s.ctx, dee, s.slack.Views(dee)[0].ID, map[string]map[string]any{
		"file": field("file", slacksim.Upload{Name: "delegates.csv",
			Data: []byte("email\nana@acme.example\nzoe@acme.example\n")})}); err != nil || res.Error != "" ||
		len(res.Errors) > 0 {
		t.Fatalf("%v %+v", err, res)
	}
	s.shownIn(dee, "zoe@acme.example")
}
