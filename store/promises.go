package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Level says how good a promise of the server is.
type Level string

// Levels. Unknown is what a server does not tell, as managed ones that forbid CONFIG and parts of INFO; it is no fault.
const (
	OK      Level = "ok"
	Warn    Level = "warn"
	Fault   Level = "fault"
	Unknown Level = "unknown"
)

// Promise is one thing the server promises or does not.
type Promise struct {
	// server, role, eviction, persistence, replicas, isolation, clock; in a cluster followed by the node's address
	Name     string
	Level    Level
	Sentence string // what is so, as a sentence
	Cure     string // what to do; empty when all is well

	refuses error // set when Open must refuse
}

// MaxClockDistance is how far this machine's clock may be from the server's; beyond it nothing is claimed.
const MaxClockDistance = 2 * time.Second

// Promises asks the server, in a cluster every master, what it promises. An error means that it could not be asked.
func (s *Store) Promises(ctx context.Context) ([]Promise, error) {
	cluster, ok := s.rdb.(*redis.ClusterClient)
	if !ok {
		return s.nodePromises(ctx, s.rdb.(*redis.Client))
	}
	var nodes []*redis.Client
	found := make(chan *redis.Client, 1024)
	err := cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		found <- node
		return nil
	})
	close(found)
	if err != nil {
		return nil, readError("find the masters of the cluster", err)
	}
	for node := range found {
		nodes = append(nodes, node)
	}
	var all []Promise
	for _, node := range nodes {
		got, err := s.nodePromises(ctx, node)
		if err != nil {
			return nil, err
		}
		for _, p := range got {
			p.Name += " " + node.Options().Addr
			all = append(all, p)
		}
	}
	return all, nil
}

func (s *Store) nodePromises(ctx context.Context, node *redis.Client) ([]Promise, error) {
	facts := map[string]string{}
	for _, section := range []string{"server", "replication", "persistence", "memory"} {
		if err := s.info(ctx, node, section, facts); err != nil {
			return nil, err
		}
	}
	for _, setting := range []string{"maxmemory-policy", "appendonly", "appendfsync", "min-replicas-to-write",
		"min-replicas-max-lag"} {
		if err := s.config(ctx, node, setting, facts); err != nil {
			return nil, err
		}
	}
	clock, err := s.clockPromise(ctx, node)
	if err != nil {
		return nil, err
	}
	kind := recognise(facts, node.Options().Addr)
	list := []Promise{kind.promise(facts), s.role(facts), eviction(facts), kind.persistence(facts), clock}
	if s.replicated {
		list = append(list, replicas(facts), isolation(facts))
	}
	return list, nil
}

// info reads one section of INFO into facts. A server that does not know or allow it leaves facts out.
func (s *Store) info(ctx context.Context, node *redis.Client, section string, facts map[string]string) error {
	var text string
	err := s.read(ctx, "ask for INFO "+section, func() (err error) {
		text, err = node.Info(ctx, section).Result()
		return untold(err)
	})
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			facts[name] = value
		}
	}
	return err
}

func (s *Store) config(ctx context.Context, node *redis.Client, setting string, facts map[string]string) error {
	return s.read(ctx, "ask for "+setting, func() error {
		got, err := node.ConfigGet(ctx, setting).Result()
		if value, ok := got[setting]; ok && err == nil {
			facts[setting] = value
		}
		return untold(err)
	})
}

// untold turns the refusal to answer a question into silence; a server that cannot serve at all stays an error.
func untold(err error) error {
	if err == nil {
		return nil
	}
	for _, p := range []string{"NOPERM", "ERR unknown command", "ERR unknown subcommand", "ERR section", "section"} {
		if redis.HasErrorPrefix(err, strings.TrimPrefix(p, "ERR ")) {
			return nil
		}
	}
	if refused(err) || !isAnswer(err) {
		return err
	}
	return nil
}

func (s *Store) role(facts map[string]string) Promise {
	p := Promise{Name: "role", Level: OK, Sentence: "The server is a master."}
	switch {
	case facts["redis_mode"] == "cluster" && !s.cluster:
		p.Level, p.refuses = Fault, ErrServer
		p.Sentence, p.Cure = "The server is part of a cluster, but none is configured.",
			"Set redis.addrs and redis.cluster: true."
	case facts["redis_mode"] == "sentinel":
		p.Level, p.refuses = Fault, ErrServer
		p.Sentence, p.Cure = "The server is a Sentinel, not a database.",
			"Set redis.addrs and redis.master to the name that the Sentinels know."
	case facts["role"] == "slave":
		p.Level, p.refuses = Fault, ErrServer
		p.Sentence, p.Cure = "The server is a replica, which cannot be written to.",
			"Give the master's address, or the Sentinels' with redis.master."
	case facts["role"] == "":
		p.Level, p.Sentence = Unknown, "The server does not tell whether it is a master."
	}
	return p
}

func eviction(facts map[string]string) Promise {
	p := Promise{Name: "eviction"}
	policy := facts["maxmemory-policy"]
	if policy == "" {
		policy = facts["maxmemory_policy"]
	}
	switch policy {
	case "noeviction":
		p.Level, p.Sentence = OK, "Records are never thrown away when memory is full (maxmemory-policy noeviction)."
	case "":
		p.Level, p.Sentence = Unknown, "The server does not tell what it does when its memory is full."
		p.Cure = "Make sure that its maxmemory-policy is noeviction."
	default:
		p.Level, p.refuses = Fault, ErrEviction
		p.Sentence = "The server throws keys away when its memory is full (maxmemory-policy " + policy +
			"), and with them decisions."
		p.Cure = "Run CONFIG SET maxmemory-policy noeviction and write it into redis.conf, or use a database of its own for Keyholder."
	}
	return p
}

func replicas(facts map[string]string) Promise {
	p := Promise{Name: "replicas"}
	n := facts["connected_slaves"]
	switch n {
	case "":
		p.Level, p.Sentence = Unknown, "The server does not tell how many replicas it has."
	case "0":
		p.Level = Fault
		p.Sentence = "No replica is connected; every commit waits for one, so nothing can be confirmed."
		p.Cure = "Start a replica of this master, or use a single server without Sentinel and Cluster."
	default:
		p.Level, p.Sentence = OK,
			n+" connected: every commit is confirmed by one of them. A failover can still lose what was not confirmed."
	}
	return p
}

// isolation says what a master does that is cut off from its replicas while clients still reach it.
func isolation(facts map[string]string) Promise {
	p := Promise{Name: "isolation"}
	switch least, told := facts["min-replicas-to-write"]; {
	case !told:
		p.Level, p.Sentence = Unknown, "The server does not tell whether it takes writes while no replica follows it."
		p.Cure = "Make sure that min-replicas-to-write is 1 and min-replicas-max-lag 10 or less."
	case least == "0" || facts["min-replicas-max-lag"] == "0":
		p.Level = Fault
		p.Sentence = "A master that is cut off from its replicas goes on taking writes, which a failover then throws away (min-replicas-to-write 0)."
		p.Cure = "Run CONFIG SET min-replicas-to-write 1 and CONFIG SET min-replicas-max-lag 10 on master and replicas, and write both into redis.conf."
	default:
		p.Level = OK
		p.Sentence = "A master that no replica has followed for " + facts["min-replicas-max-lag"] +
			" s takes no writes (min-replicas-to-write " + least + ")."
	}
	return p
}

func (s *Store) clockPromise(ctx context.Context, node *redis.Client) (Promise, error) {
	p := Promise{Name: "clock", Level: OK}
	apart, err := s.clockDistance(ctx, node, s.now())
	if err != nil {
		return p, err
	}
	p.Sentence = fmt.Sprintf("This machine's clock and the server's are %s apart.", apart.Round(time.Millisecond))
	if apart > MaxClockDistance {
		p.Level = Fault
		p.Cure = fmt.Sprintf("Synchronise both with NTP: beyond %s nothing is claimed and Keyholder is not ready.",
			MaxClockDistance)
	}
	return p, nil
}

// clockDistance compares now, this machine's time just before the call, with the server's, leaving
// out the round trip. It fails on a server that answers the time but nothing else, as one that is
// still loading.
func (s *Store) clockDistance(ctx context.Context, node *redis.Client, now time.Time) (time.Duration, error) {
	var there time.Time
	var waited, took time.Duration
	called := s.now()
	err := s.read(ctx, "reach Redis", func() error {
		began := s.now()
		pipe := node.Pipeline()
		pipe.Ping(ctx)
		clock := pipe.Time(ctx)
		_, err := pipe.Exec(ctx)
		there, waited, took = clock.Val(), began.Sub(called), s.now().Sub(began)
		return err
	})
	if err != nil {
		return 0, err
	}
	now = now.Add(waited) // earlier tries
	return distance(there, now, took), nil
}
