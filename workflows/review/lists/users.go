package lists

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// ParsedCSV says how a file was read, for whoever compares it with the page.
type ParsedCSV struct {
	Rows      int      // below the header, the owner's included
	Delimiter string   // "," ";" or a tab
	Ignored   []string // columns that were not read, as headed
	// Missing names what no column of the file says, as [workflows.Census].Unread does.
	Missing map[string]string
	// Owner is the user whom the file calls the owner, with the role of that name; they are not
	// among the users. Its address is empty where the file has no row for one.
	Owner workflows.User
}

// Columns of the Users page.
const (
	colName = iota
	colEmail
	colRole
	colStatus
	colEnabled
	colLast
	colLinked
	colSSO
	colMFA
	columns
)

// columnNames are the page's own headings; the first six must be there.
var columnNames = [columns]string{"Name", "Email", "Role", "Status", "Enable user", "Last sign in", "SSO linked",
	"Require SSO", "Require MFA"}

// required is how many of columnNames must be there.
const required = colLast + 1

var columnOf = map[string]int{
	"name": colName, "fullname": colName, "email": colEmail, "emailaddress": colEmail, "useremail": colEmail,
	"role": colRole, "accesslevel": colRole, "status": colStatus,
	"enableuser": colEnabled, "enabled": colEnabled, "userenabled": colEnabled, "lastsignin": colLast,
	"lastlogin": colLast, "lastsignedin": colLast,
	"ssolinked": colLinked, "accountssolinked": colLinked, "requiresso": colSSO, "accountssorequired": colSSO,
	"requiremfa": colMFA, "accountmfarequired": colMFA,
}

// pageRoles are the roles in the page's words and in the API's, by heading. Source: integrator.io's
// user management page.
var pageRoles = map[string]string{
	"administrator": workflows.RoleAdministrator, "administeraccount": workflows.RoleAdministrator,
	"admin":  workflows.RoleAdministrator,
	"manage": workflows.RoleManage, "manageallintegrations": workflows.RoleManage,
	"manageaccount": workflows.RoleManage,
	"monitor":       workflows.RoleMonitor, "monitorallintegrations": workflows.RoleMonitor,
	"monitoraccount": workflows.RoleMonitor,
	"custom":         workflows.RoleCustom, "tile": workflows.RoleCustom, "customaccess": workflows.RoleCustom,
	"owner": RoleOwner, "accountowner": RoleOwner,
}

// ParseUsers reads the Users page of integrator.io as a CSV: the columns Name, Email, Role, Status,
// Enable user and Last sign in, and where they are there SSO linked, Require SSO and Require MFA,
// in any order, upper and lower case alike. Text is UTF-8, or UTF-16 with its mark; cells are set
// apart by commas, semicolons or tabs. At most 5 MB and 20,000 rows.
//
// It takes nothing it is not sure of: the error is a [*CSVFaults] with every fault at once, and
// then there are no users. Addresses come in lower case, times without a zone are taken as UTC, and
// Last sign in as that to this account. Dates as 5/2/2026 are taken as month/day/year where another
// one of the column leaves no doubt (5/22/2026) and none contradicts. What integrations a custom
// role covers is not on the page, so it is not in the answer.
func ParseUsers(raw []byte) (users []workflows.User, extra ParsedCSV, err error) {
	text, fault := decodeText(raw)
	if fault != nil {
		return nil, extra, &CSVFaults{Faults: []CSVFault{*fault}}
	}
	p := usersParser{first: map[string]int{}}
	rows, delimiter := readCSV(text, &p.faults)
	p.extra.Delimiter = string(delimiter)
	if len(rows) == 0 {
		p.faults.add(CSVFault{Problem: "The file holds delimiters and nothing else; expected the Users page"})
	}
	if len(rows) == 0 || len(rows) > MaxCSVRows+1 || !p.header(rows[0]) {
		return nil, ParsedCSV{}, p.faults.err()
	}
	rows = rows[1:]
	if len(rows) == 0 {
		p.faults.add(CSVFault{Problem: "No user stands below the header; expected one row for each"})
	}
	p.slashes(rows)
	for _, row := range rows {
		p.row(row)
	}
	if err := p.faults.err(); err != nil {
		slices.SortStableFunc(p.faults.Faults, func(a, b CSVFault) int { return a.Line - b.Line })
		return nil, ParsedCSV{}, err
	}
	p.extra.Rows = len(rows)
	for col, name := range map[int]string{colMFA: UnreadMFA, colSSO: UnreadSSO} {
		if p.at[col] < 0 {
			if p.extra.Missing == nil {
				p.extra.Missing = map[string]string{}
			}
			p.extra.Missing[name] = "the file has no column " + columnNames[col]
		}
	}
	return p.users, p.extra, nil
}

type usersParser struct {
	faults CSVFaults
	extra  ParsedCSV
	users  []workflows.User
	at     [columns]int // index of the column, -1: not there
	names  []string     // the header
	first  map[string]int
	// usDates is true when dates with slashes are month/day/year beyond doubt.
	usDates bool
}

// header finds the columns; false when rows cannot be judged by it.
func (p *usersParser) header(row csvRow) bool {
	for i := range p.at {
		p.at[i] = -1
	}
	found, before := 0, len(p.faults.Faults)+p.faults.More
	for i, c := range row.cells {
		name := cleanCell(c)
		p.names = append(p.names, name)
		col, known := columnOf[heading(name)]
		switch {
		case known && p.at[col] >= 0:
			p.faults.add(CSVFault{Line: row.line, Column: i + 1, Read: name,
				Problem: fmt.Sprintf("is the same column as column %d; keep one of them", p.at[col]+1)})
		case known:
			p.at[col] = i
			found++
		case name != "":
			p.extra.Ignored = append(p.extra.Ignored, name)
		}
	}
	if found == 0 {
		p.faults.add(CSVFault{Line: row.line, Read: strings.Join(p.names, " | "),
			Problem: "is not the header; expected the columns " + strings.Join(columnNames[:required], ", ")})
		return false
	}
	for col := range required {
		if p.at[col] < 0 {
			p.faults.add(CSVFault{Line: row.line, Problem: "The column " + columnNames[col] + " is missing; expected " +
				strings.Join(columnNames[:required], ", ")})
		}
	}
	return len(p.faults.Faults)+p.faults.More == before
}

func (p *usersParser) cell(row csvRow, col int) string {
	if i := p.at[col]; i >= 0 && i < len(row.cells) {
		return cleanCell(row.cells[i])
	}
	return ""
}

func (p *usersParser) fault(row csvRow, col int, problem string) {
	p.faults.add(CSVFault{Line: row.line, Column: p.at[col] + 1, Heading: columnNames[col], Read: p.cell(row, col),
		Problem: problem})
}

func (p *usersParser) row(row csvRow) {
	if n := len(row.cells); n < len(p.names) || slices.ContainsFunc(row.cells[len(p.names):], func(c string) bool {
		return strings.TrimSpace(c) != ""
	}) {
		p.faults.add(CSVFault{Line: row.line, Problem: fmt.Sprintf(
			"This row has %s, the header %d; a cell that holds the delimiter stands in quotation marks",
			workflows.Plural(n, "cell"), len(p.names))})
		return
	}
	u := workflows.User{Name: p.cell(row, colName), Email: p.email(row)}
	if len(u.Name) > 300 || unshown(u.Name) {
		p.fault(row, colName, "is too long or holds signs that are not shown; expected a name")
	}
	switch u.Role = pageRoles[heading(p.cell(row, colRole))]; u.Role {
	case RoleOwner:
		if p.extra.Owner.Email != "" {
			p.fault(row, colRole, "is given to a second user; expected one owner")
		}
		before := p.faults // the page shows little of an owner: what it says is taken, what it leaves out is no fault
		u.Status, u.LastHere, u.SSOLinked = workflows.UserAccepted, p.date(row), p.linked(row)
		u.SSO, u.MFA = p.onOff(row, colSSO, true), p.onOff(row, colMFA, true)
		p.faults, p.extra.Owner = before, u
		return
	case "":
		p.fault(row, colRole,
			"is not a role; expected Administer account, Manage all integrations, Monitor all integrations, Custom or Owner")
	}
	u.Status = strings.ToLower(p.cell(row, colStatus))
	if u.Status != workflows.UserAccepted && u.Status != workflows.UserPending && u.Status != workflows.UserDismissed {
		p.fault(row, colStatus, "is not a status; expected Accepted, Pending or Dismissed")
	}
	u.Disabled = !p.onOff(row, colEnabled, false)
	u.LastHere = p.date(row)
	u.SSOLinked = p.linked(row)
	u.SSO, u.MFA = p.onOff(row, colSSO, true), p.onOff(row, colMFA, true)
	p.users = append(p.users, u)
}

func (p *usersParser) email(row csvRow) string {
	email := strings.ToLower(p.cell(row, colEmail))
	line, twice := p.first[email]
	switch {
	case !isAddress(email):
		p.fault(row, colEmail, "is not an e-mail address; expected one such as ana@acme.example")
	case twice:
		p.fault(row, colEmail, fmt.Sprintf("stands on line %d already; expected each user once", line))
	default:
		p.first[email] = row.line
	}
	return email
}

func (p *usersParser) onOff(row csvRow, col int, mayLack bool) bool {
	switch text := strings.ToLower(p.cell(row, col)); text {
	case "on", "true", "yes", "enabled", "required", "1":
		return true
	case "off", "false", "no", "disabled", "not required", "0":
		return false
	case "":
		if mayLack {
			return false
		}
	}
	p.fault(row, col, "is neither on nor off; expected On or Off (or yes and no, true and false)")
	return false
}

func (p *usersParser) linked(row csvRow) string {
	if p.at[colLinked] < 0 {
		return ""
	}
	switch heading(p.cell(row, colLinked)) {
	case "yes", "true", "linked", "thisaccount", "linkedtothisaccount":
		return "this_account"
	case "", "no", "false", "notlinked":
		return "not_linked"
	case "otheraccount", "linkedtootheraccount", "linkedtoanotheraccount":
		return "other_account"
	}
	p.fault(row, colLinked, "is not known here; expected Yes, No or Other account")
	return ""
}

var slashed = regexp.MustCompile(
	`^(\d{1,2})/(\d{1,2})/(\d{4})(?:,? (\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AaPp])\.?[Mm]\.?)?)?$`)

// slashes looks at all dates with slashes for what comes first in them.
func (p *usersParser) slashes(rows []csvRow) {
	monthFirst, dayFirst := false, false
	for _, row := range rows {
		if m := slashed.FindStringSubmatch(p.cell(row, colLast)); m != nil {
			a, _ := strconv.Atoi(m[1])
			b, _ := strconv.Atoi(m[2])
			monthFirst, dayFirst = monthFirst || b > 12, dayFirst || a > 12
		}
	}
	p.usDates = monthFirst && !dayFirst
}

// layouts without a zone are read as UTC.
var layouts = []string{time.RFC3339, "2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04",
	"2006-01-02T15:04:05"}

func (p *usersParser) date(row csvRow) time.Time {
	text := p.cell(row, colLast)
	switch strings.ToLower(text) {
	case "", "never", "-", "–", "—":
		return time.Time{}
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			return p.plausible(row, at)
		}
	}
	m := slashed.FindStringSubmatch(text)
	if m == nil {
		p.fault(row, colLast, "is not a date; expected 2026-05-02, 2026-05-02T10:03:00Z, or Never")
		return time.Time{}
	}
	if !p.usDates && m[1] != m[2] {
		p.fault(row, colLast,
			"may be read as month/day or day/month; expected 2026-05-02, or month/day/year with a day above 12 somewhere in the column and no month above 12")
		return time.Time{}
	}
	at, ok := usDate(m)
	if !ok {
		p.fault(row, colLast, "is not a date and time; expected 5/22/2026 10:03 AM or 2026-05-22")
		return time.Time{}
	}
	return p.plausible(row, at)
}

// usDate puts together what slashed found.
func usDate(m []string) (time.Time, bool) {
	var n [7]int
	for i := 1; i <= 6; i++ {
		n[i], _ = strconv.Atoi(m[i])
	}
	hour, half := n[4], strings.ToLower(m[7])
	if half != "" && (hour < 1 || hour > 12) || hour > 23 || n[5] > 59 || n[6] > 59 {
		return time.Time{}, false
	}
	if half != "" {
		hour %= 12
	}
	if half == "p" {
		hour += 12
	}
	at := time.Date(n[3], time.Month(n[1]), n[2], hour, n[5], n[6], 0, time.UTC)
	return at, int(at.Month()) == n[1] && at.Day() == n[2]
}

// plausible refuses years before integrator.io existed and those that nobody has seen, which are typing errors.
func (p *usersParser) plausible(row csvRow, at time.Time) time.Time {
	if at = at.UTC(); at.Year() < 2010 || at.Year() > 2199 {
		p.fault(row, colLast, "lies before 2010 or after 2199; expected when the user last signed in, or Never")
	}
	return at
}
