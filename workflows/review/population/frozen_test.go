package population

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

func TestSafeCell(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "Kim": "Kim", "Kim=1": "Kim=1", "'=1": "'=1", "É": "É", " =1": " =1",
		"=HYPERLINK(\"http://x\")": "'=HYPERLINK(\"http://x\")", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)",
		"\t=1": "'\t=1", "\r=1": "'\r=1",
	} {
		if got := SafeCell(in); got != want {
			t.Errorf("SafeCell(%q) is %q, want %q", in, got, want)
		}
	}
}

func TestFrozenCSVIsTheContractsFile(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	rows := []Row{
		{Kind: KindOwner, Email: "celigo@acme.example", Role: RoleOwner, Privileged: true},
		{Kind: KindUser, Environment: "Sandbox", Email: "kim@acme.example", Name: "=cmd|' /C calc'!A1",
			Role: workflows.RoleCustom, Status: workflows.UserAccepted,
			Manage: []string{"i1"}, Monitor: []string{"i2", workflows.AllIntegrations},
			Names: map[string]string{"i1": "Orders, all"}, SSO: true, Via: "existing_account_invite",
			LastHere: time.Date(2028, 2, 29, 1, 0, 0, 5e8, zone), Flags: []string{FlagInactive, FlagForeignDomain,
				FlagWider}},
	}
	want := "environment,email,name,role,integrations,status,last_sign_in,last_sign_in_any,created_via,mfa_required,sso_required,flags\n" +
		"production,celigo@acme.example,,owner,,,,,,,,\n" +
		"Sandbox,kim@acme.example,'=cmd|' /C calc'!A1,custom,\"manage:i1 (Orders, all); monitor:i2; monitor:*\",accepted,2028-02-28T23:00:00Z,,existing_account_invite,false,true,inactive foreign_domain\n"
	if got := string(FrozenCSV(rows)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(rows[1].Flags) != 3 || rows[1].Flags[2] != FlagWider {
		t.Errorf("writing changed the row: %v", rows[1].Flags)
	}
}

func TestNoCellOfAFrozenFileIsAFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := make([]Row, rapid.IntRange(0, 5).Draw(t, "rows"))
		wild := rapid.StringMatching("[=+\\-@\t\r\n\",;'a-zé]{0,6}")
		for i := range rows {
			rows[i] = Row{Email: wild.Draw(t, "email"), Name: wild.Draw(t, "name"), Role: wild.Draw(t, "role"),
				Environment: wild.Draw(t, "environment"), Via: wild.Draw(t, "via")}
		}
		all, err := csv.NewReader(bytes.NewReader(FrozenCSV(rows))).ReadAll()
		if err != nil || len(all) != len(rows)+1 {
			t.Fatalf("%d lines of %d rows: %v", len(all), len(rows), err)
		}
		for _, cells := range all {
			if len(cells) != 12 {
				t.Fatalf("%d cells", len(cells))
			}
			for _, c := range cells {
				if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
					t.Fatalf("cell %q begins a formula", c)
				}
			}
		}
	})
}
