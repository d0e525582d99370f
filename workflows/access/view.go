package access

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// view computes what the world should show.
func (s State) view() workflows.View {
	return workflows.View{Cards: s.cards(), Timers: s.timers(), Watches: s.watches(), Waiting: s.waiting()}
}

// watches follow an open invitation.
func (s State) watches() []workflows.Watch {
	if s.Closed() || s.Phase != Pending || s.byHand() {
		return nil
	}
	return []workflows.Watch{{Name: "user", Every: s.Policy.WatchEvery,
		Call: workflows.Call{Op: workflows.OpWatchUser, Account: s.AccountID, Environment: s.Environment, Email: s.Email, Known: s.Mark}}}
}

// waiting lists who can move it on now.
func (s State) waiting() []string {
	if s.Closed() {
		return nil
	}
	out := s.unanswered()
	switch {
	case s.Manual && (s.Phase == Doing || s.Phase == Restoring), s.Drifted:
		out = workflows.Union(out, s.able())
	case s.Phase == Pending:
		out = workflows.Union(out, []string{s.Person, s.Requester})
	case s.Phase == Active:
		out = workflows.Union(out, s.own())
	}
	return out
}

// audience lists who must have a card now. Apply adds them to Told, from which nobody is ever taken.
func (s State) audience() []string {
	who := s.own()
	_, asked := s.question()
	who = workflows.Union(who, asked)
	switch {
	case s.Urgent && s.Phase != Reading:
		who = workflows.Union(who, s.managers(), s.Electorate)
	case s.Manual && (s.Phase == Doing || s.Phase == Restoring), s.Drifted:
		who = workflows.Union(who, s.managers())
	}
	return who
}

const (
	cardMain    = "main"
	cardOutcome = "outcome"
)

// cards builds every message.
func (s State) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.Told {
		out = append(out, s.card(who))
	}
	if s.Channel != "" && (s.Urgent && s.Phase != Reading || s.Closed()) {
		c := workflows.Card{Name: cardOutcome, Recipient: s.Channel, Round: s.Round, Note: s.note(), Bulk: true, Title: title(s), Lines: s.notice(), Fallback: workflows.Plain(title(s), nil)}
		out = append(out, c)
	}
	for i, n := range s.Noticed {
		text := fmt.Sprintf("The access of %s to %s ends %s, in %s.", s.Email, workflows.Esc(s.where()), workflows.When(n.Until), workflows.Span(n.Until.Sub(n.At)))
		if !s.Urgent {
			text += " To keep it longer press “Ask for more time” on the card; the approvers decide."
		}
		for _, who := range n.To {
			out = append(out, workflows.Card{Name: fmt.Sprintf("notice-%d", i+1), Recipient: who, Under: cardMain, Title: text, Note: s.note(), Fallback: workflows.Plain(text, nil), Bulk: true})
		}
	}
	for _, n := range s.Reminded {
		text := fmt.Sprintf("Still open: %s. %s of %s answered; the time to decide ends %s, in %s.", workflows.Esc(s.Title()), strconv.Itoa(len(s.Ballot.Votes)),
			workflows.Plural(len(s.Asked), "person asked"), workflows.When(n.Until), workflows.Span(n.Until.Sub(n.At)))
		text = strings.Replace(text, "person askeds", "people asked", 1)
		for _, who := range n.To {
			out = append(out, workflows.Card{Name: fmt.Sprintf("reminder-%d", n.N), Recipient: who, Under: cardMain, Title: text, Note: s.note(), Fallback: workflows.Plain(text, nil), Bulk: true})
		}
	}
	return out
}

// card is one person's card.
func (s State) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: s.note(), Title: title(s), Fallback: s.fallback(who)}
	if s.Closed() {
		c.Lines = endLines(s)
		return c
	}
	c.Lines = append([]string{s.askedLine()}, s.lines(who)...)
	c.Facts = s.facts()
	c.Buttons = s.buttons(who)
	return c
}

func (s State) note() string { return "Access " + s.ID }

// buttons are what this person may press now; deciding authorises again.
func (s State) buttons(who string) []workflows.Button {
	own, manager := workflows.Among(who, s.own()), workflows.Among(who, s.managers())
	var out []workflows.Button
	add := func(ok bool, b workflows.Button) {
		if ok {
			out = append(out, b)
		}
	}
	b, asked := s.question()
	mayVote := b != nil && workflows.Among(who, asked) && !s.barred(who)
	add(mayVote && workflows.Among(who, s.unanswered()), workflows.Button{Action: ActApprove, Label: s.approveLabel(), Style: workflows.Primary})
	changes := b != nil && slices.ContainsFunc(b.Votes, func(v approvals.Vote) bool { return v.By == who }) // whoever approved may still say no
	add(mayVote && (changes || workflows.Among(who, s.unanswered())), workflows.Button{Action: ActRefuse, Label: "Refuse…", Style: workflows.Danger})
	switch s.Phase {
	case Reading, Approving:
		add(own, workflows.Button{Action: ActCancel, Label: "Cancel request…"})
	case Doing:
		add(s.Manual && !s.Checks && manager && who != s.Person, s.swear("It is done", "In integrator.io, "+s.doneWord()+"."))
		add(!s.InFlight && (own || manager), workflows.Button{Action: ActCancel, Label: "Cancel request…"})
	case Pending:
		add(manager && who != s.Person && s.mayAttestAcceptance(), s.swear("It is accepted", s.Email+" has accepted the invitation and is listed as accepted."))
		add(own || manager, workflows.Button{Action: ActCancel, Label: "Take it back"})
	case Active:
		add((own || manager) && s.Extend == nil && !s.Urgent, workflows.Button{Action: ActExtend, Label: "Ask for more time"})
		add(own || manager, workflows.Button{Action: ActEnd, Label: "I'm done: end it", Confirm: &workflows.Confirm{Title: "End it now?", Text: s.endWord(), Yes: "End it", No: "Keep it"}})
	case Restoring:
		add(s.Drifted && manager && who != s.Person, workflows.Button{Action: ActAdopt, Label: "Leave it as it is"})
		add(s.Drifted && manager && who != s.Person, workflows.Button{Action: ActUndo, Label: "Restore all the same", Style: workflows.Danger})
		add(s.Manual && !s.Checks && manager && who != s.Person, s.swear("It is done", "In integrator.io, "+s.restoredWord()+"."))
	}
	for i := range out[min(1, len(out)):] { // one is enough
		if out[0].Style == workflows.Primary {
			out[i+1].Style = strings.TrimPrefix(out[i+1].Style, workflows.Primary)
		}
	}
	return out
}

func (s State) approveLabel() string {
	switch {
	case s.Extend != nil:
		return "Give more time"
	case s.Urgent:
		return "Let it stand"
	}
	return "Approve"
}

func (s State) swear(label, text string) workflows.Button {
	return workflows.Button{Action: ActAttest, Label: label, Style: workflows.Primary, Confirm: &workflows.Confirm{Title: "Do you swear to it?",
		Text: text + " This is recorded under your name.", Yes: "It is so", No: "Not yet"}}
}
