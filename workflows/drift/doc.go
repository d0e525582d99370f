// Package drift finds what nobody decided: who has access at integrator.io is compared with what
// decisions say, and each difference that none explains is put before those who look after access.
//
//	watcher  reading ---- the first one is the baseline ----> watching ---- no longer configured ----> ended
//	            |  looks every access.drift_every, and when somebody asks who has access
//	            +-- a difference ---- explained by the record, or in hand ----> (known, or looked at again)
//	                     |  none explains it
//	                     +--> a finding; past 20 an hour one card that can take all the rest as expected
//	finding  found ---- adopt: by as many as approve the role ----> expected
//	            |-- undo: a request for access is opened --------> undoing
//	            |-- as before again -----------------------------> gone
//	            |-- a decision since explains it ----------------> explained
//	            +-- ask: who did it by the audit log, else whose access it is (stays found)
//
// Watcher and finding are two machines, because a state that is two things is none. A finding's
// buttons are access's (access.adopt, .undo, .ask): a card of either asks the same.
//
// # Guarantees
//
//   - The first reading of an environment is the baseline. Later differences are compared with the
//     account's record; each that nothing explains is one finding, which follows further changes and
//     ends by itself when all is as before. What Keyholder itself wrote is no difference.
//   - Nothing is changed at integrator.io from here. Undoing opens a request that others approve.
//   - Nobody takes as expected what they asked for, what is theirs, or what the audit log names them
//     for; as many take it as approve the role.
//   - Each look is one event and one call, which is given up at the next look; a reading that shows
//     nothing new commits nothing.
//
// # Decisions
//
//   - A watcher looks by a timer in the time of commands, and not by a watch, so that moved clocks
//     and breaks count. It has no title, so lists of what is open leave it out. One that ended is
//     followed by another with a new baseline, as its ID is derived from how many there were.
//   - While an open request holds a person's lock, and while a transfer is open for mailboxes, the
//     owner and those who leave the list, a difference waits for the end of that. What the previous
//     owner has is explained for the time that settling may take.
//   - A finding asks the audit log who did it, for at most 15 minutes. An entry from before the last
//     decision about this access, or from before the last looks, is none.
//   - A user is a record: found by the IDs of the person and of the access, whatever the address is.
//   - Undoing is judged as the request that it opens. Whoever wires the machines gives the two
//     functions of access which say so ([Undoing]): the machines do not import one another.
//
// The package imports workflows, workflows/question and approvals; it does no I/O, reads no clock and
// draws no random numbers. Its stories are told together with those of access, in that room's tests.
package drift
