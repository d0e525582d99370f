package integratorsim

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzRequests sends anything to every route: no panic, no 5xx, JSON or nothing.
func FuzzRequests(f *testing.F) {
	routes := allRoutes()
	for i, body := range []string{``, `{}`, `[]`, `null`, `{"email":7}`, `{"email":"a@b.example","account":true}`,
		`{"emails":[null,1]}`,
		`{"integrationAccessLevel":[{"accessLevel":{}}]}`, `[{"op":"replace","path":"/disabled","value":{}}]`,
		`{"errors":[1]}`,
		`{"name":"x","type":"x","pageGenerators":[1],"pageProcessors":{"a":1},"_registeredConnectionIds":[1]}`,
		`{"_flowIds":{}}`,
		`{"trustDeviceForPeriod":1e300}`, "{\"name\":\"\xff\"}", strings.Repeat("[", 20000)} {
		f.Add(uint16(i), body, "limit=1&include=x")
	}
	for i := range routes {
		f.Add(uint16(i), `{"name":"x","type":"http","email":"celigo@acme.example","emails":["q@acme.example"]}`, "")
	}
	f.Fuzz(func(t *testing.T, n uint16, body, query string) {
		s, d := Demo(Options{RateCapacity: -1})
		if _, err := s.Act(Action{Do: "add_user", Email: d.AliasEmail, Role: "manage"}); err != nil {
			t.Fatal(err)
		}
		method, path, _ := strings.Cut(routes[int(n)%len(routes)].pattern, " ")
		path = "/v1" + strings.NewReplacer("{id}", idFor(path, d), "{step}", "x", "{kind}", "flows").Replace(path)
		// twice: what the first call stored must not break the second, nor the lists
		for _, r := range []*http.Request{
			httptest.NewRequest(method, path, strings.NewReader(body)), httptest.NewRequest(method, path,
				strings.NewReader(body)),
			httptest.NewRequest("GET", "/v1/flows", nil), httptest.NewRequest("GET", "/v1/tiles", nil),
			httptest.NewRequest("POST", "/v1/flows/runs/stats", nil),
			httptest.NewRequest("GET", "/v1/integrations", nil), httptest.NewRequest("GET", "/v1/audit", nil)} {
			r.URL.RawQuery = (&url.URL{RawQuery: query}).RawQuery
			r.Header.Set("Authorization", "Bearer "+d.ProductionToken)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code >= 500 || w.Code < 200 || (w.Code != 204 && !strings.HasPrefix(w.Body.String(), "{") &&
				!strings.HasPrefix(w.Body.String(), "[")) {
				t.Fatalf("%s %s %q: %d %s", r.Method, r.URL.Path, body, w.Code, w.Body)
			}
		}
		s.State()
	})
}

func idFor(path string, d DemoInfo) string {
	for prefix, id := range map[string]string{"/ashares": d.Shares["ana@acme.example"],
		"/integrations": d.Integrations["Shopify returns"],
		"/flows":        d.Flows["Returns"], "/connections": d.SharedConnection, "/stacks": d.Stacks["Acme stack"]} {
		if strings.HasPrefix(path, prefix) {
			return id
		}
	}
	return "000000000000000000000000"
}
