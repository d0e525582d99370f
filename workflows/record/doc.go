// Package record is what Keyholder keeps of itself: who may decide and by which rules, and where the
// chains of all records stood, day by day; and what an auditor asks: whether all that is stored
// beside the events is what they say.
//
//	governance (v)   one for each account: the rules that a process starts with are compared with
//	                 those on record; a difference is an event of the account and told in its channel
//	ledger (l)       one for the installation: a timer a day asks for a checkpoint, which becomes an
//	                 event of the ledger and a message in the audit channel
//	Verify           folds every record anew and compares
//
// # Guarantees
//
//   - A change of the rules is recorded once, however many processes start with it: it is an event of
//     the account's record, whose version is compared. The first sight of an account is told to nobody.
//   - A checkpoint is only ever posted anew, never edited, and follows from the one before
//     ([chain.Checkpoint]).
//   - What Verify names, it names with the record; what a running Keyholder changes meanwhile is looked
//     at twice.
//
// # Decisions
//
//   - Reading where all records stand is I/O, so the ledger's timer asks for a call
//     ([workflows.OpCheckpoint]) and the answer is decided like any other receipt. The ledger belongs
//     to no account: its ID's letter tells that it is a record of its own kind.
//   - While nothing but the configuration has named an account's owner, a correction there is taken
//     over, by such an event; workflows folds it, for it is the account's.
//
// The package imports workflows and workflows/chain. The machines do no I/O; Verify reads what it is
// handed ([Archive]).
package record
