package config

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func TestSealKeysAreReadAndMalformedOnesNamed(t *testing.T) {
	a, b := make([]byte, 32), make([]byte, 32)
	for i := range a {
		a[i], b[i] = byte(i), byte(200-i)
	}
	std, raw := base64.StdEncoding.EncodeToString, base64.RawStdEncoding.EncodeToString
	for _, c := range []struct {
		name, value, fault string
		keys               [][]byte
	}{
		{"none", "", "", nil},
		{"one", std(a), "", [][]byte{a}},
		{"two, the first unpadded", raw(a) + " , " + std(b), "", [][]byte{a, b}},
		{"short", std(a[:31]), "Key 1 in this environment variable has 31 bytes; 32 are needed", nil},
		{"long", std(append(a, 1)), "has 33 bytes", nil},
		{"hexadecimal", strings.Repeat("0f", 32), "has 48 bytes", nil},
		{"no base64", "not a key at all!", "Key 1 in this environment variable is not base64", nil},
		{"the second is empty", std(a) + ",", "Key 2 in this environment variable is empty", nil},
		{"twice", std(a) + "," + std(a), "Key 2 in this environment variable is the same as key 1", nil},
		{"made up", std(bytes.Repeat([]byte{7}, 32)), "is not random", nil},
	} {
		cfg, faults := Parse(Template(Answers{}), "k.yaml", env(EnvSealKey, c.value))
		var named []string
		for _, f := range faults {
			if f.Field == EnvSealKey {
				named = append(named, f.String())
			}
		}
		switch {
		case c.fault == "" && (len(named) > 0 || len(cfg.Secrets.SealKeys) != len(c.keys)):
			t.Errorf("%s: %v, %d keys", c.name, named, len(cfg.Secrets.SealKeys))
		case c.fault == "":
			for i, key := range c.keys {
				if !bytes.Equal(cfg.Secrets.SealKeys[i], key) {
					t.Errorf("%s: key %d differs", c.name, i)
				}
			}
		case len(named) != 1 || !strings.Contains(named[0], c.fault) || !strings.Contains(named[0],
			"openssl rand -base64 32"):
			t.Errorf("%s: %v", c.name, named)
		case len(c.value) > 20 && strings.Contains(named[0], c.value[:20]):
			t.Errorf("%s: the fault shows the key: %v", c.name, named)
		}
		// Commands that only read the record refuse it as well: without its keys they would believe
		// what nobody vouches for.
		if left := FileFaults(faults); c.fault != "" && len(left) != 1 {
			t.Errorf("%s: reading the record goes on past %v", c.name, left)
		}
	}
}
