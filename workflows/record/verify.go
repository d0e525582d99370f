package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// ErrDiffers: what is stored beside the events is not what they say.
var ErrDiffers = errors.New("it is not what its events say")

// Archive is what verifying needs of a store.
type Archive interface {
	workflows.Records
	// Stored answers a record exactly as it is stored, and what its seal does not vouch for.
	Stored(ctx context.Context, ref workflows.Ref) (workflows.Record, workflows.Doubt, error)
	// Kept answers all that is kept beside the records.
	Kept(ctx context.Context) (workflows.Kept, error)
}

// Verify folds records anew from their events, whatever their other fields say, and compares with
// that what is stored of them, and what is kept beside them. failed is told of each difference,
// which wraps [ErrDiffers]; a record may have several. What a running Keyholder changes meanwhile
// is looked at twice. The chains themselves are the store's to verify; sound reports those that
// hold. err is for what kept it from looking.
func Verify(ctx context.Context, st Archive, machines []workflows.Machine, refs []workflows.Ref,
	sound func(workflows.Ref) bool,
	failed func(workflows.Ref, error)) error {
	first, err := gaps(ctx, st, machines, refs, sound)
	if err != nil || len(first) == 0 {
		return err
	}
	// What was written between two reads looks like a difference once, but not twice.
	again, err := gaps(ctx, st, machines, refs, sound)
	if err != nil {
		return err
	}
	stays := map[string]bool{}
	for _, d := range again {
		stays[d.String()] = true
	}
	for _, d := range first {
		if stays[d.String()] {
			failed(d.ref, fmt.Errorf("%s: %w", d.what, ErrDiffers))
		}
	}
	return nil
}

// gap is one thing that the events do not explain. version is that of the record compared with.
type gap struct {
	ref     workflows.Ref
	version uint64
	what    string
}

func (d gap) String() string {
	return fmt.Sprintf("%s/%s@%d: %s", d.ref.Kind, d.ref.ID, d.version, d.what)
}

func gaps(ctx context.Context, st Archive, machines []workflows.Machine, refs []workflows.Ref,
	sound func(workflows.Ref) bool) ([]gap, error) {
	c := &comparison{st: st, machines: machines, wanted: map[string]*wanted{}, unknown: map[string]bool{}}
	kept, err := st.Kept(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what is kept beside the records: %w", err)
	}
	for _, ref := range slices.Concat(refs, kept.Unlisted) {
		if !sound(ref) {
			c.unknown[ref.ID] = true
			continue
		}
		if err := c.record(ctx, ref); err != nil {
			return nil, err
		}
	}
	for _, ref := range kept.Unlisted {
		c.say(ref, 0, "it exists, but the index does not list it")
	}
	for _, key := range kept.Strange {
		c.say(workflows.Ref{Kind: "key", ID: key}, 0, "nobody here writes such a key")
	}
	c.effects(kept.Effects)
	c.timers(kept.Timers)
	c.lists(kept)
	c.places(kept.Places)
	return c.found, nil
}

// comparison collects gaps.
type comparison struct {
	st       Archive
	machines []workflows.Machine
	found    []gap
	wanted   map[string]*wanted // by workflow
	unknown  map[string]bool    // workflows of which nobody can tell what they want
}

// wanted is what a workflow's events say that the world should hold for it.
type wanted struct {
	ref     workflows.Ref
	version uint64
	account string
	open    bool
	timers  map[string]bool           // name@ms
	waiting map[string]bool           // people
	cards   map[string]workflows.Card // every card that was ever wanted, by name/recipient
	owed    map[string]bool           // IDs of the calls that were decided and that nothing answered
	watches map[string]bool           // by name
}

func (c *comparison) say(ref workflows.Ref, version uint64, format string, a ...any) {
	c.found = append(c.found, gap{ref, version, fmt.Sprintf(format, a...)})
}

// record compares one record's fields with the fold of its events, and remembers what a workflow wants.
func (c *comparison) record(ctx context.Context, ref workflows.Ref) error {
	rec, doubt, err := c.st.Stored(ctx, ref)
	if errors.Is(err, workflows.ErrAway) {
		return fmt.Errorf("read %s %s: %w", ref.Kind, ref.ID, err)
	}
	if err != nil {
		c.unknown[ref.ID] = true
		c.say(ref, rec.Version, "%v", err)
		return nil
	}
	switch doubt {
	case workflows.DoubtState:
		c.say(ref, rec.Version,
			"its seal does not vouch for its state: it is folded anew whenever it is read, and the next "+
				"decision seals what its events say")
	case workflows.DoubtChain:
		c.unknown[ref.ID] = true
		c.say(ref, rec.Version,
			"its seal does not vouch for its chain, so nothing is decided on it: put it back from a copy "+
				"of Redis, or, where its events agree with the checkpoints in Slack, have it sealed anew (Guarantees: Taking a record back)")
		return nil
	}
	events, err := c.st.Chain(ctx, rec)
	if errors.Is(err, workflows.ErrAway) {
		return fmt.Errorf("read %s %s: %w", ref.Kind, ref.ID, err)
	}
	if err != nil { // it moved on between the two reads, or does not hold, which the second look tells
		c.unknown[ref.ID] = true
		c.say(ref, rec.Version, "%v", err)
		return nil
	}
	erased := false
	for _, e := range events {
		if e.Body == nil {
			erased = true
			c.say(ref, rec.Version, "event %d (%s) was erased, and nothing in the record allows it", e.Seq, e.Type)
		}
	}
	if erased {
		c.unknown[ref.ID] = true
		return nil
	}
	folded, err := workflows.Refolded(ctx, c.st, c.machines, rec)
	if errors.Is(err, workflows.ErrAway) {
		return err
	}
	if err != nil {
		c.unknown[ref.ID] = true
		c.say(ref, rec.Version, "its events cannot be folded: %v", err)
		return nil
	}
	c.fields(rec, folded, events)
	if m := workflows.MachineOf(c.machines, ref.ID); m != nil && (ref.Kind == workflows.KindWorkflow ||
		ref.Kind == workflows.KindLedger) {
		return c.want(m, rec, events)
	}
	return nil
}

// fields compares what stands beside the chain. A state of an older schema is never believed, so neither that it is
// another is a difference nor that it is the same: an older version may have stored either.
func (c *comparison) fields(rec, folded workflows.Record, events []workflows.Event) {
	same := bytes.Equal(rec.State, folded.State)
	switch {
	case rec.Machine != folded.Machine:
		c.say(rec.Ref, rec.Version, "its machine is %.40q, its events are of %q", rec.Machine, folded.Machine)
	case rec.Schema > folded.Schema, rec.Schema < 1:
		c.say(rec.Ref, rec.Version, "its schema is %d, its events are folded under %d", rec.Schema, folded.Schema)
	}
	if !same && rec.Schema >= folded.Schema {
		c.say(rec.Ref, rec.Version, "its state is another than that of its events")
	}
	if n := len(events); n > 0 && !rec.Last.Equal(events[n-1].At) {
		c.say(rec.Ref, rec.Version, "its last time is not that of its last event")
	}
}

// want remembers what the workflow wants now, and every card it ever wanted: one that is no longer
// wanted stays where it is.
func (c *comparison) want(m workflows.Machine, rec workflows.Record, events []workflows.Event) error {
	w := &wanted{ref: rec.Ref, version: rec.Version, timers: map[string]bool{}, waiting: map[string]bool{},
		cards: map[string]workflows.Card{}, owed: map[string]bool{}, watches: map[string]bool{}}
	for _, e := range workflows.Owed(rec.Ref.ID, events) {
		w.owed[e.ID] = true
	}
	s, view := m.New(), workflows.View{}
	for _, e := range events {
		var err error
		if s, err = workflows.Apply(m, s, e); err != nil {
			return fmt.Errorf("apply event %d of %s: %w", e.Seq, rec.Ref.ID, err)
		}
		if !s.Opened() {
			continue
		}
		view = m.View(s)
		for _, card := range slices.Concat(view.Cards, view.Former) {
			w.cards[card.Name+"/"+card.Recipient] = card
		}
	}
	w.open, w.account = s.Opened() && !s.Closed(), s.Account()
	for _, t := range view.Timers {
		w.timers[timerName(t)] = true
	}
	for _, watch := range view.Watches {
		w.watches[watch.Name] = true
	}
	for _, p := range view.Waiting {
		w.waiting[p] = true
	}
	c.wanted[rec.Ref.ID] = w
	return nil
}

func timerName(t workflows.Timer) string {
	return fmt.Sprintf("%s at %s", t.Name, t.At.UTC().Format(time.RFC3339Nano))
}

// of answers what a workflow wants; ok false: nobody can tell, and that was said already.
func (c *comparison) of(id string) (w *wanted, ok bool) {
	if c.unknown[id] {
		return nil, false
	}
	if w = c.wanted[id]; w == nil {
		w = &wanted{ref: workflows.RecordRef(id)}
	}
	return w, true
}

// effects compares what is queued. Whatever an effect names is read from the record when it is
// delivered, so one that nothing explains does nothing; one that is missing is set again by the
// next sweep.
func (c *comparison) effects(list []workflows.Effect) {
	queued := map[string]bool{}
	for _, e := range list {
		w, ok := c.of(e.Workflow)
		if !ok {
			continue
		}
		switch e.Kind {
		case workflows.EffectCall:
			queued[e.ID] = true
			if !w.owed[e.ID] {
				c.say(w.ref, w.version, "a call is queued that no event decided, or that was answered: %.80q", e.ID)
			}
		case workflows.EffectWatch:
			queued["watch "+e.Workflow+" "+e.Watch] = true
			if !w.watches[e.Watch] {
				c.say(w.ref, w.version, "a watch is queued that nothing wants: %.80q", e.Watch)
			}
		case workflows.EffectCards:
			if w.version == 0 || e.Revision > w.version {
				c.say(w.ref, w.version, "cards are queued of a version that it never had: %d", e.Revision)
			}
		default:
			c.say(w.ref, w.version, "something is queued that this version does not know: %.80q", e.Kind)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.wanted)) {
		w := c.wanted[id]
		for _, call := range slices.Sorted(maps.Keys(w.owed)) {
			if !queued[call] {
				c.say(w.ref, w.version, "a call is owed, and not queued: %s", call)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(w.watches)) {
			if !queued["watch "+id+" "+name] {
				c.say(w.ref, w.version, "a watch is missing: %s", name)
			}
		}
	}
}

func (c *comparison) timers(list []workflows.Timer) {
	set := map[string]map[string]bool{}
	for _, t := range list {
		w, ok := c.of(t.Workflow)
		if !ok {
			continue
		}
		if set[t.Workflow] == nil {
			set[t.Workflow] = map[string]bool{}
		}
		set[t.Workflow][timerName(t)] = true
		if !w.timers[timerName(t)] {
			c.say(w.ref, w.version, "a timer is set that nothing wants: %s", timerName(t))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.wanted)) {
		w := c.wanted[id]
		for _, name := range slices.Sorted(maps.Keys(w.timers)) {
			if !set[id][name] {
				c.say(w.ref, w.version, "a timer is missing: %s", name)
			}
		}
	}
}

// lists compares who is waited for and what is open.
func (c *comparison) lists(kept workflows.Kept) {
	waits, opens := map[string]map[string]bool{}, map[string]string{}
	for _, person := range slices.Sorted(maps.Keys(kept.Waiting)) {
		for _, id := range kept.Waiting[person] {
			w, ok := c.of(id)
			if !ok {
				continue
			}
			if waits[id] == nil {
				waits[id] = map[string]bool{}
			}
			waits[id][person] = true
			if !w.waiting[person] {
				c.say(w.ref, w.version, "%s stands among those it waits for, and it does not", person)
			}
		}
	}
	for _, account := range slices.Sorted(maps.Keys(kept.Open)) {
		for _, id := range kept.Open[account] {
			w, ok := c.of(id)
			if !ok {
				continue
			}
			if !w.open || w.account != account {
				c.say(w.ref, w.version, "it is listed as open for account %s, and it is not", account)
				continue
			}
			opens[id] = account
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.wanted)) {
		w := c.wanted[id]
		for _, person := range slices.Sorted(maps.Keys(w.waiting)) {
			if !waits[id][person] {
				c.say(w.ref, w.version, "it waits for %s, who is not listed", person)
			}
		}
		if w.open && w.account != "" && opens[id] == "" {
			c.say(w.ref, w.version, "it is open, but not listed for account %s", w.account)
		}
	}
}

// places compares where cards stand: each must be one that the workflow wanted, in the channel it
// was meant for, or in the one conversation with its person. Whether it is the right message there
// only a seal tells.
func (c *comparison) places(list []workflows.KeptPlace) {
	channels := map[string]map[string]bool{}
	for _, p := range list {
		if isUser(p.Recipient) && p.Place.TS != "" {
			if channels[p.Recipient] == nil {
				channels[p.Recipient] = map[string]bool{}
			}
			channels[p.Recipient][p.Place.Channel] = true
		}
	}
	for _, p := range list {
		w, ok := c.of(p.Workflow)
		if !ok {
			continue
		}
		name := p.Name + " for " + p.Recipient
		switch _, known := w.cards[p.Name+"/"+p.Recipient]; {
		case p.Doubt:
			c.say(w.ref, w.version, "the place of its card %s is not what Keyholder stored", name)
		case p.Place.TS == "": // Slack refused it so far
		case !known:
			c.say(w.ref, w.version, "a place is kept of a card that it never had: %s", name)
		case !isUser(p.Recipient) && p.Place.Channel != p.Recipient, isUser(p.Recipient) &&
			!strings.HasPrefix(p.Place.Channel, "D"):
			c.say(w.ref, w.version, "its card %s is said to stand in %s", name, p.Place.Channel)
		case isUser(p.Recipient) && len(channels[p.Recipient]) > 1:
			c.say(w.ref, w.version, "its card %s is said to stand in %s, others of that person elsewhere", name,
				p.Place.Channel)
		}
	}
}

// isUser reports whether an ID of Slack is a person's.
func isUser(id string) bool { return strings.HasPrefix(id, "U") || strings.HasPrefix(id, "W") }
