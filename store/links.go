package store

import (
	"context"
	"fmt"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Link is one event as the chain holds it, with all that is needed to recompute it (doc.go has the
// formula). Hashes and salt are lower-case hexadecimal.
type Link struct {
	Seq      uint64
	Type     string
	At       time.Time // UTC, whole milliseconds
	Salt     string    // 16 bytes; empty when erased
	Digest   string
	Previous string // the link before; empty for the first
	Link     string
	Body     []byte // {"by":…,"command":…,"calls":…,"body":…}, the exact bytes that Digest is over; nil when erased
	Erased   bool
}

// Links answers the first events of a record as the chain holds them, oldest first; upTo is the
// last number wanted, 0 for all. It recomputes nothing: that is for [CheckLinks], or for whoever
// gets them. A [*BrokenError] names an event that cannot be read; other errors:
// [workflows.ErrAway].
func (s *Store) Links(ctx context.Context, ref workflows.Ref, upTo uint64) ([]Link, error) {
	var links []Link
	previous := ""
	err := s.eachEntry(ctx, ref, 0, upTo, func(seq uint64, stored []byte) error {
		en, err := decodeEntry(stored)
		if err != nil {
			return &BrokenError{Ref: ref, Seq: seq, Reason: fmt.Sprintf("it cannot be read: %v", err)}
		}
		l := Link{Seq: en.Seq, Type: en.Type, At: time.UnixMilli(en.At).UTC(), Salt: en.Salt, Digest: en.Digest,
			Previous: previous, Link: en.Link, Erased: en.Erased}
		if !en.Erased {
			l.Body = en.body
		}
		links, previous = append(links, l), en.Link
		return nil
	})
	return links, err
}

// CheckLinks recomputes a record's links from the first one and compares them with the record's
// version and head. A [*BrokenError] says where they do not hold.
func CheckLinks(rec workflows.Record, links []Link) error {
	broken := func(seq uint64, reason string) error { return &BrokenError{Ref: rec.Ref, Seq: seq, Reason: reason} }
	head := ""
	for i, l := range links {
		en := entry{Seq: l.Seq, Type: l.Type, At: l.At.UnixMilli(), Salt: l.Salt, Digest: l.Digest, Link: l.Link,
			Erased: l.Erased, body: l.Body}
		if reason := en.check(head, rec.Ref, uint64(i)+1); reason != "" {
			return broken(uint64(i)+1, reason)
		}
		head = l.Link
	}
	switch {
	case uint64(len(links)) != rec.Version:
		return broken(0, fmt.Sprintf("its version is %d, but %d events are there", rec.Version, len(links)))
	case head != rec.Head:
		return broken(0, fmt.Sprintf("its head is %s, the last link is %s", rec.Head, head))
	}
	return nil
}

// Event reads the link back as an event. An erased one has a nil Body and nobody as actor.
func (l Link) Event() (workflows.Event, error) {
	return entry{Seq: l.Seq, Type: l.Type, At: l.At.UnixMilli(), Erased: l.Erased, body: l.Body}.event()
}
