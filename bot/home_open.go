package bot

import (
	"context"
	"sync"
	"time"
)

// Slack tells that a Home was opened, and not that it was closed. It is taken for open for a while
// after its person opened it or pressed something in it; meanwhile it is made anew when a card of
// theirs changed, and now and then besides, for what another process did. It is published only
// where it says something new.
const (
	homeOpenFor = 10 * time.Minute
	homeLook    = 30 * time.Second // when nothing is heard
	homeSettle  = time.Second      // several changes in a row are one
	maxHomes    = 200              // open at once in this process; the rest are as of when they were opened
)

// openHomes are the Homes that are taken for open.
type openHomes struct {
	mu sync.Mutex
	by map[string]*openHome
}

type openHome struct {
	until  time.Time
	mark   string // of what was published last
	change chan struct{}
}

// opened keeps somebody's Home up to date from now on.
func (h *openHomes) opened(b *Bot, who visitor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	until := b.o.RealNow().Add(homeOpenFor)
	if o := h.by[who.user]; o != nil {
		o.until = until
		return
	}
	if len(h.by) >= maxHomes || b.ending.Load() {
		return
	}
	if h.by == nil {
		h.by = map[string]*openHome{}
	}
	o := &openHome{until: until, change: make(chan struct{}, 1)}
	h.by[who.user] = o
	b.wg.Go(func() { h.follow(b, who, o) })
}

// shown notes what a Home says by now.
func (h *openHomes) shown(user, mark string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o := h.by[user]; o != nil {
		o.mark = mark
	}
}

// changed says that something of somebody's is new.
func (h *openHomes) changed(user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o := h.by[user]; o != nil {
		select {
		case o.change <- struct{}{}:
		default:
		}
	}
}

// follow keeps one Home up to date until it is taken for closed.
func (h *openHomes) follow(b *Bot, who visitor, o *openHome) {
	look := time.NewTicker(homeLook)
	defer look.Stop()
	for {
		wait := time.Duration(0)
		select {
		case <-b.stopping.Done():
			return
		case <-look.C:
		case <-o.change:
			wait = homeSettle
		}
		h.mu.Lock()
		over := !b.o.RealNow().Before(o.until)
		if over {
			delete(h.by, who.user)
		}
		h.mu.Unlock()
		if over {
			return
		}
		select {
		case <-b.stopping.Done():
			return
		case <-time.After(wait):
		}
		b.refreshHome(who, func(mark string) bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return mark != o.mark
		})
	}
}

// refreshHome publishes somebody's Home where it is new.
func (b *Bot) refreshHome(who visitor, isNew func(mark string) bool) {
	ctx, cancel := context.WithTimeout(b.stopping, homeTimeout)
	defer cancel()
	v := &visit{b: b, arrival: arrival{kind: kindEvent, who: who}, at: b.o.RealNow()}
	blocks := v.homeBlocks(ctx)
	if mark := homeMark(blocks); ctx.Err() == nil && isNew(mark) {
		b.putHome(ctx, who.user, blocks, mark)
	}
}
