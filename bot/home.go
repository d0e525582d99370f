package bot

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// The App Home is where people work: what waits for them with its buttons, what they have and asked
// for, the accounts that are theirs, and the forms. It is made of the record each time, and kept up
// to date while it is open (home_open.go).

// homeTimeout bounds making and publishing the App Home.
const homeTimeout = 8 * time.Second

// limitHome is how many blocks an App Home may have. Source: views, "up to 100 blocks".
const limitHome = 100

// Shares of the blocks, so that nothing crowds out the rest.
const (
	homeCards  = 44 // cards of what waits
	homeAccess = 12
)

// appHome publishes the App Home for whoever opened it. Anything else that Slack tells is ignored.
func (v *visit) appHome(ctx context.Context) {
	e := v.event.Event
	if v.fault != "" || e.Type != "app_home_opened" || (e.Tab != "" && e.Tab != "home") || !roster.IsPerson(e.User.ID) {
		return
	}
	v.at = v.b.o.RealNow()
	v.b.homes.opened(v.b, v.who)
	v.publishHome(ctx, e.User.ID, "")
}

// publishHome publishes somebody's App Home; said is what is answered to a click there.
func (v *visit) publishHome(ctx context.Context, user, said string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), homeTimeout)
	defer cancel()
	blocks := v.homeBlocks(ctx)
	mark := homeMark(blocks)
	if said != "" {
		blocks = append([]slack.Block{draw.Section(draw.Cut(v.b.fill(said), draw.LimitSection)),
			slack.NewDividerBlock()}, blocks...)
		mark = "" // what was said goes with the next change
	}
	v.b.putHome(ctx, user, blocks, mark)
}

// putHome brings a Home to Slack.
func (b *Bot) putHome(ctx context.Context, user string, blocks []slack.Block, mark string) {
	blocks = append(blocks[:min(len(blocks), limitHome-1)], smallPrint("As of "+workflows.When(b.o.Now())+
		". It follows by itself while you look; everything can be typed, too: `"+b.o.Command+" help`."))
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks}}
	if _, err := b.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: view}); err != nil {
		b.log.Info().Str(fieldCause, slackapi.Clean(err)).Str(fieldPerson, user).Msg("the App Home was not published")
		return
	}
	b.homes.shown(user, mark)
}

func smallPrint(text string) slack.Block {
	return slack.NewContextBlock("", slack.NewTextBlockObject(slack.MarkdownType, text, false, false))
}

// homeMark tells two contents of a Home apart.
func homeMark(blocks []slack.Block) string {
	raw, err := json.Marshal(blocks)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return string(sum[:])
}

// homeBlocks is one person's Home as things stand, without its small print.
func (v *visit) homeBlocks(ctx context.Context) []slack.Block {
	if err := v.member(ctx); err != nil {
		_, text, _ := v.explain(err)
		return []slack.Block{draw.Section(text)}
	}
	accounts, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		_, text, _ := v.explain(err)
		return []slack.Block{draw.Section(text)}
	}
	mine := v.mine(ctx, accounts)
	out := []slack.Block{slack.NewActionBlock(homeBlock, v.homeButtons(mine)...)}
	waiting, err := v.b.o.Desk.WaitingFor(ctx, v.who.user)
	if err != nil {
		_, text, _ := v.explain(err)
		out = append(out, draw.Section("*What waits for you*\n"+text))
	}
	own := func(o workflows.Overview) bool { return o.Machine == "access" && o.Stage == "active" }
	out = append(out, v.homeWaiting(ctx, slices.DeleteFunc(slices.Clone(waiting), own), err == nil)...)
	out = append(out, v.homeAccess(ctx, slices.DeleteFunc(slices.Clone(waiting), func(o workflows.Overview) bool {
		return !own(o)
	}))...)
	open := v.openOf(ctx, accounts)
	out = append(out, v.homeAsked(ctx, open)...)
	out = append(out, v.homeDelegation(ctx)...)
	return append(out, v.homeAccounts(ctx, mine, open)...)
}

// homeWaiting are the cards of what waits for somebody, buttons included, as many as there is room
// for; the rest are lines.
func (v *visit) homeWaiting(ctx context.Context, waiting []workflows.Overview, known bool) []slack.Block {
	if !known {
		return nil
	}
	if len(waiting) == 0 {
		return []slack.Block{draw.Section("*What waits for you*\nNothing. You will get a message when something does.")}
	}
	out := []slack.Block{draw.Section("*" + workflows.Plural(len(waiting), "thing") + " waiting for you*")}
	var rest []workflows.Overview
	for n, o := range waiting {
		card := []slack.Block(nil)
		if len(rest) == 0 {
			card = v.b.ownCard(ctx, o.ID, v.who.user, n+1)
		}
		if card == nil || len(out)+len(card) > homeCards {
			rest = append(rest, o)
			continue
		}
		out = append(out, card...)
	}
	if len(rest) > 0 {
		out = append(out, draw.Section(draw.Cut(strings.Join(v.b.list(ctx, rest, v.who.user), "\n"),
			draw.LimitSection)))
	}
	return append(out, slack.NewDividerBlock())
}

// homeAccess is what somebody has for a time, with its end and the buttons to have it longer or to end it.
func (v *visit) homeAccess(ctx context.Context, active []workflows.Overview) []slack.Block {
	if len(active) == 0 {
		return nil
	}
	out := []slack.Block{draw.Section("*Your access, for a time*")}
	for n, o := range active {
		card, machine, ok, err := v.b.o.Desk.Card(ctx, o.ID, v.who.user)
		if err != nil || !ok || len(out)+2 > homeAccess {
			continue
		}
		text := card.Title
		if len(card.Lines) > 0 {
			text += "\n" + card.Lines[len(card.Lines)-1]
		}
		out = append(out, draw.Section(draw.Cut(v.b.fill(text), draw.LimitSection)))
		if buttons := draw.ButtonBlock(draw.BlockID(machine, card.Round)+"#"+strconv.Itoa(90-n), card.Buttons,
			o.ID); buttons != nil {
			out = append(out, buttons)
		}
	}
	return append(out, slack.NewDividerBlock())
}

// homeAsked is what somebody asked for and is not over.
func (v *visit) homeAsked(ctx context.Context, open map[string][]workflows.Overview) []slack.Block {
	var asked []workflows.Overview
	for _, all := range open {
		for _, o := range all {
			if o.AskedBy == v.who.user {
				asked = append(asked, o)
			}
		}
	}
	if len(asked) == 0 {
		return nil
	}
	slices.SortFunc(asked, func(a, b workflows.Overview) int {
		if c := a.Opened.Compare(b.Opened); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	lines := append([]string{"*What you asked for*"}, v.b.list(ctx, asked, v.who.user)...)
	return []slack.Block{draw.Section(draw.Cut(strings.Join(lines, "\n"), draw.LimitSection))}
}

// homeDelegation says who decides in somebody's place, with a button that ends it.
func (v *visit) homeDelegation(ctx context.Context) []slack.Block {
	d, err := v.b.o.Desk.Delegation(ctx, v.who.user)
	if err != nil || d == nil {
		return nil
	}
	text := "*In your place*\n" + workflows.Mention(d.To) + " may decide for you"
	if !d.Until.IsZero() {
		text += ", until " + workflows.Until(d.Until)
	}
	s := draw.Section(text + ". Your own word counts, too.")
	s.BlockID = homeDelegated
	s.Accessory = slack.NewAccessory(slack.NewButtonBlockElement(homeUndelegate, "home", plainText("End it")))
	return []slack.Block{s}
}
