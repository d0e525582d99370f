// Package integrator is the REST client of Celigo integrator.io and the deliverer of Call effects.
//
// It may import workflows and nothing else of ours. The lower layer has one file per resource
// (ashares, transfers, integrations, jobs, stacks, identity) over client.go, list.go and link.go;
// the operations are in ownership.go, users.go, grant.go, change.go, reinvite.go, census.go,
// evidence.go (a census with proof), trace.go (the audit log) and inspect.go, with the words of
// access in access.go; direct.go reads for people who wait; what an answer means is in classify.go.
// Facts about the interface are from the project's reference of it, whose doubts are handled as the
// decisions below say.
//
// # Guarantees
//
//   - Every operation reads before it writes, so delivering it twice is harmless. After an unclear
//     write (time-out, 5xx, cut
//     connection, a 2xx that cannot be read) nothing is sent again in that delivery; the next one reads first, and not
//     before the write had time to show.
//   - Exactly one invitation to become the owner stands: what is there already is adopted; when
//     integrator.io refuses because of a pending one that the
//     reading did not show, it is read and adopted.
//   - One invitation grants one access: what was answered is never sent again, what grants the very access is adopted.
//   - A record is changed by one PUT a delivery, of every field as it was read but the agreed ones,
//     and only while it has the access that was expected; it is read back and compared. Two writers
//     in the same moment cannot be told apart: integrator.io has no condition for a write.
//   - The lease is held before every request, and each request ends within [workflows.CallTimeout].
//   - The token goes to the account's own host only: redirects elsewhere are not followed, and addresses of next pages
//     keep path and query but are asked of the configured host.
//   - Half a list is never taken for a list, and an empty answer (204) never for proof: a token
//     that lost its rights reads empty
//     lists, too.
//   - Log lines and error texts carry no token, query, body or address. The server's words go into receipts only.
//
// # What answers mean
//
//	429                                   again after Retry-After (2 s without), for the whole account
//	408, 425, 5xx, 3xx, no or unreadable answer   again
//	401                                   refused: unauthorized
//	other 4xx                             refused: by code, else by the known texts, else 403 forbidden, 409
//	                                      already_user, other
//
// 404 means: gone, for what is to be removed; forbidden, for the invitations, because people can do
// on the page what the interface does not offer; not_a_user, for a user whose record vanished;
// other elsewhere.
//
// # Decisions
//
//   - An empty answer for transfers counts as "none" only after the same token was shown users and
//     the second reading is empty as well. An account whose owner is its only user can so not be
//     told from a token without rights: the operations refuse with forbidden, and people act.
//     OpInviteUser is the exception: it invites, for integrator.io itself refuses a token without
//     rights.
//   - OpInviteOwner adopts what is new since Call.Seen, for the address, and pending. A record that
//     names nobody counts as for the address. One that is done already is adopted as well if it
//     names the address: the invitation of an unclear attempt was accepted meanwhile.
//   - OpWithdraw reports a transfer that is queued, started or done and leaves it alone: the new
//     owner has said yes. It answers no transfer
//     when the invitation is gone. A cancelled record that integrator.io will not delete counts as withdrawn.
//   - Watches take an empty Call.Known for "absent". What cannot be read just now (the list of
//     users) stays as Known has it.
//   - The list of users proves that the previous owner is listed whatever the record's status: an owner is in it never.
//   - OpSetRole sends the record as it was read with accessLevel changed and integrationAccessLevel
//     emptied, as OpChangeAccess does without
//     Known. OpInviteUser sends every field, and asks for a second factor (accountMFARequired) from administrators.
//   - Custom is no accessLevel with grants, and monitor with grants: integrator.io's page calls
//     both Tile. The latter, a hybrid, has [AllIntegrations] among Monitor, so its mark is neither
//     that of monitor nor that of its grants, and writing it back restores the level as well. A
//     level on an integration that is neither manage nor monitor is shown as "id=level" among
//     Manage; such an access equals no other and OpChangeAccess does not touch it, for it could not
//     be restored. Grants next to manage and administrator are ignored by integrator.io, and so
//     here.
//   - OpGrant names nothing but address and access; other fields rest on integrator.io's defaults.
//     A declined invitation with another access is refused as already_user like every other one:
//     delete it first. A disabled user with the very access is adopted, and stays disabled.
//   - A new administrator gets accountSSORequired where an enabled SSO client is seen, else
//     accountMFARequired, never both and neither when one is set already. Who signs in to another
//     account by SSO gets the latter: SSO required here would lock them out. Where SSO cannot be
//     read the account counts as without. Losing administrator leaves both as they are.
//   - OpRemoveAccess with Known reads the record itself, not the list alone. RefusedChanged and,
//     for grants, already_user come only
//     after a second delivery saw the same: readings may be old.
//   - A census of nobody, be it 204 or [], is refused as forbidden unless the same token is shown
//     transfers. A watch tells a changed census after a second
//     delivery; the first census (Known empty) at once. Rows that a growing list repeats are counted once.
//   - A raw census reads a list of several pages twice, until two readings one after the other show
//     the same people with the same access, at most three times a delivery; the pages of the last
//     reading are the evidence, and the users are decoded from those very bytes. A list of one page
//     is read once, unless it repeats a row. One that still moves in the sixth delivery is told
//     with the part users in Unread. Sign-ins are no change. A body is what came after transfer and
//     content coding, so its hash is of the JSON as integrator.io wrote it. Nothing is taken from
//     what Gateway.Users remembers.
//   - Of API tokens the value is never decoded, masked or not. Integrations of a raw census include
//     children: old grants may name them.
//   - OpTrace takes create and delete, and each update but those that say they only touched what
//     gives no access (accepted, dismissed, sign-ins, what to sign in with). It asks for the
//     ashare's ID and the person's, also for Call.ID, the ashare's ID from an earlier census.
//     Somebody who is no user any more is recognised by an address anywhere in an entry but in
//     byUser, or by the ID under which they acted themselves. The order of the log is not relied
//     on; at most 20 pages are read, 20,000 entries, and what lies behind them is not found.
//     Entries may be written late, so "nothing" takes a second delivery.
//   - OpReinvite repeats a mail, which cannot be seen afterwards where nobody had declined. It is
//     not sent again when the decline is gone, when its answer was read, or when the record was
//     written since an unclear attempt; Call.Known, a mark that begins with dismissed, covers a
//     restart. Without these a restart in that very moment can send a second mail.
//   - OpReadAccess without a token answers a reading whose capabilities are all No, as OpInspect
//     does. A child integration is not offered.
//   - Gateway.Integrations remembers for 60 s, per configured environment; Gateway.Users asks each time.
//   - Something that is missing from a list is told as missing only after a second delivery a
//     second later: readings may be old, and a list that
//     changes while it is paged may leave a row out.
//   - net/http itself repeats a GET whose reused connection was cut, within the same time-out and
//     under the same hold of the lease. It never does
//     so for a write that may have been sent.
//   - Transfers that other accounts offer to this account's owner stand in the same list; they name
//     a sender and no addressee, and are left out.
//   - A contradiction (an accepted write does not show) is tried again five times in one process,
//     then taken for integrator.io's word;
//     otherwise it would block the account's queue for a day. The count is not kept across restarts.
//   - A reading fails as a whole while tokenInfo, users or transfers fail for the moment, or on any
//     429. Of the other parts one that keeps
//     failing is given up after five tries and named in Unread. A refused part is named at once.
//   - Capabilities are concluded from one reading alone, nothing is remembered: ChangeUsers and
//     Start are Unknown at best, and No where even reading is
//     refused, because writes read first. Whether a write works shows in its receipt.
//   - StackGaps: stacks shared with the account (GET /v1/shared/sshares) or, by its own shares (GET
//     /v1/sshares), with the recorded owner, minus those shared with or owned by the target. What
//     another account shares with the target cannot be seen, so a gap may be named that is none; a
//     holder can waive it.
//   - Shared: connections registered with more than one integration, and those integrations. A
//     connection is on unless offline; an integration is on while one of its flows is enabled. That
//     single users have access to an integration is not counted: a change of owner does not touch
//     it.
//   - Errors of flows outside any integration are not counted: no interface for them is known.
package integrator
