package bot

import (
	"context"
	"strings"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/workflows"
)

// A card says what one needs to answer it. What one may want to read besides is behind its button
// "Details…", in a form that only shows: nothing is decided there, so the desk is only asked what the
// person's own card says now.

// isDetails reports whether a click asks for a card's details.
func isDetails(cmd workflows.Command) bool { return strings.HasSuffix(cmd.Name, workflows.ActDetails) }

// details shows those of whoever's own card was clicked.
func (v *visit) details(ctx context.Context) (workflows.Reply, error) {
	if err := v.member(ctx); err != nil {
		return workflows.Reply{}, err
	}
	card, _, ok, err := v.b.o.Desk.Card(ctx, v.cmd.Workflow, v.who.user)
	if err != nil {
		return workflows.Reply{}, err
	}
	if !ok || len(card.Details) == 0 {
		return say("There is nothing more to say about this than your card does, or you have none of it."), nil
	}
	m := &workflows.Modal{Callback: v.cmd.Name, Title: "Details", Workflow: v.cmd.Workflow, Round: v.cmd.Round,
		Inputs: []workflows.Input{{Kind: workflows.BlockText, Label: "*" + card.Title + "*"}}}
	for _, text := range card.Details {
		for _, piece := range draw.Pieces(v.b.fill(text), draw.LimitSection) {
			m.Inputs = append(m.Inputs, workflows.Input{Kind: workflows.BlockText, Label: piece})
		}
	}
	m.Inputs = append(m.Inputs, workflows.Input{Kind: workflows.BlockText, Label: card.Note})
	return workflows.Reply{Modal: m}, nil
}
