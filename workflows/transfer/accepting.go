package transfer

import (
	"slices"
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
	case t.OwnerListed && (t.Status == workflows.TransferDone || t.Status == workflows.TransferMissing),
		t.NewUnlisted && t.Status == workflows.TransferDone:
		return s.transfer(cmd, workflows.Verified, t.OwnerRole)
	case s.Stage == Inviting && t.Pending():
		return evInvited.One(cmd, invited{ID: t.ID, How: workflows.Verified, Mark: t.Mark(),
			Until: cmd.At.Add(s.Policy.AcceptWithin)}), nil
	case s.Stage == Inviting || s.Ending != nil:
		return evSeen.One(cmd, seen{Mark: t.Mark()}), nil
	case t.Dismissed:
		ev := evEnding.Of(cmd, Ending{Outcome: Declined, By: cmd.Actor})
		return workflows.Decision{Events: []workflows.Event{ev}, Calls: []workflows.Call{s.withdrawCall()}}, nil
	case t.Status == workflows.TransferCanceled, t.Status == workflows.TransferMissing,
		t.Status == workflows.TransferFailed:
		return evLost.One(cmd, seen{Mark: t.Mark(), Status: t.Status}), nil
	}
	return evSeen.One(cmd, seen{Mark: t.Mark(), Status: t.Status, ID: t.ID}), nil
}

// transfer records that the owner changed; the account is free for another transfer.
func (s State) transfer(cmd workflows.Command, by, role string) (workflows.Decision, error) {
	d := evTransferred.One(cmd, transferred{How: by, Role: role, Until: cmd.At.Add(SettleWithin)})
	d.Account = []workflows.Event{
		cmd.Event(workflows.OwnerChanged, workflows.OwnerChange{From: s.From, To: s.To, Workflow: cmd.Workflow,
			How: by}),
		cmd.Event(workflows.LockReleased, workflows.Lock{Name: workflows.LockTransfer, Workflow: cmd.Workflow}),
	}
	who := s.Invite.Accepted
	if by == workflows.Attested {
		who = cmd.Actor.ID
	}
	d = s.proves(cmd, d, who, by)
	if !s.Token || s.Caps.Token == workflows.No {
		return d, nil
	}
	if (s.PreviousRole == RoleAdministrator || s.PreviousRole == RoleMonitor) && role != s.PreviousRole {
		d.Calls = append(d.Calls, workflows.Call{Op: workflows.OpSetRole, Account: s.AccountID, Email: s.From,
			Role: s.PreviousRole})
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
		return workflows.Decision{Reply: workflows.Reply{Text: workflows.Say("%m has accepted here already. "+
			"What is missing is the acceptance at integrator.io: open the invitation in the mailbox of %s and "+
			"accept there.", s.Invite.Accepted, s.To)}}, nil
	}
	return evAcceptedHere.One(cmd, workflows.None{}), nil
}

// decline ends the transfer for the new owner; the invitation is withdrawn first.
func decline(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if err := s.mayAccept(cmd, "decline"); err != nil {
		return workflows.Decision{}, err
	}
	why, modal := askWhy(s, cmd, "Decline",
		"Decline to become the owner? The invitation is then withdrawn at integrator.io.", nil, false)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	return s.endAfterWithdrawal(cmd, Ending{Outcome: Declined, Reason: why, By: cmd.Actor}), nil
}

func (s State) mayAccept(cmd workflows.Command, word string) error {
	if !workflows.Among(cmd.Actor.ID, s.acceptors()) {
		return refused("not_permitted", "Only the new owner can "+word+": "+whoCan(s.acceptors())+
			". Nothing was recorded.")
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
	why, modal := askWhy(s, cmd, "Withdraw", "Withdraw the invitation? The account stays with "+s.From+
		", and this transfer ends.", nil, false)
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
		return workflows.Decision{}, refused("not_now", "There is no invitation to resend yet. Nothing was recorded. "+
			stageLine(s))
	}
	if s.Invite.Resend {
		return workflows.Decision{Reply: workflows.Reply{
			Text: "The invitation is being sent again already; your card changes when it is out."}}, nil
	}
	d := evResend.One(cmd, reason{})
	if s.Invite.How == workflows.Attested || !s.Token || s.Caps.Start == workflows.No {
		d.Events = append(d.Events, evInviting.Of(cmd, inviting{Until: cmd.At.Add(s.Policy.AcceptWithin),
			Manual: true}))
		return d, nil
	}
	d.Calls = []workflows.Call{s.withdrawCall()}
	return d, nil
}

func (s State) mayManageInvitation(cmd workflows.Command, word string) error {
	if !workflows.Among(cmd.Actor.ID, []string{s.Requester}, s.Holders, s.FromPeople) {
		return refused("not_permitted", workflows.Say("Only %m, who asked, the holders and the present owner "+
			"can %s the invitation. Nothing was recorded.", s.Requester, workflows.Text(word)))
	}
	if s.Stage != Accepting && s.Stage != Inviting {
		return refused("not_now", "There is no invitation to "+word+" now. Nothing was recorded. "+stageLine(s))
	}
	return nil
}

// endAfterWithdrawal ends the transfer once integrator.io holds no invitation of it any more. Where
// nothing was sent, or only people can withdraw, it ends at once; the card then says what is left
// to do.
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
			// Accepted, and not yet carried out: that can still fail, so it is watched, not
			// believed.
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

// carrying reports whether integrator.io is carrying the change of owner out: accepted, not yet
// done.
func (s State) carrying() bool {
	return s.Stage == Accepting && (strings.HasPrefix(s.Invite.Mark, workflows.TransferQueued) ||
		strings.HasPrefix(s.Invite.Mark, workflows.TransferStarted))
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
		return workflows.Say("%m accepted for the new owner, here.", e.By.ID)
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
		return workflows.Say("The invitation was seen at integrator.io as %s.", b.Mark)
	},
}

var evLost = workflows.Kind[State, seen]{
	Type: "transfer.invitation_lost",
	Fold: func(s *State, e workflows.Event, b seen) {
		s.Invite.Lost, s.Invite.Mark = b.Status, b.Mark
		s.Round++
	},
	Tell: func(e workflows.Event, b seen) string {
		return workflows.Say("The invitation was gone at integrator.io (%s).", b.Status)
	},
}

var evTaken = workflows.Kind[State, taken]{
	Type: "transfer.accepted_meanwhile",
	Fold: func(s *State, e workflows.Event, b taken) {
		s.Invite.Mark, s.Invite.ID, s.Invite.Lost, s.Invite.Resend, s.Ending = b.Mark, b.ID, "", false, nil
		s.Until, s.Invite.Taken = b.Until, true
		s.Round++
	},
	Tell: workflows.Told[taken](
		"The invitation had been accepted meanwhile, so it was not withdrawn. integrator.io is carrying it out."),
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
				text += workflows.Say(" (%s)", b.Code)
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

// acceptingStage waits for the new owner, here and at integrator.io.
type acceptingStage struct{ plain }

func (acceptingStage) now(s State) string {
	if s.carrying() {
		return "The invitation was accepted, and integrator.io is carrying it out."
	}
	return s.To + " is invited and has to accept at integrator.io."
}

func (acceptingStage) notify(s State, who string) string {
	switch {
	case s.carrying():
		return "integrator.io is handing " + s.what()
	case workflows.Among(who, s.acceptors()):
		return "Accept: " + s.To + " becomes the owner of " + s.AccountName
	}
	return s.To + " is invited to become the owner of " + s.AccountName
}

func (acceptingStage) lines(s State, who string) []string {
	var out []string
	if s.carrying() {
		return []string{"✓ The invitation was accepted (seen at integrator.io). integrator.io is carrying it out; Keyholder sees when that is done. Nothing is asked of you now."}
	}
	switch {
	case s.Invite.Resend:
		out = append(out, "… The old invitation is being withdrawn; then a new one goes out.")
	case s.Invite.Lost == workflows.TransferFailed:
		out = append(out, "! integrator.io could not carry the transfer out. Send the invitation again, or withdraw it.")
	case s.Invite.Lost != "":
		out = append(out, "! The invitation is gone at integrator.io: somebody cancelled or deleted it there. Send it again, or withdraw it here.")
	}
	if len(out) > 0 {
		return append(out, workflows.Say("By %u, or this ends.", s.Until))
	}
	switch {
	case s.Invite.How == workflows.Acted:
		out = append(out, "✓ integrator.io has invited "+s.To+" to become the owner.")
	default:
		out = append(out, "✓ "+s.To+" was invited to become the owner ("+howWord(s.Invite.How, s.Invite.Attested)+").")
	}
	if s.Invite.Accepted != "" {
		out = append(out, workflows.Say("✓ %m accepts for %s. What is missing is the acceptance at "+
			"integrator.io.", s.Invite.Accepted, s.To))
	}
	do := "Sign in to integrator.io as " + s.To +
		", open the invitation (the mail, or the bell) and press Accept there. Only the new owner can."
	switch {
	case workflows.Among(who, s.acceptors()) && s.ToPerson != "":
		out = append(out, "You are asked because you are to become the owner. "+do)
	case workflows.Among(who, s.acceptors()):
		out = append(out, "You are asked because you can read that mailbox. "+do)
	case s.ToPerson != "":
		out = append(out, workflows.Say("%m has to accept at integrator.io.", s.ToPerson))
	default:
		out = append(out, workflows.Say("One of %m has to accept at integrator.io.", s.acceptors()))
	}
	watch := "Keyholder sees the acceptance by itself."
	if s.attestable() {
		watch = "Keyholder cannot see the acceptance; whoever accepted says so with “It is accepted”."
	}
	end := ", or the invitation is withdrawn."
	if s.byHand() {
		end = ", or this ends."
	}
	return append(out, workflows.Say("%s By %u%s", workflows.Text(watch), s.Until, workflows.Text(end)))
}

func (acceptingStage) buttons(s State, who string) []workflows.Button {
	if s.carrying() {
		return nil
	}
	var out []workflows.Button
	acceptor := workflows.Among(who, s.acceptors())
	standing := s.Invite.Lost == "" && !s.Invite.Resend
	if acceptor && standing && s.Invite.Accepted == "" {
		out = append(out, workflows.Button{Action: ActAccept, Label: "I'll accept there", Style: workflows.Primary})
	}
	if acceptor && standing && s.attestable() && who != s.Invite.Attested {
		out = append(out, workflows.Button{Action: ActAttest, Label: "It is accepted",
			Confirm: &workflows.Confirm{Title: "Do you swear to it?",
				Text: "You accepted the invitation in integrator.io, and " + s.To + " is shown there as the owner of " +
					s.AccountName + ". This is recorded under your name.", Yes: "It is accepted", No: "Not yet"}})
	}
	if acceptor {
		out = append(out, workflows.Button{Action: ActDecline, Label: "Decline…", Style: workflows.Danger})
	}
	if workflows.Among(who, []string{s.Requester}, s.Holders, s.FromPeople) {
		if !s.Invite.Resend {
			out = append(out, workflows.Button{Action: ActResend, Label: "Send again"})
		}
		out = append(out, workflows.Button{Action: ActWithdraw, Label: "Withdraw…"})
	}
	return out
}

func (acceptingStage) waiting(s State) []string {
	if s.carrying() {
		return nil
	}
	return s.acceptors()
}

func (acceptingStage) audience(s State) []string { return s.acceptors() }

func (acceptingStage) owing(s State) []string {
	switch {
	case s.Ending != nil || s.carrying():
		return nil
	case s.Invite.Accepted != "":
		return []string{s.Invite.Accepted}
	}
	return s.acceptors()
}

func (acceptingStage) remind(s State) string {
	return workflows.Say("%s is invited to become the owner of %s. Please accept at integrator.io", s.To, s.AccountName)
}

func (acceptingStage) watches(s State) []workflows.Watch {
	return s.watch("transfer", workflows.Call{
		Op: workflows.OpWatchTransfer, ID: s.Invite.ID, Email: s.To, Seen: s.Seen, Owner: s.From, Known: s.Invite.Mark,
	})
}

func (acceptingStage) expire(s State, cmd workflows.Command) (workflows.Decision, error) {
	if s.Invite.Taken && s.carrying() {
		why := "it was accepted, but integrator.io did not carry it out in time"
		return s.end(cmd, Ended{Outcome: Failed, Reason: why, Left: true}), nil
	}
	return s.endAfterWithdrawal(cmd, Ending{Outcome: Expired, By: cmd.Actor}), nil
}

func (acceptingStage) late() string { return "The new owner did not accept in time." }

func othersOf(all []string, but string) string {
	others := slices.DeleteFunc(slices.Clone(all), func(x string) bool { return x == but })
	if len(others) == 0 {
		return "Nobody else can accept. Let somebody else send the invitation: press Send again."
	}
	return workflows.Say("%m can.", others)
}
