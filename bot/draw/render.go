package draw

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/workflows"
)

// Render turns a card into Slack's blocks and the text of its notification. Whatever the card
// holds, the result keeps Slack's limits: a card that Slack refuses would be lost. machine and
// workflow name the actions block and the buttons' value.
func Render(card workflows.Card, machine, workflow string) (fallback string, blocks []slack.Block) {
	title := Cut(oneLine(card.Title), limitTitle)
	if title != "" {
		blocks = append(blocks, Section("*"+strings.ReplaceAll(title, "*", "∗")+"*"))
	}
	var tail []slack.Block
	for _, piece := range Pieces(Joined(card.Facts, "\n"), LimitSection) {
		tail = append(tail, Section(piece))
	}
	tail = tail[:min(len(tail), maxFactBlocks)]
	if a := actions(card, machine, workflow); a != nil {
		tail = append(tail, a)
	}
	if note := Cut(card.Note, limitContext); note != "" {
		tail = append(tail, Note(note))
	}
	blocks = append(blocks, paragraphs(card.Lines, LimitBlocks-len(blocks)-len(tail))...)
	blocks = append(blocks, tail...)
	fallback = Cut(workflows.Esc(oneLine(cmp.Or(card.Fallback, workflows.Plain(card.Title, nil)))), limitFallback)
	fallback = cmp.Or(fallback, "Keyholder")
	if len(blocks) == 0 {
		blocks = append(blocks, Section(fallback))
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
		texts = append(texts, Pieces(l, LimitSection)...)
	}
	var out []slack.Block
	for i, t := range texts {
		if len(out) == room-1 && i < len(texts)-1 {
			return append(out, Section(Cut(strings.Join(texts[i:], "\n\n"), LimitSection)))
		}
		out = append(out, Section(Cut(t, LimitSection)))
	}
	return out
}

// Section is a paragraph of mrkdwn. It is verbatim: Slack makes no links of addresses, channels or
// people that somebody typed; those that we mean are written as such.
func Section(text string) *slack.SectionBlock {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, text, false, true), nil, nil)
}

// Note is small print in mrkdwn.
func Note(text string) *slack.ContextBlock {
	return slack.NewContextBlock("", slack.NewTextBlockObject(slack.MarkdownType, Cut(text, limitContext), false,
		false))
}

// Joined puts lines together and leaves out empty ones.
func Joined(lines []string, sep string) string {
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
	return ButtonBlock(BlockID(machine, card.Round), WithDetails(card, machine), workflow, card.Title)
}

// ButtonBlock is a block of buttons with one value; nil without any. about is mrkdwn that says what they
// are about.
func ButtonBlock(id string, buttons []workflows.Button, value, about string) *slack.ActionBlock {
	var elements []slack.BlockElement
	seen := map[string]bool{}
	for _, b := range buttons {
		if b.Action == "" || len(b.Action) > LimitID || seen[b.Action] || len(elements) == limitButtons {
			continue
		}
		seen[b.Action] = true
		elements = append(elements, Button(b, value, about))
	}
	if len(elements) == 0 {
		return nil
	}
	return slack.NewActionBlock(id, elements...)
}

func BlockID(machine string, round int) string {
	return workflows.Clip(machine+":"+strconv.Itoa(max(round, 0)), LimitID)
}

// Button is one button. Whoever hears the screen instead of seeing it meets many of one name, so it is
// read out with what it is about (mrkdwn), its own words first: those one sees and says.
func Button(b workflows.Button, value, about string) *slack.ButtonBlockElement {
	label := cmp.Or(Plain(b.Label, limitButton), Plain(b.Action, limitButton))
	e := slack.NewButtonBlockElement(b.Action, workflows.Clip(value, limitValue), plainText(label))
	if about = workflows.Plain(about, func(string) string { return "somebody" }); about != "" {
		e.AccessibilityLabel = Plain(strings.TrimSuffix(label, "…")+": "+about, limitSpoken)
	}
	switch b.Style {
	case workflows.Primary:
		e.Style = slack.StylePrimary
	case workflows.Danger:
		e.Style = slack.StyleDanger
	}
	if c := b.Confirm; c != nil {
		e.Confirm = slack.NewConfirmationBlockObject(
			plainText(cmp.Or(Plain(c.Title, limitConfirmHead), "Are you sure?")),
			slack.NewTextBlockObject(slack.MarkdownType, cmp.Or(Cut(c.Text, limitConfirmText), label), false, false),
			plainText(cmp.Or(Plain(c.Yes, limitConfirmWord), Plain(label, limitConfirmWord))),
			plainText(cmp.Or(Plain(c.No, limitConfirmWord), "Back")))
	}
	return e
}

func plainText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}

// WithDetails are a card's buttons with the one that shows its details. It stands last, but for cards
// whose first button ends something: the first place is where a finger that was about to answer comes down.
func WithDetails(card workflows.Card, machine string) []workflows.Button {
	if len(card.Details) == 0 {
		return card.Buttons
	}
	details := workflows.Button{Action: machine + workflows.ActDetails, Label: "Details…"}
	if len(card.Buttons) > 0 && card.Buttons[0].Style == workflows.Danger {
		return append([]workflows.Button{details}, card.Buttons...)
	}
	return append(append([]workflows.Button(nil), card.Buttons...), details)
}
