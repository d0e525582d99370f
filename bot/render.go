package bot

import (
	"strings"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/workflows"
)

// Render turns a card into Slack's blocks and the text of its notification. Whatever the card
// holds, the result keeps Slack's limits: a card that Slack refuses would be lost. machine and
// workflow name the actions block and the buttons' value.
func Render(card workflows.Card, machine, workflow string) (fallback string, blocks []slack.Block) {
	title := cut(oneLine(card.Title), limitTitle)
	if title != "" {
		blocks = append(blocks, section("*"+strings.ReplaceAll(title, "*", "∗")+"*"))
	}
	var tail []slack.Block
	for _, piece := range pieces(joined(card.Facts, "\n"), limitSection) {
		tail = append(tail, section(piece))
	}
	tail = tail[:min(len(tail), maxFactBlocks)]
	if a := actions(card, machine, workflow); a != nil {
		tail = append(tail, a)
	}
	if note := cut(card.Note, limitContext); note != "" {
		tail = append(tail, slack.NewContextBlock("", slack.NewTextBlockObject(slack.MarkdownType, note, false, false)))
	}
	blocks = append(blocks, paragraphs(card.Lines, limitBlocks-len(blocks)-len(tail))...)
	blocks = append(blocks, tail...)
	fallback = cut(workflows.Esc(oneLine(or(card.Fallback, workflows.Plain(card.Title, nil)))), limitFallback)
	fallback = or(fallback, "Keyholder")
	if len(blocks) == 0 {
		blocks = append(blocks, section(fallback))
	}
	return fallback, blocks
}

// maxFactBlocks leaves room for the lines of a card whose facts are long.
const maxFactBlocks = 20

// paragraphs makes one section of each line, or several of one that is too long for one: what
// people typed is shown whole. When there are more than fit, the last section takes what is left.
func paragraphs(lines []string, room int) []slack.Block {
	var texts []string
	for _, l := range lines {
		texts = append(texts, pieces(l, limitSection)...)
	}
	var out []slack.Block
	for i, t := range texts {
		if len(out) == room-1 && i < len(texts)-1 {
			return append(out, section(cut(strings.Join(texts[i:], "\n\n"), limitSection)))
		}
		out = append(out, section(cut(t, limitSection)))
	}
	return out
}

// section is a paragraph of mrkdwn. It is verbatim: Slack makes no links of addresses, channels or
// people that somebody typed; those that we mean are written as such.
func section(text string) *slack.SectionBlock {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, text, false, true), nil, nil)
}

func joined(lines []string, sep string) string {
	var out []string
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, sep)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// actions is the block of buttons, nil without any. Its ID names the question: "<machine>:<round>".
// Slack refuses the whole message when two buttons of a block share an action_id, so the second is
// left out.
func actions(card workflows.Card, machine, workflow string) *slack.ActionBlock {
	return buttonBlock(blockID(machine, card.Round), withDetails(card, machine), workflow)
}

func buttonBlock(id string, buttons []workflows.Button, workflow string) *slack.ActionBlock {
	var elements []slack.BlockElement
	seen := map[string]bool{}
	for _, b := range buttons {
		if b.Action == "" || len(b.Action) > limitID || seen[b.Action] || len(elements) == limitButtons {
			continue
		}
		seen[b.Action] = true
		elements = append(elements, button(b, workflow))
	}
	if len(elements) == 0 {
		return nil
	}
	return slack.NewActionBlock(id, elements...)
}

func blockID(machine string, round int) string {
	return workflows.Clip(machine+":"+itoa(max(round, 0)), limitID)
}

func button(b workflows.Button, workflow string) *slack.ButtonBlockElement {
	label := or(plain(b.Label, limitButton), plain(b.Action, limitButton))
	e := slack.NewButtonBlockElement(b.Action, workflows.Clip(workflow, limitValue), plainText(label))
	switch b.Style {
	case workflows.Primary:
		e.Style = slack.StylePrimary
	case workflows.Danger:
		e.Style = slack.StyleDanger
	}
	if c := b.Confirm; c != nil {
		e.Confirm = slack.NewConfirmationBlockObject(
			plainText(or(plain(c.Title, limitConfirmHead), "Are you sure?")),
			slack.NewTextBlockObject(slack.MarkdownType, or(cut(c.Text, limitConfirmText), label), false, false),
			plainText(or(plain(c.Yes, limitConfirmWord), plain(label, limitConfirmWord))),
			plainText(or(plain(c.No, limitConfirmWord), "Back")))
	}
	return e
}

func plainText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}
