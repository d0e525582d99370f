// Package browsertest starts the browser in which tests look at pages, as people see them and as paper.
//
// # Guarantees
//
//   - Without a Chromium or Chrome in PATH a test is skipped, loudly; with KEYHOLDER_REQUIRE_ALL=1 it fails.
//   - The browser ends with the test, and leaves nothing behind.
//
// Only tests import it, and it imports nothing of ours.
package browsertest
