package main

import (
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

const day = 24 * 60 * 60 // in seconds

func accessSteps() []tourStep {
	return []tourStep{
		{ID: "ask", Title: "Ask for it",
			Text: "Act as [Oli in #integration-ops]. Type `/io access`, choose *Oli Brandt*, *Manage all* and *7 days*, say why, and press *Ask for it*."},
		{ID: "approved", Title: "Have somebody approve",
			Text: "Act as [Ana]. Her card says what Oli has now, and what he would have. Press *Approve*: one yes is enough here. Oli asked, so he has no such button."},
		{ID: "usable", Title: "Accept the invitation", Show: showMail,
			Text: "integrator.io has written to Oli. Under [integrator.io], open the mail to oli@acme.example and press *Sign up and accept*. His week begins only now."},
		{ID: "noticed", Title: "Let six days pass", Jump: 6 * day,
			Text: "Press the button below. A day before the end [Oli] hears of it, under his card."},
		{ID: "longer", Title: "Take longer",
			Text: "Act as [Oli] and press *Ask for more time*. Then act as [Ana] and press *Give more time*: it is decided anew, and nothing stops meanwhile."},
		{ID: "ended", Title: "Let it end", Jump: 8 * day,
			Text: "Nobody does anything now. Press the button below, and look for Oli under [integrator.io]: he is gone."},
		{ID: "audited", Title: "Read the record",
			Text: "As [Dee in #integration-ops], type `/io audit ID`. Each line says who did what, when, and how Keyholder knows."},
	}
}

func (t *tour) viewAccess(x scene) tourView {
	c := t.newest(x.messages, "a", func(text string) bool {
		return strings.HasPrefix(text, "✓ ") || strings.HasPrefix(text, "✗ ")
	})
	lost := c.over != 0 && c.titled("✗ ")
	going := c.id != "" && !lost
	ended := going && c.over != 0
	usable := ended || going && c.says("Usable since")
	done := map[string]bool{
		"ask": going, "approved": usable || going && c.says("was invited"), "usable": usable,
		"noticed": going && c.called("notice"), "longer": going && c.says("(more time)"), "ended": ended,
		"audited": going && t.audited(x.messages, c.id),
	}
	v := follow(accessSteps(), done, ended, "audited")
	if lost {
		v.Note = "The request " + c.id + " ended without an access. That happens too. Ask once more to go on."
	}
	v.names(c)
	return v
}

func driftSteps() []tourStep {
	return []tourStep{
		{ID: "invited", Title: "Invite somebody by hand", Show: showMeddle, At: "add-go",
			Text: "You are Jane, in integrator.io. In the panel, under [Meddle], find *A new user* and press *Add user*. Nobody has decided about new@acme.example."},
		{ID: "found", Title: "Have it found",
			Text: "Keyholder looks every six hours. To have it look now, act as [Dee in #integration-ops] and type `/io who acme`."},
		{ID: "asked", Title: "Ask who did it",
			Text: "Act as [Dee]. Her card says what is different, and whom integrator.io's audit log names. Press *Ask who did it*, and see what [Jane] is asked."},
		{ID: "decided", Title: "Decide",
			Text: "Act as [Dee]. *Expected* lets it stay, as her decision. *Undo…* asks for its removal: press that."},
		{ID: "gone", Title: "Have it removed",
			Text: "Dee asked, so she does not decide it as well. Act as [Ana], press *Approve*, and look under [integrator.io]: new@acme.example is gone."},
		{ID: "audited", Title: "Read the record",
			Text: "As [Dee in #integration-ops], type `/io audit ID`: what was seen, who was asked, who decided."},
	}
}

func (t *tour) viewDrift(x scene) tourView {
	c := t.newest(x.messages, "f", func(text string) bool { return !strings.Contains(text, "no decision here") })
	going := c.id != ""
	undone := going && c.says("asked to undo it")
	by := byHand(x.world.Accounts[0], t.since.Load())
	still := slices.ContainsFunc(x.world.Accounts[0].Environments[0].Users, func(u integratorsim.UserState) bool {
		return slices.Contains(by, u.Email) && (!going || c.says(u.Email))
	})
	gone := going && !still
	done := map[string]bool{"invited": going || still, "found": going,
		"asked":   going && (c.called("ask") || c.says("wanted somebody to be asked")),
		"decided": going && c.over != 0, "gone": gone, "audited": going && t.audited(x.messages, c.id)}
	v := follow(driftSteps(), done, gone || c.over != 0 && !undone, "audited")
	v.names(c)
	return v
}

// byHand lists whom somebody invited in the pages after a moment, in microseconds.
func byHand(account integratorsim.Snapshot, after int64) (out []string) {
	for _, e := range account.Audit {
		if e.ResourceType == "user" && e.Event == "create" && e.Source == "ui" && e.Time.UnixMicro() > after {
			out = append(out, e.User)
		}
	}
	return out
}
