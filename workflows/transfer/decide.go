package transfer

import (
	"strings"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Actions of the buttons; the contract with every card ever posted.
const (
	ActConfirm  = "transfer.confirm"
	ActComment  = "transfer.comment"
	ActRefuse   = "transfer.refuse"
	ActLook     = "transfer.look"
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
)

// superseding comes from a newer transfer of the account that reached inviting.
var superseding = workflows.Message[workflows.None]{Command: "transfer.superseded"}

// clicks are the handlers by action, each judging by the rights of now.
var clicks map[string]workflows.Handler[State]

func init() {
	all := map[string]workflows.Handler[State]{
		ActCancel: cancel, ActRecheck: recheck, ActWaive: waive, ActClaim: claim, ActAccept: accept,
		ActDecline: decline, ActResend: resend, ActWithdraw: withdraw, ActAttest: attest, ActSettle: settle,
	}
	answers(all)
	clicks = map[string]workflows.Handler[State]{}
	for action, act := range all {
		clicks[action] = asOfNow(act)
	}
}

// asOfNow lets a handler see only those rights that are still the case.
func asOfNow(act workflows.Handler[State]) workflows.Handler[State] {
	return func(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
		if s.Ending != nil {
			return workflows.Decision{}, refused("ending",
				s.endingNow()+"; this transfer ends when that is confirmed. Nothing was recorded.")
		}
		if err := workflows.TooLong(BlockReason, cmd.Input[BlockReason]); err != nil {
			return workflows.Decision{}, err
		}
		d, err := act(s.asOf(f), cmd, f)
		if err != nil {
			_, before := act(s, cmd, f)
			err = workflows.NoLonger(err, !notPermitted(before), "that")
		}
		return d, err
	}
}

// gate is what each click passes first.
func gate() workflows.Gate[State] {
	return workflows.Gate[State]{Noun: "transfer", Clicks: clicks, Outcome: outcomeLine, Now: stageLine,
		Mine: func(s State, who, action string) string {
			if !asks.Asks(action) {
				return ""
			}
			if said := s.Question.Said(who); said != "" {
				return "Your " + voteWord(said) + " is recorded already."
			}
			return ""
		}}
}

func voteWord(c approvals.Choice) string {
	if c == approvals.Refuse {
		return "refusal"
	}
	return "confirmation"
}

// decide answers a command.
func decide(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch cmd.Name {
	case Request:
		return open(s, cmd, f)
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
	if superseding.Given(cmd) {
		return superseded(s, cmd)
	}
	return gate().Decide(s, cmd, f)
}

func refused(code, text string) *workflows.Refusal { return workflows.Refuse(code, text) }

// askWhy answers the reason of a submitted modal, or the modal that asks for it.
func askWhy(s State, cmd workflows.Command, submit, question string, details []string, required bool) (string,
	*workflows.Modal) {
	if cmd.Submitted {
		return strings.TrimSpace(cmd.Input[BlockReason]), nil
	}
	label := "Why"
	intro := []string{workflows.Say("*%s*\n%s", s.Title(), workflows.Text(question))}
	if len(details) > 0 {
		intro = append(intro, strings.Join(details, "\n"))
	}
	return "", &workflows.Modal{Callback: Reason, Title: workflows.Clip(submit, 24), Submit: workflows.Clip(submit, 24),
		Intro: intro, Workflow: cmd.Workflow, Account: s.AccountID,
		Action: cmd.Name, Round: s.Round, Inputs: []workflows.Input{{Block: BlockReason, Kind: workflows.InputText,
			Label: label, Optional: !required,
			Multiline: true, MaxLength: workflows.MaxTyped, Hint: "It is shown on the card and kept in the record."}}}
}
