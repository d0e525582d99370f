package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// What a Redis proxy does with one command of the bot.
const (
	pass       = iota
	loseBefore // the server never hears of it, and the connection breaks
	loseAfter  // the server carries it out, and the connection breaks before its answer arrives
	swallow    // the server never hears of it, and the connection stays open without an answer
)

// redisProxy stands between the bot and Redis and understands enough of the protocol to tell commands apart.
type redisProxy struct {
	l      net.Listener
	target string

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	// decide says what becomes of a command; it is called for one command at a time. after is
	// called when a command that it answered loseBefore or loseAfter for has been lost.
	decide func(args []string) int
	after  func()
	away   bool
	wg     sync.WaitGroup
}

// proxyRedis puts a proxy before the server at addr (host:port).
func proxyRedis(t testing.TB, addr string) *redisProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &redisProxy{l: l, target: addr, conns: map[net.Conn]struct{}{}}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

// url is the proxy's address as REDIS_URL, for one database of the server.
func (p *redisProxy) url(db int) string { return fmt.Sprintf("redis://%s/%d", p.l.Addr(), db) }

// on says what becomes of the commands from now on; nil: they pass.
func (p *redisProxy) on(decide func(args []string) int, after func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decide, p.after = decide, after
}

// goAway cuts every connection and refuses new ones until back is called.
func (p *redisProxy) goAway() {
	p.mu.Lock()
	p.away = true
	p.mu.Unlock()
	p.cut()
}

// back lets connections in again.
func (p *redisProxy) back() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}

func (p *redisProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

// take keeps a connection to be cut; false while the proxy is away.
func (p *redisProxy) take(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *redisProxy) verdict(args []string) (int, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.decide == nil {
		return pass, nil
	}
	return p.decide(args), p.after
}

func (p *redisProxy) serve(client net.Conn) {
	defer client.Close()
	if !p.take(client) {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.take(server) {
		return
	}
	line := &answers{to: client}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(line, server)
		_ = client.Close()
	}()
	p.commands(client, server, line)
	_ = server.Close()
	<-done
}

// commands passes what the client says, command by command.
func (p *redisProxy) commands(client, server net.Conn, line *answers) {
	in := bufio.NewReaderSize(client, 64<<10)
	for {
		raw, args, err := readCommand(in)
		if err != nil {
			return
		}
		what, after := p.verdict(args)
		switch what {
		case loseBefore:
			_ = client.Close()
			if after != nil {
				after()
			}
			return
		case loseAfter:
			lost := line.stop()
			if _, err := server.Write(raw); err == nil {
				<-lost
			}
			_ = client.Close()
			if after != nil {
				after()
			}
			return
		case swallow:
			continue
		}
		if _, err := server.Write(raw); err != nil {
			return
		}
	}
}

// answers is the way back. After stop the next answer is dropped, and the channel closed when it came.
type answers struct {
	to io.Writer

	mu      sync.Mutex
	stopped chan struct{}
	once    sync.Once
}

func (a *answers) stop() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = make(chan struct{})
	return a.stopped
}

func (a *answers) Write(b []byte) (int, error) {
	a.mu.Lock()
	stopped := a.stopped
	a.mu.Unlock()
	if stopped != nil {
		a.once.Do(func() { close(stopped) })
		return 0, io.ErrClosedPipe
	}
	return a.to.Write(b)
}

// readCommand reads one command as clients send it: an array of bulk strings.
func readCommand(in *bufio.Reader) (raw []byte, args []string, err error) {
	head, err := in.ReadBytes('\n')
	if err != nil {
		return nil, nil, err
	}
	raw = append(raw, head...)
	n, err := length(head, '*')
	if err != nil {
		return nil, nil, err
	}
	for range n {
		size, err := in.ReadBytes('\n')
		if err != nil {
			return nil, nil, err
		}
		raw = append(raw, size...)
		l, err := length(size, '$')
		if err != nil {
			return nil, nil, err
		}
		body := make([]byte, l+2)
		if _, err := io.ReadFull(in, body); err != nil {
			return nil, nil, err
		}
		raw = append(raw, body...)
		args = append(args, string(body[:l]))
	}
	return raw, args, nil
}

func length(line []byte, kind byte) (int, error) {
	if len(line) < 4 || line[0] != kind {
		return 0, fmt.Errorf("read a command: %q is not %c and a number", line, kind)
	}
	return strconv.Atoi(strings.TrimSpace(string(line[1:])))
}

// Kinds of script calls, told apart by their keys (store/keys.go): a commit has the index of
// records as its third key, the end of a delivery the places.
func isCommit(args []string) bool { return scriptKey(args, 3, ":records") }

// isFinish is true for what ends the delivery of a card, and for what ends an effect.
func isFinish(args []string) bool {
	return scriptKey(args, 2, ":places:") || scriptKey(args, 3, ":queue:") && scriptKey(args, 4, ":queue:")
}

// isOfCall is true for a commit that asks for a call to integrator.io, or records its answer.
func isOfCall(args []string) bool {
	n, _ := strconv.Atoi(args[2]) // a commit is a script call
	return slices.ContainsFunc(args[3:3+n], func(key string) bool { return strings.Contains(key, ":queue:io/") })
}

// scriptKey reports whether the command is a script call whose n-th key contains part.
func scriptKey(args []string, n int, part string) bool {
	if len(args) < 3 {
		return false
	}
	name := strings.ToLower(args[0])
	if name != "eval" && name != "evalsha" {
		return false
	}
	keys, err := strconv.Atoi(args[2])
	return err == nil && keys >= n && len(args) > 2+n && strings.Contains(args[2+n], part)
}
