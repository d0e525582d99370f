package drift

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// Stages of a watcher; the last is its end.
const (
	Reading  = "reading"
	Watching = "watching"
	Ended    = "ended"
)

// Begin opens the watcher of an environment; only Keyholder itself can.
var Begin = workflows.Message[Beginning]{Command: "drift.request"}

// Beginning is the body of [Begin]. "" is production.
type Beginning struct {
	Environment string `json:"environment,omitempty"`
}

// WatchLook is the command by which Keyholder has a watcher look now; within a second of its last
// look, at the end of that.
const WatchLook = "drift.look"

// findingOver tells a watcher that a finding was decided, and what its card showed then.
var findingOver = workflows.Message[overFinding]{Command: "drift.closed"}

type overFinding struct {
	Finding string `json:"finding"`
	User    string `json:"user"` // [userKey]
	Now     string `json:"now"`
}

// Bounds of a watcher.
const (
	lookEvery      = time.Second
	lookAtLeast    = time.Minute // a reading is tried that long, however often it looks
	findingsAnHour = 20
	settlingAtMost = 8 * 24 * time.Hour // for how long a transfer explains what the previous owner has
	lookAgain      = "again"            // a mark that no census has: whatever is read is worth knowing
)

// Names of timers.
const (
	timerLook = "look" // in the time of commands: a process that was down looks when it is back
	timerHour = "hour" // more cards may be written
)

// Watched is what the opening event of a watcher fixes.
type Watched struct {
	AccountName string        `json:"account_name"`
	Environment string        `json:"environment,omitempty"` // "" is production
	Every       time.Duration `json:"every"`
}

// had is one user as they were seen, or explained, last. Users are kept by [userKey]: addresses
// change.
type had struct {
	Email string            `json:"email"`
	Mark  string            `json:"mark"`
	Who   workflows.UserRef `json:"who,omitzero"`
}

// standing is a finding that is open, or a difference that waits for one.
type standing struct {
	Finding string `json:"finding,omitempty"`
	Given   string `json:"given,omitempty"` // the decision that there was when it was opened
	Was     string `json:"was"`
	Now     string `json:"now"`

	Email string            `json:"email"`
	Who   workflows.UserRef `json:"who,omitzero"`
}

// WatchState is all that a watcher knows, the fold of its events: who had what when it last looked.
type WatchState struct {
	workflows.Head
	Watched
	Told   []string  `json:"told,omitempty"`
	Looked time.Time `json:"looked,omitzero"` // when it last began to look
	Prev   time.Time `json:"prev,omitzero"`   // when it did before that
	Soon   bool      `json:"soon,omitempty"`  // it looks again as soon as it may
	Code   string    `json:"code,omitempty"`  // why it could not be read last time

	// Baseline is the time of the first reading; Base what each user had when it was last explained.
	Baseline time.Time      `json:"baseline,omitzero"`
	Base     map[string]had `json:"base,omitempty"`
	Known    string         `json:"known,omitempty"`

	Open    map[string]standing `json:"open,omitempty"`
	Waiting map[string]standing `json:"waiting,omitempty"`
	To      []string            `json:"to,omitempty"`
	Taking  question.Expected   `json:"taking"`
	Hour    time.Time           `json:"hour,omitzero"` // when the bound began to count
	Used    int                 `json:"used,omitempty"`
}

// Title implements [workflows.State]. It is empty: a watcher is Keyholder's own work, and lists of
// what is open leave it out.
func (s WatchState) Title() string { return "" }

func (s WatchState) where() string { return where(s.AccountName, s.Environment) }

// clone copies what folds change in place.
func (s WatchState) clone() WatchState {
	s.Base, s.Open, s.Waiting = maps.Clone(s.Base), maps.Clone(s.Open), maps.Clone(s.Waiting)
	s.Told = slices.Clip(s.Told)
	return s
}

// put keeps what somebody has; who is absent is not kept.
func (s *WatchState) put(key string, h had) {
	if h.Mark == workflows.Absent {
		delete(s.Base, key)
		return
	}
	if s.Base == nil {
		s.Base = map[string]had{}
	}
	s.Base[key] = h
}

// userKey names a user whatever their address is: the person's ID, else the record's, else what is
// left.
func userKey(who workflows.UserRef, email string) string {
	return cmp.Or(who.User, who.Record, strings.ToLower(email))
}

// Watcher is the machine that looks for drift: one workflow for each account and environment, opened
// by Keyholder itself.
func Watcher() workflows.Machine {
	return workflows.Rules[WatchState]{
		Name: "drift", Letter: workflows.LetterDrift, Schema: 1, Kinds: watchKinds,
		Needs: watchNeeds, Decide: decideWatcher, View: WatchState.view,
	}.Machine()
}

func watchNeeds(_ WatchState, cmd workflows.Command, p workflows.Policy, _ workflows.AccountState) workflows.Needs {
	var n workflows.Needs
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = append(n.People, cmd.Actor.ID)
	}
	if cmd.Name == workflows.CmdReceipt || cmd.Actor.Kind == workflows.ByPerson {
		n.People = workflows.Union(n.People, p.Admins, p.HolderIDs())
	}
	return n
}
