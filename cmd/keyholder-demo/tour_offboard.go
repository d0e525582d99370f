package main

import (
	"strings"

	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

const catEmail = "cat@acme.example"

// offboardWorld has Cat work in both environments.
var offboardWorld = world{handed: true, made: []integratorsim.Action{
	{Do: "add_user", Email: catEmail, Name: "Cat Ito", Role: "manage"},
	{Do: "add_user", Environment: "Sandbox", Email: catEmail, Name: "Cat Ito", Role: "administrator"},
}}

func offboardSteps() []tourStep {
	return []tourStep{
		{ID: "whatif", Title: "See what rests on her",
			Text: "Act as [Dee in #integration-ops] and type `/io whatif @cat`. The worst comes first. Nothing happens by asking."},
		{ID: "begun", Title: "Make it a list of steps",
			Text: "As [Dee in #integration-ops], press *They leave…* under the answer, choose Friday as the last day, say why, and press *Begin*."},
		{ID: "day", Title: "Let Friday come", Jump: 7 * day,
			Text: "[Dee], [Ana] and [Ben] have the list, and Cat keeps what she has until her last day. Press the button below."},
		{ID: "removed", Title: "Have her access removed",
			Text: "Dee asked for it, so others decide. Act as [Ana] and press *Approve* on the card of each environment."},
		{ID: "tokens", Title: "Say what is done",
			Text: "A token outlives whoever knows it, and only people know who does. Act as [Dee], press *This is done…*, choose *API tokens*, and say how somebody else can see that."},
		{ID: "ended", Title: "End it with what is open",
			Text: "The key needs a drill, and the configuration whoever runs Keyholder. As [Dee], press *End it as it is*: the last card says what is open."},
		{ID: "audited", Title: "Read the record",
			Text: "As [Dee in #integration-ops], type `/io audit ID`: what rested on her, who did what, and what is left."},
	}
}

func (t *tour) viewOffboard(x scene) tourView {
	c := t.newest(x.messages, "o", func(text string) bool {
		return strings.HasPrefix(text, "✓ ") || strings.HasPrefix(text, "✗ ") || strings.HasPrefix(text, "! ")
	})
	lost := c.over != 0 && c.says("does not leave")
	going := c.id != "" && !lost
	ended := going && c.over != 0
	open := func(what string) bool { return c.says("… "+what, "✗ "+what) } // the cards list all that is open
	planned := ended || c.says("steps done")                               // before that the card lists no steps at all
	removed := going && !open("Access to") && planned
	done := map[string]bool{
		"whatif": going || x.told(dee, t.since.Load(), "What rests on <@"+cat+">"), "begun": going,
		"day":     removed || going && c.says("is being removed by"),
		"removed": removed, "tokens": going && !open("API tokens") && planned, "ended": ended,
		"audited": going && t.audited(x.messages, c.id),
	}
	v := follow(offboardSteps(), done, ended, "tokens", "audited")
	if lost {
		v.Note = "Cat stays: " + c.id +
			" was cancelled, and she keeps what was not yet taken. That happens too. Begin once more to go on."
	}
	v.names(c)
	return v
}
