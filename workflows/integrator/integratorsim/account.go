package integratorsim

import (
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func accountRoutes() []route {
	return []route{
		{pattern: "GET /tokenInfo", handle: tokenInfo},
		{pattern: "GET /profile", handle: profile},
		{pattern: "GET /accesstokens", least: administrator, full: true, list: true, handle: listTokens},
		{pattern: "POST /accesstokens", least: administrator, full: true, handle: postToken},
		{pattern: "GET /accesstokens/{id}", least: administrator, full: true, handle: getToken},
		{pattern: "PUT /accesstokens/{id}", least: administrator, full: true, handle: putToken},
		{pattern: "DELETE /accesstokens/{id}", least: administrator, full: true, handle: deleteToken},
		{pattern: "GET /environments", least: monitor, list: true, handle: listEnvironments},
		{pattern: "GET /accountSettings", least: administrator, handle: func(c *call) reply {
			return ok(doc{"mfa": c.acct.MFA})
		}},
		{pattern: "PATCH /accountSettings", least: administrator, handle: patchSettings},
		{pattern: "GET /ssoclients", least: administrator, list: true, handle: listSSO},
		{pattern: "GET /ssoclients/{id}", least: administrator, handle: func(c *call) reply {
			return c.withSSO(func(d doc) reply { return ok(d) })
		}},
		{pattern: "PATCH /ssoclients/{id}", least: administrator, handle: patchSSO},
		{pattern: "GET /licenses", least: monitor, list: true, handle: listLicenses},
		{pattern: "POST /owner/mfa/reset", least: administrator, handle: resetOwnerMFA},
		{pattern: "POST /mfa/reset", handle: resetOwnMFA},
		{pattern: "GET /mfa/sessionInfo", handle: sessionInfo},
	}
}

// tokenInfo says whose the token is. The account's document keeps its ID in a transfer, so this never changes.
func tokenInfo(c *call) reply {
	id := c.token.AccountID
	if c.token.Kind == PersonToken {
		id = c.person.ID
	}
	return ok(doc{"_userId": id})
}

// profile belongs to people and to /api: what a bearer token of an account would get is not known, so it is 404.
func profile(c *call) reply {
	if c.token.Kind != PersonToken || !strings.HasPrefix(c.r.URL.Path, "/api/") {
		return notFound()
	}
	p := c.person
	hash := md5.Sum([]byte(strings.ToLower(p.Email))) // Gravatar's form
	return ok(doc{"_id": p.ID, "name": p.Name, "email": p.Email, "role": "", "company": p.Company, "phone": p.Phone,
		"timezone":  "Etc/UTC",
		"developer": false, "allowedToPublish": false, "agreeTOSAndPP": p.SignedUp, "createdAt": clock(p.CreatedAt),
		"useErrMgtTwoDotZero": true, "emailHash": hex.EncodeToString(hash[:])})
}

// scopes are the fields that say what a token of limited scope reaches.
var scopes = []string{"_exportIds", "_importIds", "_connectionIds", "_apiIds", "_mcpServerIds"}

// view is a token as its environment shows it: never with its secret. Of a personal one the marks
// are tokenType and the maker's ashare.
func (t *token) view(e *environment) doc {
	d := doc{"_id": t.ID, "name": t.Name, "token": masked, "revoked": t.Revoked, "fullAccess": t.Kind != CustomToken &&
		t.Kind != PersonalToken,
		"legacyNetSuite": false, "apim": false, "createdAt": clock(t.CreatedAt), "lastModified": clock(t.Modified)}
	if t.Description != "" {
		d["description"] = t.Description
	}
	for _, field := range scopes {
		ids := []any{}
		for _, id := range t.Scope[field] {
			ids = append(ids, id)
		}
		d[field] = ids
	}
	if t.Kind == PersonalToken {
		d["tokenType"] = "ashare"
		if h := e.shareOf(t.Person); h != nil {
			d["_aShareId"] = h.ID
		}
	}
	if !t.Expires.IsZero() {
		d["autoPurgeAt"] = clock(t.Expires)
	}
	return d
}

// ownTokens are those of the caller's account and environment.
func (c *call) ownTokens() []*token {
	var out []*token
	for _, t := range c.w.Tokens {
		if t.Kind != PersonToken && t.AccountID == c.acct.ID && t.EnvID == c.env.ID &&
			(t.Expires.IsZero() || c.now.Before(t.Expires)) {
			out = append(out, t)
		}
	}
	return out
}

func (c *call) withToken(do func(*token) reply) reply {
	for _, t := range c.ownTokens() {
		if t.ID == c.r.PathValue("id") {
			return do(t)
		}
	}
	return notFound()
}

func listTokens(c *call) reply {
	var items []any
	for _, t := range c.ownTokens() {
		items = append(items, t.view(c.env))
	}
	return c.list(items)
}

func getToken(c *call) reply {
	return c.withToken(func(t *token) reply { return ok(t.view(c.env)) })
}

// postToken makes a token; its secret stands in this one answer only. A token made by an administrator's is one too.
func postToken(c *call) reply {
	d, bad := c.object(false)
	if bad != nil {
		return *bad
	}
	t := c.s.addToken(c.acct, c.env, Token{Name: text(d, "name"), Kind: OwnerToken})
	if bad := c.describe(t, d); bad != nil {
		c.dropToken(t)
		return *bad
	}
	c.audit("accesstoken", t.ID, "create")
	v := t.view(c.env)
	v["token"] = t.Secret
	return created(v)
}

// longestPurge is how far off the end of an account's token may be. Source: celigo/ai, managing-api-tokens.
const longestPurge = 30 * 24 * time.Hour

// describe gives a token what a body says of it: fullAccess or a list of resources, both or neither is refused
// (celigo/ai, managing-api-tokens); autoPurgeAt in time.
func (c *call) describe(t *token, d doc) *reply {
	refuse := func(field, message string) *reply { r := invalid(field, message); return &r }
	if strings.TrimSpace(text(d, "name")) == "" {
		return refuse("name", "name is required and must be a string.")
	}
	scope, limited := map[string][]string{}, false
	for _, field := range scopes {
		scope[field] = texts(d[field])
		limited = limited || len(scope[field]) > 0
	}
	if t.Kind != PersonalToken && (d["fullAccess"] == true) == limited {
		return refuse("fullAccess", "Please provide either fullAccess or the resources that the token may reach.")
	}
	life, ends := longestPurge, time.Time{}
	if t.Kind == PersonalToken {
		life = personalLife
	}
	if at := text(d, "autoPurgeAt"); at != "" {
		var err error
		if ends, err = time.Parse(time.RFC3339, at); err != nil || ends.Before(c.now) || ends.After(c.now.Add(life)) {
			return refuse("autoPurgeAt", "autoPurgeAt must be a date-time in the future, at most "+
				strconv.Itoa(int(life/(24*time.Hour)))+" days from now.")
		}
	}
	t.Name, t.Description = text(d, "name"), text(d, "description")
	if t.Kind == PersonalToken {
		if !ends.IsZero() {
			t.Expires = ends
		}
		return nil
	}
	t.Scope, t.Expires = scope, ends
	switch {
	case limited:
		t.Kind = CustomToken
	case c.role < owner && t.Kind != AdminToken:
		t.Kind = AdminToken
	case t.Kind == CustomToken:
		t.Kind = OwnerToken
	}
	return nil
}

// dropToken forgets a token.
func (c *call) dropToken(t *token) {
	c.w.Tokens = slices.DeleteFunc(c.w.Tokens, func(x *token) bool { return x == t })
	delete(c.w.BySecret, t.Secret)
}

// foreign refuses whoever changes or ends a personal token that is another's.
func (c *call) foreign(t *token) *reply {
	if t.Kind == PersonalToken && (c.token.Person == nil || c.token.Person != t.Person) {
		r := forbidden("This personal access token is owned by another user")
		return &r
	}
	return nil
}

func putToken(c *call) reply {
	return c.withToken(func(t *token) reply {
		if bad := c.foreign(t); bad != nil {
			return *bad
		}
		d, bad := c.object(false)
		if bad != nil {
			return *bad
		}
		if text(d, "name") != "" { // a PUT replaces the record; one that only revokes is taken too
			if bad := c.describe(t, d); bad != nil {
				return *bad
			}
		}
		was := t.Revoked
		t.Revoked, t.Modified = d["revoked"] == true, c.now
		c.audit("accesstoken", t.ID, "update", fieldChange{"revoked", was, t.Revoked})
		return ok(t.view(c.env))
	})
}

func deleteToken(c *call) reply {
	return c.withToken(func(t *token) reply {
		if bad := c.foreign(t); bad != nil {
			return *bad
		}
		if !t.Revoked {
			return fail(http.StatusUnprocessableEntity, "invalid_request", "Only a revoked token can be deleted.",
				"revoked")
		}
		c.dropToken(t)
		c.audit("accesstoken", t.ID, "delete")
		return none()
	})
}

func listEnvironments(c *call) reply {
	var items []any
	for _, e := range c.acct.Envs {
		items = append(items, doc{"_id": e.ID, "name": e.Name, "description": e.Description, "apim": false,
			"enabled": true, "_envUserId": c.acct.ID})
	}
	return c.list(items)
}

func patchSettings(c *call) reply {
	d, bad := c.object(false)
	if bad != nil {
		return *bad
	}
	next := doc{"dontAllowTrustedDevices": c.acct.MFA["dontAllowTrustedDevices"],
		"trustDeviceForPeriod": c.acct.MFA["trustDeviceForPeriod"]}
	if v, given := d["dontAllowTrustedDevices"]; given {
		if _, isBool := v.(bool); !isBool {
			return invalid("dontAllowTrustedDevices", "dontAllowTrustedDevices must be true or false.")
		}
		next["dontAllowTrustedDevices"] = v
	}
	if v, given := d["trustDeviceForPeriod"]; given {
		n, isNumber := v.(float64)
		if !isNumber || n < 0 || n != float64(int(n)) {
			return invalid("trustDeviceForPeriod", "trustDeviceForPeriod must be a whole number of days.")
		}
		next["trustDeviceForPeriod"] = int(n)
	}
	c.acct.MFA = next
	c.audit("mfa", c.acct.ID, "update")
	return ok(doc{"mfa": next})
}

func listSSO(c *call) reply {
	var items []any
	for _, d := range c.acct.SSOClients {
		items = append(items, d)
	}
	return c.list(items)
}

func (c *call) withSSO(do func(doc) reply) reply {
	for _, d := range c.acct.SSOClients {
		if d["_id"] == c.r.PathValue("id") {
			return do(d)
		}
	}
	return notFound()
}

func patchSSO(c *call) reply {
	return c.withSSO(func(d doc) reply {
		next, bad := c.patched(d)
		if bad != nil {
			return *bad
		}
		on, isBool := next["disabled"].(bool)
		if next["disabled"] != nil && !isBool {
			return invalid("disabled", "disabled must be true or false.")
		}
		was := d["disabled"] == true
		d["disabled"], d["lastModified"] = on, clock(c.now)
		c.audit("ssoclient", text(d, "_id"), "update", fieldChange{"disabled", was, on})
		return ok(d)
	})
}

func listLicenses(c *call) reply {
	var items []any
	for _, d := range c.acct.Licenses {
		items = append(items, d)
	}
	return c.list(items)
}

func resetOwnerMFA(c *call) reply {
	c.acct.Owner.MFAEnabled = false
	c.audit("mfa", c.acct.Owner.ID, "update", fieldChange{"mfa", "enabled", "reset"})
	return none()
}

func resetOwnMFA(c *call) reply {
	if c.token.Kind != PersonToken {
		return forbidden("Only a person can reset their own MFA.")
	}
	d, bad := c.object(false)
	if bad != nil {
		return *bad
	}
	if text(d, "password") == "" {
		return invalid("password", "Please enter your password.")
	}
	c.person.MFAEnabled = false
	return none()
}

func sessionInfo(c *call) reply {
	if c.token.Kind != PersonToken {
		return notFound()
	}
	return ok(doc{"authenticated": true, "mfaRequired": c.person.MFAEnabled, "mfaSetupRequired": false,
		"mfaVerified":   c.person.MFAEnabled,
		"agreeTOSAndPP": c.person.SignedUp})
}

// personalLife is how long a personal access token lives at most. Source: celigo/ai, managing-api-tokens.
const personalLife = 90 * 24 * time.Hour

// addToken makes a token of an account.
func (s *Server) addToken(a *account, e *environment, spec Token) *token {
	now := s.opts.Now()
	t := &token{ID: s.newID(), Secret: spec.Secret, Name: spec.Name, Kind: spec.Kind, MayTransfer: spec.MayTransfer,
		Lost: spec.LostRights, Revoked: spec.Revoked, AccountID: a.ID, EnvID: e.ID, CreatedAt: now, Modified: now}
	if !spec.CreatedAt.IsZero() {
		t.CreatedAt, t.Modified = spec.CreatedAt, spec.CreatedAt
	}
	if t.Secret == "" {
		t.Secret = s.newSecret()
	}
	if t.Name == "" {
		t.Name = string(t.Kind) + " token"
	}
	if spec.PurgeAfter > time.Duration(0) {
		t.Expires = now.Add(spec.PurgeAfter)
	}
	if t.Scope = spec.Scope; t.Kind == PersonalToken {
		t.Person = s.world.personByEmail(spec.Maker)
		if last := t.CreatedAt.Add(personalLife); t.Expires.IsZero() || t.Expires.After(last) {
			t.Expires = last
		}
	}
	s.world.Tokens = append(s.world.Tokens, t)
	s.world.BySecret[t.Secret] = t
	return t
}
