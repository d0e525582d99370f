package access

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// resendEvery keeps an invitation from being mailed at every click.
const resendEvery = time.Minute

// resenders may have an invitation sent again.
func (s State) resenders() []string { return workflows.Union([]string{s.Requester}, s.managers()) }

// resend sends an open invitation again, within the approval that it has; a declined one is open again then.
func resend(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, s.resenders()) {
		return workflows.Decision{}, refused("not_permitted", "Only "+workflows.Mentions(s.resenders())+" can have the invitation sent again. Nothing was recorded.")
	}
	switch {
	case s.Phase != Pending:
		return workflows.Decision{}, refused("not_now", "No invitation is open now. Nothing was recorded. "+stageLine(s))
	case s.byHand():
		return workflows.Decision{}, refused("no_token", "Keyholder has no token for this environment. In integrator.io, My account > Users, send the invitation of "+s.Email+" again there. Nothing was recorded.")
	case s.Resending:
		return workflows.Decision{Reply: workflows.Reply{Text: workflows.Mention(s.ResentBy) + " has it sent again already; it counts once."}}, nil
	case cmd.At.Sub(s.ResentAt) < resendEvery && s.Declined.IsZero() && s.Unsent == "":
		return workflows.Decision{Reply: workflows.Reply{Text: workflows.Mention(s.ResentBy) + " had it sent again just now, so nothing was sent twice. Wait a minute."}}, nil
	}
	d := one(cmd, evResending, none{})
	d.Calls = []workflows.Call{{Op: workflows.OpReinvite, Account: s.AccountID, Environment: s.Environment, Email: s.address(), Who: s.Who, Deadline: s.Until}}
	return d, nil
}

// wasResent decides integrator.io's answer to that.
func (s State) wasResent(cmd workflows.Command, r workflows.Receipt) workflows.Decision {
	switch {
	case s.Phase != Pending || !s.Resending:
		return workflows.Decision{} // it was accepted, or taken back, meanwhile
	case r.OK && r.User == nil, r.Code == workflows.RefusedNotUser:
		return s.end(cmd, Finished{Outcome: Failed, Code: "withdrawn"})
	case r.OK && r.User.Status == workflows.UserAccepted:
		return s.usable(cmd, r.User)
	case r.OK:
		return one(cmd, evResent, seen{Mark: r.User.Mark()})
	}
	return one(cmd, evUnsent, refusal{Code: r.Code, Message: r.Message})
}

// escalate tells those who look after access, and are not asked, that nobody answers, and the one who asked. Whoever can decide by now is asked.
func (s State) escalate(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	d, err := delegated(s, cmd, f)
	if err != nil {
		return d, err
	}
	next, err := fold(s, d.Events)
	if err != nil {
		return d, err
	}
	to := slices.DeleteFunc(workflows.Union([]string{s.Requester}, s.managers()), func(who string) bool {
		return workflows.Among(who, next.Asked) || f.People[who].Standing != ""
	})
	return joined(d, one(cmd, evEscalated, Notice{N: 1, Until: s.Until, At: cmd.At, To: to, Open: next.unanswered()})), nil
}
