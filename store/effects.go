package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
)

const (
	// widest is how many due keys one look takes when much of what is due is held back.
	widest = 500
	// looks bounds the looks of one poll.
	looks = 64
)

// ClaimEffects implements [workflows.Effects]. When nothing is due it costs one pipelined read;
// otherwise one more round trip for the leases. On an error nothing is answered; what was leased
// comes back when its lease ends.
func (s *Store) ClaimEffects(ctx context.Context, real time.Time, max int, only ...int) ([]workflows.Claim, error) {
	var claims []workflows.Claim
	width := min(max, widest)
	for range looks {
		free := max - len(claims)
		if free <= 0 {
			break
		}
		picked, err := s.dueEffects(ctx, real, width, only)
		if err == nil && len(picked) == 0 {
			break
		}
		var got []workflows.Claim
		if err == nil {
			got, err = s.leaseEffects(ctx, real, picked, free)
			claims = append(claims, got...)
		}
		if err != nil {
			if len(claims) == 0 {
				return nil, err
			}
			// As when one master of a cluster is away: the rest goes on.
			s.log.Warn().Err(err).Msg("claim effects on some shards only")
			break
		}
		if len(got) == len(picked) {
			if len(picked) < width {
				break
			}
			continue
		}
		// Some were held back or taken by others: look at more of them at once.
		width = min(4*width, widest)
	}
	return claims, nil
}

// dueEffects lists up to width due keys, the people's lane of every shard before the bulk lane of
// any, each shard in turn.
func (s *Store) dueEffects(ctx context.Context, real time.Time, width int, only []int) ([]candidate, error) {
	shards := s.everyShard(only)
	upTo := &redis.ZRangeBy{Min: "-inf", Max: millis(real), Count: int64(width)}
	people, bulk := make([]*redis.StringSliceCmd, len(shards)), make([]*redis.StringSliceCmd, len(shards))
	var clock *clockCheck
	err := s.read(ctx, "look for due effects", func() error {
		pipe := s.rdb.Pipeline()
		for i, shard := range shards {
			people[i] = pipe.ZRangeByScore(ctx, s.keys.due(shard, workflows.LanePeople), upTo)
			bulk[i] = pipe.ZRangeByScore(ctx, s.keys.due(shard, workflows.LaneBulk), upTo)
		}
		clock = s.askTime(ctx, pipe, shards)
		_, err := pipe.Exec(ctx)
		clock.answered()
		return err
	})
	if err != nil && !anyAnswered(people) {
		return nil, err
	}
	if err := clock.verdict(); err != nil {
		return nil, err
	}
	first := shares(candidates(shards, workflows.LanePeople, people), width)
	return append(first, shares(candidates(shards, workflows.LaneBulk, bulk), width-len(first))...), nil
}

// anyAnswered reports whether at least one shard could be asked.
func anyAnswered(cmds []*redis.StringSliceCmd) bool {
	for _, cmd := range cmds {
		if cmd.Err() == nil {
			return true
		}
	}
	return false
}

func candidates(shards []int, lane int, cmds []*redis.StringSliceCmd) [][]candidate {
	lists := make([][]candidate, len(shards))
	for i, cmd := range cmds {
		for _, member := range cmd.Val() {
			lists[i] = append(lists[i], candidate{shard: shards[i], lane: lane, member: member})
		}
	}
	return lists
}

// leaseEffects claims up to free of the candidates, one script call for each shard.
func (s *Store) leaseEffects(ctx context.Context, real time.Time, picked []candidate, free int) ([]workflows.Claim,
	error) {
	until := real.Add(workflows.LeaseFor)
	groups := byShard(picked)
	quota := quotas(groups, free)
	var calls []*call
	for _, list := range groups {
		shard := list[0].shard
		if quota[shard] == 0 {
			continue
		}
		c := &call{shard: shard, script: scriptClaimEffects, clocked: true,
			args: []any{millis(real), millis(until), quota[shard]},
			keys: []string{s.keys.due(shard, workflows.LanePeople), s.keys.due(shard, workflows.LaneBulk),
				s.keys.held(shard)}}
		for _, cand := range list {
			c.keys = append(c.keys, s.keys.queue(shard, cand.member), s.placesOf(shard, cand.member))
			c.args = append(c.args, cand.lane, cand.member, newToken(shard))
		}
		calls = append(calls, c)
	}
	s.run(ctx, true, calls...) // what leaves on behalf of a commit must not outlive it in a failover
	var claims []workflows.Claim
	var failed error
	for _, c := range calls {
		if c.err != nil {
			failed = errors.Join(failed, written("claim effects", c.err))
			continue
		}
		claims = append(claims, s.readClaims(c, until)...)
	}
	return claims, failed
}

// placesOf names the places that belong to an effect's key, the key's own queue where there are none.
func (s *Store) placesOf(shard int, key string) string {
	if workflow, ok := workflows.CardsOf(key); ok && s.shardOfWorkflow(workflow) == shard {
		return s.keys.places(shard, workflow)
	}
	return s.keys.queue(shard, key)
}

// readClaims reads the script's answer. An effect that cannot be read (a later version wrote it, or
// somebody else) is claimed as such. The key is the queue's, whatever the effect says: that is
// where the lease stands.
func (s *Store) readClaims(c *call, until time.Time) []workflows.Claim {
	answer, _ := c.reply.([]any)
	var claims []workflows.Claim
	for ; len(answer) >= 4; answer = answer[4:] {
		i, _ := answer[0].(int64)
		attempts, _ := strconv.Atoi(fmt.Sprint(answer[1]))
		body, _ := answer[2].(string)
		lane, _ := c.args[3+(i-1)*3].(int)
		claim := workflows.Claim{Shard: c.shard, Token: fmt.Sprint(c.args[3+(i-1)*3+2]),
			Until: time.UnixMilli(until.UnixMilli()), Attempts: attempts}
		if err := json.Unmarshal([]byte(body), &claim.Effect); err != nil {
			claim.Unreadable, claim.Effect = fmt.Errorf("decode effect: %w", err), workflows.Effect{}
		}
		claim.Effect.Key, claim.Effect.Lane = fmt.Sprint(c.args[3+(i-1)*3+1]), lane
		if claim.Unreadable == nil {
			claim.Effect.ID = cmp.Or(claim.Effect.ID, claim.Effect.Key)
		}
		if workflow, ok := workflows.CardsOf(claim.Effect.Key); ok {
			if flat, ok := answer[3].([]any); ok {
				claim.Places = s.readPlaces(workflow, pairs(flat))
			}
		}
		claims = append(claims, claim)
	}
	return claims
}

// Places implements [workflows.Records].
func (s *Store) Places(ctx context.Context, workflow string) (map[string]workflows.Place, error) {
	var all map[string]string
	err := s.read(ctx, "look up cards", func() (err error) {
		all, err = s.rdb.HGetAll(ctx, s.keys.places(s.shardOfWorkflow(workflow), workflow)).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.readPlaces(workflow, all), nil
}

// pairs reads the answer of HGETALL as a script passes it on.
func pairs(flat []any) map[string]string {
	all := make(map[string]string, len(flat)/2)
	for ; len(flat) >= 2; flat = flat[2:] {
		all[fmt.Sprint(flat[0])] = fmt.Sprint(flat[1])
	}
	return all
}

// readPlaces reads the places of a workflow's cards as they are stored.
func (s *Store) readPlaces(workflow string, all map[string]string) map[string]workflows.Place {
	places := make(map[string]workflows.Place, len(all))
	for field, stored := range all {
		if strings.HasPrefix(field, againPrefix) {
			continue
		}
		// A place that somebody damaged keeps no other card waiting: it counts as not posted.
		p, ok := s.place(workflow, field, stored)
		if !ok {
			continue
		}
		if _, again := all[againPrefix+field]; again {
			p.Shown = ""
		}
		places[field] = p
	}
	return places
}

// SavePlace implements [workflows.Effects].
func (s *Store) SavePlace(ctx context.Context, c workflows.Claim, name, recipient string, p workflows.Place) error {
	shard, err := s.claimShard(c)
	if err != nil {
		return fmt.Errorf("save a place: %w", err)
	}
	field := placeField(name, recipient)
	stored, err := s.seal.place(c.Effect.Workflow, field, p)
	if err != nil {
		return fmt.Errorf("save a place: encode: %w", err)
	}
	sc := &call{shard: shard, script: scriptSavePlace,
		keys: []string{s.keys.queue(shard, c.Effect.Key), s.keys.places(shard, c.Effect.Workflow)},
		args: []any{c.Token, field, stored, againPrefix + field}}
	s.run(ctx, false, sc)
	return held("save a place", sc)
}

// Extend implements [workflows.Effects]; it prolongs claims of timers as well. A lease that ended
// is still ours as long as nobody took over.
func (s *Store) Extend(ctx context.Context, c workflows.Claim, real time.Time) (time.Time, error) {
	shard, err := s.claimShard(c)
	if err != nil {
		return time.Time{}, fmt.Errorf("extend: %w", err)
	}
	until := time.UnixMilli(real.Add(workflows.LeaseFor).UnixMilli())
	if c.Timer != nil {
		return until, s.endTimer(ctx, c, "extend", until)
	}
	sc := &call{shard: shard, counted: true, script: scriptExtend, args: []any{c.Effect.Key, c.Token, millis(until)},
		keys: []string{s.keys.due(shard, workflows.LanePeople), s.keys.due(shard, workflows.LaneBulk),
			s.keys.queue(shard, c.Effect.Key)}}
	s.run(ctx, false, sc)
	return until, held("extend", sc)
}

// Finish implements [workflows.Effects]. For a claim of a timer Done drops it, and otherwise it may
// be claimed again at NotBefore.
func (s *Store) Finish(ctx context.Context, c workflows.Claim, f workflows.Finish) error {
	shard, err := s.claimShard(c)
	if err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	if c.Timer != nil {
		if f.Done {
			return s.DropTimer(ctx, c)
		}
		return s.endTimer(ctx, c, "keep", f.NotBefore)
	}
	notBefore := ""
	if !f.NotBefore.IsZero() {
		notBefore = millis(f.NotBefore)
	}
	sc := &call{shard: shard, counted: true, script: scriptFinish,
		keys: []string{s.keys.due(shard, workflows.LanePeople), s.keys.due(shard, workflows.LaneBulk),
			s.keys.queue(shard, c.Effect.Key),
			s.keys.queue(shard, f.Move), s.keys.places(shard, c.Effect.Workflow)},
		args: []any{c.Effect.Key, c.Token, flag(f.Done), everyMillis(c.Effect), flag(f.Failed), notBefore,
			workflows.LeaseFor.Milliseconds(),
			f.Move}}
	for field, p := range f.Places {
		stored, err := s.seal.place(c.Effect.Workflow, field, p)
		if err != nil {
			return fmt.Errorf("finish: encode a place: %w", err)
		}
		sc.args = append(sc.args, field, stored, againPrefix+field)
	}
	s.run(ctx, false, sc)
	return held("finish", sc)
}

// HoldBack implements [workflows.Effects]. The later of two not-befores counts. Every shard keeps
// its copy, because a script may only look at keys of its own shard.
func (s *Store) HoldBack(ctx context.Context, destination string, until time.Time) error {
	calls := make([]*call, s.shards)
	for shard := range calls {
		calls[shard] = &call{shard: shard, counted: true, script: scriptHold, keys: []string{s.keys.held(shard)},
			args: []any{destination, millis(until)}}
	}
	s.run(ctx, false, calls...)
	for _, c := range calls {
		if c.err != nil {
			return written("hold back "+destination, c.err)
		}
	}
	return nil
}

// held turns the answer of a script that compares a token into an error.
func held(verb string, c *call) error {
	if c.err != nil {
		return written(verb, c.err)
	}
	if c.reply == int64(0) {
		return fmt.Errorf("%s: %w", verb, workflows.ErrLeaseLost)
	}
	return nil
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// everyMillis is a watch's distance; 0 for an effect that is done once.
func everyMillis(e workflows.Effect) int64 {
	if e.Every <= 0 {
		return 0
	}
	return max(1, e.Every.Milliseconds())
}
