package bot

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// deafAfter is how long a socket may be silent. Slack pings about every 10 s; slack-go itself needs
// up to a minute to notice.
const deafAfter = 35 * time.Second

// alive watches the socket below the WebSocket, where pings are visible: slack-go swallows them,
// and the recency of events says nothing about a workspace in which nobody clicks.
type alive struct {
	now func() time.Time

	mu    sync.Mutex
	conn  *watchedConn // the newest
	hello bool
	heard time.Time
}

func newAlive(now func() time.Time) *alive { return &alive{now: now} }

// dialer opens the socket. Its write buffer holds the largest answer, because Slack does not put
// continuation frames together again.
func (a *alive) dialer() *websocket.Dialer {
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	return &websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: 15 * time.Second,
		WriteBufferSize:  32 << 10,
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := d.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			w := &watchedConn{Conn: c, a: a}
			a.mu.Lock()
			a.conn, a.hello = w, false
			a.mu.Unlock()
			return w, nil
		},
	}
}

func (a *alive) said() { // hello
	a.mu.Lock()
	a.hello, a.heard = a.conn != nil, a.now()
	a.mu.Unlock()
}

func (a *alive) connected() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conn != nil && a.hello && a.now().Sub(a.heard) < deafAfter
}

type watchedConn struct {
	net.Conn
	a *alive
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	if c.a.conn != c {
		return n, err
	}
	if n > 0 {
		c.a.heard = c.a.now()
	}
	if err != nil {
		c.a.conn, c.a.hello = nil, false
	}
	return n, err
}

func (c *watchedConn) Close() error {
	c.a.mu.Lock()
	if c.a.conn == c {
		c.a.conn, c.a.hello = nil, false
	}
	c.a.mu.Unlock()
	return c.Conn.Close()
}
