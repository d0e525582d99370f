package serve

import (
	"context"
	"sync"
)

// asides are works that Slack or a question of somebody's began, and that nobody waits for while
// Keyholder runs. None outlives it: the record that they write to is closed after the last of them.
type asides struct {
	mu     sync.Mutex
	wg     sync.WaitGroup
	ctx    context.Context // nil: not yet, or over
	cancel context.CancelFunc
	// guard runs a work and lets no panic out; nil: nothing does.
	guard func(context.Context, func(context.Context) error) error
}

// begin lets works run until ctx ends.
func (a *asides) begin(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ctx, a.cancel = context.WithCancel(ctx)
}

// run starts one work, for startPatience at most. Before begin and after end it does nothing: each
// work only hastens what is looked at anyway, at the start or daily.
func (a *asides) run(work func(context.Context)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx == nil {
		return
	}
	ctx, cancel := context.WithTimeout(a.ctx, startPatience)
	a.wg.Go(func() {
		defer cancel()
		if a.guard == nil {
			work(ctx)
			return
		}
		_ = a.guard(ctx, func(ctx context.Context) error { work(ctx); return nil }) // it is logged
	})
}

// end breaks off what still runs and waits for it, startPatience at most.
func (a *asides) end() {
	a.mu.Lock()
	if a.ctx != nil {
		a.cancel()
	}
	a.ctx = nil
	a.mu.Unlock()
	a.wg.Wait()
}
