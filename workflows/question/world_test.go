package question

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// poll is a machine around one question, made of the kit.
type poll struct {
	workflows.Head
	Question Question `json:"question"`
	Blocked  bool     `json:"blocked,omitempty"`
}

func (p poll) Title() string { return "Paint it green" }

var asks = Of[poll]{
	Machine: "poll", Yes: "approve",
	At:        func(s *poll) *Question { return &s.Question },
	Approvers: func(p workflows.Policy) []string { return p.Approvers },
	Put:       func(s *poll, e workflows.Event, q Question) { s.Enter("asking", e, q.Ballot.Closes) },
	Held: func(s poll) string {
		if s.Blocked {
			return "The paint is wet. Nothing was recorded."
		}
		return ""
	},
	Carers: func(poll) []string { return []string{"UDEE", "UEVE", "UANA"} },
	Words: Words{
		Noun: "poll", Verb: "approve", Past: "approved", Act: "approval", Refusing: "Refuse this? That ends it.",
		Bars: map[string]string{"requester": "You asked for this, so you do not decide it."},
	},
	Because: func(poll, string) string { return "You are asked because you live there." },
	Title:   func(poll) string { return "Paint it green" },
}

var pollDecided = workflows.Kind[poll, string]{Type: "poll.decided",
	Fold: func(s *poll, e workflows.Event, how string) { s.End(how, e) },
	Tell: func(_ workflows.Event, how string) string { return "Decided: " + how }}

var pollKinds = workflows.NewKinds(nil, nil, append(asks.Kinds(), workflows.AnyKind[poll](pollDecided))...)

// world is one poll, its people and its time.
type world struct {
	t           interface{ Fatalf(string, ...any) }
	s           poll
	now         time.Time
	people      map[string]workflows.Person
	approvers   []string
	delegations []approvals.Delegation
	story       []string
	events      []workflows.Event
	reply       workflows.Reply
	err         error
	n           int
}

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func newWorld(t interface{ Fatalf(string, ...any) }) *world {
	w := &world{t: t, now: monday, people: map[string]workflows.Person{}, approvers: []string{"UANA", "UBEN", "UCAT"}}
	for _, id := range []string{"UANA", "UBEN", "UCAT", "UDEE", "UEVE", "UFAY"} {
		w.people[id] = workflows.Person{ID: id, Email: strings.ToLower(id[1:]) + "@acme.example"}
	}
	w.s.ID, w.s.AccountID = "x01-00000001", "acme"
	return w
}

func (w *world) facts() workflows.Facts {
	return workflows.Facts{
		Policy: workflows.Policy{ID: "acme", Name: "Acme", Approvers: w.approvers},
		People: w.people, Delegations: w.delegations,
	}
}

func (w *world) cmd(name, who string) workflows.Command {
	w.n++
	actor := workflows.Actor{Kind: workflows.ByTimer}
	if who != "" {
		actor = workflows.Actor{Kind: workflows.ByPerson, ID: who}
	}
	return workflows.Command{ID: fmt.Sprint(w.n), Workflow: w.s.ID, Account: "acme", Name: name, Actor: actor,
		At: w.now, Round: w.s.Round}
}

// ask puts the question for three days, of Dee's making.
func (w *world) ask(quorum int, lists [][]string, quiet ...string) error {
	cmd := w.cmd("ask", "UDEE")
	e, err := asks.Ask(cmd, w.facts(), Question{
		Ballot: approvals.Ballot{Quorum: quorum, Electorate: w.approvers, Lists: lists, Opens: w.now,
			Closes: w.now.Add(3 * day)},
		Parties: []approvals.Party{{Identity: workflows.Facts{People: w.people}.Known("UDEE"), Why: "requester"}},
		Quiet:   quiet,
	})
	if err == nil {
		w.apply(e)
	}
	return err
}

func (w *world) apply(events ...workflows.Event) {
	s, err := pollKinds.Apply(w.s, events...)
	if err != nil {
		w.t.Fatalf("apply: %v", err)
	}
	for _, e := range events {
		w.story = append(w.story, pollKinds.Tell(e))
	}
	w.s, w.events = s, append(w.events, events...)
}

// clicks are the machine's handlers.
var clicks = map[string]workflows.Handler[poll]{}

func init() {
	asks.Clicks(clicks, func(_ poll, cmd workflows.Command, _ workflows.Facts, a Answer) (workflows.Decision, error) {
		return decide(cmd, a), nil
	})
}

func decide(cmd workflows.Command, a Answer) workflows.Decision {
	if a.Outcome == approvals.Approved || a.Outcome == approvals.Refused {
		a.Events = append(a.Events, pollDecided.Of(cmd, string(a.Outcome)))
	}
	return a.Decision
}

// click presses a button; text is sent with the form that it opens.
func (w *world) click(who, act string, text ...string) {
	cmd := w.cmd("poll."+act, who)
	if len(text) > 0 {
		cmd.Submitted, cmd.Input = true, map[string]string{"reason": text[0]}
	}
	d, err := clicks[cmd.Name](w.s, cmd, w.facts())
	w.reply, w.err = d.Reply, err
	if err == nil {
		w.apply(d.Events...)
	}
}

// wait lets the timers fire that are due until then, in the order of their time.
func (w *world) wait(d time.Duration) {
	until := w.now.Add(d)
	for !w.s.Closed() {
		due := slices.DeleteFunc(asks.Timers(w.s), func(t workflows.Timer) bool { return t.At.After(until) })
		if len(due) == 0 {
			break
		}
		slices.SortStableFunc(due, func(a, b workflows.Timer) int { return a.At.Compare(b.At) })
		if due[0].At.After(w.now) {
			w.now = due[0].At
		}
		if !w.fire(due[0]) {
			break
		}
	}
	w.now = until
}

// fire lets one timer fire now, and reports whether it changed anything.
func (w *world) fire(t workflows.Timer) bool {
	cmd := w.cmd(workflows.CmdTimer, "")
	cmd.Timer = &t
	a, mine := asks.Fired(w.s, cmd, w.facts())
	if !mine {
		w.t.Fatalf("the timer %s is not the question's", t.Name)
	}
	before := w.s.Question
	events := decide(cmd, a).Events
	w.apply(events...)
	if n := len(before.Reminders); len(w.s.Question.Reminders) > n {
		for _, who := range w.s.Question.Reminders[n].To {
			if !slices.Contains(before.Waiting, who) || !before.Hears(who) {
				w.t.Fatalf("%s is reminded, and waited for are %v", who, before.Waiting)
			}
		}
	}
	return len(events) > 0
}

func (w *world) code() string {
	var r *workflows.Refusal
	if errors.As(w.err, &r) {
		return r.Code
	}
	return ""
}

func (w *world) labels(who string) string {
	var out []string
	for _, b := range asks.Buttons(w.s, who) {
		out = append(out, b.Label)
	}
	return strings.Join(out, " | ")
}

// seen is what somebody's card says, in plain text.
func (w *world) seen(who string) string {
	return workflows.Plain(strings.Join(asks.Lines(w.s, who), "\n"), nil)
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}
