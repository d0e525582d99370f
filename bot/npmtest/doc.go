// Package npmtest fetches, for tests, programs that others wrote and publish for Node, as they stand in
// a lock file of testdata: Slack's SDK, an identity provider, a judge of accessibility.
//
// # Guarantees
//
//   - What is not at hand (Node, npm, a registry within a minute) skips a test, loudly and also under
//     KEYHOLDER_REQUIRE_ALL: neither the check of a change nor a contributor's machine should need Node or
//     a network for a Go program. -short leaves it out too.
//   - Any other fault fails the test: Node is there, and what was fetched cannot be installed.
//
// Only tests import it, and it imports nothing of ours.
package npmtest
