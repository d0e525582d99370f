// Package loops moves what package workflows names: three loops on one road.
//
//	[Desk]     takes a command: loads, asks for facts, has the machine decide, commits, answers
//	[Courier]  delivers what is due, as the record explains it now, and brings receipts to the desk
//	[Clock]    brings timers that are due to the desk
//
// Each runs in as many processes as there are on one store; leases and versions keep them apart. Who
// only speaks Keyholder's words (the machines, the store, Slack, integrator.io) does not need this
// package: whoever puts the program together does.
//
// # Guarantees
//
//   - An unclear commit is settled by reading: events carry the ID of their command, so a retry
//     that meets its own ID has succeeded.
//   - What somebody removed is set again: timers by every commit, and by any look once they are
//     overdue; timers, watches, calls, cards and lists of who is waited for by [Desk.Sweep], at
//     the start and daily.
//   - What this version cannot do (an unknown machine, event, operation or newer schema, a panic,
//     what cannot be decoded) is left for another, for ever if need be, with growing distance and
//     out of the way: it keeps no other workflow's effect or timer waiting.
//   - Giving up on a call is by age ([workflows.GiveUpAfter] or the call's deadline), never by
//     count. A card stays wanted as long as the state wants it, whatever Slack answers: it is
//     tried again after minutes, then hours, and keeps no other card waiting.
//   - Timers of one workflow are decided one after another, those of different ones side by side;
//     a look-up that hangs holds up nobody else's.
//
// # Decisions
//
//   - A 429 for a card holds the conversation, in this process: Slack limits posting for each
//     conversation, so every replica asks once.
//   - Records are kept in memory as bytes, and believed only where the commit compares version
//     and head or an effect names the version; what would be decided on them without events is
//     decided again on fresh ones.
//
// The package imports workflows and approvals, and nothing else of ours.
package loops
