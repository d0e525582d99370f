package bot

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
)

// shelf is a record of two processes: that of the bot, and another one. Their clock is the test's.
type shelf struct {
	t     *testing.T
	redis *miniredis.Miniredis
	mu    sync.Mutex
	now   time.Time
	other *store.Store
}

func shared(t *testing.T) *shelf {
	s := &shelf{t: t, redis: miniredis.RunT(t), now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}
	s.other = s.open()
	return s
}

func (s *shelf) open() *store.Store {
	st, err := store.Open(s.t.Context(), store.Options{URL: "redis://" + s.redis.Addr(), RealNow: s.clock})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = st.Close() })
	return st
}

func (s *shelf) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// lapse ends every lease.
func (s *shelf) lapse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(store.AskedFor + time.Second)
}

func (s *shelf) notes() string { return s.redis.Dump() }

const aboutElse = "*Approve*: Let Ben use the key (`k01-AAAAAAAA`)"

// asks has the other process ask Ana.
func (s *shelf) asks() workflows.AskedNote {
	s.t.Helper()
	note, was, err := s.other.Ask(s.t.Context(), workflows.Asked{Team: "T0ACME", Person: "UANA",
		Command: "click/else", About: aboutElse})
	if was != nil || err != nil {
		s.t.Fatalf("%+v, %v", was, err)
	}
	return note
}

func TestWhoIsAskedAtAnotherReplicaIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	s := shared(t)
	r := withProvider(t, func(o *Options) { o.Asked = s.open() })
	note := s.asks()
	p := r.posted(testCard("UANA"))
	r.click("UANA", p, "transfer.confirm")
	text := r.told("UANA", "This was not taken: you are being asked who you are for something else.")
	if !strings.Contains(text, aboutElse) {
		t.Errorf("told %q", text)
	}
	if err := s.other.NoLongerAsked(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	r.click("UANA", p, "transfer.confirm")
	code := r.asked("UANA")
	if strings.Contains(s.notes(), code) || strings.Contains(s.notes(), "user_code") {
		t.Errorf("what is noted shows it: %s", s.notes())
	}
	r.says(code, "ana@acme.example", true)
	r.told("UANA", "Recorded, with proof. "+aboutIt)
	r.soon(func() bool { return !strings.Contains(s.notes(), ":asked") })
}

func TestWhoseProcessDiedIsToldOnceAndMayPressAgain(t *testing.T) {
	t.Parallel()
	s := shared(t)
	s.asks()
	s.lapse()
	r := withProvider(t, func(o *Options) { o.Asked = s.open() })
	text := r.told("UANA", "what you showed or would have shown is lost")
	if !strings.Contains(text, aboutElse) || !strings.Contains(text, "do it once more") {
		t.Errorf("told %q", text)
	}
	r.soon(func() bool { return !strings.Contains(s.notes(), ":asked") })
	r.click("UANA", r.posted(testCard("UANA")), "transfer.confirm")
	r.says(r.asked("UANA"), "ana@acme.example", true)
	r.told("UANA", "Recorded, with proof. "+aboutIt)
	r.until(func(n *slacksim.Snapshot) bool {
		times := 0
		for _, m := range n.AllMessages() {
			times += strings.Count(m.Text, "is lost")
		}
		if times != 1 {
			t.Errorf("told %d times", times)
		}
		return true
	})
}

// TestAProofOfWhichAnotherReplicaSaidThatItIsLostIsNotTaken: what people were told holds.
func TestAProofOfWhichAnotherReplicaSaidThatItIsLostIsNotTaken(t *testing.T) {
	t.Parallel()
	s := shared(t)
	r := withProvider(t, func(o *Options) { o.Asked = s.open() })
	r.click("UANA", r.posted(testCard("UANA")), "transfer.confirm")
	code := r.asked("UANA")
	r.soon(func() bool { // the bot itself may be quicker to say that it is still there
		s.lapse()
		gone, err := s.other.AskedByNobody(t.Context())
		return err == nil && len(gone) == 1 && gone[0].About == aboutIt
	})
	r.says(code, "ana@acme.example", true)
	r.told("UANA", "Your proof came, and was not taken")
	if n := len(r.counted()); n != 0 {
		t.Errorf("%d commands counted", n)
	}
}

func TestNobodyIsAskedWhileItCannotBeNoted(t *testing.T) {
	t.Parallel()
	s := shared(t)
	r := withProvider(t, func(o *Options) { o.Asked = s.open() })
	s.redis.SetError("LOADING Redis is loading the dataset in memory")
	r.click("UANA", r.posted(testCard("UANA")), "transfer.confirm")
	r.told("UANA", "othing was recorded")
	s.redis.SetError("")
	r.click("UANA", r.posted(testCard("UANA")), "transfer.confirm")
	r.says(r.asked("UANA"), "ana@acme.example", true)
	r.told("UANA", "Recorded, with proof. "+aboutIt)
}

func TestWhoIsAskedWhenKeyholderEndsIsToldBeforeItDoes(t *testing.T) {
	t.Parallel()
	s := shared(t)
	r := withProvider(t, func(o *Options) { o.Asked = s.open() })
	r.click("UANA", r.posted(testCard("UANA")), "transfer.confirm")
	r.asked("UANA")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r.told("UANA", "what you showed or would have shown is lost")
	if strings.Contains(s.notes(), ":asked") {
		t.Errorf("somebody would tell them again: %s", s.notes())
	}
}

func TestAStumbleWhileAProofIsAwaitedLocksNobodyOut(t *testing.T) {
	t.Parallel()
	s := shared(t)
	r := withProvider(t, func(o *Options) { o.Asked = s.open() })
	r.desk.mu.Lock()
	r.desk.do = func(ctx context.Context, cmd workflows.Command) (workflows.Reply, error) {
		if cmd.Actor.StepUp != nil {
			panic("stumbled")
		}
		return wantsProof(ctx, cmd)
	}
	r.desk.mu.Unlock()
	r.click("UANA", r.posted(testCard("UANA")), "transfer.confirm")
	r.says(r.asked("UANA"), "ana@acme.example", true)
	r.told("UANA", "Something went wrong")
	r.soon(func() bool { return !strings.Contains(s.notes(), ":asked") && len(r.bot.proving.notes()) == 0 })
}
