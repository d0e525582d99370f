// Package store makes a [workflows.Change] durable in Redis and hands out what is due. It may
// import workflows and workflows/chain, and nothing else of ours.
//
// # Guarantees
//
//   - A change is stored whole or not at all: one script call compares every version, head and
//     token before it writes anything.
//   - Load is one pipelined round trip (in a cluster one for each master concerned), Commit one more.
//   - A commit is sent once. It ends as stored, as [workflows.ErrConflict], as [workflows.ErrAway]
//     (the server refused to run it or was never asked) or as [workflows.ErrUnclear] (the
//     connection broke or the answer took too long). Sending an unclear change again is safe: if it
//     was stored the versions have moved on, the answer is ErrConflict, and the events tell whose
//     it was. An answer that the script itself failed is none of these; it means that somebody else
//     wrote into our keys.
//   - Each load, each look for what is due, each claim and each commit compares this machine's clock
//     with the server's in its own round trip; one more than [MaxClockDistance] away gets nothing. A
//     commit is compared by when it was decided, too ([workflows.Change].At).
//   - With Sentinel or Cluster claims wait for a replica as commits do, and [Store.Confirm] makes
//     sure of what was read.
//   - With Sentinel or Cluster a commit is followed by WAIT on the same connection; what no replica
//     confirmed within a second is ErrUnclear. A
//     failover can still lose what was confirmed, when the replica that has it is not the one promoted.
//   - A claim of cards brings along where they stand, read under the lease.
//   - At most one effect per key is leased. Effects of one key are handed out in the order of their
//     commits; one that failed and
//     waits for its time does not let a later one pass. Put replaces what the key holds, in flight or not.
//   - A poll costs one pipelined read when nothing is due, however much is open. Shards take turns,
//     people come before bulk.
//   - Body and state are returned with the bytes they were given. Scripts never decode them.
//   - Correctness rests on no expiry of keys: no key here has one. No clock but the caller's takes
//     part, but for this machine's (Options.RealNow), by which a
//     commit orders what is due, and in [Store.Ready] and [Store.Promises], which compare it with the server's.
//
// # The chain
//
// Package chain has the formula, and recomputes. The body that a digest is over is
// {"by":…,"command":…,"body":…} exactly as stored. An event is stored as a header, one line of JSON
// with seq, type, at, salt, digest and link, then a newline and the body. [Store.Erase] takes salt
// and body away.
//
// An erasure ([Store.Redact]) rewrites the events that name a person: salt and body go, the digest
// stays, and behind the header stands the envelope without the person. An event further on
// ([workflows.Erasure]) names, for each number, the SHA-256 of "keyholder erasure 1", a newline and
// that envelope. Only what the last such event names is read in place of what was erased; it is not
// what the digest is over, and nobody can tell from it what was.
//
// # Seals
//
// With a seal key (Options.SealKeys) each record carries two seals, HMAC-SHA-256 in lower-case
// hexadecimal over parts that each stand behind their length as above, the prefix of the keys being
// the second:
//
//	seal  = HMAC(key, "keyholder state seal 1", prefix, ID, version, head, machine, schema, last, state)
//	vouch = HMAC(key, "keyholder chain seal 1", prefix, ID, version, head)
//
// version, schema and last (milliseconds) are decimal digits, head is hexadecimal, as stored. A
// place of a card stands behind its own seal and a space: HMAC(key, "keyholder place seal 1",
// prefix, workflow, field, JSON); a note on who is asked for a proof likewise, by HMAC(key, "keyholder
// asked seal 1", prefix, field, JSON). PREFIX:meta holds HMAC(key, "keyholder sealed 1", prefix): all of
// it is sealed.
//
//   - Where only seal fails, the record is folded anew from its events: vouch says which they are,
//     and each link is recomputed ([Store.Chain]).
//   - Where vouch fails, events may have been written by somebody else: nothing is decided on the
//     record ([workflows.DoubtChain]).
//   - A seal shows that Keyholder wrote this once, not that it is the newest: a whole record put
//     back to an earlier time holds. That is what checkpoints show.
//   - A key that is set where none was, or that replaces one that is lost, seals what stands there
//     ([Store.SealAll]): states are folded anew for it, but which events there are is then
//     believed. The same happens when somebody takes the mark away before a start; so it is told in
//     the channel.
//
// The chain shows that events were changed, moved, dropped or added in the middle. That the whole
// chain, or its end, was written anew shows by the checkpoints posted where Redis's operator cannot
// write. State, machine and schema are not part of it: the state is a cache of the fold, which
// whoever knows the machine can compare.
//
// # Checkpoints
//
// The ledger is one record of the installation (kind ledger, on the shard that its ID names). Its
// events hold the checkpoints; [chain.Checkpoint] says what a root is over.
// [Store.DrawCheckpoint] reads where every record stands, [Store.VerifyLedger] looks whether each
// still has that link at that number.
//
//   - The heads are read in pages while records move on: a checkpoint is no single moment, but each
//     head in it is one that its record had, and
//     growth keeps it. So nothing stops, and nothing is locked.
//   - The list is kept, or a root could be compared but no record named. Only the heads that
//     changed since the checkpoint before are stored, compressed, 2,000 an event: what a checkpoint
//     costs grows with what happened, and the root is over all records all the same. 10,000 new
//     records take about 500 kB.
//   - A record that is gone, shorter, or was rewritten keeps the head that is vouched for: a later
//     checkpoint never makes good what an earlier one shows.
//     The checkpoint names it, so the channel hears of it the same day.
//   - The ledger itself is not in the list. Its chain, and each root over the one before, hold it
//     together; that it was replaced as a whole shows only
//     by a root that somebody read elsewhere.
//
// # Decisions
//
//   - A lease's token begins with its shard, so a claim finds its way back whatever its effect says.
//   - An effect is due at once. Its score is the time it was made, or this machine's time where
//     that is earlier, and only decides who comes
//     first: the time of commands may run ahead of the real one.
//   - A lease that nobody ended counts as a failed attempt of the effect taken over: it may have been delivered.
//   - What was put while an older content was in flight is due as soon as that ends, whether it
//     failed or not; a hold on the destination still counts. Failed attempts of replaced content
//     stay counted until one succeeds: it may have been delivered, and then a card must be looked
//     for before it is posted.
//   - Dropping a key in flight empties it and leaves its lease, so that what is put there next
//     still waits for the delivery's end.
//   - A change that answers the claim of a watch ends the lease and keeps the watch, due one
//     distance after it was claimed; Put and Drop of the
//     same change come after and win.
//   - A change that puts cards of a workflow without a RecordChange for it conflicts when the
//     workflow's version is above the
//     card's revision: a card shown again from an old state never covers a newer one.
//   - A RecordChange without events compares version and head and writes nothing.
//   - A workflow's ID that carries no shard of ours is hashed like other IDs; every ID has exactly one place.
//   - A destination held back is noticed when its effects come up; each then moves to the end of
//     the hold, once for each hold.
//   - Setting a timer that is leased changes nothing; a timer named by TimersGone that is absent is
//     ignored, leased or not.
//   - With addresses and a URL the addresses say where, the URL gives user, password, database and
//     TLS: a secret has no other way in.
//     Sentinels are asked without a password.
//   - In a cluster a slot that moved is followed, and while one is being moved its commits are sent
//     again until it has; only where that takes longer than the caller waits is it ErrAway.
//   - An effect that cannot be decoded is claimed as such, so that the courier can move it out of
//     the way; a place that cannot counts as none.
//   - Moving an effect to another queue, and ensuring that one is there, leave the queue as it is
//     where it holds the very same bytes already.
//   - Refusals of the server (loading, read-only, out of memory, too few replicas) come before a
//     script's first write, so they are ErrAway.
//   - Every key begins with the installation's prefix. What others of the same Redis are called is
//     only looked for when a new record begins or an operator asks, by the names of all keys; a
//     user of Redis that may touch its own keys alone (~PREFIX:*) is enough for all the rest.
//   - Servers that forbid CONFIG and INFO promise "unknown", which is told and is no fault.
package store
