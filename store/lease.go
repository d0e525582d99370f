package store

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// newToken makes a lease's token: the shard, so that a claim finds its way back, and 128 random bits.
func newToken(shard int) string {
	var b [16]byte
	rand.Read(b[:])
	return fmt.Sprintf("%02d-%s", shard, hex.EncodeToString(b[:]))
}

func tokenShard(token string) (int, bool) {
	shard, _, ok := strings.Cut(token, "-")
	n, err := strconv.Atoi(shard)
	return n, ok && err == nil && n >= 0
}

// claimShard is the shard of a claim of this store; anything else was never leased here.
func (s *Store) claimShard(c workflows.Claim) (int, error) {
	n, ok := tokenShard(c.Token)
	if !ok || n >= s.shards {
		return 0, fmt.Errorf("%w: the token is not one of this store", workflows.ErrLeaseLost)
	}
	return n, nil
}

// candidate is something seen due.
type candidate struct {
	shard, lane int
	member      string
	again       int // 1 for a timer whose lease ended
}

// shares picks up to max candidates, one of each shard in turn, so that a shard with much to do
// does not keep others waiting.
func shares(perShard [][]candidate, max int) []candidate {
	var picked []candidate
	for round := 0; len(picked) < max; round++ {
		before := len(picked)
		for _, list := range perShard {
			if round < len(list) && len(picked) < max {
				picked = append(picked, list[round])
			}
		}
		if len(picked) == before {
			break
		}
	}
	return picked
}

// byShard groups candidates for one script call each.
func byShard(list []candidate) map[int][]candidate {
	groups := map[int][]candidate{}
	for _, c := range list {
		groups[c.shard] = append(groups[c.shard], c)
	}
	return groups
}

// numbers reads a script's answer of whole numbers.
func numbers(reply any) []int {
	list, _ := reply.([]any)
	out := make([]int, 0, len(list))
	for _, v := range list {
		n, _ := v.(int64)
		out = append(out, int(n))
	}
	return out
}

// quotas shares out what may be claimed among the shards, one to each in turn.
func quotas(groups map[int][]candidate, free int) map[int]int {
	out := map[int]int{}
	for given := true; given && free > 0; {
		given = false
		for shard, list := range groups {
			if free > 0 && out[shard] < len(list) {
				out[shard]++
				free--
				given = true
			}
		}
	}
	return out
}
