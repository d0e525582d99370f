package record_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
	"github.com/keyholder/keyholder/workflows/record"
)

// epoch is when the tests begin.
var epoch = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// book is a ledger without a store: its events and their fold.
type book struct {
	t      *testing.T
	state  record.CheckpointsState
	events []workflows.Event
}

func newBook(t *testing.T) *book {
	t.Helper()
	b := &book{t: t}
	b.do(workflows.Command{Name: record.OpenLedger, Actor: workflows.Actor{Kind: workflows.ByKeyholder}, At: epoch,
		Input: map[string]string{record.BlockChannel: "C0AUDIT", record.BlockNotices: "C0OPS"}})
	return b
}

func (b *book) do(cmd workflows.Command) workflows.Decision {
	b.t.Helper()
	m := record.Checkpoints{}
	cmd.Workflow = "l00-LEDGER01"
	d, err := m.Decide(b.state, cmd, workflows.Facts{})
	if err != nil {
		b.t.Fatalf("%s: %v", cmd.Name, err)
	}
	for _, e := range d.Events {
		e.Seq = uint64(len(b.events)) + 1
		b.events = append(b.events, e)
		st, err := m.Apply(b.state, e)
		if err != nil {
			b.t.Fatal(err)
		}
		b.state = st.(record.CheckpointsState)
	}
	return d
}

func (b *book) due(at time.Time) workflows.Decision {
	b.t.Helper()
	return b.do(workflows.Command{Name: workflows.CmdTimer, At: at, Timer: &workflows.Timer{Name: "checkpoint",
		At: b.state.Next}})
}

// draw answers the next checkpoint over some heads, as the store does.
func (b *book) draw(at time.Time, heads []chain.Head) workflows.Drawn {
	b.t.Helper()
	l := b.read()
	c, changed := l.Next(at, heads, nil)
	return workflows.Drawn{Checkpoint: c, Heads: changed}
}

func (b *book) read() *chain.Ledger {
	b.t.Helper()
	var l chain.Ledger
	for _, e := range b.events {
		if _, _, err := l.Read(e.Seq, e.Type, e.Body); err != nil {
			b.t.Fatalf("event %d: %v", e.Seq, err)
		}
	}
	return &l
}

func (b *book) answer(r workflows.Receipt) workflows.Decision {
	b.t.Helper()
	r.Op = workflows.OpCheckpoint
	return b.do(workflows.Command{Name: workflows.CmdReceipt, At: epoch, Receipt: &r})
}

// crowd is n heads; version is that of all of them.
func crowd(n int, version uint64) []chain.Head {
	out := make([]chain.Head, n)
	for i := range out {
		out[i] = chain.Head{Ref: workflows.Ref{Kind: workflows.KindPerson, ID: fmt.Sprintf("U%05d", i)},
			Version: version, Link: fmt.Sprintf("%064x", uint64(i)<<8|version)}
	}
	return out
}

func TestAfterDaysOfSilenceThereIsOneCheckpoint(t *testing.T) {
	b := newBook(t)
	if want := epoch.Add(24 * time.Hour); !b.state.Next.Equal(want) {
		t.Fatalf("the first is due %v, want %v", b.state.Next, want)
	}
	at := epoch.Add(5*24*time.Hour + 7*time.Hour)
	d := b.due(at)
	if want := epoch.Add(6 * 24 * time.Hour); len(d.Calls) != 1 || !b.state.Next.Equal(want) {
		t.Errorf("%d are asked for, and the next is due %v, want one and %v", len(d.Calls), b.state.Next, want)
	}
	if d := b.due(b.state.Next); len(d.Calls) != 0 {
		t.Error("while one is being made another is asked for")
	}
	if !b.state.Next.Equal(epoch.Add(7 * 24 * time.Hour)) {
		t.Errorf("a timer fired on the minute plans %v", b.state.Next)
	}
	b.answer(workflows.Receipt{Failed: true, Code: workflows.FailedDeadline})
	if d := b.due(b.state.Next); len(d.Calls) != 1 {
		t.Error("after one that failed none is asked for")
	}
}

func TestALargeListIsKeptInPartsAndASmallChangeInOne(t *testing.T) {
	b := newBook(t)
	b.due(b.state.Next)
	heads := crowd(10_000, 1)
	drawn := b.draw(epoch, heads)
	d := b.answer(workflows.Receipt{OK: true, Drawn: &drawn})
	if len(d.Events) != 6 {
		t.Errorf("10,000 records are %d events, want 5 parts and the checkpoint", len(d.Events))
	}
	for _, e := range d.Events {
		if len(e.Body) > 200_000 {
			t.Errorf("an event has %d bytes", len(e.Body))
		}
	}
	b.due(b.state.Next)
	heads[7] = chain.Head{Ref: heads[7].Ref, Version: 3, Link: strings.Repeat("ab", 32)}
	drawn = b.draw(epoch.Add(24*time.Hour), heads)
	d = b.answer(workflows.Receipt{OK: true, Drawn: &drawn})
	if len(d.Events) != 2 || len(d.Events[0].Body) > 500 || b.state.Last.Records != 10_000 ||
		b.state.Last.Changed != 1 {
		t.Errorf("one change: %d events, %+v", len(d.Events), b.state.Last)
	}
	b.read()
	if raw, _ := json.Marshal(b.state); len(raw) > 2000 {
		t.Errorf("the state has %d bytes", len(raw))
	}
}

func TestARootDependsOnEverythingItNames(t *testing.T) {
	heads := crowd(3, 1)
	made := func(change func(*chain.Ledger, *time.Time, []chain.Head) []chain.Head) string {
		l, at, h := newBook(t).read(), epoch, slices.Clone(heads)
		c, _ := l.Next(at, h, nil)
		if change != nil {
			h = change(l, &at, h)
			c, _ = l.Next(at, h, nil)
		}
		return c.Root
	}
	seen := map[string]string{made(nil): "nothing"}
	for name, change := range map[string]func(*chain.Ledger, *time.Time,
		[]chain.Head) []chain.Head{
		"time": func(_ *chain.Ledger, at *time.Time, h []chain.Head) []chain.Head {
			*at = at.Add(time.Second)
			return h
		},
		"link": func(_ *chain.Ledger, _ *time.Time, h []chain.Head) []chain.Head {
			h[1].Link = h[0].Link
			return h
		},
		"version": func(_ *chain.Ledger, _ *time.Time, h []chain.Head) []chain.Head {
			h[1].Version = 9
			return h
		},
		"kind": func(_ *chain.Ledger, _ *time.Time, h []chain.Head) []chain.Head {
			h[1].Ref.Kind = workflows.KindAccount
			return h
		},
		"number": func(l *chain.Ledger, _ *time.Time, h []chain.Head) []chain.Head {
			l.Last.Number = 1
			l.Last.Root = chain.NoRoot
			return h
		},
		"previous": func(l *chain.Ledger, _ *time.Time, h []chain.Head) []chain.Head {
			l.Last.Number = 1
			l.Last.Root = strings.Repeat("1", 64)
			return h
		},
		"a record": func(_ *chain.Ledger, _ *time.Time, h []chain.Head) []chain.Head {
			return h[:2]
		},
	} {
		root := made(change)
		if other, same := seen[root]; same {
			t.Errorf("%s and %s have the same root", name, other)
		}
		seen[root] = name
	}
	slices.Reverse(heads)
	if seen[made(nil)] != "nothing" {
		t.Error("the order in which records are read changes the root")
	}
}

func TestACheckpointDrawnOnAnotherLedgerIsNotRecorded(t *testing.T) {
	b := newBook(t)
	b.due(b.state.Next)
	old := b.draw(epoch, crowd(2, 1))
	drawn := b.draw(epoch, crowd(1, 1))
	b.answer(workflows.Receipt{OK: true, Drawn: &drawn})
	b.answer(workflows.Receipt{OK: true, Drawn: &drawn}) // nothing was asked
	b.due(b.state.Next)
	b.answer(workflows.Receipt{OK: true, Drawn: &old})
	if b.state.Last.Number != 1 || b.state.Last.Root != drawn.Checkpoint.Root || b.state.Drawing {
		t.Errorf("recorded %+v", b.state)
	}
}

func TestTheCardOfACheckpointStaysAndTheNextNamesIt(t *testing.T) {
	b := newBook(t)
	m := record.Checkpoints{}
	if v := m.View(b.state); len(v.Cards) != 0 || len(v.Timers) != 1 {
		t.Errorf("before the first: %+v", v)
	}
	var roots []string
	for i := range 2 {
		b.due(b.state.Next)
		drawn := b.draw(epoch, crowd(2-i, 1)) // the second finds one record gone
		roots = append(roots, drawn.Checkpoint.Root)
		b.answer(workflows.Receipt{OK: true, Drawn: &drawn})
		cards := m.View(b.state).Cards
		month, card := cards[0], cards[1]
		if month.Name != "checkpoints-2026-11" || month.Recipient != "C0AUDIT" || month.Under != "" ||
			card.Under != []string{month.Name, ""}[i] { // that something is gone is no reply in a thread
			t.Errorf("card %d stands under %q, beside %+v", i+1, card.Under, month)
		}
		text := strings.Join(card.Lines, "\n") + card.Note + card.Fallback
		if card.Name != fmt.Sprintf("checkpoint-%d", i+1) || card.Recipient != "C0AUDIT" || !strings.Contains(text,
			roots[i]) || len(card.Buttons) > 0 {
			t.Errorf("card %d: %+v", i+1, card)
		}
		for _, want := range [][]string{{"It is the first.", "--checkpoint 1="},
			{"follows checkpoint 1 (`" + roots[0][:12], "! 1 record is missing, cut or rewritten",
				"person U00001"}}[i] {
			if !strings.Contains(text, want) {
				t.Errorf("card %d does not say %q:\n%s", i+1, want, text)
			}
		}
	}
	before := len(b.events)
	look := workflows.Command{Name: record.LookLedger, Actor: workflows.Actor{Kind: workflows.ByKeyholder},
		At: epoch, Input: map[string]string{record.BlockChannel: "C0AUDIT", record.BlockNotices: "C0OPS"}}
	b.do(look)
	if len(b.events) != before {
		t.Error("a start with the same channel is recorded")
	}
	look.Input[record.BlockChannel] = ""
	b.do(look)
	if len(m.View(b.state).Cards) > 0 || len(m.View(b.state).Timers) != 1 {
		t.Errorf("without a channel: %+v", m.View(b.state))
	}
}

func FuzzAPartOfALedgerIsReadOrRefused(f *testing.F) {
	f.Add([]byte("H4sIAAAAAAAA"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		body, err := json.Marshal(map[string]any{"number": 1, "heads": raw})
		if err != nil {
			t.Fatal(err)
		}
		var l chain.Ledger
		_, _, _ = l.Read(0, chain.CheckpointPart, body)
		_, _, _ = l.Read(0, chain.CheckpointPart, raw)
		_, _, _ = l.Read(0, chain.CheckpointMade, raw)
	})
}
