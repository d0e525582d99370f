package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
)

// Kept implements [record.Archive]: it looks at every key that begins with the prefix, master by
// master, while Keyholder may go on. Errors: [workflows.ErrAway].
func (s *Store) Kept(ctx context.Context) (workflows.Kept, error) {
	kept := workflows.Kept{Waiting: map[string][]string{}, Open: map[string][]string{}}
	listed, err := s.Refs(ctx, "")
	if err != nil {
		return kept, err
	}
	index := map[workflows.Ref]bool{}
	for _, ref := range listed {
		index[ref] = true
	}
	names, err := s.names(ctx)
	if err != nil {
		return kept, err
	}
	k := keeping{s: s, kept: &kept, index: index}
	for _, name := range names {
		if err := k.look(ctx, name); err != nil {
			return kept, err
		}
	}
	return kept, nil
}

// names lists every key of the installation, sorted, each once.
func (s *Store) names(ctx context.Context) ([]string, error) {
	var all []string
	err := s.read(ctx, "list the keys", func() error {
		var mu sync.Mutex
		all = nil
		look := func(ctx context.Context, node *redis.Client) error {
			names := node.Scan(ctx, 0, s.Prefix()+":*", pageSize).Iterator()
			for names.Next(ctx) {
				mu.Lock()
				all = append(all, names.Val())
				mu.Unlock()
			}
			return names.Err()
		}
		if cluster, ok := s.rdb.(*redis.ClusterClient); ok {
			return cluster.ForEachMaster(ctx, look)
		}
		return look(ctx, s.rdb.(*redis.Client))
	})
	slices.Sort(all)
	return slices.Compact(all), err
}

// keeping sorts keys by what they hold.
type keeping struct {
	s     *Store
	kept  *workflows.Kept
	index map[workflows.Ref]bool
}

func (k keeping) look(ctx context.Context, name string) error {
	rest, ours := strings.CutPrefix(name, k.s.Prefix()+":")
	shard, kind, id, ok := cutKey(rest)
	switch {
	case !ours, rest == "meta", rest == "processes":
		return nil
	case strings.HasSuffix(name, ":meta") || strings.Contains(rest, ":{"):
		return nil // of another installation, whose prefix goes on from ours
	case !ok || shard >= k.s.shards || k.home(kind, id, shard) != shard:
		k.kept.Strange = append(k.kept.Strange, name)
		return nil
	}
	switch kind {
	case "records", "held", "due", "events", "confirmed", "asked":
	case "queue":
		return k.queue(ctx, name, id)
	case "record":
		if ref, ok := parseRefID(id); !ok {
			k.kept.Strange = append(k.kept.Strange, name)
		} else if !k.index[ref] {
			k.kept.Unlisted = append(k.kept.Unlisted, ref)
		}
	case "timers":
		return k.timers(ctx, name, id)
	case "waiting":
		return k.members(ctx, name, k.kept.Waiting, id)
	case "open":
		return k.members(ctx, name, k.kept.Open, id)
	case "places":
		return k.places(ctx, name, id)
	default:
		k.kept.Strange = append(k.kept.Strange, name)
	}
	return nil
}

// cutKey takes "{07}:kind:id" apart.
func cutKey(rest string) (shard int, kind, id string, ok bool) {
	tag, rest, found := strings.Cut(rest, "}:")
	n, err := strconv.Atoi(strings.TrimPrefix(tag, "{"))
	kind, id, _ = strings.Cut(rest, ":")
	return n, kind, id, found && err == nil && tag == fmt.Sprintf("{%02d", n)
}

// home is the shard on which a key is looked for; those that are on every shard are at home everywhere.
func (k keeping) home(kind, id string, shard int) int {
	switch kind {
	case "record", "events":
		ref, _ := parseRefID(id)
		return k.s.shardOf(ref)
	case "places":
		return k.s.shardOfWorkflow(id)
	case "open":
		return workflows.ShardOf(id, k.s.shards)
	}
	return shard
}

// queue reads the effects of one key. What cannot be read is handed out without a kind.
func (k keeping) queue(ctx context.Context, name, key string) error {
	all, err := k.hash(ctx, name)
	for field, stored := range all {
		n, entry := strings.CutPrefix(field, "e:")
		if !entry {
			continue
		}
		var e workflows.Effect
		if json.Unmarshal([]byte(stored), &e) != nil {
			e = workflows.Effect{ID: key}
		}
		e.Key = key
		if strings.HasPrefix(all["h:"+n], "1") {
			e.Lane = workflows.LaneBulk
		}
		k.kept.Effects = append(k.kept.Effects, e)
	}
	return err
}

// hash reads a key's fields. One of another type is strange.
func (k keeping) hash(ctx context.Context, name string) (all map[string]string, err error) {
	err = k.s.read(ctx, "read "+name, func() (err error) {
		all, err = k.s.rdb.HGetAll(ctx, name).Result()
		return err
	})
	if err != nil && redis.HasErrorPrefix(err, "WRONGTYPE") {
		k.kept.Strange = append(k.kept.Strange, name)
		return nil, nil
	}
	return all, err
}

func (k keeping) timers(ctx context.Context, name, which string) error {
	if which == "tokens" {
		return nil
	}
	list := map[string][]string{}
	if err := k.members(ctx, name, list, ""); err != nil {
		return err
	}
	for _, member := range list[""] {
		t, ok := parseTimer(member)
		if !ok {
			k.kept.Strange = append(k.kept.Strange, name+" "+member)
			continue
		}
		k.kept.Timers = append(k.kept.Timers, t)
	}
	return nil
}

// members reads a sorted set into a list. One of another type is strange.
func (k keeping) members(ctx context.Context, name string, into map[string][]string, under string) error {
	var list []string
	err := k.s.read(ctx, "read "+name, func() (err error) {
		list, err = k.s.rdb.ZRange(ctx, name, 0, -1).Result()
		return err
	})
	if err != nil && redis.HasErrorPrefix(err, "WRONGTYPE") {
		k.kept.Strange = append(k.kept.Strange, name)
		return nil
	}
	into[under] = append(into[under], list...)
	return err
}

func (k keeping) places(ctx context.Context, name, workflow string) error {
	all, err := k.hash(ctx, name)
	for field, stored := range all {
		if strings.HasPrefix(field, againPrefix) {
			continue
		}
		at := strings.LastIndexByte(field, '/')
		p, holds, err := k.s.seal.readPlace(workflow, field, stored)
		kept := workflows.KeptPlace{Workflow: workflow, Name: field[:max(0, at)], Recipient: field[at+1:], Place: p,
			Doubt: err != nil || k.s.strict.Load() && !holds}
		k.kept.Places = append(k.kept.Places, kept)
	}
	return err
}
