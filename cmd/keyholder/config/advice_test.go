package config

import (
	"os"
	"strings"
	"testing"
)

func TestAdvice(t *testing.T) {
	data, err := os.ReadFile("testdata/advice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg := parsed(t, data)
	var b strings.Builder
	for _, a := range cfg.Advice() {
		b.WriteString(a.String() + "\n")
	}
	golden(t, "testdata/advice.golden", b.String())
}

func TestAWellKeptAccountGetsNoAdvice(t *testing.T) {
	cfg := parsed(t, []byte(`
slack: {channel: C0OPS}
accounts:
  - id: acme
    owner: celigo@acme.example
    aliases: [{email: celigo@acme.example, holders: [U0ANA, U0BEN, U0CAT], password: [U0ANA, U0EVE], second_factor: [U0BEN, U0EVE], vault: IT vault}]
    approvers: [U0ANA, U0BEN, U0CAT, U0DEE]
    review: {reviewers: [U0DEE, U0ANA]}
  - id: group
    owner: Io@acme.example
    aliases: [{email: io@acme.example, holders: [S0GROUP], custodians: [S0OTHER], vault: IT vault}]
`))
	for _, a := range cfg.Advice() {
		t.Error(a)
	}
}
