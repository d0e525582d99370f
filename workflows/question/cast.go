package question

import (
	"errors"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// SayYes decides the click that says yes.
func (o Of[S]) SayYes(s S, cmd workflows.Command, f workflows.Facts) (Answer, error) {
	return o.vote(s, cmd, f, approvals.Approve, "")
}

// Comment decides the click that says yes with a few words: it opens a form first.
func (o Of[S]) Comment(s S, cmd workflows.Command, f workflows.Facts) (Answer, error) {
	if cmd.Submitted {
		return o.vote(s, cmd, f, approvals.Approve, strings.TrimSpace(cmd.Input[reason]))
	}
	if err := o.mayCast(s, cmd, f, approvals.Approve); err != nil {
		return Answer{Outcome: approvals.Open}, err
	}
	return o.form(s, cmd, title(o.Words.Verb), workflows.Input{
		Block: reason, Kind: workflows.InputText, Label: "Comment", Optional: true, Multiline: true, MaxLength: 1000,
		Hint: "It is shown beside your name and kept in the record.",
	}, "Your "+o.Words.Act+" counts when you send this."), nil
}

// SayNo decides the click that says no: it asks why first.
func (o Of[S]) SayNo(s S, cmd workflows.Command, f workflows.Facts) (Answer, error) {
	if err := o.mayCast(s, cmd, f, approvals.Refuse); err != nil {
		return Answer{Outcome: approvals.Open}, err
	}
	if !cmd.Submitted {
		return o.form(s, cmd, "Refuse", workflows.Input{
			Block: reason, Kind: workflows.InputText, Label: "Why", Multiline: true, MaxLength: 1000,
			Hint: "It is shown on the card and kept in the record.",
		}, o.Words.Refusing), nil
	}
	why := strings.TrimSpace(cmd.Input[reason])
	if why == "" {
		return Answer{Outcome: approvals.Open}, workflows.RefuseField(reason, "reason_missing",
			"Please say why you refuse; the one who asked reads it.")
	}
	return o.vote(s, cmd, f, approvals.Refuse, why)
}

// form is the modal of an action that wants a text.
func (o Of[S]) form(s S, cmd workflows.Command, submit string, in workflows.Input, says string) Answer {
	m := &workflows.Modal{
		Callback: o.action(reason), Title: workflows.Clip(submit, 24), Submit: workflows.Clip(submit, 24),
		Intro: []string{"*" + o.Title(s) + "*\n" + says}, Workflow: cmd.Workflow, Account: cmd.Account,
		Action: cmd.Name, Round: cmd.Round, Inputs: []workflows.Input{in},
	}
	return Answer{Decision: workflows.Decision{Reply: workflows.Reply{Modal: m}}, Outcome: approvals.Open}
}

// mayCast tries a vote without counting it, so that nobody fills in a form in vain.
func (o Of[S]) mayCast(s S, cmd workflows.Command, f workflows.Facts, choice approvals.Choice) error {
	q := o.at(s)
	if q.Began.IsZero() {
		return o.notNow()
	}
	_, err := q.barring(f).Cast(cmd.Actor.ID, choice, "", o.standing(q, f), f.Delegations, cmd.At)
	if choice == approvals.Approve {
		if held := o.held(s); held != "" && (err == nil || enough(err)) {
			return workflows.Refuse("blocked", held)
		}
	}
	return o.notTaken(q.but(cmd.Actor.ID), err)
}

func (o Of[S]) held(s S) string {
	if o.Held == nil {
		return ""
	}
	return o.Held(s)
}

// vote casts and counts. Everybody's standing is the one of now, earlier voters included.
func (o Of[S]) vote(s S, cmd workflows.Command, f workflows.Facts, choice approvals.Choice, why string) (Answer,
	error) {
	q := o.at(s)
	if q.Began.IsZero() {
		return Answer{Outcome: approvals.Open}, o.notNow()
	}
	st := o.standing(q, f)
	votes, err := q.barring(f).Cast(cmd.Actor.ID, choice, why, st, f.Delegations, cmd.At)
	if choice == approvals.Approve && (err == nil || enough(err)) {
		if held := o.held(s); held != "" {
			return Answer{Outcome: approvals.Open}, workflows.Refuse("blocked", held)
		}
	}
	if choice == approvals.Approve && enough(err) {
		// A voter who was away is back, and with their vote it was approved before this click.
		b, t := q.judge(nil, st, f, cmd.At)
		d := o.recounted().One(cmd, q.count(nil, b, t, st, f, cmd.At))
		d.Reply.Text = "Enough people had " + o.Words.Past + " already, so yours was not needed and is not " +
			"counted. It goes on."
		return Answer{Decision: d, Outcome: approvals.Approved}, nil
	}
	if err != nil {
		return Answer{Outcome: approvals.Open}, o.notTaken(q.but(cmd.Actor.ID), err)
	}
	b, t := q.judge(votes, st, f, cmd.At)
	return Answer{Decision: o.voted().One(cmd, q.count(votes, b, t, st, f, cmd.At)), Outcome: t.Outcome,
		Reason: why}, nil
}

// enough reports whether a vote was not taken because the ballot is approved already.
func enough(err error) bool {
	var r *approvals.Refusal
	return errors.As(err, &r) && r.Code == approvals.CodeClosed && r.Detail == string(approvals.Approved)
}

// again answers the button that shows somebody's own yes.
func (o Of[S]) again(s S, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	q := o.at(s)
	if q.Said(cmd.Actor.ID) != approvals.Approve {
		return workflows.Decision{}, o.notNow()
	}
	text := "Your " + o.Words.Act + " is recorded. Nothing new was recorded."
	if q.IsOpen() {
		text += " " + o.others(q.but(cmd.Actor.ID)) + " “Refuse…” would still end it."
	}
	return workflows.Decision{Reply: workflows.Reply{Text: text}}, nil
}

// Look decides "I am looking at it". It counts for nothing; a quiet person gets a card by it.
func (o Of[S]) Look(s S, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	q, who := o.at(s), cmd.Actor.ID
	if err := o.mayCast(s, cmd, f, approvals.Refuse); err != nil {
		return workflows.Decision{}, err
	}
	if q.Said(who) != "" {
		return workflows.Decision{}, o.notTaken(q, &approvals.Refusal{Code: approvals.CodeAlreadyVoted})
	}
	if i := slices.IndexFunc(q.Looks, func(l Look) bool { return l.Who == who }); i >= 0 {
		return workflows.Decision{Reply: workflows.Reply{Text: "You said so already; it is shown to the others until " +
			workflows.TimeOfDay(q.Looks[i].At.Add(LookFor)) + ", or until you answer. Nothing new was recorded."}}, nil
	}
	return o.looked().One(cmd, Look{Who: who, At: cmd.At}), nil
}
