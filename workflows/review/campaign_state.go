package review

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// Stages of a campaign.
const (
	CampaignGathering = "gathering" // the population is read, or waited for
	CampaignOpen      = "open"      // reviewers decide
	CampaignClosing   = "closing"   // packets are being closed
	CampaignFixing    = "fixing"    // what was decided is carried out
	CampaignCompleted = "completed"
	CampaignCancelled = "cancelled"
)

// Sources of a population.
const (
	SourceAPI = "integrator.io API"
	SourceCSV = "CSV of the Users page"
)

// Reading is how the population of one environment came about.
type Reading struct {
	Environment string    `json:"environment,omitempty"`
	Source      string    `json:"source,omitempty"`
	At          time.Time `json:"at,omitzero"` // when it was read, or extracted
	Count       int       `json:"count"`       // users; the owner's and aliases' rows are not among them
	// SHA256 of the frozen list: the bytes of frozen/<environment>.csv in the exported files.
	SHA256 string `json:"sha256,omitempty"`
	Chunks int    `json:"chunks,omitempty"`
	// Pages are the answers it was read from, without their bodies, which stand in events of their own.
	Pages []workflows.RawPage `json:"pages,omitempty"`
	// Filters that the reading used, in words; "none".
	Filters string `json:"filters,omitempty"`
	// Excluded says why the environment was not read; empty: it was.
	Excluded string `json:"excluded,omitempty"`
	// Tries counts the readings in a row that failed; Next is when it is read again, zero while that is on its way.
	Tries int       `json:"tries,omitempty"`
	Next  time.Time `json:"next,omitzero"`
	// Tokens are those that were read before they became rows; since then TokenCount is how many rows
	// they are, and TokensSHA256 the hash of their frozen list, empty where they were not read.
	Tokens       []workflows.APIToken `json:"tokens,omitempty"`
	TokenCount   int                  `json:"token_count,omitempty"`
	TokensSHA256 string               `json:"tokens_sha256,omitempty"`
	Unread       map[string]string    `json:"unread,omitempty"`

	// Of a file: who gave it, what it was, who confirmed the count against the page.
	File        string    `json:"file,omitempty"`
	FileSHA256  string    `json:"file_sha256,omitempty"`
	Told        []string  `json:"told,omitempty"`     // what the second person is asked to look at, by name
	Uploader    string    `json:"uploader,omitempty"` // a Slack ID, or "operator: name"
	Uploaded    time.Time `json:"uploaded,omitzero"`
	ConfirmedBy string    `json:"confirmed_by,omitempty"`
	Confirmed   time.Time `json:"confirmed,omitzero"`
	// Edit is the number of the edit that said so last.
	Edit int `json:"edit,omitempty"`
}

// Done reports whether the environment needs nothing more: read and, if from a file, confirmed; or excluded.
func (r Reading) Done() bool {
	return r.Excluded != "" || r.Source == SourceAPI || r.Source == SourceCSV && r.ConfirmedBy != ""
}

// Part is a packet as its campaign knows it.
type Part struct {
	ID       string     `json:"id"`
	Reviewer string     `json:"reviewer"`
	Counts   Counts     `json:"counts"`
	Signed   *Signature `json:"signed,omitempty"`
	Closed   bool       `json:"closed,omitempty"` // its decisions are final
	Ended    bool       `json:"ended,omitempty"`  // and its remedies, too
}

// CampaignState is all that is known of one campaign but its rows, the fold of its events. The rows
// stand in its population events and in its packets.
type CampaignState struct {
	population.Started
	Phase    string            `json:"phase"`
	Round    int               `json:"round"`
	Begun    time.Time         `json:"begun"`
	Names    map[string]string `json:"names,omitempty"`
	Readings []Reading         `json:"readings"`
	// Gathered holds the rows until all environments are there; it is emptied when the packets open.
	Gathered map[string][]population.Row `json:"gathered,omitempty"`
	// Mailboxes are what was given about each shared mailbox, by address.
	Mailboxes map[string]Mailbox `json:"mailboxes,omitempty"`
	// Fresh are lists given after the close, to verify what was done.
	Fresh      []Reading `json:"fresh,omitempty"`
	Parts      []Part    `json:"parts,omitempty"`
	Rows       int       `json:"rows"`
	Exceptions []string  `json:"exceptions,omitempty"` // in words
	PlannedAt  time.Time `json:"planned_at,omitzero"`
	ClosedAt   time.Time `json:"closed_at,omitzero"`
	Ended      time.Time `json:"ended,omitzero"`
	Why        string    `json:"why,omitempty"` // of a cancellation
	Slow       string    `json:"slow,omitempty"`
	Notes      []string  `json:"notes,omitempty"`
	// Edits counts what people said about lists and mailboxes. A form carries the number of its time,
	// so that it never undoes what was said after it was opened.
	Edits int `json:"edits,omitempty"`
	// Exports are the last sets of files that were made; ExportCount is how many there were.
	Exports     []Export `json:"exports,omitempty"`
	ExportCount int      `json:"export_count,omitempty"`
}

// Opened implements workflows.State.
func (s CampaignState) Opened() bool { return s.Phase != "" }

// Closed implements workflows.State.
func (s CampaignState) Closed() bool {
	return s.Phase == CampaignCompleted || s.Phase == CampaignCancelled
}

// Account implements workflows.State.
func (s CampaignState) Account() string { return s.AccountID }

// StageName implements workflows.State.
func (s CampaignState) StageName() string { return s.Phase }

// Began implements workflows.State.
func (s CampaignState) Began() time.Time { return s.Begun }

// Title implements workflows.State.
func (s CampaignState) Title() string { return "Review of " + s.AccountName + ", " + s.Period }

// Counts adds up the packets.
func (s CampaignState) Counts() Counts {
	var c Counts
	for _, p := range s.Parts {
		c.Add(p.Counts)
	}
	return c
}

// Fix counts one remedy.
func (c *Counts) Fix(f population.Fix) {
	if f.Action == population.FixTransfer {
		c.Transfers++
		return
	}
	c.ToFix++
	switch f.State {
	case population.FixDone, population.FixVerified:
		c.Fixed++
	case population.FixFailed:
		c.Failed++
	}
}

// Add adds up the counts of two sets of rows.
func (c *Counts) Add(o Counts) {
	c.Rows += o.Rows
	c.Open += o.Open
	c.Keep += o.Keep
	c.Change += o.Change
	c.Remove += o.Remove
	c.NoAnswer += o.NoAnswer
	c.Privileged += o.Privileged
	c.Exceptions += o.Exceptions
	c.Bulk += o.Bulk
	c.Tokens += o.Tokens
	c.ToFix += o.ToFix
	c.Fixed += o.Fixed
	c.Failed += o.Failed
	c.Transfers += o.Transfers
}
