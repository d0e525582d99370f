package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/keyholder/keyholder/cmd/keyholder/traces"
	"github.com/keyholder/keyholder/workflows"
)

// One click is a trace of decode, load, decide, commit and ack, one delivery another of send and
// finish; nothing in them is a person, an address or a text.
func TestOneClickAndOneDeliveryAreTracedWithoutAnyPerson(t *testing.T) {
	kept := tracetest.NewInMemoryExporter()
	s := start(t, options{stages: traces.Of(sdktrace.NewTracerProvider(sdktrace.WithSyncer(kept)))})
	s.request(dee, toAlias())
	s.press(ana, "transfer.claim")
	// trees are the traces that begin with a stage: what is under it, by name.
	trees := func(root string, about string) (all []string) {
		spans := kept.GetSpans()
		for _, r := range spans {
			if r.Name != root || r.Parent.IsValid() || !strings.Contains(fmt.Sprint(r.Attributes), about) {
				continue
			}
			var under []string
			for _, s := range spans {
				if s.Parent.SpanID() == r.SpanContext.SpanID() && s.SpanContext.TraceID() == r.SpanContext.TraceID() {
					under = append(under, s.Name)
				}
			}
			slices.Sort(under)
			all = append(all, strings.Join(slices.Compact(under), " "))
		}
		return all
	}
	const click, delivery = "ack commit decide decode load", "finish send"
	s.until("the trace of a click", func() bool {
		return slices.Contains(trees(workflows.StageEnvelope, "block_actions"), click)
	})
	s.until("the trace of a form", func() bool {
		return slices.Contains(trees(workflows.StageEnvelope, "view_submission"), click)
	})
	s.until("the trace of a card's delivery", func() bool {
		return slices.Contains(trees(workflows.StageDelivery, "slack"), delivery)
	})
	for _, want := range []string{"keyholder.command:transfer.claim", "keyholder.machine:transfer",
		"keyholder.account:acme", "keyholder.outcome:done"} {
		key, value, _ := strings.Cut(want, ":")
		if !slices.ContainsFunc(kept.GetSpans(), func(s tracetest.SpanStub) bool {
			return slices.ContainsFunc(s.Attributes, func(a attribute.KeyValue) bool {
				return string(a.Key) == key && a.Value.String() == value
			})
		}) {
			t.Errorf("no span says %s", want)
		}
	}
	person := regexp.MustCompile(`@|\bU0[A-Z]+|\s`)
	for _, s := range kept.GetSpans() {
		for _, a := range s.Attributes {
			if text := a.Value.String(); person.MatchString(text) {
				t.Errorf("%s says of %s: %q", s.Name, a.Key, text)
			}
		}
		if len(s.Events) > 0 || person.MatchString(s.Status.Description) {
			t.Errorf("%s tells more: %v %q", s.Name, s.Events, s.Status.Description)
		}
	}
}
