package key

import (
	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// asks is the question before a use: holders and administrators other than who asks.
var asks = question.Of[UseState]{
	Machine: "key", Yes: "approve",
	At:        func(s *UseState) *question.Question { return &s.Asked },
	Approvers: func(p workflows.Policy) []string { return workflows.Union(p.HolderIDs(), p.Admins) },
	Put:       func(s *UseState, _ workflows.Event, q question.Question) { s.Until = q.Ballot.Closes },
	Words: question.Words{Noun: "use of the key", Verb: "approve", Past: "approved", Act: "approval",
		Refusing: "The key is not handed out then, and the question is over.",
		Bars:     map[string]string{barRequester: "You asked for the key, so somebody else has to approve it."}},
	Because: func(UseState, string) string { return "You are asked because you hold or administer the account." },
	Title:   func(s UseState) string { return workflows.Esc(s.headline()) },
}

// barRequester is why who asks does not answer.
const barRequester = "requester"

// asked is the question of a plan, as it is put.
func (p UsePlan) asked(cmd workflows.Command, f workflows.Facts) question.Question {
	return question.Question{
		Ballot: approvals.Ballot{Quorum: p.Quorum, Electorate: p.Lookers(), Opens: cmd.At,
			Closes: cmd.At.Add(p.Approve)},
		Parties: []approvals.Party{{Identity: f.Known(p.Person), Why: barRequester}},
		Quiet:   f.Expand(f.Policy.Quiet),
	}
}

// decided hands the key out, or ends the question, with the answer that decided it.
func (s UseState) decided(cmd workflows.Command, _ workflows.Facts, a question.Answer) (workflows.Decision, error) {
	d := a.Decision
	switch a.Outcome {
	case approvals.Approved:
		d.Events = append(d.Events, evUseOut.Of(cmd, workflows.None{}))
	case approvals.Refused:
		d.Events = append(d.Events, evUseEnded.Of(cmd, useEnded{Outcome: UseRefused, Reason: a.Reason}))
	}
	return s.follow(cmd, d), nil
}

// askedDue does what the question's own timers ask for.
func (s UseState) askedDue(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	a, mine := asks.Fired(s, cmd, f)
	if !mine {
		return workflows.Decision{}
	}
	d, _ := s.decided(cmd, f, a)
	return d
}

// approvers are those whose approvals counted.
func (s UseState) approvers() []string {
	var out []string
	for _, v := range s.Asked.Ballot.Votes {
		if v.Choice == approvals.Approve {
			out = workflows.Union(out, []string{v.By})
		}
	}
	return out
}
