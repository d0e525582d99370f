// Package workflows holds the words that every part of Keyholder speaks. Package loops moves them.
//
// # One road
//
//	slack event -> bot -> Command -> Desk: load, facts -> Machine.Decide (pure) -> Store.Commit -> Reply
//	                                                          |
//	                 Courier: due effects -> Deliverer -> receipt -> Command -> the same road
//	                 Clock:   due timers               ->            Command -> the same road
//
// Everything that happens is a [Command]. Everything that changes is a [Change], committed whole or not at all.
// Everything outward is an [Effect], and nothing outward happens before the commit that asked for it.
//
// # Desired state instead of instructions
//
// A [Machine] decides events and the calls to integrator.io that must happen exactly in that order
// ([Decision].Calls). All else that the world should show for a workflow follows from its state
// alone and is computed by [Machine].View: the cards, the timers, the watches and who is waited
// for. The [loops.Desk] compares the view before and after the events and commits the difference. So a
// machine cannot forget to cancel a timer or to take the buttons off a card: it only says what
// holds now.
//
// # Guarantees
//
//   - Decide, Apply and View are pure: same arguments, same answer; no clock, no randomness, no
//     I/O. Time is Command.At, which never
//     runs backwards within one workflow.
//   - The stored state is the fold of the stored events. A state with an older schema number, or
//     one that its seal does not vouch for
//     ([Record.Doubt]), is folded anew; where nobody vouches for the events, nothing is decided ([ErrDoubted]).
//   - Facts older than [FactsMaxAge] decide nothing: a click is answered "not recorded", a timer stays due.
//   - What acts is derived from the events. An [Effect] and a timer in the store only name what is
//     due: a call is read from the event that decided it (links recomputed up to the record's
//     head), a card and a watch from the state as it is when they are delivered. What nothing in
//     the record explains is dropped, counted and logged. Every answered call leaves an event, so
//     the events alone say what is owed ([Owed]).
//   - Effects are delivered at least once, one in flight per key; [Deliverer] implementations make repetition harmless.
//
// # Decisions
//
//   - A record's version is the sequence number of its last event: a commit without events leaves
//     every record as it was.
//   - Readings of integrator.io are never facts of a click: they take many calls and would not fit
//     into a click's two seconds.
//     They arrive as receipts of calls that the machine asked for, which are commands like any other.
//   - A timer's generation is its own due time. One that the state no longer wants, or wants at
//     another time, is dropped unread.
//   - Texts are Slack mrkdwn made with the helpers of text.go, because Slack is where people read;
//     [Plain] turns them into
//     plain text for exports and logs of evidence.
//
// The package imports approvals and chain, and nothing else of ours.
package workflows
