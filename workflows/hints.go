package workflows

import "sync"

// hints tell a loop where to look. All is everywhere.
type hints struct {
	wake chan struct{}

	mu   sync.Mutex
	all  bool
	some map[int]bool
}

func newHints() *hints { return &hints{wake: make(chan struct{}, 1), some: map[int]bool{}} }

// give wakes a looker; without shards it looks everywhere. It never blocks.
func (h *hints) give(shards ...int) {
	h.mu.Lock()
	h.all = h.all || len(shards) == 0
	for _, s := range shards {
		h.some[s] = true
	}
	h.mu.Unlock()
	h.again()
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
