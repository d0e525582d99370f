package workflows

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Text is Slack mrkdwn that [Say] may take as it stands, because it was made by [Phrase]. What is a
// plain string there is somebody's words and is escaped: that can be forgotten in no sentence.
type Text string

// Due is a time with how long it is until then: "Thursday at 09:14, in 3 days".
type Due struct{ At, Now time.Time }

// Say makes a sentence in Slack mrkdwn. The format's own text stands as it is; its verbs are
//
//	%s  a string from anywhere, escaped ([Esc]); a []string as a list; a [Text] as it stands
//	%q  a string that somebody typed, in quotation marks ([Quote])
//	%m  a person's Slack ID, or a []string of them, as mentions ([Mention], [Mentions])
//	%t  a time.Time with its day, or a [Due] ([When])
//	%u  a time.Time to come, with its day and how long it is until then ([Until])
//	%h  the time of day of a time.Time ([TimeOfDay])
//	%l  the length of a time.Duration in words ([Span])
//	%d  an int
//	%n  an int and a word: "1 user", "3 users" ([Plural])
//	%%  a per cent sign
//
// A verb with no argument, or one of another type, shows as "%!" with the verb, which no test of
// what people read lets pass; so do arguments that are left over.
func Say(format string, args ...any) string {
	s := sentence{args: args}
	rest := format
	for {
		before, after, found := strings.Cut(rest, "%")
		s.out.WriteString(before)
		if !found {
			break
		}
		if after == "" {
			s.out.WriteString("%!")
			break
		}
		s.verb(after[0])
		rest = after[1:]
	}
	if len(s.args) > 0 {
		s.out.WriteString("%!" + strconv.Itoa(len(s.args)) + " left")
	}
	return s.out.String()
}

// Phrase is [Say] for a part of another sentence.
func Phrase(format string, args ...any) Text { return Text(Say(format, args...)) }

// Texts joins phrases as a list: "this, that and those".
func Texts(all []Text, and string) Text {
	words := make([]string, len(all))
	for i, t := range all {
		words[i] = string(t)
	}
	return Text(List(words, and))
}

// sentence is one that is being said, with the arguments that are left.
type sentence struct {
	out  strings.Builder
	args []any
}

func (s *sentence) verb(verb byte) {
	if verb == '%' {
		s.out.WriteByte('%')
		return
	}
	arg := s.next()
	text, ok := "", false
	switch verb {
	case 's':
		text, ok = said(arg)
	case 'q':
		text, ok = apply1(arg, Quote)
	case 'm':
		if text, ok = apply1(arg, Mention); !ok {
			text, ok = apply1(arg, Mentions)
		}
	case 't':
		if text, ok = apply1(arg, When); !ok {
			text, ok = apply1(arg, Due.String)
		}
	case 'u':
		text, ok = apply1(arg, Until)
	case 'h':
		text, ok = apply1(arg, TimeOfDay)
	case 'l':
		text, ok = apply1(arg, Span)
	case 'd':
		text, ok = apply1(arg, strconv.Itoa)
	case 'n':
		word, is := s.next().(string)
		text, ok = apply1(arg, func(n int) string { return Plural(n, word) })
		ok = ok && is
	}
	if !ok {
		text = fmt.Sprintf("%%!%c", verb)
	}
	s.out.WriteString(text)
}

// next takes an argument; nil when none is left.
func (s *sentence) next() any {
	if len(s.args) == 0 {
		return nil
	}
	arg := s.args[0]
	s.args = s.args[1:]
	return arg
}

// apply1 says an argument that is of the type that a verb takes.
func apply1[T any](arg any, say func(T) string) (string, bool) {
	v, ok := arg.(T)
	if !ok {
		return "", false
	}
	return say(v), true
}

func said(arg any) (string, bool) {
	switch v := arg.(type) {
	case Text:
		return string(v), true
	case string:
		return Esc(v), true
	case []string:
		words := make([]string, len(v))
		for i, w := range v {
			words[i] = Esc(w)
		}
		return List(words, "and"), true
	}
	return "", false
}

// String is the time and the distance, or only the time once it is there.
func (d Due) String() string {
	if !d.At.After(d.Now) {
		return When(d.At)
	}
	return When(d.At) + ", in " + Span(d.At.Sub(d.Now))
}
