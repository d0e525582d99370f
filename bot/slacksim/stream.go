package slacksim

import (
	"fmt"
	"net/http"
	"time"
)

// burst is how long a stream waits after a change, so that many changes in quick succession are sent together.
const burst = 20 * time.Millisecond

// serveStream tells the page every change as a server-sent event: message, people, channels, read,
// link, clock, views, home, traffic. Each has an id; a stream that comes back with Last-Event-ID
// (or after=) goes on where it broke off. When that is too long ago, or was another server, the
// event reset says so and the page loads anew.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	at := r.Header.Get("Last-Event-ID")
	if at == "" {
		at = r.URL.Query().Get("after")
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	if _, err := fmt.Fprint(w, "retry: 1000\n\n"); err != nil {
		return
	}
	for {
		s.mu.Lock()
		changed := s.changed
		s.step()
		l, ok := s.since(at)
		epoch := s.journal.epoch
		at = s.position()
		s.mu.Unlock()
		if writeEntries(w, epoch, at, l, ok) != nil || out.Flush() != nil {
			return // the page has gone
		}
		select {
		case <-changed:
			if !pause(r.Context(), burst) {
				return
			}
		case <-alive.C:
			if _, err := fmt.Fprint(w, ": alive\n\n"); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.stop:
			return
		}
	}
}

func writeEntries(w http.ResponseWriter, epoch, at string, l []entry, ok bool) error {
	if !ok {
		_, err := fmt.Fprintf(w, "id: %s\nevent: reset\ndata: {}\n\n", at)
		return err
	}
	for _, e := range l {
		if _, err := fmt.Fprintf(w, "id: %s-%d\nevent: %s\ndata: %s\n\n", epoch, e.n, e.kind, e.data); err != nil {
			return err
		}
	}
	return nil
}
