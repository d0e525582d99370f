package bot

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
)

const (
	// peopleTimeout bounds telling packets that a reviewer's Slack account has changed.
	peopleTimeout = 8 * time.Second
	// maxChanges bounds the memory for changes that were told already; it is emptied when full, for
	// telling twice does no harm.
	maxChanges = 5000
	// hearAtOnce bounds the workers that a flood of such events can hold while the record is slow: clicks come first.
	hearAtOnce = 4
)

// changes remembers which change of which person was told: Slack sends a change of status as
// user_change and as user_status_changed.
type changes struct {
	mu   sync.Mutex
	told map[string]bool
}

// first reports whether a change was not told before.
func (c *changes) first(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told[key] {
		return false
	}
	if c.told == nil || len(c.told) >= maxChanges {
		c.told = map[string]bool{}
	}
	c.told[key] = true
	return true
}

// personChanged hears that somebody's Slack account has changed: deactivated, made a guest, absent.
// What is known of them is dropped, and each packet that waits for them looks whether they are
// still there. What fails here is made up for by the packet's own next look.
func (v *visit) personChanged(ctx context.Context) {
	e := v.event.Event
	if v.fault != "" || (e.Type != "user_change" && e.Type != "user_status_changed") || !roster.IsPerson(e.User.ID) {
		return
	}
	b := v.b
	b.people.Drop(e.User.ID)
	stamp := cmp.Or(e.User.Digest, v.ack.envelope)
	if b.o.Desk == nil || !b.changes.first(e.User.ID+"/"+stamp) {
		return
	}
	if b.o.Changed != nil {
		b.o.Changed(e.User.ID)
	}
	select {
	case b.hearing <- struct{}{}:
		defer func() { <-b.hearing }()
	default:
		b.log.Info().Str(fieldPerson, e.User.ID).Msg(
			"too many Slack accounts change at once; reviews look by themselves later")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, peopleTimeout)
	defer cancel()
	waiting, err := b.o.Desk.WaitingFor(ctx, e.User.ID)
	if err != nil {
		b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Str(fieldPerson,
			e.User.ID).Msg("it is not known which reviews wait for somebody whose Slack account changed")
		return
	}
	for _, o := range waiting {
		if !strings.HasPrefix(o.ID, string(packetLetter)) {
			continue
		}
		_, err := b.o.Desk.Do(ctx, workflows.Command{ID: strings.Join([]string{"people", e.User.ID, stamp, o.ID}, "/"),
			Workflow: o.ID, Name: review.LookPeople,
			Actor: workflows.Actor{Kind: workflows.ByKeyholder}, At: b.at(), Round: workflows.NoRound})
		if err != nil {
			b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Str(fieldWorkflow,
				o.ID).Msg("a review did not hear that a reviewer's Slack account changed")
		}
	}
}

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
