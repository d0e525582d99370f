package recovery

import (
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Actions of the buttons beside those of the question and of the steps; the contract with every
// card ever posted.
const (
	ActCan      = "recovery.can"
	ActCancel   = "recovery.cancel"
	ActSettle   = "recovery.settle"
	ActTransfer = "recovery.transfer"

	// Request is the callback of the opening form.
	Request = "recovery.request"
	// reasonForm is the callback of the form that asks why.
	reasonForm = "recovery.reason"
	// transferForm is the form of another machine that the last card leads to.
	transferForm = "transfer.request"
)

// Names of timers, beside those of the question and of the steps.
const (
	timerExpire = "expire" // the time to decide is over
	timerCool   = "cool"   // the cool-down is over
	timerSecure = "secure" // the time for securing is over
)

// Machine is the recovery machine.
func Machine() workflows.Machine {
	return workflows.Rules[State]{
		Name: "recovery", Letter: workflows.LetterRecovery, Schema: 1, Kinds: kinds, Needs: needs, Decide: decide,
		View: State.view,
	}.Machine()
}

var gate = workflows.Gate[State]{
	Noun: "recovery",
	Clicks: map[string]workflows.Handler[State]{
		ActCan: can, ActCancel: cancel, ActSettle: settle,
	},
	Outcome: func(s State) string { return s.outcome() },
	Now:     func(s State) string { return s.now() },
	Mine: func(s State, who, action string) string {
		if !asks.Asks(action) {
			return ""
		}
		switch s.Question.Said(who) {
		case approvals.Approve:
			return "Your approval is recorded already."
		case approvals.Refuse:
			return "Your refusal is recorded already."
		}
		return ""
	},
}

func init() {
	asks.Clicks(gate.Clicks, decided)
	rungs.Clicks(gate.Clicks, func(s State) string { return s.Step.Name }, stepped)
}

func needs(s State, cmd workflows.Command, p workflows.Policy, a workflows.AccountState) workflows.Needs {
	var n workflows.Needs
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = []string{cmd.Actor.ID}
	}
	if cmd.Name == Request {
		n.People = workflows.Union(n.People, p.HolderIDs(), p.Admins, p.Recovery.Approvers, p.Recovery.IT, p.Quiet)
		n.Delegations = p.Recovery.Approvers
		if _, alias := p.Alias(a.Owner); !alias && a.Owner != "" {
			n.Emails = []string{a.Owner}
		}
		return n
	}
	if !s.Opened() || s.Closed() {
		return n
	}
	if cmd.Name == workflows.CmdReceipt || cmd.Timer != nil && !asks.FactsFor(cmd.Timer.Name) {
		return n
	}
	if !s.Question.Began.IsZero() && s.Approved.IsZero() {
		people, delegations := asks.Needs(s, p)
		n.People, n.Delegations = workflows.Union(n.People, people), delegations
	}
	n.People = workflows.Union(n.People, s.Step.Everybody())
	return n
}

func decide(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch cmd.Name {
	case Request:
		return open(cmd, f)
	case workflows.CmdTimer:
		if cmd.Timer == nil || !s.Opened() || s.Closed() {
			return workflows.Decision{}, nil
		}
		return fired(s, cmd, f)
	case workflows.CmdReceipt:
		return received(s, cmd), nil
	case workflows.CmdDelegated:
		if s.Closed() || !s.Approved.IsZero() {
			return workflows.Decision{}, nil
		}
		return follow(s, cmd, f, asks.Delegated(s, cmd, f))
	case ActTransfer:
		return handOver(s, cmd, f)
	}
	return gate.Decide(s, cmd, f)
}

// received decides what the audit log said of the owner's last sign-in.
func received(s State, cmd workflows.Command) workflows.Decision {
	r := cmd.Receipt
	if r == nil || !s.Opened() || s.Closed() || r.Op != workflows.OpSignIns || !r.OK || r.SignIns == nil ||
		s.SignIns != nil {
		return workflows.Decision{}
	}
	last := lastSignIn{Since: r.SignIns.Since}
	for _, e := range r.SignIns.Entries {
		if e.At.After(last.At) {
			last.At = e.At
		}
	}
	return looked.One(cmd, last)
}

// fired decides a timer.
func fired(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if a, mine := asks.Fired(s, cmd, f); mine {
		return follow(s, cmd, f, a)
	}
	if d, mine := rungs.Fired(s, s.Step.Name, cmd); mine {
		return d, nil
	}
	due := !s.Until.IsZero() && !cmd.At.Before(s.Until)
	switch {
	case cmd.Timer.Name == timerExpire && s.Stage == Asking && due:
		return s.end(cmd, expired, Ended{}), nil
	case cmd.Timer.Name == timerCool && s.Stage == Cooling && due:
		return s.climb(cmd), nil
	case cmd.Timer.Name == timerSecure && s.Stage == Securing && due:
		return s.end(cmd, regained, Ended{ByTime: true, Open: pointKeys(s)}), nil
	}
	return workflows.Decision{}, nil
}

// timers says what the state waits for by the clock.
func (s State) timers() []workflows.Timer {
	if s.Closed() {
		return nil
	}
	out := rungs.Timers(s, s.Step.Name)
	if s.asked() {
		out = append(out, asks.Timers(s)...)
	}
	if name := map[string]string{Asking: timerExpire, Cooling: timerCool, Securing: timerSecure}[s.Stage]; name != "" {
		out = append(out, workflows.Timer{Name: name, At: s.Until.UTC().Truncate(time.Millisecond)})
	}
	return out
}

// end closes the workflow and gives the account's lock back.
func (s State) end(cmd workflows.Command, how workflows.Kind[State, Ended], e Ended) workflows.Decision {
	e.By = cmd.Actor
	d := how.One(cmd, e)
	d.Account = []workflows.Event{cmd.Event(workflows.LockReleased, workflows.Lock{Name: workflows.LockRecovery,
		Workflow: cmd.Workflow})}
	return d
}

// joined puts one decision behind another.
func joined(a, b workflows.Decision) workflows.Decision {
	a.Events, a.Account, a.Calls = append(a.Events, b.Events...), append(a.Account, b.Account...), append(a.Calls,
		b.Calls...)
	return a
}
