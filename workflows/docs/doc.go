// Package docs is the machine that keeps an account's documentation published: one page in the
// account's channel, which says what the keyring says ([keyring.Page]) and changes when that does.
//
//	publish -> waiting for the first reading -> shown <-- a reading that differs
//	               |                             |----- edited by hand: written anew, and it says so
//	               |                             |----- deleted: posted once more; again: it ends
//	               +-------- unpublish ----------+----> not published, until somebody publishes again
//
// An account has one such workflow, which never ends. What the documentation says now is I/O: a
// watch ([workflows.OpPage]) looks every [LookEvery] and answers only when it differs from what is
// shown. The page is a card like every other, desired state: the courier brings it, and nothing is
// sent while nothing changed. A card's Canvas makes it a canvas where Slack lets us.
//
// It imports workflows, keyring and nothing else of ours; no I/O, no clock, no random numbers.
//
// # Guarantees
//
//   - No fact of [keyring.Fact] that is restricted reaches the record of the page, or the page.
//   - A page that somebody deleted comes back once after each publishing; deleted a second time, that
//     is taken for a wish, and administrators are told how to publish it again.
//   - A page that is no longer kept up to date says so.
//
// # Decisions
//
//   - Each copy of the page is a card of its own name: a deleted message or canvas cannot be updated,
//     and a new name posts it anew without touching what the courier knows of the old one.
//   - The time of a reading is not part of the page, or the page would change with each reading.
package docs
