package integratorsim

import "slices"

// access is what a PUT or an invitation says about rights. Disabled is nil when it was left out.
type access struct {
	level                    string
	grants                   []Grant
	sso, mfa                 bool
	apim, retry, work, allMC bool
	mcp                      []any
	disabled                 *bool
}

// readAccess reads the fields that Celigo's request.yml allows and ignores every other one.
func (c *call) readAccess(d doc) (access, *reply) {
	var a access
	var bad *reply
	flag := func(name string) bool {
		switch v := d[name].(type) {
		case nil:
		case bool:
			return v
		default:
			r := invalid(name, name+" must be true or false.")
			bad = &r
		}
		return false
	}
	a.sso, a.mfa = flag("accountSSORequired"), flag("accountMFARequired")
	a.apim, a.retry = flag("allowAccessToAPIM"), flag("allowToEditRetryData")
	a.work, a.allMC = flag("allowIntegrationWorkspaceCreation"), flag("allMcpServerAccess")
	if d["disabled"] != nil {
		v := flag("disabled")
		a.disabled = &v
	}
	if bad != nil {
		return a, bad
	}
	switch v := d["accessLevel"].(type) {
	case nil:
	case string:
		a.level = v
	default:
		r := invalid("accessLevel", "accessLevel must be a string.")
		return a, &r
	}
	if !slices.Contains([]string{"", "administrator", "manage", "monitor"}, a.level) {
		r := invalid("accessLevel", "accessLevel must be one of administrator, manage, monitor.")
		return a, &r
	}
	if a.sso && a.mfa {
		r := invalid("accountMFARequired", "You can't require both MFA and SSO for a user.")
		return a, &r
	}
	if a.sso && len(c.acct.SSOClients) == 0 {
		r := invalid("accountSSORequired",
			"SSO must be configured for the account before it can be required for a user.")
		return a, &r
	}
	if mcp, isList := d["mcpServerAccessLevel"].([]any); isList && !a.allMC {
		a.mcp = mcp
	}
	a.grants, bad = c.readGrants(d["integrationAccessLevel"])
	if a.level == "manage" || a.level == "administrator" {
		a.grants = nil // ignored, says celigo/ai
	}
	return a, bad
}

func (c *call) readGrants(v any) ([]Grant, *reply) {
	const field = "integrationAccessLevel"
	refuse := func(message string) ([]Grant, *reply) { r := invalid(field, message); return nil, &r }
	if v == nil {
		return nil, nil
	}
	list, isList := v.([]any)
	if !isList {
		return refuse("integrationAccessLevel must be a list.")
	}
	var out []Grant
	for _, x := range list {
		d, isObject := x.(map[string]any)
		if !isObject {
			return refuse("Each entry of integrationAccessLevel must be an object.")
		}
		g := Grant{text(d, "_integrationId"), text(d, "accessLevel")}
		if g.AccessLevel != "manage" && g.AccessLevel != "monitor" {
			return refuse("accessLevel of an integration must be manage or monitor.")
		}
		in := c.env.find("integrations", g.IntegrationID)
		if in == nil {
			return refuse("_integrationId does not name an integration of this account.")
		}
		if text(in, "_parentId") != "" {
			return refuse("A child integration cannot be selected.")
		}
		out = append(out, g)
	}
	return out, nil
}
