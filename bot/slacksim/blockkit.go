package slacksim

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// obj is a JSON object as the wire has it.
type obj = map[string]any

// surface is where blocks are shown; some blocks are allowed on some surfaces only.
type surface string

const (
	onMessage surface = "message"
	onModal   surface = "modal"
	onHome    surface = "home"
)

// checker collects the faults of one message or view in Slack's own words, each with a JSON pointer
// (reference: the answers quoted in slack.md 6.2). It never stops at the first fault, as Slack does not.
type checker struct {
	where    surface
	faults   []string
	blockIDs map[string]bool
	markdown int
	tables   int
	hasInput int // index of the first input block, -1 when there is none
}

func newChecker(where surface) *checker {
	return &checker{where: where, blockIDs: map[string]bool{}, hasInput: -1}
}

func (c *checker) fail(ptr, format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...)+" [json-pointer:"+ptr+"]")
}

// object reports v as an object, or a fault.
func (c *checker) object(v any, ptr string) (obj, bool) {
	o, ok := v.(obj)
	if !ok {
		c.fail(ptr, "must be an object")
	}
	return o, ok
}

// list reports o[key] as an array within the named limit. An absent key is a fault only when required.
func (c *checker) list(o obj, key, ptr, name string, required bool) []any {
	v, ok := o[key]
	if !ok || v == nil {
		if required {
			c.fail(ptr, "missing required field: %s", key)
		}
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		c.fail(ptr+"/"+key, "must be an array")
		return nil
	}
	b := limit(name)
	if len(l) < b.min {
		c.fail(ptr+"/"+key, "must provide at least %d items", b.min)
	}
	if len(l) > b.max {
		c.fail(ptr+"/"+key, "no more than %d items allowed", b.max)
	}
	return l
}

// str reports o[key] as a string within the named limit; lengths count code points.
func (c *checker) str(o obj, key, ptr, name string, required bool) string {
	v, ok := o[key]
	if !ok || v == nil {
		if required {
			c.fail(ptr, "missing required field: %s", key)
		}
		return ""
	}
	s, ok := v.(string)
	if !ok {
		c.fail(ptr+"/"+key, "must be a string")
		return ""
	}
	c.length(s, ptr+"/"+key, name)
	return s
}

func (c *checker) length(s, ptr, name string) bool {
	b, n := limit(name), utf8.RuneCountInString(s)
	switch {
	case n < b.min:
		c.fail(ptr, "must be more than %d characters", b.min-1)
	case n > b.max:
		c.fail(ptr, "must be less than %d characters", b.max+1)
	default:
		return true
	}
	return false
}

func (c *checker) boolean(o obj, key, ptr string) {
	if v, ok := o[key]; ok && v != nil {
		if _, ok := v.(bool); !ok {
			c.fail(ptr+"/"+key, "must be a boolean")
		}
	}
}

// integer reports o[key] as a whole number between low and high.
func (c *checker) integer(o obj, key, ptr string, low, high int) (int, bool) {
	v, ok := o[key]
	if !ok || v == nil {
		return 0, false
	}
	f, ok := v.(float64)
	if !ok || f != float64(int(f)) {
		c.fail(ptr+"/"+key, "must be an integer")
		return 0, false
	}
	if n := int(f); n < low {
		c.fail(ptr+"/"+key, "must be greater than %d", low-1)
	} else if n > high {
		c.fail(ptr+"/"+key, "must be less than %d", high+1)
	}
	return int(f), true
}

// props refuses every key that is neither listed nor null.
func (c *checker) props(o obj, ptr, allowed string) {
	for k, v := range sorted(o) {
		if v != nil && !hasWord(allowed, k) {
			c.fail(ptr, "invalid additional property: %s", k)
		}
	}
}

func hasWord(words, w string) bool {
	for f := range strings.FieldsSeq(words) {
		if f == w {
			return true
		}
	}
	return false
}

const (
	plainOnly = "plain_text"
	anyText   = "plain_text mrkdwn"
)

// text checks a text object at o[key]. Where both kinds are allowed Slack matches a union and therefore first says
// that no schema fits, then why.
func (c *checker) text(o obj, key, ptr, name, kinds string, required bool) {
	v, ok := o[key]
	if !ok || v == nil {
		if required {
			c.fail(ptr, "missing required field: %s", key)
		}
		return
	}
	c.textValue(v, ptr+"/"+key, name, kinds)
}

func (c *checker) textValue(v any, ptr, name, kinds string) {
	inner := &checker{}
	t, ok := inner.object(v, ptr)
	if ok {
		kind, _ := t["type"].(string)
		switch {
		case t["type"] == nil:
			inner.fail(ptr, "missing required field: type")
		case !hasWord(kinds, kind):
			inner.fail(ptr+"/type", "unsupported type: %s", kind)
		}
		inner.str(t, "text", ptr, name, true)
		switch kind {
		case "plain_text":
			inner.props(t, ptr, "type text emoji")
			inner.boolean(t, "emoji", ptr)
		case "mrkdwn":
			inner.props(t, ptr, "type text verbatim")
			inner.boolean(t, "verbatim", ptr)
		}
	}
	if len(inner.faults) > 0 && kinds == anyText {
		c.fail(ptr, "failed to match all allowed schemas")
	}
	c.faults = append(c.faults, inner.faults...)
}

// blocks checks a list of blocks found at ptr.
func (c *checker) blocks(list []any, ptr string) {
	name := string(c.where) + ".blocks"
	if b := limit(name); len(list) > b.max {
		c.fail(ptr, "no more than %d items allowed", b.max)
	}
	for i, v := range list {
		at := fmt.Sprintf("%s/%d", ptr, i)
		b, ok := c.object(v, at)
		if !ok {
			continue
		}
		if id := c.str(b, "block_id", at, "block_id", false); id != "" {
			if c.blockIDs[id] {
				// Slack refuses it; its wording is not recorded anywhere public.
				c.fail(at+"/block_id", "block_id `%s` already exists", id)
			}
			c.blockIDs[id] = true
		}
		c.block(b, at, i)
	}
	if c.markdown > limit("markdown.text").max {
		c.fail(ptr, "must be less than %d characters", limit("markdown.text").max+1)
	}
	if c.tables > limit("message.tables").max {
		c.fail(ptr, "no more than %d items allowed", limit("message.tables").max)
	}
}

// passedThrough are block types Slack knows whose insides are not checked here.
const passedThrough = "alert card carousel plan task_card call share_shortcut"

func (c *checker) block(b obj, ptr string, index int) {
	kind, ok := b["type"].(string)
	if !ok {
		c.fail(ptr, "missing required field: type")
		return
	}
	switch kind {
	case "section":
		c.section(b, ptr)
	case "divider":
		c.props(b, ptr, "type block_id")
	case "header":
		c.props(b, ptr, "type block_id text level")
		c.text(b, "text", ptr, "header.text", plainOnly, true)
	case "context":
		c.context(b, ptr)
	case "actions":
		c.props(b, ptr, "type block_id elements")
		c.elements(c.list(b, "elements", ptr, "actions.elements", true), ptr, inActions)
	case "context_actions":
		c.props(b, ptr, "type block_id elements")
		c.elements(c.list(b, "elements", ptr, "actions.elements", true), ptr, "feedback_buttons icon_button")
	case "image":
		c.props(b, ptr, "type block_id image_url slack_file alt_text title")
		c.image(b, ptr)
		c.text(b, "title", ptr, "image.title", plainOnly, false)
	case "input":
		if c.hasInput < 0 {
			c.hasInput = index
		}
		c.input(b, ptr)
	case "rich_text":
		c.props(b, ptr, "type block_id elements")
		c.richText(b, ptr)
	case "table":
		c.only(onMessage, ptr, kind)
		c.tables++
		c.table(b, ptr)
	case "markdown":
		c.only(onMessage, ptr, kind)
		c.props(b, ptr, "type block_id text")
		c.markdown += utf8.RuneCountInString(c.str(b, "text", ptr, "markdown.text", true))
	case "video":
		c.video(b, ptr)
	case "file":
		c.only(onMessage, ptr, kind)
		c.props(b, ptr, "type block_id external_id source file_id file")
	default:
		if !hasWord(passedThrough, kind) {
			c.fail(ptr+"/type", "unsupported type: %s", kind)
		}
	}
}

// only refuses a block on every other surface.
func (c *checker) only(where surface, ptr, kind string) {
	if c.where != where {
		c.fail(ptr+"/type", "unsupported type: %s", kind)
	}
}

func (c *checker) section(b obj, ptr string) {
	c.props(b, ptr, "type block_id text fields accessory expand")
	c.boolean(b, "expand", ptr)
	if b["text"] == nil && b["fields"] == nil {
		c.fail(ptr, "must define either `text` or `fields`")
	}
	c.text(b, "text", ptr, "section.text", anyText, false)
	for i, f := range c.list(b, "fields", ptr, "section.fields", false) {
		c.textValue(f, fmt.Sprintf("%s/fields/%d", ptr, i), "section.field", anyText)
	}
	if a := b["accessory"]; a != nil {
		c.element(a, ptr+"/accessory", inSection, map[string]bool{})
	}
}

func (c *checker) context(b obj, ptr string) {
	c.props(b, ptr, "type block_id elements")
	for i, v := range c.list(b, "elements", ptr, "context.elements", true) {
		at := fmt.Sprintf("%s/elements/%d", ptr, i)
		if e, ok := v.(obj); ok && e["type"] == "image" {
			c.props(e, at, "type image_url slack_file alt_text")
			c.image(e, at)
			continue
		}
		c.textValue(v, at, "text", anyText)
	}
}

func (c *checker) image(o obj, ptr string) {
	c.str(o, "alt_text", ptr, "image.alt_text", true)
	switch f := o["slack_file"].(type) {
	case nil:
		if u := c.str(o, "image_url", ptr, "image.image_url", true); u != "" && !strings.HasPrefix(u, "http://") &&
			!strings.HasPrefix(u, "https://") {
			c.fail(ptr+"/image_url", "invalid url")
		}
	case obj:
		if f["id"] == nil && f["url"] == nil {
			c.fail(ptr+"/slack_file", "invalid slack file")
		}
	default:
		c.fail(ptr+"/slack_file", "invalid slack file")
	}
}

func (c *checker) video(b obj, ptr string) {
	c.props(b, ptr, "type block_id alt_text title thumbnail_url video_url author_name description provider_icon_url provider_name title_url")
	c.str(b, "alt_text", ptr, "video.alt_text", true)
	c.str(b, "thumbnail_url", ptr, "image.image_url", true)
	c.str(b, "video_url", ptr, "image.image_url", true)
	c.text(b, "title", ptr, "video.title", plainOnly, true)
	c.text(b, "description", ptr, "video.description", plainOnly, false)
}

func (c *checker) table(b obj, ptr string) {
	c.props(b, ptr, "type block_id rows column_settings")
	for i, r := range c.list(b, "rows", ptr, "table.rows", true) {
		at := fmt.Sprintf("%s/rows/%d", ptr, i)
		cells, ok := r.([]any)
		if !ok {
			c.fail(at, "must be an array")
			continue
		}
		if b := limit("table.cells"); len(cells) < b.min {
			c.fail(at, "must provide at least %d items", b.min)
		} else if len(cells) > b.max {
			c.fail(at, "no more than %d items allowed", b.max)
		}
		for j, v := range cells {
			c.cell(v, fmt.Sprintf("%s/%d", at, j))
		}
	}
}

func (c *checker) cell(v any, ptr string) {
	cell, ok := c.object(v, ptr)
	if !ok {
		return
	}
	switch kind, _ := cell["type"].(string); kind {
	case "raw_text", "raw_number":
	case "rich_text":
		c.richText(cell, ptr)
	default:
		c.fail(ptr+"/type", "unsupported type: %s", kind)
	}
}

func (c *checker) input(b obj, ptr string) {
	c.props(b, ptr, "type block_id label element dispatch_action hint optional")
	c.text(b, "label", ptr, "input.label", plainOnly, true)
	c.text(b, "hint", ptr, "input.hint", plainOnly, false)
	c.boolean(b, "dispatch_action", ptr)
	c.boolean(b, "optional", ptr)
	if b["element"] == nil {
		c.fail(ptr, "missing required field: element")
		return
	}
	c.element(b["element"], ptr+"/element", inInput, map[string]bool{})
}

var (
	datePattern = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$`)
	timePattern = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d$`)
)

// checkView checks a view as views.* get it; pointers begin at /view.
func checkView(v obj) []string {
	kind, _ := v["type"].(string)
	c := newChecker(surface(kind))
	switch kind {
	case "modal":
		c.props(v, "/view", "type title blocks close submit private_metadata callback_id clear_on_close notify_on_close external_id submit_disabled")
		c.text(v, "title", "/view", "view.title", plainOnly, true)
		c.text(v, "submit", "/view", "view.submit", plainOnly, false)
		c.text(v, "close", "/view", "view.close", plainOnly, false)
		for _, k := range []string{"clear_on_close", "notify_on_close", "submit_disabled"} {
			c.boolean(v, k, "/view")
		}
	case "home":
		c.props(v, "/view", "type blocks private_metadata callback_id external_id clear_on_close notify_on_close title close submit")
	case "":
		c.fail("/view", "missing required field: type")
		return c.faults
	default:
		c.fail("/view/type", "unsupported type: %s", kind)
		return c.faults
	}
	for _, k := range []string{"private_metadata", "callback_id", "external_id"} {
		c.str(v, k, "/view", "view."+k, false)
	}
	list, ok := v["blocks"].([]any)
	if !ok {
		c.fail("/view", "missing required field: blocks")
		return c.faults
	}
	c.blocks(list, "/view/blocks")
	if kind == "modal" && c.hasInput >= 0 && v["submit"] == nil {
		c.fail(fmt.Sprintf("/view/blocks/%d/input", c.hasInput),
			"must define `submit` to use an `input` block in modals")
	}
	return c.faults
}

// checkBlocks checks the blocks of a message; pointers begin at /blocks.
func checkBlocks(list []any) []string {
	c := newChecker(onMessage)
	c.blocks(list, "/blocks")
	return c.faults
}

// decodeBlocks reads blocks given as a JSON array or as a string holding one. nil, true means that none were given.
func decodeBlocks(v any) ([]any, bool) {
	switch t := v.(type) {
	case nil:
		return nil, true
	case []any:
		return t, true
	case string:
		if strings.TrimSpace(t) == "" {
			return nil, true
		}
		var l []any
		if err := json.Unmarshal([]byte(t), &l); err != nil {
			return nil, false
		}
		return l, true
	}
	return nil, false
}
