package chain

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Head is where a record's chain stood: the link of the event with the number Version, in lower-case hexadecimal.
type Head struct {
	Ref     Ref
	Version uint64
	Link    string
}

// String is the head's line in a checkpoint: link, version, kind/id.
func (h Head) String() string {
	return fmt.Sprintf("%s %d %s/%s", h.Link, h.Version, h.Ref.Kind, h.Ref.ID)
}

func parseHead(line string) (Head, error) {
	var h Head
	parts := strings.SplitN(line, " ", 3)
	if len(parts) != 3 {
		return h, fmt.Errorf("read a head: %.80q is none", line)
	}
	kind, id, ok := strings.Cut(parts[2], "/")
	version, err := strconv.ParseUint(parts[1], 10, 64)
	if err != nil || !ok || !IsHash(parts[0]) {
		return h, fmt.Errorf("read a head: %.80q is none", line)
	}
	return Head{Ref{Kind: kind, ID: id}, version, parts[0]}, nil
}

// IsHash reports whether a text is a SHA-256 in lower-case hexadecimal.
func IsHash(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == sha256.Size && s == strings.ToLower(s)
}

// Checkpoint is one entry of the ledger: where the chains of all records stood. Its root is the
// SHA-256 of this text, each line ended by a newline:
//
//	keyholder checkpoint 1
//	number 3
//	at 2026-11-22T09:00:00Z
//	previous <root of number 2; 64 zeros for the first>
//	records 2
//	<link> 12 account/acme
//	<link> 4 workflow/t07-7KQ2M9XA
//
// with one line for each record, the ledger left out, sorted by kind/id as bytes. A root so vouches
// for all checkpoints before it as well.
type Checkpoint struct {
	Number   uint64    `json:"number"`
	At       time.Time `json:"at"` // UTC, whole seconds
	Previous string    `json:"previous"`
	Records  int       `json:"records"`
	Root     string    `json:"root"`
	// Changed is how many heads differ from the checkpoint before; they follow it in parts. The
	// others stand where they stood.
	Changed int `json:"changed"`
	// Lost is how many records no longer go on from where the checkpoint before saw them, Names the
	// first of them. Their heads are kept as they were.
	Lost  int      `json:"lost,omitempty"`
	Names []string `json:"names,omitempty"`
}

// NoRoot stands where the first checkpoint names the one before.
var NoRoot = strings.Repeat("0", 2*sha256.Size)

// root computes the root over the heads, by kind/id.
func (c Checkpoint) root(heads map[Ref]Head) string {
	all := make([]Head, 0, len(heads))
	for _, h := range heads {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b Head) int {
		return strings.Compare(a.Ref.Kind+"/"+a.Ref.ID, b.Ref.Kind+"/"+b.Ref.ID)
	})
	sum := sha256.New()
	fmt.Fprintf(sum, "keyholder checkpoint 1\nnumber %d\nat %s\nprevious %s\nrecords %d\n", c.Number,
		c.At.UTC().Format(time.RFC3339), c.Previous, c.Records)
	for _, h := range all {
		fmt.Fprintln(sum, h)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Types of the ledger's events.
const (
	CheckpointPart = "checkpoint.part" // body checkpointPart: some of the heads of the checkpoint that follows
	CheckpointMade = "checkpoint.made" // body Checkpoint
)

// Part holds the lines of some heads, compressed, so that no event grows with the installation.
type Part struct {
	Number uint64 `json:"number"`
	Heads  []byte `json:"heads"` // gzip of lines, each ended by a newline
}

// Bounds of a part: how many heads it has, and how long its text may be when it is read.
const (
	HeadsPerPart = 2000
	maxPart      = 1 << 20
)

func Pack(heads []Head) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for _, h := range heads {
		if _, err := fmt.Fprintln(z, h); err != nil {
			return nil, fmt.Errorf("compress heads: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress heads: %w", err)
	}
	return b.Bytes(), nil
}

func unpackHeads(packed []byte) ([]Head, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("read a part: %w", err)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(&bounded{z, maxPart}); err != nil {
		return nil, fmt.Errorf("read a part: %w", err)
	}
	var heads []Head
	for line := range strings.Lines(text.String()) {
		h, err := parseHead(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		heads = append(heads, h)
	}
	return heads, nil
}

// bounded reads at most left bytes from a text whose length nobody vouches for.
type bounded struct {
	from *gzip.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		return n, errors.New("it is larger than any part that is written")
	}
	return n, err
}

// Ledger is what the events of a ledger say: the last checkpoint (number 0: none), and where each record stood then.
type Ledger struct {
	Last  Checkpoint
	heads map[Ref]Head
	parts []Head
}

// Read takes the next event of the ledger: its number, type and body. When that is a checkpoint it
// answers it together with the heads that it added, and an error where its root does not follow
// from the heads and the checkpoint before.
func (l *Ledger) Read(seq uint64, kind string, body []byte) (made *Checkpoint, heads []Head, err error) {
	switch kind {
	case CheckpointPart:
		var b Part
		if err := json.Unmarshal(body, &b); err != nil {
			return nil, nil, fmt.Errorf("event %d: %w", seq, err)
		}
		part, err := unpackHeads(b.Heads)
		if err != nil {
			return nil, nil, fmt.Errorf("event %d: %w", seq, err)
		}
		l.parts = append(l.parts, part...)
		return nil, nil, nil
	case CheckpointMade:
		var c Checkpoint
		if err := json.Unmarshal(body, &c); err != nil {
			return nil, nil, fmt.Errorf("event %d: %w", seq, err)
		}
		heads, l.parts = l.parts, nil
		if l.heads == nil {
			l.heads = map[Ref]Head{}
		}
		for _, h := range heads {
			l.heads[h.Ref] = h
		}
		before := l.Last
		l.Last = c
		return &c, heads, c.follows(before, l.heads, len(heads))
	}
	return nil, nil, nil
}

// ErrCheckpoint: a checkpoint is not what its list and the one before make it.
var ErrCheckpoint = errors.New("it does not follow from its list and the checkpoint before")

func (c Checkpoint) follows(before Checkpoint, heads map[Ref]Head, changed int) error {
	switch {
	case c.Number != before.Number+1:
		return fmt.Errorf("%w: its number is %d, the one before is %d", ErrCheckpoint, c.Number, before.Number)
	case before.Number > 0 && c.Previous != before.Root || before.Number == 0 && c.Previous != NoRoot:
		return fmt.Errorf("%w: it names another one before", ErrCheckpoint)
	case c.Records != len(heads) || c.Changed != changed:
		return fmt.Errorf("%w: it counts %d records, %d of them changed, its list has %d and %d", ErrCheckpoint,
			c.Records, c.Changed, len(heads), changed)
	case c.Root != c.root(heads):
		return fmt.Errorf("%w: its root is %s, that of its list %s", ErrCheckpoint, c.Root, c.root(heads))
	}
	return nil
}

// Grew answers those of the last checkpoint's heads whose records stand further on now.
func (l *Ledger) Grew(now []Head) []Head {
	var grew []Head
	for _, h := range now {
		if was, known := l.heads[h.Ref]; known && h.Version > was.Version {
			grew = append(grew, was)
		}
	}
	return grew
}

// maxNames is how many lost records a checkpoint names.
const maxNames = 5

// Next makes the checkpoint after the last one from where the records stand now, and answers the
// heads that changed. A record that is gone, is shorter, stands at the same number with another
// link or is among rewritten keeps the head that is vouched for, and is named: it did not grow from
// there.
func (l *Ledger) Next(at time.Time, now []Head, rewritten map[Ref]bool) (Checkpoint, []Head) {
	c := Checkpoint{Number: l.Last.Number + 1, At: at.UTC().Truncate(time.Second), Previous: l.Last.Root}
	if l.Last.Number == 0 {
		c.Previous = NoRoot
	}
	all, left := map[Ref]Head{}, map[Ref]bool{}
	for ref, h := range l.heads {
		all[ref], left[ref] = h, true
	}
	var changed []Head
	for _, h := range now {
		was, known := l.heads[h.Ref]
		switch {
		case rewritten[h.Ref]:
		case known && was == h:
			delete(left, h.Ref)
		case !known || h.Version > was.Version:
			delete(left, h.Ref)
			all[h.Ref] = h
			changed = append(changed, h)
		}
	}
	for ref := range left {
		c.Names = append(c.Names, ref.Kind+" "+ref.ID)
	}
	slices.Sort(c.Names)
	c.Lost, c.Names = len(c.Names), c.Names[:min(len(c.Names), maxNames)]
	slices.SortFunc(changed, func(a, b Head) int {
		return strings.Compare(a.Ref.Kind+"/"+a.Ref.ID, b.Ref.Kind+"/"+b.Ref.ID)
	})
	c.Records, c.Changed = len(all), len(changed)
	c.Root = c.root(all)
	return c, changed
}
