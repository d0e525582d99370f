package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
)

// inSlack are the roots of the checkpoints as the channel shows them.
func (s *stage) inSlack() map[uint64]string {
	roots := map[uint64]string{}
	for _, m := range s.channelHeard("audit verify --checkpoint") {
		for _, found := range regexp.MustCompile(`--checkpoint (\d+)=([0-9a-f]{64})`).FindAllStringSubmatch(
			string(m.Blocks), -1) {
			n, _ := strconv.ParseUint(found[1], 10, 64)
			roots[n] = found[2]
		}
	}
	return roots
}

// Each day the channel gets one checkpoint; after days without the bot one, too. What stands in
// Slack is what the record says.
func TestEachDayACheckpointIsPostedThatTheRecordHolds(t *testing.T) {
	atMoments(t, checkpointEachDay)
}

func checkpointEachDay(t *testing.T) {
	s := prepare(t, options{})
	st, err := store.Open(s.ctx, store.Options{URL: "redis://" + s.redis.Addr() + "/0", Shards: 4, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	ledger := workflows.RecordRef(workflows.LedgerID(4))
	begun := func() bool {
		recs, err := st.Load(s.ctx, ledger)
		return err == nil && recs[0].Version > 0
	}
	stop := s.bot(t)
	s.bot(t) // of two bots only one makes it
	s.until("the ledger", begun)
	if got := s.inSlack(); len(got) > 0 {
		t.Errorf("a start posts %v", got)
	}
	s.forward(24 * time.Hour)
	s.until("the first checkpoint", func() bool { return len(s.inSlack()) == 1 })
	s.request(dee, toAlias())
	s.until("a card of the transfer", func() bool { return s.card(ana) != "" })
	s.forward(24 * time.Hour)
	s.until("the second checkpoint", func() bool { return len(s.inSlack()) == 2 })
	stop()
	s.forward(5 * 24 * time.Hour)
	s.until("the third checkpoint", func() bool { return len(s.inSlack()) == 3 })
	s.forward(time.Hour)
	s.slash(dee, "status acme")
	if got := s.channelHeard("Checkpoint "); len(got) != 3 {
		t.Errorf("the channel has %d checkpoints: %+v", len(got), got)
	}
	fault := func(ref workflows.Ref, err error) { t.Errorf("%v: %v", ref, err) }
	last, err := st.VerifyLedger(context.Background(), s.inSlack(), fault)
	if err != nil || last.Number != 3 || last.Records < 3 {
		t.Errorf("verified up to %+v, %v", last, err)
	}
	wrong := 0
	if _, err := st.VerifyLedger(context.Background(), map[uint64]string{2: s.inSlack()[1], 4: s.inSlack()[1]},
		func(workflows.Ref, error) { wrong++ }); err != nil || wrong != 2 {
		t.Errorf("two checkpoints that are none made %d faults, %v", wrong, err)
	}
	if got := s.slash(dee, fmt.Sprintf("audit %s", ledger.ID)); got == "" {
		t.Error("asking for the ledger's story is not answered")
	}
}
