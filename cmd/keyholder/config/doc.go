// Package config is Keyholder's configuration: the file keyholder.yaml, its defaults, the secrets of the
// environment, every fault and advice there is about them, the first file that keyholder init writes, and the
// Slack app manifest.
//
// It may import the standard library, goccy/go-yaml, go-redis (to ask whether it would take an address) and
// zerolog (so that secrets stay out of logs), and of our packages approvals alone (to ask whether lists of approvers
// can ever be met): the commands translate a Config into what the bot, the store and the machines want to know.
//
// # Order
//
// A struct full of defaults (Default, DefaultAccount), then the file, then the environment, then the rules, which
// return every fault at once, in file order, those of the environment that have no line last:
//
//	bytes -> document: text, size, depth, YAML -> bind: keys, types -> environment: secrets -> validate: meaning
//
// Only what makes the rest unreadable (no text, no YAML, two documents) is reported alone. A value that could not
// be read is not judged a second time, and a list with such a value in it proves nothing about how many it names.
//
// # Guarantees
//
//   - Parse never panics and always ends, whatever the bytes: nesting and size are counted before the parser sees
//     them, aliases have a budget, and a panic of the parser is a fault of the file.
//   - A fault is one line: place, key, value, what is wrong, what to do. It never shows a token or password that
//     stands in the wrong place.
//   - Secrets have fields for use and print as "(secrets, not shown)" in fmt, JSON, YAML, slog and zerolog. (fmt's
//     %p, which go vet refuses here, does not ask the type.)
//   - A configuration without fault is complete: every account has an ID, name, owner, alias and holder, a quorum
//     that those named can reach as far as the file knows, and a default_for that is one of for, written as there.
//   - The same rules give the same bytes in Governance, however the file is ordered or a length written.
//
// # Decisions
//
//   - The binding is our own, on the library's syntax tree, because its decoder stops at the first wrong type and
//     knows no lines for what is missing. It stays small: the file has text, numbers, true and false, lengths of
//     time, lists and groups. Anchors, aliases, merges and tags of YAML work.
//   - The parser takes host:port apart inside of {addrs: [host:port]}; bind puts it together again (joined).
//   - yes, no, on and off are text (YAML 1.2). A number where text belongs is taken as written, so an account may be
//     called 2024; a number where a length of time belongs is refused, for nobody knows the unit.
//   - A key with nothing behind it keeps its default; [] and "" are values.
//   - REDIS_URL wins over url and addrs. master and cluster stay, for they say what answers at that address; this is
//     also how a cluster with a password is given, since secrets are refused in the file.
//   - An empty variable counts as unset.
//   - Faults of the environment are marked, so that commands which need no Slack token can look past them (FileFaults).
//   - slack.channel may be empty and is advised: who tries Keyholder need not have a channel for it.
//   - access.approvers empty means holders and administrators, as the contract says. For review.reviewers the contract
//     has an example and no default: empty means administrators and holders, so that two people are rarely lacking.
//   - reviewers_by_role and reviewers_by_integration are groups whose keys the file chooses. A rule
//     without people is a fault: its rows would be nobody's.
//   - approvers is one list or a list of lists, told apart by what stands in it; one list of one list is one list.
//   - recovery.approvers empty means those of a transfer and the administrators, without lists:
//     they are more people then.
//   - A keeper (password, second_factor) need not be a holder; a custodian must be, as custodians always had to.
//   - A user group makes a quorum, and who is a holder, unknowable here. check asks Slack.
//   - review.timezone takes no Local: replicas would open a review at different times. The zone database is built in.
//   - Lengths of time end at 100 years, so that a date plus a few of them stays a date; IDs of
//     accounts at 40, so that r07-<id>-2026-11 is an ID, and
//     names at 75 characters, which is what keys and Slack's menus bear.
//   - Template writes every key with its default instead of leaving them out: who reads the file sees the rules, and
//     an upgrade that changes a default changes nobody's rules.
//
// # Where the defaults come from
//
// Quorum 2 and three holders: two distinct people, as Google, GitHub, Entra and Cloudflare ask for
// their highest role. Acceptance 5 days: Bitwarden's emergency access. Cool-down 24 hours: our
// judgement, short against Bitwarden's 7 days, for it delays everyday work. Confirmation 72 hours:
// between hours for urgent requests elsewhere and Entra's 4 days, for people's work. Time-boxes of
// 7 and at most 90 days, notice 1 day and 1 hour: Opal. Reviews each quarter: CIS control 5.1.
// Window 14 days: SailPoint; reminders on working days: Lumos, ConductorOne; escalation on day 7
// and 10: midPoint. Inactive after 90 days, 30 when privileged, new people exempt as long: Entra.
// No answer keeps: Entra warns of removals nobody decided. Corrections within 5 days, privileged 1:
// customary for leavers.
package config
