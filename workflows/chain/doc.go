// Package chain is the arithmetic of the record: how each event hangs on the one before, how a chain is recomputed,
// and what a checkpoint over all chains says. Whoever has the events can do it without Redis and without Keyholder.
//
// All hashes are SHA-256; H(a, b, …) hashes each part behind its length as 8 bytes, big-endian. Hashes are kept as
// lower-case hexadecimal and enter other hashes as their 32 bytes.
//
//	digest = H("keyholder event digest 1", salt, body)
//	link   = H("keyholder chain link 1", previous, ID, sequence, type, time, digest)
//
// salt is 16 random bytes; previous is the link before, empty for the first; ID is kind, slash, id; sequence (from 1)
// and time (milliseconds since 1970, two's complement) are 8 bytes, big-endian. What body holds is its writer's to say.
// Without salt and body the links still follow, and the digest does not betray what was erased.
//
// [Checkpoint] says what a root is over, and [Ledger] reads checkpoints from the events that hold them.
//
// # Guarantees
//
//   - Same links, same answer: no I/O, no clock, no chance. Salts are drawn by whoever seals.
//   - The first fault is named, by record and number ([BrokenError]); nothing of the caller's is changed.
//   - What is read was written by strangers, perhaps: no length in it is believed.
//
// The package imports nothing but the standard library.
package chain
