package serve

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/review"
)

// everybody is a Slack in which whoever is asked for is an active member.
type everybody struct{ now func() time.Time }

func (e everybody) People(_ context.Context, ids []string) (map[string]workflows.Person, error) {
	out := map[string]workflows.Person{}
	for _, id := range ids {
		out[id] = workflows.Person{ID: id, At: e.now()}
	}
	return out, nil
}

func (everybody) Group(context.Context, string) ([]string, error) { return nil, nil }
func (everybody) ByEmail(context.Context, string) (string, error) { return "", nil }

func configured(t *testing.T) *config.Config {
	t.Helper()
	cfg, faults := config.Parse(config.Template(config.Answers{Admins: []string{"U0DEE"}}), "keyholder.yaml",
		func(name string) (string, bool) {
			token, ok := map[string]string{"SLACK_APP_TOKEN": "xapp-1-A0-1-abc",
				"SLACK_BOT_TOKEN": "xoxb-1-2-abc"}[name]
			return token, ok
		})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return cfg
}

func TestTheReviewSectionReachesTheMachines(t *testing.T) {
	cfg := configured(t)
	r := &cfg.Accounts[0].Review
	r.ReviewersByRole, r.ReviewersByIntegration = map[string][]string{"owner": {"U0FAY"}},
		map[string][]string{"Orders": {"U0EVE"}}
	r.Starts = "last friday"
	p, _ := Policies(cfg).Policy("acme")
	day := 24 * time.Hour
	want := workflows.ReviewPolicy{Every: "quarter", Starts: workflows.Starts{Nth: -1, Weekday: time.Friday},
		Zone: "UTC", Window: 14 * day, Grace: 7 * day,
		Reviewers: []string{"U0DEE", "U0ANA", "U0BEN", "U0CAT"}, ByRole: map[string][]string{"owner": {"U0FAY"}},
		ByIntegration: map[string][]string{"Orders": {"U0EVE"}},
		RemindEvery:   7 * day, RemindBefore: []time.Duration{3 * day, day, 0}, OverdueEvery: day, From: 9 * time.Hour,
		To:   17 * time.Hour,
		Days: [7]bool{false, true, true, true, true, true, false}, Escalate: []time.Duration{7 * day, 10 * day},
		InactiveAfter:           90 * day,
		InactivePrivilegedAfter: 30 * day, ExemptNew: 30 * day, NoAnswer: "keep", FixWithin: 5 * day,
		FixPrivilegedWithin: day, Late: lateness("kh", "acme")}
	if !reflect.DeepEqual(p.Review, want) {
		t.Errorf("got  %+v\nwant %+v", p.Review, want)
	}
	r.Hours, r.Days, r.Starts = "", "", "15"
	p, _ = Policies(cfg).Policy("acme")
	if p.Review.From != 0 || p.Review.To != day || p.Review.Days != [7]bool{
		true, true, true, true, true, true, true} || p.Review.Starts != (workflows.Starts{Day: 15}) {
		t.Errorf("any time: %+v", p.Review)
	}
}

// Two hundred accounts open their reviews within five minutes, and hardly two of them in the same second.
func TestReviewsOpenAtAMomentOfTheirOwn(t *testing.T) {
	seconds := map[time.Duration]int{}
	for i := range 200 {
		late := lateness(fmt.Sprintf("kh-%d", i), "acme")
		if late < 0 || late >= openWithin || late != lateness(fmt.Sprintf("kh-%d", i), "acme") {
			t.Fatalf("%s", late)
		}
		seconds[late/time.Second]++
	}
	for second, n := range seconds {
		if n > 6 {
			t.Errorf("%d open in second %d", n, second)
		}
	}
}

// Every account's ID that the configuration takes must name its reviews.
func TestTheLongestAccountNamesItsReviews(t *testing.T) {
	id := "this-id-is-forty-characters-long-abcdefg"
	cfg, faults := config.Parse(config.Template(config.Answers{AccountID: id}), "keyholder.yaml", nil)
	if len(config.FileFaults(faults)) > 0 || cfg.Accounts[0].ID != id || len(id) != 40 {
		t.Fatal(faults, cfg.Accounts[0].ID)
	}
	if named := workflows.NamedID(review.Campaign{}.Letter(), id, 100, "2026-11"); len(named) > 64 {
		t.Errorf("%s is no ID", named)
	} else if _, _, ok := workflows.ParseID(named); !ok {
		t.Errorf("%s is no ID", named)
	}
}

func TestACalendarIsOpenedOnceAndTheClockDrivesIt(t *testing.T) {
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	cfg := configured(t)
	var now atomic.Pointer[time.Time]
	at := func(text string) {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		now.Store(&parsed)
	}
	at("2026-11-22T02:30:00Z")
	clock := func() time.Time { return *now.Load() }
	st := storetest.OpenAt(t, "redis://"+miniredis.RunT(t).Addr())
	s := &Server{o: Options{Config: cfg, Log: zerolog.Nop(), Now: clock, RealNow: time.Now}}
	s.desk = loops.NewDesk(loops.DeskOptions{Store: st, Machines: Machines(), Roster: everybody{clock},
		Policies: Policies(cfg), Now: clock, RealNow: time.Now, Log: zerolog.Nop()})
	look := func() review.CalendarState {
		id, err := s.desk.NewWorkflowID("calendar", "acme", "calendar")
		if err != nil {
			t.Fatal(err)
		}
		state, err := s.desk.State(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return state.(review.CalendarState)
	}
	for range 3 { // three starts of a process
		if err := s.keepCalendars(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if c := look(); c.Next.ID != "2027q1" || c.Round != 0 {
		t.Fatalf("%+v", c)
	}
	if open, err := s.desk.OpenOf(ctx, "acme"); err != nil || len(open) != 0 {
		t.Errorf("lists show Keyholder's own work: %v %v", open, err)
	}
	timers := loops.NewClock(loops.ClockOptions{Store: st, Desk: s.desk, Now: clock, RealNow: time.Now,
		Log: zerolog.Nop()})
	running, end := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- timers.Run(running) }()
	at("2027-01-04T09:05:00Z")
	for look().Last != "2027q1" {
		timers.Wake()
		select {
		case <-ctx.Done():
			t.Fatalf("the day passed: %+v", look())
		case <-time.After(20 * time.Millisecond):
		}
	}
	if c := look(); c.Campaign != workflows.NamedID('r', "acme", st.Shards(), "2027q1") || c.Next.ID != "2027q2" {
		t.Errorf("%+v", c)
	}
	end()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
