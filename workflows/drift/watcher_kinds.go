package drift

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// Bodies of the events of a watcher.
type (
	watching struct {
		workflows.Opening
		Watched
	}
	looked struct {
		Every time.Duration `json:"every"`
	}
	baseline struct {
		Known string         `json:"known"`
		Users map[string]had `json:"users"`
	}
	differences struct {
		Known     string              `json:"known"`
		Explained map[string]had      `json:"explained,omitempty"`
		Renamed   map[string]had      `json:"renamed,omitempty"` // users with another address and the same access
		Opened    map[string]standing `json:"opened,omitempty"`
		Moved     map[string]string   `json:"moved,omitempty"`   // open findings that show something else now
		Back      []string            `json:"back,omitempty"`    // open findings that are over
		Waiting   map[string]standing `json:"waiting,omitempty"` // all that wait
		To        []string            `json:"to,omitempty"`      // who is told of them
		Taking    question.Expected   `json:"taking"`            // the question whether they are taken as expected
		Hour      time.Time           `json:"hour,omitzero"`
		Used      int                 `json:"used,omitempty"`
	}
	unread struct {
		Code    string `json:"code"`
		Message string `json:"message,omitempty"`
	}
	decided struct {
		User  string `json:"user"` // [userKey]
		Email string `json:"email"`
		Now   string `json:"now"`
		Moved bool   `json:"moved,omitempty"` // it was something else again by then
	}
)

type watchKind[B any] = workflows.Kind[WatchState, B]

var watchKinds = workflows.NewKinds(WatchState.clone, nil, evWatching, evLooked, evLookSoon, evBaseline,
	evDifferences, evUnread, evDecided, evTaking, evAllExpected, evUnwatched)

var (
	evWatching = watchKind[watching]{
		Type: "drift.watching",
		Fold: func(s *WatchState, e workflows.Event, b watching) {
			s.Watched, s.Looked = b.Watched, e.At
			s.Head.Open(b.Opening, Reading, e)
		},
		Tell: func(_ workflows.Event, b watching) string {
			return workflows.Say("Keyholder began to look at who has access, every %l.", b.Every)
		},
	}
	evLooked = watchKind[looked]{
		Type: "drift.looked",
		Fold: func(s *WatchState, e workflows.Event, b looked) {
			s.Prev, s.Looked, s.Every, s.Soon = s.Looked, e.At, b.Every, false
		},
		Tell: workflows.Told[looked]("Keyholder looked who has access."),
	}
	evLookSoon = watchKind[workflows.None]{
		Type: "drift.soon",
		Fold: func(s *WatchState, _ workflows.Event, _ workflows.None) { s.Soon = true },
		Tell: workflows.Told[workflows.None]("Keyholder was asked to look again, and does so as soon as it may."),
	}
	evBaseline = watchKind[baseline]{
		Type: "drift.baseline",
		Fold: func(s *WatchState, e workflows.Event, b baseline) {
			s.Enter(Watching, e, time.Time{})
			s.Baseline, s.Base, s.Known, s.Code = e.At, b.Users, b.Known, ""
		},
		Tell: func(_ workflows.Event, b baseline) string {
			return workflows.Say("The first reading, with %n; later ones are compared with it.", len(b.Users), "user")
		},
	}
	evDifferences = watchKind[differences]{
		Type: "drift.read", Fold: foldDifferences,
		Tell: func(_ workflows.Event, b differences) string { return b.tell() },
	}
	evUnread = watchKind[unread]{
		Type: "drift.unread",
		Fold: func(s *WatchState, _ workflows.Event, b unread) { s.Code = b.Code },
		Tell: func(_ workflows.Event, b unread) string {
			return workflows.Say("The users could not be read (%s)", b.Code) + workflows.Quoted(b.Message) + "."
		},
	}
	evDecided = watchKind[decided]{
		Type: "drift.decided",
		Fold: func(s *WatchState, _ workflows.Event, b decided) {
			open := s.Open[b.User]
			delete(s.Open, b.User)
			s.put(b.User, had{Email: open.Email, Mark: b.Now, Who: open.Who})
			if b.Moved {
				s.Known = lookAgain
			}
		},
		Tell: func(_ workflows.Event, b decided) string {
			return workflows.Say("The difference of %s was decided.", b.Email)
		},
	}
	evTaking = watchKind[question.Took]{
		Type: "drift.taken",
		Fold: func(s *WatchState, _ workflows.Event, b question.Took) { s.Taking = s.Taking.Count(b) },
		Tell: func(_ workflows.Event, b question.Took) string { return b.Tell() },
	}
	evAllExpected = watchKind[workflows.None]{
		Type: "drift.expected",
		Fold: func(s *WatchState, _ workflows.Event, _ workflows.None) {
			for key, d := range s.Waiting {
				s.put(key, had{Email: d.Email, Mark: d.Now, Who: d.Who})
			}
			s.Waiting, s.Taking = nil, question.Expected{}
			s.Ask()
		},
		Tell: func(e workflows.Event, _ workflows.None) string {
			return workflows.Say("%m took everything that waited as expected.", e.By.ID)
		},
	}
	evUnwatched = watchKind[workflows.None]{
		Type: "drift.ended",
		Fold: func(s *WatchState, e workflows.Event, _ workflows.None) {
			s.Base, s.Open, s.Waiting = nil, nil, nil
			s.End(Ended, e)
		},
		Tell: workflows.Told[workflows.None]("The environment is no longer configured with a token, so nobody looks " +
			"any more."),
	}
)

func foldDifferences(s *WatchState, _ workflows.Event, b differences) {
	s.Known, s.Code = b.Known, ""
	for key, h := range b.Explained {
		s.put(key, h)
	}
	for key, h := range b.Renamed {
		s.put(key, h)
	}
	if s.Open == nil {
		s.Open = map[string]standing{}
	}
	maps.Copy(s.Open, b.Opened)
	for key, mark := range b.Moved {
		d := s.Open[key]
		d.Now = mark
		s.Open[key] = d
	}
	for _, key := range b.Back {
		delete(s.Open, key)
	}
	if !maps.Equal(s.Waiting, b.Waiting) {
		s.Ask()
		s.Taking = b.Taking
	}
	s.Waiting, s.Hour, s.Used = b.Waiting, b.Hour, b.Used
	if len(b.Waiting) > 0 {
		s.To = b.To
		s.Told = workflows.Union(s.Told, b.To)
	}
}

func (b differences) tell() string {
	out := []string{"The users were read."}
	count := func(n int, what string) {
		if n > 0 {
			out = append(out, workflows.Plural(n, "difference")+" "+what+".")
		}
	}
	count(len(b.Explained), "explained by decisions")
	for _, key := range slices.Sorted(maps.Keys(b.Renamed)) {
		out = append(out, workflows.Say("A user has another address by now: %s.", b.Renamed[key].Email))
	}
	count(len(b.Opened), "not explained, with a card each")
	count(len(b.Moved), "shown anew on their cards")
	count(len(b.Back), "gone again")
	count(len(b.Waiting), "waiting for a card")
	return strings.Join(out, " ")
}
