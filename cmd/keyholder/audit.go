package main

import (
	"encoding/json"
	"fmt"

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

// exported is one line of the export.
type exported struct {
	Kind  string          `json:"kind"`
	ID    string          `json:"id"`
	Event workflows.Event `json:"event"`
	// Erased is true when the body was erased; its digest stays in the chain.
	Erased bool `json:"erased,omitempty"`
}

// Run prints every event of every record, record by record, oldest first.
func (c auditExport) Run(w *world) error {
	st, err := c.open(w)
	if err != nil {
		return err
	}
	defer st.Close()
	out := json.NewEncoder(w.out)
	for _, kind := range []string{workflows.KindAccount, workflows.KindPerson, workflows.KindWorkflow, workflows.KindLedger} {
		refs, err := st.Refs(w.ctx, kind)
		if err != nil {
			return fmt.Errorf("list records: %w", err)
		}
		for _, ref := range refs {
			events, err := st.Events(w.ctx, ref, 0)
			if err != nil {
				return fmt.Errorf("read %s: %w", ref.ID, err)
			}
			for _, e := range events {
				erased := e.Body == nil
				if erased {
					e.Body = json.RawMessage("null")
				}
				if err := out.Encode(exported{ref.Kind, ref.ID, e, erased}); err != nil {
					return fmt.Errorf("write: %w", err)
				}
			}
		}
	}
	return nil
}
