package review

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// almanac is what surrounds one calendar: policy, people, time. It fires what is due as the clock does, also late.
type almanac struct {
	t       interface{ Fatalf(string, ...any) }
	now     time.Time
	policy  workflows.Policy
	account workflows.AccountState
	state   CalendarState
	events  []workflows.Event
	calls   []workflows.Call
}

func newAlmanac(t interface {
	Fatalf(string, ...any)
	Fatal(...any)
}, at string) *almanac {
	return &almanac{t: t, now: moment(t, at), policy: workflows.Policy{ID: "acme", Name: "Acme Production",
		Admins:  []string{"UDEE", "UHAL"},
		Aliases: []workflows.Alias{{Email: "celigo@acme.example", Holders: []string{"UBEN"}}}, Review: everyday("UTC")}}
}

// everyday is the contract's default policy in a zone.
func everyday(zone string) workflows.ReviewPolicy {
	return workflows.ReviewPolicy{Every: workflows.EveryQuarter, Starts: workflows.Starts{Nth: 1, Weekday: time.Monday},
		Zone:   zone,
		Window: 14 * day, Grace: 7 * day, Reviewers: []string{"UDEE", "UANA"}, From: 9 * time.Hour, To: 17 * time.Hour,
		Days: [7]bool{false, true, true, true, true, true, false}, FixWithin: 5 * day, FixPrivilegedWithin: day}
}

// drawPolicy draws when reviews open and when people work.
func drawPolicy(t *rapid.T) workflows.ReviewPolicy {
	p := everyday(rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
		"Asia/Kolkata"}).Draw(t, "zone"))
	p.Every = rapid.SampledFrom([]string{"month", "quarter", "half", "year"}).Draw(t, "every")
	p.Starts = workflows.Starts{Day: rapid.IntRange(1, 28).Draw(t, "day")}
	if rapid.Bool().Draw(t, "by weekday") {
		p.Starts = workflows.Starts{Nth: rapid.SampledFrom([]int{1, 2, 3, 4, -1}).Draw(t, "nth"),
			Weekday: time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday"))}
	}
	p.From = time.Duration(rapid.IntRange(0, 23).Draw(t, "from")) * time.Hour
	p.To = p.From + time.Duration(rapid.IntRange(1, 24-int(p.From/time.Hour)).Draw(t, "length"))*time.Hour
	for i := range p.Days {
		p.Days[i] = rapid.Bool().Draw(t, "works")
	}
	return p
}

func moment(t interface{ Fatal(...any) }, text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func (a *almanac) do(cmd workflows.Command) error {
	cmd.Workflow, cmd.At, cmd.Round, cmd.ID = "k07-acme", a.now, workflows.NoRound, a.now.String()
	f := workflows.Facts{Policy: a.policy, Shards: 16, Account: a.account, People: map[string]workflows.Person{}}
	for _, id := range (Calendar{}).Needs(a.state, cmd, a.policy, a.account).People {
		p := workflows.Person{ID: id}
		if id == "UHAL" {
			p.Standing = workflows.StandingDeactivated
		}
		f.People[id] = p
	}
	before, _ := json.Marshal(a.state)
	d, err := Calendar{}.Decide(a.state, cmd, f)
	if err != nil {
		return err
	}
	if again, _ := json.Marshal(a.state); string(again) != string(before) {
		a.t.Fatalf("deciding changed the state")
	}
	if len(d.Events) == 0 && len(d.Calls) > 0 {
		a.t.Fatalf("calls without an event: %+v", d.Calls)
	}
	for _, e := range d.Events {
		e.Seq = uint64(len(a.events) + 1)
		st, err := Calendar{}.Apply(a.state, e)
		if err != nil {
			a.t.Fatalf("%v", err)
		}
		a.state = st.(CalendarState)
		a.events = append(a.events, e)
		if text := (Calendar{}).Tell(e); text == "" || strings.Contains(text, "cannot be read") ||
			strings.Contains(text, "does not know") {
			a.t.Fatalf("%s is told as %q", e.Type, text)
		}
	}
	a.calls = append(a.calls, d.Calls...)
	raw, err := json.Marshal(a.state)
	if err != nil {
		a.t.Fatalf("%v", err)
	}
	if back, err := (Calendar{}).Decode(raw); err != nil || !reflect.DeepEqual(back, a.state) {
		a.t.Fatalf("stored and read again: %v\n%+v\n%+v", err, a.state, back)
	}
	return nil
}

func (a *almanac) give(name string) error {
	return a.do(workflows.Command{Name: name, Actor: workflows.Actor{Kind: workflows.ByKeyholder}})
}

// until lets time pass to a moment, firing each timer when it is due.
func (a *almanac) until(at string) *almanac {
	return a.pass(moment(a.t.(interface{ Fatal(...any) }), at), true)
}

// pass lets time pass; a process that was down fires everything only at the end of it.
func (a *almanac) pass(to time.Time, up bool) *almanac {
	for n := 0; ; n++ {
		if n > 500 {
			a.t.Fatalf("timers fire without an end: %+v", a.state)
		}
		timers := (Calendar{}).View(a.state).Timers
		slices.SortFunc(timers, func(x, y workflows.Timer) int { return x.At.Compare(y.At) })
		if len(timers) == 0 || timers[0].At.After(to) {
			a.now = to
			return a
		}
		if a.now = to; up {
			a.now = timers[0].At
		}
		if err := a.do(workflows.Command{Name: workflows.CmdTimer, Timer: &timers[0],
			Actor: workflows.Actor{Kind: workflows.ByTimer}}); err != nil {
			a.t.Fatalf("%v", err)
		}
	}
}

func (a *almanac) begin() *almanac {
	if err := a.give(OpenCalendar); err != nil {
		a.t.Fatalf("%v", err)
	}
	return a
}

// started are the periods that were told to start.
func (a *almanac) started() string {
	var out []string
	for _, c := range a.calls {
		if c.Op != workflows.OpTell || c.Command != StartCampaign || c.ID != workflows.NamedID('r', "acme", 16,
			c.Input["period"]) {
			a.t.Fatalf("%+v", c)
		}
		out = append(out, c.Input["period"])
	}
	return strings.Join(out, " ")
}

func (a *almanac) last() string { return (Calendar{}).Tell(a.events[len(a.events)-1]) }

func TestTheCalendarOpensEachPeriodOnItsDay(t *testing.T) {
	a := newAlmanac(t, "2026-11-22T02:30:00Z").begin()
	if a.until("2026-12-31T23:59:59Z"); len(a.events) != 1 || a.started() != "" {
		t.Fatalf("before its time: %+v", a.events)
	}
	a.until("2027-01-01T09:00:00Z") // the Friday before
	cards := (Calendar{}).View(a.state).Cards
	if len(cards) != 1 || cards[0].Recipient != "UDEE" || !cards[0].Bulk || cards[0].Name != "notice-2027q1" ||
		!strings.Contains(cards[0].Lines[0], "<@UDEE> and <@UANA> will be asked") ||
		!strings.Contains(cards[0].Lines[0], "14 days") || !strings.Contains(cards[0].Fallback,
		"2027-01-04 09:00 UTC") {
		t.Fatalf("%+v", cards)
	}
	if a.until("2027-01-04T08:59:59Z").started() != "" {
		t.Error("too early")
	}
	if a.until("2027-01-04T09:00:00Z").started() != "2027q1" {
		t.Errorf("got %q", a.started())
	}
	if c := (Calendar{}).View(a.state).Cards[0]; !strings.HasPrefix(c.Title, "✓") || !strings.Contains(c.Lines[0],
		a.calls[0].ID) {
		t.Errorf("the notice says %+v", c)
	}
	if a.until("2028-01-03T08:00:00Z").started() != "2027q1 2027q2 2027q3 2027q4" {
		t.Errorf("got %q", a.started())
	}
}

func TestAReviewOpensAtTheAccountsOwnMoment(t *testing.T) {
	a := newAlmanac(t, "2026-11-22T02:30:00Z")
	a.policy.Review.Late = 3 * time.Minute
	a.begin()
	if a.until("2027-01-01T09:02:59Z"); a.state.Told != nil {
		t.Error("told too early")
	}
	if a.until("2027-01-01T09:03:00Z"); a.state.Told == nil ||
		!a.state.For.Opens.Equal(moment(t, "2027-01-04T09:00:00Z")) {
		t.Errorf("the notice: %+v", a.state)
	}
	a.until("2027-01-04T09:01:00Z")
	if err := a.give(LookCalendar); err != nil || a.started() != "" { // a process that starts does not hasten it
		t.Errorf("too early: %q, %v", a.started(), err)
	}
	if got := a.until("2027-01-04T09:03:00Z").started(); got != "2027q1" {
		t.Errorf("got %q", got)
	}
}

func TestTheCalendarOpensNoPeriodThatBeganBeforeTheAccountWasSeen(t *testing.T) {
	if got := newAlmanac(t, "2027-01-02T12:00:00Z").begin().until("2027-04-05T09:00:00Z").started(); got != "2027q2" {
		t.Errorf("seen after the period began and before its day: %q", got)
	}
	if got := newAlmanac(t, "2027-01-01T00:00:00Z").begin().until("2027-01-04T09:00:00Z").started(); got != "2027q1" {
		t.Errorf("seen with the period's first moment: %q", got)
	}
	a := newAlmanac(t, "2027-01-02T12:00:00Z")
	a.account.Since = moment(t, "2026-11-01T00:00:00Z") // seen by a version without a calendar
	if got := a.begin().until("2027-01-04T09:00:00Z").started(); got != "2027q1" {
		t.Errorf("seen long before: %q", got)
	}
}

func TestADayThatPassedWhileDownIsMadeUpFor(t *testing.T) {
	a := newAlmanac(t, "2026-11-22T00:00:00Z").begin()
	a.policy.Review.Every = workflows.EveryMonth
	if err := a.give(LookCalendar); err != nil {
		t.Fatal(err)
	}
	a.pass(moment(t, "2027-03-20T00:00:00Z"), false)
	if a.started() != "2027-03" || !strings.Contains(a.events[len(a.events)-1].Type, "reached") ||
		!strings.Contains(a.last(), "Missed while nobody looked: 2026-12, 2027-01, 2027-02.") {
		t.Errorf("started %q; %s", a.started(), a.last())
	}
	// The new period has begun, but its day has not come: the old one is over, the new one is not opened early.
	a = newAlmanac(t, "2026-11-22T00:00:00Z").begin().pass(moment(t, "2027-04-02T00:00:00Z"), false)
	if a.started() != "" || !strings.Contains(a.last(), "Missed while nobody looked: 2027q1.") {
		t.Errorf("started %q; %s", a.started(), a.last())
	}
	if a.until("2027-04-05T09:00:00Z").started() != "2027q2" {
		t.Errorf("started %q", a.started())
	}
}

func TestAStartThatLooksBeforeTheClockDoesMissesNothing(t *testing.T) {
	a := newAlmanac(t, "2026-11-22T00:00:00Z").begin()
	a.now = moment(t, "2027-01-20T00:00:00Z")
	a.policy.Review.Starts = workflows.Starts{Day: 8}
	for range 2 {
		if err := a.give(LookCalendar); err != nil {
			t.Fatal(err)
		}
	}
	if a.started() != "2027q1" || len(a.events) != 2 {
		t.Errorf("started %q with %d events", a.started(), len(a.events))
	}
}

func TestAnotherPolicyMovesTheDay(t *testing.T) {
	a := newAlmanac(t, "2026-11-22T00:00:00Z").begin().until("2027-01-02T00:00:00Z") // the notice is out
	a.policy.Review.Starts = workflows.Starts{Day: 20}
	if err := a.give(LookCalendar); err != nil {
		t.Fatal(err)
	}
	if c := (Calendar{}).View(a.state).Cards[0]; !strings.Contains(c.Fallback, "2027-01-20 09:00 UTC") {
		t.Errorf("the notice says %s", c.Fallback)
	}
	if a.until("2027-01-20T08:59:00Z").started() != "" || a.until("2027-01-20T09:00:00Z").started() != "2027q1" {
		t.Errorf("started %q", a.started())
	}
	n := len(a.events)
	a.policy.Review.Window, a.policy.Review.Reviewers = day, nil
	if err := a.give(LookCalendar); err != nil || len(a.events) != n {
		t.Error("what moves no day was recorded as if it did")
	}
	a.policy.Review.Starts = workflows.Starts{Day: 25} // of the quarter that is open already
	if err := a.give(LookCalendar); err != nil {
		t.Fatal(err)
	}
	if a.until("2027-04-25T09:00:00Z").started() != "2027q1 2027q2" {
		t.Errorf("started %q", a.started())
	}
	a.until("2027-06-30T12:00:00Z").policy.Review.Every = workflows.EveryYear
	if err := a.give(LookCalendar); err != nil {
		t.Fatal(err)
	}
	if c := (Calendar{}).View(a.state).Cards; len(c) != 1 || !strings.HasPrefix(c[0].Title, "✓") {
		t.Errorf("a review that was begun is announced as dropped: %+v", c)
	}
	if a.until("2028-01-25T09:00:00Z").started() != "2027q1 2027q2 2028" {
		t.Errorf("started %q", a.started())
	}
}

func TestAReviewWhoseNewDayHasPassedAlreadyOpensAtOnce(t *testing.T) {
	a := newAlmanac(t, "2026-11-22T00:00:00Z")
	a.policy.Review.Starts = workflows.Starts{Day: 20}
	a.begin().until("2027-01-10T00:00:00Z")
	a.policy.Review.Starts = workflows.Starts{Day: 4}
	if err := a.give(LookCalendar); err != nil {
		t.Fatal(err)
	}
	if a.started() != "2027q1" {
		t.Errorf("started %q; the quarter's review is lost", a.started())
	}
	if a.until("2027-04-04T12:00:00Z").started() != "2027q1 2027q2" {
		t.Errorf("started %q", a.started())
	}
}

func TestANoticeThatNoLongerHoldsSaysSo(t *testing.T) {
	a := newAlmanac(t, "2026-11-22T00:00:00Z").begin().until("2027-01-02T00:00:00Z")
	a.policy.Review.Every, a.policy.Review.Starts = workflows.EveryYear, workflows.Starts{Day: 3}
	if err := a.give(LookCalendar); err != nil {
		t.Fatal(err)
	}
	if c := (Calendar{}).View(a.state).Cards[0]; c.Name != "notice-2027q1" || !strings.Contains(c.Title,
		"does not open as announced") {
		t.Errorf("%+v", c)
	}
}

func TestAReviewThatAPersonOpenedIsNotOpenedAgain(t *testing.T) {
	a := newAlmanac(t, "2026-11-22T00:00:00Z").begin().until("2027-01-02T00:00:00Z")
	a.account.Reviews = []workflows.ReviewSummary{{ID: "r07-acme-2027q1", Period: "2027q1"}}
	if a.until("2027-01-05T00:00:00Z").started() != "" || !strings.Contains(a.last(), "there already") {
		t.Errorf("started %q; %s", a.started(), a.last())
	}
	if c := (Calendar{}).View(a.state).Cards[0]; !strings.Contains(c.Title, "there already") {
		t.Errorf("%+v", c)
	}
	a.account.Reviews = append(a.account.Reviews, workflows.ReviewSummary{Period: "2027q2"})
	a.until("2027-04-03T00:00:00Z")
	if c := (Calendar{}).View(a.state).Cards; len(c) != 0 {
		t.Errorf("announced although it is there: %+v", c)
	}
}

func TestToldTwiceChangesNothing(t *testing.T) {
	a := newAlmanac(t, "2026-11-22T00:00:00Z").begin().until("2027-01-04T09:00:00Z")
	n := len(a.events)
	timer := workflows.Timer{Name: timerOpen, At: a.now}
	for range 2 {
		if err := a.do(workflows.Command{Name: workflows.CmdTimer, Timer: &timer,
			Actor: workflows.Actor{Kind: workflows.ByTimer}}); err != nil {
			t.Fatal(err)
		}
		if err := a.give(LookCalendar); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.events) != n || a.started() != "2027q1" {
		t.Errorf("%d more events, started %q", len(a.events)-n, a.started())
	}
	if err := a.give(OpenCalendar); err == nil {
		t.Error("opened twice")
	}
	if err := a.do(workflows.Command{Name: LookCalendar, Actor: workflows.Actor{Kind: workflows.ByPerson,
		ID: "UEVE"}}); err == nil {
		t.Error("a person may look")
	}
}

func TestACampaignThatCouldNotBeToldIsTriedAgainWhileItsPeriodRuns(t *testing.T) {
	a := newAlmanac(t, "2026-11-22T00:00:00Z").begin().until("2027-01-05T09:00:00Z")
	receipt := workflows.Command{Name: workflows.CmdReceipt, Receipt: &workflows.Receipt{Op: workflows.OpTell,
		Failed: true, Code: workflows.FailedDeadline}, Actor: workflows.Actor{Kind: workflows.ByIntegrator}}
	if err := a.do(receipt); err != nil || a.started() != "2027q1 2027q1" {
		t.Errorf("%v, started %q", err, a.started())
	}
	if a.now = moment(t, "2027-04-01T00:00:00Z"); a.do(receipt) != nil || a.started() != "2027q1 2027q1" {
		t.Errorf("started %q", a.started())
	}
}

func TestACalendarRestsWithoutPolicyAndGoesOnWithOne(t *testing.T) {
	a := newAlmanac(t, "2026-11-22T00:00:00Z")
	policy := a.policy
	a.policy = workflows.Policy{ID: "acme"}
	if err := a.give(OpenCalendar); err == nil {
		t.Fatal("opened without a policy")
	}
	a.policy = policy
	a.begin().policy = workflows.Policy{ID: "acme"}
	if a.until("2027-02-01T00:00:00Z").started() != "" || len((Calendar{}).View(a.state).Timers) != 0 {
		t.Fatalf("%+v", a.state)
	}
	a.policy = policy
	if err := a.give(LookCalendar); err != nil {
		t.Fatal(err)
	}
	if a.until("2027-04-06T00:00:00Z").started() != "2027q2" {
		t.Errorf("started %q", a.started())
	}
}

// However often a process is down and whatever becomes of the policy: no period is opened twice,
// none that began before the account was seen, and none when it does not run.
func TestTheCalendarOpensPeriodsOnceAndWhileTheyRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newAlmanac(t, "2026-11-22T02:30:00Z")
		a.policy.Review = drawPolicy(t)
		a.begin()
		seen := a.now
		done := map[string]bool{}
		var last worktime.Period
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			begun := len(a.calls)
			if rapid.IntRange(0, 2).Draw(t, "new policy") == 0 {
				a.policy.Review = drawPolicy(t)
			}
			if rapid.Bool().Draw(t, "restart") {
				was := a.state
				if err := a.give(LookCalendar); err != nil {
					t.Fatal(err)
				}
				now, _ := worktime.CalendarOf(a.policy.Review).At(a.now)
				planned := !was.Next.Begins.After(a.now) && !now.Begins.Before(was.Seen) &&
					!now.Begins.Before(was.LastEnds)
				if planned && !now.Opens.After(a.now) && a.state.Last != now.ID {
					t.Fatalf("%+v was planned and runs, and its day is forgotten", now)
				}
			}
			from := len(a.calls)
			up := rapid.Bool().Draw(t, "up")
			a.pass(a.now.Add(time.Duration(rapid.IntRange(0, 200*24).Draw(t, "hours"))*time.Hour), up)
			a.started()
			for _, c := range a.calls[begun:] {
				if done[c.Input["period"]] {
					t.Fatalf("%s twice", c.Input["period"])
				}
				done[c.Input["period"]] = true
			}
			if up || len(a.calls) == from {
				continue
			}
			now, _ := worktime.CalendarOf(a.policy.Review).At(a.now)
			if len(a.calls) != from+1 || a.calls[from].Input["period"] != now.ID || now.Begins.Before(seen) ||
				now.Begins.Before(last.Ends) {
				t.Fatalf("after having been down, %v were opened in %v", a.calls[from:], now)
			}
			last = now
		}
		if !a.state.Next.Opens.After(a.now) {
			t.Fatalf("the next opening has passed: %+v at %v", a.state.Next, a.now)
		}
	})
}
