package access

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// codeReviewed is the end of a removal that a review has decided, too.
const codeReviewed = "reviewed"

// soonAgain is when a removal that takes another one over looks whether that has ended.
const soonAgain = time.Minute

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
