package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// TestWhoWasEverNamedCanBeErased erases people from what a Redis held at moments of a real story, wherever nothing
// has to end first: what is left holds to audit verify, folds, and names them no more.
func TestWhoWasEverNamedCanBeErased(t *testing.T) {
	t.Parallel()
	part := keptPart(t)
	rewritten, refusals := 0, 0
	for _, path := range part {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".jsonl"), func(t *testing.T) {
			ctx := context.Background()
			head, url := keptRedis(t, path)
			st := storetest.OpenWith(t, keptOptions(t, head, url))
			refs, err := st.Refs(ctx, "")
			if err != nil {
				t.Fatal(err)
			}
			for as, s := range map[string]workflows.Subject{
				"U0ERASEDANA": {IDs: []string{ana}, Texts: []string{"ana@acme.example"}},
				"U0ERASEDPAT": {IDs: []string{"U0PAT"}, Texts: []string{"pat@acme.example", "Pat Quinn"}},
				"U0ERASEDDEE": {IDs: []string{dee}, Texts: []string{"dee@acme.example"}},
			} {
				s.As = as
				b := workflows.Erased{As: as, By: "somebody", Why: "a test"}
				plan, refused, err := workflows.PlanErasure(ctx, st, serve.Machines(), refs, s, b, head.Taken)
				if err != nil {
					t.Fatal(err)
				}
				refusals += len(refused)
				for _, r := range plan {
					rewritten += len(r.Instead)
					if err := st.Redact(ctx, r); err != nil {
						t.Fatalf("%s: %v", r.Ref, err)
					}
				}
				again, _, err := workflows.PlanErasure(ctx, st, serve.Machines(), refs, s, b, head.Taken)
				if err != nil || len(again) > 0 {
					t.Errorf("%s is still named: %+v, %v", as, again, err)
				}
			}
			keptHolds(t, st, "without them")
		})
	}
	t.Logf("%d events rewritten, %d refusals", rewritten, refusals)
	all := len(keptFiles(t))
	if rewritten < 100*len(part)/all || refusals < 20*len(part)/all {
		t.Errorf("%d events rewritten, %d refusals: the stories name hardly anybody", rewritten, refusals)
	}
}
