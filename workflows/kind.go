package workflows

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Kind is one type of event of a machine whose state is S: its name in the record, the body B that
// it carries, what it does to the state, and how it is told. The three stand side by side where the
// kind is declared, so that none can be forgotten.
type Kind[S, B any] struct {
	// Type is the event's type, as "transfer.voted". Once released, a body never changes its
	// meaning; a new meaning is a new type.
	Type string
	// Fold changes the state. It may replace slices and maps, and change in place what the
	// machine's clone copied. Nil: the event is told, no more.
	Fold func(s *S, e Event, body B)
	// Tell is the event as a sentence of the story, in Slack mrkdwn, without its time. Nil is a
	// fault that [NewKinds] finds.
	Tell func(e Event, body B) string
}

// Of is an event of this kind, made by a command.
func (k Kind[S, B]) Of(cmd Command, body B) Event { return cmd.Event(k.Type, body) }

// One is the decision to record one event of this kind.
func (k Kind[S, B]) One(cmd Command, body B) Decision {
	return Decision{Events: []Event{k.Of(cmd, body)}}
}

// Is reports whether an event is of this kind.
func (k Kind[S, B]) Is(e Event) bool { return e.Type == k.Type }

// Body reads the body of an event of this kind.
func (k Kind[S, B]) Body(e Event) (B, error) {
	var b B
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return b, fmt.Errorf("decode %s: %w", e.Type, err)
	}
	return b, nil
}

func (k Kind[S, B]) name() string   { return k.Type }
func (k Kind[S, B]) complete() bool { return k.Type != "" && k.Tell != nil }

func (k Kind[S, B]) fold(s *S, e Event) error {
	b, err := k.Body(e)
	if err == nil && k.Fold != nil {
		k.Fold(s, e, b)
	}
	return err
}

func (k Kind[S, B]) tell(e Event) (string, error) {
	b, err := k.Body(e)
	if err != nil {
		return "", err
	}
	return k.Tell(e, b), nil
}

// None is the body of events that carry nothing.
type None struct{}

// Told is a [Kind.Tell] for events whose bodies hold nothing worth telling.
func Told[B any](text string) func(Event, B) string {
	return func(Event, B) string { return text }
}

// AnyKind is a [Kind] of a machine with the state S, whatever its body. Only Kind implements it.
type AnyKind[S any] interface {
	name() string
	complete() bool
	fold(*S, Event) error
	tell(Event) (string, error)
}

// Kinds are all the types of events of one machine.
type Kinds[S any] struct {
	byType map[string]AnyKind[S]
	clone  func(S) S
	after  func(*S)
}

// NewKinds collects a machine's kinds. clone copies what folds change in place, so that the state
// given to Apply stays as it was (nil: nothing is); after runs behind every fold (nil: nothing
// does). It panics on a kind without name or Tell and on a name used twice: programming faults,
// found by the first test that loads the package.
func NewKinds[S any](clone func(S) S, after func(*S), all ...AnyKind[S]) *Kinds[S] {
	k := &Kinds[S]{byType: make(map[string]AnyKind[S], len(all)), clone: clone, after: after}
	for _, one := range all {
		if _, twice := k.byType[one.name()]; twice || !one.complete() {
			panic(fmt.Sprintf("workflows: kind %q is declared twice or not whole", one.name()))
		}
		k.byType[one.name()] = one
	}
	return k
}

// Apply folds events into a state, one after another. Errors: [ErrUnknownEvent], or that a body
// cannot be read; the state is then the one given.
func (k *Kinds[S]) Apply(s S, events ...Event) (S, error) {
	next := s
	for _, e := range events {
		kind, known := k.byType[e.Type]
		if !known {
			return s, fmt.Errorf("apply %q: %w", e.Type, ErrUnknownEvent)
		}
		if k.clone != nil {
			next = k.clone(next)
		}
		if err := kind.fold(&next, e); err != nil {
			return s, fmt.Errorf("apply: %w", err)
		}
		if k.after != nil {
			k.after(&next)
		}
	}
	return next, nil
}

// Tell retells an event. One that is unknown or cannot be read, as after a downgrade, says so.
func (k *Kinds[S]) Tell(e Event) string {
	kind, known := k.byType[e.Type]
	if !known {
		return "Something this version does not know: " + Esc(e.Type)
	}
	text, err := kind.tell(e)
	if err != nil {
		return "An entry that cannot be read (" + Esc(e.Type) + ")"
	}
	return text
}

// Types lists the names of all kinds, sorted, for tests that walk them.
func (k *Kinds[S]) Types() []string {
	var out []string
	for t := range k.byType {
		out = append(out, t)
	}
	slices.Sort(out)
	return out
}

// Teller retells one type of event. The error is that the event's body cannot be read.
type Teller func(e Event) (string, error)

// Tells makes a teller of events whose bodies decode into B.
func Tells[B any](text func(e Event, body B) string) Teller {
	return func(e Event) (string, error) {
		var b B
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return "", fmt.Errorf("decode %s: %w", e.Type, err)
		}
		return text(e, b), nil
	}
}

// TellsAlways makes a teller of events whose bodies hold nothing worth telling.
func TellsAlways(text string) Teller {
	return func(Event) (string, error) { return text, nil }
}

// Retell tells an event by the teller of its type. One that is unknown or cannot be read, as after
// a downgrade, says so.
func Retell(tellers map[string]Teller, e Event) string {
	tell, known := tellers[e.Type]
	if !known {
		return "Something this version does not know: " + Esc(e.Type)
	}
	text, err := tell(e)
	if err != nil {
		return "An entry that cannot be read (" + Esc(e.Type) + ")"
	}
	return text
}
