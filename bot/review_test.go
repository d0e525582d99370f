package bot

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// quarterly is the policy of accounts that are reviewed; the calendar opens on 5 October 2026 and on 4 January 2027.
var quarterly = workflows.ReviewPolicy{Every: workflows.EveryQuarter, Starts: workflows.Starts{Nth: 1,
	Weekday: time.Monday}, Zone: "UTC", Reviewers: []string{"UBEN", "UCAT"},
	From: 9 * time.Hour, To: 17 * time.Hour, Days: [7]bool{false, true, true, true, true, true, false}}

var reviewNow = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// reviewRig is a workspace with one account that is reviewed.
func reviewRig(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	change = append([]func(*Options){func(o *Options) {
		o.Now, o.RealNow = func() time.Time { return reviewNow }, time.Now
	}}, change...)
	r := running(t, slacksim.Options{}, change...)
	a := acme
	a.Policy.Review = quarterly
	r.desk.accounts = []workflows.AccountInfo{a}
	r.desk.readers = map[string]bool{"UANA": true}
	return r
}

// named is the ID that the desk's stub gives the review of a period.
func (r *rig) named(period string) string {
	id, err := r.desk.NamedWorkflowID("campaign", "acme", period)
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

func TestWordsOfReviewComeInAnyOrder(t *testing.T) {
	for in, want := range map[string][2]string{
		"":                         {"status", ""},
		"start":                    {"start", ""},
		"acme start":               {"start", "acme"},
		"START acme":               {"start", "acme"},
		"Acme export Production":   {"export", "Acme Production"},
		"acme":                     {"status", "acme"},
		"status acme.":             {"status", "acme."},
		"`r04-acme-2026q4` export": {"export", "r04-acme-2026q4"},
		"export start":             {"export", "start"}, // an account may be called so
	} {
		if do, about := reviewWords(in); do != want[0] || about != want[1] {
			t.Errorf("%q: %q about %q", in, do, about)
		}
	}
}

func TestReviewIsOpenedForTheRunningPeriodAndItsIDIsTold(t *testing.T) {
	r := reviewRig(t)
	r.desk.do = func(context.Context, workflows.Command) (workflows.Reply, error) {
		return workflows.Reply{Text: "The review has begun."}, nil
	}
	id := r.named("2026q4")
	if text := r.slash("UDEE", "review start"); !strings.Contains(text, "The review has begun.") ||
		!strings.Contains(text, "`"+id+"`") {
		t.Errorf("%s", text)
	}
	c := r.desk.seen()
	if len(c) != 1 || c[0].Name != review.StartCampaign || c[0].Workflow != id || c[0].Account != "acme" ||
		!c[0].Submitted || c[0].Input["period"] != "2026q4" ||
		c[0].Round != workflows.NoRound || c[0].Actor.ID != "UDEE" || c[0].Actor.Kind != workflows.ByPerson ||
		!c[0].At.Equal(reviewNow) || c[0].ID == "" {
		t.Errorf("%+v", c)
	}
	r.slash("UDEE", "review start")
	if c := r.desk.seen(); c[0].ID == c[1].ID {
		t.Error("two commands share an ID")
	}
}

func TestSecondReviewOfAPeriodIsRefusedWithTheIDOfTheFirst(t *testing.T) {
	r := reviewRig(t)
	id := r.named("2026q4")
	// Somebody is faster between the look and the commit.
	r.desk.do = func(context.Context, workflows.Command) (workflows.Reply, error) {
		r.desk.open = []workflows.Overview{{ID: id, Account: "acme", Stage: "open"}}
		return workflows.Reply{}, fmt.Errorf("open %s: the ID is taken: %w", id, workflows.ErrNoWorkflow)
	}
	for range 2 {
		if text := r.slash("UANA", "review acme start"); !strings.Contains(text,
			"The review of Acme Production for 2026q4 is open already: `"+id+"`. Nothing was recorded.") {
			t.Errorf("%s", text)
		}
	}
	if n := len(r.desk.seen()); n != 1 {
		t.Errorf("%d commands", n)
	}
	r.desk.open[0].Closed, r.desk.open[0].Stage = false, "open"
	if text := r.slash("UDEE", "review acme start"); strings.Contains(text, id) || !strings.Contains(text,
		"You are none of them.") {
		t.Errorf("a stranger: %s", text)
	}
	r.desk.open[0].Closed, r.desk.open[0].Stage = true, review.CampaignCompleted
	if text := r.slash("UANA", "reviews start"); !strings.Contains(text, "was held already: `"+id+"`") {
		t.Errorf("%s", text)
	}
}

func TestWhoMayOpenAReviewIsTheMachinesToSay(t *testing.T) {
	r := reviewRig(t)
	r.desk.do = func(context.Context, workflows.Command) (workflows.Reply, error) {
		return workflows.Reply{}, workflows.Refuse("not_permitted",
			"Only administrators open reviews. Nothing was recorded. Ask <@UDEE>.")
	}
	if text := r.slash("UANA", "review start"); !strings.Contains(text, "Only administrators open reviews.") {
		t.Errorf("%s", text)
	}
}

// heldReview is a running campaign with two packets.
func heldReview(r *rig) string {
	id := r.named("2026q4")
	due := reviewNow.Add(72 * time.Hour)
	rows := make([]population.Row, 4)
	for i := range rows {
		rows[i] = population.Row{N: i + 1, Kind: population.KindUser, Email: "u" + strconv.Itoa(i) + "@acme.example",
			Role: "monitor"}
	}
	keep := population.Verdict{Decision: population.Keep, By: "UBEN", At: reviewNow}
	packet := func(pid, who string, at time.Time, verdicts ...population.Verdict) review.PacketState {
		return review.PacketState{Assigned: review.Assigned{ID: pid, Campaign: id, AccountID: "acme", Reviewer: who,
			Rows: rows, Due: at}, Phase: review.PacketReviewing,
			Reviewers: []string{who}, Verdicts: append(verdicts, make([]population.Verdict, 4-len(verdicts))...)}
	}
	ben, cat := packet("p04-AAAAAAAA", "UBEN", due, keep, population.Verdict{Decision: population.Remove, By: "UBEN",
		At: reviewNow}), packet("p04-BBBBBBBB", "UCAT", reviewNow.Add(-time.Hour), keep)
	cat.Reviewers = []string{"UCAT", "UDEE"}
	cat.Fixes = []population.Fix{{Row: 1, State: population.FixVerified}, {Row: 2, State: population.FixPending,
		Due: reviewNow.Add(-time.Hour)}, {Row: 3, State: population.FixFailed, Due: reviewNow.Add(time.Hour)}}
	c := review.CampaignState{Started: population.Started{ID: id, AccountID: "acme", AccountName: "Acme Production",
		Period: "2026q4", Due: due, Closes: due.Add(168 * time.Hour)},
		Phase: review.CampaignOpen, Rows: 8, Parts: []review.Part{{ID: ben.ID, Reviewer: "UBEN"},
			{ID: cat.ID, Reviewer: "UCAT"}},
		Readings: []review.Reading{{Source: review.SourceAPI},
			{Environment: "Sandbox", Excluded: "no token is configured for it"}},
		Exceptions: []string{
			"<@UBEN> decides on ben@acme.example, which concerns them: no other reviewer or holder can decide it."},
		Notes: []string{"<@UANA> is away."}}
	r.desk.states = map[string]workflows.State{id: c, ben.ID: ben, cat.ID: cat}
	r.desk.open = []workflows.Overview{{ID: id, Account: "acme", Title: c.Title(), Stage: c.StageName()},
		{ID: ben.ID, Account: "acme", Title: ben.Title(), Stage: ben.StageName()}}
	r.desk.accounts[0].State.Reviews = []workflows.ReviewSummary{
		{ID: r.named("2026q3"), Period: "2026q3", Stage: review.CampaignCompleted, Rows: 20, Keep: 15, Change: 2,
			Remove: 2, NoAnswer: 1, Open: 1, Closed: reviewNow.AddDate(0, -2, 0)},
		{ID: id, Period: "2026q4", Stage: review.CampaignOpen, Rows: 8}}
	return id
}

func TestStatusOfARunningReview(t *testing.T) {
	r := reviewRig(t)
	id := heldReview(r)
	want := []string{"(`" + id + "`): … due ", "in 3 days.", "5 of 8 rows left. Decided: 2 keep, 0 change, 1 remove.",
		"… <@UBEN>: 2 of 4 rows left", "! <@UCAT> with <@UDEE>: 3 of 4 rows left, late",
		"Left out: Sandbox (no token is configured for it)", "! <@UBEN> decides on ben@acme.example",
		"\n<@UANA> is away.",
		"Carried out: 1 of 3 decisions. ✗ 1 failed. ! 1 late.", "*Before*", "2026q3 (`" + r.named("2026q3") +
			"`): completed, 20 rows: 15 keep, 2 change, 2 remove, 1 without an answer; 1 of what was decided not done; closed "}
	for _, words := range []string{"review", "review acme status", "reviews Acme Production"} {
		text := r.slash("UANA", words)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("/io %s: %q is missing in\n%s", words, w, text)
			}
		}
	}
	// By the ID of the campaign, and by that of one of its packets.
	for _, words := range []string{"review " + id, "review " + strings.ToUpper(id[:1]) + id[1:],
		"review «" + strings.ToUpper(id) + "»", "review p04-AAAAAAAA", "review P04-aaaaaaaa"} {
		if text := r.slash("UANA", words); !strings.Contains(text, "5 of 8 rows left.") {
			t.Errorf("/io %s: %s", words, text)
		}
	}
	// Reviewers may look, whoever else may not.
	if text := r.slash("UCAT", "review"); !strings.Contains(text, "5 of 8 rows left.") {
		t.Errorf("a reviewer: %s", text)
	}
	for _, words := range []string{"review", "review " + id, "review export", "review " + id + " export"} {
		if text := r.slash("UDEE", words); strings.Contains(text, "rows left") || strings.Contains(text,
			"put together") {
			t.Errorf("a stranger, /io %s: %s", words, text)
		}
	}
}

func TestStatusWhileNoneRunsShowsWhatWouldBeAsked(t *testing.T) {
	census := func(_ context.Context, _, env string) (workflows.Census, error) {
		if env == "Sandbox" {
			return workflows.Census{}, fmt.Errorf("read: %w", workflows.ErrAway)
		}
		return workflows.Census{At: reviewNow, Users: []workflows.User{{Email: "a@acme.example", Role: "monitor",
			Status: workflows.UserAccepted}, {Email: "b@acme.example", Role: "manage",
			Status: workflows.UserAccepted}}}, nil
	}
	tokens := func(_ context.Context, _, env string) ([]workflows.APIToken, error) {
		if env == "Training" {
			return nil, workflows.Refuse(workflows.RefusedForbidden, "No.")
		}
		return []workflows.APIToken{{ID: "t1", Name: "Pipeline", Full: true, Kind: workflows.TokenOfAccount}}, nil
	}
	r := reviewRig(t, func(o *Options) { o.Census, o.Tokens = census, tokens })
	r.desk.accounts[0].Policy.Access.Environments = []workflows.Environment{{Name: "Sandbox", Token: true},
		{Name: "Training",
			Token: true}}
	text := r.slash("UBEN", "review")
	for _, w := range []string{"None is running. The next one, 2027q1, opens ", "in 42 days",
		"That of 2026q4 was not held; an administrator can open it now with `/io review acme start`.",
		"2 users and 1 API token of Production and 2 users of Training", "\n<@UCAT>: 3 rows",
		"\n<@UBEN>: 4 rows, of them 1 API token", "! *Training*: its API tokens cannot be read by Keyholder's token",
		"Sandbox*: integrator.io's list of users cannot be read now"} {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in\n%s", w, text)
		}
	}
}

func TestPeriodThatWasReviewedIsNotOfferedAgain(t *testing.T) {
	r := reviewRig(t)
	r.desk.accounts[0].State.Reviews = []workflows.ReviewSummary{{ID: r.named("2026q4"), Period: "2026q4",
		Stage: review.CampaignCompleted, Rows: 3, Keep: 3}}
	if text := r.slash("UBEN", "review"); strings.Contains(text, "not held") || !strings.Contains(text,
		"The next one, 2027q1") || !strings.Contains(text, "3 rows: 3 keep") {
		t.Errorf("%s", text)
	}
}

func TestPreviewDoesNotWaitForASlowIntegrator(t *testing.T) {
	t.Parallel()
	r := reviewRig(t, func(o *Options) {
		o.Census = func(ctx context.Context, _, _ string) (workflows.Census, error) {
			<-ctx.Done()
			return workflows.Census{}, ctx.Err()
		}
	})
	text := r.slash("UBEN", "review")
	if !strings.Contains(text, "integrator.io did not answer in time") || !strings.Contains(text,
		"The next one, 2027q1, opens ") {
		t.Errorf("%s", text)
	}
}

func TestFortyPacketsAreReadInTime(t *testing.T) {
	var now, most atomic.Int32
	r := reviewRig(t)
	id := heldReview(r)
	c := r.desk.states[id].(review.CampaignState)
	c.Parts = nil
	for i := range 40 {
		pid := fmt.Sprintf("p04-%08d", i)
		c.Parts = append(c.Parts, review.Part{ID: pid, Reviewer: fmt.Sprintf("U%03d", i)})
		r.desk.states[pid] = review.PacketState{Assigned: review.Assigned{ID: pid, Reviewer: fmt.Sprintf("U%03d", i),
			Rows: []population.Row{{N: 1}}}, Phase: review.PacketReviewing, Verdicts: make([]population.Verdict, 1)}
	}
	r.desk.states[id] = c
	v := &visit{b: r.bot, at: time.Now()}
	v.b.o.Desk = slowDesk{r.desk, &now, &most}
	start := time.Now()
	packets, err := v.packets(r.ctx(), c)
	if err != nil || len(packets) != 40 || time.Since(start) > DeskBudget {
		t.Errorf("%d packets in %v, %v", len(packets), time.Since(start), err)
	}
	if n := most.Load(); n < 2 || n > packetsAtOnce {
		t.Errorf("%d at once", n)
	}
}

// slowDesk takes 100 ms for each state, and counts how many are asked for at once.
type slowDesk struct {
	*deskStub
	now, most *atomic.Int32
}

func (d slowDesk) State(ctx context.Context, id string) (workflows.State, error) {
	n := d.now.Add(1)
	defer d.now.Add(-1)
	for m := d.most.Load(); n > m && !d.most.CompareAndSwap(m, n); m = d.most.Load() {
	}
	if !slackapi.Pause(ctx, 100*time.Millisecond) {
		return nil, ctx.Err()
	}
	return d.deskStub.State(ctx, id)
}

func TestReviewsOfSeveralAccountsAreOneParagraphEach(t *testing.T) {
	r := reviewRig(t)
	heldReview(r)
	beta := workflows.AccountInfo{Policy: workflows.Policy{ID: "beta", Name: "Beta & Sons", Review: quarterly}}
	beta.Policy.Review.Reviewers = []string{"UANA"}
	r.desk.accounts = append(r.desk.accounts, beta)
	text := r.slash("UCAT", "review")
	if !strings.Contains(text, "Acme Production") || strings.Contains(text, "Beta") || !strings.Contains(text,
		"1 account not shown") {
		t.Errorf("%s", text)
	}
	if text := r.slash("UANA", "review status"); !strings.Contains(text, "Acme Production") || !strings.Contains(text,
		"Beta &amp; Sons") || !strings.Contains(text, "The next one, 2027q1") {
		t.Errorf("%s", text)
	}
	if text := r.slash("UDEE", "review"); !strings.Contains(text, "You may not read the reviews of any account here") {
		t.Errorf("%s", text)
	}
	if text := r.slash("UANA", "review start"); !strings.Contains(text, "Which account?") || len(r.desk.seen()) != 0 {
		t.Errorf("%s", text)
	}
}

// evidence makes files; what it is asked for is kept.
func evidence(asked *atomic.Value, zip []byte, err error) func(*Options) {
	return func(o *Options) {
		o.Evidence = func(_ context.Context, id, _ string) (Archive, error) {
			asked.Store(id)
			return Archive{Name: id + ".zip", Zip: zip, Manifest: strings.Repeat("ab", 32)}, err
		}
	}
}

func TestFilesOfAReviewComeAsADirectMessage(t *testing.T) {
	var asked atomic.Value
	r := reviewRig(t, evidence(&asked, []byte("PK zip"), nil))
	id := heldReview(r)
	for _, words := range []string{"review export", "review acme export", "review export " + id,
		"review p04-AAAAAAAA export"} {
		if text := r.slash("UANA", words); !strings.Contains(text, "They come as a direct message") ||
			!strings.Contains(text, "`"+id+"`") {
			t.Errorf("/io %s: %s", words, text)
		}
	}
	r.until(func(n *slacksim.Snapshot) bool {
		files := 0
		for _, m := range n.Messages(n.DM("UANA")) {
			for _, f := range m.Files {
				if f.Name == id+".zip" && f.Length == len("PK zip") {
					files++
				}
			}
		}
		return files == 4
	})
	if asked.Load() != id {
		t.Errorf("asked for %v", asked.Load())
	}
}

func TestFilesThatCannotBeSentAreSaidWithAWayOut(t *testing.T) {
	for _, c := range []struct {
		name  string
		zip   []byte
		err   error
		fault string
		want  string
	}{
		{"the scope is missing", []byte("PK"), nil, "missing_scope", "files:write"},
		{"Slack's storage is full", []byte("PK"), nil, "storage_limit_reached", "could not be made or sent"},
		{"the record is away", nil, fmt.Errorf("load: %w", workflows.ErrAway), "", "could not be made or sent"},
		{"they are empty", nil, nil, "", "could not be made or sent"},
		{"not allowed", nil, workflows.Refuse("erased", "That review was erased. Its digest stays."), "",
			"That review was erased."},
		{"anything else", nil, errors.New("secret"), "", "could not be made or sent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Value
			r := reviewRig(t, evidence(&asked, c.zip, c.err))
			id := heldReview(r)
			if c.fault != "" {
				r.sim.InjectFault(slacksim.Rule{Method: "files.getUploadURLExternal", Kind: slacksim.FaultAPIError,
					Reason: c.fault})
			}
			r.slash("UANA", "review export")
			text := r.told("UANA", c.want)
			if c.want != "That review was erased." && !strings.Contains(text, "keyholder review export "+id) {
				t.Errorf("%s", text)
			}
		})
	}
}

func TestNoReviewNoFiles(t *testing.T) {
	var asked atomic.Value
	r := reviewRig(t, evidence(&asked, []byte("PK"), nil))
	if text := r.slash("UANA", "review export"); !strings.Contains(text, "nothing to export") || asked.Load() != nil {
		t.Errorf("%s", text)
	}
	if text := r.slash("UANA", "review r04-acme-2020q1 export"); !strings.Contains(text, "nothing under that ID") {
		t.Errorf("%s", text)
	}
}
