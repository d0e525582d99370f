package workflows

import "time"

// Opening is which workflow it is and whose. The body of its opening event embeds it.
type Opening struct {
	ID        string `json:"id"`
	AccountID string `json:"account,omitempty"` // empty for the ledger only
}

// Head is what every workflow's state begins with. A state embeds it and has, but for its Title,
// all that [State] asks for.
type Head struct {
	Opening
	// Stage is the name of the stage it is in; once it ended, the outcome.
	Stage string `json:"stage"`
	// Round is the question asked now. It grows when the question or the facts shown change.
	Round int       `json:"round"`
	Begun time.Time `json:"begun"`
	// Since is when the present stage began; Until when waiting in it ends (zero: it has no such
	// end).
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"`
	// Over is when it ended; zero: it is open.
	Over time.Time `json:"over,omitzero"`
}

// Open begins the workflow in its first stage.
func (h *Head) Open(of Opening, stage string, e Event) {
	h.Opening, h.Begun = of, e.At
	h.Enter(stage, e, time.Time{})
}

// Enter begins a stage that lasts until a time: a new question, so a new round.
func (h *Head) Enter(stage string, e Event, until time.Time) {
	h.Stage, h.Since, h.Until = stage, e.At, until
	h.Ask()
}

// Ask makes the question a new one: clicks on cards that show the old one change nothing.
func (h *Head) Ask() { h.Round++ }

// End closes the workflow with an outcome.
func (h *Head) End(outcome string, e Event) {
	h.Enter(outcome, e, time.Time{})
	h.Over = e.At
}

// Opened implements [State].
func (h Head) Opened() bool { return h.ID != "" }

// Closed implements [State].
func (h Head) Closed() bool { return !h.Over.IsZero() }

// Account implements [State].
func (h Head) Account() string { return h.AccountID }

// StageName implements [State].
func (h Head) StageName() string { return h.Stage }

// Began implements [State].
func (h Head) Began() time.Time { return h.Begun }

// CurrentRound is the round that a click must name.
func (h Head) CurrentRound() int { return h.Round }
