package blockkit

import (
	"slices"
	"strings"
	"testing"
)

// bounded says, for each limit that sized does not size, how a thing of size n is checked and what
// is said about one that is too large. A size is tried at its limits, where nothing may be said,
// and one beyond.
var bounded = map[string]struct {
	answer func(n int) []string
	over   string
	under  string // what is said about one below the minimum; "" where there is none
}{
	"message.blocks": {faultsOf(func(n int) []any {
		return repeated(n, func(int) any { return obj{"type": "divider"} })
	}),
		"no more than 50 items allowed [json-pointer:/blocks]", ""},
	"text": {faultsOf(func(n int) []any { return []any{obj{"type": "context", "elements": []any{mrkdwnText(n)}}} }),
		"must be less than 3001 characters [json-pointer:/blocks/0/elements/0/text]",
		"must be more than 0 characters [json-pointer:/blocks/0/elements/0/text]"},
	"markdown.text": {faultsOf(func(n int) []any {
		return []any{obj{"type": "markdown", "text": strings.Repeat("é", n)}}
	}),
		"must be less than 12001 characters [json-pointer:/blocks/0/text]",
		"must be more than 0 characters [json-pointer:/blocks/0/text]"},
	"message.tables": {faultsOf(func(n int) []any { return repeated(n, func(int) any { return tableBlock() }) }),
		"no more than 1 items allowed [json-pointer:/blocks]", ""},
	"table.rows": {faultsOf(func(n int) []any { return []any{tableOf(n, 1)} }),
		"no more than 100 items allowed [json-pointer:/blocks/0/rows]",
		"must provide at least 1 items [json-pointer:/blocks/0/rows]"},
	"table.cells": {faultsOf(func(n int) []any { return []any{tableOf(1, n)} }),
		"no more than 20 items allowed [json-pointer:/blocks/0/rows/0]",
		"must provide at least 1 items [json-pointer:/blocks/0/rows/0]"},
	"image.image_url": {faultsOf(func(n int) []any {
		return []any{obj{"type": "image", "alt_text": "x",
			"image_url": ("https://x/" + strings.Repeat("y", max(n-10, 0)))[:max(10, n)*min(n, 1)]}}
	}), "must be less than 3001 characters [json-pointer:/blocks/0/image_url]",
		"must be more than 0 characters [json-pointer:/blocks/0/image_url]"},
	"image.title": {faultsOf(func(n int) []any {
		return []any{obj{"type": "image", "alt_text": "x", "image_url": "https://x/y", "title": plainText(n)}}
	}), "must be less than 2001 characters [json-pointer:/blocks/0/title/text]",
		"must be more than 0 characters [json-pointer:/blocks/0/title/text]"},
	"video.alt_text": {videoWith(func(v obj, n int) { v["alt_text"] = strings.Repeat("é", n) }),
		"must be less than 2001 characters [json-pointer:/blocks/0/alt_text]",
		"must be more than 0 characters [json-pointer:/blocks/0/alt_text]"},
	"video.title": {videoWith(func(v obj, n int) { v["title"] = plainText(n) }),
		"must be less than 201 characters [json-pointer:/blocks/0/title/text]",
		"must be more than 0 characters [json-pointer:/blocks/0/title/text]"},
	"video.description": {videoWith(func(v obj, n int) { v["description"] = plainText(n) }),
		"must be less than 201 characters [json-pointer:/blocks/0/description/text]",
		"must be more than 0 characters [json-pointer:/blocks/0/description/text]"},
	"option.url": {faultsOf(func(n int) []any {
		return []any{actionsOf(obj{"type": "overflow",
			"options": []any{obj{"text": plainText(1), "value": "v", "url": strings.Repeat("u", n)}}})}
	}), "must be less than 3001 characters [json-pointer:/blocks/0/elements/0/options/0/url]", ""},
	"option_group.label": {faultsOf(func(n int) []any {
		return []any{actionsOf(obj{"type": "static_select",
			"option_groups": []any{obj{"label": plainText(n), "options": optionsOf(1)}}})}
	}), "must be less than 76 characters [json-pointer:/blocks/0/elements/0/option_groups/0/label/text]",
		"must be more than 0 characters [json-pointer:/blocks/0/elements/0/option_groups/0/label/text]"},
	"plain_text_input.max": {inputWith(func(e obj, n int) {
		e["max_length"] = n
	}), "must be less than 3001 [json-pointer:/blocks/0/element/max_length]",
		"must be greater than 0 [json-pointer:/blocks/0/element/max_length]"},
	"plain_text_input.min": {inputWith(func(e obj, n int) {
		e["min_length"] = n
	}), "must be less than 3001 [json-pointer:/blocks/0/element/min_length]", ""},
	"input.initial_value": {inputWith(func(e obj, n int) { e["initial_value"] = strings.Repeat("é", n) }),
		"must be less than 3001 characters [json-pointer:/blocks/0/element/initial_value]", ""},
	"file_input.max_files": {inputWith(func(e obj, n int) {
		delete(e, "multiline")
		e["type"] = "file_input"
		e["max_files"] = n
	}),
		"must be less than 11 [json-pointer:/blocks/0/element/max_files]",
		"must be greater than 0 [json-pointer:/blocks/0/element/max_files]"},
	"rich_text.indent": {faultsOf(func(n int) []any {
		return richOf(obj{"type": "rich_text_list", "style": "bullet", "indent": n, "elements": []any{}})
	}), "must be less than 9 [json-pointer:/blocks/0/elements/0/indent]", ""},
	"rich_text.border": {faultsOf(func(n int) []any {
		return richOf(obj{"type": "rich_text_quote", "border": n, "elements": []any{}})
	}),
		"must be less than 2 [json-pointer:/blocks/0/elements/0/border]", ""},
	"data_table.rows": {faultsOf(func(n int) []any { return []any{dataTable(n, "x")} }),
		"no more than 101 items allowed [json-pointer:/blocks/0/rows]",
		"must provide at least 2 items [json-pointer:/blocks/0/rows]"},
	"data_table.page_size": {faultsOf(func(n int) []any { return []any{with(dataTable(2, "x"), "page_size", n)} }),
		"must be less than 101 [json-pointer:/blocks/0/page_size]",
		"must be greater than 0 [json-pointer:/blocks/0/page_size]"},
	"data_table.characters": {faultsOf(func(n int) []any { // two rows, each with the two characters of 42
		b := dataTable(2, word(max(n/2-2, 0)))
		first := b["rows"].([]any)[0].([]any)[0].(obj)
		first["text"] = first["text"].(string) + word(n%2)
		return []any{b}
	}), "must be less than 20001 characters [json-pointer:/blocks/0/rows]", ""},
	"rich_text_input.lines": {inputWith(func(e obj, n int) {
		delete(e, "multiline")
		e["type"] = "rich_text_input"
		e["max_lines"] = n
	}),
		"must be less than 101 [json-pointer:/blocks/0/element/max_lines]",
		"must be greater than 0 [json-pointer:/blocks/0/element/max_lines]"},
}

func faultsOf(blocks func(n int) []any) func(int) []string {
	return func(n int) []string { return checkBlocks(clone(blocks(n))) }
}

func videoWith(set func(v obj, n int)) func(int) []string {
	return faultsOf(func(n int) []any {
		v := obj{"type": "video", "alt_text": "x", "title": plainText(1), "thumbnail_url": "https://x/y",
			"video_url": "https://x/z"}
		set(v, n)
		return []any{v}
	})
}

func inputWith(set func(e obj, n int)) func(int) []string {
	return faultsOf(func(n int) []any {
		e := obj{"type": "plain_text_input", "multiline": true}
		set(e, n)
		return []any{inputOf(e)}
	})
}

func tableOf(rows, cells int) obj {
	return obj{"type": "table", "rows": repeated(rows, func(int) any {
		return repeated(cells, func(int) any { return obj{"type": "raw_text", "text": "x"} })
	})}
}

func TestEveryLimitHoldsAtItsEdges(t *testing.T) {
	for name, c := range bounded {
		t.Run(name, func(t *testing.T) {
			b := Limit(name)
			for _, n := range []int{b.Min, b.Max} {
				if got := c.answer(n); len(got) > 0 && (n > 0 || c.under == "") {
					t.Errorf("at %d: %q", n, got)
				}
			}
			if got := c.answer(b.Max + 1); !slices.Contains(got, c.over) {
				t.Errorf("at %d: %q does not hold %q", b.Max+1, got, c.over)
			}
			if got := c.answer(max(b.Min-1, 0)); c.under != "" && !slices.Contains(got, c.under) {
				t.Errorf("at %d: %q does not hold %q", b.Min-1, got, c.under)
			}
		})
	}
}

func TestEveryLimitHasASourceAndATest(t *testing.T) {
	for name, b := range limits {
		_, a := sized[name]
		_, c := bounded[name]
		if !a && !c {
			t.Errorf("%s has no test", name)
		}
		if b.Source == "" || b.Max < b.Min {
			t.Errorf("%s: %+v", name, b)
		}
	}
	for name := range bounded {
		Limit(name) // panics for a name that is none
	}
}
