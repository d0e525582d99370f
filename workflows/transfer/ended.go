package transfer

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

var evReminded = workflows.Kind[State, Reminder]{
	Type: "transfer.nudged",
	Fold: func(s *State, e workflows.Event, b Reminder) { s.Reminders = append(s.Reminders, b) },
	Tell: func(e workflows.Event, b Reminder) string { return "Reminded: " + workflows.Mentions(b.To) + "." },
}

var evEnded = workflows.Kind[State, Ended]{
	Type: "transfer.ended",
	Fold: func(s *State, e workflows.Event, b Ended) {
		s.Head.End(b.Outcome, e)
		s.End = &b
	},
	Tell: func(e workflows.Event, b Ended) string {
		text := endingWord(b.Outcome) + whose(b.By) + because(b.Reason) + "."
		switch {
		case b.Outcome == Completed && b.Code == "superseded":
			text = "Closed, because a newer transfer of the account has begun."
		case b.Code == endWaived:
			text = workflows.Say("%m waived what was left: %q.", b.By.ID, b.Reason)
		case b.Outcome == Completed && b.By.Kind == workflows.ByTimer:
			text = "Closed, because the time was over."
		case b.Outcome == Completed:
			text = "The transfer is complete."
		case b.Outcome == Expired:
			text = expiredWhat(b.Stage)
		case b.Code == endLeft:
			text = "Failed: " + b.Message + "."
		case b.Outcome == Failed && b.Reason != "":
			text = "Failed: " + b.Reason + "."
		case b.Outcome == Failed:
			text = "Failed (" + workflows.Esc(b.Code) + ")" + because(b.Message) + "."
		}
		if len(b.Open) > 0 {
			text += " Left open: " + strings.Join(escaped(b.Open), "; ") + "."
		}
		if t := b.TookBack; t != nil {
			text += map[bool]string{true: " What it gave is taken back (Keyholder did it).", false: " What it gave could not be taken back (" + workflows.Esc(t.Code) + ")."}[t.OK]
		}
		if b.Left {
			text += " The invitation may still stand at integrator.io."
		}
		return text
	},
}

// cancel ends the transfer before anything was sent.
func cancel(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, []string{s.Requester}, s.Holders, s.Admins) {
		return workflows.Decision{}, refused("not_permitted", "Only "+workflows.Mention(s.Requester)+", who asked, the holders and the administrators can cancel. Nothing was recorded.")
	}
	switch s.Stage {
	case Checking, Preparing, Confirming, Cooling:
	case Inviting:
		if s.Invite.Sending {
			return workflows.Decision{}, refused("too_late", "The invitation is on its way to integrator.io. Nothing was recorded. When it is there, it can be withdrawn.")
		}
	default:
		return workflows.Decision{}, refused("too_late", "It is too late to cancel: "+stageLine(s)+" Nothing was recorded. The invitation can be withdrawn as long as nobody accepted it.")
	}
	why, modal := askWhy(s, cmd, "Cancel transfer", "Cancel this transfer? It cannot be taken up again; somebody would have to ask anew.", nil, false)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	return s.end(cmd, Ended{Outcome: Cancelled, Reason: why}), nil
}

// end closes the transfer: the account is free again, and what was given is taken back first.
func (s State) end(cmd workflows.Command, e Ended) workflows.Decision {
	return s.endBy(cmd, cmd.Actor, e)
}

// endBy ends it in the name of whoever wanted that before the command came. Access that the transfer gave is taken back first, accepted or
// not, and the end waits for integrator.io's word.
func (s State) endBy(cmd workflows.Command, by workflows.Actor, e Ended) workflows.Decision {
	e.By, e.At, e.Stage = by, cmd.At, s.Stage
	if s.gave() {
		d := evEnding.One(cmd, Ending{Outcome: e.Outcome, Reason: e.Reason, By: by, TakesBack: true, Stage: e.Stage, Code: e.Code, Message: e.Message, Left: e.Left})
		d.Calls = []workflows.Call{{Op: workflows.OpRemoveAccess, Account: s.AccountID, Email: s.To, Who: s.Target, Known: workflows.Access{Role: RoleMonitor}.Mark()}}
		return d
	}
	return s.over(cmd, e)
}

// over ends it now.
func (s State) over(cmd workflows.Command, e Ended) workflows.Decision {
	d := evEnded.One(cmd, e)
	d.Account = s.release(cmd)
	return d
}

// gave reports whether the transfer made the target a user of the account, or may have, and still has to take that back.
func (s State) gave() bool { return (s.Prep.Sent || s.Prep.Sending) && !s.changed() }

// tookBack decides what became of the access that was to be taken back: the transfer is over.
func tookBack(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	end := s.Ending
	if end == nil || !end.TakesBack {
		return workflows.Decision{}, nil
	}
	e := Ended{Outcome: end.Outcome, Reason: end.Reason, By: end.By, At: cmd.At, Stage: end.Stage, Code: end.Code, Message: end.Message, Left: end.Left}
	e.TookBack = &TookBack{OK: r.OK, None: r.OK && r.User == nil}
	if !r.OK {
		e.TookBack.Code, e.TookBack.Message = r.Code, r.Message
	}
	return s.over(cmd, e), nil
}

// release gives the account's lock back, unless the change of owner did already.
func (s State) release(cmd workflows.Command) []workflows.Event {
	if s.changed() {
		return nil
	}
	return []workflows.Event{cmd.Event(workflows.LockReleased, workflows.Lock{Name: workflows.LockTransfer, Workflow: cmd.Workflow})}
}
