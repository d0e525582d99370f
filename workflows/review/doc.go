// Package review is the machines for access reviews: a campaign for each account and period, a
// packet for each reviewer's share of its rows, and a calendar that opens campaigns by itself. What
// they ask about, and whom, is package population's; files of users are read by package lists, and
// what is exported in the end is made by package evidence.
//
//	campaign (r)
//
//	request, by an administrator or the calendar
//	   |
//	gathering ---- a token: the list is read; no token, or refused: a file of the Users page
//	   |           and a second person who counts
//	   |                                  \
//	   |  every environment is read,       \ nobody can review anything ----> cancelled
//	   |  confirmed or excluded
//	 open ---- all parts signed off, or the time (window + grace) over
//	   |
//	closing ---- every packet has closed
//	   |
//	fixing ---- a fresh list may come: it verifies what is only a word
//	   |  every packet has ended
//	completed
//
//	packet (p)
//
//	request, by the campaign, with its rows
//	   |
//	reviewing ---- deciding, undo, hand-over, reminders, escalation ----> (reviewing)
//	   |    \
//	   |     \ sign off: every row has what it needs
//	   |      v
//	   |    signed
//	   |      |
//	   v      v  the campaign closes: what is open becomes no_answer, each change and removal an access request
//	 fixing ---- done, failed, begun again, confirmed, verified ----> (fixing)
//	   |  all of it verified; at once where there is none
//	completed
//
//	calendar (k), one for each account, for ever
//
//	waiting ---- a working day before: the administrators are told ----> (waiting)
//	   |   \
//	   |    \ the day: the campaign is asked to start, the next day is planned ----> (waiting)
//	   |
//	resting ---- the account is configured again ----> (waiting)
//
// # Guarantees
//
//   - The population is frozen before anybody decides: the list's bytes, their SHA-256, the number
//     of users, the source and the time stand in events, and so do the answers it was read from.
//     The owner, whom integrator.io does not list, and each shared mailbox are rows, too. An
//     environment that could not be read is named with its reason, never left out in silence, and
//     read again until the review ends; production is never left out.
//   - API tokens are rows as well, on pages of their own. Of an environment whose tokens cannot be
//     read that is said, and an empty list is taken for one that cannot: whoever reads has a token.
//   - Each row is in exactly one packet. A packet holds at most 250.
//   - Nobody decides a row with their own address. The plan sees to it; escalation, delegation and
//     reassignment do; and when an address becomes known or changes later, the form shows the row
//     as text and a form that decides it all the same is told so, while its other rows are kept.
//   - A row that concerns everybody who could review it is an exception: only keep counts, with a
//     reason, and it is listed. When the part goes to somebody whom
//     it does not concern, the row is open again and no exception.
//   - Of two reviewers nobody loses work. A form carries the round in which it was shown; a row
//     that somebody else has changed since is left as it is and
//     named, the others are saved. What somebody took back counts as changed.
//   - Signed rows do not change. Signing is refused, with the rows by name, while one lacks a
//     decision, a reason or a role.
//   - In the end each row has an answer: keep, change, remove or no_answer. no_answer removes only
//     where the account's rules say so, and never an owner, a
//     mailbox or an exception.
//   - What is to be done goes through the access machine, which refuses to touch what somebody
//     changed since the list was frozen. Each try has an ID of its own, so
//     what is told twice, late or out of order changes nothing.
//   - What is only a person's word is not verified by that person, nor by whom it is about: another
//     administrator or holder confirms it, or a list that was
//     taken afterwards shows it. Every remedy says how it came about.
//   - Reminders go to those who are still open, in their own working hours. Whoever is deactivated,
//     away for more than two days or has
//     delegated is replaced at once when that is seen, at the latest a day later.
//   - There is one campaign for a period: its ID is the period's. The calendar opens no period that
//     began before the account was known, and makes up for a
//     missed day only while its period runs.
//
// # Decisions
//
//   - Packets are workflows of their own, because two hundred rows decided by ten people in one
//     record would make each click wait for the others and each commit carry everything. The
//     campaign hears of a packet when it is handed over, signed, closed and carried out, not of
//     each row.
//   - Rules, people and addresses are frozen when the campaign opens; standing, absence and
//     delegations are looked up when somebody acts or time passes.
//   - A page is saved by turning it, so that closing the form by accident costs one page at most.
//     After undo and "keep all" a notice stands between two pages:
//     Slack keeps what stands in the fields of a form that is only changed.
//   - Undo takes back one's own last saving, and only while it is the last of all: it must not
//     carry away what somebody decided after it.
//   - Keeping together is for rows without a flag whose user can administer nothing: what a
//     reviewer should think about cannot be waved through. Who keeps
//     everything in less than two seconds a row may sign, and the record says it.
//   - A review makes nobody an administrator: one reviewer decides, and gaining that needs the
//     approvals of an access request. Roles are proposed narrower.
//   - A reason is asked where something unusual is kept, not where it is taken away: the easy way
//     out should be the safe one.
//   - The first step of an escalation adds a person, so that nothing that was begun is lost; the next ones replace.
//   - A wanted change of owner is not carried out, and not counted among what is: it needs the
//     consent of the transfer machine's approvers. The cards and the
//     export name it. A mailbox that is a user of the account changes its role as a user does, and is never removed.
//   - IT's word about a mailbox stands beside the mail system's list, and never in its place: a
//     word must not hide a difference that a machine has found.
//   - A list that was taken before something was done says nothing about it; nor does one from
//     before the end of the review.
//   - A token that is not kept is revoked by people: whether integrator.io lets others do it is not
//     sure, and a personal one only its maker can. The list is read until it shows that, whoever
//     says so; where it cannot be read, a second person confirms.
//   - What is late or failed never closes by itself: the packet waits for people, and shows them.
//   - Stories name addresses and reasons in the events themselves, for an event is told without the state around it.
//   - The calendar does not move the day to a working day, and tells the administrators on the working day before.
//
// The package imports workflows and approvals; it does no I/O, reads no clock and draws no random numbers.
package review
