package workflows

import (
	"encoding/json"
	"fmt"
)

// Letters that start the IDs of workflows, one for each machine. They stand together so that no two
// machines share one, and so that a machine can open or name a workflow of another without
// importing it.
const (
	LetterTransfer      byte = 't'
	LetterAccess        byte = 'a'
	LetterDrift         byte = 'd'
	LetterFinding       byte = 'f'
	LetterCampaign      byte = 'r'
	LetterPacket        byte = 'p'
	LetterCalendar      byte = 'k'
	LetterGovernance    byte = 'g'
	LetterUse           byte = 'u'
	LetterDrill         byte = 'e'
	LetterSignIn        byte = 's'
	LetterKeyWatch      byte = 'w'
	LetterRecovery      byte = 'v'
	LetterDocs          byte = 'c'
	LetterOffboard      byte = 'o'
	LetterTokens        byte = 'n'
	LetterReach         byte = 'm'
	LetterAuthenticator byte = 'i'
)

// HasLetter reports whether id is a workflow's ID ([ParseID]) of the machine with that letter.
func HasLetter(id string, letter byte) bool {
	l, _, ok := ParseID(id)
	return ok && l == letter
}

// Rules define a machine once: what [Machine] asks for, on the machine's own type of state. They
// are data; there is no engine behind them.
type Rules[S State] struct {
	// Name, Letter and Schema are those of [Machine].
	Name   string
	Letter byte
	Schema int
	// Kinds are the events: folded and told by them.
	Kinds *Kinds[S]
	// Needs says which facts Decide wants; nil: none.
	Needs func(s S, cmd Command, p Policy, a AccountState) Needs
	// Decide answers a command, as in [Machine].
	Decide func(s S, cmd Command, f Facts) (Decision, error)
	// View says what the world should show for a state that was opened.
	View func(s S) View
}

// Machine is the machine that these rules define.
func (r Rules[S]) Machine() Machine { return ruled[S]{r} }

// ruled is a machine defined by rules.
type ruled[S State] struct{ r Rules[S] }

func (m ruled[S]) Name() string { return m.r.Name }
func (m ruled[S]) Letter() byte { return m.r.Letter }
func (m ruled[S]) Schema() int  { return m.r.Schema }

func (m ruled[S]) New() State {
	var s S
	return s
}

func (m ruled[S]) Decode(raw []byte) (State, error) {
	var s S
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode %s: %w", m.r.Name, err)
	}
	return s, nil
}

func (m ruled[S]) Needs(s State, cmd Command, p Policy, a AccountState) Needs {
	if m.r.Needs == nil {
		return Needs{}
	}
	return m.r.Needs(s.(S), cmd, p, a)
}

// Decide also notes in the account's record what a call of this workflow wrote, so that no machine can forget it.
func (m ruled[S]) Decide(s State, cmd Command, f Facts) (Decision, error) {
	d, err := m.r.Decide(s.(S), cmd, f)
	return WithOwnHand(d, cmd, f), err
}

func (m ruled[S]) Apply(s State, e Event) (State, error) { return m.r.Kinds.Apply(s.(S), e) }

func (m ruled[S]) View(s State) View {
	if !s.Opened() {
		return View{}
	}
	return m.r.View(s.(S))
}

func (m ruled[S]) Tell(e Event) string { return m.r.Kinds.Tell(e) }
