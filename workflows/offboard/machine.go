package offboard

import (
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/step"
)

// Actions of the buttons, and commands; the contract with every card ever posted.
const (
	ActDone    = "offboard.done"
	ActBlocked = "offboard.blocked"
	ActSettle  = "offboard.settle"
	ActCancel  = "offboard.cancel"
	// ActStart stands on the answer of whatif and opens the form; the bot answers it.
	ActStart = "offboard.start"

	// Request is the callback of the opening form. Move is the same form for somebody who leaves
	// already: it moves the day.
	Request = "offboard.request"
	Move    = "offboard.move"
	// reasonForm is the callback of the form that asks why.
	reasonForm = "offboard.reason"
)

// Blocks of the forms of done and blocked.
const (
	BlockStep = "step"
	BlockNote = "note"
)

// Look tells the workflow to look whether steps are done: at the record and the configuration that runs.
var Look = workflows.Message[workflows.None]{Command: "offboard.look"}

const (
	// lookEvery is the distance of looks; with groups in the configuration lookGroups, since their
	// members are asked of Slack.
	lookEvery  = 5 * time.Second
	lookGroups = 10 * time.Minute
	// requestWithin is how long the request that removes an access has to take its lock.
	requestWithin = 10 * time.Minute
	remindEvery   = 24 * time.Hour
)

// Names of timers.
const (
	timerDay    = "day"
	timerRemind = "remind"
)

// Machine is the offboarding machine.
func Machine() workflows.Machine {
	return workflows.Rules[State]{
		Name: "offboard", Letter: workflows.LetterOffboard, Schema: 1, Kinds: kinds, Needs: needs, Decide: decide,
		View: State.view,
	}.Machine()
}

var gate = workflows.Gate[State]{
	Noun: "offboarding",
	Clicks: map[string]workflows.Handler[State]{ActDone: say, ActBlocked: say, ActSettle: settle, ActCancel: cancel,
		Move: move},
	Outcome: func(s State) string { return s.outcome() },
	Now:     func(s State) string { return s.now() },
}

func needs(s State, cmd workflows.Command, p workflows.Policy, _ workflows.AccountState) workflows.Needs {
	var n workflows.Needs
	groups := func(ids []string) []string {
		return slices.DeleteFunc(ids, func(id string) bool { return !workflows.IsGroup(id) })
	}
	switch {
	case cmd.Name == Request:
		all := workflows.Union([]string{cmd.Actor.ID, cmd.Input[BlockPerson]}, policyPeople(p))
		n.People, n.Delegations = slices.DeleteFunc(all, func(id string) bool { return id == "" }), policyPeople(p)
	case cmd.Timer != nil && cmd.Timer.Name == timerDay:
		n.Delegations = workflows.Union([]string{s.Person}, policyPeople(p))
	case cmd.Actor.Kind == workflows.ByPerson:
		n.People = []string{cmd.Actor.ID}
	case Look.Given(cmd):
		n.People = groups(policyPeople(p))
	}
	return n
}

func decide(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var none workflows.Decision
	open_ := s.Opened() && !s.Closed()
	switch {
	case cmd.Name == Request:
		return open(cmd, f)
	case cmd.Name == workflows.CmdTimer:
		if cmd.Timer == nil || !open_ {
			return none, nil
		}
		return s.fired(cmd, f)
	case cmd.Name == workflows.CmdReceipt:
		if !open_ || cmd.Receipt == nil {
			return none, nil
		}
		return s.received(cmd)
	case Look.Given(cmd):
		if !open_ || s.Stage != Working {
			return none, nil
		}
		return s.look(cmd, f)
	case cmd.Name == workflows.CmdDelegated:
		return none, nil
	}
	return gate.Decide(s, cmd, f)
}

// mine refuses whoever may not act here.
func (s State) mine(who string) error {
	if slices.Contains(s.movers(), who) && who != s.Person {
		return nil
	}
	return workflows.Refuse("not_permitted", workflows.Say("This is for %m. Nothing was recorded.", s.movers()))
}

// say decides that somebody says that a step is done, or why it does not work; it asks which first.
func say(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var none workflows.Decision
	if err := s.mine(cmd.Actor.ID); err != nil {
		return none, err
	}
	choices := s.choices(cmd.Name)
	if len(choices) == 0 {
		return none, workflows.Refuse("not_now",
			"There is nothing that somebody's word decides here. Nothing was recorded. "+s.now())
	}
	if !cmd.Submitted {
		return workflows.Decision{Reply: workflows.Reply{Modal: s.sayForm(cmd, choices)}}, nil
	}
	name, note := cmd.Input[BlockStep], strings.TrimSpace(cmd.Input[BlockNote])
	st := s.step(name)
	if st == nil || !slices.ContainsFunc(choices, func(c step.Step) bool { return c.Name == name }) {
		return none, workflows.RefuseField(BlockStep, "step_missing",
			"Choose one of the list; it may have changed meanwhile.")
	}
	if err := workflows.TooLong(BlockNote, note); err != nil {
		return none, err
	}
	cmd.Input = map[string]string{step.BlockEvidence: note, step.BlockReason: note}
	if cmd.Name == ActBlocked {
		if note == "" {
			return none, workflows.RefuseField(BlockNote, "note_missing",
				"Please say why; whoever goes on from here reads it.")
		}
		return steps.SayBlocked(s, name, cmd, f)
	}
	if note == "" {
		cmd.Input[step.BlockEvidence] = "done"
	}
	var d workflows.Decision
	at := s
	if !st.IsOpen() { // it was blocked, and works after all
		d.Events = []workflows.Event{s.begin(cmd, name)}
		var err error
		if at, err = kinds.Apply(s, d.Events...); err != nil {
			return none, err
		}
	}
	said, err := steps.SayDone(at, name, cmd, f)
	if err != nil {
		return none, err
	}
	d.Events = append(d.Events, said.Events...)
	return s.finish(cmd, d)
}

// choices are the steps that somebody may say something about.
func (s State) choices(act string) []step.Step {
	return slices.DeleteFunc(s.left(), func(st step.Step) bool {
		return act == ActDone && !s.sworn(st) || act == ActBlocked && !st.IsOpen()
	})
}

// settle ends it with what is open.
func settle(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if err := s.mine(cmd.Actor.ID); err != nil {
		return workflows.Decision{}, err
	}
	if s.Stage != Working {
		return workflows.Decision{}, workflows.Refuse("not_now", s.now()+" Nothing was recorded.")
	}
	e := Ended{}
	for _, st := range s.left() {
		e.Open = append(e.Open, st.Name)
	}
	return s.end(cmd, evSettled, e), nil
}

// cancel ends it and withdraws what was not carried out.
func cancel(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if err := s.mine(cmd.Actor.ID); err != nil {
		return workflows.Decision{}, err
	}
	if !cmd.Submitted {
		return workflows.Decision{Reply: workflows.Reply{Modal: s.why(cmd)}}, nil
	}
	e := Ended{Reason: strings.TrimSpace(cmd.Input[BlockReason])}
	if err := workflows.TooLong(BlockReason, e.Reason); err != nil {
		return workflows.Decision{}, err
	}
	for _, env := range s.Envs {
		for _, u := range env.Users {
			if !u.Gone.IsZero() {
				e.Gone = append(e.Gone, u.Email+" in "+env.title())
			}
		}
	}
	d := s.end(cmd, evCancelled, e)
	d.Calls = s.withdrawals(cmd.Actor.ID, e.Reason)
	return d, nil
}

// withdrawals cancel the requests that are open, in the name of who decided that.
func (s State) withdrawals(as, reason string) []workflows.Call {
	var out []workflows.Call
	for _, env := range s.Envs {
		for _, u := range env.Users {
			if u.Request == "" || !u.Gone.IsZero() || u.Ended {
				continue
			}
			out = append(out, workflows.Call{
				Op: workflows.OpTell, Account: s.AccountID, ID: u.Request, Command: "access.cancel", As: as,
				Input: map[string]string{BlockReason: strings.TrimSpace("The offboarding " + s.ID +
					" does not go on as planned. " + reason)},
			})
		}
	}
	return out
}

// move gives it another last day.
func move(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	var none workflows.Decision
	if err := s.mine(cmd.Actor.ID); err != nil {
		return none, err
	}
	day, err := dayOf(cmd, s.Hours)
	if err != nil {
		return none, err
	}
	if day.Date == s.Day.Date {
		return workflows.Decision{Reply: workflows.Reply{
			Text: workflows.Say("%m leaves %s on that day already: %s. Nothing new was recorded.", s.Person,
				s.AccountName, s.ID), Link: s.ID}}, nil
	}
	m := moved{Day: day, Reason: strings.TrimSpace(cmd.Input[BlockReason])}
	var calls []workflows.Call
	if day.At.After(cmd.At) {
		calls = s.withdrawals(cmd.Actor.ID, "The day was moved to "+day.Date+".")
	}
	m.Withdrawn = len(calls) > 0
	d := evMoved.One(cmd, m)
	d.Calls = calls
	d.Reply = workflows.Reply{Text: workflows.Say("%m leaves %s on %s now: %s.", s.Person, s.AccountName, day.Date,
		s.ID), Link: s.ID}
	return d, nil
}

// end closes the workflow and gives the account's lock back.
func (s State) end(cmd workflows.Command, how kind[Ended], e Ended) workflows.Decision {
	e.By = cmd.Actor
	d := how.One(cmd, e)
	d.Account = []workflows.Event{cmd.Event(workflows.LockReleased, workflows.Lock{Name: Lock(s.Person),
		Workflow: s.ID})}
	return d
}

// owns reports whether somebody's address, in whatever form, owns the account.
func owns(who approvals.Identity, owner string) bool {
	return owner != "" && slices.ContainsFunc(who.Emails, func(e string) bool {
		return approvals.SameAddress(e, owner)
	})
}
