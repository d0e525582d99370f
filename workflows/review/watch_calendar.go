package review

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// Calendar is the machine that opens campaigns when their time has come: one workflow per account,
// opened by Keyholder itself and never closed. Its zero value is ready.
//
// It sleeps until a working day before the next opening, tells the administrators, sleeps until the
// opening, and tells the campaign to start. What was missed while no process ran is made up for
// only where the period still runs; older ones are named in the event. Without a policy, as for an
// account that is no longer configured, it rests until it is asked to look again.
type Calendar struct{}

var _ workflows.Machine = Calendar{}

// Types of events of a calendar, with the bodies below.
const (
	evCalendar     = "calendar.opened"   // calendarBegun
	evCalendarMove = "calendar.moved"    // calendarNext: the policy has changed, or is back
	evCalendarTold = "calendar.notified" // calendarNotice
	evCalendarTime = "calendar.reached"  // calendarReached
	evCalendarTry  = "calendar.retried"  // calendarRetry: the campaign could not be told in a day
	evCalendarRest = "calendar.paused"   // none
)

// calendarNext is the next opening, with the times as they were computed.
type calendarNext struct {
	Rules  worktime.Calendar `json:"rules"` // that the times come from; a policy that says the same moves nothing
	Next   worktime.Period   `json:"next"`
	Notice time.Time         `json:"notice"` // when the administrators hear of it
	// Late is how long after these times it is done: each account at a moment of its own.
	Late time.Duration `json:"late,omitempty"`
}

type calendarBegun struct {
	ID          string    `json:"id"`
	AccountID   string    `json:"account"`
	AccountName string    `json:"account_name"`
	Seen        time.Time `json:"seen"` // periods that began before are never opened
	calendarNext
}

type calendarNotice struct {
	AccountName string   `json:"account_name"`
	To          []string `json:"to,omitempty"`        // whom it is told; empty: nobody, for the review is there already
	Reviewers   []string `json:"reviewers,omitempty"` // who will be asked
	Days        int      `json:"days"`                // how long they have, in whole days
}

type calendarReached struct {
	Period   string `json:"period,omitempty"`   // what is opened; empty: nothing
	Campaign string `json:"campaign,omitempty"` // its ID
	Already  bool   `json:"already,omitempty"`  // somebody has opened it before
	// openings that passed while nobody looked, the newest last; at most maxMissed
	Missed  []string `json:"missed,omitempty"`
	MissedN int      `json:"missed_count,omitempty"`
	// Ends is the end of the period that was opened last.
	Ends time.Time `json:"ends,omitzero"`
	calendarNext
}

type calendarRetry struct {
	Period string `json:"period"`
}

// maxMissed bounds the list of missed periods in an event.
const maxMissed = 24

// CalendarState is all that a calendar knows, the fold of its events.
type CalendarState struct {
	calendarBegun
	Begun time.Time `json:"begun"`
	Round int       `json:"round"`
	// Rests is true while nothing is planned.
	Rests    bool      `json:"rests,omitempty"`
	Last     string    `json:"last,omitempty"`     // the period that was opened last
	LastEnds time.Time `json:"last_ends,omitzero"` // and its end
	Campaign string    `json:"campaign,omitempty"`
	// Told is the notice of the period For, and what became of it.
	Told    *calendarNotice `json:"told,omitempty"`
	For     worktime.Period `json:"for,omitzero"`
	Outcome string          `json:"outcome,omitempty"` // "", opened, already, dropped
}

// Outcomes of a notice.
const (
	noticeOpened  = "opened"
	noticeAlready = "already"
	noticeDropped = "dropped"
)

// Opened implements workflows.State.
func (s CalendarState) Opened() bool { return s.ID != "" }

// Closed implements workflows.State.
func (s CalendarState) Closed() bool { return false }

// Account implements workflows.State.
func (s CalendarState) Account() string { return s.AccountID }

// Title implements workflows.State. It is empty: a calendar is Keyholder's own work, and lists of
// what is open leave it out.
func (s CalendarState) Title() string { return "" }

// StageName implements workflows.State.
func (s CalendarState) StageName() string {
	if s.Rests {
		return "resting"
	}
	return "waiting"
}

// Began implements workflows.State.
func (s CalendarState) Began() time.Time { return s.Begun }

// Name implements workflows.Machine.
func (Calendar) Name() string { return "calendar" }

// Letter implements workflows.Machine.
func (Calendar) Letter() byte { return 'k' }

// Schema implements workflows.Machine.
func (Calendar) Schema() int { return 1 }

// New implements workflows.Machine.
func (Calendar) New() workflows.State { return CalendarState{} }

// Decode implements workflows.Machine.
func (Calendar) Decode(raw []byte) (workflows.State, error) {
	var s CalendarState
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode calendar: %w", err)
	}
	return s, nil
}

// Needs implements workflows.Machine. Only the notice names people.
func (Calendar) Needs(_ workflows.State, cmd workflows.Command, p workflows.Policy,
	_ workflows.AccountState) workflows.Needs {
	if cmd.Timer != nil && cmd.Timer.Name == timerNotice {
		return workflows.Needs{People: workflows.Union(p.Admins, p.HolderIDs(), population.Reviewers(p.Review))}
	}
	return workflows.Needs{}
}

// Names of a calendar's timers.
const (
	timerOpen   = "open"
	timerNotice = "notice"
)

// Decide implements workflows.Machine.
func (Calendar) Decide(st workflows.State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	s := st.(CalendarState)
	ours := cmd.Actor.Kind == workflows.ByKeyholder
	switch {
	case cmd.Name == OpenCalendar && ours && !s.Opened():
		return openCalendar(cmd, f)
	case !s.Opened():
		return workflows.Decision{}, workflows.Refuse("closed",
			"There is no calendar of this account. Nothing was recorded.")
	case cmd.Name == workflows.CmdReceipt:
		return s.notStarted(cmd, f), nil
	case cmd.Name == workflows.CmdTimer && !s.Rests, cmd.Name == LookCalendar && ours:
		return s.look(cmd, f), nil
	case cmd.Name == workflows.CmdTimer:
		return workflows.Decision{}, nil
	}
	return workflows.Decision{}, workflows.Refuse("unknown_action",
		"Nobody has to do anything for the calendar. Nothing was recorded.")
}

// openCalendar plans the first opening. An account whose owner is on record was first seen no later
// than that was recorded.
func openCalendar(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	b := calendarBegun{ID: cmd.Workflow, AccountID: f.Policy.ID, AccountName: f.Policy.Name, Seen: cmd.At}
	if since := f.Account.Since; !since.IsZero() && since.Before(cmd.At) {
		b.Seen = since
	}
	next, ok := CalendarState{calendarBegun: b}.plan(cmd.At, f)
	if !ok {
		return workflows.Decision{}, workflows.Refuse("no_policy",
			"This account is not configured for reviews, so there is nothing to plan. Nothing was recorded.")
	}
	b.calendarNext = next
	return workflows.Decision{Events: []workflows.Event{cmd.Event(evCalendar, b)}}, nil
}

// plan finds the next opening after a time under the present policy: of a period that began when
// the account was known, and that was not opened yet.
func (s CalendarState) plan(after time.Time, f workflows.Facts) (calendarNext, bool) {
	if f.Policy.Name == "" {
		return calendarNext{}, false
	}
	c := worktime.CalendarOf(f.Policy.Review)
	next, err := s.opener().Next(c, after)
	if err != nil {
		return calendarNext{}, false
	}
	return calendarNext{Rules: c, Next: next, Notice: c.DayBefore(next.Opens), Late: f.Policy.Review.Late}, true
}

// opener decides which periods are opened.
func (s CalendarState) opener() worktime.Opener {
	return worktime.Opener{Seen: s.Seen, Done: s.LastEnds}
}

// look does what is due, under the policy of now: a timer, or the start of a process, whose policy may be another one.
func (s CalendarState) look(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	event := func(kind string, body any) workflows.Decision {
		return workflows.Decision{Events: []workflows.Event{cmd.Event(kind, body)}}
	}
	next, ok := s.plan(cmd.At, f)
	switch {
	case !ok && s.Rests:
		return workflows.Decision{}
	case !ok:
		return event(evCalendarRest, none{})
	case s.Rests:
		return event(evCalendarMove, next)
	case !s.Next.Opens.Add(s.Late).After(cmd.At), s.Rules != next.Rules && s.opener().Overtaken(next.Rules, s.Next,
		cmd.At):
		return s.reached(cmd, f)
	case s.Rules != next.Rules:
		return event(evCalendarMove, next)
	case cmd.Timer != nil && cmd.Timer.Name == timerNotice && !s.noticed():
		return event(evCalendarTold, s.notice(f))
	}
	return workflows.Decision{}
}

// reached opens the running period, if its opening has passed, and plans the next one.
func (s CalendarState) reached(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	now, open, missed, err := s.opener().Reached(worktime.CalendarOf(f.Policy.Review), s.Next, cmd.At)
	if err != nil {
		return workflows.Decision{}
	}
	b := calendarReached{Missed: missed[max(0, len(missed)-maxMissed):], MissedN: len(missed)}
	after := s
	if open {
		b.Period, b.Campaign = now.ID, campaignID(s.AccountID, now.ID, f)
		b.Already = slices.ContainsFunc(f.Account.Reviews, func(r workflows.ReviewSummary) bool {
			return r.Period == now.ID
		})
		after.LastEnds = now.Ends
	}
	b.calendarNext, _ = after.plan(cmd.At, f)
	b.Ends = after.LastEnds
	d := workflows.Decision{Events: []workflows.Event{cmd.Event(evCalendarTime, b)}}
	if b.Period != "" && !b.Already {
		d.Calls = []workflows.Call{s.start(b.Period, b.Campaign)}
	}
	return d
}

func campaignID(account, period string, f workflows.Facts) string {
	return workflows.NamedID(Campaign{}.Letter(), account, f.Shards, period)
}

func (s CalendarState) start(period, campaign string) workflows.Call {
	return workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: campaign, Command: StartCampaign,
		Input: map[string]string{"period": period}}
}

// notStarted tells the campaign once more where that could not be delivered in a day, while its period runs.
func (s CalendarState) notStarted(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	if cmd.Receipt.OK || s.Last == "" || !cmd.At.Before(s.LastEnds) {
		return workflows.Decision{}
	}
	return workflows.Decision{Events: []workflows.Event{cmd.Event(evCalendarTry, calendarRetry{Period: s.Last})},
		Calls: []workflows.Call{s.start(s.Last, s.Campaign)}}
}

// noticed reports whether the next opening was told already.
func (s CalendarState) noticed() bool { return s.Told != nil && s.For.ID == s.Next.ID }

// notice says to whom the next opening is told, and who will be asked: those who may decide anything.
func (s CalendarState) notice(f workflows.Facts) calendarNotice {
	n := calendarNotice{AccountName: f.Policy.Name, Days: int(f.Policy.Review.Window / (24 * time.Hour))}
	if slices.ContainsFunc(f.Account.Reviews, func(r workflows.ReviewSummary) bool { return r.Period == s.Next.ID }) {
		return n
	}
	able := func(ids []string) []string {
		return slices.DeleteFunc(f.Expand(ids), func(id string) bool { return workflows.RefuseStanding(f, id) != nil })
	}
	n.Reviewers = able(population.Reviewers(f.Policy.Review))
	if n.To = able(f.Policy.Admins); len(n.To) == 0 {
		n.To = able(f.Policy.HolderIDs())
	}
	return n
}

// Apply implements workflows.Machine.
func (Calendar) Apply(st workflows.State, e workflows.Event) (workflows.State, error) {
	s := st.(CalendarState)
	fold, known := calendarFolds[e.Type]
	if !known {
		return s, fmt.Errorf("apply %q: %w", e.Type, workflows.ErrUnknownEvent)
	}
	if err := fold(&s, e); err != nil {
		return st, fmt.Errorf("apply %s: %w", e.Type, err)
	}
	return s, nil
}

var calendarFolds = map[string]func(*CalendarState, workflows.Event) error{
	evCalendar: with(func(s *CalendarState, e workflows.Event, b calendarBegun) { s.calendarBegun, s.Begun = b, e.At }),
	evCalendarMove: with(func(s *CalendarState, _ workflows.Event, b calendarNext) {
		s.Rests = false
		s.planned(b)
		s.follow(b.Next)
	}),
	evCalendarTold: with(func(s *CalendarState, _ workflows.Event, b calendarNotice) {
		s.Told, s.For, s.Outcome = &b, s.Next, ""
		s.Round++
	}),
	evCalendarTime: with(func(s *CalendarState, _ workflows.Event, b calendarReached) {
		if b.Period != "" {
			s.Last, s.LastEnds, s.Campaign = b.Period, b.Ends, b.Campaign
		}
		switch {
		case s.For.ID != b.Period || b.Period == "":
			s.follow(b.Next)
		case b.Already:
			s.Outcome = noticeAlready
		default:
			s.Outcome = noticeOpened
		}
		s.planned(b.calendarNext)
	}),
	evCalendarTry: with(func(*CalendarState, workflows.Event, calendarRetry) {}),
	evCalendarRest: with(func(s *CalendarState, _ workflows.Event, _ none) {
		s.Rests = true
		s.follow(worktime.Period{})
	}),
}

func (s *CalendarState) planned(n calendarNext) {
	s.calendarNext = n
	s.Round++
}

// follow lets a notice that was given, and whose review is not open yet, say what it is now.
func (s *CalendarState) follow(next worktime.Period) {
	if s.Told == nil || s.Outcome == noticeOpened || s.Outcome == noticeAlready {
		return
	}
	s.Outcome = noticeDropped
	if next.ID == s.For.ID {
		s.For, s.Outcome = next, ""
	}
}

// View implements workflows.Machine.
func (Calendar) View(st workflows.State) workflows.View {
	s := st.(CalendarState)
	v := workflows.View{Cards: s.cards()}
	if s.Rests || !s.Opened() {
		return v
	}
	v.Timers = []workflows.Timer{{Name: timerOpen, At: s.Next.Opens.Add(s.Late)}}
	if !s.noticed() {
		v.Timers = append(v.Timers, workflows.Timer{Name: timerNotice, At: s.Notice.Add(s.Late)})
	}
	return v
}

// cards are the newest notice, one for each administrator. Older ones stay in Slack as they are.
func (s CalendarState) cards() []workflows.Card {
	if s.Told == nil {
		return nil
	}
	name := workflows.Esc(s.Told.AccountName)
	c := workflows.Card{Name: "notice-" + s.For.ID, Round: s.Round, Bulk: true, Note: "Calendar " + s.ID}
	switch s.Outcome {
	case noticeOpened:
		c.Title = "✓ The calendar began the review of " + name + " for " + s.For.ID
		c.Lines = []string{"It is " + s.Campaign + ", with a card of its own."}
	case noticeAlready:
		c.Title = "✓ The review of " + name + " for " + s.For.ID + " is there already"
		c.Lines = []string{"Somebody began it before its day; it is " + s.Campaign +
			". Nothing was begun a second time."}
	case noticeDropped:
		c.Title = "The review of " + name + " for " + s.For.ID + " does not open as announced"
		c.Lines = []string{"The configuration of reviews has changed. Before the next one you are told again."}
	default:
		c.Title = "The review of " + name + " for " + s.For.ID + " opens " + workflows.When(s.For.Opens)
		asked := "Nobody who could review is active in this Slack: name reviewers in the configuration before that day."
		if n := len(s.Told.Reviewers); n > namedInNotice {
			asked = fmt.Sprintf("%d people will be asked who may keep access, %s and others.", n,
				workflows.Mentions(s.Told.Reviewers[:namedInNotice]))
		} else if n > 0 {
			asked = workflows.Mentions(s.Told.Reviewers) + " will be asked who may keep access."
		}
		if s.Told.Days > 0 && len(s.Told.Reviewers) > 0 {
			asked += " They have " + workflows.Plural(s.Told.Days, "day") + "."
		}
		c.Lines = []string{asked +
			" You are told because you administer the account or hold its mailbox; there is nothing to do now."}
		c.Note += ". It opens by itself; to begin earlier, once the period has begun: {command} review " + s.AccountID +
			" start"
	}
	c.Fallback = workflows.Plain(strings.TrimPrefix(c.Title, "✓ "), nil)
	var out []workflows.Card
	for _, who := range s.Told.To {
		c.Recipient = who
		out = append(out, c)
	}
	return out
}

// namedInNotice is how many reviewers a notice names.
const namedInNotice = 10

// Tell implements workflows.Machine.
func (Calendar) Tell(e workflows.Event) string { return workflows.Retell(calendarTales, e) }

func (n calendarNext) words() string {
	return "the next review is " + workflows.Esc(n.Next.ID) + ", on " + workflows.When(n.Next.Opens)
}

var calendarTales = map[string]workflows.Teller{
	evCalendar: workflows.Tells(func(_ workflows.Event, b calendarBegun) string {
		return "The calendar of reviews began: " + b.words() + "."
	}),
	evCalendarMove: workflows.Tells(func(_ workflows.Event, b calendarNext) string {
		return "The configuration of reviews has changed: " + b.words() + "."
	}),
	evCalendarTold: workflows.Tells(func(_ workflows.Event, b calendarNotice) string {
		if len(b.To) == 0 {
			return "The coming review was told to nobody: it is there already, or nobody could be told."
		}
		return workflows.Mentions(b.To) + wasWere(len(b.To)) + " told of the coming review."
	}),
	evCalendarTime: workflows.Tells(func(_ workflows.Event, b calendarReached) string {
		var out []string
		switch {
		case b.Already:
			out = append(out, "The day of "+workflows.Esc(b.Period)+" came; its review was there already.")
		case b.Period != "":
			out = append(out, "The day of "+workflows.Esc(b.Period)+" came, so its review is begun ("+
				workflows.Esc(b.Campaign)+").")
		}
		if b.MissedN > 0 {
			text := "Missed while nobody looked: " + workflows.Esc(strings.Join(b.Missed, ", "))
			if more := b.MissedN - len(b.Missed); more > 0 {
				text += fmt.Sprintf(" and %d before", more)
			}
			out = append(out, text+".")
		}
		return strings.Join(append(out, "T"+b.words()[1:]+"."), " ")
	}),
	evCalendarTry: workflows.Tells(func(_ workflows.Event, b calendarRetry) string {
		return "The review of " + workflows.Esc(b.Period) + " could not be begun for a day; it is tried again."
	}),
	evCalendarRest: workflows.Tells(func(workflows.Event, none) string {
		return "The account has no calendar of reviews any more, so none is planned."
	}),
}
