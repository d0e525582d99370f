package integratorsim

import "slices"

func stackRoutes() []route {
	return []route{
		{pattern: "POST /stacks/{id}/invite", least: manage, handle: inviteToStack},
		{pattern: "GET /sshares", least: manage, list: true, handle: listStackShares},
		{pattern: "GET /sshares/{id}", least: manage, handle: getStackShare},
		{pattern: "PUT /sshares/{id}", least: manage, handle: putStackShare},
		{pattern: "PUT /sshares/{id}/disable", least: manage, handle: toggleStackShare},
		{pattern: "DELETE /sshares/{id}", least: manage, handle: deleteStackShare},
		{pattern: "PUT /sshares/{id}/accept", handle: func(c *call) reply { return answerStackShare(c, true) }},
		{pattern: "PUT /sshares/{id}/dismiss", handle: func(c *call) reply { return answerStackShare(c, false) }},
		{pattern: "GET /shared/sshares", list: true, handle: sharedStacks},
	}
}

func (h *stackShare) view() doc {
	return doc{"_id": h.ID, "_stackId": h.StackID, "accepted": h.Accepted, "dismissed": h.Dismissed,
		"disabled":       h.Disabled,
		"sharedWithUser": h.Person.identity(), "createdAt": clock(h.CreatedAt), "lastModified": clock(h.Modified)}
}

func listStackShares(c *call) reply {
	var items []any
	for _, h := range c.env.StackShares {
		items = append(items, h.view())
	}
	return c.list(items)
}

func (c *call) withStackShare(do func(*stackShare) reply) reply {
	for _, h := range c.env.StackShares {
		if h.ID == c.r.PathValue("id") {
			return do(h)
		}
	}
	return notFound()
}

func getStackShare(c *call) reply {
	return c.withStackShare(func(h *stackShare) reply { return ok(h.view()) })
}

func inviteToStack(c *call) reply {
	return c.withDoc("stacks", func(d doc) reply {
		body, bad := c.object(false)
		if bad != nil {
			return *bad
		}
		email := text(body, "email")
		if !validEmail(email) {
			return invalid("email", "Please enter a valid email address")
		}
		p := c.w.personByEmail(email)
		if p == nil {
			p = c.s.addPerson(email, "", false)
		}
		id := text(d, "_id")
		for _, h := range c.env.StackShares {
			if h.StackID == id && h.Person == p {
				return fail(409, "duplicate_user", "The stack is already shared with the user.", "email")
			}
		}
		h := &stackShare{ID: c.s.newID(), StackID: id, Person: p, CreatedAt: c.now, Modified: c.now}
		c.env.StackShares = append(c.env.StackShares, h)
		c.audit("stack", id, "update")
		return created(h.view())
	})
}

// putStackShare takes the full document with dismissed and disabled, as Celigo's page sends it to share again.
func putStackShare(c *call) reply {
	return c.withStackShare(func(h *stackShare) reply {
		d, bad := c.object(false)
		if bad != nil {
			return *bad
		}
		h.Dismissed, h.Disabled, h.Modified = d["dismissed"] == true, d["disabled"] == true, c.now
		return ok(h.view())
	})
}

func toggleStackShare(c *call) reply {
	return c.withStackShare(func(h *stackShare) reply {
		h.Disabled, h.Modified = !h.Disabled, c.now
		return none()
	})
}

func deleteStackShare(c *call) reply {
	return c.withStackShare(func(h *stackShare) reply {
		c.env.StackShares = slices.DeleteFunc(c.env.StackShares, func(x *stackShare) bool { return x == h })
		c.audit("stack", h.StackID, "update")
		return none()
	})
}

// eachReceived walks the stack shares addressed to the caller.
func (c *call) eachReceived(do func(*account, *environment, *stackShare)) {
	for _, a := range c.w.Accounts {
		for _, e := range a.Envs {
			for _, h := range e.StackShares {
				if h.Person == c.person {
					do(a, e, h)
				}
			}
		}
	}
}

func answerStackShare(c *call, accepted bool) reply {
	out := notFound()
	c.eachReceived(func(a *account, _ *environment, h *stackShare) {
		if h.ID == c.r.PathValue("id") {
			h.Accepted, h.Dismissed, h.Modified = accepted, !accepted, c.now
			c.touched = a
			out = none()
		}
	})
	return out
}

func sharedStacks(c *call) reply {
	var items []any
	c.eachReceived(func(a *account, e *environment, h *stackShare) {
		st := e.find("stacks", h.StackID)
		if st == nil {
			return
		}
		items = append(items, doc{"_id": h.ID, "accepted": h.Accepted, "dismissed": h.Dismissed, "disabled": h.Disabled,
			"ownerUser": a.Owner.identity(), "stack": doc{"_id": st["_id"], "name": st["name"], "type": st["type"]}})
	})
	return c.list(items)
}
