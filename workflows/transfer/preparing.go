package transfer

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// prepare invites the target as a user, or asks an administrator to.
func (s State) prepare(cmd workflows.Command, r workflows.Reading) (workflows.Decision, error) {
	d := evPreparing.One(cmd, until{Until: cmd.At.Add(s.Policy.AcceptWithin)})
	if r.Target != nil && r.Target.Status == workflows.UserPending {
		d.Events = append(d.Events, evUserInvited.Of(cmd, userInvited{Mark: r.Target.Mark(), Who: r.Target.Ref()}))
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
	if s.Stage != Preparing || s.Ending != nil {
		return workflows.Decision{}, nil
	}
	switch {
	case !r.OK && r.Op == workflows.OpWatchUser:
		if s.Prep.Mark == r.Code {
			return workflows.Decision{}, nil
		}
		return evUserSeen.One(cmd, seen{Mark: r.Code}), nil
	case !r.OK:
		return evPrepManual.One(cmd, refusal{Code: r.Code, Message: r.Message}), nil
	case r.User != nil && r.User.Status == workflows.UserAccepted:
		return s.prepared(cmd, workflows.Verified, r.User.Mark())
	case r.Op == workflows.OpInviteUser:
		return evUserInvited.One(cmd, userInvited{Mark: r.User.Mark(), Sent: true, Who: r.User.Ref()}), nil
	case r.User.Mark() == s.Prep.Mark:
		return workflows.Decision{}, nil
	case r.User != nil && r.User.Status == workflows.UserPending && !s.Prep.Invited:
		return evUserInvited.One(cmd, userInvited{Mark: r.User.Mark(), Who: r.User.Ref()}), nil
	}
	return evUserSeen.One(cmd, seen{Mark: r.User.Mark(), Status: statusOf(r.User)}), nil
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
		return evUserSeen.One(cmd, seen{Mark: r.Target.Mark(), Status: statusOf(r.Target)}), nil
	}
	return workflows.Decision{}, nil
}

// unseen reports whether the target's sign-up rests on people's word.
func (s State) unseen() bool {
	return !s.Token || s.Caps.ReadUsers != workflows.Yes || s.Prep.Mark == workflows.RefusedForbidden ||
		s.Prep.Mark == workflows.RefusedUnauthorized
}

// prepared goes back to the checks: days may have passed.
func (s State) prepared(cmd workflows.Command, why, mark string) (workflows.Decision, error) {
	d := evPrepared.One(cmd, how{How: why, Mark: mark})
	d.Calls = []workflows.Call{inspectCall(s.AccountID, s.Frozen, s.Target)}
	if s.Prep.Invited || s.Prep.Done == "" && why == workflows.Attested {
		d = s.proves(cmd, d, s.Prep.Claimed, why)
	}
	return d, nil
}

// sawTarget remembers the new owner as a user.
func (s *State) sawTarget(who workflows.UserRef) {
	if !who.IsZero() {
		s.Target = who
	}
}

// claim says "I'm on it".
func claim(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, s.acceptors()) {
		return workflows.Decision{}, refused("not_permitted", "Only somebody who can open "+s.To+" can take this on: "+
			whoCan(s.acceptors())+". Nothing was recorded.")
	}
	if s.Stage != Preparing {
		return workflows.Decision{}, refused("not_now", "There is no invitation to take on now. Nothing was recorded. "+
			stageLine(s))
	}
	if s.Prep.Claimed == cmd.Actor.ID {
		return workflows.Decision{Reply: workflows.Reply{Text: "You have taken this on already; it counts once."}}, nil
	}
	if s.Prep.Claimed != "" {
		return workflows.Decision{}, refused("claimed", workflows.Say("%m is on it already. Nothing was "+
			"recorded. If they cannot, tell each other; anyone who holds the mailbox may sign up.", s.Prep.Claimed))
	}
	return evClaimed.One(cmd, workflows.None{}), nil
}

type userInvited struct {
	Mark string `json:"mark"`
	Sent bool   `json:"sent"`
	// Who is the user that was invited.
	Who workflows.UserRef `json:"who,omitzero"`
}

type how struct {
	How  string `json:"how"`
	Mark string `json:"mark,omitempty"`
}

type until struct {
	Until time.Time `json:"until"`
}

var evPreparing = workflows.Kind[State, until]{
	Type: "transfer.preparing",
	Fold: func(s *State, e workflows.Event, b until) {
		s.enter(Preparing, e)
		s.Until = b.Until
		s.Prep = Prep{Sent: s.Prep.Sent, Sending: s.Token}
		s.Paused = false
	},
	Tell: workflows.Told[until]("The new owner is not a user of the account yet; it has to be invited first."),
}

var evUserInvited = workflows.Kind[State, userInvited]{
	Type: "transfer.user_invited",
	Fold: func(s *State, e workflows.Event, b userInvited) {
		s.Prep.Invited, s.Prep.Sending, s.Prep.Sent, s.Prep.Gone = true, false, s.Prep.Sent || b.Sent, false
		s.Prep.Mark, s.Prep.Manual, s.Prep.Message = b.Mark, "", ""
		s.sawTarget(b.Who)
		// The question stays the same: whoever takes the sign-up on while the invitation goes out
		// is right to.
	},
	Tell: func(e workflows.Event, b userInvited) string {
		if b.Sent {
			return "The new owner was invited as a user (Keyholder did it)."
		}
		return "The new owner's invitation as a user was found."
	},
}

var evPrepManual = workflows.Kind[State, refusal]{
	Type: "transfer.invite_by_hand",
	Fold: func(s *State, e workflows.Event, b refusal) {
		s.Prep.Manual, s.Prep.Message, s.Prep.Sending = b.Code, b.Message, false
		s.Prep.Sent = s.Prep.Sent || b.Code == workflows.FailedDeadline // nobody knows whether it took effect
		s.Round++
	},
	Tell: func(e workflows.Event, b refusal) string {
		return workflows.Say("integrator.io refused the invitation as a user (%s)%s; a person has to.", b.Code,
			workflows.Text(workflows.Quoted(b.Message)))
	},
}

var evClaimed = workflows.Kind[State, workflows.None]{
	Type: "transfer.claimed",
	Fold: func(s *State, e workflows.Event, _ workflows.None) {
		s.Prep.Claimed = e.By.ID
		s.Round++
	},
	Tell: func(e workflows.Event, _ workflows.None) string {
		return workflows.Say("%m took the sign-up on.", e.By.ID)
	},
}

var evUserSeen = workflows.Kind[State, seen]{
	Type: "transfer.user_seen",
	Fold: func(s *State, e workflows.Event, b seen) {
		s.Prep.Mark = b.Mark
		if s.Prep.Invited && (b.Status == userAbsent || b.Status == workflows.UserDismissed) {
			s.Prep.Invited, s.Prep.Gone = false, true
		}
		s.Round++
	},
	Tell: func(e workflows.Event, b seen) string {
		return workflows.Say("The invitation as a user was seen as %s.", b.Mark)
	},
}

var evPrepared = workflows.Kind[State, how]{
	Type: "transfer.prepared",
	Fold: func(s *State, e workflows.Event, b how) {
		// An invitation whose answer never came may be the one that was accepted; one that was
		// answered as accepted at once was not ours.
		s.Prep.Done, s.Prep.Sent = b.How, s.Prep.Sent || s.Prep.Sending && b.How != workflows.Verified
		s.Prep.Sending = false
		if b.How == workflows.Attested {
			s.Prep.Attested = e.By.ID
		}
		s.enter(Checking, e)
		if s.Cooled { // it is decided; what is left is the last check
			s.Stage = Cooling
		}
		s.Until = e.At.Add(s.Policy.ConfirmWithin)
		s.read(e)
	},
	Tell: func(e workflows.Event, b how) string {
		if b.How == workflows.Attested {
			return workflows.Say("%m says that the new owner is a user of the account now.", e.By.ID)
		}
		return "The new owner is a user of the account now (seen at integrator.io)."
	},
}

// preparingStage makes the new owner a user of the account, which one must be to become its owner.
type preparingStage struct{ plain }

func (preparingStage) now(s State) string {
	return s.To + " has to become a user of the account first."
}

func (preparingStage) notify(s State, _ string) string {
	return s.To + " has to become a user of " + s.AccountName + " first"
}

func (preparingStage) lines(s State, who string) []string {
	box := "The invitation goes to the mailbox of " + s.To + "."
	var out []string
	switch {
	case s.Prep.Sending:
		out = append(out, "… "+s.To+" is not a user of the account yet. Keyholder is inviting it.")
	case s.Prep.Gone:
		out = append(out, "! The invitation of "+s.To+
			" as a user was declined or deleted at integrator.io. Press Check again to send a new one.")
	case s.Prep.Manual == workflows.RefusedNoSeats:
		out = append(out, "! integrator.io refused the invitation: every user seat of the account is taken. An administrator has to remove a user or a pending invitation, or buy seats; then press Check again. Nothing was changed.")
	case s.Prep.Manual == workflows.FailedDeadline:
		out = append(out, workflows.Say("! integrator.io did not answer for %l, so it is not certain that %s "+
			"was invited as a user. Press Check again to try once more.", workflows.GiveUpAfter, s.To))
	case s.Prep.Manual != "" && s.Prep.Manual != workflows.RefusedForbidden &&
		s.Prep.Manual != workflows.RefusedUnauthorized && s.Prep.Manual != workflows.RefusedNoToken:
		out = append(out, "! integrator.io refused to invite "+s.To+" as a user"+workflows.Quoted(s.Prep.Message)+
			". Mend that and press Check again, or an administrator invites it: My account > Users > Invite user, role Monitor.")
	case s.Prep.Manual != "":
		out = append(out, "! Keyholder's token may not invite users"+workflows.Quoted(s.Prep.Message)+". "+
			s.administrators()+
			": please invite "+s.To+" yourself. In integrator.io: My account > Users > Invite user, role Monitor.")
	default:
		out = append(out, "✓ "+s.To+" was invited as a user. "+box)
	}
	if !s.Prep.Invited && !s.Prep.Sending && !s.othersInvite() {
		return append(out, workflows.Say("By %u, or this ends.", s.Until))
	}
	next := "Open the mail and sign up through that very link. Do not start a free trial: that would own another account, and integrator.io would refuse the transfer."
	switch {
	case s.ToPerson != "" && who == s.ToPerson:
		out = append(out, "You are asked because you are to become the owner. "+next)
	case s.Prep.Claimed != "":
		out = append(out, workflows.Say("%m is on it. %s", s.Prep.Claimed, workflows.Text(next)))
	case workflows.Among(who, s.acceptors()):
		out = append(out, workflows.Say("You are asked because you can read that mailbox. One of %m presses "+
			"“I'm on it”. %s", s.acceptors(), workflows.Text(next)))
	case s.ToPerson != "":
		out = append(out, workflows.Say("%m opens the mail and signs up.", s.ToPerson))
	default:
		out = append(out, workflows.Say("One of %m opens that mailbox and signs up.", s.acceptors()))
	}
	next = "the approvers are asked"
	if s.Cooled {
		next = "the invitation to become the owner follows"
	}
	return append(out, workflows.Say("When it is accepted, the checks run again and %s. By %u, or this ends.",
		workflows.Text(next), s.Until))
}

func (preparingStage) buttons(s State, who string) []workflows.Button {
	var out []workflows.Button
	acceptor := workflows.Among(who, s.acceptors())
	if acceptor && s.Prep.Claimed == "" && s.ToPerson == "" && (s.Prep.Invited || s.Prep.Sending || s.othersInvite()) {
		out = append(out, workflows.Button{Action: ActClaim, Label: "I'm on it", Style: workflows.Primary})
	}
	if s.unseen() && (acceptor || workflows.Among(who, s.Admins)) {
		out = append(out, workflows.Button{Action: ActAttest, Label: "It is a user now",
			Confirm: &workflows.Confirm{Title: "Do you swear to it?",
				Text: s.To + " has signed up through the invitation and is listed as an accepted user of " +
					s.AccountName +
					". This is recorded under your name.", Yes: "I have seen it", No: "Not yet"}})
	}
	if workflows.Among(who, []string{s.Requester}, s.Holders) && !s.Reading && !s.Prep.Sending {
		out = append(out, workflows.Button{Action: ActRecheck, Label: "Check again"})
	}
	return append(out, s.cancelButton(who)...)
}

func (preparingStage) waiting(s State) []string {
	if s.Prep.Manual != "" || !s.Token {
		return workflows.Union(s.Admins, s.acceptors())
	}
	return s.acceptors()
}

func (preparingStage) audience(s State) []string {
	if s.Prep.Manual != "" {
		return workflows.Union(s.acceptors(), s.Admins)
	}
	return s.acceptors()
}

func (preparingStage) owing(s State) []string {
	if s.Prep.Claimed != "" {
		return []string{s.Prep.Claimed}
	}
	return s.acceptors()
}

func (preparingStage) remind(s State) string {
	return workflows.Say("%s has to become a user of %s first. Please sign up through the invitation", s.To,
		s.AccountName)
}

func (preparingStage) watches(s State) []workflows.Watch {
	return s.watch("user", workflows.Call{Op: workflows.OpWatchUser, Email: s.To, Who: s.Target, Known: s.Prep.Mark})
}

func (preparingStage) late() string {
	return "The new owner did not become a user of the account in time."
}

// othersInvite reports whether a person has to send the invitation as a user, because the token may
// not.
func (s State) othersInvite() bool {
	switch s.Prep.Manual {
	case "", workflows.RefusedNoSeats, workflows.FailedDeadline:
		return false
	}
	return true
}
