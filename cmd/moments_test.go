package cmd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// calendars are the rooms in which something depends on days and hours: the machines and what they
// share, and the programs that run them.
func calendars() []string {
	return slices.Concat(machines, shared, []string{reviewLists, serve, demo})
}

// stopwatch are the uses of real time that say nothing about a day: how long something took, until
// when a test waits, and the clock of leases and sockets. They are known by the names they go by.
var stopwatch = regexp.MustCompile(`\b(begun|begin|since|deadline|soon|RealNow|realTime)\b|SetDeadline`)

// TestNoTestDependsOnTheDayOnWhichItRuns: a test of what has a calendar chooses its moment.
func TestNoTestDependsOnTheDayOnWhichItRuns(t *testing.T) {
	read := 0
	for _, room := range calendars() {
		files, err := filepath.Glob(filepath.Join(top, room, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "bench_test.go") { // which measures, and nothing else
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			read++
			n := 0
			for line := range strings.SplitSeq(string(text), "\n") {
				n++
				if strings.Contains(line, "time."+"Now") && !stopwatch.MatchString(line) {
					t.Errorf("%s:%d asks for the time of this machine: %q. Choose a moment and pass it in; call a stopwatch begun or since.",
						file, n, strings.TrimSpace(line))
				}
			}
		}
	}
	if read < 20 {
		t.Errorf("only %d files were read: this test looks at the wrong folders", read)
	}
}
