package config

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const aSealKey = "7mK0zpVq3dR5tB8uWnXy1aCfGhJkLsQeTiOrZvMbNwE="

// withSealKey is an environment in which there is one.
func withSealKey(name string) (string, bool) {
	if name == EnvSealKey {
		return aSealKey, true
	}
	return testEnv(name)
}

// Whom a click asks, of whom check says whether they can give a proof.
func TestProofsAreOfThoseWhoDecide(t *testing.T) {
	a := Account{Admins: []string{"U0DEE"}, Aliases: []Alias{{Holders: []string{"U0ANA", "U0BEN"},
		Password: []string{"U0PAT"}}}}
	a.Approvers, a.Recovery.Approvers = Approvers{{"U0CAT"}}, Approvers{{"U0ROB"}}
	a.Recovery.IT = []string{"U0IDA"}
	for name, want := range map[string]string{
		"transfer.confirm": "U0CAT", "transfer.request": "", "access.approve:administrator": "U0ANA U0BEN U0DEE",
		"recovery.approve": "U0ROB", "recovery.done": "U0IDA U0ANA U0BEN U0DEE", "key.request": "",
		"drill.attest": "U0ANA U0BEN U0PAT", "delegate": "U0CAT U0ANA U0BEN U0DEE U0ROB", "review.sign": "U0DEE U0ANA U0BEN",
	} {
		a.StepUp = []string{name}
		if got := strings.Join(a.ProvingIDs(), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// One-time codes need no provider, but the key that seals their secrets.
func TestOneTimeCodesNeedTheSealKeyAndNoProvider(t *testing.T) {
	data, err := os.ReadFile("testdata/bad/totp_without_key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	with := withSealKey
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
