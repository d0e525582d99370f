// Package keyring answers who holds what of an account: the owner's address, the mailbox, the
// password, the second factor, administration here and at integrator.io, roles, access with an end,
// approving and reviewing; since when, by which decision, and with which last proof.
//
// It is one pure function, [Of], from what is known (policy, account record, lists of users, people)
// to a [Ring]. Status, documentation, what-if and advice are views of it. "What if somebody leaves"
// is the ring without them ([Known.Without]) and what is then wrong with it ([Ring.Gaps]).
//
// It imports workflows and approvals, does no I/O and reads no clock.
//
// # Decisions
//
//   - A holding by configuration has no beginning: the file says what holds now. What was decided
//     here has the time and the workflow of its decision.
//   - Somebody who can no longer act in Slack stays on the ring and counts for nothing: the mailbox
//     may still be open to them, and that is what people must see.
//   - A gap counts people who can act, by what Slack says of them; of somebody not looked up nothing
//     is known, so they count.
//   - Groups are expanded as far as they were looked up; one that was not counts for nobody.
package keyring
