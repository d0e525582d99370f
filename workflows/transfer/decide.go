package transfer

import (
	"github.com/keyholder/keyholder/workflows"
)

// Actions of the buttons; the contract with every card ever posted.
const (
	ActConfirm  = "transfer.confirm"
	ActRefuse   = "transfer.refuse"
	ActCancel   = "transfer.cancel"
	ActRecheck  = "transfer.recheck"
	ActWaive    = "transfer.waive"
	ActClaim    = "transfer.claim"
	ActAccept   = "transfer.accept"
	ActDecline  = "transfer.decline"
	ActResend   = "transfer.resend"
	ActWithdraw = "transfer.withdraw"
	ActAttest   = "transfer.attest"
	ActSettle   = "transfer.settle"

	// Request is the callback of the opening modal, Reason of the one that asks why.
	Request = "transfer.request"
	Reason  = "transfer.reason"

	// cmdSuperseded comes from a newer transfer of the account that reached inviting.
	cmdSuperseded = "transfer.superseded"
)

// handler decides one kind of command in an open transfer.
type handler func(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error)

var clicks map[string]handler

func init() {
	clicks = map[string]handler{
		ActConfirm: confirm, ActRefuse: refuse, ActCancel: cancel, ActRecheck: recheck, ActWaive: waive, ActClaim: claim,
		ActAccept: accept, ActDecline: decline, ActResend: resend, ActWithdraw: withdraw, ActAttest: attest, ActSettle: settle,
	}
}

// decide is the machine's Decide on its own state.
func decide(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch cmd.Name {
	case Request:
		return open(s, cmd, f)
	case workflows.CmdTimer:
		if cmd.Timer == nil || !s.Opened() {
			return workflows.Decision{}, nil
		}
		return fired(s, cmd, f)
	case workflows.CmdReceipt:
		if cmd.Receipt == nil || !s.Opened() {
			return workflows.Decision{}, nil
		}
		return received(s, cmd, f)
	case workflows.CmdDelegated:
		return delegated(s, cmd, f)
	}
	if cmd.Name == cmdSuperseded && cmd.Actor.Kind == workflows.ByKeyholder {
		return superseded(s, cmd)
	}
	act, known := clicks[cmd.Name]
	if !known || !s.Opened() {
		return workflows.Decision{}, refused("unknown_action", "That button is not one of this transfer's. Nothing was recorded. Use the buttons on your card, or "+workflows.Slash+" status.")
	}
	if err := mayAct(s, cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	if err := workflows.TooLong(BlockReason, cmd.Input[BlockReason]); err != nil {
		return workflows.Decision{}, err
	}
	d, err := act(s.asOf(f), cmd, f)
	return d, noLonger(err, func() error { _, was := act(s, cmd, f); return was })
}

// mayAct refuses whoever may not click anything, closed transfers and questions of another round.
func mayAct(s State, cmd workflows.Command, f workflows.Facts) error {
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return r
	}
	if s.Closed() {
		r := refused("closed", "This transfer is over: "+outcomeLine(s)+" Nothing was recorded.")
		r.Refresh = true
		return r
	}
	if cmd.Round != workflows.NoRound && cmd.Round != s.Round {
		r := refused("old_round", oldRound(s, cmd))
		r.Refresh = true
		return r
	}
	if s.Ending != nil {
		return refused("ending", s.endingNow()+"; this transfer ends when that is confirmed. Nothing was recorded.")
	}
	return nil
}

// oldRound explains a click on a question that is no longer asked.
func oldRound(s State, cmd workflows.Command) string {
	text := "This card has changed since you opened it. " + stageLine(s) + " Nothing was recorded by this click. Look at your card; it shows what is asked now."
	for _, v := range s.Ballot.Votes {
		if v.By == cmd.Actor.ID {
			return "Your " + voteWord(v.Choice) + " is recorded already. " + text
		}
	}
	return text
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
