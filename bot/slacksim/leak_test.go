package slacksim_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the run when a goroutine outlives the tests; the default client's idle connections are not ours.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.Cleanup(func(code int) {
			if sdkDir != "" {
				_ = os.RemoveAll(sdkDir) // a temporary folder; the machine clears what is left
			}
			os.Exit(code)
		}))
}
