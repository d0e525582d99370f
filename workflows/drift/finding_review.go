package drift

import (
	"errors"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// Reviewed: a review took the access away, or changed it, and that was read back.
const Reviewed = "reviewed"

// reviewed is the body of the event by which a finding hears of a review.
type reviewed struct {
	workflows.ReviewedFinding
	// Why the reviewer's keeping is no word that it is expected, in a sentence; empty: it is one.
	Why string `json:"why,omitempty"`
}

var evReviewed = findingKind[reviewed]{
	Type: "finding.reviewed",
	Fold: func(s *FoundState, _ workflows.Event, b reviewed) { s.Kept = &b },
	Tell: func(_ workflows.Event, b reviewed) string { return b.words() },
}

// words say what the review decided.
func (b reviewed) words() string {
	if b.Mark == "" {
		return workflows.Say("The review %s decided against it, by %m; %s carried that out, and it was read back.",
			b.Review, b.Reviewer, b.Access)
	}
	text := workflows.Say("%m kept it in the review %s", b.Reviewer, b.Review)
	if b.Reason != "" {
		text = workflows.Say("%s: %q", workflows.Text(text), b.Reason)
	}
	if b.Why == "" {
		return text + ". That is their word that it is expected."
	}
	return text + ". That does not end this: " + b.Why
}

// reviewed takes what a review decided. Keeping is the reviewer's word that it is expected, where
// they may give that: it is judged as if they had pressed the button when they signed.
func (s FoundState) reviewed(cmd workflows.Command, f workflows.Facts, b workflows.ReviewedFinding) workflows.Decision {
	if s.Closed() || !s.Opened() || s.Kept != nil && s.Kept.ReviewedFinding == b {
		return workflows.Decision{}
	}
	seen := reviewed{ReviewedFinding: b}
	if b.Mark == "" {
		end := Settled{Outcome: Reviewed, Workflow: b.Access, Review: b.Review, Reviewer: b.Reviewer}
		return after(evReviewed.Of(cmd, seen), s.over(cmd, end))
	}
	took, enough, err := s.keptBy(cmd, f, b)
	if err != nil {
		seen.Why = notCounted(err)
		return evReviewed.One(cmd, seen)
	}
	if !enough {
		return after(evReviewed.Of(cmd, seen), evTaken.One(cmd, took))
	}
	end := Settled{Outcome: Expected, Review: b.Review, Reviewer: b.Reviewer}
	return after(evReviewed.Of(cmd, seen), s.expected(cmd, f, took, end))
}

// keptBy casts the reviewer's word.
func (s FoundState) keptBy(cmd workflows.Command, f workflows.Facts,
	b workflows.ReviewedFinding) (question.Took, bool, error) {
	refuse := func(text string) (question.Took, bool, error) {
		return question.Took{}, false, workflows.Refuse("not_counted", text)
	}
	kept, now := workflows.ReadMark(b.Mark), workflows.ReadMark(s.Now)
	switch {
	case s.Owner:
		return refuse("whoever takes it as expected has to say who owns the account now.")
	case kept == nil || now == nil || kept.Access.Mark() != now.Access.Mark() || kept.Disabled != now.Disabled:
		return refuse("it is something else by now than what the review showed.")
	case s.about(f.Known(b.Reviewer)):
		return refuse("it is their own access, so somebody else must decide.")
	}
	if err := refuseOthers(b.Reviewer, s.Managers, f); err != nil {
		return refuse("they do not look after access to this account, so those who do still decide.")
	}
	cmd.Actor = workflows.Actor{Kind: workflows.ByPerson, ID: b.Reviewer}
	took, enough, err := s.Taking.Take(s.parties(), f.Managing(s.Managers), cmd, f)
	return took, enough, err
}

// notCounted says why a reviewer's keeping is no word that it is expected.
func notCounted(err error) string {
	var r *workflows.Refusal
	if !errors.As(err, &r) {
		return "it could not be judged."
	}
	switch r.Code {
	case "not_counted":
		return r.Text
	case "named":
		return "integrator.io's audit log names them as who did it, so somebody else must take it as expected."
	case "asked":
		return "they asked for this access, so somebody else must take what became of it as expected."
	case "own_access":
		return "it is their own access, so somebody else must decide."
	case "too_few":
		return "not so many can take it as expected as approve the role; undo it, or let the configuration name more."
	case approvals.CodeAlreadyVoted:
		return "they took it as expected already, and it counts once."
	}
	return "they may not take it as expected now, so those who look after access still decide."
}

// after is an event in front of a decision.
func after(e workflows.Event, d workflows.Decision) workflows.Decision {
	d.Events = append([]workflows.Event{e}, d.Events...)
	return d
}
