package integrator

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/keyholder/keyholder/workflows"
)

// fanOut is how many requests one reading has under way at once.
const fanOut = 4

type integration struct {
	ID          string   `json:"_id"`
	Name        string   `json:"name"`
	Sandbox     bool     `json:"sandbox"`
	Parent      word     `json:"_parentId"`
	Connections []string `json:"_registeredConnectionIds"`
}

func (s *session) integrations(ctx context.Context) ([]integration, error) {
	all, _, err := listOf[integration](ctx, s, "/v1/integrations", nil, fewRows)
	return all, err
}

// grantable reads the integrations on which a custom role can be given, sorted by name. Children of
// another one cannot be selected.
func (s *session) grantable(ctx context.Context) (out []workflows.Named, shown bool, err error) {
	all, shown, err := listOf[integration](ctx, s, "/v1/integrations", nil, fewRows)
	for _, in := range all {
		if in.ID != "" && in.Parent == "" {
			out = append(out, workflows.Named{ID: in.ID, Name: nameOr(in.Name, in.ID)})
		}
	}
	sortNamed(out)
	return slices.Compact(out), shown, err
}

// openErrors counts open errors per integration. Skipped counts integrations that this token may
// not look into; one that was deleted meanwhile has none.
func (s *session) openErrors(ctx context.Context, all []integration) (counts []workflows.Count, skipped int,
	err error) {
	found := make([]int, len(all))
	var refused atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fanOut)
	for i, in := range all {
		group.Go(func() error {
			n, err := s.errorsOf(ctx, in)
			switch {
			case err == nil:
				found[i] = n
			case !refusedForGood(err) || status(err) == http.StatusUnauthorized:
				return err
			case status(err) != http.StatusNotFound:
				refused.Add(1)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, err
	}
	for i, in := range all {
		if found[i] > 0 {
			counts = append(counts, workflows.Count{ID: in.ID, Name: nameOr(in.Name, in.ID), N: found[i]})
		}
	}
	slices.SortStableFunc(counts, func(a, b workflows.Count) int { return strings.Compare(a.Name, b.Name) })
	return counts, int(refused.Load()), nil
}

// errorsOf sums the open errors of one integration's flows.
func (s *session) errorsOf(ctx context.Context, in integration) (int, error) {
	type flow struct {
		N int `json:"numError"`
	}
	var q url.Values
	if in.Sandbox {
		q = url.Values{"sandbox": {"true"}}
	}
	flows, _, err := listOf[flow](ctx, s, "/v1/integrations/"+url.PathEscape(in.ID)+"/errors", q, manyRows)
	sum := 0
	for _, f := range flows {
		sum += max(f.N, 0)
	}
	return sum, err
}

type connection struct {
	ID      string `json:"_id"`
	Name    string `json:"name"`
	Offline bool   `json:"offline"`
}

// shared finds connections that more than one integration uses, and those integrations. A
// connection is on unless it is offline, an integration while one of its flows is enabled.
func (s *session) shared(ctx context.Context, all []integration) ([]workflows.Resource, error) {
	users := map[string][]integration{}
	for _, in := range all {
		for _, c := range slices.Compact(slices.Sorted(slices.Values(in.Connections))) {
			users[c] = append(users[c], in)
		}
	}
	affected := map[string]integration{}
	for c, ins := range users {
		if len(ins) < 2 {
			delete(users, c)
			continue
		}
		for _, in := range ins {
			affected[in.ID] = in
		}
	}
	if len(users) == 0 {
		return nil, nil
	}
	connections, _, err := listOf[connection](ctx, s, "/v1/connections", nil, fewRows)
	if err != nil {
		return nil, err
	}
	running, err := s.withEnabledFlows(ctx)
	if err != nil {
		return nil, err
	}
	var out []workflows.Resource
	for _, c := range connections {
		if len(users[c.ID]) > 0 {
			out = append(out, workflows.Resource{Kind: "connection", ID: c.ID, Name: nameOr(c.Name, c.ID),
				On: !c.Offline})
			delete(users, c.ID)
		}
	}
	for id := range users { // registered, but not listed: not to be seen, so taken for on
		out = append(out, workflows.Resource{Kind: "connection", ID: id, Name: id, On: true})
	}
	for _, in := range affected {
		out = append(out, workflows.Resource{Kind: "integration", ID: in.ID, Name: nameOr(in.Name, in.ID),
			On: running[in.ID]})
	}
	slices.SortFunc(out, func(a, b workflows.Resource) int {
		return strings.Compare(a.Kind+"\x00"+a.Name+"\x00"+a.ID, b.Kind+"\x00"+b.Name+"\x00"+b.ID)
	})
	return out, nil
}

// withEnabledFlows answers the integrations that have a flow which is not switched off.
func (s *session) withEnabledFlows(ctx context.Context) (map[string]bool, error) {
	type flow struct {
		Integration string `json:"_integrationId"`
		Disabled    bool   `json:"disabled"`
	}
	flows, _, err := listOf[flow](ctx, s, "/v1/flows", nil, fewRows)
	out := map[string]bool{}
	for _, f := range flows {
		if !f.Disabled {
			out[f.Integration] = true
		}
	}
	return out, err
}

func nameOr(name, id string) string {
	if name = strings.TrimSpace(name); name != "" {
		return name
	}
	return id
}
