// Package access is the machine for access on purpose: grant, change and remove, for as long as it
// is needed, in one environment of an account.
//
//	request    decided by a review ---- another request holds the lock ----> waiting ---- given up: failed
//	   |              |                                                         |
//	   |<-------------+<--------------------------------------------------------+
//	reading ---- the token is refused: looks again every 10 minutes ----> (reading)
//	   |    ---- nothing to do ------------------------------------------> done
//	   |  urgent: straight to doing, asked meanwhile; by a review: straight to doing, or asks whether it stays
//	approving ---- refuse ----> refused      time over ----> expired      cancel ----> cancelled
//	   |  quorum
//	 doing ---- integrator.io refuses: remedy (failed) or page steps, attest or noticed by reading ----> (doing)
//	   |  invited                                   |  done at once
//	pending ---- accepted ----------------+         |
//	   |    ---- declined: waits to be sent again, or for its end ----> (pending)
//	   |  nobody accepted: deleted        |         |
//	   v                                  v         v
//	expired                     for always: done;  time-boxed: active
//	                                                  |  end, early or on time
//	                                              restoring ---- changed by somebody since: asks ----> (adopt, undo)
//	                                                  v
//	                                                ended
//
// Each stage has a file, in which all that it says and asks, and the events that lead into it, stand
// together. Beside them stand the parts that several stages share: what people do in the pages
// (hand.go), what somebody made of an access meanwhile (changed.go), what the end brings back
// (former.go), and by which way it came to be (way.go, review.go). What is asked of approvers, for
// the access (approving.go) and for more time (active.go), is package question's.
//
// # Guarantees
//
//   - Requester and beneficiary never vote, not even for one another's delegates. Nobody attests
//     their own access.
//   - What is written is exactly what was agreed; a change and a restoration write only when the
//     access is the one that was read or given, and are read back. What could not be read is changed
//     by people only, for nobody could restore it.
//   - A time-box begins when the access is usable: at the accepted invitation, or at the write of a
//     change. It ends by restoring the former access or removing it, and never touches an access that
//     somebody changed since: it asks. A user who was switched off is so again; that switch is a
//     toggle at integrator.io, so people press it and Keyholder reads.
//   - Urgent access only adds. It ends at its time, counted from when it was asked for, whatever
//     happens; a refusal ends it at once, also when it is on its way or an invitation is open.
//   - What a review decided needs no vote. It touches only the access that the reviewer saw, unless a
//     person says to do it all the same; it is never given up for being late; its packet is told of
//     each milestone (pending; done, verified or failed) once, in the commit that reaches it.
//   - What a review decided about an access answers an open request for its removal: a removal takes
//     it over, a keep ends it, unless it is somebody's own access or is being removed already, which
//     is said on the card.
//   - Nothing is given to or for somebody who has left.
//   - A user is a record: found by the IDs of the person and of the access, whatever the address is by
//     then. An address that another person has by now is not theirs.
//
// # Decisions
//
//   - Only one change of a person's access in an environment is decided at a time (a lock of the
//     account); a time-box that runs does not hold it. What stood before the first of the times that
//     run is kept in the account's record, not in each of them; a decision for good made meanwhile
//     takes its place, and a time whose access a later decision replaced ends without touching
//     anything.
//   - A grant to somebody who is a user already is taken as a change, a change of somebody who is none
//     as a grant: the card says so. What people want is the access. The owner is refused: the API does
//     not list them, and changing an owner is a transfer.
//   - Extending asks the same people for the same length again, from the moment of the old end. A
//     denied or forgotten extension changes nothing. Neither it nor the question about an urgent
//     access reminds anybody: the end of the time is told by itself.
//   - Whoever is quiet gets no card of a question, nor of an urgent access for being asked about it;
//     what they have to do, or hear as holder or administrator, comes to them all the same.
//   - The steps in the pages are not package step's: they are sworn to by one button and one
//     sentence, which the contract fixes (access.attest), and then seen by reading; who reads takes
//     back what is not so, and without a word notices what is. A claim, evidence and a second pair of
//     eyes are for what nobody can read.
//   - Where integrator.io shows another access than was expected, it is read once more before people
//     are asked, so that leaving it is recorded as their decision about exactly that. A time-box takes
//     its lock again for that while, and what was taken as expected on a finding's card is not asked
//     again.
//   - A refused token (401) may be replaced: what is not urgent waits for that, until its time to be
//     decided is over. What is urgent, or late, is handed to people.
//
// The package imports workflows, workflows/question and approvals; it does no I/O, reads no clock and
// draws no random numbers.
package access
