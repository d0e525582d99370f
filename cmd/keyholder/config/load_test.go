package config

import (
	"os"
	"testing"
)

func TestTry(t *testing.T) {
	data, _ := os.ReadFile("testdata/good/contract.yaml")
	cfg, faults := Parse(data, "keyholder.yaml", testEnv)
	for _, f := range faults {
		t.Error(f)
	}
	t.Logf("%+v", cfg.Accounts)
}

// testEnv is the environment of a well set up machine.
func testEnv(name string) (string, bool) {
	value, ok := map[string]string{
		"SLACK_APP_TOKEN": "xapp-1-A0-1-abc",
		"SLACK_BOT_TOKEN": "xoxb-1-2-abc",
		"ACME_IO_TOKEN":   "0123456789abcdef0123456789abcdef",
		"SANDBOX_TOKEN":   "sandbox-token",
	}[name]
	return value, ok
}
