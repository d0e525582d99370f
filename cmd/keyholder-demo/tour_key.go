package main

import (
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

func recoverySteps() []tourStep {
	return []tourStep{
		{ID: "report", Title: "Report that nobody gets in",
			Text: "Act as [Oli in #integration-ops], who has no part in it. Type `/io recover`, choose *The mailbox is gone*, say what you know, and press *Report it*."},
		{ID: "approved", Title: "Have two people approve",
			Text: "Act as [Ana]. Her card says what happened, and when integrator.io saw the owner last. Press *Approve*, then do so as [Ben]. Oli reported it, so he has no such button."},
		{ID: "cooled", Title: "Let the time to stop it pass", Show: showTime,
			Text: "For an hour anyone concerned can stop it, and whoever still opens the mailbox presses *I can open it*. Press *+1 hour* in the panel."},
		{ID: "claimed", Title: "Take it on",
			Text: "Nobody is named for IT here, so it is for the administrator. Act as [Dee] and press *I am on it*. Her card has the text for IT, ready to copy."},
		{ID: "mailbox", Title: "Be IT", Show: showMeddle, At: "box-" + aliasEmail,
			Text: "In the panel, under [Meddle], press *Switch the mailbox on again*."},
		{ID: "password", Title: "Choose a new password", Show: showMeddle, At: "owner-forgot",
			Text: "Below the same heading press *Forgot password?*. Then open the mail that came, under [integrator.io], and press *Choose a new password*."},
		{ID: "done", Title: "Say that it is done",
			Text: "Act as [Dee], press *It is done…* and say how somebody else can see that."},
		{ID: "seen", Title: "Have somebody else see it",
			Text: "Whoever did it never confirms it. Act as [Cat] and press *I have seen it*."},
		{ID: "safe", Title: "Make it safe",
			Text: "Still as [Cat], press *It is safe…*, tick what is done, and send the list. What is open stays on the last card."},
		{ID: "audited", Title: "Read the record",
			Text: "As [Dee in #integration-ops], type `/io audit ID`. Each line says who did what, and when."},
	}
}

func drillSteps() []tourStep {
	return []tourStep{
		{ID: "day", Title: "Let ninety days pass", Jump: 93 * 24 * 60 * 60,
			Text: "A drill comes by itself, 90 days after the account was first seen, in working hours. Press the button below, and see who is asked."},
		{ID: "word", Title: "Open the mailbox", Show: showMail,
			Text: "A letter went to the mailbox, with a word for each who should be able to read it. Act as [Ana], press *Type the word…*, and type the one that stands beside her name."},
		{ID: "turn", Title: "Sign in as the owner", Show: showMeddle, At: "owner-in",
			Text: "It is Ana's turn to sign in; two at once would end each other's session. In the panel, under [Meddle], press *Sign in as the owner*. Seconds later Keyholder has seen it, and the turn is Ben's."},
		{ID: "told", Title: "Give your word",
			Text: "Act as [Ben]. He types his word too. For the sign-in press *I signed in as the owner*: where nothing is seen, his word counts, and is shown as that."},
		{ID: "cannot", Title: "Say that you cannot",
			Text: "Act as [Cat] and press *I cannot*. To find that out today is what a drill is for."},
		{ID: "over", Title: "Read how it ended",
			Text: "When all have answered it is over. Act as [Dee]: two have shown each part, or there is a gap, and what to do about it."},
		{ID: "status", Title: "Ask who has the key",
			Text: "As [Dee in #integration-ops], type `/io key acme`: each who can use it, with the last proof."},
	}
}

func (t *tour) viewRecovery(x scene) tourView {
	c := t.newest(x.messages, "v", func(text string) bool {
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
		"mailbox": !slices.Contains(x.world.MailboxesOff, aliasEmail),
		"password": slices.ContainsFunc(x.world.Mails, func(m integratorsim.Mail) bool {
			return m.Kind == "password_reset" && m.Used && m.At.UnixMicro() > t.since.Load()
		}),
		"audited": going && t.audited(x.messages, c.id),
	}
	v := follow(recoverySteps(), done, safe, "mailbox", "password", "audited")
	if lost {
		v.Note = "The recovery " + c.id + " ended, and nobody got in. That happens too. Report it once more to go on."
	}
	v.names(c)
	return v
}

func (t *tour) viewDrill(x scene) tourView {
	ended := func(text string) bool {
		return strings.Contains(text, "can be used by two people or more") || strings.Contains(text,
			"was ended early") || strings.Contains(text, " found ")
	}
	c := t.newest(x.messages, "e", ended)
	going, over := c.id != "", c.over != 0
	told := func(who string, any ...string) bool { return going && x.told(who, c.began, any...) }
	const right, word, cannot = "That is your word", "Recorded as your word", "Recorded: you cannot"
	done := map[string]bool{
		"day": going, "word": told(ana, right), "turn": going && c.called("turn-"), "told": told(ben, word),
		"cannot": told(cat, cannot, right, word),
		"over":   over, "status": told(dee, "The key of Acme Production*") && over,
	}
	v := follow(drillSteps(), done, over, "word", "turn", "told", "cannot", "status")
	if over && !c.says("can be used by two people or more") {
		v.Note = "The drill " + c.id +
			" ended without everything being shown. As [Dee in #integration-ops], `/io key acme drill` begins another one."
	}
	return v
}
