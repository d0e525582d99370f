package store

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
)

// Every key of Keyholder is named here and nowhere else. {07} is the shard, two digits, and Redis
// Cluster's hash tag, so all keys of a shard share a slot. Scores are milliseconds since 1970
// unless stated otherwise. kh is [DefaultPrefix]; [Options.Prefix] may be another.
//
//	key                          type  content
//	kh:meta                      hash  layout (number of this table), shards (fixed at first use), sealed (see
//	                                   seal.go), filling (the copy that is being put back here, see copy.go)
//	kh:processes                 zset  the processes that work on this record, by when they last said so (real time)
//	kh:{07}:records              zset  index of every record: member "<kind>/<id>", score 0
//	kh:{07}:record:<kind>/<id>   hash  version machine schema state head last (see Record), seal vouch (see doc.go)
//	kh:{07}:events:<kind>/<id>   list  the record's events; index = sequence number - 1 (see chain.go)
//	kh:{07}:places:<workflow>    hash  "<name>/<recipient>" -> Place as JSON, behind its seal: where the card
//	                                   stands in Slack
//	                                   "again/<name>/<recipient>" -> 1: that card is drawn again although
//	                                   nothing changed
//	kh:{07}:queue:<effect key>   hash  the effects of one key, gone when empty:
//	                                   head, tail     numbers of the first entry and of the next one to come
//	                                   h:<n>          "<lane> <due> <destination>" of entry n
//	                                   e:<n>          entry n: the effect as JSON, never decoded by a script
//	                                   attempts       failed deliveries of the first entry
//	                                   token, claimed, until   the lease: its token, the entry's number, its end
//	kh:{07}:due:0 kh:{07}:due:1  zset  effect keys by when they may be claimed (real time; a lease's end while
//	                                   claimed). 0 people, 1 bulk
//	kh:{07}:confirmed            hash  (Sentinel and Cluster) at: written to have a replica confirm it, and
//	                                   with it all that was written before;
//	                                   master: the ID of the master's stream of changes (master_replid) when
//	                                   it was last noted
//	kh:{07}:held                 hash  destination -> real time before which nothing for it is claimed; the
//	                                   same on every shard
//	kh:{07}:timers               zset  "<workflow>/<name>@<ms>" by due time (time of commands)
//	kh:{07}:timers:leased        zset  claimed timers by the end of their lease (real time); a claimed one is
//	                                   not in timers
//	kh:{07}:timers:tokens        hash  claimed timer -> the lease's token
//	kh:{07}:waiting:<person>     zset  workflows that wait for a person, by since when
//	kh:{07}:open:<account>       zset  open workflows of an account, by when they opened
//	kh:{00}:asked                hash  "<team>/<person>" -> who is being asked for a proof, as JSON behind its
//	                                   seal, with the end of the lease of the process that asks (real time)
const (
	fieldLayout  = "layout"
	fieldShards  = "shards"
	fieldSealed  = "sealed"
	fieldFilling = "filling"
	layout       = "1"
)

// keys names the keys of one installation; its value is the prefix of all of them ([Options.Prefix]).
type keys string

func (k keys) meta() string      { return string(k) + ":meta" }
func (k keys) processes() string { return string(k) + ":processes" }
func (k keys) shard(shard int, rest ...string) string {
	return fmt.Sprintf("%s:{%02d}:%s", string(k), shard, strings.Join(rest, ""))
}
func (k keys) records(shard int) string                 { return k.shard(shard, "records") }
func (k keys) record(shard int, r workflows.Ref) string { return k.shard(shard, "record:", r.String()) }
func (k keys) events(shard int, r workflows.Ref) string { return k.shard(shard, "events:", r.String()) }
func (k keys) places(shard int, workflow string) string { return k.shard(shard, "places:", workflow) }
func (k keys) queue(shard int, effectKey string) string { return k.shard(shard, "queue:", effectKey) }
func (k keys) due(shard, lane int) string               { return k.shard(shard, "due:", strconv.Itoa(lane)) }
func (k keys) confirmed(shard int) string               { return k.shard(shard, "confirmed") }
func (k keys) held(shard int) string                    { return k.shard(shard, "held") }
func (k keys) timers(shard int) string                  { return k.shard(shard, "timers") }
func (k keys) timersLeased(shard int) string            { return k.shard(shard, "timers:leased") }
func (k keys) timersTokens(shard int) string            { return k.shard(shard, "timers:tokens") }
func (k keys) waiting(shard int, person string) string  { return k.shard(shard, "waiting:", person) }
func (k keys) open(shard int, account string) string    { return k.shard(shard, "open:", account) }
func (k keys) asked(shard int) string                   { return k.shard(shard, "asked") }

func placeField(name, recipient string) string { return workflows.PlaceName(name, recipient) }

// againPrefix stands before the fields of cards that are drawn again. No card has a name with a slash.
const againPrefix = "again/"

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
func fromMillis(s string) (time.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	return time.UnixMilli(n).UTC(), err
}

// parseRefID takes a member of the index apart.
func parseRefID(s string) (workflows.Ref, bool) {
	kind, id, ok := strings.Cut(s, "/")
	return workflows.Ref{Kind: kind, ID: id}, ok
}

// timerMember names a timer with its generation, which is its due time.
func timerMember(t workflows.Timer) string {
	return t.Workflow + "/" + t.Name + "@" + millis(t.At)
}

func parseTimer(member string) (workflows.Timer, bool) {
	at := strings.LastIndexByte(member, '@')
	slash := strings.IndexByte(member, '/')
	if slash < 0 || at < slash {
		return workflows.Timer{}, false
	}
	due, err := fromMillis(member[at+1:])
	return workflows.Timer{Workflow: member[:slash], Name: member[slash+1 : at], At: due}, err == nil
}

// shardOf says where a record lives. The ID of a workflow and of the ledger carries its shard; one
// that carries none of ours (a hostile click, a test's name) is hashed like the IDs of other kinds,
// so every ID has exactly one place.
func (s *Store) shardOf(r workflows.Ref) int {
	if r.Kind == workflows.KindWorkflow || r.Kind == workflows.KindLedger {
		if _, shard, ok := workflows.ParseID(r.ID); ok && shard < s.shards {
			return shard
		}
	}
	return workflows.ShardOf(r.ID, s.shards)
}

func (s *Store) shardOfWorkflow(id string) int {
	return s.shardOf(workflows.RecordRef(id))
}

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
