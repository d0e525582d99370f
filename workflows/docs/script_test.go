package docs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// TestTranscripts plays the stories in testdata.
//
//	publish NAME | unpublish NAME | reads FACT... | wait SPAN | channel ID
//	gone [CARD] | edited NAME ID | cards | canvas
func TestTranscripts(t *testing.T) {
	machinetest.Transcripts(t, "testdata/*.txt", func(t *testing.T) machinetest.Play {
		w := newWorld(t)
		return func(_ string, words []string) []string { return play(t, w, words[0], words[1:]) }
	})
}

func play(t *testing.T, w *world, verb string, a []string) []string {
	var d did
	switch verb {
	case "publish":
		d = w.person(a[0], Publish)
	case "unpublish":
		d = w.person(a[0], Unpublish)
	case "reads":
		d = w.reads(a...)
	case "channel":
		w.policy.Channel = strings.Join(a, "")
	case "wait":
		span, err := time.ParseDuration(a[0])
		if err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(span)
	case "gone":
		d = w.found(workflows.PageStands{Card: strings.Join(append(a, w.state.Card())[:1], ""), Gone: true})
	case "edited":
		d = w.found(workflows.PageStands{Card: w.state.Card(), By: "U" + strings.ToUpper(a[0]), Edit: a[1]})
	case "cards":
		return shown(w)
	case "canvas":
		c, _ := w.card(w.state.Card(), w.state.Channel)
		return dotted(c.Canvas)
	default:
		t.Fatalf("no command %q", verb)
	}
	var out []string
	if d.code() != "" {
		out = append(out, "told ("+d.code()+"): "+w.read(strings.TrimPrefix(d.err.Error(), d.code()+": ")))
	}
	if d.reply != "" {
		out = append(out, "told: "+w.read(d.reply))
	}
	for _, e := range d.events {
		out = append(out, w.read(Machine().Tell(e)))
	}
	if len(out) == 0 {
		out = []string{"nothing changes"}
	}
	return out
}

func shown(w *world) (out []string) {
	for _, c := range w.view.Cards {
		out = append(out, c.Name+" for "+w.read(workflows.Mention(c.Recipient))+": "+w.read(c.Title))
		for _, l := range slices.Concat(c.Lines, c.Facts, []string{"(" + c.Note + ")"}) {
			out = append(out, "  "+w.read(l))
		}
	}
	return out
}

// dotted shows empty lines as a dot: one ends what was written down.
func dotted(text string) (out []string) {
	for l := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if l == "" {
			l = "."
		}
		out = append(out, l)
	}
	return out
}
