package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Commit implements [workflows.Records]: one script call. Errors: [workflows.ErrConflict] when a
// record, a claim or a card's workflow has moved on; [workflows.ErrUnclear] when the change may or
// may not be stored; [workflows.ErrAway] when it is not; [ErrMisuse] when it cannot be.
func (s *Store) Commit(ctx context.Context, c workflows.Change) error {
	if s.Standing() == SealedElsewhere {
		return fmt.Errorf("commit: %w", ErrSealed)
	}
	call, err := s.commitCall(c)
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	s.run(ctx, true, call)
	if call.err != nil {
		return written("commit", call.err)
	}
	answer, _ := call.reply.([]any)
	switch {
	case len(answer) == 1 && answer[0] == "ok":
		return nil
	case len(answer) == 2 && answer[0] == "conflict":
		return fmt.Errorf("commit: %w (%v)", workflows.ErrConflict, answer[1])
	}
	return fmt.Errorf("commit: unexpected answer %v", call.reply)
}

// walk collects KEYS and ARGV in the order in which the script walks them.
type walk struct {
	s     *Store
	shard int
	keys  []string
	args  []any
}

func (w *walk) key(k string)       { w.keys = append(w.keys, k) }
func (w *walk) arg(values ...any)  { w.args = append(w.args, values...) }
func (w *walk) member(k, m string) { w.key(k); w.arg(m) }

// commitCall lays a change out for scriptCommit; the order is written down there.
func (s *Store) commitCall(c workflows.Change) (*call, error) {
	shard, err := s.changeShard(c)
	if err != nil {
		return nil, err
	}
	w := &walk{s: s, shard: shard}
	for _, k := range []string{s.keys.due(shard, workflows.LanePeople), s.keys.due(shard, workflows.LaneBulk),
		s.keys.records(shard),
		s.keys.timers(shard), s.keys.timersLeased(shard), s.keys.timersTokens(shard)} {
		w.key(k)
	}
	w.arg(workflows.LeaseFor.Milliseconds())
	w.answers(c.Answers)
	for _, step := range []func(workflows.Change) error{
		w.compare, w.guards, w.records, w.effects, w.timers, w.indexes} {
		if err := step(c); err != nil {
			return nil, err
		}
	}
	return &call{shard: shard, script: scriptCommit, keys: w.keys, args: w.args, clocked: true, at: said(c.At)}, nil
}

// said is a time in ms, "" for none.
func said(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return millis(t)
}

// changeShard finds the one shard of a change and refuses one that spans several.
func (s *Store) changeShard(c workflows.Change) (int, error) {
	shard := -1
	var err error
	at := func(n int, what string) {
		switch {
		case shard == -1:
			shard = n
		case shard != n && err == nil:
			err = fmt.Errorf("%w: %s lives on shard %d, the rest on %d", ErrMisuse, what, n, shard)
		}
	}
	for _, r := range c.Records {
		at(s.shardOf(r.From.Ref), r.From.Ref.String())
	}
	if c.Workflow != "" {
		at(s.shardOfWorkflow(c.Workflow), c.Workflow)
	}
	if c.Account != "" && (c.Open != 0 || c.Workflow == "" && len(c.Records) == 0) {
		at(workflows.ShardOf(c.Account, s.shards), c.Account)
	}
	if c.Answers != nil {
		n, ok := tokenShard(c.Answers.Token)
		if !ok || n >= s.shards {
			return 0, fmt.Errorf("%w: the claim's token is not one of this store", ErrMisuse)
		}
		at(n, "the claim")
	}
	for _, list := range [][]workflows.Effect{c.Append, c.Ensure, c.Put} {
		for _, e := range list {
			if e.Kind == workflows.EffectCards || shard == -1 {
				at(s.shardOfWorkflow(e.Workflow), "effect "+e.ID)
			}
		}
	}
	for _, list := range [][]workflows.Timer{c.TimersSet, c.TimersGone} {
		for _, t := range list {
			at(s.shardOfWorkflow(t.Workflow), "timer "+t.Name)
		}
	}
	if shard == -1 {
		return 0, fmt.Errorf("%w: it is empty", ErrMisuse)
	}
	return shard, err
}

func (w *walk) answers(c *workflows.Claim) {
	switch {
	case c == nil:
		w.arg("")
	case c.Timer != nil:
		w.arg("timer", timerMember(*c.Timer), c.Token)
	default:
		w.key(w.s.keys.queue(w.shard, c.Effect.Key))
		w.arg("effect", c.Effect.Key, c.Token, everyMillis(c.Effect))
	}
}

func (w *walk) compare(c workflows.Change) error {
	seen := map[workflows.Ref]bool{}
	w.arg(len(c.Records))
	for _, r := range c.Records {
		ref := r.From.Ref
		if seen[ref] {
			return fmt.Errorf("%w: %s occurs twice", ErrMisuse, ref.String())
		}
		if ref.Kind == "" || ref.ID == "" {
			return fmt.Errorf("%w: a record without kind or ID", ErrMisuse)
		}
		seen[ref] = true
		w.key(w.s.keys.record(w.shard, ref))
		w.key(w.s.keys.events(w.shard, ref))
		head := r.From.Head
		if r.From.Version == 0 {
			head = ""
		}
		w.arg(ref.String(), strconv.FormatUint(r.From.Version, 10), head)
	}
	return nil
}

// guards compares the workflows of cards that the change does not itself advance: a refresh decided
// on an old state must not put old content over new.
func (w *walk) guards(c workflows.Change) error {
	compared := map[string]bool{}
	for _, r := range c.Records {
		if r.From.Ref == workflows.RecordRef(r.From.Ref.ID) {
			compared[r.From.Ref.ID] = true
		}
	}
	oldest := map[string]uint64{}
	var order []string
	for _, e := range c.Put {
		if e.Kind != workflows.EffectCards || e.Revision == 0 || compared[e.Workflow] {
			continue
		}
		rev, known := oldest[e.Workflow]
		if !known {
			order = append(order, e.Workflow)
		}
		if !known || e.Revision < rev {
			oldest[e.Workflow] = e.Revision
		}
	}
	w.arg(len(order))
	for _, id := range order {
		w.key(w.s.keys.record(w.shard, workflows.RecordRef(id)))
		w.arg(strconv.FormatUint(oldest[id], 10))
	}
	return nil
}

// records lays out the new states and events. A change of a record without events only compares its version.
func (w *walk) records(c workflows.Change) error {
	for at, r := range c.Records {
		n := len(r.Events)
		w.arg(n)
		if n == 0 {
			continue
		}
		ref, head := r.From.Ref, r.From.Head
		if r.From.Version == 0 {
			head = ""
		}
		stored := make([]any, n)
		for i, e := range r.Events {
			if want := r.From.Version + uint64(i) + 1; e.Seq != want {
				return fmt.Errorf("%w: event %d of %s has the number %d", ErrMisuse, want, ref.String(), e.Seq)
			}
			sealed, next, err := seal(head, ref, e)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrMisuse, err)
			}
			stored[i], head = sealed, next
		}
		machine := r.Machine
		if machine == "" {
			machine = ref.Kind
		}
		next := laidOut(workflows.Record{Ref: ref, Version: r.From.Version + uint64(n), Machine: machine,
			Schema: r.Schema, State: r.State, Head: head,
			Last: r.Events[n-1].At})
		state, chain := w.s.seal.seals(next)
		c.Records[at].Head = head
		w.arg(next.version, machine, r.Schema, r.State, head, next.last, state, chain)
		w.arg(stored...)
	}
	return nil
}

func (w *walk) effects(c workflows.Change) error {
	now := w.s.now()
	w.arg(len(c.Drop))
	for _, k := range c.Drop {
		w.member(w.s.keys.queue(w.shard, k), k)
	}
	for _, list := range [][]workflows.Effect{c.Append, c.Ensure, c.Put} {
		w.arg(len(list))
		for _, e := range list {
			if e.Key == "" || e.Kind == "" {
				return fmt.Errorf("%w: effect %q has no key or no kind", ErrMisuse, e.ID)
			}
			body, err := json.Marshal(e)
			if err != nil {
				return fmt.Errorf("%w: encode effect %q: %w", ErrMisuse, e.ID, err)
			}
			w.key(w.s.keys.queue(w.shard, e.Key))
			w.arg(e.Key, header(e, now), body)
		}
	}
	if len(c.Stale) > 0 && c.Workflow == "" {
		return fmt.Errorf("%w: cards are to be drawn again, but of no workflow", ErrMisuse)
	}
	w.arg(len(c.Stale))
	for _, field := range c.Stale {
		w.member(w.s.keys.places(w.shard, c.Workflow), againPrefix+field)
	}
	return nil
}

// header is what scripts know of an effect. It is due at once: the time it was made, or this
// machine's where that is earlier, serves only to hand out the older ones first.
func header(e workflows.Effect, now time.Time) string {
	lane := workflows.LanePeople
	if e.Lane != workflows.LanePeople {
		lane = workflows.LaneBulk
	}
	due := now.UnixMilli()
	if !e.Made.IsZero() {
		due = max(0, min(e.Made.UnixMilli(), due))
	}
	return fmt.Sprintf("%d %d %s", lane, due, e.Destination())
}

func (w *walk) timers(c workflows.Change) error {
	w.arg(len(c.TimersGone))
	for _, t := range c.TimersGone {
		w.arg(timerMember(t))
	}
	w.arg(len(c.TimersSet))
	for _, t := range c.TimersSet {
		w.arg(millis(t.At), timerMember(t))
	}
	return nil
}

func (w *walk) indexes(c workflows.Change) error {
	if c.Workflow == "" && (len(c.WaitingFor) > 0 || len(c.NotWaitingFor) > 0 || c.Open != 0) {
		return fmt.Errorf("%w: it says who waits, or opens or closes, but names no workflow", ErrMisuse)
	}
	since := millis(w.s.changeTime(c))
	w.arg(len(c.WaitingFor))
	for _, p := range c.WaitingFor {
		w.key(w.s.keys.waiting(w.shard, p))
		w.arg(c.Workflow, since)
	}
	w.arg(len(c.NotWaitingFor))
	for _, p := range c.NotWaitingFor {
		w.key(w.s.keys.waiting(w.shard, p))
		w.arg(c.Workflow)
	}
	switch {
	case c.Open == 0:
		w.arg("")
		return nil
	case c.Account == "":
		return fmt.Errorf("%w: it opens or closes a workflow, but names no account", ErrMisuse)
	case c.Open > 0:
		w.key(w.s.keys.open(w.shard, c.Account))
		w.arg("+", c.Workflow, since)
	default:
		w.key(w.s.keys.open(w.shard, c.Account))
		w.arg("-", c.Workflow)
	}
	return nil
}

// changeTime is when a change was decided: the time of its first event.
func (s *Store) changeTime(c workflows.Change) time.Time {
	if !c.Since.IsZero() {
		return c.Since
	}
	for _, r := range c.Records {
		if len(r.Events) > 0 {
			return r.Events[0].At
		}
	}
	return s.now()
}
