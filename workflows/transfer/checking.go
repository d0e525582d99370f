package transfer

import (
	"slices"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// received decides the receipt of a call. A receipt that the state no longer waits for changes nothing.
func received(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if s.Closed() {
		return workflows.Decision{}, nil
	}
	r := *cmd.Receipt
	switch r.Op {
	case workflows.OpInspect:
		return inspected(s, cmd, f, r)
	case workflows.OpInviteUser, workflows.OpWatchUser:
		return userReceipt(s, cmd, r)
	case workflows.OpInviteOwner:
		return ownerInvited(s, cmd, r)
	case workflows.OpWatchTransfer:
		return watched(s, cmd, r)
	case workflows.OpWithdraw:
		return withdrawn(s, cmd, r)
	case workflows.OpRemoveAccess:
		return tookBack(s, cmd, r)
	case workflows.OpSetRole, workflows.OpRemoveUser:
		return roleReceipt(s, cmd, r)
	}
	return workflows.Decision{}, nil
}

// inspected decides a reading of the account.
func inspected(s State, cmd workflows.Command, f workflows.Facts, r workflows.Receipt) (workflows.Decision, error) {
	if s.Phase == Settling {
		return probedAgain(s, cmd, r)
	}
	if s.Ending != nil || s.Phase == Accepting {
		return workflows.Decision{}, nil
	}
	if !r.OK || r.Reading == nil {
		return unreadable(s, cmd, r)
	}
	reading := *r.Reading
	if cmd.At.Sub(reading.At) > workflows.FactsMaxAge {
		// Too old to decide: read again.
		if s.Reading {
			return s.again(cmd), nil
		}
		return workflows.Decision{}, nil
	}
	s.Reading = s.Reading || s.Unread != "" // the answer that was waited for, at last
	checks := inspect(s, reading)
	if !s.Reading && same(checks, s.Checks) && reading.Mark() == s.Mark {
		return workflows.Decision{}, nil
	}
	if s.doubts(reading.Mark(), checks) {
		return one(cmd, evDoubted, seen{Mark: reading.Mark()}), nil
	}
	ev := cmd.Event(evChecked, checked{Checks: checks, Caps: reading.Capabilities, Mark: reading.Mark(), Seen: transferIDs(reading), Off: off(reading),
		UserID: reading.UserID, At: reading.At, Waived: s.waivedKeys(), New: !same(checks, s.Checks)})
	next, err := fold(s, []workflows.Event{ev})
	if err != nil {
		return workflows.Decision{}, err
	}
	d, err := next.afterReading(s, cmd, f, reading)
	d.Events = append([]workflows.Event{ev}, d.Events...)
	return d, err
}

// doubts reports whether a reading would void votes or stop the invitation and was not seen twice yet: a single answer may be an old one.
func (s State) doubts(mark string, checks []Check) bool {
	switch s.Phase {
	case Confirming, Cooling, Inviting:
		return s.Doubt != mark && len(worse(s.Checks, checks)) > 0
	}
	return false
}

// afterReading goes on once the checks are known. before is the state without them.
func (s State) afterReading(before State, cmd workflows.Command, f workflows.Facts, r workflows.Reading) (workflows.Decision, error) {
	switch s.Phase {
	case Preparing:
		return s.lookedAgain(cmd, r)
	case Checking:
		if needsInvitation(r) {
			if s.ToPerson == "" {
				return s.prepare(cmd, r)
			}
		}
		if len(s.blocking(s.Checks)) > 0 {
			return workflows.Decision{}, nil
		}
		return s.ask(cmd, f)
	case Confirming:
		if diff := worse(before.Checks, s.Checks); len(diff) > 0 {
			return s.void(cmd, f, diff, nil)
		}
	case Cooling:
		if s.Cooled && (before.Reading || s.Paused) {
			return s.beforeActing(before, cmd, f, r)
		}
		if diff := worse(before.Checks, s.Checks); len(diff) > 0 {
			return s.void(cmd, f, diff, nil)
		}
	case Inviting:
		if (before.Reading || s.Paused) && s.Invite.Code == "" && !s.Invite.Sending && !s.Invite.Manual {
			return s.beforeActing(before, cmd, f, r)
		}
	}
	return workflows.Decision{}, nil
}

// unreadable decides a reading that failed. What integrator.io refused, as with a token that was revoked, is tried again until it can be
// read or the stage's time is over; when it was away for a day, the transfer ends.
func unreadable(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	switch {
	case r.Failed && s.Reading:
		return s.end(cmd, Ended{Outcome: Failed, Code: r.Code, Message: "integrator.io could not be read for " + workflows.Span(workflows.GiveUpAfter)}), nil
	case r.Refused && (s.Reading || s.Unread != "" && s.Unread != r.Code):
		return one(cmd, evUnread, refusal{Code: r.Code, Message: r.Message}), nil
	}
	return workflows.Decision{}, nil
}

// rereads reports whether the account could not be read and is tried again.
func (s State) rereads() bool {
	switch s.Phase {
	case Checking, Confirming, Cooling, Inviting:
		return s.Unread != "" && s.Ending == nil
	}
	return false
}

func transferIDs(r workflows.Reading) []string {
	var out []string
	for _, t := range r.Transfers {
		out = append(out, t.ID)
	}
	return out
}

// ask opens the confirmation.
func (s State) ask(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	closes := cmd.At.Add(s.Policy.ConfirmWithin)
	if why := s.left(f); why != "" {
		return s.endAsLeft(cmd, why), nil
	}
	b := s.ballot(f)
	b.Opens, b.Closes, b.Votes = cmd.At, closes, nil
	st := eligible(f, s.Electorate)
	t := b.Judge(st, f.Delegations, cmd.At)
	if !t.Winnable {
		return s.end(cmd, Ended{Outcome: Failed, Code: "dead_end", Message: "too few of those who may confirm are still active members"}), nil
	}
	return one(cmd, evAsking, asking{Closes: closes, Asked: t.Waiting, Standing: st}), nil
}

// recheck reads the account again.
func recheck(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, []string{s.Requester}, s.Holders) {
		return workflows.Decision{}, refused("not_permitted", "Only "+workflows.Mention(s.Requester)+", who asked, and the holders can check again. Nothing was recorded.")
	}
	switch s.Phase {
	case Checking, Confirming, Inviting, Preparing:
	case Cooling:
		if !s.Cooled && !s.rereads() {
			return workflows.Decision{}, refused("not_now", "The checks run again by themselves when the time to stop it is over, on "+workflows.When(s.Until)+". Nothing was recorded. To stop the transfer, press Cancel transfer.")
		}
	default:
		return workflows.Decision{}, refused("not_now", "There is nothing to check any more. Nothing was recorded. "+stageLine(s))
	}
	if s.Prep.Sending {
		return workflows.Decision{Reply: workflows.Reply{Text: "Keyholder is inviting " + s.To + " just now. Your card changes when integrator.io has answered."}}, nil
	}
	if s.Reading {
		return workflows.Decision{Reply: workflows.Reply{Text: "The checks are running already. Your card changes when they are done."}}, nil
	}
	if s.Phase == Inviting && (s.Invite.Sending || s.Invite.Manual) {
		return workflows.Decision{}, refused("not_now", "There is nothing to check now. Nothing was recorded. "+stageLine(s))
	}
	return s.again(cmd), nil
}

// again reads the account again; while the target has no invitation as a user, it is invited again instead.
func (s State) again(cmd workflows.Command) workflows.Decision {
	d := one(cmd, evRecheck, none{})
	d.Calls = []workflows.Call{inspectCall(s.Frozen)}
	if calls := s.inviteUserCalls(); s.Phase == Preparing && len(calls) > 0 {
		d.Calls = calls
	}
	return d
}

// held reports whether a check is in the way of the next step, so that it has to be mended or waived.
func (s State) held() bool {
	switch s.Phase {
	case Checking, Confirming:
		return !s.Reading && len(s.blocking(s.Checks)) > 0
	case Cooling, Inviting:
		return s.Paused && !s.Reading
	}
	return false
}

// waive lets the checks that block and can be waived be as they are.
func waive(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, s.Holders) {
		return workflows.Decision{}, refused("not_permitted", "Only a holder of the shared mailbox can waive a check: "+whoCan(s.Holders)+". Nothing was recorded.")
	}
	if s.Phase == Finishing {
		return s.waivePoints(cmd)
	}
	open := s.waivable()
	if len(open) == 0 || !s.held() {
		return workflows.Decision{}, refused("nothing_to_waive", "No check is in the way that could be waived. Nothing was recorded. "+stageLine(s))
	}
	var keys, texts []string
	for _, c := range open {
		keys = append(keys, c.Key)
		texts = append(texts, "✗ "+c.Text)
	}
	why, modal := askWhy(s, cmd, "Waive", "Go on although this stands?", texts, true)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	if why == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockReason, "reason_missing", "Please say why this may be waived; the auditors read it.")
	}
	d := one(cmd, evWaived, waived{Checks: keys, Reason: why})
	next, err := fold(s, d.Events)
	if err != nil || len(next.blocking(next.Checks)) > 0 {
		return d, err
	}
	if s.Phase == Confirming {
		return d, nil
	}
	if s.Phase == Cooling || s.Phase == Inviting {
		// The facts may have moved while somebody thought about the waiver: read once more before acting.
		d.Events = append(d.Events, cmd.Event(evRecheck, none{}))
		d.Calls = []workflows.Call{inspectCall(s.Frozen)}
		return d, nil
	}
	more, err := next.ask(cmd, f)
	d.Events = append(d.Events, more.Events...)
	d.Account = append(d.Account, more.Account...)
	return d, err
}

// void takes votes back because facts or voters changed, and asks again.
func (s State) void(cmd workflows.Command, f workflows.Facts, differences []string, keep []approvals.Vote) (workflows.Decision, error) {
	b := s.ballot(f)
	b.Votes, b.Closes = keep, cmd.At.Add(s.Policy.ConfirmWithin)
	t := b.Judge(eligible(f, s.Electorate), f.Delegations, cmd.At)
	if !t.Winnable {
		return s.end(cmd, Ended{Outcome: Failed, Code: "dead_end", Message: "too few of those who may confirm are still active members"}), nil
	}
	why := "facts"
	if keep != nil {
		why = "standing"
	}
	return one(cmd, evVoided, voided{Why: why, Differences: differences, Keep: slices.Clone(keep), Closes: b.Closes, Asked: t.Waiting,
		Blocked: len(s.blocking(s.Checks)) > 0}), nil
}
