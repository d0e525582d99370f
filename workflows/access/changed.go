package access

import (
	"slices"
	"strings"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// looking is the body of the event by which an access is read that nobody here expected.
type looking struct {
	Effect  string `json:"effect,omitempty"` // the call that was refused
	Message string `json:"message,omitempty"`
	Locked  bool   `json:"locked,omitempty"`
}

type drifted struct {
	Words string          `json:"words"` // integrator.io's
	User  *workflows.User `json:"user,omitempty"`
	OK    bool            `json:"ok,omitempty"` // User was read
}

var evLooking = kind[looking]{
	Type: "access.rereading",
	Fold: func(s *State, e workflows.Event, b looking) {
		s.Call.Answered = b.Effect
		s.Changed.Looking, s.Changed.Words, s.Changed.Locked = true, b.Message, s.Changed.Locked || b.Locked
		s.calls(e)
	},
	Tell: func(_ workflows.Event, b looking) string {
		return "It was no longer the access that was expected" + workflows.Quoted(b.Message) +
			", so nothing was written; what is there was read."
	},
}

var evDrifted = kind[drifted]{
	Type: "access.drifted",
	Fold: func(s *State, e workflows.Event, b drifted) {
		if s.Stage == Reading {
			s.enter(Doing, e)
		}
		s.answered()
		c := &s.Changed
		c.Asks, c.Looking, c.Words, c.There = true, false, b.Words, &there{User: b.User, OK: b.OK}
		c.Taking = s.taking()
		s.Hand.Checks = false
		s.Ask()
	},
	Tell: workflows.Told[drifted]("The access was no longer the expected one, so nothing was done; an administrator " +
		"was asked."),
}

var evTook = kind[question.Took]{
	Type: "access.taking",
	Fold: func(s *State, _ workflows.Event, b question.Took) { s.Changed.Taking = s.Changed.Taking.Count(b) },
	Tell: func(_ workflows.Event, b question.Took) string { return b.Tell() },
}

var evLeft = kind[workflows.LeftAccess]{
	Type: "access.left",
	Fold: func(s *State, _ workflows.Event, b workflows.LeftAccess) {
		s.Changed.Left, s.Changed.LeftBy = b.Mark, b.By
	},
	Tell: func(_ workflows.Event, b workflows.LeftAccess) string {
		return workflows.Say("%m took what somebody made of it as expected: %s.", b.By,
			workflows.Text(workflows.ReadMark(b.Mark).Words(nil)))
	},
}

// lookAt reads what is there where integrator.io refused to write over it. A time-box takes the lock
// again where it can: until it is answered nobody else changes this access, and nobody else asks
// about it.
func (s State) lookAt(cmd workflows.Command, f workflows.Facts, r workflows.Receipt) workflows.Decision {
	if s.Stage == Restoring && s.overtaken(f) != "" {
		return s.endOvertaken(cmd, f, s.Ending.Why)
	}
	free := !s.in().holds(s) && f.Account.Locks[s.lock()] == ""
	d := evLooking.One(cmd, looking{Effect: r.Effect, Message: r.Message, Locked: free})
	if free {
		d.Account = s.locksTaken(cmd)
	}
	d.Calls = []workflows.Call{s.readCall()}
	return d
}

// wasLookedAt asks what shall become of an access that is no longer the expected one.
func (s State) wasLookedAt(cmd workflows.Command, r workflows.Receipt) workflows.Decision {
	b := drifted{Words: s.Changed.Words}
	if r.OK && r.Access != nil && r.Access.Unread[workflows.PartUsers] == "" &&
		r.Access.Capabilities.Token != workflows.No {
		b.User, b.OK = r.Access.User, true
	}
	switch left := s.Changed.Left; {
	case !b.OK:
	case s.Review != nil:
		if text := s.way().nothing(s, b.User); text != "" {
			return s.endAsItIs(cmd, text, b.User)
		}
	case left != "" && b.User.Mark() == left:
		return s.leave(cmd, s.Changed.LeftBy)
	}
	return s.askChanged(cmd, b)
}

// askChanged asks those who look after access, where there is one who may answer.
func (s State) askChanged(cmd workflows.Command, b drifted) workflows.Decision {
	if s.Review != nil && len(s.able()) == 0 {
		return s.end(cmd, Finished{Outcome: Failed, Code: workflows.RefusedChanged})
	}
	return evDrifted.One(cmd, b)
}

// taking asks whether what somebody made of the access stays: as many as its role needs.
func (s State) taking() question.Expected {
	mark := "" // not known, so it may be any
	if s.Changed.There != nil && s.Changed.There.OK {
		mark = s.Changed.There.User.Mark()
	}
	bars := s.bars()
	if s.Review != nil { // nobody asked for it
		bars = slices.DeleteFunc(bars, func(b approvals.Bar) bool { return b.Why != question.ByBeneficiary })
	}
	return question.Expected{Ballot: approvals.Ballot{
		Quorum: question.Expectants(s.Policy, mark), Electorate: s.managers(), Bars: bars,
	}}
}

// adopt leaves an access as somebody changed it.
func adopt(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if err := s.mayAnswerChanged(cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	taking := s.Changed.Taking
	took, enough, err := taking.Take(s.Parties, s.managers(), cmd, f)
	switch {
	case err != nil:
		return workflows.Decision{}, err
	case !enough:
		d := evTook.One(cmd, took)
		d.Reply = taking.Recorded(took, "leave it as it is")
		return d, nil
	}
	d := s.end(cmd, Finished{Outcome: s.way().adopted(), Code: codeAdopted})
	if taking.Quorum > 1 {
		d.Events = append([]workflows.Event{evTook.Of(cmd, took)}, d.Events...)
	}
	if is := s.Changed.There; is != nil && is.OK { // it is their decision now, and no difference that nobody explains
		d.Account = append(d.Account, question.TakenAsExpected(cmd, s.ID, s.key(), is.User.Mark(), s.Who))
	}
	return d, nil
}

// undo goes on although somebody changed it.
func undo(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if err := s.mayAnswerChanged(cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	if s.Stage == Doing {
		return s.do(cmd), nil
	}
	if s.overtaken(f) != "" {
		return s.endOvertaken(cmd, f, s.Ending.Why), nil
	}
	b := s.comesBack(f)
	d := s.restores(cmd, restoring{Why: s.Ending.Why, By: s.Ending.By, Back: &b})
	d.Calls = []workflows.Call{s.restoreCall(b, "")}
	return d, nil
}

func (s State) mayAnswerChanged(cmd workflows.Command, f workflows.Facts) error {
	if !workflows.Among(cmd.Actor.ID, s.managers()) {
		return workflows.Refuse("not_permitted", workflows.Say("Only %m can decide this. Nothing was recorded.",
			s.able()))
	}
	if err := s.aboutSelf(cmd, f, "decide"); err != nil {
		return err
	}
	if !s.Changed.Asks {
		_, err := s.notNow("There is nothing to decide now.")
		return err
	}
	return nil
}

// leftAsItIs takes the word of a finding about this access, that somebody took it as expected, as the
// answer to what this asks, now or at its end.
func leftAsItIs(s State, cmd workflows.Command, b workflows.LeftAccess) workflows.Decision {
	if !s.Opened() || s.Closed() || s.Review != nil || b.Mark == "" || b.Mark == s.Changed.Left {
		return workflows.Decision{}
	}
	d := evLeft.One(cmd, b)
	if is := s.Changed.There; s.Changed.Asks && is != nil && is.OK && is.User.Mark() == b.Mark {
		return joined(d, s.leave(cmd, b.By))
	}
	return d
}

// leave ends it with the access as somebody changed it, by the word of a person.
func (s State) leave(cmd workflows.Command, by string) workflows.Decision {
	asked := cmd
	asked.Actor = workflows.Actor{Kind: workflows.ByPerson, ID: by}
	d := s.end(asked, Finished{Outcome: Ended, Code: codeAdopted})
	for i := range d.Events {
		d.Events[i].By = cmd.Actor
	}
	for i := range d.Account {
		d.Account[i].By = cmd.Actor
	}
	return d
}

// changedButtons answer whether what somebody made of it stays.
func (s State) changedButtons(who, all string) []workflows.Button {
	if !s.Changed.Asks || !workflows.Among(who, s.able()) {
		return nil
	}
	undo := workflows.Button{Action: ActUndo, Label: all, Style: workflows.Danger, Confirm: &workflows.Confirm{
		Title: all + "?", Yes: all, No: "Back", Text: s.overChanged(),
	}}
	if !s.Changed.Taking.May(who) {
		return []workflows.Button{undo}
	}
	return []workflows.Button{{Action: ActAdopt, Label: "Leave it as it is"}, undo}
}

// overChanged says whose access becomes what when it goes on although somebody changed it.
func (s State) overChanged() string {
	what := s.after(willBe)
	if s.Stage == Doing {
		what = workflows.Say("%s then has %s.", s.Email, s.Want.Brief(s.Read.Names))
		if s.Read.Does == Remove {
			what = workflows.Say("%s is then removed.", s.Email)
		}
	}
	return workflows.Say("%s: %s What somebody else made of it is gone then.", s.where(), workflows.Text(what))
}

// changedSinceReview asks about what a review decided, when something else is there than the
// reviewer saw.
func (s State) changedSinceReview() string {
	now := workflows.Esc(strings.TrimSuffix(s.Changed.Words, "."))
	if s.Changed.There != nil && s.Changed.There.OK {
		now = "it is " + s.has(s.Changed.There.User)
	}
	saw := workflows.ReadMark(s.Review.Was).Words(s.Read.Names)
	text := "! The reviewer saw " + saw + "; now " + now
	if now == "it is "+saw {
		text = "! The reviewer saw another user of this address, who had the same"
	}
	will := s.address() + " gets " + s.Want.Brief(s.Read.Names)
	if s.Change == Remove {
		will = s.address() + " is removed"
	}
	return text + ". Somebody changed it since, so Keyholder did nothing. " + workflows.Mentions(s.able()) +
		": leave it as it is, or do it all the same: " + will + "."
}

// changedSinceGiven asks about an access that is no longer the one that was given.
func (s State) changedSinceGiven() string {
	due := "The time is over"
	switch s.Ending.Why {
	case "early":
		due = "It was to end early"
	case "refused":
		due = "It was refused"
	}
	seen := ""
	if s.Changed.There != nil && s.Changed.There.OK {
		seen = ": " + workflows.Esc(s.address()) + " has " + s.has(s.Changed.There.User)
	} else if s.Changed.Words != "" {
		seen = ": " + workflows.Esc(strings.TrimSuffix(s.Changed.Words, "."))
	}
	return "! " + due + ", but the access is no longer the one that was given" + seen + ". Somebody changed it, so " +
		"Keyholder did nothing. " + workflows.Mentions(s.able()) + ": leave it as it is, or restore all the same: " +
		s.after(willBe)
}

// has is what a user has, in words.
func (s State) has(u *workflows.User) string {
	return workflows.ReadMark(u.Mark()).Words(s.Read.Names)
}

// UndoNeeds is what deciding the request by which a finding of drift is undone needs. cmd is
// [workflows.UndoAccess] as Keyholder gives it.
func UndoNeeds(cmd workflows.Command, p workflows.Policy, a workflows.AccountState) workflows.Needs {
	return needs(State{}, cmd, p, a)
}

// WouldUndo is what that request would be refused for, a [*workflows.Refusal]; nil when it can be
// opened.
func WouldUndo(cmd workflows.Command, f workflows.Facts) error {
	_, err := open(asForm(cmd), f)
	return err
}

// asForm is a request with the fields of the form: what a finding asks for comes as a message.
func asForm(cmd workflows.Command) workflows.Command {
	if !workflows.UndoAccess.Given(cmd) || byReview(cmd) {
		return cmd
	}
	u, err := workflows.UndoAccess.Body(cmd)
	if err != nil {
		return cmd // given field by field
	}
	cmd.Input = map[string]string{
		BlockAccount: cmd.Account, BlockEnvironment: u.Environment, BlockEmail: u.Email, BlockChange: u.Change,
		BlockRole: u.Access.Role, BlockManage: strings.Join(u.Access.Manage, "\n"),
		BlockMonitor: strings.Join(u.Access.Monitor, "\n"), BlockReason: u.Reason, inRequester: u.Requester,
	}
	return cmd
}
