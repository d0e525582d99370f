package blockkit

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func word(n int) string { return strings.Repeat("é", n) }

func with(block obj, key string, v any) obj { return merge(block, obj{key: v}) }

func aCard() obj {
	return obj{"type": "card", "title": mrkdwnText(3), "subtitle": mrkdwnText(3), "body": mrkdwnText(3),
		"subtext":    mrkdwnText(1),
		"hero_image": obj{"type": "image", "image_url": "https://x.example/i.png", "alt_text": "x"},
		"actions":    []any{buttonOf(nil)}}
}

func aContainer() obj {
	return obj{"type": "container", "title": plainText(3), "subtitle": mrkdwnText(3),
		"child_blocks": []any{obj{"type": "divider"}},
		"width":        "wide", "is_collapsible": true, "default_collapsed": false, "has_header_divider": true}
}

func aPlan() obj { return obj{"type": "plan", "title": "Thinking", "tasks": []any{aTask()}} }

func aTask() obj {
	return obj{"task_id": "t1", "title": "Fetch", "status": "in_progress",
		"output":  richOf(richSection(obj{"type": "text", "text": "x"}))[0],
		"sources": []any{obj{"type": "url", "url": "https://x.example", "text": "x"}}}
}

func anIcon() obj {
	return obj{"type": "icon_button", "icon": "trash", "text": plainText(3), "value": "v"}
}

func feedbackOf(over obj) obj {
	positive := merge(obj{"text": plainText(1), "value": "+"}, over)
	return obj{"type": "feedback_buttons", "positive_button": positive, "negative_button": obj{"text": plainText(1),
		"value": "-"}}
}

func contextActions(elements ...any) obj { return obj{"type": "context_actions", "elements": elements} }

func pie(n int) obj {
	return chartOf(obj{"type": "pie", "segments": repeated(n, func(int) any { return obj{"label": "x", "value": 1} })})
}

func chartOf(chart obj) obj {
	return obj{"type": "data_visualization", "title": "Users", "chart": chart}
}

func lineOf(series, points, categories int) obj {
	return chartOf(obj{"type": "line", "series": repeated(series, func(int) any {
		return obj{"name": "s", "data": repeated(points, func(int) any { return obj{"label": "Mon", "value": 2.5} })}
	}), "axis_config": obj{"categories": repeated(categories, func(int) any { return "Mon" }), "x_label": "Day",
		"y_label": "Users"}})
}

func dataTable(rows int, text string) obj {
	return obj{"type": "data_table", "caption": "Scores", "page_size": 5, "row_header_column_index": 0,
		"rows": repeated(rows, func(int) any {
			return []any{obj{"type": "raw_text", "text": text}, obj{"type": "raw_number", "value": 42, "text": "42"}}
		})}
}

func init() {
	at := "/blocks/0/"
	maps.Copy(sized, map[string]sizing{
		"card.title": {block: func(n int) obj { return with(aCard(), "title", mrkdwnText(n)) },
			ptr: at + "title/text"},
		"card.subtitle": {block: func(n int) obj { return with(aCard(), "subtitle", mrkdwnText(n)) },
			ptr: at + "subtitle/text"},
		"card.body": {block: func(n int) obj { return with(aCard(), "body", mrkdwnText(n)) },
			ptr: at + "body/text"},
		"card.subtext": {block: func(n int) obj { return with(aCard(), "subtext", mrkdwnText(n)) },
			ptr: at + "subtext/text"},
		"card.actions": {block: func(n int) obj {
			return with(aCard(), "actions", repeated(n, func(int) any { return buttonOf(nil) }))
		}, ptr: at + "actions", items: true},
		"carousel.elements": {block: func(n int) obj {
			return obj{"type": "carousel", "elements": repeated(n, func(int) any { return aCard() })}
		}, ptr: at + "elements", items: true},
		"container.title": {block: func(n int) obj {
			return with(aContainer(), "title", plainText(n))
		}, ptr: at + "title/text"},
		"container.subtitle": {block: func(n int) obj {
			return with(aContainer(), "subtitle", plainText(n))
		}, ptr: at + "subtitle/text"},
		"container.child_blocks": {block: func(n int) obj {
			return with(aContainer(), "child_blocks", repeated(n, func(int) any { return obj{"type": "divider"} }))
		}, ptr: at + "child_blocks", items: true},
		"plan.tasks": {block: func(n int) obj {
			return with(aPlan(), "tasks", repeated(n, func(int) any { return aTask() }))
		}, ptr: at + "tasks", items: true},
		"source.url": {block: func(n int) obj {
			source := obj{"type": "url", "url": word(n), "text": "x"}
			return merge(aTask(), obj{"type": "task_card", "sources": []any{source}})
		}, ptr: at + "sources/0/url"},
		"context_actions.elements": {block: func(n int) obj {
			return contextActions(repeated(n, func(int) any { return anIcon() })...)
		}, ptr: at + "elements", items: true},
		"icon_button.text": {block: func(n int) obj { return contextActions(with(anIcon(), "text", plainText(n))) },
			ptr: at + "elements/0/text/text"},
		"icon_button.value": {block: func(n int) obj {
			return contextActions(with(anIcon(), "value", word(n)))
		}, ptr: at + "elements/0/value"},
		"icon_button.accessibility": {block: func(n int) obj {
			return contextActions(with(anIcon(), "accessibility_label", word(n)))
		}, ptr: at + "elements/0/accessibility_label"},
		"icon_button.visible_to": {block: func(n int) obj {
			return contextActions(with(anIcon(), "visible_to_user_ids", repeated(n, func(int) any { return "U1" })))
		}, ptr: at + "elements/0/visible_to_user_ids", items: true},
		"feedback_button.text": {block: func(n int) obj {
			return contextActions(feedbackOf(obj{"text": plainText(n)}))
		}, ptr: at + "elements/0/positive_button/text/text"},
		"feedback_button.value": {block: func(n int) obj {
			return contextActions(feedbackOf(obj{"value": word(n)}))
		}, ptr: at + "elements/0/positive_button/value"},
		"feedback_button.accessibility": {block: func(n int) obj {
			return contextActions(feedbackOf(obj{"accessibility_label": word(n)}))
		}, ptr: at + "elements/0/positive_button/accessibility_label"},
		"chart.title":    {block: func(n int) obj { return with(pie(1), "title", word(n)) }, ptr: at + "title"},
		"chart.segments": {block: pie, ptr: at + "chart/segments", items: true},
		"chart.series":   {block: func(n int) obj { return lineOf(n, 1, 1) }, ptr: at + "chart/series", items: true},
		"chart.points": {block: func(n int) obj { return lineOf(1, n, 1) }, ptr: at + "chart/series/0/data",
			items: true},
		"chart.categories": {block: func(n int) obj { return lineOf(1, 1, n) },
			ptr: at + "chart/axis_config/categories", items: true},
		"chart.label": {block: func(n int) obj {
			return chartOf(obj{"type": "pie", "segments": []any{obj{"label": word(n), "value": 1}}})
		}, ptr: at + "chart/segments/0/label"},
		"chart.axis": {block: func(n int) obj {
			axes := obj{"categories": []any{"Mon"}, "x_label": word(n)}
			return chartOf(obj{"type": "bar", "axis_config": axes,
				"series": []any{obj{"name": "s", "data": []any{obj{"label": "Mon", "value": 1}}}}})
		}, ptr: at + "chart/axis_config/x_label"},
		"data_table.caption": {block: func(n int) obj {
			return with(dataTable(2, "x"), "caption", word(n))
		}, ptr: at + "caption"},
		"table.column_settings": {block: func(n int) obj {
			return with(tableBlock(), "column_settings", repeated(n, func(int) any {
				return obj{"align": "right", "is_wrapped": true}
			}))
		}, ptr: at + "column_settings", items: true},
		"video.name": {block: func(n int) obj { return video(obj{"author_name": word(n)}) }, ptr: at + "author_name"},
		"video.url": {block: func(n int) obj { return video(obj{"thumbnail_url": word(n)}) },
			ptr: at + "thumbnail_url"},
		"video.link": {block: func(n int) obj { return video(obj{"title_url": word(n)}) }, ptr: at + "title_url"},
		"alert.text": {view: func(n int) obj {
			return modalOf(obj{"blocks": []any{obj{"type": "alert", "text": mrkdwnText(n), "level": "warning"}}})
		}, ptr: "/view/blocks/0/text/text"},
	})
}

func video(over obj) obj {
	return merge(obj{"type": "video", "alt_text": "x", "title": plainText(1), "thumbnail_url": "https://x/y",
		"video_url": "https://x/z"}, over)
}

// The words of what is recorded nowhere are ours; see the comments in cards.go and data.go.
func TestNewerBlocksAreCheckedToTheirLastElement(t *testing.T) {
	for name, c := range map[string]struct {
		block obj
		want  string
	}{
		"an empty card": {obj{"type": "card"},
			"must define at least one of `hero_image`, `title`, `actions` or `body` [json-pointer:/blocks/0]"},
		"a select on a card": {with(aCard(), "actions", []any{obj{"type": "users_select"}}),
			"unsupported type: users_select [json-pointer:/blocks/0/actions/0/type]"},
		"a section in a row": {obj{"type": "carousel", "elements": []any{obj{"type": "section"}}},
			"unsupported type: section [json-pointer:/blocks/0/elements/0/type]"},
		"a box in a box": {with(aContainer(), "child_blocks", []any{aContainer()}),
			"unsupported type: container [json-pointer:/blocks/0/child_blocks/0/type]"},
		"a bad child": {with(aContainer(), "child_blocks", []any{obj{"type": "section"}}),
			"must define either `text` or `fields` [json-pointer:/blocks/0/child_blocks/0]"},
		"a huge box": {with(aContainer(), "width", "huge"),
			"must be one of: narrow, standard, wide, full [json-pointer:/blocks/0/width]"},
		"an alert in a message": {obj{"type": "alert", "text": plainText(1)},
			"unsupported type: alert [json-pointer:/blocks/0/type]"},
		"a task without a title": {obj{"type": "task_card", "task_id": "1", "status": "pending"},
			"missing required field: title [json-pointer:/blocks/0]"},
		"a task of mrkdwn": {merge(aTask(), obj{"type": "task_card", "details": mrkdwnText(1)}),
			"unsupported type: mrkdwn [json-pointer:/blocks/0/details/type]"},
		"a lost task": {with(aPlan(), "tasks", []any{with(aTask(), "status", "lost")}),
			"must be one of: pending, in_progress, complete, error [json-pointer:/blocks/0/tasks/0/status]"},
		"a button in context": {contextActions(buttonOf(nil)),
			"unsupported type: button [json-pointer:/blocks/0/elements/0/type]"},
		"half a feedback": {contextActions(obj{"type": "feedback_buttons",
			"positive_button": obj{"text": plainText(1), "value": "+"}}),
			"missing required field: negative_button [json-pointer:/blocks/0/elements/0]"},
		"a caption left out": {merge(dataTable(2, "x"), obj{"caption": nil}),
			"missing required field: caption [json-pointer:/blocks/0]"},
		"rich text as header": {with(dataTable(2, "x"), "rows",
			[]any{[]any{richOf(richSection(obj{"type": "text", "text": "x"}))[0]},
				[]any{obj{"type": "raw_text", "text": "x"}}}),
			"unsupported type: rich_text [json-pointer:/blocks/0/rows/0/0/type]"},
		"a ragged table": {with(dataTable(2, "x"), "rows", []any{[]any{obj{"type": "raw_text", "text": "x"}}, []any{}}),
			"must have 1 items as the first row [json-pointer:/blocks/0/rows/1]"},
		"a column beyond": {with(dataTable(2, "x"), "row_header_column_index", 2),
			"must be less than 2 [json-pointer:/blocks/0/row_header_column_index]"},
		"text as a number": {with(tableBlock(), "rows", []any{[]any{obj{"type": "raw_number", "text": "1"}}}),
			"missing required field: value [json-pointer:/blocks/0/rows/0/0]"},
		"a column to the top": {with(tableBlock(), "column_settings", []any{obj{"align": "top"}}),
			"must be one of: left, center, right [json-pointer:/blocks/0/column_settings/0/align]"},
		"a chart of candles": {chartOf(obj{"type": "candles"}),
			"unsupported type: candles [json-pointer:/blocks/0/chart/type]"},
		"a line without axes": {chartOf(obj{"type": "line",
			"series": []any{obj{"name": "s", "data": []any{obj{"label": "x", "value": 1}}}}}),
			"missing required field: axis_config [json-pointer:/blocks/0/chart]"},
		"a point without value": {chartOf(obj{"type": "pie", "segments": []any{obj{"label": "x"}}}),
			"missing required field: value [json-pointer:/blocks/0/chart/segments/0]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := checkBlocks(clone([]any{c.block})); !slices.Contains(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// The example of docs.slack.dev/reference/methods/blocks.validate: the fault of the union itself is not told.
func TestConstraintsSayWhatIsExpected(t *testing.T) {
	blocks := []any{obj{"type": "section", "text": obj{"type": "invalid", "text": "x"}},
		obj{"type": "header", "text": plainText(151)}, obj{"type": "actions"}}
	got := Constraints(Blocks(clone(blocks)), "/blocks")
	want := []Fault{
		{"unsupported type: invalid", "/0/text/type", Constraint{"enum", []string{"plain_text", "mrkdwn"}}},
		{"must be less than 151 characters", "/1/text/text", Constraint{"max_length", 150}},
		{"missing required field: elements", "/2", Constraint{"required", []any{"elements"}}},
	}
	if !slices.EqualFunc(got, want, func(a, b Fault) bool {
		return a.String() == b.String() && a.Constraint.Type == b.Constraint.Type
	}) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
