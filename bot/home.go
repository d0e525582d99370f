package bot

import (
	"context"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// homeTimeout bounds making and publishing the App Home.
const homeTimeout = 8 * time.Second

// appHome publishes the App Home for whoever opened it: what waits for them, and how to start.
// Anything else that Slack tells is ignored.
func (v *visit) appHome(ctx context.Context) {
	e := v.event.Event
	if v.fault != "" || e.Type != "app_home_opened" || (e.Tab != "" && e.Tab != "home") || !roster.IsPerson(e.User.ID) {
		return
	}
	v.at = v.b.o.RealNow()
	v.publishHome(ctx, e.User.ID, "")
}

// publishHome publishes somebody's App Home; said is what is answered to a click there.
func (v *visit) publishHome(ctx context.Context, user, said string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), homeTimeout)
	defer cancel()
	var blocks []slack.Block
	if said != "" {
		blocks = append(blocks, draw.Section(draw.Cut(v.b.fill(said), draw.LimitSection)), slack.NewDividerBlock())
	}
	if err := v.member(ctx); err != nil {
		_, text, _ := v.explain(err)
		blocks = append(blocks, draw.Section(text))
	} else {
		blocks = append(blocks, v.homeBlocks(ctx)...)
	}
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks}}
	if _, err := v.b.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user,
		View: view}); err != nil {
		v.b.log.Info().Str(fieldCause, slackapi.Clean(err)).Str(fieldPerson, user).Msg("the App Home was not published")
	}
}

func (v *visit) homeBlocks(ctx context.Context) []slack.Block {
	b := v.b
	lines := []string{"*What waits for you*"}
	waiting, err := b.o.Desk.WaitingFor(ctx, v.who.user)
	switch {
	case err != nil:
		_, text, _ := v.explain(err)
		lines = append(lines, text)
	case len(waiting) == 0:
		lines = append(lines, "Nothing. You will get a message when something does.")
	default:
		lines = append(lines, b.list(ctx, waiting, v.who.user)...)
	}
	out := []slack.Block{draw.Section(draw.Cut(draw.Joined(lines, "\n"), draw.LimitSection))}
	if cards := b.ownCards(ctx, waiting, v.who.user, limitHome-homeReserve, false); len(cards) > 0 {
		out = append(append(out, cards...), slack.NewDividerBlock())
	}
	out = append(out, draw.Section(draw.Cut("*How to start*\n"+b.help(), draw.LimitSection)))
	note := "As of " + workflows.When(b.o.Now()) + ". Open this page again to see it afresh."
	return append(out, slack.NewContextBlock("", slack.NewTextBlockObject(slack.MarkdownType, note, false, false)))
}
