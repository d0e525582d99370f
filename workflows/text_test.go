package workflows

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
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
		if got := Mention(s); strings.ContainsAny(s, "<>") && strings.HasPrefix(s, "<") && strings.HasPrefix(got,
			"<@") {
			t.Fatalf("Mention(%q) = %q", s, got)
		}
	})
}

// hostile is what people have typed, or could.
var hostile = []string{
	"No” ✓ @Ben Novak confirmed, today *Approved by Security* ```", "\u202e gnp.exe", "a\n✓ <@UBEN> confirmed",
	"<!date^1^{date}|x> <!here> <@UANA> <https://evil.example|acme>",
	"https://evil.example/x www.evil.example a@b.example",
	":white_check_mark: done :+1:", "_so_ ~gone~ snake_case 3*4 a:b 10:30", "«x» „y“ ‟z”",
	"\u2028line\u2029line\x00\x1b[31m\u0085",
	"\ufeffzero\u200bwidth\u2060\u2066isolate\u2069", "\xff\xfe", "👩\u200d💻", "&lt;@UANA&gt;", "`code`", "> quote",
}

// mustBeDead fails where something in a text of ours, made of what somebody typed, could be live in Slack, or could be
// taken for more than their words.
func mustBeDead(t interface {
	Helper()
	Fatalf(string, ...any)
}, typed, shown string) {
	t.Helper()
	if strings.ContainsAny(shown, "<>`*~\n\r\t\v\f\u2028\u2029") || strings.Contains(shown, "://") ||
		!utf8.ValidString(shown) {
		t.Fatalf("%q is shown as %q", typed, shown)
	}
	for i, r := range shown {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' {
			t.Fatalf("%q is shown as %q, with %U at %d", typed, shown, r, i)
		}
	}
	if liveMark.MatchString(shown) {
		t.Fatalf("%q is shown as %q, which Slack acts on at %q", typed, shown, liveMark.FindString(shown))
	}
}

// liveMark is an emoji's name, or an underscore at a border of a word.
var liveMark = regexp.MustCompile(`:[\w+'-]+:|(^|[^\pL\pN])_|_($|[^\pL\pN])`)

func mustBeQuoted(t interface {
	Helper()
	Fatalf(string, ...any)
}, typed string) {
	t.Helper()
	got := Quote(typed)
	mustBeDead(t, typed, got)
	inner := strings.TrimSuffix(strings.TrimPrefix(got, "“"), "”")
	if strings.ContainsAny(inner, "“”„‟«»@") || len(inner)+len("“”") != len(got) {
		t.Fatalf("%q ends its quotation itself: %q", typed, got)
	}
}

func TestWhatIsTypedIsNeverLive(t *testing.T) {
	for _, typed := range hostile {
		mustBeDead(t, typed, Esc(typed))
		mustBeQuoted(t, typed)
		mustBeDead(t, typed, Say("%s", typed))
	}
	rapid.Check(t, func(t *rapid.T) {
		typed := strings.Join(rapid.SliceOf(rapid.OneOf(rapid.SampledFrom(hostile), rapid.String(),
			rapid.StringMatching(`[_*~:<>|"”“ a1\n]{0,9}`))).Draw(t, "typed"), "")
		mustBeDead(t, typed, Esc(typed))
		mustBeQuoted(t, typed)
	})
	for in, want := range map[string]string{
		"Jane leaves on 5 December":            "“Jane leaves on 5 December”",
		"order_id and snake_case stay":         "“order_id and snake_case stay”",
		"at 10:30, see: below":                 "“at 10:30, see: below”",
		"No” ✓ @Ben confirmed *by all* ```x":   "“No\" ✓ ＠Ben confirmed ∗by all∗ ˋˋˋx”",
		"two\n\n lines":                        "“two lines”",
		":tada: https://a.example _x_ \u202ey": "“∶tada∶ https∶//a.example ˍxˍ y”",
	} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAQuotationIsWhole(t *testing.T) {
	typed := strings.Repeat("word and ", 300) + "end"
	if got := Plain(Quote(typed), nil); got != "“"+typed+"”" {
		t.Errorf("%d characters became %d", len(typed), len(got))
	}
}

func FuzzTyped(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		mustBeDead(t, typed, Esc(typed))
		mustBeQuoted(t, typed)
	})
}

func TestASentenceIsReadInItsSource(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 14, 0, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{Say("%m asked, %t. Reason: %q", "UANA", at, "a*b"), "<@UANA> asked, " + When(at) + ". Reason: “a∗b”"},
		{Say("%m can, until %t", []string{"UANA", "UBEN"}, Due{at.Add(72 * time.Hour), at}),
			"<@UANA> and <@UBEN> can, until " + When(at.Add(72*time.Hour)) + ", in 3 days"},
		{Say("%t", Due{at, at}), When(at)},
		{Say("%s and %s", "<x>", Phrase("*%s*", "y")), "&lt;x&gt; and *y*"},
		{Say("%s", []string{"a*", "b"}), "a∗ and b"},
		{Say("%n of %d after %l at %h, 100%%", 1, "vote", 2, 24*time.Hour, at), "1 vote of 2 after 24 hours at " +
			TimeOfDay(at) + ", 100%"},
		{string(Texts([]Text{"a", "b", "c"}, "or")), "a, b or c"},
		{Say("plain"), "plain"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	for name, wrong := range map[string]string{
		"no argument": Say("%s"), "left over": Say("x", 1), "wrong type": Say("%m", 3), "unknown verb": Say("%z", "x"),
		"half a verb":            Say("x%"),
		"a count without a word": Say("%n", 3), "a number as words": Say("%s", 3), "a typed text as markup": Say("%q",
			Text("x")),
	} {
		if !strings.Contains(wrong, "%!") {
			t.Errorf("%s is not seen: %q", name, wrong)
		}
	}
}

// What somebody wrote, quoted on a card, is read in an export as they wrote it, but for white space.
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
		"U0ANA": "<@U0ANA>", "W0ANA": "<@W0ANA>", "ana@acme.example": "ana@acme.example",
		"Ursula@acme.example": "Ursula@acme.example",
		"":                    "", "U": "U", "S0GROUP": "S0GROUP", "<!here>": "&lt;!here&gt;",
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
	}{{nil, ""}, {[]string{"Ana"}, "Ana"}, {[]string{"Ana", "Ben"}, "Ana or Ben"},
		{[]string{"Ana", "Ben", "Cat"}, "Ana, Ben or Cat"}} {
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
		{time.Second, "1 second"}, {1500 * time.Millisecond, "2 seconds"}, {45 * time.Second, "45 seconds"},
		{time.Minute, "1 minute"}, {59500 * time.Millisecond, "1 minute"}, {61 * time.Second, "61 seconds"},
		{119 * time.Second, "119 seconds"}, {0, "0 seconds"},
		{time.Hour, "1 hour"}, {59*time.Minute + 45*time.Second, "1 hour"}, {61 * time.Minute, "61 minutes"},
		{2*time.Hour - time.Second, "2 hours"},
		{2 * time.Minute, "2 minutes"}, {90 * time.Minute, "90 minutes"}, {2 * time.Hour, "2 hours"},
		{24 * time.Hour, "24 hours"}, {47 * time.Hour, "47 hours"},
		{48 * time.Hour, "2 days"}, {60 * time.Hour, "3 days"}, {7 * 24 * time.Hour, "7 days"},
		{90 * 24 * time.Hour, "90 days"},
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

func TestHowLongAgoIsSaidInDaysMonthsAndYears(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		-day: "today", 0: "today", day - 1: "today", day: "1 day ago", 14 * day: "14 days ago",
		59 * day: "59 days ago", 60 * day: "2 months ago", 729 * day: "24 months ago", 730 * day: "2 years ago",
	} {
		if got := Ago(d); got != want {
			t.Errorf("Ago(%v) = %q, want %q", d, got, want)
		}
	}
}
