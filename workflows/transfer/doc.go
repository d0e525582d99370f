// Package transfer is the machine that hands the ownership of an integrator.io account to another
// address: a shared mailbox (an alias) or a person.
//
//	  request
//	     |
//	 checking ---- blocks stand, or the account cannot be read ----> (waits: fix, check again, waive)
//	     |  the mailbox is no accepted user        |
//	     |------> preparing ---- accepted ---------+
//	     v
//	confirming ---- refuse --------------------------------> refused
//	     |  quorum                     ^
//	  cooling ---- facts got worse ----+ (votes void)
//	     |  checks again; volatile blocks pause it here; a person who is no user: preparing, and back
//	  inviting ---- integrator.io refuses: remedy, check again; a token that may not: page steps and attest
//	     |
//	 accepting ---- decline, expiry, withdrawal: first withdrawn at integrator.io ---> declined, expired, cancelled
//	     |  seen (or attested) that the owner changed
//	  settling ---- settle, or 7 days; nothing is open ----> completed
//	     |  points are open
//	 finishing ---- all ticked off, or waived with a reason ----> completed
//
// Cancelled also comes from checking to cooling, expired from every state that waits for people,
// failed from what cannot be mended.
//
// # Guarantees
//
//   - The opening event freezes policy, people and addresses. Later changes of the configuration
//     add nobody; they can take a right away.
//   - The requester and a person who would become owner never vote, nor do their delegates in that seat.
//   - Votes are counted again, with everybody's standing of that moment, whenever one is cast and
//     before the invitation.
//   - Nobody is given anything before it is decided, but for a mailbox of the configuration, which
//     may be made a user at once. What a transfer gave is taken back when it ends without a change
//     of owner, accepted or not, unless somebody made another access of it; the end card says
//     which.
//   - Who asked, who would own, and whoever presses a button are judged when it counts: by the
//     configuration, the record and Slack of that moment.
//   - A workflow that ends without a change of owner has withdrawn its invitations first: it waits,
//     in its last state, for integrator.io's word, and if that word is that the invitation was
//     accepted meanwhile, the change of owner counts and the workflow settles instead.
//   - Every open state has a timer or a waiting person.
//   - What it proves about a mailbox's key (proofs.go) is of those who said on their card that they do it, and
//     of nobody else: whoever took on the sign-up, accepted, or ticked that they signed in second.
//
// # Decisions
//
//   - One refusal by an approver ends the transfer: a person trusted with the master key who says
//     no must not be outvoted.
//   - Without a token nothing can be prepared or watched, so preparing is skipped and its check is
//     shown as unknown; the two attestations carry
//     the transfer, and nobody gives both.
//   - The target is invited as a user with the monitor role: the least that can be made owner.
//   - A reading that integrator.io refuses, as with a token that was revoked, is tried again until the stage's own end.
//   - Running jobs and gaps in shared stacks warn: the sources name them for transfers of
//     integrations, not of accounts. Open errors follow
//     on_errors, shared integrations and connections on_shared.
//   - Keyholder switches nothing off by itself. It shows what is shared and on, remembers what it
//     saw switched off at the last check, and asks at
//     settling that it be on again.
//   - One waive button waives every check that blocks and can be waived: the modal names them.
//   - While people confirm, a check that blocks holds the confirmations too: nobody can confirm
//     until it is mended or waived, what was confirmed
//     stands, and refusing stays possible. A substantial fact that got worse voids the votes as soon as it is read.
//   - Only the reading after the cool-down may act. One that was asked for earlier and answered
//     later is shown, and decides nothing.
//   - The card counts what the last count counted (seats, and who can still help), not the clicks:
//     a vote can be replaced, and one person can fill
//     several seats.
//   - An acceptance that integrator.io has only queued is not yet a change of owner, and can no
//     longer be withdrawn: it is watched for another
//     accept_within, then the transfer fails with a ticket.
//   - An invitation as a user whose fate is unknown when the transfer ends is taken back as if it had been sent.
//   - The card's round grows when the question or the facts change, not when somebody else votes:
//     twenty people may click at once.
//
// Each stage has a file, in which all that it says and asks, and the events that lead into it,
// stand together; what is asked of approvers is package question's. The package imports workflows,
// workflows/question and approvals; it does no I/O, reads no clock and draws no random numbers.
package transfer
