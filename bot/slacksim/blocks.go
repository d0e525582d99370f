package slacksim

import (
	"encoding/json"
	"slices"

	"github.com/keyholder/keyholder/bot/slacksim/blockkit"
)

// normalize completes blocks the way Slack stores them: every block gets a block_id, every element an action_id, plain
// text its emoji flag and mrkdwn its verbatim flag. It changes list, which belongs to the caller's request.
func (s *Server) normalize(list []any) json.RawMessage {
	if len(list) == 0 {
		return nil
	}
	for _, b := range flat(list) {
		if asString(b["block_id"]) == "" {
			b["block_id"] = s.newID("", 5)
		}
		for _, e := range blockElements(b) {
			if asString(e["action_id"]) == "" && e["type"] != "image" && blockkit.Known(asString(e["type"])) {
				e["action_id"] = s.newID("", 5)
			}
		}
		if !slices.Contains([]string{"rich_text", "table", "data_table", "container"}, asString(b["type"])) {
			completeTexts(b)
		}
	}
	return encode(list)
}

func completeTexts(v any) {
	switch t := v.(type) {
	case obj:
		_, isText := t["text"].(string)
		switch {
		case isText && t["type"] == "plain_text":
			if t["emoji"] == nil {
				t["emoji"] = true
			}
		case isText && t["type"] == "mrkdwn":
			if t["verbatim"] == nil {
				t["verbatim"] = false
			}
		}
		for k, e := range t {
			if e == nil {
				delete(t, k)
				continue
			}
			completeTexts(e)
		}
	case []any:
		for _, e := range t {
			completeTexts(e)
		}
	}
}

// flat lists blocks together with those that stand in containers and carousels.
func flat(list []any) []obj {
	var l []obj
	for _, v := range list {
		b := asObj(v)
		if b == nil {
			continue
		}
		l = append(l, b)
		switch b["type"] {
		case "container":
			l = append(l, flat(asList(b["child_blocks"]))...)
		case "carousel":
			l = append(l, flat(asList(b["elements"]))...)
		}
	}
	return l
}

// inRows are the lists of elements that blocks hold.
var inRows = map[any]string{"actions": "elements", "context_actions": "elements", "card": "actions",
	"data_table": "rows"}

// blockElements returns the elements of a block a person can act on: accessory, the input's
// element, those in a row, and the buttons in a table.
func blockElements(b obj) []obj {
	var l []obj
	for _, k := range []string{"accessory", "element"} {
		if e := asObj(b[k]); e != nil {
			l = append(l, e)
		}
	}
	for _, v := range asList(b[inRows[b["type"]]]) {
		if e := asObj(v); e != nil {
			l = append(l, e)
		}
		for _, cell := range asList(v) {
			if e := asObj(cell); e != nil && e["type"] == "button" {
				l = append(l, e)
			}
		}
	}
	return l
}

// allBlocks are the blocks of a message and those of its attachments.
func (m *Message) allBlocks() json.RawMessage {
	list := asList(decode(m.Blocks))
	for _, a := range asList(decode(m.Attachments)) {
		list = append(list, asList(asObj(a)["blocks"])...)
	}
	return encode(list)
}

// attachmentOf is the number of the attachment a block stands in, counted from 1; 0 for a block of the message itself.
func (m *Message) attachmentOf(blockID string) int {
	if m.Attachments == nil {
		return 0
	}
	inside := func(b obj) bool { return b["block_id"] == blockID }
	if slices.ContainsFunc(flat(asList(decode(m.Blocks))), inside) {
		return 0
	}
	return 1 + slices.IndexFunc(asList(decode(m.Attachments)), func(a any) bool {
		return slices.ContainsFunc(flat(asList(asObj(a)["blocks"])), inside)
	})
}

// findElement looks up an element by its two ids; blockID "" finds the first block that has the action.
func findElement(blocks json.RawMessage, blockID, actionID string) (block, element obj) {
	for _, b := range flat(asList(decode(blocks))) {
		if blockID != "" && b["block_id"] != blockID {
			continue
		}
		for _, e := range blockElements(b) {
			if e["action_id"] == actionID {
				return b, e
			}
		}
	}
	return nil, nil
}

// elementsOf is findElement for many: every element by block_id and action_id, with the blocks read once.
func elementsOf(blocks json.RawMessage) map[[2]string]obj {
	all := map[[2]string]obj{}
	for _, b := range flat(asList(decode(blocks))) {
		for _, e := range blockElements(b) {
			all[[2]string{asString(b["block_id"]), asString(e["action_id"])}] = e
		}
	}
	return all
}

// validated says for each argument of blocks.validate how it is checked, where the pointers of the
// check begin and what the answer is called (docs.slack.dev/reference/methods/blocks.validate).
// Pointers begin at what was given: its example shows /0/text/type for the first of the blocks.
var validated = []struct {
	arg, root, code string
	check           func(v any) ([]blockkit.Fault, bool)
}{
	{"blocks", "/blocks", "invalid_blocks", func(v any) ([]blockkit.Fault, bool) {
		l, ok := v.([]any)
		return blockkit.Blocks(l), ok
	}},
	{"view", "/view", "invalid_view", func(v any) ([]blockkit.Fault, bool) {
		o, ok := v.(obj)
		return blockkit.View(o), ok
	}},
	{"message", "", "invalid_message", func(v any) ([]blockkit.Fault, bool) {
		o, ok := v.(obj)
		return blockkit.Blocks(asList(o["blocks"])), ok
	}},
}

// validateBlocks checks blocks, a view or a message without showing it; exactly one is given.
func validateBlocks(c *call) (obj, *apiError) {
	given := 0
	for _, k := range validated {
		if c.args.str(k.arg) != "" {
			given++
		}
	}
	if given != 1 { // the one answer whose message is shown without [ERROR]
		return nil, &apiError{"invalid_arguments", obj{"response_metadata": obj{
			"messages": []any{"must provide exactly one of `blocks`, `view`, or `message`"}}}}
	}
	for _, k := range validated {
		if c.args.str(k.arg) == "" {
			continue
		}
		v, ok := c.args.json(k.arg)
		var faults []blockkit.Fault
		if ok {
			faults, ok = k.check(v)
		}
		if !ok {
			return nil, failMessages("invalid_arguments", "`"+k.arg+"` must be valid JSON")
		}
		if faults = blockkit.Constraints(faults, k.root); len(faults) > 0 {
			return nil, &apiError{k.code, obj{"errors": constraintsJSON(faults)}}
		}
	}
	return obj{}, nil
}

func constraintsJSON(faults []blockkit.Fault) []any {
	var l []any
	for _, f := range faults {
		l = append(l, obj{"code": "failed_constraint", "message": f.Text, "pointer": f.Pointer,
			"constraint": f.Constraint})
	}
	return l
}
