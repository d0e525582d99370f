package serve_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/evidence"
	"github.com/keyholder/keyholder/workflows/review/population"
)

const (
	theReview = "r01-acme-2026q4"
	thePacket = "p01-8QTT2A10"
	theAccess = "a01-2BBBBBBB"
)

// recorded puts the review of testdata into a store, but for the records left out.
func recorded(t *testing.T, without ...string) (*store.Store, *miniredis.Miniredis) {
	t.Helper()
	m := miniredis.RunT(t)
	st := storetest.OpenAt(t, "redis://"+m.Addr())
	raw, err := os.ReadFile("testdata/review.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Machine, ID string
		Events      []struct {
			Type, By string
			Body     json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	machines := map[string]workflows.Machine{"campaign": review.Campaign{}, "packet": review.Packet{}}
	for _, r := range all {
		if slices.Contains(without, r.ID) {
			continue
		}
		rc := workflows.RecordChange{From: workflows.Record{Ref: workflows.Ref{Kind: workflows.KindWorkflow, ID: r.ID}},
			Machine: r.Machine, Schema: 1, State: []byte("{}")}
		for i, e := range r.Events {
			by := workflows.Actor{Kind: workflows.ByKeyholder}
			if e.By != "" {
				by = workflows.Actor{Kind: workflows.ByPerson, ID: e.By}
			}
			var body bytes.Buffer
			if err := json.Compact(&body, e.Body); err != nil {
				t.Fatal(err)
			}
			rc.Events = append(rc.Events, workflows.Event{Seq: uint64(i) + 1, Type: e.Type,
				At: time.Date(2026, 10, 5, 9, i, 0, 0, time.UTC), By: by, Command: r.ID, Body: body.Bytes()})
		}
		if mc := machines[r.Machine]; mc != nil {
			s, err := workflows.Fold(mc, rc.Events)
			if err != nil {
				t.Fatal(err)
			}
			if rc.State, err = json.Marshal(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := st.Commit(context.Background(), workflows.Change{Workflow: r.ID,
			Records: []workflows.RecordChange{rc}}); err != nil {
			t.Fatal(err)
		}
	}
	return st, m
}

func collect(t *testing.T, st *store.Store) evidence.Evidence {
	t.Helper()
	e, err := serve.Collect(context.Background(), st, theReview)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTheEvidenceOfAReviewIsCollectedFromItsChains(t *testing.T) {
	st, _ := recorded(t)
	e := collect(t, st)
	var chains []string
	for _, c := range e.Chains {
		chains = append(chains, c.ID)
	}
	if want := []string{theReview, thePacket, theAccess}; !slices.Equal(chains, want) {
		t.Errorf("chains of %q, want %q", chains, want)
	}
	if len(e.Packets) != 1 || e.Packets[0].Signed == nil || len(e.Frozen[""]) == 0 || len(e.Raw[""]) != 1 {
		t.Errorf("collected %d packets, %d bytes of the list, %d answers", len(e.Packets), len(e.Frozen[""]),
			len(e.Raw[""]))
	}
	if faults := e.Disagreements(); len(faults) > 0 {
		t.Errorf("does not agree: %q", faults)
	}
}

func TestTheArchiveHoldsTheFilesAndIsTheSameTwice(t *testing.T) {
	st, _ := recorded(t)
	e := collect(t, st)
	e.Made = time.Date(2026, 10, 27, 8, 0, 0, 0, time.UTC)
	files, err := evidence.Files(e)
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := serve.Zip(theReview, files, e.Made)
	two, err2 := serve.Zip(theReview, files, e.Made)
	if err1 != nil || err2 != nil || !bytes.Equal(one, two) {
		t.Fatalf("two archives differ, or %v, %v", err1, err2)
	}
	r, err := zip.NewReader(bytes.NewReader(one), int64(len(one)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(in); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(f.Name, theReview+"/")
		if names = append(names, name); !bytes.Equal(b.Bytes(), files[name]) {
			t.Errorf("%s is not the file in the archive", f.Name)
		}
	}
	if !slices.Equal(names, slices.Sorted(maps.Keys(files))) {
		t.Errorf("the archive holds %q", names)
	}
}

func TestWhatWasWrittenOverAStateIsNotBelieved(t *testing.T) {
	st, m := recorded(t)
	for _, k := range m.Keys() {
		if strings.Contains(k, "}:record:workflow/"+thePacket) {
			state := m.HGet(k, "state")
			touched := strings.Replace(state, `"decision":"remove"`, `"decision":"keep"`, 1)
			if touched == state {
				t.Fatal("nothing was touched")
			}
			m.HSet(k, "state", touched)
		}
	}
	if got := collect(t, st).Packets[0].Verdicts[1].Decision; got != population.Remove {
		t.Errorf("the evidence says %s", got)
	}
}

func TestAChainThatDoesNotHoldGivesNoEvidence(t *testing.T) {
	for _, id := range []string{theReview, thePacket, theAccess} {
		st, m := recorded(t)
		for _, k := range m.Keys() {
			if strings.HasSuffix(k, "}:events:workflow/"+id) {
				list, err := m.List(k)
				if err != nil {
					t.Fatal(err)
				}
				list[0] = strings.Replace(list[0], "acme", "acne", 1)
				m.Del(k)
				if _, err := m.Push(k, list...); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, err := serve.Collect(context.Background(), st, theReview)
		if !errors.Is(err, chain.ErrBroken) || !strings.Contains(err.Error(), id) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestAnErasedEventLeavesTheStoredState(t *testing.T) {
	st, _ := recorded(t)
	if err := st.Erase(context.Background(), workflows.Ref{Kind: workflows.KindWorkflow, ID: thePacket},
		2); err != nil {
		t.Fatal(err)
	}
	e := collect(t, st)
	if e.Packets[0].Verdicts[1].Decision != population.Remove || e.Chains[1].Erased() != 1 {
		t.Errorf("the evidence says %+v, %d erased", e.Packets[0].Verdicts[1], e.Chains[1].Erased())
	}
	if _, err := evidence.Files(e); err != nil {
		t.Error(err)
	}
}

func TestAMissingPacketIsSaid(t *testing.T) {
	st, _ := recorded(t, thePacket)
	e := collect(t, st)
	if len(e.Packets) != 0 || len(e.Disagreements()) == 0 {
		t.Errorf("%d packets, %q does not agree", len(e.Packets), e.Disagreements())
	}
}

func TestOnlyReviewsHaveEvidence(t *testing.T) {
	st, _ := recorded(t)
	for _, id := range []string{"", "r01-acme-2025q1", thePacket, theAccess, "../../etc/passwd",
		strings.Repeat("r", 200), "r01-acme 2026q4"} {
		if _, err := serve.Collect(context.Background(), st, id); !errors.Is(err, workflows.ErrNoWorkflow) {
			t.Errorf("%q: %v", id, err)
		}
	}
}
