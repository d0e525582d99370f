package workflows

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
)

// alphabet has no I, L, O and U, so an ID read aloud or typed by hand stays itself.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// idLength is the number of characters after the shard: 40 bits.
const idLength = 8

// NewID derives a workflow's ID from what asked for it: the same seeds give the same ID, so a modal
// sent twice opens one workflow. It looks as "t07-7KQ2M9XA": the machine's letter, the account's
// shard, a hyphen, [idLength] characters.
func NewID(letter byte, account string, shards int, seeds ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(seeds, "\x00")))
	n := binary.BigEndian.Uint64(sum[:8])
	var b [idLength]byte
	for i := range b {
		b[i] = alphabet[n&31]
		n >>= 5
	}
	return fmt.Sprintf("%c%02d-%s", letter, ShardOf(account, shards), b[:])
}

// NamedID is the ID of a workflow that is named after what it is about, as "r07-acme-2026q4".
func NamedID(letter byte, account string, shards int, name string) string {
	return fmt.Sprintf("%c%02d-%s-%s", letter, ShardOf(account, shards), account, name)
}

// ShardOf says which shard an account or person lives on, from 0 to shards-1.
func ShardOf(id string, shards int) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % uint32(max(shards, 1)))
}

// ParseID takes a workflow's ID apart. It is strict: what people and hostile clients send is
// compared with nothing else.
func ParseID(id string) (letter byte, shard int, ok bool) {
	if len(id) < 6 || len(id) > 64 || id[0] < 'a' || id[0] > 'z' || id[3] != '-' {
		return 0, 0, false
	}
	if id[1] < '0' || id[1] > '9' || id[2] < '0' || id[2] > '9' {
		return 0, 0, false
	}
	for _, c := range []byte(id[4:]) {
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-') {
			return 0, 0, false
		}
	}
	return id[0], int(id[1]-'0')*10 + int(id[2]-'0'), true
}

// LedgerLetter begins the ID of the one ledger of an installation, which is a record of
// [KindLedger]: its chain holds the checkpoints.
const LedgerLetter = 'l'

// LedgerID is the ID of the installation's ledger; it lives on a shard of its own choosing, always the same.
func LedgerID(shards int) string { return NewID(LedgerLetter, KindLedger, shards, KindLedger) }

// RecordRef names the record behind an ID that [ParseID] reads: the ledger's, or a workflow's.
func RecordRef(id string) Ref {
	if letter, _, ok := ParseID(id); ok && letter == LedgerLetter {
		return Ref{Kind: KindLedger, ID: id}
	}
	return Ref{Kind: KindWorkflow, ID: id}
}
