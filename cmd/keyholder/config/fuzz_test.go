package config

import (
	"os"
	"testing"
)

// FuzzParse gives the reader whatever the machine thinks of: no panic, faults with places in the file, the same
// answer twice, and a configuration without fault that all helpers can work with.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml"} {
		for _, name := range mustGlob(pattern) {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add(Template(Answers{}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		cfg, faults := Parse(data, "keyholder.yaml", testEnv)
		wellFormed(t, data, faults)
		if _, again := Parse(data, "keyholder.yaml", testEnv); lines(again) != lines(faults) {
			t.Errorf("two answers:\n%s\n%s", lines(faults), lines(again))
		}
		for _, a := range cfg.Advice() {
			if a.Line < 1 || a.Text == "" || a.Why == "" {
				t.Errorf("advice %+v", a)
			}
		}
		Governance(cfg)
		for _, account := range cfg.Accounts {
			account.Review.Location()
			if len(faults) == 0 && (account.APIBase() == "" || len(account.ApproverIDs()) == 0 ||
				len(account.Access.For) == 0) {
				t.Errorf("no fault, but %+v", account)
			}
		}
	})
}
