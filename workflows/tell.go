package workflows

import (
	"encoding/json"
	"fmt"
)

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
