package integratorsim

import (
	"slices"
	"time"
)

func userRoutes() []route {
	return []route{
		{pattern: "GET /ashares", least: administrator, list: true, quiet: true, handle: listShares},
		{pattern: "GET /ashares/{id}", least: administrator, handle: getShare},
		{pattern: "PUT /ashares/{id}", least: administrator, handle: putShare},
		{pattern: "DELETE /ashares/{id}", least: administrator, handle: deleteShare},
		{pattern: "PUT /ashares/{id}/disable", least: administrator, handle: toggleShare},
		{pattern: "PUT /ashares/{id}/reinvite", least: administrator, handle: reinvite},
		{pattern: "PUT /ashares/{id}/accept", handle: acceptShare},
		{pattern: "PUT /ashares/{id}/dismiss", handle: dismissShare},
		{pattern: "POST /ashares/{id}/mfa/reset", least: administrator, handle: resetMFA},
		{pattern: "POST /invite", least: tile, handle: inviteOne},
		{pattern: "POST /invite/multiple", least: tile, handle: inviteMany},
		{pattern: "GET /shared/ashares", list: true, handle: sharedWithMe},
		{pattern: "DELETE /shared/ashares/{id}", handle: leaveAccount},
		{pattern: "GET /integrations/{id}/ashares", least: manage, list: true, handle: integrationShares},
	}
}

const alreadyHasAccess = "The user already has access to the account. Please use the edit permissions option to update the permissions for the user."

// shareView is an ashare as the owner's side sees it. Field order follows section 2.1 of Celigo's schema.
type shareView struct {
	ID          string  `json:"_id"`
	Accepted    bool    `json:"accepted"`
	Dismissed   bool    `json:"dismissed,omitempty"`
	Disabled    bool    `json:"disabled,omitempty"`
	AccessLevel string  `json:"accessLevel,omitempty"`
	Grants      []Grant `json:"integrationAccessLevel"`
	SSORequired bool    `json:"accountSSORequired"`
	MFARequired bool    `json:"accountMFARequired"`
	APIM        bool    `json:"allowAccessToAPIM,omitempty"`
	RetryData   bool    `json:"allowToEditRetryData,omitempty"`
	Workspaces  bool    `json:"allowIntegrationWorkspaceCreation,omitempty"`
	ProdAdmin   bool    `json:"isProductionAdmin,omitempty"`
	MCP         []any   `json:"mcpServerAccessLevel,omitempty"`
	AllMCP      bool    `json:"allMcpServerAccess,omitempty"`
	CreatedVia  string  `json:"createdVia,omitempty"`
	LastSignIn  any     `json:"lastSignIn,omitempty"`
	CreatedAt   stamp   `json:"createdAt"`
	Modified    stamp   `json:"lastModified"`
	With        any     `json:"sharedWithUser,omitempty"`
	Owner       any     `json:"ownerUser,omitempty"`
}

type withUser struct {
	identity
	LastSignIn        any    `json:"lastSignIn,omitempty"`
	AllowedToResetMFA bool   `json:"allowedToResetMFA"`
	SSOLinked         string `json:"accountSSOLinked"`
}

// bareView shows a share of environment e. In production it is itself what makes a production
// administrator, which keeps long lists quick.
func (c *call) bareView(a *account, e *environment, h *share) shareView {
	grants := h.Grants
	if grants == nil {
		grants = []Grant{}
	}
	prod := h
	if e != a.production() {
		prod = a.production().shareOf(h.Person)
	}
	return shareView{ID: h.ID, Accepted: h.Accepted, Dismissed: h.Dismissed, Disabled: h.Disabled,
		AccessLevel: h.AccessLevel,
		Grants:      grants, SSORequired: h.SSORequired, MFARequired: h.MFARequired, APIM: h.APIM,
		RetryData:  h.RetryData,
		Workspaces: h.Workspaces, ProdAdmin: prod != nil && prod.Accepted && prod.AccessLevel == "administrator",
		MCP: h.MCP, AllMCP: h.AllMCP, CreatedVia: h.CreatedVia, LastSignIn: clockOr(h.LastSignIn),
		CreatedAt: stamp{h.CreatedAt}, Modified: stamp{h.Modified}}
}

func (c *call) view(h *share) shareView {
	v := c.bareView(c.acct, c.env, h)
	linked := "not_linked"
	switch h.Person.SSOAccount {
	case "":
	case c.acct.ID:
		linked = "this_account"
	default:
		linked = "other_account"
	}
	v.With = withUser{identity: h.Person.identity(), LastSignIn: clockOr(h.Person.LastSignIn),
		AllowedToResetMFA: h.Accepted && c.role >= administrator, SSOLinked: linked}
	return v
}

func listShares(c *call) reply {
	items := make([]any, 0, len(c.env.Shares))
	for _, h := range c.env.Shares {
		items = append(items, c.view(h))
	}
	return c.list(items)
}

func (c *call) withShare(do func(*share) reply) reply {
	h := c.env.share(c.r.PathValue("id"))
	if h == nil {
		return notFound()
	}
	return do(h)
}

func getShare(c *call) reply {
	return c.withShare(func(h *share) reply { return ok(c.view(h)) })
}

func (h *share) set(a access) {
	h.AccessLevel, h.Grants, h.SSORequired, h.MFARequired = a.level, a.grants, a.sso, a.mfa
	h.APIM, h.RetryData, h.Workspaces, h.MCP, h.AllMCP = a.apim, a.retry, a.work, a.mcp, a.allMC
	if a.disabled != nil {
		h.Disabled = *a.disabled
	}
}

// putShare replaces the access fields. What is left out is cleared; only disabled, which has a call of its own, stays.
func putShare(c *call) reply {
	return c.withShare(func(h *share) reply {
		d, bad := c.object(false)
		if bad != nil {
			return *bad
		}
		a, bad := c.readAccess(d)
		if bad != nil {
			return *bad
		}
		was := *h
		h.set(a)
		h.Modified = c.now
		c.auditUser(h, "update", shareChanges(was, *h)...)
		return none()
	})
}

func shareChanges(was, is share) []fieldChange {
	var out []fieldChange
	add := func(field string, old, now any, differ bool) {
		if differ {
			out = append(out, fieldChange{field, old, now})
		}
	}
	add("accessLevel", was.AccessLevel, is.AccessLevel, was.AccessLevel != is.AccessLevel)
	add("integrationAccessLevel", was.Grants, is.Grants, !slices.Equal(was.Grants, is.Grants))
	add("disabled", was.Disabled, is.Disabled, was.Disabled != is.Disabled)
	add("accountSSORequired", was.SSORequired, is.SSORequired, was.SSORequired != is.SSORequired)
	add("accountMFARequired", was.MFARequired, is.MFARequired, was.MFARequired != is.MFARequired)
	return out
}

func deleteShare(c *call) reply {
	return c.withShare(func(h *share) reply {
		c.env.Shares = slices.DeleteFunc(c.env.Shares, func(x *share) bool { return x == h })
		c.auditUser(h, "delete", gone(h)...)
		return none()
	})
}

// toggleShare flips disabled whatever the body says.
func toggleShare(c *call) reply {
	return c.withShare(func(h *share) reply {
		was := *h
		h.Disabled = !h.Disabled
		h.Modified = c.now
		c.auditUser(h, "update", shareChanges(was, *h)...)
		return none()
	})
}

func reinvite(c *call) reply {
	return c.withShare(func(h *share) reply {
		if h.Accepted {
			return invalid("", "The user has already accepted the invitation.")
		}
		c.s.inviteAgain(c.acct, c.env, h, c.source(), c.person, c.now)
		return none()
	})
}

// inviteAgain takes back a decline and sends the mail once more.
func (s *Server) inviteAgain(a *account, e *environment, h *share, source string, by *person, now time.Time) {
	was := h.Dismissed
	h.Dismissed, h.Modified = false, now
	s.mailInvitation(a, h, by)
	var changes []fieldChange
	if was {
		changes = append(changes, fieldChange{"dismissed", true, false})
	}
	s.auditUser(a, e, h, source, "update", by, now, append(changes, fieldChange{"lastModified", nil, clock(now)})...)
}

// mine finds an ashare that is addressed to the caller, in any account.
func (c *call) mine(id string) (*account, *environment, *share) {
	for _, a := range c.w.Accounts {
		for _, e := range a.Envs {
			if h := e.share(id); h != nil && h.Person == c.person {
				return a, e, h
			}
		}
	}
	return nil, nil, nil
}

func acceptShare(c *call) reply {
	a, e, h := c.mine(c.r.PathValue("id"))
	if h == nil {
		return notFound()
	}
	c.touched = a
	if h.Accepted {
		c.noEffect = true
		return none()
	}
	c.s.accept(a, e, h, c.source(), c.now)
	return none()
}

func (s *Server) accept(a *account, e *environment, h *share, source string, now time.Time) {
	h.Accepted, h.Dismissed, h.Modified = true, false, now
	s.auditUser(a, e, h, source, "update", h.Person, now, fieldChange{"accepted", false, true})
}

func dismissShare(c *call) reply {
	a, e, h := c.mine(c.r.PathValue("id"))
	if h == nil {
		return notFound()
	}
	c.touched = a
	if h.Accepted {
		return invalid("", "The invitation was already accepted.")
	}
	c.s.dismiss(a, e, h, c.source(), c.now)
	return none()
}

func (s *Server) dismiss(a *account, e *environment, h *share, source string, now time.Time) {
	h.Dismissed, h.Modified = true, now
	s.auditUser(a, e, h, source, "update", h.Person, now, fieldChange{"dismissed", false, true})
}

// sharedWithMe lists the accounts that were shared with the caller, with their owners.
func sharedWithMe(c *call) reply {
	var items []any
	for _, a := range c.w.Accounts {
		for _, e := range a.Envs {
			h := e.shareOf(c.person)
			if h == nil {
				continue
			}
			v := c.bareView(a, e, h)
			v.Owner = c.ownerView(a)
			items = append(items, v)
		}
	}
	return c.list(items)
}

func (c *call) ownerView(a *account) doc {
	d := doc{"_id": a.Owner.ID, "email": a.Owner.Email, "name": a.Owner.Name, "company": a.Owner.Company,
		"preferences": doc{}, "timezone": "Etc/UTC", "allowedToPublish": false, "useErrMgtTwoDotZero": true,
		"licenses": append([]doc{}, a.Licenses...), "mfaEnabled": a.Owner.MFAEnabled}
	if len(a.SSOClients) > 0 {
		d["_ssoClientId"] = a.SSOClients[0]["_id"]
	}
	return d
}

func leaveAccount(c *call) reply {
	a, e, h := c.mine(c.r.PathValue("id"))
	if h == nil {
		return notFound()
	}
	c.touched = a
	e.Shares = slices.DeleteFunc(e.Shares, func(x *share) bool { return x == h })
	c.s.auditUser(a, e, h, c.source(), "delete", h.Person, c.now, gone(h)...)
	return none()
}

// integrationShares lists who has access to one integration, with the level there.
func integrationShares(c *call) reply {
	id := c.r.PathValue("id")
	if c.env.find("integrations", id) == nil {
		return notFound()
	}
	var items []any
	for _, h := range c.env.Shares {
		level := h.levelOn(id)
		if level == "" {
			continue
		}
		v := c.view(h)
		items = append(items, struct {
			shareView
			AccessLevel string  `json:"accessLevel"`
			Grants      *string `json:"integrationAccessLevel,omitempty"`
		}{v, level, nil})
	}
	return c.list(items)
}

func (h *share) levelOn(integration string) string {
	if h.AccessLevel == "administrator" || h.AccessLevel == "manage" {
		return h.AccessLevel
	}
	for _, g := range h.Grants {
		if g.IntegrationID == integration && (h.AccessLevel == "" || g.AccessLevel == "manage") {
			return g.AccessLevel
		}
	}
	return h.AccessLevel
}

func resetMFA(c *call) reply {
	return c.withShare(func(h *share) reply {
		if !h.Accepted {
			return invalid("", "MFA can only be reset for a user who accepted the invitation.")
		}
		h.Person.MFAEnabled = false
		c.audit("mfa", h.Person.ID, "update", fieldChange{"mfa", "enabled", "reset"})
		return none()
	})
}
