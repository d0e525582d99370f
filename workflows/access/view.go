package access

import (
	"cmp"
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

// unwatched stands for what was never looked at: whatever is read is worth knowing.
const unwatched = "unwatched"

// watches follow an open invitation, and what people do in the pages, said or not.
func (s State) watches() []workflows.Watch {
	known := s.Mark
	switch {
	case s.Closed():
		return nil
	case s.Phase == Pending && !s.byHand():
	case s.Manual && (s.Phase == Doing || s.Phase == Restoring) && s.canSee():
		known = cmp.Or(s.Watched, unwatched)
	default:
		return nil
	}
	return []workflows.Watch{{Name: "user", Every: s.Policy.WatchEvery,
		Call: workflows.Call{Op: workflows.OpWatchUser, Account: s.AccountID, Environment: s.Environment, Email: s.address(), Who: s.Who, Known: known}}}
}

// waiting lists who can move it on now.
func (s State) waiting() []string {
	if s.Closed() {
		return nil
	}
	out := s.unanswered()
	switch {
	case s.Drifted:
		out = workflows.Union(out, s.able())
	case s.Manual && (s.Phase == Doing || s.Phase == Restoring):
		out = workflows.Union(out, s.doers())
	case s.Phase == Pending:
		out = workflows.Union(out, []string{s.Person, s.Requester})
	case s.Phase == Active:
		out = workflows.Union(out, s.own())
	}
	return out
}

// audience lists who must have a card now. Apply adds them to Told, from which nobody is ever taken.
func (s State) audience() []string {
	if s.Review != "" {
		return s.reviewAudience()
	}
	who := s.own()
	_, asked := s.question()
	who = workflows.Union(who, asked, s.escalated())
	switch {
	case s.Urgent && s.Phase != Reading:
		who = workflows.Union(who, s.managers(), s.Electorate)
	case s.Manual && (s.Phase == Doing || s.Phase == Restoring), s.Drifted:
		who = workflows.Union(who, s.managers())
	}
	return who
}

// reviewAudience are those who must act on what a review decided, and, once it is late, those who may. Nobody else asked for a card.
func (s State) reviewAudience() []string {
	switch {
	case s.Closed():
		return nil
	case s.Drifted:
		return s.able()
	case s.Manual, s.Late != nil:
		return s.doers()
	}
	return nil
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
	for _, n := range s.Unasked {
		text := "You are no longer asked: " + workflows.Esc(s.Title()) + ". Whoever let you decide in their place has taken that back, or its time is over."
		for _, who := range n.To {
			out = append(out, workflows.Card{Name: fmt.Sprintf("unasked-%d", n.N), Recipient: who, Under: cardMain, Title: text, Note: s.note(),
				Fallback: workflows.Plain(text, nil), Bulk: true})
		}
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
	if s.Late != nil {
		text := fmt.Sprintf("! Late: %s. The review asked for it by %s.", workflows.Esc(s.Title()), workflows.When(s.Late.Until))
		for _, who := range s.Late.To {
			out = append(out, workflows.Card{Name: "late", Recipient: who, Under: cardMain, Title: text, Note: s.note(), Fallback: workflows.Plain(text, nil), Bulk: true})
		}
	}
	for _, who := range s.escalated() {
		if workflows.Among(who, s.own()) {
			text := "Still open, and too few have answered: " + workflows.Esc(s.Title())
			out = append(out, workflows.Card{Name: "escalated", Recipient: who, Under: cardMain, Title: text, Lines: []string{s.silence()}, Note: s.note(), Fallback: workflows.Plain(text, nil), Bulk: true})
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
	attests, stops, settles := workflows.Among(who, s.doers()), workflows.Among(who, s.stoppers()), s.Drifted && workflows.Among(who, s.able())
	var out []workflows.Button
	add := func(ok bool, b workflows.Button) {
		if ok {
			out = append(out, b)
		}
	}
	b, asked := s.question()
	mayVote := b != nil && workflows.Among(who, asked) && !s.barred(who)
	add(mayVote && workflows.Among(who, s.unanswered()), workflows.Button{Action: ActApprove, Label: s.approveLabel(), Style: workflows.Primary})
	changes := b != nil && holdsSeat(b.Votes, who) // whoever approved may still say no
	add(mayVote && (changes || workflows.Among(who, s.unanswered())), workflows.Button{Action: ActRefuse, Label: "Refuse…", Style: workflows.Danger})
	switch s.Phase {
	case Waiting, Reading, Approving:
		add(stops && (own || s.Review != ""), workflows.Button{Action: ActCancel, Label: "Cancel request…"})
	case Doing:
		add(settles && s.Taking.May(who), workflows.Button{Action: ActAdopt, Label: "Leave it as it is"})
		add(settles, workflows.Button{Action: ActUndo, Label: "Do it all the same", Style: workflows.Danger})
		add(s.Manual && !s.Checks && !s.Drifted && attests, s.swear("It is done", "In integrator.io, "+s.doneWord()+"."))
		add(!s.InFlight && !s.Drifted && stops, workflows.Button{Action: ActCancel, Label: "Cancel request…"})
	case Pending:
		add(workflows.Among(who, s.resenders()) && !s.byHand() && !s.Resending, s.resendButton())
		add(attests && s.mayAttestAcceptance(), s.swear("It is accepted", s.Email+" has accepted the invitation and is listed as accepted."))
		add(own || manager, workflows.Button{Action: ActCancel, Label: "Take it back"})
	case Active:
		add((own || manager) && s.Extend == nil && !s.Urgent, workflows.Button{Action: ActExtend, Label: "Ask for more time"})
		add(own || manager, workflows.Button{Action: ActEnd, Label: "I'm done: end it", Confirm: &workflows.Confirm{Title: "End it now?", Text: s.endWord(), Yes: "End it", No: "Keep it"}})
	case Restoring:
		add(settles && s.Taking.May(who), workflows.Button{Action: ActAdopt, Label: "Leave it as it is"})
		add(settles, workflows.Button{Action: ActUndo, Label: "Restore all the same", Style: workflows.Danger})
		add(s.Manual && !s.Checks && attests, s.swear("It is done", "In integrator.io, "+s.restoredWord()+"."))
	}
	first := slices.IndexFunc(out, func(b workflows.Button) bool { return b.Style == workflows.Primary })
	for i := range out { // one is enough
		if i > first && first >= 0 {
			out[i].Style = strings.TrimPrefix(out[i].Style, workflows.Primary)
		}
	}
	return out
}

// holdsSeat reports whether what stands in some seat was said by this person.
func holdsSeat(votes []approvals.Vote, who string) bool {
	stands := map[string]string{}
	for _, v := range votes {
		if by := stands[v.Seat]; by != v.Seat || v.By == v.Seat { // whose seat it is has the last word
			stands[v.Seat] = v.By
		}
	}
	for _, by := range stands {
		if by == who {
			return true
		}
	}
	return false
}

func (s State) resendButton() workflows.Button {
	b := workflows.Button{Action: ActResend, Label: "Send it again"}
	if !s.Declined.IsZero() {
		b.Style = workflows.Primary
	}
	return b
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
