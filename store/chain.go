package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// entry is one stored event: this header as one line of JSON, a newline, the body's exact bytes. An
// erased entry has no salt, and either no body or, where it was rewritten, what stands in its place
// now, which an event further on names ([workflows.Erasure]).
type entry struct {
	Seq    uint64 `json:"seq"`
	Type   string `json:"type"`
	At     int64  `json:"at"` // milliseconds since 1970
	Salt   string `json:"salt,omitempty"`
	Digest string `json:"digest"`
	Link   string `json:"link"`
	Erased bool   `json:"erased,omitempty"`

	body []byte // {"by":…,"command":…,"calls":…,"body":…}
}

// seal makes the stored entry of an event and the chain's next link. The salt keeps an erased body
// from being guessed from its digest.
func seal(previous string, ref workflows.Ref, e workflows.Event) (stored []byte, next string, err error) {
	body, err := encodeBody(e)
	if err != nil {
		return nil, "", fmt.Errorf("seal event %d of %s: %w", e.Seq, ref, err)
	}
	salt := make([]byte, chain.SaltBytes)
	rand.Read(salt)
	l := chain.Link{Seq: e.Seq, Type: e.Type, At: e.At, Salt: hex.EncodeToString(salt), Previous: previous, Body: body}
	if err := l.Seal(ref); err != nil {
		return nil, "", fmt.Errorf("seal event %d of %s: %w", e.Seq, ref, err)
	}
	en := entry{Seq: e.Seq, Type: e.Type, At: e.At.UnixMilli(), Salt: l.Salt, Digest: l.Digest, Link: l.Link,
		body: body}
	stored, err = en.encode()
	return stored, en.Link, err
}

func (en entry) encode() ([]byte, error) {
	header, err := json.Marshal(en)
	if err != nil {
		return nil, fmt.Errorf("encode event header: %w", err)
	}
	return append(append(header, '\n'), en.body...), nil
}

// link is the entry as the chain holds it, behind the link previous.
func (en entry) link(previous string) chain.Link {
	l := chain.Link{Seq: en.Seq, Type: en.Type, At: time.UnixMilli(en.At).UTC(), Salt: en.Salt, Digest: en.Digest,
		Previous: previous, Link: en.Link, Body: en.body, Erased: en.Erased}
	if len(en.body) == 0 || en.Erased {
		l.Body = nil
	}
	return l
}

func decodeEntry(stored []byte) (entry, error) {
	var en entry
	header, body, ok := bytes.Cut(stored, []byte("\n"))
	if !ok {
		return en, errors.New("decode event: no header")
	}
	if err := json.Unmarshal(header, &en); err != nil {
		return en, fmt.Errorf("decode event header: %w", err)
	}
	en.body = body
	return en, nil
}

// encodeBody writes {"by":…,"command":…,"calls":…,"body":…} around the event's body without
// touching a byte of it; encoding/json would compact and escape. An event without calls has no such
// part.
func encodeBody(e workflows.Event) ([]byte, error) {
	if !utf8.ValidString(e.Type) {
		return nil, errors.New("the event's type is not UTF-8")
	}
	if !json.Valid(e.Body) {
		return nil, errors.New("the event's body is not JSON")
	}
	by, err := json.Marshal(e.By)
	if err != nil {
		return nil, fmt.Errorf("encode actor: %w", err)
	}
	command, err := json.Marshal(e.Command)
	if err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
	}
	var calls []byte
	if len(e.Calls) > 0 {
		if calls, err = json.Marshal(e.Calls); err != nil {
			return nil, fmt.Errorf("encode calls: %w", err)
		}
		calls = append([]byte(`,"calls":`), calls...)
	}
	var b bytes.Buffer
	for _, part := range [][]byte{[]byte(`{"by":`), by, []byte(`,"command":`), command, calls, []byte(`,"body":`),
		e.Body, []byte("}")} {
		b.Write(part)
	}
	return b.Bytes(), nil
}

// event reads the entry back. An erased one has a nil Body and nobody as actor.
func (en entry) event() (workflows.Event, error) {
	if en.Erased {
		return workflows.Event{Seq: en.Seq, Type: en.Type, At: time.UnixMilli(en.At).UTC()}, nil
	}
	return en.asItStands()
}

// asItStands reads the entry back, one that was rewritten as it is now.
func (en entry) asItStands() (workflows.Event, error) {
	e := workflows.Event{Seq: en.Seq, Type: en.Type, At: time.UnixMilli(en.At).UTC()}
	dec := json.NewDecoder(bytes.NewReader(en.body))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return e, fmt.Errorf("decode event %d: its envelope is damaged at its beginning", en.Seq)
	}
	for _, part := range []struct {
		name     string
		into     any
		optional bool
	}{{"by", &e.By, false}, {"command", &e.Command, false}, {"calls", &e.Calls, true}, {"body", nil, false}} {
		if part.optional && !bytes.HasPrefix(en.body[dec.InputOffset():], []byte(`,"`+part.name+`":`)) {
			continue
		}
		tok, err := dec.Token()
		if err != nil || tok != part.name {
			return e, fmt.Errorf("decode event %d: its envelope is damaged at %q", en.Seq, part.name)
		}
		if part.into == nil {
			continue
		}
		if err := dec.Decode(part.into); err != nil {
			return e, fmt.Errorf("decode event %d: %w", en.Seq, err)
		}
	}
	from := dec.InputOffset() + 1 // behind the colon
	if int(from) >= len(en.body) {
		return e, fmt.Errorf("decode event %d: its envelope is cut off", en.Seq)
	}
	e.Body = en.body[from : len(en.body)-1]
	return e, nil
}

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
