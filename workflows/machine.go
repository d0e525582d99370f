package workflows

import "time"

// Machine is one process as pure functions over its own State. Implementations hold no data.
type Machine interface {
	// Name is the machine's name and the prefix of its action_ids, as "transfer".
	Name() string
	// Letter starts the IDs of its workflows, as 't'.
	Letter() byte
	// Schema numbers the shape of the encoded state. Records with a smaller number are folded anew from their events.
	Schema() int
	// New is the state before the first event.
	New() State
	// Decode reads a state that json.Marshal wrote under the current schema.
	Decode(raw []byte) (State, error)
	// Needs says which facts Decide will want. Policy and account are those of the command's account.
	Needs(s State, cmd Command, policy Policy, account AccountState) Needs
	// Decide answers a command. An error is a [*Refusal], meant for the person, or a fault of the program.
	Decide(s State, cmd Command, facts Facts) (Decision, error)
	// Apply folds one event into the state and returns the new one; s is not changed.
	Apply(s State, e Event) (State, error)
	// View says what the world should show for this state.
	View(s State) View
	// Tell retells one event as a sentence for the story of the workflow, in Slack mrkdwn, without
	// time and actor's kind.
	Tell(e Event) string
}

// State is a machine's own state. It is encoded with encoding/json.
type State interface {
	// Opened reports whether the opening event was applied.
	Opened() bool
	// Closed reports whether the workflow has ended. A closed workflow accepts nothing.
	Closed() bool
	// Account is the ID of the account it is about.
	Account() string
	// Title is one short line that stands alone, as "Hand Acme Production to celigo@acme.example",
	// without markup. It is empty for Keyholder's own work, where nothing is asked of anybody:
	// lists of what is open leave that out.
	Title() string
	// StageName is the name of the stage the workflow is in, as "confirming".
	StageName() string
	// Began is when the opening event happened.
	Began() time.Time
}

// View is what the world should show for a state. It is computed, never stored.
type View struct {
	Cards []Card
	// Former are the names and recipients of cards that earlier versions of this machine showed for such a
	// state and that it no longer does. Their places stay known; nothing is drawn there any more.
	Former  []Card
	Timers  []Timer
	Watches []Watch
	// Waiting lists the Slack IDs of the people who can move the workflow on now; it feeds `mine`.
	Waiting []string
}

// Timer asks for a command [CmdTimer] at a time. Names are unique within a workflow; the time
// doubles as the generation.
type Timer struct {
	Workflow string    `json:"workflow"` // set by the desk
	Name     string    `json:"name"`
	At       time.Time `json:"at"` // UTC, whole milliseconds
}

// Watch is a call repeated until the state stops wanting it. It becomes a command only when it learned something.
type Watch struct {
	Name  string // unique within the workflow
	Call  Call
	Every time.Duration // at least 1 s
}

// Decision is what a machine answers to a command. Events empty means: nothing changed.
type Decision struct {
	Events []Event
	// Account holds events for the account's record, committed together with Events (see [AccountState]).
	Account []Event
	// Calls go to integrator.io one after another, in this order, behind whatever is still queued for the account.
	Calls []Call
	// Reply goes to the person privately and at once, after the commit.
	Reply Reply
	// Refresh shows these people's cards again as they stand, although nothing changed: somebody clicked an old one.
	Refresh []string
}

// Reply is the private answer to whoever gave the command. At most one of Text, Modal and Errors is set.
type Reply struct {
	Text   string            // Slack mrkdwn
	Modal  *Modal            // opened with the trigger of the click or command
	Errors map[string]string // by block_id, shown at the fields of the submitted modal
	// Link is the workflow whose card the text speaks of; the bot adds a permanent link where it knows one.
	Link string
}
