// Package traces tells an OpenTelemetry collector what one click, one delivery and one timer go
// through. It is off unless OTEL_EXPORTER_OTLP_ENDPOINT (or the same for traces alone) names where
// to. It may import the words of workflows and OpenTelemetry; nothing else knows that there is such
// a thing: what is traced calls a function, which is nil while off.
//
// # Guarantees
//
//   - A collector that is away, slow or hostile never holds up a click: spans wait in a queue of bounded size and are
//     dropped when it is full; at the end of the program what waits has [FlushWithin].
//   - A span holds the stage, and of the workflow its ID, machine, command and account; kinds and
//     outcomes. No person, no address, no text of a card, no secret: of an error its kind is told,
//     never its sentence, which may hold any of them.
//   - A stage that belongs to nothing that is traced is not told.
//
// # Decisions
//
//   - OpenTelemetry's own exporter is used, although it brings the code of gRPC along, which is
//     never called: the program is some 6 MB larger for it. Off costs a stage no allocation; on, a
//     dozen.
//   - The exporter reads its variables from the process itself, so those of --env-file do not turn traces on.
package traces
