package access

import (
	"cmp"
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// extend asks the same people for the same length again.
func extend(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, s.own(), s.managers()) {
		return workflows.Decision{}, refused("not_permitted", "Only "+workflows.Mentions(s.own())+", the holders and the administrators can ask for more time. Nothing was recorded.")
	}
	if s.Phase != Active || s.Urgent {
		return workflows.Decision{}, refused("not_now", "Nothing can be extended now. Nothing was recorded. "+stageLine(s))
	}
	if s.Extend != nil {
		return workflows.Decision{Reply: workflows.Reply{Text: workflows.Mention(s.Extend.By) + " has asked for more time already; it counts once."}}, nil
	}
	if who := s.left(f); who != "" {
		return workflows.Decision{}, refused("has_left", s.leftWords(who)+" So no more time can be asked for. Nothing was recorded.")
	}
	b := s.barring(approvals.Ballot{Quorum: s.Quorum, Electorate: s.Electorate, Lists: s.Lists, Opens: cmd.At, Closes: s.Until}, f,
		approvals.Party{Identity: f.Known(cmd.Actor.ID), Why: question.ByRequester})
	st := eligible(s, f)
	if err := b.DeadEnd(st, f.Delegations, cmd.At); err != nil {
		return workflows.Decision{}, deadEnd(s.Frozen, err)
	}
	return one(cmd, evExtending, Extension{By: cmd.Actor.ID, Ballot: b, Asked: b.Judge(st, f.Delegations, cmd.At).Waiting,
		Again: standInsEnd(b, f, cmd.At)}), nil
}

// endEarly ends a time-box before its time; it needs nobody's approval.
func endEarly(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, s.own(), s.managers()) {
		return workflows.Decision{}, refused("not_permitted", "Only "+workflows.Mentions(s.own())+", the holders and the administrators can end this access. Nothing was recorded.")
	}
	if s.Phase != Active {
		return workflows.Decision{}, refused("not_now", "There is no running access to end. Nothing was recorded. "+stageLine(s))
	}
	return s.stop(cmd, f, "early"), nil
}

// stop ends access that was given, or is about to be: restore what was before, or remove it. Where a later decision stands nothing is
// touched.
func (s State) stop(cmd workflows.Command, f workflows.Facts, why string) workflows.Decision {
	switch {
	case s.overtaken(f) != "":
		return s.endOvertaken(cmd, f, why)
	case s.Phase == Reading, s.Phase == Approving, s.Phase == Doing && !s.InFlight && !s.Wrote:
		return s.end(cmd, Finished{Outcome: Refused, Reason: why})
	case s.Phase == Doing && s.InFlight:
		return one(cmd, evStopping, reason{Reason: why}) // what is on its way answers first
	}
	manual := s.byHand() || !s.ReadOK
	b := s.comesBack(f)
	d := one(cmd, evRestoring, restoring{Why: why, By: cmp.Or(cmd.Actor.ID, s.EndBy), Until: cmd.At.Add(s.Policy.ConfirmWithin), Manual: manual, Back: &b})
	switch {
	case manual:
	case s.Phase == Pending:
		d.Calls = []workflows.Call{s.withdrawCall()}
	default:
		d.Calls = []workflows.Call{s.restoreCall(b, s.Want.Mark())}
	}
	return d
}

// endOvertaken ends a time whose access a later decision has replaced: that one stands.
func (s State) endOvertaken(cmd workflows.Command, f workflows.Facts, why string) workflows.Decision {
	return s.end(cmd, Finished{Outcome: Ended, Code: codeOvertaken, Message: s.overtaken(f), Reason: why})
}

// withdrawCall takes an invitation back that nobody accepted.
func (s State) withdrawCall() workflows.Call {
	return workflows.Call{Op: workflows.OpWithdrawUser, Account: s.AccountID, Environment: s.Environment, Email: s.address(), Who: s.Who}
}

// restoreCall brings that back. known is what the access must be for that; empty for whatever it is.
func (s State) restoreCall(b back, known string) workflows.Call {
	call := workflows.Call{Op: workflows.OpRemoveAccess, Account: s.AccountID, Environment: s.Environment, Email: s.address(), Who: s.Who, Known: known}
	if b.User != nil {
		was := b.User.Access()
		call.Op, call.Access = workflows.OpChangeAccess, &was
		if s.Want.Role == workflows.RoleAdministrator { // which requires a second factor or SSO: that goes back, too
			call.Required = &workflows.Required{MFA: b.User.MFA, SSO: b.User.SSO}
		}
	}
	return call
}

// wasRestored decides integrator.io's answer at the end.
func (s State) wasRestored(cmd workflows.Command, f workflows.Facts, r workflows.Receipt) (workflows.Decision, error) {
	switch {
	case r.OK && r.Op == workflows.OpWithdrawUser && r.User != nil && r.User.Status == workflows.UserAccepted:
		return s.acceptedMeanwhile(cmd, f, r.User), nil
	case r.OK && s.wasOff() && r.User != nil && !r.User.Disabled:
		return one(cmd, evRefused, refusal{Code: codeSwitchOff, Manual: true}), nil
	case r.OK:
		return s.restored(cmd, f, workflows.Acted), nil
	case r.Op != workflows.OpWithdrawUser && (r.Code == workflows.RefusedChanged || r.Code == workflows.RefusedNotUser && s.brings().User != nil):
		return s.lookAt(cmd, f, r), nil
	}
	return one(cmd, evRefused, refusal{Code: r.Code, Message: r.Message, Manual: true}), nil
}

// acceptedMeanwhile decides an invitation that was accepted before it could be taken back: it is access now, unless somebody refused it.
func (s State) acceptedMeanwhile(cmd workflows.Command, f workflows.Facts, u *workflows.User) workflows.Decision {
	if s.EndWhy != "refused" {
		return s.usable(cmd, u)
	}
	b := s.comesBack(f)
	d := one(cmd, evRestoring, restoring{Effect: answered(cmd), Why: s.EndWhy, By: s.EndBy, Until: cmd.At.Add(s.Policy.ConfirmWithin), Back: &b})
	d.Calls = []workflows.Call{s.restoreCall(b, u.Access().Mark())}
	return d
}

// restored ends the workflow; the record says what the person has now.
func (s State) restored(cmd workflows.Command, f workflows.Facts, how string) workflows.Decision {
	outcome := Ended
	switch s.EndWhy {
	case "cancelled":
		outcome = Cancelled
	case "declined":
		outcome = Failed
	case "expired":
		outcome = Expired
	case "refused":
		outcome = Refused
	}
	e := Finished{Outcome: outcome, Code: s.EndWhy, How: how}
	switch how {
	case workflows.Attested:
		e.Who = cmp.Or(cmd.Actor.ID, s.Attested)
	case workflows.Verified:
		e.Who = s.Attested
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

// adopt leaves an access as somebody changed it.
func adopt(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if err := s.mayAnswerDrift(cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	vote, enough, err := s.Taking.Take(s.Parties, s.managers(), cmd, f)
	switch {
	case err != nil:
		return workflows.Decision{}, err
	case !enough:
		d := one(cmd, evTook, vote)
		d.Reply = s.Taking.Recorded(vote, "leave it as it is")
		return d, nil
	}
	outcome := Ended
	if s.Review != "" {
		outcome = Cancelled // what the review decided is not done
	}
	d := s.end(cmd, Finished{Outcome: outcome, Code: "adopted"})
	if s.Taking.Quorum > 1 {
		d.Events = append([]workflows.Event{cmd.Event(evTook, vote)}, d.Events...)
	}
	if s.There != nil && s.There.OK { // it is their decision now, and no difference that nobody explains
		d.Account = append(d.Account, question.TakenAsExpected(cmd, s.ID, cmp.Or(s.Key, workflows.GivenKey(s.Environment, s.Email)), s.There.User.Mark(), s.Who))
	}
	return d, nil
}

// takingBallot asks whether what somebody made of the access stays: as many as its role needs.
func (s State) takingBallot() question.Expected {
	mark := "" // not known, so it may be any
	if s.There != nil && s.There.OK {
		mark = s.There.User.Mark()
	}
	b := approvals.Ballot{Quorum: question.Expectants(s.Policy, mark), Electorate: s.managers(), Bars: s.Bars}
	if s.Review != "" { // nobody asked for it
		b.Bars = slices.DeleteFunc(slices.Clone(s.Bars), func(b approvals.Bar) bool { return b.Why != question.ByBeneficiary })
	}
	return question.Expected{Ballot: b}
}

func (s State) mayAnswerDrift(cmd workflows.Command, f workflows.Facts) error {
	own := s.aboutSelf(cmd, f, "decide")
	switch {
	case !workflows.Among(cmd.Actor.ID, s.managers()):
		return refused("not_permitted", "Only "+workflows.Mentions(s.able())+" can decide this. Nothing was recorded.")
	case own != nil:
		return own
	case !s.Drifted:
		return refused("not_now", "There is nothing to decide now. Nothing was recorded. "+stageLine(s))
	}
	return nil
}

// wasOff reports whether the access was switched off before, and has to be so again.
func (s State) wasOff() bool { b := s.brings(); return b.User != nil && b.User.Disabled }

// Names of timers.
const (
	timerSlow   = "slow"
	timerExpire = "expire"
	timerNotice = "notice"
	timerEnd    = "end"
	timerRemind = "remind"
	timerRetry  = "retry"
	timerLate   = "late"
	// timerStandIns looks again who stands in for whom, as a delegation ends by its time.
	timerStandIns = "stand-ins"
	// timerEscalate tells those who look after access that nobody answers.
	timerEscalate = "escalate"
)

// slowAfter is when people are told that integrator.io does not answer.
const slowAfter = 10 * time.Second

// timers says what the state waits for by the clock.
func (s State) timers() []workflows.Timer {
	if s.Closed() {
		return nil
	}
	var out []workflows.Timer
	add := func(name string, at time.Time) {
		out = append(out, workflows.Timer{Name: name, At: at.UTC().Truncate(time.Millisecond)})
	}
	if s.InFlight && !s.Slow {
		add(timerSlow, s.CalledAt.Add(slowAfter))
	}
	if !s.RetryAt.IsZero() {
		add(timerRetry, s.RetryAt)
	}
	if s.Review != "" {
		if s.Late == nil && !s.FixBy.IsZero() {
			add(timerLate, s.FixBy)
		}
		return out
	}
	if b, _ := s.question(); b != nil && !s.StandIns.IsZero() && (b.Closes.IsZero() || s.StandIns.Before(b.Closes)) {
		add(timerStandIns, s.StandIns)
	}
	switch s.Phase {
	case Active:
		add(timerEnd, s.Until)
		if at, ok := s.nextNotice(); ok {
			add(timerNotice, at)
		}
	case Reading, Approving, Pending:
		add(timerExpire, s.Until)
		if at, ok := s.nextReminder(); ok {
			add(timerRemind, at)
		}
		if s.Phase == Approving && s.Escalation == nil {
			add(timerEscalate, s.Until.Add(-s.Policy.ConfirmWithin/4))
		}
	case Doing:
		if !s.InFlight {
			add(timerExpire, s.Until)
		}
	}
	return out
}

// nextReminder says when to remind those who have not answered: at half of their time and shortly before its end.
func (s State) nextReminder() (time.Time, bool) {
	before := []time.Duration{s.Policy.ConfirmWithin / 2, s.Policy.ConfirmWithin / 12}
	if s.Phase != Approving || len(s.Reminded) >= len(before) {
		return time.Time{}, false
	}
	return s.Until.Add(-before[len(s.Reminded)]), true
}

// nextNotice says when to warn next; notices that would lie before the time-box began are passed over.
func (s State) nextNotice() (time.Time, bool) {
	n := 0
	for _, before := range s.Policy.Notice {
		at := s.Until.Add(-before)
		if !at.After(s.BoxFrom) {
			continue
		}
		if n == s.Notices {
			return at, true
		}
		n++
	}
	return time.Time{}, false
}

// fired decides a timer.
func fired(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if s.Closed() {
		return workflows.Decision{}, nil
	}
	switch cmd.Timer.Name {
	case timerNotice, timerRemind, timerEscalate:
		if !s.Until.After(cmd.At) {
			return workflows.Decision{}, nil // the end is due as well, as after a day without this process: nobody is warned of what is over
		}
	}
	switch cmd.Timer.Name {
	case timerSlow:
		return one(cmd, evSlow, none{}), nil
	case timerNotice:
		return one(cmd, evNoticed, Notice{N: s.Notices + 1, Until: s.Until, At: cmd.At, To: s.own()}), nil
	case timerRemind:
		return one(cmd, evReminded, Notice{N: len(s.Reminded) + 1, Until: s.Until, At: cmd.At, To: s.unanswered()}), nil
	case timerStandIns:
		return delegated(s, cmd, f)
	case timerEscalate:
		return s.escalate(cmd, f)
	case timerRetry:
		return s.tryAgain(cmd, f), nil
	case timerLate:
		return one(cmd, evLate, Notice{Until: s.FixBy, At: cmd.At, To: s.lateFor()}), nil
	case timerEnd:
		return s.stop(cmd, f, "time"), nil
	case timerExpire:
		if s.Phase != Pending && !s.Wrote {
			return s.end(cmd, Finished{Outcome: Expired}), nil
		}
		if !s.Declined.IsZero() {
			return s.stop(cmd, f, "declined"), nil
		}
		return s.stop(cmd, f, "expired"), nil
	}
	return workflows.Decision{}, nil
}

// undo restores although somebody changed it.
func undo(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if err := s.mayAnswerDrift(cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	if s.Review != "" {
		return s.do(cmd), nil
	}
	if s.overtaken(f) != "" {
		return s.endOvertaken(cmd, f, s.EndWhy), nil
	}
	b := s.comesBack(f)
	d := one(cmd, evRestoring, restoring{Why: s.EndWhy, By: s.EndBy, Until: cmd.At.Add(s.Policy.ConfirmWithin), Back: &b})
	d.Calls = []workflows.Call{s.restoreCall(b, "")}
	return d, nil
}
