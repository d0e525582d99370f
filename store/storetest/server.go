package storetest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is a real redis-server of the test's own.
type Server struct {
	Addr string // host:port on 127.0.0.1
	URL  string

	dir  string
	args []string

	mu  sync.Mutex
	cmd *exec.Cmd
	log *bytes.Buffer
}

// readyWithin bounds the start of a server, also on a loaded machine.
const readyWithin = 15 * time.Second

// RequireAll is the environment variable that turns the skip of a test without redis-server into a failure.
const RequireAll = "KEYHOLDER_REQUIRE_ALL"

// Redis starts redis-server from PATH on a free port of 127.0.0.1 with its files in the test's own
// directory, and ends it with the test. It keeps a log of changes, so that what is stored survives
// [Server.Restart]. More arguments go to redis-server as they are, as "--maxmemory-policy",
// "allkeys-lru"; a first one that ends in .conf is its configuration file. Without redis-server the
// test is skipped; with KEYHOLDER_REQUIRE_ALL=1 it fails.
func Redis(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv(RequireAll) == "1" {
			t.Fatalf("%s=1, but redis-server is not in PATH", RequireAll)
		}
		t.Skip("NOT RUN: redis-server is not in PATH, so nothing here was tried on a real Redis")
	}
	s := &Server{dir: t.TempDir(), args: args}
	var err error
	for range 3 { // the port may be taken between finding and using it
		if s.Addr, err = freePort(); err != nil {
			t.Fatalf("find a free port: %v", err)
		}
		s.URL = "redis://" + s.Addr + "/0"
		if err = s.Start(); err == nil {
			t.Cleanup(s.Kill)
			return s
		}
	}
	t.Fatalf("start redis-server: %v", err)
	return nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Start starts the server, on the same port and files as before, and waits until it answers.
func (s *Server) Start() error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	args := []string{"--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "yes",
		"--daemonize", "no"}
	if len(s.args) > 0 && strings.HasSuffix(s.args[0], ".conf") {
		args = append(append([]string{s.args[0]}, args...), s.args[1:]...) // a file comes before the options
	} else {
		args = append(args, s.args...)
	}
	s.mu.Lock()
	s.log = &bytes.Buffer{}
	s.cmd = exec.Command("redis-server", args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	err = s.cmd.Start()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if err := s.answers(); err != nil {
		s.Kill()
		return fmt.Errorf("%w; it said: %s", err, s.log.String())
	}
	return nil
}

// answers waits until the server serves.
func (s *Server) answers() error {
	deadline := time.Now().Add(readyWithin)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for time.Now().Before(deadline) {
		if s.ping() {
			return nil
		}
		<-poll.C
	}
	return fmt.Errorf("redis-server at %s does not answer within %s", s.Addr, readyWithin)
}

// ping asks without a client library, which would log each refusal. -LOADING is no answer.
func (s *Server) ping() bool {
	c, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	answer := make([]byte, len("+PONG"))
	_, err = io.ReadFull(c, answer)
	return err == nil && string(answer) == "+PONG"
}

// Stop ends the server as an operator would, so that everything is on disk.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the server at once.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Freeze stops the process where it stands, as a machine that hangs does: its connections stay
// open. [Server.Thaw] lets it go on.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

// signal signals the one process that this Server started, and does not wait for it.
func (s *Server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(sig)
	}
}

// Restart stops and starts the server.
func (s *Server) Restart() error {
	s.Stop()
	return s.Start()
}

// end signals the one process that this Server started.
func (s *Server) end(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	_ = s.cmd.Wait()
	s.cmd = nil
}
