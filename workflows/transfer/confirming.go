package transfer

import (
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// asks is the question that the approvers answer.
var asks = question.Of[State]{
	Machine: "transfer", Yes: "confirm",
	At:        func(s *State) *question.Question { return &s.Question },
	Approvers: workflows.Policy.ApproverIDs,
	Put: func(s *State, e workflows.Event, q question.Question) {
		s.enter(Confirming, e)
		s.Until = q.Ballot.Closes
	},
	Held: func(s State) string {
		if len(s.blocking(s.Checks)) == 0 {
			return ""
		}
		return "A check is in the way, so nobody can confirm just now. Nothing was recorded. When it is mended or waived, your card shows Confirm again."
	},
	Carers: func(s State) []string { return workflows.Union([]string{s.Requester}, s.Holders, s.Admins) },
	Words: question.Words{
		Noun: "transfer", Verb: "confirm", Past: "confirmed", Act: "confirmation",
		Refusing: "Refuse this transfer? That ends it at once and cannot be undone.",
		Bars: map[string]string{
			"requester": "You asked for this transfer, so you cannot confirm it too.",
			"new_owner": "You would become the owner, so you cannot confirm this transfer.",
		},
	},
	Because: func(s State, who string) string {
		if workflows.Among(who, s.ToHolders) {
			return "You are asked because you can read that mailbox."
		}
		return "You are asked because you are one of the people trusted with this account."
	},
	Title: func(s State) string { return workflows.Say("Hand %s to %s", s.AccountName, s.To) },
}

// put is the question that a transfer puts: for so long from now, with votes that stand already.
func (s State) put(cmd workflows.Command, votes []approvals.Vote) question.Question {
	opens := cmd.At
	if len(votes) > 0 {
		opens = s.Question.Ballot.Opens // a vote counts from when it was cast
	}
	return question.Question{
		Ballot: approvals.Ballot{
			Quorum: s.Policy.Quorum, Electorate: s.Electorate, Lists: s.Lists, Votes: votes,
			Opens: opens, Closes: cmd.At.Add(s.Policy.ConfirmWithin),
		},
		Parties: s.Parties, Quiet: s.Quiet,
	}
}

// ask asks the approvers, or ends what nobody could approve any more.
func (s State) ask(cmd workflows.Command, f workflows.Facts, votes []approvals.Vote) (workflows.Decision, error) {
	if why := s.left(f); why != "" {
		return s.endAsLeft(cmd, why), nil
	}
	e, err := asks.Ask(cmd, f, s.put(cmd, votes))
	if err != nil {
		return s.end(cmd, Ended{Outcome: Failed, Code: "dead_end",
			Message: "too few of those who may confirm are still active members"}), nil
	}
	return workflows.Decision{Events: []workflows.Event{e}}, nil
}

// answers makes the question's handlers the transfer's: they answer only while it is asked, and not
// for somebody who has left.
func answers(clicks map[string]workflows.Handler[State]) {
	asked := map[string]workflows.Handler[State]{}
	asks.Clicks(asked, answered)
	for action, answer := range asked {
		clicks[action] = func(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
			if s.Stage != Confirming && !asks.Shows(action) {
				return workflows.Decision{}, refused("not_now",
					"This transfer does not ask for confirmations now. Nothing was recorded. "+stageLine(s))
			}
			d, err := answer(s, cmd, f)
			if why := s.left(f); why != "" && err == nil && action != ActRefuse && d.Reply.Modal == nil {
				return s.endAsLeft(cmd, why), nil
			}
			return d, err
		}
	}
}

// answered goes on once it is decided.
func answered(s State, cmd workflows.Command, _ workflows.Facts, a question.Answer) (workflows.Decision, error) {
	d := a.Decision
	switch a.Outcome {
	case approvals.Approved:
		d.Events = append(d.Events, evApproved.Of(cmd, until{Until: cmd.At.Add(s.Policy.Cooldown)}))
	case approvals.Refused:
		more := s.end(cmd, Ended{Outcome: Refused, Reason: a.Reason})
		d.Events = append(d.Events, more.Events...)
		d.Account, d.Calls = more.Account, more.Calls
	}
	return d, nil
}

// delegated asks whoever stands in for somebody by now.
func delegated(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if s.Stage != Confirming || s.Ending != nil {
		return workflows.Decision{}, nil
	}
	a := asks.Delegated(s, cmd, f)
	if a.Outcome == approvals.Approved && asks.Held(s) != "" {
		return a.Decision, nil
	}
	return answered(s, cmd, f, a)
}

// void takes votes back because facts or voters changed, and asks again; while a check blocks,
// nobody is asked before it is mended.
func (s State) void(cmd workflows.Command, f workflows.Facts, differences []string,
	keep []approvals.Vote) (workflows.Decision, error) {
	why := "facts"
	if keep != nil {
		why = "standing"
	}
	blocked := len(s.blocking(s.Checks)) > 0
	d := evVoided.One(cmd, voided{Why: why, Differences: differences, Blocked: blocked,
		Until: cmd.At.Add(s.Policy.ConfirmWithin)})
	if blocked {
		return d, nil
	}
	more, err := s.ask(cmd, f, slices.Clone(keep))
	if len(more.Events) > 0 && !asks.IsPut(more.Events[0]) {
		return more, err // nobody could approve it any more
	}
	d.Events = append(d.Events, more.Events...)
	return d, err
}

type voided struct {
	Why         string    `json:"why"` // facts, standing
	Differences []string  `json:"differences,omitempty"`
	Blocked     bool      `json:"blocked,omitempty"` // back to checking
	Until       time.Time `json:"until"`
}

var evApproved = workflows.Kind[State, until]{
	Type: "transfer.approved",
	Fold: func(s *State, e workflows.Event, b until) {
		s.enter(Cooling, e)
		s.Until, s.Cooled, s.Paused, s.VoidNote = b.Until, false, false, nil
	},
	Tell: func(e workflows.Event, b until) string {
		return workflows.Say("Confirmed by enough people. It can be stopped until %t.", b.Until)
	},
}

var evVoided = workflows.Kind[State, voided]{
	Type: "transfer.votes_voided",
	Fold: func(s *State, e workflows.Event, b voided) {
		if b.Blocked {
			s.enter(Checking, e)
		}
		s.Question, s.Invite = question.Question{}, Invite{}
		s.Until, s.Cooled, s.Paused, s.VoidNote = b.Until, false, false, b.Differences
	},
	Tell: func(e workflows.Event, b voided) string {
		text := "Earlier confirmations no longer count: " + strings.Join(b.Differences, "; ") + "."
		if b.Blocked {
			return text + " A check is in the way, so nobody is asked yet."
		}
		return text
	},
}

// votes are the answers, one line each.
func (s State) votes() []string {
	s.Question.Looks = nil // of answers alone
	return asks.Votes(s)
}

// confirmingStage asks the approvers.
type confirmingStage struct{ plain }

func (confirmingStage) title(s State) string {
	return workflows.Say("Hand %s to %s?", s.AccountName, s.To)
}

func (confirmingStage) now(State) string { return "It waits for confirmations." }

func (confirmingStage) notify(s State, who string) string {
	switch {
	case !workflows.Among(who, s.Question.Waiting):
		return "Handing " + s.what() + ": waiting for confirmations"
	case len(s.blocking(s.Checks)) > 0:
		return "Handing " + s.what() + " is held up by a check"
	}
	return "Confirm: hand " + s.what() + "?"
}

func (confirmingStage) lines(s State, who string) []string {
	out := append(notes(s), asks.Lines(s, who)...)
	switch {
	case s.rereads():
		out = append(out, s.unreadLine())
	case s.Reading:
		out = append(out, "… The checks run again.")
	case s.held():
		line := "! A check is in the way: nobody can confirm before it is mended; confirmations given before stand. " +
			"Mend it and press Check again" + s.alsoLooks() + "."
		if len(s.waivable()) > 0 {
			line += " A holder may waive it with a reason."
		}
		out = append(out, line)
	}
	return append(out, workflows.Say("Then it can be stopped for %l.", s.Policy.Cooldown))
}

func (confirmingStage) details(s State, _ string) []string {
	accepts := ", and one of its holders accepts there."
	if s.ToPerson != "" {
		accepts = workflows.Say(", and %m accepts there.", s.ToPerson)
	}
	next := workflows.Say("*What comes next*\nAfter the last confirmation any holder can stop it for %l. Then %s",
		s.Policy.Cooldown, workflows.Text(s.invites()+accepts))
	if s.From != "" {
		next += workflows.Say(" %s then has %s.", s.From, workflows.Text(roleWord(s.PreviousRole)))
	}
	return []string{next}
}

func (confirmingStage) facts(s State, who string) []string { return s.checkLines(who) }

func (confirmingStage) buttons(s State, who string) []workflows.Button {
	out := asks.Buttons(s, who)
	requester, holder := who == s.Requester, workflows.Among(who, s.Holders)
	if (requester || holder) && !s.Reading {
		out = append(out, workflows.Button{Action: ActRecheck, Label: "Check again"})
	}
	if s.held() && holder && len(s.waivable()) > 0 {
		out = append(out, workflows.Button{Action: ActWaive, Label: "Waive…"})
	}
	if requester {
		out = append(out, workflows.Button{Action: ActCancel, Label: "Cancel transfer…"})
	}
	return out
}

func (confirmingStage) waiting(s State) []string { return s.Question.Waiting }

func (confirmingStage) audience(s State) []string {
	if e := s.Question.Escalated; e != nil {
		return workflows.Union(s.Question.Audience(), e.To)
	}
	return s.Question.Audience()
}

func (confirmingStage) late() string { return "Not enough people confirmed in time." }

// notes tell why earlier votes no longer count.
func notes(s State) []string {
	if len(s.VoidNote) == 0 {
		return nil
	}
	what := "! Earlier confirmations no longer count:"
	if s.Question.Given > 0 {
		what = "! Some earlier confirmations no longer count:"
	}
	return []string{what + "\n• " + strings.Join(s.VoidNote, "\n• ")}
}

// voidedWords says whose votes no longer count, and why.
func voidedWords(all []approvals.Voided) []string {
	var out []string
	for _, v := range all {
		if v.Why == approvals.WhyDecided || v.Why == approvals.WhyRepeated || v.Why == approvals.WhyReplaced {
			continue
		}
		why := "is no longer a full, active member of this workspace"
		switch v.Why {
		case "removed":
			why = "is no longer one of the approvers"
		case approvals.CodeBarred:
			why = "may not decide this"
		}
		out = append(out, workflows.Say("%m %s", v.Vote.By, workflows.Text(why)))
	}
	return out
}
