package lists

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/keyholder/keyholder/workflows"
)

const usersHeader = "Name,Email,Role,Status,Enable user,Last sign in\n"

const usersPage = usersHeader +
	"Jane Doe,jane@acme.example,Owner,Accepted,On,2026-11-20\n" +
	"Ana Ruiz,Ana@Acme.example,Administer account,Accepted,On,2026-05-02T10:03:00Z\n" +
	"\"Ray, Ben \"\"B\"\"\",ben@acme.example,Manage all integrations,Accepted,Off,Never\n" +
	"Cat,cat@acme.example,Monitor all integrations,Pending,On,\n" +
	"'=Dan,dan@acme.example,Tile,Dismissed,On,2026-05-02\n"

func wantUsers() []workflows.User {
	return []workflows.User{
		{Name: "Ana Ruiz", Email: "ana@acme.example", Role: "administrator", Status: "accepted",
			LastHere: time.Date(2026, 5, 2, 10, 3, 0, 0, time.UTC)},
		{Name: `Ray, Ben "B"`, Email: "ben@acme.example", Role: "manage", Status: "accepted", Disabled: true},
		{Name: "Cat", Email: "cat@acme.example", Role: "monitor", Status: "pending"},
		{Name: "=Dan", Email: "dan@acme.example", Role: "custom", Status: "dismissed",
			LastHere: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)},
	}
}

func utf16Of(text string, big bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		lo, hi := byte(u), byte(u>>8)
		if big {
			lo, hi = hi, lo
		}
		b.WriteByte(lo)
		b.WriteByte(hi)
	}
	return b.String()
}

func TestTheUsersPageReadsTheSameHoweverItWasSaved(t *testing.T) {
	semicolons := strings.NewReplacer(",", ";", `"Ray, Ben`, `"Ray, Ben`).Replace(usersPage)
	semicolons = strings.Replace(semicolons, "Ray; Ben", "Ray, Ben", 1)
	tabs := strings.Replace(strings.ReplaceAll(usersPage, ",", "\t"), "Ray\t Ben", "Ray, Ben", 1)
	for name, test := range map[string]struct{ text, delimiter string }{
		"plain":          {usersPage, ","},
		"Windows":        {strings.ReplaceAll(usersPage, "\n", "\r\n"), ","},
		"old Mac":        {strings.ReplaceAll(usersPage, "\n", "\r"), ","},
		"with mark":      {"\ufeff" + usersPage, ","},
		"semicolons":     {semicolons, ";"},
		"tabs":           {tabs, "\t"},
		"Excel's sep":    {"sep=;\r\n" + semicolons, ";"},
		"UTF-16":         {utf16Of(tabs, false), "\t"},
		"UTF-16, big":    {utf16Of(tabs, true), "\t"},
		"no last line":   {strings.TrimSuffix(usersPage, "\n"), ","},
		"empty lines":    {"\n\n" + strings.ReplaceAll(usersPage, "\n", "\n\n,,,,,\n"), ","},
		"upper headings": {strings.Replace(usersPage, usersHeader, strings.ToUpper(usersHeader), 1), ","},
		"trailing cells": {strings.ReplaceAll(usersPage, "\n", ",,\n"), ","},
	} {
		users, extra, err := ParseUsers([]byte(test.text))
		if err != nil || !reflect.DeepEqual(users, wantUsers()) {
			t.Errorf("%s: %v\n%+v", name, err, users)
		}
		if extra.Owner.Email != "jane@acme.example" || extra.Rows != 5 || extra.Delimiter != test.delimiter ||
			len(extra.Ignored) != 0 {
			t.Errorf("%s: %+v", name, extra)
		}
	}
}

func TestOptionalAndUnknownColumnsInAnyOrder(t *testing.T) {
	users, extra, err := ParseUsers(
		[]byte("Require MFA?;Notifications;Email;SSO linked;Last sign-in;Status;Role;Enable user;Require SSO;Name\n" +
			"yes;all;ana@acme.example;Other account;Never;Accepted;Custom;true;No;Ana\n"))
	want := []workflows.User{{Name: "Ana", Email: "ana@acme.example", Role: "custom", Status: "accepted", MFA: true,
		SSOLinked: "other_account"}}
	if err != nil || !reflect.DeepEqual(users, want) || !slices.Equal(extra.Ignored, []string{"Notifications"}) {
		t.Errorf("%v %+v %+v", err, users, extra)
	}
}

func TestDatesWithSlashesOnlyWithoutDoubt(t *testing.T) {
	parse := func(dates ...string) ([]time.Time, error) {
		text := usersHeader
		for i, d := range dates {
			text += fmt.Sprintf("A,a%d@acme.example,Manage,Accepted,On,\"%s\"\n", i, d)
		}
		users, _, err := ParseUsers([]byte(text))
		var out []time.Time
		for _, u := range users {
			out = append(out, u.LastHere)
		}
		return out, err
	}
	got, err := parse("5/2/2026 10:03 AM", "5/22/2026, 12:30:09 pm", "12/1/2026 12:00 AM", "05/02/2026 23:59",
		"2026-05-02T12:00:00+02:00")
	want := []time.Time{time.Date(2026, 5, 2, 10, 3, 0, 0, time.UTC), time.Date(2026, 5, 22, 12, 30, 9, 0, time.UTC),
		time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 5, 2, 23, 59, 0, 0, time.UTC), time.Date(2026, 5, 2, 10, 0, 0, 0, time.UTC)}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v %v", got, err)
	}
	if got, err := parse("5/5/2026"); err != nil || !got[0].Equal(time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the fifth of May is no riddle: %v %v", got, err)
	}
	for _, dates := range [][]string{{"5/2/2026"}, {"22/5/2026"}, {"5/22/2026", "22/5/2026"},
		{"5/22/2026", "2/30/2026"}, {"5/22/2026 13:00 PM"}, {"5/22/2026 24:00"}, {"0/22/2026"},
		{"yesterday"}, {"2026-02-30"}, {"1999-01-01"}, {"2026-05-02 10"}} {
		if got, err := parse(dates...); err == nil {
			t.Errorf("%v was taken as %v", dates, got)
		}
	}
}

func TestFaultsOfAUsersPage(t *testing.T) {
	ok := "Ana,ana@acme.example,Manage,Accepted,On,Never\n"
	for name, test := range map[string]struct{ text, want string }{
		"empty":           {"", "The file is empty."},
		"blank":           {"\ufeff \r\n\t\n", "The file is empty."},
		"delimiters only": {",,,\n,,\n", "The file holds delimiters and nothing else; expected the Users page."},
		"no header": {ok,
			"line 1: “Ana | ana@acme.example | Manage | Accepted | On | Never” is not the header; expected the columns Name, Email, Role, Status, Enable user, Last sign in."},
		"header only": {usersHeader, "No user stands below the header; expected one row for each."},
		"columns missing": {"Name,Email,Role,Enable user\n",
			"line 1: The column Status is missing; expected Name, Email, Role, Status, Enable user, Last sign in.\n" +
				"line 1: The column Last sign in is missing; expected Name, Email, Role, Status, Enable user, Last sign in."},
		"column twice": {"Name,Email,E-Mail,Role,Status,Enabled,Last sign in\n",
			"line 1, column 3: “E-Mail” is the same column as column 2; keep one of them."},
		"every cell": {usersHeader + "Ana,ana,Boss,Gone,maybe,soon\n",
			"line 2, column 2 (Email): “ana” is not an e-mail address; expected one such as ana@acme.example.\n" +
				"line 2, column 3 (Role): “Boss” is not a role; expected Administer account, Manage all integrations, Monitor all integrations, Custom or Owner.\n" +
				"line 2, column 4 (Status): “Gone” is not a status; expected Accepted, Pending or Dismissed.\n" +
				"line 2, column 5 (Enable user): “maybe” is neither on nor off; expected On or Off (or yes and no, true and false).\n" +
				"line 2, column 6 (Last sign in): “soon” is not a date; expected 2026-05-02, 2026-05-02T10:03:00Z, or Never."},
		"duplicate": {usersHeader + ok + "\n" + strings.ToUpper(ok),
			"line 4, column 2 (Email): “ANA@ACME.EXAMPLE” stands on line 2 already; expected each user once."},
		"two owners": {usersHeader + "A,a@b.example,Owner,,,\nC,c@b.example,owner,,,\n",
			"line 3, column 3 (Role): “owner” is given to a second user; expected one owner."},
		"short row": {usersHeader + "Ana,ana@acme.example\n",
			"line 2: This row has 2 cells, the header 6; a cell that holds the delimiter stands in quotation marks."},
		"long row": {usersHeader + "Ruiz, " + ok,
			"line 2: This row has 7 cells, the header 6; a cell that holds the delimiter stands in quotation marks."},
		"open quote": {usersHeader + `"Ana` + ok,
			"line 2, column 1: “AnaAna,ana@acme.example,Manage,Accepted,On,Never” begins with a quotation mark that is never closed.\nline 2: This row has 1 cell, the header 6; a cell that holds the delimiter stands in quotation marks."},
		"stray quote": {usersHeader + `A"na` + ok,
			"line 2, column 1: “A\"naAna” holds a quotation mark; a cell with one stands in quotation marks, with each inside written twice."},
		"behind": {usersHeader + `"A"b` + ok,
			"line 2, column 1: “bAna” stands behind a closing quotation mark; expected the next cell or the end of the line."},
		"latin-1": {usersHeader + "Jos\xe9" + ok,
			"line 2: This line is not text in UTF-8; save the file as “CSV UTF-8” and give that one."},
		"workbook": {"PK\x03\x04rest",
			"This is a workbook or an archive, not a CSV; save it as “CSV UTF-8” and give that file."},
		"half UTF-16": {"\xff\xfea", "The file ends in the middle of a character; export it again."},
		"too large": {strings.Repeat("x", MaxCSV+1),
			"The file is larger than 5 MB; expected the list of one account, which is much smaller."},
		"too many": {usersHeader + strings.Repeat("a,b\n", MaxCSVRows+1),
			"line 20002: The file has more than 20000 rows; expected the list of one account."},
	} {
		users, _, err := ParseUsers([]byte(test.text))
		var faults *CSVFaults
		if users != nil || !errors.As(err, &faults) || err.Error() != test.want {
			t.Errorf("%s: %v\ngot  %v\nwant %s", name, users, err, test.want)
		}
	}
}

func TestTwentyFaultsAreTold(t *testing.T) {
	_, _, err := ParseUsers([]byte(usersHeader + strings.Repeat("Ana,ana,Manage,Accepted,On,Never\n", 25)))
	var faults *CSVFaults
	if !errors.As(err, &faults) || len(faults.Faults) != 20 || faults.More != 5 || !strings.HasSuffix(err.Error(),
		"\nAnd 5 more.") {
		t.Error(err)
	}
}

func TestAnApostropheBeforeAFormulaIsTheExportsOwn(t *testing.T) {
	for read, want := range map[string]string{"'=1+1": "=1+1", "'+x": "+x", "'-x": "-x", "'@x": "@x",
		"'t Hooft": "'t Hooft", "'": "'", "": "", " a \u00a0 b ": "a b", "a\nb": "a b"} {
		if got := cleanCell(read); got != want {
			t.Errorf("%q became %q, not %q", read, got, want)
		}
	}
}

func TestDelegates(t *testing.T) {
	for name, test := range map[string]struct{ text, want, fault string }{
		"lines": {"Ana@acme.example\r\nben@acme.example\n\nana@acme.example\n",
			"ana@acme.example ben@acme.example", ""},
		"with names": {"Ana <ana@acme.example>\n\"Ray, Ben <ben@acme.example>\"\n",
			"ana@acme.example ben@acme.example", ""},
		"one line": {"ana@acme.example; ben@acme.example;", "ana@acme.example ben@acme.example", ""},
		"Exchange": {
			"#TYPE Selected.MailboxPermission\r\n\"Identity\",\"User\",\"AccessRights\"\r\n\"celigo\",\"NT AUTHORITY\\SELF\",\"FullAccess\"\r\n\"celigo\",\"ana@acme.example\",\"FullAccess\"\r\n", "ana@acme.example", ""},
		"the surest column": {"User;PrimarySmtpAddress\nAna Ruiz;ana@acme.example\n", "ana@acme.example", ""},
		"UTF-16":            {utf16Of("Trustee\tRights\nana@acme.example\tSendAs\n", false), "ana@acme.example", ""},
		"empty":             {"\n", "", "The file is empty."},
		"nobody": {"Email\n", "",
			"No address stands below the header; where nobody may open the mailbox, say so in the form instead."},
		"only the system": {"User\nNT AUTHORITY\\SELF\n", "",
			"No address stands below the header; where nobody may open the mailbox, say so in the form instead."},
		"a name": {"#TYPE x\nUser\nAna Ruiz\n", "",
			"line 3, column 1 (User): “Ana Ruiz” is not an e-mail address; expected one a line, or a column named Email, User, Member, Delegate, PrimarySmtpAddress or Trustee."},
		"row too short": {"Name,Email\nAna\n", "", "line 2 (Email): This row ends before that column."},
		"cells but no table": {"Ana,ana@acme.example\n", "",
			"line 1, column 1: “Ana” is not an e-mail address; expected one a line, or a column named Email, User, Member, Delegate, PrimarySmtpAddress or Trustee."},
	} {
		got, err := ParseDelegates([]byte(test.text))
		if fault := fmt.Sprint(err); strings.Join(got, " ") != test.want || test.fault != "" && fault != test.fault ||
			test.fault == "" && err != nil {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

// FuzzParseUsers: no panic, either users or faults, both in order, and what was read can be written and read again.
func FuzzParseUsers(f *testing.F) {
	f.Add([]byte(usersPage))
	f.Add([]byte(utf16Of(usersPage, true)))
	f.Add([]byte("sep=;\nName;Email;Role;Status;Enable user;Last sign in;Require MFA\n\"a\"\"\";'+a@b.c;tile;pending;0;5/22/2026 1:02 pm;yes\n"))
	f.Add([]byte("\"Email\n\",\"\"\"x\"y\r\n\"\"\"\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		users, extra, err := ParseUsers(raw)
		if err != nil {
			wellFormedFaults(t, err)
			if users != nil || !reflect.DeepEqual(extra, ParsedCSV{}) {
				t.Error("faults and users")
			}
			return
		}
		owner := 0
		if extra.Owner.Email != "" {
			owner = 1
		}
		if len(users)+owner != extra.Rows || extra.Rows == 0 {
			t.Errorf("%d users of %d rows", len(users), extra.Rows)
		}
		text := usersHeader
		for i := range users {
			u := users[i]
			if !isAddress(u.Email) || u.Email != strings.ToLower(u.Email) {
				t.Errorf("address %q", u.Email)
			}
			last := "Never"
			if !u.LastHere.IsZero() {
				last = u.LastHere.Format(time.RFC3339Nano)
			}
			email, name := u.Email, u.Name
			if strings.ContainsAny(email[:1], "=+-@") {
				email = "'" + email
			}
			if len(name) > 1 && name[0] == '\'' || name != "" && strings.ContainsAny(name[:1], "=+-@") {
				name = "'" + name
			}
			if strings.HasPrefix(name, "''") {
				name = name[1:]
			}
			text += fmt.Sprintf("\"%s\",\"%s\",%s,%s,%v,%s\n", strings.ReplaceAll(name, `"`, `""`),
				strings.ReplaceAll(email, `"`, `""`), u.Role, u.Status, !u.Disabled, last)
			users[i].SSO, users[i].MFA, users[i].SSOLinked = false, false, ""
		}
		if len(users) == 0 {
			return
		}
		again, _, err := ParseUsers([]byte(text))
		if err != nil || !reflect.DeepEqual(again, users) {
			t.Errorf("read again: %v\n%+v\n%+v\n%s", err, users, again, text)
		}
	})
}

func FuzzParseDelegates(f *testing.F) {
	f.Add([]byte("Email\nana@acme.example\n"))
	f.Add([]byte("Ana <ana@acme.example>; ben@acme.example\n"))
	f.Add([]byte("#TYPE x\n\"User\"\n\"NT AUTHORITY\\SELF\"\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := ParseDelegates(raw)
		if err != nil {
			wellFormedFaults(t, err)
			return
		}
		if len(got) == 0 {
			t.Error("neither addresses nor faults")
		}
		again, err := ParseDelegates([]byte("Email\n" + strings.Join(got, "\n")))
		if err != nil || !slices.Equal(again, got) {
			t.Errorf("read again: %v, %v, %v", err, got, again)
		}
	})
}

func wellFormedFaults(t *testing.T, err error) {
	var faults *CSVFaults
	if !errors.As(err, &faults) || len(faults.Faults) == 0 || len(faults.Faults) > maxFaults ||
		len(err.Error()) > 10_000 {
		t.Fatalf("%v", err)
	}
	for _, f := range faults.Faults {
		if strings.ContainsAny(f.Error(), "\n\r\x00") || f.Problem == "" || f.Line < 0 {
			t.Errorf("%q", f.Error())
		}
	}
}
