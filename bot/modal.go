package bot

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// namePatience bounds asking Slack for the names that a form shows, which is opened with a trigger that lives for 3 s.
const namePatience = 400 * time.Millisecond

// renderModal renders a form whose labels may hold mrkdwn. Slack shows fields' labels and hints as
// plain text, so mentions become names there, date tokens times in UTC, and markup goes.
func (b *Bot) renderModal(ctx context.Context, m workflows.Modal) (slack.ModalViewRequest, error) {
	m.Inputs, m.Intro = slices.Clone(m.Inputs), slices.Clone(m.Intro)
	for i, t := range m.Intro {
		m.Intro[i] = b.fill(t)
	}
	var plain []string
	for _, in := range m.Inputs {
		if in.Kind != workflows.BlockText {
			plain = append(plain, in.Label, in.Hint)
		}
	}
	b.learnNames(ctx, plain)
	for i := range m.Inputs {
		if in := &m.Inputs[i]; in.Kind != workflows.BlockText {
			in.Label, in.Hint = workflows.Plain(in.Label, b.people.Name), workflows.Plain(in.Hint, b.people.Name)
		}
	}
	return draw.RenderModal(m)
}

// learnNames looks up those people in texts whose names are not known yet, for where Slack shows no
// mentions. Who cannot be looked up in time is shown by their ID.
func (b *Bot) learnNames(ctx context.Context, texts []string) {
	var unknown []string
	for _, text := range texts {
		for _, found := range mentionText.FindAllStringSubmatch(text, -1) {
			if id := found[1]; b.people.Name(id) == "" {
				unknown = workflows.Union(unknown, []string{id})
			}
		}
	}
	if len(unknown) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, namePatience)
	defer cancel()
	if _, err := b.people.People(ctx, unknown); err != nil {
		b.log.Debug().Str(fieldCause, slackapi.Clean(err)).Msg("a text shows IDs in place of names")
	}
}

// namesOf lists people where mentions do not work, as far as their names are known.
func (b *Bot) namesOf(ids []string) string {
	var out []string
	for _, id := range ids {
		out = append(out, cmp.Or(b.people.Name(id), id))
	}
	return strings.Join(out, ", ")
}

var mentionText = regexp.MustCompile(`<@([UW][A-Za-z0-9_]+)(?:\|[^>]*)?>`)

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
