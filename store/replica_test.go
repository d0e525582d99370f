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

// eventually polls until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("it never came about: %s", what)
		}
		<-tick.C
	}
}

// replicaOf starts a replica of a server, caught up.
func replicaOf(t *testing.T, server *storetest.Server, args ...string) *storetest.Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(server.Addr)
	replica := storetest.Redis(t, append([]string{"--replicaof", host + " " + port}, args...)...)
	c := raw(t, replica.Addr)
	eventually(t, "the replica is in step", func() bool {
		info, err := c.Info(context.Background(), "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up")
	})
	return replica
}

func TestWithSentinelACommitIsConfirmedByAReplicaAndSurvivesAFailover(t *testing.T) {
	t.Parallel()
	master := storetest.Redis(t, "--repl-diskless-sync-delay", "0")
	replica := replicaOf(t, master)
	host, port, _ := net.SplitHostPort(master.Addr)
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf(
		"sentinel monitor kh %s %s 1\nsentinel down-after-milliseconds kh 300\nsentinel failover-timeout kh 3000\n",
		host, port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := storetest.Redis(t, conf, "--sentinel")
	looking := redis.NewSentinelClient(&redis.Options{Addr: sentinel.Addr})
	defer looking.Close()
	eventually(t, "the Sentinel knows the replica", func() bool {
		list, err := looking.Replicas(context.Background(), "kh").Result()
		return err == nil && len(list) == 1 && list[0]["flags"] == "slave" && list[0]["master-link-status"] == "ok"
	})
	s, err := open(t, store.Options{Addrs: []string{sentinel.Addr}, Master: "kh", Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		commit(t, s, grow(load(t, s, acme)))
	}
	if l := level(t, s, "replicas"); l != store.OK {
		t.Errorf("replicas are %s", l)
	}
	before := load(t, s, acme)
	master.Kill()
	eventually(t, "the replica was promoted and is found", func() bool {
		recs, err := s.Load(context.Background(), acme)
		return err == nil && recs[0].Version >= 3
	})
	if after := load(t, s, acme); after.Head != before.Head {
		t.Errorf("after the failover: %+v, before: %+v", after, before)
	}
	// No replica is left: the promoted one stores, but nobody confirms.
	eventually(t, "the promoted server takes writes", func() bool {
		err := s.Commit(context.Background(), grow(load(t, s, acme)))
		return errors.Is(err, workflows.ErrUnclear) && strings.Contains(err.Error(), "none confirmed")
	})
	if err := s.Verify(context.Background(), acme); err != nil {
		t.Error(err)
	}
	_ = replica
}

// cluster starts two masters, each with a replica, and shares the slots out between them.
func cluster(t *testing.T) []*redis.Client {
	t.Helper()
	ctx := context.Background()
	var nodes []*redis.Client
	for range 4 {
		bus, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(bus.Addr().String())
		bus.Close()
		server := storetest.Redis(t, "--cluster-enabled", "yes", "--cluster-port", port, "--repl-diskless-sync-delay",
			"0", "--cluster-node-timeout", "5000")
		nodes = append(nodes, raw(t, server.Addr))
		must(t, nodes[0].Do(ctx, "cluster", "meet", "127.0.0.1", portOf(nodes[len(nodes)-1]), port).Err())
	}
	must(t, nodes[0].ClusterAddSlotsRange(ctx, 0, 8191).Err())
	must(t, nodes[1].ClusterAddSlotsRange(ctx, 8192, 16383).Err())
	for i, replica := range nodes[2:] {
		id, err := nodes[i].ClusterMyID(ctx).Result()
		must(t, err)
		eventually(t, "the replica follows its master", func() bool {
			return replica.ClusterReplicate(ctx, id).Err() == nil
		})
	}
	for i, n := range nodes {
		eventually(t, "the cluster is whole", func() bool {
			info, err := n.ClusterInfo(ctx).Result()
			role, err2 := n.Info(ctx, "replication").Result()
			linked := i < 2 && strings.Contains(role, "state=online") || i >= 2 && strings.Contains(role,
				"master_link_status:up")
			return err == nil && err2 == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info,
				"cluster_known_nodes:4") && linked
		})
	}
	for _, n := range nodes[:2] {
		eventually(t, "everybody knows the replicas", func() bool {
			text, err := n.ClusterNodes(ctx).Result()
			return err == nil && strings.Count(text, "slave") == 2
		})
	}
	return nodes
}

func portOf(c *redis.Client) string {
	_, port, _ := net.SplitHostPort(c.Options().Addr)
	return port
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// move brings a slot with its keys to another master as redis-cli does; between is done while one key has moved.
// Announced in this order, the new master's claim is the younger one: without that, masters that have not heard of each
// other yet can send callers back and forth.
func move(t *testing.T, from, to *redis.Client, slot int64, between func()) {
	t.Helper()
	ctx := context.Background()
	fromID, err := from.ClusterMyID(ctx).Result()
	must(t, err)
	toID, err := to.ClusterMyID(ctx).Result()
	must(t, err)
	must(t, to.Do(ctx, "cluster", "setslot", slot, "importing", fromID).Err())
	must(t, from.Do(ctx, "cluster", "setslot", slot, "migrating", toID).Err())
	keys, err := from.ClusterGetKeysInSlot(ctx, int(slot), 1000).Result()
	must(t, err)
	for i, key := range keys {
		must(t, from.Migrate(ctx, "127.0.0.1", portOf(to), key, 0, 5*time.Second).Err())
		if i == 0 {
			between()
		}
	}
	for _, n := range []*redis.Client{to, from} {
		must(t, n.Do(ctx, "cluster", "setslot", slot, "node", toID).Err())
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	nodes := cluster(t)
	ctx := context.Background()
	o := store.Options{Addrs: []string{nodes[0].Options().Addr}, Cluster: true, Shards: 16}
	t.Run("conformance", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Subject {
			for _, n := range nodes[:2] {
				must(t, n.FlushAll(ctx).Err())
			}
			s, err := open(t, o)
			must(t, err)
			return s
		})
	})
	t.Run("a slot that moved is followed", func(t *testing.T) {
		for _, n := range nodes[:2] {
			must(t, n.FlushAll(ctx).Err())
		}
		s, err := open(t, o)
		must(t, err)
		commit(t, s, grow(load(t, s, acme)))
		// A person on an empty shard of the first master.
		ref := workflows.Ref{Kind: workflows.KindPerson}
		var slot int64
		for i := 0; ; i++ {
			ref.ID = fmt.Sprintf("U%d", i)
			shard := workflows.ShardOf(ref.ID, 16)
			slot, err = nodes[0].ClusterKeySlot(ctx, fmt.Sprintf("kh:{%02d}:x", shard)).Result()
			must(t, err)
			if slot <= 8191 && shard != workflows.ShardOf("acme", 16) {
				break
			}
		}
		commit(t, s, grow(load(t, s, ref)))
		move(t, nodes[0], nodes[1], slot, func() {})
		commit(t, s, grow(load(t, s, ref)))
		// And back, with a commit while the slot is under way: its keys are at neither master whole.
		done := make(chan error, 1)
		before := load(t, s, ref)
		move(t, nodes[1], nodes[0], slot, func() {
			go func() { done <- s.Commit(ctx, grow(before)) }()
			eventually(t, "the commit was told to come again", func() bool {
				info, err := nodes[1].Info(ctx, "errorstats").Result()
				return err == nil && strings.Contains(info, "errorstat_TRYAGAIN")
			})
		})
		if err := <-done; err != nil {
			t.Errorf("a commit while its slot moves: %v", err)
		}
		if v := load(t, s, ref).Version; v != 3 {
			t.Errorf("version %d", v)
		}
	})
	t.Run("promises and readiness of every master", func(t *testing.T) {
		s, err := open(t, o)
		must(t, err)
		must(t, s.Ready(ctx, time.Now()))
		promises, err := s.Promises(ctx)
		must(t, err)
		replicas := 0
		for _, p := range promises {
			if strings.HasPrefix(p.Name, "replicas ") && p.Level == store.OK {
				replicas++
			}
		}
		if replicas != 2 {
			t.Errorf("%d masters with replicas: %+v", replicas, promises)
		}
	})
}
