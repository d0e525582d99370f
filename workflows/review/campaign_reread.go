package review

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// A reading that failed is read again, by itself and by a button, until the review ends: what was a
// fault of two seconds must not leave out an environment for a quarter.

// Bounds of reading again by itself: soon at first, for most faults pass; then more and more
// seldom.
const (
	againFirst = time.Minute
	againLast  = 24 * time.Hour
)

// unread is a reading that failed.
type unread struct {
	Environment string    `json:"environment,omitempty"`
	Why         string    `json:"why"`
	Tries       int       `json:"tries"` // so many readings in a row have failed
	Next        time.Time `json:"next"`  // when it is read again
	// Excluded says that the review begins, or has begun, without the environment. What is read
	// later becomes parts of its own while reviewers decide.
	Excluded bool `json:"excluded,omitempty"`
}

// rereading is what is read again.
type rereading struct {
	Environments []string `json:"environments"`
}

// failed records that an environment could not be read, and when that is tried again.
func (s CampaignState) failed(cmd workflows.Command, f workflows.Facts, env string) (workflows.Decision, error) {
	r, was := cmd.Receipt, s.readingOf(env)
	if was.Source == SourceCSV {
		return workflows.Decision{}, nil // a file came first
	}
	b := unread{Environment: env, Why: whyUnread(r), Tries: was.Tries + 1}
	b.Next = cmd.At.Add(min(againFirst<<min(b.Tries-1, 11), againLast))
	// Production is never left out. Of others a token that is not known is given an hour: that may
	// be a fault of a moment, while a call that found nobody has been tried for so long.
	passing := r.Code == workflows.RefusedUnauthorized && cmd.At.Before(s.Begun.Add(otherWithin))
	b.Excluded = env != "" && (was.Excluded != "" || !passing)
	events := []workflows.Event{cmd.Event(evUnread, b)}
	if s.Phase == CampaignOpen {
		return workflows.Decision{Events: events}, nil
	}
	return s.moveOn(cmd, f, events)
}

// whyUnread says why a list could not be read, within a sentence.
func whyUnread(r *workflows.Receipt) string {
	switch {
	case r.Code == workflows.RefusedNoToken:
		return "no token is configured for it"
	case r.Code == workflows.RefusedUnauthorized:
		return "integrator.io does not know the token any more"
	case r.Code == workflows.RefusedForbidden:
		return "the token may not list the users"
	case r.Failed:
		return "integrator.io could not be reached in time"
	}
	return "integrator.io refused to list the users" + saidWhy(r.Message)
}

// unreadEnvironments are those whose reading failed and is to be tried again; due are those whose
// time has come, all of them for the zero time.
func (s CampaignState) unreadEnvironments(due time.Time) []string {
	var out []string
	for _, r := range s.Readings {
		if r.Tries > 0 && !r.Next.IsZero() && (due.IsZero() || !r.Next.After(due)) {
			out = append(out, r.Environment)
		}
	}
	return out
}

// nextReading is when something is read again, zero for never.
func (s CampaignState) nextReading() time.Time {
	var next time.Time
	if s.Phase != CampaignGathering && s.Phase != CampaignOpen {
		return next
	}
	for _, r := range s.Readings {
		if !r.Next.IsZero() && (next.IsZero() || r.Next.Before(next)) {
			next = r.Next
		}
	}
	return next
}

// rereads asks for environments once more.
func (s CampaignState) rereads(cmd workflows.Command, environments []string) workflows.Decision {
	if len(environments) == 0 {
		return workflows.Decision{}
	}
	d := workflows.Decision{Events: []workflows.Event{cmd.Event(evReread, rereading{Environments: environments})}}
	for _, env := range environments {
		call := censusOf(s.AccountID, env)
		call.Deadline = cmd.At.Add(otherWithin)
		d.Calls = append(d.Calls, call)
	}
	return d
}

// reread is the button for it.
func (s CampaignState) reread(cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	d := s.rereads(cmd, s.unreadEnvironments(time.Time{}))
	if len(d.Events) == 0 {
		d.Reply = workflows.Reply{
			Text: "Nothing has to be read again just now: it was read, or the answer is on its way."}
		return d, nil
	}
	d.Reply = workflows.Reply{Text: "The users are being read once more. The card shows what comes of it."}
	return d, nil
}
