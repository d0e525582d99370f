package bot

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" != string(want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", path, got)
	}
}

func TestCardAsBlocks(t *testing.T) {
	at := time.Date(2026, 12, 3, 9, 14, 0, 0, time.UTC)
	full := workflows.Card{
		Name: "main", Recipient: "UANA", Round: 3, Title: "Hand Acme Production to celigo@acme.example?",
		Lines: []string{"<@UDEE> asked. Reason: " + workflows.Quote("Jane <leaves> & more"), "2 must confirm by " +
			workflows.When(at) + "."},
		Facts: []string{"✓ the mailbox is a user of the account", "! 3 open errors"},
		Note:  "tr: `" + someWorkflow + "`", Fallback: "Confirm: hand Acme & Co to celigo@acme.example?",
		Buttons: []workflows.Button{{Action: "transfer.confirm", Label: "Confirm", Style: workflows.Primary},
			{Action: "transfer.cancel", Label: "Stop it", Style: workflows.Danger,
				Confirm: &workflows.Confirm{Title: "Stop the transfer?", Text: "It cannot be taken up again.",
					Yes: "Stop it", No: "Back"}}},
	}
	for name, card := range map[string]workflows.Card{
		"card_full.json": full,
		"card_ended.json": {Title: "Refused", Lines: []string{"✗ <@UBEN> refused."}, Note: "tr: `" + someWorkflow + "`",
			Fallback: "Refused"},
		"card_empty.json": {},
	} {
		text, blocks := draw.Render(card, "transfer", someWorkflow)
		golden(t, name, toJSON(t, map[string]any{"text": text, "blocks": blocks}))
	}
}

func TestFormAsView(t *testing.T) {
	m := workflows.Modal{Callback: "transfer.request", Title: "Hand an account over to somebody",
		Submit: "Ask for confirmation", Intro: []string{"It takes 2 to 9 days."},
		Account: "acme", Action: "transfer.request", Round: workflows.NoRound, Inputs: []workflows.Input{
			{Block: "account", Kind: workflows.InputSelect, Label: "Account", Initial: "acme",
				Options: []workflows.Option{{Value: "acme", Label: "Acme Production"},
					{Value: "beta", Label: "Beta", Description: "Sandbox"}}},
			{Block: "new_owner_person", Kind: workflows.InputUser, Label: "Person", Optional: true,
				Placeholder: "Choose a person"},
			{Block: "integrations", Kind: workflows.InputMulti, Label: "Integrations", Initial: "a\nb",
				Options: []workflows.Option{{Value: "a", Label: "A"}, {Value: "b", Label: "B"},
					{Value: "c", Label: "C"}}},
			{Block: "nothing", Kind: workflows.InputMulti, Label: "None to choose"},
			{Block: "urgent", Kind: workflows.InputChecks, Label: "Urgent", Optional: true,
				Options: []workflows.Option{{Value: "urgent", Label: "It is urgent"}}},
			{Block: "reason", Kind: workflows.InputText, Label: "Reason", Hint: "Shown to all who decide",
				Multiline: true, MaxLength: 500},
		}}
	v, err := draw.RenderModal(m)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "modal.json", toJSON(t, v))
}

func TestFormWhoseNamesCannotBeCutIsRefused(t *testing.T) {
	for _, m := range []workflows.Modal{{Callback: strings.Repeat("x", 256)}, {Workflow: strings.Repeat("x", 3000)},
		hugeForm()} {
		if _, err := draw.RenderModal(m); err == nil {
			t.Errorf("%.80s with %d inputs was rendered", m.Callback, len(m.Inputs))
		}
	}
}

// hugeForm has more text than a view may hold; what is typed cannot be cut without losing its meaning.
func hugeForm() workflows.Modal {
	m := workflows.Modal{Callback: "transfer.request"}
	for i := range 90 {
		m.Inputs = append(m.Inputs, workflows.Input{Block: strconv.Itoa(i), Kind: workflows.InputText,
			Initial: strings.Repeat("x", draw.LimitInput)})
	}
	return m
}

func TestCutKeepsEscapesMentionsAndDatesWhole(t *testing.T) {
	at := workflows.When(time.Date(2026, 12, 3, 9, 14, 0, 0, time.UTC))
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"a &amp; b", 5, "a…"}, {"a &amp; b", 8, "a &amp;…"},
		{"&amp;", 5, "&amp;"}, {"xx <@UANA> y", 8, "xx…"}, {"<@UANA> and more", 10, "<@UANA> a…"},
		{"at " + at, 20, "at…"}, {"héllo wörld", 6, "héllo…"}, {"🙂🙂🙂🙂", 3, "🙂🙂…"},
		{"a < b but no link, long", 6, "a < b…"}, {"  padded  ", 20, "padded"}, {"bad \xff byte", 20, "bad � byte"},
	} {
		got := draw.Cut(c.in, c.n)
		if got != c.want || utf8.RuneCountInString(got) > c.n {
			t.Errorf("cut(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func TestALongTextIsShownWholeInPieces(t *testing.T) {
	words := strings.Repeat("word <@UANA> &amp; ", 400)
	got := draw.Pieces(words, 100)
	if strings.Join(got, " ") != strings.TrimSpace(words) {
		t.Errorf("something is missing: %d pieces", len(got))
	}
	for _, p := range got {
		if utf8.RuneCountInString(p) > 100 || strings.Count(p, "<") != strings.Count(p, ">") || strings.HasSuffix(p,
			"&") {
			t.Errorf("a piece %q", p)
		}
	}
	if got := draw.Pieces(strings.Repeat("x", 250), 100); len(got) != 3 || len(strings.Join(got, "")) != 250 {
		t.Errorf("a word without end: %q", got)
	}
	if got := draw.Pieces(" \n", 100); got != nil {
		t.Errorf("nothing is %q", got)
	}
	reason := strings.Repeat("<>&", 333)
	_, blocks := draw.Render(workflows.Card{Title: "x", Fallback: "x", Lines: []string{workflows.Quote(reason)},
		Facts: []string{workflows.Quote(reason)}}, "transfer", "t07-1")
	raw, err := json.Marshal(blocks)
	if err != nil || strings.Count(string(raw), "amp;") != 666 || strings.Contains(string(raw), "…") {
		t.Errorf("a reason of 999 characters is not shown whole (%v): %s", err, raw)
	}
}

func TestTextsOfMachinesNameTheCommandAsItIsCalledHere(t *testing.T) {
	b := &Bot{o: Options{Command: "/keys"}}
	c := b.named(t.Context(), workflows.Card{Title: "{command} a", Lines: []string{"b {command}"},
		Facts: []string{"{command}"},
		Note:  "{command}", Fallback: "{command}"})
	raw, err := json.Marshal(c)
	if err != nil || strings.Count(string(raw), "/keys") != 5 || strings.Contains(string(raw), "{command}") {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestCutNeverLeavesHalfATokenBehind(t *testing.T) {
	piece := rapid.SampledFrom([]string{"word ", "<@UANA>", "<https://x.example/a|label>",
		workflows.When(time.Unix(1e9, 0)), "&amp;", "&lt;", "&gt;", "🙂", "\n", "é"})
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(piece, 0, 40).Draw(t, "pieces"), "")
		n := rapid.IntRange(1, 120).Draw(t, "n")
		got := draw.Cut(s, n)
		if utf8.RuneCountInString(got) > n {
			t.Fatalf("%d characters of %d", utf8.RuneCountInString(got), n)
		}
		bare := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(got)
		if strings.Contains(bare, "&") || strings.Count(bare, "<") != strings.Count(bare, ">") {
			t.Fatalf("half a token in %q", got)
		}
	})
}

// anyText draws texts of every length, empty and far too long ones and such with markup in the wrong places.
func anyText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		base := rapid.SampledFrom([]string{"", " ", "x", "*bold*", "<@UANA>", "&amp;", "<!date^1^{time}|x>", "a < b",
			"🙂", "line\nline", "\x00", "“quoted”", "\xff"}).Draw(t, "text")
		return strings.Repeat(base, rapid.SampledFrom([]int{1, 1, 1, 2, 30, 160, 4000}).Draw(t, "times"))
	})
}

func anyCard() *rapid.Generator[workflows.Card] {
	return rapid.Custom(func(t *rapid.T) workflows.Card {
		c := workflows.Card{Title: anyText().Draw(t, "title"), Lines: rapid.SliceOfN(anyText(), 0,
			rapid.SampledFrom([]int{3, 3, 3, 3, 70}).Draw(t, "lines")).Draw(t, "l"),
			Facts: rapid.SliceOfN(anyText(), 0, 5).Draw(t, "facts"), Note: anyText().Draw(t, "note"),
			Fallback: anyText().Draw(t, "fallback"), Round: rapid.IntRange(-2, 1e6).Draw(t, "round")}
		for range rapid.SampledFrom([]int{0, 2, 30}).Draw(t, "buttons") {
			b := workflows.Button{Action: rapid.StringMatching(`[a-z.]{0,12}`).Draw(t, "action"),
				Label: anyText().Draw(t, "label"),
				Style: rapid.SampledFrom([]string{"", "primary", "danger", "odd"}).Draw(t, "style")}
			if rapid.Bool().Draw(t, "asks") {
				b.Confirm = &workflows.Confirm{Title: anyText().Draw(t, "ct"), Text: anyText().Draw(t, "cx"),
					Yes: anyText().Draw(t, "cy"), No: anyText().Draw(t, "cn")}
			}
			c.Buttons = append(c.Buttons, b)
		}
		return c
	})
}

func anyModal() *rapid.Generator[workflows.Modal] {
	return rapid.Custom(func(t *rapid.T) workflows.Modal {
		m := workflows.Modal{Callback: "transfer.request", Action: "transfer.request",
			Title: anyText().Draw(t, "title"), Submit: anyText().Draw(t, "submit"),
			Intro: rapid.SliceOfN(anyText(), 0, 3).Draw(t, "intro")}
		for i := range rapid.SampledFrom([]int{0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 110}).Draw(t, "inputs") {
			in := workflows.Input{Block: rapid.SampledFrom([]string{"", "reason", "account", "x"}).Draw(t, "block") +
				strings.Repeat("y", i%60*5),
				Kind: rapid.SampledFrom([]string{workflows.InputSelect, workflows.InputMulti, workflows.InputUser,
					workflows.InputText, workflows.InputChecks, workflows.InputFile,
					workflows.BlockText, workflows.BlockDivider, workflows.BlockButtons, "odd"}).Draw(t, "kind"),
				Label: anyText().Draw(t, "label"), Hint: anyText().Draw(t, "hint"),
				Placeholder: anyText().Draw(t, "placeholder"), Initial: anyText().Draw(t, "initial"),
				Optional: rapid.Bool().Draw(t, "optional"), Multiline: rapid.Bool().Draw(t, "multiline"),
				MaxLength: rapid.SampledFrom([]int{0, 5, 500, 9000, -1}).Draw(t, "max")}
			for range rapid.SampledFrom([]int{0, 1, 3, 30}).Draw(t, "buttons") {
				in.Buttons = append(in.Buttons, workflows.Button{
					Action: rapid.StringMatching(`([a-z]{1,3}\.)?[a-z]{0,4}`).Draw(t, "action"),
					Label:  anyText().Draw(t, "button")})
			}
			label, description := anyText().Draw(t, "ol"), anyText().Draw(t, "od")
			for i := range rapid.SampledFrom([]int{0, 1, 12, 130}).Draw(t, "options") {
				in.Options = append(in.Options, workflows.Option{Value: strings.Repeat("v", i%160), Label: label,
					Description: description})
			}
			m.Inputs = append(m.Inputs, in)
		}
		return m
	})
}

// faults are Slack's complaints in an error.
func faults(err error) string {
	raw, _ := json.Marshal(err)
	return err.Error() + " " + string(raw)
}

func TestSlackAcceptsEveryCard(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	at := r.posted(testCard("C0OPS"))
	rapid.Check(t, func(t *rapid.T) {
		card := anyCard().Draw(t, "card")
		d := delivery{b: r.bot, claim: claimOf(card), card: card}
		if _, _, _, err := r.bot.api.UpdateMessageContext(t.Context(), at.Channel, at.TS,
			d.message(t.Context())...); err != nil {
			t.Fatal(faults(err))
		}
	})
}

func TestSlackAcceptsEveryForm(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	rapid.Check(t, func(t *rapid.T) {
		v, err := draw.RenderModal(anyModal().Draw(t, "form"))
		if errors.Is(err, draw.ErrFormTooLarge) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		// A view is judged before its trigger, so that a good one fails for the trigger alone.
		_, err = r.bot.api.OpenViewContext(t.Context(), "1.2.never", v)
		if code := slackapi.Code(err); code != "invalid_trigger_id" {
			t.Fatal(faults(err))
		}
	})
}

func TestButtonsTwiceOnACardAreShownOnce(t *testing.T) {
	_, blocks := draw.Render(workflows.Card{Title: "x", Buttons: []workflows.Button{{Action: "a.b", Label: "A"},
		{Action: "a.b", Label: "B"}}}, "a", someWorkflow)
	for _, b := range blocks {
		if a, ok := b.(*slack.ActionBlock); ok && len(a.Elements.ElementSet) != 1 {
			t.Errorf("%d buttons", len(a.Elements.ElementSet))
		}
	}
}

// TestAButtonIsReadOutWithWhatItIsAbout: its own words first, then the title of its card, in plain
// text within Slack's 75 characters.
func TestAButtonIsReadOutWithWhatItIsAbout(t *testing.T) {
	for about, want := range map[string]string{
		"Hand Acme Production to celigo@acme.example?": "Refuse: Hand Acme Production to celigo@acme.example?",
		"! *Late* &amp; <@UNIK> leaves":                "Refuse: ! Late & somebody leaves",
		"":                                             "",
		strings.Repeat("ä ", 100):                      "Refuse: " + strings.Repeat("ä ", 33) + "…",
	} {
		got := draw.Button(workflows.Button{Action: "transfer.refuse", Label: "Refuse…"}, someWorkflow, about)
		if got.AccessibilityLabel != want || got.Text.Text != "Refuse…" {
			t.Errorf("%q is read out as %q, want %q", about, got.AccessibilityLabel, want)
		}
	}
}

// TestSlackAcceptsEveryTable: whatever stands in it; one that breaks a limit is not drawn.
func TestSlackAcceptsEveryTable(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	rapid.Check(t, func(t *rapid.T) {
		n, width := rapid.IntRange(0, 103).Draw(t, "rows"), rapid.IntRange(1, 22).Draw(t, "columns")
		table := draw.Table{Caption: "x" + rapid.String().Draw(t, "caption"), Columns: make([]string, width),
			Named: rapid.IntRange(0, width-1).Draw(t, "named")}
		cell := rapid.Custom(func(t *rapid.T) draw.Cell {
			return rapid.SampledFrom([]draw.Cell{draw.NumberCell(7), draw.PersonCell("UANA"), draw.TextCell(""),
				draw.TextCell(rapid.StringN(0, -1, 400).Draw(t, "text"))}).Draw(t, "cell")
		})
		for range n {
			var row []draw.Cell
			for range width {
				row = append(row, cell.Draw(t, "cell"))
			}
			table.Rows = append(table.Rows, row)
		}
		b := table.Block()
		if b == nil {
			return
		}
		if err := r.bot.api.TakesBlocks(t.Context(), []slack.Block{b}); err != nil {
			t.Fatal(faults(err))
		}
	})
}
