// Package access is the machine for access on purpose: grant, change and remove, for as long as it is needed, in one environment of an account.
//
//	request
//	   |
//	reading ---- nothing to do ------------------------------------------> done
//	   |  (urgent: straight to doing, the question is asked meanwhile)
//	approving ---- refuse ----> refused      time over ----> expired      cancel ----> cancelled
//	   |  quorum
//	 doing ---- integrator.io refuses: remedy or page steps, attest ----> (doing)
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
// # Guarantees
//
//   - Requester and beneficiary never vote, not even for one another's delegates.
//   - What is written is exactly what was agreed; a change and a restoration write only when the access is the one that was read or given, and are read back.
//   - A time-box begins when the access is usable: at the accepted invitation, or at the write of a change. It ends by restoring the former access
//     or removing it, and never touches an access that somebody changed since: it asks an administrator.
//   - Urgent access ends at its time whatever happens; a refusal ends it at once.
//
// # Decisions
//
//   - Only one change of a person's access in an environment is decided at a time (a lock of the account); a time-box that runs does not hold it.
//   - A grant to somebody who is a user already is taken as a change, a change of somebody who is none as a grant: the card says so. What people want is the access.
//   - Extending asks the same people for the same length again, from the moment of the old end.
//   - The owner is refused: the API does not list them, and changing an owner is a transfer.
//   - A denied or forgotten extension changes nothing: the old end holds.
//
// The package imports workflows and approvals; it does no I/O, reads no clock and draws no random numbers.
package access
