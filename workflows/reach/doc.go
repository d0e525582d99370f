// Package reach is the machine of somebody, or something, that Keyholder cannot reach: a person who
// takes no direct messages, a channel that is archived, a mailbox whose server refuses the letters.
// Whoever can mend it hears of it once, with what to do, and hears when it is mended.
//
//	missed ---- something more is missed, some of it is brought ----> (missed)
//	   |
//	   |  all of it was brought
//	reached ---- something is missed again ----> (missed)
//
// Where no direct message of the app is taken at all, one message says so for everybody.
//
// One workflow for each account and recipient: five cards that cannot be brought to one person are
// one message. The courier gives the word, when something was on its way for an hour
// ([workflows.MissedAfter]).
//
// # Guarantees
//
//   - The administrators of the account and whoever asked for what is missed are told, never the one
//     who cannot be reached. Where none of them is left, or where no direct message of the app is
//     taken at all, the account's channel is told.
//   - Each is told once: what is missed besides is added to the same message.
//   - A message of this machine that cannot be brought itself goes to the channel, and no further.
//
// The package imports workflows and approvals; it does no I/O, reads no clock and draws no random
// numbers.
package reach
