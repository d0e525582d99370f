package serve

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/keyholder/keyholder/bot"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
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
	// What waits in the record, see backlog.go.
	waiting            *prometheus.GaugeVec
	timersLate, latest prometheus.Gauge
	open               *prometheus.GaugeVec
	nextDrill          *prometheus.GaugeVec
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
			Help: "Deliveries by destination (slack, integrator, desk, letter, alarm_mail, alarm_hook) and outcome (done, refused, limited by a 429, again)."},
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
	m.waiting = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "keyholder_effects_waiting",
		Help: "Effects that wait to be delivered, by destination and by how long the first of their queue has waited at least; a refused card waits, too."},
		[]string{"destination", "older_than"})
	m.timersLate = prometheus.NewGauge(prometheus.GaugeOpts{Name: "keyholder_timers_late",
		Help: "Timers that have come due and are not decided yet."})
	m.latest = prometheus.NewGauge(prometheus.GaugeOpts{Name: "keyholder_timers_late_seconds",
		Help: "How long the first of the late timers has been due; 0 without one."})
	m.open = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "keyholder_workflows_open",
		Help: "Open workflows by account and machine; signin are sign-ins as the owner that nobody has explained yet."},
		[]string{"account", "machine"})
	m.nextDrill = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "keyholder_drill_next_seconds",
		Help: "Seconds until the next drill of an account's key opens by itself, below 0 where it is overdue; no value where none is planned."},
		[]string{"account"})
	m.begin()
	var register prometheus.Registerer = m.registry
	if workspace != "" {
		register = prometheus.WrapRegistererWith(prometheus.Labels{LabelWorkspace: workspace}, register)
	}
	register.MustRegister(m.envelopes, m.acks, m.connects, m.limited, m.deliveries, m.delivery, m.undone, m.doubts,
		m.ready, m.tokenEnds, m.sockets, m.processes, m.waiting, m.timersLate, m.latest, m.open, m.nextDrill)
	return m
}

// begin lets what has not happened yet be seen as 0, so that an alert sees the first time that it does.
func (m *metrics) begin() {
	for _, d := range destinations {
		for _, outcome := range []string{"done", "refused", "limited", "again"} {
			m.deliveries.WithLabelValues(d, outcome)
		}
		m.delivery.WithLabelValues(d)
	}
	for _, what := range []string{loops.NoteDropped, loops.NoteAside} {
		m.undone.WithLabelValues(what)
	}
	for _, what := range []workflows.Doubt{workflows.DoubtState, workflows.DoubtChain, workflows.DoubtPlace} {
		m.doubts.WithLabelValues(string(what))
	}
	for _, method := range []string{"chat.postMessage", "chat.update"} {
		m.limited.WithLabelValues(method)
	}
	m.envelopes.WithLabelValues("block_actions", "ok")
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
	to, outcome := destination(e.Destination()), "again"
	if e.Card != nil {
		to = "slack"
	}
	switch {
	case o.Limited:
		outcome = "limited"
	case o.Refused:
		outcome = "refused"
	case o.Done:
		outcome = "done"
	}
	m.deliveries.WithLabelValues(to, outcome).Inc()
	m.delivery.WithLabelValues(to).Observe(took.Seconds())
}

// note is the courier's hook for what was not delivered.
func (m *metrics) note(what string) { m.undone.WithLabelValues(what).Inc() }
