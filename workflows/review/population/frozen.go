package population

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// PopulationColumns are those of population.csv, part of the contract.
func PopulationColumns() []string {
	return []string{"environment", "email", "name", "role", "integrations", "status", "last_sign_in",
		"last_sign_in_any", "created_via",
		"mfa_required", "sso_required", "flags"}
}

// FrozenCSV is a population as a file, in the order of the rows: RFC 4180 with line ends of a
// single LF, UTF-8, a header line, times as RFC 3339 in UTC to the second. What is not known is an
// empty cell. The same rows give the same bytes, so their hash can be checked later.
func FrozenCSV(rows []Row) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	put := func(cells []string) {
		if err := w.Write(cells); err != nil {
			panic("review: a CSV row cannot be written: " + err.Error()) // neither the comma nor the buffer can fail
		}
	}
	put(PopulationColumns())
	for _, r := range rows {
		put(populationCells(r))
	}
	w.Flush()
	return b.Bytes()
}

func populationCells(r Row) []string {
	mfa, sso := strconv.FormatBool(r.MFA), strconv.FormatBool(r.SSO)
	if r.Status == "" || slices.Contains(r.Unknown, UnreadMFA) { // of no user integrator.io says nothing
		mfa = ""
	}
	if r.Status == "" || slices.Contains(r.Unknown, UnreadSSO) {
		sso = ""
	}
	cells := []string{r.EnvironmentName(), r.Email, r.Name, r.Role, IntegrationsCell(r), r.Status, Stamp(r.LastHere),
		Stamp(r.LastAny), r.Via, mfa, sso, FlagsCell(r.Flags)}
	for i := range cells {
		cells[i] = SafeCell(cells[i])
	}
	return cells
}

// IntegrationsCell lists the integrations of a custom role with level, ID and, where known, name:
// "manage:ID (Name); monitor:*".
func IntegrationsCell(r Row) string {
	var out []string
	for _, level := range []struct {
		name string
		ids  []string
	}{{workflows.RoleManage, r.Manage}, {workflows.RoleMonitor, r.Monitor}} {
		for _, id := range level.ids {
			cell := level.name + ":" + id
			if n := r.Names[id]; n != "" {
				cell += " (" + n + ")"
			}
			out = append(out, cell)
		}
	}
	return strings.Join(out, "; ")
}

// FlagsCell holds the contract's flags, separated by spaces; the flag that is ours alone is left out.
func FlagsCell(flags []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return f == FlagWider }), " ")
}

// Stamp is a time in files; empty for none.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// SafeCell keeps a spreadsheet from taking what somebody typed for a formula: a cell that begins
// with = + - @, a tab or a carriage return gets an apostrophe in front, part of the contract.
// Source: OWASP, "CSV Injection".
func SafeCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
