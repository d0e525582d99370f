package store

import (
	"errors"
	"strings"
	"testing"
)

// What a server says of itself, or its address at Amazon, decides what is promised in its name.
func TestEachKindOfServerPromisesWhatItGives(t *testing.T) {
	const local = "127.0.0.1:6379"
	aof := map[string]string{"appendonly": "yes", "appendfsync": "always"}
	off := map[string]string{"aof_enabled": "0"} // all that is told where CONFIG is forbidden
	for name, c := range map[string]struct {
		info, settings map[string]string
		addr           string
		server         Level
		says           string
		persistence    Level
	}{
		"Redis": {map[string]string{"redis_version": "7.0.15"}, aof, local, OK, "Redis 7.0.15", OK},
		"Redis without a log": {map[string]string{"redis_version": "7.0.15"}, off, local, OK, "Redis 7.0.15",
			Warn},
		"an old Redis": {map[string]string{"redis_version": "6.0.9"}, aof, local, Fault, "at least Redis 6.2",
			OK},
		"Valkey": {map[string]string{"redis_version": "7.2.4", "server_name": "valkey",
			"valkey_version": "8.1.0"}, aof, local, OK, "Valkey 8.1.0.", OK},
		"Dragonfly": {map[string]string{"redis_version": "7.4.0", "dragonfly_version": "df-v1.40.1"}, nil, local,
			Fault, "Dragonfly df-v1.40.1", Unknown},
		"Dragonfly behind Amazon's balancer": {map[string]string{"redis_version": "7.4.0",
			"dragonfly_version": "df-v1.40.1"}, nil, "x.elb.eu-west-1.amazonaws.com:6379", Fault, "Dragonfly",
			Unknown},
		"ElastiCache by what it says": {map[string]string{"redis_version": "7.2.6",
			"os": "Amazon ElastiCache"}, off, "10.0.0.7:6379", OK, "ElastiCache", Unknown},
		"ElastiCache by its address": {map[string]string{"redis_version": "7.2.6"}, off,
			"master.kh.abc123.euw1.cache.amazonaws.com:6379", OK, "ElastiCache", Unknown},
		"MemoryDB": {map[string]string{"redis_version": "7.1.1"}, off,
			"clustercfg.kh.abc123.memorydb.eu-west-1.amazonaws.com:6379", OK, "MemoryDB", OK},
		"somebody else's address": {map[string]string{"redis_version": "7.0.15"}, off,
			"memorydb.cache.example:6379", OK, "Redis 7.0.15", Warn},
		"a server that says nothing": {nil, nil, local, Unknown, "does not tell", Unknown},
		"an address without a port":  {map[string]string{"redis_version": "7.0.15"}, off, "redis", OK, "Redis", Warn},
	} {
		facts := map[string]string{}
		for _, from := range []map[string]string{c.info, c.settings} {
			for k, v := range from {
				facts[k] = v
			}
		}
		kind := recognise(facts, c.addr)
		is, keeps := kind.promise(facts), kind.persistence(facts)
		if is.Level != c.server || !strings.Contains(is.Sentence, c.says) || keeps.Level != c.persistence {
			t.Errorf("%s: %+v and %+v", name, is, keeps)
		}
		if (is.Level == Fault) != errors.Is(is.refuses, ErrServer) {
			t.Errorf("%s: level %s, but it refuses with %v", name, is.Level, is.refuses)
		}
		for _, p := range []Promise{is, keeps} {
			if p.Level != OK && p.Cure == "" {
				t.Errorf("%s: what to do is missing: %+v", name, p)
			}
		}
	}
}
