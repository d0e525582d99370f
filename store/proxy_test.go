package store_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Ways in which a connection to Redis goes wrong.
const (
	pass      = iota
	swallow   // what the client sends goes nowhere; nobody answers
	mute      // the server works, its answers never arrive
	cutBefore // the connection breaks before the server has heard anything
	cutAfter  // the server works, and the connection breaks instead of the answer
)

// proxy stands between store and server. The mode counts for each piece of data as it passes.
type proxy struct {
	l      net.Listener
	target string
	mode   atomic.Int32

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{l: l, target: target}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.cut()
		running.Wait()
	})
	return p
}

func (p *proxy) url() string { return "redis://" + p.l.Addr().String() }

// cut breaks every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		client.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, client, server)
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, client, swallow, cutBefore) })
	both.Go(func() { p.copy(client, server, mute, cutAfter) })
	both.Wait()
}

// copy passes data on; in mode drop it goes nowhere, in mode cut both connections break.
func (p *proxy) copy(to, from net.Conn, drop, cut int32) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		switch p.mode.Load() {
		case drop:
		case cut:
			return
		default:
			if _, werr := to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err == io.EOF || err != nil {
			return
		}
	}
}
