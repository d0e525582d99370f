package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// The search for an unclear post: how far back, and how many pages of how many messages.
const (
	searchBefore = time.Hour
	searchPages  = 5
	searchLimit  = 100
)

// adopt looks for the card in its conversation. Without the scope to look, it answers not found and
// says once in the log what follows. done is true when the search itself has to be repeated, out
// being the outcome then.
func (d *delivery) adopt(ctx context.Context) (out workflows.Outcome, done bool) {
	channel, thread, wait := d.target()
	if wait > 0 {
		return workflows.Outcome{}, false
	}
	if isPerson(channel) {
		dm, out, done := d.directMessage(ctx, channel)
		if done || dm == "" {
			return out, done
		}
		channel = dm
	}
	cursor := ""
	for range searchPages {
		messages, next, err := d.page(ctx, channel, thread, cursor)
		if err != nil {
			return d.unsearchable(err)
		}
		for _, m := range messages {
			if d.ours(ctx, m) {
				d.at = workflows.Place{Channel: channel, TS: m.Timestamp}
				d.b.log.Info().Str(fieldEffect, d.claim.Effect.ID).Msg(
					"found the card that an earlier attempt had posted")
				return workflows.Outcome{}, false
			}
		}
		if next == "" {
			break
		}
		cursor = next
	}
	return workflows.Outcome{}, false
}

// ours reports whether a message is this very card: anybody can post with metadata like ours, but not as us.
func (d *delivery) ours(ctx context.Context, m slack.Message) bool {
	if m.Metadata.EventType != metadataType || m.Metadata.EventPayload["effect"] != d.claim.Effect.Key {
		return false
	}
	me, err := d.b.api.Identity(ctx)
	return err != nil || me.Bot == "" || m.BotID == "" || m.BotID == me.Bot
}

// isPerson reports whether a recipient is a person and not a conversation.
func isPerson(id string) bool { return strings.HasPrefix(id, "U") || strings.HasPrefix(id, "W") }

// directMessage answers the conversation with a person, opening it if need be.
func (d *delivery) directMessage(ctx context.Context, user string) (dm string, out workflows.Outcome, done bool) {
	call, cancel, err := d.hold(ctx)
	if err != nil {
		return "", lost(err), true
	}
	defer cancel()
	dm, err = d.b.directMessage(call, user)
	if err != nil {
		out, done = d.unsearchable(err)
		return "", out, done
	}
	return dm, out, false
}

// directMessage answers the conversation with a person, opening it if need be; it never changes.
func (b *Bot) directMessage(ctx context.Context, user string) (string, error) {
	p := b.places
	if dm := p.get(p.dms, user); dm != "" {
		return dm, nil
	}
	c, _, _, err := b.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
	if err != nil {
		return "", fmt.Errorf("open a direct message: %w", err)
	}
	if c == nil || c.ID == "" {
		return "", fmt.Errorf("open a direct message: %w", errUnreadable)
	}
	p.put(p.dms, user, c.ID)
	return c.ID, nil
}

// say posts to a conversation. A person who has no direct message with the bot yet gets one:
// chat.postMessage opens it by itself for most, but is known to answer channel_not_found.
func (b *Bot) say(ctx context.Context, to string, opts ...slack.MsgOption) (channel, ts string, err error) {
	channel, ts, err = b.api.PostMessageContext(ctx, to, opts...)
	if slackapi.Code(err) != "channel_not_found" || !isPerson(to) {
		return channel, ts, err
	}
	dm, openErr := b.directMessage(ctx, to)
	if openErr != nil {
		return "", "", openErr
	}
	return b.api.PostMessageContext(ctx, dm, opts...)
}

// page reads one page of a conversation or thread, newest first where Slack does so.
func (d *delivery) page(ctx context.Context, channel, thread, cursor string) ([]slack.Message, string, error) {
	call, cancel, err := d.hold(ctx)
	if err != nil {
		return nil, "", err
	}
	defer cancel()
	oldest := d.claim.Effect.Made
	if real := d.b.o.RealNow(); real.Before(oldest) {
		oldest = real
	}
	since := strconv.Itoa(int(oldest.Add(-searchBefore).Unix()))
	if thread != "" {
		m, _, next, err := d.b.api.GetConversationRepliesContext(call, &slack.GetConversationRepliesParameters{
			ChannelID: channel, Timestamp: thread, Cursor: cursor, Oldest: since, Limit: searchLimit,
			IncludeAllMetadata: true})
		return m, next, err
	}
	h, err := d.b.api.GetConversationHistoryContext(call, &slack.GetConversationHistoryParameters{
		ChannelID: channel, Cursor: cursor, Oldest: since, Limit: searchLimit, IncludeAllMetadata: true})
	if err != nil {
		return nil, "", err
	}
	return h.Messages, h.ResponseMetaData.NextCursor, nil
}

// unsearchable decides what follows when the conversation could not be searched: later, if Slack
// was away; otherwise post, which will fail by itself where the conversation is the trouble, and
// may double the card where only the scope is missing.
func (d *delivery) unsearchable(err error) (workflows.Outcome, bool) {
	kind, code, _ := slackapi.Judge(err)
	if kind == slackapi.Refused || code == "missing_scope" || slackapi.IsNotFound(err) {
		d.b.api.Complain(err, "im:history", "a card whose post got no answer cannot be looked for and may appear twice")
		d.b.log.Info().Str(fieldEffect, d.claim.Effect.ID).Str(fieldCode,
			code).Msg("the conversation cannot be searched; posting again, perhaps twice")
		return workflows.Outcome{}, false
	}
	return d.failed("look for the card", d.card.Recipient, err), true
}
