package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
)

// built is the program as operators run it, built once for all tests.
var built struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// TestMain lets more tests run at once than there are processors: nearly all of their time is
// waiting. Too many would make the bot miss Slack's three seconds.
func TestMain(m *testing.M) {
	flag.Parse()
	atOnce := "16"
	if raceDetector {
		atOnce = "6"
	}
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	testscript.Main(tidied{m}, map[string]func(){"keyholder-demo": main})
}

// tidied runs the tests and then removes what they built together.
type tidied struct{ *testing.M }

func (t tidied) Run() int {
	code := t.M.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	return code
}

// binary builds cmd/keyholder and answers its path.
func binary(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "keyholder-test-"); built.err != nil {
			return
		}
		built.path = filepath.Join(built.dir, "keyholder")
		cmd := exec.Command("go", "build", "-o", built.path, "../keyholder")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatalf("build keyholder: %v", built.err)
	}
	return built.path
}

// child is a running keyholder.
type child struct {
	cmd  *exec.Cmd
	log  *buffer
	done chan error
}

// buffer collects a child's output; its methods may be called at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// tokens are all secrets of a demo.
func (d *demo) tokens() []string {
	return []string{appToken, botToken, d.info.ProductionToken, d.info.SandboxToken}
}

// environment is what the program needs of its surroundings.
func (d *demo) environment(redisURL string) []string {
	return append(os.Environ(), config.EnvSlackAppToken+"="+appToken, config.EnvSlackBotToken+"="+botToken,
		config.EnvSlackAPIURL+"=http://"+d.slackListener.Addr().String()+"/api/", config.EnvRedisURL+"="+redisURL,
		"ACME_IO_TOKEN="+d.info.ProductionToken, "ACME_SANDBOX_TOKEN="+d.info.SandboxToken, mailEnv+"="+d.mail.url())
}

// configFile writes the demo's configuration to a file.
func (s *stage) configFile(edit func(string) string) string {
	s.t.Helper()
	text := s.proving(edit(strings.ReplaceAll(file, "INTEGRATOR", "http://"+s.integratorListener.Addr().String())))
	path := filepath.Join(s.t.TempDir(), "keyholder.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// spawn starts keyholder run; log collects its standard error.
func (s *stage) spawn(path, redisURL string, log *buffer) (*child, error) {
	c := &child{cmd: exec.Command(binary(s.t), "run", "--config", path), log: log, done: make(chan error, 1)}
	c.cmd.Env = append(s.environment(redisURL), s.more...)
	c.cmd.Stderr = log
	c.cmd.WaitDelay = 5 * time.Second
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { c.done <- c.cmd.Wait() }()
	return c, nil
}

// kill ends it at once and waits for its end.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

// stop ends it as an operator does and answers its exit code.
func (c *child) stop(t testing.TB) int {
	t.Helper()
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-c.done:
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		if err != nil {
			t.Errorf("wait for keyholder: %v", err)
		}
		return 0
	case <-time.After(20 * time.Second):
		c.kill()
		t.Errorf("keyholder did not end within 20 s of SIGTERM:\n%s", c.log)
		return -1
	}
}

// command runs one of the operator's commands to its end.
func (s *stage) command(redisURL string, args ...string) (out string, code int) {
	s.t.Helper()
	program := binary(s.t) // before the time begins to run: it may have to be built
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(s.environment(redisURL), s.more...)
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("keyholder %v: %v", args, err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}
