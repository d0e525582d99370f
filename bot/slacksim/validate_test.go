package slacksim

import (
	"testing"
)

// docs.slack.dev/reference/methods/blocks.validate, "Errors" and its three examples.
func TestValidateTellsPointersAndConstraintsOfWhatWasGiven(t *testing.T) {
	s := room(t)
	bad := obj{"type": "section", "text": obj{"type": "invalid", "text": "x"}}
	for name, c := range map[string]struct {
		args       obj
		code, want string
	}{
		"blocks":  {obj{"blocks": []any{bad}}, "invalid_blocks", "/0/text/type"},
		"view":    {obj{"view": modalOf(obj{"blocks": []any{bad}})}, "invalid_view", "/blocks/0/text/type"},
		"message": {obj{"message": obj{"blocks": []any{bad}}}, "invalid_message", "/blocks/0/text/type"},
	} {
		t.Run(name, func(t *testing.T) {
			out := ask(s, "blocks.validate", c.args)
			errors := asList(out["errors"])
			if out["error"] != c.code || len(errors) != 1 {
				t.Fatalf("%s", encode(out))
			}
			e := asObj(errors[0])
			constraint := asObj(e["constraint"])
			if e["code"] != "failed_constraint" || e["message"] != "unsupported type: invalid" ||
				e["pointer"] != c.want ||
				constraint["type"] != "enum" || string(encode(constraint["expected"])) != `["plain_text","mrkdwn"]` {
				t.Errorf("%s", encode(e))
			}
		})
	}
	for name, args := range map[string]obj{"nothing": {},
		"two": {"blocks": []any{}, "view": obj{"type": "home", "blocks": []any{}}}} {
		out := ask(s, "blocks.validate", args)
		const want = `["must provide exactly one of ` + "`blocks`, `view`, or `message`" + `"]`
		if got := string(encode(asObj(out["response_metadata"])["messages"])); out["error"] != "invalid_arguments" ||
			got != want {
			t.Errorf("%s: %s", name, encode(out))
		}
	}
	if out := ask(s, "blocks.validate", obj{"blocks": "[{"}); out["error"] != "invalid_arguments" {
		t.Errorf("no JSON: %s", encode(out))
	}
	if out := ask(s, "blocks.validate", obj{"message": obj{"text": "x"}}); out["ok"] != true {
		t.Errorf("%s", encode(out))
	}
}

// docs.slack.dev/reference/block-kit/block-elements/button-element: a button works in cards and data tables, and in the
// actions that a container holds.
func TestButtonsInsideOfNewerBlocksCanBePressed(t *testing.T) {
	s := room(t)
	button := func(id string) obj { return obj{"type": "button", "text": plainText(1), "action_id": id} }
	cell := obj{"type": "raw_text", "text": "x"}
	out := ask(s, "chat.postMessage", obj{"channel": "C0OPS", "text": "x", "blocks": []any{
		obj{"type": "card", "title": mrkdwnText(1), "actions": []any{button("card")}},
		obj{"type": "container", "child_blocks": []any{obj{"type": "actions", "elements": []any{button("child")}}}},
		obj{"type": "carousel", "elements": []any{obj{"type": "card", "body": mrkdwnText(1),
			"actions": []any{button("slide")}}}},
		obj{"type": "data_table", "caption": "x", "rows": []any{[]any{cell}, []any{button("cell")}}},
		obj{"type": "context_actions", "elements": []any{obj{"type": "feedback_buttons", "action_id": "said",
			"positive_button": obj{"text": plainText(1), "value": "+"}, "negative_button": obj{"text": plainText(2),
				"value": "-"}}}},
	}})
	if out["ok"] != true {
		t.Fatalf("%s", encode(out))
	}
	for _, id := range []string{"card", "child", "slide", "cell"} {
		payload, err := s.prepareClick("UANA", "C0OPS", asString(out["ts"]), "", id, nil)
		if err != nil {
			t.Errorf("%s: %v", id, err)
		} else if a := asObj(asList(payload["actions"])[0]); a["action_id"] != id || asString(a["block_id"]) == "" {
			t.Errorf("%s: %s", id, encode(a))
		}
	}
	payload, err := s.prepareClick("UANA", "C0OPS", asString(out["ts"]), "", "said", []any{"-"})
	if err != nil || asObj(asList(payload["actions"])[0])["value"] != "-" {
		t.Errorf("feedback: %s, %v", encode(payload), err)
	}
}
