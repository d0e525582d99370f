package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// soon makes a whole review take seconds: its reviewers are reminded a second after they were
// asked, on any day at any hour.
func soon(t *testing.T) func(string) string {
	return with(t, "timezone: Europe/London}",
		`timezone: Europe/London, hours: "", days: "", window: 10m, remind_before: [597s]}`)
}

// Whom the small review removes and changes; everybody else is kept.
const (
	removedEmail = "noor@acme.example"
	removedToken = "Old warehouse export" // revoked already: the list shows it when it is read again
	changedEmail = "mia@acme.example"
)

// smallReview decides on a row by what its block says.
func smallReview(text string) (decision, role, reason string) {
	switch {
	case strings.Contains(text, removedEmail):
		return "remove", "", "Has left"
	case strings.Contains(text, removedToken):
		return "remove", "", "Nothing uses it"
	case strings.Contains(text, changedEmail):
		return "change", "monitor", "Only reads since June"
	}
	return keepWithReason(text)
}

// waitFor waits a moment for what may never come.
func (s *stage) waitFor(cond func() bool) {
	ctx, cancel := context.WithTimeout(s.ctx, lookAgain)
	defer cancel()
	_ = s.slack.Wait(ctx, func(*slacksim.Snapshot) bool { return cond() })
}

// insistStart asks for the review until both reviewers have a card.
func (s *stage) insistStart() {
	s.t.Helper()
	s.insist("the review", func() bool { return s.has(dee, "review.open") && s.has(ana, "review.open") }, func() {
		_, _ = s.slack.SlashCommand(s.ctx, dee, opsRoom, "/io", "review acme start")
	})
}

// insistReview decides on every row of somebody's part, page by page, until their card says that all are decided.
func (s *stage) insistReview(who string, decide func(text string) (decision, role, reason string)) {
	s.t.Helper()
	s.insist(who+"'s review", func() bool { return strings.Contains(s.all(who), "it is not signed off yet") }, func() {
		s.reviewOnce(who, decide)
	})
}

// reviewOnce opens the form if none is open, and fills in one page and turns or submits it, whatever becomes of it.
func (s *stage) reviewOnce(who string, decide func(text string) (decision, role, reason string)) {
	views := s.slack.Views(who)
	if len(views) == 0 {
		if m, block, ok := s.button(who, "review.open"); ok {
			_, _ = s.slack.Click(s.ctx, who, m.Channel, m.TS, block, "review.open")
		}
		s.waitFor(func() bool { return len(s.slack.Views(who)) > 0 })
		if views = s.slack.Views(who); len(views) == 0 {
			return
		}
	}
	v := views[len(views)-1]
	fields := pageFields(s.t, v, decide)
	if page, of, ok := pageOf(v); ok && page < of {
		if s.slack.Fill(who, v.ID, fields) != nil {
			return // it was closed meanwhile
		}
		_, _ = s.slack.ViewAction(s.ctx, who, v.ID, s.viewBlock(v), "review.next")
		s.waitFor(func() bool { now := s.slack.Views(who); return len(now) == 0 || now[len(now)-1].Hash != v.Hash })
		return
	}
	_, _ = s.slack.SubmitView(s.ctx, who, v.ID, fields)
}

// pageOf reads a page's number and how many there are from its title; a single page has none.
func pageOf(v slacksim.View) (page, of int, ok bool) {
	if v.Title == "Review" {
		return 1, 1, true
	}
	_, err := fmt.Sscanf(v.Title, "Review, page %d of %d", &page, &of)
	return page, of, err == nil
}

// pageFields decides on each row of a page.
func pageFields(t testing.TB, v slacksim.View, decide func(text string) (decision, role,
	reason string)) map[string]map[string]any {
	fields := map[string]map[string]any{}
	for _, r := range pageRows(t, v) {
		decision, role, reason := decide(r.text)
		fields["row:"+r.n] = field("row:"+r.n, decision)
		if role != "" {
			fields["role:"+r.n] = field("role:"+r.n, role)
		}
		if reason != "" {
			fields["reason:"+r.n] = field("reason:"+r.n, reason)
		}
	}
	return fields
}

// review takes one small review through all its stages, whatever happens in between.
func (s *stage) review() {
	s.t.Helper()
	s.insistStart()
	for _, who := range []string{dee, ana} {
		s.insistReview(who, smallReview)
	}
	// Who was asked late, because a process died, is not reminded a moment later: a second is all that is waited for.
	s.waitFor(func() bool { return s.inThread(dee, "in your review") && s.inThread(ana, "in your review") })
	s.insistPress(dee, "review.sign")
	s.insistPress(ana, "review.sign")
	id := reviewID.FindString(s.everything())
	s.until("the end of the review", func() bool {
		return s.stageOf(id) == "completed" && !slices.ContainsFunc(s.slack.AllMessages(),
			func(m slacksim.Message) bool { return m.EphemeralTo == "" && len(buttons(m)) > 0 })
	})
}

// reviewID is a campaign's ID wherever it is told.
var reviewID = regexp.MustCompile(`\br\d\d-acme-[0-9a-z-]+`)

// reviewed compares what is recorded, written and exported with what one small review may leave. It
// answers the exported files without times and IDs, for a comparison with another run.
func (s *stage) reviewed(all []recorded) string {
	s.t.Helper()
	s.onceEach()
	told, reminders := 0, count(all, "packet.reminded")
	for _, who := range []string{dee, ana} {
		told += strings.Count(s.replies(who), "in your review")
	}
	if told > reminders || reminders > 2 {
		s.t.Errorf("%d reminders are recorded and %d were seen, want at most one for each", reminders, told)
	}
	for kind, want := range map[string]int{"campaign.started": 1, "campaign.planned": 1, "campaign.closing": 1,
		"campaign.closed": 1, "campaign.completed": 1,
		"packet.opened": 2, "packet.signed": 2, "packet.closed": 2, "packet.completed": 2} {
		if n := count(all, kind); n != want {
			s.t.Errorf("%s is recorded %d times, want %d", kind, n, want)
		}
	}
	for route, want := range map[string]int{"PUT /v1/ashares/{id}": 1, "PUT /v1/ashares/{id}/disable": 1,
		"DELETE /v1/ashares/{id}": 1, "POST /v1/invite": 0} {
		if n := s.account().Effects(route); n != want {
			s.t.Errorf("%s took effect %d times, want %d", route, n, want)
		}
	}
	if _, there := s.user(removedEmail); there || s.roleOf(changedEmail) != "monitor" {
		s.t.Errorf("%s is there: %t; %s is %s", removedEmail, there, changedEmail, s.roleOf(changedEmail))
	}
	s.eachRowOnce(all)
	dir := filepath.Join(s.t.TempDir(), "evidence")
	s.exported(campaignOf(s.t, all), dir)
	s.decidedAsAsked(readCSV(s.t, filepath.Join(dir, "decisions.csv")))
	return s.bundle(dir)
}

// decidedAsAsked fails for a decision that is not what the reviewers chose.
func (s *stage) decidedAsAsked(decisions [][]string) {
	s.t.Helper()
	for _, d := range decisions[1:] {
		environment, email, role, reason, who := d[0], d[1], d[4], d[5], d[6]
		decision, wantRole, wantReason := smallReview(email)
		if d[2] != decision || role != wantRole || reason != wantReason ||
			!slices.ContainsFunc([]string{"Dee", "Ana", dee, ana}, func(name string) bool {
				return strings.Contains(who, name)
			}) {
			s.t.Errorf("%s %s is recorded as %q, want %s %s %q", environment, email, d, decision, wantRole, wantReason)
		}
	}
}

// replies is what a person's threads hold.
func (s *stage) replies(who string) string {
	var b strings.Builder
	for _, m := range s.slack.Messages(s.slack.DM(who)) {
		if m.ThreadTS != "" && !m.Deleted {
			b.WriteString(m.Text + "\n")
		}
	}
	return b.String()
}

// campaignOf is the ID of the only campaign of a record.
func campaignOf(t testing.TB, all []recorded) string {
	t.Helper()
	for _, r := range all {
		if r.Event.Type == "campaign.started" {
			return r.ID
		}
	}
	t.Fatal("no campaign is recorded")
	return ""
}

// eachRowOnce fails for a row that stands in no packet or in two.
func (s *stage) eachRowOnce(all []recorded) {
	s.t.Helper()
	planned, seen := 0, map[string]int{}
	for _, r := range all {
		var body struct {
			Rows json.RawMessage `json:"rows"`
		}
		var rows []struct{ Environment, Kind, Email, ID string }
		switch err := json.Unmarshal(r.Event.Body, &body); {
		case r.Event.Type == "campaign.planned" && err == nil:
			planned, _ = strconv.Atoi(string(body.Rows))
		case r.Event.Type == "packet.opened" && err == nil:
			if err := json.Unmarshal(body.Rows, &rows); err != nil {
				s.t.Errorf("the rows of %s cannot be read: %v", r.ID, err)
			}
		}
		for _, row := range rows {
			if row.Kind == "token" {
				row.Email = row.ID
			}
			seen[row.Environment+" "+row.Email]++
		}
	}
	for row, n := range seen {
		if n != 1 {
			s.t.Errorf("%s stands in the packets %d times", row, n)
		}
	}
	if planned == 0 || planned != len(seen) {
		s.t.Errorf("%d rows were planned, %d different ones stand in the packets", planned, len(seen))
	}
}

// bundle reads exported files, fails where their own checks or counts do not hold, and answers what
// does not depend on times and IDs.
func (s *stage) bundle(dir string) string {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "review.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var file struct {
		Closed bool           `json:"closed"`
		Stage  string         `json:"stage"`
		Counts map[string]int `json:"counts"`
		Checks []struct {
			OK   bool   `json:"ok"`
			Text string `json:"text"`
		} `json:"checks"`
		Chains []struct{ Kind, ID string } `json:"chains"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		s.t.Fatalf("review.json: %v", err)
	}
	if !file.Closed || len(file.Checks) == 0 {
		s.t.Errorf("review.json: closed %t, %d checks", file.Closed, len(file.Checks))
	}
	for _, c := range file.Checks {
		if !c.OK {
			s.t.Errorf("a check of the files does not hold: %s", c.Text)
		}
	}
	tokens := readCSV(s.t, filepath.Join(dir, "tokens.csv"))
	if len(tokens) < 3 || slices.ContainsFunc(tokens, func(line []string) bool {
		return line[8] == "remove" && line[12] != "verified" || line[2] == removedToken && line[8] == ""
	}) {
		s.t.Errorf("tokens.csv: %q", tokens)
	}
	population, decisions, remediation := readCSV(s.t, filepath.Join(dir, "population.csv")),
		readCSV(s.t, filepath.Join(dir, "decisions.csv")), readCSV(s.t, filepath.Join(dir, "remediation.csv"))
	tally := map[string]int{}
	for _, d := range decisions[1:] {
		tally[d[2]]++
	}
	c := file.Counts
	if c["rows"] != len(population)-1 || c["rows"] != len(decisions)-1 || c["keep"] != tally["keep"] ||
		c["change"] != tally["change"] || c["remove"] != tally["remove"] ||
		c["no_answer"] != tally["no_answer"] || c["rows"] != c["keep"]+c["change"]+c["remove"]+c["no_answer"] ||
		c["to_fix"] != len(remediation)-1 {
		s.t.Errorf("the counts %v do not agree with %d rows, decisions %v, %d remedies", c, len(population)-1, tally,
			len(remediation)-1)
	}
	return alike(fmt.Sprint(file.Stage, c, len(file.Chains), " chains"), map[string][][]string{"population": population,
		"decisions": decisions, "remediation": remediation, "tokens": tokens})
}

// alike are tables without what differs from run to run.
func alike(head string, tables map[string][][]string) string {
	var out strings.Builder
	out.WriteString(head + "\n")
	for name, table := range tables {
		out.WriteString(without(name, table, "last_sign_in", "last_sign_in_any", "ends", "decided_at", "access_id",
			"done_at"))
	}
	lines := strings.Split(objectID.ReplaceAllString(out.String(), "ID"), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// objectID is an ID of integrator.io's.
var objectID = regexp.MustCompile(`\b[0-9a-f]{24}\b`)

// without writes a table's lines without some of its columns.
func without(name string, table [][]string, columns ...string) string {
	var b strings.Builder
	for _, line := range table {
		b.WriteString(name)
		for i, cell := range line {
			if !slices.Contains(columns, table[0][i]) {
				b.WriteString(" | " + cell)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestKilledAtEveryCommitAReviewGoesOn kills the real program with SIGKILL before and after each
// commit of a whole review, from the command to the verified removal, and around the ends of
// deliveries.
func TestKilledAtEveryCommitAReviewGoesOn(t *testing.T) {
	t.Parallel()
	var want string // what is exported when nobody kills, which is played first
	k := killed{edit: soon(t), play: func(r *killRun) { r.review() }, ends: 32, judge: func(r *killRun) {
		r.stopped()
		got := r.reviewed(r.export(r.path, r.url))
		if !r.calm {
			if got != want {
				r.t.Errorf("exported:\n%s\nand when nobody kills:\n%s", got, want)
			}
			return
		}
		want = got
		for _, who := range []string{dee, ana} {
			if !r.inThread(who, "in your review") {
				r.t.Errorf("%s was not reminded", who)
			}
		}
	}}
	k.everywhere(t)
}

// TestAReviewInBadWeather holds a review while both services misbehave.
func TestAReviewInBadWeather(t *testing.T) {
	t.Parallel()
	calm := prepare(t, options{edit: soon(t)})
	calm.bot(t)
	calm.review()
	want := calm.reviewed(calm.record())
	for seed := range seeds(6, 2) {
		t.Run(fmt.Sprintf("seed-%d", seed+1), func(t *testing.T) {
			t.Parallel()
			s := prepare(t, options{seed: uint64(seed + 1), faults: true, edit: soon(t)})
			s.bot(t)
			s.review()
			if got := s.reviewed(s.record()); got != want {
				t.Errorf("exported:\n%s\nand in fair weather:\n%s", got, want)
			}
		})
	}
}
