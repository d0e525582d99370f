package access

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// A review may decide about an access whose removal was asked for. Its decision answers the request.

// codeReviewed is the end of a removal about whose access a review has decided.
const codeReviewed = "reviewed"

// soonAgain is when a removal that takes another one over looks whether that has ended.
const soonAgain = time.Minute

// keptWord is that a review kept an access whose removal was asked for.
type keptWord struct {
	workflows.KeptAccess
	Why string `json:"why,omitempty"` // it does not end the request, in a sentence; empty: it does
}

var evKept = kind[keptWord]{
	Type: "access.kept",
	Fold: func(s *State, _ workflows.Event, b keptWord) {
		s.Kept = &b
		s.Ask()
	},
	Tell: func(_ workflows.Event, b keptWord) string { return b.words() },
}

// words say what the review decided.
func (b keptWord) words() string {
	text := workflows.Say("%m kept this access in the review %s", b.Reviewer, b.Review)
	switch {
	case b.Signed == "":
		text += ", which ended by its time"
	case b.Signed != b.Reviewer:
		text += workflows.Say(", and %m signed that off", b.Signed)
	default:
		text += " and signed that off"
	}
	if b.Reason != "" {
		text += workflows.Say(": %q", b.Reason)
	}
	if b.Why != "" {
		return text + ". That does not end this request: " + b.Why
	}
	return text + "."
}

// kept takes that a review kept the access: the request is taken back where whoever asked for it did
// that, else refused. Nobody keeps their own access by it, and what is being written goes on; both
// are said.
func kept(s State, cmd workflows.Command, f workflows.Facts, b workflows.KeptAccess) workflows.Decision {
	if !s.Opened() || s.Closed() || s.Change != Remove || s.Review != nil ||
		s.Kept != nil && s.Kept.KeptAccess == b {
		return workflows.Decision{}
	}
	word := keptWord{KeptAccess: b}
	switch {
	case s.isTheirs(b.Reviewer, f):
		word.Why = "it is their own access, so somebody else must decide."
	case s.in().cancel(s) != justEnds:
		word.Why = "enough people had approved the removal before, and it is being done."
	}
	d := evKept.One(cmd, word)
	if word.Why != "" {
		return d
	}
	outcome := Refused
	if b.Reviewer == s.Requester {
		outcome = Cancelled
	}
	return joined(d, s.end(cmd, Finished{Outcome: outcome, Code: codeReviewed, Message: word.words() +
		" Nothing was changed at integrator.io."}))
}

// overtakes tells the request for the same removal, where one is open, that a review decided it: it
// ends if nothing of it stands at integrator.io, and this one goes on. So nobody is removed twice.
func (fr Frozen) overtakes(cmd workflows.Command, f workflows.Facts, holder string) (workflows.Call, bool) {
	asked := f.Account.Locks[workflows.OpenRemoval+workflows.GivenKey(fr.Environment, fr.Email)]
	if fr.Change != Remove || asked != holder {
		return workflows.Call{}, false
	}
	return workflows.AccessOvertaken.To(f.Policy.ID, holder, workflows.OvertakenAccess{
		Review: cmd.Input[inReview], Reviewer: cmd.Input[inReviewer], Access: cmd.Workflow,
	}), true
}

// overtaken ends a request for a removal that a review carries out. What is being written already
// goes on, and the review finds nothing left to do.
func overtaken(s State, cmd workflows.Command, b workflows.OvertakenAccess) workflows.Decision {
	if !s.Opened() || s.Closed() || s.Change != Remove || s.Review != nil || s.in().cancel(s) != justEnds {
		return workflows.Decision{}
	}
	return s.end(cmd, Finished{Outcome: Cancelled, Code: codeReviewed, Message: workflows.Say(
		"The review %s decided the same, by %m. %s carries it out.", b.Review, b.Reviewer, b.Access)})
}
