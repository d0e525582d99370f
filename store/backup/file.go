package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// magic is the first line of every file.
const magic = "keyholder backup 1\n"

// Kinds of frames.
const (
	frameHeader = 'h'
	frameRecord = 'r'
	frameEvent  = 'e'
	framePlace  = 'p'
	frameEnd    = 'z'
)

// maxFrame bounds what one length may claim: no value of Redis is longer than 512 MB, and no event of ours near this.
const maxFrame = 256 << 20

const domainSeal = "keyholder backup seal 1\n"

// Errors of reading a file. Compare with errors.Is; each message says what to do.
var (
	// ErrNoBackup: the file is something else.
	ErrNoBackup = errors.New("this is no file that keyholder backup wrote")
	// ErrDamaged: the file was cut off, lengthened or changed.
	ErrDamaged = errors.New("the file is not whole, or was changed: take another copy of it, or an earlier one")
	// ErrSeal: the file's seal does not hold.
	ErrSeal = errors.New(
		"the file's seal was not made with KEYHOLDER_SEAL_KEY: set the key that was set when it was made, or the file was changed")
	// ErrUnsealed: the file has no seal, and there is a key.
	ErrUnsealed = errors.New("the file is not sealed, and KEYHOLDER_SEAL_KEY is set: put it back without the key; " +
		"keyholder run, started with it, then seals what stands there and tells the channel")
	// ErrSealed: the file is sealed, and there is no key.
	ErrSealed = errors.New(
		"the file is sealed: set KEYHOLDER_SEAL_KEY as when it was made, or believe it as it is with --without-seal")
)

// Header says where a file comes from.
type Header struct {
	Version string    `json:"version"` // of the program
	Made    time.Time `json:"made"`
	Prefix  string    `json:"prefix"`
	Shards  int       `json:"shards"`
}

// Record is one record of a file.
type Record struct {
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	Version uint64 `json:"version"`
	Head    string `json:"head"`
	Cards   []int  `json:"cards,omitempty"` // lanes
	Doubt   bool   `json:"doubt,omitempty"`

	// Entries are its events as they were stored, oldest first.
	Entries [][]byte `json:"-"`
	// Places are by card, see [workflows.PlaceName].
	Places map[string]workflows.Place `json:"-"`
}

// place is the content of a frame.
type place struct {
	Card  string          `json:"card"`
	Place workflows.Place `json:"place"`
}

// Totals stand at the end of a file.
type Totals struct {
	Records int    `json:"records"`
	Events  int    `json:"events"`
	Places  int    `json:"places"`
	SHA256  string `json:"sha256"`
	Seal    string `json:"seal,omitempty"`
}

// Writer writes a file. Nothing of it counts before [Writer.Close].
type Writer struct {
	buf    *bufio.Writer
	zip    *gzip.Writer
	sum    hash.Hash
	keys   [][]byte
	totals Totals
}

// NewWriter begins a file. The first of the keys seals it; without keys it has no seal.
func NewWriter(w io.Writer, keys [][]byte, h Header) (*Writer, error) {
	b := bufio.NewWriter(w)
	if _, err := b.WriteString(magic); err != nil {
		return nil, fmt.Errorf("write the backup: %w", err)
	}
	out := &Writer{buf: b, zip: gzip.NewWriter(b), sum: sha256.New(), keys: keys}
	return out, out.json(frameHeader, h)
}

func (w *Writer) json(kind byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the backup: %w", err)
	}
	return w.frame(kind, raw)
}

func (w *Writer) frame(kind byte, content []byte) error {
	if len(content) > maxFrame {
		return fmt.Errorf("write the backup: %d bytes are more than one part may have", len(content))
	}
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(content)))
	for _, part := range [][]byte{head, content} {
		if kind != frameEnd {
			w.sum.Write(part)
		}
		if _, err := w.zip.Write(part); err != nil {
			return fmt.Errorf("write the backup: %w", err)
		}
	}
	return nil
}

// Write writes one record. Its version is the number of its entries.
func (w *Writer) Write(r Record) error {
	if uint64(len(r.Entries)) != r.Version {
		return fmt.Errorf("write the backup: %s %s has %d events, and its version is %d", r.Kind, r.ID, len(r.Entries),
			r.Version)
	}
	if err := w.json(frameRecord, r); err != nil {
		return err
	}
	for _, entry := range r.Entries {
		if err := w.frame(frameEvent, entry); err != nil {
			return err
		}
	}
	for _, card := range cardsOf(r.Places) {
		if err := w.json(framePlace, place{card, r.Places[card]}); err != nil {
			return err
		}
	}
	w.totals.Records++
	w.totals.Events += len(r.Entries)
	w.totals.Places += len(r.Places)
	return nil
}

func cardsOf(places map[string]workflows.Place) []string {
	var cards []string
	for card := range places {
		cards = append(cards, card)
	}
	slices.Sort(cards)
	return cards
}

// Close writes the file's end. It does not close what it writes to.
func (w *Writer) Close() (Totals, error) {
	w.totals.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	if len(w.keys) > 0 {
		w.totals.Seal = seal(w.keys[0], w.totals.SHA256)
	}
	if err := w.json(frameEnd, w.totals); err != nil {
		return w.totals, err
	}
	if err := w.zip.Close(); err != nil {
		return w.totals, fmt.Errorf("write the backup: %w", err)
	}
	if err := w.buf.Flush(); err != nil {
		return w.totals, fmt.Errorf("write the backup: %w", err)
	}
	return w.totals, nil
}

func seal(key []byte, sum string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(domainSeal + sum))
	return hex.EncodeToString(h.Sum(nil))
}

// Reader reads a file record by record. What it answers counts only once [Reader.Next] has answered [io.EOF].
type Reader struct {
	Header Header
	// Totals are set when the end was read.
	Totals Totals

	buf     *bufio.Reader
	zip     *gzip.Reader
	sum     hash.Hash
	kind    byte // the frame that was read and is still to be used
	content []byte
	counted Totals
}

// NewReader begins to read. Errors: [ErrNoBackup], [ErrDamaged].
func NewReader(r io.Reader) (*Reader, error) {
	b := bufio.NewReader(r)
	first := make([]byte, len(magic))
	if _, err := io.ReadFull(b, first); err != nil || string(first) != magic {
		if bytes.HasPrefix(first, []byte("keyholder backup ")) && err == nil {
			return nil, fmt.Errorf("%w that this version knows: use a newer one", ErrNoBackup)
		}
		return nil, ErrNoBackup
	}
	zip, err := gzip.NewReader(b)
	if err != nil {
		return nil, damaged("its beginning cannot be read: %v", err)
	}
	zip.Multistream(false)
	in := &Reader{buf: b, zip: zip, sum: sha256.New()}
	if err := in.next(); err != nil {
		return nil, err
	}
	if in.kind != frameHeader || strict(in.content, &in.Header) != nil || in.Header.Shards < 1 {
		return nil, damaged("it does not begin as it should")
	}
	return in, in.next()
}

func damaged(format string, a ...any) error {
	return fmt.Errorf("%w (%s)", ErrDamaged, fmt.Sprintf(format, a...))
}

// strict decodes what must hold nothing else.
func strict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("decode: there is more")
	}
	return nil
}

// next reads one frame.
func (r *Reader) next() error {
	var head [5]byte
	if _, err := io.ReadFull(r.zip, head[:]); err != nil {
		return damaged("it ends too early: %v", err)
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return damaged("a part of %d bytes is none of ours", n)
	}
	var content bytes.Buffer // grows with what is there, whatever the length claims
	if _, err := io.CopyN(&content, r.zip, int64(n)); err != nil {
		return damaged("it ends too early: %v", err)
	}
	r.kind, r.content = head[0], content.Bytes()
	if r.kind != frameEnd {
		r.sum.Write(head[:])
		r.sum.Write(r.content)
	}
	return nil
}

// Next answers the next record; [io.EOF] behind the last one, when the whole file holds. Errors: [ErrDamaged].
func (r *Reader) Next() (Record, error) {
	if r.kind == frameEnd {
		if err := r.end(); err != nil {
			return Record{}, err
		}
		return Record{}, io.EOF
	}
	var rec Record
	if r.kind != frameRecord || strict(r.content, &rec) != nil || rec.Kind == "" || rec.ID == "" {
		return rec, damaged("a record was expected")
	}
	if err := r.next(); err != nil {
		return rec, err
	}
	for ; r.kind == frameEvent; r.counted.Events++ {
		rec.Entries = append(rec.Entries, r.content)
		if err := r.next(); err != nil {
			return rec, err
		}
	}
	if uint64(len(rec.Entries)) != rec.Version {
		return rec, damaged("%s %s has %d events instead of %d", rec.Kind, rec.ID, len(rec.Entries), rec.Version)
	}
	rec.Places = map[string]workflows.Place{}
	for ; r.kind == framePlace; r.counted.Places++ {
		var p place
		if err := strict(r.content, &p); err != nil {
			return rec, damaged("a card of %s %s cannot be read: %v", rec.Kind, rec.ID, err)
		}
		rec.Places[p.Card] = p.Place
		if err := r.next(); err != nil {
			return rec, err
		}
	}
	r.counted.Records++
	return rec, nil
}

// end compares what was read with what the end of the file says of it.
func (r *Reader) end() error {
	if err := strict(r.content, &r.Totals); err != nil {
		return damaged("its end cannot be read: %v", err)
	}
	if _, err := r.zip.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return damaged("something stands behind its end: %v", err)
	}
	if _, err := r.buf.ReadByte(); !errors.Is(err, io.EOF) {
		return damaged("something stands behind its end")
	}
	want := r.counted
	want.SHA256, want.Seal = hex.EncodeToString(r.sum.Sum(nil)), r.Totals.Seal
	if r.Totals != want {
		return damaged("its checksum is another")
	}
	return nil
}

// checkSeal compares the seal of a file that was read to its end. Errors: [ErrSeal], [ErrSealed], [ErrUnsealed].
func (t Totals) checkSeal(keys [][]byte, believe bool) error {
	switch {
	case len(keys) == 0 && (t.Seal == "" || believe):
		return nil
	case len(keys) == 0:
		return ErrSealed
	case t.Seal == "":
		return ErrUnsealed
	}
	for _, key := range keys {
		if hmac.Equal([]byte(seal(key, t.SHA256)), []byte(t.Seal)) {
			return nil
		}
	}
	return ErrSeal
}
