package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyholder/keyholder/store/storetest"
)

// killRun is one transfer that a keyholder process carries while the test kills it.
type killRun struct {
	*stage
	proxy *redisProxy
	path  string
	url   string
	log   *buffer

	mu      sync.Mutex
	child   *child
	commits atomic.Int64
	ends    atomic.Int64
	killed  atomic.Bool
}

// databases hands out one database of a shared redis-server to each run.
var databases atomic.Int64

// killable prepares a transfer on its own database behind its own proxy.
func killable(t *testing.T, redis *storetest.Server, edit func(string) string) *killRun {
	t.Helper()
	p := proxyRedis(t, redis.Addr)
	db := int(databases.Add(1))
	r := &killRun{proxy: p, url: p.url(db), log: &buffer{}}
	r.stage = prepare(t, options{redisURL: r.url, edit: edit, from: realTime()}) // the process has no other clock
	r.hurry = time.Minute
	r.path = r.configFile(edit)
	t.Cleanup(r.end)
	return r
}

// begin starts the process and waits for its socket.
func (r *killRun) begin() {
	r.t.Helper()
	r.respawn()
	r.until("the bot to connect", func() bool { return r.slack.Connections() > 0 })
}

func (r *killRun) respawn() {
	c, err := r.spawn(r.path, r.url, r.log)
	if err != nil {
		r.t.Errorf("start keyholder: %v", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.child = c
}

// killNow ends the process with SIGKILL and starts it again.
func (r *killRun) killNow() {
	r.mu.Lock()
	c := r.child
	r.child = nil
	r.mu.Unlock()
	if c == nil {
		return
	}
	c.kill()
	r.killed.Store(true)
	r.respawn()
}

func (r *killRun) end() {
	r.mu.Lock()
	c := r.child
	r.child = nil
	r.mu.Unlock()
	if c != nil {
		c.kill()
	}
}

// killAt lets everything pass and counts; at the n-th write of a kind it does what is asked.
func (r *killRun) killAt(kind func([]string) bool, n int64, what int) {
	var seen atomic.Int64
	r.proxy.on(func(args []string) int {
		if isCommit(args) {
			r.commits.Add(1)
		}
		if isFinish(args) {
			r.ends.Add(1)
		}
		if kind(args) && seen.Add(1) == n {
			return what
		}
		return pass
	}, r.killNow)
}

// stopped ends the process with SIGTERM. One that follows a late kill is let begin first: before it
// listens for signals, SIGTERM ends it as it ends any program.
func (r *killRun) stopped() {
	r.t.Helper()
	r.proxy.on(nil, nil)
	r.until("the process that follows a late kill", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		starts := 1
		if r.killed.Load() {
			starts = 2
		}
		return r.child != nil && strings.Count(r.log.String(), `"starting"`) >= starts
	})
	r.mu.Lock()
	c := r.child
	r.child = nil
	r.mu.Unlock()
	if code := c.stop(r.t); code != 0 {
		r.t.Errorf("SIGTERM ended keyholder with %d", code)
	}
}

// judge compares what is recorded and what the world shows with what one transfer may leave.
func (r *killRun) judge() {
	r.t.Helper()
	r.oneInvitation()
	r.onceEach()
	r.stopped()
	all := r.export(r.path, r.url)
	got := votes(all)
	slices.Sort(got)
	if want := []string{ana, ben}; !slices.Equal(got, want) {
		r.t.Errorf("recorded votes are of %v, want %v", got, want)
	}
	for _, kind := range []string{"transfer.requested", "transfer.approved", "transfer.inviting",
		"transfer.owner_changed", "transfer.ended"} {
		if n := count(all, kind); n != 1 {
			r.t.Errorf("%s is recorded %d times, want once", kind, n)
		}
	}
	for _, secret := range r.tokens() {
		if strings.Contains(r.log.String(), secret) {
			r.t.Errorf("the log holds a secret: %.12s…", secret)
		}
	}
}

// many is a server with a database for each run.
func many(t testing.TB) *storetest.Server { return storetest.Redis(t, "--databases", "512") }

// TestKilledAtEveryCommitATransferGoesOn kills the real program with SIGKILL before and after each
// commit of a whole transfer, and around the ends of deliveries: the message stands in Slack, and
// the record does not know of it yet.
func TestKilledAtEveryCommitATransferGoesOn(t *testing.T) {
	t.Parallel()
	redis := many(t)
	calm := killable(t, redis, quick)
	calm.killAt(isCommit, -1, pass)
	calm.begin()
	begun := time.Now()
	calm.handOver()
	commits, ends := calm.commits.Load(), calm.ends.Load()
	calm.judge()
	if t.Failed() {
		t.Fatal("the transfer fails even when nobody kills it")
	}
	t.Logf("one whole transfer: %d commits, %d deliveries of cards, %s", commits, ends,
		time.Since(begun).Round(10*time.Millisecond))

	step, endStep := int64(1), int64(8)
	switch {
	case testing.Short():
		step, endStep = 6, 16
	case thorough():
		endStep = 2
	case raceDetector:
		endStep = 16 // every commit, but fewer deliveries
	}
	var missed atomic.Int64
	t.Run("points", func(t *testing.T) {
		point := func(name string, kind func([]string) bool, n int64, what int) {
			killPoint(t, redis, &missed, name, kind, n, what)
		}
		for n := int64(1); n <= commits; n += step {
			point("before-commit", isCommit, n, loseBefore)
			point("after-commit", isCommit, n, loseAfter)
		}
		for n := int64(1); n <= ends; n += endStep {
			point("before-delivered", isFinish, n, loseBefore)
			point("after-delivered", isFinish, n+endStep/2, loseAfter)
		}
	})
	if got := missed.Load(); got > 8 {
		t.Errorf("%d runs ended before their kill, so those kills were not tried", got)
	}
}

// killPoint is one transfer with one kill.
func killPoint(t *testing.T, redis *storetest.Server, missed *atomic.Int64, name string, kind func([]string) bool,
	n int64, what int) {
	t.Run(fmt.Sprintf("%s-%02d", name, n), func(t *testing.T) {
		t.Parallel()
		r := killable(t, redis, quick)
		r.killAt(kind, n, what)
		r.begin()
		r.handOver()
		if !r.killed.Load() {
			missed.Add(1)
		}
		r.judge()
		if t.Failed() {
			t.Logf("log:\n%s", r.log)
		}
	})
}
