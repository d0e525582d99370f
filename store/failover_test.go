package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// watched starts three Sentinels over a master and its replica, and opens a store by them.
func watched(t *testing.T) (s *store.Store, master, replica *storetest.Server) {
	t.Helper()
	master = storetest.Redis(t, "--repl-diskless-sync-delay", "0")
	replica = replicaOf(t, master)
	host, port, _ := net.SplitHostPort(master.Addr)
	var addrs []string
	for range 3 {
		conf := filepath.Join(t.TempDir(), "sentinel.conf")
		text := fmt.Sprintf(
			"sentinel monitor kh %s %s 2\nsentinel down-after-milliseconds kh 500\nsentinel failover-timeout kh 3000\n",
			host, port)
		must(t, os.WriteFile(conf, []byte(text), 0o600))
		addrs = append(addrs, storetest.Redis(t, conf, "--sentinel").Addr)
	}
	for _, addr := range addrs {
		looking := redis.NewSentinelClient(&redis.Options{Addr: addr})
		t.Cleanup(func() { _ = looking.Close() })
		eventually(t, "a Sentinel knows the replica and the other Sentinels", func() bool {
			list, err := looking.Replicas(context.Background(), "kh").Result()
			others, err2 := looking.Sentinels(context.Background(), "kh").Result()
			return err == nil && err2 == nil && len(list) == 1 && list[0]["master-link-status"] == "ok" &&
				len(others) == 2
		})
	}
	s, err := open(t, store.Options{Addrs: addrs, Master: "kh", Shards: 4})
	must(t, err)
	return s, master, replica
}

func TestWhereNoReplicaConfirmsNothingIsRecordedAndNothingLeaves(t *testing.T) {
	t.Parallel()
	s, _, replica := watched(t)
	ctx := context.Background()
	commit(t, s, grow(load(t, s, acme)))
	must(t, s.Ready(ctx, time.Now()))
	must(t, s.Confirm(ctx, acme))
	id := workflows.NewID('t', "acme", 4, "x")
	commit(t, s, workflows.Change{Workflow: id, Append: []workflows.Effect{{Kind: workflows.EffectCall, ID: "a",
		Workflow: id, Account: "acme", Key: "io/acme", Event: 1}},
		TimersSet: []workflows.Timer{{Workflow: id, Name: "x", At: time.UnixMilli(1)}}})
	if l := level(t, s, "isolation"); l != store.Fault {
		t.Errorf("a master that takes writes alone is %s", l)
	}
	must(t, raw(t, replica.Addr).Do(ctx, "replicaof", "no", "one").Err())
	if err := s.Commit(ctx, grow(load(t, s, acme))); !errors.Is(err, workflows.ErrUnclear) {
		t.Errorf("a commit: %v", err)
	}
	// What was stored but not confirmed is read again from that very master, and still is not called recorded.
	if err := s.Confirm(ctx, acme); load(t, s, acme).Version != 2 || !errors.Is(err, workflows.ErrUnclear) {
		t.Errorf("confirm: %v", err)
	}
	if claims, err := s.ClaimEffects(ctx, time.Now(), 10); len(claims) > 0 || !errors.Is(err, workflows.ErrUnclear) {
		t.Errorf("effects: %v, %v", claims, err)
	}
	if claims, err := s.ClaimTimers(ctx, time.Now(), time.Now(), 10, 10); len(claims) > 0 ||
		!errors.Is(err, workflows.ErrUnclear) {
		t.Errorf("timers: %v, %v", claims, err)
	}
	if err := s.Ready(ctx, time.Now()); !errors.Is(err, store.ErrReplicas) || errors.Is(err, store.ErrPartly) {
		t.Errorf("ready: %v", err)
	}
}

func TestAFailoverIsNoticedUntilItIsNoted(t *testing.T) {
	t.Parallel()
	s, master, _ := watched(t)
	ctx := context.Background()
	commit(t, s, grow(load(t, s, acme)))
	must(t, s.Ready(ctx, time.Now()))
	if s.FailedOver() {
		t.Fatal("at once")
	}
	master.Kill()
	eventually(t, "the failover is noticed", func() bool {
		_ = s.Ready(ctx, time.Now())
		return s.FailedOver()
	})
	if err := s.Ready(ctx, time.Now()); !errors.Is(err, store.ErrReplicas) {
		t.Errorf("the promoted server has no replica, and: %v", err)
	}
	must(t, s.NoteMasters(ctx))
	_ = s.Ready(ctx, time.Now())
	if s.FailedOver() {
		t.Error("noted, and noticed again")
	}
}

func TestOneDeadMasterOfAClusterDoesNotStopTheShardsOfTheOther(t *testing.T) {
	t.Parallel()
	nodes := cluster(t)
	ctx := context.Background()
	s, err := open(t, store.Options{Addrs: []string{nodes[0].Options().Addr, nodes[1].Options().Addr}, Cluster: true,
		Shards: 16})
	must(t, err)
	// Without its replica, the second master stays dead.
	_ = nodes[3].Do(ctx, "shutdown", "nosave").Err() // its connection ends with it
	put := 0
	for shard := range 16 {
		id := fmt.Sprintf("t%02d-DEADMASTER", shard)
		err := s.Commit(ctx, workflows.Change{Workflow: id,
			Append: []workflows.Effect{{Kind: workflows.EffectCall, ID: id, Workflow: id, Account: "acme",
				Key: "io/" + id, Event: 1}},
			TimersSet: []workflows.Timer{{Workflow: id, Name: "x", At: time.UnixMilli(1)}}})
		if err == nil {
			put++
		}
	}
	for _, n := range nodes {
		_ = n.ConfigSet(ctx, "cluster-require-full-coverage", "no").Err()
	}
	_ = nodes[1].Do(ctx, "shutdown", "nosave").Err()
	eventually(t, "the dead master is named", func() bool {
		bounded, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		err := s.Ready(bounded, time.Now())
		return errors.Is(err, store.ErrPartly) && strings.Contains(err.Error(), nodes[1].Options().Addr)
	})
	var effects []workflows.Claim
	eventually(t, "the effects of the living shards are claimed", func() bool {
		claims, _ := s.ClaimEffects(ctx, time.Now().Add(time.Minute), 100)
		effects = append(effects, claims...)
		return len(effects) >= put && put > 0
	})
	eventually(t, "a timer of a living shard is claimed", func() bool {
		claims, _ := s.ClaimTimers(ctx, time.Now(), time.Now(), 100, 100)
		return len(claims) > 0
	})
}
