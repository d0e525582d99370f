// Package access is the machine for access on purpose: grant, change and remove, for as long as it is needed, in one environment of an account.
//
//	request     decided by a review ---- another request holds the lock ----> waiting ---- given up: failed
//	   |               |                                                         |
//	   |<--------------+<--------------------------------------------------------+
//	reading ---- the token is refused: looks again every 10 minutes ----> (reading)
//	   |    ---- nothing to do ------------------------------------------> done
//	   |  (urgent: straight to doing, the question is asked meanwhile; decided by a review: straight to doing, or, when it is not what the reviewer saw, asks)
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
//	                                              restoring ---- changed by somebody else since: asks ----> (adopt, undo)
//	                                                  v
//	                                                ended
//
// # Guarantees
//
//   - Requester and beneficiary never vote, not even for one another's delegates. Nobody attests their own access.
//   - What is written is exactly what was agreed; a change and a restoration write only when the access is the one that was read or given, and are read back.
//   - A time-box begins when the access is usable: at the accepted invitation, or at the write of a change. It ends by restoring the former access
//     or removing it, and never touches an access that somebody changed since: it asks. A user who was switched off is so again; that switch is a
//     toggle at integrator.io, so people press it and Keyholder reads.
//   - What could not be read is changed by people only, for nobody could restore it.
//   - Urgent access ends at its time whatever happens; a refusal ends it at once, also when it is on its way or an invitation is open.
//   - What a review decided needs no vote. It touches only the access that the reviewer saw, unless a person says to do it all the same; it is never given up
//     for being late; its packet is told of each milestone (pending; done, verified or failed) once, in the commit that reaches it.
//
// # Decisions
//
//   - Only one change of a person's access in an environment is decided at a time (a lock of the account); a time-box that runs does not hold it.
//   - A grant to somebody who is a user already is taken as a change, a change of somebody who is none as a grant: the card says so. What people want is the access.
//   - What stood before the first of the times that run is kept in the account's record, not in each of them; a decision for good made
//     meanwhile takes its place, and a time whose access a later decision replaced ends without touching anything.
//   - Extending asks the same people for the same length again, from the moment of the old end. A denied or forgotten extension changes nothing.
//   - The owner is refused: the API does not list them, and changing an owner is a transfer.
//   - The account's record keeps what was agreed, not what is seen: so a watcher notices what somebody made of it.
//   - What people say they did is read where the token can; without a token their word counts, and the cards say whose it is. What they did without saying
//     so is noticed by a watch at the distance of transfer.watch_every, while they are asked.
//   - Those who have not answered are reminded at half of their time and shortly before its end. At three quarters those who look after access and are not asked
//     get a card that says what they may do (remind, or have somebody delegate to), and the one who asked is told. Who could not be asked at first and can by
//     then is asked. No warning comes after the end that it warns of.
//   - An invitation is sent again within the approval and the time that it has, at most once a minute; so a declined one needs no new request.
//   - A card about what a review decided goes to people only when they must do something, or when it is late. The reviewer may attest, but decides no more about
//     an access that changed since: that is for those who look after access.
//   - Where integrator.io shows another access than was expected, it is read once more before people are asked, so that leaving it is recorded as their decision
//     about exactly that. A time-box takes its lock again for that while, and what was taken as expected on a finding's card is not asked again.
//   - A refused token (401) may be replaced: what is not urgent waits for that, until its time to be decided is over. What is urgent, or late, is handed to people.
//   - As many take something as expected as approve the role; nobody does who asked for it, whose access it is, or whom the
//     audit log names. What Keyholder itself wrote, for whichever workflow, is no difference.
//   - A user is a record: found by the IDs of the person and of the access, whatever the address is by then. An address
//     that another person has by now is not theirs.
//   - Urgent access only adds, and ends counted from when it was asked for. Nothing is given to or for somebody who has left.
//
// The package imports workflows, workflows/question and approvals; it does no I/O, reads no clock and draws no random numbers.
package access
