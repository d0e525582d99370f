// Package blockkit checks blocks and views as Slack does and says in Slack's own words what is
// wrong with them, each fault with a JSON pointer. It imports the standard library only, knows
// nothing of the service around it, and never changes what it is given.
//
// Every size stands in limits.go with its source, as a path under docs.slack.dev/reference or as a
// file of a public repository; lengths count Unicode code points. What a fault says follows the
// answers of Slack that are on record (github.com issues, named where they are used); where none
// is, the words are ours, and a comment says so: duplicate block_ids and action_ids, initial
// options that are no option, dates of a wrong form, rows of several lengths, an empty card. Which
// surfaces a block may stand on is checked for alert (modals), table, markdown and file (messages)
// only: of the others nobody says it the same way. Blocks that Slack's own clients make (call,
// share_shortcut) are let through.
package blockkit
