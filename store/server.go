package store

import (
	"fmt"
	"strconv"
	"strings"
)

// server is a kind of server that promises something of its own.
type server string

const (
	plainRedis  server = "Redis"
	valkey      server = "Valkey"
	dragonfly   server = "Dragonfly"
	elastiCache server = "ElastiCache"
	memoryDB    server = "MemoryDB"
)

// recognise tells the kind of a server by INFO, or where that is Amazon's, by its address.
// Sources: the INFO of Valkey 8 (server_name, valkey_version) and of Dragonfly 1.40 (dragonfly_version);
// Amazon's guides on finding endpoints, *.cache.amazonaws.com and *.memorydb.<region>.amazonaws.com.
func recognise(facts map[string]string, addr string) server {
	host := strings.ToLower(addr)
	if at := strings.LastIndex(host, ":"); at >= 0 {
		host = host[:at]
	}
	amazon := strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
	switch {
	case facts["dragonfly_version"] != "":
		return dragonfly
	case amazon && strings.Contains(host, ".memorydb."):
		return memoryDB
	case amazon && strings.Contains(host, ".cache."), strings.HasPrefix(facts["os"], "Amazon ElastiCache"):
		return elastiCache
	case facts["server_name"] == "valkey":
		return valkey
	}
	return plainRedis
}

// The oldest server whose commands and answers the scripts rely on.
const (
	leastMajor = 6
	leastMinor = 2
)

// promise says what the server is, and whether it can be worked with at all.
func (k server) promise(facts map[string]string) Promise {
	p := Promise{Name: "server", Level: OK}
	text := facts["redis_version"]
	switch {
	case k == dragonfly:
		p.Level, p.refuses = Fault, ErrServer
		p.Sentence = "The server is Dragonfly " + facts["dragonfly_version"] + ", which writes no log of changes: " +
			"a crash would lose decisions that people were told are recorded."
		p.Cure = "Use Redis or Valkey with appendonly yes and appendfsync always."
		return p
	case text == "":
		p.Level, p.Sentence = Unknown, "The server does not tell its version."
		p.Cure = fmt.Sprintf("Make sure that it speaks at least Redis %d.%d.", leastMajor, leastMinor)
		return p
	}
	parts := strings.SplitN(text, ".", 3)
	major, _ := strconv.Atoi(parts[0])
	minor := 0
	if len(parts) > 1 {
		minor, _ = strconv.Atoi(parts[1])
	}
	switch k {
	case plainRedis:
		p.Sentence = "The server is Redis " + text + " or compatible with it."
	case valkey:
		p.Sentence = "The server is Valkey " + facts["valkey_version"] + "."
	default:
		p.Sentence = "The server is " + string(k) + ", compatible with Redis " + text + "."
	}
	if major < leastMajor || major == leastMajor && minor < leastMinor {
		p.Level, p.refuses = Fault, ErrServer
		p.Sentence = fmt.Sprintf("The server is %s %s; at least Redis %d.%d is needed.", k, text, leastMajor,
			leastMinor)
		p.Cure = "Use a newer Redis or Valkey."
	}
	return p
}

// persistence is what becomes of an acknowledged change when the server dies.
func (k server) persistence(facts map[string]string) Promise {
	p := Promise{Name: "persistence"}
	switch k {
	case memoryDB:
		p.Level, p.Sentence = OK, "MemoryDB has every change in a log in several zones before it answers."
		return p
	case elastiCache:
		p.Level = Unknown
		p.Sentence = "ElastiCache does not tell whether a change is kept before it is answered."
		p.Cure = "Use Valkey 9 or later with durability sync: without it a failover can lose the last changes, and with async up to ten seconds of them."
		return p
	}
	on := facts["appendonly"]
	if on == "" {
		on = map[string]string{"1": "yes", "0": "no"}[facts["aof_enabled"]]
	}
	switch {
	case on == "no":
		p.Level = Warn
		p.Sentence = "The server writes no log of changes (appendonly no): a crash loses every decision since the last snapshot."
		p.Cure = "Run CONFIG SET appendonly yes and CONFIG SET appendfsync always, and write both into redis.conf."
	case on == "":
		p.Level, p.Sentence = Unknown, "The server does not tell whether it writes a log of changes."
		p.Cure = "Make sure that appendonly is yes, and appendfsync always if that can be chosen."
	case facts["appendfsync"] == "":
		p.Level, p.Sentence = OK, "The server writes a log of changes; how often it reaches the disk is not told."
	case facts["appendfsync"] != "always":
		p.Level = Warn
		p.Sentence = "The log of changes reaches the disk later (appendfsync " + facts["appendfsync"] +
			"): a power failure can lose the last second or more."
		p.Cure = "Run CONFIG SET appendfsync always and write it into redis.conf."
	default:
		p.Level, p.Sentence = OK, "Every change is on disk before it is answered (appendonly yes, appendfsync always)."
	}
	return p
}
