package integratorsim

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// kinds are the resources kept as documents. Connections and stacks hold credentials, which monitors do not see.
var kinds = map[string]role{"integrations": tile, "flows": tile, "exports": tile, "imports": tile,
	"connections": manage, "stacks": manage, "scripts": monitor}

func resourceRoutes() []route {
	var all []route
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		read := kinds[kind]
		all = append(all,
			route{pattern: "GET /" + kind, least: read, list: true, handle: func(c *call) reply {
				return listDocs(c, kind)
			}},
			route{pattern: "POST /" + kind, least: manage, handle: func(c *call) reply { return postDoc(c, kind) }},
			route{pattern: "GET /" + kind + "/{id}", least: read, handle: func(c *call) reply {
				return c.withDoc(kind, func(d doc) reply { return ok(d) })
			}},
			route{pattern: "PUT /" + kind + "/{id}", least: manage, handle: func(c *call) reply {
				return putDoc(c, kind)
			}},
			route{pattern: "PATCH /" + kind + "/{id}", least: manage, handle: func(c *call) reply {
				return patchDoc(c, kind)
			}},
			route{pattern: "DELETE /" + kind + "/{id}", least: manage, handle: func(c *call) reply {
				return deleteDoc(c, kind)
			}},
		)
	}
	return append(all,
		route{pattern: "GET /integrations/{id}/connections", least: manage, list: true, handle: integrationConnections},
		route{pattern: "GET /integrations/{id}/flows", least: tile, list: true, handle: func(c *call) reply {
			return c.withDoc("integrations", func(in doc) reply {
				var items []any
				for _, f := range c.env.flowsOf(text(in, "_id")) {
					items = append(items, f)
				}
				return c.list(items)
			})
		}},
		route{pattern: "GET /tiles", least: tile, list: true, handle: listTiles},
		route{pattern: "GET /{kind}/{id}/dependencies", least: monitor, handle: dependencies},
	)
}

// visible says whether a custom user may see what belongs to an integration; all others see everything.
func (c *call) visible(kind string, d doc) bool {
	if c.role != tile {
		return true
	}
	switch kind {
	case "integrations":
		return c.share.levelOn(text(d, "_id")) != ""
	case "flows":
		return c.share.levelOn(text(d, "_integrationId")) != ""
	}
	return false
}

func listDocs(c *call, kind string) reply {
	var items []any
	q := c.r.URL.Query()
	for _, d := range c.env.Docs[kind] {
		if in := q.Get("_integrationId"); kind == "flows" && in != "" && in != text(d, "_integrationId") {
			continue
		}
		if adaptor := q.Get("adaptorType"); adaptor != "" && adaptor != text(d, "adaptorType") {
			continue // celigo/ai: agents are GET /imports?adaptorType=AiAgentImport
		}
		if kind == "scripts" { // the list is of names; the code comes with the one script
			d = maps.Clone(d)
			delete(d, "content")
		}
		if c.visible(kind, d) {
			items = append(items, d)
		}
	}
	return c.list(items)
}

func (c *call) withDoc(kind string, do func(doc) reply) reply {
	d := c.env.find(kind, c.r.PathValue("id"))
	if d == nil || !c.visible(kind, d) {
		return notFound()
	}
	return do(d)
}

// readOnly are the fields a body cannot change. Transient ones (offline) belong to the service.
var readOnly = []string{"_id", "createdAt", "lastModified", "sandbox", "offline", "_userId"}

// secretKeys are shown as ****** wherever they stand in a document.
var secretKeys = []string{"password", "token", "systemToken", "secretAccessKey", "clientSecret", "refreshToken",
	"tokenSecret", "apiKey"}

const masked = "******"

func maskSecrets(v any) {
	switch x := v.(type) {
	case map[string]any:
		for k, inner := range x {
			if _, isText := inner.(string); isText && slices.Contains(secretKeys, k) {
				x[k] = masked
			} else {
				maskSecrets(inner)
			}
		}
	case []any:
		for _, inner := range x {
			maskSecrets(inner)
		}
	}
}

// checkDoc refuses what the service could not have stored.
func (c *call) checkDoc(kind string, d doc) *reply {
	refuse := func(field, message string) *reply { r := invalid(field, message); return &r }
	if strings.TrimSpace(text(d, "name")) == "" {
		return refuse("name", "name is required and must be a string.")
	}
	if v, given := d["disabled"]; given && v != nil {
		if _, isBool := v.(bool); !isBool {
			return refuse("disabled", "disabled must be true or false.")
		}
	}
	if (kind == "connections" || kind == "stacks") && text(d, "type") == "" {
		return refuse("type", "type is required and must be a string.")
	}
	if in, given := d["_integrationId"]; kind == "flows" && given && in != nil {
		id, isText := in.(string)
		if !isText || c.env.find("integrations", id) == nil {
			return refuse("_integrationId", "_integrationId does not name an integration of this account.")
		}
	}
	if v, given := d["_registeredConnectionIds"]; kind == "integrations" && given && v != nil {
		list, isList := v.([]any)
		if !isList || len(texts(v)) != len(list) {
			return refuse("_registeredConnectionIds", "_registeredConnectionIds must be a list of IDs.")
		}
		for _, id := range texts(v) {
			if c.env.find("connections", id) == nil {
				return refuse("_registeredConnectionIds",
					"_registeredConnectionIds names a connection that is not in this account.")
			}
		}
	}
	return nil
}

func postDoc(c *call, kind string) reply {
	d, bad := c.object(false)
	if bad != nil {
		return *bad
	}
	for _, k := range readOnly {
		delete(d, k)
	}
	if bad := c.checkDoc(kind, d); bad != nil {
		return *bad
	}
	d = c.s.newDoc(c.env, kind, d)
	c.audit(strings.TrimSuffix(kind, "s"), text(d, "_id"), "create")
	return created(d)
}

// newDoc stores a document with the fields that the service itself sets.
func (s *Server) newDoc(e *environment, kind string, d doc) doc {
	now := clock(s.opts.Now())
	d["_id"], d["createdAt"], d["lastModified"], d["sandbox"] = s.newID(), now, now, !e.Production
	if kind == "integrations" {
		for _, k := range []string{"_registeredConnectionIds", "install", "installSteps", "uninstallSteps",
			"flowGroupings"} {
			if d[k] == nil {
				d[k] = []any{}
			}
		}
	}
	if kind == "connections" {
		d["offline"] = false
	}
	maskSecrets(d)
	e.Docs[kind] = append(e.Docs[kind], d)
	return d
}

// putDoc replaces the document with the body, except what is read-only.
func putDoc(c *call, kind string) reply {
	return c.withDoc(kind, func(d doc) reply {
		body, bad := c.object(false)
		if bad != nil {
			return *bad
		}
		return c.replaceDoc(kind, d, body)
	})
}

func (c *call) replaceDoc(kind string, d, body doc) reply {
	if bad := c.checkDoc(kind, body); bad != nil {
		return *bad
	}
	for _, k := range readOnly {
		delete(body, k)
		if v, there := d[k]; there {
			body[k] = v
		}
	}
	maskSecrets(body)
	var changes []fieldChange
	if was, is := d["disabled"] == true, body["disabled"] == true; was != is {
		changes = append(changes, fieldChange{"disabled", was, is})
	}
	clear(d)
	maps.Copy(d, body)
	d["lastModified"] = clock(c.now)
	c.audit(strings.TrimSuffix(kind, "s"), text(d, "_id"), "update", changes...)
	return ok(d)
}

// patchDoc takes a JSON Patch of top-level fields, as Celigo's pages send it, or an object to merge.
func patchDoc(c *call, kind string) reply {
	return c.withDoc(kind, func(d doc) reply {
		body, bad := c.patched(d)
		if bad != nil {
			return *bad
		}
		return c.replaceDoc(kind, d, body)
	})
}

// patched is a copy of the document with the request's patch applied.
func (c *call) patched(d doc) (doc, *reply) {
	refuse := func(r reply) (doc, *reply) { return nil, &r }
	out := maps.Clone(d)
	if !bytes.HasPrefix(bytes.TrimSpace(c.body), []byte("[")) {
		merge, bad := c.object(false)
		if bad != nil {
			return nil, bad
		}
		maps.Copy(out, merge)
		return out, nil
	}
	var ops []struct {
		Op, Path string
		Value    any
	}
	if err := json.Unmarshal(c.body, &ops); err != nil {
		return refuse(fail(http.StatusBadRequest, "invalid_json", "The request body is not a valid JSON Patch.", ""))
	}
	for _, op := range ops {
		field, found := strings.CutPrefix(op.Path, "/")
		if !found || field == "" || strings.Contains(field, "/") {
			return refuse(invalid("path", "Only top-level fields can be patched."))
		}
		switch op.Op {
		case "add", "replace":
			out[field] = op.Value
		case "remove":
			delete(out, field)
		default:
			return refuse(invalid("op", "op must be add, replace or remove."))
		}
	}
	return out, nil
}

func deleteDoc(c *call, kind string) reply {
	return c.withDoc(kind, func(d doc) reply {
		id := text(d, "_id")
		if (kind == "connections" && len(c.env.integrationsUsing(id)) > 0) ||
			(kind == "integrations" && len(c.env.flowsOf(id)) > 0) {
			return fail(http.StatusUnprocessableEntity, "has_dependencies",
				"The resource is used by others and cannot be deleted.", "")
		}
		c.env.Docs[kind] = slices.DeleteFunc(c.env.Docs[kind], func(x doc) bool { return x["_id"] == id })
		c.audit(strings.TrimSuffix(kind, "s"), id, "delete")
		return none()
	})
}

func (e *environment) flowsOf(integration string) []doc {
	var out []doc
	for _, f := range e.Docs["flows"] {
		if text(f, "_integrationId") == integration {
			out = append(out, f)
		}
	}
	return out
}

func (e *environment) connectionsOf(integration string) []string {
	return texts(e.find("integrations", integration)["_registeredConnectionIds"])
}

func (e *environment) integrationsUsing(connection string) []string {
	var out []string
	for _, in := range e.Docs["integrations"] {
		if slices.Contains(texts(in["_registeredConnectionIds"]), connection) {
			out = append(out, text(in, "_id"))
		}
	}
	return out
}

func integrationConnections(c *call) reply {
	return c.withDoc("integrations", func(in doc) reply {
		var items []any
		for _, id := range c.env.connectionsOf(text(in, "_id")) {
			if d := c.env.find("connections", id); d != nil {
				items = append(items, d)
			}
		}
		return c.list(items)
	})
}

func listTiles(c *call) reply {
	var items []any
	for _, in := range c.env.Docs["integrations"] {
		if !c.visible("integrations", in) {
			continue
		}
		id := text(in, "_id")
		errors, flows := 0, c.env.flowsOf(id)
		for _, f := range flows {
			errors += c.env.openErrors(f)
		}
		items = append(items, doc{"_integrationId": id, "name": in["name"], "numError": errors, "numFlows": len(flows),
			"offlineConnections": []any{}, "sandbox": in["sandbox"], "status": "success"})
	}
	return c.list(items)
}

// dependencies says who uses a resource, by kind. An unknown kind or ID is 404.
func dependencies(c *call) reply {
	kind, id := c.r.PathValue("kind"), c.r.PathValue("id")
	if _, known := kinds[kind]; !known || c.role < kinds[kind] || c.env.find(kind, id) == nil {
		return notFound()
	}
	out := doc{}
	add := func(kind, path string, d doc) {
		list, _ := out[kind].([]doc)
		out[kind] = append(list, doc{"id": d["_id"], "name": d["name"], "paths": []string{path}})
	}
	switch kind {
	case "connections":
		for _, in := range c.env.integrationsUsing(id) {
			add("integrations", "_registeredConnectionIds", c.env.find("integrations", in))
		}
		for _, k := range []string{"exports", "imports"} {
			for _, d := range c.env.Docs[k] {
				if text(d, "_connectionId") == id {
					add(k, "_connectionId", d)
				}
			}
		}
	case "integrations":
		for _, f := range c.env.flowsOf(id) {
			add("flows", "_integrationId", f)
		}
	case "exports", "imports":
		for _, f := range c.env.Docs["flows"] {
			if slices.ContainsFunc(stepsOf(f), func(st step) bool { return st.id == id }) {
				add("flows", "pageProcessors", f)
			}
		}
	}
	return ok(out)
}
