// Package population is whom and what a review asks about: rows made of what integrator.io lists,
// users and API tokens, and of what it leaves out, the owner and the shared mailboxes; what stands
// out about each, which come first, and who is asked about which.
//
//	reading of an environment -> UserRows, MasterRows -> SortByRisk -> Plan -> shares of reviewers
//
// # Guarantees
//
//   - Each row is in exactly one share, and nobody's share holds a row with their own address.
//   - The same reading, rules and people give the same rows, flags and shares.
//   - A list that was frozen as CSV says what its rows say.
//
// The package imports workflows, approvals and package lists; it does no I/O, reads no clock and
// draws no random numbers.
package population
