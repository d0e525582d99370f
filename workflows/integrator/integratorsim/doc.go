// Package integratorsim is a Celigo integrator.io that runs locally: the part of its REST API that concerns the
// administration of accounts. It serves /v1/..., the same under /api/... (the paths of Celigo's pages), and a control
// under /_sim/ that is not Celigo's. It keeps everything in memory, and imports the standard library only.
//
// Use it with any client of that API: curl, Celigo's CLI, baton-celigo, or one's own. The control asks for no token, so
// listen on a loopback address.
//
//	s, demo := integratorsim.Demo(integratorsim.Options{})
//	http.ListenAndServe("127.0.0.1:8889", s) // Authorization: Bearer <demo.ProductionToken>
//
// What people do in Celigo's pages is an [Action], given to Act or posted to /_sim/act; its field
// by is who does it, and must have the right to.
//
// # State of a transfer
//
//	invite -> unapproved --accept--> queued --half of SettleAfter--> started --SettleAfter--> done | failed
//	              |  \--dismiss--> unapproved, dismissed: true
//	              +--cancel (also while queued)--> canceled
//
// Time passes lazily: each request, action and snapshot first brings accepted transfers to where
// Options.Now says they are. At the end the target is judged once more; one who is no longer fit
// makes the record failed, with transferErrors.
//
// # What is faithful
//
// Sources, as named in the reference that this follows: developer docs (developer.celigo.com),
// celigo/ai (Celigo's guide and API map on GitHub), UI source and QA tests (facts of Celigo's
// interface and end-to-end tests), help (docs.celigo.com).
//
//   - developer docs: 401 with a bare message, every other error as errors[] with code, message and
//     field; the rate limit with its body and Retry-After: 2; include and exclude; Link paging;
//     tokenInfo; ssoclients 200 or 204; environments.
//   - celigo/ai: imports?adaptorType=, scripts, jobs/latest of flows and integrations; two kinds of
//     token, their fields and ends;
//     the owner is not in /ashares; the record's fields; PUT erases what it leaves out; invite and
//     invite/multiple; 409, 404, 422; pending invitations take seats; grants are ignored with manage and administrator;
//     listing jobs needs a flow, an integration or a job; SSO must be configured before a user can be made to use it.
//   - UI source: transfers with their statuses and flags, invited, accept, dismiss, cancel, delete; the disable toggle;
//     reinvite; shared/ashares with ownerUser; sshares; the header integrator-ashareid; MFA resets; accountSettings.
//   - QA tests: both refusal texts of an account transfer, the audit log's window text, the 409's
//     text, and that the previous
//     owner becomes manage with both companies the previous owner's value.
//   - help: the target is a user of production; the previous owner keeps manage in production and nothing elsewhere; an
//     integration that shares a connection cannot move.
//
// # What is inferred or unknown, and how it is decided here
//
//   - Statuses and codes of a refused account transfer: 422 with transfer_already_pending,
//     user_not_in_account, invitation_not_accepted, user_disabled, multiple_organizations,
//     invalid_environment. Only the texts about several organisations and the pending transfer are
//     Celigo's. 403 is access_restricted, 404 resource_not_found, 409 duplicate_user.
//   - A pending invitation to another account does not make somebody "part of multiple organizations"; accepted access
//     (disabled or not) and an account of one's own do.
//   - "Delete the pending transfer": unapproved, dismissed and canceled records all block a new one
//     until deleted; done and
//     failed ones do not.
//   - An administrator's token may not start, cancel or delete an account transfer (403), unless it
//     was made with MayTransfer.
//   - Identity is swapped in a transfer: the account's _id stays with the account, so the two
//     people trade document IDs.
//     tokenInfo answers the same before and after, and every token keeps working.
//   - Empty lists are 204 without a body, everywhere (Options.EmptyAsArray: 200 and []). So are the
//     lists of a token that lost its rights, and /ashares and
//     /transfers for somebody who is neither owner nor administrator.
//   - disabled in a PUT of an ashare: set when given, left alone when not. /disable is a toggle,
//     reinvite and accept answer 204.
//   - Entries of the audit log about users name the person as _resourceId, or with
//     Options.AuditShareIDs the ashare. What fieldChanges holds for them is inferred from the
//     records: email and the access for create, email for delete, the fields that changed for
//     update. The log of a token is that of its environment, with what concerns the whole account.
//   - Sign-ins are entries of resourceType user and event signin, source ui or sso, byUser and
//     _resourceId whoever signed in: who sat at the keyboard the log does not say. A password is
//     reset by the newest mail's link, once and within an hour; the mailbox may be off, and then
//     nothing arrives.
//   - Personal access tokens (tokenType ashare) have their maker's rights of now and answer 401
//     when those end; a token past its autoPurgeAt is gone from the list. Only a revoked token can
//     be deleted, a personal one only by its maker. A token is made with fullAccess or with resources,
//     both or neither is 422; a PUT without a name only revokes.
//   - {flows,integrations}/{id}/jobs/latest is a list: the newest run of each flow. The list of scripts
//     leaves their content out. audit/signedURL gives {"signedURL"} of a table whose columns are ours.
//   - The audit log and the list of API tokens are for the owner and administrators; a token of custom scope gets 403.
//   - Who is no administrator may invite with grants on integrations of their own, and no more than
//     they have there themselves
//     (help 22280940892827), in the pages and by POST /invite; Account.AdminsOnlyInvite switches it off. Otherwise 403.
//   - A full user limit is 422 entitlement_reached. A reinvite of a user who has accepted is 422.
//   - The Link header is there only while there is a next page; then it also names the previous
//     one. The default page is 1000.
//   - Whoever changes their address in their profile keeps the _id of the user and of every ashare.
//   - Tokens act as the account's owner, so their audit entries are byUser the owner. Transfers are
//     audited as resourceType transfer.
//   - cancel answers 200 with the record, accept and dismiss too; a PATCH answers 200 with the document.
//   - GET /profile is for people's tokens under /api; a token of the account gets 404, so the
//     owner's e-mail stays hidden there.
//   - A person's token without integrator-ashareid acts in the person's own account, or in none.
//     With a token of an account
//     the header is ignored.
//   - A custom user may read what belongs to their integrations, and change nothing through the API.
//   - Unknown methods of a known path are 404, as unknown paths are. Credentials in documents are stored as ******.
//
// # Not here
//
// Running flows, retrying errors, licenceEntitlementUsage, the cookie log-in, and resources that
// account administration does not touch.
//
// # Guarantees
//
// A Server is safe for concurrent use; each request is atomic. The same Seed, clock and order of
// requests give the same IDs and tokens. Random faults are the same in whatever order requests of
// different paths and tokens arrive. No request makes it fail with a 5xx that no fault asked for.
// The request log and the snapshots never hold a token.
package integratorsim
