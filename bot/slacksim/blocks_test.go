package slacksim

import (
	"fmt"
	"strings"
	"testing"
)

func plainText(n int) obj { return obj{"type": "plain_text", "text": strings.Repeat("é", n)} }

func mrkdwnText(n int) obj { return obj{"type": "mrkdwn", "text": strings.Repeat("é", n)} }

func repeated(n int, make func(i int) any) []any {
	l := []any{}
	for i := range n {
		l = append(l, make(i))
	}
	return l
}

func optionsOf(n int) []any {
	return repeated(n, func(i int) any { return obj{"text": plainText(2), "value": fmt.Sprint(i)} })
}

func inputOf(element obj) obj {
	return obj{"type": "input", "label": plainText(3), "element": element}
}

func modalOf(over obj) obj {
	return merge(obj{"type": "modal", "title": plainText(3), "submit": plainText(3),
		"blocks": []any{obj{"type": "divider"}}}, over)
}

func everyInput() []any {
	var l []any
	for kind := range fieldOf {
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

func TestUntouchedFieldsAreInTheStateWithNull(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	blocks := s.normalize(clone(everyInput()))
	values := initialValues(blocks)
	n := 0
	for _, fields := range values {
		for _, v := range asObj(fields) {
			n++
			key := fieldOf[asString(asObj(v)["type"])].key
			held, there := asObj(v)[key]
			if !there || held != nil && len(asList(held)) != 0 {
				t.Errorf("untouched %v", v)
			}
		}
	}
	if want := len(fieldOf); n != want {
		t.Errorf("%d fields in the state, want %d", n, want)
	}
}
