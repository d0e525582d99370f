package machinetest

import (
	"slices"
	"strings"
	"testing"
)

func TestAStoryIsReplayedWithWhatHappensNow(t *testing.T) {
	var heard [][]string
	play := func(line string, words []string) []string {
		heard = append(heard, words)
		if words[0] == "silent" {
			return nil
		}
		return []string{"done " + words[0], "of " + line}
	}
	const story = "# a remark\ngive \"a b\" c \"\"\n----\nwhat was\nwritten down\n\nsilent\n----\n\n# the end\n"
	const want = "# a remark\ngive \"a b\" c \"\"\n----\ndone give\nof give \"a b\" c \"\"\n\nsilent\n----\n\n# the end\n"
	if got := replay(story, play); got != want {
		t.Errorf("got\n%s", got)
	}
	if got := replay(want, play); got != want {
		t.Errorf("what was written is not read back:\n%s", got)
	}
	if !slices.Equal(heard[0], []string{"give", "a b", "c", ""}) {
		t.Errorf("%q", heard[0])
	}
}

func TestADifferenceIsShownWithItsSurroundings(t *testing.T) {
	for name, c := range map[string][2]string{"changed": {"a\nb\nc", "a\nx\nc"}, "shorter": {"a\nb", "a"},
		"longer": {"a", "a\nb"}} {
		if got := firstDifference(c[0], c[1]); !strings.HasPrefix(got, "line 2\n") {
			t.Errorf("%s: %s", name, got)
		}
	}
}
