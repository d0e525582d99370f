package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// chained is a store with a record of three events, and a client that writes behind its back.
func chained(t *testing.T) (*store.Store, *miniredis.Miniredis, string, string) {
	t.Helper()
	m := miniredis.RunT(t)
	s := storetest.OpenAt(t, "redis://"+m.Addr())
	for range 3 {
		commit(t, s, grow(load(t, s, acme)))
	}
	var events, record string
	for _, k := range m.Keys() {
		switch {
		case strings.Contains(k, "}:events:"):
			events = k
		case strings.Contains(k, "}:record:"):
			record = k
		}
	}
	return s, m, events, record
}

func TestTamperingIsFoundAndNamed(t *testing.T) {
	// edit replaces text in the second of three events.
	edit := func(t *testing.T, m *miniredis.Miniredis, events string, change func(string) string) {
		t.Helper()
		list, err := m.List(events)
		if err != nil {
			t.Fatal(err)
		}
		after := change(list[1])
		if after == list[1] {
			t.Fatalf("nothing was changed in %q", list[1])
		}
		list[1] = after
		m.Del(events)
		if _, err := m.Push(events, list...); err != nil {
			t.Fatal(err)
		}
	}
	header := func(field string, value any) func(string) string {
		return func(entry string) string {
			head, body, _ := strings.Cut(entry, "\n")
			fields := map[string]any{}
			if err := json.Unmarshal([]byte(head), &fields); err != nil {
				panic(err)
			}
			fields[field] = value
			raw, err := json.Marshal(fields)
			if err != nil {
				panic(err)
			}
			return string(raw) + "\n" + body
		}
	}
	replace := func(old, new string) func(string) string {
		return func(entry string) string { return strings.Replace(entry, old, new, 1) }
	}
	other := strings.Repeat("ab", 32)
	for _, c := range []struct {
		name string
		do   func(t *testing.T, m *miniredis.Miniredis, events, record string)
		seq  uint64
	}{
		{"sequence", func(t *testing.T, m *miniredis.Miniredis, e, _ string) { edit(t, m, e, header("seq", 9)) }, 2},
		{"type", func(t *testing.T, m *miniredis.Miniredis, e, _ string) {
			edit(t, m, e, header("type", "shrunk"))
		}, 2},
		{"time", func(t *testing.T, m *miniredis.Miniredis, e, _ string) { edit(t, m, e, header("at", 1)) }, 2},
		{"salt", func(t *testing.T, m *miniredis.Miniredis, e, _ string) {
			edit(t, m, e, header("salt", other[:32]))
		}, 2},
		{"digest", func(t *testing.T, m *miniredis.Miniredis, e, _ string) {
			edit(t, m, e, header("digest", other))
		}, 2},
		{"link", func(t *testing.T, m *miniredis.Miniredis, e, _ string) { edit(t, m, e, header("link", other)) }, 2},
		{"mark of erasure", func(t *testing.T, m *miniredis.Miniredis, e, _ string) {
			edit(t, m, e, header("erased", true))
		}, 2},
		{"actor", func(t *testing.T, m *miniredis.Miniredis, e, _ string) {
			edit(t, m, e, replace(`"keyholder"`, `"person"`))
		}, 2},
		{"command", func(t *testing.T, m *miniredis.Miniredis, e, _ string) {
			edit(t, m, e, replace(`"c2"`, `"c3"`))
		}, 2},
		{"body", func(t *testing.T, m *miniredis.Miniredis, e, _ string) {
			edit(t, m, e, replace(`"a":[]`, `"a":{}`))
		}, 2},
		{"white space of the body", func(t *testing.T, m *miniredis.Miniredis, e, _ string) {
			edit(t, m, e, replace(`"a":[]`, `"a": []`))
		}, 2},
		{"header destroyed", func(t *testing.T, m *miniredis.Miniredis, e, _ string) {
			edit(t, m, e, func(string) string { return "nothing" })
		}, 2},
		{"order", func(t *testing.T, m *miniredis.Miniredis, e, _ string) {
			list, _ := m.List(e)
			m.Del(e)
			_, _ = m.Push(e, list[0], list[2], list[1])
		}, 2},
		{"the first event of another record", func(t *testing.T, m *miniredis.Miniredis, e, _ string) {
			list, _ := m.List(e)
			m.Del(e)
			_, _ = m.Push(e, list[1], list[1], list[2])
		}, 1},
		{"an event removed", func(t *testing.T, m *miniredis.Miniredis, e, _ string) { _, _ = m.Pop(e) }, 0},
		{"an event added", func(t *testing.T, m *miniredis.Miniredis, e, _ string) { _, _ = m.Push(e, "x\n{}") }, 0},
		{"all events removed", func(t *testing.T, m *miniredis.Miniredis, e, _ string) { m.Del(e) }, 0},
		{"head", func(t *testing.T, m *miniredis.Miniredis, _, r string) { m.HSet(r, "head", other) }, 0},
		{"version", func(t *testing.T, m *miniredis.Miniredis, _, r string) { m.HSet(r, "version", "2") }, 0},
		{"last time", func(t *testing.T, m *miniredis.Miniredis, _, r string) { m.HSet(r, "last", "5") }, 0},
		{"version no number", func(t *testing.T, m *miniredis.Miniredis, _, r string) {
			m.HSet(r, "version", "two")
		}, 0},
		{"record removed", func(t *testing.T, m *miniredis.Miniredis, _, r string) { m.Del(r) }, 0},
		{"record and events removed", func(t *testing.T, m *miniredis.Miniredis, e, r string) {
			m.Del(r)
			m.Del(e)
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, m, events, record := chained(t)
			if err := s.Verify(context.Background(), acme); err != nil {
				t.Fatalf("before: %v", err)
			}
			c.do(t, m, events, record)
			err := s.Verify(context.Background(), acme)
			var broken *chain.BrokenError
			if !errors.As(err, &broken) || !errors.Is(err, chain.ErrBroken) {
				t.Fatalf("not found: %v", err)
			}
			if broken.Seq != c.seq || broken.Ref != acme || !strings.Contains(err.Error(), "account/acme") {
				t.Errorf("found at event %d, want %d: %v", broken.Seq, c.seq, err)
			}
			found := 0
			if _, _, err := s.VerifyAll(context.Background(), func(ref workflows.Ref, err error) {
				found++
			}); err != nil || found != 1 {
				t.Errorf("VerifyAll found %d faults, %v", found, err)
			}
		})
	}
}

func TestAnOpenWorkflowThatIsGoneOrUnlistedIsFound(t *testing.T) {
	for _, what := range []string{"there is no such record", "the index does not list it"} {
		m := miniredis.RunT(t)
		s := storetest.OpenAt(t, "redis://"+m.Addr())
		id := workflows.NewID('t', "acme", s.Shards(), "x")
		ref := workflows.Ref{Kind: workflows.KindWorkflow, ID: id}
		c := grow(workflows.Record{Ref: ref})
		c.Records = append(c.Records, grow(workflows.Record{Ref: acme}).Records...)
		c.Workflow, c.Account, c.Open = id, "acme", 1
		commit(t, s, c)
		for _, k := range m.Keys() {
			if strings.Contains(k, "workflow/") && what == "there is no such record" {
				m.Del(k)
			}
			if strings.HasSuffix(k, "}:records") {
				_, _ = m.ZRem(k, "workflow/"+id)
			}
		}
		found := map[workflows.Ref]string{}
		if _, _, err := s.VerifyAll(context.Background(), func(r workflows.Ref, err error) {
			found[r] = err.Error()
		}); err != nil {
			t.Fatal(err)
		}
		if len(found) != 1 || !strings.Contains(found[ref], what) {
			t.Errorf("found %v, want %q", found, what)
		}
	}
}

func TestADamagedPlaceOrEffectKeepsNothingElseWaiting(t *testing.T) {
	m := miniredis.RunT(t)
	s := storetest.OpenAt(t, "redis://"+m.Addr())
	id := workflows.NewID('t', "acme", s.Shards(), "x")
	var c workflows.Change
	for _, who := range []string{"U1", "U2", "U3"} {
		c.Put = append(c.Put, workflows.Effect{Kind: workflows.EffectCards, ID: who, Workflow: id,
			Key: "cards/" + id + "/" + who})
	}
	commit(t, s, c)
	for _, k := range m.Keys() {
		if strings.HasSuffix(k, "/U1") {
			m.HSet(k, "e:1", "{")
			shard, _, _ := strings.Cut(k, "queue:")
			m.HSet(shard+"places:"+id, "main/U2", "{")
		}
	}
	claims, err := s.ClaimEffects(context.Background(), time.Now(), 10)
	if err != nil || len(claims) != 3 {
		t.Fatalf("%d claims, %v", len(claims), err)
	}
	for _, c := range claims {
		if damaged := strings.HasSuffix(c.Effect.Key, "/U1"); damaged != (c.Unreadable != nil) || !damaged &&
			c.Effect.Workflow != id {
			t.Errorf("claimed %+v", c)
		}
	}
	places, err := s.Places(context.Background(), id)
	if err != nil || len(places) != 0 {
		t.Errorf("places %v, %v", places, err)
	}
}

// TestTheFormulaInDocGoIsTheOneInUse recomputes a chain from the words of doc.go alone.
func TestTheFormulaInDocGoIsTheOneInUse(t *testing.T) {
	s, m, events, _ := chained(t)
	h := func(parts ...string) string {
		sum := sha256.New()
		for _, p := range parts {
			sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
			sum.Write([]byte(p))
		}
		return string(sum.Sum(nil))
	}
	eight := func(n int64) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	list, err := m.List(events)
	if err != nil {
		t.Fatal(err)
	}
	previous := ""
	for i, stored := range list {
		header, body, _ := strings.Cut(stored, "\n")
		var e struct {
			Seq, At    int64
			Type, Salt string
		}
		if err := json.Unmarshal([]byte(header), &e); err != nil {
			t.Fatal(err)
		}
		salt, err := hex.DecodeString(e.Salt)
		if err != nil || len(salt) != 16 || e.Seq != int64(i)+1 {
			t.Fatalf("header %s", header)
		}
		previous = h("keyholder chain link 1", previous, "account/acme", eight(e.Seq), e.Type, eight(e.At),
			h("keyholder event digest 1", string(salt), body))
	}
	if got := load(t, s, acme).Head; got != hex.EncodeToString([]byte(previous)) {
		t.Errorf("head %s, recomputed %x", got, previous)
	}
}

func TestErasedContentIsNowhereInTheRecord(t *testing.T) {
	s, m, events, _ := chained(t)
	if err := s.Erase(context.Background(), acme, 2); err != nil {
		t.Fatal(err)
	}
	list, err := m.List(events)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(list[1], "command") || strings.Contains(list[1], "salt") || !strings.Contains(list[1],
		"digest") {
		t.Errorf("the erased event is stored as %q", list[1])
	}
	got, err := s.Events(context.Background(), acme, 1)
	if err != nil || got[0].Body != nil || !got[0].At.Equal(time.UnixMilli(1_700_000_000_002)) {
		t.Errorf("events %+v, %v", got, err)
	}
}
