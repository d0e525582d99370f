package workflows

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestNobodySmugglesMarkupIn(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"},
		{"&lt;", "&amp;lt;"},
		{"plain", "plain"},
	} {
		if got := Esc(c.in); got != c.want {
			t.Errorf("Esc(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		if got := Quote(s); strings.ContainsAny(got, "<>\n\r\t") {
			t.Fatalf("Quote(%q) = %q", s, got)
		}
		if got := Mention(s); strings.ContainsAny(s, "<>") && strings.HasPrefix(s, "<") && strings.HasPrefix(got, "<@") {
			t.Fatalf("Mention(%q) = %q", s, got)
		}
	})
}

// What somebody wrote, quoted on a card, is read in an export as they wrote it, but for white space and length.
func TestPlainUndoesEsc(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-z<>&;"'()!@# ]{0,80}`).Draw(t, "text")
		if got := Plain(Esc(s), nil); got != s {
			t.Fatalf("Plain(Esc(%q)) = %q", s, got)
		}
	})
}

func TestPlainReadsWhatCardsAreMadeOf(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 14, 59, 0, time.UTC)
	names := func(id string) string { return map[string]string{"UANA": "Ana"}[id] }
	for _, c := range []struct{ in, want string }{
		{When(at), "2026-11-23 09:14 UTC"},
		{TimeOfDay(at), "09:14 UTC"},
		{"by " + Mentions([]string{"UANA", "UBEN", "jane@acme.example"}), "by Ana, UBEN and jane@acme.example"},
		{"<@UANA|ana> *bold* text", "Ana bold text"},
		{"see <https://a.example/x?y=1&amp;z=2|the page>", "see the page"},
		{"see <https://a.example/x?y=1&amp;z=2>", "see https://a.example/x?y=1&z=2"},
		{Quote(" two\nlines "), "“two lines”"},
		{"", ""},
	} {
		if got := Plain(c.in, names); got != c.want {
			t.Errorf("Plain(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestTimesAreTokensForEverybodysZone(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 14, 0, 0, time.FixedZone("", 3600))
	if got, want := When(at), "<!date^1795425240^{date_short_pretty} at {time}|2026-11-23 09:14 UTC>"; got != want {
		t.Errorf("When: %s, want %s", got, want)
	}
	if got, want := TimeOfDay(at), "<!date^1795425240^{time}|09:14 UTC>"; got != want {
		t.Errorf("TimeOfDay: %s, want %s", got, want)
	}
}

func TestMentionsAreOfPeopleOnly(t *testing.T) {
	for in, want := range map[string]string{
		"U0ANA": "<@U0ANA>", "W0ANA": "<@W0ANA>", "ana@acme.example": "ana@acme.example", "Ursula@acme.example": "Ursula@acme.example",
		"": "", "U": "U", "S0GROUP": "S0GROUP", "<!here>": "&lt;!here&gt;",
	} {
		if got := Mention(in); got != want {
			t.Errorf("Mention(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestListsReadAsPeopleSpeak(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string
	}{{nil, ""}, {[]string{"Ana"}, "Ana"}, {[]string{"Ana", "Ben"}, "Ana or Ben"}, {[]string{"Ana", "Ben", "Cat"}, "Ana, Ben or Cat"}} {
		if got := List(c.words, "or"); got != c.want {
			t.Errorf("List(%q) = %q, want %q", c.words, got, c.want)
		}
	}
}

func TestSpansAreRoundedToWhatPeopleSay(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{time.Second, "1 second"}, {1500 * time.Millisecond, "2 seconds"}, {45 * time.Second, "45 seconds"}, {119 * time.Second, "119 seconds"},
		{2 * time.Minute, "2 minutes"}, {90 * time.Minute, "90 minutes"}, {2 * time.Hour, "2 hours"}, {24 * time.Hour, "24 hours"}, {47 * time.Hour, "47 hours"},
		{48 * time.Hour, "2 days"}, {60 * time.Hour, "3 days"}, {7 * 24 * time.Hour, "7 days"}, {90 * 24 * time.Hour, "90 days"},
	} {
		if got := Span(c.d); got != c.want {
			t.Errorf("Span(%v) = %q, want %q", c.d, got, c.want)
		}
	}
}

func TestPluralCounts(t *testing.T) {
	for n, want := range map[int]string{0: "0 users", 1: "1 user", 2: "2 users"} {
		if got := Plural(n, "user"); got != want {
			t.Errorf("Plural(%d) = %q", n, got)
		}
	}
}

func TestClipNeverCutsACharacter(t *testing.T) {
	if got := Clip("ééé", 2); got != "é…" {
		t.Errorf("got %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		s, n := rapid.String().Draw(t, "text"), rapid.IntRange(1, 20).Draw(t, "n")
		got := Clip(s, n)
		if utf8.RuneCountInString(got) > n || !utf8.ValidString(got) {
			t.Fatalf("Clip(%q, %d) = %q", s, n, got)
		}
		if utf8.RuneCountInString(s) <= n && got != s {
			t.Fatalf("Clip(%q, %d) changed a text that fits: %q", s, n, got)
		}
	})
}

// Plain reads whatever lies in a record; it must not stumble over it.
func FuzzPlain(f *testing.F) {
	f.Add("<!date^1^{time}|x> <@U1|a> <https://x|y> *b* &lt;")
	f.Add("<!date^^|><@><|>***&&&")
	f.Fuzz(func(t *testing.T, s string) { Plain(s, func(string) string { return "$1" }) })
}
