package blockkit

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// richElements lists, for each element of rich text, what it must and what it may carry beside type
// (docs.slack.dev/reference/block-kit/blocks/rich-text-block; @slack/types, RichTextElement).
var richElements = map[string]struct{ must, may string }{
	"text":      {"text", "style"},
	"link":      {"url", "text style unsafe"},
	"user":      {"user_id", "style"},
	"usergroup": {"usergroup_id", "style"},
	"channel":   {"channel_id", "style"},
	"team":      {"team_id", "style"},
	"emoji":     {"name", "unicode skin_tone url style"},
	"date":      {"timestamp format", "url fallback style"},
	"broadcast": {"range", "style"},
	"color":     {"value", "style"},
}

// richStyles are the keys of style; mentions take three more.
const (
	richStyles    = "bold italic strike code underline"
	mentionStyles = " highlight client_highlight unlink"
)

var (
	colorPattern  = regexp.MustCompile(`^#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?$`)
	tokenPattern  = regexp.MustCompile(`\{[^{}]*\}`)
	richDateWords = "{day_divider_pretty} {date_num} {date_slash} {date_long} {date_long_full} {date_long_pretty} {date} {date_pretty} {date_short} " +
		"{date_short_pretty} {time} {time_secs} {ago} {member_local_time} {status_expiration} {calendar_header}"
)

// richText checks a rich_text block.
func (c *checker) richText(b obj, ptr string) {
	for i, v := range c.items(b, "elements", ptr) {
		at := fmt.Sprintf("%s/elements/%d", ptr, i)
		if e, ok := c.object(v, at); ok {
			c.richPart(e, at)
		}
	}
}

// items is list for arrays whose size Slack does not limit.
func (c *checker) items(o obj, key, ptr string) []any {
	v, ok := o[key]
	if !ok || v == nil {
		c.fail(ptr, "missing required field: %s", key)
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		c.fail(ptr+"/"+key, "must be an array")
	}
	return l
}

// richPart checks one of the four parts a rich_text block is made of.
func (c *checker) richPart(e obj, ptr string) {
	kind, ok := e["type"].(string)
	if !ok {
		c.fail(ptr, "missing required field: type")
		return
	}
	switch kind {
	case "rich_text_section":
		c.props(e, ptr, "type elements")
		c.richRun(e, ptr, "")
	case "rich_text_quote":
		c.props(e, ptr, "type elements border")
		c.richRun(e, ptr, "")
	case "rich_text_preformatted":
		c.props(e, ptr, "type elements border language")
		c.richRun(e, ptr, "text link")
	case "rich_text_list":
		c.props(e, ptr, "type elements style indent offset border")
		c.richList(e, ptr)
	default:
		c.unsupported(ptr, kind, "rich_text_section rich_text_list rich_text_quote rich_text_preformatted")
		return
	}
	c.integer(e, "border", ptr, Limit("rich_text.border").Min, Limit("rich_text.border").Max)
}

func (c *checker) richList(e obj, ptr string) {
	switch e["style"] {
	case nil:
		c.fail(ptr, "missing required field: style")
	case "bullet", "ordered":
	default:
		c.choice(e, "style", ptr, "bullet ordered")
	}
	c.integer(e, "indent", ptr, Limit("rich_text.indent").Min, Limit("rich_text.indent").Max)
	c.integer(e, "offset", ptr, 0, 1<<30)
	for i, v := range c.items(e, "elements", ptr) {
		at := fmt.Sprintf("%s/elements/%d", ptr, i)
		item, ok := c.object(v, at)
		switch {
		case !ok:
		case item["type"] == "rich_text_section":
			c.richPart(item, at)
		default:
			c.unsupported(at, asString(item["type"]), "rich_text_section")
		}
	}
}

// richRun checks the elements of a section, quote or preformatted part; allowed "" is every element.
func (c *checker) richRun(e obj, ptr, allowed string) {
	for i, v := range c.items(e, "elements", ptr) {
		at := fmt.Sprintf("%s/elements/%d", ptr, i)
		x, ok := c.object(v, at)
		if !ok {
			continue
		}
		kind, ok := x["type"].(string)
		if !ok {
			c.fail(at, "missing required field: type")
			continue
		}
		if _, known := richElements[kind]; !known || allowed != "" && !hasWord(allowed, kind) {
			if allowed == "" {
				allowed = strings.Join(slices.Sorted(maps.Keys(richElements)), " ")
			}
			c.unsupported(at, kind, allowed)
			continue
		}
		c.richElement(kind, x, at)
	}
}

func (c *checker) richElement(kind string, e obj, ptr string) {
	def := richElements[kind]
	c.props(e, ptr, "type "+def.must+" "+def.may)
	for key := range strings.FieldsSeq(def.must) {
		v, ok := e[key]
		if !ok || v == nil {
			c.fail(ptr, "missing required field: %s", key)
			continue
		}
		if key == "timestamp" {
			c.integer(e, key, ptr, 0, 1<<53)
		} else if _, ok := v.(string); !ok {
			c.fail(ptr+"/"+key, "must be a string")
		}
	}
	for _, key := range []string{"text", "fallback", "unicode"} {
		if v := e[key]; v != nil && hasWord(def.may, key) {
			if _, ok := v.(string); !ok {
				c.fail(ptr+"/"+key, "must be a string")
			}
		}
	}
	c.boolean(e, "unsafe", ptr)
	c.pattern(e, "value", ptr, colorPattern.MatchString, "#RRGGBB")
	if _, ok := e["range"].(string); ok {
		c.choice(e, "range", ptr, "here channel everyone")
	}
	if f, ok := e["format"].(string); ok {
		for _, token := range tokenPattern.FindAllString(f, -1) {
			if !hasWord(richDateWords, token) {
				c.fail(ptr+"/format", "invalid date token: %s", token)
			}
		}
	}
	c.richStyle(kind, e, ptr)
}

func (c *checker) richStyle(kind string, e obj, ptr string) {
	if e["style"] == nil {
		return
	}
	style, ok := c.object(e["style"], ptr+"/style")
	if !ok {
		return
	}
	allowed := richStyles
	if hasWord("user usergroup channel team broadcast", kind) {
		allowed += mentionStyles
	}
	c.props(style, ptr+"/style", allowed)
	for k := range sorted(style) {
		c.boolean(style, k, ptr+"/style")
	}
}
