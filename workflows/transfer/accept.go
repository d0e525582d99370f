package transfer

import (
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// watched decides what was seen of the invitation at integrator.io.
func watched(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	if s.Stage != Accepting && !(s.Stage == Inviting && s.Invite.Manual) {
		return workflows.Decision{}, nil
	}
	if !r.OK || r.Transfer == nil {
		if s.Invite.Mark == blind || r.Failed {
			return workflows.Decision{}, nil
		}
		return evSeen.One(cmd, seen{Mark: blind}), nil
	}
	t := *r.Transfer
	if t.Mark() == s.Invite.Mark {
		return workflows.Decision{}, nil
	}
	switch {
	case t.OwnerListed && (t.Status == workflows.TransferDone || t.Status == workflows.TransferMissing):
		return s.transfer(cmd, workflows.Verified, t.OwnerRole)
	case s.Stage == Inviting && t.Pending():
		return evInvited.One(cmd, invited{ID: t.ID, How: workflows.Verified, Mark: t.Mark(), Until: cmd.At.Add(s.Policy.AcceptWithin)}), nil
	case s.Stage == Inviting || s.Ending != nil:
		return evSeen.One(cmd, seen{Mark: t.Mark()}), nil
	case t.Dismissed:
		ev := evEnding.Of(cmd, Ending{Outcome: Declined, By: cmd.Actor})
		return workflows.Decision{Events: []workflows.Event{ev}, Calls: []workflows.Call{s.withdrawCall()}}, nil
	case t.Status == workflows.TransferCanceled, t.Status == workflows.TransferMissing, t.Status == workflows.TransferFailed:
		return evLost.One(cmd, seen{Mark: t.Mark(), Status: t.Status}), nil
	}
	return evSeen.One(cmd, seen{Mark: t.Mark(), Status: t.Status, ID: t.ID}), nil
}

// transfer records that the owner changed; the account is free for another transfer.
func (s State) transfer(cmd workflows.Command, by, role string) (workflows.Decision, error) {
	d := evTransferred.One(cmd, transferred{How: by, Role: role, Until: cmd.At.Add(SettleWithin)})
	d.Account = []workflows.Event{
		cmd.Event(workflows.OwnerChanged, workflows.OwnerChange{From: s.From, To: s.To, Workflow: cmd.Workflow, How: by}),
		cmd.Event(workflows.LockReleased, workflows.Lock{Name: workflows.LockTransfer, Workflow: cmd.Workflow}),
	}
	if !s.Token || s.Caps.Token == workflows.No {
		return d, nil
	}
	if (s.PreviousRole == RoleAdministrator || s.PreviousRole == RoleMonitor) && role != s.PreviousRole {
		d.Calls = append(d.Calls, workflows.Call{Op: workflows.OpSetRole, Account: s.AccountID, Email: s.From, Role: s.PreviousRole})
	}
	d.Calls = append(d.Calls, workflows.Call{Op: workflows.OpInspect, Account: s.AccountID, Email: s.To, Owner: s.From})
	return d, nil
}

// accept records that the new owner takes the account; integrator.io wants to hear it too.
func accept(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if err := s.mayAccept(cmd, "accept"); err != nil {
		return workflows.Decision{}, err
	}
	if s.Invite.Accepted != "" {
		return workflows.Decision{Reply: workflows.Reply{Text: workflows.Mention(s.Invite.Accepted) + " has accepted here already. What is missing is the acceptance at integrator.io: open the invitation in the mailbox of " + s.To + " and accept there."}}, nil
	}
	return evAcceptedHere.One(cmd, workflows.None{}), nil
}

// decline ends the transfer for the new owner; the invitation is withdrawn first.
func decline(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if err := s.mayAccept(cmd, "decline"); err != nil {
		return workflows.Decision{}, err
	}
	why, modal := askWhy(s, cmd, "Decline", "Decline to become the owner? The invitation is then withdrawn at integrator.io.", nil, false)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	return s.endAfterWithdrawal(cmd, Ending{Outcome: Declined, Reason: why, By: cmd.Actor}), nil
}

func (s State) mayAccept(cmd workflows.Command, word string) error {
	if !workflows.Among(cmd.Actor.ID, s.acceptors()) {
		return refused("not_permitted", "Only the new owner can "+word+": "+whoCan(s.acceptors())+". Nothing was recorded.")
	}
	if s.Stage != Accepting {
		return refused("not_now", "There is no invitation to "+word+" now. Nothing was recorded. "+stageLine(s))
	}
	return nil
}

// withdraw takes the invitation back.
func withdraw(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if err := s.mayManageInvitation(cmd, "withdraw"); err != nil {
		return workflows.Decision{}, err
	}
	why, modal := askWhy(s, cmd, "Withdraw", "Withdraw the invitation? The account stays with "+s.From+", and this transfer ends.", nil, false)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	return s.endAfterWithdrawal(cmd, Ending{Outcome: Cancelled, Reason: why, By: cmd.Actor}), nil
}

// resend withdraws the invitation and sends a new one.
func resend(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if err := s.mayManageInvitation(cmd, "resend"); err != nil {
		return workflows.Decision{}, err
	}
	if s.Stage != Accepting {
		return workflows.Decision{}, refused("not_now", "There is no invitation to resend yet. Nothing was recorded. "+stageLine(s))
	}
	if s.Invite.Resend {
		return workflows.Decision{Reply: workflows.Reply{Text: "The invitation is being sent again already; your card changes when it is out."}}, nil
	}
	d := evResend.One(cmd, reason{})
	if s.Invite.How == workflows.Attested || !s.Token || s.Caps.Start == workflows.No {
		d.Events = append(d.Events, evInviting.Of(cmd, inviting{Until: cmd.At.Add(s.Policy.AcceptWithin), Manual: true}))
		return d, nil
	}
	d.Calls = []workflows.Call{s.withdrawCall()}
	return d, nil
}

func (s State) mayManageInvitation(cmd workflows.Command, word string) error {
	if !workflows.Among(cmd.Actor.ID, []string{s.Requester}, s.Holders, s.FromPeople) {
		return refused("not_permitted", "Only "+workflows.Mention(s.Requester)+", who asked, the holders and the present owner can "+word+" the invitation. Nothing was recorded.")
	}
	if s.Stage != Accepting && s.Stage != Inviting {
		return refused("not_now", "There is no invitation to "+word+" now. Nothing was recorded. "+stageLine(s))
	}
	return nil
}

// endAfterWithdrawal ends the transfer once integrator.io holds no invitation of it any more. Where nothing was sent, or only people can
// withdraw, it ends at once; the card then says what is left to do.
func (s State) endAfterWithdrawal(cmd workflows.Command, e Ending) workflows.Decision {
	if s.Stage == Inviting && !s.Invite.Sending {
		return s.end(cmd, Ended{Outcome: e.Outcome, Reason: e.Reason, Left: s.Invite.Manual})
	}
	if !s.Token || s.Caps.Token == workflows.No {
		return s.end(cmd, Ended{Outcome: e.Outcome, Reason: e.Reason, Left: true})
	}
	d := evEnding.One(cmd, e)
	d.Calls = []workflows.Call{s.withdrawCall()}
	return d
}

// withdrawn decides what became of a withdrawal.
func withdrawn(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	if s.Stage != Accepting && s.Stage != Inviting {
		return workflows.Decision{}, nil
	}
	if s.Ending == nil && !s.Invite.Resend {
		return workflows.Decision{}, nil
	}
	if r.OK && r.Transfer != nil {
		switch r.Transfer.Status {
		case workflows.TransferDone:
			return s.transfer(cmd, workflows.Verified, r.Transfer.OwnerRole)
		case workflows.TransferStarted, workflows.TransferQueued:
			// Accepted, and not yet carried out: that can still fail, so it is watched, not believed.
			end := cmd.At.Add(s.Policy.AcceptWithin)
			if s.Invite.Taken {
				end = s.Until // the time for that was given once
			}
			return evTaken.One(cmd, taken{Mark: r.Transfer.Mark(), ID: r.Transfer.ID, Until: end}), nil
		}
	}
	switch {
	case s.Ending != nil:
		e := Ended{Outcome: s.Ending.Outcome, Reason: s.Ending.Reason, Left: !r.OK}
		if !r.OK {
			e.Code, e.Message = r.Code, r.Message
		}
		return s.endBy(cmd, s.Ending.By, e), nil
	case s.Invite.Resend && !r.OK:
		return evInviting.One(cmd, inviting{Until: cmd.At.Add(s.Policy.AcceptWithin), Manual: true}), nil
	default:
		d := evInviting.One(cmd, inviting{Until: cmd.At.Add(s.Policy.AcceptWithin)})
		call := s.inviteCall()
		call.Seen = workflows.Union(s.Seen, []string{s.Invite.ID})
		d.Calls = []workflows.Call{call}
		return d, nil
	}
}

// carrying reports whether integrator.io is carrying the change of owner out: accepted, not yet done.
func (s State) carrying() bool {
	return s.Stage == Accepting && (strings.HasPrefix(s.Invite.Mark, workflows.TransferQueued) || strings.HasPrefix(s.Invite.Mark, workflows.TransferStarted))
}

type taken struct {
	Mark  string    `json:"mark"`
	ID    string    `json:"id,omitempty"`
	Until time.Time `json:"until"`
}

type reason struct {
	Reason string `json:"reason,omitempty"`
}

type transferred struct {
	How   string    `json:"how"`
	Role  string    `json:"role,omitempty"`
	Until time.Time `json:"until"`
}

var evAcceptedHere = workflows.Kind[State, workflows.None]{
	Type: "transfer.accepted_here",
	Fold: func(s *State, e workflows.Event, _ workflows.None) {
		s.Invite.Accepted = e.By.ID
		s.Round++
	},
	Tell: func(e workflows.Event, _ workflows.None) string {
		return workflows.Mention(e.By.ID) + " accepted for the new owner, here."
	},
}

var evSeen = workflows.Kind[State, seen]{
	Type: "transfer.seen",
	Fold: func(s *State, e workflows.Event, b seen) {
		s.Invite.Mark = b.Mark
		if b.ID != "" {
			s.Invite.ID = b.ID
		}
		if (workflows.Transfer{Status: b.Status}).Pending() {
			s.Invite.Lost = ""
		}
		s.Round++
	},
	Tell: func(e workflows.Event, b seen) string {
		if b.Mark == blind {
			return "Keyholder could no longer see the invitation at integrator.io."
		}
		return "The invitation was seen at integrator.io as " + workflows.Esc(b.Mark) + "."
	},
}

var evLost = workflows.Kind[State, seen]{
	Type: "transfer.invitation_lost",
	Fold: func(s *State, e workflows.Event, b seen) {
		s.Invite.Lost, s.Invite.Mark = b.Status, b.Mark
		s.Round++
	},
	Tell: func(e workflows.Event, b seen) string {
		return "The invitation was gone at integrator.io (" + workflows.Esc(b.Status) + ")."
	},
}

var evTaken = workflows.Kind[State, taken]{
	Type: "transfer.accepted_meanwhile",
	Fold: func(s *State, e workflows.Event, b taken) {
		s.Invite.Mark, s.Invite.ID, s.Invite.Lost, s.Invite.Resend, s.Ending = b.Mark, b.ID, "", false, nil
		s.Until, s.Invite.Taken = b.Until, true
		s.Round++
	},
	Tell: workflows.Told[taken]("The invitation had been accepted meanwhile, so it was not withdrawn. integrator.io is carrying it out."),
}

var evResend = workflows.Kind[State, reason]{
	Type: "transfer.resend_asked",
	Fold: func(s *State, e workflows.Event, _ reason) {
		s.Invite.Resend = true
		s.Round++
	},
	Tell: func(e workflows.Event, _ reason) string {
		return "The invitation was to be sent again" + whose(e.By) + "."
	},
}

var evEnding = workflows.Kind[State, Ending]{
	Type: "transfer.ending",
	Fold: func(s *State, e workflows.Event, b Ending) {
		s.Ending = &b
		s.Round++
	},
	Tell: func(e workflows.Event, b Ending) string {
		text := endingWord(b.Outcome) + whose(b.By) + because(b.Reason)
		switch b.Outcome {
		case Expired:
			text = "The time was over"
		case Failed:
			text = "Failed"
			switch {
			case b.Code == endLeft:
				text += ": " + b.Message
			case b.Reason != "":
				text += ": " + b.Reason
			case b.Code != "":
				text += " (" + workflows.Esc(b.Code) + ")"
			}
		}
		if b.TakesBack {
			return text + ". What the transfer gave the new owner was to be taken back at integrator.io."
		}
		return text + ". The invitation was to be withdrawn at integrator.io."
	},
}

var evTransferred = workflows.Kind[State, transferred]{
	Type: "transfer.owner_changed",
	Fold: func(s *State, e workflows.Event, b transferred) {
		s.enter(Settling, e)
		s.Until, s.Ending = b.Until, nil
		s.Settle = Settle{How: b.How, At: e.At, Role: b.Role}
		if b.How == workflows.Attested {
			s.Settle.Attested = e.By.ID
		}
	},
	Tell: func(e workflows.Event, b transferred) string {
		return "The owner has changed (" + howWord(b.How, e.By.ID) + ")."
	},
}
