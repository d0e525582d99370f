package loops

import (
	"maps"
	"sync"
)

// hints tell a loop where to look. All is everywhere.
type hints struct {
	wake chan struct{}

	mu    sync.Mutex
	all   bool
	some  map[int]bool
	given map[int]uint64 // how often somebody said of a shard that something was written there
}

func newHints() *hints {
	return &hints{wake: make(chan struct{}, 1), some: map[int]bool{}, given: map[int]uint64{}}
}

// give wakes a looker; without shards it looks everywhere. It never blocks.
func (h *hints) give(shards ...int) {
	h.mu.Lock()
	h.all = h.all || len(shards) == 0
	for _, s := range shards {
		h.some[s] = true
		h.given[s]++
	}
	h.mu.Unlock()
	h.again()
}

// heard answers how often each shard was named so far.
func (h *hints) heard() map[int]uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.given)
}

// since reports whether a shard was named after heard.
func (h *hints) since(heard map[int]uint64, shard int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.given[shard] != heard[shard]
}

// again wakes a looker for what was hinted at already.
func (h *hints) again() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// take answers where to look, once; ok false: nowhere. No shards: everywhere.
func (h *hints) take() (shards []int, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ok = h.all || len(h.some) > 0
	if !h.all {
		for s := range h.some {
			shards = append(shards, s)
		}
	}
	h.all = false
	clear(h.some)
	return shards, ok
}
