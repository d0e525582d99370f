package store_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// thoroughEnv, set to anything, has every fault tried on the cluster of six; else one is.
const thoroughEnv = "KEYHOLDER_SEEDS"

// gate is the only way to one port of a node. Every node has a loopback address of its own, so a
// gate knows who comes: nodes can be cut from each other while clients go on.
type gate struct {
	ln net.Listener
	to string

	mu   sync.Mutex
	shut map[string]bool // addresses that are let through no more
	open map[net.Conn]string
}

func newGate(t *testing.T, ip, to string) *gate {
	t.Helper()
	ln, err := net.Listen("tcp", ip+":0")
	must(t, err)
	g := &gate{ln: ln, to: to, shut: map[string]bool{}, open: map[net.Conn]string{}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() { g.pass(c) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		g.cut("")
		running.Wait()
	})
	return g
}

// leads says where the gate leads to, once that is known.
func (g *gate) leads(to string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.to = to
}

func (g *gate) target() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.to
}

func (g *gate) port() string {
	_, port, _ := net.SplitHostPort(g.ln.Addr().String())
	return port
}

// pass carries one connection until either side ends or the gate is shut for it.
func (g *gate) pass(from net.Conn) {
	defer from.Close()
	ip, _, _ := net.SplitHostPort(from.RemoteAddr().String())
	to, err := net.DialTimeout("tcp", g.target(), time.Second)
	if err != nil {
		return
	}
	defer to.Close()
	g.mu.Lock()
	shut := g.shut[ip] || g.shut[""]
	g.open[from] = ip
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		delete(g.open, from)
		g.mu.Unlock()
	}()
	if shut {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(to, from); to.Close(); from.Close() })
	both.Go(func() { _, _ = io.Copy(from, to); to.Close(); from.Close() })
	both.Wait()
}

// cut lets an address through no more; "" is everybody.
func (g *gate) cut(ip string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut[ip] = true
	for c, from := range g.open {
		if ip == "" || ip == from {
			_ = c.Close()
		}
	}
}

func (g *gate) heal() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = map[string]bool{}
}

// node is one of six servers, behind two gates.
type node struct {
	ip           string
	server       *storetest.Server
	direct       *redis.Client
	clients, bus *gate
}

// six starts a cluster of three masters with a replica each.
func six(t *testing.T) []*node {
	t.Helper()
	ctx := context.Background()
	var nodes []*node
	for i := range 6 {
		n := &node{ip: "127.0." + strconv.Itoa(1+os.Getpid()%200) + "." + strconv.Itoa(i+1)}
		free := func() string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			defer l.Close()
			_, port, _ := net.SplitHostPort(l.Addr().String())
			return port
		}
		bus := free()
		n.clients, n.bus = newGate(t, n.ip, ""), newGate(t, n.ip, "127.0.0.1:"+bus)
		n.server = storetest.Redis(t, "--bind", "127.0.0.1", n.ip, "--bind-source-addr", n.ip, "--protected-mode", "no",
			"--cluster-enabled", "yes",
			"--cluster-port", bus, "--cluster-node-timeout", "1500", "--repl-diskless-sync-delay", "0",
			"--cluster-announce-ip", n.ip,
			"--cluster-announce-port", n.clients.port(), "--cluster-announce-bus-port", n.bus.port())
		n.clients.leads(n.server.Addr)
		n.direct = raw(t, n.server.Addr)
		nodes = append(nodes, n)
		must(t, nodes[0].direct.Do(ctx, "cluster", "meet", n.ip, n.clients.port(), n.bus.port()).Err())
	}
	for i, slots := range [][2]int{{0, 5460}, {5461, 10922}, {10923, 16383}} {
		must(t, nodes[i].direct.ClusterAddSlotsRange(ctx, slots[0], slots[1]).Err())
		id, err := nodes[i].direct.ClusterMyID(ctx).Result()
		must(t, err)
		eventually(t, "a replica follows its master", func() bool {
			return nodes[i+3].direct.ClusterReplicate(ctx, id).Err() == nil
		})
	}
	whole(t, nodes)
	return nodes
}

// whole waits until every node sees six nodes, and three of them in step with a master.
func whole(t *testing.T, nodes []*node) {
	t.Helper()
	ctx := context.Background()
	for _, n := range nodes {
		eventually(t, "the cluster is whole", func() bool {
			info, err := n.direct.ClusterInfo(ctx).Result()
			text, err2 := n.direct.ClusterNodes(ctx).Result()
			role, err3 := n.direct.Info(ctx, "replication").Result()
			linked := strings.Contains(role, "state=online") || strings.Contains(role, "master_link_status:up")
			return err == nil && err2 == nil && err3 == nil && linked && strings.Contains(info, "cluster_state:ok") &&
				strings.Count(text, "slave ") == 3 && !strings.Contains(text, "fail ") && !strings.Contains(text,
				"fail? ")
		})
	}
}

// clusterFault is what becomes of a master while commits run, and how it comes back.
type clusterFault struct {
	name         string
	strike, mend func(nodes []*node)
}

// clusterFaults begin with the one that costs commits where WAIT is left out: thousands of them.
var clusterFaults = []clusterFault{
	{"cut off, and reached by Keyholder", func(n []*node) {
		for _, other := range n[1:] {
			for _, g := range []*gate{n[0].clients, n[0].bus} {
				g.cut(other.ip)
			}
			other.clients.cut(n[0].ip)
			other.bus.cut(n[0].ip)
		}
	}, func(n []*node) {
		for _, one := range n {
			one.clients.heal()
			one.bus.heal()
		}
	}},
	{"killed", func(n []*node) { n[0].server.Kill() }, func(n []*node) { _ = n[0].server.Start() }},
	{"stopped", func(n []*node) { n[0].server.Freeze() }, func(n []*node) { n[0].server.Thaw() }},
}

// TestNoAcknowledgedCommitIsLostByAClustersFailover counts what was acknowledged against what is
// recorded afterwards, while a master of six nodes is killed, stopped, and cut off from its replica
// and the others while the store reaches it.
func TestNoAcknowledgedCommitIsLostByAClustersFailover(t *testing.T) {
	t.Parallel()
	faults := clusterFaults[:1]
	if os.Getenv(thoroughEnv) != "" {
		faults = clusterFaults
	}
	nodes := six(t)
	var addrs []string
	for _, n := range nodes {
		addrs = append(addrs, n.ip+":"+n.clients.port())
	}
	s, err := open(t, store.Options{Addrs: addrs, Cluster: true, Shards: 16, Log: zerolog.Nop()})
	must(t, err)
	for round, fault := range faults {
		t.Run(fault.name, func(t *testing.T) { acknowledged(t, s, nodes, fault, round) })
	}
}

func acknowledged(t *testing.T, s *store.Store, nodes []*node, fault clusterFault, round int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var acks, refused atomic.Int64
	recorded := make([]atomic.Uint64, 16)
	ref := func(shard int) workflows.Ref {
		return workflows.Ref{Kind: workflows.KindWorkflow, ID: fmt.Sprintf("t%02d-COUNTED%d", shard, round)}
	}
	var workers sync.WaitGroup
	for shard := range recorded {
		workers.Go(func() {
			for ctx.Err() == nil {
				bounded, stop := context.WithTimeout(ctx, 2*time.Second)
				recs, err := s.Load(bounded, ref(shard))
				if err == nil {
					if err = s.Commit(bounded, grow(recs[0])); err == nil {
						recorded[shard].Store(recs[0].Version + 1)
						acks.Add(1)
					}
				}
				stop()
				if err != nil {
					refused.Add(1)
					time.Sleep(20 * time.Millisecond) // a server that is away answers at once
				}
			}
		})
	}
	enough := func(n int64) func() bool {
		from := acks.Load()
		return func() bool { return acks.Load() >= from+n }
	}
	eventually(t, "commits are acknowledged", enough(100))
	fault.strike(nodes)
	eventually(t, "its replica is promoted", func() bool {
		text, err := nodes[1].direct.ClusterNodes(ctx).Result()
		if err != nil || strings.Count(text, "master") < 4 { // the one that failed is listed as one
			return false
		}
		for _, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(strings.SplitN(line+"  ", " ", 3)[1], nodes[3].ip+":") && strings.Contains(line,
				"master") {
				return true
			}
		}
		return false
	})
	eventually(t, "commits go on", enough(200))
	cancel()
	workers.Wait()
	fault.mend(nodes)
	whole(t, nodes)
	lost := uint64(0)
	for shard := range recorded {
		want := recorded[shard].Load()
		var got uint64
		eventually(t, "a record can be read", func() bool {
			recs, err := s.Load(context.Background(), ref(shard))
			if err == nil {
				got = recs[0].Version
			}
			return err == nil
		})
		if got < want {
			lost += want - got
			t.Errorf("%s has version %d, and %d was acknowledged", ref(shard).ID, got, want)
		}
	}
	t.Logf("%d acknowledged, %d not, %d lost", acks.Load(), refused.Load(), lost)
	// Back to where the first node is a master, for the next fault.
	must(t, nodes[0].direct.Do(context.Background(), "cluster", "failover").Err())
	eventually(t, "the first node is a master again", func() bool {
		role, err := nodes[0].direct.Info(context.Background(), "replication").Result()
		return err == nil && strings.Contains(role, "role:master")
	})
	whole(t, nodes)
}
