package recovery

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

const (
	cardMain    = "main"
	cardNotice  = "notice"  // in the channel: the start
	cardOutcome = "outcome" // in the channel: the end
)

// view is what the world should show.
func (s State) view() workflows.View {
	return workflows.View{Cards: s.cards(), Timers: s.timers(), Waiting: s.waiting()}
}

// waiting are those who can move it on now.
func (s State) waiting() []string {
	var who []string
	if s.asked() {
		who = s.Question.Waiting
	}
	switch s.Stage {
	case Climbing:
		who = workflows.Union(s.Step.Waiting(), who)
	case Securing:
		who = s.managers()
	case Asking, Cooling:
	default:
		return nil
	}
	return who
}

func (s State) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.Told {
		out = append(out, s.card(who))
	}
	if s.Channel != "" {
		out = append(out, s.notice())
		if s.Closed() {
			out = append(out, workflows.Card{
				Name: cardOutcome, Recipient: s.Channel, Title: s.endTitle(), Lines: s.endLines(false),
				Note: s.note(), Fallback: workflows.Plain(s.endTitle(), nil),
			})
		}
	}
	out = append(out, asks.Cards(s, cardMain, s.note())...)
	return append(out, rungs.Cards(s, s.Step.Name, cardMain, s.note())...)
}

func (s State) note() string { return "Recovery " + s.ID }

// notice tells the channel that it began.
func (s State) notice() workflows.Card {
	title := workflows.Say("Nobody can sign in as the owner of %s: %s", s.AccountName,
		workflows.Text(situationWord(s.Situation)))
	return workflows.Card{
		Name: cardNotice, Recipient: s.Channel, Title: title, Note: s.note(), Fallback: workflows.Plain(title, nil),
		Lines: []string{s.reported(), workflows.Say("%m decide; whoever can still open the mailbox says so on "+
			"their card.", s.Electorate)},
	}
}

func (s State) reported() string {
	return workflows.Say("%m reported it %t. What is known: %q", s.Reporter, s.Begun, s.Reason)
}

func (s State) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: s.note()}
	if s.Closed() {
		c.Title, c.Lines = s.endTitle(), s.endLines(s.Stage == Failed)
		c.Fallback = workflows.Plain(c.Title, nil)
		if s.Stage == Regained && !s.IsAlias && workflows.Among(who, s.managers(), s.owners()) {
			c.Buttons = []workflows.Button{{Action: ActTransfer, Label: "Hand it to the shared mailbox…",
				Style: workflows.Primary}}
		}
		return c
	}
	c.Title = workflows.Say("Nobody can sign in as %s, the owner of %s", s.Owner, s.AccountName)
	c.Fallback = workflows.Plain(c.Title+": "+workflows.Plain(s.now(), nil), nil)
	c.Lines = append([]string{workflows.Say("What happened: %s. ", workflows.Text(situationWord(s.Situation))) +
		s.reported()}, s.lines(who)...)
	c.Facts = s.facts()
	c.Buttons = s.buttons(who)
	c.Details = s.details()
	return c
}

// details are the way that lies ahead, while nobody is on it.
func (s State) details() []string {
	if s.Stage != Asking && s.Stage != Cooling {
		return nil
	}
	steps := []string{"*What comes next*", workflows.Say("• After the last approval anybody of %m can stop it for %l.",
		s.stoppers(), s.Policy.Cooldown)}
	for i, rung := range s.Left {
		begin := "Then"
		if i > 0 {
			begin = "If that does not work"
		}
		steps = append(steps, workflows.Say("• %s: %s; asked of %m.", begin, workflows.Text(s.what(rung)),
			s.doers(rung)))
	}
	steps = append(steps,
		"• Somebody else looks that it worked; then the password, the second factor and the rest are made safe.")
	return []string{strings.Join(steps, "\n"),
		"Whoever can still open the mailbox says so with “I can open it”, at any time: that needs no approval."}
}

// facts are what is known and what was tried.
func (s State) facts() []string {
	var out []string
	if s.SignIns != nil {
		out = append(out, s.SignIns.sentence())
	}
	for _, st := range s.Tried {
		out = append(out, "✗ "+strings.ToUpper(s.what(st.Name)[:1])+s.what(st.Name)[1:]+": "+attempt(st))
	}
	return out
}

// lines are what a person's card says in the stage of now.
func (s State) lines(who string) []string {
	var out []string
	if s.Opens != nil && s.Stage == Climbing && s.Step.Name == RungReset {
		out = append(out, workflows.Say("! %m says, %t: I can open the mailbox. If that is not right, cancel "+
			"this.", s.Opens.By, s.Opens.At))
	}
	switch s.Stage {
	case Asking:
		out = append(out, asks.Lines(s, who)...)
	case Cooling:
		out = append(out, workflows.Say("✓ Approved. Until %u anybody of %m can stop it; after that it is for %m "+
			"to act.", s.Until, s.stoppers(), s.doers(s.Left[0])))
		out = append(out, asks.Votes(s)...)
	case Climbing:
		if s.Approved.IsZero() {
			out = append(out, asks.Lines(s, who)...)
		}
		out = append(out, workflows.Say("*To do now:* %s.", workflows.Text(s.what(s.Step.Name))))
		out = append(out, rungs.Lines(s, s.Step.Name)...)
		if workflows.Among(who, s.Step.People, s.managers()) {
			out = append(out, numbered(s.instructions(s.Step.Name)))
		}
	case Securing:
		out = append(out, workflows.Say("✓ The sign-in is regained. By %u: %s. Then %m end this.", s.Until,
			workflows.Text(strings.Join(points(pointKeys(s)), "; ")), s.managers()))
		if s.Vault != "" {
			out = append(out, workflows.Say("The new password belongs into %q; never write it here.", s.Vault))
		}
	}
	return out
}

func numbered(lines []string) string {
	var out []string
	for _, l := range lines {
		out = append(out, "• "+l)
	}
	return strings.Join(out, "\n")
}

func (s State) buttons(who string) []workflows.Button {
	var out []workflows.Button
	if s.asked() {
		out = append(out, asks.Buttons(s, who)...)
	} else if s.Stage == Cooling {
		out = asks.Answered(s, who)
	}
	out = append(out, rungs.Buttons(s, s.Step.Name, who)...)
	if s.Stage == Securing && workflows.Among(who, s.managers()) {
		out = append(out, workflows.Button{Action: ActSettle, Label: "It is safe…", Style: workflows.Primary})
	}
	opening := s.Step.Name == RungReset && len(s.Step.People) == 1 && s.Step.People[0] == who
	if s.Stage != Securing && workflows.Among(who, s.openers()) && !opening && s.Step.Done == nil {
		out = append(out, workflows.Button{Action: ActCan, Label: "I can open it", Confirm: &workflows.Confirm{
			Title: "You can open the mailbox?", Yes: "I can open it", No: "Back",
			Text: "Everybody who has this card reads that you said so. You are then asked to reset the password " +
				"through it.",
		}})
	}
	if s.Stage != Securing && workflows.Among(who, s.stoppers()) {
		out = append(out, workflows.Button{Action: ActCancel, Label: "Cancel…", Style: workflows.Danger})
	}
	return out
}

func (s State) endTitle() string {
	mark := map[string]string{Regained: "✓"}[s.Stage]
	if mark == "" {
		mark = "✗"
	}
	word := map[string]string{
		Regained: "The owner's sign-in of %s is regained", Refused: "Regaining the owner's sign-in of %s was refused",
		Cancelled: "Regaining the owner's sign-in of %s was cancelled",
		Expired:   "Regaining the owner's sign-in of %s was not decided in time",
		Failed:    "The owner's sign-in of %s could not be regained here",
	}[s.Stage]
	return mark + " " + workflows.Say(word, s.AccountName)
}

// endLines are the outcome, who brought it, what is open, and the ticket where it is all that is
// left.
func (s State) endLines(ticket bool) []string {
	var out []string
	switch s.Stage {
	case Regained:
		for _, st := range s.started() {
			if st.Ok() {
				out = append(out, workflows.Say("%m did it %t; %m has seen it.", st.Done.By, st.Done.At,
					st.Seen.By))
			}
		}
		if len(s.End.Open) > 0 {
			out = append(out, workflows.Say("! Still open: %s.", workflows.Text(strings.Join(points(s.End.Open),
				"; "))))
		}
		if !s.IsAlias {
			out = append(out, workflows.Say("%s is a person's address. A shared mailbox as owner outlives each "+
				"of you.", s.Owner))
		}
	case Refused:
		out = append(out, strings.Join(asks.Votes(s), "\n"))
	case Cancelled:
		line := workflows.Say("%m cancelled it %t.", s.End.By.ID, s.Over)
		if s.End.Reason != "" {
			line += workflows.Say(" %q", s.End.Reason)
		}
		out = append(out, line)
	case Expired:
		out = append(out, workflows.Say("It was reported by %m. Whoever still needs it reports it anew.", s.Reporter))
	case Failed:
		out = append(out, workflows.Say("%m can send the ticket to Celigo support, as it stands on their cards.",
			s.doers(RungSupport)))
		if ticket {
			out = append(out, "```"+s.ticket()+"```")
		}
	}
	return out
}
