package store_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

func open(t *testing.T, o store.Options) (*store.Store, error) {
	t.Helper()
	s, err := store.Open(context.Background(), o)
	if err == nil {
		t.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

func TestTheShardCountIsFixedAtFirstUse(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	first, err := open(t, store.Options{URL: url, Shards: 7})
	if err != nil || first.Shards() != 7 {
		t.Fatalf("%v, %v", first, err)
	}
	if again, err := open(t, store.Options{URL: url}); err != nil || again.Shards() != 7 {
		t.Errorf("without a count: %v", err)
	}
	_, err = open(t, store.Options{URL: url, Shards: 8})
	if !errors.Is(err, store.ErrShards) || !strings.Contains(err.Error(), "redis.shards to 7") {
		t.Errorf("with another count: %v", err)
	}
	for _, n := range []int{-1, 101} {
		if _, err := open(t, store.Options{URL: url, Shards: n}); !errors.Is(err, store.ErrShards) {
			t.Errorf("with %d: %v", n, err)
		}
	}
}

// A check or an audit before the first start would otherwise fix the shards that the start then is refused for.
func TestWhoOnlyLooksBeginsNothing(t *testing.T) {
	for name, keys := range map[string][][]byte{"unsealed": nil,
		"sealed": {bytes.Repeat([]byte{7}, store.SealKeyBytes)}} {
		t.Run(name, func(t *testing.T) {
			m := miniredis.RunT(t)
			o := store.Options{URL: "redis://" + m.Addr(), SealKeys: keys, Look: true}
			for _, n := range []int{0, 3} {
				o.Shards = n
				looking, err := open(t, o)
				must(t, err)
				if refs, err := looking.Refs(context.Background(), ""); err != nil || len(refs) != 0 {
					t.Errorf("%v, %v", refs, err)
				}
			}
			if left := m.Keys(); len(left) != 0 {
				t.Errorf("looking left %v", left)
			}
			o.Look, o.Shards = false, 5
			first, err := open(t, o)
			must(t, err)
			commit(t, first, grow(load(t, first, acme)))
			o.Look, o.Shards = true, 0
			again, err := open(t, o)
			must(t, err)
			if again.Shards() != 5 || load(t, again, acme).Version != 1 || again.Standing() != first.Standing() {
				t.Errorf("%d shards, %+v, %v", again.Shards(), load(t, again, acme), again.Standing())
			}
			o.Shards = 6
			if _, err := open(t, o); !errors.Is(err, store.ErrShards) {
				t.Errorf("another count: %v", err)
			}
		})
	}
}

func TestAnotherLayoutIsRefused(t *testing.T) {
	m := miniredis.RunT(t)
	m.HSet("kh:meta", "layout", "2", "shards", "16")
	if _, err := open(t, store.Options{URL: "redis://" + m.Addr()}); !errors.Is(err, store.ErrLayout) {
		t.Errorf("error %v", err)
	}
}

func TestAServerThatEvictsIsRefused(t *testing.T) {
	for _, args := range [][]string{{"--maxmemory-policy", "allkeys-lru"}, {"--maxmemory-policy", "volatile-ttl",
		"--rename-command", "CONFIG", "disabled"}} {
		server := storetest.Redis(t, args...)
		_, err := open(t, store.Options{URL: server.URL})
		if !errors.Is(err, store.ErrEviction) || !strings.Contains(err.Error(),
			"CONFIG SET maxmemory-policy noeviction") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestAReplicaAndAClusterNodeAreRefused(t *testing.T) {
	replica := storetest.Redis(t, "--replicaof", "127.0.0.1 1")
	if _, err := open(t, store.Options{URL: replica.URL}); !errors.Is(err, store.ErrServer) ||
		!strings.Contains(err.Error(), "replica") {
		t.Errorf("a replica: %v", err)
	}
	node := storetest.Redis(t, "--cluster-enabled", "yes")
	if _, err := open(t, store.Options{URL: node.URL}); !errors.Is(err, store.ErrServer) ||
		!strings.Contains(err.Error(), "redis.cluster") {
		t.Errorf("a cluster's node: %v", err)
	}
}

func TestAServerThatIsNotThereIsAway(t *testing.T) {
	server := storetest.Redis(t)
	server.Kill()
	if _, err := open(t, store.Options{URL: server.URL}); !errors.Is(err, workflows.ErrAway) {
		t.Errorf("error %v", err)
	}
}

func TestBadSettingsAreRefusedWithoutTellingThePassword(t *testing.T) {
	for name, o := range map[string]store.Options{
		"nothing":           {},
		"no URL":            {URL: "redis://user:hunter2@host:port/0"},
		"another scheme":    {URL: "http://user:hunter2@host:6379/0"},
		"control character": {URL: "redis://user:hunter2@host\x7f:6379/0"},
		"bad database":      {URL: "redis://user:hunter2@host:6379/hunter2"},
		"many addresses":    {Addrs: []string{"a:1", "b:2"}},
		"both ways":         {Addrs: []string{"a:1"}, Master: "kh", Cluster: true},
		"password's slash":  {URL: "redis://user:pa/hunter2@host:6379/0"},
		"cluster database":  {URL: "redis://user:hunter2@host:6379/3", Cluster: true},
	} {
		_, err := open(t, o)
		if err == nil {
			t.Errorf("%s was taken", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
}

func level(t *testing.T, s *store.Store, name string) store.Level {
	t.Helper()
	promises, err := s.Promises(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range promises {
		if p.Name == name {
			if p.Sentence == "" || (p.Level == store.Warn || p.Level == store.Fault) && p.Cure == "" {
				t.Errorf("%s: no sentence or no cure: %+v", name, p)
			}
			return p.Level
		}
	}
	t.Fatalf("there is no promise named %s", name)
	return ""
}

func TestPromisesFollowTheServersSettings(t *testing.T) {
	server := storetest.Redis(t, "--appendfsync", "always")
	s := storetest.OpenAt(t, server.URL)
	for _, name := range []string{"server", "role", "eviction", "persistence", "clock"} {
		if l := level(t, s, name); l != store.OK {
			t.Errorf("%s is %s", name, l)
		}
	}
	admin := raw(t, server.Addr)
	for _, c := range []struct {
		setting, value, name string
		want                 store.Level
	}{
		{"appendfsync", "everysec", "persistence", store.Warn},
		{"appendonly", "no", "persistence", store.Warn},
		{"maxmemory-policy", "volatile-lru", "eviction", store.Fault},
	} {
		if err := admin.ConfigSet(context.Background(), c.setting, c.value).Err(); err != nil {
			t.Fatal(err)
		}
		if l := level(t, s, c.name); l != c.want {
			t.Errorf("%s %s: %s is %s", c.setting, c.value, c.name, l)
		}
	}
}

func TestAServerThatTellsNothingIsUnknownAndNoFault(t *testing.T) {
	server := storetest.Redis(t, "--rename-command", "CONFIG", "", "--rename-command", "INFO", "")
	s := storetest.OpenAt(t, server.URL)
	for _, name := range []string{"server", "role", "eviction", "persistence"} {
		if l := level(t, s, name); l != store.Unknown {
			t.Errorf("%s is %s", name, l)
		}
	}
	mini := storetest.Open(t)
	if l := level(t, mini, "eviction"); l != store.Unknown {
		t.Errorf("on miniredis eviction is %s", l)
	}
}

func TestAClockFarAwayIsNotReady(t *testing.T) {
	server := storetest.Redis(t)
	s := storetest.OpenAt(t, server.URL)
	for _, off := range []time.Duration{-3 * time.Second, -time.Second, 0, time.Second, 3 * time.Second} {
		err := s.Ready(context.Background(), time.Now().Add(off))
		if near := off.Abs() < store.MaxClockDistance; near && err != nil || !near && !errors.Is(err, store.ErrClock) {
			t.Errorf("clock off by %v: %v", off, err)
		}
	}
}
