package access

import (
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// view computes what the world should show.
func (s State) view() workflows.View {
	return workflows.View{Cards: s.cards(), Former: s.former(), Timers: s.timers(), Watches: s.watches(),
		Waiting: s.waiting()}
}

// former: what a review had decided was told in the channel by a message of its own once.
func (s State) former() []workflows.Card {
	if s.Closed() && s.Channel != "" && s.toldByReview() {
		return []workflows.Card{{Name: cardOutcome, Recipient: s.Channel}}
	}
	return nil
}

// watches follow an open invitation, and what people do in the pages, said or not.
func (s State) watches() []workflows.Watch {
	known, looks := s.in().watch(s)
	if s.Closed() || !looks {
		return nil
	}
	call := s.call(workflows.OpWatchUser)
	call.Known = known
	return []workflows.Watch{{Name: "user", Every: s.Policy.WatchEvery, Call: call}}
}

// waiting lists who can move it on now.
func (s State) waiting() []string {
	if s.Closed() {
		return nil
	}
	return workflows.Union(s.asked().Waiting, s.in().waiting(s))
}

const (
	cardMain    = "main"
	cardOutcome = "outcome"
	// cardEscalated is the question's, that answers are missing.
	cardEscalated = "escalated"
)

// cards builds every message.
func (s State) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.Told {
		out = append(out, s.card(who))
	}
	if s.Channel != "" && (s.Urgent && s.Stage != Reading || s.Closed() && !s.toldByReview()) {
		out = append(out, s.channelCard())
	}
	out = append(out, s.noticeCards()...)
	out = append(out, s.lateCards()...)
	for _, c := range append(asks.Cards(s, cardMain, s.note()), more.Cards(s, cardMain, s.note())...) {
		if c.Name == cardEscalated && !workflows.Among(c.Recipient, s.own()) {
			continue // whoever looks after access gets their card by it, which says so
		}
		out = append(out, c)
	}
	return out
}

// toldByReview reports whether the one post of a review says that this is done: in the channel it would
// be one of many.
func (s State) toldByReview() bool { return s.Review != nil && s.End.Outcome == Done }

// replies are the same text under the card of each.
func (s State) replies(name string, to []string, text string) []workflows.Card {
	var out []workflows.Card
	for _, who := range to {
		out = append(out, workflows.Card{
			Name: name, Recipient: who, Under: cardMain, Title: text, Note: s.note(),
			Fallback: workflows.Plain(text, nil), Bulk: true,
		})
	}
	return out
}

// channelCard tells the channel.
func (s State) channelCard() workflows.Card {
	c := workflows.Card{
		Name: cardOutcome, Recipient: s.Channel, Round: s.Round, Note: s.note(), Bulk: true, Title: title(s),
		Fallback: workflows.Plain(title(s), nil),
	}
	if s.Closed() {
		c.Lines = endLines(s)
		return c
	}
	c.Lines = []string{s.askedLine(), workflows.Say("It is given at once. %m are told.", s.managers())}
	return c
}

// card is one person's card.
func (s State) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: s.note(), Title: title(s),
		Fallback: s.fallback(who)}
	if s.Closed() {
		c.Lines = endLines(s)
		return c
	}
	c.Lines = append([]string{s.askedLine()}, s.lines(who)...)
	if s.Kept != nil {
		c.Lines = append(c.Lines, "! "+s.Kept.words())
	}
	c.Facts = s.facts()
	c.Buttons = s.buttons(who)
	c.Details = s.details()
	if s.Stage == Reading || s.Stage == Doing && !s.byHand() {
		c.Passing = workflows.Moment
	}
	return c
}

// details say what comes next while it is not given yet.
func (s State) details() []string {
	switch s.Stage {
	case Approving, Doing, Pending:
	default:
		return nil
	}
	next := "Keyholder does it at integrator.io and reads it back."
	if s.byHand() || !s.Read.OK {
		next = "A holder or an administrator does it in integrator.io and says so here."
	}
	if s.boxed() {
		next += " The time runs from when the access can be used, and whoever has it hears before it ends."
	}
	return []string{"*What comes next*\n" + next}
}

func (s State) note() string { return "Access " + s.ID }

// title is the card's first line.
func title(s State) string {
	what := workflows.Esc(s.Title())
	if s.Closed() {
		if s.End.Outcome == Done || s.End.Outcome == Ended {
			return "✓ " + what
		}
		return "✗ " + what
	}
	if of := s.in().title(s); of != "" {
		return of
	}
	switch {
	case s.Late != nil:
		return "! Late: " + what
	case s.Urgent:
		return "! Urgent: " + what
	}
	return what
}

// fallback is the notification line; it stands alone.
func (s State) fallback(who string) string {
	asked := s.asked()
	switch {
	case s.Closed():
		return workflows.Plain(title(s), nil) + ": " + outcomeWord(s)
	case workflows.Among(who, asked.Waiting):
		return "Your answer is needed: " + s.Title()
	case asked.Escalated != nil && workflows.Among(who, asked.Escalated.To):
		return "Too few have answered: " + s.Title()
	case s.Changed.Asks && workflows.Among(who, s.able()):
		return "Decide: the access of " + s.Email + " was changed by somebody else"
	}
	return s.Title() + ": " + workflows.Plain(stageLine(s), nil)
}

// lines say what is asked, why you, what happens next, by when and who else.
func (s State) lines(who string) []string {
	var out []string
	if o := s.asking(); o != nil {
		out = append(out, o.Lines(s, who)...)
	}
	if s.Call.InFlight && s.Call.Slow {
		out = append(out, "! integrator.io has not answered yet. Nothing is lost: Keyholder goes on asking.")
	}
	if s.Address != "" {
		out = append(out, s.renamedLine())
	}
	return append(out, s.in().lines(s, who)...)
}

// renamedLine shows both addresses of a user who changed theirs.
func (s State) renamedLine() string {
	return workflows.Say("! %s has another address at integrator.io by now: %s. It is the same user.", s.Email,
		s.Address)
}

// facts show the difference and the answers, but for those that stand beside the open question.
func (s State) facts() []string {
	var out []string
	if s.Stage != Reading && s.Stage != Waiting {
		out = append(out, s.difference()...)
	}
	if s.Changed.Asks {
		out = append(out, s.Changed.Taking.Lines()...)
	}
	if s.asking() == &asks {
		return append(out, s.moreVotes()...)
	}
	return append(out, s.votes()...)
}

// votes are all answers, those on more time marked as such.
func (s State) votes() []string {
	s.Question.Looks = nil // of answers alone
	return append(asks.Votes(s), s.moreVotes()...)
}

// moreVotes are the answers to earlier questions for more time.
func (s State) moreVotes() []string {
	var out []string
	for i, v := range s.Box.Past {
		out = append(out, more.Vote(v, slices.Contains(s.Box.Proven, i))+" (more time)")
	}
	return out
}

// buttons are what this person may press now; deciding authorises again.
func (s State) buttons(who string) []workflows.Button {
	var out []workflows.Button
	if o := s.asking(); o != nil {
		out = o.Buttons(s, who)
	} else {
		out = asks.Answered(s, who)
	}
	out = append(out, s.in().buttons(s, who)...)
	if s.asking() == nil && len(out) == 1 && asks.Shows(out[0].Action) {
		return nil // alone it would say no more than the line of the answers does
	}
	first := slices.IndexFunc(out, func(b workflows.Button) bool { return b.Style == workflows.Primary })
	for i := range out { // one is enough
		if i > first && first >= 0 {
			out[i].Style = strings.TrimPrefix(out[i].Style, workflows.Primary)
		}
	}
	return out
}
