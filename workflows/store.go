package workflows

import (
	"context"
	"time"

	"github.com/keyholder/keyholder/workflows/chain"
)

// Kinds of records.
const (
	KindWorkflow = "workflow"
	KindAccount  = "account"
	KindPerson   = "person"
	KindLedger   = "ledger"
)

// Ref names a record, as chains do. A workflow's ID carries its shard; accounts, persons and ledgers hash to theirs
// ([ShardOf]).
type Ref = chain.Ref

// Record is a stored record. Version 0 means that it does not exist.
type Record struct {
	Ref     Ref
	Version uint64 // the sequence number of the last event
	// Machine and Schema say who wrote State ("account" and "person" for those kinds).
	Machine string
	Schema  int
	State   []byte    // exact bytes
	Head    string    // hex digest: the chain's last link
	Last    time.Time // of the last event
	// Doubt says what of the above is not as Keyholder stored it; empty: nothing, as far as a seal can tell.
	Doubt Doubt
}

// Doubt is what a record's seal does not vouch for. Where no seal key is set there is never any.
type Doubt string

const (
	// DoubtState: state, machine, schema or time. They are empty then, but for Last, which comes
	// from the last event; whoever reads the record folds it anew from its events
	// ([Records.Chain]).
	DoubtState Doubt = "state"
	// DoubtChain: version or head, so that nobody can tell which of its events are Keyholder's.
	// Nothing is decided on such a record.
	DoubtChain Doubt = "chain"
	// DoubtPlace: where a card stands. It counts as not posted.
	DoubtPlace Doubt = "place"
)

// RecordChange appends events to a record and replaces its state.
type RecordChange struct {
	From    Record // as loaded; its Version and Head are compared
	State   []byte
	Schema  int
	Machine string
	Events  []Event // Seq continues From.Version
	// Head is set by Commit: the chain's last link behind Events.
	Head string
}

// Change is committed whole or not at all. Workflow and account live on one shard; Person changes stand alone.
type Change struct {
	Records []RecordChange
	// Append are effects put at the end of their key's queue.
	Append []Effect
	// Ensure are effects put at the end of their key's queue unless that holds the very same: what
	// a workflow wants anyway and somebody may have removed.
	Ensure []Effect
	// Put are effects that replace whatever their key holds (cards, watches).
	Put []Effect
	// Drop are keys whose queue is emptied (watches that ended).
	Drop []string
	// Stale are cards of Workflow ([PlaceName]) that are drawn again although nothing changed.
	Stale []string
	// TimersSet and TimersGone are matched by workflow, name and time.
	TimersSet, TimersGone []Timer
	// WaitingFor and NotWaitingFor say who waits or no longer waits for Workflow.
	Workflow                  string
	WaitingFor, NotWaitingFor []string
	// Account and Open keep the index of open workflows: +1 opened, -1 closed, 0 unchanged.
	Account string
	Open    int
	// Since is when Workflow opened, for these lists, where the change has no event of that time;
	// zero: the first event's time.
	Since time.Time
	// At is when the change was decided, by this machine's clock: a change of a time that is ahead
	// of the store's own is refused ([ErrAway]). Zero: nobody says.
	At time.Time
	// Answers is the claim that the change answers, removed with it. A claim lost meanwhile is [ErrConflict].
	Answers *Claim
}

// Records is what the desk needs of a store.
type Records interface {
	// Load answers the records in the order asked, in one round trip per shard. A missing one has Version 0.
	Load(ctx context.Context, refs ...Ref) ([]Record, error)
	// Confirm makes sure that what was read of a record survives a failover, as a commit does for
	// what it stores: [ErrUnclear] where no replica says so. Where nothing is replicated it does
	// nothing.
	Confirm(ctx context.Context, ref Ref) error
	// Commit stores a change in one atomic call. Errors: [ErrConflict]; [ErrUnclear] when it may or may not be stored.
	Commit(ctx context.Context, c Change) error
	// Events answers the events of a record with Seq > after, oldest first. An erased event has a nil Body.
	Events(ctx context.Context, ref Ref, after uint64) ([]Event, error)
	// Chain answers the events that a loaded record stands on, from the first to its version, with
	// every link recomputed up to its head. [ErrDoubted] when they are others. An erased event has
	// a nil Body.
	Chain(ctx context.Context, rec Record) ([]Event, error)
	// Tail answers the events of a loaded record from the number first to its version, their links
	// recomputed up to its head, as [Records.Chain].
	Tail(ctx context.Context, rec Record, first uint64) ([]Event, error)
	// Waiting lists the open workflows that wait for a person; Open those of an account, oldest first.
	Waiting(ctx context.Context, person string) ([]string, error)
	Open(ctx context.Context, account string) ([]string, error)
	// Places answers where a workflow's cards stand, by [PlaceName]. Shown is empty for one that is to be drawn again.
	Places(ctx context.Context, workflow string) (map[string]Place, error)
	// Place answers where a workflow's card stands; ok false: not posted (yet).
	Place(ctx context.Context, workflow, name, recipient string) (Place, bool, error)
	// Shards is the number of shards, fixed at first use.
	Shards() int
}

// PlaceName names a card within its workflow.
func PlaceName(name, recipient string) string { return name + "/" + recipient }

// Effects is what the courier needs of a store. All times are real time, of this machine's clock,
// which the store compares with its own at start.
type Effects interface {
	// ClaimEffects leases up to max due effects for [LeaseFor]: at most one per key, people's lane
	// first, none whose destination is held back. With shards only those are looked at: where
	// something was written a moment ago.
	ClaimEffects(ctx context.Context, real time.Time, max int, shards ...int) ([]Claim, error)
	// Extend prolongs a lease to real+LeaseFor and answers the new end; [ErrLeaseLost] when it is no longer ours.
	Extend(ctx context.Context, c Claim, real time.Time) (time.Time, error)
	// Finish ends a claim without a change of records. [ErrLeaseLost] when it is no longer ours:
	// then nothing was written.
	Finish(ctx context.Context, c Claim, f Finish) error
	// SavePlace writes where a card stands, while the claim of its workflow's cards is ours;
	// [ErrLeaseLost] when it is no longer.
	SavePlace(ctx context.Context, c Claim, name, recipient string, p Place) error
	// HoldBack lets nothing for the destination be claimed before until.
	HoldBack(ctx context.Context, destination string, until time.Time) error
}

// Finish says how a claim ended.
type Finish struct {
	// Places are written where cards stand ([PlaceName]), before all else.
	Places map[string]Place
	// Done removes the effect. One that was replaced meanwhile stays due; a watch stays, due at NotBefore.
	Done bool
	// Move puts the effect, if it stays, at the end of the queue of this key, unless that holds the
	// very same: out of the way of others, or back.
	Move string
	// NotBefore is when the effect is due again, if it stays.
	NotBefore time.Time
	// Failed counts as an attempt.
	Failed bool
}

// Timers is what the clock needs of a store.
type Timers interface {
	// ClaimTimers leases, for [LeaseFor] of real time, up to fresh timers due at now (time of
	// commands) and up to again timers whose lease ended without an answer; Attempts of these is 1.
	// Neither kind takes the place of the other. With shards only those are looked at.
	ClaimTimers(ctx context.Context, now, real time.Time, fresh, again int, shards ...int) ([]Claim, error)
	// Finish gives a timer's claim back, due again at NotBefore; [ErrLeaseLost] when it is no longer ours.
	Finish(ctx context.Context, c Claim, f Finish) error
	// DropTimer removes a timer that nobody wants any more.
	DropTimer(ctx context.Context, c Claim) error
}

// Store is the whole seam; package store implements it.
type Store interface {
	Records
	Effects
	Timers
}

// LeaseFor is how long a claim lasts: an effect whose courier died is taken over within 10 s.
const LeaseFor = 8 * time.Second

// LeaseMargin is what must be left of a lease to start an outward call, whose own time-out is [CallTimeout].
const (
	LeaseMargin = 6 * time.Second
	CallTimeout = 5 * time.Second
)

// KeptPlace is a stored place of a card. Doubt is true where a seal does not vouch for it.
type KeptPlace struct {
	Workflow, Name, Recipient string
	Place                     Place
	Doubt                     bool
}

// Kept is what a store keeps beside its records: what is due, who is waited for, what is open, where cards stand.
type Kept struct {
	Effects []Effect // with Key and Lane
	Timers  []Timer
	Waiting map[string][]string // by person: workflows
	Open    map[string][]string // by account: workflows
	Places  []KeptPlace
	// Unlisted are records that exist and are not in the index; Strange are keys that nobody here writes.
	Unlisted []Ref
	Strange  []string
}

// AccountInfo is an account as configured and as recorded.
type AccountInfo struct {
	Policy Policy
	State  AccountState
}

// Overview is one workflow in a line.
type Overview struct {
	ID, Machine          string
	Account, AccountName string
	Title, Stage         string
	Closed               bool
	Opened               time.Time
	Waiting              []string
	// AskedBy is whoever asked for it, where somebody did ([Requested]).
	AskedBy string
}

// Requested is the state of something that a person asked for.
type Requested interface {
	State
	// AskedBy is their Slack ID.
	AskedBy() string
}

// StoryLine is one event retold.
type StoryLine struct {
	At   time.Time
	By   Actor
	Text string // mrkdwn
}
