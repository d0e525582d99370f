package loops_test

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// tally is a machine small enough to see through: people count up; at a limit it closes. It has a
// card, a timer, a call and a watch.
type tally struct{ schema int }

type tallyState struct {
	ID      string    `json:"id"`
	Count   int       `json:"count"`
	By      []string  `json:"by,omitempty"`
	Answers []string  `json:"answers,omitempty"`
	Due     int       `json:"due,omitempty"`
	Begun   time.Time `json:"begun,omitzero"`
	Done    bool      `json:"done,omitempty"`
}

func (s tallyState) Opened() bool      { return s.ID != "" }
func (s tallyState) Closed() bool      { return s.Done }
func (s tallyState) Account() string   { return "acme" }
func (s tallyState) Title() string     { return "Tally" }
func (s tallyState) StageName() string { return "counting" }
func (s tallyState) Began() time.Time  { return s.Begun }

const tallyLimit = 200

func (tally) Name() string { return "tally" }
func (tally) Letter() byte { return 'y' }
func (m tally) Schema() int {
	return max(m.schema, 1)
}
func (tally) New() workflows.State { return tallyState{} }
func (tally) Decode(raw []byte) (workflows.State, error) {
	var s tallyState
	err := json.Unmarshal(raw, &s)
	return s, err
}
func (tally) Needs(_ workflows.State, cmd workflows.Command, _ workflows.Policy,
	_ workflows.AccountState) workflows.Needs {
	if cmd.Name == "tally.count" {
		return workflows.Needs{People: []string{cmd.Actor.ID}, Delegations: []string{cmd.Actor.ID}}
	}
	return workflows.Needs{}
}

func (tally) Decide(_ workflows.State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	event := func(kind string, body any) workflows.Decision {
		return workflows.Decision{Events: []workflows.Event{cmd.Event(kind, body)}}
	}
	switch cmd.Name {
	case "tally.request":
		d := event("opened", cmd.Workflow)
		d.Account = []workflows.Event{cmd.Event(workflows.LockTaken,
			workflows.Lock{Name: "tally", Workflow: cmd.Workflow})}
		return d, nil
	case "tally.count":
		if f.People[cmd.Actor.ID].Standing != "" {
			return workflows.Decision{}, workflows.Refuse("standing", "You may not. Ask a member.")
		}
		if cmd.Round == 0 {
			return workflows.Decision{}, &workflows.Refusal{Code: "old", Text: "Old.", Refresh: true}
		}
		d := event("counted", cmd.Actor.ID)
		d.Reply = workflows.Reply{Text: "counted"}
		return d, nil
	case "tally.call":
		d := event("called", "x")
		d.Calls = []workflows.Call{{Op: cmd.Input["op"], Account: "acme", Email: cmd.Input["email"],
			ID: cmd.Input["id"], Command: cmd.Input["command"]}}
		return d, nil
	case "tally.told":
		return event("answered", "told by "+cmd.Actor.Kind), nil
	case workflows.CmdTimer:
		return event("due", cmd.Timer.Name), nil
	case workflows.CmdReceipt:
		word := cmd.Receipt.Op + " ok"
		if !cmd.Receipt.OK {
			word = cmd.Receipt.Op + " " + cmd.Receipt.Code
		}
		if cmd.Receipt.User != nil {
			word += " " + cmd.Receipt.User.Mark()
		}
		return event("answered", word), nil
	}
	return workflows.Decision{}, workflows.Refuse("unknown", "No such thing. Look again.")
}

func (tally) Apply(st workflows.State, e workflows.Event) (workflows.State, error) {
	s := st.(tallyState)
	var text string
	if err := json.Unmarshal(e.Body, &text); err != nil {
		return s, err
	}
	switch e.Type {
	case "opened":
		s.ID, s.Begun = text, e.At
	case "counted":
		s.Count++
		s.By = append(slices.Clip(s.By), text)
		s.Done = s.Count >= tallyLimit
	case "answered":
		s.Answers = append(slices.Clip(s.Answers), text)
	case "due":
		s.Due++
	case "called":
	default:
		return s, workflows.ErrUnknownEvent
	}
	return s, nil
}

func (tally) View(st workflows.State) workflows.View {
	s := st.(tallyState)
	v := workflows.View{Cards: []workflows.Card{{Name: "main", Recipient: "U0ANA", Round: 1, Title: "Count",
		Fallback: "Count", Facts: s.By}}}
	if s.Done {
		return v
	}
	if s.Due < 1 {
		v.Timers = []workflows.Timer{{Name: "first", At: s.Begun.Add(time.Hour)}}
	}
	if len(s.Answers) == 0 {
		v.Watches = []workflows.Watch{{Name: "user", Every: time.Second, Call: workflows.Call{Op: workflows.OpWatchUser,
			Account: "acme", Email: "x@y.example"}}}
	}
	v.Waiting = []string{"U0BEN"}
	return v
}

func (tally) Tell(e workflows.Event) string { return e.Type }
