// Package storetest holds the one conformance suite that every store and every server must pass
// ([Run]), and helpers for tests that need a store: [Open] on an embedded Redis, [Redis] for a real
// redis-server that the test starts and ends.
//
// It reads this machine's clock in two places, neither of which decides anything: until when a server
// that was started may be silent, and how long a benchmark's slice took. What the suite tests gets its
// time passed in.
//
// It may import workflows and store.
package storetest
