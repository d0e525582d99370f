package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

var recordTests = []test{
	{"a record that was never written has version 0", func(w *world) {
		recs, err := w.s.Load(w.ctx, w.wref, workflows.Ref{Kind: workflows.KindPerson, ID: "U1"},
			workflows.Ref{Kind: workflows.KindWorkflow, ID: "t99-NOSUCHID"})
		w.must(err)
		for _, r := range recs {
			if r.Version != 0 || r.Head != "" || r.State != nil {
				w.Errorf("loaded %+v", r)
			}
		}
	}},
	{"records come in the order asked, whatever their shard", func(w *world) {
		var refs []workflows.Ref
		for i := range 20 {
			ref := workflows.Ref{Kind: workflows.KindPerson, ID: fmt.Sprintf("U%d", i)}
			refs = append(refs, ref)
			w.commit(workflows.Change{Records: []workflows.RecordChange{w.grow(ref, 1)}})
		}
		slices.Reverse(refs)
		recs, err := w.s.Load(w.ctx, refs...)
		w.must(err)
		for i, r := range recs {
			if r.Ref != refs[i] || r.Version != 1 {
				w.Errorf("record %d is %+v, want %v", i, r, refs[i])
			}
		}
	}},
	{"workflow and account are written together", func(w *world) {
		w.commit(workflows.Change{Workflow: w.id, Account: account, Records: []workflows.RecordChange{w.grow(w.wref, 2),
			w.grow(w.aref, 1)}})
		wf, acc := w.load(w.wref), w.load(w.aref)
		if wf.Version != 2 || acc.Version != 1 || wf.Machine != "transfer" || wf.Schema != 1 ||
			!wf.Last.Equal(w.at(2*time.Second)) {
			w.Errorf("workflow %+v, account %+v", wf, acc)
		}
		events, err := w.s.Events(w.ctx, w.wref, 1)
		w.must(err)
		if len(events) != 1 || events[0].Seq != 2 || events[0].Command != "command-2" || events[0].By.ID != "U0ANA" ||
			!events[0].At.Equal(w.at(2*time.Second)) {
			w.Errorf("events after 1: %+v", events)
		}
	}},
	{"an old version conflicts and nothing of the change is written", func(w *world) {
		old := w.load(w.wref)
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 1)}})
		err := w.s.Commit(w.ctx, workflows.Change{Workflow: w.id, Account: account, Open: 1, WaitingFor: []string{"U1"},
			Records: []workflows.RecordChange{w.grow(w.aref, 1), w.growFrom(old, 1)},
			Append:  []workflows.Effect{w.call("never")},
			Put:     []workflows.Effect{w.cards("U1", 1)}, TimersSet: []workflows.Timer{w.timer("never", w.start)}})
		w.wantErr(err, workflows.ErrConflict)
		if v := w.load(w.aref).Version; v != 0 {
			w.Errorf("the account has version %d", v)
		}
		w.claim(w.at(time.Hour))
		w.claimTimers(w.at(time.Hour), w.at(time.Hour))
		open, err := w.s.Open(w.ctx, account)
		w.must(err)
		waiting, err := w.s.Waiting(w.ctx, "U1")
		w.must(err)
		if len(open)+len(waiting) > 0 {
			w.Errorf("open %v, waiting %v", open, waiting)
		}
	}},
	{"what a clock that was ahead decided is not stored", func(w *world) {
		stray := workflows.Change{Workflow: w.id, Account: account, Open: 1, At: time.Now().Add(3 * time.Second),
			Records: []workflows.RecordChange{w.grow(w.wref, 1)}, Append: []workflows.Effect{w.call("stray")},
			TimersSet: []workflows.Timer{w.timer("stray", w.start)}}
		err := w.s.Commit(w.ctx, stray)
		w.wantErr(err, workflows.ErrAway)
		w.wantErr(err, store.ErrClock)
		w.claim(w.at(time.Hour))
		w.claimTimers(w.at(time.Hour), w.at(time.Hour))
		if v := w.load(w.wref).Version; v != 0 {
			w.Errorf("the record has version %d", v)
		}
		for _, at := range []time.Duration{time.Second, -time.Hour} { // a decision may wait; it is not made later
			w.commit(workflows.Change{Workflow: w.id, Account: account, At: time.Now().Add(at),
				Records: []workflows.RecordChange{w.grow(w.wref, 1)}})
		}
	}},
	{"another head conflicts", func(w *world) {
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 1)}})
		rc := w.grow(w.wref, 1)
		rc.From.Head = strings.Repeat("0", 64)
		w.wantErr(w.s.Commit(w.ctx, workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{rc}}),
			workflows.ErrConflict)
	}},
	{"the same change again conflicts and is stored once", func(w *world) {
		c := workflows.Change{Workflow: w.id, Account: account, Records: []workflows.RecordChange{w.grow(w.wref, 1)},
			Append: []workflows.Effect{w.call("once")}}
		w.commit(c)
		w.wantErr(w.s.Commit(w.ctx, c), workflows.ErrConflict)
		events, err := w.s.Events(w.ctx, w.wref, 0)
		w.must(err)
		if len(events) != 1 || events[0].Command != "command-1" {
			w.Errorf("events %+v", events)
		}
		w.finish(w.one(w.start, "once"), done)
		w.claim(w.at(time.Hour))
	}},
	{"a record change without events compares and writes nothing", func(w *world) {
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 1)}})
		before := w.load(w.wref)
		look := workflows.RecordChange{From: before, State: []byte("other"), Schema: 9}
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{look},
			Put: []workflows.Effect{w.cards("U1", 1)}})
		if after := w.load(w.wref); after.Version != 1 || !bytes.Equal(after.State, before.State) ||
			after.Schema != before.Schema {
			w.Errorf("the record became %+v", after)
		}
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 1)}})
		w.wantErr(w.s.Commit(w.ctx, workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{look}}),
			workflows.ErrConflict)
	}},
	{"bytes come back as they were given", func(w *world) {
		states := [][]byte{[]byte("[]"), []byte("{}"), []byte(`{"n":123456789012345678901234567890,"f":1.0,"e":[ ]}`),
			[]byte("a\x00b\r\n\xff\xfe'\"\\"), {}, []byte("<&>\u2028")}
		for _, state := range states {
			rc := w.grow(w.wref, 1)
			rc.State = state
			rc.Events[0].Body = state
			if !bytes.HasPrefix(state, []byte("[")) && !bytes.HasPrefix(state, []byte("{")) {
				rc.Events[0].Body = []byte(
					" {\"a\" : [ ],\"b\":\"\xff\xfe\\u0000<&>\",\"c\":12345678901234567890.50} \n")
			}
			w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{rc}})
			got := w.load(w.wref)
			if !bytes.Equal(got.State, state) {
				w.Errorf("state %q came back as %q", state, got.State)
			}
			events, err := w.s.Events(w.ctx, w.wref, got.Version-1)
			w.must(err)
			if !bytes.Equal(events[0].Body, rc.Events[0].Body) {
				w.Errorf("body %q came back as %q", rc.Events[0].Body, events[0].Body)
			}
		}
		w.must(w.s.Verify(w.ctx, w.wref))
	}},
	{"what cannot be stored is refused before anything is sent", func(w *world) {
		gap, text := w.grow(w.wref, 1), w.grow(w.wref, 1)
		gap.Events[0].Seq = 7
		text.Events[0].Body = []byte("not JSON")
		far := workflows.Ref{Kind: workflows.KindPerson, ID: "U0"}
		for i := 0; workflows.ShardOf(far.ID, w.s.Shards()) == workflows.ShardOf(account, w.s.Shards()); i++ {
			far.ID = fmt.Sprintf("U%d", i)
		}
		neither := w.cards("U1", 1)
		neither.Kind = ""
		for name, c := range map[string]workflows.Change{
			"nothing":       {},
			"a gap":         {Records: []workflows.RecordChange{gap}},
			"no JSON":       {Records: []workflows.RecordChange{text}},
			"two shards":    {Records: []workflows.RecordChange{w.grow(w.wref, 1), w.grow(far, 1)}},
			"twice":         {Records: []workflows.RecordChange{w.grow(w.wref, 1), w.grow(w.wref, 1)}},
			"no kind":       {Workflow: w.id, Put: []workflows.Effect{neither}},
			"whose cards":   {Account: account, Append: []workflows.Effect{w.call("x")}, Stale: []string{"main/U1"}},
			"no key":        {Workflow: w.id, Append: []workflows.Effect{w.keyed("x", "")}},
			"foreign claim": {Workflow: w.id, Answers: &workflows.Claim{Token: "none"}},
			"nobody's wait": {Records: []workflows.RecordChange{w.grow(w.aref, 1)}, WaitingFor: []string{"U1"}},
		} {
			if err := w.s.Commit(w.ctx, c); err == nil {
				w.Errorf("%s was committed", name)
			} else {
				w.wantErr(err, store.ErrMisuse)
			}
		}
		if v := w.load(w.wref).Version; v != 0 {
			w.Errorf("version %d", v)
		}
	}},
	{"thousands of effects and twelve hundred events in one commit", func(w *world) {
		c := workflows.Change{Workflow: w.id, Account: account, Records: []workflows.RecordChange{w.grow(w.wref, 1200)}}
		for i := range w.largest {
			who := fmt.Sprintf("U%05d", i)
			e := w.cards(who, 1200)
			e.Lane = workflows.LaneBulk
			c.Put = append(c.Put, e)
			c.WaitingFor = append(c.WaitingFor, who)
		}
		w.commit(c)
		events, err := w.s.Events(w.ctx, w.wref, 0)
		w.must(err)
		if len(events) != 1200 || events[1199].Seq != 1200 {
			w.Fatalf("%d events", len(events))
		}
		claims, err := w.s.ClaimEffects(w.ctx, w.at(time.Hour), 1200)
		w.must(err)
		keys := map[string]bool{}
		for _, c := range claims {
			keys[c.Effect.Key] = true
		}
		if len(claims) != 1200 || len(keys) != 1200 {
			w.Errorf("%d claims of %d keys", len(claims), len(keys))
		}
		waiting, err := w.s.Waiting(w.ctx, fmt.Sprintf("U%05d", w.largest-1))
		w.must(err)
		if len(waiting) != 1 {
			w.Errorf("the last of the list waits for %v", waiting)
		}
		// Back again in one change: what is in flight ends later, the rest is gone.
		again := workflows.Change{Workflow: w.id, Account: account}
		for _, e := range c.Put[:w.largest-1] {
			again.Drop = append(again.Drop, e.Key)
		}
		w.commit(again)
		for _, claim := range claims {
			if claim.Effect.Key == c.Put[w.largest-1].Key {
				w.Fatal("the last one was claimed first")
			}
		}
		w.one(w.at(time.Hour), c.Put[w.largest-1].Key)
		w.must(w.s.Verify(w.ctx, w.wref))
	}},
	{"a chain verifies, also after an event was erased", func(w *world) {
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 3),
			w.grow(w.aref, 1)}})
		w.must(w.s.Verify(w.ctx, w.wref))
		w.must(w.s.Erase(w.ctx, w.wref, 2))
		w.must(w.s.Erase(w.ctx, w.wref, 2))
		w.must(w.s.Verify(w.ctx, w.wref))
		events, err := w.s.Events(w.ctx, w.wref, 0)
		w.must(err)
		if events[1].Body != nil || events[1].By.ID != "" || events[1].Command != "" || events[1].Type != "grown" ||
			events[0].Body == nil {
			w.Errorf("events after erasing the second: %+v", events)
		}
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 1)}})
		records, n, err := w.s.VerifyAll(w.ctx, func(ref workflows.Ref, err error) { w.Errorf("%v: %v", ref, err) })
		w.must(err)
		if records != 2 || n != 5 {
			w.Errorf("verified %d records with %d events, want 2 and 5", records, n)
		}
		w.wantErr(w.s.Erase(w.ctx, w.wref, 9), store.ErrNoEvent)
		w.wantErr(w.s.Erase(w.ctx, w.wref, 0), store.ErrNoEvent)
		w.wantErr(w.s.Verify(w.ctx, workflows.Ref{Kind: workflows.KindLedger, ID: "none"}), chain.ErrBroken)
	}},
	{"every record is listed by kind", func(w *world) {
		for i := range 30 {
			w.commit(workflows.Change{Records: []workflows.RecordChange{w.grow(workflows.Ref{Kind: workflows.KindPerson,
				ID: fmt.Sprintf("U%02d", i)}, 1)}})
		}
		w.commit(workflows.Change{Records: []workflows.RecordChange{w.grow(w.wref, 1), w.grow(w.aref, 1)}})
		for kind, want := range map[string]int{workflows.KindPerson: 30, workflows.KindWorkflow: 1,
			workflows.KindAccount: 1, workflows.KindLedger: 0, "": 32} {
			refs, err := w.s.Refs(w.ctx, kind)
			w.must(err)
			if len(refs) != want {
				w.Errorf("%d records of kind %q, want %d", len(refs), kind, want)
			}
		}
	}},
}

var indexTests = []test{
	{"waiting and open workflows are listed oldest first and go when they no longer hold", func(w *world) {
		var ids []string
		for i := range 3 {
			id := workflows.NewID('t', account, w.s.Shards(), "w", fmt.Sprint(i))
			ids = append(ids, id)
			rc := w.grow(workflows.Ref{Kind: workflows.KindWorkflow, ID: id}, 1)
			rc.Events[0].At = w.at(time.Duration(10-i) * time.Minute) // the last one is the oldest
			w.commit(workflows.Change{Workflow: id, Account: account, Open: 1, WaitingFor: []string{"U1", "U2"},
				Records: []workflows.RecordChange{rc}})
		}
		want := []string{ids[2], ids[1], ids[0]}
		check := func(person string, wait, open []string) {
			w.Helper()
			got, err := w.s.Waiting(w.ctx, person)
			w.must(err)
			gotOpen, err := w.s.Open(w.ctx, account)
			w.must(err)
			if !slices.Equal(got, wait) || !slices.Equal(gotOpen, open) {
				w.Fatalf("waiting for %s %v, want %v; open %v, want %v", person, got, wait, gotOpen, open)
			}
		}
		check("U1", want, want)
		w.commit(workflows.Change{Workflow: ids[1], Account: account, WaitingFor: []string{"U1"},
			NotWaitingFor: []string{"U2"}})
		check("U1", want, want)
		check("U2", []string{ids[2], ids[0]}, want)
		w.commit(workflows.Change{Workflow: ids[2], Account: account, Open: -1, NotWaitingFor: []string{"U1", "U2"}})
		check("U1", []string{ids[1], ids[0]}, []string{ids[1], ids[0]})
		check("U9", nil, []string{ids[1], ids[0]})
	}},
	{"somebody is waited for on several shards", func(w *world) {
		var want []string
		for i := range 12 {
			acc := fmt.Sprintf("account-%d", i)
			id := workflows.NewID('a', acc, w.s.Shards(), acc)
			rc := w.grow(workflows.Ref{Kind: workflows.KindWorkflow, ID: id}, 1)
			rc.Events[0].At = w.at(time.Duration(i) * time.Minute)
			w.commit(workflows.Change{Workflow: id, Account: acc, WaitingFor: []string{"U1"},
				Records: []workflows.RecordChange{rc}})
			want = append(want, id)
		}
		got, err := w.s.Waiting(w.ctx, "U1")
		w.must(err)
		if !slices.Equal(got, want) {
			w.Errorf("waiting %v, want %v", got, want)
		}
	}},
}
