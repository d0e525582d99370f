package main

import (
	"slices"
	"strings"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// The tours beside the transfer's, whose ID is "". Each has a world of its own, in which the
// mailbox owns the account already.
const (
	tourRecovery = "recovery"
	tourDrill    = "drill"
)

// tourChoice is a tour that can be begun.
type tourChoice struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	lead  string
	end   string
	steps func() []tourStep
}

// tours are all tours, in the order in which they are shown.
var tours = []tourChoice{
	{"", "Jane leaves", "Jane owns Acme Production and leaves in two weeks.",
		"The account belongs to a mailbox that three people can open.", tourSteps},
	{tourRecovery, "Nobody can open the mailbox",
		"The mailbox owns Acme Production, and no mail arrives there any more.",
		"The sign-in is back, and whoever asks reads who did what, and who saw it.", recoverySteps},
	{tourDrill, "The ninetieth day",
		"The mailbox owns Acme Production. Who could still sign in, if it had to be today?",
		"Who can still use the key is known now, before the day on which it matters.", drillSteps},
}

// tourNow is the tour of this world as the panel shows it.
func (d *demo) tourNow(messages []slacksim.Message, world integratorsim.State) tourView {
	i := slices.IndexFunc(tours, func(t tourChoice) bool { return t.ID == d.tour.kind })
	var v tourView
	switch tours[i].ID {
	case tourRecovery:
		v = d.tour.viewRecovery(messages, world)
	case tourDrill:
		v = d.tour.viewDrill(messages, d.slack.DM)
	default:
		v = d.tour.view(messages, world.Accounts[0])
	}
	v.ID, v.Lead, v.End = tours[i].ID, tours[i].lead, tours[i].end
	v.Others = slices.Delete(slices.Clone(tours), i, i+1)
	return v
}

func recoverySteps() []tourStep {
	return []tourStep{
		{ID: "report", Title: "Report that nobody gets in",
			Text: "Act as *Oli*, who has no part in it. In #integration-ops type `/io recover`, choose *The mailbox is gone*, say what you know, and press *Report it*."},
		{ID: "approved", Title: "Have two people approve",
			Text: "Act as *Ana*. Her card says what happened, and when integrator.io saw the owner last. Press *Approve*, then do so as *Ben*. Oli reported it, so he has no such button."},
		{ID: "cooled", Title: "Let the time to stop it pass", Show: showTime,
			Text: "For an hour anyone concerned can stop it, and whoever still opens the mailbox presses *I can open it*. Press *+1 hour* in the panel."},
		{ID: "claimed", Title: "Take it on",
			Text: "Nobody is named for IT here, so it is for the administrator. Act as *Dee* and press *I am on it*. Her card has the text for IT, ready to copy."},
		{ID: "mailbox", Title: "Be IT", Show: showMeddle,
			Text: "In the panel, under *Meddle*, press *Switch the mailbox on again*."},
		{ID: "password", Title: "Choose a new password", Show: showMeddle,
			Text: "Below the same heading press *Forgot password?*. Then open the mail that came, under *integrator.io*, and press *Choose a new password*."},
		{ID: "done", Title: "Say that it is done",
			Text: "Act as *Dee*, press *It is done…* and say how somebody else can see that."},
		{ID: "seen", Title: "Have somebody else see it",
			Text: "Whoever did it never confirms it. Act as *Cat* and press *I have seen it*."},
		{ID: "safe", Title: "Make it safe",
			Text: "Still as *Cat*, press *It is safe…*, tick what is done, and send the list. What is open stays on the last card."},
		{ID: "audited", Title: "Read the record",
			Text: "As *Dee*, type `/io audit ID`. Each line says who did what, and when."},
	}
}

func drillSteps() []tourStep {
	return []tourStep{
		{ID: "day", Title: "Let ninety days pass", Jump: 93 * 24 * 60 * 60,
			Text: "A drill comes by itself, 90 days after the account was first seen, in working hours. Press the button below, and see who is asked."},
		{ID: "word", Title: "Open the mailbox", Show: showMail,
			Text: "A letter went to the mailbox, with a word for each who should be able to read it. Act as *Ana*, press *Type the word…*, and type the one that stands beside her name."},
		{ID: "turn", Title: "Sign in as the owner", Show: showMeddle,
			Text: "It is Ana's turn to sign in; two at once would end each other's session. In the panel, under *Meddle*, press *Sign in as the owner*. Seconds later Keyholder has seen it, and the turn is Ben's."},
		{ID: "told", Title: "Give your word",
			Text: "Act as *Ben*. He types his word too. For the sign-in press *I signed in as the owner*: where nothing is seen, his word counts, and is shown as that."},
		{ID: "cannot", Title: "Say that you cannot",
			Text: "Act as *Cat* and press *I cannot*. To find that out today is what a drill is for."},
		{ID: "over", Title: "Read how it ended",
			Text: "When all have answered it is over. Act as *Dee*: two have shown each part, or there is a gap, and what to do about it."},
		{ID: "status", Title: "Ask who has the key",
			Text: "As *Dee*, type `/io key acme`: each who can use it, with the last proof."},
	}
}

// course is one workflow of a tour, as its cards tell.
type course struct {
	id    string // "" when none counts
	began int64  // microseconds
	over  int64  // when a card showed first that it has ended; 0 while it goes on
	texts []string
	names []string
}

// newest is the last workflow with a letter whose cards count: begun since the restart, or not over
// then. ended says of a card's text that it is over.
func (t *tour) newest(messages []slacksim.Message, letter string, ended func(text string) bool) course {
	since, all, out := t.since.Load(), map[string]*course{}, course{}
	for _, m := range messages {
		id, name := cardOf(m, letter)
		if id == "" || m.BotID == "" || m.Deleted {
			continue
		}
		at := micros(m.TS)
		if all[id] == nil {
			all[id] = &course{id: id, began: at}
		}
		c := all[id]
		c.began = min(c.began, at)
		c.texts, c.names = append(c.texts, m.Text+"\n"+string(m.Blocks)), append(c.names, name)
		if name == "main" && ended(m.Text) {
			c.over = max(c.over, at, micros(m.EditedTS))
		}
	}
	for _, c := range all {
		if (c.began > since || c.over == 0 || c.over > since) && (out.id == "" || c.began > out.began) {
			out = *c
		}
	}
	return out
}

// says reports whether a card says one of these.
func (c course) says(any ...string) bool {
	return slices.ContainsFunc(c.texts, func(text string) bool {
		return slices.ContainsFunc(any, func(a string) bool { return strings.Contains(text, a) })
	})
}

// called reports whether there is a card whose name begins so.
func (c course) called(name string) bool {
	return slices.ContainsFunc(c.names, func(n string) bool { return strings.HasPrefix(n, name) })
}

// follow fills in a tour whose steps come one after another. A step that was not done can no longer
// be once a step after it is, unless it is one of those that can still be done until the end.
func follow(steps []tourStep, done map[string]bool, over bool, free ...string) tourView {
	out := tourView{Steps: steps, Current: len(steps)}
	later := false
	for i := len(steps) - 1; i >= 0; i-- {
		s := &out.Steps[i]
		s.Done = done[s.ID]
		s.Missed = !s.Done && (later && !slices.Contains(free, s.ID) || over && i < len(steps)-1)
		later = later || s.Done && !slices.Contains(free, s.ID)
		if !s.Done && !s.Missed {
			out.Current = i
		}
	}
	return out
}

func (t *tour) viewRecovery(messages []slacksim.Message, world integratorsim.State) tourView {
	c := t.newest(messages, "v", func(text string) bool {
		return strings.HasPrefix(text, "✓ ") || strings.HasPrefix(text, "✗ ")
	})
	lost := c.over != 0 && !c.says("✓ The owner's sign-in")
	going := c.id != "" && !lost
	safe := going && c.over != 0
	securing := safe || c.says("The sign-in is regained and is being made safe")
	climbing := securing || c.says("To do now: ")
	said := securing || c.says("says that it is done")
	done := map[string]bool{
		"report": going, "approved": going && (climbing || c.says("It is approved and can be stopped")),
		"cooled":  going && climbing,
		"claimed": going && (said || c.says("is on it since")), "done": going && said, "seen": going && securing,
		"safe":    safe,
		"mailbox": !slices.Contains(world.MailboxesOff, aliasEmail),
		"password": slices.ContainsFunc(world.Mails, func(m integratorsim.Mail) bool {
			return m.Kind == "password_reset" && m.Used && m.At.UnixMicro() > t.since.Load()
		}),
		"audited": going && t.audited(messages, c.id),
	}
	v := follow(recoverySteps(), done, safe, "mailbox", "password", "audited")
	if lost {
		v.Note = "The recovery " + c.id + " ended, and nobody got in. That happens too. Report it once more to go on."
	}
	for i := range v.Steps {
		if going {
			v.Steps[i].Text = strings.Replace(v.Steps[i].Text, "audit ID", "audit "+c.id, 1)
		}
	}
	return v
}

func (t *tour) viewDrill(messages []slacksim.Message, dm func(string) string) tourView {
	ended := func(text string) bool {
		return strings.Contains(text, "can be used by two people or more") || strings.Contains(text,
			"was ended early") || strings.Contains(text, " found ")
	}
	c := t.newest(messages, "e", ended)
	going, over := c.id != "", c.over != 0
	told := func(who string, any ...string) bool { // privately, since the drill began
		return going && slices.ContainsFunc(messages, func(m slacksim.Message) bool {
			return m.BotID != "" && micros(m.TS) > c.began && (m.EphemeralTo == who || m.Channel == dm(who)) &&
				len(m.Metadata) == 0 &&
				slices.ContainsFunc(any, func(a string) bool { return strings.Contains(m.Text, a) })
		})
	}
	const right, word, cannot = "That is your word", "Recorded as your word", "Recorded: you cannot"
	done := map[string]bool{
		"day": going, "word": told(ana, right), "turn": going && c.called("turn-"), "told": told(ben, word),
		"cannot": told(cat, cannot, right, word),
		"over":   over, "status": told(dee, "The key of Acme Production*") && over,
	}
	v := follow(drillSteps(), done, over, "word", "turn", "told", "cannot", "status")
	if over && !c.says("can be used by two people or more") {
		v.Note = "The drill " + c.id +
			" ended without everything being shown. As *Dee*, `/io key acme drill` begins another one."
	}
	return v
}
