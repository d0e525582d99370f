package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
	"github.com/keyholder/keyholder/workflows/record"
)

type auditCmd struct {
	Verify auditVerify `cmd:"" help:"Recompute the hash chain of every record and compare them with the checkpoints; exit 1 naming each one that does not hold."`
	Export auditExport `cmd:"" help:"Print every event as a JSON line."`
}

type auditVerify struct {
	configFlag
	Checkpoint  []string `name:"checkpoint" placeholder:"NUMBER=HEX" sep:"none" help:"A checkpoint as it stands in Slack, to compare with the record; may be given several times."`
	Checkpoints string   `name:"checkpoints" placeholder:"FILE" help:"A file of such checkpoints, one a line."`
}

// Run recomputes every chain, folds every record anew to compare it with what is stored of it and
// beside it, and compares all with the checkpoints: those of the ledger, and those that somebody
// read in Slack.
func (c auditVerify) Run(w *world) error {
	expected, err := c.expected()
	if err != nil {
		return exitError{exitUsage, err.Error()}
	}
	st, err := c.open(w)
	if err != nil {
		return err
	}
	defer st.Close()
	failing := map[workflows.Ref]bool{}
	failed := func(ref workflows.Ref, err error) {
		failing[ref] = true
		fmt.Fprintf(w.out, "✗ %s %s: %v\n", ref.Kind, ref.ID, err)
	}
	records, events, err := st.VerifyAll(w.ctx, failed)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	c.saySeal(w, st)
	if err := c.compare(w, st, failing, failed); err != nil {
		return err
	}
	last, err := st.VerifyLedger(w.ctx, expected, failed)
	if err != nil {
		return fmt.Errorf("verify checkpoints: %w", err)
	}
	if len(failing) > 0 {
		return exitError{exitFault, fmt.Sprintf("the record does not hold: %s, of %d that are there",
			count(len(failing), "entry"), records)}
	}
	fmt.Fprintf(w.out, "✓ the chain holds: %s, %s\n", count(records, "record"), count(events, "event"))
	if err := c.sayErasures(w, st); err != nil {
		return err
	}
	c.sayCheckpoints(w, last, len(expected))
	return nil
}

// sayErasures names what was erased and by whose word: one line for each person, and the events below it.
func (c auditVerify) sayErasures(w *world, st *store.Store) error {
	refs, err := st.Refs(w.ctx, "")
	if err != nil {
		return fmt.Errorf("list the records: %w", err)
	}
	type erasure struct {
		first   string
		records []string
	}
	all := map[string]*erasure{}
	for _, ref := range refs {
		links, err := st.Links(w.ctx, ref, 0)
		if err != nil {
			return fmt.Errorf("read %s: %w", ref, err)
		}
		for _, l := range links {
			if l.Type != workflows.Erasure {
				continue
			}
			e, err := store.EventOf(l)
			if err != nil {
				return fmt.Errorf("read %s: %w", ref, err)
			}
			b, ok := workflows.ReadErased(e)
			if !ok {
				continue
			}
			if all[b.As] == nil {
				all[b.As] = &erasure{first: fmt.Sprintf("on %s by the word of %s: %s",
					l.At.Format("2006-01-02 15:04 UTC"), b.By, b.Why)}
			}
			var numbers []string
			for _, n := range slices.Sorted(maps.Keys(b.Instead)) {
				numbers = append(numbers, strconv.FormatUint(n, 10))
			}
			all[b.As].records = append(all[b.As].records, fmt.Sprintf("%s %s: %s", ref.Kind, ref.ID,
				cmp.Or(strings.Join(numbers, ", "), "places of cards")))
		}
	}
	for _, as := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(w.out, "… what was about %s was erased %s; rewritten events:\n", as, all[as].first)
		for _, line := range all[as].records {
			fmt.Fprintf(w.out, "    %s\n", line)
		}
	}
	return nil
}

// compare folds every record anew and compares what is stored beside the events. Those whose chain
// does not hold are named already.
func (c auditVerify) compare(w *world, st *store.Store, failing map[workflows.Ref]bool,
	failed func(workflows.Ref, error)) error {
	refs, err := st.Refs(w.ctx, "")
	if err != nil {
		return fmt.Errorf("list the records: %w", err)
	}
	broken := maps.Clone(failing)
	sound := func(ref workflows.Ref) bool { return !broken[ref] }
	if err := record.Verify(w.ctx, st, serve.Machines(), refs, sound, failed); err != nil {
		return fmt.Errorf("verify states: %w", err)
	}
	return nil
}

// saySeal says what vouches for the states, before the faults that follow from it.
func (c auditVerify) saySeal(w *world, st *store.Store) {
	switch st.Standing() {
	case store.Sealed, store.SealedFormerly:
		fmt.Fprintln(w.out, "✓ the record is sealed, and the seals are compared")
	case store.SealedElsewhere:
		fmt.Fprintln(w.out, "… the record is sealed, but KEYHOLDER_SEAL_KEY is not set: the seals are not compared")
	case store.SealedOnce:
		fmt.Fprintln(w.out, "… the record is not sealed with KEYHOLDER_SEAL_KEY: whoever writes to Redis can change what Keyholder believes until it starts with it")
	default:
		fmt.Fprintln(w.out, "… KEYHOLDER_SEAL_KEY is not set: whoever writes to Redis can change what Keyholder believes; what is compared here are the events")
	}
}

// sayCheckpoints says how far checkpoints reach, and what they are worth until somebody compares them.
func (c auditVerify) sayCheckpoints(w *world, last chain.Checkpoint, compared int) {
	if last.Number == 0 {
		fmt.Fprintln(w.out, "… no checkpoint was made yet; the first comes a day after the first start")
		return
	}
	fmt.Fprintf(w.out, "✓ it goes on from checkpoint %d of %s, over %s: %s\n", last.Number,
		last.At.UTC().Format("2006-01-02 15:04 UTC"), count(last.Records, "record"), last.Root)
	if compared > 0 {
		fmt.Fprintf(w.out, "✓ %s as given\n", count(compared, "checkpoint"))
		return
	}
	fmt.Fprintln(w.out, "… whoever writes to Redis could have rewritten the checkpoints, too: compare them with those in Slack, by --checkpoint NUMBER=HEX")
}

// expected reads the checkpoints that were given.
func (c auditVerify) expected() (map[uint64]string, error) {
	lines := c.Checkpoint
	if c.Checkpoints != "" {
		raw, err := os.ReadFile(c.Checkpoints)
		if err != nil {
			return nil, fmt.Errorf("read the checkpoints: %w", err)
		}
		for line := range strings.Lines(string(raw)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				lines = append(lines, line)
			}
		}
	}
	out := map[uint64]string{}
	for _, line := range lines {
		number, root, _ := strings.Cut(line, "=")
		n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 64)
		root = strings.ToLower(strings.TrimSpace(root))
		if err != nil || n == 0 || !chain.IsHash(root) {
			return nil, fmt.Errorf(
				"%.100q is no checkpoint: give its number and its 64 hexadecimal digits as they stand in Slack, as 3=9f86d0…", line)
		}
		if other, twice := out[n]; twice && other != root {
			return nil, fmt.Errorf("checkpoint %d is given twice, with different digits", n)
		}
		out[n] = root
	}
	if c.Checkpoints != "" && len(out) == 0 {
		return nil, fmt.Errorf("%s holds no checkpoint: write one a line, as 3=9f86d0…", c.Checkpoints)
	}
	return out, nil
}

func (f configFlag) open(w *world) (*store.Store, error) {
	cfg, err := f.load(w, true)
	if err != nil {
		return nil, err
	}
	o := serve.StoreOptions(cfg, zerolog.Nop())
	o.Shards, o.Look = 0, true // whatever is stored, and nothing begun
	return store.Open(w.ctx, o)
}

type auditExport struct{ configFlag }

// exported is the beginning of one line of the export. The event stands last and as it was hashed:
// "{" and all from `"by":` to the line's last but one brace are the bytes that the digest is over
// (package store's doc.go has the formula).
type exported struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	// Salt, Digest and Link are hexadecimal; the link before is that of the line before, empty for a record's first.
	Salt   string `json:"salt,omitempty"`
	Digest string `json:"digest"`
	Link   string `json:"link"`
	// Erased is true when the body was erased; its digest stays in the chain.
	Erased bool `json:"erased,omitempty"`
	// MS is the event's time as the link has it: milliseconds since 1970.
	MS int64 `json:"ms"`
}

// Run prints every event of every record, record by record, oldest first.
func (c auditExport) Run(w *world) error {
	st, err := c.open(w)
	if err != nil {
		return err
	}
	defer st.Close()
	for _, kind := range []string{workflows.KindAccount, workflows.KindPerson, workflows.KindWorkflow,
		workflows.KindLedger} {
		refs, err := st.Refs(w.ctx, kind)
		if err != nil {
			return fmt.Errorf("list records: %w", err)
		}
		for _, ref := range refs {
			links, err := st.Links(w.ctx, ref, 0)
			if err != nil {
				return fmt.Errorf("read %s: %w", ref.ID, err)
			}
			for _, l := range links {
				line, err := exportLine(ref, l)
				if err != nil {
					return fmt.Errorf("read %s: %w", ref.ID, err)
				}
				if _, err := w.out.Write(line); err != nil {
					return fmt.Errorf("write: %w", err)
				}
			}
		}
	}
	return nil
}

// exportLine writes the event without touching a byte of what its digest is over; encoding/json
// would escape and compact. Bodies are made by json.Marshal, so they hold no line break; one that
// does is compacted, and its line then does not recompute.
func exportLine(ref workflows.Ref, l chain.Link) ([]byte, error) {
	head, err := json.Marshal(exported{ref.Kind, ref.ID, l.Salt, l.Digest, l.Link, l.Erased, l.At.UnixMilli()})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	event, err := json.Marshal(struct {
		Seq  uint64    `json:"seq"`
		Type string    `json:"type"`
		At   time.Time `json:"at"`
	}{l.Seq, l.Type, l.At})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	body := l.Body
	if l.Erased {
		body = []byte(`{"by":{"kind":""},"command":"","body":null}`)
	}
	if bytes.ContainsAny(body, "\r\n") {
		var b bytes.Buffer
		if err := json.Compact(&b, body); err != nil {
			return nil, fmt.Errorf("event %d: %w", l.Seq, err)
		}
		body = b.Bytes()
	}
	var b bytes.Buffer
	for _, part := range [][]byte{head[:len(head)-1], []byte(`,"event":`), event[:len(event)-1], []byte(","), body[1:],
		[]byte("}\n")} {
		b.Write(part)
	}
	return b.Bytes(), nil
}
