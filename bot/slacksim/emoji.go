package slacksim

import (
	_ "embed"
	"regexp"
	"strings"
	"sync"
)

// emojiNames are the names of Unicode's emoji as Slack spells them, one emoji a line, its own name
// first and the others it answers to after it (github.com/iamcal/emoji-data 16.0.0, short_names;
// MIT).
//
//go:embed emoji.txt
var emojiNames string

// emoji maps every name of an emoji to its own name.
var emoji = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(emojiNames) {
		names := strings.Fields(line)
		for _, n := range names {
			all[n] = names[0]
		}
	}
	return all
})

// skinTone ends the name of a reaction in another colour, as wave::skin-tone-3.
var skinTone = regexp.MustCompile(`::skin-tone-[2-6]$`)

// reactionName is the name under which a reaction is kept; false for one that Slack does not know. The workspace has no
// emoji of its own.
func reactionName(given string) (string, bool) {
	name := strings.Trim(given, ":")
	tone := skinTone.FindString(name)
	own, ok := emoji()[strings.TrimSuffix(name, tone)]
	return own + tone, ok
}
