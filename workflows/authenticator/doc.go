// Package authenticator is the machine of one person's authenticator app, whose one-time codes (RFC 6238)
// show who they are before a click counts that the policy names. It keeps that there is one, since when it
// counts, which code was used last and how many were wrong; the secret is in it only as the bot has sealed it,
// and codes are not in it at all.
//
//	waiting ---- the time is over, or an administrator's word ----> counting ---- five wrong codes ----> locked
//	   |  "this was not me", or an administrator says no                |                                  |
//	   +--------------------> stopped                    reset <--------+---- two administrators ----------+
//
// One workflow for each person, of no account: it begins anew when they set an app up again, and each time is a
// message of its own. It stands under [workflows.AccountOfPeople], whose administrators are those of all accounts
// that ask for proofs.
//
// It may import workflows, what the machines share, and approvals; it does no I/O, reads no clock
// and draws no random numbers.
//
// # Guarantees
//
//   - A code serves once, whoever types it and at whichever replica: the step of time of a code that was taken is
//     in the record, and none that is not later is taken again. The commit decides, not the memory of a process.
//   - After [MaxWrong] wrong codes in a row none is taken, right or wrong, until it is reset.
//   - A reset takes two administrators, neither of them the person, under whichever ID or address, nor both one
//     and the same. It gives nobody an app: it only ends the one that is there.
//   - Whoever sets one up does so with a Slack session and nothing else, so a stolen session could. Therefore it
//     counts only after [CountsAfter], all administrators and the person are told at once, and any one of them
//     ends it until then; or sooner, by the word of an administrator who has asked the person, or where they
//     showed who they are in another way when they set it up.
//   - That word, and both halves of a reset, themselves want a proof ([Proofs]).
package authenticator
