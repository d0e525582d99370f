// Package storetest holds the one conformance suite that every store and every server must pass
// ([Run]), and helpers for tests that need a store: [Open] on an embedded Redis, [Redis] for a real
// redis-server that the test starts and ends.
//
// It may import workflows and store.
package storetest
