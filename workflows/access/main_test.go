package access

import (
	"flag"
	"os"
	"testing"
)

// TestMain tells 45 random stories of each kind unless -rapid.checks asks for more: each command of each story is checked in some hundred ways, which
// takes its time under the race detector. The seeds differ from run to run.
func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "rapid.checks" })
	if f := flag.Lookup("rapid.checks"); f != nil && !chosen {
		if err := f.Value.Set("45"); err != nil {
			panic("access: rapid takes no number of checks: " + err.Error())
		}
	}
	os.Exit(m.Run())
}
