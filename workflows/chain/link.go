package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Domains of the two hashes; doc.go has the whole formula.
const (
	domainDigest = "keyholder event digest 1"
	domainLink   = "keyholder chain link 1"
)

// SaltBytes is how long the salt of an event is.
const SaltBytes = 16

// hash is SHA-256 over the parts, each behind its length as 8 bytes, big-endian, so that no two lists of parts give
// the same bytes.
func hash(parts ...[]byte) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(number(uint64(len(p))))
		h.Write(p)
	}
	return h.Sum(nil)
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Ref names a record: its kind and its ID.
type Ref struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// String is kind, slash, id, as a record's links are over.
func (r Ref) String() string { return r.Kind + "/" + r.ID }

// Link is one event as its chain holds it, with all that is needed to recompute it. Hashes and salt are lower-case
// hexadecimal.
type Link struct {
	Seq      uint64
	Type     string
	At       time.Time // UTC, whole milliseconds
	Salt     string    // SaltBytes bytes; empty when erased
	Digest   string
	Previous string // the link before; empty for the first
	Link     string
	Body     []byte // the exact bytes that Digest is over; nil when erased
	Erased   bool
}

// Seal makes what hangs on the others: Digest from salt and body, Link from all of it and the record. The error says
// which hash is not hexadecimal.
func (l *Link) Seal(record Ref) error {
	salt, err := hex.DecodeString(l.Salt)
	if err != nil {
		return fmt.Errorf("decode the salt: %w", err)
	}
	digest := hash([]byte(domainDigest), salt, l.Body)
	next, err := l.follow(record, digest)
	if err != nil {
		return err
	}
	l.Digest, l.Link = hex.EncodeToString(digest), next
	return nil
}

// follow is the link of the event behind the one that it names as previous.
func (l Link) follow(record Ref, digest []byte) (string, error) {
	previous, err := hex.DecodeString(l.Previous)
	if err != nil {
		return "", fmt.Errorf("decode the link before: %w", err)
	}
	return hex.EncodeToString(hash([]byte(domainLink), previous, []byte(record.String()), number(l.Seq), []byte(l.Type),
		number(uint64(l.At.UnixMilli())), digest)), nil
}

// Check recomputes the link as number seq of a record, behind the link previous. The error is a [*BrokenError].
func (l Link) Check(record Ref, seq uint64, previous string) error {
	broken := func(reason string) error { return &BrokenError{Ref: record, Seq: seq, Reason: reason} }
	if l.Seq != seq {
		return broken(fmt.Sprintf("it carries the number %d", l.Seq))
	}
	if l.Previous != previous {
		return broken("it does not name the link before")
	}
	digest, reason := l.digest()
	if reason != "" {
		return broken(reason)
	}
	if next, err := l.follow(record, digest); err != nil || next != l.Link {
		return broken("its link does not follow from the one before")
	}
	return nil
}

// digest recomputes the digest, or says what is wrong; what was erased left only the digest.
func (l Link) digest() (digest []byte, reason string) {
	stored, err := hex.DecodeString(l.Digest)
	if err != nil || len(stored) != sha256.Size {
		return nil, "its digest is not SHA-256 in hexadecimal"
	}
	if l.Erased {
		if len(l.Body) > 0 || l.Salt != "" {
			return nil, "it is marked as erased, but has a salt or body"
		}
		return stored, ""
	}
	salt, err := hex.DecodeString(l.Salt)
	if err != nil {
		return nil, "its salt is not hexadecimal"
	}
	if hex.EncodeToString(hash([]byte(domainDigest), salt, l.Body)) != l.Digest {
		return nil, "its content does not match its digest"
	}
	return stored, ""
}

// Chain is a record's links, oldest first.
type Chain struct {
	Ref
	Links []Link
}

// Head is the last link, empty for a chain without events.
func (c Chain) Head() string {
	if len(c.Links) == 0 {
		return ""
	}
	return c.Links[len(c.Links)-1].Link
}

// Erased counts the events whose body was erased.
func (c Chain) Erased() int {
	n := 0
	for _, l := range c.Links {
		if l.Erased {
			n++
		}
	}
	return n
}

// Check recomputes the chain from its first event. The error is a [*BrokenError].
func (c Chain) Check() error {
	head := ""
	for i, l := range c.Links {
		if err := l.Check(c.Ref, uint64(i)+1, head); err != nil {
			return err
		}
		head = l.Link
	}
	return nil
}

// ErrBroken: a chain of events does not hold; the error is a [*BrokenError].
var ErrBroken = errors.New("the chain does not hold")

// BrokenError names the first place at which a record does not hold. Seq is the event's number; 0 when the record
// itself is at fault.
type BrokenError struct {
	Ref    Ref
	Seq    uint64
	Reason string
}

// Error names record, event and reason.
func (e *BrokenError) Error() string {
	if e.Seq == 0 {
		return fmt.Sprintf("%s: %s", e.Ref, e.Reason)
	}
	return fmt.Sprintf("%s: event %d: %s", e.Ref, e.Seq, e.Reason)
}

// Is makes errors.Is(err, ErrBroken) hold.
func (e *BrokenError) Is(target error) bool { return target == ErrBroken }
