// Package key holds the machines of an account's master key: the owner's sign-in, taken out for a
// reason (key), rehearsed (drill), watched (keywatch), and asked about where nobody explains it
// (signin).
//
//	key:      request -- quorum 0 ----------------------------------> out
//	             |                                                     |
//	          asking -- approved ------------------------------------->|
//	             |                                                     |-- its time is over --> overdue
//	             +--> refused, expired, cancelled                      |                           |
//	                                                                back <-------------------------+
//	          sign-in, "it was me" ----------------------> explaining <+
//	                                                           |
//	             planned, emergency, misuse (alarm), unexplained (alarm)
//
//	drill:    running --> passed, gaps, cancelled
//	             holders: a word of the letter, or their word of honour
//	             keepers: one turn after another, seen in the audit log or attested
//
//	signin:   asking --> claimed (a use in retrospect), unknown (alarm); unanswered: alarm, and stays open
//	keywatch: one for each account, for ever
//
// # Guarantees
//
//   - Nobody says of their own use what it was, by whatever account of theirs; nor, where anybody else is
//     left, does who approved it.
//   - One use and one drill of an account at a time: the account's locks hold that.
//   - A sign-in belongs to exactly one use, turn or question. Readings of the audit log overlap by 15
//     minutes and entries are told apart by their _id, so one that comes up to 15 minutes late is found and
//     none is counted twice; one that comes later than that is not seen, and no reading can know it.
//   - Two keepers never have their turn at once. A word proves for the one holder it was sent to, for one
//     drill; three wrong ones prove nothing.
//   - A crash between sending the letter and recording that it went sends a second one, whose words hold.
//   - An alarm reaches every holder and administrator and the channel in Slack whatever the state of mail
//     and webhook, which are a second way beside it.
//
// # Decisions
//
//   - The key is free again when it is brought back, not when its use is explained: explaining may take days.
//   - A drill is of the mailbox that owns the account. While a person's own address owns it there is nobody
//     to ask, and the answer is how to hand it over.
//   - An expected time is stretched by five minutes at both ends, since clocks differ; where two would
//     take a sign-in, the nearer one has it, and of two that fit alike the later.
//   - A keeper is called to two turns at most, and reminded twice; later turns change their card in silence.
//   - Nobody's answer to a drill makes anybody else's button an old one: the question of a card is its person's own.
//   - Who holds what is judged anew at every click, and who was not asked at the beginning is not asked later.
//
// The package imports workflows, worktime, question and approvals; it does no I/O, reads no clock and
// draws no random numbers.
package key
