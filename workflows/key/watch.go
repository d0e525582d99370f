package key

import (
	"maps"
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Commands of the watch of an account's key, given by Keyholder alone.
const (
	// WatchRequest opens it, LookAgain has it look at people and policy now: at each start, and
	// when Slack says that somebody of this workspace has changed.
	WatchRequest = "keywatch.request"
	LookAgain    = "keywatch.look"
)

// drillOver tells the watch that a drill has ended.
var drillOver = workflows.Message[workflows.None]{Command: "keywatch.drilled"}

// Bounds of matching.
const (
	// overlap is how far each reading of the audit log reaches back behind the last one: entries
	// come late, and clocks differ.
	overlap = 15 * time.Minute
	// tolerance is how far outside an expected time a sign-in may be and still belong to it.
	tolerance = 5 * time.Minute
	// seenAtMost bounds how many entries a state remembers; more within a day means that the
	// account is signed in to every few minutes, and the oldest are older than any reading reaches.
	seenAtMost = 2000
	// soonest keeps a watch from reading without a pause.
	soonest = time.Second
)

// WatchPlan is what of the policy a watch goes by.
type WatchPlan struct {
	AccountName string        `json:"account_name"`
	Every       time.Duration `json:"every"`
	DrillEvery  time.Duration `json:"drill_every"`
	Token       bool          `json:"token,omitempty"`
	Channel     string        `json:"channel,omitempty"`
}

func watchPlan(p workflows.Policy) WatchPlan {
	return WatchPlan{AccountName: p.Name, Every: max(p.Key.WatchEvery, soonest), DrillEvery: p.Key.DrillEvery,
		Token: p.Token, Channel: p.Channel}
}

// Gone is a holder or keeper who was found deactivated.
type Gone struct {
	Person string    `json:"person"`
	What   []string  `json:"what"` // what rests on them, a phrase each
	At     time.Time `json:"at"`
}

// WatchState is all that the watch of an account's key knows, the fold of its events.
type WatchState struct {
	workflows.Head
	WatchPlan
	Owner string `json:"owner"`
	// Baseline is when the audit log was first read; zero: not yet. Read is the beginning of the
	// last reading that is on record, Seen the entries that the next ones may show again, by ID.
	Baseline time.Time            `json:"baseline,omitzero"`
	Read     time.Time            `json:"read,omitzero"`
	Seen     map[string]time.Time `json:"seen,omitempty"`
	Known    string               `json:"known,omitempty"` // the mark of that reading
	// Unwatched is since when the log cannot be read, Code why.
	Unwatched time.Time `json:"unwatched,omitzero"`
	Code      string    `json:"code,omitempty"`
	// NextDrill is when the next drill opens by itself; zero: never.
	NextDrill time.Time `json:"next_drill,omitzero"`
	Looked    time.Time `json:"looked,omitzero"`
	// Gone are those who were told of and are still gone, Told whom.
	Gone []Gone   `json:"gone,omitempty"`
	Told []string `json:"told,omitempty"`
}

// Title implements workflows.State. It is empty: this is Keyholder's own work.
func (s WatchState) Title() string { return "" }

// Bodies of the events of a watch.
type (
	watchOpened struct {
		workflows.Opening
		WatchPlan
		Owner string    `json:"owner"`
		Drill time.Time `json:"drill,omitzero"`
	}
	watchLooked struct {
		WatchPlan
		Owner string    `json:"owner"`
		Drill time.Time `json:"drill,omitzero"`
	}
	watchRead struct {
		Since   time.Time          `json:"since"`
		Until   time.Time          `json:"until"`
		Mark    string             `json:"mark,omitempty"`
		Entries []workflows.SignIn `json:"entries,omitempty"` // all of the reading
		// Belong says of each new entry which workflow it was told to, by the entry's ID.
		Belong map[string]string `json:"belong,omitempty"`
		First  bool              `json:"first,omitempty"` // the baseline
	}
	watchUnread struct {
		Code    string   `json:"code"`
		Message string   `json:"message,omitempty"`
		To      []string `json:"to,omitempty"`
	}
	watchGone struct {
		Gone []Gone   `json:"gone"` // all who are gone now
		New  []string `json:"new,omitempty"`
		To   []string `json:"to,omitempty"`
	}
	watchDrill struct {
		Drill string    `json:"drill,omitempty"` // the one that was opened; empty: none could be
		Why   string    `json:"why,omitempty"`
		Next  time.Time `json:"next,omitzero"`
	}
)

type watchKind[B any] = workflows.Kind[WatchState, B]

var (
	evWatchOpened = watchKind[watchOpened]{
		Type: "keywatch.opened",
		Fold: func(s *WatchState, e workflows.Event, b watchOpened) {
			s.Head.Open(b.Opening, "watching", e)
			s.WatchPlan, s.Owner, s.NextDrill, s.Looked = b.WatchPlan, b.Owner, b.Drill, e.At
		},
		Tell: workflows.Told[watchOpened]("Keyholder began to look after the owner's sign-in."),
	}
	evWatchLooked = watchKind[watchLooked]{
		Type: "keywatch.looked",
		Fold: func(s *WatchState, e workflows.Event, b watchLooked) {
			if b.Owner != s.Owner { // the sign-ins of another address: a new beginning
				s.Baseline, s.Read, s.Seen, s.Known = time.Time{}, time.Time{}, nil, ""
			}
			s.WatchPlan, s.Owner, s.NextDrill, s.Looked = b.WatchPlan, b.Owner, b.Drill, e.At
			if !b.Token {
				s.Unwatched, s.Code = time.Time{}, ""
			}
		},
		Tell: workflows.Told[watchLooked]("Keyholder looked who can use the key."),
	}
	evWatchRead = watchKind[watchRead]{
		Type: "keywatch.read",
		Fold: foldWatchRead,
		Tell: func(_ workflows.Event, b watchRead) string {
			if b.First {
				return "The owner's sign-ins were read for the first time; later ones are explained or asked about."
			}
			if len(b.Belong) == 0 {
				return "The owner's sign-ins were read: nothing new."
			}
			return "The owner's sign-ins were read: " + workflows.Plural(len(b.Belong), "new one") + "."
		},
	}
	evWatchUnread = watchKind[watchUnread]{
		Type: "keywatch.unread",
		Fold: func(s *WatchState, e workflows.Event, b watchUnread) {
			s.Unwatched, s.Code = e.At, b.Code
			s.Told = workflows.Union(s.Told, b.To)
			s.Ask()
		},
		Tell: func(_ workflows.Event, b watchUnread) string {
			return "The owner's sign-ins can no longer be read (" + workflows.Esc(b.Code) + ")."
		},
	}
	evWatchGone = watchKind[watchGone]{
		Type: "keywatch.gone",
		Fold: func(s *WatchState, e workflows.Event, b watchGone) {
			s.Gone, s.Told, s.Looked = b.Gone, workflows.Union(s.Told, b.To), e.At
			s.Ask()
		},
		Tell: func(_ workflows.Event, b watchGone) string {
			if len(b.New) == 0 {
				return "Somebody who was deactivated in Slack is back."
			}
			return workflows.Mentions(b.New) +
				", of those who hold the key, deactivated in Slack: the administrators were told."
		},
	}
	evWatchDrill = watchKind[watchDrill]{
		Type: "keywatch.drill",
		Fold: func(s *WatchState, _ workflows.Event, b watchDrill) { s.NextDrill = b.Next },
		Tell: func(_ workflows.Event, b watchDrill) string {
			switch {
			case b.Drill != "":
				return "The time for a drill had come: `" + workflows.Esc(b.Drill) + "`."
			case b.Why != "":
				return "The time for a drill had come, and there was none: " + workflows.Esc(b.Why) + "."
			}
			return "A drill has ended; the next one follows in its time."
		},
	}
)

var watchKinds = workflows.NewKinds(nil, nil, evWatchOpened, evWatchLooked, evWatchRead, evWatchUnread, evWatchGone,
	evWatchDrill)

// foldWatchRead keeps what the next reading may show again.
func foldWatchRead(s *WatchState, _ workflows.Event, b watchRead) {
	if b.First {
		s.Baseline = b.Until
	}
	s.Read, s.Known, s.Unwatched, s.Code = b.Until, b.Mark, time.Time{}, ""
	seen := maps.Clone(s.Seen)
	if seen == nil {
		seen = map[string]time.Time{}
	}
	for _, entry := range b.Entries {
		seen[entry.ID] = entry.At
	}
	oldest := b.Until.Add(-2 * overlap)
	maps.DeleteFunc(seen, func(_ string, at time.Time) bool { return at.Before(oldest) })
	if len(seen) > seenAtMost {
		ids := slices.SortedFunc(maps.Keys(seen), func(x, y string) int { return seen[x].Compare(seen[y]) })
		for _, id := range ids[:len(ids)-seenAtMost] {
			delete(seen, id)
		}
	}
	s.Seen = seen
}
