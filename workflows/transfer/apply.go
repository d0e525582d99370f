package transfer

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// apply folds one event into the state.
func apply(s State, e workflows.Event) (State, error) {
	s = s.clone()
	fold, known := folds[e.Type]
	if !known {
		return s, fmt.Errorf("apply %q: %w", e.Type, workflows.ErrUnknownEvent)
	}
	if err := fold(&s, e); err != nil {
		return s, fmt.Errorf("apply %s: %w", e.Type, err)
	}
	s.Told = workflows.Union(s.Told, s.audience())
	return s, nil
}

// folds says what each event does to the state.
var folds map[string]func(*State, workflows.Event) error

func init() {
	folds = map[string]func(*State, workflows.Event) error{
		evRequested: with(func(s *State, e workflows.Event, b Frozen) {
			s.Frozen = b
			s.Begun = e.At
			s.Ballot = approvals.Ballot{Quorum: b.Policy.Quorum, Electorate: b.Electorate, Lists: b.Lists, Bars: b.Bars}
			s.enter(Checking, e)
			s.Until = e.At.Add(b.Policy.ConfirmWithin)
			s.read(e)
		}),
		evSlow: with(func(s *State, e workflows.Event, _ none) { s.Slow = true }),
		evChecked: with(func(s *State, e workflows.Event, b checked) {
			s.Checks, s.Caps, s.Mark, s.Seen, s.Off, s.UserID, s.CheckedAt = b.Checks, b.Caps, b.Mark, b.Seen, b.Off, b.UserID, b.At
			s.Reading, s.Slow, s.Doubt, s.Unread = false, false, "", ""
			if b.New {
				s.Round++
			}
		}),
		evUnread: with(func(s *State, e workflows.Event, b refusal) {
			s.Unread, s.Reading, s.Slow = b.Code, false, false
			s.Round++
		}),
		evDoubted: with(func(s *State, e workflows.Event, b seen) {
			s.Doubt, s.DoubtAt, s.Reading, s.Slow = b.Mark, e.At, false, false
		}),
		evRecheck: with(func(s *State, e workflows.Event, _ none) {
			s.Invite.Code, s.Invite.Message = "", ""
			if s.Phase == Preparing && len(s.inviteUserCalls()) > 0 {
				s.Prep.Sending, s.Prep.Gone = true, false
				s.Round++
				return
			}
			s.read(e)
		}),
		evWaived: with(func(s *State, e workflows.Event, b waived) {
			for _, c := range b.Checks {
				s.Waivers = append(s.Waivers, Waiver{Check: c, By: e.By.ID, Reason: b.Reason, At: e.At})
			}
			s.Round++
		}),
		evPreparing: with(func(s *State, e workflows.Event, b until) {
			s.enter(Preparing, e)
			s.Until = b.Until
			s.Prep = Prep{Sent: s.Prep.Sent, Sending: s.Token}
			s.Paused = false
		}),
		evUserInvited: with(func(s *State, e workflows.Event, b userInvited) {
			s.Prep.Invited, s.Prep.Sending, s.Prep.Sent, s.Prep.Gone = true, false, s.Prep.Sent || b.Sent, false
			s.Prep.Mark, s.Prep.Manual, s.Prep.Message = b.Mark, "", ""
			// The question stays the same: whoever takes the sign-up on while the invitation goes out is right to.
		}),
		evPrepManual: with(func(s *State, e workflows.Event, b refusal) {
			s.Prep.Manual, s.Prep.Message, s.Prep.Sending = b.Code, b.Message, false
			s.Prep.Sent = s.Prep.Sent || b.Code == workflows.FailedDeadline // nobody knows whether it took effect
			s.Round++
		}),
		evClaimed: with(func(s *State, e workflows.Event, _ none) {
			s.Prep.Claimed = e.By.ID
			s.Round++
		}),
		evUserSeen: with(func(s *State, e workflows.Event, b seen) {
			s.Prep.Mark = b.Mark
			if s.Prep.Invited && (b.Status == userAbsent || b.Status == workflows.UserDismissed) {
				s.Prep.Invited, s.Prep.Gone = false, true
			}
			s.Round++
		}),
		evPrepared: with(func(s *State, e workflows.Event, b how) {
			// An invitation whose answer never came may be the one that was accepted; one that was answered as accepted at once was not ours.
			s.Prep.Done, s.Prep.Sent = b.How, s.Prep.Sent || s.Prep.Sending && b.How != workflows.Verified
			s.Prep.Sending = false
			if b.How == workflows.Attested {
				s.Prep.Attested = e.By.ID
			}
			s.enter(Checking, e)
			if s.Cooled { // it is decided; what is left is the last check
				s.Phase = Cooling
			}
			s.Until = e.At.Add(s.Policy.ConfirmWithin)
			s.read(e)
		}),
		evAsking: with(func(s *State, e workflows.Event, b asking) {
			s.enter(Confirming, e)
			s.Until, s.Asked, s.Waiting, s.Given = b.Closes, b.Asked, b.Asked, 0
			s.Ballot.Opens, s.Ballot.Closes, s.Ballot.Votes = e.At, b.Closes, nil
		}),
		evAsked: with(func(s *State, e workflows.Event, b asking) {
			s.Asked, s.Waiting = workflows.Union(s.Asked, b.Asked), b.Asked
		}),
		evVoted: with(func(s *State, e workflows.Event, b voted) {
			s.Ballot.Votes = append(s.Ballot.Votes, b.Votes...)
			s.Ballot.Bars = append(s.Ballot.Bars, b.Bars...)
			s.Asked, s.Waiting, s.Given = workflows.Union(s.Asked, b.Waiting), b.Waiting, b.Given
		}),
		evApproved: with(func(s *State, e workflows.Event, b until) {
			s.enter(Cooling, e)
			s.Until, s.Cooled, s.Paused, s.VoidNote = b.Until, false, false, nil
		}),
		evVoided: with(func(s *State, e workflows.Event, b voided) {
			s.enter(Confirming, e)
			if b.Blocked {
				s.Phase = Checking
			}
			s.Ballot.Votes, s.Ballot.Closes = b.Keep, b.Closes
			s.Until, s.Cooled, s.Paused, s.VoidNote = b.Closes, false, false, b.Differences
			s.Asked, s.Waiting, s.Given = b.Asked, b.Asked, len(b.Keep)
			s.Invite = Invite{}
		}),
		evCooled: with(func(s *State, e workflows.Event, _ none) {
			s.read(e)
			s.Cooled, s.Until = true, e.At.Add(s.Policy.ConfirmWithin)
			s.Round++
		}),
		evPaused: with(func(s *State, e workflows.Event, _ none) {
			s.Paused = true
			s.Round++
		}),
		evInviting: with(func(s *State, e workflows.Event, b inviting) {
			s.enter(Inviting, e)
			s.Until, s.Paused = b.Until, false
			s.Invite = Invite{Manual: b.Manual, Sending: !b.Manual}
		}),
		evInviteRefused: with(func(s *State, e workflows.Event, b refusal) {
			s.Invite.Sending, s.Invite.Code, s.Invite.Message, s.Invite.Manual = false, b.Code, b.Message, b.Manual
			s.Round++
		}),
		evInvited: with(func(s *State, e workflows.Event, b invited) {
			s.enter(Accepting, e)
			s.Until = b.Until
			s.Invite = Invite{Manual: s.Invite.Manual, ID: b.ID, How: b.How, Mark: b.Mark}
			if b.How == workflows.Attested {
				s.Invite.Attested = e.By.ID
			}
		}),
		evAcceptedHere: with(func(s *State, e workflows.Event, _ none) {
			s.Invite.Accepted = e.By.ID
			s.Round++
		}),
		evSeen: with(func(s *State, e workflows.Event, b seen) {
			s.Invite.Mark = b.Mark
			if b.ID != "" {
				s.Invite.ID = b.ID
			}
			if (workflows.Transfer{Status: b.Status}).Pending() {
				s.Invite.Lost = ""
			}
			s.Round++
		}),
		evLost: with(func(s *State, e workflows.Event, b seen) {
			s.Invite.Lost, s.Invite.Mark = b.Status, b.Mark
			s.Round++
		}),
		evTaken: with(func(s *State, e workflows.Event, b taken) {
			s.Invite.Mark, s.Invite.ID, s.Invite.Lost, s.Invite.Resend, s.Ending = b.Mark, b.ID, "", false, nil
			s.Until, s.Invite.Taken = b.Until, true
			s.Round++
		}),
		evResend: with(func(s *State, e workflows.Event, _ reason) {
			s.Invite.Resend = true
			s.Round++
		}),
		evEnding: with(func(s *State, e workflows.Event, b Ending) {
			s.Ending = &b
			s.Round++
		}),
		evTransferred: with(func(s *State, e workflows.Event, b transferred) {
			s.enter(Settling, e)
			s.Until, s.Ending = b.Until, nil
			s.Settle = Settle{How: b.How, At: e.At, Role: b.Role}
			if b.How == workflows.Attested {
				s.Settle.Attested = e.By.ID
			}
		}),
		evRoleSet: with(func(s *State, e workflows.Event, b roleSet) {
			s.Settle.RoleCode = b.Code
			if b.Code == "" {
				s.Settle.Role = b.Role
			}
		}),
		evProbed: with(func(s *State, e workflows.Event, b probed) {
			s.Settle.Probed, s.Settle.TokenOK, s.Settle.StillOff = true, b.OK, b.StillOff
			if b.Role != "" && s.Settle.RoleCode == "" {
				s.Settle.Role = b.Role
			}
		}),
		evSettling: with(func(s *State, e workflows.Event, b settled) {
			s.Settle.Done, s.Settle.Points, s.Settle.Removing = b.Done, b.Open, true
			if e.By.Kind == workflows.ByPerson {
				s.Settle.By = e.By.ID
			}
			s.Until = e.At.Add(2 * workflows.GiveUpAfter)
			s.Round++
		}),
		evPointsLeft: with(func(s *State, e workflows.Event, b pointsLeft) {
			s.enter(Finishing, e)
			s.Until, s.Settle.Points, s.Settle.Removing = time.Time{}, b.Points, false
		}),
		evPointsDone: with(func(s *State, e workflows.Event, b pointsDone) {
			s.Settle.Points = slices.DeleteFunc(slices.Clone(s.Settle.Points), func(p Point) bool { return slices.Contains(b.Keys, p.Key) })
			s.Settle.Done, s.Settle.By = workflows.Union(s.Settle.Done, b.Keys), e.By.ID
			s.Round++
		}),
		evReminded: with(func(s *State, e workflows.Event, b Reminder) { s.Reminders = append(s.Reminders, b) }),
		evEnded: with(func(s *State, e workflows.Event, b Ended) {
			s.enter(b.Outcome, e)
			s.End = &b
		}),
	}
}

// with decodes an event's body for its fold.
func with[B any](fold func(*State, workflows.Event, B)) func(*State, workflows.Event) error {
	return func(s *State, e workflows.Event) error {
		var b B
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return fmt.Errorf("decode body: %w", err)
		}
		fold(s, e, b)
		return nil
	}
}

// read begins a reading of the account.
func (s *State) read(e workflows.Event) {
	s.Reading, s.ReadingSince, s.Slow, s.Unread = true, e.At, false, ""
}

// enter begins a stage: a new question, so a new round.
func (s *State) enter(stage string, e workflows.Event) {
	s.Phase, s.Since = stage, e.At
	s.Round++
}
