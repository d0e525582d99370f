package blockkit

import (
	"slices"
	"testing"
)

func richOf(parts ...any) []any { return []any{obj{"type": "rich_text", "elements": parts}} }

func richSection(elements ...any) obj { return obj{"type": "rich_text_section", "elements": elements} }

func TestRichTextOfEveryElementIsAccepted(t *testing.T) {
	bold := obj{"bold": true, "italic": true, "strike": true, "code": true, "underline": true}
	line := []any{
		obj{"type": "text", "text": "x", "style": bold}, obj{"type": "link", "url": "https://x.example", "text": "x",
			"unsafe": true},
		obj{"type": "user", "user_id": "U1", "style": obj{"highlight": true, "client_highlight": true, "unlink": true}},
		obj{"type": "usergroup", "usergroup_id": "S1"},
		obj{"type": "channel", "channel_id": "C1"}, obj{"type": "team", "team_id": "T1"},
		obj{"type": "emoji", "name": "wave", "unicode": "1f44b", "skin_tone": 2},
		obj{"type": "date", "timestamp": 1700000000, "format": "{date_long} at {time}", "url": "https://x.example",
			"fallback": "then"},
		obj{"type": "broadcast", "range": "here"}, obj{"type": "color", "value": "#F405B3"},
	}
	all := richOf(richSection(line...), obj{"type": "rich_text_quote", "elements": line, "border": 1},
		obj{"type": "rich_text_list", "style": "ordered", "indent": 8, "offset": 3, "border": 0,
			"elements": []any{richSection(line...)}},
		obj{"type": "rich_text_preformatted", "language": "go", "elements": []any{line[0], line[1]}})
	if got := checkBlocks(clone(all)); len(got) > 0 {
		t.Errorf("%q", got)
	}
	input := modalOf(obj{"blocks": []any{inputOf(obj{"type": "rich_text_input", "initial_value": all[0]})}})
	if got := checkView(clone(input)); len(got) > 0 {
		t.Errorf("as initial value: %q", got)
	}
}

func TestRichTextIsCheckedToItsLastElement(t *testing.T) {
	at := " [json-pointer:/blocks/0/elements/0"
	for name, c := range map[string]struct {
		part any
		want string
	}{
		"no object":     {7, "must be an object" + at + "]"},
		"no type":       {obj{"elements": []any{}}, "missing required field: type" + at + "]"},
		"another block": {obj{"type": "section"}, "unsupported type: section" + at + "/type]"},
		"no elements":   {obj{"type": "rich_text_quote"}, "missing required field: elements" + at + "]"},
		"elements of another kind": {obj{"type": "rich_text_section", "elements": obj{}}, "must be an array" + at +
			"/elements]"},
		"a property too many": {obj{"type": "rich_text_section", "elements": []any{}, "border": 1},
			"invalid additional property: border" + at + "]"},
		"a thick border": {obj{"type": "rich_text_quote", "elements": []any{}, "border": 2},
			"must be less than 2" + at + "/border]"},
		"a list without style": {obj{"type": "rich_text_list", "elements": []any{}},
			"missing required field: style" + at + "]"},
		"a list of stars": {obj{"type": "rich_text_list", "style": "star", "elements": []any{}},
			"must be one of: bullet, ordered" + at + "/style]"},
		"a deep list": {obj{"type": "rich_text_list", "style": "bullet", "indent": 9, "elements": []any{}},
			"must be less than 9" + at + "/indent]"},
		"text in a list": {obj{"type": "rich_text_list", "style": "bullet",
			"elements": []any{obj{"type": "text", "text": "x"}}}, "unsupported type: text" + at + "/elements/0/type]"},
		"a user in a code block": {obj{"type": "rich_text_preformatted",
			"elements": []any{obj{"type": "user", "user_id": "U1"}}},
			"unsupported type: user" + at + "/elements/0/type]"},
		"text without text": {richSection(obj{"type": "text"}), "missing required field: text" + at +
			"/elements/0]"},
		"a number as text": {richSection(obj{"type": "text", "text": 5}), "must be a string" + at +
			"/elements/0/text]"},
		"a link without url": {richSection(obj{"type": "link", "text": "x"}), "missing required field: url" + at +
			"/elements/0]"},
		"a user without id": {richSection(obj{"type": "user"}), "missing required field: user_id" + at +
			"/elements/0]"},
		"a group without id": {richSection(obj{"type": "usergroup"}), "missing required field: usergroup_id" + at +
			"/elements/0]"},
		"a channel without id": {richSection(obj{"type": "channel"}), "missing required field: channel_id" + at +
			"/elements/0]"},
		"an emoji without name": {richSection(obj{"type": "emoji"}), "missing required field: name" + at +
			"/elements/0]"},
		"a date without format": {richSection(obj{"type": "date", "timestamp": 1}), "missing required field: format" +
			at + "/elements/0]"},
		"a date as text": {richSection(obj{"type": "date", "timestamp": "1", "format": "{date}"}),
			"must be an integer" + at + "/elements/0/timestamp]"},
		"an unknown token": {richSection(obj{"type": "date", "timestamp": 1, "format": "{week}"}),
			"invalid date token: {week}" + at + "/elements/0/format]"},
		"a wide broadcast": {richSection(obj{"type": "broadcast", "range": "world"}),
			"must be one of: here, channel, everyone" + at + "/elements/0/range]"},
		"a colour by name": {richSection(obj{"type": "color", "value": "red"}), "must match the format #RRGGBB" +
			at + "/elements/0/value]"},
		"an unknown style": {richSection(obj{"type": "text", "text": "x", "style": obj{"blink": true}}),
			"invalid additional property: blink" + at + "/elements/0/style]"},
		"a style of words": {richSection(obj{"type": "text", "text": "x", "style": obj{"bold": "yes"}}),
			"must be a boolean" + at + "/elements/0/style/bold]"},
		"unlinked text": {richSection(obj{"type": "text", "text": "x", "style": obj{"unlink": true}}),
			"invalid additional property: unlink" + at + "/elements/0/style]"},
		"an unknown element": {richSection(obj{"type": "smile"}), "unsupported type: smile" + at +
			"/elements/0/type]"},
	} {
		if got := checkBlocks(clone(richOf(c.part))); !slices.Contains(got, c.want) {
			t.Errorf("%s: %q does not hold %q", name, got, c.want)
		}
	}
	bad := []any{obj{"type": "table", "rows": []any{
		[]any{obj{"type": "rich_text", "elements": []any{richSection(obj{"type": "smile"})}}}}}}
	if got := checkBlocks(clone(bad)); !slices.Contains(got,
		"unsupported type: smile [json-pointer:/blocks/0/rows/0/0/elements/0/elements/0/type]") {
		t.Errorf("in a table: %q", got)
	}
}
