package integratorsim

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func runRoutes() []route {
	return []route{
		{pattern: "GET /integrations/{id}/errors", least: tile, list: true, handle: integrationErrors},
		{pattern: "GET /flows/{id}/errors", least: tile, handle: flowErrors},
		{pattern: "GET /flows/{id}/{step}/errors", least: tile, handle: stepErrors},
		{pattern: "PUT /flows/{id}/{step}/resolved", least: tile, handle: resolveErrors},
		{pattern: "POST /flows/runs/stats", least: tile, list: true, handle: runStats},
		{pattern: "GET /jobs", least: tile, list: true, handle: listJobs},
		{pattern: "GET /flows/{id}/jobs/latest", least: tile, list: true, handle: func(c *call) reply {
			return c.withDoc("flows", func(f doc) reply { return c.list(c.latestJobs([]doc{f})) })
		}},
		{pattern: "GET /integrations/{id}/jobs/latest", least: tile, list: true, handle: func(c *call) reply {
			return c.withDoc("integrations", func(in doc) reply {
				return c.list(c.latestJobs(c.env.flowsOf(text(in, "_id"))))
			})
		}},
		{pattern: "GET /jobs/{id}", least: tile, handle: func(c *call) reply {
			return c.withJob(func(j doc) reply { return ok(j) })
		}},
		{pattern: "PUT /jobs/{id}/cancel", least: monitor, handle: cancelJob},
		{pattern: "POST /jobs/current", least: tile, list: true, handle: currentJobs},
	}
}

// running are the statuses of a job that has not ended.
var running = []string{"queued", "running", "retrying"}

type step struct{ kind, id string }

// stepsOf are a flow's exports and imports in order.
func stepsOf(flow doc) []step {
	var out []step
	for _, list := range []string{"pageGenerators", "pageProcessors"} {
		entries, _ := flow[list].([]any)
		for _, e := range entries {
			d, _ := e.(map[string]any)
			if id := text(d, "_exportId"); id != "" {
				out = append(out, step{"exports", id})
			}
			if id := text(d, "_importId"); id != "" {
				out = append(out, step{"imports", id})
			}
		}
	}
	return out
}

func (e *environment) openErrors(flow doc) int {
	n := 0
	for _, st := range stepsOf(flow) {
		n += len(e.Errors[text(flow, "_id")+"/"+st.id])
	}
	return n
}

// integrationErrors lists every flow of the integration, those without errors with 0.
func integrationErrors(c *call) reply {
	return c.withDoc("integrations", func(in doc) reply {
		var items []any
		for _, f := range c.env.flowsOf(text(in, "_id")) {
			items = append(items, doc{"_flowId": f["_id"], "numError": c.env.openErrors(f)})
		}
		return c.list(items)
	})
}

func flowErrors(c *call) reply {
	return c.withDoc("flows", func(f doc) reply {
		rows := []doc{}
		for _, st := range stepsOf(f) {
			list := c.env.Errors[text(f, "_id")+"/"+st.id]
			row := doc{"_expOrImpId": st.id, "numError": len(list)}
			if len(list) > 0 {
				row["lastErrorAt"] = list[len(list)-1]["occurredAt"]
			}
			rows = append(rows, row)
		}
		return ok(doc{"flowErrors": rows})
	})
}

func (c *call) withStep(do func(key string) reply) reply {
	return c.withDoc("flows", func(f doc) reply {
		id := c.r.PathValue("step")
		if !slices.ContainsFunc(stepsOf(f), func(st step) bool { return st.id == id }) {
			return notFound()
		}
		return do(text(f, "_id") + "/" + id)
	})
}

// stepErrors pages by nextPageURL in the body, as only this list does.
func stepErrors(c *call) reply {
	return c.withStep(func(key string) reply {
		skip, limit, bad := c.page()
		if bad != nil {
			return *bad
		}
		q := c.r.URL.Query()
		rows := []doc{}
		for _, row := range c.env.Errors[key] {
			if keepsError(q, row) {
				rows = append(rows, row)
			}
		}
		skip = min(skip, len(rows))
		end := min(skip+limit, len(rows))
		out := doc{"errors": rows[skip:end]}
		if end < len(rows) {
			u, err := url.Parse(c.pageURL(end, limit))
			if err == nil {
				out["nextPageURL"] = u.RequestURI()
			}
		}
		return ok(out)
	})
}

func keepsError(q url.Values, row doc) bool {
	for _, name := range []string{"source", "_flowJobId"} {
		if v := q.Get(name); v != "" && v != text(row, name) {
			return false
		}
	}
	at := text(row, "occurredAt") // all stamps have one form, so their texts sort as their times
	from, to := normalTime(q.Get("occurredAt_gte")), normalTime(q.Get("occurredAt_lte"))
	return (from == "" || at >= from) && (to == "" || at <= to)
}

func normalTime(v string) string {
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return ""
	}
	return clock(t)
}

// resolveErrors takes {"errors":[errorId...]} and drops those rows.
func resolveErrors(c *call) reply {
	return c.withStep(func(key string) reply {
		d, bad := c.object(false)
		if bad != nil {
			return *bad
		}
		ids := texts(d["errors"])
		if len(ids) == 0 {
			return invalid("errors", "errors must be a list of error IDs.")
		}
		c.env.Errors[key] = slices.DeleteFunc(c.env.Errors[key], func(row doc) bool {
			return slices.Contains(ids, text(row, "errorId"))
		})
		return none()
	})
}

// runStats counts finished runs of each flow, of one integration or of the flows named.
func runStats(c *call) reply {
	d, bad := c.object(true)
	if bad != nil {
		return *bad
	}
	flows := texts(d["_flowIds"])
	var items []any
	for _, f := range c.env.Docs["flows"] {
		id := text(f, "_id")
		if !c.visible("flows", f) || (len(flows) > 0 && !slices.Contains(flows, id)) {
			continue
		}
		if in := text(d, "_integrationId"); in != "" && in != text(f, "_integrationId") {
			continue
		}
		row := doc{"_flowId": id, "numRuns": 0, "numSuccess": 0, "numError": 0, "numOpenError": c.env.openErrors(f)}
		for _, j := range c.env.Jobs {
			if j["_flowId"] != id {
				continue
			}
			row["numRuns"] = row["numRuns"].(int) + 1
			row["numSuccess"] = row["numSuccess"].(int) + j["numSuccess"].(int)
			row["numError"] = row["numError"].(int) + j["numError"].(int)
			row["lastExecutedAt"] = j["startedAt"]
		}
		items = append(items, row)
	}
	return c.list(items)
}

func (c *call) seesJob(j doc) bool {
	f := c.env.find("flows", text(j, "_flowId"))
	return c.role > tile || (f != nil && c.visible("flows", f))
}

// listJobs needs a flow, an integration or a job to look at, as the service does now.
func listJobs(c *call) reply {
	q := c.r.URL.Query()
	flow, in, job := q.Get("_flowId"), q.Get("_integrationId"), q.Get("_jobId")
	if flow == "" && in == "" && job == "" {
		return fail(http.StatusBadRequest, "invalid_query_params",
			"Please provide one of _flowId, _integrationId or _jobId.", "")
	}
	var items []any
	for _, j := range c.env.Jobs {
		match := (flow == "" || flow == j["_flowId"]) && (in == "" || in == j["_integrationId"]) &&
			(job == "" || job == j["_id"])
		if st := q.Get("status"); st != "" && !slices.Contains(strings.Split(st, ","), text(j, "status")) {
			match = false
		}
		if match && c.seesJob(j) {
			items = append(items, j)
		}
	}
	return c.list(items)
}

// latestJobs is the newest run of each flow that ran.
func (c *call) latestJobs(flows []doc) []any {
	var out []any
	for _, f := range flows {
		for i := len(c.env.Jobs) - 1; i >= 0; i-- {
			if c.env.Jobs[i]["_flowId"] == f["_id"] {
				out = append(out, c.env.Jobs[i])
				break
			}
		}
	}
	return out
}

func (c *call) withJob(do func(doc) reply) reply {
	for _, j := range c.env.Jobs {
		if j["_id"] == c.r.PathValue("id") && c.seesJob(j) {
			return do(j)
		}
	}
	return notFound()
}

func cancelJob(c *call) reply {
	return c.withJob(func(j doc) reply {
		if !slices.Contains(running, text(j, "status")) {
			return invalid("status", "The job has already ended.")
		}
		j["status"], j["endedAt"], j["lastModified"] = "canceled", clock(c.now), clock(c.now)
		return ok(j)
	})
}

// currentJobs lists what has not ended; the body may name flows or an integration.
func currentJobs(c *call) reply {
	d, bad := c.object(true)
	if bad != nil {
		return *bad
	}
	flows := append(texts(d["_flowIds"]), texts(d["_flowId_in"])...)
	if one := text(d, "_flowId"); one != "" {
		flows = append(flows, one)
	}
	var items []any
	for _, j := range c.env.Jobs {
		if !slices.Contains(running, text(j, "status")) || !c.seesJob(j) ||
			(len(flows) > 0 && !slices.Contains(flows, text(j, "_flowId"))) {
			continue
		}
		if in := text(d, "_integrationId"); in == "" || in == j["_integrationId"] {
			items = append(items, j)
		}
	}
	return c.list(items)
}

// setErrors makes a flow have n open errors, at its last step.
func (s *Server) setErrors(e *environment, flow doc, n int) {
	steps := stepsOf(flow)
	if len(steps) == 0 {
		return
	}
	id := text(flow, "_id")
	for _, st := range steps {
		delete(e.Errors, id+"/"+st.id)
	}
	key := id + "/" + steps[len(steps)-1].id
	for i := range n {
		e.Errors[key] = append(e.Errors[key], doc{"errorId": s.newID(), "occurredAt": clock(s.opts.Now()),
			"source": "application",
			"code":   "invalid_field", "message": "Row " + strconv.Itoa(i+1) +
				" was rejected: a required field is empty.",
			"traceKey": s.newID(), "retryDataKey": s.newID(), "_flowJobId": s.newID(), "classification": "value"})
	}
}

// startJob makes a running job of a flow.
func (s *Server) startJob(e *environment, flow doc) string {
	now := clock(s.opts.Now())
	j := doc{"_id": s.newID(), "type": "flow", "status": "running", "_flowId": flow["_id"],
		"_integrationId": text(flow, "_integrationId"),
		"numError":       0, "numSuccess": 0, "numIgnore": 0, "createdAt": now, "startedAt": now, "lastModified": now}
	e.Jobs = append(e.Jobs, j)
	return text(j, "_id")
}

// endJobs completes what runs of a flow and says how many that were.
func (s *Server) endJobs(e *environment, flow doc) int {
	n := 0
	for _, j := range e.Jobs {
		if j["_flowId"] == flow["_id"] && slices.Contains(running, text(j, "status")) {
			j["status"], j["endedAt"], j["numSuccess"] = "completed", clock(s.opts.Now()), 1
			n++
		}
	}
	return n
}
