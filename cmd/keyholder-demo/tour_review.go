package main

import (
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// neverCame is who never signed in to the account, and is removed in the tour of a review.
const neverCame = "tom@acme.example"

// reviewWorld is small enough for a review of five minutes: one environment with five users, whom
// Dee, who is none of them, decides about.
var reviewWorld = world{handed: true,
	config: func(yaml string) string {
		return strings.NewReplacer("    environments:\n      - {name: Sandbox, token_env: ACME_SANDBOX_TOKEN}\n", "",
			"reviewers: [U0DEE, U0ANA]", "reviewers: [U0DEE]").Replace(yaml)
	},
	made: removed("ana@acme.example", "ben@acme.example", "dee@acme.example", ownerEmail, "contractor@partner.example",
		"raj@acme.example", "sam@acme.example", "kofi@acme.example"),
}

// removed has users removed from production.
func removed(emails ...string) (out []integratorsim.Action) {
	for _, e := range emails {
		out = append(out, integratorsim.Action{Do: "remove_user", Email: e})
	}
	return out
}

func reviewSteps() []tourStep {
	return []tourStep{
		{ID: "previewed", Title: "Look ahead",
			Text: "Act as [Dee in #integration-ops] and type `/io review acme`: when the next review opens by itself, and what it would ask of whom."},
		{ID: "started", Title: "Open it today",
			Text: "As [Dee in #integration-ops], type `/io review acme start`. From now on it is fixed who is reviewed; whoever comes later is in the next one."},
		{ID: "decided", Title: "Decide about each",
			Text: "Act as [Dee] and press *Go through the rows*; the riskiest come first. Keep those with a flag and say why, but *Remove* " +
				neverCame + ", who never signed in. Press *Keep all without a flag* and *Go on*; keep the API tokens too, say why, and *Save and close*."},
		{ID: "signed", Title: "Sign off",
			Text: "As [Dee], press *Sign off…*: she acknowledges that what is kept is still needed. Nothing in it changes after that."},
		{ID: "removed", Title: "See it carried out",
			Text: "Keyholder removes whom nobody needs any more, and reads it back. As [Dee in #integration-ops], see what came of it; under [integrator.io], Tom is gone."},
		{ID: "evidence", Title: "Take the evidence",
			Text: "As [Dee in #integration-ops], type `/io review ID export`. The files come to [Dee] alone, with a report to print and a program that checks all of it."},
	}
}

func (t *tour) viewReview(x scene) tourView {
	c := t.newest(x.messages, "r", func(text string) bool { return strings.HasPrefix(text, "✗ ") })
	going := c.id != "" && c.over == 0
	part := t.newest(x.messages, "p", func(string) bool { return false })
	whole := going && c.titled("✓ Reviewed: ") // all is decided, and what was decided is carried out
	signed := going && part.titled("✓ Reviewed")
	there := slices.ContainsFunc(x.world.Accounts[0].Environments[0].Users, func(u integratorsim.UserState) bool {
		return u.Email == neverCame
	})
	done := map[string]bool{
		"previewed": x.told(dee, t.since.Load(), "it would ask:"), "started": going,
		"decided": signed || going && part.says("it is not signed off yet"), "signed": signed,
		"removed":  signed && whole && !there,
		"evidence": going && x.told(dee, c.began, "The files of the review `"+c.id+"`"),
	}
	v := follow(reviewSteps(), done, whole, "evidence")
	if c.id != "" && !going {
		v.Note = "The review " + c.id + " could not be held. That happens too. Open it once more to go on."
	}
	v.names(c)
	return v
}
