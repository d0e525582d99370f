package docs

import (
	"regexp"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

var (
	boldMark = regexp.MustCompile(`\*([^*\n]+)\*`)
	inMarks  = regexp.MustCompile("`[^`\n]*`|<@[UW][A-Z0-9]*>|\\*[^*\n]+\\*")
	// live are the characters that Markdown acts on where a text is not meant to.
	live = regexp.MustCompile("([\\\\`*_{}\\[\\]#|~<>])")
)

// Markdown turns mrkdwn into the Markdown of a canvas. Mentions stay mentions, in the form that a
// canvas knows, bold and code stay what they are; everything else is plain text in which no mark is
// live. Source: docs.slack.dev/surfaces/canvases, on formatting: a person is ![](@U…).
func Markdown(s string) string {
	var b strings.Builder
	at := 0
	for _, m := range inMarks.FindAllStringIndex(s, -1) {
		b.WriteString(plain(s[at:m[0]]))
		b.WriteString(marked(s[m[0]:m[1]]))
		at = m[1]
	}
	b.WriteString(plain(s[at:]))
	return b.String()
}

func marked(m string) string {
	switch m[0] {
	case '<':
		return "![](@" + strings.Trim(m, "<@>") + ")"
	case '*':
		return "**" + Markdown(boldMark.FindStringSubmatch(m)[1]) + "**"
	}
	return "`" + workflows.Plain(m[1:len(m)-1], nil) + "`"
}

func plain(s string) string { return live.ReplaceAllString(workflows.Plain(s, nil), `\$1`) }
