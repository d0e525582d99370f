package review

import (
	"flag"
	"os"
	"testing"
)

// TestMain tells 30 random stories unless -rapid.checks asks for more: each command of each story is checked in some hundred ways, which takes its time
// under the race detector. The seeds differ from run to run.
func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "rapid.checks" })
	if f := flag.Lookup("rapid.checks"); f != nil && !chosen {
		if err := f.Value.Set("30"); err != nil {
			panic("review: rapid takes no number of checks: " + err.Error())
		}
	}
	os.Exit(m.Run())
}
