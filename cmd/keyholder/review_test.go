package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/evidence"
)

// reviewed puts the closed review of serve/testdata into the Redis of a script, as the record would
// hold it. With a number it is only the first so many events of the campaign, of an account without
// a token: then it waits for a list.
func reviewed(events int) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 0 {
			ts.Fatalf("usage: reviewed, or gathering")
		}
		raw, err := os.ReadFile(filepath.Join(of(ts).folder, "serve", "testdata", "review.json"))
		ts.Check(err)
		var all []struct {
			Machine, ID string
			Events      []struct {
				Type string
				Body json.RawMessage
			}
		}
		ts.Check(json.Unmarshal(raw, &all))
		ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
		defer cancel()
		// the one of the fixture's IDs is acme's then
		st, err := store.Open(ctx, store.Options{URL: of(ts).redis.URL, Shards: 3, Log: zerolog.Nop()})
		ts.Check(err)
		defer st.Close()
		machines := map[string]workflows.Machine{"campaign": review.Campaign{}, "packet": review.Packet{}}
		for _, r := range all {
			if events > 0 && r.Machine != "campaign" {
				continue
			}
			rc := workflows.RecordChange{From: workflows.Record{Ref: workflows.Ref{Kind: workflows.KindWorkflow,
				ID: r.ID}}, Machine: r.Machine, Schema: 1, State: []byte("{}")}
			for i, e := range r.Events {
				if events > 0 && i >= events {
					break
				}
				var body bytes.Buffer
				ts.Check(json.Compact(&body, bytes.ReplaceAll(e.Body, []byte(`"token": true`),
					[]byte(`"token": `+map[bool]string{true: "false", false: "true"}[events > 0]))))
				rc.Events = append(rc.Events, workflows.Event{Seq: uint64(i) + 1, Type: e.Type,
					At: time.Now().UTC().Truncate(time.Millisecond),
					By: workflows.Actor{Kind: workflows.ByKeyholder}, Command: r.ID, Body: body.Bytes()})
			}
			change := workflows.Change{Workflow: r.ID}
			if m := machines[r.Machine]; m != nil {
				state, err := workflows.Fold(m, rc.Events)
				ts.Check(err)
				rc.State, err = json.Marshal(state)
				ts.Check(err)
				view := m.View(state)
				change.WaitingFor, change.TimersSet = view.Waiting, view.Timers
				for i := range change.TimersSet {
					change.TimersSet[i].Workflow = r.ID
				}
				if !state.Closed() {
					change.Account, change.Open = state.Account(), 1
				}
			}
			change.Records = []workflows.RecordChange{rc}
			ts.Check(st.Commit(ctx, change))
		}
	}
}

// manifestHolds compares the files of a folder with its manifest, and the manifest with the hash
// that the last output named: manifestHolds DIR.
func manifestHolds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: manifestHolds folder")
	}
	raw, err := os.ReadFile(ts.MkAbs(filepath.Join(args[0], evidence.FileManifest)))
	ts.Check(err)
	var m struct{ Files map[string]string }
	ts.Check(json.Unmarshal(raw, &m))
	sum := func(b []byte) string {
		s := sha256.Sum256(b)
		return hex.EncodeToString(s[:])
	}
	if !strings.Contains(ts.ReadFile("stdout"), sum(raw)) {
		ts.Fatalf("the output does not name the manifest's hash %s", sum(raw))
	}
	for name, want := range m.Files {
		content, err := os.ReadFile(ts.MkAbs(filepath.Join(args[0], filepath.FromSlash(name))))
		ts.Check(err)
		if sum(content) != want {
			ts.Fatalf("%s does not have its hash", name)
		}
	}
	if len(m.Files) < 9 {
		ts.Fatalf("the manifest names only %d files", len(m.Files))
	}
}

// hashRecorded looks for the hash of a folder's manifest.json among the events of the review: hashRecorded DIR.
func hashRecorded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hashRecorded folder")
	}
	raw, err := os.ReadFile(ts.MkAbs(filepath.Join(args[0], evidence.FileManifest)))
	ts.Check(err)
	ctx := context.Background()
	c := redis.NewClient(&redis.Options{Addr: of(ts).redis.Addr})
	defer c.Close()
	keys, err := c.Keys(ctx, "kh:{*}:events:workflow/r*").Result()
	ts.Check(err)
	for _, key := range keys {
		entries, err := c.LRange(ctx, key, -1, -1).Result()
		ts.Check(err)
		if strings.Contains(entries[0], "campaign.exported") && strings.Contains(entries[0], evidence.Sum(raw)) {
			return
		}
	}
	ts.Fatalf("the record does not hold the manifest's hash %s", evidence.Sum(raw))
}

// spoil changes what a packet's event says, as somebody at the Redis console could: spoil.
func spoil(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := context.Background()
	c := redis.NewClient(&redis.Options{Addr: of(ts).redis.Addr})
	defer c.Close()
	keys, err := c.Keys(ctx, "kh:{*}:events:workflow/p*").Result()
	ts.Check(err)
	for _, key := range keys {
		entry, err := c.LIndex(ctx, key, 1).Bytes()
		ts.Check(err)
		ts.Check(c.LSet(ctx, key, 1, bytes.Replace(entry, []byte(`"remove"`), []byte(`"keep"`), 1)).Err())
	}
	if len(keys) == 0 {
		ts.Fatalf("there is no packet to spoil")
	}
}
