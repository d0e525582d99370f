package blockkit

import "fmt"

func (c *checker) alert(b obj, ptr string) {
	c.only(onModal, ptr, "alert")
	c.props(b, ptr, "type block_id text level")
	c.text(b, "text", ptr, "alert.text", anyText, true)
	c.choice(b, "level", ptr, "default info warning error success")
}

func (c *checker) card(b obj, ptr string) {
	c.props(b, ptr, "type block_id hero_image icon slack_icon title subtitle body subtext actions")
	if b["hero_image"] == nil && b["title"] == nil && b["actions"] == nil && b["body"] == nil {
		// Which of them are needed is documented (@slack/types, CardBlock), the words are not.
		c.fail(ptr, "must define at least one of `hero_image`, `title`, `actions` or `body`")
	}
	for _, k := range []string{"title", "subtitle", "body", "subtext"} {
		c.text(b, k, ptr, "card."+k, anyText, false)
	}
	for _, k := range []string{"hero_image", "icon"} {
		c.imageElement(b, k, ptr)
	}
	if b["actions"] != nil {
		seen := map[string]bool{}
		for i, v := range c.list(b, "actions", ptr, "card.actions", false) {
			c.element(v, fmt.Sprintf("%s/actions/%d", ptr, i), "button", seen)
		}
	}
}

// imageElement checks an image inside of another thing.
func (c *checker) imageElement(b obj, key, ptr string) {
	if b[key] != nil {
		c.element(b[key], ptr+"/"+key, "image", map[string]bool{})
	}
}

func (c *checker) carousel(b obj, ptr string) {
	c.props(b, ptr, "type block_id elements")
	for i, v := range c.list(b, "elements", ptr, "carousel.elements", true) {
		at := fmt.Sprintf("%s/elements/%d", ptr, i)
		if e, ok := c.object(v, at); !ok {
			continue
		} else if e["type"] != "card" {
			c.unsupported(at, asString(e["type"]), "card")
		} else {
			c.card(e, at)
		}
	}
}

// container checks a block that holds others; they share the message's block_ids.
func (c *checker) container(b obj, ptr string) {
	c.props(b, ptr, "type block_id title rich_text_title subtitle child_blocks width icon is_collapsible default_collapsed "+
		"has_header_divider")
	c.text(b, "title", ptr, "container.title", plainOnly, false)
	c.text(b, "subtitle", ptr, "container.subtitle", anyText, false)
	c.entity(b, "rich_text_title", ptr)
	c.choice(b, "width", ptr, "narrow standard wide full")
	c.imageElement(b, "icon", ptr)
	for _, k := range []string{"is_collapsible", "default_collapsed", "has_header_divider"} {
		c.boolean(b, k, ptr)
	}
	list := c.list(b, "child_blocks", ptr, "container.child_blocks", true)
	c.inside = true
	c.each(list, ptr+"/child_blocks")
	c.inside = false
}

// entity checks one rich_text block at o[key], where there is one.
func (c *checker) entity(o obj, key, ptr string) {
	if o[key] == nil {
		return
	}
	at := ptr + "/" + key
	b, ok := c.object(o[key], at)
	switch {
	case !ok:
	case b["type"] != "rich_text":
		c.unsupported(at, asString(b["type"]), "rich_text")
	default:
		c.richText(b, at)
	}
}

// plan checks a list of tasks; in it a task needs no type.
func (c *checker) plan(b obj, ptr string) {
	c.props(b, ptr, "type block_id title tasks")
	c.word(b, "title", ptr)
	for i, v := range c.list(b, "tasks", ptr, "plan.tasks", false) {
		at := fmt.Sprintf("%s/tasks/%d", ptr, i)
		if t, ok := c.object(v, at); ok {
			c.taskCard(t, at)
		}
	}
}

func (c *checker) taskCard(b obj, ptr string) {
	c.props(b, ptr, "type block_id task_id title details output sources status")
	c.word(b, "task_id", ptr)
	c.word(b, "title", ptr)
	c.choice(b, "status", ptr, "pending in_progress complete error")
	c.entity(b, "details", ptr)
	c.entity(b, "output", ptr)
	for i, v := range asList(b["sources"]) {
		at := fmt.Sprintf("%s/sources/%d", ptr, i)
		if s, ok := c.object(v, at); ok {
			c.props(s, at, "type url text")
			c.str(s, "url", at, "source.url", true)
			c.word(s, "text", at)
		}
	}
}

// word checks a string that must be there and whose length is not documented.
func (c *checker) word(o obj, key, ptr string) {
	if v := o[key]; v == nil {
		c.fail(ptr, "missing required field: %s", key)
	} else if _, ok := v.(string); !ok {
		c.fail(ptr+"/"+key, "must be a string")
	}
}
