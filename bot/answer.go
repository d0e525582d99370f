package bot

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// fail answers an error in the way that fits what the person did.
func (v *visit) fail(ctx context.Context, err error) {
	code, text, link := v.explain(err)
	switch v.kind {
	case kindClick:
		v.ack.send(code, nil)
		v.tell(ctx, text, link, v.way(err)...)
	case kindSubmit:
		v.failForm(ctx, err, code, text, link)
	case kindSlash:
		v.ack.send(code, ephemeral(v.b.fill(text)))
	default:
		v.ack.send(code, nil)
	}
}

// way is the button that leads to what a refusal misses, as a block; none without one.
func (v *visit) way(err error) []slack.Block {
	r, ok := errors.AsType[*workflows.Refusal](err)
	if !ok || r.Way == nil {
		return nil
	}
	machine, _, _ := strings.Cut(r.Way.Button.Action, ".")
	return []slack.Block{draw.ButtonBlock(draw.BlockID(machine, r.Way.Round), []workflows.Button{r.Way.Button},
		v.cmd.Workflow, r.Text)}
}

// failForm keeps the form open where sending it again can help, and closes it otherwise.
func (v *visit) failForm(ctx context.Context, err error, code, text, link string) {
	at := v.form.first()
	if code == codeRefused {
		at = ""
		if r, ok := errors.AsType[*workflows.Refusal](err); ok && v.form.has(r.Field) {
			at = r.Field
		}
	}
	if at != "" {
		v.ack.send(code, v.b.fieldError(at, text))
		return
	}
	v.ack.send(code, nil)
	v.tell(ctx, text, link)
}

// tell answers privately: in the channel only for this person, by the click's own address, or as a
// direct message; the first that works. Forms have no channel, so theirs is a direct message. It
// reports whether one did. Blocks stand below the text.
func (v *visit) tell(ctx context.Context, text, link string, below ...slack.Block) bool {
	if v.who.user == "" || text == "" {
		return false
	}
	b := v.b
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	if l := b.linkTo(ctx, link, v.who.user); l != "" {
		text += " <" + l + "|Open the card>"
	}
	if v.home { // shown where they look; a message may not reach them
		v.publishHome(ctx, v.who.user, text)
		return true
	}
	text = draw.Cut(b.fill(text), draw.LimitSection)
	if len(below) > 0 {
		below = append([]slack.Block{draw.Section(text)}, below...)
	}
	ways := v.ways(ctx, text, below)
	for {
		var tried []string
		wait := time.Duration(0)
		for _, way := range ways {
			err := way()
			if err == nil {
				return true
			}
			tried = append(tried, slackapi.Clean(err))
			if kind, _, after := slackapi.Judge(err); kind == slackapi.Limited {
				wait = max(after, time.Second)
			}
		}
		// What was answered with 429 did not happen, so it may be sent again; anything else may have reached them.
		if wait == 0 || !slackapi.Pause(ctx, wait) {
			b.log.Warn().Strs(fieldCause, tried).Str(fieldPerson, v.who.user).Msg("a private answer reached nobody")
			return false
		}
	}
}

// table shows a table in the place of an answer's text, between the lines above and small print below it.
func (v *visit) table(t draw.Table, above, below []string) {
	block := t.Block()
	if block == nil {
		return
	}
	var out []slack.Block
	for _, piece := range draw.Pieces(v.b.fill(strings.Join(above, "\n")), draw.LimitSection) {
		out = append(out, draw.Section(piece))
	}
	out = append(out, block)
	if len(below) > 0 {
		out = append(out, draw.Note(v.b.fill(strings.Join(below, " "))))
	}
	v.instead = out
}

// answer is what the acknowledgement of a command says: the text, or the table that shows the same.
// Whether Slack takes a table is asked first, because an acknowledgement with blocks that it refuses is
// shown to nobody. Where that cannot be asked, and where a table is too large for an acknowledgement, it is
// sent as a private message, and nothing (nil) is left to say; a workspace that refuses one gets texts.
func (v *visit) answer(ctx context.Context, text string) any {
	plain := withCards(text, v.cards)
	if len(v.instead) == 0 || v.b.textOnly.Load() {
		return plain
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tablePatience)
	defer cancel()
	err := v.b.api.TakesBlocks(ctx, v.instead)
	if a := ephemeral(text); err == nil {
		if a.Blocks = v.instead; fits(a) {
			return a
		}
	}
	ways := v.ways(ctx, draw.Cut(text, ackLimit), v.instead)
	for _, way := range ways[:len(ways)-1] { // a direct message would be elsewhere than where they look
		if slackapi.RefusedBlocks(err) {
			break
		}
		if err = way(); err == nil {
			return nil
		}
	}
	if slackapi.RefusedBlocks(err) {
		v.b.textOnly.Store(true)
	}
	v.b.log.Info().Str(fieldCause, slackapi.Clean(err)).Bool("for_good", v.b.textOnly.Load()).
		Msg("Slack did not take a table, so it is shown as text")
	return plain
}

// tablePatience is how long a table may take, of the time that is left until Slack's 3 s are over.
const tablePatience = 600 * time.Millisecond

// ways are the roads of a private answer, the quietest first. blocks, if any, are shown in place of the text.
func (v *visit) ways(ctx context.Context, text string, blocks []slack.Block) []func() error {
	b, out := v.b, []func() error{}
	msg := slack.MsgOptionCompose(slack.MsgOptionText(text, false), slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl())
	if len(blocks) > 0 {
		msg = slack.MsgOptionCompose(msg, slack.MsgOptionBlocks(blocks...))
	}
	if v.who.channel != "" {
		opts := []slack.MsgOption{msg}
		if v.who.thread != "" {
			opts = append(opts, slack.MsgOptionTS(v.who.thread))
		}
		out = append(out, func() error {
			_, err := b.api.PostEphemeralContext(ctx, v.who.channel, v.who.user, opts...)
			return err
		})
	}
	if v.who.responseURL != "" && b.api.Follows(v.who.responseURL) {
		out = append(out, func() error {
			_, _, err := b.api.PostMessageContext(ctx, "", msg,
				slack.MsgOptionResponseURL(v.who.responseURL, slack.ResponseTypeEphemeral))
			return err
		})
	}
	return append(out, func() error {
		_, _, err := b.say(ctx, v.who.user, msg)
		return err
	})
}

// flat is mrkdwn as one plain line, for the text at a field. People whose name is known by now are named.
func (b *Bot) flat(mrkdwn string) string {
	return draw.Plain(strings.ReplaceAll(workflows.Plain(b.fill(mrkdwn), b.people.Name), "`", ""), limitFieldError)
}

// fill puts the command's own name into a text. Every text of a machine goes through it on its way out.
func (b *Bot) fill(text string) string {
	return strings.ReplaceAll(text, workflows.Slash, b.o.Command)
}

// named is a card with the command's own name in all its texts, and with people's names in what is
// there to be copied: Slack shows no mentions between backticks.
func (b *Bot) named(ctx context.Context, c workflows.Card) workflows.Card {
	var copied []string
	for _, line := range c.Lines {
		copied = append(copied, toCopy.FindAllString(line, -1)...)
	}
	b.learnNames(ctx, copied)
	all := func(texts []string) []string {
		out := make([]string, len(texts))
		for i, t := range texts {
			out[i] = toCopy.ReplaceAllStringFunc(b.fill(t), b.byName)
		}
		return out
	}
	c.Title, c.Note, c.Fallback, c.Canvas = b.fill(c.Title), b.fill(c.Note), b.fill(c.Fallback), b.fill(c.Canvas)
	c.Lines, c.Facts = all(c.Lines), all(c.Facts)
	return c
}

// toCopy is a text that people copy as it stands, such as a ticket.
var toCopy = regexp.MustCompile("(?s)```.*?```")

// byName is a text with names in place of mentions; IDs where no name is known.
func (b *Bot) byName(text string) string {
	return mentionText.ReplaceAllStringFunc(text, func(mention string) string {
		id := mentionText.FindStringSubmatch(mention)[1]
		return workflows.Esc(cmp.Or(b.people.Name(id), id))
	})
}

// sortedErrors lists a reply's texts by field, for where there are no fields to show them at.
func sortedErrors(errs map[string]string) string {
	var keys []string
	for k := range errs {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var out []string
	for _, k := range keys {
		out = append(out, errs[k])
	}
	return strings.Join(out, "\n")
}

// linkTimeout bounds looking a link up: an answer without one is better than a late one.
const linkTimeout = 1500 * time.Millisecond

// maxLinks bounds the cache of links, which never change; it is emptied when full.
const maxLinks = 5000

// placeBook remembers links of messages and the direct-message conversations of people.
type placeBook struct {
	mu    sync.Mutex
	links map[string]string // channel/ts -> link
	dms   map[string]string // user -> D…
}

func newPlaceBook() *placeBook {
	return &placeBook{links: map[string]string{}, dms: map[string]string{}}
}

func (p *placeBook) get(m map[string]string, key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return m[key]
}

func (p *placeBook) put(m map[string]string, key, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(m) >= maxLinks {
		clear(m)
	}
	m[key] = value
}

// linkTo answers the permanent link of a person's own card of a workflow, "" when there is none.
func (b *Bot) linkTo(ctx context.Context, workflow, person string) string {
	if workflow == "" || b.o.Desk == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, linkTimeout)
	defer cancel()
	place, ok, err := b.o.Desk.Place(ctx, workflow, "main", person)
	if err != nil || !ok || place.TS == "" {
		return ""
	}
	key := place.Channel + "/" + place.TS
	if l := b.places.get(b.places.links, key); l != "" {
		return l
	}
	l, err := b.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: place.Channel, Ts: place.TS})
	if err != nil || l == "" {
		return ""
	}
	b.places.put(b.places.links, key, l)
	return l
}
