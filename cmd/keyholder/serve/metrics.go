package serve

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/keyholder/keyholder/bot"
	"github.com/keyholder/keyholder/workflows"
)

// metrics are what operators watch. Names follow Prometheus's conventions: base units, _total for counters.
type metrics struct {
	registry   *prometheus.Registry
	envelopes  *prometheus.CounterVec
	acks       prometheus.Histogram
	connects   prometheus.Counter
	limited    *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	delivery   *prometheus.HistogramVec
	undone     *prometheus.CounterVec
	doubts     *prometheus.CounterVec
	ready      prometheus.Gauge
	tokenEnds  *prometheus.GaugeVec
	// sockets are connections of the app in Slack's words, processes the Keyholders on this record.
	sockets, processes prometheus.Gauge
}

// newMetrics makes the metrics of one workspace, with its name as a label where it has one.
func newMetrics(workspace string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		envelopes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "keyholder_envelopes_total",
			Help: "Envelopes from Slack, by kind and by what became of them."}, []string{"kind", "outcome"}),
		acks: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "keyholder_ack_seconds",
			Help:    "Time from an envelope's receipt to its acknowledgement; Slack allows 3 s.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 3}}),
		connects: prometheus.NewCounter(prometheus.CounterOpts{Name: "keyholder_socket_connections_total",
			Help: "Socket Mode connections that said hello."}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "keyholder_slack_limited_total",
			Help: "Calls that Slack answered with 429, by method."}, []string{"method"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "keyholder_deliveries_total",
			Help: "Deliveries by destination (slack, integrator) and outcome (done, again, refused)."},
			[]string{"destination", "outcome"}),
		delivery: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "keyholder_delivery_seconds",
			Help:    "Time one delivery took.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 15}}, []string{"destination"}),
		undone: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "keyholder_effects_undelivered_total",
			Help: "Effects in Redis that were not delivered: dropped, as nothing in the record explains them; aside, as this version cannot do them."},
			[]string{"what"}),
		doubts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "keyholder_doubts_total",
			Help: "Times that something read from Redis was not what Keyholder stored there: a state, a chain's end (chain), the place of a card."}, []string{"what"}),
		tokenEnds: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "keyholder_token_ends_seconds",
			Help: "Seconds until Keyholder's own API token of an account ends, below 0 once it has; no value where it has no end, or that is unknown."}, []string{"account"}),
		ready: prometheus.NewGauge(prometheus.GaugeOpts{Name: ReadyName, Help: ReadyHelp}),
	}
	m.sockets = prometheus.NewGauge(prometheus.GaugeOpts{Name: "keyholder_slack_connections",
		Help: "Socket Mode connections of the app, as Slack said when this process connected; more than keyholder_processes means that another installation takes part of the clicks."})
	m.processes = prometheus.NewGauge(prometheus.GaugeOpts{Name: "keyholder_processes",
		Help: "Keyholders that work on this record."})
	var register prometheus.Registerer = m.registry
	if workspace != "" {
		register = prometheus.WrapRegistererWith(prometheus.Labels{LabelWorkspace: workspace}, register)
	}
	register.MustRegister(m.envelopes, m.acks, m.connects, m.limited, m.deliveries, m.delivery, m.undone, m.doubts,
		m.ready, m.tokenEnds, m.sockets, m.processes)
	return m
}

// LabelWorkspace tells the metrics of workspaces apart, where one process serves several. ReadyName
// and ReadyHelp are those of the metric that says whether one is ready.
const (
	LabelWorkspace = "workspace"
	ReadyName      = "keyholder_ready"
	ReadyHelp      = "1 while /readyz answers 200."
)

// Metrics are those of this server, without those of the process.
func (s *Server) Metrics() prometheus.Gatherer { return s.metrics.registry }

// Process are the metrics of this process itself.
func Process() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// bot answers the hooks of the Slack side; hello hears how many connections the app has.
func (m *metrics) bot(hello func(connections int, at time.Time)) bot.Metrics {
	return bot.Metrics{
		Envelope: func(kind, outcome string, took time.Duration) {
			m.envelopes.WithLabelValues(kind, outcome).Inc()
			m.acks.Observe(took.Seconds())
		},
		Connected: func(connections int, at time.Time) {
			m.connects.Inc()
			m.sockets.Set(float64(connections))
			hello(connections, at)
		},
	}
}

// slackLimited hears of a call that Slack answered with 429.
func (m *metrics) slackLimited(method string) { m.limited.WithLabelValues(method).Inc() }

// observe is the courier's hook.
func (m *metrics) observe(e workflows.Effect, o workflows.Outcome, took time.Duration) {
	destination, outcome := "integrator", "again"
	if e.Card != nil {
		destination = "slack"
	}
	switch {
	case o.Refused:
		outcome = "refused"
	case o.Done:
		outcome = "done"
	}
	m.deliveries.WithLabelValues(destination, outcome).Inc()
	m.delivery.WithLabelValues(destination).Observe(took.Seconds())
}

// note is the courier's hook for what was not delivered.
func (m *metrics) note(what string) { m.undone.WithLabelValues(what).Inc() }
