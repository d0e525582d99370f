package draw

import (
	"strings"
	"unicode/utf8"

	"github.com/keyholder/keyholder/workflows"
)

// Slack's limits in code points. Source: reference of blocks, elements and composition objects.
const (
	LimitSection     = 3000
	limitPlainText   = 3000
	limitContext     = 2000
	limitTitle       = 600 // of a card; a section, as mentions and dates in it are longer than they look
	limitFallback    = 3000
	LimitBlocks      = 50
	limitButtons     = 25
	limitButton      = 75
	limitSpoken      = 75 // of a button's accessibility_label
	LimitID          = 255
	limitValue       = 2000
	limitConfirmHead = 100
	limitConfirmText = 300
	limitConfirmWord = 30
	limitModalTitle  = 24
	limitModalBlocks = 100
	limitLabel       = 2000
	limitPlaceholder = 150
	limitOptions     = 100
	limitChecks      = 10
	limitOption      = 75
	limitOptionValue = 150
	LimitInput       = 3000
	limitView        = 240_000 // bytes of JSON, of 250 000
)

// Cut shortens mrkdwn to at most n code points, the last an ellipsis where something was cut. It
// never cuts through an escaped character, a mention, a link or a date token, for half of one would
// show as garbage or change the meaning.
func Cut(s string, n int) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "�"))
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	var out strings.Builder
	left := n - 1
	for len(s) > 0 {
		t := atom(s)
		w := utf8.RuneCountInString(t)
		if w > left {
			break
		}
		out.WriteString(t)
		left -= w
		s = s[len(t):]
	}
	return strings.TrimRight(out.String(), " \n\t") + "…"
}

// Pieces parts mrkdwn into texts of at most n code points, at line ends or spaces where there are
// any, and never within what [Cut] keeps whole. A text that fits is one piece; one without anything
// to read is none.
func Pieces(s string, n int) []string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "�"))
	var out []string
	for utf8.RuneCountInString(s) > n {
		end, gap, width := 0, 0, 0
		for end < len(s) {
			t := atom(s[end:])
			w := utf8.RuneCountInString(t)
			if width+w > n {
				break
			}
			if t == " " || t == "\n" {
				gap = end
			}
			end, width = end+len(t), width+w
		}
		if gap > 0 {
			end = gap
		}
		if end == 0 { // one thing that is wider than a piece
			return append(out, Cut(s, n))
		}
		out = append(out, strings.TrimSpace(s[:end]))
		s = strings.TrimSpace(s[end:])
	}
	if s != "" {
		out = append(out, s)
	}
	return out
}

// atom is the first thing in s that must stay whole.
func atom(s string) string {
	switch s[0] {
	case '<':
		if end := strings.IndexAny(s[1:], "<>"); end >= 0 && s[1+end] == '>' {
			return s[:end+2]
		}
	case '&':
		for _, e := range []string{"&amp;", "&lt;", "&gt;"} {
			if strings.HasPrefix(s, e) {
				return e
			}
		}
	}
	_, w := utf8.DecodeRuneInString(s)
	return s[:w]
}

// Plain is a text for Slack's plain_text: without markup, on one line, cut.
func Plain(s string, n int) string {
	// the mark of code, which plain text shows as it stands
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "`", "")
	return workflows.Clip(strings.Join(strings.Fields(s), " "), n)
}
