package transfer

import (
	"github.com/keyholder/keyholder/workflows"
)

// kinds are all types of events of a transfer, each declared beside the stage that it belongs to.
var kinds = workflows.NewKinds(State.clone, func(s *State) { s.Told = workflows.Union(s.Told, s.audience()) },
	append(asks.Kinds(),
		evRequested, evSlow, evChecked, evDoubted, evRecheck, evUnread,
		evWaived, evPreparing, evUserInvited, evPrepManual, evClaimed, evUserSeen,
		evPrepared, evApproved, evVoided, evCooled, evPaused, evInviting,
		evInviteRefused, evInvited, evAcceptedHere, evSeen, evLost, evTaken,
		evResend, evEnding, evTransferred, evRoleSet, evProbed, evSettling,
		evPointsClosed, evPointsDone, evReminded, evEnded,
	)...)

// read begins a reading of the account.
func (s *State) read(e workflows.Event) {
	s.Reading, s.ReadingSince, s.Slow, s.Unread = true, e.At, false, ""
}

// enter begins a stage: a new question, so a new round. Whoever enters one says when waiting in it
// ends.
func (s *State) enter(stage string, e workflows.Event) { s.Enter(stage, e, s.Until) }
