package serve

import (
	"context"
	"strings"
	"time"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/key"
)

// measureEvery is how often what waits in the record is measured.
const measureEvery = 15 * time.Second

// measure keeps the metrics of what waits until ctx ends. While Redis is away they stay what they were.
func (s *Server) measure(ctx context.Context) error {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		s.measureBacklog(ctx)
		for _, a := range s.o.Config.Accounts {
			s.measureOpen(ctx, a.ID)
			s.measureDrill(ctx, a.ID)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// ages are the values of the label older_than: a queue counts in each that its first effect has reached.
var ages = []struct {
	name  string
	least time.Duration
}{{"0s", 0}, {"1m", time.Minute}, {"10m", 10 * time.Minute}, {"1h", time.Hour}, {"1d", 24 * time.Hour}}

// destinations are the values of the label destination.
var destinations = []string{"slack", "integrator", "desk", "letter", "alarm_mail", "alarm_hook"}

// destination is what kind of destination one is, as a label: without the account's name.
func destination(d string) string {
	road, _, _ := strings.Cut(d, "/")
	if road == "io" {
		return "integrator"
	}
	return road
}

func (s *Server) measureBacklog(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	b, err := s.store.Backlog(bounded, s.o.Now())
	if err != nil {
		return
	}
	s.metrics.backlog(b, s.o.Now(), s.o.RealNow())
}

// backlog sets the gauges of what waits. now is the time of commands, real that of effects.
func (m *metrics) backlog(b store.Backlog, now, real time.Time) {
	waiting := map[string]map[string]int{}
	for _, d := range destinations {
		waiting[d] = map[string]int{}
	}
	for _, q := range b.Queues {
		d := destination(q.Destination)
		if waiting[d] == nil {
			waiting[d] = map[string]int{}
		}
		for _, age := range ages {
			if real.Sub(q.Since) >= age.least {
				waiting[d][age.name] += q.Length
			}
		}
	}
	for d, counts := range waiting {
		for _, age := range ages {
			m.waiting.WithLabelValues(d, age.name).Set(float64(counts[age.name]))
		}
	}
	late := time.Duration(0)
	if !b.Latest.IsZero() {
		late = max(0, now.Sub(b.Latest))
	}
	m.timersLate.Set(float64(b.LateTimers))
	m.latest.Set(late.Seconds())
}

// measureOpen counts an account's open workflows by their machine.
func (s *Server) measureOpen(ctx context.Context, account string) {
	bounded, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	ids, err := s.store.Open(bounded, account)
	if err != nil {
		return
	}
	for _, m := range Machines() {
		n := 0
		for _, id := range ids {
			if workflows.HasLetter(id, m.Letter()) {
				n++
			}
		}
		s.metrics.open.WithLabelValues(account, m.Name()).Set(float64(n))
	}
}

// measureDrill sets when an account's next drill is due; where none is planned it has no value.
func (s *Server) measureDrill(ctx context.Context, account string) {
	bounded, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	id, err := s.desk.NewWorkflowID("keywatch", account, "keywatch")
	if err != nil {
		return
	}
	state, err := s.desk.State(bounded, id)
	watch, is := state.(key.WatchState)
	if err != nil || !is {
		return
	}
	if watch.NextDrill.IsZero() {
		s.metrics.nextDrill.DeleteLabelValues(account)
		return
	}
	s.metrics.nextDrill.WithLabelValues(account).Set(watch.NextDrill.Sub(s.o.Now()).Seconds())
}
