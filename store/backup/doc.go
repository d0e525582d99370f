// Package backup copies one installation's record into one file, and puts it back where nothing is.
// It may import store, workflows and its rooms loops, record and chain.
//
// # What is copied
//
// The events of every record, exactly as they are stored, and where cards stand in Slack. All else
// follows from these two and is made anew when a copy is put back: states and indexes, the calls
// that are owed, timers, watches, who is waited for. Leases, attempts, which processes run and
// which masters there were belong to the Redis they are in and are not copied; no key of ours
// expires, so there are no times to live.
//
// # Guarantees
//
//   - Consistent per shard: all records of a shard are copied as they stood at one moment, between
//     two commits ([store.Store.Cut]), however much is decided meanwhile. Shards have moments of
//     their own, right after each other, the ledger's first, so that no checkpoint of the copy
//     names what the copy lacks. What one shard tells another goes by effects, which a copy still
//     owes where it does not hold their answer.
//   - Keyholder may work on while a copy is made. Nothing is locked; each shard is asked once for
//     the version and head of all of its records.
//   - Memory is bounded by the largest record, and some 200 bytes for each of the others.
//   - A file that was cut off, lengthened or changed is refused before anything is written
//     anywhere. Who could write the file could also write its checksum; what they cannot make
//     without the key is its seal.
//   - Putting back writes only under a prefix without any record, and nobody can open that one
//     until all of it is there. One that was broken off is run again, with the same file.
//   - A record that did not hold when it was copied is copied as it stood, told of by both, and
//     gets no seal: as before, nothing is decided on it.
//
// # The file
//
// The line "keyholder backup 1", a newline, and one gzip stream. In it stand frames: one byte that
// says what it is, four bytes, big-endian, of length, and so many bytes.
//
//	h  once, first: JSON {"version":…,"made":…,"prefix":…,"shards":…}: who made it, when, of which keys
//	r  a record: JSON {"kind":…,"id":…,"version":…,"head":…}, with "cards" (the lanes in which cards
//	   were still to be drawn) and "doubt":true where no seal vouched for it; behind it stand
//	e  its events, as many as its version says, in order: a line of JSON, a newline, the body
//	   (package store has the format)
//	p  where its cards stand: JSON {"card":…,"place":{…}}, sorted by card
//	z  once, last: JSON {"records":…,"events":…,"places":…,"sha256":…,"seal":…}
//
// sha256 is over all bytes of the stream before the frame z, in lower-case hexadecimal. seal,
// absent without KEYHOLDER_SEAL_KEY, is HMAC-SHA-256 over "keyholder backup seal 1", a newline, and
// that hexadecimal. A reader refuses frames that it does not know: another content has another
// first line.
//
// # Decisions
//
//   - The file holds events and not keys: so it is as easily read in ten years as today, on any
//     server, and what a later version keeps beside the events needs no conversion.
//   - A file is read twice, first only to see whether all of it holds and can be folded. Its
//     checksum is compared again at the end.
//   - It is sealed, not encrypted: it holds what Redis holds. Whoever takes it elsewhere encrypts
//     it with what they trust.
package backup
