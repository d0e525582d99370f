package drift

import (
	"cmp"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// Bounds of reading the audit log.
const (
	traceWithin = 15 * time.Minute // then the card says that it could not be read
	traceMargin = 10 * time.Minute // clocks differ, and entries come late
)

func decideFinding(gate workflows.Gate[FoundState], s FoundState, cmd workflows.Command,
	f workflows.Facts) (workflows.Decision, error) {
	switch {
	case findingRequest.Given(cmd) && !s.Opened():
		b, err := findingRequest.Body(cmd)
		if err != nil {
			return workflows.Decision{}, err
		}
		return openFinding(cmd, f, b), nil
	case changed.Given(cmd):
		b, err := changed.Body(cmd)
		if err != nil {
			return workflows.Decision{}, err
		}
		return s.changed(cmd, f, b), nil
	case workflows.FindingReviewed.Given(cmd):
		b, err := workflows.FindingReviewed.Body(cmd)
		if err != nil {
			return workflows.Decision{}, err
		}
		return s.reviewed(cmd, f, b), nil
	case cmd.Name == workflows.CmdReceipt && cmd.Receipt != nil:
		return s.traced(cmd, f), nil
	}
	return gate.Decide(s, cmd, f)
}

// permitted lets a handler see only those who decide: never whom it is about.
func permitted(act workflows.Handler[FoundState]) workflows.Handler[FoundState] {
	return func(s FoundState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
		who := cmd.Actor.ID
		if s.about(f.Known(who)) {
			return workflows.Decision{}, ownAccess(workflows.Say(
				"This is about your own access, so somebody else must decide: %m.", s.To))
		}
		if err := refuseOthers(who, s.Managers, f); err != nil {
			return workflows.Decision{}, err
		}
		return act(s, cmd, f)
	}
}

// openFinding freezes what was seen and who is told.
func openFinding(cmd workflows.Command, f workflows.Facts, b found) workflows.Decision {
	p := f.Policy
	fd := Found{
		AccountName: p.Name, Environment: b.Environment, Email: b.Email, User: b.User, Who: b.Who, Was: b.Was,
		Now:     b.Now,
		Watcher: b.Watcher, Via: b.Via, Created: b.Created, Channel: p.Channel, Person: f.ByEmail[b.Email],
		Transfer: f.Account.Locks[workflows.LockTransfer],
	}
	if fd.AccountName == "" {
		fd.AccountName = p.ID
	}
	_, fd.Decision, _ = f.Account.GivenOf(fd.Environment, fd.Email, fd.Who)
	_, fd.Alias = p.Alias(fd.Email)
	if fd.Environment == "" && fd.Was == workflows.Absent && workflows.SameEmail(fd.Email, f.Account.Owner) {
		fd.Owner, fd.NewOwner = true, b.Gone
	}
	quorum := question.Expectants(p.Access, fd.Now)
	if fd.Owner { // whoever owns it may do more than an administrator
		quorum = max(quorum, p.Access.AdministratorQuorum)
	}
	seen := FoundState{Found: fd}
	fd.Managers, fd.To = question.Deciders(f, seen.about, quorum)
	fd.Taking = question.Expected{Ballot: approvals.Ballot{
		Quorum: quorum, Electorate: fd.Managers, Bars: approvals.Bars(seen.parties(), f.Everybody()),
	}}
	of := workflows.Opening{ID: cmd.Workflow, AccountID: p.ID}
	d := evFound.One(cmd, opened{Opening: of, Found: fd})
	d.Account = []workflows.Event{fd.locked(cmd)}
	after := b.After
	if fd.Decision.Since.After(after) { // what was done before that is explained
		after = fd.Decision.Since
	}
	d.Calls = []workflows.Call{fd.traceCall(cmd, p.ID, after)}
	return d
}

// traceCall asks the audit log who changed the access since a time.
func (fd Found) traceCall(cmd workflows.Command, account string, after time.Time) workflows.Call {
	return workflows.Call{
		Op: workflows.OpTrace, Account: account, Environment: fd.Environment, Email: fd.Email, Who: fd.Who,
		Since:    after,
		Deadline: cmd.At.Add(traceWithin),
	}
}

// traced takes what the audit log says, and asks whom somebody wanted to be asked.
func (s FoundState) traced(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	r := *cmd.Receipt
	again := s.Log != nil && r.Effect != "" && s.Log.Effect == r.Effect
	if r.Op != workflows.OpTrace || s.Closed() || s.Traces == 0 || again {
		return workflows.Decision{}
	}
	b := traced{Effect: r.Effect, Code: r.Code, Message: r.Message}
	if r.OK && r.Trace != nil {
		t := *r.Trace
		b.Trace, b.Code, b.Message = &t, "", ""
		b.Doer = f.ByEmail[strings.ToLower(t.Email)]
	} else if b.Code == "" {
		b.Code = workflows.RefusedOther
	}
	s.Log = &b
	b.Bars = approvals.Bars(s.parties(), f.Everybody())
	b.To = s.Taking.With(b.Bars).Besides(s.To)
	d := evTraced.One(cmd, b)
	if s.Asking.Waits && s.Traces == 1 {
		d.Events = append(d.Events, evAskedWho.Of(cmd, s.whomToAsk(f, s.Asking.By)))
	}
	return d
}

// changed follows what integrator.io shows by now.
func (s FoundState) changed(cmd workflows.Command, f workflows.Facts, b change) workflows.Decision {
	if s.Closed() || !s.Opened() || b.Now == s.Now && b.Explained == "" {
		return workflows.Decision{}
	}
	move := movedTo{Now: b.Now, Via: b.Via, Created: b.Created}
	if b.Address != "" && b.Address != s.Email {
		move.Email = b.Address
	}
	over := ""
	switch {
	case b.Explained != "":
		over = Explained
	case b.Now == s.Was:
		over = Gone
	}
	if over != "" {
		d := evMoved.One(cmd, move)
		d.Events = append(d.Events, evSettled.Of(cmd, Settled{Outcome: over, By: cmd.Actor, Workflow: b.Explained}))
		d.Account = []workflows.Event{s.unlock(cmd)}
		return d
	}
	move.Tracing, move.Quorum = true, question.Expectants(f.Policy.Access, b.Now)
	_, move.To = question.Deciders(f, s.about, move.Quorum)
	d := evMoved.One(cmd, move)
	if move.Email != "" { // it goes by the new address from now on
		moved := s.Found
		moved.Email = move.Email
		d.Account = []workflows.Event{s.unlock(cmd), moved.locked(cmd)}
	}
	d.Calls = []workflows.Call{s.traceCall(cmd, s.AccountID, s.Begun.Add(-traceMargin))}
	return d
}

// over ends the finding and tells the watcher what is known from now on.
func (s FoundState) over(cmd workflows.Command, e Settled) workflows.Decision {
	e.By = cmd.Actor
	d := evSettled.One(cmd, e)
	d.Account = []workflows.Event{s.unlock(cmd)}
	d.Calls = []workflows.Call{findingOver.To(s.AccountID, s.Watcher, overFinding{Finding: s.ID, User: s.User,
		Now: s.Now})}
	return d
}

// adopt takes it as expected: the record explains it from now on. Of a changed owner it asks who it
// is, where that does not show.
func adopt(s FoundState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var none workflows.Decision
	took, enough, err := s.Taking.Take(s.parties(), f.Managing(s.Managers), cmd, f)
	if err != nil {
		return none, err
	}
	if s.Owner {
		owner, form, err := s.newOwner(cmd, f)
		if err != nil || form != nil {
			return workflows.Decision{Reply: workflows.Reply{Modal: form}}, err
		}
		took.Owner = owner
	}
	if !enough {
		d := evTaken.One(cmd, took)
		d.Reply = s.Taking.Recorded(took, "take it as expected")
		return d, nil
	}
	d := s.expected(cmd, f, took, Settled{Outcome: Expected, Owner: took.Owner})
	if s.Owner {
		d.Account = append(d.Account, cmd.Event(workflows.OwnerChanged, workflows.OwnerChange{
			From: f.Account.Owner, To: took.Owner, Workflow: s.ID, How: workflows.Attested,
		}))
	}
	return d, nil
}

// expected ends the finding as taken by as many as it takes.
func (s FoundState) expected(cmd workflows.Command, f workflows.Facts, took question.Took,
	end Settled) workflows.Decision {
	d := s.over(cmd, end)
	if s.Taking.Quorum > 1 {
		d.Events = append([]workflows.Event{evTaken.Of(cmd, took)}, d.Events...)
	}
	// a time-box may be about to ask the same
	if id := s.Decision.Workflow; workflows.HasLetter(id, workflows.LetterAccess) {
		by := cmp.Or(end.Reviewer, cmd.Actor.ID)
		d.Calls = append(d.Calls, workflows.AccessLeft.To(s.AccountID, id, workflows.LeftAccess{By: by, Mark: s.Now}))
	}
	key, _, _ := f.Account.GivenOf(s.Environment, s.Email, s.Who)
	d.Account = append(d.Account, question.TakenAsExpected(cmd, s.ID, key, s.Now, s.Who))
	return d
}

// newOwner is who owns the account by this person's word, or the form that asks for it. Two people
// who say so have to say the same.
func (s FoundState) newOwner(cmd workflows.Command, f workflows.Facts) (string, *workflows.Modal, error) {
	owner := s.NewOwner
	if owner == "" {
		if !cmd.Submitted {
			return "", s.ownerForm(cmd), nil
		}
		owner = strings.ToLower(strings.TrimSpace(cmd.Input[blockReason]))
		if !workflows.IsEmail(owner) || workflows.SameEmail(owner, f.Account.Owner) {
			return "", nil, workflows.RefuseField(blockReason, "email_bad",
				"Give the e-mail address of the new owner. "+
					"Whoever is signed in to integrator.io finds it under Users, in the first row.")
		}
	}
	if s.Said != "" && s.Said != owner {
		return "", nil, workflows.RefuseField(blockReason, "owner_differs", workflows.Say("%m says that it is %s. "+
			"Both have to say the same; nothing was recorded.", s.Taking.Votes[0].By, workflows.Text(s.Said)))
	}
	return owner, nil, nil
}

func (s FoundState) ownerForm(cmd workflows.Command) *workflows.Modal {
	return &workflows.Modal{
		Callback: reasonForm, Title: "Who owns it now?", Submit: "Record it", Workflow: s.ID, Account: s.AccountID,
		Action: cmd.Name, Round: s.Round,
		Intro: []string{workflows.Say("*%s*\nintegrator.io lists %s, the recorded owner, as a user, so "+
			"somebody else owns "+
			"the account. The interface does not say who.", s.AccountName, s.Email)},
		Inputs: []workflows.Input{{
			Block: blockReason, Kind: workflows.InputText, Label: "E-mail address of the new owner", MaxLength: 254,
			Hint: "The first row under Users in integrator.io. It is recorded as your word.",
		}},
	}
}

// undo opens a request for access that brings back what was; the usual people decide it. What that
// request would be refused for is said at once.
func (u Undoing) undo(s FoundState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if text := s.cannotUndo(); text != "" {
		return workflows.Decision{}, workflows.Refuse("not_here", text+" Nothing was recorded.")
	}
	if err := u.Would(s.request(cmd), f); err != nil {
		return workflows.Decision{}, err
	}
	id := workflows.NewID(workflows.LetterAccess, s.AccountID, f.Shards, s.AccountID, s.ID, "undo")
	d := s.over(cmd, Settled{Outcome: Undone, Workflow: id})
	d.Calls = append([]workflows.Call{workflows.UndoAccess.To(s.AccountID, id, s.asks(cmd.Actor.ID))}, d.Calls...)
	d.Reply = workflows.Reply{Text: "Recorded. The request " + id +
		" asks those who decide about access; your card of it comes at once."}
	return d, nil
}

// cannotUndo says why there is no request that brings back what was, "" when there is one.
func (s FoundState) cannotUndo() string {
	was := workflows.ReadMark(s.Was)
	switch {
	case s.Owner:
		return "A change of owner is undone by a transfer: {command} transfer " + s.AccountID +
			". If nobody you know owns the account, write to Celigo support at once."
	case was != nil && was.Access.Role == workflows.RoleNone:
		return "Before, they were a user without any role, which nobody can ask for. Take away in " +
			"integrator.io what is " +
			"too much: My account > Users."
	}
	return ""
}

// asks is the request for access that brings back what was.
func (s FoundState) asks(requester string) workflows.AccessUndo {
	was, now := workflows.ReadMark(s.Was), workflows.ReadMark(s.Now)
	u := workflows.AccessUndo{
		Environment: s.Environment, Email: s.Email, Requester: requester, Reason: "Undoes what nobody decided, " + s.ID,
	}
	if s.Address != "" {
		u.Email = s.Address
	}
	switch {
	case was == nil || was.Disabled:
		u.Change = workflows.ChangeRemove
		return u
	case now == nil:
		u.Change = workflows.ChangeGrant
	default:
		u.Change = workflows.ChangeAccess
	}
	u.Access = was.Access
	return u
}

// request is that request as Keyholder gives it.
func (s FoundState) request(cmd workflows.Command) workflows.Command {
	call := workflows.UndoAccess.To(s.AccountID, "", s.asks(cmd.Actor.ID))
	cmd.Name, cmd.Input, cmd.Submitted = call.Command, call.Input, true
	cmd.Actor, cmd.Round = workflows.Actor{Kind: workflows.ByKeyholder}, workflows.NoRound
	cmd.Workflow = workflows.NewID(workflows.LetterAccess, s.AccountID, 1, s.ID)
	return cmd
}

// askWho has Keyholder ask, in a direct message: who did it, as far as the audit log and Slack tell,
// else the person whose access it is.
func askWho(s FoundState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	say := func(format string, args ...any) (workflows.Decision, error) {
		return workflows.Decision{Reply: workflows.Reply{Text: workflows.Say(format, args...)}}, nil
	}
	switch a := s.Asking; {
	case a.Waits:
		return say("%m has asked for that already; the audit log is being read first.", a.By)
	case a.By != "" && a.Person == "":
		return say("Nobody can be asked: %s.", workflows.Text(a.Why))
	case a.By != "":
		return say("%m has asked %m already, %t.", a.By, a.Person, a.At)
	case s.Traces > 0:
		d := evAskWaits.One(cmd, workflows.None{})
		d.Reply = workflows.Reply{Text: "Recorded. Who did it is being looked up in integrator.io's audit log; then " +
			"Keyholder asks them, or else the person concerned. The card shows whom."}
		return d, nil
	}
	b := s.whomToAsk(f, cmd.Actor.ID)
	if b.Person == "" {
		return say("Keyholder can ask nobody: %s. Write to %s yourself. Nothing was recorded.",
			workflows.Text(b.Why), s.Email)
	}
	d := evAskedWho.One(cmd, b)
	d.Reply = workflows.Reply{Text: workflows.Say("%m is asked in a direct message, and told to answer you. "+
		"Why they: %s.",
		b.Person, workflows.Text(b.Why))}
	return d, nil
}

// whomToAsk chooses: who did it, when they are in this Slack and not the one who asks; else the
// person concerned. Why says which, and why.
func (s FoundState) whomToAsk(f workflows.Facts, asker string) askedWho {
	doer := s.doer()
	not := ""
	switch {
	case s.Log == nil:
		not = "who did it was never looked up"
	case s.Log.Code != "":
		not = "the audit log could not be read"
	case s.Log.Trace.Email == "":
		not = "the audit log holds nothing about it"
	case doer == "":
		not = workflows.Say("the audit log names %s, who is nobody in this Slack", s.Log.Trace.Email)
	case doer == asker:
		not = workflows.Say("the audit log names %m as who did it", asker)
	case f.People[doer].Standing != "":
		not = workflows.Say("the audit log names %m, who is not an active member here", doer)
	default:
		return askedWho{Person: doer, By: asker, Doer: true, Why: "the audit log names them as who did it"}
	}
	who := f.ByEmail[s.Email]
	switch {
	case who == "":
		return askedWho{By: asker, Why: workflows.Say("%s, and %s is nobody in this Slack", workflows.Text(not),
			s.Email)}
	case f.People[who].Standing != "":
		return askedWho{By: asker, Why: workflows.Say("%s, and %m, whose access it is, is not an active member here",
			workflows.Text(not), who)}
	}
	return askedWho{Person: who, By: asker, Why: "it is their access, and " + not}
}
