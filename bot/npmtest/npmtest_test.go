package npmtest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// verdict is a test that notes what was made of it.
type verdict struct {
	testing.TB
	said string
}

func (v *verdict) Helper()                   { /* nothing to mark */ }
func (v *verdict) Skipf(string, ...any)      { v.said = "skipped" }
func (v *verdict) Fatalf(_ string, _ ...any) { v.said = "failed" }

func TestOnlyWhatIsNotAtHandIsForgiven(t *testing.T) {
	for want, err := range map[string]error{
		"":        nil,
		"skipped": fmt.Errorf("%w: npm reaches no registry", errNotAtHand),
		"failed":  os.ErrPermission,
	} {
		v := &verdict{}
		if Demand(v, "a program", err); v.said != want {
			t.Errorf("%v: %q instead of %q", err, v.said, want)
		}
	}
}

func TestWithoutNodeNothingIsFetched(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	v, into := &verdict{}, filepath.Join(t.TempDir(), "into")
	if Demand(v, "a program", Fetch("testdata", into)); v.said != "skipped" {
		t.Errorf("it is %q", v.said)
	}
	if _, err := os.Stat(into); err == nil {
		t.Error("something was copied for nothing")
	}
}
