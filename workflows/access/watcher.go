package access

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Watcher is the machine that looks for drift: one workflow per account and environment, opened by Keyholder itself. It keeps who had what when it
// last looked, and opens a finding for each difference that no decision explains. Its zero value is ready.
type Watcher struct{}

var _ workflows.Machine = Watcher{}

// Commands of a watcher, given by Keyholder and by findings; no button has these names.
const (
	WatchRequest = "drift.request" // opens it; Input: environment
	WatchLook    = "drift.look"    // look now; within lookEvery of the last time, at its end
	watchClosed  = "drift.closed"  // a finding was decided; Input: user, now, finding
)

// Bounds of a watcher.
const (
	lookEvery       = time.Second
	lookAtLeast     = time.Minute // a reading is tried that long, however often it looks
	findingsAnHour  = 20
	settlingAtMost  = 8 * 24 * time.Hour // for how long a transfer explains what the previous owner has
	lookAgain       = "again"            // a mark that no census has: whatever is read is worth knowing
	maxNamedWaiting = 15
)

// Types of events of a watcher, with the bodies below.
const (
	evWatching    = "drift.watching" // Watched
	evLooked      = "drift.looked"   // looked
	evLookSoon    = "drift.soon"     // none: asked to look just after it did
	evBaseline    = "drift.baseline" // baseline
	evDifferences = "drift.read"     // differences
	evUnread      = "drift.unread"   // refusal
	evDecided     = "drift.decided"  // decided: a finding is over
	evTaking      = "drift.taken"    // taken: somebody takes what waits as expected, and more are needed
	evAllExpected = "drift.expected" // none: what waits is expected
	evUnwatched   = "drift.ended"    // none
)

// Watched is what the opening event of a watcher fixes.
type Watched struct {
	ID          string        `json:"id"`
	AccountID   string        `json:"account"`
	AccountName string        `json:"account_name"`
	Environment string        `json:"environment,omitempty"` // "" is production
	Every       time.Duration `json:"every"`
	Timed       bool          `json:"timed,omitempty"` // it looks by a timer; those from before did by a watch
}

type looked struct {
	Every time.Duration `json:"every"`
	Timed bool          `json:"timed,omitempty"`
}

// had is one user as they were seen, or explained, last. Users are kept by [userKey]: addresses change.
type had struct {
	Email string            `json:"email"`
	Mark  string            `json:"mark"`
	Who   workflows.UserRef `json:"who,omitzero"`
}

type baseline struct {
	Known string         `json:"known"`
	Users map[string]had `json:"users"`
}

// standing is a finding that is open, or a difference that waits for one.
type standingFinding struct {
	Finding string `json:"finding,omitempty"`
	Given   string `json:"given,omitempty"` // the decision that there was when it was opened
	Was     string `json:"was"`
	Now     string `json:"now"`

	Email string            `json:"email"`
	Who   workflows.UserRef `json:"who,omitzero"`
}

type differences struct {
	Known     string                     `json:"known"`
	Explained map[string]had             `json:"explained,omitempty"`
	Renamed   map[string]had             `json:"renamed,omitempty"` // users with another address and the same access
	Opened    map[string]standingFinding `json:"opened,omitempty"`
	Moved     map[string]string          `json:"moved,omitempty"`   // open findings that show something else now
	Back      []string                   `json:"back,omitempty"`    // open findings that are as before
	Waiting   map[string]standingFinding `json:"waiting,omitempty"` // all that wait
	To        []string                   `json:"to,omitempty"`      // who is told of them
	Taking    approvals.Ballot           `json:"taking"`            // the question whether they are taken as expected
	Hour      time.Time                  `json:"hour,omitzero"`
	Used      int                        `json:"used,omitempty"`
}

type decided struct {
	User  string `json:"user"` // [userKey]
	Email string `json:"email"`
	Now   string `json:"now"`
	Moved bool   `json:"moved,omitempty"` // it was something else again by then
}

// WatchState is all that a watcher knows, the fold of its events.
type WatchState struct {
	Watched
	Begun  time.Time `json:"begun"`
	Round  int       `json:"round"`
	Told   []string  `json:"told,omitempty"`
	Ended  bool      `json:"ended,omitempty"`
	Looked time.Time `json:"looked,omitzero"` // when it last began to look
	Prev   time.Time `json:"prev,omitzero"`   // when it did before that
	Soon   bool      `json:"soon,omitempty"`  // it looks again as soon as it may
	Code   string    `json:"code,omitempty"`  // why it could not be read last time

	// Since is the time of the baseline; Base what each user had when it was last explained.
	Since time.Time      `json:"since,omitzero"`
	Base  map[string]had `json:"base,omitempty"`
	Known string         `json:"known,omitempty"`

	Open    map[string]standingFinding `json:"open,omitempty"`
	Waiting map[string]standingFinding `json:"waiting,omitempty"`
	To      []string                   `json:"to,omitempty"`
	Taking  approvals.Ballot           `json:"taking"`
	Hour    time.Time                  `json:"hour,omitzero"` // when the bound began to count
	Used    int                        `json:"used,omitempty"`
}

// Opened implements workflows.State.
func (s WatchState) Opened() bool { return s.ID != "" }

// Closed implements workflows.State.
func (s WatchState) Closed() bool { return s.Ended }

// Account implements workflows.State.
func (s WatchState) Account() string { return s.AccountID }

// Title implements workflows.State. It is empty: a watcher is Keyholder's own work, and lists of what is open leave it out.
func (s WatchState) Title() string { return "" }

// StageName implements workflows.State.
func (s WatchState) StageName() string {
	switch {
	case s.Ended:
		return "ended"
	case s.Since.IsZero():
		return "reading"
	}
	return "watching"
}

// Began implements workflows.State.
func (s WatchState) Began() time.Time { return s.Begun }

func (s WatchState) where() string {
	return State{Frozen: Frozen{AccountName: s.AccountName, Environment: s.Environment}}.where()
}

// Name implements workflows.Machine.
func (Watcher) Name() string { return "drift" }

// Letter implements workflows.Machine.
func (Watcher) Letter() byte { return 'd' }

// Schema implements workflows.Machine.
func (Watcher) Schema() int { return 2 }

// New implements workflows.Machine.
func (Watcher) New() workflows.State { return WatchState{} }

// Decode implements workflows.Machine.
func (Watcher) Decode(raw []byte) (workflows.State, error) {
	var s WatchState
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode watcher: %w", err)
	}
	return s, nil
}

// Needs implements workflows.Machine.
func (Watcher) Needs(_ workflows.State, cmd workflows.Command, p workflows.Policy, _ workflows.AccountState) workflows.Needs {
	var n workflows.Needs
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = append(n.People, cmd.Actor.ID)
	}
	if cmd.Name == workflows.CmdReceipt || cmd.Actor.Kind == workflows.ByPerson {
		n.People = workflows.Union(n.People, p.Admins, p.HolderIDs())
	}
	return n
}

// Decide implements workflows.Machine.
func (Watcher) Decide(st workflows.State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	return decideWatcher(st.(WatchState), cmd, f)
}

// Apply implements workflows.Machine.
func (Watcher) Apply(st workflows.State, e workflows.Event) (workflows.State, error) {
	s := st.(WatchState)
	fold, known := watchFolds[e.Type]
	if !known {
		return s, fmt.Errorf("apply %q: %w", e.Type, workflows.ErrUnknownEvent)
	}
	s.Base, s.Open, s.Waiting, s.Told = maps.Clone(s.Base), maps.Clone(s.Open), maps.Clone(s.Waiting), slices.Clip(s.Told)
	if err := fold(&s, e); err != nil {
		return st, fmt.Errorf("apply %s: %w", e.Type, err)
	}
	return s, nil
}

var watchFolds map[string]func(*WatchState, workflows.Event) error

func init() {
	watchFolds = map[string]func(*WatchState, workflows.Event) error{
		evWatching: with(func(s *WatchState, e workflows.Event, b Watched) {
			s.Watched, s.Begun = b, e.At
			if b.Timed {
				s.Looked = e.At
			}
		}),
		evLooked: with(func(s *WatchState, e workflows.Event, b looked) {
			s.Prev, s.Looked, s.Every, s.Timed, s.Soon = s.Looked, e.At, b.Every, b.Timed, false
		}),
		evLookSoon: with(func(s *WatchState, _ workflows.Event, _ none) { s.Soon = true }),
		evBaseline: with(func(s *WatchState, e workflows.Event, b baseline) {
			s.Since, s.Base, s.Known, s.Code = e.At, b.Users, b.Known, ""
		}),
		evDifferences: with(foldDifferences),
		evUnread:      with(func(s *WatchState, _ workflows.Event, b refusal) { s.Code = b.Code }),
		evDecided: with(func(s *WatchState, _ workflows.Event, b decided) {
			open := s.Open[b.User]
			delete(s.Open, b.User)
			s.Base = put(s.Base, b.User, had{Email: open.Email, Mark: b.Now, Who: open.Who})
			if b.Moved {
				s.Known = lookAgain
			}
		}),
		evTaking: with(func(s *WatchState, _ workflows.Event, b taken) { s.Taking = b.count(s.Taking) }),
		evAllExpected: with(func(s *WatchState, _ workflows.Event, _ none) {
			for key, d := range s.Waiting {
				s.Base = put(s.Base, key, had{Email: d.Email, Mark: d.Now, Who: d.Who})
			}
			s.Waiting, s.Taking = nil, approvals.Ballot{}
			s.Round++
		}),
		evUnwatched: with(func(s *WatchState, _ workflows.Event, _ none) {
			s.Ended, s.Base, s.Open, s.Waiting = true, nil, nil, nil
			s.Round++
		}),
	}
}

func foldDifferences(s *WatchState, _ workflows.Event, b differences) {
	s.Known, s.Code = b.Known, ""
	for key, h := range b.Explained {
		s.Base = put(s.Base, key, h)
	}
	for key, h := range b.Renamed {
		s.Base = put(s.Base, key, h)
	}
	for key, d := range b.Opened {
		if s.Open == nil {
			s.Open = map[string]standingFinding{}
		}
		s.Open[key] = d
	}
	for key, mark := range b.Moved {
		d := s.Open[key]
		d.Now = mark
		s.Open[key] = d
	}
	for _, key := range b.Back {
		delete(s.Open, key)
	}
	if !maps.Equal(s.Waiting, b.Waiting) {
		s.Round++
		s.Taking = b.Taking
	}
	s.Waiting, s.Hour, s.Used = b.Waiting, b.Hour, b.Used
	if len(b.Waiting) > 0 {
		s.To = b.To
		s.Told = workflows.Union(s.Told, b.To)
	}
}

// put keeps what somebody has; who is absent is not kept.
func put(base map[string]had, key string, h had) map[string]had {
	if h.Mark == absent {
		delete(base, key)
		return base
	}
	if base == nil {
		base = map[string]had{}
	}
	base[key] = h
	return base
}

// userKey names a user whatever their address is: the person's ID, else the record's, else what is left.
func userKey(who workflows.UserRef, email string) string {
	return cmp.Or(who.User, who.Record, strings.ToLower(email))
}

// View implements workflows.Machine.
func (Watcher) View(st workflows.State) workflows.View {
	s := st.(WatchState)
	v := workflows.View{Cards: s.cards()}
	if s.Ended {
		return v
	}
	add := func(name string, at time.Time) {
		v.Timers = append(v.Timers, workflows.Timer{Name: name, At: at.UTC().Truncate(time.Millisecond)})
	}
	switch {
	case s.Timed && s.Soon:
		add(timerLook, s.Looked.Add(lookEvery))
	case s.Timed:
		add(timerLook, s.Looked.Add(max(s.Every, lookEvery)))
	default: // one from before there was a timer; its next look begins it, and drops the watch
		v.Watches = []workflows.Watch{{Name: "census", Every: max(s.Every, time.Second), Call: s.censusCall()}}
	}
	if len(s.Waiting) > 0 {
		v.Waiting = s.To
		add("hour", s.next())
	}
	return v
}

// timerLook is when to look next, in the time of commands: a process that was down looks when it is back.
const timerLook = "look"

// censusCall reads every user.
func (s WatchState) censusCall() workflows.Call {
	return workflows.Call{Op: workflows.OpCensus, Account: s.AccountID, Environment: s.Environment, Known: s.Known}
}

// next is when the next cards come: an hour after the last ones, or after it was tried in vain.
func (s WatchState) next() time.Time {
	if s.Looked.After(s.Hour) {
		return s.Looked.Add(time.Hour)
	}
	return s.Hour.Add(time.Hour)
}

// cards is the one card that names what waits when there is more than fits into an hour.
func (s WatchState) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.Told {
		c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: "Drift " + s.ID}
		switch {
		case len(s.Waiting) == 0 || s.Ended:
			c.Title = "✓ Nothing more waits in " + workflows.Esc(s.where())
			c.Lines = []string{"What was found has its own card, or was taken as expected."}
			c.Fallback = workflows.Plain(c.Title, nil)
		default:
			c = s.summary(c, mayTake(s.Taking, who))
		}
		out = append(out, c)
	}
	return out
}

func (s WatchState) summary(c workflows.Card, decides bool) workflows.Card {
	n := workflows.Plural(len(s.Waiting), "more difference")
	c.Title = "! " + n + " in " + workflows.Esc(s.where())
	c.Fallback = n + " in " + s.where() + " that no decision explains"
	c.Lines = []string{fmt.Sprintf("The users of %s differ from what decisions explain (seen at integrator.io). Keyholder writes at most %d cards an hour about it; the next ones come %s.",
		workflows.Esc(s.where()), findingsAnHour, workflows.When(s.next())),
		"If all of this is known to you, as when many people joined at once, take it as expected; then no more cards come for it. Nothing is changed at integrator.io." + takingWord(s.Taking)}
	waiting := slices.SortedFunc(maps.Values(s.Waiting), func(a, b standingFinding) int { return strings.Compare(a.Email, b.Email) })
	for i, d := range waiting {
		if i == maxNamedWaiting {
			c.Facts = append(c.Facts, fmt.Sprintf("and %d more", len(s.Waiting)-maxNamedWaiting))
			break
		}
		c.Facts = append(c.Facts, workflows.Esc(d.Email)+": before "+readMark(d.Was).words()+"; now "+readMark(d.Now).words())
	}
	c.Facts = append(c.Facts, takenLines(s.Taking)...)
	if decides {
		c.Buttons = []workflows.Button{{Action: ActAdopt, Label: "All expected", Confirm: &workflows.Confirm{Title: "All of these?",
			Text: n + " are then recorded as expected, under your name.", Yes: "All expected", No: "Back"}}}
	}
	return c
}

// Tell implements workflows.Machine.
func (Watcher) Tell(e workflows.Event) string { return workflows.Retell(watchStories, e) }

var watchStories = map[string]workflows.Teller{
	evWatching: workflows.Tells(func(_ workflows.Event, b Watched) string {
		return "Keyholder began to look at who has access, every " + workflows.Span(b.Every) + "."
	}),
	evLooked:   workflows.TellsAlways("Keyholder looked who has access."),
	evLookSoon: workflows.TellsAlways("Keyholder was asked to look again, and does so as soon as it may."),
	evBaseline: workflows.Tells(func(_ workflows.Event, b baseline) string {
		return "The first reading, with " + workflows.Plural(len(b.Users), "user") + "; later ones are compared with it."
	}),
	evDifferences: workflows.Tells(func(_ workflows.Event, b differences) string {
		out := []string{"The users were read."}
		count := func(n int, what string) {
			if n > 0 {
				out = append(out, workflows.Plural(n, "difference")+" "+what+".")
			}
		}
		count(len(b.Explained), "explained by decisions")
		for _, key := range slices.Sorted(maps.Keys(b.Renamed)) {
			out = append(out, "A user has another address by now: "+workflows.Esc(b.Renamed[key].Email)+".")
		}
		count(len(b.Opened), "not explained, with a card each")
		count(len(b.Moved), "shown anew on their cards")
		count(len(b.Back), "gone again")
		count(len(b.Waiting), "waiting for a card")
		return joinWords(out)
	}),
	evUnread: workflows.Tells(func(_ workflows.Event, b refusal) string {
		return "The users could not be read (" + workflows.Esc(b.Code) + ")" + said(b.Message) + "."
	}),
	evDecided: workflows.Tells(func(_ workflows.Event, b decided) string {
		return "The difference of " + workflows.Esc(b.Email) + " was decided."
	}),
	evTaking: workflows.Tells(tookIt),
	evAllExpected: workflows.Tells(func(e workflows.Event, _ none) string {
		return workflows.Mention(e.By.ID) + " took everything that waited as expected."
	}),
	evUnwatched: workflows.TellsAlways("The environment is no longer configured with a token, so nobody looks any more."),
}
