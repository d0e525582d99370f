package config

import (
	"strings"
	"testing"
)

func TestTheOwnTokensNameAndEndAreRead(t *testing.T) {
	text := strings.Replace(string(Template(Answers{Admins: []string{"U0DEE"}})), `token_ends: ""`,
		"token_ends: 2027-02-01", 1)
	text = strings.Replace(text, `token_name: ""`, "token_name: Keyholder production", 1)
	cfg, faults := Parse([]byte(text), "keyholder.yaml", nil)
	if n := len(FileFaults(faults)); n > 0 {
		t.Fatal(faults)
	}
	if a := cfg.Accounts[0]; a.TokenEnds != "2027-02-01" || a.TokenName != "Keyholder production" {
		t.Errorf("read %q, %q", a.TokenName, a.TokenEnds)
	}
	_, faults = Parse([]byte(strings.Replace(text, "token_ends: 2027-02-01", "token_ends: in spring", 1)),
		"keyholder.yaml", nil)
	if all := FileFaults(faults); len(all) != 1 || !strings.Contains(all[0].String(), "token_ends") ||
		!strings.Contains(all[0].String(), "2027-02-01") {
		t.Errorf("a bad date: %v", all)
	}
}
