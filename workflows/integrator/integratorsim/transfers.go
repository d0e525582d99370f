package integratorsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

func transferRoutes() []route {
	return []route{
		{pattern: "GET /transfers", least: administrator, list: true, quiet: true, handle: listTransfers},
		{pattern: "GET /transfers/invited", list: true, handle: invitedTransfers},
		{pattern: "GET /transfers/preview", least: administrator, handle: previewTransfer},
		{pattern: "GET /transfers/{id}", handle: getTransfer},
		{pattern: "POST /transfers/invite", least: administrator, handle: inviteTransfer},
		{pattern: "PUT /transfers/{id}/cancel", least: administrator, handle: cancelTransfer},
		{pattern: "DELETE /transfers/{id}", least: administrator, handle: deleteTransfer},
		{pattern: "PUT /transfers/{id}/accept", handle: acceptTransfer},
		{pattern: "PUT /transfers/{id}/dismiss", handle: dismissTransfer},
	}
}

const (
	severalOrganizations = "Cannot transfer account ownership to selected user as he is part of multiple organizations."
	transferPending      = "An account transfer is already pending. Delete the pending transfer at My Account > Transfers before retransferring the account."
)

// toTransferKinds are the lists of a record's toTransfer, empty for an account: what it holds there is not known.
var toTransferKinds = []string{"integrations", "flows", "exports", "imports", "connections", "stacks", "licenses",
	"iclients",
	"notifications", "filedefinitions", "asynchelpers"}

// transferView is a record as the owner's side sees it, or with the owner instead of the target as the invitee does.
func (c *call) transferView(a *account, t *transfer, invitee bool) doc {
	d := doc{"_id": t.ID, "status": t.Status, "toTransfer": c.toTransfer(a, t.Integrations),
		"transferErrors": append([]doc{}, t.Errors...),
		"createdAt":      clock(t.CreatedAt), "lastModified": clock(t.Modified)}
	for name, on := range map[string]bool{"account": t.Account, "accepted": t.Accepted, "dismissed": t.Dismissed} {
		if on {
			d[name] = true
		}
	}
	if !t.TransferredAt.IsZero() {
		d["transferredAt"] = clock(t.TransferredAt)
	}
	if invitee {
		d["ownerUser"] = doc{"_id": t.From.ID, "email": t.From.Email, "name": t.From.Name, "company": a.Owner.Company}
	} else {
		d["transferToUser"] = t.To.identity()
	}
	return d
}

func (c *call) toTransfer(a *account, integrations []string) doc {
	out := doc{}
	for _, k := range toTransferKinds {
		out[k] = []any{}
	}
	env := a.production()
	for _, id := range integrations {
		in := env.find("integrations", id)
		if in == nil {
			continue
		}
		row := doc{"_id": id, "name": in["name"]}
		if in["_connectorId"] != nil {
			row["_connectorId"] = in["_connectorId"]
		}
		out["integrations"] = append(out["integrations"].([]any), row)
		for _, f := range env.flowsOf(id) {
			out["flows"] = append(out["flows"].([]any), doc{"_id": f["_id"], "name": f["name"], "_integrationId": id,
				"disabled": f["disabled"] == true})
		}
		for _, x := range texts(in["_registeredConnectionIds"]) {
			if cn := env.find("connections", x); cn != nil {
				out["connections"] = append(out["connections"].([]any), doc{"_id": x, "name": cn["name"]})
			}
		}
	}
	return out
}

// listTransfers has the account's own records, then those that the owner was sent by others.
func listTransfers(c *call) reply {
	var items []any
	if c.env.Production {
		for _, t := range c.acct.Transfers {
			items = append(items, c.transferView(c.acct, t, false))
		}
	}
	return c.list(append(items, c.received()...))
}

func invitedTransfers(c *call) reply { return c.list(c.received()) }

func (c *call) received() []any {
	var items []any
	for _, a := range c.w.Accounts {
		for _, t := range a.Transfers {
			if t.To == c.person && a != c.acct && t.Status != "canceled" {
				items = append(items, c.transferView(a, t, true))
			}
		}
	}
	return items
}

// anyTransfer finds a record that the caller sent (own) or was sent.
func (c *call) anyTransfer() (a *account, t *transfer, own bool) {
	id := c.r.PathValue("id")
	if c.acct != nil && c.role >= administrator && c.env.Production {
		if t = c.acct.transfer(id); t != nil {
			return c.acct, t, true
		}
	}
	for _, a = range c.w.Accounts {
		if t = a.transfer(id); t != nil && t.To == c.person {
			return a, t, false
		}
	}
	return nil, nil, false
}

func getTransfer(c *call) reply {
	a, t, own := c.anyTransfer()
	if t == nil {
		return notFound()
	}
	return ok(c.transferView(a, t, !own))
}

// inviteTransfer starts an ownership switch ("account": true) or the transfer of some integrations.
func inviteTransfer(c *call) reply {
	d, bad := c.object(false)
	if bad != nil {
		return *bad
	}
	email := text(d, "email")
	if !validEmail(email) {
		return invalid("email", "Please enter a valid email address")
	}
	t := &transfer{ID: c.s.newID(), From: c.acct.Owner.identity(), Status: "unapproved", CreatedAt: c.now,
		Modified: c.now}
	if d["account"] == true {
		t.Account = true
		if c.role < owner && !c.token.MayTransfer {
			return forbidden("Only the account owner can transfer account ownership.")
		}
		t.To, bad = c.newOwner(email)
	} else {
		t.Integrations = texts(d["_integrationIds"])
		t.To, bad = c.receiver(email, t.Integrations)
	}
	if bad != nil {
		return *bad
	}
	c.acct.Transfers = append(c.acct.Transfers, t)
	c.audit("transfer", t.ID, "create")
	c.s.mailTransfer(c.acct, t)
	return created(c.transferView(c.acct, t, false))
}

// newOwner judges the target of an ownership switch. The texts are Celigo's where the reference has them.
func (c *call) newOwner(email string) (*person, *reply) {
	refuse := func(code, message, field string) (*person, *reply) {
		r := fail(http.StatusUnprocessableEntity, code, message, field)
		return nil, &r
	}
	if !c.env.Production {
		return refuse("invalid_environment",
			"Account ownership can only be transferred from the production environment.", "account")
	}
	if c.acct.pendingAccountTransfer() != nil {
		return refuse("transfer_already_pending", transferPending, "")
	}
	p := c.w.personByEmail(email)
	if p == c.acct.Owner {
		return refuse("invalid_field", "The user is already the owner of the account.", "email")
	}
	var h *share
	if p != nil {
		h = c.acct.production().shareOf(p)
	}
	switch {
	case h == nil:
		return refuse("user_not_in_account",
			"Account ownership can only be transferred to a user of the production environment of this account.",
			"email")
	case !h.Accepted:
		return refuse("invitation_not_accepted", "The user has not accepted the invitation to this account.", "email")
	case h.Disabled:
		return refuse("user_disabled", "The user is disabled in this account.", "email")
	case len(c.w.otherOrganizations(p, c.acct)) > 0:
		return refuse("multiple_organizations", severalOrganizations, "")
	}
	return p, nil
}

// receiver judges the target of an integration transfer: an owner of another account, and nothing shared.
func (c *call) receiver(email string, ids []string) (*person, *reply) {
	refuse := func(field, message string) (*person, *reply) { r := invalid(field, message); return nil, &r }
	if len(ids) == 0 {
		return refuse("_integrationIds", "Please provide _integrationIds, or account.")
	}
	p := c.w.personByEmail(email)
	if p == nil || p == c.acct.Owner || c.w.ownedBy(p) == nil {
		return refuse("email", "The user must be the owner of a different organization.")
	}
	for _, id := range ids {
		if id == "none" {
			continue
		}
		if c.env.find("integrations", id) == nil {
			return refuse("_integrationIds", "_integrationIds names an integration that is not in this account.")
		}
		for _, cn := range c.env.connectionsOf(id) {
			for _, other := range c.env.integrationsUsing(cn) {
				if !slices.Contains(ids, other) {
					return refuse("_integrationIds",
						"An integration that uses a connection shared with another integration cannot be transferred.")
				}
			}
		}
	}
	return p, nil
}

func previewTransfer(c *call) reply {
	var ids []string
	if err := json.Unmarshal([]byte(c.r.URL.Query().Get("_integrationIds")), &ids); err != nil {
		return fail(http.StatusBadRequest, "invalid_query_params", "_integrationIds must be a JSON array of IDs.",
			"_integrationIds")
	}
	if _, bad := c.receiver(c.r.URL.Query().Get("email"), ids); bad != nil {
		return *bad
	}
	return ok(c.toTransfer(c.acct, ids))
}

func (c *call) withOwnTransfer(do func(*transfer) reply) reply {
	_, t, own := c.anyTransfer()
	if t == nil || !own {
		return notFound()
	}
	if t.Account && c.role < owner && !c.token.MayTransfer {
		return forbidden("Only the account owner can change an account transfer.")
	}
	return do(t)
}

func cancelTransfer(c *call) reply {
	return c.withOwnTransfer(func(t *transfer) reply {
		if t.Dismissed || (t.Status != "unapproved" && t.Status != "queued") {
			return invalid("status", "A transfer can only be canceled while it is pending.")
		}
		c.s.setStatus(c.acct, t, "canceled", c.now)
		return ok(c.transferView(c.acct, t, false))
	})
}

func deleteTransfer(c *call) reply {
	return c.withOwnTransfer(func(t *transfer) reply {
		if t.Status == "queued" || t.Status == "started" {
			return invalid("status", "A transfer in progress cannot be deleted.")
		}
		c.acct.Transfers = slices.DeleteFunc(c.acct.Transfers, func(x *transfer) bool { return x == t })
		c.audit("transfer", t.ID, "delete")
		return none()
	})
}

// asInvitee gives the record to the person it is addressed to; the inviter is refused, others see nothing.
func (c *call) asInvitee(do func(*account, *transfer) reply) reply {
	a, t, own := c.anyTransfer()
	switch {
	case t == nil:
		return notFound()
	case own && t.To != c.person:
		return forbidden("Only the invited user can accept or dismiss a transfer.")
	}
	c.touched = a
	if t.Dismissed || t.Status != "unapproved" {
		return invalid("status", "The transfer is not pending acceptance.")
	}
	return do(a, t)
}

func acceptTransfer(c *call) reply {
	return c.asInvitee(func(a *account, t *transfer) reply {
		if bad := c.s.acceptTransfer(a, t, c.now); bad != nil {
			return *bad
		}
		return ok(c.transferView(a, t, true))
	})
}

func dismissTransfer(c *call) reply {
	return c.asInvitee(func(a *account, t *transfer) reply {
		c.s.dismissTransfer(a, t, c.now)
		return ok(c.transferView(a, t, true))
	})
}

// acceptTransfer judges the target once more, then queues the record; settle carries it on.
func (s *Server) acceptTransfer(a *account, t *transfer, now time.Time) *reply {
	if t.Account {
		if why := s.unfit(a, t.To); why != "" {
			r := fail(http.StatusUnprocessableEntity, "transfer_not_possible", why, "")
			return &r
		}
	}
	t.Accepted, t.AcceptedAt = true, now
	s.setStatus(a, t, "queued", now)
	s.settle(now)
	return nil
}

func (s *Server) dismissTransfer(a *account, t *transfer, now time.Time) {
	t.Dismissed, t.Modified = true, now
	a.audit(s, auditEntry{ResourceType: "transfer", ResourceID: t.ID, Source: "ui", Event: "update",
		ByUser: t.To.identity(), FieldChanges: []fieldChange{{"dismissed", false, true}}}, now)
}

// unfit says why somebody cannot become the owner any more; empty when they can.
func (s *Server) unfit(a *account, p *person) string {
	h := a.production().shareOf(p)
	switch {
	case h == nil || !h.Accepted:
		return "The user is not a user of this account any more."
	case h.Disabled:
		return "The user is disabled in this account."
	case len(s.world.otherOrganizations(p, a)) > 0:
		return severalOrganizations
	}
	return ""
}

func (s *Server) setStatus(a *account, t *transfer, status string, now time.Time) {
	was := t.Status
	t.Status, t.Modified = status, now
	a.audit(s, auditEntry{ResourceType: "transfer", ResourceID: t.ID, Source: "system", Event: "update",
		ByUser: a.Owner.identity(), FieldChanges: []fieldChange{{"status", was, status}}}, now)
}

// settle brings accepted transfers to where they belong by now: queued, started, done (or failed).
func (s *Server) settle(now time.Time) {
	for _, a := range slices.Clone(s.world.Accounts) {
		for _, t := range a.Transfers {
			half, end := t.AcceptedAt.Add(s.opts.SettleAfter/2), t.AcceptedAt.Add(s.opts.SettleAfter)
			if t.Status == "queued" && !now.Before(half) {
				s.setStatus(a, t, "started", half)
			}
			if t.Status == "started" && !now.Before(end) {
				s.finish(a, t, end)
			}
		}
	}
}

func (s *Server) finish(a *account, t *transfer, at time.Time) {
	if !t.Account {
		s.moveIntegrations(a, t)
	} else if why := s.unfit(a, t.To); why != "" {
		t.Errors = append(t.Errors, doc{"code": "transfer_not_possible", "message": why})
		s.setStatus(a, t, "failed", at)
		return
	} else {
		s.switchOwner(a, t, at)
	}
	t.TransferredAt = at
	s.setStatus(a, t, "done", at)
	s.mailDone(a, t)
}

// switchOwner makes the target the owner. Celigo swaps the identities and keeps the documents, so the account keeps
// its _id, and with it every token and resource; the two people trade document IDs.
func (s *Server) switchOwner(a *account, t *transfer, at time.Time) {
	old, heir := a.Owner, t.To
	heirs := a.production().shareOf(heir)
	old.ID, heir.ID = heir.ID, old.ID
	heir.Company = old.Company
	for _, e := range a.Envs {
		e.Shares = slices.DeleteFunc(e.Shares, func(h *share) bool { return h.Person == heir })
	}
	h := &share{ID: s.newID(), Person: old, Accepted: true, AccessLevel: "manage", LastSignIn: a.OwnerLastSignIn,
		CreatedAt: at, Modified: at}
	a.production().Shares = append(a.production().Shares, h)
	a.Owner, a.OwnerLastSignIn = heir, heirs.LastSignIn
	a.audit(s, auditEntry{ResourceType: "user", ResourceID: heir.ID, Source: "system", Event: "update",
		ByUser:       heir.identity(),
		FieldChanges: []fieldChange{{"email", old.Email, heir.Email}, {"accessLevel", heirs.AccessLevel, "owner"}}}, at)
	a.audit(s, auditEntry{ResourceType: "user", ResourceID: old.ID, Source: "system", Event: "create",
		ByUser:       heir.identity(),
		FieldChanges: []fieldChange{{"accessLevel", "owner", "manage"}}}, at)
}

// moveIntegrations takes integrations, their flows and connections to the receiver's account.
func (s *Server) moveIntegrations(a *account, t *transfer) {
	to := s.world.ownedBy(t.To)
	if to == nil {
		return
	}
	from, into := a.production(), to.production()
	for _, id := range t.Integrations {
		gone := map[string][]string{"integrations": {id}, "connections": from.connectionsOf(id)}
		if id == "none" {
			gone, id = map[string][]string{}, ""
		}
		for _, f := range from.flowsOf(id) {
			gone["flows"] = append(gone["flows"], text(f, "_id"))
			for _, st := range stepsOf(f) {
				gone[st.kind] = append(gone[st.kind], st.id)
			}
		}
		for kind, ids := range gone {
			from.Docs[kind] = slices.DeleteFunc(from.Docs[kind], func(d doc) bool {
				if !slices.Contains(ids, text(d, "_id")) {
					return false
				}
				into.Docs[kind] = append(into.Docs[kind], d)
				return true
			})
		}
	}
}
