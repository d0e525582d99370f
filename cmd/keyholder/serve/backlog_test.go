package serve

import (
	"fmt"
	"testing"
	"time"

	"github.com/keyholder/keyholder/store"
)

func TestWhatWaitsIsCountedInEveryAgeThatItHasReached(t *testing.T) {
	m, now := newMetrics(""), time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	shown := func(d, age string) float64 { return gauge(t, m, "keyholder_effects_waiting", d, age) }
	m.backlog(store.Backlog{Latest: now.Add(-90 * time.Second), LateTimers: 2, Queues: []store.Queue{
		{Destination: "io/acme", Since: now.Add(-2 * time.Hour), Length: 2},
		{Destination: "io/other", Since: now.Add(-time.Minute), Length: 1},
		{Destination: "alarm_hook/acme", Since: now, Length: 1}}}, now, now)
	got := fmt.Sprint(shown("integrator", "0s"), shown("integrator", "1m"), shown("integrator", "10m"),
		shown("integrator", "1h"), shown("integrator", "1d"), shown("alarm_hook", "0s"), shown("slack", "0s"),
		gauge(t, m, "keyholder_timers_late"), gauge(t, m, "keyholder_timers_late_seconds"))
	if got != "3 3 2 2 0 1 0 2 90" {
		t.Errorf("shown: %s", got)
	}
	m.backlog(store.Backlog{}, now, now)
	if got := shown("integrator", "0s") + gauge(t, m, "keyholder_timers_late_seconds"); got != 0 {
		t.Errorf("with nothing left it shows %v", got)
	}
}

// gauge is what a scrape shows of one, with these labels' values in the order of their names.
func gauge(t *testing.T, m *metrics, name string, labels ...string) float64 {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, one := range f.GetMetric() {
			var values []string
			for _, l := range one.GetLabel() {
				values = append(values, l.GetValue())
			}
			if f.GetName() == name && fmt.Sprint(values) == fmt.Sprint(labels) {
				return one.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("nothing is shown of %s %q", name, labels)
	return 0
}
