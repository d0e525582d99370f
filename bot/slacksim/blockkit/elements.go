package blockkit

import "fmt"

// Which elements each block takes (docs.slack.dev/reference/block-kit/block-elements, "works with block types").
const (
	selects   = "static_select external_select users_select conversations_select channels_select"
	multis    = "multi_static_select multi_external_select multi_users_select multi_conversations_select multi_channels_select"
	pickers   = "datepicker timepicker checkboxes radio_buttons "
	typed     = "plain_text_input email_text_input url_text_input number_input rich_text_input file_input "
	inActions = "button overflow workflow_button datetimepicker " + pickers + selects
	inSection = "button overflow workflow_button image " + pickers + selects + " " + multis
	inInput   = typed + "datetimepicker " + pickers + selects + " " + multis

	inContextActions = "feedback_buttons icon_button"
	// What a container may hold (@slack/types 3.2.0, ContainerBlock).
	inContainer = "actions context divider file header image input rich_text section table video"
)

// elementProps lists what each element may carry beside type and action_id.
var elementProps = map[string]string{
	"button":                     "text url value style confirm accessibility_label agent_prompt agent_prompt_display visible_to_user_ids",
	"workflow_button":            "text workflow style accessibility_label",
	"icon_button":                "icon text value confirm accessibility_label visible_to_user_ids",
	"feedback_buttons":           "positive_button negative_button",
	"image":                      "image_url slack_file alt_text",
	"overflow":                   "options confirm",
	"checkboxes":                 "options initial_options confirm focus_on_load visible_to_user_ids",
	"radio_buttons":              "options initial_option confirm focus_on_load",
	"datepicker":                 "initial_date confirm focus_on_load placeholder",
	"timepicker":                 "initial_time confirm focus_on_load placeholder timezone",
	"datetimepicker":             "initial_date_time confirm focus_on_load",
	"static_select":              "options option_groups initial_option confirm focus_on_load placeholder",
	"external_select":            "initial_option min_query_length confirm focus_on_load placeholder",
	"users_select":               "initial_user confirm focus_on_load placeholder",
	"conversations_select":       "initial_conversation default_to_current_conversation response_url_enabled filter confirm focus_on_load placeholder",
	"channels_select":            "initial_channel response_url_enabled confirm focus_on_load placeholder",
	"multi_static_select":        "options option_groups initial_options max_selected_items confirm focus_on_load placeholder",
	"multi_external_select":      "initial_options min_query_length max_selected_items confirm focus_on_load placeholder",
	"multi_users_select":         "initial_users max_selected_items confirm focus_on_load placeholder",
	"multi_conversations_select": "initial_conversations default_to_current_conversation filter max_selected_items confirm focus_on_load placeholder",
	"multi_channels_select":      "initial_channels max_selected_items confirm focus_on_load placeholder",
	"plain_text_input":           "initial_value multiline min_length max_length dispatch_action_config focus_on_load placeholder",
	"email_text_input":           "initial_value dispatch_action_config focus_on_load placeholder",
	"url_text_input":             "initial_value dispatch_action_config focus_on_load placeholder",
	"number_input":               "is_decimal_allowed initial_value min_value max_value dispatch_action_config focus_on_load placeholder",
	"rich_text_input":            "initial_value dispatch_action_config focus_on_load placeholder min_lines max_lines",
	"file_input":                 "filetypes max_files",
}

// Known says whether elements of that type exist.
func Known(kind string) bool { return elementProps[kind] != "" }

// elements checks the elements of an actions block; action_ids must differ within it.
func (c *checker) elements(list []any, ptr, allowed string) {
	seen := map[string]bool{}
	for i, v := range list {
		c.element(v, fmt.Sprintf("%s/elements/%d", ptr, i), allowed, seen)
	}
}

// element checks one element. seen holds the action_ids of its block.
func (c *checker) element(v any, ptr, allowed string, seen map[string]bool) {
	e, ok := c.object(v, ptr)
	if !ok {
		return
	}
	kind, ok := e["type"].(string)
	if !ok {
		c.fail(ptr, "missing required field: type")
		return
	}
	if !hasWord(allowed, kind) {
		c.unsupported(ptr, kind, allowed)
		return
	}
	c.props(e, ptr, "type action_id "+elementProps[kind])
	if kind == "image" {
		c.image(e, ptr)
		return
	}
	if id := c.str(e, "action_id", ptr, "action_id", false); id != "" {
		if seen[id] {
			// Enforced by Slack, see knacklabs/gantry#458; its wording is not recorded anywhere public.
			c.fail(ptr+"/action_id", "action_id `%s` already exists in this block", id)
		}
		seen[id] = true
	}
	c.text(e, "placeholder", ptr, "placeholder", plainOnly, false)
	c.boolean(e, "focus_on_load", ptr)
	if e["confirm"] != nil {
		c.confirm(e["confirm"], ptr+"/confirm")
	}
	c.elementKind(kind, e, ptr)
}

func (c *checker) elementKind(kind string, e obj, ptr string) {
	switch kind {
	case "button", "workflow_button":
		c.text(e, "text", ptr, "button.text", plainOnly, true)
		c.str(e, "value", ptr, "button.value", false)
		c.str(e, "url", ptr, "button.url", false)
		c.str(e, "accessibility_label", ptr, "button.accessibility", false)
		c.style(e, ptr)
	case "icon_button":
		c.choice(e, "icon", ptr, "trash")
		c.text(e, "text", ptr, "icon_button.text", plainOnly, true)
		c.str(e, "value", ptr, "icon_button.value", false)
		c.str(e, "accessibility_label", ptr, "icon_button.accessibility", false)
		c.list(e, "visible_to_user_ids", ptr, "icon_button.visible_to", false)
	case "feedback_buttons":
		c.feedback(e, "positive_button", ptr)
		c.feedback(e, "negative_button", ptr)
	case "static_select", "multi_static_select":
		c.selectOptions(e, ptr)
	case "overflow", "checkboxes", "radio_buttons":
		c.options(e, "options", ptr, kind+".options", kind)
		c.initial(e, ptr)
	case "datepicker":
		c.pattern(e, "initial_date", ptr, datePattern.MatchString, "YYYY-MM-DD")
	case "timepicker":
		c.pattern(e, "initial_time", ptr, timePattern.MatchString, "HH:mm")
	case "plain_text_input":
		c.boolean(e, "multiline", ptr)
		least, _ := c.integer(e, "min_length", ptr, Limit("plain_text_input.min").Min,
			Limit("plain_text_input.min").Max)
		most, ok := c.integer(e, "max_length", ptr, Limit("plain_text_input.max").Min,
			Limit("plain_text_input.max").Max)
		if ok && least > most {
			c.fail(ptr+"/min_length", "must be less than %d", most+1)
		}
		c.str(e, "initial_value", ptr, "input.initial_value", false)
	case "email_text_input", "url_text_input":
		c.str(e, "initial_value", ptr, "input.initial_value", false)
	case "number_input":
		if _, ok := e["is_decimal_allowed"].(bool); !ok {
			c.fail(ptr, "missing required field: is_decimal_allowed")
		}
	case "rich_text_input":
		lines := Limit("rich_text_input.lines")
		c.integer(e, "min_lines", ptr, lines.Min, lines.Max)
		c.integer(e, "max_lines", ptr, lines.Min, lines.Max)
		if v := e["initial_value"]; v != nil {
			if b, ok := c.object(v, ptr+"/initial_value"); ok {
				c.richText(b, ptr+"/initial_value")
			}
		}
	case "file_input":
		c.integer(e, "max_files", ptr, Limit("file_input.max_files").Min, Limit("file_input.max_files").Max)
	}
	if _, ok := e["max_selected_items"]; ok {
		c.integer(e, "max_selected_items", ptr, 1, 1<<30)
	}
}

// feedback checks one of the two buttons of feedback_buttons.
func (c *checker) feedback(e obj, key, ptr string) {
	if e[key] == nil {
		c.fail(ptr, "missing required field: %s", key)
		return
	}
	at := ptr + "/" + key
	if b, ok := c.object(e[key], at); ok {
		c.props(b, at, "text value accessibility_label")
		c.text(b, "text", at, "feedback_button.text", plainOnly, true)
		c.str(b, "value", at, "feedback_button.value", true)
		c.str(b, "accessibility_label", at, "feedback_button.accessibility", false)
	}
}

func (c *checker) style(e obj, ptr string) {
	c.choice(e, "style", ptr, "primary danger")
}

func (c *checker) pattern(e obj, key, ptr string, fits func(string) bool, form string) {
	if v, ok := e[key]; ok && v != nil {
		if s, ok := v.(string); !ok || !fits(s) {
			c.fail(ptr+"/"+key, "must match the format %s", form)
		}
	}
}

func (c *checker) confirm(v any, ptr string) {
	o, ok := c.object(v, ptr)
	if !ok {
		return
	}
	c.props(o, ptr, "title text confirm deny style")
	c.text(o, "title", ptr, "confirm.title", plainOnly, false)
	c.text(o, "text", ptr, "confirm.text", anyText, true)
	c.text(o, "confirm", ptr, "confirm.confirm", plainOnly, false)
	c.text(o, "deny", ptr, "confirm.deny", plainOnly, false)
	c.style(o, ptr)
}

func (c *checker) selectOptions(e obj, ptr string) {
	if e["options"] == nil && e["option_groups"] == nil {
		c.fail(ptr, "missing required field: options")
		return
	}
	if e["options"] != nil {
		c.options(e, "options", ptr, "select.options", "select")
	}
	for i, v := range c.list(e, "option_groups", ptr, "select.option_groups", false) {
		at := fmt.Sprintf("%s/option_groups/%d", ptr, i)
		if g, ok := c.object(v, at); ok {
			c.props(g, at, "label options")
			c.text(g, "label", at, "option_group.label", plainOnly, true)
			c.options(g, "options", at, "select.options", "select")
		}
	}
	c.initial(e, ptr)
}

// options checks a list of options; kind is the element's type, which decides about mrkdwn and urls.
func (c *checker) options(e obj, key, ptr, name, kind string) {
	texts := plainOnly
	if kind == "checkboxes" || kind == "radio_buttons" {
		texts = anyText
	}
	for i, v := range c.list(e, key, ptr, name, true) {
		at := fmt.Sprintf("%s/%s/%d", ptr, key, i)
		o, ok := c.object(v, at)
		if !ok {
			continue
		}
		allowed := "text value description"
		if kind == "overflow" {
			allowed += " url"
		}
		c.props(o, at, allowed)
		c.text(o, "text", at, "option.text", texts, true)
		c.text(o, "description", at, "option.description", texts, false)
		c.str(o, "value", at, "option.value", true)
		c.str(o, "url", at, "option.url", false)
	}
}

// initial refuses an initial option that is not among the options, as Slack does.
func (c *checker) initial(e obj, ptr string) {
	var chosen []any
	if v := e["initial_option"]; v != nil {
		chosen = append(chosen, v)
	}
	if l, ok := e["initial_options"].([]any); ok {
		chosen = append(chosen, l...)
	}
	for _, v := range chosen {
		o, _ := v.(obj)
		if value, _ := o["value"].(string); FindOption(e, value) == nil {
			c.fail(ptr, "initial option was not found in the list of options")
		}
	}
}

// FindOption returns the option of that value in a select, overflow, checkboxes or radio_buttons element.
func FindOption(e map[string]any, value string) map[string]any {
	lists := [][]any{asList(e["options"])}
	for _, g := range asList(e["option_groups"]) {
		if g, ok := g.(obj); ok {
			lists = append(lists, asList(g["options"]))
		}
	}
	for _, l := range lists {
		for _, v := range l {
			if o, ok := v.(obj); ok && o["value"] == value {
				return o
			}
		}
	}
	return nil
}
