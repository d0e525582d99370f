package blockkit

import (
	"fmt"
	"unicode/utf8"
)

// cells are the kinds of cell, with what each may carry (@slack/types 3.2.0, RawTextElement, RawNumberElement).
var cells = map[string]string{"raw_text": "type text", "raw_number": "type value text",
	"rich_text": "type block_id elements"}

func (c *checker) table(b obj, ptr string) {
	c.only(onMessage, ptr, "table")
	c.tables++
	c.props(b, ptr, "type block_id rows column_settings")
	for i, r := range c.list(b, "rows", ptr, "table.rows", true) {
		c.cellRow(r, fmt.Sprintf("%s/rows/%d", ptr, i), "raw_text raw_number rich_text")
	}
	for i, v := range c.list(b, "column_settings", ptr, "table.column_settings", false) {
		at := fmt.Sprintf("%s/column_settings/%d", ptr, i)
		if v == nil { // a column without settings
			continue
		}
		if s, ok := c.object(v, at); ok {
			c.props(s, at, "align is_wrapped")
			c.choice(s, "align", at, "left center right")
			c.boolean(s, "is_wrapped", at)
		}
	}
}

// cellRow checks one row of cells and returns how many there are and how many characters stand in them.
func (c *checker) cellRow(r any, ptr, allowed string) (count, characters int) {
	row, ok := r.([]any)
	if !ok {
		c.fail(ptr, "must be an array")
		return 0, 0
	}
	if b := Limit("table.cells"); len(row) < b.Min {
		c.fail(ptr, "must provide at least %d items", b.Min)
	} else if len(row) > b.Max {
		c.fail(ptr, "no more than %d items allowed", b.Max)
	}
	for j, v := range row {
		characters += c.cell(v, fmt.Sprintf("%s/%d", ptr, j), allowed)
	}
	return len(row), characters
}

func (c *checker) cell(v any, ptr, allowed string) int {
	cell, ok := c.object(v, ptr)
	if !ok {
		return 0
	}
	kind := asString(cell["type"])
	if !hasWord(allowed, kind) {
		c.unsupported(ptr, kind, allowed)
		return 0
	}
	switch kind {
	case "button":
		c.element(cell, ptr, "button", map[string]bool{})
		return 0
	case "rich_text":
		c.richText(cell, ptr)
	case "raw_number":
		if _, ok := cell["value"].(float64); !ok {
			c.fail(ptr, "missing required field: %s", "value")
		}
	}
	if kind != "rich_text" {
		c.props(cell, ptr, cells[kind])
	}
	return textOf(cell)
}

// textOf counts the characters of everything called text, however deep.
func textOf(v any) int {
	n := 0
	switch t := v.(type) {
	case obj:
		for k, e := range t {
			if s, ok := e.(string); ok && k == "text" {
				n += utf8.RuneCountInString(s)
			} else {
				n += textOf(e)
			}
		}
	case []any:
		for _, e := range t {
			n += textOf(e)
		}
	}
	return n
}

// dataTable checks a table that readers can sort and search; its first row is the header.
func (c *checker) dataTable(b obj, ptr string) {
	c.props(b, ptr, "type block_id rows caption page_size row_header_column_index")
	c.str(b, "caption", ptr, "data_table.caption", true)
	size := Limit("data_table.page_size")
	c.integer(b, "page_size", ptr, size.Min, size.Max)
	width, total := 0, 0
	for i, r := range c.list(b, "rows", ptr, "data_table.rows", true) {
		allowed, at := "raw_text raw_number rich_text button", fmt.Sprintf("%s/rows/%d", ptr, i)
		if i == 0 {
			allowed = "raw_text raw_number"
		}
		n, characters := c.cellRow(r, at, allowed)
		if total += characters; i == 0 {
			width = n
		} else if n != width {
			// That all rows are of one length is documented, the words are not.
			c.fail(at, "must have %d items as the first row", width)
		}
	}
	if most := Limit("data_table.characters").Max; total > most {
		c.fail(ptr+"/rows", "must be less than %d characters", most+1)
	}
	c.integer(b, "row_header_column_index", ptr, 0, max(width-1, 0))
}

// chart checks a data_visualization block.
func (c *checker) chart(b obj, ptr string) {
	c.props(b, ptr, "type block_id title chart")
	c.str(b, "title", ptr, "chart.title", true)
	if b["chart"] == nil {
		c.fail(ptr, "missing required field: %s", "chart")
		return
	}
	at := ptr + "/chart"
	o, ok := c.object(b["chart"], at)
	if !ok {
		return
	}
	switch kind := asString(o["type"]); kind {
	case "pie":
		c.props(o, at, "type segments")
		c.points(o, "segments", at, "chart.segments")
	case "bar", "line", "area":
		c.props(o, at, "type series axis_config")
		for i, v := range c.list(o, "series", at, "chart.series", true) {
			p := fmt.Sprintf("%s/series/%d", at, i)
			if s, ok := c.object(v, p); ok {
				c.props(s, p, "name data")
				c.str(s, "name", p, "chart.label", true)
				c.points(s, "data", p, "chart.points")
			}
		}
		c.axes(o["axis_config"], at)
	default:
		c.unsupported(at, kind, "pie bar line area")
	}
}

func (c *checker) points(o obj, key, ptr, name string) {
	for i, v := range c.list(o, key, ptr, name, true) {
		at := fmt.Sprintf("%s/%s/%d", ptr, key, i)
		if p, ok := c.object(v, at); ok {
			c.props(p, at, "label value")
			c.str(p, "label", at, "chart.label", true)
			if _, ok := p["value"].(float64); !ok {
				c.fail(at, "missing required field: %s", "value")
			}
		}
	}
}

func (c *checker) axes(v any, chart string) {
	if v == nil {
		c.fail(chart, "missing required field: %s", "axis_config")
		return
	}
	ptr := chart + "/axis_config"
	a, ok := c.object(v, ptr)
	if !ok {
		return
	}
	c.props(a, ptr, "categories x_label y_label")
	c.str(a, "x_label", ptr, "chart.axis", false)
	c.str(a, "y_label", ptr, "chart.axis", false)
	for i, v := range c.list(a, "categories", ptr, "chart.categories", true) {
		c.length(asString(v), fmt.Sprintf("%s/categories/%d", ptr, i), "chart.label")
	}
}
