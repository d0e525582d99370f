package lists

import (
	"slices"
	"strings"
)

// delegateColumns are the headings under which mail systems list who may open a mailbox, the surest
// first. Sources: Exchange's Get-MailboxPermission (User) and Get-RecipientPermission (Trustee),
// its recipients (PrimarySmtpAddress); Google Workspace's lists of delegates and members.
var delegateColumns = []string{"primarysmtpaddress", "email", "emailaddress", "delegateemail", "memberemail",
	"useremail", "member", "delegate", "user", "trustee"}

// ParseDelegates reads who may open a mailbox from a list of the mail system: one address a line,
// or a table with a column named email, user, member, delegate, PrimarySmtpAddress or trustee.
// Text, delimiters and bounds are those of [ParseUsers], and so is the error. Addresses come in
// lower case, each once, as mail systems list somebody once for each right; Exchange's own NT
// AUTHORITY entries, which are no people, are left out.
func ParseDelegates(raw []byte) ([]string, error) {
	text, fault := decodeText(raw)
	if fault != nil {
		return nil, &CSVFaults{Faults: []CSVFault{*fault}}
	}
	faults := &CSVFaults{}
	line := 0
	if strings.HasPrefix(text, "#TYPE ") { // PowerShell's Export-Csv
		_, text, _ = strings.Cut(text, "\n")
		line = 1
	}
	rows, _ := readCSV(text, faults)
	if len(rows) == 0 {
		faults.add(CSVFault{Problem: "No address stands in the file"})
		return nil, faults.err()
	}
	column := -1
	name := ""
	for _, want := range delegateColumns {
		if i := slices.IndexFunc(rows[0].cells, func(c string) bool { return heading(cleanCell(c)) == want }); i >= 0 &&
			column < 0 {
			column, name = i, cleanCell(rows[0].cells[i])
		}
	}
	if column >= 0 {
		rows = rows[1:]
	}
	var out []string
	seen := map[string]bool{"": true}
	for _, row := range rows {
		for i, c := range row.cells {
			if column >= 0 && i != column {
				continue
			}
			if a, ok := delegateIn(c); !ok {
				faults.add(CSVFault{Line: row.line, Column: i + 1, Heading: name, Read: c,
					Problem: "is not an e-mail address; expected one a line, or a column named Email, User, Member, Delegate, PrimarySmtpAddress or Trustee"})
			} else if !seen[a] {
				seen[a] = true
				out = append(out, a)
			}
		}
		if column >= len(row.cells) {
			faults.add(CSVFault{Line: row.line, Heading: name, Problem: "This row ends before that column"})
		}
	}
	for i := range faults.Faults {
		if faults.Faults[i].Line > 0 {
			faults.Faults[i].Line += line
		}
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		faults.add(CSVFault{
			Problem: "No address stands below the header; where nobody may open the mailbox, say so in the form instead"})
	}
	return out, faults.err()
}

// delegateIn reads one cell: an address, "Ana <ana@acme.example>", or nothing to count.
func delegateIn(cell string) (email string, ok bool) {
	c := strings.ToLower(cleanCell(cell))
	if c == "" || strings.HasPrefix(c, `nt authority\`) {
		return "", true
	}
	if _, inside, found := strings.Cut(c, "<"); found && strings.HasSuffix(inside, ">") {
		c = strings.TrimSpace(strings.TrimSuffix(inside, ">"))
	}
	return c, isAddress(c)
}
