// Package tokens is the machine that watches the API tokens of an account: standing access without a
// name. One workflow for each account, which never ends.
//
//	each environment with a token: read --- the first reading is the baseline
//	                                 |----- a new token with full access, or a scope that grew: a card each
//	                                 |         adopt: expected, by as many as an access of that reach takes
//	                                 |         ask: whose is it?
//	Keyholder's own token: kind and end --- so long before the end: administrators are told, once each
//
// # Guarantees
//
//   - As many take a token as expected as approve an access of its reach: with full access as many as
//     approve an administrator. Whoever the audit log names for it does not.
//   - What grew once more while it is asked about is asked anew: nobody's word counts for more than they saw.
//   - A finding is one card and is not repeated while it stands; one whose token is revoked or gone
//     is over by itself.
//   - No end of the own token is told twice for the same distance, however often anything restarts.
//
// # Decisions
//
//   - Which token of a list is Keyholder's own is not shown: secrets are masked. It is the one that
//     the configuration names, or the only one with full access; else the configuration's own word
//     for its end counts, else its end is unknown.
//   - The cards carry the buttons of access, as findings of drift do: to people they are the same.
//
// It imports workflows, workflows/question and approvals; no I/O, no clock, no random numbers.
package tokens
