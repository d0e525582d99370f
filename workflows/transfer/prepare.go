package transfer

import (
	"github.com/keyholder/keyholder/workflows"
)

// prepare invites the target as a user, or asks an administrator to.
func (s State) prepare(cmd workflows.Command, r workflows.Reading) (workflows.Decision, error) {
	d := one(cmd, evPreparing, until{Until: cmd.At.Add(s.Policy.AcceptWithin)})
	if r.Target != nil && r.Target.Status == workflows.UserPending {
		d.Events = append(d.Events, cmd.Event(evUserInvited, userInvited{Mark: r.Target.Mark()}))
		return d, nil
	}
	s.Prep = Prep{} // whatever was done before, it needs an invitation now
	d.Calls = s.inviteUserCalls()
	return d, nil
}

// inviteUserCalls invites the target with the least role that can be made owner.
func (s State) inviteUserCalls() []workflows.Call {
	if !s.Token || s.Prep.Invited || s.Prep.Sending {
		return nil
	}
	return []workflows.Call{{Op: workflows.OpInviteUser, Account: s.AccountID, Email: s.To, Role: RoleMonitor}}
}

// userReceipt decides what became of the target's invitation as a user.
func userReceipt(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	if s.Phase != Preparing || s.Ending != nil {
		return workflows.Decision{}, nil
	}
	switch {
	case !r.OK && r.Op == workflows.OpWatchUser:
		if s.Prep.Mark == r.Code {
			return workflows.Decision{}, nil
		}
		return one(cmd, evUserSeen, seen{Mark: r.Code}), nil
	case !r.OK:
		return one(cmd, evPrepManual, refusal{Code: r.Code, Message: r.Message}), nil
	case r.User != nil && r.User.Status == workflows.UserAccepted:
		return s.prepared(cmd, workflows.Verified, r.User.Mark())
	case r.Op == workflows.OpInviteUser:
		return one(cmd, evUserInvited, userInvited{Mark: r.User.Mark(), Sent: true}), nil
	case r.User.Mark() == s.Prep.Mark:
		return workflows.Decision{}, nil
	case r.User != nil && r.User.Status == workflows.UserPending && !s.Prep.Invited:
		return one(cmd, evUserInvited, userInvited{Mark: r.User.Mark()}), nil
	}
	return one(cmd, evUserSeen, seen{Mark: r.User.Mark(), Status: statusOf(r.User)}), nil
}

// userAbsent is the status of a user who is not listed.
const userAbsent = "absent"

func statusOf(u *workflows.User) string {
	if u == nil {
		return userAbsent
	}
	return u.Status
}

// lookedAgain decides a reading that was asked for while the target's sign-up is waited for.
func (s State) lookedAgain(cmd workflows.Command, r workflows.Reading) (workflows.Decision, error) {
	_, missing := r.Unread[workflows.PartUsers]
	switch {
	case missing || r.Capabilities.Token == workflows.No:
		return workflows.Decision{}, nil
	case !needsInvitation(r):
		return s.prepared(cmd, workflows.Verified, r.Target.Mark())
	case r.Target.Mark() != s.Prep.Mark:
		return one(cmd, evUserSeen, seen{Mark: r.Target.Mark(), Status: statusOf(r.Target)}), nil
	}
	return workflows.Decision{}, nil
}

// unseen reports whether the target's sign-up rests on people's word.
func (s State) unseen() bool {
	return !s.Token || s.Caps.ReadUsers != workflows.Yes || s.Prep.Mark == workflows.RefusedForbidden || s.Prep.Mark == workflows.RefusedUnauthorized
}

// prepared goes back to the checks: days may have passed.
func (s State) prepared(cmd workflows.Command, why, mark string) (workflows.Decision, error) {
	d := one(cmd, evPrepared, how{How: why, Mark: mark})
	d.Calls = []workflows.Call{inspectCall(s.Frozen)}
	return d, nil
}

// claim says "I'm on it".
func claim(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, s.acceptors()) {
		return workflows.Decision{}, refused("not_permitted", "Only somebody who can open "+s.To+" can take this on: "+whoCan(s.acceptors())+". Nothing was recorded.")
	}
	if s.Phase != Preparing {
		return workflows.Decision{}, refused("not_now", "There is no invitation to take on now. Nothing was recorded. "+stageLine(s))
	}
	if s.Prep.Claimed == cmd.Actor.ID {
		return workflows.Decision{Reply: workflows.Reply{Text: "You have taken this on already; it counts once."}}, nil
	}
	if s.Prep.Claimed != "" {
		return workflows.Decision{}, refused("claimed", workflows.Mention(s.Prep.Claimed)+" is on it already. Nothing was recorded. If they cannot, tell each other; anyone who holds the mailbox may sign up.")
	}
	return one(cmd, evClaimed, none{}), nil
}
