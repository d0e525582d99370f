// Package recovery is the machine for the day when nobody can sign in as the owner of an
// integrator.io account: somebody reports it, others decide, and one rung after another is climbed
// until the sign-in is regained or a ticket for Celigo support is all that is left.
//
//	request
//	   |
//	 asking ---- refuse ----> refused      time over ----> expired      cancel ----> cancelled
//	   |  quorum                 |
//	cooling ---- cancel          |  "I can open it" (asking, cooling, climbing): the rung reset, by that person;
//	   |  time                   |  blocked, it goes back to where it was
//	climbing <-------------------+---- cancel ----> cancelled
//	   |  each rung: claimed, done with evidence, seen by another; blocked or passed over: the next one
//	   |---- seen ----> securing ---- settle, or 7 days ----> regained
//	   +---- past the last rung ----> failed, with the ticket
//
// # Guarantees
//
//   - The reporter never decides, by whatever name they come; who has done a rung never confirms it.
//   - No rung begins without either the approval or the word of a holder or the present owner that
//     they can open the mailbox, and none is left without a person's word.
//   - What a person says under "I can open it" reaches everybody who has a card at once, and anybody
//     who may cancel still stops it.
//   - It ends in regained, or somebody holds a ticket that can be sent as it is.
//   - Every open state has a timer or a waiting person.
//
// # Decisions
//
//   - Who can open the mailbox need not wait for a vote, since they could do it without Keyholder.
//     The question stays open meanwhile; without an answer to it no other rung begins.
//   - A second person who says so takes over the rung reset: the first one's is passed over by them.
//   - Where nobody is configured for a rung, administrators do it, and without them the holders.
//   - Keyholder changes nothing at integrator.io here: no interface of it resets a password. What it
//     adds is who did what, seen by whom, and the ticket.
//
// It imports workflows, approvals and what machines share; no I/O, no clock, no random numbers.
package recovery
