package config

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/redis/go-redis/v9"
)

// prefixes are what package store takes, which a test of the commands compares.
var prefixes = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?$`)

const redisURLCure = "Write redis://host:6379/0, rediss:// for TLS."

func (c *checker) redis(cfg *Config) {
	r := &cfg.Redis
	override := cfg.Secrets.RedisURL != ""
	switch {
	case len(r.Addrs) > 0 && !c.marks.given("redis.url"):
		r.URL = "" // the default gives way
	case len(r.Addrs) > 0 && r.URL != "":
		c.fault("redis.addrs", "", "Both url and addrs are given",
			"Keep url for one server, addrs for Sentinel or a cluster.")
	case len(r.Addrs) == 0 && r.URL == "" && !override && !c.marks.unread("redis.addrs"):
		c.fault("redis", "", "No server is named: url and addrs are both empty",
			"Write url, or addrs with master or cluster, or set REDIS_URL.")
	}
	for i, addr := range r.Addrs {
		if _, port, ok := strings.Cut(addr, ":"); !isHostPort(addr) || !ok || port == "" || strings.HasPrefix(addr,
			":") {
			c.fault(index("redis.addrs", i), show(addr), "is not host:port",
				"Write for example redis-1.acme.example:6379, without redis://.")
		}
	}
	c.redisKind(r, override)
	if r.URL != "" {
		c.redisURL(r)
	}
	if r.Shards < 1 || r.Shards > 100 {
		c.fault("redis.shards", show(itoa(r.Shards)), "is not between 1 and 100",
			"Leave it at 16 unless you know better; it is fixed at the first start.")
	}
	c.neededVariable("redis.url_env", r.URLEnv, EnvRedisURL)
	if len(r.Prefix) > 40 || !prefixes.MatchString(r.Prefix) {
		c.fault("redis.prefix", show(r.Prefix), "is not made of at most 40 letters, digits and - _ . : between them",
			"Leave it at kh, or name the installation, such as kh-acme; it is fixed at the first start.")
	}
}

// redisKind checks master and cluster, which say what the addresses are.
func (c *checker) redisKind(r *Redis, override bool) {
	switch {
	case r.Master != "" && r.Cluster:
		c.fault("redis.cluster", "", "Both master and cluster are given",
			"Keep master for Sentinel, or cluster: true for a cluster.")
	case override:
	case len(r.Addrs) > 1 && r.Master == "" && !r.Cluster:
		c.fault("redis.addrs", "", "Several addresses are given, but not what they are",
			"Add master: NAME when they are Sentinels, or cluster: true.")
	case len(r.Addrs) == 0 && (r.Master != "" || r.Cluster):
		field := "redis.master"
		if r.Cluster {
			field = "redis.cluster"
		}
		c.fault(field, "", "This needs the servers' addresses", "Write addrs: [host:port, ...] instead of url.")
	}
}

func (c *checker) redisURL(r *Redis) {
	if u, err := url.Parse(r.URL); err == nil && u.User != nil {
		if _, has := u.User.Password(); has {
			c.fault("redis.url", "", "The address holds a password",
				"Secrets come from the environment alone: set REDIS_URL to this address and leave the password out here.")
			return
		}
	}
	if problem := redisURLProblem(r.URL, Redis{}); problem != "" {
		c.fault("redis.url", show(r.URL), problem, redisURLCure)
	}
}

// redisURLProblem asks the client library itself, so that what passes here also opens. The library's error may
// quote the address, and with it the password, so it is not passed on.
func redisURLProblem(address string, kind Redis) string {
	var err error
	switch {
	case kind.Cluster:
		_, err = redis.ParseClusterURL(address)
	case kind.Master != "":
		_, err = redis.ParseFailoverURL(address)
	default:
		_, err = redis.ParseURL(address)
	}
	if err != nil {
		return "is not an address of a Redis server"
	}
	return ""
}
