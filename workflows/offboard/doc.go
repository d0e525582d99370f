// Package offboard is the machine by which somebody leaves an account: what rests on them becomes
// steps with people and a day, and it ends when all are done, or with what is open.
//
//	request -> reading -- nothing rests on them --> done
//	              |  what integrator.io lists of each environment
//	           working ---- the last day: access removed by requests of their own, delegations ended
//	              |  each step: seen by Keyholder, or said to be done; blocked and why, until it is done after all
//	              |  late: whoever has to act is reminded, once a working day
//	              +---- all done ----> done
//	              +---- settle ------> settled, with what is open
//	              +---- cancel ------> cancelled
//
// One person leaving several accounts is one workflow in each: accounts have records, locks and
// people of their own. The bot opens all of them by one form.
//
// # Guarantees
//
//   - The person who leaves decides nothing in it and has no card.
//   - Nothing is taken away before the last day begins, and access only by a request of package
//     access, which the usual people approve.
//   - Cancelled, or moved to another day, it withdraws every request that has not been carried out.
//     What was removed stays removed, and the card says what that is.
//   - A step that Keyholder can see for itself (access, transfer, key, rules, delegations) is done by
//     nobody's word, but for access where nothing can be read.
//   - Every open state has a timer, an awaited answer, or a waiting person.
//
// # Decisions
//
//   - Whether a step is done stands in the account's record and in the configuration that runs. A
//     watch tells the workflow to look ([Look]); a look that sees nothing new records nothing.
//   - An address that reaches the same mailbox (as approvals compares them) is the person's, too.
//   - Where the users of an environment cannot be read, its access is taken to exist: whoever does
//     the removal looks.
//   - It is one reminder for all that is open, not one for each step.
//
// It imports workflows, approvals and what machines share; no I/O, no clock, no random numbers.
package offboard
