// Package lists reads the files that people hand in where no token reads: the Users page of
// integrator.io ([ParseUsers]) and the list of who may open a mailbox, from the mail system
// ([ParseDelegates]).
//
// It is pure, and imports the standard library and the words of workflows.
//
// # Guarantees
//
//   - Nothing is taken that it is not sure of: a file with a fault gives no users at all, and every
//     fault at once, with its line, for whoever mends it.
//   - A file reads the same however a spreadsheet saved it: encoding, delimiter, order of columns,
//     dates.
//   - What no column says is named, never taken for "no".
package lists

// RoleOwner is the role of the account's owner, beside those of package workflows.
const RoleOwner = "owner"

// What a list may leave unsaid, as keys of Unread of a Census of package workflows.
const (
	UnreadMFA = "mfa_required"
	UnreadSSO = "sso_required"
)
