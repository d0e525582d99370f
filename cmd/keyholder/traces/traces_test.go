package traces_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/keyholder/keyholder/cmd/keyholder/traces"
	"github.com/keyholder/keyholder/workflows"
)

// values are what a span says, by name.
func values(s tracetest.SpanStub) string {
	all := []string{s.Name}
	for _, a := range s.Attributes {
		all = append(all, string(a.Key)+"="+a.Value.String())
	}
	if s.Status.Description != "" {
		all = append(all, "failed: "+s.Status.Description)
	}
	return strings.Join(all, " ")
}

func TestASpanTellsNamesAndKindsOfErrorsAndNoSentence(t *testing.T) {
	kept := tracetest.NewInMemoryExporter()
	stages := traces.Of(sdktrace.NewTracerProvider(sdktrace.WithSyncer(kept)))
	_, alone := stages.Begin(t.Context(), workflows.StageLoad)
	alone(workflows.About{}, nil)
	ctx, ended := stages.Begin(t.Context(), workflows.StageEnvelope)
	for _, err := range []error{nil, workflows.Refuse("quorum", "Only @jane may: jane@acme.example."),
		fmt.Errorf("write to jane@acme.example: %w", workflows.ErrUnclear), errors.New("jane@acme.example")} {
		_, decided := stages.Begin(ctx, workflows.StageDecide)
		decided(workflows.About{Workflow: "t07-7KQ2M9XA", Command: "transfer.confirm", Account: "jane@acme.example",
			Destination: "letter/jane@acme.example", Attempt: 2}, err)
	}
	ended(workflows.About{Kind: "block_actions"}, nil)
	const decide = "decide keyholder.workflow=t07-7KQ2M9XA keyholder.command=transfer.confirm " +
		"keyholder.destination=letter keyholder.attempt=2"
	want := []string{decide, decide + " keyholder.refused=quorum", decide + " error.type=unclear failed: unclear",
		decide + " error.type=other failed: other", "envelope keyholder.kind=block_actions"}
	var got []string
	for _, s := range kept.GetSpans() {
		got = append(got, values(s))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("told:\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// quiet has the variables of OpenTelemetry name a collector, or none.
func quiet(t *testing.T, endpoint string) {
	t.Helper()
	t.Setenv(traces.EnvTracesEndpoint, "")
	t.Setenv(traces.EnvEndpoint, endpoint)
}

func TestWithoutACollectorNothingIsTraced(t *testing.T) {
	quiet(t, "")
	stages, flush, err := traces.Open(t.Context(), "v1", zerolog.Nop())
	if stages != nil || err != nil {
		t.Errorf("%v", err)
	}
	flush()
}

func TestACollectorHearsOfAClickAtTheLatestAtTheEnd(t *testing.T) {
	heard := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		heard <- r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body)
	}))
	defer collector.Close()
	quiet(t, collector.URL)
	stages, flush, err := traces.Open(t.Context(), "v1.2.3", zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	_, ended := stages.Begin(t.Context(), workflows.StageEnvelope)
	ended(workflows.About{Workflow: "t07-7KQ2M9XA"}, nil)
	flush()
	got := <-heard
	for _, want := range []string{"/v1/traces application/x-protobuf ", "envelope", "t07-7KQ2M9XA", "v1.2.3"} {
		if !strings.Contains(got, want) {
			t.Errorf("the collector heard no %q in %q", want, got)
		}
	}
}

// A collector that takes the connection and never answers: thousands of clicks go on, and the end comes all the same.
func TestACollectorThatHangsHoldsUpNobody(t *testing.T) {
	release := make(chan struct{})
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer collector.Close()
	defer close(release)
	quiet(t, collector.URL)
	stages, flush, err := traces.Open(t.Context(), "v1", zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	for range 10_000 { // more than the queue holds
		_, ended := stages.Begin(t.Context(), workflows.StageEnvelope)
		ended(workflows.About{}, nil)
	}
	flush() // bounded by FlushWithin; without a bound go test would end this one
}

func TestACollectorThatIsNoAddressIsSaid(t *testing.T) {
	quiet(t, "http://[bad")
	stages, flush, err := traces.Open(context.Background(), "v1", zerolog.Nop())
	if err == nil {
		flush()
	}
	if err == nil && stages == nil {
		t.Error("traces were asked for, and it is silent about not making any")
	}
}

// What off costs beside what on costs; the figures stand in the page on operating.
func BenchmarkStage(b *testing.B) {
	on := traces.Of(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(nobody{})))
	for name, stages := range map[string]workflows.Stages{"off": nil, "on": on} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, ended := stages.Begin(b.Context(), workflows.StageEnvelope)
				ended(workflows.About{Kind: "block_actions", Workflow: "t07-7KQ2M9XA"}, nil)
			}
		})
	}
}

// nobody hears of spans and does nothing.
type nobody struct{}

func (nobody) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (nobody) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (nobody) Shutdown(context.Context) error                  { return nil }
func (nobody) ForceFlush(context.Context) error                { return nil }
