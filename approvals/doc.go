// Package approvals holds the rules of who may decide a question and what is
// decided so far: quorum, lists, four eyes, veto, delegation and expiry.
//
// It imports the standard library only, reads no clock and does no I/O: time,
// standing and delegations are arguments, so the same ballot judged with the
// same arguments gives the same tally today and in an audit years later. All
// types are plain data that keep their meaning through JSON.
//
// # The rules, as a person would read them
//
//   - A ballot asks one question of a frozen list of seats, its electorate. Who is
//     not on the list is not asked, whatever the configuration says later.
//   - It is approved when as many seats as the quorum approve and, among their
//     votes, as many different people as Eyes demands clicked. One person never
//     approves anything that needs two.
//   - A ballot may ask for somebody of each of several lists besides: a different person for
//     each. A vote stands in the lists of its seat, so a delegate stands in those of the one
//     they stand for. Who stands in two lists brings one of them, whichever helps.
//   - A refusal is a veto, unless the ballot asks for more than one refusal.
//   - A barred person (who asked, who would gain) never decides: not in their own
//     seat, not for somebody else, and nobody decides in their seat for them.
//   - Who is barred is found by ID and by every address known of a person, then and now,
//     confirmed or not (Party, Bars): one rule for all who must not act for themselves.
//   - Only people in good standing decide. Standing is asked anew at each count: the
//     vote of a person who was deactivated since then no longer counts, be it an
//     approval or a refusal, and neither does one cast in such a person's seat.
//   - A person may delegate their seat for a time. The delegate votes in that seat and
//     in their own, so may fill several seats, but stays one person. Delegation
//     does not chain. The vote keeps the delegation it was cast under; ending the
//     delegation later does not undo the vote.
//   - The owner of a seat always has the last word over a delegate: their vote replaces
//     the delegate's, and no delegate replaces theirs.
//   - Until it is decided, a person may change their mind, and the last vote counts.
//     The same vote twice is one vote.
//   - Votes count in the order of their time, then of their place in the list. The first
//     decision reached stands; votes after it do not count. Votes before Opens, at or
//     after Closes, or later than the time of the count do not count either.
//
// # Outcomes
//
//	              quorum, eyes and lists reached
//	       +------------------------------> approved
//	       |      vetoes reached
//	open --+------------------------------> refused
//	       |      Closes came first
//	       +------------------------------> expired
//	       |      too few eligible seats
//	       +------------------------------> dead
//
// An outcome is what one count says, not a stored state: approved is open again
// when an approver lost standing before the ballot was acted upon, which is why
// votes are judged again before acting; dead is open again when somebody comes
// back. Whoever acts upon an outcome records it. Open and approved are winnable; refused, expired and dead are not.
// When several would fit, approved or refused (whichever the votes reached
// first) goes before expired, and expired before dead.
//
// # Decisions taken
//
//   - A quorum below 1 is damage, not a wish: such a ballot can be refused and can expire
//     but never be approved (dead), because a quorum that got lost must not turn
//     into the weakest quorum there is.
//   - A list that nobody of the electorate stands in asks for what nobody can give (dead), for
//     the same reason.
//   - Eyes is raised to min(2, Quorum) when it is lower, so no ballot can switch four eyes
//     off. Eyes above Quorum is allowed and asks for that many seats.
//   - A vote that does not count replaces nothing: when it is void, the vote it would have
//     replaced counts again.
//   - A second delegate of a seat with the same choice adds nothing, so the first stands;
//     only the owner of the seat replaces a vote by an equal one, since that changes
//     who decided (and may bring the missing second pair of eyes).
//   - Changing one's mind works in both directions. Refusing and then approving matters only
//     where Vetoes is more than 1, for otherwise the first refusal has ended it.
//   - One person who refuses in two seats refuses twice: the care that Eyes takes is for
//     approvals, and in doubt nothing happens.
//   - Every vote comes back from a count: in Counted, in Refusals, or in Voided with the
//     reason. Nothing is dropped silently.
package approvals
