package workspaces

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/keyholder/keyholder/cmd/keyholder/serve"
)

// metrics are those of the process and of every workspace that runs just now.
func (h *house) metrics() prometheus.Gatherer {
	all := prometheus.Gatherers{h.process}
	h.mu.Lock()
	for _, w := range h.running {
		if s := w.serving(); s != nil {
			all = append(all, s.Metrics())
		}
	}
	h.mu.Unlock()
	return all
}

// absent says of each workspace without a server that it is not ready, so that an alert on the metric misses none.
type absent struct{ h *house }

var notReady = prometheus.NewDesc(serve.ReadyName, serve.ReadyHelp, []string{serve.LabelWorkspace}, nil)

// Describe implements prometheus.Collector. Nothing is described, as which workspaces there are changes.
func (a absent) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (a absent) Collect(out chan<- prometheus.Metric) {
	a.h.mu.Lock()
	defer a.h.mu.Unlock()
	say := func(name string) {
		out <- prometheus.MustNewConstMetric(notReady, prometheus.GaugeValue, 0, name)
	}
	for name := range a.h.refused {
		say(name)
	}
	for name, w := range a.h.running {
		if w.serving() == nil {
			say(name)
		}
	}
}
