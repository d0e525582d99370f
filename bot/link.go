package bot

import (
	"context"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

// linkTimeout bounds looking a link up: an answer without one is better than a late one.
const linkTimeout = 1500 * time.Millisecond

// maxLinks bounds the cache of links, which never change; it is emptied when full.
const maxLinks = 5000

// placeBook remembers links of messages and the direct-message conversations of people.
type placeBook struct {
	mu    sync.Mutex
	links map[string]string // channel/ts -> link
	dms   map[string]string // user -> D…
}

func newPlaceBook() *placeBook {
	return &placeBook{links: map[string]string{}, dms: map[string]string{}}
}

func (p *placeBook) get(m map[string]string, key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return m[key]
}

func (p *placeBook) put(m map[string]string, key, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(m) >= maxLinks {
		clear(m)
	}
	m[key] = value
}

// linkTo answers the permanent link of a person's own card of a workflow, "" when there is none.
func (b *Bot) linkTo(ctx context.Context, workflow, person string) string {
	if workflow == "" || b.o.Desk == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, linkTimeout)
	defer cancel()
	place, ok, err := b.o.Desk.Place(ctx, workflow, "main", person)
	if err != nil || !ok || place.TS == "" {
		return ""
	}
	key := place.Channel + "/" + place.TS
	if l := b.places.get(b.places.links, key); l != "" {
		return l
	}
	l, err := b.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: place.Channel, Ts: place.TS})
	if err != nil || l == "" {
		return ""
	}
	b.places.put(b.places.links, key, l)
	return l
}
