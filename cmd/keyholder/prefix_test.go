package main

import (
	"strings"
	"testing"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/store"
)

// The file's rule for a prefix is written beside its other rules, the store's where keys are made: they take the same.
func TestTheFileTakesThePrefixesThatTheStoreTakes(t *testing.T) {
	for _, prefix := range []string{"kh", "k", "tenant-7:kh", "a.b_c", "", ":kh", "kh:", "-kh", "kh{07}", "kh*", "k h",
		"käh",
		strings.Repeat("k", 40), strings.Repeat("k", 41)} {
		_, faults := config.Parse([]byte("redis: {prefix: '"+prefix+"'}\n"), "keyholder.yaml", nil)
		refused := false
		for _, f := range faults {
			refused = refused || f.Field == "redis.prefix"
		}
		if want := store.PrefixProblem(prefix) != ""; refused != want {
			t.Errorf("the file refuses %q: %v, the store: %v", prefix, refused, want)
		}
	}
}
