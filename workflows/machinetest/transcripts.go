package machinetest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the transcripts in testdata anew")

// Play carries out one command of a story, given as the line and as its words, and answers the
// lines that it led to. A command that there is none of ends the test.
type Play func(line string, words []string) []string

// Transcripts plays the stories whose files match glob, each as a test of its own in the world that
// begin makes. A command is followed by a line of four dashes, what it led to, and an empty line;
// lines that begin with # are remarks. With -update what the machines do now is written down: read
// it before you commit it.
func Transcripts(t *testing.T, glob string, begin func(t *testing.T) Play) {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, got := string(raw), replay(string(raw), begin(t))
			switch {
			case got == want:
			case *update:
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("the story has changed (run with -update and read it):\n%s", firstDifference(want, got))
			}
		})
	}
}

// replay answers a story with what happens now in the place of what was written down.
func replay(text string, play Play) string {
	var out strings.Builder
	inOutput := false
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		switch {
		case inOutput && line != "":
			continue
		case inOutput:
			inOutput = false
			out.WriteString("\n")
		case line == "----":
			inOutput = true
		case line == "" || strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
		default:
			out.WriteString(line + "\n----\n")
			for _, l := range play(line, split(line)) {
				out.WriteString(l + "\n")
			}
		}
	}
	return out.String()
}

// split cuts a line into words; quotation marks keep words together.
func split(line string) []string {
	var out []string
	var word strings.Builder
	quoted, any := false, false
	for _, c := range line {
		switch {
		case c == '"':
			quoted, any = !quoted, true
		case c == ' ' && !quoted:
			if any || word.Len() > 0 {
				out = append(out, word.String())
			}
			word.Reset()
			any = false
		default:
			word.WriteRune(c)
		}
	}
	if any || word.Len() > 0 {
		out = append(out, word.String())
	}
	return out
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			from := max(i-3, 0)
			return fmt.Sprintf("line %d\nwant:\n%s\ngot:\n%s", i+1, strings.Join(a[min(from, len(a)):min(i+4, len(a))],
				"\n"), strings.Join(b[min(from, len(b)):min(i+4, len(b))], "\n"))
		}
	}
	return "no difference"
}
