package access

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// Actions of the buttons; the contract with every card ever posted. Adopt and undo answer an access that changed while a time-box ran.
const (
	ActApprove = "access.approve"
	ActRefuse  = "access.refuse"
	ActCancel  = "access.cancel"
	ActAttest  = "access.attest"
	ActExtend  = "access.extend"
	ActEnd     = "access.end"
	ActAdopt   = "access.adopt"
	ActUndo    = "access.undo"
	// ActResend sends an open invitation again, a declined one too.
	ActResend = "access.resend"

	// Request is the callback of the opening modal, Reason of the one that asks why.
	Request = "access.request"
	Reason  = "access.reason"
)

type handler func(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error)

var clicks map[string]handler

func init() {
	clicks = map[string]handler{ActApprove: approve, ActRefuse: refuse, ActCancel: cancel, ActAttest: attest, ActExtend: extend, ActEnd: endEarly,
		ActAdopt: adopt, ActUndo: undo, ActResend: resend}
}

// decide is the machine's Decide on its own state.
func decide(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch cmd.Name {
	case Request:
		return opened(asForm(cmd), f)
	case workflows.CmdTimer:
		return fired(s, cmd, f)
	case workflows.CmdReceipt:
		return received(s, cmd, f)
	case workflows.CmdDelegated:
		return delegated(s, cmd, f)
	}
	if workflows.AccessLeft.Given(cmd) {
		b, err := workflows.AccessLeft.Body(cmd)
		return leftAsItIs(s, cmd, b), err
	}
	act, known := clicks[cmd.Name]
	if !known {
		return workflows.Decision{}, refused("unknown_action", "That button is not one of this request's. Nothing was recorded. Use the buttons on your card.")
	}
	if err := mayAct(s, cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	now := s.asOf(f)
	d, err := act(now, cmd, f)
	return d, workflows.NoLonger(err, workflows.Among(cmd.Actor.ID, s.managers()) && !workflows.Among(cmd.Actor.ID, now.managers()))
}

// mayAct refuses whoever may not click anything, closed requests and questions of another round.
func mayAct(s State, cmd workflows.Command, f workflows.Facts) error {
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return r
	}
	if s.Closed() {
		r := refused("closed", "This is over: "+outcomeLine(s)+" Nothing was recorded.")
		r.Refresh = true
		return r
	}
	if cmd.Round != workflows.NoRound && cmd.Round != s.Round {
		r := refused("old_round", "This card has changed since you opened it: "+stageLine(s)+" Nothing was recorded by this click. Look at your card; it shows what is asked now.")
		r.Refresh = true
		return r
	}
	return nil
}

// vote casts and counts in the question that is open.
func vote(s State, cmd workflows.Command, f workflows.Facts, choice approvals.Choice, reasonGiven string) (workflows.Decision, error) {
	b, open := s.ballot(f)
	if !open {
		return workflows.Decision{}, refused("not_now", "Nothing is asked here now. Nothing was recorded. "+stageLine(s))
	}
	st := eligible(s, f)
	votes, err := b.Cast(cmd.Actor.ID, choice, reasonGiven, st, f.Delegations, cmd.At)
	if err != nil {
		return workflows.Decision{}, notTaken(s, cmd, f, b, err)
	}
	if who := s.left(f); who != "" && choice == approvals.Approve {
		return s.endLeft(cmd, f, who), nil
	}
	counted := b
	counted.Votes = append(slices.Clone(b.Votes), votes...)
	t := counted.Judge(st, f.Delegations, cmd.At)
	d := one(cmd, evVoted, voted{Votes: votes, Standing: st, Waiting: t.Waiting, Bars: s.newBars(f)})
	next, err := fold(s, d.Events)
	if err != nil {
		return d, err
	}
	switch t.Outcome {
	case approvals.Approved:
		return next.approved(cmd, d)
	case approvals.Refused:
		return next.denied(cmd, f, d, reasonGiven)
	}
	return d, nil
}

// ballot is the open question as it stands by what is known of everybody now; false for none.
func (s State) ballot(f workflows.Facts) (approvals.Ballot, bool) {
	b, _ := s.question()
	switch {
	case b == nil:
		return approvals.Ballot{}, false
	case s.Extend != nil:
		return s.barring(*b, f, approvals.Party{Identity: f.Known(s.Extend.By), Why: question.ByRequester}), true
	}
	return s.barring(*b, f), true
}

func approve(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	return vote(s, cmd, f, approvals.Approve, "")
}

// refuse asks why first.
func refuse(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	b, open := s.ballot(f)
	if !open {
		return workflows.Decision{}, refused("not_now", "Nothing is asked here now. Nothing was recorded. "+stageLine(s))
	}
	if _, err := b.Cast(cmd.Actor.ID, approvals.Refuse, "", eligible(s, f), f.Delegations, cmd.At); err != nil {
		return workflows.Decision{}, notTaken(s, cmd, f, b, err)
	}
	given, modal := askWhy(s, cmd, "Refuse", "Refuse this? That ends it at once.", true)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	if given == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockReason, "reason_missing", "Please say why you refuse; the one who asked reads it.")
	}
	return vote(s, cmd, f, approvals.Refuse, given)
}

// approved goes on after the quorum: the work, or the longer time-box; urgent access simply keeps its time.
func (s State) approved(cmd workflows.Command, d workflows.Decision) (workflows.Decision, error) {
	if s.Extend != nil {
		d.Events = append(d.Events, cmd.Event(evExtended, until{Until: s.Until.Add(s.Length)}))
		d.Account = append(d.Account, s.timeMoves(cmd, s.Until.Add(s.Length)))
		return d, nil
	}
	d.Events = append(d.Events, cmd.Event(evApproved, none{}))
	if s.Urgent {
		return d, nil
	}
	return joined(d, s.do(cmd)), nil
}

// denied ends what was asked.
func (s State) denied(cmd workflows.Command, f workflows.Facts, d workflows.Decision, given string) (workflows.Decision, error) {
	if s.Extend != nil {
		d.Events = append(d.Events, cmd.Event(evNotExtended, reason{Reason: given}))
		return d, nil
	}
	if !s.Urgent {
		return joined(d, s.end(cmd, Finished{Outcome: Refused, Reason: given})), nil
	}
	// Urgent access that somebody refuses ends now, wherever it is.
	return joined(d, s.stop(cmd, f, "refused")), nil
}

// leftAsItIs takes the word of a finding about this access, that somebody took it as expected, as the answer to what this asks, now or at its end.
func leftAsItIs(s State, cmd workflows.Command, b workflows.LeftAccess) workflows.Decision {
	by, mark := b.By, b.Mark
	if s.Closed() || s.Review != "" || mark == "" || mark == s.Left {
		return workflows.Decision{}
	}
	d := one(cmd, evLeft, left{By: by, Mark: mark})
	if s.Drifted && s.There != nil && s.There.OK && s.There.User.Mark() == mark {
		return joined(d, s.leave(cmd, by))
	}
	return d
}

// leave ends it with the access as somebody changed it, by the word of a person.
func (s State) leave(cmd workflows.Command, by string) workflows.Decision {
	asked := cmd
	asked.Actor = workflows.Actor{Kind: workflows.ByPerson, ID: by}
	d := s.end(asked, Finished{Outcome: Ended, Code: "adopted"})
	for i := range d.Events {
		d.Events[i].By = cmd.Actor
	}
	for i := range d.Account {
		d.Account[i].By = cmd.Actor
	}
	return d
}

// delegated asks whoever stands in for somebody by now, and no longer those who do not. Asking is of now: who was asked in a place that
// was taken back is told, and named nowhere.
func delegated(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	_, asked := s.question()
	b, open := s.ballot(f)
	if !open {
		return workflows.Decision{}, nil
	}
	waiting := b.Judge(eligible(s, f), f.Delegations, cmd.At).Waiting
	standing := workflows.Union(b.Electorate, b.Delegates(f.Delegations, cmd.At))
	voted := func(who string) bool {
		return slices.ContainsFunc(b.Votes, func(v approvals.Vote) bool { return v.By == who })
	}
	gone := slices.DeleteFunc(slices.Clone(asked), func(who string) bool { return workflows.Among(who, standing) || voted(who) })
	ev := asking{Asked: slices.DeleteFunc(workflows.Union(asked, waiting), func(who string) bool { return workflows.Among(who, gone) }),
		Waiting: waiting, Gone: gone, Bars: s.newBars(f), Again: standInsEnd(b, f, cmd.At)}
	if slices.Equal(ev.Asked, asked) && slices.Equal(waiting, s.WaitFor) && ev.Again.Equal(s.StandIns) {
		return workflows.Decision{}, nil
	}
	return one(cmd, evAsked, ev), nil
}

// standInsEnd is when the next delegation ends by which somebody may answer; zero: none does.
func standInsEnd(b approvals.Ballot, f workflows.Facts, at time.Time) time.Time {
	var next time.Time
	for _, d := range f.Delegations {
		if slices.Contains(b.Electorate, d.From) && d.ActiveAt(at) && !d.Until.IsZero() && (next.IsZero() || d.Until.Before(next)) {
			next = d.Until
		}
	}
	return next.UTC().Truncate(time.Millisecond)
}

// cancel ends a request before anything was written.
func cancel(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch {
	case s.Review != "" && !workflows.Among(cmd.Actor.ID, s.stoppers()):
		return workflows.Decision{}, refused("not_permitted", "Only "+workflows.Mentions(s.stoppers())+" can cancel what a review decided. Nothing was recorded.")
	case s.Review == "" && !workflows.Among(cmd.Actor.ID, s.own(), s.managers()):
		return workflows.Decision{}, refused("not_permitted", "Only "+workflows.Mentions(s.own())+", the holders and the administrators can cancel this. Nothing was recorded.")
	}
	switch {
	case s.Phase == Waiting || s.Phase == Reading || s.Phase == Approving:
	case s.Phase == Doing && !s.InFlight && !s.Wrote:
	case s.Phase == Pending, s.Phase == Doing && !s.InFlight:
		return s.stop(cmd, f, "cancelled"), nil // something stands at integrator.io: it is taken back first
	default:
		return workflows.Decision{}, refused("too_late", "It is too late to cancel: "+stageLine(s)+" Nothing was recorded. Access that is for a time can be ended early.")
	}
	given, modal := askWhy(s, cmd, "Cancel request", "Cancel this request?", false)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	return s.end(cmd, Finished{Outcome: Cancelled, Reason: given}), nil
}

// end closes the workflow and gives the lock back, where it is still held; a time that ran runs no more, and nothing else changes.
func (s State) end(cmd workflows.Command, e Finished) workflows.Decision {
	d := s.close(cmd, e)
	if !s.BoxFrom.IsZero() {
		d.Account = append(d.Account, s.timeEnds(cmd))
	}
	return d
}

// close ends the workflow and leaves it to the caller to say what is given from now on.
func (s State) close(cmd workflows.Command, e Finished) workflows.Decision {
	e.By, e.At = cmd.Actor, cmd.At
	d := one(cmd, evEnded, e)
	if s.holdsLock() {
		d.Account = s.unlock(cmd)
	}
	return d
}

// holdsLock: until the access is usable nobody else changes it; a running time-box holds nothing.
func (s State) holdsLock() bool {
	switch s.Phase {
	case Reading, Approving, Doing, Pending:
		return true
	}
	return s.Phase == Restoring && (s.BoxFrom.IsZero() || s.Locked)
}

func (s State) unlock(cmd workflows.Command) []workflows.Event {
	var out []workflows.Event
	for _, name := range s.locks() {
		out = append(out, cmd.Event(workflows.LockReleased, workflows.Lock{Name: name, Workflow: s.ID}))
	}
	return out
}

// eligible is the standing of voters: full members who are still among the configured approvers.
func eligible(s State, f workflows.Facts) approvals.Standing {
	st := f.Standing()
	if f.Policy.Name == "" {
		return st
	}
	current := f.Expand(f.Policy.Access.Approvers)
	for _, id := range s.Electorate {
		if st[id] == "" && !workflows.Among(id, current) {
			st[id] = "removed"
		}
	}
	return st
}

// notTaken turns the refusal of a vote into a sentence.
func notTaken(s State, cmd workflows.Command, f workflows.Facts, b approvals.Ballot, err error) error {
	s.WaitFor = slices.DeleteFunc(b.Judge(eligible(s, f), f.Delegations, cmd.At).Waiting, func(who string) bool { return who == cmd.Actor.ID })
	var r *approvals.Refusal
	if !errors.As(err, &r) {
		return err
	}
	return refused(r.Code, voteSentence(s, r.Code, r.Detail))
}

// askWhy answers the reason of a submitted modal, or the modal that asks for it.
func askWhy(s State, cmd workflows.Command, submit, question string, required bool) (string, *workflows.Modal) {
	if cmd.Submitted {
		return strings.TrimSpace(cmd.Input[BlockReason]), nil
	}
	return "", &workflows.Modal{Callback: Reason, Title: workflows.Clip(submit, 24), Submit: workflows.Clip(submit, 24), Intro: []string{"*" + workflows.Esc(s.Title()) + "*\n" + question},
		Workflow: cmd.Workflow, Account: s.AccountID, Action: cmd.Name, Round: s.Round, Inputs: []workflows.Input{{Block: BlockReason, Kind: workflows.InputText,
			Label: "Why", Optional: !required, Multiline: true, MaxLength: 1000, Hint: "It is shown on the card and kept in the record."}}}
}

func refused(code, text string) *workflows.Refusal { return workflows.Refuse(code, text) }

// one is a decision of one event.
func one(cmd workflows.Command, kind string, body any) workflows.Decision {
	return workflows.Decision{Events: []workflows.Event{cmd.Event(kind, body)}}
}

// fold applies a decision's events so that the rest of the decision can see their result.
func fold(s State, events []workflows.Event) (State, error) {
	var err error
	for _, e := range events {
		if s, err = apply(s, e); err != nil {
			return s, err
		}
	}
	return s, nil
}
