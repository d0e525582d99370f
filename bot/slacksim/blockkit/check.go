package blockkit

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
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

// checker collects the faults of one message or view. It never stops at the first fault, as Slack does not.
type checker struct {
	where    surface
	faults   []Fault
	blockIDs map[string]bool
	markdown int
	tables   int
	hasInput int  // index of the first input block, -1 when there is none
	inside   bool // the blocks stand in a container
}

func newChecker(where surface) *checker {
	return &checker{where: where, blockIDs: map[string]bool{}, hasInput: -1}
}

func (c *checker) fail(ptr, format string, args ...any) {
	c.faults = append(c.faults, Fault{Text: fmt.Sprintf(format, args...), Pointer: ptr, Constraint: constraintOf(format,
		args)})
}

// oneOf is fail for a value that is none of the words that are taken.
func (c *checker) oneOf(ptr, allowed, format string, args ...any) {
	c.faults = append(c.faults, Fault{Text: fmt.Sprintf(format, args...), Pointer: ptr,
		Constraint: Constraint{"enum", strings.Fields(allowed)}})
}

// unsupported is fail for a type that does not belong here.
func (c *checker) unsupported(ptr, kind, allowed string) {
	c.oneOf(ptr+"/type", allowed, "unsupported type: %s", kind)
}

// choice refuses a word at o[key] that is none of those allowed.
func (c *checker) choice(o obj, key, ptr, allowed string) {
	if v := o[key]; v != nil && !hasWord(allowed, fmt.Sprint(v)) {
		c.oneOf(ptr+"/"+key, allowed, "must be one of: %s", strings.Join(strings.Fields(allowed), ", "))
	}
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
	b := Limit(name)
	if len(l) < b.Min {
		c.fail(ptr+"/"+key, "must provide at least %d items", b.Min)
	}
	if len(l) > b.Max {
		c.fail(ptr+"/"+key, "no more than %d items allowed", b.Max)
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
	b, n := Limit(name), utf8.RuneCountInString(s)
	switch {
	case n < b.Min:
		c.fail(ptr, "must be more than %d characters", b.Min-1)
	case n > b.Max:
		c.fail(ptr, "must be less than %d characters", b.Max+1)
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
			inner.unsupported(ptr, kind, kinds)
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
	if b := Limit(string(c.where) + ".blocks"); len(list) > b.Max {
		c.fail(ptr, "no more than %d items allowed", b.Max)
	}
	c.each(list, ptr)
	if c.markdown > Limit("markdown.text").Max {
		c.fail(ptr, "must be less than %d characters", Limit("markdown.text").Max+1)
	}
	if c.tables > Limit("message.tables").Max {
		c.fail(ptr, "no more than %d items allowed", Limit("message.tables").Max)
	}
}

// each checks every block of a list, of a message, a view or a container.
func (c *checker) each(list []any, ptr string) {
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
}

// kinds are the blocks there are, each with its check. It is filled in init because containers hold blocks.
var kinds map[string]func(c *checker, b obj, ptr string)

func init() {
	kinds = map[string]func(*checker, obj, string){
		"section": (*checker).section, "context": (*checker).context, "input": (*checker).input,
		"video": (*checker).video,
		"table": (*checker).table, "data_table": (*checker).dataTable, "data_visualization": (*checker).chart,
		"card": (*checker).card, "carousel": (*checker).carousel, "alert": (*checker).alert,
		"container": (*checker).container, "plan": (*checker).plan, "task_card": (*checker).taskCard,
		"header": (*checker).header, "image": (*checker).imageBlock, "markdown": (*checker).markdownBlock,
		"divider": func(c *checker, b obj, ptr string) { c.props(b, ptr, "type block_id") },
		"actions": func(c *checker, b obj, ptr string) { c.row(b, ptr, "actions.elements", inActions) },
		"context_actions": func(c *checker, b obj, ptr string) {
			c.row(b, ptr, "context_actions.elements", inContextActions)
		},
		"rich_text": func(c *checker, b obj, ptr string) {
			c.props(b, ptr, "type block_id elements")
			c.richText(b, ptr)
		},
		"file": func(c *checker, b obj, ptr string) {
			c.only(onMessage, ptr, "file")
			c.props(b, ptr, "type block_id external_id source file_id file")
		},
		// Slack's own clients make these; their insides are not documented.
		"call": func(*checker, obj, string) {}, "share_shortcut": func(*checker, obj, string) {},
	}
}

// known are the types of block that may stand here.
func known() string { return strings.Join(slices.Sorted(maps.Keys(kinds)), " ") }

func (c *checker) block(b obj, ptr string, index int) {
	kind, ok := b["type"].(string)
	if !ok {
		c.fail(ptr, "missing required field: type")
		return
	}
	check := kinds[kind]
	if check == nil || c.inside && !hasWord(inContainer, kind) {
		allowed := known()
		if c.inside {
			allowed = inContainer
		}
		c.unsupported(ptr, kind, allowed)
		return
	}
	if kind == "input" && c.hasInput < 0 {
		c.hasInput = index
	}
	check(c, b, ptr)
}

// row checks a block that is a row of elements.
func (c *checker) row(b obj, ptr, name, allowed string) {
	c.props(b, ptr, "type block_id elements")
	c.elements(c.list(b, "elements", ptr, name, true), ptr, allowed)
}

func (c *checker) header(b obj, ptr string) {
	c.props(b, ptr, "type block_id text level")
	c.text(b, "text", ptr, "header.text", plainOnly, true)
}

func (c *checker) imageBlock(b obj, ptr string) {
	c.props(b, ptr, "type block_id image_url slack_file alt_text title")
	c.image(b, ptr)
	c.text(b, "title", ptr, "image.title", plainOnly, false)
}

func (c *checker) markdownBlock(b obj, ptr string) {
	c.only(onMessage, ptr, "markdown")
	c.props(b, ptr, "type block_id text")
	c.markdown += utf8.RuneCountInString(c.str(b, "text", ptr, "markdown.text", true))
}

// only refuses a block on every other surface.
func (c *checker) only(where surface, ptr, kind string) {
	if c.where != where {
		others := slices.DeleteFunc(strings.Fields(known()), func(k string) bool { return k == kind })
		c.unsupported(ptr, kind, strings.Join(others, " "))
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
	c.props(b, ptr, "type block_id alt_text title thumbnail_url video_url author_name description provider_icon_url "+
		"provider_name title_url")
	c.str(b, "alt_text", ptr, "video.alt_text", true)
	c.str(b, "thumbnail_url", ptr, "video.url", true)
	c.str(b, "video_url", ptr, "video.url", true)
	c.str(b, "title_url", ptr, "video.link", false)
	c.str(b, "provider_icon_url", ptr, "video.link", false)
	c.str(b, "author_name", ptr, "video.name", false)
	c.str(b, "provider_name", ptr, "video.name", false)
	c.text(b, "title", ptr, "video.title", plainOnly, true)
	c.text(b, "description", ptr, "video.description", plainOnly, false)
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

// Dates and times as pickers take them.
var (
	datePattern = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$`)
	timePattern = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d$`)
)

// IsDate says whether a datepicker takes the text, such as 2026-01-31.
func IsDate(text string) bool { return datePattern.MatchString(text) }

// IsTime says whether a timepicker takes the text, such as 09:30.
func IsTime(text string) bool { return timePattern.MatchString(text) }

// View checks a view as views.* get it; pointers begin at /view.
func View(v map[string]any) []Fault {
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
		c.unsupported("/view", kind, "modal home")
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

// Blocks checks the blocks of a message; pointers begin at /blocks.
func Blocks(list []any) []Fault {
	c := newChecker(onMessage)
	c.blocks(list, "/blocks")
	return c.faults
}

// Decode reads blocks given as a JSON array or as a string holding one. nil, true means that none were given.
func Decode(v any) ([]any, bool) {
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

func asList(v any) []any { l, _ := v.([]any); return l }

func asString(v any) string { s, _ := v.(string); return s }

// sorted walks an object in the order of its keys, so that faults are the same on every run.
func sorted(o obj) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, k := range slices.Sorted(maps.Keys(o)) {
			if !yield(k, o[k]) {
				return
			}
		}
	}
}
