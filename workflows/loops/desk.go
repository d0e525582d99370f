package loops

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
)

// DeskOptions wire a Desk. All but Log and Wake are required.
type DeskOptions struct {
	Store    workflows.Records
	Machines []workflows.Machine
	Roster   workflows.Roster
	Policies workflows.Policies
	// Now is the time of commands. RealNow is this machine's clock, for the age of facts; nil: Now.
	Now, RealNow func() time.Time
	Log          zerolog.Logger
	// Wake is called after each commit, so that courier and clock need not wait for their next look. It must not block.
	Wake func(Woken)
	// Stages hears of load, decide and commit, for traces; nil: nobody does.
	Stages workflows.Stages
}

// Desk takes every command through load, facts, decide and commit. It is safe for concurrent use,
// by several processes too: the store's version check lets one of two simultaneous changes win, and
// the other decides again.
type Desk struct {
	o        DeskOptions
	real     bool // RealNow was given, so the store can compare times with its own
	machines map[byte]workflows.Machine
	names    map[string]workflows.Machine

	mu sync.Mutex
	// turns keep commands of one workflow from racing each other inside this process; correctness
	// rests on the store alone.
	turns    map[string]*turn
	accounts map[string]string // workflow -> account, which never changes

	kept   kept
	givers givers
}

// NewDesk makes a desk.
func NewDesk(o DeskOptions) *Desk {
	real := o.RealNow != nil
	if !real {
		o.RealNow = o.Now
	}
	if o.Wake == nil {
		o.Wake = func(Woken) {}
	}
	d := &Desk{o: o, real: real, machines: map[byte]workflows.Machine{}, names: map[string]workflows.Machine{},
		accounts: map[string]string{},
		turns:    map[string]*turn{}}
	for _, m := range o.Machines {
		d.machines[m.Letter()] = m
		d.names[m.Name()] = m
	}
	return d
}

// MachineOf finds the machine of a workflow by its ID's letter. Errors: [workflows.ErrNoWorkflow]; with
// [workflows.ErrNewer] where the letter is none of this version's.
func (d *Desk) machineOf(workflow string) (workflows.Machine, error) {
	letter, _, ok := workflows.ParseID(workflow)
	if !ok {
		return nil, fmt.Errorf("find %.40q: %w", workflow, workflows.ErrNoWorkflow)
	}
	m := d.machines[letter]
	if m == nil {
		return nil, fmt.Errorf("find %.40q: %w: %w", workflow, workflows.ErrNoWorkflow, workflows.ErrNewer)
	}
	return m, nil
}

// maxTries bounds how often one command is decided again because its record moved on meanwhile.
const maxTries = 32

// Do decides one command and makes the decision durable. The reply is for the person who gave it.
// Errors: [*Refusal] for a person; [workflows.ErrNoWorkflow]; [workflows.ErrUnclear] when it may or may not be stored;
// [workflows.ErrAway] and [workflows.ErrStaleFacts] when nothing was stored; the context's.
func (d *Desk) Do(ctx context.Context, cmd workflows.Command) (workflows.Reply, error) {
	m, err := d.machineOf(cmd.Workflow)
	if err != nil {
		return workflows.Reply{}, err
	}
	leave, err := d.enter(ctx, cmd.Workflow)
	if err != nil {
		return workflows.Reply{}, fmt.Errorf("decide %s: %w", cmd.Name, err)
	}
	defer leave()
	fresh := false
	for range maxTries {
		if ctx.Err() != nil {
			return workflows.Reply{}, fmt.Errorf("decide %s: %w", cmd.Name, ctx.Err())
		}
		var reply workflows.Reply
		reply, err = d.try(ctx, m, cmd, fresh)
		if errors.Is(err, workflows.ErrConflict) || errors.Is(err, errFresh) {
			fresh = true
			continue
		}
		return reply, err
	}
	return workflows.Reply{}, fmt.Errorf("decide %s after %d tries: %w", cmd.Name, maxTries, err)
}

// turn is the right to decide for one workflow in this process, and how many have or want it.
type turn struct {
	free  chan struct{} // holds one token while nobody has it
	users int
}

// enter waits for the turn of a workflow, at most until ctx ends: who waits for something slow
// there (as for Slack to say who somebody is) keeps nobody waiting elsewhere. leave gives the turn
// back.
func (d *Desk) enter(ctx context.Context, workflow string) (leave func(), err error) {
	d.mu.Lock()
	t := d.turns[workflow]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		d.turns[workflow] = t
	}
	t.users++
	d.mu.Unlock()
	out := func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(d.turns, workflow)
		}
	}
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; out() }, nil
	case <-ctx.Done():
		out()
		return nil, ctx.Err()
	}
}

// try is one round: load, facts, decide, commit. Unless fresh, it begins with records as they are
// kept, if they are. A machine that panics decides nothing.
func (d *Desk) try(ctx context.Context, m workflows.Machine, cmd workflows.Command, fresh bool) (reply workflows.Reply,
	err error) {
	defer func() {
		if p := recover(); p != nil {
			d.o.Log.Error().Interface(workflows.LogPanic, p).Str(workflows.LogWorkflow, cmd.Workflow).Bytes("stack",
				debug.Stack()).Msg("deciding stopped")
			reply, err = workflows.Reply{}, fmt.Errorf("decide %s: the program stumbled: %v", cmd.Name, p)
		}
	}()
	given := cmd.At
	loading, loaded := d.o.Stages.Begin(ctx, workflows.StageLoad)
	at, err := d.open(loading, m, &cmd, fresh)
	about := workflows.About{Workflow: cmd.Workflow, Machine: m.Name(), Command: cmd.Name, Account: cmd.Account}
	loaded(about, err)
	if err != nil {
		return workflows.Reply{}, err
	}
	if at.done {
		if cmd.Actor.Kind != workflows.ByPerson {
			return workflows.Reply{}, nil
		}
		return workflows.Reply{Text: "Already asked: `" + cmd.Workflow +
			"`. It counts once; sending the form again changed nothing.", Link: cmd.Workflow}, nil
	}
	if at.state.Opened() {
		at.view = m.View(at.state)
	}
	if cmd.Timer != nil && !wants(at.view, *cmd.Timer) {
		if at.kept {
			return workflows.Reply{}, errFresh
		}
		gone := workflows.Change{Workflow: cmd.Workflow, TimersGone: []workflows.Timer{*cmd.Timer}}
		d.dated(&gone, given)
		return workflows.Reply{}, d.commit(ctx, gone)
	}
	d.rearm(ctx, at, cmd)
	deciding, decided := d.o.Stages.Begin(ctx, workflows.StageDecide)
	decision, err := d.decide(deciding, m, cmd, at)
	decided(about, err)
	if at.kept && err != nil && !passing(err) {
		return workflows.Reply{}, errFresh
	}
	if err != nil {
		if cerr := d.confirmed(ctx, cmd); cerr != nil {
			return workflows.Reply{}, cerr // the refusal may speak of what is recorded
		}
		return workflows.Reply{}, d.refused(ctx, cmd, at, err)
	}
	change, err := d.change(m, cmd, at, decision)
	if err != nil {
		return workflows.Reply{}, err
	}
	d.dated(change, given)
	if at.kept {
		if change == nil || len(change.Records) == 0 {
			return workflows.Reply{}, errFresh
		}
		compared(change, at.record)
	}
	if change == nil {
		return decision.Reply, d.confirmed(ctx, cmd)
	}
	if err := d.steppedUp(m, cmd, at, change); err != nil {
		return workflows.Reply{}, err
	}
	err = d.commit(ctx, *change)
	if errors.Is(err, workflows.ErrConflict) || errors.Is(err, workflows.ErrUnclear) {
		// An earlier try of this very command may have been stored after all.
		if len(decision.Events) > 0 {
			if held, herr := d.holds(ctx, cmd, at.workflow.Version); held {
				return decision.Reply, herr
			}
		}
	}
	return decision.Reply, err
}

// dated says by this machine's clock when a change was decided: given is the command's own time,
// which the demo moves.
func (d *Desk) dated(c *workflows.Change, given time.Time) {
	if c != nil && d.real {
		c.At = given.Add(d.o.RealNow().Sub(d.o.Now()))
	}
}

// decide asks the machine. A call that is answered while the machine has nothing to say to it, is
// answered all the same.
func (d *Desk) decide(ctx context.Context, m workflows.Machine, cmd workflows.Command, at scene) (workflows.Decision,
	error) {
	if cmd.Name == cmdAnswered {
		return workflows.Decision{}, nil
	}
	needs := m.Needs(at.state, cmd, at.policy, at.account)
	facts, err := d.facts(ctx, needs, at)
	if err != nil {
		return workflows.Decision{}, err
	}
	d.givers.note(cmd, facts.Expand(needs.Delegations))
	decision, err := m.Decide(at.state, cmd, facts)
	var refused *workflows.Refusal
	if errors.As(err, &refused) && settles(cmd) {
		d.o.Log.Error().Err(err).Str(workflows.LogEffect, cmd.Answers.Effect.ID).Msg("the receipt has no taker")
		return workflows.Decision{}, nil
	}
	return decision, err
}

// refused shows the person's card again where the refusal asks for it, and answers the refusal.
func (d *Desk) refused(ctx context.Context, cmd workflows.Command, at scene, err error) error {
	var r *workflows.Refusal
	if errors.As(err, &r) && r.Refresh && cmd.Actor.Kind == workflows.ByPerson {
		if c := refreshed(cmd, at, []string{cmd.Actor.ID}); c != nil {
			if cerr := d.commit(ctx, *c); cerr != nil {
				d.o.Log.Warn().Err(cerr).Msg("refresh a card")
			}
		}
	}
	return err
}

// scene is what was loaded for one try.
type scene struct {
	workflow, record workflows.Record // record is the account's
	state            workflows.State
	view             workflows.View // what the state shows; empty before it is opened
	account          workflows.AccountState
	policy           workflows.Policy
	people           map[string]workflows.Record // records of people that were loaded along with these
	done             bool                        // an opening command that is stored already
	kept             bool                        // the records are as this process knew them last
}

// open loads the workflow and its account, and brings the command's account and time into order.
func (d *Desk) open(ctx context.Context, m workflows.Machine, cmd *workflows.Command, fresh bool) (scene, error) {
	var s scene
	opening := cmd.Name == m.Name()+".request"
	account := cmd.Account
	if account == "" || !opening {
		account = d.accountOf(cmd.Workflow)
	}
	refs := []workflows.Ref{workflows.RecordRef(cmd.Workflow)}
	if account != "" {
		refs = append(refs, workflows.Ref{Kind: workflows.KindAccount, ID: account})
	}
	var recs []workflows.Record
	if !fresh && !opening {
		recs, s.kept = d.both(cmd.Workflow, account)
	}
	var err error
	if !s.kept {
		guess := *cmd
		guess.Account = account
		recs, s.people, err = d.loadScene(ctx, guess, refs...)
	}
	if err != nil {
		return s, fmt.Errorf("load %s: %w", cmd.Workflow, err)
	}
	s.workflow = recs[0]
	if s.workflow.Version == 0 && !opening {
		return s, fmt.Errorf("find %s: %w", cmd.Workflow, workflows.ErrNoWorkflow)
	}
	if s.workflow.Version > 0 && opening {
		held, err := d.holds(ctx, *cmd, 0)
		if err != nil {
			return s, err
		}
		if held {
			s.done = true
			return s, nil
		}
		return s, fmt.Errorf("open %s: the ID is taken: %w", cmd.Workflow, workflows.ErrNoWorkflow)
	}
	if s.state, err = d.state(ctx, m, s.workflow); err != nil {
		return s, err
	}
	if account == "" {
		account = s.state.Account()
	}
	d.remember(cmd.Workflow, account)
	if account == "" { // the ledger is nobody's
		recs = append(recs, workflows.Record{})
	}
	if len(recs) == 1 {
		guess := *cmd
		guess.Account = account
		var more []workflows.Record
		more, s.people, err = d.loadScene(ctx, guess, workflows.Ref{Kind: workflows.KindAccount, ID: account})
		if err != nil {
			return s, fmt.Errorf("load account %s: %w", account, err)
		}
		recs = append(recs, more[0])
	}
	cmd.Account = account
	s.record = recs[1]
	s.policy, _ = d.o.Policies.Policy(account)
	if s.policy.ID == "" {
		s.policy.ID = account
	}
	if s.account, err = d.account(ctx, s.record, s.policy); err != nil {
		return s, err
	}
	cmd.At = cmd.At.UTC().Truncate(time.Millisecond)
	if cmd.At.Before(s.workflow.Last) {
		cmd.At = s.workflow.Last
	}
	if cmd.At.Before(s.record.Last) {
		cmd.At = s.record.Last
	}
	return s, nil
}

// state decodes a record, folding it anew from its events when it was written under an older schema.
func (d *Desk) state(ctx context.Context, m workflows.Machine, r workflows.Record) (workflows.State, error) {
	if r.Version == 0 && r.Doubt == "" {
		return m.New(), nil
	}
	if r.Doubt == "" && r.Schema == m.Schema() {
		s, err := m.Decode(r.State)
		if err != nil {
			return nil, fmt.Errorf("decode state of %s: %w", r.Ref.ID, err)
		}
		return s, nil
	}
	if r.Schema > m.Schema() {
		return nil, fmt.Errorf("read the state of %s (schema %d, this version knows %d): %w", r.Ref.ID, r.Schema,
			m.Schema(), workflows.ErrNewer)
	}
	events, err := workflows.ChainOf(ctx, d.o.Store, r)
	if err != nil {
		return nil, err
	}
	s, err := workflows.Fold(m, events)
	if errors.Is(err, workflows.ErrUnknownEvent) {
		err = fmt.Errorf("%w: %w", err, workflows.ErrNewer)
	}
	if err != nil {
		return nil, fmt.Errorf("fold %s: %w", r.Ref.ID, err)
	}
	return s, nil
}

// account decodes an account's record; one that does not exist yet is what the configuration says.
func (d *Desk) account(ctx context.Context, r workflows.Record, p workflows.Policy) (workflows.AccountState, error) {
	if r.Version == 0 && r.Doubt == "" {
		return workflows.AccountState{ID: p.ID, Owner: p.Owner, By: workflows.ByConfiguration}, nil
	}
	return d.accountState(ctx, r)
}

func wants(v workflows.View, t workflows.Timer) bool {
	for _, w := range v.Timers {
		if w.Name == t.Name && w.At.Equal(t.At) {
			return true
		}
	}
	return false
}

// commit stores a change.
func (d *Desk) commit(ctx context.Context, c workflows.Change) error {
	storing, stored := d.o.Stages.Begin(ctx, workflows.StageCommit)
	err := d.o.Store.Commit(storing, c)
	stored(workflows.About{Workflow: c.Workflow, Account: c.Account}, err)
	d.kept.learn(c, err)
	if err != nil {
		return fmt.Errorf("commit %s: %w", c.Workflow, err)
	}
	w := Woken{Shard: d.shardOf(c.Workflow), Effects: len(c.Append)+len(c.Put)+len(c.Ensure) > 0 || c.Answers != nil &&
		c.Answers.Timer == nil}
	now := d.o.Now()
	for _, t := range c.TimersSet {
		w.Timers = w.Timers || !t.At.After(now)
	}
	if c.Workflow != "" && (w.Effects || w.Timers) {
		d.o.Wake(w)
	}
	return nil
}

// Woken says where a commit may have made something due, for those who look.
type Woken struct {
	Shard           int
	Effects, Timers bool
}

// shardOf is the shard of a workflow, as the store has it.
func (d *Desk) shardOf(workflow string) int {
	shards := d.o.Store.Shards()
	if _, shard, ok := workflows.ParseID(workflow); ok && shard < shards {
		return shard
	}
	return workflows.ShardOf(workflow, shards)
}

// holds reports whether an event after a version carries the command's ID: then an earlier try was stored.
func (d *Desk) holds(ctx context.Context, cmd workflows.Command, after uint64) (bool, error) {
	events, err := d.o.Store.Events(ctx, workflows.RecordRef(cmd.Workflow), after)
	if err != nil {
		return false, fmt.Errorf("look for what was asked: %w", err)
	}
	for _, e := range events {
		if e.Command == cmd.ID {
			// A master that was cut off from its replicas shows what it alone has.
			return true, d.o.Store.Confirm(ctx, workflows.RecordRef(cmd.Workflow))
		}
	}
	return false, nil
}

// confirmed makes sure that what a person is told about the record, without anything being stored, outlives a failover.
func (d *Desk) confirmed(ctx context.Context, cmd workflows.Command) error {
	if cmd.Actor.Kind != workflows.ByPerson {
		return nil
	}
	return d.o.Store.Confirm(ctx, workflows.RecordRef(cmd.Workflow))
}

// maxRemembered bounds the cache of accounts; it is emptied when full, for it costs one more round trip only.
const maxRemembered = 10_000

func (d *Desk) accountOf(workflow string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.accounts[workflow]
}

func (d *Desk) remember(workflow, account string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.accounts) >= maxRemembered {
		clear(d.accounts)
	}
	d.accounts[workflow] = account
}
