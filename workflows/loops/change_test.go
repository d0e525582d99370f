package loops

import (
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

// named is a machine of which only the name matters.
type named struct{ workflows.Machine }

func (named) Name() string { return "finding" }

func TestABlockOfButtonsIsNamedAfterTheirPrefix(t *testing.T) {
	for _, c := range []struct {
		want string
		card workflows.Card
	}{
		{"finding", workflows.Card{}},
		{"finding", workflows.Card{Buttons: []workflows.Button{{Action: "finding.close"}}}},
		{"access", workflows.Card{Buttons: []workflows.Button{{Action: "access.adopt"}, {Action: "access.undo"}}}},
	} {
		if got := blockMachine(named{}, c.card); got != c.want {
			t.Errorf("%+v: %q instead of %q", c.card.Buttons, got, c.want)
		}
	}
}
