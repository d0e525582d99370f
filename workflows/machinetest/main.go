package machinetest

import (
	"flag"
	"os"
	"strconv"
	"testing"
)

// Main runs a package's tests with that many random stories of each kind, unless -rapid.checks asks
// for another number: each command of each story is checked in some hundred ways, which takes its
// time under the race detector. The seeds differ from run to run. It does not return.
func Main(m *testing.M, stories int) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "rapid.checks" })
	if f := flag.Lookup("rapid.checks"); f != nil && !chosen {
		if err := f.Value.Set(strconv.Itoa(stories)); err != nil {
			panic("machinetest: rapid takes no number of checks: " + err.Error())
		}
	}
	os.Exit(m.Run())
}
