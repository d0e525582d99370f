package loops

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Effects and timers only name what is due. Here the desk says what a name means, out of the record alone.

// errUnexplained: nothing in the record asks for it, any more or ever. It is dropped.
var errUnexplained = errors.New("nothing in the record explains it")

func unexplained(what string) error { return fmt.Errorf("%s: %w", what, errUnexplained) }

// passing reports whether an error says something about the moment and not about what is to be decided.
func passing(err error) bool {
	for _, moment := range []error{workflows.ErrAway, workflows.ErrUnclear, workflows.ErrConflict,
		workflows.ErrStaleFacts, workflows.ErrLeaseLost, context.Canceled,
		context.DeadlineExceeded} {
		if errors.Is(err, moment) {
			return true
		}
	}
	return false
}

// record loads the workflow of an effect; one that is kept does where it stands at version, 0 for none.
func (d *Desk) record(ctx context.Context, workflow string, version uint64) (workflows.Machine, workflows.Record,
	error) {
	m, err := d.machineOf(workflow)
	if errors.Is(err, workflows.ErrNewer) {
		return nil, workflows.Record{}, err
	}
	if err != nil {
		return nil, workflows.Record{}, unexplained("find its workflow")
	}
	r, known := d.kept.get(workflows.RecordRef(workflow))
	if !known || r.Version != version {
		recs, err := d.loadKept(ctx, workflows.RecordRef(workflow))
		if err != nil {
			return nil, workflows.Record{}, fmt.Errorf("load %s: %w", workflow, err)
		}
		r = recs[0]
	}
	switch {
	case r.Doubt == workflows.DoubtChain:
		return nil, r, fmt.Errorf("load %s: %w", workflow, workflows.ErrDoubted)
	case r.Version == 0:
		return nil, r, unexplained("find its workflow")
	case r.Doubt == "" && r.Schema > m.Schema():
		return nil, r, fmt.Errorf("read %s: %w", workflow, workflows.ErrNewer)
	}
	return m, r, nil
}

// owed answers what an effect's call is, from the event that decided it, and the effect as that
// event makes it. Errors: errUnexplained, also when the call was answered; [workflows.ErrNewer];
// [workflows.ErrDoubted]; those of the store.
func (d *Desk) owed(ctx context.Context, e workflows.Effect) (workflows.Effect, error) {
	_, r, err := d.record(ctx, e.Workflow, 0)
	if err != nil {
		return e, err
	}
	if e.Event == 0 || e.Event > r.Version {
		return e, unexplained("find the event that decided it")
	}
	events, err := d.o.Store.Tail(ctx, r, e.Event)
	if err != nil {
		return e, fmt.Errorf("read the event that decided %s: %w", e.ID, err)
	}
	decided := events[0]
	if e.Index < 0 || e.Index >= len(decided.Calls) {
		return e, unexplained("find it in the event that decided it")
	}
	call := decided.Calls[e.Index]
	own := workflows.CallEffect(e.Workflow, decided, e.Event, e.Index)
	if own.ID != e.ID {
		return e, unexplained("compare its ID")
	}
	for _, later := range events[1:] {
		if later.Command == workflows.ReceiptID(own.ID) {
			return e, unexplained("see whether it is still owed")
		}
	}
	if !workflows.Ops[call.Op] {
		return e, fmt.Errorf("do %q: %w", call.Op, workflows.ErrNewer)
	}
	own.Call = &call
	return own, nil
}

// shown is what a workflow's state says about its cards and watches.
type shown struct {
	machine workflows.Machine
	state   workflows.State
	view    workflows.View
	version uint64
}

// show reads a workflow's state and view; where it is kept at that version, without asking the store.
func (d *Desk) show(ctx context.Context, workflow string, version uint64) (s shown, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("show %s: the program stumbled: %v", workflow, p)
		}
	}()
	m, r, err := d.record(ctx, workflow, version)
	if err != nil {
		return s, err
	}
	state, err := d.state(ctx, m, r)
	if err != nil {
		return s, err
	}
	return shown{machine: m, state: state, view: m.View(state), version: r.Version}, nil
}

// watched answers a watch as the workflow's state wants it now.
func (d *Desk) watched(ctx context.Context, e workflows.Effect) (workflows.Effect, error) {
	s, err := d.show(ctx, e.Workflow, 0)
	if err != nil {
		return e, err
	}
	for _, w := range s.view.Watches {
		if w.Name != e.Watch {
			continue
		}
		if !workflows.Ops[w.Call.Op] {
			return e, fmt.Errorf("watch %q: %w", w.Call.Op, workflows.ErrNewer)
		}
		own := watchEffect(workflows.Command{Workflow: e.Workflow, Account: w.Call.Account, At: e.Made}, w)
		if own.Key != e.Key {
			return e, unexplained("compare its key")
		}
		own.ID, own.Call = own.Key, &w.Call
		return own, nil
	}
	return e, unexplained("find it among what the state watches")
}

// hashOf is what tells two contents of a card apart. Its details do not show: whoever asks for them is
// answered with those of then.
func hashOf(c workflows.Card, machine string) string {
	if len(c.Details) > 0 {
		c.Details = []string{"…"}
	}
	raw, err := json.Marshal(c)
	if err != nil {
		panic("workflows: a card cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(append([]byte(machine+"\n"), raw...))
	return hex.EncodeToString(sum[:12])
}

// isAside reports whether a key is one of those under which effects wait out of the way.
func isAside(key string) bool { return strings.HasPrefix(key, asidePrefix) }

const asidePrefix = "aside/"

// overdue is how long after its time a wanted timer is taken for lost: the clock looks several times a second.
const overdue = 30 * time.Second

// rearm sets a workflow's timers again when one that its state wants should have fired: somebody may have removed it.
// Setting one that is there changes nothing, and one set too late is dropped unread.
func (d *Desk) rearm(ctx context.Context, at scene, cmd workflows.Command) {
	if !at.state.Opened() || at.state.Closed() {
		return
	}
	lost := cmd.At.Add(-overdue)
	var due []workflows.Timer
	for _, t := range at.view.Timers {
		t.Workflow = cmd.Workflow
		if t.At.Before(lost) && (cmd.Timer == nil || *cmd.Timer != t) {
			due = append(due, t)
		}
	}
	if len(due) == 0 {
		return
	}
	if err := d.commit(ctx, workflows.Change{Workflow: cmd.Workflow, TimersSet: due}); err != nil {
		d.o.Log.Warn().Err(err).Str(workflows.LogWorkflow, cmd.Workflow).Msg("set timers again")
	}
}
