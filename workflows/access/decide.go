package access

import (
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Actions of the buttons; the contract with every card ever posted. Adopt and undo answer an access
// that changed while a time-box ran.
const (
	ActApprove = "access.approve"
	ActComment = "access.comment"
	ActRefuse  = "access.refuse"
	ActLook    = "access.look"
	ActCancel  = "access.cancel"
	ActAttest  = "access.attest"
	ActExtend  = "access.extend"
	ActEnd     = "access.end"
	ActAdopt   = "access.adopt"
	ActUndo    = "access.undo"
	// ActResend sends an open invitation again, a declined one too.
	ActResend = "access.resend"
	// ActRecheck reads again what could not be read.
	ActRecheck = "access.recheck"

	// Request is the callback of the opening modal, Reason of the one that asks why.
	Request = "access.request"
	Reason  = "access.reason"
)

// gate is what each click passes first; its handlers judge by the rights of now.
var gate workflows.Gate[State]

func init() {
	all := map[string]workflows.Handler[State]{
		ActCancel: cancel, ActAttest: attest, ActExtend: extend, ActEnd: endEarly, ActAdopt: adopt, ActUndo: undo,
		ActResend: resend, ActRecheck: recheck,
	}
	answers(all)
	gate = workflows.Gate[State]{
		Noun: "request", Clicks: map[string]workflows.Handler[State]{}, Outcome: outcomeLine, Now: stageLine,
	}
	for action, act := range all {
		gate.Clicks[action] = asOfNow(act)
	}
}

// asOfNow lets a handler see only those rights that are still the case.
func asOfNow(act workflows.Handler[State]) workflows.Handler[State] {
	return func(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
		now, who := s.asOf(f), cmd.Actor.ID
		d, err := act(now, cmd, f)
		return d, workflows.NoLonger(err, workflows.Among(who, s.managers()) && !workflows.Among(who, now.managers()),
			"this account")
	}
}

// decide answers a command.
func decide(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch cmd.Name {
	case Request:
		return opened(cmd, f)
	case workflows.CmdTimer:
		if cmd.Timer == nil || !s.Opened() || s.Closed() {
			return workflows.Decision{}, nil
		}
		return fired(s, cmd, f)
	case workflows.CmdReceipt:
		if cmd.Receipt == nil || !s.Opened() || s.Closed() {
			return workflows.Decision{}, nil
		}
		return received(s, cmd, f)
	case workflows.CmdDelegated:
		return delegated(s, cmd, f)
	}
	if workflows.AccessLeft.Given(cmd) {
		b, err := workflows.AccessLeft.Body(cmd)
		return leftAsItIs(s, cmd, b), err
	}
	if workflows.AccessOvertaken.Given(cmd) {
		b, err := workflows.AccessOvertaken.Body(cmd)
		return overtaken(s, cmd, b), err
	}
	if workflows.AccessKept.Given(cmd) {
		b, err := workflows.AccessKept.Body(cmd)
		return kept(s, cmd, f, b), err
	}
	return gate.Decide(s, cmd, f)
}

// received decides the receipt of a call. One that the state no longer waits for changes nothing.
func received(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	r := *cmd.Receipt
	if r.Effect != "" && r.Effect == s.Call.Answered {
		return workflows.Decision{}, nil // this very call has answered before
	}
	if r.OK && r.User == nil && r.Access != nil {
		r.User = r.Access.User
	}
	d := s.renamedTo(cmd, r.User)
	next, err := fold(s, d.Events)
	if err != nil {
		return d, err
	}
	more, err := next.answer(cmd, f, r)
	return joined(d, more), err
}

// renamedTo notes that the user has another address by now.
func (s State) renamedTo(cmd workflows.Command, u *workflows.User) workflows.Decision {
	if u == nil || u.Email == "" || workflows.SameEmail(u.Email, s.address()) {
		return workflows.Decision{}
	}
	return evRenamed.One(cmd, renamed{From: s.address(), To: u.Email})
}

// answer takes what integrator.io answered to one call: what any stage may have asked first.
func (s State) answer(cmd workflows.Command, f workflows.Facts, r workflows.Receipt) (workflows.Decision, error) {
	reads := r.Op == workflows.OpReadAccess && s.Stage != Reading
	switch {
	case reads && s.Changed.Looking:
		return s.wasLookedAt(cmd, r), nil
	case reads:
		return s.wasChecked(cmd, f, r), nil
	case s.Hand.Checks || s.Changed.Looking:
		return workflows.Decision{}, nil
	case r.Op == workflows.OpWatchUser && s.Hand.Manual:
		return s.doneUnsaid(cmd, f, r), nil
	}
	return s.in().answer(s, cmd, f, r)
}

// answered names the call whose receipt a command is, "" for none.
func answered(cmd workflows.Command) string {
	if cmd.Receipt == nil {
		return ""
	}
	return cmd.Receipt.Effect
}

// call is one about this access.
func (s State) call(op string) workflows.Call {
	return workflows.Call{
		Op: op, Account: s.AccountID, Environment: s.Environment, Email: s.address(), Who: s.Who,
	}
}

// readCall reads what they have.
func (s State) readCall() workflows.Call {
	c := s.call(workflows.OpReadAccess)
	c.ByAddress = s.Review == nil && (s.Stage == "" || s.Stage == Reading) // a person typed it
	return c
}

// Names of timers, beside those of the questions.
const (
	timerSlow   = "slow"   // integrator.io has not answered
	timerExpire = "expire" // the stage's own end
	timerNotice = "notice" // the end of a time-box is near
	timerEnd    = "end"    // a time-box is over
	timerRetry  = "retry"  // it looks again at what it waits for
	timerLate   = "late"   // what a review decided was to be done by now
)

// slowAfter is when people are told that integrator.io does not answer.
const slowAfter = 10 * time.Second

// timers says what the state waits for by the clock.
func (s State) timers() []workflows.Timer {
	if s.Closed() {
		return nil
	}
	var out []workflows.Timer
	add := func(name string, at time.Time) { out = append(out, workflows.Timer{Name: name, At: at}) }
	if s.Call.InFlight && !s.Call.Slow {
		add(timerSlow, s.Call.At.Add(slowAfter))
	}
	if !s.Wait.Again.IsZero() {
		add(timerRetry, s.Wait.Again)
	}
	switch {
	case s.Review == nil:
		out = append(out, s.in().timers(s)...)
		if o := s.asking(); o != nil {
			out = append(out, o.Timers(s)...)
		}
	case s.Late == nil && !s.Review.FixBy.IsZero():
		add(timerLate, s.Review.FixBy)
	}
	for i := range out {
		out[i].At = out[i].At.UTC().Truncate(time.Millisecond)
	}
	return out
}

// fired decides a timer.
func fired(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if o := s.asking(); o != nil {
		if a, mine := o.Fired(s, cmd, f); mine {
			return follow(s, cmd, f, a)
		}
	}
	switch cmd.Timer.Name {
	case timerSlow:
		return evSlow.One(cmd, workflows.None{}), nil
	case timerNotice:
		if !s.Until.After(cmd.At) {
			// it is over as well, as after a day without this process: nobody is warned of that
			return workflows.Decision{}, nil
		}
		return evNoticed.One(cmd, Notice{N: s.Box.Notices + 1, Until: s.Until, At: cmd.At, To: s.own()}), nil
	case timerRetry:
		return s.tryAgain(cmd, f), nil
	case timerLate:
		if s.Review == nil {
			return workflows.Decision{}, nil
		}
		return evLate.One(cmd, Notice{Until: s.Review.FixBy, At: cmd.At, To: s.lateFor()}), nil
	case timerEnd:
		return s.stop(cmd, f, "time"), nil
	case timerExpire:
		return s.in().expire(s, cmd, f), nil
	}
	return workflows.Decision{}, nil
}

// cancel ends a request, and takes back first what stands at integrator.io.
func cancel(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var none workflows.Decision
	if !workflows.Among(cmd.Actor.ID, s.stoppers()) {
		return none, workflows.Refuse("not_permitted", s.way().stopWords(s)+" Nothing was recorded.")
	}
	switch s.in().cancel(s) {
	case justEnds:
	case takesBack:
		return s.stop(cmd, f, "cancelled"), nil
	default:
		return none, workflows.Refuse("too_late", "It is too late to cancel: "+stageLine(s)+
			" Nothing was recorded. Access that is for a time can be ended early.")
	}
	if !cmd.Submitted {
		return workflows.Decision{Reply: workflows.Reply{Modal: s.whyForm(cmd)}}, nil
	}
	return s.end(cmd, Finished{Outcome: Cancelled, Reason: strings.TrimSpace(cmd.Input[BlockReason])}), nil
}

// whyForm asks why a request is cancelled.
func (s State) whyForm(cmd workflows.Command) *workflows.Modal {
	return &workflows.Modal{
		Callback: Reason, Title: "Cancel request", Submit: "Cancel request",
		Intro:    []string{workflows.Say("*%s*\nCancel this request?", s.Title())},
		Workflow: cmd.Workflow, Account: s.AccountID, Action: cmd.Name, Round: s.Round,
		Inputs: []workflows.Input{{
			Block: BlockReason, Kind: workflows.InputText, Label: "Why", Optional: true, Multiline: true,
			MaxLength: 1000,
			Hint:      "It is shown on the card and kept in the record.",
		}},
	}
}

// joined is two decisions one after the other.
func joined(d, more workflows.Decision) workflows.Decision {
	d.Events, d.Account, d.Calls = append(d.Events, more.Events...), append(d.Account, more.Account...),
		append(d.Calls, more.Calls...)
	return d
}

func refuse(code, text string) (workflows.Decision, error) {
	return workflows.Decision{}, workflows.Refuse(code, text+" Nothing was recorded.")
}

// notNow refuses what is not asked in this stage.
func (s State) notNow(text string) (workflows.Decision, error) {
	return workflows.Decision{}, workflows.Refuse("not_now", text+" Nothing was recorded. "+stageLine(s))
}

// say answers without recording anything.
func say(format string, args ...any) (workflows.Decision, error) {
	return workflows.Decision{Reply: workflows.Reply{Text: workflows.Say(format, args...)}}, nil
}
