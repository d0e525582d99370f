package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
)

// Limits of the connection to Redis.
const (
	// DefaultPrefix begins every key unless [Options.Prefix] says otherwise.
	DefaultPrefix = "kh"

	// DefaultShards is the shard count of a new database when none is given; MaxShards what two digits can name.
	DefaultShards = 16
	MaxShards     = 100

	dialTimeout  = time.Second
	replyTimeout = 5 * time.Second // a context's deadline may be shorter
	poolTimeout  = 2 * time.Second
	poolSize     = 32
	openTimeout  = 10 * time.Second
)

// Options say which Redis and how.
type Options struct {
	// URL as redis://user:password@host:6379/0, rediss:// for TLS. With Addrs it gives user,
	// password, database and TLS only.
	URL string
	// Addrs are host:port. With Master they are the Sentinels, with Cluster some nodes of the cluster.
	Addrs []string
	// Master is the name under which the Sentinels know the master.
	Master  string
	Cluster bool
	// Prefix begins every key, so that several installations can share a server; empty:
	// [DefaultPrefix]. [PrefixProblem] says which are possible. The records belong to it: under
	// another prefix another installation begins.
	Prefix string
	// Shards from 1 to [MaxShards] is used when the database is first used and compared ever after;
	// 0 takes what is stored, or [DefaultShards].
	Shards int
	// Look begins nothing: where nothing was begun under the prefix nothing is fixed either, neither
	// shards nor seal, and there is nothing to read. For whoever only asks, as a check before the
	// first start does.
	Look bool
	Log  zerolog.Logger
	// SealKeys, each of [SealKeyBytes], seal what is stored: the first makes seals, all verify.
	// Empty: nothing is sealed, and what is stored is believed.
	SealKeys [][]byte
	// Doubted is told of each record or place that a seal does not vouch for, as often as one is
	// read; it must not block. nil: nobody.
	Doubted func(ref workflows.Ref, what workflows.Doubt)
	// RealNow is this machine's clock, as the courier has it; nil: time.Now.
	RealNow func() time.Time
	// Hook sees every command, as for tests and tracing.
	Hook redis.Hook
}

// Store implements [workflows.Store] in Redis. It is safe for use by several goroutines.
type Store struct {
	rdb        redis.UniversalClient
	keys       keys
	shards     int
	replicated bool // Sentinel or Cluster: commits wait for a replica
	cluster    bool
	log        zerolog.Logger
	now        func() time.Time // this machine's clock
	seal       sealer
	doubted    func(workflows.Ref, workflows.Doubt)
	failedOver atomic.Bool
	strict     atomic.Bool  // everything is sealed: what is not is not believed
	standing   atomic.Value // of type Standing

	mu   sync.Mutex
	turn int // which shard is asked first, so that none is always last
}

var _ workflows.Store = (*Store)(nil)

var quiet sync.Once

// Open connects and checks that the server can be relied on: errors are [workflows.ErrAway],
// [ErrServer], [ErrEviction], [ErrShards], [ErrLayout], [ErrPrefix], [ErrSealKey], [ErrHalf]. A
// clock too far away and `appendonly no` do not keep it from opening; [Store.Ready] and
// [Store.Promises] tell of them.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := build(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err = s.checkServer(ctx); err == nil {
		err = s.fixShards(ctx, o.Shards, o.Look)
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// build makes a Store. Nothing is sent yet.
func build(o Options) (*Store, error) {
	quiet.Do(func() { redis.SetLogger(clientLog{o.Log}) })
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if problem := PrefixProblem(o.Prefix); problem != "" {
		return nil, fmt.Errorf("open store: the prefix %.80q %s: %w", o.Prefix, problem, ErrPrefix)
	}
	if o.Shards < 0 || o.Shards > MaxShards {
		return nil, fmt.Errorf("open store: %d shards: %w: from 1 to %d are possible", o.Shards, ErrShards, MaxShards)
	}
	seal, err := newSealer(o)
	if err != nil {
		return nil, err
	}
	rdb, err := connect(o)
	if err != nil {
		return nil, err
	}
	s := &Store{rdb: rdb, keys: keys(o.Prefix), cluster: o.Cluster, replicated: o.Cluster || o.Master != "", log: o.Log,
		now: o.RealNow, seal: seal, doubted: o.Doubted}
	if s.doubted == nil {
		s.doubted = func(workflows.Ref, workflows.Doubt) {}
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// Close ends all connections.
func (s *Store) Close() error { return s.rdb.Close() }

// Shards is the number of shards, fixed when the database was first used.
func (s *Store) Shards() int { return s.shards }

// checkServer looks whether the server can be relied on.
func (s *Store) checkServer(ctx context.Context) error {
	if err := s.read(ctx, "reach Redis", func() error { return s.rdb.Ping(ctx).Err() }); err != nil {
		return err
	}
	promises, err := s.Promises(ctx)
	if err != nil {
		return err
	}
	for _, p := range promises {
		if p.refuses != nil {
			return fmt.Errorf("%w: %s %s", p.refuses, p.Sentence, p.Cure)
		}
		if p.Level == Warn || p.Level == Fault {
			s.log.Warn().Str("promise", p.Name).Str("cure", p.Cure).Msg(p.Sentence)
		}
	}
	return nil
}

// fixShards stores the shard count at first use and compares it ever after. Who only looks stores nothing.
func (s *Store) fixShards(ctx context.Context, shards int, look bool) error {
	first := shards
	if first == 0 {
		first = DefaultShards
	}
	var stored []any
	began := false // a new installation
	err := s.read(ctx, "read the shard count", func() error {
		pipe := s.rdb.Pipeline()
		fresh := redis.NewBoolResult(false, nil)
		if !look {
			fresh = pipe.HSetNX(ctx, s.keys.meta(), fieldLayout, layout)
			pipe.HSetNX(ctx, s.keys.meta(), fieldShards, first)
		}
		got := pipe.HMGet(ctx, s.keys.meta(), fieldLayout, fieldShards, fieldSealed, fieldFilling)
		_, err := pipe.Exec(ctx)
		stored = got.Val()
		began = began || fresh.Val()
		return err
	})
	if err != nil {
		return err
	}
	if look && len(stored) == 4 && !slices.ContainsFunc(stored, func(v any) bool { return v != nil }) {
		stored = []any{layout, first, nil, nil} // as the first start will have it
	}
	if len(stored) != 4 || stored[0] != layout {
		return fmt.Errorf("%w: it is %v, this version of Keyholder knows %s", ErrLayout, stored[:min(2, len(stored))],
			layout)
	}
	if stored[3] != nil {
		return ErrHalf
	}
	n, err := strconv.Atoi(fmt.Sprint(stored[1]))
	if err != nil || n < 1 || n > MaxShards {
		return fmt.Errorf("%w: what is stored (%v) is no shard count", ErrShards, stored[1])
	}
	if shards != 0 && n != shards {
		return fmt.Errorf("%w: %d are stored, %d configured: set redis.shards to %d", ErrShards, n, shards, n)
	}
	s.shards = n
	if began {
		s.sayNeighbours(ctx)
	}
	mark, _ := stored[2].(string)
	return s.lookAtSeal(ctx, mark, look)
}

// connect makes the client. Nothing is sent yet. Errors never quote the URL, which holds the password.
func connect(o Options) (redis.UniversalClient, error) {
	u := &redis.UniversalOptions{
		Addrs: o.Addrs, MasterName: o.Master, IsClusterMode: o.Cluster,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DialTimeout: dialTimeout, ReadTimeout: replyTimeout, WriteTimeout: replyTimeout,
		PoolSize: poolSize, PoolTimeout: poolTimeout,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if o.URL != "" {
		p, err := redis.ParseURL(o.URL)
		if err != nil {
			// The parser quotes what it stumbles over, which is part of the password when that holds a slash.
			return nil, fmt.Errorf(
				"open store: %w: the Redis URL cannot be read; it should look as redis://user:password@host:6379/0, "+
					"with / @ : # ? %% in the password percent-encoded", ErrServer)
		}
		u.Username, u.Password, u.DB, u.TLSConfig = p.Username, p.Password, p.DB, p.TLSConfig
		if len(u.Addrs) == 0 {
			u.Addrs = []string{p.Addr}
			if p.Network == "unix" {
				return hooked(redis.NewClient(unix(u.Simple(), p.Addr)), o), nil
			}
		}
	}
	if o.Cluster && o.Master != "" {
		return nil, fmt.Errorf("open store: %w: redis.master (Sentinel) and redis.cluster: true exclude each other",
			ErrServer)
	}
	if err := fits(u); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return hooked(redis.NewUniversalClient(u), o), nil
}

func unix(simple *redis.Options, path string) *redis.Options {
	simple.Network, simple.Addr = "unix", path
	return simple
}

// fits finds settings that contradict each other.
func fits(u *redis.UniversalOptions) error {
	switch {
	case len(u.Addrs) == 0:
		return fmt.Errorf("%w: neither a URL nor addresses are given: set redis.url or redis.addrs", ErrServer)
	case len(u.Addrs) > 1 && u.MasterName == "" && !u.IsClusterMode:
		return fmt.Errorf("%w: several addresses need redis.master (Sentinel) or redis.cluster: true", ErrServer)
	case u.IsClusterMode && u.DB != 0:
		return fmt.Errorf("%w: a cluster has database 0 only, not %d", ErrServer, u.DB)
	}
	return nil
}

func hooked(rdb redis.UniversalClient, o Options) redis.UniversalClient {
	if o.Hook == nil {
		return rdb
	}
	if cluster, ok := rdb.(*redis.ClusterClient); ok {
		cluster.OnNewNode(func(node *redis.Client) { node.AddHook(o.Hook) })
		return rdb
	}
	rdb.AddHook(o.Hook)
	return rdb
}

// clientLog takes what go-redis says about its connections into our log, quietly: what matters
// comes as an error as well.
type clientLog struct{ log zerolog.Logger }

func (l clientLog) Printf(_ context.Context, format string, v ...any) {
	l.log.Debug().Msgf(format, v...)
}

// everyShard lists the shards, or only some, beginning with another one each time.
func (s *Store) everyShard(only []int) []int {
	if len(only) == 1 {
		return only
	}
	s.mu.Lock()
	first := s.turn
	s.turn = (s.turn + 1) % s.shards
	s.mu.Unlock()
	all := make([]int, 0, s.shards)
	for i := range s.shards {
		if shard := (first + i) % s.shards; len(only) == 0 || slices.Contains(only, shard) {
			all = append(all, shard)
		}
	}
	return all
}

// Refs lists every record of a kind ("" for all), sorted by kind and ID within each shard.
func (s *Store) Refs(ctx context.Context, kind string) ([]workflows.Ref, error) {
	var refs []workflows.Ref
	for shard := range s.shards {
		got, err := s.shardRefs(ctx, shard, kind)
		if err != nil {
			return nil, err
		}
		refs = append(refs, got...)
	}
	slices.SortStableFunc(refs, func(a, b workflows.Ref) int { return strings.Compare(a.Kind, b.Kind) })
	return refs, nil
}

// shardRefs reads the index in pages.
func (s *Store) shardRefs(ctx context.Context, shard int, kind string) ([]workflows.Ref, error) {
	lowest, highest := "-", "+"
	if kind != "" {
		lowest, highest = "["+kind+"/", "("+kind+"0" // 0 follows /
	}
	var refs []workflows.Ref
	for {
		var page []string
		err := s.read(ctx, "list records", func() (err error) {
			page, err = s.rdb.ZRangeByLex(ctx, s.keys.records(shard), &redis.ZRangeBy{Min: lowest, Max: highest,
				Count: pageSize}).Result()
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, member := range page {
			ref, _ := parseRefID(member)
			refs = append(refs, ref)
		}
		if len(page) < pageSize {
			return refs, nil
		}
		lowest = "(" + page[len(page)-1]
	}
}
