// Package access is the machine for access on purpose: grant, change and remove, for as long as it is needed, in one environment of an account;
// and the two machines that find what nobody decided.
//
//	request
//	   |
//	reading ---- nothing to do ------------------------------------------> done
//	   |  (urgent: straight to doing, the question is asked meanwhile)
//	approving ---- refuse ----> refused      time over ----> expired      cancel ----> cancelled
//	   |  quorum
//	 doing ---- integrator.io refuses: remedy (failed) or page steps, attest, read ----> (doing)
//	   |  invited                                   |  done at once
//	pending ---- accepted ----------------+         |
//	   |  nobody accepted: deleted        |         |
//	   v                                  v         v
//	expired                     for always: done;  time-boxed: active
//	                                                  |  end, early or on time
//	                                              restoring ---- changed by somebody else since: asks ----> (adopt, undo)
//	                                                  v
//	                                                ended
//
//	watcher: reading ---- baseline ----> watching ---- no longer configured ----> ended
//	finding: found ---- adopt ----> expected      undo ----> undoing (a request)      as before again ----> gone
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
//   - The first reading of an environment is the baseline. Later differences are compared with the record of what was decided; each that nothing explains is
//     one finding, which follows further changes and ends by itself when all is as before. Nothing is undone without a request that others approve.
//
// # Decisions
//
//   - Only one change of a person's access in an environment is decided at a time (a lock of the account); a time-box that runs does not hold it.
//   - A grant to somebody who is a user already is taken as a change, a change of somebody who is none as a grant: the card says so. What people want is the access.
//   - Extending asks the same people for the same length again, from the moment of the old end. A denied or forgotten extension changes nothing.
//   - The owner is refused: the API does not list them, and changing an owner is a transfer.
//   - The account's record keeps what was agreed, not what is seen: so a watcher notices what somebody made of it.
//   - What people say they did is read where the token can; without a token their word counts, and the cards say whose it is.
//   - Those who have not answered are reminded at half of their time and shortly before its end; the second time the one who asked is told, too.
//   - Watchers and findings are machines of their own (letters d and f), because a state that is three things is none; a finding's buttons are access's.
//     A watcher has no title, so lists of what is open leave it out.
//   - While an open request holds a person's lock, and while a transfer is open for mailboxes, the owner and those who leave the list, a difference waits for the end of
//     that. What the previous owner has is explained for the time that settling may take.
//   - At most 20 cards an hour and environment; the rest waits on one card that can take all of it as expected. Nobody takes their own access as expected.
//   - A watcher that ended is followed by another one with a new baseline, as its ID is derived from how many there were.
//
// The package imports workflows and approvals; it does no I/O, reads no clock and draws no random numbers.
package access
