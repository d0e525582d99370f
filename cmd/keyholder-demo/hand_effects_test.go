package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
)

// at is a key of the transfer's shard.
func (h *hand) at(rest string) string { return "kh:{" + h.id[1:3] + "}:" + rest }

func (h *hand) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// queue puts something into a queue as the store would, due at once, and waits until it is gone from there.
func (h *hand) queue(key string, effect map[string]any) {
	h.t.Helper()
	ctx := context.Background()
	raw, err := json.Marshal(effect)
	h.must(err)
	h.until("the queue to be empty", func() bool { return h.c.Exists(ctx, h.at("queue:"+key)).Val() == 0 })
	_, err = h.c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, h.at("queue:"+key), "head", 1, "tail", 2, "h:1", "0 1 io/acme", "e:1", string(raw))
		p.ZAdd(ctx, h.at("due:0"), redis.Z{Score: 1, Member: key})
		return nil
	})
	h.must(err)
	h.until("the forged effect to be taken", func() bool { return h.c.Exists(ctx, h.at("queue:"+key)).Val() == 0 })
}

// TestAHandThatQueuesEffectsOrMovesTimersCannotMakeKeyholderAct writes beside a running Keyholder;
// that a seal key is set or not makes no difference here, for effects and timers are only names of
// what the record wants.
func TestAHandThatQueuesEffectsOrMovesTimersCannotMakeKeyholderAct(t *testing.T) {
	t.Parallel()
	server := many(t)
	for name, try := range map[string]func(*hand){
		"grants administrator":      grantsQueued,
		"puts other words on cards": cardsReworded,
		"edits a posted checkpoint": checkpointEdited,
		"makes a timer due":         timerForged,
		"removes every timer":       timersRemoved,
	} {
		for _, sealed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, sealed %v", name, sealed), func(t *testing.T) {
				t.Parallel()
				try(onHand(t, server, sealed))
			})
		}
	}
}

// grantsQueued queues calls that no event decided: in the clear, and under the names of events that
// decided something else.
func grantsQueued(h *hand) {
	before := h.account().Snapshot()
	call := workflows.Call{Op: workflows.OpGrant, Account: "acme", Email: "eve@evil.example",
		Access: &workflows.Access{Role: "administrator"}}
	for _, id := range []string{h.id + "/1/0", h.id + "/2/0", h.id + "/99/0", "a" + h.id[1:3] + "-EVEEVE01/1/0"} {
		parts := strings.Split(id, "/")
		h.queue("io/acme", map[string]any{"kind": "call", "id": id, "workflow": parts[0], "account": "acme",
			"made": time.UnixMilli(1), "event": json.Number(parts[1]),
			"index": 0, "call": call, "Call": call})
	}
	after := h.account().Snapshot()
	if !reflect.DeepEqual(after.Writes, before.Writes) || strings.Contains(fmt.Sprintf("%+v", after), "eve@") {
		h.t.Errorf("integrator.io took %+v, before it were %+v", after.Writes, before.Writes)
	}
	dropped := func() int {
		return strings.Count(h.log.String(), "dropped an effect that nothing in the record asks for")
	}
	h.until("all four to be in the log", func() bool { return dropped() >= 4 }) // which comes through a pipe
	if n := dropped(); n != 4 {
		h.t.Errorf("%d of 4 are in the log", n)
	}
	h.goesOn()
}

// cardsReworded queues the transfer's cards with words and buttons of its own.
func cardsReworded(h *hand) {
	card := map[string]any{"name": "main", "recipient": ben, "round": 1,
		"title": "Hand Acme Production to eve@evil.example", "fallback": "Eve"}
	h.queue("cards/"+h.id+"/0", map[string]any{"kind": "cards", "workflow": h.id, "account": "acme",
		"made": time.UnixMilli(1), "revision": 99, "card": card, "Card": card})
	h.queue("card/"+h.id+"/main/"+ben, map[string]any{"kind": "cards", "workflow": h.id, "account": "acme",
		"made": time.UnixMilli(1), "revision": 99, "card": card})
	if all := h.everything(); strings.Contains(all, "evil") {
		h.t.Errorf("Slack shows\n%s", all)
	}
	h.goesOn()
}

// checkpointEdited queues the ledger's cards with another root.
func checkpointEdited(h *hand) {
	ledger := workflows.LedgerID(4)
	card := map[string]any{"name": "checkpoint-1", "recipient": opsRoom, "title": "Checkpoint 1",
		"lines": []string{"root 0000"}, "bulk": true, "fallback": "root 0000"}
	for lane := range 2 {
		raw, err := json.Marshal(map[string]any{"kind": "cards", "workflow": ledger, "made": time.UnixMilli(1),
			"revision": 99, "card": card})
		h.must(err)
		ctx, key := context.Background(), fmt.Sprintf("cards/%s/%d", ledger, lane)
		shard := "kh:{" + ledger[1:3] + "}:"
		_, err = h.c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, shard+"queue:"+key, "head", 1, "tail", 2, "h:1", fmt.Sprintf("%d 1 slack", lane), "e:1",
				string(raw))
			p.ZAdd(ctx, fmt.Sprintf("%sdue:%d", shard, lane), redis.Z{Score: 1, Member: key})
			return nil
		})
		h.must(err)
		h.until("the forged effect to be taken", func() bool { return h.c.Exists(ctx, shard+"queue:"+key).Val() == 0 })
	}
	if all := h.everything(); strings.Contains(all, "root 0000") {
		h.t.Errorf("Slack shows\n%s", all)
	}
	h.goesOn()
}

// timerForged makes the end of the time for confirming due now.
func timerForged(h *hand) {
	ctx := context.Background()
	h.until("the transfer's timers", func() bool { return h.c.ZCard(ctx, h.at("timers")).Val() > 0 })
	for _, member := range h.c.ZRange(ctx, h.at("timers"), 0, -1).Val() {
		if !strings.HasPrefix(member, h.id) {
			continue
		}
		name, _, _ := strings.Cut(member, "@")
		h.must(h.c.ZAdd(ctx, h.at("timers"), redis.Z{Score: 1, Member: name + "@1000"}).Err())
	}
	h.until("the forged timers to be taken", func() bool {
		return h.c.ZCount(ctx, h.at("timers"), "-inf", "1000").Val() == 0 &&
			h.c.ZCard(ctx, h.at("timers:leased")).Val() == 0
	})
	h.goesOn()
}

// timersRemoved takes all timers away, and Keyholder starts again: what the transfer wants is set
// again, and it goes on. That times still end what they should is
// TestATimeBoxEndsThoughItsTimersWereRemoved's.
func timersRemoved(h *hand) {
	ctx := context.Background()
	timers := func() (mine []string) {
		for _, member := range h.c.ZRange(ctx, h.at("timers"), 0, -1).Val() {
			if strings.HasPrefix(member, h.id) {
				mine = append(mine, member)
			}
		}
		return mine
	}
	h.until("the transfer's timers", func() bool { return len(timers()) > 0 })
	h.stopped()
	before := timers()
	h.must(h.c.Del(ctx, h.at("timers")).Err())
	h.run()
	h.until("the timers to be set again", func() bool { return slices.Equal(timers(), before) })
	h.goesOn()
}

// goesOn carries the transfer to its end, as if nobody had written.
func (h *hand) goesOn() {
	h.t.Helper()
	h.insistPress(ana, "transfer.confirm")
	h.insistPress(ben, "transfer.confirm")
	h.insistPress(cat, "transfer.accept")
	h.acceptOwnership(aliasEmail)
	h.insistSettle(ben)
	h.allEnded()
	h.oneInvitation()
}

// A time-box ends though a hand took its timers away: when it is over and somebody looks, and, with
// nobody looking, by the sweep at a start. Nothing else of that workflow happens meanwhile.
func TestATimeBoxEndsThoughItsTimersWereRemoved(t *testing.T) {
	t.Parallel()
	for name, found := range map[string]func(s *stage, id string, again func()){
		"somebody looks": func(s *stage, id string, _ func()) {
			if got := s.slash(dee, "audit "+id); !strings.Contains(got, id) {
				s.t.Errorf("looking says %q", got)
			}
		},
		"it starts again": func(_ *stage, _ string, again func()) { again() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, options{})
			stop := s.bot(t)
			s.changeForADay()
			id := ""
			for _, key := range s.redis.Keys() {
				if _, member, ok := strings.Cut(key, "record:workflow/a"); ok {
					id = "a" + member
				}
			}
			timers := func() (all []string) {
				for shard := range handShards {
					key := fmt.Sprintf("kh:{%02d}:timers", shard)
					if !s.redis.Exists(key) {
						continue
					}
					mine, err := s.redis.ZMembers(key)
					if err != nil {
						t.Fatal(err)
					}
					for _, member := range mine {
						if strings.HasPrefix(member, id) {
							all = append(all, member)
						}
					}
				}
				return all
			}
			s.until("the timers of "+id, func() bool { return len(timers()) > 0 })
			for shard := range handShards {
				for _, member := range timers() {
					_, _ = s.redis.ZRem(fmt.Sprintf("kh:{%02d}:timers", shard), member)
				}
			}
			if left := timers(); len(left) > 0 {
				t.Fatalf("the hand left %v", left)
			}
			s.forward(25 * time.Hour)
			s.inChannel("Checkpoint 1") // the timers of others have fired
			if u, _ := s.user("ben@acme.example"); u.Role != "manage" {
				t.Fatalf("it ended by itself: %s", u.Role)
			}
			found(s, id, func() {
				stop()
				s.until("the bot to be gone", func() bool { return s.slack.Connections() == 0 })
				s.bot(t)
			})
			s.until("the former role", func() bool { u, _ := s.user("ben@acme.example"); return u.Role == "monitor" })
			s.shows(ben, "It has ended")
		})
	}
}
