package bot

import (
	"context"
	"strconv"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/workflows"
)

// A card that Slack does not take as a message can be shown where the person looks: in the answer to
// `mine` and in the App Home, buttons included. The Home shows them in any case.

// maxOwnCards bounds the cards shown in one answer.
const maxOwnCards = 12

// ownCard is a person's card of a workflow as it stands, rendered as the n-th of one answer; nil
// where they have none.
func (b *Bot) ownCard(ctx context.Context, workflow, person string, n int) []slack.Block {
	ctx, cancel := context.WithTimeout(ctx, linkTimeout)
	defer cancel()
	card, machine, ok, err := b.o.Desk.Card(ctx, workflow, person)
	if err != nil || !ok {
		return nil
	}
	_, blocks := draw.Render(b.named(ctx, card), machine, workflow)
	for _, block := range blocks { // blocks of one answer are named differently: two cards may ask the same round
		if a, is := block.(*slack.ActionBlock); is {
			a.BlockID += "#" + strconv.Itoa(n)
		}
	}
	return append([]slack.Block{slack.NewDividerBlock()}, blocks...)
}

// ownCards are the cards of what waits for a person, as many as fit into a number of blocks. missing
// leaves out those that stand in Slack.
func (b *Bot) ownCards(ctx context.Context, waiting []workflows.Overview, person string, room int,
	missing bool) []slack.Block {
	var out []slack.Block
	for n, o := range waiting[:min(len(waiting), maxOwnCards)] {
		if missing && b.linkTo(ctx, o.ID, person) != "" {
			continue
		}
		if card := b.ownCard(ctx, o.ID, person, n+1); len(out)+len(card) <= room {
			out = append(out, card...)
		}
	}
	return out
}
