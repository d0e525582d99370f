package docs

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

// TestWhateverHappensToThePage plays any publishing, reading and meddling, and checks what must hold always.
func TestWhateverHappensToThePage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.person("Dee", Publish)
		gone := 0
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds")) * time.Second)
			was := w.state
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0:
				who := rapid.SampledFrom([]string{"Ana", "Dee", "Eve", "Zoe"}).Draw(t, "who")
				name := rapid.SampledFrom([]string{Publish, Unpublish}).Draw(t, "do")
				if d := w.person(who, name); (who == "Ana" || who == "Zoe") && (len(d.events) > 0 || d.err == nil) {
					t.Fatalf("%s may not %s", who, name)
				}
			case 1, 2, 3:
				texts := []string{"Owner: " + rapid.SampledFrom([]string{"a", "b", "<@UANA>"}).Draw(t, "owner"),
					"!Kept in: the vault"}
				d := w.reads(texts...)
				if len(d.events) > 1 || len(w.reads(texts...).events) > 0 {
					t.Fatal("the same reading twice changes something")
				}
			case 4:
				if w.found(workflows.PageStands{Card: rapid.SampledFrom([]string{w.state.Card(), "page-0"}).Draw(t,
					"card"), Gone: true}); len(w.state.Words) > 0 {
					gone++
				}
			case 5:
				at := workflows.PageStands{Card: w.state.Card(), By: "UANA",
					Edit: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "edit")}
				w.found(at)
				if len(w.found(at).events) > 0 {
					t.Fatal("the same edit is found twice")
				}
			case 6:
				w.policy.Channel = rapid.SampledFrom([]string{"COPS", "CNEW"}).Draw(t, "channel")
			}
			holds(t, w, was)
		}
	})
}

func holds(t *rapid.T, w *world, was State) {
	s := w.state
	if s.Published() != (len(w.view.Watches) == 1) {
		t.Fatalf("published %v with %d watches", s.Published(), len(w.view.Watches))
	}
	if len(w.view.Timers)+len(w.view.Waiting) > 0 || s.Title() != "" || s.Closed() {
		t.Fatal("the page waits for something, or ends")
	}
	names := map[string]bool{}
	for _, c := range w.view.Cards {
		if names[c.Name+c.Recipient] {
			t.Fatalf("two cards %s for %s", c.Name, c.Recipient)
		}
		names[c.Name+c.Recipient] = true
		all := c.Title + strings.Join(c.Lines, "") + strings.Join(c.Facts, "") + c.Canvas
		if strings.Contains(all, "vault") || strings.Contains(all, "%!") || c.Fallback == "" || len(c.Buttons) > 0 {
			t.Fatalf("card %s: %q", c.Name, all)
		}
	}
	if strings.Contains(string(encode(t, w.events)), "vault") {
		t.Fatal("what is restricted is on record")
	}
	if s.Copy < was.Copy {
		t.Fatal("a copy's number comes twice")
	}
	again, err := kinds.Apply(State{}, w.events...)
	if err != nil || string(encode(t, again)) != string(encode(t, s)) {
		t.Fatalf("folded anew it is another one: %v", err)
	}
}

func TestMarkdownKeepsMentionsAndBreaksMarks(t *testing.T) {
	for in, want := range map[string]string{
		"*Owner:* " + workflows.Esc("a_b*c [x](y)#") + " <@UANA>": `**Owner:** a\_b\*c \[x\](y)\# ![](@UANA)`,
		"`{command} docs acme`":                                   "`{command} docs acme`",
		workflows.When(monday):                                    "2026-11-23 09:14 UTC",
		"*To mend:* Only <@UANA> &amp; `x`: " + "&lt;b&gt;":       "**To mend:** Only ![](@UANA) & `x`: \\<b\\>",
	} {
		if got := Markdown(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}
