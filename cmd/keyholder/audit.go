package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
)

type auditCmd struct {
	Verify auditVerify `cmd:"" help:"Recompute the hash chain of every record; exit 1 naming each one that does not hold."`
	Export auditExport `cmd:"" help:"Print every event as a JSON line."`
}

type auditVerify struct{ configFlag }

// Run recomputes every chain, and folds every workflow anew to compare it with its stored state.
func (c auditVerify) Run(w *world) error {
	st, err := c.open(w)
	if err != nil {
		return err
	}
	defer st.Close()
	broken := 0
	failed := func(ref workflows.Ref, err error) {
		broken++
		fmt.Fprintf(w.out, "✗ %s %s: %v\n", ref.Kind, ref.ID, err)
	}
	records, events, err := st.VerifyAll(w.ctx, failed)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if broken == 0 {
		if err := workflows.VerifyStates(w.ctx, st, serve.Machines(), refs(w, st), failed); err != nil {
			return fmt.Errorf("verify states: %w", err)
		}
	}
	if broken > 0 {
		return exitError{exitFault, fmt.Sprintf("the chain does not hold: %s of %d", count(broken, "record"), records)}
	}
	fmt.Fprintf(w.out, "✓ the chain holds: %s, %s\n", count(records, "record"), count(events, "event"))
	return nil
}

func refs(w *world, st *store.Store) []workflows.Ref {
	all, err := st.Refs(w.ctx, workflows.KindWorkflow)
	if err != nil {
		w.log.Error().Err(err).Msg("list the workflows")
	}
	return all
}

func (f configFlag) open(w *world) (*store.Store, error) {
	cfg, err := f.load(w, true)
	if err != nil {
		return nil, err
	}
	o := serve.StoreOptions(cfg, zerolog.Nop())
	o.Shards = 0 // whatever is stored
	return store.Open(w.ctx, o)
}

type auditExport struct{ configFlag }

// exported is the beginning of one line of the export. The event stands last and as it was hashed: "{" and all from `"by":` to the line's last but one
// brace are the bytes that the digest is over (package store's doc.go has the formula).
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
	for _, kind := range []string{workflows.KindAccount, workflows.KindPerson, workflows.KindWorkflow, workflows.KindLedger} {
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

// exportLine writes the event without touching a byte of what its digest is over; encoding/json would escape and compact. Bodies are made by
// json.Marshal, so they hold no line break; one that does is compacted, and its line then does not recompute.
func exportLine(ref workflows.Ref, l store.Link) ([]byte, error) {
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
	for _, part := range [][]byte{head[:len(head)-1], []byte(`,"event":`), event[:len(event)-1], []byte(","), body[1:], []byte("}\n")} {
		b.Write(part)
	}
	return b.Bytes(), nil
}
