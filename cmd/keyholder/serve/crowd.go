package serve

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/keyholder/keyholder/store"
)

const (
	// presenceEvery is how often a process says that it is there; a third of what it then counts for.
	presenceEvery = store.PresentFor / 3
	// crowdPatience is how long more connections than processes are taken for a change of processes
	// that the count has not caught up with: one that was killed is connected for a while, and one
	// that just started has not said so yet.
	crowdPatience = store.PresentFor + presenceEvery
)

// crowd compares how many connections Slack has for the app with how many processes work on this
// record. Slack sends each click to one of them, so those of another installation with the same
// tokens take part of the clicks, and record them elsewhere or not at all. It tells operators;
// nothing else rests on it.
type crowd struct {
	mu          sync.Mutex
	connections int       // as Slack said last when a connection began
	most        int       // the most processes there were since that was said
	said        time.Time // when; zero: not yet, or nothing is left to say about it
}

// hello notes what Slack says when a connection begins.
func (c *crowd) hello(connections int, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connections, c.most, c.said = connections, 0, at
}

// count notes how many processes there are, and answers how many connections are not of this
// record: once, when it stays so.
func (c *crowd) count(processes int, at time.Time) (strangers int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = max(c.most, processes)
	if c.said.IsZero() || at.Sub(c.said) < crowdPatience {
		return 0
	}
	c.said = time.Time{}
	return max(0, c.connections-c.most)
}

// countProcesses says that this process is there until ctx ends, and warns of connections that are not of this record.
func (s *Server) countProcesses(ctx context.Context) error {
	id := rand.Text()
	tick := time.NewTicker(presenceEvery)
	defer tick.Stop()
	for {
		bounded, cancel := context.WithTimeout(ctx, 2*time.Second)
		n, err := s.store.Present(bounded, id)
		cancel()
		if err == nil {
			s.metrics.processes.Set(float64(n))
			if strangers := s.crowd.count(n, s.o.RealNow()); strangers > 0 {
				s.o.Log.Warn().Int("connections", n+strangers).Int("processes", n).
					Msg("Slack has more connections for this app than there are Keyholders on this record: another installation with the same tokens takes part " +
						"of the clicks. End it, or give it an app of its own")
			}
		}
		select {
		case <-ctx.Done():
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = s.store.Absent(bounded, id) // it ends by itself
			return nil
		case <-tick.C:
		}
	}
}
