// Package integrator is the REST client of Celigo integrator.io and the deliverer of Call effects.
//
// It may import workflows and nothing else of ours. The lower layer has one file per resource (ashares, transfers, integrations, jobs,
// stacks, identity) over client.go, list.go and link.go; the operations are in ownership.go, users.go and inspect.go; what an
// answer means is in classify.go. Facts about the interface are from the project's reference of it, whose doubts are handled as the
// decisions below say.
//
// # Guarantees
//
//   - Every operation reads before it writes, so delivering it twice is harmless. After an unclear write (time-out, 5xx, cut
//     connection, a 2xx that cannot be read) nothing is sent again in that delivery; the next one reads first, and not
//     before the write had time to show.
//   - Exactly one invitation to become the owner stands: what is there already is adopted; when integrator.io refuses because of a pending one that the
//     reading did not show, it is read and adopted.
//   - The lease is held before every request, and each request ends within [workflows.CallTimeout].
//   - The token goes to the account's own host only: redirects elsewhere are not followed, and addresses of next pages
//     keep path and query but are asked of the configured host.
//   - Half a list is never taken for a list, and an empty answer (204) never for proof: a token that lost its rights reads empty
//     lists, too.
//   - Log lines and error texts carry no token, query, body or address. The server's words go into receipts only.
//
// # What answers mean
//
//	429                                   again after Retry-After (2 s without), for the whole account
//	408, 425, 5xx, 3xx, no or unreadable answer   again
//	401                                   refused: unauthorized
//	other 4xx                             refused: by code, else by the known texts, else 403 forbidden, 409 already_user, other
//
// 404 means: gone, for what is to be removed; forbidden, for the invitations, because people can do on the page what the
// interface does not offer; not_a_user, for a user whose record vanished; other elsewhere.
//
// # Decisions
//
//   - An empty answer for transfers counts as "none" only after the same token was shown users and the second reading is empty as well. An
//     account whose owner is its only user can so not be told from a token without rights: the operations refuse with
//     forbidden, and people act. OpInviteUser is the exception: it invites, for integrator.io itself refuses a token without rights.
//   - OpInviteOwner adopts what is new since Call.Seen, for the address, and pending. A record that names nobody counts as for the address. One
//     that is done already is adopted as well if it names the address: the invitation of an unclear attempt was accepted meanwhile.
//   - OpWithdraw reports a transfer that is queued, started or done and leaves it alone: the new owner has said yes. It answers no transfer
//     when the invitation is gone. A cancelled record that integrator.io will not delete counts as withdrawn.
//   - Watches take an empty Call.Known for "absent". What cannot be read just now (the list of users) stays as Known has it.
//   - The list of users proves that the previous owner is listed whatever the record's status: an owner is in it never.
//   - OpSetRole sends the record as it was read with accessLevel changed and integrationAccessLevel emptied. OpInviteUser asks for a second
//     factor (accountMFARequired) from administrators.
//   - Something that is missing from a list is told as missing only after a second delivery a second later: readings may be old, and a list that
//     changes while it is paged may leave a row out.
//   - net/http itself repeats a GET whose reused connection was cut, within the same time-out and under the same hold of the lease. It never does
//     so for a write that may have been sent.
//   - Transfers that other accounts offer to this account's owner stand in the same list; they name a sender and no addressee, and are left out.
//   - A contradiction (an accepted write does not show) is tried again five times in one process, then taken for integrator.io's word;
//     otherwise it would block the account's queue for a day. The count is not kept across restarts.
//   - A reading fails as a whole while tokenInfo, users or transfers fail for the moment, or on any 429. Of the other parts one that keeps
//     failing is given up after five tries and named in Unread. A refused part is named at once.
//   - Capabilities are concluded from one reading alone, nothing is remembered: ChangeUsers and Start are Unknown at best, and No where even reading is
//     refused, because writes read first. Whether a write works shows in its receipt.
//   - StackGaps: stacks shared with the account (GET /v1/shared/sshares) or, by its own shares (GET /v1/sshares), with the
//     recorded owner, minus those shared with or owned by the target. What another account shares with the target cannot be seen, so a gap may be
//     named that is none; a holder can waive it.
//   - Shared: connections registered with more than one integration, and those integrations. A connection is on unless offline; an integration is
//     on while one of its flows is enabled. That single users have access to an integration is not counted: a change of owner does not touch it.
//   - Errors of flows outside any integration are not counted: no interface for them is known.
package integrator
