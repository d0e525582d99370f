package authenticator

import (
	"strconv"

	"github.com/keyholder/keyholder/workflows"
)

// outcome says how it ended.
func (s State) outcome() string {
	if s.Stage == Stopped {
		return workflows.Say("%m said that it is not to count.", s.By)
	}
	return "It was reset by two administrators."
}

// now says what is the case with it, a whole sentence.
func (s State) now() string {
	switch s.Stage {
	case Waiting:
		return workflows.Say("It counts from %t, or as soon as an administrator says that it is theirs.", s.From)
	case Counting:
		return "Its codes count."
	case Locked:
		return "It is locked after five wrong codes; two administrators can reset it."
	}
	return s.outcome()
}

// Standing is all of that for its person, with what they can do.
func (s State) Standing() string {
	text := workflows.Say("Your authenticator app, set up %t: ", s.SetUp) + s.now()
	if !s.Used.IsZero() {
		text += workflows.Say(" Last used %t.", s.Used)
	}
	if s.Stage == Counting && s.Wrong > 0 {
		text += " " + lock(MaxWrong-s.Wrong)
	}
	return text + " A new phone? Two administrators reset it (`{command} step-up reset` with your name), then you set it up again."
}

func (s State) view() workflows.View {
	v := workflows.View{}
	if s.Lost != nil {
		for _, who := range s.Lost.To {
			v.Cards = append(v.Cards, s.lostCard(who))
		}
	}
	for _, who := range s.told() {
		v.Cards = append(v.Cards, s.card(who))
	}
	if s.locked() {
		for _, who := range workflows.Union([]string{s.Person}, s.Alarmed) {
			v.Cards = append(v.Cards, s.lockedCard(who))
		}
	}
	if s.Asked != nil {
		for _, who := range workflows.Union([]string{s.Person}, s.Asked.Tell) {
			v.Cards = append(v.Cards, s.resetCard(who))
		}
	}
	if s.Closed() {
		return v
	}
	if s.Stage == Waiting {
		v.Timers = append(v.Timers, workflows.Timer{Name: timerCount, At: s.From})
	}
	if s.asking() {
		v.Timers = append(v.Timers, workflows.Timer{Name: timerReset, At: s.Asked.Until})
		for _, who := range s.Asked.Tell {
			if who != s.Asked.By {
				v.Waiting = append(v.Waiting, who)
			}
		}
	}
	return v
}

func (s State) name(n int) string { return "app-" + strconv.Itoa(n) }

// blank is a card without its content.
func (s State) blank(name, who string) workflows.Card {
	return workflows.Card{Name: name, Recipient: who, Round: s.Round, Note: workflows.Say("One-time codes, %s", s.ID)}
}

// plain is a title as a notification, which stands alone.
func (s State) plain(title string) string {
	return workflows.Plain(title, func(id string) string {
		if id == s.Person {
			return s.Name
		}
		return ""
	})
}

// whose is the app in a title, for its person or another.
func (s State) whose(who string) workflows.Text {
	if who == s.Person {
		return "your authenticator app"
	}
	return workflows.Phrase("the authenticator app of %m", s.Person)
}

// lostCard is the message about the app before.
func (s State) lostCard(who string) workflows.Card {
	c := s.blank(s.name(s.Lost.N), who)
	c.Title = workflows.Say("✗ %s cannot be read any more", capital(s.whose(who)))
	c.Lines = []string{workflows.Say("The key that sealed it is gone. Another one was set up in its place, %t.",
		s.Lost.At)}
	c.Fallback = s.plain(c.Title)
	return c
}

// card is the message about the app.
func (s State) card(who string) workflows.Card {
	c := s.blank(s.name(s.N), who)
	mine := who == s.Person
	switch s.Stage {
	case Waiting:
		s.waiting(&c, mine)
	case Counting:
		c.Title = workflows.Say("✓ The codes of %s count", s.whose(who))
		c.Lines = []string{s.why()}
	case Locked:
		c.Title = workflows.Say("! %s is locked", capital(s.whose(who)))
		c.Lines = []string{s.now()}
	case Stopped:
		c.Title = workflows.Say("✗ %s never counted", capital(s.whose(who)))
		c.Lines = []string{s.outcome() + workflows.Say(" Ended %t.", s.Over)}
	case Reset:
		c.Title = workflows.Say("✓ %s was reset", capital(s.whose(who)))
		c.Lines = []string{workflows.Say("%m and %m asked for it. Ended %t.", s.Asked.By, s.By, s.Over)}
		if mine {
			c.Lines = append(c.Lines, "To set one up again: `{command} step-up`.")
		}
	}
	c.Fallback = s.plain(c.Title)
	return c
}

// lockedCard is the message that it is locked: one of its own, as it is a reason to look.
func (s State) lockedCard(who string) workflows.Card {
	c := s.blank(s.name(s.N)+"-locked", who)
	c.Title = workflows.Say("! %s was locked", capital(s.whose(who)))
	c.Lines = []string{"Five wrong codes were typed in a row, so none is taken any more, right or wrong, and nothing that wants a proof can be decided with it."}
	switch {
	case s.Closed():
		c.Lines = append(c.Lines, s.outcome())
	case who == s.Person:
		c.Lines = append(c.Lines,
			"If that was not you, somebody uses your Slack: sign out everywhere (Slack, Settings, Account) and tell your security team. "+
				"Two administrators can reset the app; then you set it up again.")
	default:
		c.Lines = append(c.Lines,
			workflows.Say("Ask %m, not in Slack, whether that was them. If not, somebody has their Slack session. Two administrators can reset it: "+
				"`{command} step-up reset @person`.", s.Person))
	}
	c.Fallback = s.plain(c.Title)
	return c
}

// why says since when it counts, and why.
func (s State) why() string {
	switch {
	case s.Proven:
		return workflows.Say("%m had shown who they are at the identity provider when they set it up, %t.", s.Person,
			s.Since)
	case s.Word != "":
		return workflows.Say("%m said at %t that it is theirs.", s.Word, s.Since)
	}
	return workflows.Say("Nobody said otherwise until %t.", s.Since)
}

// waiting is the message while it does not count yet: to those who can say that it was somebody else.
func (s State) waiting(c *workflows.Card, mine bool) {
	stop := workflows.Button{Action: ActStop, Style: workflows.Danger, Label: "This was not me"}
	if mine {
		c.Title = "! An authenticator app was set up in your name"
		c.Lines = []string{
			workflows.Say("Set up at %t, from your Slack. Its codes will show who you are from %t, or as soon as an administrator says that it is yours.", s.Since, s.From),
			"If you did that, there is nothing to do. If not, press the button: it then never counts. And sign out of Slack everywhere, for somebody uses your session.",
		}
		c.Buttons = []workflows.Button{stop}
	} else {
		c.Title = workflows.Say("! %m set up an authenticator app", s.Person)
		c.Lines = []string{
			workflows.Say("Anybody with the Slack session of %m could have done that, so it counts only from %t. You are asked because you administer an account whose decisions want a proof.", s.Person, s.From),
			workflows.Say("Ask %m in person or by telephone, not in Slack. If it was them, it may count now; if not, end it.", s.Person),
		}
		stop.Label = "It was not them"
		c.Buttons = []workflows.Button{{Action: ActCount, Label: "It is theirs", Confirm: &workflows.Confirm{
			Title: "You have asked them?",
			Text:  "Not in Slack, for there a thief would answer. The record keeps that you said so.",
			Yes:   "I have asked them", No: "Back"}}, stop}
	}
}

// resetCard is the message about the question whether it is reset.
func (s State) resetCard(who string) workflows.Card {
	a := s.Asked
	c := s.blank(s.name(s.N)+"-reset-"+strconv.Itoa(s.Asks), who)
	reason := ""
	if a.Reason != "" {
		reason = workflows.Say(" Reason: %q.", a.Reason)
	}
	switch {
	case s.Stage == Reset:
		c.Title = workflows.Say("✓ %s was reset", capital(s.whose(who)))
		c.Lines = []string{workflows.Say("%m and %m asked for it, %t.", a.By, s.By, s.Over) + reason}
	case a.Ended == "kept":
		c.Title = workflows.Say("✗ %s was not reset", capital(s.whose(who)))
		c.Lines = []string{workflows.Say("%m asked for it, %m said no.", a.By, a.Left) + reason}
	case a.Ended != "" || s.Closed():
		c.Title = workflows.Say("✗ %s was not reset", capital(s.whose(who)))
		c.Lines = []string{workflows.Say("%m asked for it, and no second administrator did by %t.", a.By, a.Until) +
			reason}
	default:
		c.Title = workflows.Say("Reset %s?", s.whose(who))
		c.Lines = []string{
			workflows.Say("%m asked for it.", a.By) + reason + workflows.Say(" It takes one more administrator, by %t.",
				a.Until),
			"A reset ends the app that is there, as after a lost phone. Another one has to be set up then, and counts a day later or by an administrator's word.",
		}
		no := workflows.Button{Action: ActKeep, Label: "No reset"}
		switch who {
		case s.Person:
			c.Lines = append(c.Lines, "You are told because it is yours. If you did not ask for this, say no.")
			c.Buttons = []workflows.Button{no}
		case a.By:
			c.Lines = append(c.Lines, "You asked, so it is for another administrator to answer.")
			c.Buttons = []workflows.Button{no}
		default:
			c.Lines = append(c.Lines, workflows.Say("Ask %m in person or by telephone, not in Slack.", s.Person))
			c.Buttons = []workflows.Button{{Action: ActReset, Label: "Reset it",
				Confirm: &workflows.Confirm{Title: "Reset this app?",
					Text: "It cannot be undone. Its codes show nothing from then on.", Yes: "Reset it", No: "Back"}},
				no}
		}
	}
	c.Fallback = s.plain(c.Title)
	return c
}

// capital begins a sentence.
func capital(t workflows.Text) workflows.Text {
	if t == "" {
		return t
	}
	return workflows.Text(string(t[0]-'a'+'A')) + t[1:]
}
