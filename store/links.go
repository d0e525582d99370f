package store

import (
	"context"
	"fmt"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// Links answers the first events of a record as the chain holds them, oldest first; upTo is the last number wanted, 0
// for all. It recomputes nothing: that is for [CheckLinks], or for whoever gets them. A [*chain.BrokenError] names an
// event that cannot be read; other errors: [workflows.ErrAway].
func (s *Store) Links(ctx context.Context, ref workflows.Ref, upTo uint64) ([]chain.Link, error) {
	var links []chain.Link
	previous := ""
	err := s.eachEntry(ctx, ref, 0, upTo, func(seq uint64, stored []byte) error {
		en, err := decodeEntry(stored)
		if err != nil {
			return &chain.BrokenError{Ref: ref, Seq: seq, Reason: fmt.Sprintf("it cannot be read: %v", err)}
		}
		links, previous = append(links, en.link(previous)), en.Link
		return nil
	})
	return links, err
}

// CheckLinks recomputes a record's links from the first one and compares them with the record's version and head. A
// [*chain.BrokenError] says where they do not hold.
func CheckLinks(rec workflows.Record, links []chain.Link) error {
	c := chain.Chain{Ref: rec.Ref, Links: links}
	if err := c.Check(); err != nil {
		return err
	}
	broken := func(format string, args ...any) error {
		return &chain.BrokenError{Ref: rec.Ref, Reason: fmt.Sprintf(format, args...)}
	}
	switch head := c.Head(); {
	case uint64(len(links)) != rec.Version:
		return broken("its version is %d, but %d events are there", rec.Version, len(links))
	case head != rec.Head:
		return broken("its head is %s, the last link is %s", rec.Head, head)
	}
	return nil
}

// EventOf reads a link back as an event. An erased one has a nil Body and nobody as actor.
func EventOf(l chain.Link) (workflows.Event, error) {
	return entry{Seq: l.Seq, Type: l.Type, At: l.At.UnixMilli(), Erased: l.Erased, body: l.Body}.event()
}
