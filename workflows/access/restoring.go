package access

import (
	"cmp"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// codeOvertaken is the end of a time whose access a later decision replaced.
const codeOvertaken = "overtaken"

type restoring struct {
	Effect string    `json:"effect,omitempty"` // the call whose answer led to it
	Why    string    `json:"why"`
	By     string    `json:"by,omitempty"` // who ended, refused or took it back
	Back   *back     `json:"back,omitempty"`
	Until  time.Time `json:"until"`
	Manual bool      `json:"manual,omitempty"`
}

var evStopping = kind[reason]{
	Type: "access.stopping",
	Fold: func(s *State, e workflows.Event, b reason) {
		s.Ending.Stop, s.Ending.By = b.Reason, e.By.ID
		s.Ask()
	},
	Tell: workflows.Told[reason]("It was refused while it was on its way to integrator.io."),
}

var evRestoring = kind[restoring]{
	Type: "access.restoring",
	Fold: func(s *State, e workflows.Event, b restoring) {
		s.Call.Answered = cmp.Or(b.Effect, s.Call.Answered)
		s.Until = b.Until
		s.enter(Restoring, e)
		s.Ending.Why, s.Ending.By, s.Ending.Back = b.Why, b.By, b.Back
		s.Hand = Hand{Manual: b.Manual, Attested: s.Hand.Attested, Checks: s.Hand.Checks}
		s.Changed.Asks, s.Changed.There, s.Invitation.Resending = false, nil, false
		s.wasAsked()
		if !b.Manual {
			s.calls(e)
		}
	},
	Tell: func(_ workflows.Event, b restoring) string {
		why := map[string]string{
			"time": "The time was over", "early": "Ended early by " + workflows.Mention(b.By),
			"refused": "Refused by " + workflows.Mention(b.By), "cancelled": "Taken back by " + workflows.Mention(b.By),
			"declined": "The invitation was declined", "expired": "It was not accepted or finished in time",
			codeLeft: "Somebody it rests on is no active member of this Slack any more",
		}[b.Why]
		return why + "; what was before is being restored."
	},
}

// stop ends access that was given, or is about to be: restore what was before, or remove it. Where a
// later decision stands nothing is touched.
func (s State) stop(cmd workflows.Command, f workflows.Facts, why string) workflows.Decision {
	idle := s.Stage == Doing && !s.Call.InFlight && !s.Written.Unusable
	switch {
	case s.overtaken(f) != "":
		return s.endOvertaken(cmd, f, why)
	case s.Stage == Reading, s.Stage == Approving, idle:
		return s.end(cmd, Finished{Outcome: Refused, Reason: why})
	case s.Stage == Doing && s.Call.InFlight:
		return evStopping.One(cmd, reason{Reason: why}) // what is on its way answers first
	}
	manual := s.byHand() || !s.Read.OK
	b := s.comesBack(f)
	d := s.restores(cmd, restoring{Why: why, By: cmp.Or(cmd.Actor.ID, s.Ending.By), Manual: manual, Back: &b})
	switch {
	case manual:
	case s.Stage == Pending:
		d.Calls = []workflows.Call{s.call(workflows.OpWithdrawUser)}
	default:
		d.Calls = []workflows.Call{s.restoreCall(b, s.Want.Mark())}
	}
	return d
}

// restores begins to bring back what was before.
func (s State) restores(cmd workflows.Command, b restoring) workflows.Decision {
	b.Until = cmd.At.Add(s.Policy.ConfirmWithin)
	return evRestoring.One(cmd, b)
}

// endOvertaken ends a time whose access a later decision has replaced: that one stands.
func (s State) endOvertaken(cmd workflows.Command, f workflows.Facts, why string) workflows.Decision {
	return s.end(cmd, Finished{Outcome: Ended, Code: codeOvertaken, Message: s.overtaken(f), Reason: why})
}

// restoreCall brings that back. known is what the access must be for that; empty for whatever it is.
func (s State) restoreCall(b back, known string) workflows.Call {
	call := s.call(workflows.OpRemoveAccess)
	call.Known = known
	if b.User != nil {
		was := b.User.Access()
		call.Op, call.Access = workflows.OpChangeAccess, &was
		if s.Want.Role == workflows.RoleAdministrator { // which requires a second factor or SSO: that goes back, too
			call.Required = &workflows.Required{MFA: b.User.MFA, SSO: b.User.SSO}
		}
	}
	return call
}

// acceptedMeanwhile decides an invitation that was accepted before it could be taken back: it is
// access now, unless somebody refused it.
func (s State) acceptedMeanwhile(cmd workflows.Command, f workflows.Facts, u *workflows.User) workflows.Decision {
	if s.Ending.Why != "refused" {
		return s.usable(cmd, u)
	}
	b := s.comesBack(f)
	d := s.restores(cmd, restoring{Effect: answered(cmd), Why: s.Ending.Why, By: s.Ending.By, Back: &b})
	d.Calls = []workflows.Call{s.restoreCall(b, u.Access().Mark())}
	return d
}

// restored ends the workflow; the record says what the person has now.
func (s State) restored(cmd workflows.Command, f workflows.Facts, how string) workflows.Decision {
	outcome := Ended
	switch s.Ending.Why {
	case "cancelled":
		outcome = Cancelled
	case "declined":
		outcome = Failed
	case "expired":
		outcome = Expired
	case "refused":
		outcome = Refused
	}
	e := Finished{Outcome: outcome, Code: s.Ending.Why, How: how}
	switch how {
	case workflows.Attested:
		e.Who = cmp.Or(cmd.Actor.ID, s.Hand.Attested)
	case workflows.Verified:
		e.Who = s.Hand.Attested
	}
	if s.overtaken(f) != "" {
		return s.end(cmd, e) // what a later decision gave stands in the record
	}
	if b := s.brings(); !b.Read {
		return s.end(cmd, e) // what they had before was never read
	}
	d := s.close(cmd, e)
	d.Account = append(d.Account, s.broughtBack(cmd))
	return d
}

// restoringStage brings back what was before.
type restoringStage struct{ plain }

func (restoringStage) now(s State) string {
	if s.Changed.Asks {
		return "Somebody changed the access meanwhile; an administrator decides."
	}
	return "It is being ended."
}

func (restoringStage) lines(s State, _ string) []string {
	switch {
	case s.Changed.Looking:
		return []string{"… The access is no longer the one that was given; what it is now is being read at " +
			"integrator.io."}
	case s.Changed.Asks:
		return []string{s.changedSinceGiven()}
	case s.Hand.Checks:
		return []string{s.checksLine()}
	case s.Hand.Manual:
		return []string{s.endByHand()}
	}
	return []string{"… It is being ended: " + s.after(willBe)}
}

// endByHand asks people to end it in the pages.
func (s State) endByHand() string {
	why := ""
	switch s.Hand.Code {
	case "":
	case codeSwitchOff:
		why = "! " + s.address() + " was switched off before, which Keyholder does not do by itself: My " +
			"account > Users, " +
			"switch " + s.address() + " off. "
	case codeNotSeen:
		why = s.notSeenLine()
	default:
		why = "! It could not be done by Keyholder: " + remedy(s, s.Hand.Code, s.Hand.Message) + " "
	}
	return why + workflows.Mentions(s.able()) + ": please end it in integrator.io: " + s.after(willBe) +
		" Then press “It is done”."
}

func (restoringStage) buttons(s State, who string) []workflows.Button {
	out := s.changedButtons(who, "Restore all the same")
	if s.swears(who) {
		out = append(out, swear("It is done", "In integrator.io, "+s.after(isNow)+"."))
	}
	return out
}

func (restoringStage) waiting(s State) []string     { return s.handWaiting() }
func (restoringStage) watch(s State) (string, bool) { return s.handWatch() }
func (restoringStage) holds(s State) bool           { return s.Box.From.IsZero() || s.Changed.Locked }

// answer decides integrator.io's answer at the end.
func (restoringStage) answer(s State, cmd workflows.Command, f workflows.Facts,
	r workflows.Receipt) (workflows.Decision, error) {
	switch r.Op {
	case workflows.OpWithdrawUser, workflows.OpChangeAccess, workflows.OpRemoveAccess:
	default: // of what was asked in an earlier stage
		return workflows.Decision{}, nil
	}
	if !s.Call.InFlight {
		return workflows.Decision{}, nil
	}
	withdrawn, b := r.Op == workflows.OpWithdrawUser, s.brings()
	off := b.User != nil && b.User.Disabled // it was switched off before, and has to be so again
	switch {
	case r.OK && withdrawn && r.User != nil && r.User.Status == workflows.UserAccepted:
		return s.acceptedMeanwhile(cmd, f, r.User), nil
	case r.OK && off && r.User != nil && !r.User.Disabled:
		return evRefused.One(cmd, refusal{Code: codeSwitchOff, Manual: true}), nil
	case r.OK:
		return s.restored(cmd, f, workflows.Acted), nil
	case !withdrawn && (r.Code == workflows.RefusedChanged || r.Code == workflows.RefusedNotUser && b.User != nil):
		return s.lookAt(cmd, f, r), nil
	}
	return evRefused.One(cmd, refusal{Code: r.Code, Message: r.Message, Manual: true}), nil
}
