package docs

import (
	"strconv"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// view is what the world should show.
func (s State) view() workflows.View {
	var v workflows.View
	if s.Published() {
		v.Watches = []workflows.Watch{{
			Name: "page", Every: LookEvery,
			Call: workflows.Call{Op: workflows.OpPage, Account: s.AccountID, ID: s.ID, Known: s.Mark, Since: s.Read},
		}}
		if len(s.Facts) > 0 {
			v.Cards = append(v.Cards, s.page())
		}
	}
	for _, old := range s.Former {
		v.Cards = append(v.Cards, s.formerly(old))
	}
	for _, w := range s.Words {
		for _, who := range w.To {
			v.Cards = append(v.Cards, s.word(w, who))
		}
	}
	return v
}

func (s State) note() string { return "docs: " + s.ID }

func (s State) title() string { return workflows.Say("%s: who owns it, who holds what", s.AccountName) }

// heading is what stands above the facts, a line each.
func (s State) heading() []string {
	var out []string
	if e := s.Edited; e != nil {
		out = append(out, workflows.Say(
			"! %m edited this page by hand, found %t. It was written anew: Keyholder writes it from its record, "+
				"and what is written by hand is lost.", e.By, e.At))
	}
	if s.Customer != "" {
		out = append(out, workflows.Say("*Customer:* %s", s.Customer))
	}
	return append(out, workflows.Say(
		"Kept up to date by Keyholder; last changed %t. Where the secret is kept, and who can use password and "+
			"second factor, is not on it: ", s.Changed)+
		"`"+workflows.Slash+" docs "+s.AccountID+"` shows that to those who may see it.")
}

func (s State) page() workflows.Card {
	c := workflows.Card{Name: s.Card(), Recipient: s.Channel, Bulk: true, Title: s.title(), Lines: s.heading(),
		Note: s.note()}
	for _, f := range s.Facts {
		c.Facts = append(c.Facts, f.Line())
	}
	c.Fallback = workflows.Plain(c.Title, nil)
	c.Canvas = canvas(c.Title, c.Lines, c.Facts)
	return c
}

func (s State) formerly(old Former) workflows.Card {
	c := workflows.Card{Name: cardName(old.Copy), Recipient: old.Channel, Bulk: true, Title: s.title(), Note: s.note()}
	c.Lines = []string{workflows.Say("No longer kept up to date: %m ended it %t. ", old.By, old.At) +
		"`" + workflows.Slash + " docs " + s.AccountID + "` shows what holds now."}
	c.Fallback = workflows.Plain(c.Title, nil)
	c.Canvas = canvas(c.Title, c.Lines, nil)
	return c
}

// word tells an administrator that somebody deleted the page.
func (s State) word(w Word, who string) workflows.Card {
	c := workflows.Card{Name: "gone-" + strconv.Itoa(w.Copy), Recipient: who, Note: s.note()}
	again := "`" + workflows.Slash + " docs " + s.AccountID + " "
	if w.Ended {
		c.Title = workflows.Say("The page about %s was deleted again", s.AccountName)
		c.Lines = []string{workflows.Say("Found %t. It is no longer published. ", w.At) + again +
			"publish` publishes it again."}
	} else {
		c.Title = workflows.Say("The page about %s was deleted", s.AccountName)
		c.Lines = []string{workflows.Say("Found %t. Somebody deleted it by hand, so it was posted once more. ",
			w.At) +
			"If it shall not be there: " + again + "unpublish`. Deleted once more, it stays away."}
	}
	c.Fallback = workflows.Plain(c.Title, nil)
	return c
}

// canvas is a card as Markdown: a heading, paragraphs, and the facts as a list.
func canvas(title string, lines, facts []string) string {
	var b strings.Builder
	b.WriteString("# " + Markdown(title) + "\n")
	for _, l := range lines {
		b.WriteString("\n" + Markdown(l) + "\n")
	}
	for i, f := range facts {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("- " + Markdown(f) + "\n")
	}
	return b.String()
}
