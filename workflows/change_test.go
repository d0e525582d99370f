package workflows

import "testing"

// named is a machine of which only the name matters.
type named struct{ Machine }

func (named) Name() string { return "finding" }

func TestABlockOfButtonsIsNamedAfterTheirPrefix(t *testing.T) {
	for _, c := range []struct {
		want string
		card Card
	}{
		{"finding", Card{}},
		{"finding", Card{Buttons: []Button{{Action: "finding.close"}}}},
		{"access", Card{Buttons: []Button{{Action: "access.adopt"}, {Action: "access.undo"}}}},
	} {
		if got := blockMachine(named{}, c.card); got != c.want {
			t.Errorf("%+v: %q instead of %q", c.card.Buttons, got, c.want)
		}
	}
}
