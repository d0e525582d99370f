package slacksim

import "github.com/keyholder/keyholder/bot/slacksim/blockkit"

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
