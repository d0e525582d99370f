// Package evidence makes the files that an auditor is handed of a review, from its record: tables,
// JSON, a page to print, the lists as they came, the hash of each file, and a text that is also a
// program and checks all of it without Keyholder.
//
//	chains of the campaign, its packets and its remedies -> Evidence -> Files -> a folder, or a ZIP in Slack
//
// # Guarantees
//
//   - Nothing is made of a chain that does not hold: it is recomputed first.
//   - The same evidence gives the same bytes.
//   - What must agree is compared, and what does not is named in the files themselves: lists with
//     their hashes, rows with lists, decisions with rows, remedies with decisions.
//   - verify.txt needs Python and nothing else. What it compares, it makes anew from the events.
//
// The package imports review, workflows and workflows/chain; it does no I/O, reads no clock and
// draws no random numbers.
package evidence
