package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

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
