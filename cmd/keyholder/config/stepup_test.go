package config

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const aSealKey = "7mK0zpVq3dR5tB8uWnXy1aCfGhJkLsQeTiOrZvMbNwE="

// One-time codes need no provider, but the key that seals their secrets.
func TestOneTimeCodesNeedTheSealKeyAndNoProvider(t *testing.T) {
	data, err := os.ReadFile("testdata/bad/totp_without_key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	with := func(name string) (string, bool) {
		if name == EnvSealKey {
			return aSealKey, true
		}
		return testEnv(name)
	}
	cfg, faults := Parse(data, "keyholder.yaml", with)
	if len(faults) > 0 {
		t.Fatalf("with the key: %s", lines(faults))
	}
	if admins, _ := cfg.Proving(); !slices.Equal(admins, []string{"U0DEE", "U0DAN", "U0EVE"}) {
		t.Errorf("administrators %v", admins)
	}
	for from, want := range map[string]string{"[U0DEE, U0DAN, U0EVE]": "", "[U0DEE]": "Of only one person, two would",
		"[U0DEE, S0GROUP]": "",
		"[U0DEE, U0DAN]":   "Name three or more in admins."} {
		text := strings.Replace(string(data), "[U0DEE, U0DAN, U0EVE]", from, 1)
		cfg, faults := Parse([]byte(text), "keyholder.yaml", with)
		if len(faults) > 0 {
			t.Fatalf("%s: %s", from, lines(faults))
		}
		said := ""
		for _, a := range cfg.Advice() {
			if a.Field == "step_up.totp" {
				said = a.Text
			}
		}
		if (want == "") != (said == "") || !strings.Contains(said, want) {
			t.Errorf("admins %s: advised %q", from, said)
		}
	}
	cfg, _ = Parse([]byte("accounts:\n  - {id: acme, owner: a@acme.example}\nstep_up: {totp: true}\n"),
		"keyholder.yaml", with)
	if !slices.ContainsFunc(cfg.Advice(), func(a Advice) bool {
		return strings.Contains(a.Text, "no account asks for a proof")
	}) {
		t.Error("codes that nobody is asked for are not advised about")
	}
}
