// Package serve wires the bot from a configuration and runs it: store, desk, courier, clock, bot,
// gateway and the small HTTP server for operators. Both binaries use it, so the demo runs the very
// program that operators deploy; it imports no simulator, which a test checks.
//
// # Guarantees
//
//   - Redis away at the start is waited for; a Redis that cannot be relied on (eviction, another
//     shard count) ends the start with a sentence.
//   - /healthz answers 200 while the process lives. /readyz answers 200 only while Redis answers,
//     its clock is near and the socket to Slack
//     stands; 503 with what is missing otherwise.
//   - Courier and clock claim nothing while Redis's clock is more than 2 s away.
//   - The rules that a process starts with are on record before it connects to Slack: nobody's
//     click is decided by rules that the record does not name.
//     Only a record that cannot be read does not keep the bot from starting; the log says so.
//   - When the context ends, nothing new is taken, deliveries in flight finish within 10 s, and Run answers nil.
package serve
