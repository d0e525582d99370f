package machinetest

import (
	"flag"
	"os"
	"strconv"
	"testing"
)

// thoroughEnv, set to anything, asks for completeness where the quick form of the tests has a part.
const thoroughEnv = "KEYHOLDER_SEEDS"

// Main runs a package's tests with that many random stories of each kind, unless -rapid.checks asks
// for another number: each command of each story is checked in some hundred ways. Under the race
// detector, which slows that down tenfold and has no second goroutine to look at in a machine, a
// quarter of them is told, unless KEYHOLDER_SEEDS is set. The seeds differ from run to run. It does
// not return.
func Main(m *testing.M, stories int) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "rapid.checks" })
	if raceDetector && os.Getenv(thoroughEnv) == "" {
		stories = max(1, stories/4)
	}
	if f := flag.Lookup("rapid.checks"); f != nil && !chosen {
		if err := f.Value.Set(strconv.Itoa(stories)); err != nil {
			panic("machinetest: rapid takes no number of checks: " + err.Error())
		}
	}
	os.Exit(m.Run())
}
