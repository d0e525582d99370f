package access

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// resendEvery keeps an invitation from being mailed at every click.
const resendEvery = time.Minute

var evPending = kind[until]{
	Type: "access.pending",
	Fold: func(s *State, e workflows.Event, b until) {
		s.Until = b.Until
		s.enter(Pending, e)
		s.Call.InFlight, s.Hand.Manual = false, false
		if s.Written.User != nil {
			s.Invitation.Mark = s.Written.User.Mark()
		}
	},
	Tell: func(_ workflows.Event, b until) string {
		return workflows.Say("The invitation is open until %t.", b.Until)
	},
}

var evSeen = kind[seen]{
	Type: "access.seen",
	Fold: func(s *State, _ workflows.Event, b seen) {
		s.Invitation.Mark = b.Mark
		if !s.Invitation.Declined.IsZero() && workflows.ReadMark(b.Mark).Pending() { // taken back by somebody there
			s.Invitation.Declined = time.Time{}
			s.Ask()
		}
	},
	Tell: func(_ workflows.Event, b seen) string { return workflows.Say("The invitation was seen as %s.", b.Mark) },
}

var evDeclined = kind[seen]{
	Type: "access.declined",
	Fold: func(s *State, e workflows.Event, b seen) {
		s.Invitation.Mark, s.Invitation.Declined = b.Mark, e.At
		s.Ask()
	},
	Tell: workflows.Told[seen]("The invitation was declined (seen at integrator.io). It can be sent again."),
}

var evResending = kind[workflows.None]{
	Type: "access.resending",
	Fold: func(s *State, e workflows.Event, _ workflows.None) {
		i := &s.Invitation
		i.Resending, i.ResentBy, i.ResentAt, i.Unsent = true, e.By.ID, e.At, ""
		s.calls(e)
		s.Ask()
	},
	Tell: func(e workflows.Event, _ workflows.None) string {
		return workflows.Say("%m had the invitation sent again.", e.By.ID)
	},
}

var evResent = kind[seen]{
	Type: "access.resent",
	Fold: func(s *State, _ workflows.Event, b seen) {
		i := &s.Invitation
		i.Resending, i.Declined, i.Mark = false, time.Time{}, b.Mark
		s.answered()
		s.Ask()
	},
	Tell: workflows.Told[seen]("integrator.io sent it again."),
}

var evUnsent = kind[refusal]{
	Type: "access.unsent",
	Fold: func(s *State, _ workflows.Event, b refusal) {
		s.Invitation.Resending, s.Invitation.Unsent = false, b.Code
		s.answered()
		s.Ask()
	},
	Tell: func(_ workflows.Event, b refusal) string {
		return "It could not be sent again: " + unsentWord(b.Code) + workflows.Quoted(b.Message) + "."
	},
}

// unsentWord says why an invitation could not be sent again.
func unsentWord(code string) string {
	if code == workflows.RefusedForbidden {
		return "the token may not do that"
	}
	return workflows.WhyUnread(code)
}

// resenders may have an invitation sent again.
func (s State) resenders() []string { return workflows.Union([]string{s.Requester}, s.managers()) }

// resend sends an open invitation again, within the approval that it has; a declined one is open
// again then.
func resend(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, s.resenders()) {
		return refuse("not_permitted", workflows.Say("Only %m can have the invitation sent again.", s.resenders()))
	}
	i := s.Invitation
	switch {
	case s.Stage != Pending:
		return s.notNow("No invitation is open now.")
	case s.byHand():
		return refuse("no_token", "Keyholder has no token for this environment. In integrator.io, My account > "+
			"Users, send "+
			"the invitation of "+s.Email+" again there.")
	case i.Resending:
		return say("%m has it sent again already; it counts once.", i.ResentBy)
	case cmd.At.Sub(i.ResentAt) < resendEvery && i.Declined.IsZero() && i.Unsent == "":
		return say("%m had it sent again just now, so nothing was sent twice. Wait a minute.", i.ResentBy)
	}
	d := evResending.One(cmd, workflows.None{})
	call := s.call(workflows.OpReinvite)
	call.Deadline = s.Until
	d.Calls = []workflows.Call{call}
	return d, nil
}

// wasResent decides integrator.io's answer to that.
func (s State) wasResent(cmd workflows.Command, r workflows.Receipt) workflows.Decision {
	switch {
	case !s.Invitation.Resending:
		return workflows.Decision{}
	case r.OK && r.User == nil, r.Code == workflows.RefusedNotUser:
		return s.end(cmd, Finished{Outcome: Failed, Code: codeWithdrawn})
	case r.OK && r.User.Status == workflows.UserAccepted:
		return s.usable(cmd, r.User)
	case r.OK:
		return evResent.One(cmd, seen{Mark: r.User.Mark()})
	}
	return evUnsent.One(cmd, refusal{Code: r.Code, Message: r.Message})
}

// mayAttestAcceptance: where Keyholder cannot see whether the invitation was accepted.
func (s State) mayAttestAcceptance() bool {
	return !s.canSee() || s.Invitation.Mark == workflows.RefusedForbidden
}

// pendingStage waits for an invitation to be accepted.
type pendingStage struct{ plain }

func (pendingStage) now(s State) string {
	if !s.Invitation.Declined.IsZero() {
		return s.Email + " declined the invitation; it can be sent again."
	}
	return s.Email + " is invited and has to accept."
}

func (pendingStage) lines(s State, who string) []string {
	i := s.Invitation
	out := []string{s.invitedLine()}
	if !i.Declined.IsZero() {
		out[0] = s.declinedLine(who)
	}
	switch {
	case i.Resending:
		out = append(out, workflows.Say("… %m has it sent again; integrator.io is being asked.", i.ResentBy))
	case i.Unsent != "":
		out = append(out, "! It could not be sent again: "+unsentWord(i.Unsent)+". What was open stays open; an "+
			"administrator can send it again in integrator.io under Users.")
	}
	return out
}

// invitedLine says until when it can be accepted.
func (s State) invitedLine() string {
	i, how := s.Invitation, workflows.Text(howWord(s.Written.How, s.Hand.Attested))
	line := workflows.Say("%s was invited (%s) and has to accept by %u, or the invitation is taken back. It "+
		"uses a seat "+
		"until then.", workflows.Text(s.Email), how, s.Until)
	switch {
	case s.Urgent:
		line = workflows.Say("%s was invited (%s). It is urgent, so it ends %u, accepted or not; an invitation "+
			"that nobody "+
			"accepted by then is taken back. It uses a seat until then.", workflows.Text(s.Email), how, s.urgentEnd())
	case s.Length > 0:
		line += " The time begins when it is accepted."
	}
	if !i.ResentAt.IsZero() && !i.Resending && i.Unsent == "" {
		line += workflows.Say(" It was sent again %t, by %m.", i.ResentAt, i.ResentBy)
	}
	return line
}

// declinedLine says what can be done about a declined invitation.
func (s State) declinedLine(who string) string {
	if s.byHand() {
		return workflows.Say("✗ %s declined the invitation. Talk with them; without an answer it is taken back %t.",
			workflows.Text(s.Email), s.Until)
	}
	what := workflows.Say("%s declined the invitation (seen at integrator.io, %t). Talk with them.",
		workflows.Text(s.Email),
		s.Invitation.Declined)
	if who == s.Person {
		what = workflows.Say("You declined the invitation (seen at integrator.io, %t). Was that a mistake?",
			s.Invitation.Declined)
	}
	return workflows.Say("✗ %s %m can have it sent again under the same approval, or take it back; without "+
		"either it is "+
		"taken back %t.", workflows.Text(what), s.resenders(), s.Until)
}

func (pendingStage) buttons(s State, who string) []workflows.Button {
	var out []workflows.Button
	i := s.Invitation
	if workflows.Among(who, s.resenders()) && !s.byHand() && !i.Resending {
		b := workflows.Button{Action: ActResend, Label: "Send it again"}
		if !i.Declined.IsZero() {
			b.Style = workflows.Primary
		}
		out = append(out, b)
	}
	if workflows.Among(who, s.way().doers(s)) && s.mayAttestAcceptance() {
		out = append(out, swear("It is accepted", s.Email+" has accepted the invitation and is listed as accepted."))
	}
	if workflows.Among(who, s.own(), s.managers()) {
		out = append(out, workflows.Button{Action: ActCancel, Label: "Take it back"})
	}
	return out
}

func (pendingStage) waiting(s State) []string {
	return workflows.Union([]string{s.Person}, []string{s.Requester})
}
func (pendingStage) watch(s State) (string, bool)     { return s.Invitation.Mark, !s.byHand() }
func (pendingStage) timers(s State) []workflows.Timer { return s.expiring() }
func (pendingStage) cancel(State) cancelling          { return takesBack }

func (pendingStage) expire(s State, cmd workflows.Command, f workflows.Facts) workflows.Decision {
	if !s.Invitation.Declined.IsZero() {
		return s.stop(cmd, f, "declined")
	}
	return s.stop(cmd, f, "expired")
}

// answer follows an open invitation.
func (pendingStage) answer(s State, cmd workflows.Command, _ workflows.Facts,
	r workflows.Receipt) (workflows.Decision, error) {
	switch r.Op {
	case workflows.OpReinvite:
		return s.wasResent(cmd, r), nil
	case workflows.OpWatchUser:
	default:
		return workflows.Decision{}, nil
	}
	mark := r.Code
	if r.OK {
		mark = r.User.Mark()
	}
	switch {
	case mark == s.Invitation.Mark:
		return workflows.Decision{}, nil
	case r.OK && r.User == nil:
		return s.end(cmd, Finished{Outcome: Failed, Code: codeWithdrawn}), nil
	case r.OK && r.User.Status == workflows.UserAccepted:
		return s.usable(cmd, r.User), nil
	case r.OK && r.User.Status == workflows.UserDismissed:
		return evDeclined.One(cmd, seen{Mark: mark}), nil
	}
	return evSeen.One(cmd, seen{Mark: mark}), nil
}
