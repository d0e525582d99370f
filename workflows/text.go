package workflows

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Replacers are made once: they cost more than what they do.
var (
	escaper   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
	// brokenMarks stand for the marks that Slack would act on: they look like them, and mean
	// nothing.
	brokenMarks = map[rune]rune{'*': '∗', '~': '∼', '`': 'ˋ', '_': 'ˍ'}
	mended      = strings.NewReplacer("∗", "*", "∼", "~", "ˋ", "`", "ˍ", "_", "∶", ":", "＠", "@")
	// unquoted are the marks by which a quotation could seem to end early; addressed is what makes
	// Slack link an address, or look like a mention.
	unquoted = strings.NewReplacer("“", "\"", "”", "\"", "„", "\"", "‟", "\"", "«", "\"", "»", "\"", "@", "＠")
)

// Esc makes what a person or another program wrote plain text inside mrkdwn, on one line: Slack's
// control characters are escaped, so that nobody can smuggle in a mention, a link or a date; marks
// of formatting, emoji and links are broken, by characters that look like them; control characters
// are spaces, and those that turn the direction of writing or cannot be seen are gone. [Plain]
// undoes what can be undone. Source: reference of mrkdwn, "Escaping text" and "Basic formatting".
func Esc(s string) string {
	return escaper.Replace(breakMarks(visible(s)))
}

// Quote is what somebody typed, whole, on one line, in quotation marks that nothing in it can
// close, as plain as [Esc] makes it; addresses in it are no links, either.
func Quote(s string) string {
	return "“" + Esc(unquoted.Replace(strings.Join(strings.Fields(visible(s)), " "))) + "”"
}

// visible drops what has no place in a line: control characters and line ends become spaces;
// characters that format invisibly (Unicode's Cf, the bidirectional ones among them) go, but for
// the joiners that emoji and some scripts are written with.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case r == '\u200c', r == '\u200d':
			return r
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

// breakMarks replaces each mark that would be live: an underscore within a word is not, and stays;
// colons are where they enclose a name, as of an emoji, or stand in an address.
func breakMarks(s string) string {
	if !strings.ContainsAny(s, "*~`_:") {
		return s
	}
	runes := []rune(s)
	out := slices.Clone(runes)
	word := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	for i, r := range runes {
		broken, mark := brokenMarks[r]
		switch {
		case !mark, r == '_' && word(i-1) && word(i+1):
		default:
			out[i] = broken
		}
	}
	return emojiPattern.ReplaceAllString(strings.ReplaceAll(string(out), "://", "∶//"), "∶$1∶")
}

// Clip cuts a text to at most n characters (Unicode code points), the last being an ellipsis where
// something was cut.
func Clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// Mention is a person in a message. An address or anything else that is not a Slack user ID is
// shown as it is.
func Mention(id string) string {
	if personPattern.MatchString(id) {
		return "<@" + id + ">"
	}
	return Esc(id)
}

// Mentions lists people: "Ana", "Ana and Ben", "Ana, Ben and Cat".
func Mentions(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = Mention(id)
	}
	return List(names, "and")
}

// List joins words with commas and a last conjunction.
func List(words []string, and string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + and + " " + words[len(words)-1]
}

// When is a time that everyone reads in their own time zone, to the minute.
func When(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} at {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
}

// Until is a time to come that everyone reads in their own time zone, with how long it is until then:
// Slack's own distance, which stays right while nothing changes the message.
func Until(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} at {time} ({ago})|%s>", t.Unix(),
		t.UTC().Format("2006-01-02 15:04 UTC"))
}

// Day is a day as everyone reads it in their own time zone and language.
func Day(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty}|%s>", t.Unix(), t.UTC().Format("2006-01-02"))
}

// TimeOfDay is a time of day that everyone reads in their own time zone.
func TimeOfDay(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{time}|%s>", t.Unix(), t.UTC().Format("15:04 UTC"))
}

// Span is a duration in words: "45 seconds", "1 hour", "90 minutes", "2 days".
func Span(d time.Duration) string {
	in := func(unit time.Duration) int { return int((d + unit/2) / unit) }
	seconds := int((d + time.Second - 1) / time.Second)
	switch {
	case seconds < 60 || seconds > 60 && seconds < 120:
		return Plural(seconds, "second")
	case in(time.Minute) < 60 || in(time.Minute) > 60 && in(time.Minute) < 120:
		return Plural(in(time.Minute), "minute")
	case d < 48*time.Hour:
		return Plural(in(time.Hour), "hour")
	}
	return Plural(in(24*time.Hour), "day")
}

// Ago is how long something is past, in days, months or years: "today", "1 day ago", "14 days ago",
// "5 months ago", "2 years ago". What is less than a day past, or to come, is today.
func Ago(d time.Duration) string {
	days := int(d / (24 * time.Hour))
	switch {
	case days < 1:
		return "today"
	case days < 60:
		return Plural(days, "day") + " ago"
	case days < 730:
		return Plural(days/30, "month") + " ago"
	}
	return Plural(days/365, "year") + " ago"
}

// Plural is a count with its word: "1 user", "3 users".
func Plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

var (
	datePattern    = regexp.MustCompile(`<!date\^\d+\^[^|>]*\|([^>]*)>`)
	emojiPattern   = regexp.MustCompile(`:([\p{L}\d_+'ˍ-]+):`)
	personPattern  = regexp.MustCompile(`^[UW][A-Z0-9]+$`)
	mentionPattern = regexp.MustCompile(`<@([UW][A-Z0-9]*)(?:\|[^>]*)?>`)
	linkPattern    = regexp.MustCompile(`<(https?://[^|>]+)(?:\|([^>]*))?>`)
	boldPattern    = regexp.MustCompile(`\*([^*\n]+)\*`)
)

// Plain turns mrkdwn into plain text: dates become UTC, mentions become what name answers (the ID
// where it answers ""), links their label.
func Plain(s string, name func(id string) string) string {
	s = datePattern.ReplaceAllString(s, "$1")
	s = mentionPattern.ReplaceAllStringFunc(s, func(m string) string {
		id := mentionPattern.FindStringSubmatch(m)[1]
		if name != nil {
			if n := name(id); n != "" {
				return n
			}
		}
		return id
	})
	s = linkPattern.ReplaceAllStringFunc(s, func(m string) string {
		p := linkPattern.FindStringSubmatch(m)
		if p[2] != "" {
			return p[2]
		}
		return p[1]
	})
	s = boldPattern.ReplaceAllString(s, "$1")
	return unescaper.Replace(mended.Replace(s))
}

// MaxTyped is the longest text that a form takes, in characters: what is taken is shown whole.
const MaxTyped = 1000

// TooLong refuses a typed text that is longer than [MaxTyped], which Slack's own limit on the field
// keeps people from; nil for all others.
func TooLong(field, text string) error {
	if n := utf8.RuneCountInString(text); n > MaxTyped {
		return RefuseField(field, "too_long",
			fmt.Sprintf("This has %d characters; at most %d can be taken. Please say it in fewer.", n, MaxTyped))
	}
	return nil
}

// Slash stands for the slash command, whatever it is called in this installation, in every text that
// people read in Slack.
const Slash = "{command}"
