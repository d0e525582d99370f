package draw

import (
	"cmp"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/workflows"
)

// TableRows is how many rows a table has at most, its header aside. Source: reference of the data table
// block; others name more.
const TableRows = 100

// Limits of a table. Slack names the first three.
const (
	limitTableColumns = 20
	limitTableText    = 20_000 // characters of all cells together
	limitCaption      = 3000
	limitCell         = 150 // ours: a longer one is no longer compared
	tablePage         = 10  // rows shown at once
)

// Table is what people compare: Slack lets each reader sort it, filter it and turn its pages.
type Table struct {
	Caption string // what it lists, in plain text; a screen reader begins with it
	Columns []string
	// Named is the column whose cell names its row to a screen reader.
	Named int
	Rows  [][]Cell
}

// Cell is one cell of a [Table].
type Cell struct {
	cell slack.DataTableCell
	size int // its characters, as generously as Slack may count them
}

// unseen is what is counted for a number, a day and a name, which Slack writes itself.
const unseen = 25

// TextCell holds plain text; a dash where there is none, since Slack refuses an empty one.
func TextCell(text string) Cell {
	text = cmp.Or(Plain(text, limitCell), "–")
	return Cell{slack.NewDataTableRawTextCell(text), utf8.RuneCountInString(text)}
}

// NumberCell sorts as a number, where the whole column is of numbers.
func NumberCell(n int) Cell { return Cell{slack.NewDataTableRawNumberCell(float64(n)), unseen} }

// PersonCell mentions somebody. Nobody is called by it.
func PersonCell(id string) Cell {
	return richCell(unseen, slack.NewRichTextSectionUserElement(id, nil))
}

// DayCell holds a day and what is said of it. It is written so that it sorts, and by each reader's own time zone.
func DayCell(t time.Time, more string) Cell { return dateCell(t, "{date_num}", "2006-01-02", more) }

// TimeCell is a [DayCell] with the time of day.
func TimeCell(t time.Time) Cell { return dateCell(t, "{date_num} {time}", "2006-01-02 15:04 UTC", "") }

// dateCell writes a date as Slack is asked to; fallback is the layout for whoever Slack writes none for.
func dateCell(t time.Time, format, fallback, more string) Cell {
	if t.IsZero() {
		return TextCell(more)
	}
	text := t.UTC().Format(fallback)
	parts := []slack.RichTextSectionElement{slack.NewRichTextSectionDateElement(t.Unix(), format, nil, &text)}
	if more = Plain(more, limitCell); more != "" {
		more = ", " + more
		parts = append(parts, slack.NewRichTextSectionTextElement(more, nil))
	}
	return richCell(unseen+utf8.RuneCountInString(more), parts...)
}

func richCell(size int, parts ...slack.RichTextSectionElement) Cell {
	return Cell{slack.NewDataTableRichTextCell(slack.NewRichTextSection(parts...)), size}
}

// Block is the table as Slack takes it; nil where it has no rows or would break a limit: then the text
// beside it has to do.
func (t Table) Block() slack.Block {
	if len(t.Rows) == 0 || len(t.Rows) > TableRows || len(t.Columns) > limitTableColumns {
		return nil
	}
	b := slack.NewDataTableBlock(workflows.Clip(t.Caption, limitCaption)).WithPageSize(tablePage).
		WithRowHeaderColumnIndex(t.Named)
	var head []Cell
	for _, c := range t.Columns {
		head = append(head, TextCell(c))
	}
	size := 0
	for _, row := range append([][]Cell{head}, t.Rows...) {
		if len(row) != len(head) {
			return nil
		}
		var cells []slack.DataTableCell
		for _, c := range row {
			cells = append(cells, c.cell)
			size += c.size
		}
		b.AddRow(cells...)
	}
	if size > limitTableText {
		return nil
	}
	return b
}
