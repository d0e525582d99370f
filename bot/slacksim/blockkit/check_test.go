package blockkit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func plainText(n int) obj  { return obj{"type": "plain_text", "text": strings.Repeat("é", n)} }
func mrkdwnText(n int) obj { return obj{"type": "mrkdwn", "text": strings.Repeat("é", n)} }

func repeated(n int, make func(i int) any) []any {
	l := []any{}
	for i := range n {
		l = append(l, make(i))
	}
	return l
}

func buttonOf(over obj) obj {
	return merge(obj{"type": "button", "text": plainText(3)}, over)
}

func optionsOf(n int) []any {
	return repeated(n, func(i int) any { return obj{"text": plainText(2), "value": fmt.Sprint(i)} })
}

func actionsOf(elements ...any) obj { return obj{"type": "actions", "elements": elements} }

func inputOf(element obj) obj {
	return obj{"type": "input", "label": plainText(3), "element": element}
}

func modalOf(over obj) obj {
	return merge(obj{"type": "modal", "title": plainText(3), "submit": plainText(3),
		"blocks": []any{obj{"type": "divider"}}}, over)
}

type sizing struct {
	block func(n int) obj // a block of a message
	view  func(n int) obj // or a view
	ptr   string
	items bool
}

// sized says, for each limit that is a size, how to make a thing of that size and where its fault is reported.
var sized = map[string]sizing{
	"section.text": {block: func(n int) obj { return obj{"type": "section", "text": mrkdwnText(n)} },
		ptr: "/blocks/0/text/text"},
	"section.field": {block: func(n int) obj { return obj{"type": "section", "fields": []any{mrkdwnText(n)}} },
		ptr: "/blocks/0/fields/0/text"},
	"section.fields": {block: func(n int) obj {
		return obj{"type": "section", "fields": repeated(n, func(int) any { return mrkdwnText(1) })}
	}, ptr: "/blocks/0/fields", items: true},
	"header.text": {block: func(n int) obj { return obj{"type": "header", "text": plainText(n)} },
		ptr: "/blocks/0/text/text"},
	"context.elements": {block: func(n int) obj {
		return obj{"type": "context", "elements": repeated(n, func(int) any { return mrkdwnText(1) })}
	}, ptr: "/blocks/0/elements", items: true},
	"actions.elements": {block: func(n int) obj {
		return actionsOf(repeated(n, func(int) any { return buttonOf(nil) })...)
	}, ptr: "/blocks/0/elements", items: true},
	"block_id": {block: func(n int) obj { return obj{"type": "divider", "block_id": strings.Repeat("é", n)} },
		ptr: "/blocks/0/block_id"},
	"action_id": {block: func(n int) obj {
		return actionsOf(buttonOf(obj{"action_id": strings.Repeat("é", n)}))
	}, ptr: "/blocks/0/elements/0/action_id"},
	"button.text": {block: func(n int) obj {
		return actionsOf(buttonOf(obj{"text": plainText(n)}))
	}, ptr: "/blocks/0/elements/0/text/text"},
	"button.value": {block: func(n int) obj { return actionsOf(buttonOf(obj{"value": strings.Repeat("é", n)})) },
		ptr: "/blocks/0/elements/0/value"},
	"button.url": {block: func(n int) obj { return actionsOf(buttonOf(obj{"url": strings.Repeat("é", n)})) },
		ptr: "/blocks/0/elements/0/url"},
	"button.accessibility": {block: func(n int) obj {
		return actionsOf(buttonOf(obj{"accessibility_label": strings.Repeat("é", n)}))
	}, ptr: "/blocks/0/elements/0/accessibility_label"},
	"confirm.title":   {block: confirmWith("title"), ptr: "/blocks/0/elements/0/confirm/title/text"},
	"confirm.text":    {block: confirmWith("text"), ptr: "/blocks/0/elements/0/confirm/text/text"},
	"confirm.confirm": {block: confirmWith("confirm"), ptr: "/blocks/0/elements/0/confirm/confirm/text"},
	"confirm.deny":    {block: confirmWith("deny"), ptr: "/blocks/0/elements/0/confirm/deny/text"},
	"select.options": {block: func(n int) obj {
		return actionsOf(obj{"type": "static_select", "options": optionsOf(n)})
	},
		ptr: "/blocks/0/elements/0/options", items: true},
	"select.option_groups": {block: func(n int) obj {
		return actionsOf(obj{"type": "static_select", "option_groups": repeated(n, func(int) any {
			return obj{"label": plainText(1), "options": optionsOf(1)}
		})})
	}, ptr: "/blocks/0/elements/0/option_groups", items: true},
	"overflow.options":      {block: listOf("overflow"), ptr: "/blocks/0/elements/0/options", items: true},
	"checkboxes.options":    {block: listOf("checkboxes"), ptr: "/blocks/0/elements/0/options", items: true},
	"radio_buttons.options": {block: listOf("radio_buttons"), ptr: "/blocks/0/elements/0/options", items: true},
	"option.text":           {block: optionWith("text"), ptr: "/blocks/0/elements/0/options/0/text/text"},
	"option.description":    {block: optionWith("description"), ptr: "/blocks/0/elements/0/options/0/description/text"},
	"option.value": {block: func(n int) obj {
		return actionsOf(obj{"type": "overflow", "options": []any{obj{"text": plainText(1),
			"value": strings.Repeat("é", n)}}})
	}, ptr: "/blocks/0/elements/0/options/0/value"},
	"placeholder": {block: func(n int) obj {
		return actionsOf(obj{"type": "users_select", "placeholder": plainText(n)})
	}, ptr: "/blocks/0/elements/0/placeholder/text"},
	"input.label": {block: func(n int) obj {
		return obj{"type": "input", "label": plainText(n), "element": obj{"type": "plain_text_input"}}
	}, ptr: "/blocks/0/label/text"},
	"input.hint": {block: func(n int) obj {
		return obj{"type": "input", "label": plainText(1), "hint": plainText(n),
			"element": obj{"type": "plain_text_input"}}
	}, ptr: "/blocks/0/hint/text"},
	"image.alt_text": {block: func(n int) obj {
		return obj{"type": "image", "image_url": "https://x.example/i.png", "alt_text": strings.Repeat("é", n)}
	}, ptr: "/blocks/0/alt_text"},
	"view.title": {view: func(n int) obj {
		return modalOf(obj{"title": plainText(n)})
	}, ptr: "/view/title/text"},
	"view.submit": {view: func(n int) obj {
		return modalOf(obj{"submit": plainText(n)})
	}, ptr: "/view/submit/text"},
	"view.close": {view: func(n int) obj {
		return modalOf(obj{"close": plainText(n)})
	}, ptr: "/view/close/text"},
	"view.private_metadata": {view: func(n int) obj { return modalOf(obj{"private_metadata": strings.Repeat("é", n)}) },
		ptr: "/view/private_metadata"},
	"view.callback_id": {view: func(n int) obj { return modalOf(obj{"callback_id": strings.Repeat("é", n)}) },
		ptr: "/view/callback_id"},
	"view.external_id": {view: func(n int) obj { return modalOf(obj{"external_id": strings.Repeat("é", n)}) },
		ptr: "/view/external_id"},
	"modal.blocks": {view: func(n int) obj {
		return modalOf(obj{"blocks": repeated(n, func(int) any { return obj{"type": "divider"} })})
	}, ptr: "/view/blocks", items: true},
	"home.blocks": {view: func(n int) obj {
		return obj{"type": "home", "blocks": repeated(n, func(int) any { return obj{"type": "divider"} })}
	}, ptr: "/view/blocks", items: true},
}

func confirmWith(key string) func(int) obj {
	return func(n int) obj {
		c := obj{"title": plainText(1), "text": plainText(1), "confirm": plainText(1), "deny": plainText(1)}
		c[key] = plainText(n)
		return actionsOf(buttonOf(obj{"confirm": c}))
	}
}

func listOf(kind string) func(int) obj {
	return func(n int) obj { return actionsOf(obj{"type": kind, "options": optionsOf(n)}) }
}

func optionWith(key string) func(int) obj {
	return func(n int) obj {
		o := obj{"text": plainText(1), "value": "v"}
		o[key] = plainText(n)
		return actionsOf(obj{"type": "radio_buttons", "options": []any{o}})
	}
}

func TestEverySizeIsAcceptedAtItsLimitsAndRefusedBeyond(t *testing.T) {
	for name, c := range sized {
		t.Run(name, func(t *testing.T) {
			check := func(n int) []string {
				if c.view != nil {
					return checkView(clone(c.view(n)))
				}
				return checkBlocks(clone([]any{c.block(n)}))
			}
			b := Limit(name)
			for _, n := range []int{b.Min, b.Max} {
				if got := check(n); n > 0 && len(got) > 0 {
					t.Errorf("at %d: %q", n, got)
				}
			}
			want := fmt.Sprintf("must be less than %d characters [json-pointer:%s]", b.Max+1, c.ptr)
			if c.items {
				want = fmt.Sprintf("no more than %d items allowed [json-pointer:%s]", b.Max, c.ptr)
			}
			if got := check(b.Max + 1); !slices.Contains(got, want) {
				t.Errorf("at %d: %q does not hold %q", b.Max+1, got, want)
			}
			if b.Min == 1 && !strings.HasSuffix(name, "blocks") {
				want := fmt.Sprintf("must be more than 0 characters [json-pointer:%s]", c.ptr)
				if c.items {
					want = fmt.Sprintf("must provide at least 1 items [json-pointer:%s]", c.ptr)
				}
				got := check(0)
				if name == "block_id" || name == "action_id" {
					want = fmt.Sprintf("must be more than 0 characters [json-pointer:%s]", c.ptr)
				}
				if !slices.Contains(got, want) {
					t.Errorf("empty: %q does not hold %q", got, want)
				}
			}
		})
	}
}

func TestBlocksAreRefusedInSlacksWords(t *testing.T) {
	id := func(v string) obj { return obj{"action_id": v} }
	cases := map[string]struct {
		blocks []any
		want   []string
	}{
		"a long section names the union first": {[]any{obj{"type": "section", "text": mrkdwnText(3001)}}, []string{
			"failed to match all allowed schemas [json-pointer:/blocks/0/text]",
			"must be less than 3001 characters [json-pointer:/blocks/0/text/text]"}},
		"an empty section": {[]any{obj{"type": "section"}},
			[]string{"must define either `text` or `fields` [json-pointer:/blocks/0]"}},
		"an unknown block": {[]any{obj{"type": "nonsense"}},
			[]string{"unsupported type: nonsense [json-pointer:/blocks/0/type]"}},
		"mrkdwn in a header": {[]any{obj{"type": "header", "text": mrkdwnText(1)}},
			[]string{"unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"}},
		"an additional property": {[]any{obj{"type": "divider", "style": "x"}},
			[]string{"invalid additional property: style [json-pointer:/blocks/0]"}},
		"a button without text": {[]any{actionsOf(obj{"type": "button"})},
			[]string{"missing required field: text [json-pointer:/blocks/0/elements/0]"}},
		"a multi select among actions": {[]any{actionsOf(obj{"type": "multi_users_select"})},
			[]string{"unsupported type: multi_users_select [json-pointer:/blocks/0/elements/0/type]"}},
		"the same action_id twice in a block": {[]any{actionsOf(buttonOf(id("a")), buttonOf(id("a")))},
			[]string{"action_id `a` already exists in this block [json-pointer:/blocks/0/elements/1/action_id]"}},
		"the same action_id in two blocks": {[]any{actionsOf(buttonOf(id("a"))), actionsOf(buttonOf(id("a")))}, nil},
		"the same block_id twice": {[]any{obj{"type": "divider", "block_id": "b"},
			obj{"type": "divider", "block_id": "b"}},
			[]string{"block_id `b` already exists [json-pointer:/blocks/1/block_id]"}},
		"an initial option from nowhere": {[]any{inputOf(obj{"type": "static_select", "options": optionsOf(2),
			"initial_option": obj{"text": plainText(1), "value": "9"}})},
			[]string{"initial option was not found in the list of options [json-pointer:/blocks/0/element]"}},
		"51 blocks": {repeated(51, func(int) any { return obj{"type": "divider"} }),
			[]string{"no more than 50 items allowed [json-pointer:/blocks]"}},
		"a list of strings": {[]any{"x"}, []string{"must be an object [json-pointer:/blocks/0]"}},
		"a bad date": {[]any{actionsOf(obj{"type": "datepicker", "initial_date": "31.12.2026"})},
			[]string{"must match the format YYYY-MM-DD [json-pointer:/blocks/0/elements/0/initial_date]"}},
		"two tables": {[]any{tableBlock(), tableBlock()},
			[]string{"no more than 1 items allowed [json-pointer:/blocks]"}},
		"markdown too long": {[]any{obj{"type": "markdown", "text": strings.Repeat("a", 7000)},
			obj{"type": "markdown", "text": strings.Repeat("a", 7000)}},
			[]string{"must be less than 12001 characters [json-pointer:/blocks]"}},
		"a plain valid card": {[]any{obj{"type": "section", "text": mrkdwnText(5), "accessory": buttonOf(nil)},
			actionsOf(buttonOf(obj{"style": "primary"}))}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := checkBlocks(clone(c.blocks)); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func tableBlock() obj {
	return obj{"type": "table", "rows": []any{[]any{obj{"type": "raw_text", "text": "x"}}}}
}

func TestViewsAreRefusedInSlacksWords(t *testing.T) {
	cases := map[string]struct {
		view obj
		want []string
	}{
		"input without submit": {merge(modalOf(nil), obj{"submit": nil, "blocks": []any{obj{"type": "divider"},
			inputOf(obj{"type": "plain_text_input"})}}),
			[]string{"must define `submit` to use an `input` block in modals [json-pointer:/view/blocks/1/input]"}},
		"without title": {modalOf(obj{"title": nil}),
			[]string{"missing required field: title [json-pointer:/view]"}},
		"without blocks": {modalOf(obj{"blocks": nil}),
			[]string{"missing required field: blocks [json-pointer:/view]"}},
		"of no type":     {obj{"blocks": []any{}}, []string{"missing required field: type [json-pointer:/view]"}},
		"of an odd type": {obj{"type": "popup"}, []string{"unsupported type: popup [json-pointer:/view/type]"}},
		"table in a modal": {modalOf(obj{"blocks": []any{tableBlock()}}),
			[]string{"unsupported type: table [json-pointer:/view/blocks/0/type]"}},
		"every input kind": {modalOf(obj{"blocks": everyInput()}), nil},
		"long min_length": {
			modalOf(obj{"blocks": []any{inputOf(obj{"type": "plain_text_input", "min_length": 3001})}}),
			[]string{"must be less than 3001 [json-pointer:/view/blocks/0/element/min_length]"}},
		"home with an input": {obj{"type": "home", "blocks": []any{inputOf(obj{"type": "users_select"})}}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := checkView(clone(c.view)); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func everyInput() []any {
	var l []any
	for kind := range strings.FieldsSeq(inInput) {
		e := obj{"type": kind}
		switch kind {
		case "static_select", "multi_static_select", "checkboxes", "radio_buttons":
			e["options"] = optionsOf(2)
		case "number_input":
			e["is_decimal_allowed"] = false
		}
		l = append(l, inputOf(e))
	}
	return l
}

// checkBlocks and checkView are the checks in words.
func checkBlocks(list []any) []string { return Words(Blocks(list)) }

func checkView(v obj) []string { return Words(View(v)) }

// clone copies a value as the wire would.
func clone[T any](v T) (out T) {
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

// merge lays over over base; nil removes.
func merge(base, over obj) obj {
	maps.Copy(base, over)
	maps.DeleteFunc(base, func(_ string, v any) bool { return v == nil })
	return base
}
