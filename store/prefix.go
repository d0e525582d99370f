package store

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// MaxPrefix is how long a prefix may be, in bytes: it begins each of some twenty keys that a commit names.
const MaxPrefix = 40

// A brace would move the hash tag, a star or bracket mean something in patterns, as those of ACLs.
var prefixes = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?$`)

// PrefixProblem says what is wrong with a prefix, as the end of a sentence that begins with it; empty when nothing is.
func PrefixProblem(prefix string) string {
	switch {
	case len(prefix) > MaxPrefix:
		return "is longer than 40 characters"
	case !prefixes.MatchString(prefix):
		return "is not made of letters, digits and - _ . : between them"
	}
	return ""
}

// Prefix begins every key of this installation.
func (s *Store) Prefix() string { return string(s.keys) }

// Neighbours lists the prefixes of other installations on the same server and database, sorted. It
// looks through the names of all keys there, so it is for the first start and for an operator's
// question. Errors: [workflows.ErrAway].
func (s *Store) Neighbours(ctx context.Context) ([]string, error) {
	var mu sync.Mutex
	found := map[string]bool{}
	look := func(ctx context.Context, node *redis.Client) error {
		names := node.Scan(ctx, 0, "*:meta", pageSize).Iterator()
		for names.Next(ctx) {
			prefix := strings.TrimSuffix(names.Val(), ":meta")
			if prefix == s.Prefix() || PrefixProblem(prefix) != "" {
				continue
			}
			got, err := node.HMGet(ctx, names.Val(), fieldLayout, fieldShards).Result()
			if err != nil && !isAnswer(err) {
				return err
			}
			if len(got) == 2 && got[0] != nil && got[1] != nil {
				mu.Lock()
				found[prefix] = true
				mu.Unlock()
			}
		}
		return names.Err()
	}
	err := s.read(ctx, "look for other installations", func() error {
		switch rdb := s.rdb.(type) {
		case *redis.ClusterClient:
			return rdb.ForEachMaster(ctx, look)
		default:
			return look(ctx, rdb.(*redis.Client))
		}
	})
	var list []string
	for prefix := range found {
		list = append(list, prefix)
	}
	slices.Sort(list)
	return list, err
}

// sayNeighbours warns when a new installation begins beside others: a prefix changed by mistake
// leaves the whole record behind.
func (s *Store) sayNeighbours(ctx context.Context) {
	others, err := s.Neighbours(ctx)
	switch {
	case err != nil:
		s.log.Warn().Err(err).Msg("look for other installations on this Redis")
	case len(others) > 0:
		s.log.Warn().Str("prefix", s.Prefix()).Strs("others", others).
			Msg("a new, empty record begins here, beside others on this Redis: if it should have gone on with one of them, stop and set redis.prefix back")
	}
}
