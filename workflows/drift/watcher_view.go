package drift

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

const maxNamedWaiting = 15

func (s WatchState) view() workflows.View {
	v := workflows.View{Cards: s.cards()}
	if s.Closed() {
		return v
	}
	add := func(name string, at time.Time) {
		v.Timers = append(v.Timers, workflows.Timer{Name: name, At: at.UTC().Truncate(time.Millisecond)})
	}
	if s.Soon {
		add(timerLook, s.Looked.Add(lookEvery))
	} else {
		add(timerLook, s.Looked.Add(max(s.Every, lookEvery)))
	}
	if len(s.Waiting) > 0 {
		v.Waiting = s.To
		add(timerHour, s.next())
	}
	return v
}

// next is when the next cards come: an hour after the last ones, or after it was tried in vain.
func (s WatchState) next() time.Time {
	if s.Looked.After(s.Hour) {
		return s.Looked.Add(time.Hour)
	}
	return s.Hour.Add(time.Hour)
}

// cards is the one card that names what waits when there is more than fits into an hour.
func (s WatchState) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.Told {
		c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: "Drift " + s.ID}
		if len(s.Waiting) == 0 || s.Closed() {
			c.Title = workflows.Say("✓ Nothing more waits in %s", s.where())
			c.Lines = []string{"What was found has its own card, or was taken as expected."}
			c.Fallback = workflows.Plain(c.Title, nil)
		} else {
			c = s.summary(c, s.Taking.May(who))
		}
		out = append(out, c)
	}
	return out
}

func (s WatchState) summary(c workflows.Card, decides bool) workflows.Card {
	n := workflows.Plural(len(s.Waiting), "more difference")
	c.Title = workflows.Say("! %s in %s", n, s.where())
	c.Fallback = n + " in " + s.where() + " that no decision explains"
	c.Lines = []string{
		workflows.Say("The users of %s differ from what decisions explain (seen at integrator.io). Keyholder "+
			"writes at "+
			"most %d cards an hour about it; the next ones come %t.", s.where(), findingsAnHour, s.next()),
		"If all of this is known to you, as when many people joined at once, take it as expected; then no more cards " +
			"come for it. Nothing is changed at integrator.io." + s.Taking.Word(),
	}
	waiting := slices.SortedFunc(maps.Values(s.Waiting), func(a,
		b standing) int {
		return strings.Compare(a.Email, b.Email)
	})
	for i, d := range waiting {
		if i == maxNamedWaiting {
			c.Facts = append(c.Facts, workflows.Say("and %d more", len(s.Waiting)-maxNamedWaiting))
			break
		}
		c.Facts = append(c.Facts, workflows.Say("%s: before %s; now %s", d.Email, words(d.Was), words(d.Now)))
	}
	c.Facts = append(c.Facts, s.Taking.Lines()...)
	if decides {
		c.Buttons = []workflows.Button{{Action: ActAdopt, Label: "All expected", Confirm: &workflows.Confirm{
			Title: "All of these?", Text: n + " are then recorded as expected, under your name.",
			Yes: "All expected", No: "Back",
		}}}
	}
	return c
}

// words say what a mark stands for.
func words(mark string) workflows.Text { return workflows.Text(workflows.ReadMark(mark).Words(nil)) }
