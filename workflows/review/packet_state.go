package review

import (
	"fmt"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// PageRows is how many rows one page of the form shows: with its buttons it fits into three screens
// of a phone.
const PageRows = 4

// Assigned is what opens a packet: who reviews what, until when, by which rules. It is the body of the opening event.
type Assigned struct {
	ID          string           `json:"id"`
	Campaign    string           `json:"campaign"`
	Period      string           `json:"period"`
	AccountID   string           `json:"account"`
	AccountName string           `json:"account_name"`
	Number      int              `json:"number"` // of this packet, from 1
	Of          int              `json:"of"`
	Reviewer    string           `json:"reviewer"` // Slack ID
	InPlaceOf   string           `json:"in_place_of,omitempty"`
	Rows        []population.Row `json:"rows"`
	Opened      time.Time        `json:"opened"` // of the campaign
	Due         time.Time        `json:"due"`
	Closes      time.Time        `json:"closes"` // due + grace
	// Backups are who may follow the reviewer, the best first: other reviewers, administrators, holders.
	Backups []string               `json:"backups,omitempty"`
	Admins  []string               `json:"admins,omitempty"`
	Holders []string               `json:"holders,omitempty"`
	Channel string                 `json:"channel,omitempty"`
	Policy  workflows.ReviewPolicy `json:"policy"`
	UIHost  string                 `json:"ui_host,omitempty"`
	Token   bool                   `json:"token,omitempty"` // what is done can be seen by reading production
}

// Step is one saving that undo takes back.
type Step struct {
	By   string                     `json:"by"`
	At   time.Time                  `json:"at"`
	Was  map[int]population.Verdict `json:"was"` // by row number, the verdicts before
	Bulk bool                       `json:"bulk,omitempty"`
}

// Nudge is one reminder or notice in the packet's thread.
type Nudge struct {
	N    int       `json:"n"` // from 1; names its card
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
	To   []string  `json:"to"`
	Open int       `json:"open"` // rows left then
}

// Handover is a change of who reviews.
type Handover struct {
	At   time.Time `json:"at"`
	From string    `json:"from,omitempty"`
	To   string    `json:"to"`
	Why  string    `json:"why"` // escalated, replaced, deactivated, absent, delegated, reassigned
	Note string    `json:"note,omitempty"`
	By   string    `json:"by,omitempty"` // who reassigned
}

// Signature is the deliberate act that ends a packet's decisions.
type Signature struct {
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Took string    `json:"took,omitempty"` // from the first look to the signature, as a Go duration
	// Fast is true when every row was kept in under two seconds a row: it is shown to the auditor.
	Fast bool `json:"fast,omitempty"`
	// Acknowledged is what whoever signed was shown that they acknowledge by it; empty in signatures from
	// before that was asked.
	Acknowledged string `json:"acknowledged,omitempty"`
	// Proven is true when they had shown who they are for it ([workflows.StepUp]).
	Proven bool `json:"proven,omitempty"`
}

// Acknowledgement is what a signature acknowledges. Source: PCI DSS 7.2.4, "Management acknowledges that
// access remains appropriate".
const Acknowledgement = "the access that is kept is still needed and appropriate"

// Stages of a packet.
const (
	PacketReviewing = "reviewing"
	PacketSigned    = "signed"    // waits for the campaign's close
	PacketFixing    = "fixing"    // what was decided is carried out
	PacketCompleted = "completed" // ended
)

// PacketState is all that is known of one packet, the fold of its events.
type PacketState struct {
	Assigned
	Phase string `json:"phase"`
	Round int    `json:"round"`
	// Reviewers may decide now: the reviewer, later a second person, or whoever replaced them.
	Reviewers []string          `json:"reviewers"`
	Names     map[string]string `json:"names,omitempty"` // Slack names by ID, for exports
	Zones     map[string]string `json:"zones,omitempty"` // IANA time zones by Slack ID
	// Addresses are all that were seen of whoever reviewed or was to, by Slack ID.
	Addresses map[string][]string  `json:"addresses,omitempty"`
	Told      []string             `json:"told,omitempty"` // who has a card, those included whom somebody followed
	Verdicts  []population.Verdict `json:"verdicts"`       // by row number - 1
	// Edits counts what changed verdicts. A form carries the number of its time as its round, so
	// that it never undoes what was decided after it was opened, whoever decided it.
	Edits     int       `json:"edits,omitempty"`
	Undo      []Step    `json:"undo,omitempty"`
	Looked    time.Time `json:"looked,omitzero"` // first look at the rows
	Nudges    int       `json:"nudges,omitempty"`
	Last      *Nudge    `json:"last,omitempty"`
	NextNudge time.Time `json:"next_nudge,omitzero"`
	// Turning: what came last was a page turned, so its reader looks at the form and not at the card.
	Turning   bool             `json:"turning,omitempty"`
	NextWhy   string           `json:"next_why,omitempty"`
	Escalated int              `json:"escalated,omitempty"` // how many steps of Policy.Escalate were taken
	Handovers []Handover       `json:"handovers,omitempty"`
	HandedIn  int              `json:"handed_in,omitempty"` // the round that the last of them began
	Signed    *Signature       `json:"signed,omitempty"`
	ClosedAt  time.Time        `json:"closed_at,omitzero"`
	Fixes     []population.Fix `json:"fixes,omitempty"`
	Late      bool             `json:"late,omitempty"` // somebody was told that a remedy is late
	// administrators and holders have a card of the remedies, because something is asked of them
	Shown bool      `json:"shown,omitempty"`
	Ended time.Time `json:"ended,omitzero"`
	// TokensSeen are the readings of API tokens after the close, by environment.
	TokensSeen map[string]TokensSeen `json:"tokens_seen,omitempty"`
	Checked    time.Time             `json:"checked,omitzero"` // when the reviewers' standing was last looked at
}

// Opened implements workflows.State.
func (s PacketState) Opened() bool { return s.Phase != "" }

// Closed implements workflows.State.
func (s PacketState) Closed() bool { return s.Phase == PacketCompleted }

// Account implements workflows.State.
func (s PacketState) Account() string { return s.AccountID }

// StageName implements workflows.State.
func (s PacketState) StageName() string { return s.Phase }

// Began implements workflows.State.
func (s PacketState) Began() time.Time { return s.Assigned.Opened }

// Title implements workflows.State.
func (s PacketState) Title() string {
	title := "Review who has access to " + s.AccountName + ", " + s.Period
	if s.Phase == PacketReviewing {
		title += fmt.Sprintf(": %d of %s left", len(s.lacking()), workflows.Plural(len(s.Rows), "row"))
	}
	return title
}

// Counts are the numbers of a packet, which always add up: Rows = Open + Keep + Change + Remove + NoAnswer.
type Counts struct {
	Rows       int `json:"rows"`
	Open       int `json:"open"` // undecided, or decided and lacking something
	Keep       int `json:"keep"`
	Change     int `json:"change"`
	Remove     int `json:"remove"`
	NoAnswer   int `json:"no_answer"`
	Privileged int `json:"privileged"`
	Exceptions int `json:"exceptions"`
	Bulk       int `json:"bulk"`
	Tokens     int `json:"tokens,omitempty"` // rows that are API tokens
	// ToFix counts remedies, Fixed those done or verified, Failed those failed. Transfers are
	// wanted besides: people ask for them.
	ToFix     int `json:"to_fix"`
	Fixed     int `json:"fixed"`
	Failed    int `json:"failed"`
	Transfers int `json:"transfers,omitempty"`
}
