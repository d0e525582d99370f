package workflows

import (
	"slices"
	"time"
)

// ReviewPolicy is the configuration's review section, read by whoever knows its notation.
type ReviewPolicy struct {
	Every  string `json:"every"` // one of the Every constants
	Starts Starts `json:"starts"`
	Zone   string `json:"timezone"` // IANA name
	// Window is how long reviewers have, Grace how long a review stays open after that.
	Window time.Duration `json:"window"`
	Grace  time.Duration `json:"grace"`
	// Reviewers are Slack user or user-group IDs, never empty: the default is filled in. ByRole and
	// ByIntegration name others for rows with that role, or with custom access to that integration
	// (its ID or name); the integration's rule comes first.
	Reviewers     []string            `json:"reviewers"`
	ByRole        map[string][]string `json:"reviewers_by_role,omitempty"`
	ByIntegration map[string][]string `json:"reviewers_by_integration,omitempty"`
	RemindEvery   time.Duration       `json:"remind_every"`
	RemindBefore  []time.Duration     `json:"remind_before,omitempty"` // before the due time; 0 is that time itself
	OverdueEvery  time.Duration       `json:"overdue_every"`
	From          time.Duration       `json:"from"` // working hours, after midnight
	To            time.Duration       `json:"to"`   // up to 24 h
	Days          [7]bool             `json:"days"` // working days by time.Weekday
	// the first adds a person, each later one replaces
	Escalate []time.Duration `json:"escalate_after,omitempty"`
	// Inactive... and ExemptNew are the thresholds of the flag inactive.
	InactiveAfter           time.Duration `json:"inactive_after"`
	InactivePrivilegedAfter time.Duration `json:"inactive_privileged_after"`
	ExemptNew               time.Duration `json:"exempt_new"`
	NoAnswer                string        `json:"no_answer"` // keep or remove
	FixWithin               time.Duration `json:"fix_within"`
	FixPrivilegedWithin     time.Duration `json:"fix_privileged_within"`
	// Late is how long after its time a review opens, and is announced, so that not all accounts
	// open theirs at the same moment. It is no rule, and kept where it was used.
	Late time.Duration `json:"-"`
}

// Lengths of a period.
const (
	EveryMonth   = "month"
	EveryQuarter = "quarter"
	EveryHalf    = "half"
	EveryYear    = "year"
)

// Starts is a day of the period's first month: the Nth weekday (-1 the last), or a day by its number (1 to 28).
type Starts struct {
	Nth     int          `json:"nth,omitempty"`
	Weekday time.Weekday `json:"weekday,omitempty"`
	Day     int          `json:"day,omitempty"`
}

// ReviewSummary is a campaign in the account's record: body of [ReviewMoved] and what status and
// later campaigns show of it.
type ReviewSummary struct {
	ID       string    `json:"id"`
	Period   string    `json:"period"`
	Stage    string    `json:"stage"`
	Opened   time.Time `json:"opened"`
	Closed   time.Time `json:"closed,omitzero"`
	Rows     int       `json:"rows"`
	Keep     int       `json:"keep,omitempty"`
	Change   int       `json:"change,omitempty"`
	Remove   int       `json:"remove,omitempty"`
	NoAnswer int       `json:"no_answer,omitempty"`
	Open     int       `json:"open,omitempty"` // of what was to be done: not done yet
}

// ReviewMoved is the type of the account's event with body [ReviewSummary]; it replaces the summary with the same ID.
const ReviewMoved = "review.moved"

// MaxReviews is how many campaigns an account's record lists; the oldest go first, their own records stay.
const MaxReviews = 24

func withReview(all []ReviewSummary, r ReviewSummary) []ReviewSummary {
	all = slices.Clone(all)
	for i := range all {
		if all[i].ID == r.ID {
			all[i] = r
			return all
		}
	}
	all = append(all, r)
	return all[max(0, len(all)-MaxReviews):]
}
