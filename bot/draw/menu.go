package draw

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/workflows"
)

const (
	// maxOptions is what a menu holds: 100 groups of 100. Source: select menu element, option group.
	maxOptions = limitOptions * limitOptions
	// menuBytes is what all menus of a form share: what [limitView] leaves beside 100 blocks with
	// their texts. A menu meets it at 1,000 to 1,500 options.
	menuBytes = 180_000
)

// grouped makes options of a menu, in groups where there are more than a menu takes without: each
// is named after its first and last.
func grouped(opts []*slack.OptionBlockObject) ([]*slack.OptionBlockObject, []*slack.OptionGroupBlockObject) {
	if len(opts) <= limitOptions {
		return opts, nil
	}
	var groups []*slack.OptionGroupBlockObject
	for part := range slices.Chunk(opts, limitOptions) {
		const half = (limitOption - 3) / 2
		name := Plain(part[0].Text.Text, half) + " – " + Plain(part[len(part)-1].Text.Text, half)
		groups = append(groups, slack.NewOptionGroupBlockElement(plainText(name), part...))
	}
	return nil, groups
}

// fitting leaves out of menus what the form has no room for: the last ones of the longest menu,
// never one that is chosen. Where something is left out the field says so, and how to name it.
func fitting(inputs []workflows.Input) []workflows.Input {
	inputs = slices.Clone(inputs)
	room := menuBytes
	var menus []*workflows.Input
	for i := range inputs {
		if k := inputs[i].Kind; k == workflows.InputSelect || k == workflows.InputMulti {
			menus = append(menus, &inputs[i])
		}
	}
	// The shortest first: what they do not need is for the others.
	slices.SortStableFunc(menus, func(a, b *workflows.Input) int { return len(a.Options) - len(b.Options) })
	for i, in := range menus {
		room -= fit(in, room/(len(menus)-i))
	}
	return inputs
}

// fit shortens one menu to so many bytes and answers how many it takes.
func fit(in *workflows.Input, most int) (taken int) {
	chosen := strings.Split(in.Initial, "\n")
	sizes := make([]int, len(in.Options))
	for i, o := range in.Options {
		if sizes[i] = size(o); slices.Contains(chosen, o.Value) {
			taken += sizes[i]
		}
	}
	kept := make([]workflows.Option, 0, len(in.Options))
	full := false
	for i, o := range in.Options {
		if slices.Contains(chosen, o.Value) {
			kept = append(kept, o)
			continue
		}
		if full = full || taken+sizes[i] > most || len(kept) == maxOptions; !full {
			taken += sizes[i]
			kept = append(kept, o)
		}
	}
	if missing := len(in.Options) - len(kept); missing > 0 {
		in.Options = kept
		in.Hint = strings.TrimSpace(fmt.Sprintf("%s %d of %d are listed. %s", in.Hint, len(kept), len(kept)+missing,
			in.More))
	}
	return taken
}

// size is about what an option takes of the view, in bytes of JSON.
func size(o workflows.Option) int {
	raw, err := json.Marshal(options([]workflows.Option{o}, 1))
	if err != nil {
		return limitView
	}
	return len(raw)
}
