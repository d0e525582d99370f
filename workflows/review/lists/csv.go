package lists

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of a file that people upload.
const (
	MaxCSV     = 5 << 20 // bytes
	MaxCSVRows = 20_000
	maxFaults  = 20
)

// CSVFault is one thing in a file that cannot be taken as it stands.
type CSVFault struct {
	// Line counts lines of the file as editors do, Column the cells of a row; both from 1. 0 means
	// the file, or the row, as a whole.
	Line, Column int
	Heading      string // of the column, where it has one
	Read         string // what stands there, shortened to one line; may be empty
	Problem      string // what is wrong with it and what is expected, a sentence without its full stop
}

// Error is the fault in one line: `line 3, column 2 (Email): "bob": is not an e-mail address;
// expected one such as ana@acme.example`.
func (f CSVFault) Error() string {
	var b strings.Builder
	if f.Line > 0 {
		fmt.Fprintf(&b, "line %d", f.Line)
		if f.Column > 0 {
			fmt.Fprintf(&b, ", column %d", f.Column)
		}
		if f.Heading != "" {
			fmt.Fprintf(&b, " (%s)", shortCell(f.Heading))
		}
		b.WriteString(": ")
	}
	if f.Read != "" {
		fmt.Fprintf(&b, "“%s” ", shortCell(f.Read))
	}
	b.WriteString(f.Problem)
	return b.String()
}

// CSVFaults is the error of [ParseUsers] and [ParseDelegates]: every fault of a file, in its order,
// the first 20 of them. More counts the others.
type CSVFaults struct {
	Faults []CSVFault
	More   int
}

// Error lists the faults, one a line.
func (e *CSVFaults) Error() string {
	var out []string
	for _, f := range e.Faults {
		out = append(out, f.Error()+".")
	}
	if e.More > 0 {
		out = append(out, fmt.Sprintf("And %d more.", e.More))
	}
	return strings.Join(out, "\n")
}

func (e *CSVFaults) add(f CSVFault) {
	if len(e.Faults) < maxFaults {
		e.Faults = append(e.Faults, f)
		return
	}
	e.More++
}

// err is nil without a fault.
func (e *CSVFaults) err() error {
	if len(e.Faults) == 0 {
		return nil
	}
	return e
}

func shortCell(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)), " ")
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return s
}

// csvRow is one row with the line it begins on. Cells are as written; cleaned ones come from cell.
type csvRow struct {
	line  int
	cells []string
}

// empty says that nothing stands in the row.
func (r csvRow) empty() bool {
	for _, c := range r.cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// decodeText answers a file's text with a line feed at the end of each line: UTF-8 with or without
// byte order mark, or UTF-16 with one.
func decodeText(raw []byte) (string, *CSVFault) {
	switch {
	case len(raw) > MaxCSV:
		return "", &CSVFault{
			Problem: fmt.Sprintf(
				"The file is larger than %d MB; expected the list of one account, which is much smaller", MaxCSV>>20)}
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		return "", &CSVFault{
			Problem: "This is a workbook or an archive, not a CSV; save it as “CSV UTF-8” and give that file"}
	case bytes.HasPrefix(raw, []byte{0xef, 0xbb, 0xbf}):
		raw = raw[3:]
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}), bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		if len(raw)%2 != 0 {
			return "", &CSVFault{Problem: "The file ends in the middle of a character; export it again"}
		}
		big := raw[0] == 0xfe
		units := make([]uint16, 0, len(raw)/2)
		for i := 2; i < len(raw); i += 2 {
			a, b := uint16(raw[i]), uint16(raw[i+1])
			if big {
				a, b = b, a
			}
			units = append(units, b<<8|a)
		}
		raw = []byte(string(utf16.Decode(units)))
	}
	raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	if len(bytes.TrimSpace(raw)) == 0 {
		return "", &CSVFault{Problem: "The file is empty"}
	}
	for i, line := range bytes.Split(raw, []byte("\n")) {
		if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
			return "", &CSVFault{Line: i + 1,
				Problem: "This line is not text in UTF-8; save the file as “CSV UTF-8” and give that one"}
		}
	}
	return string(raw), nil
}

// readCSV takes a text apart as RFC 4180 says, with the delimiter that its first row uses. Faults
// of quotation marks are added to those given, and reading goes on where the next cell begins. Rows
// without any content are left out.
func readCSV(text string, faults *CSVFaults) (rows []csvRow, delimiter byte) {
	line := 1
	// Excel's own first line
	if rest, ok := strings.CutPrefix(text, "sep="); ok && len(rest) > 1 && rest[1] == '\n' && strings.IndexByte(",;\t",
		rest[0]) >= 0 {
		delimiter, text, line = rest[0], rest[2:], 2
	}
	for strings.HasPrefix(text, "\n") {
		text, line = text[1:], line+1
	}
	if delimiter == 0 {
		delimiter = guessDelimiter(text)
	}
	r := csvReader{text: text, delimiter: delimiter, line: line, faults: faults}
	for r.at < len(r.text) {
		row := r.row()
		if row.empty() {
			continue
		}
		if rows = append(rows, row); len(rows) > MaxCSVRows+1 {
			faults.add(CSVFault{Line: row.line, Problem: fmt.Sprintf(
				"The file has more than %d rows; expected the list of one account", MaxCSVRows)})
			break
		}
	}
	return rows, delimiter
}

// guessDelimiter is what stands most often in the first line, outside of quotation marks; a comma if none does.
func guessDelimiter(text string) byte {
	n := map[byte]int{}
	quoted := false
	for i := 0; i < len(text) && (quoted || text[i] != '\n'); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case !quoted:
			n[c]++
		}
	}
	best := byte(',')
	for _, c := range []byte{';', '\t'} {
		if n[c] > n[best] {
			best = c
		}
	}
	return best
}

type csvReader struct {
	text      string
	at, line  int
	delimiter byte
	faults    *CSVFaults
}

func (r *csvReader) row() csvRow {
	row := csvRow{line: r.line}
	for {
		row.cells = append(row.cells, r.cell(len(row.cells)+1))
		if r.at == len(r.text) {
			return row
		}
		end := r.text[r.at] == '\n'
		r.at++
		if end {
			r.line++
			return row
		}
	}
}

// cell reads up to the delimiter or line feed that ends it.
func (r *csvReader) cell(column int) string {
	if r.at < len(r.text) && r.text[r.at] == '"' {
		return r.quoted(column)
	}
	begin := r.at
	for r.at < len(r.text) && r.text[r.at] != r.delimiter && r.text[r.at] != '\n' {
		r.at++
	}
	cell := r.text[begin:r.at]
	if strings.Contains(cell, `"`) {
		r.faults.add(CSVFault{Line: r.line, Column: column, Read: cell,
			Problem: `holds a quotation mark; a cell with one stands in quotation marks, with each inside written twice`})
	}
	return cell
}

func (r *csvReader) quoted(column int) string {
	line := r.line
	var cell strings.Builder
	for r.at++; ; r.at++ {
		if r.at == len(r.text) {
			r.faults.add(CSVFault{Line: line, Column: column, Read: cell.String(),
				Problem: "begins with a quotation mark that is never closed"})
			return cell.String()
		}
		c := r.text[r.at]
		if c == '\n' {
			r.line++
		}
		if c != '"' {
			cell.WriteByte(c)
			continue
		}
		if r.at+1 < len(r.text) && r.text[r.at+1] == '"' {
			r.at++
			cell.WriteByte(c)
			continue
		}
		break
	}
	r.at++
	begin := r.at
	for r.at < len(r.text) && r.text[r.at] != r.delimiter && r.text[r.at] != '\n' {
		r.at++
	}
	if rest := r.text[begin:r.at]; strings.TrimSpace(rest) != "" {
		r.faults.add(CSVFault{Line: r.line, Column: column, Read: rest,
			Problem: "stands behind a closing quotation mark; expected the next cell or the end of the line"})
	}
	return cell.String()
}

// cleanCell is a cell's content on one line. The apostrophe that exports put before what a
// spreadsheet would take for a formula goes; ours puts it there again, whatever the cell came from.
func cleanCell(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.IndexByte("=+-@\t\r", s[1]) >= 0 {
		s = s[1:]
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b'
	}), " ")
}

// heading is a column's name for comparing: without case, blanks and signs.
func heading(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

var address = regexp.MustCompile(
	"^[\\p{L}\\p{N}.!#$%&'*+/=?^_`{|}~-]+@[\\p{L}\\p{N}]([\\p{L}\\p{N}-]*[\\p{L}\\p{N}])?(\\.[\\p{L}\\p{N}]([\\p{L}\\p{N}-]*[\\p{L}\\p{N}])?)+$")

func isAddress(s string) bool { return len(s) <= 254 && address.MatchString(s) }

func unshown(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
