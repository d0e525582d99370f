package transfer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// view computes what the world should show.
func (s State) view() workflows.View {
	return workflows.View{Cards: s.cards(), Former: s.former(), Timers: s.timers(), Watches: s.watches(),
		Waiting: s.waiting()}
}

// former: the end had a message of its own once, also where the owner has changed.
func (s State) former() []workflows.Card {
	if s.Closed() && s.Channel != "" && s.changed() {
		return []workflows.Card{{Name: cardOutcome, Recipient: s.Channel}}
	}
	return nil
}

// Names of cards.
const (
	cardMain    = "main"
	cardNotice  = "notice"  // in the channel: the start
	cardOutcome = "outcome" // in the channel: the end, where the owner has not changed
	cardChanged = "changed" // to the previous owner and the channel: the owner has changed; there the end as well
)

// cards builds every message of the transfer.
func (s State) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.Told {
		out = append(out, s.card(who))
	}
	if s.Channel != "" {
		out = append(out, s.notice())
	}
	if s.changed() {
		for _, who := range workflows.Union(s.FromPeople, []string{s.Channel}) {
			out = append(out, s.changedCard(who))
		}
	}
	if s.Closed() && s.Channel != "" && !s.changed() {
		out = append(out, workflows.Card{Name: cardOutcome, Recipient: s.Channel, Title: endTitle(s),
			Lines: endLines(s, ""), Note: s.note(), Fallback: endFallback(s)})
	}
	out = append(out, asks.Cards(s, cardMain, s.note())...)
	for _, r := range s.Reminders {
		for _, who := range r.To {
			out = append(out, s.reminder(r, who))
		}
	}
	return out
}

// card is one person's card.
func (s State) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: s.note()}
	if s.Closed() {
		c.Title, c.Lines, c.Fallback = endTitle(s), endLines(s, who), endFallback(s)
		return c
	}
	c.Title = s.in().title(s)
	c.Fallback = s.in().notify(s, who)
	c.Lines = append([]string{askedLine(s)}, s.lines(who)...)
	c.Facts = s.in().facts(s, who)
	c.Buttons = s.buttons(who)
	c.Details = s.details(who)
	if s.passing() {
		c.Passing = workflows.Moment
	}
	return c
}

// passing reports whether the transfer goes on by itself as soon as integrator.io has answered.
func (s State) passing() bool {
	switch {
	case s.Ending != nil, s.held(), s.rereads():
		return false
	case s.Stage == Preparing:
		return s.Prep.Sending
	case s.Stage == Inviting:
		return s.Invite.Sending
	case s.Stage == Cooling:
		return s.Cooled && !s.Paused
	}
	return s.Stage == Checking
}

func (s State) note() string { return "Transfer " + s.ID }

// checkLine shows one check with its remedy or its waiver.
func (s State) checkLine(c Check) string {
	line := s.mark(c) + " " + c.Text
	for _, w := range s.Waivers {
		if w.Check == c.Key && c.Result == Block {
			return workflows.Say("%s (waived by %m: %q)", workflows.Text(line), w.By, w.Reason)
		}
	}
	if c.Result != Pass && c.Remedy != "" {
		line += ". " + c.Remedy
	}
	return line
}

// watches says what is looked at until it changes. An account that could not be read is read again.
func (s State) watches() []workflows.Watch {
	switch {
	case s.Closed(), !s.Token, s.Ending != nil && s.Ending.TakesBack:
		return nil
	case s.rereads():
		return s.watch("checks", inspectCall(s.AccountID, s.Frozen, s.Target)) // whatever is read is worth knowing
	case s.Caps.Token == workflows.No:
		return nil
	}
	if all := s.in().watches(s); len(all) > 0 || !s.held() {
		return all
	}
	c := inspectCall(s.AccountID, s.Frozen, s.Target)
	c.Known = s.Mark
	return s.watch("checks", c)
}

// waiting lists who can move the transfer on now.
func (s State) waiting() []string {
	switch {
	case s.Closed(), s.Ending != nil:
		return nil
	case s.held(), s.rereads():
		return workflows.Union([]string{s.Requester}, s.Holders)
	}
	return s.in().waiting(s)
}

// audience lists who must have a card now. Folding adds them to Told, from which nobody is ever
// taken.
func (s State) audience() []string {
	who := []string{s.Requester}
	if s.held() || s.rereads() {
		who = workflows.Union(who, s.Holders)
	}
	return workflows.Union(who, s.in().audience(s))
}

// lines are those of the stage, unless an end waits for integrator.io.
func (s State) lines(who string) []string {
	if s.Ending != nil {
		return []string{"… " + endingWord(s.Ending.Outcome) + ". " + s.endingNow() +
			"; this ends when integrator.io has confirmed that."}
	}
	return s.in().lines(s, who)
}

// stageLine is the state of things in a sentence.
func stageLine(s State) string {
	switch {
	case s.Closed():
		return outcomeLine(s)
	case s.Ending != nil:
		return s.endingNow() + "."
	}
	return s.in().now(s)
}

// checkLines are the checks as a card shows them to somebody: what stands against it, each in a
// line, and how many are good in another.
func (s State) checkLines(who string) []string {
	var out []string
	good, said := 0, s.unseenLine()
	if said != "" {
		out = append(out, said)
	}
	for _, c := range s.shownChecks(who) {
		switch mark := s.mark(c); {
		case c.Result == Pass:
			good++
		case c.Result == Block:
			out = append(out, s.checkLine(c))
		default: // the remedy stands in the details: nothing has to be done before one decides
			out = append(out, mark+" "+c.Text)
		}
	}
	switch {
	case good == 0:
	case len(out) == 0:
		out = append(out, workflows.Say("✓ All %n are good", good, "check"))
	case good == 1:
		out = append(out, "✓ 1 other check is good")
	default:
		out = append(out, workflows.Say("✓ %d other checks are good", good))
	}
	return out
}

// unseenLine is what an account that Keyholder cannot look into is shown with, "" for any other.
func (s State) unseenLine() string {
	if s.Caps.Token != workflows.No || len(s.Checks) == 0 {
		return ""
	}
	return "? Keyholder has no token for this account, so it saw nothing there. Look in integrator.io yourself: " +
		s.To +
		" must be listed under Users as accepted and enabled, no other transfer may be pending, " +
		"and open errors, running jobs and what is shared are worth a look."
}

// shownChecks are those that concern somebody: how the rules could be better is for administrators,
// who can have them changed.
func (s State) shownChecks(who string) []Check {
	return slices.DeleteFunc(slices.Clone(s.Checks), func(c Check) bool {
		switch {
		case c.Result == Unknown && s.Caps.Token == workflows.No:
			return true
		case c.Kind == Advice && c.Result == Pass:
			return true
		}
		return c.Key == CheckHolders && !workflows.Among(who, s.Admins)
	})
}

// details are all checks with what to do about them, and what comes next.
func (s State) details(who string) []string {
	if s.Ending != nil {
		return nil
	}
	var out, checks []string
	if said := s.unseenLine(); said != "" {
		checks = append(checks, said)
	}
	for _, c := range s.shownChecks(who) {
		checks = append(checks, s.checkLine(c))
	}
	if len(checks) > 0 {
		out = append(out, "*What was looked at*\n"+strings.Join(checks, "\n"))
	}
	return append(out, s.in().details(s, who)...)
}

// buttons are what this person may press now; nothing while an end waits for integrator.io.
func (s State) buttons(who string) []workflows.Button {
	if s.Ending != nil {
		return nil
	}
	return s.in().buttons(s, who)
}

// reminder is a thread reply under the person's card. Its text rests on what was kept when it was
// sent, so that it never changes.
func (s State) reminder(r Reminder, who string) workflows.Card {
	text := "A reminder: "
	if st, known := stages[r.Stage]; known {
		text += st.remind(s)
	}
	if !r.Until.IsZero() {
		text += workflows.Say(" by %t, in %l.", r.Until, r.Until.Sub(r.At))
	}
	return workflows.Card{Name: fmt.Sprintf("nudge-%d", r.N), Recipient: who, Under: cardMain, Title: text,
		Note:     s.note(),
		Fallback: workflows.Plain(text, nil), Bulk: true}
}

// askedLine says who asked, when and why.
func askedLine(s State) string {
	line := workflows.Say("%m asked, %t. Reason: %q", s.Requester, s.Begun, s.Reason)
	if s.From != "" && !s.changed() {
		line += "\nOwner now: " + s.From + ", who then has " + roleWord(s.PreviousRole) + "."
	}
	return line
}

// notice is the channel's message: the start, and in the end no more than a line.
func (s State) notice() workflows.Card {
	c := workflows.Card{Name: cardNotice, Recipient: s.Channel, Note: s.note(), Bulk: true,
		Title:    workflows.Say("Asked: hand %s to %s", s.AccountName, s.To),
		Fallback: "Asked: hand " + s.AccountName + " to " + s.To}
	c.Lines = []string{askedLine(s), workflows.Say("%m decide; %n are needed. They are asked in direct "+
		"messages.", s.Electorate, s.Policy.Quorum, "confirmation")}
	if s.Policy.Quorum == 1 {
		c.Lines[1] = workflows.Say("%m decide; 1 confirmation is needed. They are asked in direct messages.",
			s.Electorate)
	}
	if len(s.Electorate) == 1 {
		c.Lines[1] = workflows.Say("%m decides, asked in a direct message.", s.Electorate)
	}
	if s.changed() || s.Closed() {
		c.Lines = c.Lines[:1]
	}
	return c
}

// changedCard is the one message that confirms the change of owner, to the previous owner and the
// channel.
func (s State) changedCard(who string) workflows.Card {
	c := workflows.Card{Name: cardChanged, Recipient: who, Note: s.note(), Title: workflows.Say("✓ %s has a "+
		"new owner", s.AccountName),
		Fallback: s.AccountName + " now belongs to " + s.To + ", no longer to " + s.From}
	text := changedSentence(s)
	if workflows.Among(who, s.FromPeople) {
		text += " You, " + s.From + ", have the manage role" + s.follows() + ". Thank you for handing it over."
	} else {
		text += " Until now it belonged to " + s.From + ", who has the manage role" + s.follows() + "."
	}
	c.Lines = []string{text}
	if s.Closed() && who == s.Channel {
		c.Title = endTitle(s)
		c.Fallback += ". " + endingWord(s.End.Outcome) + "."
		c.Lines[0] = strings.Join(append([]string{c.Lines[0] + " " + endedWhen(s)}, s.votes()...), "\n")
		c.Lines = append(c.Lines, endLines(s, "")[1:]...)
	}
	return c
}

// follows says what the previous owner is to have in the end, where that is more than integrator.io
// does by itself.
func (s State) follows() string {
	switch s.PreviousRole {
	case RoleManage:
		return ""
	case RoleRemove:
		return " until the account is settled; then the access ends, as agreed"
	}
	return "; " + roleWord(s.PreviousRole) + " is agreed and follows"
}

func changedSentence(s State) string {
	source := workflows.Say("seen at integrator.io, %t", s.changedAt())
	if s.Settle.How == workflows.Attested {
		source = workflows.Say("%m says so, %t", s.Settle.Attested, s.changedAt())
	}
	return workflows.Say("%s now belongs to %s (%s).", s.AccountName, s.To, workflows.Text(source))
}

func mentioned(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = workflows.Mention(id)
	}
	return out
}

// administrators names whom to ask for what needs an administrator.
func (s State) administrators() string {
	if len(s.Admins) == 0 {
		return "An administrator of the account"
	}
	return workflows.Mentions(s.Admins)
}
