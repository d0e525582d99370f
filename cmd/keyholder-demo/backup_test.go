package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/backup"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// TestWhatWasEverKeptCanBeCopiedAndPutBack copies what a Redis held at moments of a real story, and
// holds what is put back to audit verify.
func TestWhatWasEverKeptCanBeCopiedAndPutBack(t *testing.T) {
	t.Parallel()
	for _, path := range keptPart(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".jsonl"), func(t *testing.T) {
			ctx := context.Background()
			head, url := keptRedis(t, path)
			to := keptOptions(t, head, url)
			st := storetest.OpenWith(t, to)
			var file bytes.Buffer
			told := func(ref workflows.Ref, err error) { t.Errorf("%s %s: %v", ref.Kind, ref.ID, err) }
			_, err := backup.Write(ctx, st, &file, backup.Options{Version: "test", Keys: to.SealKeys,
				Now: func() time.Time { return head.Taken }, Told: told})
			if err != nil {
				t.Fatal(err)
			}
			to.Prefix = "copy"
			if _, _, err := backup.Restore(ctx, bytes.NewReader(file.Bytes()),
				backup.Into{Store: to, Machines: serve.Machines(), Told: told}); err != nil {
				t.Fatal(err)
			}
			restored := storetest.OpenWith(t, to)
			keptHolds(t, restored, "put back")
			sameRecords(t, st, restored)
		})
	}
}

// sameRecords compares events, and where cards stand.
func sameRecords(t *testing.T, a, b *store.Store) {
	t.Helper()
	ctx := context.Background()
	refs, err := a.Refs(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		want, err := a.Entries(ctx, ref, 0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.Entries(ctx, ref, 0)
		if err != nil || !bytes.Equal(bytes.Join(want, nil), bytes.Join(got, nil)) {
			t.Errorf("%s %s has other events: %v", ref.Kind, ref.ID, err)
		}
		stood, err := a.Places(ctx, ref.ID)
		if err != nil {
			t.Fatal(err)
		}
		stand, err := b.Places(ctx, ref.ID)
		if err != nil || len(stand) != len(stood) {
			t.Errorf("the cards of %s: %v, %v, %v", ref.ID, stood, stand, err)
		}
		for card, p := range stood {
			if stand[card].TS != p.TS || stand[card].Channel != p.Channel {
				t.Errorf("the card %s of %s stands in %+v, stood in %+v", card, ref.ID, stand[card], p)
			}
		}
	}
}
