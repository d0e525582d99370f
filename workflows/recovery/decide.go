package recovery

import (
	"slices"
	"strings"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
	"github.com/keyholder/keyholder/workflows/step"
)

// decided adds what follows from a yes or no.
func decided(s State, cmd workflows.Command, f workflows.Facts, a question.Answer) (workflows.Decision, error) {
	return follow(s, cmd, f, a)
}

// follow adds what follows from a count of the question.
func follow(s State, cmd workflows.Command, _ workflows.Facts, a question.Answer) (workflows.Decision, error) {
	switch {
	case a.Outcome == approvals.Approved && s.Approved.IsZero():
		return joined(a.Decision, approved.One(cmd, until{Until: cmd.At.Add(s.Policy.Cooldown)})), nil
	case a.Outcome == approvals.Refused:
		return joined(a.Decision, s.end(cmd, refused, Ended{Reason: a.Reason})), nil
	}
	return a.Decision, nil
}

// climb begins the next rung of the ladder, or ends it past the last one.
func (s State) climb(cmd workflows.Command) workflows.Decision {
	if len(s.Left) == 0 {
		return s.end(cmd, failed, Ended{})
	}
	return workflows.Decision{Events: []workflows.Event{s.begin(cmd, s.Left[0], s.doers(s.Left[0]))}}
}

// begin is the beginning of a rung.
func (s State) begin(cmd workflows.Command, rung string, doers []string) workflows.Event {
	return rungs.Begin(cmd, step.Step{
		Name: rung, People: doers, Seers: s.managers(), Passers: s.managers(), Hearers: s.Electorate,
		Due: cmd.At.Add(s.Policy.RungWithin), Every: s.Policy.RemindEvery,
	})
}

// stepped adds what follows from a word about the rung.
func stepped(s State, cmd workflows.Command, _ workflows.Facts, what string,
	d workflows.Decision) (workflows.Decision, error) {
	switch what {
	case step.Seen:
		return joined(d, securing.One(cmd, until{Until: cmd.At.Add(SecureWithin)})), nil
	case step.Blocked, step.Passed:
		return joined(d, s.onward(cmd)), nil
	}
	return d, nil
}

// onward leaves a rung that did not hold: for the next one when that is approved, else for where the
// word of somebody who could open the mailbox had come in between.
func (s State) onward(cmd workflows.Command) workflows.Decision {
	switch {
	case s.Approved.IsZero() && !cmd.At.Before(s.Question.Ballot.Closes):
		return s.end(cmd, expired, Ended{})
	case s.Approved.IsZero():
		return returned.One(cmd, back{Stage: Asking, Until: s.Question.Ballot.Closes})
	case cmd.At.Before(s.CoolUntil):
		return returned.One(cmd, back{Stage: Cooling, Until: s.CoolUntil})
	}
	return s.climb(cmd)
}

// can decides "I can open it": no vote is needed, since whoever can open the mailbox could do it
// without Keyholder. Everybody hears who it is.
func can(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	who := cmd.Actor.ID
	var none workflows.Decision
	switch {
	case !workflows.Among(who, s.openers()):
		return none, workflows.Refuse("not_permitted", workflows.Say(
			"Only those who hold the mailbox or own the account say that they can open it: %m. Nothing was recorded. "+
				"If you can open it too, tell one of them.", s.openers()))
	case s.Stage == Securing:
		return none, workflows.Refuse("not_now", "The sign-in is regained already. Nothing was recorded. "+s.now())
	case s.Step.Name == RungReset && s.Step.IsOpen() && slices.Equal(s.Step.People, []string{who}):
		return workflows.Decision{Reply: workflows.Reply{Text: "You said so already; it counts once. Nothing new " +
			"was recorded. " + s.now()}}, nil
	case s.Step.IsOpen() && s.Step.Done != nil:
		return none, workflows.Refuse("not_now", workflows.Say(
			"%m says that it is done, and somebody has to see it first. Nothing was recorded.", s.Step.Done.By))
	}
	d := opens.One(cmd, step.Word{By: who, At: cmd.At})
	d.Events = append(d.Events, s.begin(cmd, RungReset, []string{who}))
	return d, nil
}

// cancel ends it before anything was regained.
func cancel(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	var none workflows.Decision
	switch {
	case !workflows.Among(cmd.Actor.ID, s.stoppers()):
		return none, workflows.Refuse("not_permitted", workflows.Say("Only %m can cancel this. Nothing was "+
			"recorded.", s.stoppers()))
	case s.Stage == Securing:
		return none, workflows.Refuse("too_late", "The sign-in is regained already, so there is nothing to "+
			"cancel. Nothing was recorded. "+s.now())
	case !cmd.Submitted:
		return workflows.Decision{Reply: workflows.Reply{Modal: &workflows.Modal{
			Callback: reasonForm, Title: "Cancel the recovery", Submit: "Cancel it", Workflow: cmd.Workflow,
			Account: s.AccountID,
			Action:  cmd.Name, Round: s.Round, Intro: []string{workflows.Say("*%s*\nCancel this? Whoever still "+
				"needs it reports it anew.", s.Title())},
			Inputs: []workflows.Input{{Block: BlockReason, Kind: workflows.InputText, Label: "Why", Optional: true,
				Multiline: true, MaxLength: 1000,
				Hint: "It is shown on the card and kept in the record."}},
		}}}, nil
	}
	return s.end(cmd, cancelled, Ended{Reason: strings.TrimSpace(cmd.Input[BlockReason])}), nil
}

// BlockDone is the checklist of the settling form, part of the contract.
const BlockDone = "done"

// settle ends it with the checklist of what makes the sign-in safe.
func settle(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	var none workflows.Decision
	switch {
	case !workflows.Among(cmd.Actor.ID, s.managers()):
		return none, workflows.Refuse("not_permitted", workflows.Say("Only %m can end this. Nothing was recorded.",
			s.managers()))
	case s.Stage != Securing:
		return none, workflows.Refuse("not_now", "The sign-in is not regained yet. Nothing was recorded. "+s.now())
	case !cmd.Submitted:
		return workflows.Decision{Reply: workflows.Reply{Modal: s.checklist(cmd)}}, nil
	}
	var done, left []string
	ticked := strings.Split(cmd.Input[BlockDone], "\n")
	for _, key := range pointKeys(s) {
		if slices.Contains(ticked, key) {
			done = append(done, key)
		} else {
			left = append(left, key)
		}
	}
	return s.end(cmd, regained, Ended{Done: done, Open: left}), nil
}

func (s State) checklist(cmd workflows.Command) *workflows.Modal {
	in := workflows.Input{Block: BlockDone, Kind: workflows.InputChecks, Label: "What is done", Optional: true}
	for _, key := range pointKeys(s) {
		in.Options = append(in.Options, workflows.Option{Value: key, Label: pointLabel(key)})
	}
	return &workflows.Modal{
		Callback: ActSettle, Title: "The sign-in is safe", Submit: "End it", Workflow: cmd.Workflow,
		Account: s.AccountID,
		Action:  cmd.Name, Round: s.Round, Inputs: []workflows.Input{in},
		Intro: []string{workflows.Say("*%s*\nTick what is done. What is not stays on the last card, and in the "+
			"record, as open.", s.Title())},
	}
}

// handOver opens the form of a transfer, filled in: the one button that outlives its workflow, since
// it only opens a form. The bot makes the form; that machine judges whoever sends it.
func handOver(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return workflows.Decision{}, r
	}
	if s.Stage != Regained || s.IsAlias {
		return workflows.Decision{}, workflows.Refuse("unknown_action",
			"There is nothing to hand over from here. Nothing was recorded.")
	}
	return workflows.Decision{Reply: workflows.Reply{Modal: &workflows.Modal{
		Callback: transferForm, Account: s.AccountID, Action: transferForm, Round: workflows.NoRound,
		Inputs: []workflows.Input{{Block: BlockReason, Kind: workflows.InputText,
			Initial: "The owner " + s.Owner + " could not be signed in as (" + s.ID +
				"); a shared mailbox outlives each of us."}},
	}}}, nil
}
