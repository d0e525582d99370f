package workflows

import (
	"encoding/json"
	"fmt"
)

// blockMessage is the one field of a command that carries a [Message].
const blockMessage = "message"

// Message is what one workflow tells another of the same account: a command by its name, with a
// body of one type. The one that sends and the one that is told share a declaration, so that
// neither spells a field by hand.
type Message[B any] struct {
	Command string
}

// To tells the workflow with that ID. It panics when the body cannot be encoded, which only a
// programming fault can cause.
func (m Message[B]) To(account, id string, body B) Call {
	raw, err := json.Marshal(body)
	if err != nil {
		panic("workflows: message " + m.Command + " cannot be encoded: " + err.Error())
	}
	return Call{
		Op:      OpTell,
		Account: account,
		ID:      id,
		Command: m.Command,
		Input:   map[string]string{blockMessage: string(raw)},
	}
}

// Given reports whether a command is this message. A person cannot give one: only Keyholder tells.
func (m Message[B]) Given(cmd Command) bool {
	return cmd.Name == m.Command && cmd.Actor.Kind == ByKeyholder
}

// Body reads the message that a command carries.
func (m Message[B]) Body(cmd Command) (B, error) {
	var b B
	if err := json.Unmarshal([]byte(cmd.Input[blockMessage]), &b); err != nil {
		return b, fmt.Errorf("read the message %s: %w", m.Command, err)
	}
	return b, nil
}
