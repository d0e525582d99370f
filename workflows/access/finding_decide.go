package access

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// ActAskWho asks who did it, or the person whom a finding is about.
const ActAskWho = "access.ask"

// Bounds of reading the audit log.
const (
	traceWithin = 15 * time.Minute // then the card says that it could not be read
	traceMargin = 10 * time.Minute // clocks differ, and entries come late
)

func decideFinding(s FoundState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	ours := cmd.Actor.Kind == workflows.ByKeyholder
	if cmd.Name == FindingRequest && ours && !s.Opened() {
		return openFinding(cmd, f), nil
	}
	if cmd.Name == findingChanged && ours {
		return s.changed(cmd, f), nil
	}
	if cmd.Name == workflows.CmdReceipt {
		return s.traced(cmd, f), nil
	}
	act, known := map[string]func(FoundState, workflows.Command, workflows.Facts) (workflows.Decision, error){
		ActAdopt: FoundState.adopt, ActUndo: FoundState.undo, ActAskWho: FoundState.askWho}[cmd.Name]
	if !known || cmd.Actor.Kind != workflows.ByPerson {
		return workflows.Decision{}, refused("unknown_action", "That button is not one of this card's. Nothing was recorded. Use the buttons on your card.")
	}
	if err := s.mayAct(cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	return act(s, cmd, f)
}

// openFinding freezes what was seen and who is told.
func openFinding(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	in := cmd.Input
	fd := Found{ID: cmd.Workflow, AccountID: f.Policy.ID, AccountName: or(f.Policy.Name, f.Policy.ID), Environment: in[BlockEnvironment], Email: in[BlockEmail], User: in[inUser],
		Who: workflows.UserRef{Record: in[inRecordID], User: in[inUserID]}, Was: in["was"], Now: in["now"],
		Watcher: in["watcher"], Via: in["via"], Since: since(in), Channel: f.Policy.Channel, Person: f.ByEmail[in[BlockEmail]],
		Transfer: f.Account.Locks[workflows.LockTransfer]}
	_, fd.Decision, _ = f.Account.GivenOf(fd.Environment, fd.Email, fd.Who)
	_, fd.Alias = f.Policy.Alias(fd.Email)
	if fd.Environment == "" && fd.Was == absent && workflows.SameEmail(fd.Email, f.Account.Owner) {
		fd.Owner, fd.NewOwner = true, in["gone"]
	}
	quorum := quorumOf(f.Policy.Access, fd.Now)
	if fd.Owner { // whoever owns it may do more than an administrator
		quorum = max(quorum, f.Policy.Access.AdministratorQuorum)
	}
	fd.Managers, fd.To = findingPeople(f, FoundState{Found: fd}.about, quorum)
	fd.Taking = approvals.Ballot{Quorum: quorum, Electorate: fd.Managers}
	fd.Taking.Bars = approvals.Bars(FoundState{Found: fd}.parties(), f.Everybody())
	fd.Tracing = true
	d := one(cmd, evFound, fd)
	d.Account = []workflows.Event{fd.locked(cmd)}
	after, _ := time.Parse(time.RFC3339, in["after"])
	if fd.Decision.Since.After(after) { // what was done before that is explained
		after = fd.Decision.Since
	}
	d.Calls = []workflows.Call{fd.traceCall(cmd, after)}
	return d
}

// lock is the word of it in the account's record, for reviews.
func (fd Found) lock() string {
	return workflows.OpenFinding + workflows.GivenKey(fd.Environment, fd.Email)
}

func (fd Found) locked(cmd workflows.Command) workflows.Event {
	return cmd.Event(workflows.LockTaken, workflows.Lock{Name: fd.lock(), Workflow: fd.ID})
}

func (fd Found) unlock(cmd workflows.Command) workflows.Event {
	return cmd.Event(workflows.LockReleased, workflows.Lock{Name: fd.lock(), Workflow: fd.ID})
}

// traceCall asks the audit log who changed the access since a time.
func (fd Found) traceCall(cmd workflows.Command, after time.Time) workflows.Call {
	return workflows.Call{Op: workflows.OpTrace, Account: fd.AccountID, Environment: fd.Environment, Email: fd.Email, Who: fd.Who, Since: after, Deadline: cmd.At.Add(traceWithin)}
}

// traced takes what the audit log says, and asks whom somebody wanted to be asked.
func (s FoundState) traced(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	r := *cmd.Receipt
	if r.Op != workflows.OpTrace || s.Closed() || s.Traces == 0 || s.Log != nil && r.Effect != "" && s.Log.Effect == r.Effect {
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
	d := one(cmd, evTraced, b)
	if s.AskWaits && s.Traces == 1 {
		d.Events = append(d.Events, cmd.Event(evAskedWho, s.whomToAsk(f, s.AskedBy)))
	}
	return d
}

func since(in map[string]string) time.Time {
	t, _ := time.Parse(time.RFC3339, in["since"])
	return t
}

// changed follows what integrator.io shows by now.
func (s FoundState) changed(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	now, by := cmd.Input["now"], cmd.Input["explained"]
	move := movedTo{Now: now, Via: cmd.Input["via"], Since: since(cmd.Input)}
	if is := cmd.Input["address"]; is != "" && is != s.Email {
		move.Email = is
	}
	if s.Closed() || now == s.Now && by == "" || !s.Opened() {
		return workflows.Decision{}
	}
	if by != "" {
		d := one(cmd, evMoved, move)
		d.Events = append(d.Events, cmd.Event(evSettled, Settled{Outcome: Explained, By: cmd.Actor, At: cmd.At, Workflow: by}))
		d.Account = []workflows.Event{s.unlock(cmd)}
		return d
	}
	if now == s.Was {
		d := one(cmd, evMoved, move)
		d.Events = append(d.Events, cmd.Event(evSettled, Settled{Outcome: Gone, By: cmd.Actor, At: cmd.At}))
		d.Account = []workflows.Event{s.unlock(cmd)}
		return d
	}
	move.Tracing, move.Quorum = true, quorumOf(f.Policy.Access, now)
	_, move.To = findingPeople(f, s.about, move.Quorum)
	d := one(cmd, evMoved, move)
	if move.Email != "" { // it goes by the new address from now on
		moved := s.Found
		moved.Email = move.Email
		d.Account = []workflows.Event{s.unlock(cmd), moved.locked(cmd)}
	}
	d.Calls = []workflows.Call{s.traceCall(cmd, s.Begun.Add(-traceMargin))}
	return d
}

func (s FoundState) mayAct(cmd workflows.Command, f workflows.Facts) error {
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return r
	}
	switch {
	case s.Closed():
		r := refused("closed", "This is over: "+s.outcome()+" Nothing was recorded.")
		r.Refresh = true
		return r
	case s.about(f.Known(cmd.Actor.ID)):
		return refused("own_access", "This is about your own access, so somebody else must decide: "+workflows.Mentions(s.To)+". Nothing was recorded.")
	case !s.isManager(cmd.Actor.ID, f):
		return noLonger(refused("not_permitted", "Only "+workflows.Mentions(currentManagers(s.Managers, f))+" can decide this. Nothing was recorded."),
			slices.Contains(s.Managers, cmd.Actor.ID))
	case cmd.Round != workflows.NoRound && cmd.Round != s.Round:
		r := refused("old_round", "This card has changed since you opened it: "+workflows.Esc(s.Email)+" has "+readMark(s.Now).words()+" now. Nothing was recorded by this click. Look at your card.")
		r.Refresh = true
		return r
	}
	return nil
}

// over ends the finding and tells the watcher what is known from now on.
func (s FoundState) over(cmd workflows.Command, e Settled) workflows.Decision {
	e.By, e.At = cmd.Actor, cmd.At
	d := one(cmd, evSettled, e)
	d.Account = []workflows.Event{s.unlock(cmd)}
	d.Calls = []workflows.Call{{Op: workflows.OpTell, Account: s.AccountID, ID: s.Watcher, Command: watchClosed,
		Input: map[string]string{inUser: s.User, "now": s.Now, "finding": s.ID}}}
	return d
}

// adopt takes it as expected: the record explains it from now on. Of a changed owner it asks who it is, where that does not show.
func (s FoundState) adopt(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	e := Settled{Outcome: Expected}
	vote, enough, err := take(s.Taking, s.parties(), currentManagers(s.Managers, f), cmd, f)
	if err != nil {
		return workflows.Decision{}, err
	}
	if !enough && !s.Owner {
		return s.took(cmd, vote), nil
	}
	if s.Owner {
		e.Owner = s.NewOwner
		if e.Owner == "" {
			given, modal := s.askOwner(cmd)
			if modal != nil {
				return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
			}
			if !isEmail(given) || workflows.SameEmail(given, f.Account.Owner) {
				return workflows.Decision{}, workflows.RefuseField(BlockReason, "email_bad", "Give the e-mail address of the new owner. Whoever is signed in to integrator.io finds it under Users, in the first row.")
			}
			e.Owner = strings.ToLower(given)
		}
		if s.Said != "" && s.Said != e.Owner {
			return workflows.Decision{}, workflows.RefuseField(BlockReason, "owner_differs", workflows.Mention(s.Taking.Votes[0].By)+" says that it is "+
				s.Said+". Both have to say the same; nothing was recorded.")
		}
		vote.Owner = e.Owner
	}
	if !enough {
		return s.took(cmd, vote), nil
	}
	d := s.over(cmd, e)
	if s.Taking.Quorum > 1 {
		d.Events = append([]workflows.Event{cmd.Event(evTaken, vote)}, d.Events...)
	}
	if id := s.Decision.Workflow; strings.HasPrefix(id, "a") { // a time-box may be about to ask the same
		d.Calls = append(d.Calls, workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: id, Command: accessLeft, Input: map[string]string{"by": cmd.Actor.ID, "now": s.Now}})
	}
	key, _, _ := f.Account.GivenOf(s.Environment, s.Email, s.Who)
	d.Account = append(d.Account, expected(cmd, s.ID, key, s.Now, s.Who))
	if s.Owner {
		d.Account = append(d.Account, cmd.Event(workflows.OwnerChanged, workflows.OwnerChange{From: f.Account.Owner, To: e.Owner, Workflow: s.ID, How: workflows.Attested}))
	}
	return d, nil
}

// took records that somebody takes it as expected, where more have to.
func (s FoundState) took(cmd workflows.Command, vote taken) workflows.Decision {
	d := one(cmd, evTaken, vote)
	d.Reply = workflows.Reply{Text: fmt.Sprintf("Recorded. %d of %d take it as expected; the others still can.",
		len(s.Taking.Votes)+len(vote.Votes), s.Taking.Quorum)}
	return d
}

// parties are those who do not take it as expected: whose access it is, who asked for what was decided about it last, and whom the
// audit log names.
func (s FoundState) parties() []approvals.Party {
	out := []approvals.Party{{Why: partyBeneficiary, Identity: approvals.Identity{ID: s.Person}.With(s.Email, s.Address)}}
	if s.Decision.Asked != "" {
		out = append(out, approvals.Party{Why: partyRequester, Identity: approvals.Identity{ID: s.Decision.Asked}})
	}
	if s.Log != nil && s.Log.Trace != nil && s.Log.Trace.Email != "" {
		out = append(out, approvals.Party{Why: partyNamed, Identity: approvals.Identity{ID: s.Log.Doer}.With(s.Log.Trace.Email)})
	}
	return out
}

func (s FoundState) askOwner(cmd workflows.Command) (string, *workflows.Modal) {
	if cmd.Submitted {
		return strings.TrimSpace(cmd.Input[BlockReason]), nil
	}
	return "", &workflows.Modal{Callback: Reason, Title: "Who owns it now?", Submit: "Record it", Workflow: s.ID, Account: s.AccountID, Action: cmd.Name, Round: s.Round,
		Intro: []string{"*" + workflows.Esc(s.AccountName) + "*\nintegrator.io lists " + workflows.Esc(s.Email) + ", the recorded owner, as a user, so somebody else owns the account. The interface does not say who."},
		Inputs: []workflows.Input{{Block: BlockReason, Kind: workflows.InputText, Label: "E-mail address of the new owner", MaxLength: 254,
			Hint: "The first row under Users in integrator.io. It is recorded as your word."}}}
}

// undo opens a request for access that brings back what was; the usual people decide it. What that request would be refused for is said at once.
func (s FoundState) undo(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if text := s.cannotUndo(); text != "" {
		return workflows.Decision{}, refused("not_here", text+" Nothing was recorded.")
	}
	asks := s.undoing(cmd)
	if _, err := open(asks, f); err != nil {
		return workflows.Decision{}, err
	}
	id := workflows.NewID('a', s.AccountID, f.Shards, s.AccountID, s.ID, "undo")
	d := s.over(cmd, Settled{Outcome: Undoing, Workflow: id})
	d.Calls = append([]workflows.Call{{Op: workflows.OpTell, Account: s.AccountID, ID: id, Command: Request, Input: asks.Input}}, d.Calls...)
	d.Reply = workflows.Reply{Text: "Recorded. The request " + id + " asks those who decide about access; your card of it comes at once."}
	return d, nil
}

// cannotUndo says why there is no request that brings back what was, "" when there is one.
func (s FoundState) cannotUndo() string {
	was := readMark(s.Was)
	switch {
	case s.Owner:
		return "A change of owner is undone by a transfer: {command} transfer " + s.AccountID + ". If nobody you know owns the account, write to Celigo support at once."
	case was != nil && was.Access.Role == workflows.RoleNone:
		return "Before, they were a user without any role, which nobody can ask for. Take away in integrator.io what is too much: My account > Users."
	}
	return ""
}

// undoing is the request for access that brings back what was.
func (s FoundState) undoing(cmd workflows.Command) workflows.Command {
	was, now := readMark(s.Was), readMark(s.Now)
	in := map[string]string{BlockAccount: s.AccountID, BlockEnvironment: s.Environment, BlockEmail: or(s.Address, s.Email), inRequester: cmd.Actor.ID,
		BlockReason: "Undoes what nobody decided, " + s.ID}
	switch {
	case was == nil || was.Disabled:
		in[BlockChange] = Remove
	case now == nil:
		in[BlockChange] = Grant
	default:
		in[BlockChange] = Change
	}
	if in[BlockChange] != Remove {
		in[BlockRole], in[BlockManage], in[BlockMonitor] = was.Access.Role, strings.Join(was.Access.Manage, "\n"), strings.Join(was.Access.Monitor, "\n")
	}
	asks := cmd
	asks.Name, asks.Input, asks.Submitted, asks.Actor, asks.Round = Request, in, true, workflows.Actor{Kind: workflows.ByKeyholder}, workflows.NoRound
	asks.Workflow = workflows.NewID('a', s.AccountID, 1, s.ID)
	return asks
}

// askWho has Keyholder ask, in a direct message: who did it, as far as the audit log and Slack tell, else the person whose access it is.
func (s FoundState) askWho(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	say := func(text string) (workflows.Decision, error) {
		return workflows.Decision{Reply: workflows.Reply{Text: text}}, nil
	}
	switch {
	case s.AskWaits:
		return say(workflows.Mention(s.AskedBy) + " has asked for that already; the audit log is being read first.")
	case s.AskedBy != "" && s.Asked == "":
		return say("Nobody can be asked: " + s.AskedWhy + ".")
	case s.AskedBy != "":
		return say(workflows.Mention(s.AskedBy) + " has asked " + workflows.Mention(s.Asked) + " already, " + workflows.When(s.AskedAt) + ".")
	case s.Traces > 0:
		d := one(cmd, evAskWaits, none{})
		d.Reply = workflows.Reply{Text: "Recorded. Who did it is being looked up in integrator.io's audit log; then Keyholder asks them, or else the person concerned. The card shows whom."}
		return d, nil
	}
	b := s.whomToAsk(f, cmd.Actor.ID)
	if b.Person == "" {
		return say("Keyholder can ask nobody: " + b.Why + ". Write to " + workflows.Esc(s.Email) + " yourself. Nothing was recorded.")
	}
	d := one(cmd, evAskedWho, b)
	d.Reply = workflows.Reply{Text: workflows.Mention(b.Person) + " is asked in a direct message, and told to answer you. Why they: " + b.Why + "."}
	return d, nil
}

// whomToAsk chooses: who did it, when they are in this Slack and not the one who asks; else the person concerned. Why says which, and why.
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
		not = "the audit log names " + workflows.Esc(s.Log.Trace.Email) + ", who is nobody in this Slack"
	case doer == asker:
		not = "the audit log names " + workflows.Mention(asker) + " as who did it"
	case f.People[doer].Standing != "":
		not = "the audit log names " + workflows.Mention(doer) + ", who is not an active member here"
	default:
		return askedWho{Person: doer, By: asker, Doer: true, Why: "the audit log names them as who did it"}
	}
	who := f.ByEmail[s.Email]
	switch {
	case who == "":
		return askedWho{By: asker, Why: not + ", and " + workflows.Esc(s.Email) + " is nobody in this Slack"}
	case f.People[who].Standing != "":
		return askedWho{By: asker, Why: not + ", and " + workflows.Mention(who) + ", whose access it is, is not an active member here"}
	}
	return askedWho{Person: who, By: asker, Why: "it is their access, and " + not}
}
