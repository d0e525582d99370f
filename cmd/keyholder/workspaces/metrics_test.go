package workspaces_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// top is the repository seen from this folder, where go test runs.
const top = "../../.."

// metric is what a scrape says of one.
type metric struct {
	kind, help string
	labels     map[string]bool
	values     map[string]map[string]bool // of each label
}

var (
	about  = regexp.MustCompile(`^# (HELP|TYPE) (keyholder_\w+) (.*)$`)
	sample = regexp.MustCompile(`^(keyholder_\w+)(?:\{(.*)\})? \S+$`)
	pair   = regexp.MustCompile(`(\w+)="([^"]*)"`)
	part   = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// scraped reads a scrape's metrics of Keyholder's own.
func scraped(t *testing.T, text string) map[string]*metric {
	t.Helper()
	all := map[string]*metric{}
	for line := range strings.SplitSeq(text, "\n") {
		if m := about.FindStringSubmatch(line); m != nil {
			if all[m[2]] == nil {
				all[m[2]] = &metric{labels: map[string]bool{}, values: map[string]map[string]bool{}}
			}
			if m[1] == "HELP" {
				all[m[2]].help = m[3]
			} else {
				all[m[2]].kind = m[3]
			}
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		one := all[m[1]]
		if one == nil {
			one = all[part.ReplaceAllString(m[1], "")]
		}
		if one == nil {
			t.Fatalf("no HELP stands before %q", line)
		}
		for _, p := range pair.FindAllStringSubmatch(m[2], -1) {
			if one.labels[p[1]] = true; one.values[p[1]] == nil {
				one.values[p[1]] = map[string]bool{}
			}
			one.values[p[1]][p[2]] = true
		}
	}
	return all
}

// scrape runs a workspace until all that a metric says at rest is there, and asks it.
func scrape(t *testing.T) map[string]*metric {
	t.Helper()
	w := newTown(t, nil)
	w.found("acme", nil)
	w.write("acme", "kh", `token_ends: "2099-01-01"`)
	operators, _ := w.run(nil)
	w.answers(operators+"/readyz", 200, "ready")
	for _, late := range []string{"keyholder_drill_next_seconds{", "keyholder_token_ends_seconds{",
		"keyholder_workflows_open{", "keyholder_effects_waiting{"} {
		w.answers(operators+"/metrics", 200, "\n"+late)
	}
	_, text := get(t, operators+"/metrics")
	return scraped(t, text)
}

// readTree reads a file of the repository.
func readTree(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What is said about metrics, and what is asked of them, is held against a real scrape: the table of
// the page, the dashboard's queries, the alert rules.
func TestWhatIsSaidAboutMetricsHoldsOfAScrape(t *testing.T) {
	all := scrape(t)
	if len(all) < 15 {
		t.Fatalf("only %d metrics", len(all))
	}
	page := readTree(t, ".github/docs/metrics.md")
	for name, m := range all {
		labels := slices.DeleteFunc(slices.Sorted(maps.Keys(m.labels)), func(l string) bool {
			return l == "workspace" || l == "le"
		})
		row := "| `" + name + "` | " + m.kind + " | " + strings.Join(labels, ", ") + " | " + m.help + " |"
		if !strings.Contains(page, strings.ReplaceAll(row, " |  | ", " | | ")+"\n") {
			t.Errorf("metrics.md: this row is missing or differs:\n%s", row)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(keyholder_\\w+)` ").FindAllStringSubmatch(page, -1) {
		if all[row[1]] == nil {
			t.Errorf("metrics.md tells of %s, which is not scraped", row[1])
		}
	}
	queries := append(dashboard(t), rules(t)...)
	if len(queries) < 30 {
		t.Fatalf("only %d queries", len(queries))
	}
	asked := map[string]bool{}
	for _, q := range queries {
		holds(t, all, q, asked)
	}
	for name := range all {
		if !asked[name] {
			t.Errorf("neither dashboard nor rules ask for %s: show it, or do without it", name)
		}
	}
}

var (
	name     = regexp.MustCompile(`\b(keyholder_\w+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)(=~|!~|!=|=)"([^"]*)"`)
	grouping = regexp.MustCompile(`\bby \(([^)]*)\)`)
)

// holds reports what a query asks for that no scrape has: a metric, a label, a label's value.
func holds(t *testing.T, all map[string]*metric, query string, asked map[string]bool) {
	t.Helper()
	known := map[string]bool{"workspace": true, "instance": true, "job": true}
	for _, m := range name.FindAllStringSubmatch(query, -1) {
		one, base := all[m[1]], m[1]
		if one == nil {
			base = part.ReplaceAllString(m[1], "")
			if one = all[base]; one == nil || one.kind != "histogram" {
				t.Errorf("%s: there is no %s", query, m[1])
				continue
			}
		} else if one.kind == "histogram" {
			t.Errorf("%s: of the histogram %s only _bucket, _sum and _count can be asked", query, base)
		}
		asked[base] = true
		maps.Copy(known, one.labels)
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			switch {
			case l[1] == "workspace":
			case !one.labels[l[1]]:
				t.Errorf("%s: %s has no label %s", query, base, l[1])
			case !strings.HasSuffix(l[2], "~") && !one.values[l[1]][l[3]]:
				t.Errorf("%s: %s of %s is never %q", query, l[1], base, l[3])
			}
		}
		if counts := one.kind == "counter" || one.kind == "histogram"; counts &&
			!regexp.MustCompile(`(rate|increase)\(`+m[1]).MatchString(query) {
			t.Errorf("%s: %s only grows, so ask for its rate or increase", query, m[1])
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(query, -1) {
		for _, label := range strings.Split(g[1], ", ") {
			if !known[label] {
				t.Errorf("%s: nothing in it has the label %s", query, label)
			}
		}
	}
}

// dashboard are the queries of the dashboard for Grafana.
func dashboard(t *testing.T) (queries []string) {
	t.Helper()
	var d struct {
		UID    string
		Panels []struct {
			ID                 int
			Title, Description string
			GridPos            struct{ X, Y, W, H int }
			Targets            []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal([]byte(readTree(t, ".github/deploy/grafana.json")), &d); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.Description == "" || p.GridPos.X+p.GridPos.W > 24 || len(p.Targets) == 0 {
			t.Errorf("the panel %d %q: another of this number, or no title, description, query, or room", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			queries = append(queries, target.Expr)
		}
	}
	return queries
}

const rulesFile = ".github/deploy/alerts.yaml"

// rules are the queries of the alert rules; each says how bad it is, what happened, and what to do.
func rules(t *testing.T) (queries []string) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.UnmarshalWithOptions([]byte(readTree(t, rulesFile)), &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range file.Groups[0].Rules {
		if seen[r.Alert] || !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) ||
			r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s: there twice, or without severity, summary or description", r.Alert)
		}
		seen[r.Alert] = true
		queries = append(queries, r.Expr)
	}
	return queries
}

// TestPrometheusTakesTheRules asks promtool, where it is at hand.
func TestPrometheusTakesTheRules(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not in PATH: nobody but this test's reader looked at the grammar of the rules")
	}
	if out, err := exec.Command(tool, "check", "rules", filepath.Join(top, rulesFile)).CombinedOutput(); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
}
