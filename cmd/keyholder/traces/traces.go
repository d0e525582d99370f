package traces

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/keyholder/keyholder/workflows"
)

// The variables that turn traces on; OpenTelemetry's others (headers, sampler, service name) are heeded, too.
const (
	EnvEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	EnvTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
)

// FlushWithin is what the last spans have at the end of the program.
const FlushWithin = 3 * time.Second

// Open answers what hears of stages and tells a collector, and what ends it; without a variable that names a collector
// both do nothing, and stages is nil.
func Open(ctx context.Context, version string, log zerolog.Logger) (stages workflows.Stages, flush func(), err error) {
	if os.Getenv(EnvEndpoint) == "" && os.Getenv(EnvTracesEndpoint) == "" {
		return nil, func() {}, nil
	}
	exporter, err := otlptracehttp.New(context.WithoutCancel(ctx))
	if err != nil {
		return nil, nil, fmt.Errorf("send traces to the collector that %s names: %w", EnvEndpoint, err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "keyholder"),
		attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		return nil, nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn().Err(err).Msg("traces do not reach their collector")
	}))
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return Of(p), func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), FlushWithin)
		defer cancel()
		if err := p.Shutdown(bounded); err != nil {
			log.Warn().Err(err).Msg("the last traces were not sent")
		}
	}, nil
}

// begins are the stages that begin a trace.
var begins = map[string]trace.SpanKind{workflows.StageEnvelope: trace.SpanKindConsumer,
	workflows.StageDelivery: trace.SpanKindInternal, workflows.StageTimer: trace.SpanKindInternal}

// Of answers what hears of stages and makes a span of each.
func Of(p trace.TracerProvider) workflows.Stages {
	tracer := p.Tracer("github.com/keyholder/keyholder")
	return func(ctx context.Context, stage string) (context.Context, func(workflows.About, error)) {
		kind, first := begins[stage]
		switch {
		case first:
		case !trace.SpanContextFromContext(ctx).IsValid():
			return ctx, func(workflows.About, error) {}
		case stage == workflows.StageSend:
			kind = trace.SpanKindClient
		default:
			kind = trace.SpanKindInternal
		}
		ctx, span := tracer.Start(ctx, stage, trace.WithSpanKind(kind))
		return ctx, func(a workflows.About, err error) {
			if span.IsRecording() {
				span.SetAttributes(attributes(a)...)
				record(span, err)
			}
			span.End()
		}
	}
}

// word is what a name in a trace looks like: what came from outside may be anything.
var word = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,80}$`)

func attributes(a workflows.About) []attribute.KeyValue {
	var all []attribute.KeyValue
	add := func(name, value string) {
		if word.MatchString(value) {
			all = append(all, attribute.String("keyholder."+name, value))
		}
	}
	add("kind", a.Kind)
	add("workflow", a.Workflow)
	add("machine", a.Machine)
	add("command", a.Command)
	add("account", a.Account)
	destination, _, _ := strings.Cut(a.Destination, "/") // the rest is an account
	add("destination", destination)
	add("outcome", a.Outcome)
	if a.Attempt > 0 {
		all = append(all, attribute.Int("keyholder.attempt", a.Attempt))
	}
	return all
}

// kinds are the errors that a trace names.
var kinds = []struct {
	err  error
	name string
}{
	{context.Canceled, "canceled"}, {context.DeadlineExceeded, "timeout"}, {workflows.ErrUnclear, "unclear"},
	{workflows.ErrConflict, "conflict"}, {workflows.ErrLeaseLost, "lease_lost"}, {workflows.ErrNewer, "newer"},
	{workflows.ErrStaleFacts, "stale_facts"}, {workflows.ErrDoubted, "doubted"},
	{workflows.ErrNoWorkflow, "no_workflow"}, {workflows.ErrAway, "away"},
}

// record notes how a stage ended. A refusal is an answer as good as another, so it is no error.
func record(span trace.Span, err error) {
	var refused *workflows.Refusal
	switch {
	case err == nil:
	case errors.As(err, &refused):
		if word.MatchString(refused.Code) {
			span.SetAttributes(attribute.String("keyholder.refused", refused.Code))
		}
	default:
		name := "other"
		for _, k := range kinds {
			if errors.Is(err, k.err) {
				name = k.name
				break
			}
		}
		span.SetAttributes(attribute.String("error.type", name))
		span.SetStatus(codes.Error, name)
	}
}
